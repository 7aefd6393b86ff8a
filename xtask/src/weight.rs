//! `cargo xtask weight`: how long a program that uses `ffi` takes to build, dependencies included,
//! and how large it is, beside one that uses the `libffi` crate and one that uses neither.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const BEGIN: &str = "<!-- weight -->";
const END: &str = "<!-- end of weight -->";

/// A program: its name, its dependencies (`{root}` is the workspace's), and its `main`.
const PROGRAMS: [(&str, &str, &str); 3] = [
    ("neither", "", r#"println!("{}", f64::cos(0.0));"#),
    (
        "ffi",
        "ffi = { path = \"{root}/crates/ffi\" }",
        r#"// SAFETY: libm, and the prototype that math.h has.
    let (libm, cos) = unsafe {
        let libm = ffi::Library::open("libm.so.6").expect("libm");
        let cos = libm.symbol("cos").expect("cos").as_ptr();
        (libm, cos)
    };
    let interface = ffi::CallInterface::new(ffi::Type::F64, [ffi::Type::F64]).expect("a signature");
    // SAFETY: as above.
    let result: f64 = unsafe { interface.call(cos, &[ffi::arg(&0.0_f64)]) }.expect("it fits");
    println!("{result}");
    drop(libm);"#,
    ),
    (
        "the libffi crate",
        "libffi = \"5.2\"",
        r#"unsafe extern "C" {
        fn cos(x: f64) -> f64;
    }
    let cif = libffi::middle::Cif::new([libffi::middle::Type::f64()], libffi::middle::Type::f64());
    let code = libffi::middle::CodePtr::from_ptr(cos as *const _);
    // SAFETY: the prototype that math.h has.
    let result: f64 = unsafe { cif.call(code, &[libffi::middle::Arg::new(&0.0_f64)]) };
    println!("{result}");"#,
    ),
];

pub(crate) fn run() -> Result<(), String> {
    let directory = crate::target_directory().join("weight");
    let mut rows = Vec::new();
    for (name, dependencies, main) in PROGRAMS {
        let package = directory.join(name.replace(' ', "-"));
        let (seconds, size) = build(&package, dependencies, main)?;
        rows.push((name, seconds, size));
    }
    let table = table(&rows);
    print!("{table}");
    crate::docs::put("docs/performance.md", BEGIN, END, &table)
}

/// Builds a program twice, from nothing, as the machine may be busy: the shorter time in seconds, and
/// the bytes of the stripped program.
fn build(package: &Path, dependencies: &str, main: &str) -> Result<(f64, u64), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", package.display());
    let root = crate::root();
    let manifest = format!(
        "[package]\nname = \"hello\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [profile.release]\nstrip = true\n\n[dependencies]\n{}\n",
        dependencies.replace("{root}", &root.display().to_string())
    );
    fs::create_dir_all(package.join("src")).map_err(failed)?;
    fs::write(package.join("Cargo.toml"), manifest).map_err(failed)?;
    fs::write(package.join("src/main.rs"), format!("fn main() {{\n    {main}\n}}\n"))
        .map_err(failed)?;
    // The same versions, all of which are on this machine.
    fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock")).map_err(failed)?;
    let target = package.join("target");
    let mut best = f64::INFINITY;
    for _ in 0..2 {
        let _ = fs::remove_dir_all(&target);
        let mut command = crate::cargo();
        command.args(["build", "-q", "--release"]).current_dir(package);
        command.env("CARGO_TARGET_DIR", &target);
        let start = Instant::now();
        let status = command.status().map_err(failed)?;
        best = best.min(start.elapsed().as_secs_f64());
        if !status.success() {
            return Err(format!("{}: it does not build", package.display()));
        }
    }
    let program = target.join("release/hello");
    let output = Command::new(&program).output().map_err(failed)?;
    if output.stdout != b"1\n" {
        return Err(format!("{}: printed {:?}", program.display(), output.stdout));
    }
    Ok((best, fs::metadata(&program).map_err(failed)?.len()))
}

fn table(rows: &[(&str, f64, u64)]) -> String {
    let mut text = String::from(
        "| a program that calls `cos` with | clean release build | stripped, KiB | more than with neither |\n\
         | --- | ---: | ---: | ---: |\n",
    );
    let least = rows.first().map_or(0, |(.., size)| *size);
    for (name, seconds, size) in rows {
        let more = size.saturating_sub(least) / 1024;
        let _ = writeln!(text, "| {name} | {seconds:.1} s | {} | {more} |", size / 1024);
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_are_compared_with_the_first() {
        let text = super::table(&[("neither", 0.5, 300 << 10), ("ffi", 9.25, 450 << 10)]);
        assert!(text.ends_with("| ffi | 9.2 s | 450 | 150 |\n"), "{text}");
    }
}
