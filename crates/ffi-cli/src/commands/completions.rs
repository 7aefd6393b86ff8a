//! `ffi completions`: a script that lets a shell complete this command's arguments.

use crate::failure::Failure;
use crate::output::Output;
use clap::CommandFactory;
use std::io::Write;

/// Print a script that completes the arguments of this command in a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ffi completions bash > ~/.local/share/bash-completion/completions/ffi
  ffi completions zsh > ~/.zfunc/_ffi
  ffi completions fish > ~/.config/fish/completions/ffi.fish")]
pub(crate) struct Args {
    /// The shell that the script is for.
    shell: clap_complete::Shell,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    // clap_complete panics where it cannot write, which a vector never is the reason for.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::args::Cli::command(), "ffi", &mut script);
    Ok(output.write_all(&script)?)
}
