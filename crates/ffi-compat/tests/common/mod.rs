//! What the tests of libffi's interface share.

use ffi_compat::*;
use std::ffi::c_void;

/// A cif that is not prepared.
pub(crate) fn blank() -> ffi_cif {
    // SAFETY: zeros are null pointers and numbers.
    unsafe { std::mem::zeroed() }
}

/// A function of any signature, as libffi takes it.
pub(crate) fn function<F: Copy>(function: F) -> ffi_function {
    assert_eq!(size_of::<F>(), size_of::<usize>(), "a function pointer");
    // SAFETY: it is only called by the signature that it has.
    unsafe { std::mem::transmute_copy(&function) }
}

/// Prepares a cif, which has to succeed.
pub(crate) fn prepare(cif: &mut ffi_cif, result: *mut ffi_type, types: &mut [*mut ffi_type]) {
    assert_eq!(status(cif, result, types), FFI_OK);
}

/// What preparing a cif says.
pub(crate) fn status(
    cif: &mut ffi_cif,
    result: *mut ffi_type,
    types: &mut [*mut ffi_type],
) -> ffi_status {
    let (count, types) = (types.len() as u32, types.as_mut_ptr());
    // SAFETY: the types are null or complete.
    unsafe { ffi_prep_cif(cif, FFI_DEFAULT_ABI, count, result, types) }
}

/// A struct type whose size is not known yet.
pub(crate) fn structure(elements: &mut [*mut ffi_type]) -> ffi_type {
    let elements = elements.as_mut_ptr();
    ffi_type { size: 0, alignment: 0, type_: FFI_TYPE_STRUCT, elements }
}

/// The address of a value, as an argument.
pub(crate) fn value<T>(value: &mut T) -> *mut c_void {
    std::ptr::from_mut(value).cast()
}
