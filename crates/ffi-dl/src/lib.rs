//! Shared libraries and their symbols, with lifetimes and typed errors.
//!
//! A [`Library`] is opened by name, by path, or as the program itself; a [`Symbol`] borrows it and
//! so cannot outlive it, and an [`OwnedSymbol`] keeps it open. The work underneath is
//! `libloading`'s; this crate adds flags, versioned and optional symbols, variables, and an error
//! that says what was tried. Depends on no other crate of its workspace: use it alone wherever a
//! library is loaded.
//!
//! ```
//! # #[cfg(target_os = "linux")] {
//! use ffi_dl::Library;
//!
//! // SAFETY: the C library's mathematics has no constructors that could do harm.
//! let libm = unsafe { Library::open("libm.so.6") }?;
//! // SAFETY: `double sqrt(double)`.
//! let sqrt = unsafe { libm.get::<extern "C" fn(f64) -> f64>("sqrt") }?;
//! assert_eq!(sqrt(16.0), 4.0);
//! # }
//! # Ok::<(), ffi_dl::LibraryError>(())
//! ```

mod error;
mod flags;
mod library;
mod symbol;

pub use error::{LibraryError, LibraryProblem, Operation};
pub use flags::Flags;
pub use library::Library;
pub use symbol::{OwnedSymbol, Symbol};
