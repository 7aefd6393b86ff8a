//! Every convention that this process can call, with the compilers that speak it.

use crate::case::Case;
use crate::compile::{Compiler, compilers};
use crate::emit::Spelling;
use crate::engine::{Engine, Facade};
use crate::random;
use crate::run::{self, Under};
use ffi::{
    Aapcs64, CallInterface, Convention, Field, Fundamental, InterfaceReason, Parts, PrepareError,
    Scalar, Signature, Type, TypeKind, Win64,
};
use std::path::Path;

/// What is tried unless a test says otherwise.
const FACADE: Under = Under { engine: &Facade, calls: true };

/// A convention, and where its C comes from.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// The convention.
    pub convention: Convention,
    spelling: Spelling,
    compiled: Compiled,
    test: Under,
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

/// Win64 as Microsoft's C has it. Vectors of 32 and 64 bytes in registers clang alone knows, and of
/// 8 bytes in general registers gcc alone.
#[cfg(all(target_arch = "x86_64", not(windows)))]
pub fn microsoft() -> Vec<Way> {
    ways(Convention::Win64(Win64::Msvc), Spelling::MsAbi, |_| true)
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
        test: FACADE,
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
        .map(|compiler| Way {
            convention,
            spelling,
            compiled: Compiled::Library(compiler),
            test: FACADE,
        })
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

/// As [`compare`], with cases made for the platform whose compilers lay their types out.
///
/// # Panics
/// As [`compare`].
pub fn compare_with(ways: &[Way], name: &str, cases: fn(Convention) -> Vec<Case>) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for way in ways {
        let cases: Vec<Case> = way.right_ones(cases(way.platform()).into_iter()).collect();
        way.run(name, &cases, directory.path());
    }
}

/// Runs random cases in every one of the ways, `count` in each.
///
/// # Panics
/// As [`compare`].
pub fn compare_random(ways: &[Way], count: usize) {
    compare_some(ways, "random", count, &mut |seed, platform| {
        Box::new(random::cases(seed, platform))
    });
}

/// As [`compare_random`], of variadic functions.
///
/// # Panics
/// As [`compare`].
pub fn compare_random_variadic(ways: &[Way], count: usize) {
    compare_some(ways, "random-variadic", count, &mut |seed, platform| {
        Box::new(random::variadic_cases(seed, platform))
    });
}

type Cases = Box<dyn Iterator<Item = Case>>;

fn compare_some(
    ways: &[Way],
    name: &str,
    count: usize,
    cases: &mut dyn FnMut(u64, Convention) -> Cases,
) {
    let (seed, count) = random::from_environment(count);
    let directory = tempfile::tempdir().expect("a temporary directory");
    // Others for each compiler, so that there are more in all.
    for (way, seed) in ways.iter().zip(seed..) {
        let cases = cases(seed, way.platform());
        let cases: Vec<Case> = way.right_ones(cases).take(count).collect();
        way.run(&format!("{name}-{seed}"), &cases, directory.path());
    }
}

impl Way {
    /// The same, with what is under test in place of the facade.
    pub fn by(self, engine: &'static dyn Engine) -> Self {
        Self { test: Under { engine, ..self.test }, ..self }
    }

    /// The same, where C only calls back, what takes `...` too.
    pub fn callers_only(self) -> Self {
        Self { test: Under { calls: false, ..self.test }, ..self }
    }

    /// Whether the engine knows the convention at all.
    pub fn is_taken(&self) -> bool {
        Signature::new(self.convention, Type::VOID, []).is_ok_and(|it| self.test.engine.takes(&it))
    }

    /// The convention of the platform that the compiler lays types out for: an attribute on a
    /// function changes nothing about them.
    ///
    /// # Panics
    /// If this process's platform is not supported.
    pub fn platform(&self) -> Convention {
        match self.compiled {
            Compiled::Library(_) => Convention::native().expect("a supported platform"),
            #[cfg(all(target_arch = "aarch64", target_os = "linux"))]
            Compiled::Object(..) => self.convention,
        }
    }

    /// The cases by this convention, without those that the compiler gets wrong.
    fn right_ones(&self, cases: impl Iterator<Item = Case>) -> impl Iterator<Item = Case> {
        cases.map(|case| case.under(self.convention)).filter(|case| self.tries(case))
    }

    /// Whether a case of this convention is run, as the compiler gets it right.
    pub fn tries(&self, case: &Case) -> bool {
        self.test.engine.takes(&case.signature) && self.is_right(case)
    }

    fn run(&self, name: &str, cases: &[Case], directory: &Path) {
        let convention = self.convention;
        let (compiler, (calls, callbacks)) = match self.compiled {
            Compiled::Library(compiler) => {
                let stem = format!("{name}-{convention}");
                let counts =
                    run::run_library(self.test, self.spelling, cases, compiler, directory, &stem);
                (compiler.command, counts)
            }
            #[cfg(all(target_arch = "aarch64", target_os = "linux"))]
            Compiled::Object(compiler, arguments) => (
                compiler,
                run::run_object(self.test, cases, &format!("{name}, {compiler}"), arguments),
            ),
        };
        assert_eq!(if self.test.calls { calls } else { callbacks }, cases.len());
        println!("{name}, {convention}, {compiler}: {calls} calls, {callbacks} callbacks");
    }

    /// Whether the compiler does right by the case; where two disagree, the ABI's text decides.
    fn is_right(&self, case: &Case) -> bool {
        let signature = &case.signature;
        if !is_possible(case) || self.is_wrong_of_unusual(case) {
            return false;
        }
        let types = signature.arguments().iter().enumerate();
        let mut variadic =
            types.filter(|(index, _)| signature.is_variadic_at(*index)).map(|(_, ty)| ty);
        match self.convention {
            // clang has no `va_start` for `sysv_abi`, and returns in memory what is in x87's
            // registers by the psABI.
            Convention::SysV if self.spelling == Spelling::SysvAbi => {
                (signature.first_variadic().is_none() || !self.test.calls)
                    && !signature.return_type().parts().contains(Parts::F80)
            }
            // gcc's `va_arg` on an `ms_va_list` reads by value what was passed by reference: all
            // that has not 1, 2, 4 or 8 bytes. Its callers are right.
            Convention::Win64(_) if self.spelling == Spelling::MsAbi && self.is_gcc() => {
                !self.test.calls || !variadic.any(|ty| ![1, 2, 4, 8].contains(&ty.size()))
            }
            // clang's callers for Apple's systems do not round up to the alignment of an HFA of
            // vectors, which their `va_arg` does.
            Convention::Aapcs64(Aapcs64::Apple) if !self.test.calls => !variadic
                .any(|ty| ty.align() > 8 && ty.as_scalar().is_none() && ty.elements().is_none()),
            // clang's `va_arg` for Windows does not round up to the alignment of an over-aligned
            // composite, which rules C.10 and C.14 do, and Microsoft's `va_arg` with them.
            Convention::Aapcs64(Aapcs64::Windows) => {
                let foreign = self.spelling == Spelling::Own;
                // GNU C's empty struct has four bytes there.
                if foreign && (has_microsoft_layout(case) || has(case, &is_empty)) {
                    return false;
                }
                // Named arguments of `ms_abi` keep to Linux in what is aligned to 16.
                let aligned = |ty: &ffi::Type| ty.align() > 8;
                let as_linux =
                    self.spelling == Spelling::MsAbi && signature.arguments().iter().any(aligned);
                !variadic.any(aligned) && !as_linux && !splits(case, !self.test.calls)
            }
            _ => true,
        }
    }

    /// What the compiler does otherwise with the types that not every C has; see
    /// `docs/differences.md`.
    fn is_wrong_of_unusual(&self, case: &Case) -> bool {
        // MinGW's compilers have rules of their own there (docs/differences.md).
        if cfg!(windows) && has(case, &has_odd_bit_fields) {
            return true;
        }
        let text = case.signature.to_string();
        let sysv = self.convention == Convention::SysV;
        let signature = &case.signature;
        let named = signature.first_variadic().unwrap_or(signature.arguments().len());
        let variadic = signature.first_variadic().is_some();
        let wide = Parts::VECTOR_32 | Parts::VECTOR_64;
        if self.is_gcc() {
            // Before version 13 gcc has no such type on x86-64, and no HFAs of it on AArch64.
            return text.contains("__bf16")
                // gcc takes bit-fields without a name for integers, which are padding: NO_CLASS.
                || (sysv && has(case, &|ty| ty.fields().iter().any(is_padding)))
                // gcc looks at the alignment of scalars alone, the psABI at that of "fields".
                || (sysv && has(case, &is_unaligned_by_its_type))
                // gcc's `va_arg` looks for these in registers, if it does not end in an internal error,
                // unless the mode of the whole is that of a vector.
                || signature.arguments()[named..].iter().any(is_aggregate_with_wide_vector)
                // To MinGW's gcc these come back in memory.
                || (self.convention == Convention::Win64(Win64::Msvc)
                    && is_wide_vector(signature.return_type()));
        }
        if let Convention::Win64(variant) = self.convention {
            return self.is_wrong_of_win64(variant, case);
        }
        // clang takes the two half floats for one type in an HFA: it looks at their size.
        if self.is_arm() && has(case, &is_of_both_halves) {
            return true;
        }
        if self.convention == Convention::Aapcs64(Aapcs64::Windows) && variadic {
            // clang ends in an internal error at half floats there; a named vector is in a vector
            // register, and its callers put any there, which Microsoft's text does not use.
            let types = signature.arguments();
            let told = if self.test.calls { named } else { types.len() };
            return types.iter().any(|ty| ty.as_scalar().is_some() && ty.parts() == Parts::HALF)
                || types[..told].iter().any(|ty| matches!(ty.kind(), TypeKind::Vector { .. }));
        }
        // By its own words ("this isn't precisely correct") clang has a variadic function find
        // large vectors on the stack, named ones too.
        (sysv && variadic && signature.arguments()[..named].iter().any(|ty| ty.parts().intersects(wide)))
            // With AVX, clang returns such a union in ymm0 whatever else is in it, and takes one of
            // `__float128` and others for `__float128`.
            || (sysv && has(case, &is_union_with_vector))
    }

    /// What clang makes of Win64 that neither Microsoft's text nor MinGW's gcc has.
    fn is_wrong_of_win64(&self, variant: Win64, case: &Case) -> bool {
        let signature = &case.signature;
        let result = signature.return_type();
        let mut types = signature.arguments().iter().chain([result]);
        // Vectors of 8 bytes are in vector registers; Microsoft: "__m64 types, are passed as if
        // they were integers of the same size".
        let in_vector = |ty: &Type| ty.elements().is_some() && ty.parts() == Parts::VECTOR_8;
        types.any(in_vector)
            // `__float128` comes back in xmm0, and to `ms_abi` on Linux `long double` in st0.
            || (result.as_scalar() == Some(Scalar::F128))
            || (self.spelling == Spelling::MsAbi
                && result.parts().contains(Parts::F80)
                && result.fields().is_empty())
            // Vectors of 32 and 64 bytes come back in registers, as to Microsoft.
            || (variant == Win64::Gnu && is_wide_vector(result))
            // The address of room for it is passed, as gcc does not.
            || is_empty(result)
    }

    fn is_arm(&self) -> bool {
        matches!(self.convention, Convention::Aapcs64(_))
    }

    fn is_gcc(&self) -> bool {
        matches!(self.compiled, Compiled::Library(compiler) if compiler.command.contains("gcc"))
    }
}

/// Whether a type of the case is like that, or one inside it, at any depth.
fn has(case: &Case, wanted: &dyn Fn(&Type) -> bool) -> bool {
    fn inside(ty: &Type, wanted: &dyn Fn(&Type) -> bool) -> bool {
        let element = ty.array_parts().map(|(element, _)| element);
        wanted(ty)
            || element.is_some_and(|element| inside(element, wanted))
            || ty.fields().iter().any(|field| inside(field.ty(), wanted))
    }
    let signature = &case.signature;
    let mut types = signature.arguments().iter().chain([signature.return_type()]);
    types.any(|ty| inside(ty, wanted))
}

fn is_empty(ty: &Type) -> bool {
    ty.size() == 0 && ty.kind() == TypeKind::Struct
}

fn is_wide_vector(ty: &Type) -> bool {
    matches!(ty.kind(), TypeKind::Vector { .. }) && ty.size() > 16
}

fn is_aggregate_with_wide_vector(ty: &Type) -> bool {
    let wide = Parts::VECTOR_32 | Parts::VECTOR_64;
    ty.elements().is_none() && ty.size() <= 64 && ty.parts().intersects(wide)
}

fn is_unaligned_by_its_type(ty: &Type) -> bool {
    let is_aligned = |leaf: &ffi::Leaf| (leaf.offset as usize).is_multiple_of(leaf.what.size());
    ty.has_unaligned_member() && ty.leaves().iter().all(is_aligned)
}

fn is_of_both_halves(ty: &Type) -> bool {
    let has = |scalar| ty.leaves().iter().any(|leaf| leaf.what == Fundamental::Scalar(scalar));
    has(Scalar::F16) && has(Scalar::BF16)
}

/// Bit-fields that are packed, or in a union.
fn has_odd_bit_fields(ty: &Type) -> bool {
    ty.fields().iter().any(|field| field.bit_width().is_some())
        && (ty.kind() == TypeKind::Union || ty.to_string().contains("packed"))
}

/// Bits without a name.
fn is_padding(field: &Field) -> bool {
    field.name().is_empty() && field.bit_width().is_some_and(|width| width > 0)
}

fn is_union_with_vector(ty: &Type) -> bool {
    let vectors = Parts::VECTOR_16 | Parts::VECTOR_32 | Parts::VECTOR_64;
    ty.kind() == TypeKind::Union
        && (ty.size() > 16 && ty.parts().intersects(vectors) || ty.parts().contains(Parts::F128))
}

/// Whether the convention has the case's types, and this processor the registers for them: an error
/// that says anything else fails the case where it runs.
fn is_possible(case: &Case) -> bool {
    match CallInterface::with_signature(case.signature.clone()) {
        Err(PrepareError::Interface(error)) => {
            use InterfaceReason::{NotInConvention, Promoted};
            !matches!(error.reason, NotInConvention { .. } | Promoted { .. })
        }
        Err(PrepareError::Convention(_)) => false,
        _ => true,
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

/// Whether an argument of a variadic function, a named one unless it is to be any, lies in x7 and on
/// the stack. By Microsoft's text it does ("the first 64 bytes of the stack are loaded into x0-x7");
/// clang's `va_arg` agrees. Its callers put what is in two such pieces on the stack as a whole, and its
/// functions find a named one there.
fn splits(case: &Case, any: bool) -> bool {
    let first = case.signature.first_variadic();
    let end = if any { first.map(|_| case.signature.arguments().len()) } else { first };
    let interface = CallInterface::with_signature(case.signature.clone());
    let interface = interface.expect("the case can be prepared");
    let plan = interface.plan();
    (0..end.unwrap_or(0)).any(|index| {
        let in_register = |m: &ffi::Move| m.to < plan.registers().size;
        let moves = plan.moves_of(index);
        moves.iter().any(in_register) && !moves.iter().all(in_register)
    })
}
