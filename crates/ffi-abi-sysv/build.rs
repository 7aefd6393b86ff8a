//! Assembles the trampolines, with the offsets of `src/layout.rs` as defines.

#[path = "src/layout.rs"]
mod layout;

/// For each architecture, its assembly files. On others nothing is assembled: plans need none.
const ASSEMBLY: &[(&str, &[&str])] = &[("x86_64", &["src/asm/call.S", "src/asm/callback.S"])];

fn main() {
    // Said for every file: a build script that prints any of these loses Cargo's own scan.
    for file in ["build.rs", "src/layout.rs", "src/asm/macros.h"] {
        println!("cargo:rerun-if-changed={file}");
    }
    let arch = std::env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    let Some((_, files)) = ASSEMBLY.iter().find(|(name, _)| *name == arch) else { return };

    // The symbols carry the version, so that two versions can be linked into one program.
    let version = env!("CARGO_PKG_VERSION").replace(['.', '-', '+'], "_");
    let prefix = format!("ffi_abi_sysv_{version}_");
    println!("cargo:rustc-env=SYMBOL_PREFIX={prefix}");

    let mut build = cc::Build::new();
    build.define("SYMBOL_PREFIX", prefix.as_str());
    for (name, value) in layout::DEFINES {
        build.define(name, value.to_string().as_str());
    }
    for file in *files {
        println!("cargo:rerun-if-changed={file}");
        build.file(file);
    }
    build.compile("ffi_abi_sysv_trampolines");
}
