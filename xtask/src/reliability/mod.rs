//! `cargo xtask reliability [--short]` and `cargo xtask soak`: what looks for faults that no single
//! test would show, as one table: the fault, how many were tried, the outcome.

mod build;
mod checks;

use crate::rows::Need;
use crate::steps::Verdict;
use std::fmt::Write;
use std::process::Command;
use std::time::Instant;

const BEGIN: &str = "<!-- reliability -->";
const END: &str = "<!-- end of reliability -->";
const DOCUMENT: &str = "docs/reliability.md";

/// Beyond what the rows of the matrix need.
pub(crate) const NEEDS: &[Need] = &[
    Need { probe: "valgrind", packages: &["valgrind"] },
    Need { probe: "clang-22", packages: &["clang-22"] },
    Need { probe: build::THREAD_SANITIZER, packages: &["libclang-rt-22-dev"] },
];

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// What CI runs: some minutes.
    Short,
    Long,
}

/// What a check says of itself: how many of what it tried, and what became of them.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) tried: String,
    pub(crate) verdict: Verdict,
}

impl Found {
    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Self { tried: "-".into(), verdict: Verdict::Failed(reason.into()) }
    }
}

/// A line of the table.
struct Line {
    fault: &'static str,
    found: Found,
    seconds: f64,
}

/// A fault, and what looks for it.
pub(crate) type Check = (&'static str, fn(Form) -> Found);

pub(crate) fn run(words: &[String]) -> Result<(), String> {
    let (form, wanted) = match words {
        [first, rest @ ..] if first == "--short" => (Form::Short, rest),
        _ => (Form::Long, words),
    };
    let named = |(fault, _): &&Check| wanted.iter().any(|word| fault.contains(&**word));
    let checks: Vec<&Check> =
        checks::ALL.iter().filter(|check| wanted.is_empty() || named(check)).collect();
    if checks.is_empty() {
        let faults: Vec<&str> = checks::ALL.iter().map(|(fault, _)| *fault).collect();
        return Err(format!("no fault is called {wanted:?}; there are:\n{}", faults.join("\n")));
    }
    let mut lines = Vec::new();
    for (fault, check) in checks {
        println!("\n==> {fault}");
        let start = Instant::now();
        let found = check(form);
        let seconds = start.elapsed().as_secs_f64();
        println!("<== {fault}: {}, {seconds:.0} s", outcome(&found.verdict));
        lines.push(Line { fault, found, seconds });
    }
    print!("\n{}", table(&lines));
    let failed = |line: &&Line| matches!(line.found.verdict, Verdict::Failed(_));
    let failed: Vec<&str> = lines.iter().filter(failed).map(|line| line.fault).collect();
    if !failed.is_empty() {
        return Err(format!("failed: {}", failed.join("; ")));
    }
    if form == Form::Long && wanted.is_empty() {
        let text = format!("Taken at commit {}.\n\n{}", commit(), markdown(&lines));
        return crate::docs::put(DOCUMENT, BEGIN, END, &text);
    }
    Ok(())
}

/// The soak alone, with its own arguments; without any, the long one.
pub(crate) fn soak(words: &[String]) -> Result<(), String> {
    let words: Vec<&str> = match words {
        [] => checks::LONG_SOAK.to_vec(),
        _ => words.iter().map(|word| &**word).collect(),
    };
    match checks::soak_for(&words).verdict {
        Verdict::Failed(reason) => Err(reason),
        _ => Ok(()),
    }
}

fn outcome(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Passed => "none found".into(),
        Verdict::Failed(reason) => format!("FAILED: {reason}"),
        Verdict::Skipped(reason) => format!("not run: {reason}"),
        Verdict::NotRun => "not run".into(),
    }
}

fn table(lines: &[Line]) -> String {
    let mut text = format!("{:60} {:40} {:>8}  outcome\n", "fault", "tried", "seconds");
    for Line { fault, found, seconds } in lines {
        let outcome = outcome(&found.verdict);
        let _ = writeln!(text, "{fault:60} {:40} {seconds:8.0}  {outcome}", found.tried);
    }
    text
}

fn markdown(lines: &[Line]) -> String {
    let mut text =
        String::from("| fault | tried | outcome | seconds |\n| --- | --- | --- | ---: |\n");
    for Line { fault, found, seconds } in lines {
        let outcome = outcome(&found.verdict);
        let _ = writeln!(text, "| {fault} | {} | {outcome} | {seconds:.0} |", found.tried);
    }
    text
}

/// What was tried: the commit, and whether files differ from it.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(crate::root()).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string())
    };
    let id = git(&["rev-parse", "--short", "HEAD"]).unwrap_or_else(|_| "unknown".into());
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).unwrap_or_default();
    if changed.is_empty() { id } else { format!("{id}, with changes") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(fault: &'static str, verdict: Verdict) -> Line {
        let found = Found { tried: "3 tests".into(), verdict };
        Line { fault, found, seconds: 1.25 }
    }

    #[test]
    fn what_was_not_run_says_why() {
        let skipped = line("Miri", Verdict::Skipped("not on this machine".into()));
        let text = markdown(&[line("leaks", Verdict::Passed), skipped]);
        assert!(text.contains("| leaks | 3 tests | none found | 1 |\n"), "{text}");
        assert!(text.contains("| Miri | 3 tests | not run: not on this machine | 1 |\n"), "{text}");
    }

    #[test]
    fn a_failure_is_seen() {
        let text = table(&[line("leaks", Verdict::Failed("7 bytes".into()))]);
        assert!(text.contains("FAILED: 7 bytes"), "{text}");
    }

    #[test]
    fn what_is_unknown_is_no_check() {
        assert!(run(&["--short".into(), "no such fault".into()]).is_err());
    }
}
