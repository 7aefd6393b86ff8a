//! Writes the table of `docs/performance.md` from what the last `cargo bench` measured.

use ffi_benches::{CALLBACKS, CALLS, MAKING, file_name};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

const BEGIN: &str = "<!-- table -->";
const END: &str = "<!-- end of table -->";
const CONTENDERS: [&str; 5] = ["direct", "static", "ffi", "checked", "libffi"];

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    let table = table(|shape, contender| median(&target, shape, contender));
    print!("{table}");
    let path = root.join("docs/performance.md");
    let text = std::fs::read_to_string(&path).expect("docs/performance.md is there");
    let (before, rest) = text.split_once(BEGIN).expect("it has a place for the table");
    let (_, after) = rest.split_once(END).expect("the place has an end");
    let text = format!("{before}{BEGIN}\n{}\n\n{table}{END}{after}", conditions(root));
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
fn median(target: &Path, shape: &str, contender: &str) -> Option<f64> {
    let path = target.join("criterion").join(file_name(shape)).join(contender);
    let text = std::fs::read_to_string(path.join("new/estimates.json")).ok()?;
    let value: serde_json::Value = serde_json::from_str(&text).ok()?;
    value["median"]["point_estimate"].as_f64()
}

fn table(measured: impl Fn(&str, &str) -> Option<f64>) -> String {
    let mut text = String::from(
        "| shape | direct | static | ffi | ffi, checked | libffi | libffi / ffi | ffi / direct |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    let mut ratios = Vec::new();
    for shape in [CALLS, CALLBACKS, MAKING].concat() {
        let values = CONTENDERS.map(|contender| measured(shape, contender));
        let [direct, _, ffi, _, libffi] = values;
        let ratio = libffi.zip(ffi).map(|(theirs, ours)| theirs / ours);
        ratios.extend(ratio);
        let _ = write!(text, "| {shape} |");
        for value in values {
            let _ = write!(text, " {} |", show(value));
        }
        let over_direct = ffi.zip(direct).map(|(ours, direct)| ours / direct);
        let _ = writeln!(text, " {} | {} |", show(ratio), show(over_direct));
    }
    ratios.sort_by(f64::total_cmp);
    if let (Some(least), Some(middle)) = (ratios.first(), ratios.get(ratios.len() / 2)) {
        let _ = writeln!(
            text,
            "\nlibffi / ffi: {middle:.1} in the median row, {least:.1} in the least."
        );
    }
    text
}

fn show(value: Option<f64>) -> String {
    value.map_or("-".into(), |value| format!("{value:.1}"))
}
