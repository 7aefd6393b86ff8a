//! What rows need that no package has, made below `target/matrix`.

use crate::rows::{MINGW, MUSL, WINE, WINE_SERVER};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A Wine prefix that Rust programs run in.
pub(crate) fn wine(matrix: &Path) -> Result<(), String> {
    let prefix = wine_prefix(matrix);
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
    // The next program would meet it as it ends.
    run(wine_server(matrix, "-w"))?;
    // Wine 9 has it. Before, Rust's standard library ends the process without it.
    if library.exists() {
        return Ok(());
    }
    compile(MINGW, "bcryptprimitives.c", &library, &["-shared", "-ladvapi32"])
}

/// The server of the prefix's programs, which stays until this is dropped. Debian's Wine starts one
/// with `-p0`: it ends with every program, and the next program, if it comes while the server goes, may
/// exit with 1 before `main` ("wine client error: recvmsg: Connection reset by peer").
pub(crate) struct WineServer(PathBuf);

impl WineServer {
    pub(crate) fn start(matrix: &Path) -> Result<Self, String> {
        // One that an interrupted run left; mostly there is none, which this says by its status.
        let _ = run(wine_server(matrix, "-k"));
        // Half an hour after the last program, if nobody lives to end it.
        run(wine_server(matrix, "-p1800"))?;
        Ok(Self(matrix.to_owned()))
    }
}

impl Drop for WineServer {
    fn drop(&mut self) {
        if let Err(message) = run(wine_server(&self.0, "-k")) {
            eprintln!("Wine's server stays: {message}");
        }
    }
}

fn wine_server(matrix: &Path, option: &str) -> Command {
    let mut command = Command::new("timeout");
    command.args(["-k", "10", "60", WINE_SERVER, option]).env("WINEPREFIX", wine_prefix(matrix));
    // Whoever reads this task's output to its end would wait for the server's.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn wine_prefix(matrix: &Path) -> PathBuf {
    matrix.join("wine")
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
