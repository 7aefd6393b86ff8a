//! gdb and perf walk from inside a callback through C and the trampolines to `main`, with names.
//! `unwinding.rs` has the same for Rust's own backtraces.

#![cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]

use ffi_tests::compile::{compilers, shared_library};
use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_walk");
const SOURCE: &str = "int through_c(int (*callback)(int), int n) { return callback(n) + 1; }";

/// Innermost first. Calls by steps have no frame of their own.
const BY_STEPS: [&str; 5] =
    ["inside_the_callback", "callback_general", "through_c", "start_of_the_walk", "main"];
const BY_IMAGE: [&str; 6] = [
    "inside_the_callback",
    "callback_general",
    "through_c",
    "call_stack",
    "start_of_the_walk",
    "main",
];

fn library(directory: &Path) -> PathBuf {
    shared_library(compilers()[0], directory, "through", SOURCE)
}

/// What a tool prints, or why it cannot be used.
fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let (out, error) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() {
        Ok(out.into_owned())
    } else {
        Err(format!("{command:?}: {}\n{out}{error}", output.status))
    }
}

/// Whether the names are on lines of the stack in this order.
fn has(stack: &str, names: &[&str]) -> bool {
    let mut lines = stack.lines();
    names.iter().all(|name| lines.any(|line| line.contains(name)))
}

/// A tool that is missing fails the test in CI, where setup installs it, and is named elsewhere.
fn missing(message: &str) {
    assert!(std::env::var_os("CI").is_none(), "{message}");
    eprintln!("{message}: not tried");
}

#[test]
fn gdb_walks_from_a_callback_to_main() {
    if let Err(message) = run(Command::new("gdb").arg("--version")) {
        return missing(&message);
    }
    let directory = tempfile::tempdir().expect("room for temporary files");
    let library = library(directory.path());
    let commands = [
        "set pagination off",
        "set debuginfod enabled off",
        "set breakpoint pending on",
        "break inside_the_callback",
        "run",
        "echo by steps\\n",
        "backtrace",
        "continue",
        "echo by image\\n",
        "backtrace",
        "kill",
    ];
    let mut gdb = Command::new("gdb");
    gdb.args(["-nx", "-batch"]);
    commands.iter().for_each(|command| _ = gdb.args(["-ex", command]));
    let text = run(gdb.arg("--args").args([PROGRAM.as_ref(), &*library])).expect("gdb runs it");
    let (first, second) = text.split_once("by image\n").unwrap_or_else(|| panic!("{text}"));
    let (_, first) = first.split_once("by steps\n").unwrap_or_else(|| panic!("{text}"));
    assert!(has(first, &BY_STEPS), "{BY_STEPS:?} are not in:\n{first}");
    assert!(has(second, &BY_IMAGE), "{BY_IMAGE:?} are not in:\n{second}");
    // A frame without a name is one that was guessed.
    for stack in [first, second] {
        assert!(!stack.contains("??"), "{stack}");
        assert!(!stack.contains("previous frame"), "{stack}");
    }
}

#[test]
fn perf_walks_from_a_callback_to_main() {
    let directory = tempfile::tempdir().expect("room for temporary files");
    let data = directory.path().join("perf.data");
    // Counters need a processor that lets them through; a clock needs the kernel's permission.
    let record = ["record", "-q", "-e", "cpu-clock:u", "--call-graph", "dwarf,16384", "-o"];
    let recorded = |program: &[&Path]| {
        run(Command::new("perf").args(record).arg(&data).arg("--").args(program))
    };
    if let Err(message) = recorded(&["true".as_ref()]) {
        // CI has no counters, and gdb has walked the same stack.
        return eprintln!("{message}: perf cannot record here, and is not tried");
    }
    let library = library(directory.path());
    recorded(&[PROGRAM.as_ref(), &library, "100".as_ref()]).expect("perf records it");
    let mut script = Command::new("perf");
    let script = script.args(["script", "-F", "ip,sym", "-i"]).arg(&data);
    let text = run(script).expect("perf reads what it wrote");
    let stacks: Vec<&str> =
        text.split("\n\n").filter(|stack| stack.contains("inside_the_callback")).collect();
    for names in [&BY_STEPS[..], &BY_IMAGE] {
        let found = stacks.iter().filter(|stack| has(stack, names)).count();
        let last = stacks.last().unwrap_or(&"");
        assert!(found > 0, "{names:?} are in none of {} stacks. The last:\n{last}", stacks.len());
    }
    // A few are cut short, where the clock struck in somebody's prologue.
    let whole = stacks.iter().filter(|stack| has(stack, &BY_STEPS)).count();
    assert!(whole * 10 >= stacks.len() * 9, "{whole} of {} are whole", stacks.len());
}
