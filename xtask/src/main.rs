//! The tasks of this workspace: `cargo xtask <task>`.

mod graph;
mod setup;
mod steps;
mod tidy;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

struct Task {
    name: &'static str,
    help: &'static str,
    run: fn() -> Result<(), String>,
}

const TASKS: &[Task] = &[
    Task { name: "setup", help: "install what the tests need (Debian)", run: setup::run },
    Task { name: "test", help: "setup, then every test there is", run: steps::test },
    Task {
        name: "tidy",
        help: "check the dependency graph and the look of every file",
        run: tidy::run,
    },
    Task { name: "lint", help: "formatting, clippy, and README's first command", run: steps::lint },
    Task { name: "ci", help: "test and lint", run: steps::ci },
    Task {
        name: "bench",
        help: "run the benchmarks and write the table to docs/",
        run: steps::bench,
    },
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.is_empty() {
        print!("{}", usage());
        return ExitCode::SUCCESS;
    }
    // No task takes an argument; one that were ignored would look as if it had worked.
    let [name] = &*words else {
        eprint!("xtask: expected one task, found {words:?}\n\n{}", usage());
        return ExitCode::from(2);
    };
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        eprint!("xtask: no task is called {name:?}\n\n{}", usage());
        return ExitCode::from(2);
    };
    match (task.run)() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("\nxtask {name}: {message}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> String {
    let lines = TASKS.iter().map(|task| format!("  {:8} {}\n", task.name, task.help));
    format!("usage: cargo xtask <task>\n\n{}", lines.collect::<String>())
}

/// The root of the workspace, wherever the task was started.
fn root() -> PathBuf {
    // As Cargo says at run time: two clones that share a target directory may share this binary.
    let here = std::env::var_os("CARGO_MANIFEST_DIR");
    let here = PathBuf::from(here.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into()));
    here.parent().map_or(here.clone(), PathBuf::from)
}

/// The Cargo that runs this task, to be run in the root.
fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Whether a continuous-integration system runs this; then nothing may be left out.
fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}
