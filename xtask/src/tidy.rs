//! What every file has to look like.

use std::process::Command;

/// Files over this many lines are named, but are no failure: it is a target.
const TARGETS: &[(&str, usize)] = &[("rs", 400), ("S", 200)];
/// What every member's manifest takes from the workspace.
const INHERITED: &[&str] = &[
    "version.workspace = true",
    "edition.workspace = true",
    "rust-version.workspace = true",
    "license.workspace = true",
    "[lints]\nworkspace = true",
];
/// Paths of somebody's machine, put together here so that this file has none.
const FOREIGN_PATHS: &[&str] =
    &[concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/wo", "rk/"), concat!("/Us", "ers/")];
/// Files that have to be there, and what each has to say.
const REQUIRED: &[(&str, &[&str])] = &[
    ("LICENSE", &["MIT License", "Apache License"]),
    ("README.md", &[]),
    ("CHANGELOG.md", &["## [Unreleased]"]),
    ("SECURITY.md", &[]),
    ("CONTRIBUTING.md", &[]),
];

pub(crate) fn run() -> Result<(), String> {
    let root = crate::root();
    let read = |path: &str| std::fs::read(root.join(path)).ok();
    let mut problems = Vec::new();
    for (path, wanted) in REQUIRED {
        let text = read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        problems.extend(required(path, text.as_deref(), wanted));
    }
    let text = |path: &str| read(path).and_then(|bytes| String::from_utf8(bytes).ok());
    if let Some(readme) = text("README.md") {
        let performance = text("docs/performance.md").unwrap_or_default();
        problems.extend(crate::readme::check(&readme, &performance));
    }
    if let Some(security) = text("SECURITY.md") {
        problems.extend(crate::promises::check(&security, &text));
    }
    let paths = files()?;
    for guide in ["README.md", "CONTRIBUTING.md"] {
        let exists = |path: &str| root.join(path).exists();
        problems.extend(lost_paths(guide, &text(guide).unwrap_or_default(), exists));
    }
    // A clone inside another repository that ignores it would pass for want of files.
    if !paths.iter().any(|path| path == "Cargo.toml") {
        problems.push("Cargo.toml:1: expected git to list it; is this a clone?".into());
    }
    let documents: Vec<(&str, String)> = paths
        .iter()
        .filter(|path| extension(path) == "md")
        .filter_map(|path| Some((&**path, String::from_utf8(read(path)?).ok()?)))
        .collect();
    let texts: Vec<_> = documents.iter().map(|(path, text)| (*path, &**text)).collect();
    problems.extend(crate::links::check(&texts, &paths));
    for path in &paths {
        if is_seed(path) {
            continue;
        }
        // What is no text has no lines to look at.
        let Some(Ok(text)) = read(path).map(String::from_utf8) else { continue };
        problems.extend(look(path, &text).into_iter().map(|problem| format!("{path}{problem}")));
        if let Some(note) = length(path, &text) {
            println!("note: {note}");
        }
    }
    let mut metadata = crate::cargo();
    // With all features: what an optional dependency brings is published as well.
    metadata.args(["metadata", "--format-version", "1", "--locked", "--all-features"]);
    let metadata = serde_json::from_slice(&output(metadata)?).map_err(|error| error.to_string())?;
    problems.extend(crate::unused::check(&metadata, &paths, &text));
    problems.extend(crate::graph::check(&metadata, &|path| {
        read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }));
    if problems.is_empty() {
        return Ok(());
    }
    Err(format!("{} found:\n{}", problems.len(), problems.join("\n")))
}

/// What git tracks, and what it would track.
pub(crate) fn files() -> Result<Vec<String>, String> {
    let root = crate::root();
    let real = root.canonicalize().unwrap_or_else(|_| root.clone());
    let mut git = Command::new("git");
    // In a container the clone may belong to another user, and git then refuses to list it. Whoever
    // runs this runs the clone's code already.
    git.arg("-c").arg(format!("safe.directory={}", real.display()));
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root);
    let list = output(git)?;
    let list = String::from_utf8_lossy(&list);
    Ok(list.split_terminator('\0').map(String::from).collect())
}

fn output(mut command: Command) -> Result<Vec<u8>, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn required(path: &str, text: Option<&str>, wanted: &[&str]) -> Vec<String> {
    let Some(text) = text else { return vec![format!("{path}:1: expected this file to exist")] };
    let lacking = wanted.iter().filter(|line| !text.lines().any(|found| found.trim() == **line));
    lacking.map(|line| format!("{path}:1: expected a line {line:?}")).collect()
}

/// What a fuzzer starts from is as it is, though some of it looks like text.
fn is_seed(path: &str) -> bool {
    path.starts_with("fuzz/seeds/") && extension(path).is_empty()
}

/// The paths that a guide names in backquotes, from the root on, and that are not there.
fn lost_paths(guide: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    const TOP: &[&str] = &["crates/", "tests/src", "tests/tests", "xtask/", "docs/", "examples/"];
    let mut problems = Vec::new();
    for (index, line) in text.lines().enumerate() {
        // What is between an odd backquote and the next.
        let quoted = line.split('`').skip(1).step_by(2);
        let paths = quoted.filter(|path| TOP.iter().any(|top| path.starts_with(top)));
        for path in paths.filter(|path| !exists(path)) {
            problems.push(format!("{guide}:{}: {path} is not there", index + 1));
        }
    }
    problems
}

fn extension(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, extension)| extension)
}

fn length(path: &str, text: &str) -> Option<String> {
    let (lines, extension) = (text.lines().count(), extension(path));
    let (_, most) = TARGETS.iter().find(|(wanted, _)| *wanted == extension)?;
    (lines > *most).then(|| format!("{path}:{most}: has {lines} lines, the target is {most}"))
}

/// What is wrong with a file, each with its line: `:7: trailing white space`.
fn look(path: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let extension = extension(path);
    let first = text.lines().next().unwrap_or_default();
    if extension == "rs" && !first.starts_with("//!") {
        problems.push(":1: expected a `//!` comment that says what the file is for".into());
    }
    let comment = first.starts_with("/*") || first.starts_with("//");
    if matches!(extension, "S" | "h") && !comment {
        problems.push(":1: expected a comment that says what the file is for".into());
    }
    if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
        problems.push(format!(":{}: expected one line end at the end", text.lines().count()));
    }
    // Not by `lines`, which hides the `\r` of a Windows line end.
    for (index, line) in text.split_terminator('\n').enumerate() {
        let number = index + 1;
        if line.ends_with([' ', '\t', '\r']) {
            problems.push(format!(":{number}: trailing white space; expected none"));
        }
        if matches!(extension, "rs" | "S" | "h" | "toml" | "md") && line.contains('\t') {
            problems.push(format!(":{number}: a tab; expected spaces"));
        }
        for foreign in FOREIGN_PATHS.iter().filter(|foreign| line.contains(**foreign)) {
            problems.push(format!(":{number}: {foreign} is of one machine; expected no such path"));
        }
    }
    // `fuzz` is a workspace by itself.
    if path.ends_with("/Cargo.toml") && path != "fuzz/Cargo.toml" {
        // Whole lines: what is commented out is not there.
        let lines = format!("\n{text}");
        for wanted in INHERITED.iter().filter(|line| !lines.contains(&format!("\n{line}\n"))) {
            problems.push(format!(":1: expected {wanted:?}"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [&str; 0] = [];

    #[test]
    fn a_source_file_opens_with_what_it_is_for() {
        assert_eq!(look("a.rs", "//! Why.\nfn a() {}\n"), NONE);
        assert_eq!(look("a.rs", "fn a() {}\n").len(), 1);
        assert_eq!(look("a.rs", "").len(), 1);
        assert_eq!(look("a.h", "/* Why. */\n"), NONE);
        assert_eq!(look("a.S", "// Why.\n"), NONE);
        assert_eq!(look("a.S", "nop\n").len(), 1);
    }

    #[test]
    fn seeds_are_left_alone_and_their_words_are_not() {
        assert!(is_seed("fuzz/seeds/open/nul") && !is_seed("fuzz/seeds/cdecl.dict"));
        assert!(!is_seed("fuzz/src/open.rs") && !is_seed("LICENSE"));
    }

    #[test]
    fn white_space_is_as_it_should_be() {
        assert_eq!(look("a.md", "a\n"), NONE);
        assert_eq!(look("a.md", "a\nb \n"), [":2: trailing white space; expected none"]);
        assert_eq!(look("a.md", "a\r\n").len(), 1);
        assert_eq!(look("a.toml", "\ta\n"), [":1: a tab; expected spaces"]);
        assert_eq!(look("Makefile", "a:\n\tb\n"), NONE);
    }

    #[test]
    fn a_file_ends_in_one_line_end() {
        assert_eq!(look("a.md", "a\n"), NONE);
        assert_eq!(look("a.md", "a\nb"), [":2: expected one line end at the end"]);
        assert_eq!(look("a.md", "a\n\n").len(), 1);
    }

    #[test]
    fn no_file_names_a_machines_paths() {
        assert_eq!(look("a.md", "see /usr/lib/x\n"), NONE);
        for path in FOREIGN_PATHS {
            assert_eq!(look("a.md", &format!("see {path}x\n")).len(), 1);
        }
    }

    #[test]
    fn a_manifest_takes_from_the_workspace() {
        let good = "version.workspace = true\nedition.workspace = true\n\
                    rust-version.workspace = true\nlicense.workspace = true\n\
                    [lints]\nworkspace = true\n";
        assert_eq!(look("x/Cargo.toml", good), NONE);
        assert_eq!(look("x/Cargo.toml", &good.replace("license", "# license")).len(), 1);
        assert_eq!(look("x/Cargo.toml", "[package]\n").len(), 5);
        assert_eq!(look("fuzz/Cargo.toml", "[package]\n"), NONE);
    }

    #[test]
    fn a_guide_names_files_that_are_there() {
        let text = "`xtask/a.rs` and crates/b.rs\n`1/2`, `crates/c.rs`\n";
        let lost = lost_paths("A.md", text, |path| path == "xtask/a.rs");
        assert_eq!(lost, ["A.md:2: crates/c.rs is not there"]);
    }

    #[test]
    fn a_required_file_is_there_and_says_what_it_has_to() {
        let (path, wanted) = REQUIRED[0];
        assert_eq!(required(path, Some("MIT License\n  Apache License\n"), wanted), NONE);
        assert_eq!(required(path, Some("MIT License\n"), wanted).len(), 1);
        assert_eq!(required(path, None, wanted).len(), 1);
    }

    #[test]
    fn a_long_file_is_noted() {
        assert_eq!(length("a.S", &"\n".repeat(200)), None);
        assert!(length("a.S", &"\n".repeat(201)).is_some());
        assert_eq!(length("a.md", &"\n".repeat(999)), None);
    }
}
