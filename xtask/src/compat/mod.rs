//! `cargo xtask compat [--test | --bench]`: a stand-in for libffi, and the proof by those who use libffi.
//!
//! Every runtime of the table runs its script twice, with Debian's library and with ours. What
//! it says must be the same.

mod bench;
mod build;
mod make;
mod outcome;
mod run;
mod runtimes;

use crate::rows::Need;
use crate::steps::Verdict;
use outcome::Comparison;
pub(crate) use runtimes::packages;
use runtimes::{Place, RUNTIMES, Runtime};
use std::path::PathBuf;
use std::time::Instant;

/// A line of the closing table.
#[derive(Debug, Default)]
struct Line {
    name: &'static str,
    version: String,
    comparison: Comparison,
    verdict: Verdict,
    /// With Debian's library and with ours.
    seconds: [f64; 2],
}

pub(crate) fn run(words: &[String]) -> Result<(), String> {
    match words {
        [] => build::run(),
        [bench] if bench == "--bench" => bench::run(),
        [test, names @ ..] if test == "--test" => prove(names),
        _ => Err(format!(
            "expected `--bench`, or `--test` and names of runtimes, or nothing, found {words:?}"
        )),
    }
}

/// Runs all runtimes, or those in whose names a word occurs.
fn prove(names: &[String]) -> Result<(), String> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        return Err("the runtimes are for x86-64 Linux hosts".into());
    }
    let wanted = |runtime: &&Runtime| {
        names.is_empty() || names.iter().any(|name| runtime.name.contains(&**name))
    };
    let selected: Vec<&Runtime> = RUNTIMES.iter().filter(wanted).collect();
    if selected.is_empty() {
        let known: Vec<&str> = RUNTIMES.iter().map(|runtime| runtime.name).collect();
        return Err(format!("no runtime is called so; there are: {}", known.join(", ")));
    }
    crate::setup::compat()?;
    let lines: Vec<Line> = selected.into_iter().map(compare).collect();
    print!("\n{}", table(&lines));
    let failed = |line: &&Line| matches!(line.verdict, Verdict::Failed(_));
    let failed: Vec<&str> = lines.iter().filter(failed).map(|line| line.name).collect();
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}

/// Runs a runtime with both libraries.
fn compare(runtime: &Runtime) -> Line {
    println!("\n==> {}", runtime.name);
    let mut line = Line { name: runtime.name, ..Line::default() };
    let missing: Vec<&Need> =
        runtime.needs.iter().filter(|need| !crate::matrix::is_there(need.probe)).collect();
    if !missing.is_empty() {
        line.verdict = Verdict::impossible(crate::matrix::lacks(&missing), crate::in_ci());
    } else if let Err(message) = both(runtime, &mut line) {
        line.verdict = Verdict::Failed(message);
    }
    let reason = line.verdict.reason();
    println!("<== {}: {}", line.name, if reason.is_empty() { "the same" } else { &reason });
    line
}

fn both(runtime: &Runtime, line: &mut Line) -> Result<(), String> {
    let place = |ours: Option<PathBuf>| -> Result<Place, String> {
        Ok(Place { made: directory(runtime, ours.is_some())?, ours })
    };
    let (debians, ours) = (place(None)?, place(Some(build::library(runtime.system)?))?);
    let (debian, seconds) = timed(|| run::run(runtime, &debians))?;
    line.seconds[0] = seconds;
    line.version = run::version(runtime, &debians);
    let (ours, seconds) = timed(|| run::run(runtime, &ours))?;
    line.seconds[1] = seconds;
    line.comparison = outcome::compare(&debian.said, &ours.said);
    if line.comparison.passed == 0 {
        line.comparison.differences.push("no test passed".into());
    }
    let differences = &mut line.comparison.differences;
    if debian.ends != ours.ends && runtime.instead.is_none() {
        let ends = debian.ends.iter().zip(&ours.ends).filter(|(debian, ours)| debian != ours);
        differences.extend(ends.map(|(debian, ours)| format!("expected {debian}, found {ours}")));
    }
    for problem in debian.spoilt.iter().chain(&ours.spoilt).chain(&*differences) {
        println!("    {problem}");
    }
    if !differences.is_empty() {
        let last: Vec<&str> = ours.errors.lines().rev().take(20).collect();
        last.iter().rev().for_each(|line| println!("    stderr: {line}"));
    }
    let mut problems: Vec<String> =
        debian.spoilt.iter().map(|what| format!("with Debian's: {what}")).collect();
    problems.extend_from_slice(&ours.spoilt);
    problems.extend_from_slice(differences);
    match problems.len() {
        0 => Ok(()),
        1 => Err(problems.remove(0)),
        count => Err(format!("{count} problems, the first: {}", problems[0])),
    }
}

fn timed<T>(run: impl FnOnce() -> Result<T, String>) -> Result<(T, f64), String> {
    let start = Instant::now();
    Ok((run()?, start.elapsed().as_secs_f64()))
}

/// An absolute directory for the run, whose files a later run finds again.
fn directory(runtime: &Runtime, ours: bool) -> Result<PathBuf, String> {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = runtime.name.chars().map(letter).collect();
    let side = if ours { "ours" } else { "debian" };
    let path = crate::target_directory().join("compat/runtimes").join(name).join(side);
    std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

fn table(lines: &[Line]) -> String {
    let mut text = format!(
        "{:26} {:10} {:>5} {:>7} {:>12} {:>9} {:>9}\n",
        "runtime", "version", "tests", "passed", "differences", "Debian, s", "ours, s"
    );
    for line in lines {
        let Line { name, version, comparison, seconds: [debian, ours], .. } = line;
        let Comparison { run, passed, differences } = comparison;
        let differences = match line.verdict {
            Verdict::Skipped(_) => "skipped".into(),
            // It did not come so far as to be compared.
            Verdict::Failed(_) if differences.is_empty() => "FAILED".into(),
            _ => differences.len().to_string(),
        };
        text += &format!(
            "{name:26} {version:10} {run:>5} {passed:>7} {differences:>12} {debian:>9.1} {ours:>9.1}\n"
        );
        let reason = line.verdict.reason();
        if !reason.is_empty() {
            text += &format!("  {reason}\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_counts_and_says_why_not() {
        let line = |name, run, differences: &[&str], verdict| Line {
            name,
            version: "1.2".into(),
            comparison: Comparison {
                run,
                passed: run - differences.len(),
                differences: differences.iter().map(|text| (*text).into()).collect(),
            },
            verdict,
            seconds: [1.0, 2.0],
        };
        let text = table(&[
            line("a", 7, &[], Verdict::Passed),
            line("b", 7, &["x"], Verdict::Failed("x".into())),
            line("c", 0, &[], Verdict::Skipped("not there".into())),
            line("d", 7, &[], Verdict::Failed("another library".into())),
        ]);
        let words: Vec<Vec<&str>> =
            text.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[0], ["a", "1.2", "7", "7", "0", "1.0", "2.0"]);
        assert_eq!(words[1], ["b", "1.2", "7", "6", "1", "1.0", "2.0"]);
        assert_eq!(words[2], ["failed:", "x"]);
        assert_eq!(words[3][4], "skipped");
        assert_eq!(words[4], ["skipped:", "not", "there"]);
        assert_eq!(words[5][4], "FAILED");
    }

    #[test]
    fn words_other_than_the_tasks_own_are_refused() {
        assert!(run(&["--tests".into()]).is_err());
        assert!(prove(&["no such runtime".into()]).is_err());
    }

    #[test]
    fn every_runtime_has_a_directory_and_a_name_of_its_own() {
        for (at, runtime) in RUNTIMES.iter().enumerate() {
            assert!(RUNTIMES[..at].iter().all(|other| other.name != runtime.name));
            assert!(!runtime.commands.is_empty() && !runtime.version.is_empty());
        }
    }
}
