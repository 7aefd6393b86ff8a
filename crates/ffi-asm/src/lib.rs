//! For the build scripts of the ABI crates: assembles their trampolines.
//!
//! The trampolines are written for one processor and every object format, in the assembler's own
//! language: no preprocessor, so that the same text can go to a C compiler's assembler, through
//! `cc`, or to `global_asm!` where there is none that takes it (Microsoft's). [`assemble`] puts
//! that text together:
//!
//! 1. `.set NAME, value` for the object format (`IS_ELF`, `IS_MACHO`, `IS_COFF`) and for each of
//!    the crate's defines, and the offsets of a call's program;
//! 2. the macros of the processor: `x86_64.S` or `aarch64.S` beside this file;
//! 3. the crate's files, in order;
//! 4. the end of the macros, so that the text of two crates may become one module.
//!
//! A name written `$name` is a symbol of the crate: it becomes the object format's spelling of
//! `<crate>_<version>_name`, so that two versions can be linked into one program. Rust finds the
//! prefix in the environment variable `SYMBOL_PREFIX`.
//!
//! The text is left in `$OUT_DIR/trampolines.s`. Where `cc` cannot be used, the configuration
//! option `trampolines_in_rust` is set, and the crate includes the text in a `global_asm!`.
//!
//! There is no other use for it, and no feature. A whole build script:
//! ```no_run
//! use ffi_asm::{Trampolines, assemble};
//!
//! fn main() {
//!     assemble(&Trampolines {
//!         arch: "x86_64",
//!         files: &["src/asm/call.S", "src/asm/callback.S"],
//!         defines: &[("STACK_OFFSET", 112)],
//!     });
//! }
//! ```

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// What an ABI crate has to assemble.
#[derive(Debug, Clone, Copy)]
pub struct Trampolines<'a> {
    /// The processor, as Cargo calls it in `CARGO_CFG_TARGET_ARCH`; on others nothing is done.
    pub arch: &'a str,
    /// The assembly files, by their paths from the crate's root.
    pub files: &'a [&'a str],
    /// Offsets that Rust and the assembly share.
    pub defines: &'a [(&'a str, u32)],
}

/// An object format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Linux and most others.
    Elf,
    /// Apple's systems.
    MachO,
    /// Windows and UEFI.
    Coff,
}

impl Format {
    const ALL: [Self; 3] = [Self::Elf, Self::MachO, Self::Coff];

    /// What the assembly asks for.
    const fn name(self) -> &'static str {
        match self {
            Self::Elf => "IS_ELF",
            Self::MachO => "IS_MACHO",
            Self::Coff => "IS_COFF",
        }
    }

    /// What C puts before its names.
    const fn underscore(self) -> &'static str {
        if matches!(self, Self::MachO) { "_" } else { "" }
    }
}

/// The offsets of `ffi_types::Program` and `Target`, which asserts them.
const PROGRAM: &[(&str, u32)] = &[
    ("PROGRAM_START", 0),
    ("PROGRAM_VECTOR_START", 2),
    ("PROGRAM_GENERAL_START", 4),
    ("PROGRAM_VECTOR_COUNT", 6),
    ("PROGRAM_GENERAL_CODE", 8),
    ("PROGRAM_VECTOR_CODE", 16),
    ("PROGRAM_STACK_CODE", 24),
    ("PROGRAM_GENERAL", 40),
    ("PROGRAM_VECTOR", 48),
    ("PROGRAM_VECTOR_OFFSETS", 56),
    ("PROGRAM_STACK", 64),
    ("PROGRAM_STACK_OFFSETS", 72),
    ("TARGET_FUNCTION", 0),
    ("TARGET_RESULT", 8),
];

/// Assembles the trampolines for the target of the build script that calls this.
///
/// # Panics
/// When a file cannot be read or the assembler rejects it: the build ends with its message.
pub fn assemble(trampolines: &Trampolines<'_>) {
    println!("cargo:rustc-check-cfg=cfg(trampolines_in_rust)");
    // Said for every file: a build script that prints any of these loses Cargo's own scan.
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/layout.rs");
    for file in trampolines.files {
        println!("cargo:rerun-if-changed={file}");
    }
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    if target("ARCH") != trampolines.arch {
        return;
    }
    let format = match (&*target("OS"), &*target("VENDOR")) {
        ("windows" | "uefi" | "cygwin", _) => Format::Coff,
        (_, "apple") => Format::MachO,
        _ => Format::Elf,
    };
    let package = |what: &str| env::var(format!("CARGO_PKG_{what}")).expect("Cargo sets it");
    let prefix = format!("{}_{}_", package("NAME"), package("VERSION"));
    let prefix = prefix.replace(['.', '-', '+'], "_");
    println!("cargo:rustc-env=SYMBOL_PREFIX={prefix}");

    let sources = trampolines
        .files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}")));
    // Microsoft's assembler takes another language, and `cc` knows of no other there.
    let in_rust = target("ENV") == "msvc";
    let text = compose(trampolines, format, &prefix, in_rust, sources);
    let directory = env::var_os("OUT_DIR").expect("Cargo sets it");
    let path = Path::new(&directory).join("trampolines.s");
    fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if in_rust {
        println!("cargo:rustc-cfg=trampolines_in_rust");
    } else {
        cc::Build::new().file(path).compile(&format!("{prefix}trampolines"));
    }
}

/// The whole text for one object format, as [`assemble`] gives it to a C compiler, with the
/// contents of the crate's files in place of the files. Symbols start with `prefix`.
///
/// # Panics
/// When there are no macros for the processor.
pub fn text(
    trampolines: &Trampolines<'_>,
    format: Format,
    prefix: &str,
    sources: impl Iterator<Item = String>,
) -> String {
    compose(trampolines, format, prefix, false, sources)
}

fn compose(
    trampolines: &Trampolines<'_>,
    format: Format,
    prefix: &str,
    in_rust: bool,
    sources: impl Iterator<Item = String>,
) -> String {
    let mut text = String::from("/* Put together by the build script. */\n");
    // Rust's own choice too, where it warns of the directive.
    if trampolines.arch == "x86_64" && !in_rust {
        text += ".intel_syntax noprefix\n";
    }
    for each in Format::ALL {
        let _ = writeln!(text, ".set {}, {}", each.name(), u32::from(each == format));
    }
    for (name, value) in PROGRAM.iter().chain(trampolines.defines) {
        let _ = writeln!(text, ".set {name}, {value}");
    }
    let macros = match trampolines.arch {
        "x86_64" => include_str!("x86_64.S"),
        "aarch64" => include_str!("aarch64.S"),
        other => panic!("no macros for {other}"),
    };
    let mut body = String::from(macros);
    body.extend(sources);
    let defined: Vec<&str> = body.lines().filter_map(macro_name).collect();
    let ends: String = defined.iter().map(|name| format!(".purgem {name}\n")).collect();
    text + &body.replace('$', &format!("{}{prefix}", format.underscore())) + &ends + ".text\n"
}

/// The name in the first line of a macro.
fn macro_name(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix(".macro ")?.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_spelled_as_the_format_has_them() {
        let trampolines = Trampolines { arch: "x86_64", files: &[], defines: &[("ROOM_SIZE", 8)] };
        let text = |format| {
            let source = String::from("    call $fill\n.macro LOAD from\n.endm\n");
            super::text(&trampolines, format, "abi_1_", [source].into_iter())
        };
        assert!(text(Format::Elf).contains("call abi_1_fill\n"));
        assert!(text(Format::MachO).contains("call _abi_1_fill\n"));
        assert!(text(Format::Coff).contains(".set IS_ELF, 0\n"));
        assert!(text(Format::Coff).contains(".set IS_COFF, 1\n"));
        assert!(text(Format::Elf).contains(".set ROOM_SIZE, 8\n"));
        assert!(text(Format::Elf).contains(".purgem LOAD\n"));
    }
}
