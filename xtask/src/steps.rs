//! What `test`, `lint` and `bench` run, step by step; `matrix` runs its rows with the same.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

/// What the tests of a step said of themselves.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) ignored: usize,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Verdict {
    #[default]
    Passed,
    Failed(String),
    /// Not possible on this machine, and why.
    Skipped(String),
    /// An earlier step failed.
    NotRun,
}

impl Verdict {
    /// Of what this machine cannot do: CI may leave nothing out.
    pub(crate) fn impossible(reason: String, in_ci: bool) -> Self {
        if in_ci { Self::Failed(reason) } else { Self::Skipped(reason) }
    }

    /// Why not, for those that have a reason.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Failed(reason) => format!("failed: {reason}"),
            Self::Skipped(reason) => format!("skipped: {reason}"),
            Self::Passed | Self::NotRun => String::new(),
        }
    }
}

impl From<Result<(), String>> for Verdict {
    fn from(result: Result<(), String>) -> Self {
        result.map_or_else(Self::Failed, |()| Self::Passed)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) count: Count,
    pub(crate) verdict: Verdict,
    pub(crate) seconds: f64,
}

/// Runs steps until one fails, and prints them all as one table.
#[derive(Default)]
pub(crate) struct Steps(Vec<Step>);

impl Steps {
    pub(crate) fn cargo(
        &mut self,
        name: &str,
        words: &str,
        environment: &[(&str, &str)],
    ) -> &mut Self {
        let mut command = crate::cargo();
        command.args(words.split_whitespace()).envs(environment.iter().copied());
        self.run(name, || stream(command, std::io::stdout()))
    }

    /// As `cargo`, with a subcommand that a toolchain may lack.
    fn component(&mut self, name: &str, words: &str) -> &mut Self {
        let tool = words.split_whitespace().next().unwrap_or_default();
        let mut probe = crate::cargo();
        probe.args([tool, "--version"]).env("RUSTUP_AUTO_INSTALL", "0");
        probe.stdout(Stdio::null()).stderr(Stdio::null());
        if probe.status().is_ok_and(|status| status.success()) {
            return self.cargo(name, words, &[]);
        }
        let reason = format!("`cargo {tool}` is not in this toolchain");
        self.run(name, || (Count::default(), Verdict::impossible(reason, crate::in_ci())))
    }

    fn task(&mut self, name: &str, task: fn() -> Result<(), String>) -> &mut Self {
        self.run(name, || (Count::default(), task().into()))
    }

    pub(crate) fn run(&mut self, name: &str, step: impl FnOnce() -> (Count, Verdict)) -> &mut Self {
        let failed = self.0.iter().any(|step| matches!(step.verdict, Verdict::Failed(_)));
        let start = Instant::now();
        let (count, verdict) = if failed {
            (Count::default(), Verdict::NotRun)
        } else {
            println!("\n==> {name}");
            step()
        };
        let seconds = start.elapsed().as_secs_f64();
        if !failed {
            println!("<== {name}: {}, {seconds:.1} s", result(&verdict, count));
        }
        self.0.push(Step { name: name.into(), count, verdict, seconds });
        self
    }

    pub(crate) fn finish(&mut self) -> Result<(), String> {
        println!("\n{:32} {:>14} {:>8}", "step", "result", "seconds");
        let mut failure = None;
        for Step { name, count, verdict, seconds } in &self.0 {
            println!("{name:32} {:>14} {seconds:8.1}", result(verdict, *count));
            match verdict {
                Verdict::Failed(message) => failure = Some(message.clone()),
                Verdict::Skipped(reason) => println!("  skipped: {reason}"),
                Verdict::Passed | Verdict::NotRun => {}
            }
        }
        // Nothing was counted where nothing is a test.
        if self.0.iter().any(|step| step.count.passed + step.count.failed > 0) {
            println!("\n{}", totals(&self.0));
        }
        failure.map_or(Ok(()), Err)
    }

    /// All of them as one step, which is as its failure is, if there is one.
    pub(crate) fn into_one(self, name: &str) -> Step {
        let (count, seconds) = (sum(&self.0), self.0.iter().map(|step| step.seconds).sum());
        let failed = |verdict: &Verdict| matches!(verdict, Verdict::Failed(_));
        let verdict = self.0.into_iter().map(|step| step.verdict).find(failed).unwrap_or_default();
        Step { name: name.into(), count, verdict, seconds }
    }
}

fn sum(steps: &[Step]) -> Count {
    let sum = |of: fn(&Count) -> usize| steps.iter().map(|step| of(&step.count)).sum();
    Count {
        passed: sum(|count| count.passed),
        failed: sum(|count| count.failed),
        ignored: sum(|count| count.ignored),
    }
}

/// The closing line.
pub(crate) fn totals(steps: &[Step]) -> String {
    let Count { passed, failed, ignored } = sum(steps);
    // A step may fail before any test has run; `0 failed` would be a lie.
    let broken = steps.iter().any(|step| matches!(step.verdict, Verdict::Failed(_)));
    format!("{passed} passed, {} failed, {ignored} skipped", failed.max(usize::from(broken)))
}

pub(crate) fn test() -> Result<(), String> {
    let everything = "test --workspace --exclude ffi-benches";
    Steps::default()
        .task("setup", crate::setup::native)
        .cargo("tests, debug", everything, &[])
        // Mistakes about registers hide from one optimisation level and show at another.
        .cargo("tests, release", &format!("{everything} --release --lib --bins --tests"), &[])
        .cargo("benchmarks, once each", "bench -p ffi-benches -- --test", &[])
        // The chapter that has other libraries in it. By what the benchmarks were built with.
        .cargo("code of docs/moving.md", "test -p ffi-benches --doc --release", &[])
        .cargo("documentation", "doc --workspace --no-deps", &[("RUSTDOCFLAGS", "-Dwarnings")])
        .task("tidy", crate::tidy::run)
        .finish()
}

pub(crate) fn lint() -> Result<(), String> {
    Steps::default()
        .task("setup", crate::setup::native)
        .component("formatting", "fmt --all --check")
        .component("clippy", "clippy --workspace --all-targets -- -D warnings")
        .run("README's first command", readme_command)
        .run("the book", book)
        .finish()
}

pub(crate) fn ci() -> Result<(), String> {
    crate::setup::run()?;
    lint()?;
    crate::counts::run(&[])?;
    crate::package::run()?;
    crate::reliability::run(&["--short".into()])?;
    // The native row's tests are those of the last task.
    crate::matrix::run(&["-x86-64-linux".into()])?;
    crate::compat::run(&["--test".into()])?;
    test()
}

pub(crate) fn bench() -> Result<(), String> {
    Steps::default()
        .task("setup", crate::setup::native)
        .cargo("benchmarks", "bench -p ffi-benches --bench measure", &[])
        .cargo("table", "run -q -p ffi-benches --bin report", &[])
        .task("README", crate::readme::run)
        .finish()
}

fn result(verdict: &Verdict, count: Count) -> String {
    match verdict {
        Verdict::Passed if count.passed > 0 => format!("{} passed", count.passed),
        Verdict::Passed => "ok".into(),
        Verdict::Failed(_) => "FAILED".into(),
        Verdict::Skipped(_) => "skipped".into(),
        Verdict::NotRun => "not run".into(),
    }
}

/// Builds the book and checks its pages. To install an mdBook takes a minute, which only CI has: what
/// links to what is checked by `tidy`, and code and commands by tests, in any case.
fn book() -> (Count, Verdict) {
    let verdict =
        if crate::in_ci() { Some(crate::book::run()) } else { crate::book::run_if_found() };
    let reason = "there is no mdbook; `cargo xtask book` installs one";
    let skipped = || Verdict::Skipped(reason.into());
    (Count::default(), verdict.map_or_else(skipped, Verdict::from))
}

/// Runs README's first command as it stands there.
fn readme_command() -> (Count, Verdict) {
    let failed = |message| (Count::default(), Verdict::Failed(message));
    let text = match std::fs::read_to_string(crate::root().join("README.md")) {
        Ok(text) => text,
        Err(error) => return failed(format!("README.md: {error}")),
    };
    let Some(line) = first_command(&text) else {
        return failed("README.md: expected a cargo command in its first sh block".into());
    };
    println!("{line}");
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir(crate::root());
    stream(shell, std::io::stdout())
}

/// The first `cargo` line of the first fenced block that is a shell's.
fn first_command(readme: &str) -> Option<&str> {
    let mut lines = readme.lines();
    lines.find(|line| ["```sh", "```console"].contains(&line.trim_end()))?;
    lines
        .take_while(|line| !line.starts_with("```"))
        .map(|line| line.strip_prefix("$ ").unwrap_or(line))
        .find(|line| line.starts_with("cargo "))
}

/// Runs a command and passes its output on as it comes, counting tests.
pub(crate) fn stream(mut command: Command, mut out: impl Write) -> (Count, Verdict) {
    let mut count = Count::default();
    // The toolchain that is there has to do: nothing may be fetched behind one's back.
    command.env("RUSTUP_AUTO_INSTALL", "0").stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return (count, Verdict::Failed(format!("{command:?}: {error}"))),
    };
    let (mut begun, mut ended) = (0, 0);
    if let Some(pipe) = child.stdout.take() {
        // By bytes: a test may print what is no UTF-8.
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            let _ = out.write_all(&line).and_then(|()| out.write_all(b"\n"));
            let line = String::from_utf8_lossy(&line);
            begun += usize::from(begins(line.trim_end()));
            if let Some(more) = line.strip_prefix("test result: ") {
                ended += 1;
                add(&mut count, more);
            }
        }
    }
    let verdict = match child.wait() {
        // Under Wine a program that crashed has succeeded.
        Ok(status) if status.success() && ended < begun => {
            Verdict::Failed(format!("{} of {begun} test programs had no result", begun - ended))
        }
        Ok(status) if status.success() => Verdict::Passed,
        Ok(status) => Verdict::Failed(format!("{command:?}: {status}")),
        Err(error) => Verdict::Failed(format!("{command:?}: {error}")),
    };
    (count, verdict)
}

/// Whether this is libtest's opening line: `running 3 tests`.
fn begins(line: &str) -> bool {
    let Some(rest) = line.strip_prefix("running ") else { return false };
    let count = rest.strip_suffix(" tests").or(rest.strip_suffix(" test"));
    count.is_some_and(|count| count.parse::<usize>().is_ok())
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

    fn shell(script: &str) -> (Count, Verdict) {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        // Not to the real output, where the `xtask test` that runs this test would count it.
        stream(command, std::io::sink())
    }

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
        let console = "```rust\ncargo no\n```\n```console\n$ cargo run\n```\n";
        assert_eq!(first_command(console), Some("cargo run"));
        assert_eq!(first_command("cargo run"), None);
        assert_eq!(first_command("```sh\nls\n```\ncargo run\n"), None);
    }

    #[test]
    fn a_failed_step_stops_the_rest_and_fails_the_whole() {
        let mut steps = Steps::default();
        steps.task("one", || Err("broken".into())).run("two", || unreachable!("not run"));
        assert_eq!(steps.0[1].verdict, Verdict::NotRun);
        assert_eq!(totals(&steps.0), "0 passed, 1 failed, 0 skipped");
        assert_eq!(steps.finish(), Err("broken".into()));
    }

    #[test]
    fn the_tests_of_a_failed_step_are_counted_too() {
        let mut steps = Steps::default();
        steps.run("one", || shell("echo 'test result: ok. 2 passed; 0 failed; 1 ignored'"));
        assert_eq!(steps.0[0].verdict, Verdict::Passed);
        steps.run("two", || shell("echo 'test result: FAILED. 5 passed; 3 failed'; exit 1"));
        assert_eq!(totals(&steps.0), "7 passed, 3 failed, 1 skipped");
        assert!(steps.finish().is_err());
    }

    #[test]
    fn steps_become_one_with_the_failure_of_any() {
        let mut steps = Steps::default();
        steps.run("one", || shell("echo 'test result: ok. 2 passed; 0 failed; 1 ignored'"));
        steps.task("two", || Err("broken".into())).task("three", || Ok(()));
        let step = steps.into_one("all");
        assert_eq!(step.verdict, Verdict::Failed("broken".into()));
        assert_eq!(step.count, Count { passed: 2, failed: 0, ignored: 1 });
        assert_eq!(totals(&[step]), "2 passed, 1 failed, 1 skipped");
        assert_eq!(Steps::default().into_one("none").verdict, Verdict::Passed);
    }

    #[test]
    fn what_is_impossible_fails_in_ci_alone() {
        assert_eq!(Verdict::impossible("no".into(), true), Verdict::Failed("no".into()));
        assert_eq!(Verdict::impossible("no".into(), false), Verdict::Skipped("no".into()));
    }
}
