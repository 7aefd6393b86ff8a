//! The text itself: spliced lines, and the way back from a byte to its line and column.

use crate::error::Place;
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// The most bytes of a line that an error shows to each side of its place.
const SHOWN: usize = 60;

/// A text whose continued lines (a backslash at their end) are joined, as C does first of all
/// (C17 5.1.1.2, phase 2).
pub(crate) struct Source<'a> {
    original: &'a [u8],
    pub(crate) text: Cow<'a, [u8]>,
    /// Where something was left out: the offset in `text`, and how much was left out up to there.
    gaps: Vec<(u32, u32)>,
    /// The offsets in `original` at which lines start.
    lines: Vec<u32>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(original: &'a [u8]) -> Self {
        let mut lines = alloc::vec![0];
        lines.extend((1u32..).zip(original).filter(|(_, b)| **b == b'\n').map(|(next, _)| next));
        let mut gaps = Vec::new();
        let text = splice(original, &mut gaps);
        Self { original, text, gaps, lines }
    }

    /// The place of a byte of `text`.
    pub(crate) fn place(&self, at: u32) -> Place {
        let line = self.line(at);
        let at = self.before_splicing(at);
        let start = self.lines[line - 1] as usize;
        // Not searched for: a text may be one long line of mistakes.
        let end = self.lines.get(line).map_or(self.original.len(), |next| *next as usize - 1);
        let text = &self.original[start..end];
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let column = (at as usize - start).min(text.len());
        let (from, to) = (column.saturating_sub(SHOWN), text.len().min(column + SHOWN));
        let shown = |range| String::from_utf8_lossy(&text[range]).into_owned();
        let before = shown(from..column);
        let caret = before.chars().count();
        Place { line, column: column + 1, excerpt: before + &shown(column..to), caret }
    }

    /// The line of a byte of `text`.
    pub(crate) fn line(&self, at: u32) -> usize {
        self.lines.partition_point(|&start| start <= self.before_splicing(at))
    }

    fn before_splicing(&self, at: u32) -> u32 {
        let gap = self.gaps.partition_point(|&(start, _)| start <= at);
        let missing = gap.checked_sub(1).map_or(0, |index| self.gaps[index].1);
        at.saturating_add(missing).min(self.original.len() as u32)
    }
}

fn splice<'a>(original: &'a [u8], gaps: &mut Vec<(u32, u32)>) -> Cow<'a, [u8]> {
    let gap = |rest: &[u8]| match rest {
        [b'\\', b'\n', ..] => Some(2),
        [b'\\', b'\r', b'\n', ..] => Some(3),
        _ => None,
    };
    let mut text = Vec::new();
    let (mut copied, mut missing) = (0, 0);
    let mut at = 0;
    while let Some(found) = original[at..].iter().position(|&b| b == b'\\') {
        at += found;
        let Some(len) = gap(&original[at..]) else {
            at += 1;
            continue;
        };
        text.extend_from_slice(&original[copied..at]);
        at += len;
        copied = at;
        missing += len as u32;
        gaps.push((text.len() as u32, missing));
    }
    if gaps.is_empty() {
        return Cow::Borrowed(original);
    }
    text.extend_from_slice(&original[copied..]);
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_after_joined_lines_is_where_it_was_written() {
        let source = Source::new(b"int \\\r\n  f(\\\nx);\n\ty");
        assert_eq!(&*source.text, b"int   f(x);\n\ty");
        let place = |at| {
            let place = source.place(at);
            (place.line, place.column, place.excerpt)
        };
        assert_eq!(place(0), (1, 1, "int \\".into()));
        assert_eq!(place(6), (2, 3, "  f(\\".into()));
        assert_eq!(place(8), (3, 1, "x);".into()));
        assert_eq!(place(13), (4, 2, "\ty".into()));
        assert_eq!(place(99), (4, 3, "\ty".into()));
    }
}
