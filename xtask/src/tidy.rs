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
/// Paths of somebody's machine.
const FOREIGN_PATHS: &[&str] = &["/root/", "/home/", "/work/", "/Users/"];

pub(crate) fn run() -> Result<(), String> {
    let root = crate::root();
    let mut problems = Vec::new();
    for name in ["LICENSE", "README.md", "CHANGELOG.md"] {
        if !root.join(name).is_file() {
            problems.push(format!("{name}: is missing"));
        }
    }
    for path in files()? {
        let Ok(bytes) = std::fs::read(root.join(&path)) else { continue };
        // What is no text has no lines to look at.
        let Ok(text) = String::from_utf8(bytes) else { continue };
        problems.extend(look(&path, &text).into_iter().map(|problem| format!("{path}{problem}")));
        note_length(&path, &text);
    }
    let metadata = output("cargo", &["metadata", "--format-version", "1", "--locked"])?;
    let metadata = serde_json::from_slice(&metadata).map_err(|error| error.to_string())?;
    problems.extend(crate::graph::check(&metadata));
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
}

/// What git tracks, and what it would track.
fn files() -> Result<Vec<String>, String> {
    let list = output("git", &["ls-files", "--cached", "--others", "--exclude-standard"])?;
    Ok(String::from_utf8_lossy(&list).lines().map(String::from).collect())
}

fn output(program: &str, words: &[&str]) -> Result<Vec<u8>, String> {
    let run = Command::new(program).args(words).current_dir(crate::root()).output();
    let output = run.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(format!("{program} {words:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn extension(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, extension)| extension)
}

fn note_length(path: &str, text: &str) {
    let (lines, extension) = (text.lines().count(), extension(path));
    for (_, most) in TARGETS.iter().filter(|(wanted, _)| *wanted == extension) {
        if lines > *most {
            println!("note: {path} has {lines} lines, the target is {most}");
        }
    }
}

/// What is wrong with a file, each with its line: `:7: trailing white space`.
fn look(path: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let extension = extension(path);
    let first = text.lines().next().unwrap_or_default();
    if extension == "rs" && !first.starts_with("//!") {
        problems.push(":1: expected a `//!` comment that says what the file is for".into());
    }
    if matches!(extension, "S" | "h") && !first.starts_with("/*") {
        problems.push(":1: expected a comment that says what the file is for".into());
    }
    if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
        problems.push(": expected one line end at the end".into());
    }
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        if line.ends_with([' ', '\t', '\r']) {
            problems.push(format!(":{number}: trailing white space"));
        }
        if matches!(extension, "rs" | "S" | "h" | "toml" | "md") && line.contains('\t') {
            problems.push(format!(":{number}: a tab; expected spaces"));
        }
        let is_this_list = path == "xtask/src/tidy.rs";
        for foreign in FOREIGN_PATHS.iter().filter(|foreign| line.contains(**foreign)) {
            if !is_this_list {
                problems.push(format!(":{number}: {foreign} is a path of one machine"));
            }
        }
    }
    if path.ends_with("Cargo.toml") && path != "Cargo.toml" {
        for line in INHERITED.iter().filter(|line| !text.contains(**line)) {
            problems.push(format!(": expected {line:?}"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::look;

    #[test]
    fn a_rust_file_opens_with_what_it_is_for() {
        assert_eq!(look("a.rs", "//! Why.\nfn a() {}\n"), [] as [String; 0]);
        assert_eq!(look("a.rs", "fn a() {}\n").len(), 1);
        assert_eq!(look("a.S", "nop\n").len(), 1);
        assert_eq!(look("a.h", "/* Why. */\n"), [] as [String; 0]);
    }

    #[test]
    fn white_space_is_as_it_should_be() {
        assert_eq!(look("a.md", "a \n"), [":1: trailing white space"]);
        assert_eq!(look("a.toml", "\ta\n").len(), 1);
        assert_eq!(look("a.md", "a").len(), 1);
        assert_eq!(look("a.md", "a\n\n").len(), 1);
        assert_eq!(look("Makefile", "a:\n\tb\n"), [] as [String; 0]);
    }

    #[test]
    fn no_file_names_a_machines_paths() {
        assert_eq!(look("a.md", concat!("see /ro", "ot/x\n")).len(), 1);
    }

    #[test]
    fn a_manifest_takes_from_the_workspace() {
        let good = "version.workspace = true\nedition.workspace = true\n\
                    rust-version.workspace = true\nlicense.workspace = true\n\
                    [lints]\nworkspace = true\n";
        assert_eq!(look("x/Cargo.toml", good), [] as [String; 0]);
        assert_eq!(look("x/Cargo.toml", "[package]\n").len(), 5);
    }
}
