//! Every convention that this process can call, with the compilers that speak it.

use crate::case::Case;
use crate::compile::{Compiler, compilers};
use crate::emit::Spelling;
use crate::{random, run};
use ffi::{Aapcs64, CallInterface, Convention, Win64};
use std::path::Path;

/// A convention, and where its C comes from.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// The convention.
    pub convention: Convention,
    spelling: Spelling,
    compiled: Compiled,
}

#[derive(Debug, Clone, Copy)]
enum Compiled {
    /// To a shared library for this platform.
    Library(Compiler),
    /// To an object file for another system on the same processor, whose code is mapped.
    #[cfg(all(target_arch = "aarch64", target_os = "linux"))]
    Object(&'static str, &'static [&'static str]),
}

/// The platform's own convention, by each compiler.
///
/// # Panics
/// If the platform is not supported, or has no compiler.
pub fn own() -> Vec<Way> {
    let convention = Convention::native().expect("a supported platform");
    ways(convention, Spelling::Own, |_| true)
}

/// The conventions that a compiler for this platform knows by an attribute: Win64 on x86-64 Linux,
/// System V on Windows, and the variadic functions of Windows on AArch64 Linux, where gcc ignores
/// the attribute.
pub fn spelled() -> Vec<Way> {
    if cfg!(target_arch = "aarch64") {
        let convention = Convention::Aapcs64(Aapcs64::Windows);
        ways(convention, Spelling::MsAbi, |compiler| compiler.command.contains("clang"))
    } else if cfg!(windows) {
        // gcc's mingw fails with internal errors there.
        let is_clang = |compiler: &Compiler| compiler.command.contains("clang");
        ways(Convention::SysV, Spelling::SysvAbi, is_clang)
    } else {
        ways(Convention::Win64(Win64::Gnu), Spelling::MsAbi, |_| true)
    }
}

/// Apple's convention, as clang compiles for it.
#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
pub fn apple() -> Vec<Way> {
    const ARGUMENTS: [&[&str]; 2] = foreign!("--target=arm64-apple-macos11");
    objects(Aapcs64::Apple, ["apple -O1", "apple -O2"], ARGUMENTS)
}

/// Windows' convention on AArch64, as clang compiles for it.
#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
pub fn windows() -> Vec<Way> {
    const ARGUMENTS: [&[&str]; 2] = foreign!("--target=aarch64-pc-windows-msvc");
    objects(Aapcs64::Windows, ["windows -O1", "windows -O2"], ARGUMENTS)
}

/// clang's arguments for another system's code without its libraries, at two levels.
#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
macro_rules! foreign {
    ($target:literal) => {
        [
            &[$target, "-ffreestanding", "-fno-stack-protector", "-O1"],
            &[$target, "-ffreestanding", "-fno-stack-protector", "-O2"],
        ]
    };
}
#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
use foreign;

#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
fn objects(
    variant: Aapcs64,
    names: [&'static str; 2],
    arguments: [&'static [&'static str]; 2],
) -> Vec<Way> {
    let (convention, spelling) = (Convention::Aapcs64(variant), Spelling::Own);
    let ways = names.into_iter().zip(arguments);
    ways.map(|(name, arguments)| Way {
        convention,
        spelling,
        compiled: Compiled::Object(name, arguments),
    })
    .collect()
}

fn ways(
    convention: Convention,
    spelling: Spelling,
    wanted: impl Fn(&Compiler) -> bool,
) -> Vec<Way> {
    let compilers = compilers().into_iter().filter(wanted);
    compilers
        .map(|compiler| Way { convention, spelling, compiled: Compiled::Library(compiler) })
        .collect()
}

/// All of the above that there are on this platform.
pub fn all() -> Vec<Way> {
    [
        own(),
        spelled(),
        #[cfg(all(target_arch = "aarch64", target_os = "linux"))]
        apple(),
        #[cfg(all(target_arch = "aarch64", target_os = "linux"))]
        windows(),
    ]
    .concat()
}

/// Runs every case in every one of the ways, and says how many there were.
///
/// # Panics
/// If anything differs from what C does; the message has the declaration, the plan and the bytes.
pub fn compare(ways: &[Way], name: &str, cases: &[Case]) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for way in ways {
        let cases: Vec<Case> = way.right_ones(cases.iter().cloned()).collect();
        way.run(name, &cases, directory.path());
    }
}

/// Runs random cases in every one of the ways, the same number in each.
///
/// # Panics
/// As [`compare`].
pub fn compare_random(ways: &[Way]) {
    let (seed, count) = random::from_environment();
    let directory = tempfile::tempdir().expect("a temporary directory");
    for way in ways {
        let cases: Vec<Case> = way.right_ones(random::cases(seed)).take(count).collect();
        way.run(&format!("random-{seed}"), &cases, directory.path());
    }
}

impl Way {
    /// The cases by this convention, without those that the compiler gets wrong.
    fn right_ones(&self, cases: impl Iterator<Item = Case>) -> impl Iterator<Item = Case> {
        cases.map(|case| case.under(self.convention)).filter(|case| self.is_right(case))
    }

    fn run(&self, name: &str, cases: &[Case], directory: &Path) {
        let convention = self.convention;
        let (compiler, (calls, callbacks)) = match self.compiled {
            Compiled::Library(compiler) => {
                let stem = format!("{name}-{convention}");
                let counts = run::run_library(self.spelling, cases, compiler, directory, &stem);
                (compiler.command, counts)
            }
            #[cfg(all(target_arch = "aarch64", target_os = "linux"))]
            Compiled::Object(compiler, arguments) => {
                (compiler, run::run_object(cases, &format!("{name}, {compiler}"), arguments))
            }
        };
        assert_eq!(calls, cases.len());
        println!("{name}, {convention}, {compiler}: {calls} calls, {callbacks} callbacks");
    }

    /// Whether the compiler does right by the case; where two disagree, the ABI's text decides.
    fn is_right(&self, case: &Case) -> bool {
        let signature = &case.signature;
        let types = signature.arguments().iter().enumerate();
        let mut variadic =
            types.filter(|(index, _)| signature.is_variadic_at(*index)).map(|(_, ty)| ty);
        match self.convention {
            // clang has no `va_start` for `sysv_abi`.
            Convention::SysV if self.spelling == Spelling::SysvAbi => {
                signature.first_variadic().is_none()
            }
            // gcc's `va_arg` on an `ms_va_list` reads an aggregate by value that was passed by
            // reference: any but those of 1, 2, 4 and 8 bytes. Its callers are right.
            Convention::Win64(_) if self.spelling == Spelling::MsAbi && self.is_gcc() => {
                !variadic.any(|ty| ty.as_scalar().is_none() && ![1, 2, 4, 8].contains(&ty.size()))
            }
            // clang's `va_arg` for Windows does not round up to the alignment of an over-aligned
            // composite, which rules C.10 and C.14 do, and Microsoft's `va_arg` with them.
            Convention::Aapcs64(Aapcs64::Windows) => {
                if self.spelling == Spelling::Own && has_microsoft_layout(case) {
                    return false;
                }
                // Named arguments of `ms_abi` keep to Linux in what is aligned to 16.
                let aligned = |ty: &ffi::Type| ty.align() > 8;
                let as_linux =
                    self.spelling == Spelling::MsAbi && signature.arguments().iter().any(aligned);
                !variadic.any(aligned) && !as_linux && !splits_named(case)
            }
            _ => true,
        }
    }

    fn is_gcc(&self) -> bool {
        matches!(self.compiled, Compiled::Library(compiler) if compiler.command.contains("gcc"))
    }
}

/// Whether Microsoft's compilers may lay a type of the case out in another way: they let an
/// alignment attribute have its way inside packed aggregates too.
fn has_microsoft_layout(case: &Case) -> bool {
    let signature = &case.signature;
    let mut types = signature.arguments().iter().chain([signature.return_type()]);
    types.any(|ty| {
        let declaration = ty.to_string();
        declaration.contains("packed") && declaration.contains("aligned(")
    })
}

/// Whether a named argument of a variadic function lies in x7 and on the stack. By Microsoft's text
/// it does ("the first 64 bytes of the stack are loaded into x0-x7"); clang agrees for those that
/// are passed through `...`, and puts a named one on the stack as a whole.
fn splits_named(case: &Case) -> bool {
    let named = case.signature.first_variadic().unwrap_or(0);
    let interface = CallInterface::with_signature(case.signature.clone());
    let interface = interface.expect("the case can be prepared");
    let plan = interface.plan();
    (0..named).any(|index| {
        let in_register = |m: &ffi::Move| m.to < plan.registers().size;
        let moves = plan.moves_of(index);
        moves.iter().any(in_register) && !moves.iter().all(in_register)
    })
}
