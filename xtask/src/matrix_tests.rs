//! Which rows run, what is missing, and what the closing table says.

use super::*;

fn row(name: &str) -> &'static Row {
    ROWS.iter().find(|row| row.name == name).expect("a row")
}

fn names(words: &[&str]) -> Result<Vec<&'static str>, String> {
    let words: Vec<String> = words.iter().map(|word| (*word).into()).collect();
    select(&words).map(|rows| rows.iter().map(|row| row.name).collect())
}

#[test]
fn all_rows_run_or_those_that_are_named() {
    assert_eq!(names(&[]).map(|all| all.len()), Ok(ROWS.len()));
    let two = names(&["x86-64-windows-gnu", "aarch64-linux"]);
    assert_eq!(two, Ok(vec!["aarch64-linux", "x86-64-windows-gnu"]));
    let others = names(&["-x86-64-linux"]).expect("it is a row");
    assert_eq!(others.len(), ROWS.len() - 1);
    assert!(!others.contains(&"x86-64-linux"));
    assert!(names(&["-vax"]).is_err());
}

#[test]
fn an_unknown_row_is_refused_with_those_that_there_are() {
    let message = names(&["aarch64-linux", "vax"]).expect_err("there is no such row");
    assert!(message.contains("\"vax\""));
    assert!(ROWS.iter().all(|row| message.contains(row.name)));
}

#[test]
fn what_is_missing_is_named_with_the_command_that_installs_it() {
    let row = row("aarch64-linux");
    assert!(missing(row, false, &|_| true).is_empty());
    let missing = missing(row, false, &|probe| probe != "qemu-aarch64" && !probe.contains("libz"));
    assert_eq!(
        lacks(&missing),
        "no qemu-aarch64, /usr/lib/aarch64-linux-gnu/libz.so.1; to install it, run as root: \
         dpkg --add-architecture arm64 && apt-get update -q && \
         apt-get install -y --no-install-recommends qemu-user zlib1g:arm64"
    );
}

#[test]
fn debians_toolchain_is_needed_only_where_there_is_no_other() {
    let absent = |probe: &str| !probe.starts_with("/usr/lib/rustlib");
    for row in ROWS.iter().filter(|row| row.toolchain != Toolchain::Own) {
        assert_eq!(missing(row, false, &absent).len(), 1, "{}", row.name);
        assert_eq!(missing(row, true, &absent).len(), 0, "{}", row.name);
    }
}

#[test]
fn commands_and_files_are_looked_for() {
    assert!(is_there("cargo") && is_there("/proc/self/exe"));
    assert!(!is_there("no-such-command") && !is_there("/proc/self/no-such-file"));
}

#[test]
fn a_row_gets_its_toolchain_linker_runner_and_directory() {
    let command = |name, own| {
        let row = row(name);
        format!("{:?}", cargo(row, "test -p a -- b", own, Path::new("/t")))
    };
    let wine = command("x86-64-windows-gnu", false);
    for part in [
        "RUSTC=\"/usr/bin/rustc\"",
        "CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=\"x86_64-w64-mingw32-gcc\"",
        "CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=\"timeout ",
        "CARGO_TARGET_DIR=\"/t/x86-64-windows-gnu\"",
        "WINEPREFIX=\"/t/wine\"",
        "\"/usr/bin/cargo\" \"test\" \"--no-fail-fast\" \"--target\" \"x86_64-pc-windows-gnu\" \
         \"-Zbuild-std=std,panic_unwind,test\" \"-p\" \"a\" \"--\" \"b\"",
    ] {
        assert!(wine.contains(part), "{part}: {wine}");
    }
    assert!(!command("x86-64-windows-gnu", true).contains("build-std"));
    assert!(!command("aarch64-linux", false).contains("BOOTSTRAP"));
    let native = command("x86-64-linux", true);
    assert!(!native.contains("--target") && !native.contains("RUNNER"), "{native}");
}

#[test]
fn a_row_that_executes_nothing_fails() {
    let (none, some) = (Count::default(), Count { passed: 1, ..Count::default() });
    let placement = row("aarch64-apple-placement");
    assert_eq!(proven(placement, Verdict::Passed, some), Verdict::Passed);
    assert_eq!(proven(placement, Verdict::Passed, none), Verdict::Failed("no test ran".into()));
    assert_eq!(proven(row("aarch64-apple"), Verdict::Passed, none), Verdict::Passed);
}

#[test]
fn the_table_says_how_each_row_went_and_why_not() {
    let count = Count { passed: 7, failed: 1, ignored: 2 };
    let step = |verdict, count| Step { name: "row".into(), count, verdict, seconds: 1.5 };
    let none = Count::default;
    let text = table(&[
        (row("aarch64-linux"), step(Verdict::Failed("broken".into()), count)),
        (row("x86-64-windows-gnu"), step(Verdict::Skipped("no wine".into()), none())),
        (row("x86-64-apple"), step(Verdict::Passed, none())),
    ]);
    let words: Vec<Vec<&str>> =
        text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words[0], ["row", "target", "how", "passed", "failed", "skipped", "seconds"]);
    assert_eq!(words[1][2..], ["FAILED", "7", "1", "2", "1.5"]);
    assert_eq!(words[2], ["failed:", "broken"]);
    assert_eq!(words[3][2..], ["skipped", "0", "0", "0", "1.5"]);
    assert_eq!(words[5][2..], ["built", "-", "-", "-", "1.5"]);
    assert_eq!(words.len(), 6);
}
