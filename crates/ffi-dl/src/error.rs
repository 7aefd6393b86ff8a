//! What went wrong with which library or symbol.

use std::fmt;
use thiserror::Error;

/// A library could not be opened or closed, or a symbol not be found.
#[derive(Debug, Error)]
#[non_exhaustive]
#[error("cannot {operation} {name:?}{}: {problem}", In(library))]
pub struct LibraryError {
    /// What was being done.
    pub operation: Operation,
    /// The name of the library, or of the symbol, as it was asked for. Bytes that are no UTF-8
    /// are replaced.
    pub name: String,
    /// For a symbol, the library it was looked for in.
    pub library: Option<String>,
    /// Why it failed, with the operating system's own text where there is one.
    #[source]
    pub problem: LibraryProblem,
}

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Opening a library.
    Load,
    /// Looking a symbol up.
    Symbol,
    /// Closing a library.
    Free,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Load => "load library",
            Self::Symbol => "find symbol",
            Self::Free => "close library",
        })
    }
}

struct In<'a>(&'a Option<String>);

impl fmt::Display for In<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |library| write!(f, " in {library:?}"))
    }
}

/// Why an operation failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LibraryProblem {
    /// The operating system refused.
    #[error("{message}")]
    System {
        /// Its own text.
        message: String,
        /// The error that brought it, where `libloading` reported one.
        #[source]
        source: Option<libloading::Error>,
    },
    /// A name cannot contain a NUL byte: C ends it there.
    #[error("the name has a NUL byte at index {position}")]
    InteriorNul {
        /// Where the byte is.
        position: usize,
    },
    /// The symbol is there, but its address is null.
    #[error("its address is null")]
    Null,
    /// The library cannot be closed yet.
    #[error("{holders} other handles or owned symbols keep it open")]
    StillInUse {
        /// How many clones of the library and owned symbols there are besides.
        holders: usize,
    },
}

impl From<libloading::Error> for LibraryProblem {
    fn from(error: libloading::Error) -> Self {
        // libloading's text frames the system's ("... : <text>"); the innermost error, where
        // there is one, is the system's alone.
        let message = match std::error::Error::source(&error) {
            Some(inner) => inner.to_string(),
            None => error.to_string(),
        };
        Self::System { message, source: Some(error) }
    }
}
