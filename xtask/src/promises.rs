//! Whether the tests that documents name are there: `path/to/file.rs::the_test`.

/// Where each sentence has to name one.
const SECURITY: &str = "SECURITY.md";
/// More would not be read.
const MOST_LINES: usize = 80;

/// What is wrong with the document; `read` finds the sources.
pub(crate) fn check(text: &str, read: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let mut problems = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let place = format!("{SECURITY}:{}", index + 1);
        let mut names = names(line).peekable();
        if line.starts_with("- ") && names.peek().is_none() {
            problems.push(format!("{place}: expected the test that backs this"));
        }
        for (file, test) in names {
            match read(file) {
                Some(source) if has_test(&source, test) => {}
                Some(_) => problems.push(format!("{place}: {file} has no test {test:?}")),
                None => problems.push(format!("{place}: expected the file {file}")),
            }
        }
    }
    if text.lines().count() > MOST_LINES {
        problems.push(format!("{SECURITY}:{MOST_LINES}: expected no more lines than that"));
    }
    problems
}

/// The tests that a line names, in backticks.
fn names(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let quoted = line.split('`').skip(1).step_by(2).filter(|text| text.contains(".rs::"));
    quoted.filter_map(|text| text.split_once("::"))
}

/// Whether the source has a test of that name, rather than a function.
fn has_test(source: &str, name: &str) -> bool {
    let mut is_test = false;
    for line in source.lines().map(str::trim_start) {
        if line.starts_with("#[test]") {
            is_test = true;
        } else if let Some(rest) = line.strip_prefix("fn ") {
            if is_test && rest.strip_prefix(name).is_some_and(|rest| rest.starts_with('(')) {
                return true;
            }
            is_test = false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let source = "#[test]\n#[cfg(unix)]\nfn good() {}\n\nfn helper() {}\n";
        check(text, &|path| (path == "a/b.rs").then(|| source.into()))
    }

    #[test]
    fn a_test_that_is_there_is_enough() {
        assert_eq!(problems("- It is so (`a/b.rs::good`).\n"), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_test_is_noticed() {
        for name in ["a/b.rs::goo", "a/b.rs::helper", "a/c.rs::good"] {
            assert_eq!(problems(&format!("- It is so (`{name}`).\n")).len(), 1, "{name}");
        }
    }

    #[test]
    fn a_sentence_without_a_test_is_noticed() {
        assert_eq!(problems("- It is so, see `a/b.rs`.\n").len(), 1);
        assert_eq!(problems(&"\n".repeat(81)).len(), 1);
    }
}
