//! The end of the process, where nothing else is left to do.

use std::fmt::Arguments;
use std::io::{Write, stderr};

/// Ends the process with a message. Never unwinds, as `eprintln!` does where the message cannot be
/// written, to a pipe that nobody reads say: there may be C below, or a closure that others are in.
#[cold]
pub(crate) fn end(message: Arguments<'_>) -> ! {
    let _ = writeln!(stderr(), "ffi: {message}");
    std::process::abort();
}
