//! The trampolines of every platform, assembled on one and proved by reading their machine code.
//!
//! Each entry is walked instruction by instruction along every path, with what is known of the
//! stack pointer, the frame and the registers that belong to the caller (`state.rs`, `walk.rs`).
//! At each instruction that is compared with what the unwind data makes of the same place: DWARF's
//! call frame information, Apple's compact form, Windows' unwind codes. `broken.rs` has what must
//! not pass.

// A check of the sources, which one platform is enough for.
#![cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]

mod aarch64;
mod binary;
mod broken;
mod compact;
mod dwarf;
mod marks;
mod module;
mod seh_aarch64;
mod seh_x86_64;
mod state;
mod unwinder;
mod walk;
mod x86_64;

use module::{Abi, Assembler, CLANG, GNU, Module, assemblers};

/// Everything that is wrong with the trampolines of one crate for one object format.
fn check(module: &Module, assembler: &Assembler) -> Vec<String> {
    let bytes = match module.assemble(assembler) {
        Ok(bytes) => bytes,
        Err(message) => return vec![message],
    };
    let binary = binary::Binary::read(&bytes);
    let mut complaints = marks::check(&binary);
    complaints.extend(walk::check(&binary, module));
    complaints
}

/// All that is wrong, by all assemblers of a kind, with where it is.
fn check_all(wanted: &[Assembler]) {
    let mut complaints = Vec::new();
    let mut checked = 0;
    for assembler in assemblers(wanted) {
        for abi in Abi::ALL.into_iter().filter(|abi| abi.processor() == assembler.processor) {
            let module = Module::of(abi);
            let found = check(&module, &assembler);
            let place = format!("{abi:?} {:?} by {}", assembler.format, assembler.command);
            complaints.extend(found.iter().map(|complaint| format!("{place}: {complaint}")));
            checked += 1;
        }
    }
    assert!(complaints.is_empty(), "{}:\n{}", complaints.len(), complaints.join("\n"));
    assert!(checked > 0);
}

#[test]
fn every_trampoline_keeps_what_it_says_by_clang() {
    check_all(CLANG);
}

#[test]
fn every_trampoline_keeps_what_it_says_by_gnus_assembler() {
    check_all(GNU);
}
