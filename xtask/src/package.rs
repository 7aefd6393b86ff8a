//! What users of the packages meet, and nobody in the workspace: features one by one, a target
//! without an operating system, the lowest versions that the manifests allow, and the packages as
//! they would be published.

use crate::rows::{How, Need, Row, Toolchain};
use crate::steps::{Count, Steps, Verdict, stream};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// What is not published.
const PRIVATE: &[&str] = &["xtask", "ffi-tests", "ffi-benches", "ffi-examples"];

/// The features of the facade, none of which may need another.
const FEATURES: &[&str] = &["", "cdecl", "derive", "complex", "half", "serde", "tracing"];

/// The crates that are `no_std`, on targets that have nothing else. To build rather than to check
/// has their assembly assembled.
const BARE: &[Row] = &[
    Row {
        name: "no_std, x86-64",
        target: "x86_64-unknown-none",
        environment: &[],
        needs: &[],
        ..AARCH64
    },
    Row { name: "no_std, AArch64", ..AARCH64 },
];
/// Nothing of Linux is in what it assembles.
const CROSS_GCC: &str = "aarch64-linux-gnu-gcc";
const AARCH64: Row = Row {
    name: "",
    supports: "",
    conventions: "",
    target: "aarch64-unknown-none",
    toolchain: Toolchain::DebianSource("core,alloc"),
    linker: None,
    how: How::Built,
    environment: &[("CC_aarch64_unknown_none", CROSS_GCC)],
    needs: &[&[Need { probe: CROSS_GCC, packages: &["gcc-aarch64-linux-gnu"] }]],
    prepare: None,
    directory: Some("bare"),
    steps: &[(
        "libraries",
        "build -p ffi-types -p ffi-abi-sysv -p ffi-abi-win64 -p ffi-abi-arm64 -p ffi-cdecl \
         --features ffi-types/complex,ffi-types/half,ffi-types/serde",
    )],
};

pub(crate) fn run() -> Result<(), String> {
    // Cargo has its own use for `target/package`.
    let directory = crate::target_directory().join("users");
    let mut steps = Steps::default();
    for feature in FEATURES {
        let words = "clippy -p ffi --no-default-features";
        let flags = if feature.is_empty() { String::new() } else { format!(" -F {feature}") };
        let name = format!("facade with {}", if feature.is_empty() { "nothing" } else { feature });
        steps.cargo(&name, &format!("{words}{flags} -- -Dwarnings"), &[]);
    }
    steps.cargo("tracing", "test -p ffi --features tracing --test tracing", &[]);
    for row in BARE {
        steps.run(row.name, || bare(row, &directory));
    }
    steps.run("lowest versions", || outcome(lowest_versions(&directory.join("lowest"))));
    // Cargo unpacks the packages that another depends on once, by the place of this directory and
    // their version: in the same place it would verify with what they were the last time.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let fresh = directory.join(format!("packages-{now}"));
    let packages = format!("package --workspace --allow-dirty {}", excluded());
    steps.cargo("packages", &packages, &[("CARGO_TARGET_DIR", &fresh.to_string_lossy())]);
    let _ = fs::remove_dir_all(&fresh);
    let installed = directory.join("installed");
    let installed = installed.to_string_lossy();
    steps.cargo(
        "README's installation",
        "install -q --path crates/ffi-cli",
        &[("CARGO_INSTALL_ROOT", &installed)],
    );
    steps.finish()
}

fn bare(row: &Row, directory: &Path) -> (Count, Verdict) {
    let step = crate::matrix::run_row(row, directory, "");
    (step.count, step.verdict)
}

fn outcome(result: Result<(), String>) -> (Count, Verdict) {
    (Count::default(), result.into())
}

fn excluded() -> String {
    PRIVATE.iter().map(|name| format!("--exclude {name} ")).collect()
}

/// Checks the published crates, with all features, in a copy of the workspace whose direct
/// dependencies are all as old as the manifests say that they may be.
fn lowest_versions(copy: &Path) -> Result<(), String> {
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    let _ = fs::remove_dir_all(copy);
    for path in crate::tidy::files()? {
        let (from, to) = (crate::root().join(&path), copy.join(&path));
        // Git lists what was deleted and not committed.
        if !from.is_file() {
            continue;
        }
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(|error| failed(parent, error))?;
        }
        fs::copy(&from, &to).map_err(|error| failed(&to, error))?;
    }
    // What is private may ask for what it likes.
    let manifest = copy.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).map_err(|error| failed(&manifest, error))?;
    let text = only_crates(&text).ok_or("Cargo.toml: expected a line `members = …`")?;
    fs::write(&manifest, text).map_err(|error| failed(&manifest, error))?;
    // Beside the copy, which is made anew each time.
    let target = copy.with_extension("target");
    let run = |words: &str| {
        let mut cargo: Command = crate::cargo();
        cargo.current_dir(copy).args(words.split_whitespace()).env("CARGO_TARGET_DIR", &target);
        // A stable Cargo takes `-Z` from those who say that they know.
        if words.contains("-Z") {
            cargo.env("RUSTC_BOOTSTRAP", "1");
        }
        match stream(cargo, std::io::stdout()).1 {
            Verdict::Passed => Ok(()),
            verdict => Err(verdict.reason()),
        }
    };
    run("update --quiet -Zdirect-minimal-versions")?;
    run("check --workspace --all-features")
}

/// The workspace's manifest with the published members alone.
fn only_crates(manifest: &str) -> Option<String> {
    let line = manifest.lines().find(|line| line.starts_with("members = "))?;
    Some(manifest.replace(line, "members = [\"crates/*\"]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(path: &str) -> String {
        fs::read_to_string(crate::root().join(path)).expect("a manifest")
    }

    #[test]
    fn every_feature_of_the_facade_is_tried_alone() {
        let text = manifest("crates/ffi/Cargo.toml");
        let (_, features) = text.split_once("[features]\n").expect("features");
        let (features, _) = features.split_once("\n[").expect("their end");
        let names = features.lines().filter_map(|line| Some(line.split_once(" = ")?.0));
        for name in names.filter(|name| *name != "default" && !name.starts_with('#')) {
            assert!(FEATURES.contains(&name), "{name}");
        }
    }

    #[test]
    fn every_crate_without_std_is_built_for_both_processors() {
        let crates = fs::read_dir(crate::root().join("crates")).expect("the crates");
        for directory in crates.flatten() {
            let source = fs::read_to_string(directory.path().join("src/lib.rs"));
            if source.is_ok_and(|text| text.lines().any(|line| line == "#![no_std]")) {
                let name = directory.file_name().to_string_lossy().into_owned();
                let flag = format!("-p {name} ");
                assert!(BARE.iter().all(|row| row.steps[0].1.contains(&flag)), "{name}");
            }
        }
        assert_ne!(BARE[0].target, BARE[1].target);
    }

    #[test]
    fn the_lowest_versions_are_those_of_the_published_members() {
        let with = only_crates(&manifest("Cargo.toml")).expect("a line of members");
        assert!(with.contains("\nmembers = [\"crates/*\"]\n") && !with.contains("xtask"), "{with}");
        assert_eq!(only_crates("[workspace]\n"), None);
    }

    #[test]
    fn what_is_private_says_so() {
        for name in PRIVATE {
            let directory = name.strip_prefix("ffi-").unwrap_or(name);
            assert!(manifest(&format!("{directory}/Cargo.toml")).contains("publish = false"));
        }
    }

    #[test]
    fn a_package_says_for_which_targets_its_documentation_is() {
        let crates = fs::read_dir(crate::root().join("crates")).expect("the crates");
        for directory in crates.flatten() {
            let text = fs::read_to_string(directory.path().join("Cargo.toml")).expect("a manifest");
            let (_, after) = text.split_once("[package.metadata.docs.rs]\n").expect("a section");
            assert!(after.starts_with("all-features = true\n"), "{:?}", directory.path());
            assert!(after.contains("\ntargets = ["), "{:?}", directory.path());
        }
    }
}
