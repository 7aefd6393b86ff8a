//! The tables of `docs/performance.md`.

use crate::measured::Measured;
use ffi_benches::{CALLBACKS, CALLS, MAKING};
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

const BEGIN: &str = "<!-- table -->";
const END: &str = "<!-- end of table -->";
/// What each contender is called in the table's head.
const CONTENDERS: [(&str, &str); 7] = [
    ("direct", "direct"),
    ("static", "static"),
    ("image", "ffi, image"),
    ("ffi", "ffi"),
    ("checked", "ffi, checked"),
    ("libffi", "libffi"),
    ("newest", "libffi, plan"),
];
/// The quotients: over what, and under.
const RATIOS: [(&str, &str, &str); 3] = [
    ("ffi", "direct", "ffi / direct"),
    ("newest", "ffi", "plan / ffi"),
    ("libffi", "ffi", "libffi / ffi"),
];

/// Puts the tables in their place.
pub(crate) fn write(root: &Path, tables: &str) {
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

/// The whole table, what it comes to, and what libffi's C functions take by themselves.
pub(crate) fn all(measured: &Measured) -> String {
    let mut text = String::from("| shape |");
    let mut rule = String::from("| --- |");
    for (.., title) in RATIOS.map(|(.., title)| ("", title)).iter().chain(&CONTENDERS) {
        let _ = write!(text, " {title} |");
        rule += " ---: |";
    }
    let _ = writeln!(text, "\n{rule}");
    for shape in [CALLS, CALLBACKS, MAKING].concat() {
        let _ = write!(text, "| {shape} |");
        for (over, under, _) in RATIOS {
            let ratio = measured.ratio(shape, over, under);
            let _ = write!(text, " {} |", ratio.map_or("-".into(), |ratio| format!("{ratio:.2}")));
        }
        for (contender, _) in CONTENDERS {
            let _ = write!(text, " {} |", show(measured.shape(shape, contender)));
        }
        text.push('\n');
    }
    text.push('\n');
    for (subject, shapes, over, under, object) in [
        ("Calls take", CALLS, "ffi", "direct", "direct ones"),
        ("Calls of a filled image take", CALLS, "image", "direct", "direct ones"),
        ("Callbacks take", CALLBACKS, "ffi", "direct", "direct ones"),
        ("libffi's plans take", CALLS, "newest", "ffi", "our calls"),
        ("The `libffi` crate's calls take", CALLS, "libffi", "ffi", "ours"),
        ("libffi's newest closures take", CALLBACKS, "newest", "ffi", "our callbacks"),
    ] {
        text += &summary(measured, subject, (shapes, over, under), object);
    }
    text + &without_the_crate(measured)
}

/// The mean, the most and the least of a quotient over some shapes.
fn summary(
    measured: &Measured,
    subject: &str,
    (shapes, over, under): (&[&str], &str, &str),
    object: &str,
) -> String {
    let ratios =
        shapes.iter().filter_map(|shape| Some((measured.ratio(shape, over, under)?, shape)));
    let mut ratios: Vec<(f64, &&str)> = ratios.collect();
    ratios.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let (Some((least, low)), Some((most, high))) = (ratios.first(), ratios.last()) else {
        return String::new();
    };
    let logarithms = ratios.iter().map(|(ratio, _)| ratio.ln()).sum::<f64>();
    let mean = (logarithms / ratios.len() as f64).exp();
    format!(
        "- {subject} {mean:.2} times as long as {object} in the geometric mean, at least {least:.2} \
         ({low}) and at most {most:.2} ({high}).\n"
    )
}

/// What libffi's C functions take by themselves where the `libffi` crate does more.
fn without_the_crate(measured: &Measured) -> String {
    let mut text = String::from(
        "\n| shape | ffi | the `libffi` crate | its C functions | newest, with a plan |\n\
         | --- | ---: | ---: | ---: | ---: |\n",
    );
    for shape in MAKING {
        let _ = write!(text, "| {shape} |");
        for contender in ["ffi", "libffi", "raw", "newest"] {
            let _ = write!(text, " {} |", show(measured.shape(shape, contender)));
        }
        text.push('\n');
    }
    text
}

fn show(value: Option<f64>) -> String {
    value.map_or("-".into(), |value| format!("{value:.1}"))
}
