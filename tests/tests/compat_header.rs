//! `ffi.h` and `ffitarget.h` say what the crate is: sizes, offsets and numbers by compilers of each
//! platform, and the prototypes by what cbindgen reads in the sources.

use ffi_compat::*;
use ffi_tests::compile::{accepts, compilers};
use std::fmt::Write;
use std::mem::offset_of;

/// The headers in one piece.
fn header() -> String {
    let target = include_str!("../../crates/ffi-compat/include/ffitarget.h");
    let header = include_str!("../../crates/ffi-compat/include/ffi.h");
    assert!(header.contains("#include \"ffitarget.h\""));
    header.replace("#include \"ffitarget.h\"", target)
}

fn accepted(source: &str) {
    for compiler in compilers() {
        if let Err(message) = accepts(compiler, source) {
            panic!("{}: {message}", compiler.command);
        }
    }
}

macro_rules! facts {
    ($source:ident: $($name:ident { $($field:ident as $c:literal)* } $($number:ident)*;)*) => {
        $(
            let _ = writeln!($source, "_Static_assert(sizeof({0}) == {1}, \"{0}\");",
                stringify!($name), size_of::<$name>());
            $(
                let _ = writeln!($source, "_Static_assert(offsetof({0}, {1}) == {2}, \"{0}.{1}\");",
                    stringify!($name), $c, offset_of!($name, $field));
            )*
            $(
                let _ = writeln!($source, "_Static_assert({0} == {1}, \"{0}\");",
                    stringify!($number), $number);
            )*
        )*
    };
}

#[test]
fn sizes_offsets_and_numbers_are_those_of_the_crate() {
    let mut source = header();
    facts! {
        source:
        ffi_type { size as "size" alignment as "alignment" type_ as "type" elements as "elements" }
            FFI_TYPE_VOID FFI_TYPE_INT FFI_TYPE_FLOAT FFI_TYPE_DOUBLE FFI_TYPE_LONGDOUBLE
            FFI_TYPE_UINT8 FFI_TYPE_SINT8 FFI_TYPE_UINT16 FFI_TYPE_SINT16 FFI_TYPE_UINT32
            FFI_TYPE_SINT32 FFI_TYPE_UINT64 FFI_TYPE_SINT64 FFI_TYPE_STRUCT FFI_TYPE_POINTER
            FFI_TYPE_COMPLEX FFI_TYPE_UINT128 FFI_TYPE_SINT128 FFI_TYPE_VECTOR;
        ffi_cif {
            abi as "abi" nargs as "nargs" arg_types as "arg_types" rtype as "rtype"
            bytes as "bytes" flags as "flags"
        } FFI_DEFAULT_ABI FFI_WIN64;
        ffi_closure {
            tramp as "tramp" cif as "cif" fun as "fun" user_data as "user_data"
        };
        ffi_raw_closure { fun as "fun" user_data as "user_data" };
        ffi_raw {};
        ffi_java_raw {};
        ffi_status {} FFI_OK FFI_BAD_TYPEDEF FFI_BAD_ABI FFI_BAD_ARGTYPE;
    }
    accepted(&source);
    // A number that is another is noticed.
    for compiler in compilers() {
        let wrong = format!("{}\n_Static_assert(sizeof(ffi_cif) == 31, \"\");", header());
        assert!(accepts(compiler, &wrong).is_err(), "{}", compiler.command);
    }
}

#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
#[test]
fn prototypes_are_those_of_the_sources() {
    let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/ffi-compat/src");
    let mut config = cbindgen::Config { language: cbindgen::Language::C, ..Default::default() };
    config.export.item_types = vec![cbindgen::ItemType::Functions];
    config.documentation = false;
    config.no_includes = true;
    let mut prototypes = String::new();
    for file in ["call.rs", "cif.rs", "closure.rs", "version.rs"] {
        let bindings = cbindgen::Builder::new()
            .with_config(config.clone())
            .with_src(format!("{sources}/{file}"))
            .generate()
            .expect("cbindgen reads the sources");
        let mut text = Vec::new();
        bindings.write(&mut text);
        prototypes += &String::from_utf8(text).expect("C is text");
    }
    for name in ["ffi_prep_cif", "ffi_prep_cif_var", "ffi_call", "ffi_closure_alloc"] {
        assert!(prototypes.contains(&format!("{name}(")), "{prototypes}");
    }
    // Each is declared a second time, which has to be the same.
    let names = "\
        typedef void (*ffi_function)(void);
        typedef void (*ffi_fun)(ffi_cif *, void *, void **, void *);
        typedef size_t uintptr_t;
        ";
    // A pointer that may be null is a pointer.
    let prototypes = prototypes.replace("Option<ffi_fun>", "ffi_fun");
    accepted(&format!("{}{names}{prototypes}", header()));
}
