//! Tables in documents, between two marks.

use std::fs;

/// Puts a text in its place in a file.
pub(crate) fn put(file: &str, begin: &str, end: &str, text: &str) -> Result<(), String> {
    let path = crate::root().join(file);
    let failed = |error: std::io::Error| format!("{file}: {error}");
    let document = fs::read_to_string(&path).map_err(failed)?;
    let with = between(&document, begin, end, &format!("\n{text}"));
    fs::write(&path, with.ok_or(format!("{file}: expected {begin} and {end}"))?).map_err(failed)
}

/// The document with what is between the marks replaced.
pub(crate) fn between(document: &str, begin: &str, end: &str, text: &str) -> Option<String> {
    let (before, rest) = document.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}{text}{end}{after}"))
}
