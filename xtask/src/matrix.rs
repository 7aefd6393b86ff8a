//! Runs the rows of the table: `cargo xtask matrix [ROW…]`.

use crate::prepare::WineServer;
use crate::rows::{How, Need, ROWS, Row, Toolchain};
use crate::steps::{Count, Step, Steps, Verdict, stream, totals};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

pub(crate) fn run(names: &[String]) -> Result<(), String> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        return Err("the rows are for x86-64 Linux hosts".into());
    }
    let rows = select(names)?;
    let directory = crate::target_directory().join("matrix");
    let compiler = crate::compile_service::start(&directory.join("compile"))?;
    let mut done: Vec<(&Row, Step)> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        done.push((row, run_row(row, &directory, &compiler)));
        if let Some(built) = row.directory.filter(|_| crate::in_ci())
            && rows[at + 1..].iter().all(|later| later.directory != row.directory)
        {
            // Ten rows' builds need more room than a CI machine may have; nothing reads them again.
            let _ = std::fs::remove_dir_all(directory.join(built));
        }
    }
    print!("\n{}", table(&done));
    let steps: Vec<Step> = done.into_iter().map(|(_, step)| step).collect();
    println!("\n{}", totals(&steps));
    let failed = |step: &&Step| matches!(step.verdict, Verdict::Failed(_));
    let failed: Vec<&str> = steps.iter().filter(failed).map(|step| &*step.name).collect();
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(" "))) }
}

/// The rows of these names, or all, in the order of the table; but none whose name follows a dash.
fn select(names: &[String]) -> Result<Vec<&'static Row>, String> {
    let (without, with): (Vec<&str>, Vec<&str>) =
        names.iter().map(|name| &**name).partition(|name| name.starts_with('-'));
    let without: Vec<&str> = without.iter().map(|name| &name[1..]).collect();
    let is_known = |name: &&&str| ROWS.iter().any(|row| row.name == **name);
    if let Some(unknown) = with.iter().chain(&without).find(|name| !is_known(name)) {
        let known: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
        return Err(format!("no row is called {unknown:?}; there are: {}", known.join(" ")));
    }
    let wanted =
        |row: &&Row| (with.is_empty() || with.contains(&row.name)) && !without.contains(&row.name);
    Ok(ROWS.iter().filter(wanted).collect())
}

/// Runs a row to its end or first failure; the rows after it run all the same.
pub(crate) fn run_row(row: &Row, directory: &Path, compiler: &str) -> Step {
    let start = Instant::now();
    let own = row.toolchain == Toolchain::Own || has_standard_library(row.target);
    let missing = missing(row, own, &is_there);
    if !missing.is_empty() {
        println!("\n==> {}", row.name);
        let verdict = Verdict::impossible(lacks(&missing), crate::in_ci());
        println!("<== {}: {}", row.name, verdict.reason());
        return Step { name: row.name.into(), verdict, ..Step::default() };
    }
    let mut steps = Steps::default();
    if let Some(prepare) = row.prepare {
        let prepare = || (Count::default(), prepare(directory).into());
        steps.run(&format!("{}: preparation", row.name), prepare);
    }
    let mut server = None;
    if row.how == How::Wine {
        let start = || {
            let started = WineServer::start(directory).map(|started| server = Some(started));
            (Count::default(), started.into())
        };
        steps.run(&format!("{}: Wine's server", row.name), start);
    }
    for (name, words) in row.steps {
        let mut command = cargo(row, words, own, directory);
        // Where the host's compilers can be started, tests start them.
        if row.how.runner().is_some() {
            command.env("FFI_TEST_COMPILER", compiler);
        }
        steps.run(&format!("{}: {name}", row.name), || stream(command, std::io::stdout()));
    }
    let mut whole = steps.into_one(row.name);
    whole.verdict = proven(row, whole.verdict, whole.count);
    drop(server);
    whole.seconds = start.elapsed().as_secs_f64();
    whole
}

/// The verdict on a row that came to its end. A filter that no longer finds its tests passes, and
/// is evidence of nothing.
fn proven(row: &Row, verdict: Verdict, count: Count) -> Verdict {
    if row.how.executes() && verdict == Verdict::Passed && count.passed == 0 {
        return Verdict::Failed("no test ran".into());
    }
    verdict
}

/// The Cargo command of a step, in the toolchain's and the row's environment.
pub(crate) fn cargo(row: &Row, words: &str, own: bool, directory: &Path) -> Command {
    let mut command = if own { crate::cargo() } else { Command::new("/usr/bin/cargo") };
    command.current_dir(crate::root());
    let mut words = words.split_whitespace();
    let subcommand = words.next();
    command.args(subcommand);
    if subcommand == Some("test") {
        // A run of a row takes minutes, and is to say all that fails.
        command.arg("--no-fail-fast");
    }
    if row.toolchain != Toolchain::Own {
        command.args(["--target", row.target]);
    }
    if !own {
        command.env("RUSTC", "/usr/bin/rustc").env("RUSTDOC", "/usr/bin/rustdoc");
        if let Toolchain::DebianSource(crates) = row.toolchain {
            // A stable Cargo takes `-Z` from those who say that they know.
            command.env("RUSTC_BOOTSTRAP", "1").arg(format!("-Zbuild-std={crates}"));
        }
    }
    let variable = |what| {
        let target = row.target.replace('-', "_").to_uppercase();
        format!("CARGO_TARGET_{target}_{what}")
    };
    let values = [("LINKER", row.linker), ("RUNNER", row.how.runner())];
    for (what, value) in values.into_iter().filter_map(|(what, v)| v.map(|value| (what, value))) {
        command.env(variable(what), value);
    }
    if let Some(name) = row.directory {
        command.env("CARGO_TARGET_DIR", directory.join(name));
    }
    for (name, value) in row.environment {
        command.env(name, value.replace("{matrix}", &directory.to_string_lossy()));
    }
    command.args(words);
    command
}

/// Whether the toolchain that runs this has the target's standard library.
fn has_standard_library(target: &str) -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let Ok(output) = Command::new(rustc).args(["--print", "sysroot"]).output() else {
        return false;
    };
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim_end());
    sysroot.join("lib/rustlib").join(target).join("lib").exists()
}

/// What a row needs and has not.
fn missing(row: &Row, own: bool, there: &dyn Fn(&str) -> bool) -> Vec<&'static Need> {
    let toolchain = if own { &[] } else { row.toolchain.needs() };
    let needs = toolchain.iter().chain(row.needs.iter().copied().flatten());
    needs.filter(|need| !there(need.probe)).collect()
}

pub(crate) fn is_there(probe: &str) -> bool {
    if probe.starts_with('/') {
        return Path::new(probe).exists();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(probe).is_file())
}

pub(crate) fn lacks(missing: &[&Need]) -> String {
    let probes: Vec<&str> = missing.iter().map(|need| need.probe).collect();
    let packages: Vec<&str> =
        missing.iter().flat_map(|need| need.packages.iter().copied()).collect();
    format!(
        "no {}; to install it, run as root: {}",
        probes.join(", "),
        crate::setup::install_command(&packages)
    )
}

fn table(done: &[(&Row, Step)]) -> String {
    let mut text = format!(
        "{:26} {:26} {:10} {:>7} {:>7} {:>8} {:>8}\n",
        "row", "target", "how", "passed", "failed", "skipped", "seconds"
    );
    for (row, step) in done {
        let (name, target, count) = (row.name, row.target, step.count);
        let how = match step.verdict {
            Verdict::Skipped(_) => "skipped",
            Verdict::Failed(_) => "FAILED",
            Verdict::Passed | Verdict::NotRun => row.how.label(),
        };
        // What is built alone has no tests to count.
        let counts = [count.passed, count.failed, count.ignored]
            .map(|n| if row.how.executes() { n.to_string() } else { "-".into() });
        let [passed, failed, ignored] = counts;
        text += &format!(
            "{name:26} {target:26} {how:10} {passed:>7} {failed:>7} {ignored:>8} {:8.1}\n",
            step.seconds
        );
        let reason = step.verdict.reason();
        if !reason.is_empty() {
            text += &format!("  {reason}\n");
        }
    }
    text
}

#[cfg(test)]
#[path = "matrix_tests.rs"]
mod tests;
