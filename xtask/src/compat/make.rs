//! What has to be made before a runtime can run: small C programs, and a copy of a crate.

use crate::compat::runtimes::Place;
use crate::rows::MINGW;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The crate's copy is linked with one library or the other.
pub(crate) const CRATE_ENVIRONMENT: &[(&str, &str)] =
    &[("CARGO_TARGET_DIR", "{made}/target"), ("RUSTFLAGS", "{link}"), ("RUSTDOCFLAGS", "{link}")];
/// The features that the crate is tested with: the system's library, and all types that it has.
pub(crate) const CRATE_FEATURES: &str = "system,complex";

/// The functions that scripts call besides the system's libraries.
pub(crate) fn shapes(place: &Place) -> Result<(), String> {
    compile("cc", "shapes.c", place, "libshapes.so", &["-shared", "-fPIC"], &[])
}

/// A program that was built against Debian's header and library, whatever it then runs with.
pub(crate) fn program_for_debian(place: &Place) -> Result<(), String> {
    compile("cc", "program.c", place, "program", &[], &["-lffi"])
}

/// A program that is built against the header and the library that it runs with.
pub(crate) fn program(place: &Place) -> Result<(), String> {
    let Some(ours) = &place.ours else { return program_for_debian(place) };
    let (include, library) = flags(ours);
    compile("cc", "program.c", place, "program", &[&include], &[&library, "-lffi"])
}

pub(crate) fn static_program(place: &Place) -> Result<(), String> {
    let Some(ours) = &place.ours else {
        let library = ["-Wl,-Bstatic", "-lffi", "-Wl,-Bdynamic"];
        return compile("cc", "program.c", place, "program", &[], &library);
    };
    let (include, _) = flags(ours);
    let library = ours.join("libffi.a").display().to_string();
    // What Rust's standard library takes of the system.
    let libraries = [&library, "-lgcc_s", "-lpthread", "-ldl", "-lm"];
    compile("cc", "program.c", place, "program", &[&include], &libraries)
}

/// The same program for Windows, with the DLL beside it.
pub(crate) fn windows_program(place: &Place) -> Result<(), String> {
    let Some(ours) = &place.ours else { return program_for_debian(place) };
    crate::prepare::wine(&crate::target_directory().join("matrix"))?;
    let dll = ours.join("ffi.dll");
    let copy = place.made.join("ffi.dll");
    std::fs::copy(&dll, copy).map_err(|error| format!("{}: {error}", dll.display()))?;
    let (include, library) = flags(ours);
    compile(MINGW, "program.c", place, "program.exe", &[&include], &[&library, "-lffi"])
}

/// An interpreter for AArch64, of Debian's libpython.
pub(crate) fn aarch64_python(place: &Place) -> Result<(), String> {
    let mut command = Command::new("aarch64-linux-gnu-gcc");
    command.arg(crate::root().join("xtask/src/compat/python.c"));
    command.arg("-o").arg(place.made.join("python3"));
    // What the library needs is among Debian's packages, where this linker does not look.
    command
        .args(["/usr/lib/aarch64-linux-gnu/libpython3.11.so.1.0", "-Wl,--allow-shlib-undefined"]);
    succeed(command)
}

/// A copy of the `libffi` crate as the benchmarks have it, with its tests and examples built.
pub(crate) fn libffi_crate(place: &Place) -> Result<(), String> {
    let copy = place.made.join("crate");
    if !copy.exists() {
        let source = crate_source()?;
        let mut command = Command::new("cp");
        command.args(["-R", "--no-preserve=mode,ownership"]).arg(source).arg(&copy);
        succeed(command)?;
        // It lies below this workspace, and is no member of it.
        let manifest = copy.join("Cargo.toml");
        let failed = |error: std::io::Error| format!("{}: {error}", manifest.display());
        let text = std::fs::read_to_string(&manifest).map_err(failed)?;
        std::fs::write(&manifest, text + "\n[workspace]\n").map_err(failed)?;
    }
    for words in [["test", "--no-run"], ["build", "--examples"]] {
        let mut command = crate::cargo();
        command.args(words).args(["--quiet", "--features", CRATE_FEATURES, "--manifest-path"]);
        command.arg(copy.join("Cargo.toml"));
        for (name, value) in CRATE_ENVIRONMENT {
            command.env(name, place.fill(value));
        }
        succeed(command)?;
    }
    Ok(())
}

/// Where Cargo keeps the crate's sources.
fn crate_source() -> Result<PathBuf, String> {
    let mut command = crate::cargo();
    command.args(["metadata", "--format-version", "1", "--locked"]).stderr(Stdio::inherit());
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let packages = metadata["packages"].as_array().map_or(&[][..], |packages| packages);
    let found = packages.iter().find(|package| package["name"] == "libffi");
    let manifest = found.and_then(|package| package["manifest_path"].as_str());
    let directory = manifest.and_then(|path| Path::new(path).parent());
    directory.map(PathBuf::from).ok_or("expected the libffi crate among the dependencies".into())
}

impl Place {
    /// Puts paths for the names in braces.
    pub(crate) fn fill(&self, word: &str) -> String {
        let scripts = crate::root().join("tests/compat");
        let link = self.ours.as_ref().map(|ours| format!("-Lnative={}", ours.display()));
        word.replace("{scripts}", &scripts.to_string_lossy())
            .replace("{made}", &self.made.to_string_lossy())
            .replace("{target}", &crate::target_directory().to_string_lossy())
            .replace("{link}", &link.unwrap_or_default())
    }
}

fn flags(ours: &Path) -> (String, String) {
    (format!("-I{}", ours.join("include").display()), format!("-L{}", ours.display()))
}

/// Compiles a source of `tests/compat` into the directory of the run.
fn compile(
    compiler: &str,
    source: &str,
    place: &Place,
    output: &str,
    before: &[&str],
    after: &[&str],
) -> Result<(), String> {
    let mut command = Command::new(compiler);
    command.args(["-O1", "-Wall", "-Wextra", "-Werror"]).args(before.iter().map(OsStr::new));
    command.arg(crate::root().join("tests/compat").join(source));
    command.arg("-o").arg(place.made.join(output)).args(after);
    succeed(command)
}

pub(crate) fn succeed(mut command: Command) -> Result<(), String> {
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?}: {status}")),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}
