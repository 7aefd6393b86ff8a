//! Compiles the functions that are called to a shared library, so that nothing is inlined, and looks
//! for a libffi with call plans, which is loaded beside the one of the `libffi` crate.

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/shapes.c");
    let out = std::env::var("OUT_DIR").expect("Cargo sets it");
    let library = Path::new(&out).join("libshapes.so");
    let compiler = cc::Build::new().opt_level(2).cargo_metadata(false).get_compiler();
    let status = compiler
        .to_command()
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg("src/shapes.c")
        .status()
        .expect("the compiler can be run");
    assert!(status.success(), "shapes.c does not compile");
    println!("cargo:rustc-env=SHAPES={}", library.display());
    // Debian 12's has none, which is no error: there is one contender less.
    let mut newest = pkg_config::Config::new();
    let Ok(found) = newest.atleast_version("3.7").cargo_metadata(false).probe("libffi") else {
        return;
    };
    let paths = found.link_paths.iter().map(|path| path.join("libffi.so"));
    if let Some(path) = paths.into_iter().find(|path| path.exists()) {
        println!("cargo:rustc-env=NEWEST={}", path.display());
    }
}
