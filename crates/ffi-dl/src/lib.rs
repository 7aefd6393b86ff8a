//! Shared libraries and their symbols, with lifetimes and typed errors.
//!
//! A [`Library`] is opened by name, by path, or as the program itself. A [`Symbol`] borrows its
//! library and so cannot outlive it; an [`OwnedSymbol`] keeps it open instead. `libloading` does
//! the work underneath. This crate adds [`Flags`], variables, optional and versioned symbols, and
//! a [`LibraryError`] that says what was tried, on which name, and what the system answered.
//!
//! # When to use it alone
//! The crate depends on no other of its workspace. It is enough wherever the types of the
//! functions are known when the program is compiled: a plugin with a fixed interface, a library
//! that may or may not be installed. Where a signature is known only at run time, the facade
//! `ffi` calls what is found here.
//!
//! # Examples
//! ```
//! # #[cfg(any(target_os = "linux", windows))] {
//! use ffi_dl::Library;
//!
//! let name = if cfg!(windows) { "msvcrt.dll" } else { "libm.so.6" };
//! // SAFETY: libm runs nothing that could do harm when it is opened or closed.
//! let libm = unsafe { Library::open(name) }?;
//! // SAFETY: `double sqrt(double)`.
//! let sqrt = unsafe { libm.get::<extern "C" fn(f64) -> f64>("sqrt") }?;
//! assert_eq!(sqrt(16.0), 4.0);
//! # }
//! # Ok::<(), ffi_dl::LibraryError>(())
//! ```
//!
//! # Features
//! - `tracing`: libraries that are opened and closed, and symbols that are found, are `tracing`'s
//!   events of level `DEBUG` and the target `ffi`.
//!
//! # What is safe
//! Opening a library is unsafe, because its code runs; giving a symbol a type is unsafe, because
//! nothing in the file says what that type is. Asking where a symbol is, closing a library, and
//! every name whatever its bytes are safe: a name that C cannot express is an error.
//!
//! # Threads
//! A [`Library`] is `Send` and `Sync`: the system's loader does its own locking. A symbol is
//! `Send` and `Sync` as its type is, which for a function pointer means always and for the
//! address of a variable means never, since the other side may write the variable at any time.
//! What a function asks of the thread that calls it is beyond the type, and is up to the caller.

mod error;
#[cfg(unix)]
mod file;
mod flags;
mod library;
mod lookup;
mod name;
mod symbol;
mod trace;
#[cfg(any(
    all(target_os = "linux", target_env = "gnu"),
    target_os = "freebsd",
    target_os = "dragonfly",
    target_os = "netbsd",
))]
mod version;

pub use error::{FileKind, LibraryError, Operation, Reason};
pub use flags::Flags;
pub use library::Library;
pub use name::SymbolName;
pub use symbol::{OwnedSymbol, Symbol};
