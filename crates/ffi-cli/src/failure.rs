//! Why a command failed, and how that is told.

use crate::exports::ExportsError;
use crate::library::Miss;
use ffi::Convention;
use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;

/// A command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("cannot write the output")]
    Output(#[from] io::Error),
    #[error(transparent)]
    Miss(#[from] Miss),
    #[error(transparent)]
    Exports(#[from] ExportsError),
    #[error("{} exports no {kind} that matches {pattern:?}, of {of} in all{}", path.display(),
        crate::nearest::question(nearest.as_deref()))]
    NoMatch {
        path: PathBuf,
        /// `symbol`, `function` or `variable`.
        kind: &'static str,
        pattern: String,
        /// How many there are of the kind.
        of: usize,
        nearest: Option<String>,
    },
    #[error("{0}")]
    Parse(#[from] ffi_cdecl::ParseErrors),
    #[error("{text:?} declares no function; expected a prototype, such as double sqrt(double)")]
    NoFunction { text: String },
    #[error("a picture is of one convention; expected one behind --abi")]
    OnePicture,
    #[error("{path}:\n{errors}{hint}")]
    Header { path: String, errors: ffi_cdecl::ParseErrors, hint: &'static str },
    #[error("cannot read {path}")]
    Read {
        path: String,
        #[source]
        error: io::Error,
    },
    #[error("{compiler} -E failed: {said}")]
    Preprocessor { compiler: String, said: String },
    #[error("{path} declares no function or variable that was asked for")]
    NothingDeclared { path: String },
    #[error("of {of} declarations, {missing} are missing and {uncallable} cannot be called")]
    Unfit { of: usize, missing: usize, uncallable: usize },
    #[error("{text:?} defines no struct or union")]
    NoStruct { text: String },
    #[error("{0}")]
    NotInConvention(ffi::InterfaceReason),
    #[error("{abi}: {error}")]
    By { abi: String, error: Box<Failure> },
    /// At least one, each told by itself.
    #[error("{} of several failed", .0.len())]
    Several(Vec<Failure>),
    #[error("{prototype}: expected {expected} {}, found {found}", match (expected, more) {
        (1, false) => "argument",
        (_, false) => "arguments",
        (_, true) => "or more arguments",
    })]
    ArgumentCount { prototype: String, expected: usize, more: bool, found: usize },
    #[error(transparent)]
    Argument(#[from] Box<crate::call::ArgumentError>),
    #[error("{error}{}", crate::nearest::question(nearest.as_deref()))]
    Missing { error: Box<ffi::LibraryError>, nearest: Option<String> },
    #[error(transparent)]
    Type(#[from] ffi_cdecl::UnsupportedTypeError),
    #[error(transparent)]
    Signature(#[from] ffi_cdecl::SignatureError),
    #[error(transparent)]
    Prepare(#[from] ffi::PrepareError),
    #[error(transparent)]
    Call(#[from] ffi::CallError),
}

impl Failure {
    /// A prototype that is no C. To say of a name alone that it is no type would mislead whoever
    /// expects that the function's name is enough.
    pub(crate) fn prototype(text: &str, errors: ffi_cdecl::ParseErrors) -> Self {
        if text.chars().all(|c| c.is_alphanumeric() || c == '_') {
            return Self::NoFunction { text: text.into() };
        }
        Self::Parse(errors)
    }

    /// One that the convention is the reason for.
    pub(crate) fn by(convention: Convention, error: Self) -> Self {
        Self::By { abi: convention.to_string(), error: Box::new(error) }
    }

    /// Whether the reader of the output had enough of it, which is no failure to tell of.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Prints the error, and below it what it came from.
    pub(crate) fn print(&self, out: &mut dyn Write) {
        if let Self::Several(all) = self {
            return all.iter().for_each(|failure| failure.print(out));
        }
        let (bold, plain) = (anstyle::AnsiColor::Red.on_default().bold(), anstyle::Reset);
        let mut told = self.to_string();
        // Where standard error is closed, the exit status is all that is left to say.
        let _ = writeln!(out, "{bold}error:{plain} {told}");
        let mut source = self.source();
        while let Some(error) = source {
            let text = error.to_string();
            // Some errors end in the text of their source already.
            if !told.ends_with(&text) {
                let _ = writeln!(out, "  because: {text}");
                told = text;
            }
            source = error.source();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(failure: &Failure) -> String {
        let mut out = anstream::StripStream::new(Vec::new());
        failure.print(&mut out);
        String::from_utf8(out.into_inner()).expect("text")
    }

    #[test]
    fn sources_are_told_once() {
        let failure = Failure::Output(io::Error::other("the disk is full"));
        assert_eq!(
            printed(&failure),
            "error: cannot write the output\n  because: the disk is full\n"
        );
        #[derive(Debug, thiserror::Error)]
        #[error("no: {source}")]
        struct Says {
            source: io::Error,
        }
        let says = Says { source: io::Error::other("never") };
        let failure = Failure::Output(io::Error::other(says));
        assert_eq!(printed(&failure), "error: cannot write the output\n  because: no: never\n");
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        assert!(Failure::Output(io::ErrorKind::BrokenPipe.into()).is_closed_pipe());
        assert!(!Failure::Output(io::ErrorKind::StorageFull.into()).is_closed_pipe());
    }
}
