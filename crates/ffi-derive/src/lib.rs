//! `#[derive(CType)]`: Rust structs, unions and enums as C types.
//!
//! The derive implements `ffi_types::CType` for types whose layout `repr` makes C's: structs and
//! unions of `#[repr(C)]`, also `packed`, `packed(N)` and `align(N)`, newtypes of
//! `#[repr(transparent)]`, and enums without fields. It is checked when the program is compiled
//! that the layout by C's rules is the one that Rust has. Use it through the facade `ffi`, which
//! exports it beside the trait; alone, as here, with `ffi-types` where nothing is called. It has no
//! features.
//!
//! ```
//! use ffi_types::CType;
//! #[derive(Clone, Copy, ffi_derive::CType)]
//! #[c_type(crate = ffi_types)]
//! #[repr(C)]
//! struct Point { x: f64, y: f64 }
//!
//! assert_eq!(Point::c_type().to_string(), "struct Point { double x; double y; }");
//! ```

mod expand;
mod repr;

use proc_macro::TokenStream;

/// Implements `CType`; the type has to be `Copy` as well.
///
/// | Rust | C |
/// | --- | --- |
/// | `#[repr(C)] struct`, with named or numbered fields | `struct`; numbered fields are `f0`, `f1`, … |
/// | `#[repr(C)] union` | `union` |
/// | `#[repr(transparent)] struct` of one field | that field's type |
/// | `#[repr(C)] enum` without fields | `int` |
/// | `#[repr(u8)] enum` and the like | `uint8_t` and the like |
///
/// Fields are of types that are `CType`, or arrays of those. The type takes any bits
/// (`CType::ANY_BITS`) if all of its fields do, and safe code can then make one of any: write
/// `CType` by hand for a type whose private fields promise more.
///
/// An enum does not take every integer (`CType::ANY_VALUE`), and neither does what has one for a
/// field. As an argument of a closure or as a result it is what C says it is: C that hands one over
/// promises that it is one of those declared, by whoever calls it or gives it the closure. What
/// has no such promise, as the bytes of a `Value`, is read as an integer and not as an enum.
///
/// The code refers to the crate `ffi`; `#[c_type(crate = ffi_types)]` says another one that has
/// `CType`, `Type`, `TypeKind`, `TypeCell`, `Scalar` and `c_layout`.
#[proc_macro_derive(CType, attributes(c_type))]
pub fn derive_c_type(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    expand::expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}
