//! Call C functions that are known only at run time, and be called back.
//!
//! A program that learns at run time which C function it is to call (an interpreter, a plug-in
//! host, a debugger) opens a [`Library`], describes the function's types in a [`CallInterface`],
//! and calls as often as it likes. A [`Callback`] goes the other way: a Rust closure becomes a C
//! function pointer. Nothing is compiled at run time and no memory is made executable.
//!
//! # Three ways to the same call
//!
//! **Dynamic**: argument pointers in, result pointer out, as in libffi. For interpreters, which
//! hold their values as bytes.
//! ```
//! # #[cfg(any(target_os = "linux", windows))] {
//! use ffi::{CallInterface, Library, Type};
//!
//! let name = if cfg!(windows) { "msvcrt.dll" } else { "libm.so.6" };
//! // SAFETY: the C library's mathematics has no constructors that could do harm.
//! let libm = unsafe { Library::open(name) }?;
//! let sqrt = libm.symbol("sqrt")?;
//! let interface = CallInterface::new(Type::F64, [Type::F64])?;
//!
//! let (x, mut y) = (16.0_f64, 0.0_f64);
//! // SAFETY: `sqrt` takes and returns one double, and the pointers are to doubles.
//! unsafe { interface.invoke(sqrt.as_ptr(), &[(&raw const x).cast()], (&raw mut y).cast()) }?;
//! assert_eq!(y, 4.0);
//! # }
//! # Ok::<(), ffi::Error>(())
//! ```
//!
//! **Convenient**: references in, a value out. The number, sizes and kinds of the values are
//! compared with the prepared signature; a difference is an error.
//! ```
//! # #[cfg(any(target_os = "linux", windows))] {
//! use ffi::{CallInterface, Function, Library, Type, arg};
//!
//! # let name = if cfg!(windows) { "msvcrt.dll" } else { "libm.so.6" };
//! # let libm = unsafe { Library::open(name) }?;
//! let sqrt = Function::load(&libm, "sqrt", &CallInterface::new(Type::F64, [Type::F64])?)?;
//! // SAFETY: `sqrt` takes and returns one double.
//! let y: f64 = unsafe { sqrt.call(&[arg(&16.0)]) }?;
//! assert_eq!(y, 4.0);
//! assert!(unsafe { sqrt.call::<f64>(&[arg(&16.0_f32)]) }.is_err()); // four bytes, not eight
//! # }
//! # Ok::<(), ffi::Error>(())
//! ```
//!
//! **Static**: the signature is known when the program is compiled, and only the address is
//! looked up. Costs what a call through a function pointer costs.
//! ```
//! # #[cfg(any(target_os = "linux", windows))] {
//! # use ffi::Library;
//! # let name = if cfg!(windows) { "msvcrt.dll" } else { "libm.so.6" };
//! # let libm = unsafe { Library::open(name) }?;
//! // SAFETY: this is the type of `sqrt`, which has no preconditions.
//! let sqrt = unsafe { libm.get::<extern "C" fn(f64) -> f64>("sqrt") }?;
//! assert_eq!(sqrt(16.0), 4.0);
//! # }
//! # Ok::<(), ffi::Error>(())
//! ```
//!
//! # Structs by value
//!
//! A Rust struct is a C type by `#[derive(CType)]`, and then an argument and a result in all three
//! ways and in callbacks. A struct that is known only at run time is a [`Value`].
//! ```
//! use ffi::{CType, CallInterface, Callback, arg};
//!
//! #[derive(Debug, Clone, Copy, PartialEq, CType)]
//! #[repr(C)]
//! struct Point { x: f64, y: f64 }
//!
//! let swap = Callback::new(|p: Point| Point { x: p.y, y: p.x })?;
//! let interface = CallInterface::new(Point::c_type(), [Point::c_type()])?;
//! // SAFETY: the callback has this signature, and any bits make a `Point`.
//! let swapped: Point = unsafe { interface.call(swap.as_ptr(), &[arg(&Point { x: 1.0, y: 2.0 })]) }?;
//! assert_eq!(swapped, Point { x: 2.0, y: 1.0 });
//! # Ok::<(), ffi::Error>(())
//! ```
//!
//! # Features
//!
//! Each only adds.
//! - `cdecl`, on by default: C declarations, by `Declared` and `Header`. Without it there is no parser
//!   to build.
//! - `derive`, on by default: `#[derive(CType)]`.
//! - `complex` and `half`: the types of `num-complex` and `half` are C types.
//! - `serde`: [`Plan`] and [`Placement`] can be serialized.
//! - `tracing`: libraries that are opened and closed, symbols that are found, interfaces and
//!   callbacks that are prepared are events of level `DEBUG`, and calls of level `TRACE`, all of the
//!   target `ffi`. Not in it: calls by [`CallInterface::invoke_unchecked`], and calls of callbacks.
//!   Without the feature nothing of this is compiled.
//!
//! # When to use another crate
//! Where every type is known when the program is compiled, `ffi-dl` is enough. A runtime that fills
//! registers itself wants an ABI crate: `ffi-abi-sysv`, `ffi-abi-win64` or `ffi-abi-arm64`. Layouts
//! alone, or C declarations alone, are in `ffi-types` and `ffi-cdecl`, and need no processor.

mod argument;
mod bits;
mod call;
mod callback;
mod context;
mod convention;
#[cfg(feature = "cdecl")]
mod declared;
mod errno;
mod error;
mod function;
mod path;
mod scope;
mod trace;
mod value;
mod value_text;

pub use argument::{Arg, arg};
pub use call::CallInterface;
pub use callback::{Callback, CallbackOptions};
pub use context::{CancelFlag, Context};
pub use convention::implementation;
#[cfg(feature = "cdecl")]
pub use declared::{BindError, Bindings, DeclareError, Declared, Missing};
pub use errno::{Errno, WithErrno};
#[cfg(windows)]
pub use errno::{LastError, WithLastError};
pub use error::{CallError, Error, PrepareError};
pub use function::Function;
pub use path::{FieldError, FieldProblem};
pub use scope::{Scope, ScopedCallback, scope};
pub use value::{AllocationError, Value};

pub use ffi_callback::{
    Arguments, CallbackError, Closure, ClosureMut, ClosureOnce, GrowthError, GrowthStep, OnPanic,
    ReturnSlot, ReturnValue, VariadicArguments, resuming,
};
#[cfg(feature = "cdecl")]
pub use ffi_cdecl::{
    Constant, Header, Options, ParseError, ParseErrors, SignatureError, UnsupportedTypeError,
};
#[cfg(feature = "derive")]
pub use ffi_derive::CType;
pub use ffi_dl::{
    FileKind, Flags, Library, LibraryError, Operation, OwnedSymbol, Reason, Symbol, SymbolName,
};
pub use ffi_types::{
    Aapcs64, AggregateBuilder, CType, CallingConvention, CallingConventionError, Convention,
    DataModel, Extension, Field, Fundamental, InterfaceField, InterfaceReason,
    InvalidCallInterfaceError, Leaf, Location, LongDouble, MAX_ARGUMENTS, MAX_LEAVES_SIZE, Move,
    Parts, Placement, Plan, ReturnPlan, Scalar, Signature, Type, TypeCell, TypeKind, TypeProblem,
    TypeValidationError, UnsupportedPlatformError, Win64, c_layout,
};
