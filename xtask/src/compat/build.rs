//! Building the libraries that stand in for libffi's.

use super::make::succeed;
use crate::matrix;
use crate::rows::{MINGW, ROWS, Row, Toolchain};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What a library is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum System {
    /// This machine's own.
    Host,
    /// AArch64 Linux.
    Aarch64,
    /// x86-64 Windows.
    Windows,
}

/// How the library of a system is made: by Cargo as the row of the matrix says, which gives an
/// archive, and from there by a C compiler.
struct How {
    directory: &'static str,
    /// None is the machine's own Cargo.
    row: Option<&'static str>,
    compiler: &'static str,
}

impl System {
    fn how(self) -> How {
        match self {
            Self::Host => How { directory: "host", row: None, compiler: "cc" },
            Self::Aarch64 => How {
                directory: "aarch64",
                row: Some("aarch64-linux"),
                compiler: "aarch64-linux-gnu-gcc",
            },
            Self::Windows => {
                How { directory: "windows", row: Some("x86-64-windows-gnu"), compiler: MINGW }
            }
        }
    }
}

/// The directory with `libffi.so.8`, `libffi.so`, `libffi.a` and `libffi.pc` (or `ffi.dll` and what
/// links with it) and `include`. Made once in a run.
pub(crate) fn library(system: System) -> Result<PathBuf, String> {
    static MADE: [OnceLock<Result<PathBuf, String>>; 3] = [const { OnceLock::new() }; 3];
    MADE[system as usize].get_or_init(|| make(system)).clone()
}

pub(crate) fn run() -> Result<(), String> {
    let directory = library(System::Host)?;
    println!("{}", directory.display());
    Ok(())
}

fn make(system: System) -> Result<PathBuf, String> {
    let how = system.how();
    let directory = crate::target_directory().join("compat").join(how.directory);
    let crate_directory = crate::root().join("crates/ffi-compat");
    fs::create_dir_all(directory.join("include")).map_err(|error| error.to_string())?;
    for header in ["ffi.h", "ffitarget.h"] {
        let from = crate_directory.join("include").join(header);
        copy(&from, &directory.join("include").join(header))?;
    }
    let archive = directory.join("libffi.a");
    copy(&archive_of(&how)?, &archive)?;
    let map = crate_directory.join("libffi.map");
    match system {
        System::Windows => dll(&how, &directory, &archive, &map)?,
        _ => shared_object(&how, &directory, &archive, &map)?,
    }
    Ok(directory)
}

/// The crate as an archive, with Rust's standard library in it.
fn archive_of(how: &How) -> Result<PathBuf, String> {
    const WORDS: &str = "rustc --quiet --package ffi-compat --release --crate-type staticlib \
         --config profile.release.lto=true --config profile.release.codegen-units=1";
    let target = crate::target_directory();
    let Some(name) = how.row else {
        let mut command = crate::cargo();
        command.args(WORDS.split_whitespace());
        succeed(command)?;
        return Ok(target.join("release/libffi_compat.a"));
    };
    let row = ROWS.iter().find(|row| row.name == name).ok_or("the row is in the table")?;
    let directory = target.join("compat/cargo");
    // The row's own toolchain, for its target alone.
    let row = Row { directory: Some(name), ..*row };
    let own = row.toolchain == Toolchain::Own;
    succeed(matrix::cargo(&row, WORDS, own, &directory))?;
    Ok(directory.join(name).join(row.target).join("release/libffi_compat.a"))
}

/// `libffi.so.8`, with the versions of symbols that the map says.
fn shared_object(how: &How, directory: &Path, archive: &Path, map: &Path) -> Result<(), String> {
    let mut command = Command::new(how.compiler);
    command.args(["-shared", "-Wl,-soname,libffi.so.8", "-Wl,-z,defs,-z,now,-z,relro", "-Wl,-s"]);
    // Whoever called a closure's code may be called again after `dlclose`.
    command.args(["-Wl,-z,nodelete", "-Wl,--gc-sections"]);
    command.arg(format!("-Wl,--version-script={}", map.display()));
    command.arg("-Wl,--whole-archive").arg(archive).arg("-Wl,--no-whole-archive");
    command.args(["-lgcc_s", "-lpthread", "-ldl", "-lc", "-o"]).arg(directory.join("libffi.so.8"));
    succeed(command)?;
    copy(&directory.join("libffi.so.8"), &directory.join("libffi.so"))?;
    // What a program that is linked with the archive has to name besides.
    let text = format!(
        "prefix={0}\nlibdir={0}\nincludedir={0}/include\n\nName: libffi\nDescription: libffi's \
         interface, by the ffi workspace\nVersion: 3.8.0\nLibs: -L${{libdir}} -lffi\nLibs.private: \
         -lgcc_s -lpthread -ldl -lc\nCflags: -I${{includedir}}\n",
        directory.display()
    );
    fs::write(directory.join("libffi.pc"), text).map_err(|error| error.to_string())
}

/// `ffi.dll`, with what the map names.
fn dll(how: &How, directory: &Path, archive: &Path, map: &Path) -> Result<(), String> {
    let text = fs::read_to_string(map).map_err(|error| format!("{}: {error}", map.display()))?;
    let mut exports = String::from("EXPORTS\n");
    for name in symbols(&text) {
        let data = if name.starts_with("ffi_type_") { " DATA" } else { "" };
        let _ = writeln!(exports, "    {name}{data}");
    }
    let definition = directory.join("ffi.def");
    fs::write(&definition, exports).map_err(|error| error.to_string())?;
    let mut command = Command::new(how.compiler);
    command.args(["-shared", "-static-libgcc", "-Wl,-s", "-o"]).arg(directory.join("ffi.dll"));
    command.arg(definition).arg(archive);
    command.arg(format!("-Wl,--out-implib,{}", directory.join("libffi.dll.a").display()));
    // What Rust's standard library takes of the system.
    command.args(["-lkernel32", "-lntdll", "-luserenv", "-lws2_32", "-ldbghelp", "-lbcrypt"]);
    succeed(command)
}

/// The names in a version script.
fn symbols(map: &str) -> impl Iterator<Item = &str> {
    map.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("ffi_"))
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to).map(drop).map_err(|error| format!("{}: {error}", from.display()))
}

#[cfg(test)]
mod tests {
    use super::symbols;

    #[test]
    fn a_map_names_symbols_and_versions() {
        let map = "/* Of libffi. */ V_1 { global: ffi_a; ffi_type_b;\n ffi_c2; local: *; };";
        assert_eq!(symbols(map).collect::<Vec<_>>(), ["ffi_a", "ffi_type_b", "ffi_c2"]);
    }
}
