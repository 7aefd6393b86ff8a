//! Libraries compiled by the C compiler that Rust links with.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A library with `int answer(void)`, which returns 42, `int counter`, which is 1, and
/// `int count(void)`, which raises it and returns it.
pub(crate) fn small_library(name: &str) -> PathBuf {
    let source = "int answer(void) { return 42; }
                  int counter = 1;
                  int count(void) { return ++counter; }";
    compile(name, source, &[])
}

/// Compiles `source` into a library of its own, under a name that no other test uses.
pub(crate) fn compile(name: &str, source: &str, flags: &[&str]) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (input, output) =
        (directory.join(format!("{name}.c")), directory.join(format!("lib{name}.so")));
    std::fs::write(&input, source).expect("the directory for tests can be written to");
    let status = Command::new(compiler())
        .args(["-shared", "-fPIC", "-O0", "-o"])
        .args([&output, &input])
        .args(flags)
        .status()
        .expect("the compiler that Rust links with is installed");
    assert!(status.success(), "{name} compiles");
    output
}

/// `cc`, unless it is that of a machine which emulates the one this is compiled for.
fn compiler() -> String {
    let machine = Command::new("cc").arg("-dumpmachine").output();
    let machine = machine.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    match machine {
        Ok(machine) if machine.starts_with(std::env::consts::ARCH) => "cc".into(),
        _ => format!("{}-linux-gnu-gcc", std::env::consts::ARCH),
    }
}
