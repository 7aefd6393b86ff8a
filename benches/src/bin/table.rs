//! Writes the table of `docs/performance.md` from what the last `cargo bench` measured, or from
//! the runs that are named: `cargo bench … -- --save-baseline NAME` keeps one.

use ffi_benches::{CALLBACKS, CALLS, MAKING, file_name};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

const BEGIN: &str = "<!-- table -->";
const END: &str = "<!-- end of table -->";
const CONTENDERS: [&str; 6] = ["direct", "static", "image", "ffi", "checked", "libffi"];

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    let mut runs: Vec<String> = std::env::args().skip(1).collect();
    if runs.is_empty() {
        // Where criterion keeps the last run.
        runs.push("new".into());
    }
    let measured = |shape: &str, contender: &str, run: &str| {
        let directory = target.join("criterion").join(file_name(shape)).join(contender);
        median(&directory.join(run))
    };
    let tables = table(&runs, measured) + &without_the_crate(&runs[0], measured);
    print!("{tables}");
    let path = root.join("docs/performance.md");
    let text = std::fs::read_to_string(&path).expect("docs/performance.md is there");
    let (before, rest) = text.split_once(BEGIN).expect("it has a place for the table");
    let (_, after) = rest.split_once(END).expect("the place has an end");
    let text = format!("{before}{BEGIN}\n{}\n\n{tables}{END}{after}", conditions(root));
    std::fs::write(path, text).expect("docs/ is writable");
}

/// When, where and of what the table is.
fn conditions(root: &Path) -> String {
    let output = |program: &str, words: &[&str]| {
        let output = Command::new(program).args(words).current_dir(root).output();
        output.map_or_else(
            |_| "unknown".into(),
            |o| String::from_utf8_lossy(&o.stdout).trim().to_owned(),
        )
    };
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    format!(
        "Taken on {}, {} cores of {}, Linux {}, {}, at commit {}.",
        output("date", &["+%Y-%m-%d"]),
        std::thread::available_parallelism().map_or(0, usize::from),
        model.trim_start_matches(['\t', ' ', ':']),
        output("uname", &["-r"]),
        output("rustc", &["--version"]),
        output("git", &["rev-parse", "--short", "HEAD"]),
    )
}

/// The median of a benchmark in nanoseconds, from criterion's own files.
fn median(run: &Path) -> Option<f64> {
    let text = std::fs::read_to_string(run.join("estimates.json")).ok()?;
    let value: serde_json::Value = serde_json::from_str(&text).ok()?;
    value["median"]["point_estimate"].as_f64()
}

/// The times of the first run, and the ratios to libffi of each.
fn table(runs: &[String], measured: impl Fn(&str, &str, &str) -> Option<f64>) -> String {
    let ratio = |shape: &str, over: &str, under: &str, run: &str| {
        Some(measured(shape, over, run)? / measured(shape, under, run)?)
    };
    let mut text =
        String::from("| shape | direct | static | ffi, image | ffi | ffi, checked | libffi |");
    let mut rule = String::from("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for number in 1..=runs.len() {
        let again = if number == 1 { String::new() } else { format!(", run {number}") };
        let _ = write!(text, " libffi / ffi{again} |");
        rule += " ---: |";
    }
    let _ = writeln!(text, " ffi / direct |\n{rule} ---: |");
    let mut ratios = vec![Vec::new(); runs.len()];
    for shape in [CALLS, CALLBACKS, MAKING].concat() {
        let _ = write!(text, "| {shape} |");
        for contender in CONTENDERS {
            let _ = write!(text, " {} |", show(measured(shape, contender, &runs[0])));
        }
        for (run, ratios) in runs.iter().zip(&mut ratios) {
            let ratio = ratio(shape, "libffi", "ffi", run);
            ratios.extend(ratio.map(|ratio| (ratio, shape)));
            let _ = write!(text, " {} |", ratio.map_or("-".into(), |ratio| format!("{ratio:.2}")));
        }
        let _ = writeln!(text, " {} |", show(ratio(shape, "ffi", "direct", &runs[0])));
    }
    text.push('\n');
    for (title, shapes) in [("Calls", CALLS), ("Callbacks", CALLBACKS)] {
        let over = |shape: &str| ratio(shape, "ffi", "direct", &runs[0]);
        let over = shapes.iter().filter_map(|shape| Some((over(shape)?, *shape)));
        let mut over: Vec<(f64, &str)> = over.collect();
        over.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let Some((most, shape)) = over.last() else { continue };
        let mean =
            (over.iter().map(|(ratio, _)| ratio.ln()).sum::<f64>() / over.len() as f64).exp();
        let _ = writeln!(
            text,
            "{title} take {mean:.2} times as long as direct ones in the geometric mean, and {most:.2} \
             times at most ({shape}).\n"
        );
    }
    for (number, mut ratios) in ratios.into_iter().enumerate() {
        let slower = ratios.iter().filter(|(ratio, _)| *ratio < 1.0).map(|(_, shape)| *shape);
        let slower = slower.collect::<Vec<_>>().join(", ");
        let slower = if slower.is_empty() { "none".into() } else { slower };
        ratios.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let Some((least, shape)) = ratios.first() else { continue };
        let middle = ratios[(ratios.len() - 1) / 2].0.midpoint(ratios[ratios.len() / 2].0);
        let _ = writeln!(
            text,
            "Run {}: libffi takes {middle:.2} times as long in the median row, and {least:.2} times \
             in the least ({shape}). Rows in which libffi is faster: {slower}.\n",
            number + 1,
        );
    }
    text
}

/// What libffi's C functions take by themselves where the `libffi` crate does more.
fn without_the_crate(run: &str, measured: impl Fn(&str, &str, &str) -> Option<f64>) -> String {
    let mut text = String::from(
        "| shape | ffi | the `libffi` crate | libffi's C functions |\n\
         | --- | ---: | ---: | ---: |\n",
    );
    for shape in MAKING {
        let [ours, theirs, raw] =
            ["ffi", "libffi", "raw"].map(|contender| show(measured(shape, contender, run)));
        let _ = writeln!(text, "| {shape} | {ours} | {theirs} | {raw} |");
    }
    text
}

fn show(value: Option<f64>) -> String {
    value.map_or("-".into(), |value| format!("{value:.1}"))
}
