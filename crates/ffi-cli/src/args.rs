//! The command line.

use crate::commands::{call, check, completions, explain, layout, symbols};
use crate::failure::Failure;
use crate::output::Output;
use clap::{Parser, Subcommand};
use std::convert::Infallible;
use std::ffi::OsString;

/// Look into shared libraries, and call what is in them.
#[derive(Debug, Parser)]
#[command(name = "ffi", bin_name = "ffi", version, propagate_version = true)]
#[command(arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "\
Examples:
  ffi call libm.so.6 'double cbrt(double)' 27
  ffi explain 'double pow(double x, double y)' --abi sysv,win64,aapcs64
  ffi layout 'struct point { char tag; double x, y; }'
  ffi symbols ./libfoo.so 'foo_*'
  ffi check -E foo.h ./libfoo.so
  ffi help call

Exit status: 0 if all went well, 1 if the operation failed, 2 if the command line makes no sense.
Colour is used on a terminal alone, and never if NO_COLOR is set, unless --color says otherwise.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) color: colorchoice_clap::Color,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Call(call::Args),
    Explain(explain::Args),
    Layout(layout::Args),
    Check(check::Args),
    Symbols(symbols::Args),
    Completions(completions::Args),
}

/// Stands before a negative number that clap would take for options. No argument of a program can
/// have it.
const MARK: char = '\0';

/// The words of a command line, so that clap takes every negative number behind `call` for one: it
/// knows those of decimal digits, and not `-0x10`, `-.5` or `-inf`.
pub(crate) fn with_numbers_marked(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut calls = false;
    let mark = |word: OsString| {
        let number = word.to_str().filter(|text| calls && is_negative_number(text));
        let marked = number.map(|text| format!("{MARK}{text}").into());
        calls |= word == "call";
        marked.unwrap_or(word)
    };
    words.map(mark).collect()
}

fn is_negative_number(word: &str) -> bool {
    let Some(rest) = word.strip_prefix('-') else { return false };
    let digits = rest.strip_prefix('.').unwrap_or(rest);
    digits.starts_with(|c: char| c.is_ascii_digit())
        || ["inf", "infinity", "nan"].iter().any(|name| rest.eq_ignore_ascii_case(name))
}

/// A word as it was typed.
pub(crate) fn unmarked(word: &str) -> Result<String, Infallible> {
    Ok(word.trim_start_matches(MARK).into())
}

impl Command {
    pub(crate) fn run(&self, output: &mut Output) -> Result<(), Failure> {
        match self {
            Self::Call(args) => call::run(args, output),
            Self::Explain(args) => explain::run(args, output),
            Self::Layout(args) => layout::run(args, output),
            Self::Check(args) => check::run(args, output),
            Self::Symbols(args) => symbols::run(args, output),
            Self::Completions(args) => completions::run(args, output),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn clap_finds_no_fault_with_the_command_line() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_help_with_examples() {
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains(&format!("\n  ffi {name} ")), "{name}: {help:?}");
            assert!(command.get_about().is_some(), "{name}");
        }
    }
}
