//! C declarations, as a header or a manual page has them, to types and signatures.
//!
//! [`Header::parse`] takes a text of prototypes, structs, unions, enums, typedefs, variables and
//! constants, and hands out a [`Signature`](ffi_types::Signature) for each function and a
//! [`Type`](ffi_types::Type) for whatever can be passed by value. Sizes are those of the platform
//! named in [`Options`], on any host.
//!
//! ```
//! use ffi_cdecl::{Header, Options};
//! use ffi_types::{Convention, Win64};
//!
//! let text = "
//!     #pragma pack(push, 4)
//!     struct entry { char tag; double value; long next; };
//!     #pragma pack(pop)
//!     extern struct entry *lookup(const char *name, size_t length);
//! ";
//! let header = Header::parse(text)?;
//! assert_eq!(header.function("lookup").unwrap().signature()?.to_string(),
//!     "void * (void *, uint64_t)");
//!
//! let windows = Options::for_convention(Convention::Win64(Win64::Msvc)).parse(text)?;
//! assert_eq!(windows.ty("struct entry")?.size(), 16);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The text is not run through a C preprocessor first, though conditions and `#define`s of
//! constants are followed. For a header that includes others, give the output of `cc -E`.
//!
//! # When to use it alone
//! To read headers where nothing is called: a binding generator, a debugger, a check of what a
//! library exports, for another platform than the running one too. The facade `ffi` has it as its
//! feature `cdecl`. There are no features here.
//!
//! No input makes it panic or use unbounded stack: what nests is counted, and every mistake is
//! reported with its line, its column and what was expected there. `no_std` with `alloc`.
#![no_std]

/// The examples of `docs/declarations.md`.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/declarations.md")]
struct Guide;

extern crate alloc;

mod annotations;
mod attributes;
mod constant;
mod ctype;
mod declarator;
mod define;
mod error;
mod header;
mod items;
mod lex;
mod lower;
mod names;
mod options;
mod parser;
mod preprocess;
mod record;
mod source;
mod specifiers;
mod terms;
mod unknown;

pub use constant::unescape;
pub use ctype::{
    Basic, DeclaredKind, DeclaredType, FunctionType, Parameter, Qualifiers, Tag, TagId, TagKind,
};
pub use error::{ParseError, ParseErrors, Place, Position, Problem, UnsupportedTypeError, Warning};
pub use ffi_types::nearest;
pub use header::Header;
pub use items::{Constant, Enumeration, Function, Member, Record, SignatureError, Variable};
pub use options::Options;
