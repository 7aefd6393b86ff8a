//! What the attributes of a type say.

use syn::{Attribute, Error, Ident, LitInt, Path, Result, parenthesized, parse_quote};

/// `#[repr(…)]` and `#[c_type(…)]`.
pub(crate) struct Attributes {
    pub(crate) c: bool,
    pub(crate) transparent: bool,
    /// The integer of an enum.
    pub(crate) integer: Option<Ident>,
    /// 1 for `packed`.
    pub(crate) packed: Option<LitInt>,
    pub(crate) align: Option<LitInt>,
    /// The crate that the code refers to.
    pub(crate) krate: Path,
}

const INTEGERS: [&str; 10] =
    ["i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "isize", "usize"];

pub(crate) fn parse(attributes: &[Attribute]) -> Result<Attributes> {
    let mut found = Attributes {
        c: false,
        transparent: false,
        integer: None,
        packed: None,
        align: None,
        krate: parse_quote!(::ffi),
    };
    for attribute in attributes {
        if attribute.path().is_ident("repr") {
            attribute.parse_nested_meta(|meta| {
                let Some(name) = meta.path.get_ident() else { return Ok(()) };
                let number = || {
                    let content;
                    parenthesized!(content in meta.input);
                    content.parse::<LitInt>()
                };
                match name.to_string().as_str() {
                    "C" => found.c = true,
                    "transparent" => found.transparent = true,
                    "packed" if meta.input.is_empty() || meta.input.peek(syn::Token![,]) => {
                        found.packed = Some(LitInt::new("1", name.span()));
                    }
                    "packed" => found.packed = Some(number()?),
                    "align" => found.align = Some(number()?),
                    other if INTEGERS.contains(&other) => found.integer = Some(name.clone()),
                    _ => return Err(meta.error("C has no such representation")),
                }
                Ok(())
            })?;
        } else if attribute.path().is_ident("c_type") {
            attribute.parse_nested_meta(|meta| {
                if !meta.path.is_ident("crate") {
                    return Err(meta.error("expected `crate = path`"));
                }
                found.krate = meta.value()?.parse()?;
                Ok(())
            })?;
        }
    }
    Ok(found)
}

/// The error for a type that Rust may lay out as it likes.
pub(crate) fn not_c(name: &Ident, wanted: &str) -> Error {
    Error::new(name.span(), format!("Rust may lay `{name}` out as it likes: add `{wanted}`"))
}
