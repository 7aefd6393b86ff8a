//! What is assembled, and by what.

use ffi_asm::{Format, Trampolines};
use ffi_tests::compile::assemble;
use std::path::Path;

// The build scripts, for what they give to `ffi_asm`. They are not run.
#[path = "../../../crates/ffi-abi-arm64/build.rs"]
#[expect(dead_code, reason = "a build script has a `main`")]
mod arm64;
#[path = "../../../crates/ffi-abi-sysv/build.rs"]
#[expect(dead_code, reason = "a build script has a `main`")]
mod sysv;
#[path = "../../../crates/ffi-abi-win64/build.rs"]
#[expect(dead_code, reason = "a build script has a `main`")]
mod win64;

/// What symbols start with here.
pub(crate) const PREFIX: &str = "t_";

/// A crate with trampolines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Abi {
    SysV,
    Win64,
    Arm64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Processor {
    X86_64,
    Aarch64,
}

impl Abi {
    pub(crate) const ALL: [Self; 3] = [Self::SysV, Self::Win64, Self::Arm64];

    pub(crate) fn processor(self) -> Processor {
        match self {
            Self::SysV | Self::Win64 => Processor::X86_64,
            Self::Arm64 => Processor::Aarch64,
        }
    }
}

/// An assembler for one object format.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Assembler {
    /// Those that will do, the best first.
    commands: &'static [&'static str],
    /// The one of them that is there.
    pub(crate) command: &'static str,
    triple: &'static str,
    pub(crate) processor: Processor,
    pub(crate) format: Format,
}

const fn clang(triple: &'static str, processor: Processor, format: Format) -> Assembler {
    Assembler { commands: &["clang-22", "clang"], command: "", triple, processor, format }
}

const fn gnu(commands: &'static [&'static str], processor: Processor, format: Format) -> Assembler {
    Assembler { commands, command: "", triple: "", processor, format }
}

/// LLVM's, which is Rust's own too. It knows every format.
pub(crate) const CLANG: &[Assembler] = &[
    clang("x86_64-unknown-linux-gnu", Processor::X86_64, Format::Elf),
    clang("x86_64-apple-macos11", Processor::X86_64, Format::MachO),
    clang("x86_64-pc-windows-msvc", Processor::X86_64, Format::Coff),
    clang("aarch64-unknown-linux-gnu", Processor::Aarch64, Format::Elf),
    clang("arm64-apple-macos11", Processor::Aarch64, Format::MachO),
    clang("aarch64-pc-windows-msvc", Processor::Aarch64, Format::Coff),
];

/// GNU's, which `cc` finds on Linux and for mingw.
pub(crate) const GNU: &[Assembler] = &[
    gnu(&["gcc"], Processor::X86_64, Format::Elf),
    gnu(&["x86_64-w64-mingw32-gcc"], Processor::X86_64, Format::Coff),
    gnu(&["aarch64-linux-gnu-gcc"], Processor::Aarch64, Format::Elf),
];

/// Those that are there. One that is missing is named, and fails the test in CI.
pub(crate) fn assemblers(wanted: &[Assembler]) -> Vec<Assembler> {
    let mut found = Vec::new();
    for assembler in wanted {
        let works = |command: &&&str| assembler.run(command, "").is_ok();
        match assembler.commands.iter().find(works) {
            Some(command) => found.push(Assembler { command, ..*assembler }),
            None => {
                let missing = format!("{} {}", assembler.commands[0], assembler.triple);
                assert!(std::env::var_os("CI").is_none(), "missing: {missing}");
                eprintln!("{missing} is missing: its objects are not checked");
            }
        }
    }
    found
}

impl Assembler {
    /// What it makes of a text, or its complaint.
    pub(crate) fn run(&self, command: &str, text: &str) -> Result<Vec<u8>, String> {
        let target = format!("--target={}", self.triple);
        let target = if self.triple.is_empty() { None } else { Some(&*target) };
        assemble(command, target.as_slice(), text)
    }
}

/// Assembly with what is known of it besides.
pub(crate) struct Module {
    pub(crate) abi: Abi,
    trampolines: Trampolines<'static>,
    /// The contents of the files, in order.
    pub(crate) sources: Vec<String>,
    /// The functions that have to be there.
    pub(crate) entries: Vec<String>,
}

impl Module {
    /// The trampolines of a crate.
    pub(crate) fn of(abi: Abi) -> Self {
        let (directory, trampolines) = match abi {
            Abi::SysV => ("ffi-abi-sysv", sysv::TRAMPOLINES),
            Abi::Win64 => ("ffi-abi-win64", win64::TRAMPOLINES),
            Abi::Arm64 => ("ffi-abi-arm64", arm64::TRAMPOLINES),
        };
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates").join(directory);
        let read = |file: &&str| {
            std::fs::read_to_string(crates.join(file)).expect("the crate has the file")
        };
        let sources = trampolines.files.iter().map(read).collect();
        // As Rust declares them: `fn name;`.
        let declared = read(&"src/trampoline.rs");
        let declared = declared.lines().filter_map(|line| {
            line.trim().strip_prefix("fn ")?.strip_suffix(';').filter(|name| !name.contains('('))
        });
        let entries = declared.chain(["steps", "thunk_code"]).map(str::to_owned).collect();
        Self { abi, trampolines, sources, entries }
    }

    /// Other code, with the crate's macros and offsets.
    pub(crate) fn with_source(abi: Abi, source: &str) -> Self {
        Self { sources: vec![source.into()], entries: vec![], ..Self::of(abi) }
    }

    pub(crate) fn assemble(&self, assembler: &Assembler) -> Result<Vec<u8>, String> {
        let sources = self.sources.iter().cloned();
        let text = ffi_asm::text(&self.trampolines, assembler.format, PREFIX, sources);
        assembler.run(assembler.command, &text)
    }

    /// One of the offsets that the assembly shares with Rust.
    pub(crate) fn define(&self, name: &str) -> u64 {
        let define = self.trampolines.defines.iter().find(|(each, _)| *each == name);
        define.unwrap_or_else(|| panic!("no {name}")).1.into()
    }
}
