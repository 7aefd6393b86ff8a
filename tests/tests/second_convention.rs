//! The convention that is not the platform's own, in the same process: Win64 on Linux, where
//! `ms_abi` names it, and System V on Windows, where `sysv_abi` does.
#![cfg(target_arch = "x86_64")]

use ffi::{Convention, Win64};
use ffi_tests::emit::Spelling;
use ffi_tests::{Case, Compiler, compilers, random, run, shapes};

const SECOND: (Convention, Spelling) = if cfg!(windows) {
    (Convention::SysV, Spelling::SysvAbi)
} else {
    (Convention::Win64(Win64::Gnu), Spelling::MsAbi)
};

/// gcc's `va_arg` on an `ms_va_list` reads an aggregate by value that was passed by reference:
/// any but those of 1, 2, 4 and 8 bytes. (Its callers are right.)
fn is_right(compiler: Compiler, case: &Case) -> bool {
    let signature = &case.signature;
    let by_reference = |(index, ty): (usize, &ffi::Type)| {
        signature.is_variadic_at(index)
            && ty.as_scalar().is_none()
            && ![1, 2, 4, 8].contains(&ty.size())
    };
    SECOND.1 != Spelling::MsAbi
        || compiler.command.contains("clang")
        || !signature.arguments().iter().enumerate().any(by_reference)
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

#[test]
fn the_whole_corpus() {
    for (name, cases) in shapes::corpus() {
        compare(name, &cases);
    }
}

#[test]
fn random_signatures() {
    let (seed, cases) = random::from_environment();
    compare(&format!("random-{seed}"), &cases);
}
