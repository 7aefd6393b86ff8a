//! What a program gets that asks for what there is not: a status where there is one, and else a
//! message and the end.

mod common;

use common::{blank, function, prepare, status, structure, value};
use ffi_compat::*;
use std::ffi::OsString;
use std::ffi::c_void;
use std::process::Command;
use std::ptr::null_mut;

extern "C" fn nothing() {}

unsafe extern "C-unwind" fn on_call(
    _: *mut ffi_cif,
    _: *mut c_void,
    _: *mut *mut c_void,
    _: *mut c_void,
) {
}

#[test]
fn null_pointers_get_a_status() {
    let (mut cif, int) = (blank(), &raw mut ffi_type_sint32);
    let mut code = null_mut();
    // SAFETY: null is what these functions are asked about.
    unsafe {
        let abi = FFI_DEFAULT_ABI;
        assert_eq!(ffi_prep_cif(null_mut(), abi, 0, int, null_mut()), FFI_BAD_TYPEDEF);
        assert_eq!(ffi_prep_cif(&mut cif, abi, 0, null_mut(), null_mut()), FFI_BAD_TYPEDEF);
        assert_eq!(ffi_prep_cif(&mut cif, abi, 1, int, null_mut()), FFI_BAD_TYPEDEF);
        assert_eq!(status(&mut cif, int, &mut [int, null_mut()]), FFI_BAD_TYPEDEF);
        assert_eq!(ffi_get_struct_offsets(abi, null_mut(), null_mut()), FFI_BAD_TYPEDEF);
        assert!(ffi_closure_alloc(56, null_mut()).is_null());
        ffi_closure_free(null_mut());
        ffi_call_plan_free(null_mut());
        assert!(ffi_call_plan_alloc(null_mut()).is_null());
        assert_eq!(ffi_call_plan_size(null_mut()), 0);

        assert_eq!(ffi_prep_cif(&mut cif, abi, 0, int, null_mut()), FFI_OK);
        let closure = ffi_closure_alloc(ffi_get_closure_size(), &mut code).cast::<ffi_closure>();
        let prepare =
            |closure, cif, fun, code| ffi_prep_closure_loc(closure, cif, fun, null_mut(), code);
        assert_eq!(prepare(null_mut(), &mut cif, Some(on_call), code), FFI_BAD_TYPEDEF);
        assert_eq!(prepare(closure, null_mut(), Some(on_call), code), FFI_BAD_TYPEDEF);
        assert_eq!(prepare(closure, &mut cif, None, code), FFI_BAD_ABI);
        assert_eq!(prepare(closure, &mut cif, Some(on_call), null_mut()), FFI_BAD_ABI);
        // Another closure's code.
        let mut other_code = null_mut();
        let other = ffi_closure_alloc(ffi_get_closure_size(), &mut other_code);
        assert_eq!(prepare(closure, &mut cif, Some(on_call), other_code), FFI_BAD_ABI);
        assert_eq!(prepare(closure, &mut cif, Some(on_call), code), FFI_OK);
        ffi_closure_free(other);
        ffi_closure_free(closure.cast());
    }
}

/// Memory that nobody prepared, and bits that no preparation gave.
#[test]
fn a_cif_that_was_not_prepared_gets_a_status() {
    let mut other = blank();
    prepare(&mut other, &raw mut ffi_type_void, &mut []);
    other.bytes ^= 0x1234;
    let mut of_no_types = ffi_cif { abi: FFI_DEFAULT_ABI, ..blank() };
    let mut code = null_mut();
    for cif in [&mut blank(), &mut of_no_types, &mut other] {
        // SAFETY: the closure is its own, and is not called.
        unsafe {
            assert!(ffi_call_plan_alloc(cif).is_null());
            let closure = ffi_closure_alloc(ffi_get_closure_size(), &mut code);
            let (own, fun) = (closure.cast(), Some(on_call as _));
            let status = ffi_prep_closure_loc(own, cif, fun, null_mut(), code);
            assert_eq!(status, FFI_BAD_TYPEDEF);
            ffi_closure_free(closure);
        }
    }
}

/// Another closure's code, for a closure in memory of the caller's with nothing readable before it.
#[cfg(unix)]
#[test]
fn the_code_of_another_closure() {
    const PAGE: usize = 4096;
    let (mut cif, mut code) = (blank(), null_mut());
    prepare(&mut cif, &raw mut ffi_type_void, &mut []);
    // SAFETY: the pages are the test's own, and nothing is called.
    unsafe {
        let (flags, none) = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, libc::PROT_NONE);
        let pages = libc::mmap(null_mut(), 2 * PAGE, none, flags, -1, 0);
        assert_ne!(pages, libc::MAP_FAILED);
        let second = pages.cast::<u8>().add(PAGE).cast::<c_void>();
        assert_eq!(libc::mprotect(second, PAGE, libc::PROT_READ | libc::PROT_WRITE), 0);
        let closure = ffi_closure_alloc(ffi_get_closure_size(), &mut code);
        let mut prepare =
            |code| ffi_prep_closure_loc(second.cast(), &mut cif, Some(on_call), null_mut(), code);
        assert_eq!(prepare(code), FFI_BAD_ABI);
        assert_eq!(prepare(code.cast::<u8>().add(1).cast()), FFI_BAD_ABI);
        ffi_closure_free(closure);
        assert_eq!(prepare(code), FFI_BAD_ABI);
        libc::munmap(pages, 2 * PAGE);
    }
}

#[test]
fn numbers_that_no_abi_has() {
    let int = &raw mut ffi_type_sint32;
    let known = [FFI_DEFAULT_ABI, FFI_WIN64];
    for abi in [0, 1, 2, 3, 4, 5, 6, 77, u32::MAX] {
        // SAFETY: there is nothing but the number to be wrong.
        let status = unsafe { ffi_prep_cif(&mut blank(), abi, 0, int, null_mut()) };
        let offsets = {
            let mut members = [int, null_mut()];
            // SAFETY: as above.
            unsafe { ffi_get_struct_offsets(abi, &mut structure(&mut members), null_mut()) }
        };
        assert_eq!(status, offsets, "{abi}");
        if known.contains(&abi) {
            assert_eq!(status, FFI_OK, "{abi}");
        }
        assert!(status == FFI_OK || status == FFI_BAD_ABI, "{abi}");
    }
    // SAFETY: as above.
    let status = unsafe { ffi_prep_cif(&mut blank(), 77, 0, int, null_mut()) };
    assert_eq!(status, FFI_BAD_ABI);
}

#[test]
fn types_that_contradict_themselves() {
    let (int, mut cif) = (&raw mut ffi_type_sint32, blank());
    let mut bad = |what: &str, ty: &mut ffi_type| {
        assert_eq!(status(&mut cif, int, &mut [&raw mut *ty]), FFI_BAD_TYPEDEF, "{what}");
    };
    let of = |code, elements: &mut [*mut ffi_type]| ffi_type { type_: code, ..structure(elements) };
    bad("void as an argument", &mut of(FFI_TYPE_VOID, &mut []));
    bad("a code that there is not", &mut of(99, &mut []));
    bad("an empty struct", &mut structure(&mut [null_mut()]));
    bad("no list", &mut ffi_type { elements: null_mut(), ..structure(&mut []) });
    bad("void inside", &mut structure(&mut [&raw mut ffi_type_void, null_mut()]));
    let mut aligned = [int, null_mut()];
    bad("alignment 3", &mut ffi_type { size: 12, alignment: 3, ..structure(&mut aligned) });
    bad("2 bytes for an int", &mut ffi_type { size: 2, alignment: 2, ..structure(&mut aligned) });
    bad("a vector of nothing", &mut of(FFI_TYPE_VECTOR, &mut [null_mut()]));
    let mut mixed = [int, &raw mut ffi_type_float, null_mut()];
    bad("a vector of two types", &mut of(FFI_TYPE_VECTOR, &mut mixed));
    let mut inner_members = [int, null_mut()];
    let mut inner = structure(&mut inner_members);
    let mut of_struct = [&raw mut inner, null_mut()];
    bad("a vector of structs", &mut of(FFI_TYPE_VECTOR, &mut of_struct));
    bad("a complex struct", &mut of(FFI_TYPE_COMPLEX, &mut of_struct));
    bad("a complex number of two parts", &mut of(FFI_TYPE_COMPLEX, &mut mixed));
    // It contains itself.
    let mut members = [null_mut(), null_mut()];
    let mut ring = structure(&mut members);
    // SAFETY: the list is the one above.
    unsafe { ring.elements.write(&raw mut ring) };
    bad("a struct in itself", &mut ring);
}

#[test]
fn what_c_promotes_is_no_variadic_argument() {
    let (int, mut cif) = (&raw mut ffi_type_sint32, blank());
    let mut prepare = |fixed, types: &mut [*mut ffi_type]| {
        let (count, types) = (types.len() as u32, types.as_mut_ptr());
        // SAFETY: the types are libffi's own.
        unsafe { ffi_prep_cif_var(&mut cif, FFI_DEFAULT_ABI, fixed, count, int, types) }
    };
    for small in [
        &raw mut ffi_type_float,
        &raw mut ffi_type_sint8,
        &raw mut ffi_type_uint8,
        &raw mut ffi_type_sint16,
        &raw mut ffi_type_uint16,
    ] {
        assert_eq!(prepare(1, &mut [int, small]), FFI_BAD_ARGTYPE);
        assert_eq!(prepare(2, &mut [int, small]), FFI_OK);
    }
    assert_eq!(prepare(1, &mut [int, &raw mut ffi_type_double]), FFI_OK);
    assert_eq!(prepare(3, &mut [int, int]), FFI_BAD_TYPEDEF);
}

/// What runs this program, where Cargo was told of an emulator.
fn emulator() -> Vec<OsString> {
    let start = format!("CARGO_TARGET_{}_", std::env::consts::ARCH.to_uppercase());
    let runner = std::env::vars()
        .find(|(name, _)| cfg!(unix) && name.starts_with(&start) && name.ends_with("_RUNNER"));
    runner.iter().flat_map(|(_, words)| words.split_whitespace()).map(OsString::from).collect()
}

/// Runs what a test does in the end in a process of its own.
fn ends(test: &str, message: &str) {
    if std::env::var_os("FFI_TEST_ENDS").is_some() {
        return;
    }
    let mut words = emulator();
    words.push(std::env::current_exe().expect("a path").into());
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).args(["--exact", test, "--nocapture"]);
    let output = command.env("FFI_TEST_ENDS", "1").output().expect("the process starts");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains(message), "{}: {text}", output.status);
}

fn is_the_process() -> bool {
    std::env::var_os("FFI_TEST_ENDS").is_some()
}

#[test]
fn a_cif_that_was_never_prepared() {
    ends("a_cif_that_was_never_prepared", "is not prepared; aborting");
    if is_the_process() {
        let nothing = function(nothing as extern "C" fn());
        // SAFETY: it ends the process.
        unsafe { ffi_call(&mut blank(), nothing, null_mut(), null_mut()) };
    }
}

#[test]
fn a_cif_of_other_bits() {
    ends("a_cif_of_other_bits", "is not prepared; aborting");
    if is_the_process() {
        let mut cif = blank();
        prepare(&mut cif, &raw mut ffi_type_void, &mut []);
        cif.bytes ^= 0x1234;
        let nothing = function(nothing as extern "C" fn());
        // SAFETY: it ends the process.
        unsafe { ffi_call(&mut cif, nothing, null_mut(), null_mut()) };
    }
}

fn code_of(prepared: bool, freed: bool) -> extern "C" fn() {
    let (mut code, mut cif) = (null_mut(), blank());
    prepare(&mut cif, &raw mut ffi_type_void, &mut []);
    let cif = Box::leak(Box::new(cif));
    // SAFETY: the closure is its own.
    unsafe {
        let closure = ffi_closure_alloc(ffi_get_closure_size(), &mut code);
        if prepared {
            let closure = closure.cast();
            let status = ffi_prep_closure_loc(closure, cif, Some(on_call), null_mut(), code);
            assert_eq!(status, FFI_OK);
        }
        if freed {
            ffi_closure_free(closure);
        }
        std::mem::transmute::<*mut c_void, extern "C" fn()>(code)
    }
}

#[test]
fn a_closure_that_is_not_prepared() {
    ends("a_closure_that_is_not_prepared", "a closure that was not prepared; aborting");
    if is_the_process() {
        code_of(false, false)();
    }
}

#[test]
fn a_closure_that_has_been_freed() {
    code_of(true, false)();
    ends("a_closure_that_has_been_freed", "a closure that has been freed; aborting");
    if is_the_process() {
        code_of(true, true)();
    }
}

#[test]
fn a_closure_that_is_freed_twice() {
    ends("a_closure_that_is_freed_twice", "is freed twice; aborting");
    if is_the_process() {
        // SAFETY: it ends the process.
        unsafe {
            let mut code = null_mut();
            let closure = ffi_closure_alloc(ffi_get_closure_size(), &mut code);
            ffi_closure_free(closure);
            ffi_closure_free(closure);
        }
    }
}

#[test]
fn a_null_place_for_the_result_drops_it() {
    #[repr(C)]
    struct Memory([u64; 9]);
    extern "C" fn in_memory(n: u64) -> Memory {
        Memory([n; 9])
    }
    let long = &raw mut ffi_type_uint64;
    let mut members = [long; 10];
    members[9] = null_mut();
    let mut cif = blank();
    let mut ty = structure(&mut members);
    let mut types = [long];
    prepare(&mut cif, &raw mut ty, &mut types);
    let mut n = 3_u64;
    let mut room = Memory([0; 9]);
    let in_memory = function(in_memory as extern "C" fn(u64) -> Memory);
    // SAFETY: the function is of this signature.
    unsafe {
        ffi_call(&mut cif, in_memory, null_mut(), [value(&mut n)].as_mut_ptr());
        ffi_call(&mut cif, in_memory, value(&mut room), [value(&mut n)].as_mut_ptr());
    }
    assert_eq!(room.0, [3; 9]);
}
