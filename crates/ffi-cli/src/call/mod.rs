//! What `ffi call` is made of: values from words, words from values, and what is said of a crash.

pub(crate) mod crash;
mod cursor;
pub(crate) mod memory;
mod number;
pub(crate) mod parse;
mod pointer;
pub(crate) mod show;

/// An argument that cannot be made into a value.
#[derive(Debug, thiserror::Error)]
#[error("argument {index}{}: {reason}", name.as_ref().map_or(String::new(), |n| format!(" `{n}`")))]
pub(crate) struct ArgumentError {
    /// Counted from 1, as a person does.
    pub(crate) index: usize,
    pub(crate) name: Option<String>,
    pub(crate) reason: parse::ValueError,
}
