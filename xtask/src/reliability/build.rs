//! How the tests are built and started for a check: flags, toolchain, and what runs them.

use super::Found;
use crate::rows::Toolchain;
use crate::steps::{Count, Verdict, stream};
use std::path::PathBuf;
use std::process::Command;

pub(crate) const HOST: &str = "x86_64-unknown-linux-gnu";
/// Of the clang whose LLVM is nearest to that of Debian's Rust, which has none of its own.
pub(crate) const THREAD_SANITIZER: &str =
    "/usr/lib/llvm-22/lib/clang/22/lib/linux/libclang_rt.tsan-x86_64.a";
/// The standard library built again, so that all of it is watched.
const STANDARD_LIBRARY: Toolchain = Toolchain::DebianSource("std,panic_unwind,test");

/// A way to build and start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Build {
    /// Of which packages. What they ask of others together decides what is built.
    pub(crate) packages: &'static str,
    /// Below the target directory's `reliability`, for builds that others cannot use; removed when
    /// the check is done.
    pub(crate) directory: Option<&'static str>,
    pub(crate) flags: &'static str,
    pub(crate) release: bool,
    /// Whether the standard library is built too.
    pub(crate) with_standard_library: bool,
    pub(crate) environment: &'static [(&'static str, &'static str)],
    /// What starts the tests; `{target}` is the target directory.
    pub(crate) runner: &'static str,
}

impl Build {
    /// What `cargo xtask test` builds, and nothing else.
    pub(crate) const SHARED: Self = Self {
        packages: "--workspace --exclude ffi-benches",
        directory: None,
        flags: "",
        release: false,
        with_standard_library: false,
        environment: &[],
        runner: "",
    };

    /// The native suite in a directory of its own.
    pub(crate) const fn own(directory: &'static str, flags: &'static str) -> Self {
        Self { packages: "-p ffi-tests", directory: Some(directory), flags, ..Self::SHARED }
    }

    pub(crate) fn target_directory(&self) -> PathBuf {
        let shared = crate::target_directory();
        self.directory.map_or(shared.clone(), |name| shared.join("reliability").join(name))
    }

    /// A Cargo command in this way.
    pub(crate) fn cargo(&self, command: &str, words: &str) -> Command {
        let mut cargo = if self.with_standard_library {
            let mut debian = Command::new("/usr/bin/cargo");
            debian.current_dir(crate::root()).env("RUSTC", "/usr/bin/rustc");
            debian
        } else {
            crate::cargo()
        };
        cargo.arg(command).args(self.packages.split_whitespace());
        if self.with_standard_library
            && let Toolchain::DebianSource(crates) = STANDARD_LIBRARY
        {
            cargo.arg(format!("-Zbuild-std={crates}")).env("RUSTC_BOOTSTRAP", "1");
        }
        if self.directory.is_some() {
            // With it, build scripts and macros are built without the flags.
            cargo.args(["--target", HOST]);
            cargo.env("CARGO_TARGET_DIR", self.target_directory());
            // Nobody attaches a debugger; reports need lines.
            cargo.env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only");
            cargo.env("CARGO_INCREMENTAL", "0");
        }
        if !self.flags.is_empty() {
            cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", self.flags);
        }
        if !self.runner.is_empty() {
            cargo.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER", self.runner());
        }
        if self.release {
            cargo.arg("--release");
        }
        cargo.envs(self.environment.iter().copied()).args(words.split_whitespace());
        cargo
    }

    fn runner(&self) -> String {
        let target = crate::target_directory().to_string_lossy().into_owned();
        self.runner.replace("{target}", &target)
    }

    /// Builds a program of the tests, and returns what starts it.
    pub(crate) fn program(&self, name: &str) -> Result<Command, String> {
        // With a test that has it built too: `cargo build` would choose other features of what the
        // tests need, and build that twice.
        let mut build = self.cargo("test", "-q --no-run --test confined");
        match build.status() {
            Ok(status) if status.success() => {}
            Ok(status) => return Err(format!("{build:?}: {status}")),
            Err(error) => return Err(format!("{build:?}: {error}")),
        }
        let profile = if self.release { "release" } else { "debug" };
        let platform = if self.directory.is_some() { HOST } else { "" };
        let program = self.target_directory().join(platform).join(profile).join(name);
        let runner = self.runner();
        let mut words = runner.split_whitespace();
        let Some(first) = words.next() else { return Ok(Command::new(program)) };
        let mut command = Command::new(first);
        command.args(words).arg(program);
        Ok(command)
    }

    /// Runs tests, and counts them.
    pub(crate) fn test(&self, words: &str) -> (Count, Verdict) {
        let (count, verdict) =
            stream(self.cargo("test", &format!("--no-fail-fast {words}")), std::io::stdout());
        match verdict {
            Verdict::Passed if count.passed == 0 => (count, Verdict::Failed("no test ran".into())),
            Verdict::Failed(reason) => {
                // The whole command is far up; the table has how it ended.
                let end = reason.rsplit_once("\": ").map_or(&*reason, |(_, end)| end);
                (count, Verdict::Failed(format!("cargo test {words}: {end}")))
            }
            verdict => (count, verdict),
        }
    }

    /// Whether each of these faults, done on purpose, is reported with these words.
    pub(crate) fn finds(&self, faults: &[(&str, &str)]) -> Result<(), String> {
        for (fault, words) in [("none", "")].iter().chain(faults) {
            let mut command = self.program("faulty")?;
            let output =
                command.arg(fault).output().map_err(|error| format!("{command:?}: {error}"))?;
            let text = String::from_utf8_lossy(&output.stderr);
            let is_found = !output.status.success() && text.contains(words);
            if is_found == (*fault == "none") {
                return Err(format!("the fault {fault:?} on purpose, {}:\n{text}", output.status));
            }
        }
        Ok(())
    }

    /// Frees the disk of what nobody reads again.
    pub(crate) fn clean(&self) {
        if self.directory.is_some() {
            let _ = std::fs::remove_dir_all(self.target_directory());
        }
    }
}

/// Tests in a way of building, after the faults that it has to find.
pub(crate) fn tests(build: Build, faults: &[(&str, &str)], words: &[&str]) -> Found {
    let found = all(build, faults, words);
    // Who has to find out why wants to start it again; a CI machine starts afresh.
    if found.verdict == Verdict::Passed || crate::in_ci() {
        build.clean();
    }
    found
}

fn all(build: Build, faults: &[(&str, &str)], words: &[&str]) -> Found {
    if !faults.is_empty()
        && let Err(reason) = build.finds(faults)
    {
        return Found::failed(reason);
    }
    let mut passed = 0;
    for words in words {
        let (count, verdict) = build.test(words);
        passed += count.passed;
        if verdict != Verdict::Passed {
            return Found { tried: format!("{passed} tests"), verdict };
        }
    }
    let known = match faults.len() {
        0 => String::new(),
        count => format!(", and {count} faults on purpose"),
    };
    Found { tried: format!("{passed} tests{known}"), verdict: Verdict::Passed }
}
