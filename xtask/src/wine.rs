//! A Wine prefix that Rust programs run in.

use crate::rows::{MINGW, WINE};
use std::path::Path;
use std::process::{Command, Stdio};

/// Makes one unless it is there.
pub(crate) fn prepare(prefix: &Path) -> Result<(), String> {
    // Written last of all, so a prefix that has it is whole.
    let library = prefix.join("drive_c/windows/system32/bcryptprimitives.dll");
    if library.exists() {
        return Ok(());
    }
    // What an interrupted run left is not to be trusted.
    if prefix.exists() {
        std::fs::remove_dir_all(prefix)
            .map_err(|error| format!("{}: {error}", prefix.display()))?;
    }
    std::fs::create_dir_all(prefix).map_err(|error| format!("{}: {error}", prefix.display()))?;
    let mut boot = Command::new("timeout");
    boot.args(["-k", "10", "300", WINE, "wineboot", "-i"]);
    boot.env("WINEPREFIX", prefix).env("WINEDEBUG", "-all");
    // Otherwise it wants to fetch its .NET and its HTML engine.
    boot.env("WINEDLLOVERRIDES", "mscoree,mshtml=");
    run(boot)?;
    // Wine 9 has it. Before, Rust's standard library ends the process without it.
    if library.exists() {
        return Ok(());
    }
    let mut build = Command::new(MINGW);
    build.args(["-O1", "-shared", "-o"]).arg(&library);
    build.arg(crate::root().join("xtask/src/bcryptprimitives.c")).arg("-ladvapi32");
    run(build)
}

fn run(mut command: Command) -> Result<(), String> {
    // Wine's server outlives the command, and would hold a pipe open.
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?}: {status}")),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}
