//! What becomes of an `ffi_type`: sizes, alignments and offsets, and results that are widened. The
//! bytes of arguments are compared with compilers in `tests/tests/compat_oracle.rs`.

mod common;

use common::{blank, function, prepare, status, structure, value};
use ffi_compat::*;
use std::ffi::c_void;
use std::ptr::null_mut;

/// The offsets of the members, once size and alignment are computed.
fn offsets(ty: &mut ffi_type, count: usize) -> Vec<usize> {
    let mut offsets = vec![usize::MAX; count];
    // SAFETY: there is room for as many.
    let status = unsafe { ffi_get_struct_offsets(FFI_DEFAULT_ABI, ty, offsets.as_mut_ptr()) };
    assert_eq!(status, FFI_OK);
    offsets
}

#[test]
fn sizes_are_computed_in_place_inner_structs_first() {
    let (byte, double) = (&raw mut ffi_type_sint8, &raw mut ffi_type_double);
    let mut inner_members = [byte, &raw mut ffi_type_sint32, null_mut()];
    let mut inner = structure(&mut inner_members);
    let mut members = [byte, &raw mut inner, double, byte, null_mut()];
    let mut outer = structure(&mut members);
    assert_eq!(offsets(&mut outer, 4), [0, 4, 16, 24]);
    assert_eq!((inner.size, inner.alignment), (8, 4));
    assert_eq!((outer.size, outer.alignment), (32, 8));
    // Computed ones are then stated ones, with the same outcome.
    assert_eq!(offsets(&mut outer, 4), [0, 4, 16, 24]);
}

#[test]
fn stated_sizes_are_taken_as_they_are() {
    let (byte, int) = (&raw mut ffi_type_sint8, &raw mut ffi_type_sint32);
    let double = &raw mut ffi_type_double;
    let mut members = [byte, double, null_mut()];
    let mut stated = |size, alignment| {
        let mut ty = ffi_type { size, alignment, ..structure(&mut members) };
        let offsets = offsets(&mut ty, 2);
        assert_eq!((ty.size, ty.alignment), (size, alignment));
        offsets
    };
    assert_eq!(stated(16, 8), [0, 8]);
    // Larger, packed, packed to 4, and a union.
    assert_eq!(stated(64, 32), [0, 8]);
    assert_eq!(stated(9, 1), [0, 1]);
    assert_eq!(stated(12, 4), [0, 4]);
    assert_eq!(stated(8, 8), [0, 0]);
    // A member that is not known, as PHP has arrays.
    let mut members = [int, &raw mut ffi_type_void, null_mut()];
    let mut ty = ffi_type { size: 24, alignment: 4, ..structure(&mut members) };
    assert_eq!(offsets(&mut ty, 2), [0, 4]);
}

#[test]
fn vectors_and_complex_numbers_are_as_c_has_them() {
    let float = &raw mut ffi_type_float;
    let mut lanes = [float, float, float, null_mut()];
    let mut three = ffi_type { type_: FFI_TYPE_VECTOR, ..structure(&mut lanes) };
    let mut members = [&raw mut ffi_type_sint8, &raw mut three, null_mut()];
    assert_eq!(offsets(&mut structure(&mut members), 2), [0, 16]);
    assert_eq!((three.size, three.alignment), (16, 16));

    let mut members = [float, &raw mut ffi_type_complex_double, null_mut()];
    assert_eq!(offsets(&mut structure(&mut members), 2), [0, 8]);
    let mut members = [float, &raw mut ffi_type_sint128, null_mut()];
    assert_eq!(offsets(&mut structure(&mut members), 2), [0, 16]);
}

#[test]
fn small_results_fill_an_ffi_arg() {
    extern "C" fn echo(bits: u64) -> u64 {
        bits
    }
    let mut cif = blank();
    let mut types = [&raw mut ffi_type_uint64];
    let echo = function(echo as extern "C" fn(u64) -> u64);
    // Bits above the result that a callee may leave.
    let bits = 0x8877_6655_f0f1_f2f3_u64;
    for (ty, expected) in [
        (&raw mut ffi_type_sint8, -13_i64),
        (&raw mut ffi_type_uint8, 0xf3),
        (&raw mut ffi_type_sint16, -3341),
        (&raw mut ffi_type_uint16, 0xf2f3),
        (&raw mut ffi_type_sint32, -252_579_085),
        (&raw mut ffi_type_uint32, 0xf0f1_f2f3),
        (&raw mut ffi_type_uint64, bits as i64),
        (&raw mut ffi_type_pointer, bits as i64),
    ] {
        prepare(&mut cif, ty, &mut types);
        let (mut argument, mut result) = (bits, [0x55_i64; 2]);
        let mut values = [value(&mut argument)];
        // SAFETY: the function returns the register whole.
        unsafe { ffi_call(&mut cif, echo, result.as_mut_ptr().cast(), values.as_mut_ptr()) };
        assert_eq!(result, [expected, 0x55]);
    }
}

#[test]
fn a_closures_small_result_may_be_written_either_way() {
    unsafe extern "C-unwind" fn on_call(
        _: *mut ffi_cif,
        result: *mut c_void,
        values: *mut *mut c_void,
        narrow: *mut c_void,
    ) {
        // SAFETY: the closure is `int16_t (int16_t)`.
        unsafe {
            let argument = (*values).cast::<i16>().read();
            if narrow.is_null() {
                result.cast::<i64>().write(argument.into());
            } else {
                result.cast::<i16>().write(argument);
            }
        }
    }
    let (mut cif, mut code, mut narrow) = (blank(), null_mut(), 1_u8);
    let short = &raw mut ffi_type_sint16;
    let mut types = [short];
    prepare(&mut cif, short, &mut types);
    for data in [null_mut(), value(&mut narrow)] {
        // SAFETY: the closure is called as it was prepared, and then freed.
        unsafe {
            let closure = ffi_closure_alloc(ffi_get_closure_size(), &mut code);
            let status = ffi_prep_closure_loc(closure.cast(), &mut cif, Some(on_call), data, code);
            assert_eq!(status, FFI_OK);
            let called = std::mem::transmute::<*mut c_void, extern "C" fn(i16) -> i16>(code);
            assert_eq!((called(-5), called(5)), (-5, 5));
            ffi_closure_free(closure);
        }
    }
}

extern "C" fn mix(a: i8, b: f64, c: u64, d: f32) -> f64 {
    f64::from(a) + b + c as f64 + f64::from(d)
}

#[test]
fn words_stand_for_arguments() {
    let mut types = [
        &raw mut ffi_type_sint8,
        &raw mut ffi_type_double,
        &raw mut ffi_type_uint64,
        &raw mut ffi_type_float,
    ];
    let (mut cif, double) = (blank(), &raw mut ffi_type_double);
    prepare(&mut cif, double, &mut types);
    let (mut a, mut b, mut c, mut d, mut result) = (-3_i8, 0.5_f64, 7_u64, 0.25_f32, 0.0_f64);
    let mut values = [value(&mut a), value(&mut b), value(&mut c), value(&mut d)];
    let mix = function(mix as extern "C" fn(i8, f64, u64, f32) -> f64);
    let (mut raw, mut java, mut pointers) = ([0; 4], [0; 6], [null_mut(); 4]);
    // SAFETY: the words have room for the arguments.
    unsafe {
        assert_eq!(ffi_raw_size(&mut cif), size_of_val(&raw));
        ffi_ptrarray_to_raw(&mut cif, values.as_mut_ptr(), raw.as_mut_ptr());
        assert_eq!(raw[0] as i64, -3);
        ffi_raw_call(&mut cif, mix, value(&mut result), raw.as_mut_ptr());
        assert_eq!(result, 4.75);
        ffi_raw_to_ptrarray(&mut cif, raw.as_mut_ptr(), pointers.as_mut_ptr());
        assert_eq!(pointers[3].cast::<f32>().read(), 0.25);

        assert_eq!(ffi_java_raw_size(&mut cif), size_of_val(&java));
        ffi_java_ptrarray_to_raw(&mut cif, values.as_mut_ptr(), java.as_mut_ptr());
        ffi_java_raw_call(&mut cif, mix, value(&mut result), java.as_mut_ptr());
        assert_eq!(result, 4.75);
        ffi_java_raw_to_ptrarray(&mut cif, java.as_mut_ptr(), pointers.as_mut_ptr());
        assert_eq!(pointers[3].addr() - pointers[2].addr(), 16);
    }
}

#[test]
fn a_closure_is_given_words() {
    unsafe extern "C-unwind" fn on_call(
        _: *mut ffi_cif,
        result: *mut c_void,
        words: *mut ffi_raw,
        data: *mut c_void,
    ) {
        // SAFETY: the closure is `double (int8_t, double)`, and its data a number.
        unsafe {
            let (a, b) = (words.read() as i64, words.add(1).cast::<f64>().read());
            result.cast::<f64>().write(a as f64 * b + data.cast::<f64>().read());
        }
    }
    let (mut cif, mut code, mut data) = (blank(), null_mut(), 0.5_f64);
    let double = &raw mut ffi_type_double;
    // A closure that is given words reads the types at each call, as libffi's does.
    let mut types = [&raw mut ffi_type_sint8, double];
    prepare(&mut cif, double, &mut types);
    type Prepare = unsafe extern "C" fn(
        *mut ffi_raw_closure,
        *mut ffi_cif,
        Option<ffi_raw_fun>,
        *mut c_void,
        *mut c_void,
    ) -> ffi_status;
    for prepare in [ffi_prep_raw_closure_loc as Prepare, ffi_prep_java_raw_closure_loc] {
        // SAFETY: the closure is called as it was prepared, and then freed.
        unsafe {
            let closure = ffi_closure_alloc(size_of::<ffi_raw_closure>(), &mut code);
            let status = prepare(closure.cast(), &mut cif, Some(on_call), value(&mut data), code);
            assert_eq!(status, FFI_OK);
            let called = std::mem::transmute::<*mut c_void, extern "C" fn(i8, f64) -> f64>(code);
            assert_eq!(called(-4, 1.5), -5.5);
            ffi_closure_free(closure);
        }
    }
}

/// Memory that the program makes executable itself, as some runtimes do.
#[cfg(all(target_arch = "x86_64", unix))]
#[test]
fn a_closure_in_memory_of_the_programs_own() {
    unsafe extern "C-unwind" fn on_call(
        _: *mut ffi_cif,
        result: *mut c_void,
        values: *mut *mut c_void,
        data: *mut c_void,
    ) {
        // SAFETY: the closure is `double (double)`.
        unsafe {
            let factor = data.cast::<f64>().read();
            result.cast::<f64>().write((*values).cast::<f64>().read() * factor);
        }
    }
    const PAGE: usize = 4096;
    let (mut cif, mut factors) = (blank(), [2.0_f64, 3.0]);
    let double = &raw mut ffi_type_double;
    let mut types = [double];
    prepare(&mut cif, double, &mut types);
    // SAFETY: the page is the test's own; what is called there was prepared there.
    unsafe {
        let page = libc::mmap(
            null_mut(),
            PAGE,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        assert_ne!(page, libc::MAP_FAILED);
        // At the very start of the page: nothing is read before it.
        let first = page.cast::<ffi_closure>();
        for (index, factor) in factors.iter_mut().enumerate() {
            let closure = first.add(index);
            let status = ffi_prep_closure(closure, &mut cif, Some(on_call), value(factor));
            assert_eq!(status, FFI_OK);
        }
        assert_eq!(libc::mprotect(page, PAGE, libc::PROT_READ | libc::PROT_EXEC), 0);
        for (index, expected) in [(0, 3.0), (1, 4.5), (0, 3.0)] {
            let code = first.add(index).cast::<c_void>();
            let called = std::mem::transmute::<*mut c_void, extern "C" fn(f64) -> f64>(code);
            assert_eq!(called(1.5), expected);
        }
        libc::munmap(page, PAGE);
    }
}

#[test]
fn versions_are_those_of_the_interface() {
    // SAFETY: it is a C string.
    let version = unsafe { std::ffi::CStr::from_ptr(ffi_get_version()) };
    assert_eq!(version, c"3.8.0");
    assert_eq!(ffi_get_version_number(), 30800);
    assert_eq!(ffi_get_default_abi(), FFI_DEFAULT_ABI);
    assert_eq!(ffi_get_closure_size(), size_of::<ffi_closure>());
    assert_eq!(status(&mut blank(), &raw mut ffi_type_void, &mut []), FFI_OK);
}
