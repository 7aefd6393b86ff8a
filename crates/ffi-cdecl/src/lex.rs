//! Tokens.

use crate::error::{Fault, Parsed, Problem};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What a token is. Its text is a slice of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Word,
    Number,
    Text,
    Character,
    /// An operator or punctuator.
    Mark(&'static str),
    /// A `#` that is the first token of its line; the tokens up to `EndOfLine` are a directive.
    Hash,
    EndOfLine,
    /// What no token starts with.
    Stray(u8),
    /// A `#pragma pack` from here on: the most that members are aligned to, or 0 for no limit.
    Pack(u32),
    End,
}

/// A token of the source: where its text is, and where it counts as being (for what a macro stands
/// for, the macro's name).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) at: u32,
    pub(crate) start: u32,
    pub(crate) len: u32,
}

impl Token {
    pub(crate) fn is(self, mark: &str) -> bool {
        matches!(self.kind, Kind::Mark(found) if found == mark)
    }

    /// What is written there; nothing for what is not UTF-8.
    pub(crate) fn text(self, source: &[u8]) -> &str {
        let range = self.start as usize..(self.start + self.len) as usize;
        core::str::from_utf8(&source[range]).unwrap_or_default()
    }

    /// It, for a message.
    pub(crate) fn found(self, source: &[u8]) -> String {
        match self.kind {
            Kind::End => "the end of the text".into(),
            Kind::Text => "a string".into(),
            Kind::Stray(b) if b >= 0x80 => {
                format!("byte {b:#04x}, outside of comments and literals")
            }
            Kind::Pack(_) => "`#pragma pack`".into(),
            _ => {
                let text: String = self.text(source).chars().take(40).collect();
                format!("`{text}`")
            }
        }
    }
}

/// Longer ones before those that they start with.
const MARKS: &[&str] = &[
    "...", "<<=", ">>=", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "->", "++", "--", "##",
    "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "::", "(", ")", "[", "]", "{", "}", ",", ";",
    ":", "*", "=", "+", "-", "/", "%", "&", "|", "^", "~", "!", "<", ">", "?", ".", "#", "@", "`",
    "$", "\\",
];

/// Cuts a text into tokens. Directives are kept, between `Hash` and `EndOfLine`.
pub(crate) fn tokens(text: &[u8]) -> Parsed<Vec<Token>> {
    let mut lexer = Lexer { text, at: 0, line_start: true, directive: false };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next()? {
        tokens.push(token);
    }
    // Behind the last token: an error there shows a line with something in it.
    let end = tokens.last().map_or(0, |token| token.start + token.len);
    if lexer.directive {
        tokens.push(Token { kind: Kind::EndOfLine, at: end, start: end, len: 0 });
    }
    tokens.push(Token { kind: Kind::End, at: end, start: end, len: 0 });
    Ok(tokens)
}

struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    line_start: bool,
    directive: bool,
}

impl Lexer<'_> {
    fn next(&mut self) -> Parsed<Option<Token>> {
        if let Some(end_of_line) = self.blanks()? {
            return Ok(Some(end_of_line));
        }
        let rest = &self.text[self.at..];
        let Some(&first) = rest.first() else { return Ok(None) };
        let line_start = core::mem::take(&mut self.line_start);
        let prefix = rest.iter().take(3).position(|b| matches!(b, b'"' | b'\''));
        let is_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
        let (kind, len) = match first {
            b'#' if line_start => {
                self.directive = true;
                (Kind::Hash, 1)
            }
            _ if prefix.is_some_and(|len| is_prefix(&rest[..len])) => {
                let len = prefix.unwrap_or(0);
                let quote = rest[len];
                let kind = if quote == b'"' { Kind::Text } else { Kind::Character };
                // An apostrophe is no mistake in a branch that is left out.
                quoted(&rest[len..]).map_or((Kind::Stray(quote), len + 1), |n| (kind, len + n))
            }
            b'0'..=b'9' => (Kind::Number, number(rest)),
            b'.' if rest.get(1).is_some_and(u8::is_ascii_digit) => (Kind::Number, number(rest)),
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => {
                (Kind::Word, rest.iter().position(|b| !is_word(b)).unwrap_or(rest.len()))
            }
            _ => match MARKS.iter().find(|mark| rest.starts_with(mark.as_bytes())) {
                Some(mark) => (Kind::Mark(mark), mark.len()),
                None => (Kind::Stray(first), 1),
            },
        };
        let token = Token { kind, at: self.at as u32, start: self.at as u32, len: len as u32 };
        self.at += len;
        Ok(Some(token))
    }

    /// Reads over blanks and comments; a line's end is a token in directives alone.
    fn blanks(&mut self) -> Parsed<Option<Token>> {
        loop {
            let rest = &self.text[self.at..];
            match rest {
                [b'\n', ..] => {
                    let at = self.at as u32;
                    self.at += 1;
                    self.line_start = true;
                    if core::mem::take(&mut self.directive) {
                        let kind = Kind::EndOfLine;
                        return Ok(Some(Token { kind, at, start: at, len: 0 }));
                    }
                }
                [b' ' | b'\t' | b'\r' | 0x0b | 0x0c, ..] => self.at += 1,
                [b'/', b'/', ..] => {
                    self.at += rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
                }
                [b'/', b'*', ..] => {
                    let end = rest[2..].windows(2).position(|two| two == b"*/");
                    let Some(end) = end else {
                        return Err(self.fault(Problem::Unterminated("a comment")));
                    };
                    self.at += 2 + end + 2;
                }
                // A byte order mark.
                [0xef, 0xbb, 0xbf, ..] if self.at == 0 => self.at = 3,
                _ => return Ok(None),
            }
        }
    }

    fn fault(&self, problem: Problem) -> Fault {
        Fault::new(self.at as u32, problem)
    }
}

/// The length of a literal, its quotes included; `None` if its line ends first.
fn quoted(rest: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match rest.get(at) {
            Some(b'\\') => at += 2,
            Some(b) if *b == rest[0] => return Some(at + 1),
            None | Some(b'\n') => return None,
            Some(_) => at += 1,
        }
    }
}

/// What may stand before a literal's first quote.
fn is_prefix(bytes: &[u8]) -> bool {
    matches!(bytes, b"" | b"L" | b"u" | b"U" | b"u8")
}

/// The length of a preprocessing number (C17 6.4.8), which covers every integer and float.
fn number(rest: &[u8]) -> usize {
    let mut len = 1;
    while let Some(&b) = rest.get(len) {
        let exponent = matches!(rest[len - 1], b'e' | b'E' | b'p' | b'P');
        let is_sign = matches!(b, b'+' | b'-') && exponent && !is_hexadecimal_e(rest, len);
        if !(b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'\'') || is_sign) {
            break;
        }
        len += 1;
    }
    len
}

/// `0xE+1` is a sum to everyone but C's own preprocessor.
fn is_hexadecimal_e(rest: &[u8], len: usize) -> bool {
    matches!(rest, [b'0', b'x' | b'X', ..]) && matches!(rest[len - 1], b'e' | b'E')
}
