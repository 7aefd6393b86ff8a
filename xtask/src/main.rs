//! The tasks of this workspace: `cargo xtask <task>`.

mod book;
mod compat;
mod compile_service;
mod counts;
mod docs;
mod fuzz;
mod graph;
mod links;
mod matrix;
mod package;
mod prepare;
mod promises;
mod readme;
mod reliability;
mod rows;
mod setup;
mod steps;
mod tidy;
mod unused;
mod weight;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

struct Task {
    name: &'static str,
    help: &'static str,
    run: Run,
}

enum Run {
    Alone(fn() -> Result<(), String>),
    /// With the words that follow the task's name.
    With(fn(&[String]) -> Result<(), String>),
}

const TASKS: &[Task] = &[
    Task {
        name: "setup",
        help: "install what all tasks need (Debian)",
        run: Run::Alone(setup::run),
    },
    Task {
        name: "test",
        help: "every test there is, on this machine",
        run: Run::Alone(steps::test),
    },
    Task {
        name: "matrix",
        help: "run or build for every target, or for the rows that are named",
        run: Run::With(matrix::run),
    },
    Task {
        name: "tidy",
        help: "check the dependency graph, links, and the look of every file",
        run: Run::Alone(tidy::run),
    },
    Task {
        name: "lint",
        help: "formatting, clippy, README's first command, and the book",
        run: Run::Alone(steps::lint),
    },
    Task {
        name: "ci",
        help: "setup, lint, counts, package, reliability, matrix, compat and test",
        run: Run::Alone(steps::ci),
    },
    Task {
        name: "bench",
        help: "run the benchmarks and write the table to docs/",
        run: Run::Alone(steps::bench),
    },
    Task {
        name: "counts",
        help: "count instructions, and compare with those kept; with `--update`, keep them",
        run: Run::With(counts::run),
    },
    Task {
        name: "weight",
        help: "time a clean build, and weigh what it builds, and write both to docs/",
        run: Run::Alone(weight::run),
    },
    Task {
        name: "fuzz",
        help: "try inputs that nobody thought of: `fuzz cdecl 600`, in seconds",
        run: Run::With(fuzz::run),
    },
    Task {
        name: "package",
        help: "what users of the packages meet: features, no_std, lowest versions, packages",
        run: Run::Alone(package::run),
    },
    Task {
        name: "compat",
        help: "build the stand-in for libffi; with `--test`, run those who use libffi on it",
        run: Run::With(compat::run),
    },
    Task {
        name: "book",
        help: "build the book of docs/, by an mdBook that is installed if need be",
        run: Run::Alone(book::run),
    },
    Task {
        name: "reliability",
        help: "look for faults that no one test shows, and write docs/reliability.md; with `--short`, for some minutes",
        run: Run::With(reliability::run),
    },
    Task {
        name: "soak",
        help: "10^9 calls and 10^8 callbacks by 16 threads, or as the arguments say: `--seconds 60`",
        run: Run::With(reliability::soak),
    },
    Task {
        name: "readme",
        help: "write the support table, and the date of the figures, to README.md",
        run: Run::Alone(readme::run),
    },
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [name, arguments @ ..] = &*words else {
        print!("{}", usage());
        return ExitCode::SUCCESS;
    };
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        eprint!("xtask: no task is called {name:?}\n\n{}", usage());
        return ExitCode::from(2);
    };
    let result = match task.run {
        Run::With(run) => run(arguments),
        Run::Alone(run) if arguments.is_empty() => run(),
        // One that were ignored would look as if it had worked.
        Run::Alone(_) => {
            eprint!("xtask {name}: expected no argument, found {arguments:?}\n\n{}", usage());
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("\nxtask {name}: {message}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> String {
    let lines = TASKS.iter().map(|task| format!("  {:11} {}\n", task.name, task.help));
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

/// Where Cargo builds, of a default configuration.
fn target_directory() -> PathBuf {
    // An absolute path replaces what it is joined to.
    root().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// Whether a continuous-integration system runs this; then nothing may be left out.
fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}
