//! Why something is where a plan has it, for people.

use alloc::borrow::Cow;
use core::fmt;

/// The rule of a convention's document that put an argument, or the result, where it is.
///
/// Prints as a sentence with its source: `INTEGER: the next general register (psABI 3.2.3)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The clause of the document.
    pub clause: &'static str,
    /// What it says of this type.
    pub text: Cow<'static, str>,
}

impl Rule {
    /// The rule of that clause.
    pub fn new(clause: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self { clause, text: text.into() }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text, self.clause)
    }
}
