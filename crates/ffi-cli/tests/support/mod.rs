//! Running the command in a test.
#![allow(dead_code, reason = "no test file uses all of it")]

use std::path::Path;
use std::process::Command;

/// What a run of the command came to.
#[derive(Debug, PartialEq)]
pub(crate) struct Ran {
    /// The exit status; `None` for a signal.
    pub(crate) status: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

/// Runs the command.
pub(crate) fn ffi(arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ffi"));
    command.args(arguments).env_remove("LD_LIBRARY_PATH").env_remove("CLICOLOR_FORCE");
    ran(command.envs(environment.iter().copied()))
}

fn ran(command: &mut Command) -> Ran {
    let ran = command.output().expect("the command runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Ran { status: ran.status.code(), out: text(ran.stdout), err: text(ran.stderr) }
}

/// The output of a run that succeeds, in silence on standard error.
pub(crate) fn output(arguments: &[&str]) -> String {
    let ran = ffi(arguments, &[]);
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{arguments:?}");
    ran.out
}

/// Standard error of a run that fails, and has no output.
pub(crate) fn failure(arguments: &[&str]) -> String {
    let ran = ffi(arguments, &[]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(1), ""), "{arguments:?}: {}", ran.err);
    ran.err
}

/// Runs a line in a shell that finds the command, in a directory. Cargo builds for it in a place of
/// its own, the same for every profile, of what was fetched before.
pub(crate) fn shell_in(directory: &Path, line: &str) -> Ran {
    let program = Path::new(env!("CARGO_BIN_EXE_ffi"));
    let built = program.parent().expect("a directory");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(directory);
    command.env("PATH", format!("{}:{path}", built.display()));
    command.env("CARGO_TARGET_DIR", built.join("../documents")).env("CARGO_NET_OFFLINE", "true");
    ran(&mut command)
}
