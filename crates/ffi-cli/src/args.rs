//! The command line.

use crate::commands::{call, check, completions, explain, layout, symbols};
use crate::failure::Failure;
use crate::output::Output;
use clap::{Parser, Subcommand};

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
