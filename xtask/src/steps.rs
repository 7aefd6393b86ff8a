//! What `test`, `lint` and `bench` run, step by step.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

/// What the tests of a step said of themselves.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Count {
    passed: usize,
    failed: usize,
    ignored: usize,
}

struct Step {
    name: String,
    result: Result<Count, String>,
    seconds: f64,
}

/// Runs steps until one fails, and prints them all as one table.
#[derive(Default)]
struct Steps(Vec<Step>);

impl Steps {
    fn cargo(&mut self, name: &str, words: &str, environment: &[(&str, &str)]) -> &mut Self {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(words.split_whitespace()).envs(environment.iter().copied());
        self.run(name, || stream(command))
    }

    fn run(&mut self, name: &str, step: impl FnOnce() -> Result<Count, String>) -> &mut Self {
        if self.0.iter().all(|step| step.result.is_ok()) {
            println!("\n==> {name}");
            let start = Instant::now();
            let result = step();
            let seconds = start.elapsed().as_secs_f64();
            self.0.push(Step { name: name.into(), result, seconds });
        }
        self
    }

    fn finish(&mut self) -> Result<(), String> {
        println!("\n{:44} {:>7} {:>8}", "step", "passed", "seconds");
        let mut total = Count::default();
        for Step { name, result, seconds } in &self.0 {
            let passed = match result {
                Ok(count) if count.passed > 0 => count.passed.to_string(),
                Ok(_) => "ok".into(),
                Err(_) => "FAILED".into(),
            };
            println!("{name:44} {passed:>7} {seconds:8.1}");
            if let Ok(count) = result {
                total.passed += count.passed;
                total.failed += count.failed;
                total.ignored += count.ignored;
            }
        }
        let failed = self.0.iter().find_map(|step| step.result.as_ref().err());
        let failures = total.failed + usize::from(failed.is_some());
        println!("\n{} passed, {failures} failed, {} skipped", total.passed, total.ignored);
        failed.map_or(Ok(()), |message| Err(message.clone()))
    }
}

pub(crate) fn test() -> Result<(), String> {
    let everything = "test --workspace --exclude ffi-benches";
    Steps::default()
        .run("setup", || crate::setup::run().map(|()| Count::default()))
        .cargo("tests, debug", everything, &[])
        // Mistakes about registers hide from one optimisation level and show at another.
        .cargo("tests, release", &format!("{everything} --release --lib --bins --tests"), &[])
        .cargo("benchmarks, once each", "bench -p ffi-benches --bench calls -- --test", &[])
        .cargo("documentation", "doc --workspace --no-deps", &[("RUSTDOCFLAGS", "-Dwarnings")])
        .run("tidy", || crate::tidy::run().map(|()| Count::default()))
        .finish()
}

pub(crate) fn lint() -> Result<(), String> {
    Steps::default()
        .cargo("formatting", "fmt --all --check", &[])
        .cargo("clippy", "clippy --workspace --all-targets -- -D warnings", &[])
        .run("README's first command", readme_command)
        .finish()
}

pub(crate) fn ci() -> Result<(), String> {
    test()?;
    lint()
}

pub(crate) fn bench() -> Result<(), String> {
    Steps::default()
        .cargo("benchmarks", "bench -p ffi-benches --bench calls", &[])
        .cargo("table", "run -q -p ffi-benches --bin table", &[])
        .finish()
}

/// Runs README's first command as it stands there.
fn readme_command() -> Result<Count, String> {
    let text = std::fs::read_to_string(crate::root().join("README.md"))
        .map_err(|error| format!("README.md: {error}"))?;
    let line = first_command(&text).ok_or("README.md has no ```sh block with a cargo command")?;
    let mut shell = Command::new("sh");
    shell.args(["-c", line]);
    stream(shell)
}

fn first_command(readme: &str) -> Option<&str> {
    readme.lines().skip_while(|line| *line != "```sh").find(|line| line.starts_with("cargo "))
}

/// Runs a command in the workspace's root and passes its output on as it comes, counting tests.
fn stream(mut command: Command) -> Result<Count, String> {
    let mut child = command
        .current_dir(crate::root())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{command:?}: {error}"))?;
    let mut count = Count::default();
    let mut out = std::io::stdout();
    if let Some(pipe) = child.stdout.take() {
        // By bytes: a test may print what is no UTF-8.
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            let _ = out.write_all(&line).and_then(|()| out.write_all(b"\n"));
            if let Some(more) = String::from_utf8_lossy(&line).strip_prefix("test result: ") {
                add(&mut count, more);
            }
        }
    }
    let status = child.wait().map_err(|error| format!("{command:?}: {error}"))?;
    if status.success() { Ok(count) } else { Err(format!("{command:?}: {status}")) }
}

/// Adds the numbers of libtest's closing line: `ok. 3 passed; 0 failed; 1 ignored; …`.
fn add(count: &mut Count, line: &str) {
    let words: Vec<&str> = line.split([' ', ';']).filter(|word| !word.is_empty()).collect();
    for pair in words.windows(2) {
        let Ok(number) = pair[0].parse::<usize>() else { continue };
        match pair[1] {
            "passed" => count.passed += number,
            "failed" => count.failed += number,
            "ignored" => count.ignored += number,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_counted() {
        let mut count = Count { passed: 1, failed: 0, ignored: 0 };
        add(&mut count, "ok. 3 passed; 2 failed; 1 ignored; 0 measured; 9 filtered out");
        assert_eq!(count, Count { passed: 4, failed: 2, ignored: 1 });
    }

    #[test]
    fn the_first_command_is_found() {
        let readme = "text\n```sh\n# first\ncargo run  # note\ncargo test\n```\n";
        assert_eq!(first_command(readme), Some("cargo run  # note"));
        assert_eq!(first_command("cargo run"), None);
    }

    #[test]
    fn a_failed_step_stops_the_rest_and_fails_the_whole() {
        let mut steps = Steps::default();
        steps.run("one", || Err("broken".into())).run("two", || unreachable!("not run"));
        assert_eq!(steps.finish(), Err("broken".into()));
    }
}
