//! Compiling C at test time.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A C compiler and how it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Compiler {
    /// The command.
    pub command: &'static str,
    /// The optimisation level, `0` to `3`.
    pub level: u32,
}

/// gcc and clang: two readings of the same psABI, and clang's callees are the ones that rely on
/// sub-word arguments being extended. A compiler that is missing fails the test in CI, where
/// setup installs both, and is named and left out elsewhere.
///
/// # Panics
/// If one is missing and `CI` is set, or if both are.
pub fn compilers() -> Vec<Compiler> {
    let wanted = if cfg!(target_arch = "aarch64") {
        [
            Compiler { command: "aarch64-linux-gnu-gcc", level: 1 },
            Compiler { command: "clang-22", level: 2 },
        ]
    } else {
        [Compiler { command: "gcc", level: 1 }, Compiler { command: "clang", level: 2 }]
    };
    let (found, missing): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|compiler| {
        Command::new(compiler.command).arg("--version").output().is_ok_and(|o| o.status.success())
    });
    for compiler in &missing {
        eprintln!("{} is not installed: its half of the test does not run", compiler.command);
    }
    let in_ci = std::env::var_os("CI").is_some();
    assert!(!found.is_empty() && (missing.is_empty() || !in_ci), "missing: {missing:?}");
    found
}

/// Compiles C source to a shared library in `directory` and returns its path.
///
/// # Panics
/// If the compiler rejects it; the message has the compiler's own.
pub fn shared_library(compiler: Compiler, directory: &Path, name: &str, source: &str) -> PathBuf {
    let stem = format!("{name}-{}-O{}", compiler.command, compiler.level);
    let input = directory.join(format!("{stem}.c"));
    let output = directory.join(format!("{stem}.so"));
    std::fs::write(&input, source).expect("the directory is writable");
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let result = cc::Build::new()
        .cargo_metadata(false)
        .compiler(compiler.command)
        .target(&target)
        .host(&target)
        .opt_level(compiler.level)
        .debug(false)
        .warnings(false)
        .out_dir(directory)
        .get_compiler()
        .to_command()
        .args(["-w", "-shared", "-fPIC", "-o"])
        .arg(&output)
        .arg(&input)
        .output()
        .expect("the compiler can be run");
    assert!(result.status.success(), "{stem}: {}", String::from_utf8_lossy(&result.stderr));
    output
}
