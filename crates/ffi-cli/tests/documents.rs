//! README and the book, followed to the letter.
//!
//! In a document's ```` ```console ```` blocks each line with `$` is run, one after the other and in
//! one directory, and prints what is below it. What is shown of a command that fails is what it says
//! on standard error. Where nothing is shown, it only has to succeed. A block of Rust whose first
//! line is `// src/main.rs` is written there before the next command. Pictures that are written to
//! `pictures/` are those of `docs/pictures`.
//!
//! `FFI_UPDATE_DOCS=1 cargo test -p ffi-cli --test documents` draws the pictures anew.
#![cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const MAIN: &str = "// src/main.rs\n";

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the workspace")
}

/// All of `docs`, and README.
fn documents() -> Vec<PathBuf> {
    let mut found = vec![root().join("README.md")];
    let mut directories = vec![root().join("docs")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The fenced blocks of a document: the language, and the text.
fn blocks(text: &str) -> Vec<(&str, &str)> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("\n```") {
        let Some((language, body)) = after.split_once('\n') else { break };
        let Some((body, after)) = body.split_once("```") else { break };
        blocks.push((language.trim(), body));
        rest = after;
    }
    blocks
}

/// The commands of a block, each with what is shown below it.
fn commands(block: &str) -> Vec<(&str, String)> {
    let mut commands: Vec<(&str, String)> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command, String::new())),
            (None, Some((_, shown))) => *shown += &format!("{line}\n"),
            (None, None) => panic!("{line:?} is shown by no command"),
        }
    }
    commands
}

/// Follows one document; returns how many outputs were compared.
fn follow(path: &Path) -> usize {
    let text = fs::read_to_string(path).expect("a document");
    let start = tempfile::tempdir().expect("a directory");
    let pictures = start.path().join("pictures");
    fs::create_dir(&pictures).expect("a directory");
    let (mut directory, mut compared) = (start.path().to_path_buf(), 0);
    for (language, block) in blocks(&text) {
        if language == "rust" && block.starts_with(MAIN) {
            fs::write(directory.join("src/main.rs"), block).expect("a program's directory");
            // The versions that the workspace has, and nothing is fetched.
            fs::copy(root().join("Cargo.lock"), directory.join("Cargo.lock")).expect("a copy");
        }
        if language != "console" {
            continue;
        }
        for (command, shown) in commands(block) {
            if let Some(to) = command.strip_prefix("cd ") {
                directory.push(to);
                continue;
            }
            // It would replace a program of whoever runs this; what is run instead is just built.
            if command.starts_with("cargo install ") {
                continue;
            }
            // Beside the program is the clone, in the tutorial.
            let line = command.replace("../ffi/", &format!("{}/", root().display()));
            let ran = support::shell_in(&directory, &line);
            let said = if ran.status == Some(0) { &ran.out } else { &ran.err };
            let place = path.display();
            if shown.is_empty() {
                assert_eq!(ran.status, Some(0), "{place}: {command}\n{}", ran.err);
            } else {
                assert_eq!(*said, shown, "{place}: {command}\n{}", ran.err);
                compared += 1;
            }
        }
    }
    compare_pictures(&pictures);
    compared
}

fn compare_pictures(drawn: &Path) {
    for entry in fs::read_dir(drawn).expect("a directory") {
        let name = entry.expect("an entry").file_name();
        let (new, kept) = (drawn.join(&name), root().join("docs/pictures").join(&name));
        if std::env::var_os("FFI_UPDATE_DOCS").is_some() {
            fs::copy(&new, &kept).expect("docs is writable");
        }
        let text = |path: &Path| fs::read_to_string(path).unwrap_or_default();
        assert!(text(&new) == text(&kept), "{} is not what the command draws", kept.display());
    }
}

#[test]
fn commands_print_what_is_shown() {
    let documents = documents();
    let compared: usize = documents.iter().map(|path| follow(path)).sum();
    assert!(compared >= 8, "{compared} of {}", documents.len());
}

/// And each is in some document.
#[test]
fn every_picture_is_drawn_by_a_command() {
    let mut drawn = BTreeSet::new();
    for path in documents() {
        let text = fs::read_to_string(path).expect("a document");
        for (_, block) in blocks(&text).iter().filter(|(language, _)| *language == "console") {
            let names = block.lines().filter_map(|line| line.split_once("> pictures/"));
            drawn.extend(names.map(|(_, name)| name.to_string()));
        }
    }
    let kept = fs::read_dir(root().join("docs/pictures")).expect("a directory");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    let kept: BTreeSet<_> = kept.map(|entry| name(entry).to_string_lossy().into_owned()).collect();
    assert_eq!(drawn, kept);
}

#[test]
fn blocks_and_commands_are_told_apart() {
    let text = "a\n```console\n$ one\n1\n2\n$ two\n```\nb\n```rust\nc\n```\n";
    let blocks = blocks(text);
    assert_eq!(blocks, [("console", "$ one\n1\n2\n$ two\n"), ("rust", "c\n")]);
    assert_eq!(commands(blocks[0].1), [("one", "1\n2\n".into()), ("two", String::new())]);
}
