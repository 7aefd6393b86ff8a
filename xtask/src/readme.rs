//! README's support table, made from the matrix, and when and where its figures were taken.

use crate::rows::{ROWS, Row};

const START: &str = "<!-- matrix -->\n";
const END: &str = "<!-- /matrix -->\n";
const TAKEN: &str = "<!-- taken -->\n";
const TAKEN_END: &str = "<!-- /taken -->\n";
/// What has the figures, and says on what they were taken.
const PERFORMANCE: &str = "docs/performance.md";
/// It is read by people who found it an hour ago.
const MOST_LINES: usize = 150;

/// Writes what is made to README.
pub(crate) fn run() -> Result<(), String> {
    let read = |path: &str| {
        let text = std::fs::read_to_string(crate::root().join(path));
        text.map_err(|error| format!("{path}: {error}"))
    };
    let text = with_all(&read("README.md")?, &read(PERFORMANCE)?)?;
    std::fs::write(crate::root().join("README.md"), text)
        .map_err(|error| format!("README.md: {error}"))
}

/// What is wrong with README's text, with its line.
pub(crate) fn check(text: &str, performance: &str) -> Option<String> {
    let lines = text.lines().count();
    if lines > MOST_LINES {
        return Some(format!("README.md:{MOST_LINES}: has {lines} lines, may have {MOST_LINES}"));
    }
    let with = match with_all(text, performance) {
        Ok(with) if with == text => return None,
        Ok(with) => with,
        Err(problem) => return Some(problem),
    };
    let same = text.lines().zip(with.lines()).take_while(|(found, expected)| found == expected);
    let line = same.count() + 1;
    Some(format!("README.md:{line}: not what it is made from; run `cargo xtask readme`"))
}

/// README with all that is made put in its place.
fn with_all(text: &str, performance: &str) -> Result<String, String> {
    let taken = performance.lines().find(|line| line.starts_with("Taken on "));
    let taken = taken.ok_or(format!("{PERFORMANCE}:1: expected a line `Taken on …`"))?;
    let text = with_table(text, &table(ROWS))
        .ok_or(format!("README.md:1: expected a table between {START:?} and {END:?}"))?;
    crate::docs::between(&text, TAKEN, TAKEN_END, &format!("{taken}\n"))
        .ok_or(format!("README.md:1: expected {TAKEN:?} and {TAKEN_END:?}"))
}

/// A line for each target, with what all its rows do.
fn table(rows: &[Row]) -> String {
    let mut text = String::from("| target | conventions | in CI |\n| --- | --- | --- |\n");
    for (index, first) in rows.iter().enumerate() {
        let same = |row: &&Row| row.supports == first.supports;
        if rows[..index].iter().any(|row| same(&row)) {
            continue;
        }
        let mut claims: Vec<&str> = rows.iter().filter(same).map(|row| row.how.claim()).collect();
        claims.dedup();
        text +=
            &format!("| `{}` | {} | {} |\n", first.supports, first.conventions, claims.join("; "));
    }
    text
}

/// The text with what is between the markers replaced.
fn with_table(text: &str, table: &str) -> Option<String> {
    crate::docs::between(text, START, END, table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::How;

    #[test]
    fn each_target_has_one_line_with_all_that_is_done() {
        let table = table(ROWS);
        for row in ROWS {
            let line = format!("| `{}` | {} | ", row.supports, row.conventions);
            let mut found = table.lines().filter(|found| found.starts_with(&line));
            let line = found.next().expect("a line");
            assert!(line.contains(row.how.claim()) && found.next().is_none(), "{table}");
        }
    }

    #[test]
    fn what_is_only_built_is_not_said_to_be_executed() {
        for row in ROWS {
            let executed =
                ROWS.iter().any(|other| other.supports == row.supports && other.how != How::Built);
            let table = table(ROWS);
            let start = format!("| `{}` ", row.supports);
            let line = table.lines().find(|line| line.starts_with(&start)).expect("a line");
            assert_eq!(line.contains("executed") || line.contains("called under"), executed);
        }
    }

    #[test]
    fn the_text_around_the_table_stays() {
        let text = "a\n<!-- matrix -->\nold\n<!-- /matrix -->\nb\n";
        let with = "a\n<!-- matrix -->\nnew\n<!-- /matrix -->\nb\n";
        assert_eq!(with_table(text, "new\n").as_deref(), Some(with));
        assert_eq!(with_table("a\n", "new\n"), None);
    }

    #[test]
    fn what_is_not_as_made_is_found_with_its_line() {
        let performance = "a\nTaken on Monday.\n";
        let text = format!("a\n{START}{END}{TAKEN}{TAKEN_END}");
        assert!(check(&text, performance).is_some_and(|found| found.starts_with("README.md:3: ")));
        let made = with_all(&text, performance).expect("the markers are there");
        assert_eq!(check(&made, performance), None);
        assert!(made.contains("\nTaken on Monday.\n"));
        for wrong in [made.replace("Monday", "Tuesday"), made.replace("| System V", "|")] {
            assert!(check(&wrong, performance).is_some_and(|found| found.contains("xtask readme")));
        }
        assert!(check(&made, "no figures\n").is_some_and(|found| found.contains(PERFORMANCE)));
        assert!(check("a\n", performance).is_some());
        assert!(check(&"\n".repeat(151), performance).is_some());
    }
}
