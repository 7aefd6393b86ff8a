//! Installing what the tasks need, on Debian and its kin.

use crate::rows::ROWS;
use std::process::{Command, Stdio};

/// A Debian package, perhaps with an architecture (`zlib1g:arm64`), and what it is for.
type Package = (&'static str, &'static str);

/// What the tests, the lints and the benchmarks need on this machine.
const PACKAGES: &[Package] = &[
    ("clang", "the second C compiler of the oracle"),
    ("g++", "the tests of C++ exceptions"),
    ("gdb", "the tests of backtraces"),
    ("linux-perf", "the tests of backtraces"),
    ("libc6-dev", "C headers"),
    ("libsqlite3-0", "the SQLite tests"),
    ("zlib1g", "the zlib tests"),
    ("zlib1g-dev", "the tests that read its header"),
    ("libsqlite3-dev", "the tests that read its header"),
    ("libpng16-16", "the libpng tests"),
    ("liblua5.4-0", "the example that embeds Lua"),
    ("make", "the `libffi` crate, which the benchmarks compare with"),
];
const INSTALL: &[&str] = &["apt-get", "install", "-y", "--no-install-recommends"];

/// Installs what every task needs, the matrix's other targets included.
pub(crate) fn run() -> Result<(), String> {
    install(&everything())
}

/// Installs what this machine's own tests need. Nobody who runs those wants an emulator and the
/// packages of another architecture with it.
pub(crate) fn native() -> Result<(), String> {
    install(PACKAGES)
}

/// Installs what uses libffi, to run it on the stand-in.
pub(crate) fn compat() -> Result<(), String> {
    let mut wanted = Vec::new();
    crate::compat::packages().for_each(|package| add(&mut wanted, package));
    install(&wanted)
}

/// The command, for root, that installs packages.
pub(crate) fn install_command(packages: &[&str]) -> String {
    let commands: Vec<String> = commands(packages).iter().map(|words| words.join(" ")).collect();
    commands.join(" && ")
}

/// Installs the packages that are missing: as root, or else through `sudo` where that asks for
/// nothing. Where neither will do, says what to run; in CI that is a failure.
fn install(wanted: &[Package]) -> Result<(), String> {
    let listing = Command::new("dpkg-query")
        .args(["-W", "-f=${Status}|${Package}|${Architecture}|${Provides}\n"])
        .stderr(Stdio::null())
        .output();
    let Ok(listing) = listing else {
        let remedy = "this is no Debian; install what corresponds to these packages";
        return unavailable(wanted, remedy);
    };
    let missing = missing(&String::from_utf8_lossy(&listing.stdout), wanted);
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|(name, _)| *name).collect();
    println!("missing: {}", names.join(" "));
    if let Some(prefix) = privilege() {
        let mut installed = false;
        for words in commands(&names) {
            // Only the last counts: a source that cannot be reached need not be the one that has
            // the packages.
            installed = runs(&[prefix, &*words].concat());
        }
        if installed {
            return Ok(());
        }
    }
    unavailable(&missing, &format!("run as root: {}", install_command(&names)))
}

/// The packages of this machine, of all rows and of all that uses libffi, each once.
fn everything() -> Vec<Package> {
    let mut all = PACKAGES.to_vec();
    for row in ROWS {
        let needs = row.toolchain.needs().iter().chain(row.needs.iter().copied().flatten());
        for package in needs.flat_map(|need| need.packages) {
            add(&mut all, (package, row.name));
        }
    }
    for package in crate::counts::NEEDS.iter().flat_map(|need| need.packages) {
        add(&mut all, (package, "counting instructions"));
    }
    for package in crate::reliability::NEEDS.iter().flat_map(|need| need.packages) {
        add(&mut all, (package, "finding races and memory errors"));
    }
    crate::compat::packages().for_each(|package| add(&mut all, package));
    all
}

fn add(packages: &mut Vec<Package>, package: Package) {
    if packages.iter().all(|(name, _)| *name != package.0) {
        packages.push(package);
    }
}

/// What installs packages: those of another architecture need it to be known to dpkg, and apt to
/// look again.
fn commands<'a>(packages: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut architectures: Vec<&str> =
        packages.iter().filter_map(|name| Some(name.split_once(':')?.1)).collect();
    architectures.sort_unstable();
    architectures.dedup();
    let mut commands: Vec<Vec<&str>> =
        architectures.iter().map(|name| vec!["dpkg", "--add-architecture", name]).collect();
    commands.push(vec!["apt-get", "update", "-q"]);
    commands.push([INSTALL, packages].concat());
    commands
}

/// The packages that `dpkg-query` does not list as installed, under their own name or as what
/// another provides (`libpng16-16t64` on newer systems).
fn missing(listing: &str, wanted: &[Package]) -> Vec<Package> {
    let installed: Vec<Vec<&str>> = listing
        .lines()
        .map(|line| line.split('|').collect())
        .filter(|fields: &Vec<&str>| fields.len() == 4 && fields[0].ends_with(" ok installed"))
        .collect();
    let native = installed.iter().find(|fields| fields[1] == "dpkg").map_or("", |dpkg| dpkg[2]);
    let has = |package: &str| {
        // A library may be there for another architecture than the one that is asked for.
        let (name, architecture) = package.split_once(':').unwrap_or((package, native));
        installed.iter().filter(|fields| [architecture, "all"].contains(&fields[2])).any(|fields| {
            let mut provided = fields[3].split(',').filter_map(|p| p.split_whitespace().next());
            fields[1] == name || provided.any(|provided| provided == name)
        })
    };
    wanted.iter().filter(|(name, _)| !has(name)).copied().collect()
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

fn unavailable(packages: &[Package], remedy: &str) -> Result<(), String> {
    let mut message = String::from("not everything can be run; missing:\n");
    for (name, reason) in packages {
        message += &format!("  {name:26} {reason}\n");
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
    use super::*;

    fn names(listing: &str, wanted: &[Package]) -> Vec<&'static str> {
        missing(listing, wanted).iter().map(|(name, _)| *name).collect()
    }

    #[test]
    fn what_is_installed_is_not_missing() {
        let listing = "install ok installed|dpkg|amd64|\n\
                       install ok installed|clang|amd64|c++-compiler, objc-compiler\n\
                       install ok installed|g++|amd64|c++-compiler\n\
                       install ok installed|gdb|amd64|\n\
                       install ok installed|linux-perf|all|\n\
                       install ok installed|libc6-dev|amd64|libc-dev (= 2.36)\n\
                       install ok installed|libc6-dev|arm64|libc-dev (= 2.36)\n\
                       hold ok installed|libsqlite3-0|amd64|\n\
                       install ok installed|zlib1g|amd64|libz1\n\
                       install ok installed|zlib1g-dev|amd64|\n\
                       install ok installed|libsqlite3-dev|amd64|\n\
                       install ok installed|libpng16-16t64|amd64|libpng16-16 (= 1.6.48)\n\
                       install ok installed|liblua5.4-0|amd64|\n\
                       install ok installed|make|all|make-guile\n";
        assert_eq!(names(listing, PACKAGES), [] as [&str; 0]);
    }

    #[test]
    fn what_is_removed_or_of_another_architecture_is_missing() {
        let listing = "install ok installed|dpkg|amd64|\n\
                       install ok installed|clang|amd64|\n\
                       install ok installed|g++|amd64|c++-compiler\n\
                       install ok installed|gdb|amd64|\n\
                       install ok installed|linux-perf|all|\n\
                       install ok installed|libc6-dev|amd64|\n\
                       deinstall ok config-files|libsqlite3-0|amd64|\n\
                       install ok installed|zlib1g|arm64|libz1\n\
                       install ok installed|zlib1g-dev|amd64|\n\
                       install ok installed|libsqlite3-dev|amd64|\n\
                       install ok installed|libpng16-16|amd64|\n\
                       install ok installed|liblua5.4-0|amd64|\n\
                       install ok installed|make|amd64|\n";
        assert_eq!(names(listing, PACKAGES), ["libsqlite3-0", "zlib1g"]);
        assert_eq!(names("", PACKAGES).len(), PACKAGES.len());
    }

    #[test]
    fn a_package_of_an_architecture_is_there_in_that_architecture_alone() {
        let listing = "install ok installed|dpkg|amd64|\n\
                       install ok installed|libc6|amd64|\n\
                       install ok installed|zlib1g|arm64|libz1\n\
                       install ok installed|libpng16-16t64|arm64|libpng16-16 (= 1.6.48)\n";
        let wanted = [("libc6:arm64", ""), ("zlib1g:arm64", ""), ("libpng16-16:arm64", "")];
        assert_eq!(names(listing, &wanted), ["libc6:arm64"]);
        assert_eq!(names(listing, &[("zlib1g", "")]), ["zlib1g"]);
    }

    #[test]
    fn another_architecture_is_added_before_its_packages_are_asked_for() {
        assert_eq!(
            install_command(&["zlib1g:arm64", "make", "libc6:arm64"]),
            "dpkg --add-architecture arm64 && apt-get update -q && \
             apt-get install -y --no-install-recommends zlib1g:arm64 make libc6:arm64"
        );
        assert!(install_command(&["make"]).starts_with("apt-get update -q && apt-get install "));
    }

    #[test]
    fn every_package_of_every_row_is_installed_once() {
        let all = everything();
        for (index, (name, _)) in all.iter().enumerate() {
            assert!(all[..index].iter().all(|(other, _)| other != name), "{name}");
        }
        for name in ["clang", "clang-22", "guile-3.0", "wine64", "rust-web-src", "libc6:arm64"] {
            assert!(all.iter().any(|(other, _)| *other == name), "{name}");
        }
    }
}
