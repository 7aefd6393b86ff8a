//! One run of a runtime with one library, and the proof that it was that library.

use crate::compat::build::System;
use crate::compat::outcome::{Said, short};
use crate::compat::runtimes::{Place, Runtime};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What a run showed.
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub(crate) said: Vec<Said>,
    /// How each command ended.
    pub(crate) ends: Vec<String>,
    /// The end of what was written to standard error, for who has to find out why.
    pub(crate) errors: String,
    /// What spoils the run as evidence, whatever was said: another library, a loader's warning.
    pub(crate) spoilt: Vec<String>,
}

/// What the dynamic linker says of a library whose symbols have no versions, or not all.
const WARNINGS: [&str; 2] = ["no version information available", "version `LIBFFI"];

pub(crate) fn run(runtime: &Runtime, place: &Place) -> Result<Run, String> {
    if let Some(make) = runtime.make {
        make(place)?;
    }
    let commands = match (&place.ours, runtime.instead) {
        (None, Some(instead)) => instead,
        _ => runtime.commands,
    };
    let mut run = Run::default();
    let loader = place.made.join("loader");
    clear(&loader)?;
    for (reads, words) in commands {
        let output = output(runtime, place, words, Some(&loader))?;
        let text = format!("{}\n{}", lossy(&output.stdout), lossy(&output.stderr));
        let end = output.status.to_string();
        // A harness may write its verdicts to either; values are on standard output alone.
        let read = if reads.of_both() { &text } else { &*lossy(&output.stdout) };
        let name = words.iter().map(|word| short_name(word)).collect::<Vec<&str>>().join(" ");
        run.said.extend(reads.read(&name, read, &end));
        run.spoilt.extend(warnings(&text));
        // A script that fails with both libraries compares nothing. Of a harness, tests are known.
        if place.ours.is_none() && !output.status.success() && !reads.of_both() {
            run.spoilt.push(format!("`{name}`: {end}: {}", tail(&lossy(&output.stderr))));
        }
        run.ends.push(format!("`{name}`: {end}"));
        run.errors += &lossy(&output.stderr);
    }
    if runtime.loaded {
        let (found, warned) = loaded(&loader)?;
        run.spoilt.extend(warned);
        run.spoilt.extend(wrong(&found, &expected(runtime, place)));
    }
    if run.said.is_empty() {
        run.spoilt.push("no test ran".into());
    }
    Ok(run)
}

/// What the runtime calls its version, or why it cannot.
pub(crate) fn version(runtime: &Runtime, place: &Place) -> String {
    match output(runtime, place, runtime.version, None) {
        Ok(output) => {
            let text = lossy(&output.stdout);
            let number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
            // `Python 3.11.2`, `wine-8.0 (Debian 8.0)`
            let found = text.split([' ', '-', '\n']).find(number);
            short(found.unwrap_or(&text))
        }
        Err(message) => short(&message),
    }
}

/// Runs a command to its end, or to that of its time.
fn output(
    runtime: &Runtime,
    place: &Place,
    words: &[&str],
    loader: Option<&Path>,
) -> Result<Output, String> {
    let mut command = Command::new("timeout");
    command.args(["-k", "10", &runtime.seconds.to_string()]);
    for word in words {
        match *word {
            "cargo" => command.arg(crate::cargo().get_program()),
            word => command.arg(place.fill(word)),
        };
    }
    command.current_dir(&place.made).stdin(Stdio::null()).env("LC_ALL", "C.UTF-8");
    for (name, value) in runtime.environment {
        command.env(name, place.fill(value));
    }
    // Cargo sets it for this task.
    command.env_remove("LD_LIBRARY_PATH");
    let path = place.ours.iter().map(|ours| ("LD_LIBRARY_PATH", ours.display().to_string()));
    let says = loader.filter(|_| runtime.loaded).map(|loader| loader.join("said"));
    let says = says.iter().flat_map(|path| {
        [("LD_DEBUG", "libs".into()), ("LD_DEBUG_OUTPUT", path.display().to_string())]
    });
    let variables = path.chain(says);
    if runtime.system == System::Aarch64 {
        // The emulator itself uses a libffi, which is this machine's.
        let words: Vec<String> = variables.map(|(name, value)| format!("{name}={value}")).collect();
        if !words.is_empty() {
            command.env("QEMU_SET_ENV", words.join(","));
        }
    } else {
        command.envs(variables);
    }
    command.output().map_err(|error| format!("{command:?}: {error}"))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The last line.
fn tail(text: &str) -> &str {
    text.lines().last().unwrap_or_default()
}

/// A path's last part; the directory says nothing that the table's reader wants to know.
fn short_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// Where the library should come from.
fn expected(runtime: &Runtime, place: &Place) -> PathBuf {
    let path = match &place.ours {
        Some(ours) => ours.join("libffi.so.8"),
        None => PathBuf::from(runtime.debians()),
    };
    path.canonicalize().unwrap_or(path)
}

/// An empty directory for what the dynamic linker says: of each process, a file.
fn clear(directory: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", directory.display());
    if directory.exists() {
        std::fs::remove_dir_all(directory).map_err(failed)?;
    }
    std::fs::create_dir_all(directory).map_err(failed)
}

/// The files that the dynamic linker took for `libffi.so.8`, and what it warned of.
fn loaded(directory: &Path) -> Result<(Vec<PathBuf>, Vec<String>), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", directory.display());
    let (mut found, mut warned) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let bytes = std::fs::read(entry.map_err(failed)?.path()).map_err(failed)?;
        let text = lossy(&bytes);
        found.extend(searched(&text).into_iter().map(PathBuf::from));
        warned.extend(warnings(&text));
    }
    Ok((found, warned))
}

/// The last file that each search for the library tried, which is the one that it took.
fn searched(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut searching = false;
    for line in text.lines() {
        if line.contains("find library=") {
            searching = line.contains("find library=libffi.so.8 ");
            found.extend(searching.then_some(""));
        }
        let tried = line.split_once("trying file=").map(|(_, path)| path.trim_end());
        if let (true, Some(path), Some(last)) = (searching, tried, found.last_mut()) {
            *last = path;
        }
    }
    found
}

fn wrong(found: &[PathBuf], expected: &Path) -> Vec<String> {
    let real = |path: &PathBuf| path.canonicalize().unwrap_or(path.clone());
    let mut others: Vec<PathBuf> = found.iter().map(real).filter(|path| path != expected).collect();
    others.sort();
    others.dedup();
    let mut problems: Vec<String> = others
        .iter()
        .map(|path| format!("expected {}, loaded {}", expected.display(), path.display()))
        .collect();
    if found.is_empty() {
        problems
            .push(format!("expected {} to be loaded, found no libffi.so.8", expected.display()));
    }
    problems
}

fn warnings(text: &str) -> Vec<String> {
    let warns = |line: &&str| WARNINGS.iter().any(|warning| line.contains(warning));
    let mut lines: Vec<String> = text.lines().filter(warns).map(short).collect();
    lines.dedup();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_file_tried_is_the_one_that_was_taken() {
        let text = "  7: find library=libc.so.6 [0]; searching\n  7:   trying file=/a/libc.so.6\n\
                      7: find library=libffi.so.8 [0]; searching\n  7:  search path=/a\n\
                      7:   trying file=/a/libffi.so.8\n  7:  search cache=/etc/ld.so.cache\n\
                      7:   trying file=/lib/libffi.so.8\n  7: find library=libm.so.6 [0]; searching\n\
                      7:   trying file=/lib/libm.so.6\n";
        assert_eq!(searched(text), ["/lib/libffi.so.8"]);
        assert_eq!(searched("find library=libc.so.6 [0]\n trying file=/a/libc.so.6\n"), [""; 0]);
    }

    #[test]
    fn another_library_or_none_spoils_a_run() {
        let expected = Path::new("/a/libffi.so.8");
        assert_eq!(wrong(&["/a/libffi.so.8".into()], expected), [""; 0]);
        let other: PathBuf = "/b/libffi.so.8".into();
        assert_eq!(
            wrong(&["/a/libffi.so.8".into(), other.clone(), other], expected),
            ["expected /a/libffi.so.8, loaded /b/libffi.so.8"]
        );
        assert_eq!(wrong(&[], expected).len(), 1);
    }

    #[test]
    fn the_dynamic_linkers_warnings_are_noticed() {
        let text = "python3: libffi.so.8: no version information available (required by _ctypes)\n\
                    fine\nx: libffi.so.8: version `LIBFFI_BASE_8.0' not found\n";
        assert_eq!(warnings(text).len(), 2);
        assert_eq!(warnings("version 1 of libffi\n"), [""; 0]);
    }
}
