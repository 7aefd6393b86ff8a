//! What Windows' headers and manual say of parameters besides their types: `_In_opt_ LPCSTR`, and
//! `[in, optional] LPCSTR`. None of it changes a call.

use crate::error::Parsed;
use crate::lex::Kind;
use crate::parser::Parser;

/// How the words of the source-code annotation language begin.
const BEGINNINGS: [&str; 20] = [
    "_In_",
    "_Out_",
    "_Inout_",
    "_Outptr_",
    "_COM_Outptr_",
    "_Ret_",
    "_Result_",
    "_Reserved_",
    "_Success_",
    "_Check_return_",
    "_Must_inspect_result_",
    "_Pre_",
    "_Post_",
    "_Prepost_",
    "_Deref_",
    "_Field_",
    "_Frees_ptr_",
    "_Null_terminated_",
    "_Printf_format_string_",
    "_When_",
];
/// Words of older headers, and those before a declaration.
const WORDS: [&str; 9] = [
    "IN",
    "OUT",
    "OPTIONAL",
    "__in",
    "__out",
    "__inout",
    "WINBASEAPI",
    "WINUSERAPI",
    "DECLSPEC_IMPORT",
];
/// What stands in brackets before a parameter in the manual.
const IN_BRACKETS: [&str; 5] = ["in", "out", "optional", "ref", "retval"];

impl Parser<'_> {
    /// Reads over the annotation that is next, if one is.
    pub(crate) fn annotation(&mut self) -> Parsed<bool> {
        if !self.header.options.windows_names {
            return Ok(false);
        }
        let word = self.word();
        if WORDS.contains(&word) {
            self.bump();
            return Ok(true);
        }
        if BEGINNINGS.iter().any(|beginning| word.starts_with(beginning)) {
            self.bump();
            // `_In_reads_(count)`; a declarator in parentheses never follows one directly.
            if self.peek().is("(") {
                self.parentheses()?;
            }
            return Ok(true);
        }
        let next = self.ahead(1);
        let bracketed = self.peek().is("[")
            && next.kind == Kind::Word
            && IN_BRACKETS.contains(&self.text_of(next));
        if !bracketed {
            return Ok(false);
        }
        while !self.accept("]") {
            if self.peek().kind == Kind::End {
                return Err(self.unexpected("`]`"));
            }
            self.bump();
        }
        Ok(true)
    }
}
