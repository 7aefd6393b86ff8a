//! Why a callback could not be made.

use ffi_types::{
    CallingConventionError, Convention, InterfaceField, InterfaceReason, InvalidCallInterfaceError,
};
use std::io;
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
    /// A signature with variadic arguments, for a closure that has no reader of them.
    #[error(
        "argument {first_variadic} is passed through `...`, which this kind of callback does not \
         take; `create_variadic` makes one that does"
    )]
    Variadic {
        /// The index of the first variadic argument.
        first_variadic: usize,
    },
    /// A signature without variadic arguments, or with some, for a closure that takes them out itself.
    #[error(
        "a variadic callback's signature ends before `...`: expected {fixed} as the index of the \
         first variadic argument, found {}",
        found.map_or("none".into(), |found| found.to_string())
    )]
    NotVariadic {
        /// The index of the first variadic argument, if there is one.
        found: Option<usize>,
        /// How many arguments there are.
        fixed: usize,
    },
    /// The value that is to be returned after a panic is none of the return type.
    #[error("the value to return after a panic: {0}")]
    ReturnValue(InvalidCallInterfaceError),
    /// A panic may go on only through frames of the platform's own convention.
    #[error(
        "panics and exceptions can leave callbacks of the platform's own convention alone, \
         and this one is of {found}"
    )]
    Unwind {
        /// The callback's convention.
        found: Convention,
    },
    /// Every trampoline is taken, and there are no more.
    #[error(
        "all {capacity} callbacks of convention {convention} are in use; drop some first: {why}"
    )]
    Exhausted {
        /// The convention whose trampolines are taken.
        convention: Convention,
        /// How many there are.
        capacity: usize,
        /// Why there are no more.
        #[source]
        why: GrowthError,
    },
}

impl CallbackError {
    pub(crate) fn return_value(reason: InterfaceReason) -> Self {
        Self::ReturnValue(InvalidCallInterfaceError::of(InterfaceField::Return, reason))
    }
}

/// Why there are no more trampolines than there are.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GrowthError {
    /// The operating system cannot map the code of a program again, or not that we know.
    #[error("this operating system does not map a program's code a second time")]
    Unsupported,
    /// The code does not fill whole pages of this size.
    #[error("the code of trampolines does not fill whole pages of {page} bytes")]
    PageSize {
        /// The size of a page, in bytes.
        page: usize,
    },
    /// The code's addresses belong to no file that is still there.
    #[error("the code is of no file that is still there")]
    NoFile,
    /// The file has changed since the program was loaded.
    #[error("the file that the code is of has changed since")]
    OtherFile,
    /// The operating system refused.
    #[error("{step} failed: {}", io::Error::from_raw_os_error(*code))]
    Os {
        /// What it was asked for.
        step: GrowthStep,
        /// Its number for the error; 0 if there is none.
        code: i32,
    },
    /// Neither the file nor a copy in memory could be mapped.
    #[error("from the program's file: {file}; from memory: {memory}")]
    Code {
        /// What is wrong with the file.
        file: Box<GrowthError>,
        /// What is wrong with the copy.
        memory: Box<GrowthError>,
    },
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
impl GrowthError {
    pub(crate) fn io(step: GrowthStep, error: &io::Error) -> Self {
        Self::Os { step, code: error.raw_os_error().unwrap_or(0) }
    }

    pub(crate) fn last(step: GrowthStep) -> Self {
        Self::io(step, &io::Error::last_os_error())
    }
}

/// What was asked of the operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrowthStep {
    /// Addresses for the code and its slots.
    Reserve,
    /// `/proc/self/maps`.
    Maps,
    /// To open the file that the code is of.
    Open,
    /// A file in memory.
    Memory,
    /// To map the code.
    Map,
    /// To map the code of the program itself once more.
    Remap,
    /// To make the slots writable.
    Slots,
}

impl std::fmt::Display for GrowthStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Reserve => "reserving addresses",
            Self::Maps => "reading /proc/self/maps",
            Self::Open => "opening the program's file",
            Self::Memory => "making a file in memory",
            Self::Map => "mapping the code",
            Self::Remap => "mapping the code again",
            Self::Slots => "making the slots writable",
        })
    }
}
