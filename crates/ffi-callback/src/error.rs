//! Why a callback could not be made.

use ffi_types::{CallingConventionError, Convention, InvalidCallInterfaceError};
use thiserror::Error;

/// A callback could not be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CallbackError {
    /// The signature cannot be prepared.
    #[error(transparent)]
    Signature(#[from] InvalidCallInterfaceError),
    /// The convention cannot be used on this platform.
    #[error(transparent)]
    Convention(#[from] CallingConventionError),
    /// A signature with variadic arguments: a closure cannot receive `...`.
    #[error("a callback cannot be variadic; argument {first_variadic} is passed through `...`")]
    Variadic {
        /// The index of the first variadic argument.
        first_variadic: usize,
    },
    /// Every trampoline is taken.
    #[error("all {capacity} callbacks of convention {convention} are in use; drop some first")]
    Exhausted {
        /// The convention whose trampolines are taken.
        convention: Convention,
        /// How many there are.
        capacity: usize,
    },
}
