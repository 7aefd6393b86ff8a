//! More signatures than plans are kept: everything works, and no more memory is taken.

mod common;

use common::{blank, function, prepare, structure, value};
use ffi_compat::*;
use std::ffi::c_void;
use std::ptr::null_mut;

extern "C" fn sum(a: i32, b: f64, c: i16) -> f64 {
    f64::from(a) + b + f64::from(c)
}

unsafe extern "C-unwind" fn on_call(
    _: *mut ffi_cif,
    result: *mut c_void,
    values: *mut *mut c_void,
    _: *mut c_void,
) {
    // SAFETY: the closure is of this signature.
    unsafe {
        let (a, b) = ((*values).cast::<i32>().read(), (*values.add(1)).cast::<f64>().read());
        result.cast::<f64>().write(f64::from(a) * b);
    }
}

#[test]
fn there_is_an_end_to_what_is_kept() {
    let mut cif = blank();
    let (mut kept, mut more) = (0, 0);
    for n in 0..MAX_PLANS + 500 {
        // Another size each time.
        let mut members = [&raw mut ffi_type_sint64, null_mut()];
        let mut ty = ffi_type { size: 8 * (n + 1), alignment: 8, ..structure(&mut members) };
        prepare(&mut cif, &raw mut ffi_type_void, &mut [&raw mut ty]);
        match cif.flags {
            0 => more += 1,
            _ => kept += 1,
        }
    }
    assert_eq!((kept, more), (MAX_PLANS, 500));

    // Without a plan that is kept: calls, plans and closures.
    let mut types = [&raw mut ffi_type_sint32, &raw mut ffi_type_double, &raw mut ffi_type_sint16];
    prepare(&mut cif, &raw mut ffi_type_double, &mut types);
    assert_eq!(cif.flags, 0);
    let (mut a, mut b, mut c, mut result) = (40_i32, 2.5_f64, -1_i16, 0.0_f64);
    let mut values = [value(&mut a), value(&mut b), value(&mut c)];
    let sum = function(sum as extern "C" fn(i32, f64, i16) -> f64);
    // SAFETY: the function is of this signature, and the closure is called as it.
    unsafe {
        ffi_call(&mut cif, sum, value(&mut result), values.as_mut_ptr());
        assert_eq!(result, 41.5);
        let mut one = 1_i32;
        values[0] = value(&mut one);
        let plan = ffi_call_plan_alloc(&mut cif);
        assert!(ffi_call_plan_size(plan) > 0);
        ffi_call_plan_invoke(plan, sum, value(&mut result), values.as_mut_ptr());
        assert_eq!(result, 2.5);
        ffi_call_plan_free(plan);

        let mut code = null_mut();
        let closure = ffi_closure_alloc(ffi_get_closure_size(), &mut code);
        let status =
            ffi_prep_closure_loc(closure.cast(), &mut cif, Some(on_call), null_mut(), code);
        assert_eq!(status, FFI_OK);
        type Called = extern "C" fn(i32, f64, i16) -> f64;
        let called = std::mem::transmute::<*mut c_void, Called>(code);
        assert_eq!(called(3, 1.5, 0), 4.5);
        ffi_closure_free(closure);
    }
}
