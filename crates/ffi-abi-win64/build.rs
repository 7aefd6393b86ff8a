//! Assembles the trampolines, with the offsets of `src/layout.rs` as defines.

use ffi_asm::{Trampolines, assemble};

#[path = "src/layout.rs"]
mod layout;

/// The tests of the built objects read this too.
pub(crate) const TRAMPOLINES: Trampolines<'_> = Trampolines {
    arch: "x86_64",
    files: &["src/asm/call.S", "src/asm/steps.S", "src/asm/callback.S", "src/asm/wide.S"],
    defines: layout::DEFINES,
};

fn main() {
    assemble(&TRAMPOLINES);
}
