//! `cargo xtask counts [--update]`: how many instructions each shape takes, where clocks are too
//! noisy or an emulator's, against the figures that the repository keeps.

use crate::matrix;
use crate::rows::{Need, ROWS, Row};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// The rows that are counted, and how.
const COUNTED: [(&str, Counter); 2] =
    [("x86-64-linux", callgrind), ("aarch64-linux", single_steps)];
/// Beyond what the rows need.
pub(crate) const NEEDS: &[Need] = &[Need { probe: "valgrind", packages: &["valgrind"] }];
const FIGURES: &str = "tests/counts.txt";
/// How often a shape runs for one count (`tests/src/bin/counts.rs`).
const TIMES: f64 = 100.0;
/// By how much a count may grow.
const GROWTH: f64 = 1.05;
/// The C library has several `memcpy`s, of unequal lengths, and takes one by what the processor
/// can do; the emulated one has the same part of it everywhere. Here it is told to take the
/// plainest, so that what is counted does not depend on the machine.
const PLAIN: (&str, &str) = (
    "GLIBC_TUNABLES",
    "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX2,-AVX_Fast_Unaligned_Load,-SSSE3,-ERMS,-FSRM",
);
/// Where counting starts and ends.
const STARTS: &str = "counting_starts";
const ENDS: &str = "counting_ends";

/// Runs a program, and returns what it printed, and the instructions of each line of that.
type Counter = fn(&Path) -> Result<(String, Vec<f64>), String>;
/// A convention, a shape and what was done with it; and instructions.
type Figures = BTreeMap<String, f64>;

pub(crate) fn run(words: &[String]) -> Result<(), String> {
    let update = match words {
        [] => false,
        [word] if word == "--update" => true,
        _ => return Err("expected nothing, or `--update`".into()),
    };
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !matrix::is_there(need.probe)).collect();
    if !missing.is_empty() {
        return Err(matrix::lacks(&missing));
    }
    let mut counted = Figures::new();
    for (name, counter) in COUNTED {
        let row = ROWS.iter().find(|row| row.name == name).ok_or("the row is gone")?;
        counted.append(&mut count(row, counter)?);
    }
    let path = crate::root().join(FIGURES);
    if update {
        let lines = counted.iter().map(|(shape, count)| format!("{shape}\t{count:.0}\n"));
        return std::fs::write(&path, lines.collect::<String>())
            .map_err(|error| format!("{FIGURES}: {error}"));
    }
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{FIGURES}: {error}"))?;
    let (table, grown) = compare(&figures(&text)?, &counted);
    print!("{table}");
    match grown {
        0 => Ok(()),
        _ => Err(format!(
            "{grown} shapes differ from {FIGURES}; where that is meant: cargo xtask counts --update"
        )),
    }
}

fn count(row: &Row, counter: Counter) -> Result<Figures, String> {
    let directory = crate::target_directory().join("matrix");
    let own = row.toolchain == crate::rows::Toolchain::Own;
    let mut build =
        matrix::cargo(row, "build -q --release -p ffi-tests --bin counts", own, &directory);
    let built = build.status().map_err(|error| format!("{build:?}: {error}"))?;
    if !built.success() {
        return Err(format!("{}: the program that is counted does not build", row.name));
    }
    let target = row.directory.map_or(crate::target_directory(), |name| directory.join(name));
    let platform = if own { "" } else { row.target };
    let (names, counts) = counter(&target.join(platform).join("release/counts"))?;
    let names: Vec<&str> = names.lines().collect();
    if names.len() != counts.len() || names.first() != Some(&"nothing") {
        return Err(format!("{}: {} names, {} counts", row.name, names.len(), counts.len()));
    }
    let shape = |(name, count): (&&str, &f64)| ((*name).into(), (count - counts[0]) / TIMES);
    Ok(names.iter().zip(&counts).skip(1).map(shape).collect())
}

/// On this machine: valgrind counts, and writes a file whenever counting ends.
fn callgrind(program: &Path) -> Result<(String, Vec<f64>), String> {
    let directory = crate::target_directory().join("counts");
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).map_err(|error| format!("{directory:?}: {error}"))?;
    let mut command = Command::new("valgrind");
    command.args(["-q", "--tool=callgrind"]);
    command.arg(format!("--callgrind-out-file={}/out", directory.display()));
    command.args([format!("--zero-before={STARTS}"), format!("--dump-before={ENDS}")]).arg(program);
    command.env(PLAIN.0, PLAIN.1);
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let names = String::from_utf8_lossy(&output.stdout).into_owned();
    let total = |part: usize| {
        let text = std::fs::read_to_string(directory.join(format!("out.{part}"))).ok()?;
        text.lines().find_map(|line| line.strip_prefix("totals: ")?.trim().parse().ok())
    };
    let counts = (1..=names.lines().count()).map_while(total).collect();
    Ok((names, counts))
}

/// For AArch64: the emulator takes one instruction at a time, and tells of each.
fn single_steps(program: &Path) -> Result<(String, Vec<f64>), String> {
    let mut command = Command::new("qemu-aarch64");
    command.args(["-singlestep", "-d", "exec,nochain"]).arg(program);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let failed = |error: std::io::Error| format!("qemu-aarch64: {error}");
    let mut child = command.spawn().map_err(failed)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    // The names are few, and fit a pipe.
    let log = BufReader::new(stderr.ok_or("the emulator has no log")?);
    let mut counts = Vec::new();
    let mut counting = None;
    for line in log.lines() {
        let line = line.map_err(failed)?;
        if counting.is_none() && line.ends_with(STARTS) {
            counting = Some(0.0);
        } else if line.ends_with(ENDS) {
            counts.extend(counting.take());
        }
        if let (Some(count), true) = (&mut counting, line.starts_with("Trace")) {
            *count += 1.0;
        }
    }
    let names = std::io::read_to_string(stdout.ok_or("the program has no output")?);
    let names = names.map_err(failed)?;
    match child.wait().map_err(failed)? {
        status if status.success() => Ok((names, counts)),
        status => Err(format!("{command:?}: {status}")),
    }
}

fn figures(text: &str) -> Result<Figures, String> {
    let parse = |line: &str| {
        let (shape, count) = line.rsplit_once('\t')?;
        Some((shape.into(), count.parse().ok()?))
    };
    text.lines().map(|line| parse(line).ok_or(format!("{FIGURES}: no figure: {line:?}"))).collect()
}

/// All figures, and how many are worse than the kept ones, or not kept, or no longer counted. What
/// compilers make of direct calls is only shown, and so is what got better: until it is kept, it may
/// grow back.
fn compare(kept: &Figures, counted: &Figures) -> (String, usize) {
    let mut text = format!("{:66} {:>6} {:>7}\n", "instructions", "kept", "counted");
    let mut wrong = 0;
    let all: BTreeMap<&String, ()> =
        kept.keys().chain(counted.keys()).map(|key| (key, ())).collect();
    for shape in all.into_keys() {
        let (before, now) = (kept.get(shape), counted.get(shape));
        let verdict = match (before, now) {
            (Some(_), Some(_)) if shape.ends_with("direct") => "",
            (Some(before), Some(now)) if *now > before * GROWTH => "  grew",
            (Some(before), Some(now)) if *now * GROWTH < *before => "  shrank",
            (Some(_), Some(_)) => "",
            (None, _) => "  is not kept",
            (_, None) => "  was not counted",
        };
        wrong += usize::from(!["", "  shrank"].contains(&verdict));
        let show = |count: Option<&f64>| count.map_or("-".into(), |count| format!("{count:.0}"));
        let shape = shape.replace('\t', "  ");
        let _ = writeln!(text, "{shape:66} {:>6} {:>7}{verdict}", show(before), show(now));
    }
    (text, wrong)
}

#[cfg(test)]
mod tests {
    use super::{compare, figures};

    #[test]
    fn what_grew_appeared_or_vanished_is_told() {
        let kept = "a\tffi\t100\nb\tffi\t100\nc\tdirect\t10\nd\tffi\t9\nf\tffi\t100\n";
        let kept = figures(kept).expect("five");
        let counted = "a\tffi\t105\nb\tffi\t106\nc\tdirect\t20\ne\tffi\t9\nf\tffi\t90\n";
        let counted = figures(counted).expect("five");
        let (text, wrong) = compare(&kept, &counted);
        assert_eq!(wrong, 3, "{text}");
        let told =
            |shape: &str| text.lines().find(|line| line.starts_with(shape)).map(str::trim_end);
        assert!(told("a  ffi").is_some_and(|line| line.ends_with("105")), "{text}");
        assert!(told("b  ffi").is_some_and(|line| line.ends_with("grew")), "{text}");
        assert!(told("d  ffi").is_some_and(|line| line.ends_with("was not counted")), "{text}");
        assert!(told("f  ffi").is_some_and(|line| line.ends_with("shrank")), "{text}");
        assert!(told("e  ffi").is_some_and(|line| line.ends_with("is not kept")), "{text}");
        assert!(figures("a\n").is_err());
    }
}
