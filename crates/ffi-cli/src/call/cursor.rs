//! A word of the command line, read from its beginning to its end.

use super::parse::ValueError;

/// Braces and brackets inside each other.
const MAX_DEPTH: usize = 100;

/// The bytes that the inside of a C string stands for.
fn unescaped(inside: &str) -> Vec<u8> {
    ffi_cdecl::unescape(inside.as_bytes())
}

/// A place in a word.
pub(crate) struct Cursor<'a> {
    pub(crate) rest: &'a str,
    pub(crate) depth: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    pub(crate) fn accept(&mut self, mark: char) -> bool {
        self.blanks();
        match self.rest.strip_prefix(mark) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    pub(crate) fn unexpected(&self, expected: &str) -> ValueError {
        let found = match self.rest {
            "" => "the end".into(),
            rest => rest.chars().take(20).collect(),
        };
        ValueError::Unexpected { found, expected: expected.into() }
    }

    pub(crate) fn expect(&mut self, mark: char, expected: &str) -> Result<(), ValueError> {
        if self.accept(mark) { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    pub(crate) fn end(&mut self) -> Result<(), ValueError> {
        self.blanks();
        if self.rest.is_empty() { Ok(()) } else { Err(self.unexpected("the end of the value")) }
    }

    /// Up to the next `,`, `}`, `]`, `>` or `=` that is not inside quotes.
    pub(crate) fn word(&mut self) -> &'a str {
        self.blanks();
        let mut quoted = false;
        let mut escaped = false;
        let end = self.rest.find(|c| {
            let end = !quoted && matches!(c, ',' | '}' | ']' | '>' | '=');
            quoted ^= c == '\'' && !escaped;
            escaped = c == '\\' && !escaped;
            end
        });
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        word.trim_end()
    }

    /// Up to the `,`, `}`, `]` or `>` that ends this value: what is open inside is skipped.
    pub(crate) fn until_delimiter(&mut self) -> &'a str {
        let mut open = 0_usize;
        let (mut quoted, mut escaped) = (false, false);
        let end = self.rest.find(|c| {
            if quoted {
                quoted = c != '"' || escaped;
                escaped = c == '\\' && !escaped;
                return false;
            }
            match c {
                '"' => quoted = true,
                '{' | '[' | '(' | '<' => open += 1,
                ',' | '}' | ']' | ')' | '>' if open == 0 => return true,
                '}' | ']' | ')' | '>' => open -= 1,
                _ => {}
            }
            false
        });
        let (text, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        text.trim()
    }

    /// A string in double quotes.
    pub(crate) fn quoted(&mut self) -> Result<Vec<u8>, ValueError> {
        let inside = self.rest.strip_prefix('"').unwrap_or(self.rest);
        let mut escaped = false;
        let end = inside.find(|c| {
            let end = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            end
        });
        let Some(end) = end else {
            return Err(ValueError::Unexpected {
                found: self.rest.into(),
                expected: "a `\"` at its end".into(),
            });
        };
        self.rest = &inside[end + 1..];
        Ok(unescaped(&inside[..end]))
    }

    pub(crate) fn deeper<T>(
        &mut self,
        f: impl FnOnce(&mut Self) -> Result<T, ValueError>,
    ) -> Result<T, ValueError> {
        if self.depth == MAX_DEPTH {
            return Err(ValueError::Other(format!("nested more than {MAX_DEPTH} deep")));
        }
        self.depth += 1;
        let result = f(self);
        self.depth -= 1;
        result
    }
}
