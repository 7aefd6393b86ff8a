//! README's support table, made from the matrix.

use crate::rows::{ROWS, Row};

const START: &str = "<!-- matrix -->\n";
const END: &str = "<!-- /matrix -->\n";

/// Writes the table to README.
pub(crate) fn run() -> Result<(), String> {
    let path = crate::root().join("README.md");
    let failed = |error: std::io::Error| format!("README.md: {error}");
    let text = std::fs::read_to_string(&path).map_err(failed)?;
    let with = with_table(&text, &table(ROWS)).ok_or("README.md: expected the table's markers")?;
    std::fs::write(&path, with).map_err(failed)
}

/// What is wrong with README's text, with its line.
pub(crate) fn check(text: &str) -> Option<String> {
    let line = text.lines().position(|line| line == START.trim_end()).map_or(1, |index| index + 1);
    match with_table(text, &table(ROWS)) {
        Some(with) if with == text => None,
        Some(_) => Some(format!(
            "README.md:{line}: expected the table of xtask/src/rows.rs; run `cargo xtask readme`"
        )),
        None => Some(format!("README.md:{line}: expected a table between {START:?} and {END:?}")),
    }
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
        assert!(check(text).is_some_and(|problem| problem.starts_with("README.md:2: ")));
        assert!(check("a\n").is_some());
    }
}
