//! Rust closures as C function pointers, without run-time code generation.
//!
//! The trampolines are part of the program: each ABI crate assembles a table of them, and a
//! [`Callback`] takes one for as long as it lives. No memory is ever made executable.
//! The crate is generic over the convention; use it alone with an ABI crate of your choice, in a
//! runtime that has its own way of calling. It has no features.
//!
//! ```
//! # #[cfg(target_arch = "x86_64")] {
//! use ffi_abi_sysv::SysV;
//! use ffi_callback::Callback;
//!
//! let offset = 40;
//! let add = Callback::new(&SysV, move |n: i32| n + offset)?;
//! // SAFETY: the callback was made for this signature, and it is alive.
//! let call = unsafe {
//!     std::mem::transmute::<*const std::ffi::c_void, extern "sysv64" fn(i32) -> i32>(add.as_ptr())
//! };
//! assert_eq!(call(2), 42);
//! # }
//! # Ok::<(), ffi_callback::CallbackError>(())
//! ```

mod barrier;
mod callback;
mod dynamic;
mod ending;
mod error;
mod exclusive;
mod grow;
mod infer;
mod on_panic;
mod options;
mod pool;
mod prepared;
mod resume;
mod running;
mod scope;
mod sync;
mod threads;
mod variadic;

pub use callback::{Callback, Frame};
pub use dynamic::{Arguments, ReturnSlot};
pub use error::{CallbackError, GrowthError, GrowthStep};
pub use infer::{Closure, ClosureMut, ClosureOnce};
pub use on_panic::{OnPanic, ReturnValue};
pub use options::CallbackOptions;
pub use pool::Trampoline;
pub use resume::resuming;
pub use scope::{Scope, ScopedCallback, scope};
pub use variadic::VariadicArguments;
