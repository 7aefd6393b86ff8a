//! The errors of the facade, and the one that holds them all.

#[cfg(feature = "cdecl")]
use crate::declared::DeclareError;
use crate::path::FieldError;
use crate::value::AllocationError;
use ffi_types::{
    CallingConventionError, InvalidCallInterfaceError, TypeValidationError,
    UnsupportedPlatformError,
};
use std::time::Duration;
use thiserror::Error;

/// A call interface could not be prepared.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// The signature is one that C does not have.
    #[error(transparent)]
    Interface(#[from] InvalidCallInterfaceError),
    /// The convention cannot be called on this platform.
    #[error(transparent)]
    Convention(#[from] CallingConventionError),
    /// No convention was named, and the platform's own is not implemented.
    #[error(transparent)]
    Platform(#[from] UnsupportedPlatformError),
}

/// A call that did not take place. Once a call has started, nothing here can happen to it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CallError {
    /// What was given does not fit the prepared interface.
    #[error(transparent)]
    Interface(#[from] InvalidCallInterfaceError),
    /// There is no memory for the result, or for an argument of a callback.
    #[error(transparent)]
    Allocation(#[from] AllocationError),
    /// The context's flag was raised before the call.
    #[error("the call was cancelled before it started")]
    Cancelled,
    /// The context's deadline had passed before the call.
    #[error("the deadline passed {late:?} before the call could start")]
    DeadlineExceeded {
        /// How long ago the deadline was.
        late: Duration,
    },
}

/// Any error of this crate, for programs that tell them apart later or not at all.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A type could not be built.
    #[error(transparent)]
    Type(#[from] TypeValidationError),
    /// A call interface could not be prepared.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// A call did not take place.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A member of a value could not be read or written.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// A callback could not be made.
    #[error(transparent)]
    Callback(#[from] ffi_callback::CallbackError),
    /// A declaration did not lead to a function.
    #[cfg(feature = "cdecl")]
    #[error(transparent)]
    Declare(Box<DeclareError>),
    /// A header declares what a library does not have.
    #[cfg(feature = "cdecl")]
    #[error(transparent)]
    Bind(#[from] crate::BindError),
    /// A library or a symbol could not be had.
    #[error(transparent)]
    Library(#[from] ffi_dl::LibraryError),
}

macro_rules! through {
    ($($from:ty => $by:ident;)*) => {
        $(impl From<$from> for Error {
            fn from(error: $from) -> Self {
                Self::$by(error.into())
            }
        })*
    };
}

#[cfg(feature = "cdecl")]
macro_rules! declared {
    ($($from:ty)*) => {
        $(impl From<$from> for Error {
            fn from(error: $from) -> Self {
                Self::Declare(Box::new(error.into()))
            }
        })*
    };
}

#[cfg(feature = "cdecl")]
declared! {
    DeclareError
    ffi_cdecl::ParseErrors
    ffi_cdecl::UnsupportedTypeError
    ffi_cdecl::SignatureError
}

through! {
    InvalidCallInterfaceError => Prepare;
    CallingConventionError => Prepare;
    UnsupportedPlatformError => Prepare;
    AllocationError => Call;
}
