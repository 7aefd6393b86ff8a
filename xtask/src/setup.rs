//! Installing what the tests need, on Debian and its kin.

use std::process::{Command, Stdio};

/// Debian's packages, and what for.
const PACKAGES: &[(&str, &str)] = &[
    ("clang", "the second C compiler of the oracle"),
    ("libc6-dev", "C headers"),
    ("libsqlite3-0", "the SQLite tests"),
    ("zlib1g", "the zlib tests"),
    ("libpng16-16", "the libpng tests"),
    ("make", "the `libffi` crate, which the benchmarks compare with"),
];

/// Installs the packages that are missing: as root, or else through `sudo` where that asks for
/// nothing. Where neither will do, says what to run; in CI that is a failure.
pub(crate) fn run() -> Result<(), String> {
    if Command::new("dpkg-query").arg("--version").stdout(Stdio::null()).status().is_err() {
        return unavailable("this is no Debian; the tests need", &names(PACKAGES));
    }
    let missing: Vec<_> = PACKAGES.iter().filter(|(name, _)| !installed(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for (name, reason) in &missing {
        println!("{name} is missing: {reason}");
    }
    let missing: Vec<&str> = missing.iter().map(|(name, _)| *name).collect();
    let install = [&["apt-get", "install", "-y", "--no-install-recommends"], &*missing].concat();
    let update = vec!["apt-get", "update", "-q"];
    for prefix in [&[][..], &["sudo", "-n"][..]] {
        let run = |words: &[&str]| as_user(prefix, words);
        if run(&["true"]) && (!prefix.is_empty() || is_root()) && run(&update) && run(&install) {
            return Ok(());
        }
    }
    unavailable("run `apt-get update` as root, and then", &install.join(" "))
}

fn names(packages: &[(&str, &str)]) -> String {
    packages.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" ")
}

fn installed(package: &str) -> bool {
    Command::new("dpkg-query")
        .args(["-W", "-f=${Status}", package])
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|output| output.stdout == b"install ok installed")
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn as_user(prefix: &[&str], words: &[&str]) -> bool {
    let words = [prefix, words].concat();
    Command::new(words[0])
        .args(&words[1..])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn unavailable(what: &str, command: &str) -> Result<(), String> {
    let message = format!("{what}: {command}");
    if crate::in_ci() {
        return Err(message);
    }
    println!("not everything can be tested; {message}");
    Ok(())
}
