//! Tests that end the process they run in.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output};

/// Runs a test of the running program in a process of its own, where it ends the process.
///
/// # Panics
/// If the program cannot be started.
pub fn in_a_process(test: &str) -> Output {
    in_a_process_with(test, &[])
}

/// As [`in_a_process`], with these environment variables.
///
/// # Panics
/// If the program cannot be started.
pub fn in_a_process_with(test: &str, environment: &[(&str, &str)]) -> Output {
    let mut command = command(&std::env::current_exe().expect("a path"));
    command.args(["--exact", test, "--include-ignored", "--nocapture"]).env("FFI_TEST_ENDS", "1");
    command.envs(environment.iter().copied());
    command.output().expect("it runs")
}

/// Runs the body of a test in a process of its own, where no other test is.
///
/// # Panics
/// If it does not come to its end there.
pub fn alone(test: &str, body: impl FnOnce()) {
    if ends_here() {
        return body();
    }
    let output = in_a_process(test);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{text}", output.status);
}

/// Starts a program of the tests' target.
pub fn command(program: &Path) -> Command {
    let mut words = emulator();
    words.push(program.into());
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

/// What runs this program, where Cargo was told of an emulator: only Wine starts the programs that
/// its own programs ask for by itself.
fn emulator() -> Vec<OsString> {
    let start = format!("CARGO_TARGET_{}_", std::env::consts::ARCH.to_uppercase());
    let runner = std::env::vars()
        .find(|(name, _)| cfg!(unix) && name.starts_with(&start) && name.ends_with("_RUNNER"));
    runner.iter().flat_map(|(_, words)| words.split_whitespace()).map(OsString::from).collect()
}

/// Whether this is that process.
pub fn ends_here() -> bool {
    std::env::var_os("FFI_TEST_ENDS").is_some()
}

/// Checks that the process aborted with a message.
///
/// # Panics
/// If not.
pub fn assert_aborted(output: &Output, message: &str) {
    let text = String::from_utf8_lossy(&output.stderr);
    // Where panics abort, the test's program runs the test in one more process, and says itself how
    // that ended.
    #[cfg(all(unix, panic = "unwind"))]
    {
        use std::os::unix::process::ExitStatusExt;
        assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{}\n{text}", output.status);
    }
    // STATUS_STACK_BUFFER_OVERRUN, which has come to mean any `__fastfail`.
    #[cfg(windows)]
    assert_eq!(output.status.code(), Some(0xc000_0409_u32.cast_signed()), "{text}");
    assert!(text.contains(message), "no {message:?} in:\n{text}");
}
