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
const INSTALL: &[&str] = &["apt-get", "install", "-y", "--no-install-recommends"];

/// Installs the packages that are missing: as root, or else through `sudo` where that asks for
/// nothing. Where neither will do, says what to run; in CI that is a failure.
pub(crate) fn run() -> Result<(), String> {
    let listing = Command::new("dpkg-query")
        .args(["-W", "-f=${Status}|${Package}|${Architecture}|${Provides}\n"])
        .stderr(Stdio::null())
        .output();
    let Ok(listing) = listing else {
        let all = PACKAGES.iter().collect::<Vec<_>>();
        return unavailable(&all, "this is no Debian; install what corresponds to these packages");
    };
    let missing = missing(&String::from_utf8_lossy(&listing.stdout));
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|(name, _)| *name).collect();
    println!("missing: {}", names.join(" "));
    let install = [INSTALL, &*names].concat();
    if let Some(prefix) = privilege() {
        // A source that cannot be reached need not be the one that has the packages.
        let _ = runs(&[prefix, &["apt-get", "update", "-q"]].concat());
        if runs(&[prefix, &*install].concat()) {
            return Ok(());
        }
    }
    let by_hand = format!("run as root: apt-get update && {}", install.join(" "));
    unavailable(&missing, &by_hand)
}

/// The packages that `dpkg-query` does not list as installed, under their own name or as what
/// another provides (`libpng16-16t64` on newer systems).
fn missing(listing: &str) -> Vec<&'static (&'static str, &'static str)> {
    let installed: Vec<Vec<&str>> = listing
        .lines()
        .map(|line| line.split('|').collect())
        .filter(|fields: &Vec<&str>| fields.len() == 4 && fields[0].ends_with(" ok installed"))
        .collect();
    // A library may be there for another architecture only, for the tests under emulation.
    let native = installed.iter().find(|fields| fields[1] == "dpkg").map_or("", |dpkg| dpkg[2]);
    let has = |name: &str| {
        installed.iter().filter(|fields| [native, "all"].contains(&fields[2])).any(|fields| {
            let mut provided = fields[3].split(',').filter_map(|p| p.split_whitespace().next());
            fields[1] == name || provided.any(|provided| provided == name)
        })
    };
    PACKAGES.iter().filter(|(name, _)| !has(name)).collect()
}

/// What to put before a command to run it as root.
fn privilege() -> Option<&'static [&'static str]> {
    let id = Command::new("id").arg("-u").output();
    if id.is_ok_and(|output| output.stdout.trim_ascii() == b"0") {
        return Some(&[]);
    }
    let sudo = Command::new("sudo").args(["-n", "true"]).stderr(Stdio::null()).status();
    sudo.is_ok_and(|status| status.success()).then_some(&["sudo", "-n"])
}

fn runs(words: &[&str]) -> bool {
    Command::new(words[0])
        .args(&words[1..])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn unavailable(packages: &[&(&str, &str)], remedy: &str) -> Result<(), String> {
    let mut message = String::from("not everything can be tested; missing:\n");
    for (name, reason) in packages {
        message += &format!("  {name:14} {reason}\n");
    }
    message += remedy;
    if crate::in_ci() {
        return Err(message);
    }
    println!("{message}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::missing;

    fn names(listing: &str) -> Vec<&'static str> {
        missing(listing).iter().map(|(name, _)| *name).collect()
    }

    #[test]
    fn what_is_installed_is_not_missing() {
        let listing = "install ok installed|dpkg|amd64|\n\
                       install ok installed|clang|amd64|c++-compiler, objc-compiler\n\
                       install ok installed|libc6-dev|amd64|libc-dev (= 2.36)\n\
                       install ok installed|libc6-dev|arm64|libc-dev (= 2.36)\n\
                       hold ok installed|libsqlite3-0|amd64|\n\
                       install ok installed|zlib1g|amd64|libz1\n\
                       install ok installed|libpng16-16t64|amd64|libpng16-16 (= 1.6.48)\n\
                       install ok installed|make|all|make-guile\n";
        assert_eq!(names(listing), [] as [&str; 0]);
    }

    #[test]
    fn what_is_removed_or_of_another_architecture_is_missing() {
        let listing = "install ok installed|dpkg|amd64|\n\
                       install ok installed|clang|amd64|\n\
                       install ok installed|libc6-dev|amd64|\n\
                       deinstall ok config-files|libsqlite3-0|amd64|\n\
                       install ok installed|zlib1g|arm64|libz1\n\
                       install ok installed|libpng16-16|amd64|\n\
                       install ok installed|make|amd64|\n";
        assert_eq!(names(listing), ["libsqlite3-0", "zlib1g"]);
        assert_eq!(names("").len(), super::PACKAGES.len());
    }
}
