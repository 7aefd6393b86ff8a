//! What is wrong with a text, and where.

use crate::source::Source;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use thiserror::Error;

/// A place in a text, with the line to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The line, counted from 1.
    pub line: usize,
    /// The byte in that line, counted from 1.
    pub column: usize,
    /// The line's text, without its end; of a very long line, the part around the place.
    pub excerpt: String,
    /// Where the caret goes, in characters from the start of the excerpt.
    pub caret: usize,
}

impl Place {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        write!(f, "\n {number} | {}\n {:w$} | ", self.excerpt, "", w = number.len())?;
        // A tab in the line is a tab under it, however wide the terminal shows it.
        for c in self.excerpt.chars().take(self.caret) {
            f.write_str(if c == '\t' { "\t" } else { " " })?;
        }
        f.write_str("^")
    }
}

/// A mistake in a text of C declarations. Prints as a message, followed by the line and a caret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct ParseError {
    /// Where it is.
    pub place: Place,
    /// What it is.
    pub problem: Problem,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.place.line, self.place.column, self.problem)?;
        self.place.show(f)
    }
}

/// Something that the parser read over, and that may surprise whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where it is.
    pub place: Place,
    /// What it is, and what was made of it.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: warning: {}", self.place.line, self.place.column, self.message)?;
        self.place.show(f)
    }
}

/// Every mistake in a text, in the order of their places; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct ParseErrors(pub(crate) Vec<ParseError>);

impl ParseErrors {
    /// All of them.
    pub fn all(&self) -> &[ParseError] {
        &self.0
    }
}

impl fmt::Display for ParseErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

/// What is wrong at a place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Problem {
    /// The grammar has no place for this here.
    #[error("found {found}, expected {expected}")]
    Unexpected {
        /// What is there.
        found: String,
        /// What would have been accepted.
        expected: String,
    },
    /// A name where a type is needed, and it is none.
    #[error("unknown type name `{name}`{}", nearest.as_ref().map_or(String::new(), |n| alloc::format!("; did you mean `{n}`?")))]
    UnknownType {
        /// The name.
        name: String,
        /// The known name that is most like it.
        nearest: Option<String>,
    },
    /// A name in a constant expression that stands for no number.
    #[error("`{name}` is not a constant that is known here")]
    UnknownConstant {
        /// The name.
        name: String,
    },
    /// Type words that do not go together, as in `unsigned float`.
    #[error("`{words}` is not a type")]
    NotAType {
        /// The words.
        words: String,
    },
    /// A name that was declared otherwise before.
    #[error("{what} was declared differently in line {previous}")]
    Conflict {
        /// The name, with what it is.
        what: String,
        /// The line of the first declaration; 0 for what every text starts with.
        previous: usize,
    },
    /// A struct, union or array whose size is needed, and not known.
    #[error("{what} is incomplete here, so its size is not known{}", if *itself { ": a struct cannot contain itself, only a pointer to itself" } else { "" })]
    Incomplete {
        /// The type.
        what: String,
        /// Whether it is needed inside its own definition.
        itself: bool,
    },
    /// A type that C does not allow here.
    #[error("{what} cannot {verb}")]
    NotAllowed {
        /// The type.
        what: String,
        /// What it cannot do.
        verb: &'static str,
    },
    /// The length of an array, the width of a bit-field or an alignment that cannot be.
    #[error("{what} is {found}, expected {expected}")]
    Number {
        /// What the number is.
        what: &'static str,
        /// The number.
        found: i128,
        /// Those that are possible.
        expected: String,
    },
    /// A constant expression without a value.
    #[error("{0} in a constant expression")]
    Constant(&'static str),
    /// An attribute that cannot be left out without changing where arguments are.
    #[error("attribute `{name}`: {reason}")]
    Attribute {
        /// Its name.
        name: String,
        /// Why it is refused.
        reason: String,
    },
    /// A preprocessing directive that cannot be followed.
    #[error("{0}")]
    Directive(String),
    /// A byte that no token of C starts with.
    #[error("a byte {byte:#04x} outside of comments and literals{}", if *byte >= 0x80 { "; names are ASCII here" } else { "" })]
    Byte {
        /// The byte.
        byte: u8,
    },
    /// The text ends inside of this.
    #[error("the text ends in {0}")]
    Unterminated(&'static str),
    /// More parentheses, braces or pointers inside each other than this takes.
    #[error("nested more than {max} deep")]
    TooDeep {
        /// The most.
        max: usize,
    },
    /// The struct, union or function is not one that `ffi-types` takes.
    #[error("{0}")]
    Refused(String),
}

/// A type that is C, and that cannot be passed by value or laid out here.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}`{what}`: {reason}", Parameter(position))]
pub struct UnsupportedTypeError {
    /// The type, as C writes it.
    pub what: String,
    /// Why not.
    pub reason: String,
    /// Which parameter of a function it is, counted from 0, or the result; `None` for a type by
    /// itself.
    pub position: Option<Position>,
}

/// A part of a function's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// What it returns.
    Result,
    /// The parameter of that index, counted from 0.
    Parameter(usize),
}

struct Parameter<'a>(&'a Option<Position>);

impl fmt::Display for Parameter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(Position::Result) => f.write_str("result "),
            Some(Position::Parameter(index)) => write!(f, "parameter {index} "),
            None => Ok(()),
        }
    }
}

/// A problem and the byte where it is; what the parser passes about.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) at: u32,
    pub(crate) problem: Problem,
}

impl Fault {
    pub(crate) fn new(at: u32, problem: Problem) -> Self {
        Self { at, problem }
    }

    pub(crate) fn located(self, source: &Source<'_>) -> ParseError {
        ParseError { place: source.place(self.at), problem: self.problem }
    }
}

pub(crate) type Parsed<T> = Result<T, Fault>;
