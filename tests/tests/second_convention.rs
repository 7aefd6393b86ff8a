//! A convention that is not the platform's own, in the same process: Win64 on Linux, where
//! `ms_abi` names it, and System V on Windows, where `sysv_abi` does. On AArch64 clang's `ms_abi`
//! means the variadic functions of Windows.

use ffi::{Aapcs64, CallInterface, Convention, Win64};
use ffi_tests::emit::Spelling;
use ffi_tests::{Case, Compiler, compilers, random, run, shapes};

const SECOND: (Convention, Spelling) = if cfg!(target_arch = "aarch64") {
    (Convention::Aapcs64(Aapcs64::Windows), Spelling::MsAbi)
} else if cfg!(windows) {
    (Convention::SysV, Spelling::SysvAbi)
} else {
    (Convention::Win64(Win64::Gnu), Spelling::MsAbi)
};

/// Whether a named argument of a variadic function lies in x7 and on the stack. By Microsoft's text
/// it does ("the first 64 bytes of the stack are loaded into x0-x7"); clang agrees for those that
/// are passed through `...`, and puts a named one on the stack as a whole.
fn splits_a_named_argument(case: &Case) -> bool {
    let named = case.signature.first_variadic().unwrap_or(0);
    let interface = CallInterface::with_signature(case.under(SECOND.0).signature);
    let interface = interface.expect("the case can be prepared");
    let plan = interface.plan();
    (0..named).any(|index| {
        let in_register = |m: &ffi::Move| m.to < plan.registers().size;
        let moves = plan.moves_of(index);
        moves.iter().any(in_register) && !moves.iter().all(in_register)
    })
}

/// Whether a compiler knows the attribute and does right by the case.
fn is_right(compiler: Compiler, case: &Case) -> bool {
    let signature = &case.signature;
    let types = signature.arguments().iter().enumerate();
    let mut passed = types.filter(|(index, _)| signature.is_variadic_at(*index)).map(|(_, ty)| ty);
    match (SECOND, compiler.command.contains("clang")) {
        // gcc's `va_arg` on an `ms_va_list` reads an aggregate by value that was passed by
        // reference: any but those of 1, 2, 4 and 8 bytes.
        ((Convention::Win64(_), Spelling::MsAbi), false) => {
            !passed.any(|ty| ty.as_scalar().is_none() && ![1, 2, 4, 8].contains(&ty.size()))
        }
        // gcc ignores the attribute there.
        ((Convention::Aapcs64(_), _), false) => false,
        // clang's `va_arg` does not round up to the alignment of an over-aligned composite, which
        // rules C.8 and C.12 do, and Microsoft's `va_arg` with them. Named arguments keep to
        // Linux here, where an attribute on a type is not its natural alignment.
        ((Convention::Aapcs64(_), _), true) => {
            let adjusted = |ty: &ffi::Type| ty.align() != ty.natural_align();
            !passed.any(|ty| ty.align() > 8)
                && !signature.arguments().iter().any(adjusted)
                && !splits_a_named_argument(case)
        }
        _ => true,
    }
}

fn compare(name: &str, cases: &[Case]) {
    let (convention, spelling) = SECOND;
    let directory = tempfile::tempdir().expect("a temporary directory");
    for compiler in compilers() {
        let cases: Vec<Case> = cases
            .iter()
            .filter(|case| is_right(compiler, case))
            .map(|case| case.under(convention))
            .collect();
        let (calls, callbacks) = run::run_as(spelling, &cases, compiler, directory.path(), name);
        println!("{name}, {}: {calls} calls, {callbacks} callbacks", compiler.command);
    }
}

macro_rules! corpus {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            compare(stringify!($name), &shapes::$name());
        })*
    };
}

corpus! {
    scalar_positions
    struct_sizes
    eightbyte_mixtures
    odd_aggregates
    homogeneous_aggregates
    variadics
}

#[test]
fn random_signatures() {
    let (seed, cases) = random::from_environment();
    compare(&format!("random-{seed}"), &cases);
}
