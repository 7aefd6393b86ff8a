//! The command `ffi`: libraries and their C functions from a shell.
//!
//! A subcommand is a module in [`commands`], with its `Args` and a `run`. What several of them need
//! is beside it: finding and opening libraries ([`library`]), reading what one exports
//! ([`exports`]), and where output goes ([`output`]).

mod abi;
mod args;
mod call;
mod commands;
mod exports;
mod failure;
mod library;
mod nearest;
mod output;
mod table;

use clap::Parser;
use std::process::ExitCode;

/// Exits with 0, or with 1 where the operation failed. A command line that makes no sense ends in
/// clap, with 2.
fn main() -> ExitCode {
    let cli = args::Cli::parse_from(args::with_numbers_marked(std::env::args_os()));
    cli.color.write_global();
    let mut output = output::Output::stdout();
    match cli.command.run(&mut output).and_then(|()| output.finish()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            // What was written before the failure comes first, where both go to one terminal.
            let _ = output.finish();
            failure.print(&mut anstream::stderr());
            ExitCode::FAILURE
        }
    }
}
