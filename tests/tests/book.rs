//! Every chapter of the book is in its table of contents, and every block of Rust is run.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use ffi_tests::book::CHAPTERS;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Chapters whose code is run with the crate that it is about.
const ELSEWHERE: &[&str] = &["declarations.md", "moving.md"];

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

/// As paths below `docs/`.
fn chapters() -> BTreeSet<String> {
    let (mut found, mut directories) = (BTreeSet::new(), vec![docs()]);
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let path = path.strip_prefix(docs()).expect("it is below").display().to_string();
                found.insert(path);
            }
        }
    }
    assert!(found.remove("SUMMARY.md"));
    found
}

fn read(chapter: &str) -> String {
    fs::read_to_string(docs().join(chapter)).expect("a chapter")
}

#[test]
fn every_block_of_rust_is_run() {
    let has_rust = |chapter: &&String| read(chapter).lines().any(|line| line == "```rust");
    let chapters = chapters();
    let with: BTreeSet<&str> = chapters.iter().filter(has_rust).map(String::as_str).collect();
    let run: BTreeSet<&str> = CHAPTERS.iter().chain(ELSEWHERE).copied().collect();
    assert_eq!(with, run, "see tests/src/book.rs");
    // `ignore`, `no_run` and their like are no way around it.
    for chapter in &chapters {
        let text = read(chapter);
        let mut fences = text.lines().filter(|line| line.starts_with("```rust"));
        assert!(fences.all(|fence| fence == "```rust"), "{chapter}");
    }
}

#[test]
fn the_table_of_contents_has_every_chapter_once() {
    let summary = read("SUMMARY.md");
    let targets = summary.split("](").skip(1).filter_map(|link| link.split(')').next());
    let mut listed: Vec<String> = targets.map(String::from).collect();
    listed.sort();
    assert_eq!(listed, chapters().into_iter().collect::<Vec<_>>());
}
