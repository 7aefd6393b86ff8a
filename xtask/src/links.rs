//! Whether what documents link to is there: files, and headings in them.
//!
//! The network is not asked; of an address elsewhere only the form is looked at.

use std::collections::BTreeSet;

/// A document: its path from the root, and its text.
pub(crate) type Document<'a> = (&'a str, &'a str);

/// What is wrong with the links of the documents, each with its place. `files` are all that there
/// are.
pub(crate) fn check(documents: &[Document<'_>], files: &[String]) -> Vec<String> {
    let mut problems = Vec::new();
    for (path, text) in documents {
        for (line, target) in links(text) {
            if let Some(problem) = problem(path, &target, documents, files) {
                problems.push(format!("{path}:{line}: {target:?} {problem}"));
            }
        }
    }
    problems
}

fn problem(
    from: &str,
    target: &str,
    documents: &[Document<'_>],
    files: &[String],
) -> Option<String> {
    if let Some(rest) = target.strip_prefix("https://").or(target.strip_prefix("http://")) {
        let host = rest.split('/').next().unwrap_or_default();
        let good = host.contains('.') && !target.contains(char::is_whitespace);
        return (!good).then(|| "is no address; expected a host with a dot and no space".into());
    }
    let (path, heading) = target.split_once('#').map_or((target, None), |(p, h)| (p, Some(h)));
    let Some(path) = resolve(from, path) else { return Some("leaves the repository".into()) };
    let directory = format!("{path}/");
    if !files.iter().any(|file| *file == path || file.starts_with(&directory)) {
        return Some(format!("is not there; expected a file {path}"));
    }
    if from.starts_with("docs/") && !path.starts_with("docs/") && path.ends_with(".md") {
        return Some("is no page of the book, where `.md` becomes `.html`".into());
    }
    let heading = heading?;
    let (_, text) = documents.iter().find(|(found, _)| *found == path)?;
    let known = headings(text);
    (!known.contains(heading)).then(|| {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        format!("is no heading of {path}; it has {}", known.join(", "))
    })
}

/// The path from the root that a path relative to a file means.
pub(crate) fn resolve(from: &str, target: &str) -> Option<String> {
    if target.is_empty() {
        return Some(from.into());
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The lines of prose, with their numbers: not those of fenced blocks.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        (!fenced && !fence).then_some((index + 1, line))
    })
}

/// The targets of a document's links and pictures, with their lines.
pub(crate) fn links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    for (number, line) in prose(text) {
        let line = without_code(line);
        let inline = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        links.extend(inline.map(|(target, _)| (number, target.to_string())));
        // `[name]: target`, for links that are written `[name]`.
        if let Some((name, target)) = line.split_once("]: ")
            && name.starts_with('[')
        {
            links.push((number, target.trim().into()));
        }
    }
    links
}

/// Without what is between backticks, which is no markup, but with its place kept by the marks.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("``")
}

/// What the headings of a document are linked by, as mdBook and code hosts have it.
fn headings(text: &str) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for (_, line) in prose(text).filter(|(_, line)| line.starts_with('#')) {
        let title = line.trim_start_matches('#').trim();
        let slug: String = title.chars().filter_map(slug_of).collect();
        let numbered = (1..).map(|n| format!("{slug}-{n}"));
        let free = std::iter::once(slug.clone()).chain(numbered).find(|s| !known.contains(s));
        known.extend(free);
    }
    known
}

fn slug_of(c: char) -> Option<char> {
    match c {
        c if c.is_alphanumeric() || c == '_' || c == '-' => c.to_lowercase().next(),
        c if c.is_whitespace() => Some('-'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "# One `two` (3)\n[b](sub/b.md#four) [x](#one-two-3) `[no](code.md)`\n\
        ```\n# five\n[no](block.md)\n```\n[ref]: sub/c.txt\n";
    const B: &str = "## Four\n## Four\n[a](../a.md) [twice](#four-1) ![p](c.txt)\n";

    fn files() -> Vec<String> {
        ["docs/a.md", "docs/sub/b.md", "docs/sub/c.txt", "README.md"].map(String::from).to_vec()
    }

    #[test]
    fn what_is_there_is_found() {
        let documents = [("docs/a.md", A), ("docs/sub/b.md", B)];
        assert_eq!(links(A).len() + links(B).len(), 6);
        assert_eq!(check(&documents, &files()), Vec::<String>::new());
    }

    #[test]
    fn what_is_not_there_is_named_with_its_line() {
        let text = "\n[a](sub/none.md)\n[b](sub/b.md#five)\n[c](../../up.md)\n[d](../README.md)\n\
            [e](https://nowhere) [f](https://example.org/x)\n[g]: none.txt\n";
        let documents = [("docs/a.md", text), ("docs/sub/b.md", B)];
        let found = check(&documents, &files());
        let lines: Vec<_> = found.iter().filter_map(|problem| problem.split(": ").next()).collect();
        let expected = [2, 3, 4, 5, 6, 7].map(|line| format!("docs/a.md:{line}"));
        assert_eq!(lines, expected, "{found:#?}");
    }
}
