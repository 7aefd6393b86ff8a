//! Calls: `ffi_call`, and call plans.

use crate::callee::Aligned;
use crate::cif::{ffi_cif, plan_again, plan_of, plan_or_abort};
use crate::prepared::Prepared;
use std::ffi::c_void;
use std::mem::MaybeUninit;

/// A C function, of any type.
pub type ffi_function = Option<unsafe extern "C-unwind" fn()>;

/// Calls a function.
///
/// An integer result that is smaller than `ffi_arg` (8 bytes) is widened to one; where `rvalue` is
/// null, the result is dropped.
///
/// Ends the program with a message if the cif is not prepared.
///
/// # Safety
/// `function` is a C function of the cif's signature; `avalue` points to one pointer for each
/// argument, each to a value of its type; `rvalue` is null or writable for the result and aligned
/// as its type.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn ffi_call(
    cif: *mut ffi_cif,
    function: ffi_function,
    rvalue: *mut c_void,
    avalue: *mut *mut c_void,
) {
    // SAFETY: the caller's.
    unsafe {
        match plan_of(cif) {
            Some(prepared) => call(prepared, function, rvalue, avalue),
            None => call(&plan_or_abort("ffi_call", cif), function, rvalue, avalue),
        }
    }
}

/// # Safety
/// As for [`ffi_call`], with the cif's plan.
#[inline(always)]
unsafe fn call(
    prepared: &Prepared,
    function: ffi_function,
    rvalue: *mut c_void,
    avalue: *mut *mut c_void,
) {
    // SAFETY: the caller's.
    unsafe {
        if rvalue.is_null() && prepared.result_size > 0 {
            return drop_result(prepared, function, avalue);
        }
        prepared.call(address(function), rvalue, avalue.cast_const().cast());
    }
}

/// A null one is called too, as C would.
fn address(function: ffi_function) -> *const c_void {
    function.map_or(std::ptr::null(), |function| function as *const c_void)
}

/// # Safety
/// As for [`ffi_call`].
#[cold]
unsafe fn drop_result(prepared: &Prepared, function: ffi_function, avalue: *mut *mut c_void) {
    let unit = Aligned([MaybeUninit::<u8>::uninit(); 64]);
    let mut room = vec![unit; prepared.result_size.div_ceil(64)];
    // SAFETY: the caller's; there is room for the result, aligned as far as any type wants it.
    unsafe {
        prepared.call(address(function), room.as_mut_ptr().cast(), avalue.cast_const().cast())
    };
}

/// A signature's plan, for calls without a look at the cif. C sees no inside.
#[repr(C)]
#[derive(Debug)]
pub struct ffi_call_plan {
    _inside: [u8; 0],
}

/// A plan for calls by a cif. It may be used by several threads at once, and is good for longer
/// than the cif is. It has to be freed by [`ffi_call_plan_free`].
///
/// Null if the cif is null or not prepared.
///
/// # Safety
/// `cif` is null or a cif.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ffi_call_plan_alloc(cif: *mut ffi_cif) -> *mut ffi_call_plan {
    // SAFETY: the caller's.
    let found: *const Prepared = match unsafe { plan_of(cif) } {
        Some(prepared) => prepared,
        // SAFETY: as above.
        None => unsafe { plan_again(cif) }.map_or(std::ptr::null(), |own| Box::into_raw(own)),
    };
    found.cast_mut().cast()
}

/// Calls a function by a plan; as [`ffi_call`].
///
/// # Safety
/// `plan` came from [`ffi_call_plan_alloc`] and is not freed; the rest as for [`ffi_call`].
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn ffi_call_plan_invoke(
    plan: *mut ffi_call_plan,
    function: ffi_function,
    rvalue: *mut c_void,
    avalue: *mut *mut c_void,
) {
    // SAFETY: the caller's.
    unsafe { call(&*plan.cast::<Prepared>(), function, rvalue, avalue) };
}

/// Frees a plan; null is no plan.
///
/// # Safety
/// `plan` is null or came from [`ffi_call_plan_alloc`] and is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ffi_call_plan_free(plan: *mut ffi_call_plan) {
    let plan = plan.cast::<Prepared>();
    // SAFETY: the caller's. Those with an index are in the table, and are everybody's.
    unsafe {
        if !plan.is_null() && (*plan).index == 0 {
            drop(Box::from_raw(plan));
        }
    }
}

/// The memory that a plan takes, in bytes; 0 for null.
///
/// # Safety
/// As for [`ffi_call_plan_free`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ffi_call_plan_size(plan: *mut ffi_call_plan) -> usize {
    // SAFETY: the caller's.
    unsafe { plan.cast::<Prepared>().as_ref() }.map_or(0, Prepared::size_bytes)
}

/// Go's way to call a function with a context. It has no documentation, and is not offered: ends
/// the program with a message. The symbol exists so that programs which never call it can start.
#[unsafe(no_mangle)]
pub extern "C" fn ffi_call_go(
    _: *mut ffi_cif,
    _: ffi_function,
    _: *mut c_void,
    _: *mut *mut c_void,
    _: *mut c_void,
) {
    eprintln!("ffi: ffi_call_go is not offered; aborting");
    std::process::abort();
}
