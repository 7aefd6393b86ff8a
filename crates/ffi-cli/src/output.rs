//! Standard output, and how text from a file is shown there.

use crate::failure::Failure;
use anstream::AutoStream;
use std::fmt;
use std::io::{self, BufWriter, StdoutLock, Write};

/// Standard output. Styles that are written to it arrive on a terminal, or where `--color` asks for
/// them, and are left out elsewhere.
#[derive(Debug)]
pub(crate) struct Output(BufWriter<AutoStream<StdoutLock<'static>>>);

impl Output {
    pub(crate) fn stdout() -> Self {
        Self(BufWriter::new(AutoStream::auto(io::stdout().lock())))
    }

    /// Passes on what is buffered: an error in that is the command's, and not to be dropped.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        Ok(self.0.flush()?)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Tells on standard error what the parser read over.
pub(crate) fn warn(header: &ffi_cdecl::Header) {
    for warning in header.warnings() {
        // Where standard error is closed, nobody wants to know.
        let _ = writeln!(anstream::stderr(), "{warning}");
    }
}

/// Text out of a file as it can be shown: a name in a symbol table may hold any bytes, and among
/// them what would move a terminal's cursor.
pub(crate) struct Shown<'a>(pub(crate) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in self.0.split_inclusive(char::is_control) {
            match piece.char_indices().next_back().filter(|(_, last)| last.is_control()) {
                Some((index, last)) => write!(f, "{}{}", &piece[..index], last.escape_default())?,
                None => f.write_str(piece)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_not_sent() {
        assert_eq!(Shown("über_2").to_string(), "über_2");
        assert_eq!(Shown("a\x1b[31mb\n").to_string(), "a\\u{1b}[31mb\\n");
        assert_eq!(Shown("").to_string(), "");
    }
}
