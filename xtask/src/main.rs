//! The tasks of this workspace: `cargo xtask <task>`.

mod graph;
mod setup;
mod steps;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

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
    let name = std::env::args().nth(1).unwrap_or_default();
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        eprintln!("usage: cargo xtask <task>\n");
        for task in TASKS {
            eprintln!("  {:8} {}", task.name, task.help);
        }
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

/// The root of the workspace, wherever the task was started.
fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}

/// Whether a continuous-integration system runs this; then nothing may be left out.
fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}
