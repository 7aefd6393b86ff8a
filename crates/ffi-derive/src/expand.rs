//! The implementation that the derive writes.

use crate::repr::{self, Attributes, not_c};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DataEnum, DeriveInput, Error, Field, Result, Type};

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    if let Some(parameter) = input.generics.params.first() {
        let message = "a C type has no parameters: make a type for each that is used";
        return Err(Error::new(parameter.span(), message));
    }
    let attributes = repr::parse(&input.attrs)?;
    match &input.data {
        Data::Struct(data) if attributes.transparent => {
            transparent(input, &attributes, data.fields.iter())
        }
        Data::Struct(data) => {
            record(input, &attributes, data.fields.iter().collect(), Kind::Struct)
        }
        Data::Union(data) => {
            record(input, &attributes, data.fields.named.iter().collect(), Kind::Union)
        }
        Data::Enum(data) => enumeration(input, &attributes, data),
    }
}

#[derive(PartialEq)]
enum Kind {
    Struct,
    Union,
}

fn record(
    input: &DeriveInput,
    attributes: &Attributes,
    fields: Vec<&Field>,
    kind: Kind,
) -> Result<TokenStream> {
    let (name, krate) = (&input.ident, &attributes.krate);
    if !attributes.c {
        return Err(not_c(name, "#[repr(C)]"));
    }
    if fields.is_empty() {
        let message = "C has no struct without members: pass nothing in its place";
        return Err(Error::new(name.span(), message));
    }
    let count = fields.len();
    let names: Vec<Ident> = fields.iter().enumerate().map(|(index, f)| member(f, index)).collect();
    let texts: Vec<String> =
        names.iter().map(|name| name.to_string().trim_start_matches("r#").into()).collect();
    let accesses: Vec<TokenStream> = fields
        .iter()
        .enumerate()
        .map(|(index, field)| match &field.ident {
            Some(name) => quote!(#name),
            None => {
                let index = syn::Index::from(index);
                quote!(#index)
            }
        })
        .collect();
    let rust: Vec<&Type> = fields.iter().map(|field| &field.ty).collect();
    let types: Vec<TokenStream> = rust.iter().map(|ty| c_type(ty, krate)).collect();
    let any_bits: Vec<TokenStream> = rust.iter().map(|ty| constant(ty, krate)).collect();
    let start = match kind {
        Kind::Struct => quote!(structure),
        Kind::Union => quote!(union),
    };
    let union = kind == Kind::Union;
    let tag = name.to_string();
    let packed = attributes.packed.iter();
    let align = attributes.align.iter();
    let (pack_number, align_number) = (number(&attributes.packed), number(&attributes.align));
    let size_text = format!("`{name}` has another size than C would give it");
    let align_text = format!("`{name}` has another alignment than C would give it");
    let offset_texts =
        texts.iter().map(|text| format!("`{name}.{text}` is elsewhere than C would put it"));
    let indices = 0..count;
    Ok(quote! {
        // SAFETY: the layout is asserted below to be C's, and the members are of C types in the
        // same order.
        #[automatically_derived]
        unsafe impl #krate::CType for #name {
            const ANY_BITS: bool = true #(&& #any_bits)*;

            fn c_type() -> #krate::Type {
                static TYPE: #krate::TypeCell = #krate::TypeCell::new();
                TYPE.get_or_build(|| {
                    #krate::Type::#start(#tag)
                        #(.field(#texts, #types))*
                        #(.pack(#packed))*
                        #(.align(#align))*
                        .build()
                })
            }
        }

        const _: () = {
            const LAYOUT: ([usize; #count], usize, usize) = #krate::c_layout(
                [#((::core::mem::size_of::<#rust>(), ::core::mem::align_of::<#rust>())),*],
                #union,
                #pack_number,
                #align_number,
            );
            assert!(LAYOUT.1 == ::core::mem::size_of::<#name>(), #size_text);
            assert!(LAYOUT.2 == ::core::mem::align_of::<#name>(), #align_text);
            #(assert!(
                LAYOUT.0[#indices] == ::core::mem::offset_of!(#name, #accesses),
                #offset_texts
            );)*
            #(assert!(::core::mem::size_of::<#rust>() > 0, "C has no member of size 0");)*
        };
    })
}

fn number(literal: &Option<syn::LitInt>) -> TokenStream {
    literal.as_ref().map_or(quote!(0), |literal| quote!(#literal))
}

/// The name of a member in C.
fn member(field: &Field, index: usize) -> Ident {
    field.ident.clone().unwrap_or_else(|| format_ident!("f{index}"))
}

/// The C type of a field.
fn c_type(ty: &Type, krate: &syn::Path) -> TokenStream {
    if let Type::Array(array) = ty {
        let (element, len) = (c_type(&array.elem, krate), &array.len);
        // Neither void nor of length 0: asserted, and no `CType` with a size is void.
        return quote!(#krate::Type::array(#element, #len).expect("its size is not 0"));
    }
    quote_spanned!(ty.span()=> <#ty as #krate::CType>::c_type())
}

/// Whether a field takes any bits.
fn constant(ty: &Type, krate: &syn::Path) -> TokenStream {
    match ty {
        Type::Array(array) => constant(&array.elem, krate),
        _ => quote_spanned!(ty.span()=> <#ty as #krate::CType>::ANY_BITS),
    }
}

fn transparent<'a>(
    input: &DeriveInput,
    attributes: &Attributes,
    mut fields: impl Iterator<Item = &'a Field>,
) -> Result<TokenStream> {
    let (name, krate) = (&input.ident, &attributes.krate);
    let (Some(field), None) = (fields.next(), fields.next()) else {
        let message = "expected one field, whose type this has in C";
        return Err(Error::new(name.span(), message));
    };
    let ty = &field.ty;
    if let Type::Array(array) = ty {
        let message = "C neither passes nor returns arrays: use a `#[repr(C)]` struct of one";
        return Err(Error::new(array.span(), message));
    }
    Ok(quote! {
        // SAFETY: transparent to a type that is one.
        #[automatically_derived]
        unsafe impl #krate::CType for #name {
            const SCALAR: ::core::option::Option<#krate::Scalar> = <#ty as #krate::CType>::SCALAR;
            const ANY_BITS: bool = <#ty as #krate::CType>::ANY_BITS;

            fn c_type() -> #krate::Type {
                <#ty as #krate::CType>::c_type()
            }
        }
    })
}

fn enumeration(
    input: &DeriveInput,
    attributes: &Attributes,
    data: &DataEnum,
) -> Result<TokenStream> {
    let (name, krate) = (&input.ident, &attributes.krate);
    if let Some(variant) = data.variants.iter().find(|variant| !variant.fields.is_empty()) {
        let message = "C's enums have no fields: use a struct of a tag and a union";
        return Err(Error::new(variant.fields.span(), message));
    }
    let integer = match (&attributes.integer, attributes.c) {
        (Some(integer), _) => integer.clone(),
        (None, true) => Ident::new("i32", Span::call_site()),
        (None, false) => return Err(not_c(name, "#[repr(C)]` or, say, `#[repr(u8)]")),
    };
    let text = format!("`{name}` has another size than its integer");
    Ok(quote! {
        // SAFETY: the representation is that integer; C promises to hand over declared values.
        #[automatically_derived]
        unsafe impl #krate::CType for #name {
            const SCALAR: ::core::option::Option<#krate::Scalar> =
                <#integer as #krate::CType>::SCALAR;

            fn c_type() -> #krate::Type {
                <#integer as #krate::CType>::c_type()
            }
        }

        const _: () = assert!(
            ::core::mem::size_of::<#name>() == ::core::mem::size_of::<#integer>(),
            #text
        );
    })
}
