//! What rows need that no package has, made below `target/matrix`.

use crate::rows::{MINGW, MUSL, WINE};
use std::path::Path;
use std::process::{Command, Stdio};

/// A Wine prefix that Rust programs run in.
pub(crate) fn wine(matrix: &Path) -> Result<(), String> {
    let prefix = matrix.join("wine");
    // Written last of all, so a prefix that has it is whole.
    let library = prefix.join("drive_c/windows/system32/bcryptprimitives.dll");
    if library.exists() {
        return Ok(());
    }
    // What an interrupted run left is not to be trusted.
    if prefix.exists() {
        std::fs::remove_dir_all(&prefix).map_err(|error| failed(&prefix, &error))?;
    }
    std::fs::create_dir_all(&prefix).map_err(|error| failed(&prefix, &error))?;
    let mut boot = Command::new("timeout");
    boot.args(["-k", "10", "300", WINE, "wineboot", "-i"]);
    boot.env("WINEPREFIX", &prefix).env("WINEDEBUG", "-all");
    // Otherwise it wants to fetch its .NET and its HTML engine.
    boot.env("WINEDLLOVERRIDES", "mscoree,mshtml=");
    run(boot)?;
    // Wine 9 has it. Before, Rust's standard library ends the process without it.
    if library.exists() {
        return Ok(());
    }
    compile(MINGW, "bcryptprimitives.c", &library, &["-shared", "-ladvapi32"])
}

/// The unwinder for musl programs, as the `libgcc_s` that Rust's standard library links with:
/// Debian's own is glibc's.
pub(crate) fn musl(matrix: &Path) -> Result<(), String> {
    let directory = matrix.join("musl");
    std::fs::create_dir_all(&directory).map_err(|error| failed(&directory, &error))?;
    compile(MUSL, "dl_find_object.c", &directory.join("dl_find_object.o"), &["-c", "-fPIC"])?;
    // Found in the directory that the script itself is found in.
    let script = directory.join("libgcc_s.so");
    std::fs::write(&script, "INPUT(dl_find_object.o -lgcc_eh -lgcc)\n")
        .map_err(|error| failed(&script, &error))
}

/// Compiles a source that lies beside this one.
fn compile(compiler: &str, source: &str, output: &Path, arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new(compiler);
    command.args(["-O1", "-o"]).arg(output);
    command.arg(crate::root().join("xtask/src").join(source)).args(arguments);
    run(command)
}

fn run(mut command: Command) -> Result<(), String> {
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?}: {status}")),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}

fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
