//! `cargo xtask fuzz TARGET [SECONDS]`: libFuzzer on this toolchain. `all` is each target in turn.
//!
//! `cargo fuzz` wants a nightly one, for sanitizers. What libFuzzer needs is coverage alone, which
//! LLVM's own pass adds, by options that every toolchain takes.

use std::process::Command;

/// Counters on every edge, and what is compared with what.
const COVERAGE: &str = "--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";
/// With `--target`, the flags are not those of build scripts.
const HOST: &str = "x86_64-unknown-linux-gnu";

pub(crate) fn run(words: &[String]) -> Result<(), String> {
    let (target, seconds) = match words {
        [target] => (target, 600),
        [target, seconds] => {
            let number = seconds.parse::<u32>();
            (target, number.map_err(|_| format!("expected seconds, found {seconds:?}"))?)
        }
        _ => return Err("expected a target of fuzz/Cargo.toml or `all`, and for how long".into()),
    };
    let targets = targets()?;
    if target != "all" {
        if !targets.contains(target) {
            return Err(format!("there is no target {target:?}, but {}", targets.join(", ")));
        }
        return fuzz(target, seconds);
    }
    // All are run, whatever comes of one.
    let failed: Vec<String> =
        targets.iter().filter_map(|target| fuzz(target, seconds).err()).collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

/// Each has its seeds.
fn targets() -> Result<Vec<String>, String> {
    let directory = crate::root().join("fuzz/seeds");
    let entries = std::fs::read_dir(&directory)
        .map_err(|error| format!("{}: {error}", directory.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

fn fuzz(target: &str, seconds: u32) -> Result<(), String> {
    let directory = crate::root().join("fuzz");
    let seeds = directory.join("seeds").join(target);
    let built = crate::target_directory().join("fuzz");
    let mut build = crate::cargo();
    build.args(["build", "--release", "--locked", "--target", HOST, "--bin", target]);
    build.current_dir(&directory).env("RUSTFLAGS", COVERAGE).env("CARGO_TARGET_DIR", &built);
    succeed(build)?;
    // What is found is kept from run to run; the seeds are only read.
    let corpus = built.join("corpus").join(target);
    std::fs::create_dir_all(&corpus).map_err(|error| format!("{}: {error}", corpus.display()))?;
    let mut fuzzer = Command::new(built.join(HOST).join("release").join(target));
    fuzzer.args([&corpus, &seeds]);
    let words = seeds.with_extension("dict");
    if words.is_file() {
        fuzzer.arg(format!("-dict={}", words.display()));
    }
    fuzzer.arg(format!("-artifact_prefix={}/{target}-", built.display()));
    fuzzer.args([&format!("-max_total_time={seconds}"), "-timeout=10", "-print_final_stats=1"]);
    succeed(fuzzer)
}

fn succeed(mut command: Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{}: {status}", command.get_program().display())),
        Err(error) => Err(format!("{}: {error}", command.get_program().display())),
    }
}
