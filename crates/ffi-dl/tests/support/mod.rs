//! Small libraries to load, compiled by the C compiler that Rust links with.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiles `source` into a library of its own, under a name that no other test uses.
///
/// A library that nothing else in the process has is the only kind whose loading and unloading can
/// be told from that of a library which was there anyway.
pub(crate) fn compile(name: &str, source: &str, flags: &[&str]) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (input, output) =
        (directory.join(format!("{name}.c")), directory.join(format!("lib{name}.so")));
    std::fs::write(&input, source).expect("the directory for tests can be written to");
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-O0", "-o"])
        .args([&output, &input])
        .args(flags)
        .status()
        .expect("`cc`, which Rust links with, is installed");
    assert!(status.success(), "{name} compiles");
    output
}
