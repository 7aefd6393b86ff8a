//! What was tried with which library or symbol, and why it failed.

use std::error::Error as _;
use std::fmt;

/// A library could not be opened or closed, or a symbol could not be found.
///
/// Displayed, it is one line that says all there is to say, whatever is in the name. The system's own error is in
/// [`source`](Self::source) too, for programs that look for it there.
///
/// # Examples
/// ```
/// use ffi_dl::{Library, Operation, Reason};
///
/// // SAFETY: there is no such library, so no code runs.
/// let error = unsafe { Library::open("libnope.so") }.unwrap_err();
/// assert_eq!((error.operation, error.reason), (Operation::Load, Reason::Os));
/// if cfg!(all(target_os = "linux", target_env = "gnu")) {
///     assert_eq!(
///         error.to_string(),
///         "cannot load library \"libnope.so\": \
///          libnope.so: cannot open shared object file: No such file or directory",
///     );
/// }
///
/// let error = Library::this()?.symbol("nope").unwrap_err();
/// assert_eq!((error.operation, error.reason), (Operation::Symbol, Reason::NotFound));
/// assert!(error.to_string().starts_with("cannot find symbol \"nope\" in the program itself: "));
/// # Ok::<(), ffi_dl::LibraryError>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[error("cannot {}: {}{}", Attempt(self), OneLine(message), Hint(self))]
pub struct LibraryError {
    /// What was tried.
    pub operation: Operation,
    /// The name that was asked for: a library's, or for [`Operation::Symbol`] a symbol's, as
    /// `name@version` where a version was asked for. Bytes that are not UTF-8 are replaced.
    pub name: String,
    /// The name of the library that the symbol was looked for in; `None` for the other operations.
    pub library: Option<String>,
    /// The operating system's own text, or [`reason`](Self::reason) in words where the system was
    /// not asked.
    pub message: String,
    /// The cause, for a program to match.
    pub reason: Reason,
    /// The error that `libloading` reported, where the system was asked.
    pub source: Option<libloading::Error>,
}

impl LibraryError {
    /// The number of the system's error, which does not depend on the system's language.
    ///
    /// # Platform-specific behaviour
    /// On Windows what `GetLastError` returned: 126 for a library that is missing, or one that it
    /// depends on, 193 for a file that is no library, 127 for a symbol that is missing. `None` on
    /// Unix, where the loader has a text alone.
    ///
    /// # Examples
    /// ```
    /// // SAFETY: there is no such library, so no code runs.
    /// let error = unsafe { ffi_dl::Library::open("libnope.so") }.unwrap_err();
    /// assert_eq!(error.raw_os_error(), if cfg!(windows) { Some(126) } else { None });
    /// ```
    pub fn raw_os_error(&self) -> Option<i32> {
        if cfg!(not(windows)) {
            return None;
        }
        // `libloading` keeps the number to itself; the text that it has from the standard library
        // ends in it.
        let text = self.source.as_ref()?.source()?.to_string();
        text.strip_suffix(')')?.rsplit_once("(os error ")?.1.parse().ok()
    }

    /// An error that was found before the system was asked, or that the system has no text for.
    pub(crate) fn found_here(
        operation: Operation,
        name: String,
        library: Option<&str>,
        reason: Reason,
    ) -> Self {
        let (library, message) = (library.map(Into::into), reason.to_string());
        Self { operation, name, library, message, reason, source: None }
    }

    /// An error that the system reported.
    pub(crate) fn reported(
        operation: Operation,
        name: String,
        library: Option<&str>,
        reason: Reason,
        source: libloading::Error,
    ) -> Self {
        // libloading's own text names the function that failed, and chains what the system said.
        // Where nothing is chained the system said nothing, and libloading's text says so.
        let message = source.source().map_or_else(|| source.to_string(), ToString::to_string);
        let library = library.map(Into::into);
        Self { operation, name, library, message, reason, source: Some(source) }
    }
}

/// What was tried. Displayed as the variant's name in lower case: `load`, `symbol`, `free`.
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
            Self::Load => "load",
            Self::Symbol => "symbol",
            Self::Free => "free",
        })
    }
}

/// Why an operation failed.
///
/// # Platform-specific behaviour
/// A file that is missing, a dependency that is missing and a file that is no library at all are
/// [`Os`](Self::Os): Unix says which in the message alone. On Windows
/// [`LibraryError::raw_os_error`] tells the last from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The library has no such symbol, or not in that version.
    NotFound,
    /// The name has a NUL byte, where C would end it.
    InteriorNul {
        /// The index of the first such byte in the name as it was given. In `name@version` the
        /// version's bytes are counted on from those before it.
        position: usize,
    },
    /// The symbol is there, but its address is null.
    Null,
    /// The library was not closed, because others hold it.
    StillInUse {
        /// How many clones of the [`Library`](crate::Library) and
        /// [`OwnedSymbol`](crate::OwnedSymbol)s there were besides the one to be closed.
        holders: usize,
    },
    /// There is something else than a file at the path, which was not opened.
    ///
    /// # Platform-specific behaviour
    /// Found on Unix, where the loader would wait for somebody to write to a fifo.
    NotAFile {
        /// What there is.
        found: FileKind,
    },
    /// The file ends before what its headers say is to be loaded.
    ///
    /// # Platform-specific behaviour
    /// Found in ELF files, of which the loader would touch what is not there, and so end the program.
    Truncated {
        /// How many bytes it lacks, at least.
        missing: u64,
    },
    /// The file is a library, but for another processor.
    ///
    /// # Platform-specific behaviour
    /// Found in ELF files, which glibc would say are not there.
    OtherProcessor {
        /// ELF's number of it, `e_machine`: 62 for x86-64, 183 for AArch64.
        machine: u16,
    },
    /// The operating system refused; the message says why.
    Os,
}

/// What is at a path where a file should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileKind {
    /// A directory.
    Directory,
    /// A fifo, which is a pipe with a name.
    Fifo,
    /// A socket.
    Socket,
    /// A device.
    Device,
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Directory => "a directory",
            Self::Fifo => "a fifo",
            Self::Socket => "a socket",
            Self::Device => "a device",
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("there is no such symbol"),
            Self::InteriorNul { position } => {
                write!(f, "the name has a NUL byte at index {position}")
            }
            Self::Null => f.write_str("the symbol's address is null"),
            Self::StillInUse { holders: 1 } => f.write_str("1 other holder keeps it open"),
            Self::StillInUse { holders } => write!(f, "{holders} other holders keep it open"),
            Self::NotAFile { found } => write!(f, "it is {found}"),
            Self::Truncated { missing: 1 } => f.write_str("the file ends a byte too early"),
            Self::Truncated { missing } => write!(f, "the file ends {missing} bytes too early"),
            Self::OtherProcessor { machine } => {
                let name = match machine {
                    3 => "x86",
                    40 => "Arm",
                    62 => "x86-64",
                    183 => "AArch64",
                    243 => "RISC-V",
                    _ => return write!(f, "it is for another processor: ELF's number {machine}"),
                };
                write!(f, "it is for another processor: {name}")
            }
            Self::Os => f.write_str("the operating system refused"),
        }
    }
}

/// What [`Library::this`](crate::Library::this) is called. In a sentence it stands without the
/// brackets and without quotes, which are for names that somebody asked for.
pub(crate) const PROGRAM: &str = "(the program itself)";

/// The system's text has names in it as they are.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.split_inclusive(char::is_control) {
            match part.char_indices().next_back() {
                Some((at, last)) if last.is_control() => {
                    write!(f, "{}{}", &part[..at], last.escape_default())?;
                }
                _ => f.write_str(part)?,
            }
        }
        Ok(())
    }
}

/// What a name looks like, for one that a linker would complete and the loader does not.
struct Hint<'a>(&'a LibraryError);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const EXAMPLE: &str =
            if cfg!(target_vendor = "apple") { "libz.1.dylib" } else { "libz.so.1" };
        let Self(LibraryError { operation, name, reason, .. }) = self;
        let whole = name.contains(['.', '/', '\\']);
        // Windows adds `.dll` to such a name by itself.
        if cfg!(unix) && (*operation, *reason) == (Operation::Load, Reason::Os) && !whole {
            write!(f, "; expected a whole name, such as {EXAMPLE}, or a path")?;
        }
        Ok(())
    }
}

/// What could not be done, as a part of a sentence.
struct Attempt<'a>(&'a LibraryError);

impl fmt::Display for Attempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let library = |f: &mut fmt::Formatter<'_>, kind: &str, name: &str| match name {
            PROGRAM => f.write_str(PROGRAM.trim_matches(['(', ')'])),
            name => write!(f, "{kind}{name:?}"),
        };
        let Self(LibraryError { operation, name, library: within, .. }) = self;
        match operation {
            Operation::Load => {
                f.write_str("load ")?;
                library(f, "library ", name)
            }
            Operation::Free => {
                f.write_str("close ")?;
                library(f, "library ", name)
            }
            Operation::Symbol => {
                write!(f, "find symbol {name:?} in ")?;
                library(f, "", within.as_deref().unwrap_or(PROGRAM))
            }
        }
    }
}
