//! What a runtime said of itself, taken apart so that two runs can be compared.

use std::collections::HashMap;

/// How a runtime's output is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    /// Lines of `name: value`, each a test, which passes if both libraries give the same.
    Lines,
    /// Python's `unittest` with `-v`.
    Unittest,
    /// Rust's tests.
    Libtest,
    /// Each command is one test, by how it ends and all that it prints.
    Whole,
}

/// What a test said: a value, or a verdict of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) test: String,
    pub(crate) result: String,
    pub(crate) kind: Kind,
}

/// What becomes of a test that says the same with both libraries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Passes,
    Fails,
    Skips,
}

/// Two runs side by side.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Comparison {
    /// How many tests Debian's library let run, those that skipped themselves aside.
    pub(crate) run: usize,
    /// How many of these passed with ours.
    pub(crate) passed: usize,
    pub(crate) differences: Vec<String>,
}

impl Reads {
    /// Whether it is read from standard error too.
    pub(crate) fn of_both(self) -> bool {
        matches!(self, Self::Unittest | Self::Libtest)
    }

    /// The tests in what a command printed; `end` is how it ended.
    pub(crate) fn read(self, command: &str, output: &str, end: &str) -> Vec<Said> {
        match self {
            Self::Lines => lines(output),
            Self::Unittest => unittest(output),
            Self::Libtest => libtest(output),
            Self::Whole => vec![Said {
                test: command.into(),
                result: format!("{end} {}", output.trim()).trim_end().into(),
                kind: Kind::Passes,
            }],
        }
    }
}

/// The verdict of a test's own harness.
fn verdict(test: &str, word: &str) -> Said {
    let kind = match word {
        "ok" | "expected failure" => Kind::Passes,
        "skipped" | "ignored" => Kind::Skips,
        _ => Kind::Fails,
    };
    Said { test: test.into(), result: word.into(), kind }
}

/// Holds what was said with ours against what was said with Debian's.
pub(crate) fn compare(debian: &[Said], ours: &[Said]) -> Comparison {
    let mut left: HashMap<String, &Said> = named(ours).into_iter().collect();
    let mut comparison = Comparison::default();
    for (test, expected) in named(debian) {
        let found = left.remove(&test);
        comparison.run += usize::from(expected.kind != Kind::Skips);
        if found == Some(expected) {
            comparison.passed += usize::from(expected.kind == Kind::Passes);
        } else {
            let found = found.map_or("nothing", |said| &said.result);
            comparison.differences.push(differs(&test, &expected.result, found));
        }
    }
    // In the order in which they were said.
    for (test, found) in named(ours) {
        if left.contains_key(&test) {
            comparison.differences.push(differs(&test, "nothing", &found.result));
        }
    }
    comparison
}

fn differs(test: &str, expected: &str, found: &str) -> String {
    format!("{}: expected {}, found {}", short(test), short(expected), short(found))
}

/// The tests under names that occur once: the second `f` becomes `f (2)`.
fn named(said: &[Said]) -> Vec<(String, &Said)> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let name = |said: &'_ Said, count: usize| match count {
        1 => said.test.clone(),
        count => format!("{} ({count})", said.test),
    };
    let mut named = Vec::new();
    for one in said {
        let count = seen.entry(&one.test).and_modify(|count| *count += 1).or_insert(1);
        named.push((name(one, *count), one));
    }
    named
}

/// On one line, and no longer than one can read.
pub(crate) fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<&str>>().join(" ");
    match line.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn lines(output: &str) -> Vec<Said> {
    let split = |line: &str| {
        let (test, result) = line.split_once(": ").unwrap_or((line, ""));
        Said { test: test.into(), result: result.into(), kind: Kind::Passes }
    };
    // Windows ends its lines in its own way.
    output.lines().map(|line| line.trim_end()).filter(|line| !line.is_empty()).map(split).collect()
}

/// `name (module.Class.name) ... ok`. A docstring may stand between the name and the verdict, and
/// so may whatever the test prints: the verdict is then the last such word before the next test.
fn unittest(output: &str) -> Vec<Said> {
    const WORDS: [&str; 6] =
        ["ok", "FAIL", "ERROR", "expected failure", "unexpected success", "skipped"];
    let mut said: Vec<Said> = Vec::new();
    let mut open = false;
    for line in output.lines() {
        // What follows the list is headed by the names of what failed.
        if line.starts_with("=====") || line.starts_with("-----") {
            open = false;
        }
        let mut rest = line;
        if let Some((test, more)) = unittest_name(line) {
            said.push(verdict(test, "no verdict"));
            (open, rest) = (true, more);
        }
        let end = rest.rsplit_once("... ").map_or(rest, |(_, end)| end).trim_end();
        let word = WORDS.iter().find(|word| {
            // A reason follows in quotes, which may count memory.
            end == **word || **word == "skipped" && end.starts_with("skipped ")
        });
        if let (true, Some(word), Some(last)) = (open, word, said.last_mut()) {
            *last = verdict(&last.test, word);
        }
    }
    said
}

/// `name (module.Class.name)` and what follows.
fn unittest_name(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.split_once(" (")?;
    let (place, rest) = rest.split_once(')')?;
    let word = |text: &str, also: &str| {
        let good = |c: char| c.is_alphanumeric() || c == '_' || also.contains(c);
        !text.is_empty() && text.chars().all(good)
    };
    let known = word(name, "") && word(place, ".<>") && place.contains('.');
    (known && (rest.is_empty() || rest.starts_with(" ... "))).then_some((place, rest))
}

/// `test name ... ok`
fn libtest(output: &str) -> Vec<Said> {
    let split = |line: &str| {
        let (test, result) = line.strip_prefix("test ")?.split_once(" ... ")?;
        let result = result.split(',').next().unwrap_or_default();
        Some(verdict(test, result.trim()))
    };
    output.lines().filter_map(split).collect()
}

#[cfg(test)]
#[path = "outcome_tests.rs"]
mod tests;
