//! `cargo xtask compat --bench`: libffi's interface by Debian's library and by ours, in one process
//! and in turn, and the table of it in `docs/performance.md`.

use super::build::{self, System};
use super::make::succeed;
use std::fmt::Write;
use std::process::Command;

const DEBIANS: &str = "/usr/lib/x86_64-linux-gnu/libffi.so.8";
const BEGIN: &str = "<!-- compat -->";
const END: &str = "<!-- end of compat -->";

/// A shape, and the nanoseconds of Debian's library and of ours.
type Row<'a> = (&'a str, f64, f64);

pub(crate) fn run() -> Result<(), String> {
    let directory = build::library(System::Host)?;
    let program = directory.join("bench");
    let mut compile = Command::new("cc");
    compile.args(["-O2", "-Wall", "-Wextra", "-Werror"]);
    compile.arg(format!("-I{}", directory.join("include").display()));
    compile.arg(crate::root().join("tests/compat/bench.c")).args(["-ldl", "-o"]).arg(&program);
    succeed(compile)?;
    let mut command = Command::new(&program);
    command.arg(DEBIANS).arg(directory.join("libffi.so.8"));
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let table = table(&rows(&text)?);
    print!("{table}");
    crate::docs::put("docs/performance.md", BEGIN, END, &table)
}

fn rows(text: &str) -> Result<Vec<Row<'_>>, String> {
    text.lines().map(|line| parse(line).ok_or(format!("no row: {line:?}"))).collect()
}

fn parse(line: &str) -> Option<Row<'_>> {
    let mut words = line.split('\t');
    let (name, debian, ours) = (words.next()?, words.next()?, words.next()?);
    Some((name, debian.parse().ok()?, ours.parse().ok()?))
}

fn table(rows: &[Row<'_>]) -> String {
    let mut text = String::from(
        "| shape | Debian's | ours | Debian's / ours |\n| --- | ---: | ---: | ---: |\n",
    );
    let mut ratios = Vec::new();
    for (name, debian, ours) in rows {
        let ratio = debian / ours;
        ratios.push((ratio, *name));
        let _ = writeln!(text, "| {name} | {debian:.1} | {ours:.1} | {ratio:.2} |");
    }
    ratios.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    if let (Some((least, name)), Some((middle, _))) = (ratios.first(), ratios.get(ratios.len() / 2))
    {
        let _ = writeln!(
            text,
            "\nDebian's takes {middle:.2} times as long in the median row, and {least:.2} times in \
             the least ({name})."
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{rows, table};

    #[test]
    fn a_table_says_the_middle_and_the_least() {
        let rows = rows("a\t6.0\t2.0\nb\t3.0\t3.0\nc\t10.0\t2.0\n").expect("three rows");
        let text = table(&rows);
        assert!(text.contains("| c | 10.0 | 2.0 | 5.00 |"), "{text}");
        assert!(text.contains("3.00 times as long in the median row, and 1.00 times"), "{text}");
        assert!(super::rows("a\tb\n").is_err());
    }
}
