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
    let texts: Vec<String> = names.iter().map(text).collect();
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
    let elements: Vec<&Type> = rust.iter().map(|ty| element(ty)).collect();
    let constants = |constant: TokenStream| -> Vec<TokenStream> {
        let of = |ty: &&Type| quote_spanned!(ty.span()=> <#ty as #krate::CType>::#constant);
        elements.iter().map(of).collect()
    };
    let (any_bits, any_value) = (constants(quote!(ANY_BITS)), constants(quote!(ANY_VALUE)));
    let start = match kind {
        Kind::Struct => quote!(structure),
        Kind::Union => quote!(union),
    };
    let union = kind == Kind::Union;
    let tag = text(name);
    let packed = attributes.packed.iter();
    let align = attributes.align.iter();
    let (pack_number, align_number) = (number(&attributes.packed), number(&attributes.align));
    let size_text = format!("`{tag}` has another size than C would give it");
    let align_text = format!("`{tag}` has another alignment than C would give it");
    let offset_texts =
        texts.iter().map(|text| format!("`{tag}.{text}` is elsewhere than C would put it"));
    let with_bytes = rust.iter().zip(&texts).map(|(ty, text)| {
        let message = format!("`{tag}.{text}` has no bytes, as no member of C's");
        quote_spanned!(ty.span()=> ::core::assert!(::core::mem::size_of::<#ty>() > 0, #message);)
    });
    let indices = 0..count;
    // The names are such that no constant is hidden that an array's length refers to, and the
    // checks are in an `impl`, where `Self` is what it is in the type's own text.
    Ok(quote! {
        // SAFETY: the layout is asserted below to be C's, and the members are of C types in the
        // same order.
        #[automatically_derived]
        unsafe impl #krate::CType for #name {
            const ANY_BITS: bool = true #(&& #any_bits)*;
            const ANY_VALUE: bool = true #(&& #any_value)*;

            fn c_type() -> #krate::Type {
                static __C_TYPE: #krate::TypeCell = #krate::TypeCell::new();
                __C_TYPE.get_or_build(|| {
                    #krate::Type::#start(#tag)
                        #(.field(#texts, #types))*
                        #(.pack(#packed))*
                        #(.align(#align))*
                        .build()
                })
            }
        }

        const _: () = {
            trait __Checked {
                const LAYOUT: ([usize; #count], usize, usize);
                const CHECKED: ();
            }

            impl __Checked for #name {
                const LAYOUT: ([usize; #count], usize, usize) = #krate::c_layout(
                    [#((::core::mem::size_of::<#rust>(), ::core::mem::align_of::<#rust>())),*],
                    #union,
                    #pack_number,
                    #align_number,
                );
                const CHECKED: () = {
                    let (offsets, size, align) = <Self as __Checked>::LAYOUT;
                    #(#with_bytes)*
                    ::core::assert!(size == ::core::mem::size_of::<Self>(), #size_text);
                    ::core::assert!(align == ::core::mem::align_of::<Self>(), #align_text);
                    #(::core::assert!(
                        offsets[#indices] == ::core::mem::offset_of!(Self, #accesses),
                        #offset_texts
                    );)*
                };
            }

            <#name as __Checked>::CHECKED
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

/// A name without what makes it one in Rust.
fn text(name: &Ident) -> String {
    name.to_string().trim_start_matches("r#").into()
}

/// A type without what surrounds it where a macro put it there.
fn bare(mut ty: &Type) -> &Type {
    loop {
        ty = match ty {
            Type::Group(group) => &group.elem,
            Type::Paren(paren) => &paren.elem,
            other => return other,
        };
    }
}

/// What an array is of, however deep; another type itself.
fn element(ty: &Type) -> &Type {
    let mut ty = bare(ty);
    while let Type::Array(array) = ty {
        ty = bare(&array.elem);
    }
    ty
}

/// The C type of a field.
fn c_type(ty: &Type, krate: &syn::Path) -> TokenStream {
    let (mut inner, mut lengths) = (bare(ty), Vec::new());
    while let Type::Array(array) = inner {
        lengths.push(&array.len);
        inner = bare(&array.elem);
    }
    let element = quote_spanned!(inner.span()=> <#inner as #krate::CType>::c_type());
    // Neither void nor of length 0: asserted, and no `CType` with a size is void.
    lengths.into_iter().rev().fold(
        element,
        |element, len| quote!(#krate::Type::array(#element, #len).expect("its size is not 0")),
    )
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
    if let Type::Array(array) = bare(ty) {
        let message = "C neither passes nor returns arrays: use a `#[repr(C)]` struct of one";
        return Err(Error::new(array.span(), message));
    }
    Ok(quote! {
        // SAFETY: transparent to a type that is one.
        #[automatically_derived]
        unsafe impl #krate::CType for #name {
            const SCALAR: ::core::option::Option<#krate::Scalar> = <#ty as #krate::CType>::SCALAR;
            const KIND: ::core::option::Option<#krate::TypeKind> = <#ty as #krate::CType>::KIND;
            const ANY_BITS: bool = <#ty as #krate::CType>::ANY_BITS;
            const ANY_VALUE: bool = <#ty as #krate::CType>::ANY_VALUE;

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
    let message = format!("`{}` has another size than its integer", text(name));
    Ok(quote! {
        // SAFETY: the representation is that integer; C promises to hand over declared values.
        #[automatically_derived]
        unsafe impl #krate::CType for #name {
            const SCALAR: ::core::option::Option<#krate::Scalar> =
                <#integer as #krate::CType>::SCALAR;
            const ANY_VALUE: bool = false;

            fn c_type() -> #krate::Type {
                <#integer as #krate::CType>::c_type()
            }
        }

        const _: () = ::core::assert!(
            ::core::mem::size_of::<#name>() == ::core::mem::size_of::<#integer>(),
            #message
        );
    })
}
