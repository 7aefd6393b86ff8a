//! `ffi_cif`: a prepared signature, on its caller's memory.

use crate::build::build;
use crate::describe::{Description, describe};
use crate::prepared::{self, Prepared};
use crate::types::*;
use ffi_types::{Convention, InterfaceReason, Type};
use std::ffi::c_uint;

/// A prepared signature, 32 bytes on x86-64 and AArch64 Linux. It belongs to its caller, who may
/// copy it and need not free it; what its pointers point to has to stay as long as it is used.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ffi_cif {
    /// The convention.
    pub abi: ffi_abi,
    /// How many arguments there are.
    pub nargs: c_uint,
    /// Their types.
    pub arg_types: *mut *mut ffi_type,
    /// That of the result.
    pub rtype: *mut ffi_type,
    /// A check on `flags`; where there is no plan, the number of fixed arguments.
    pub bytes: c_uint,
    /// Which plan it is; 0 where none was kept.
    pub flags: c_uint,
    /// On Apple's AArch64 and Windows' libffi has a field more; it is not used here.
    #[cfg(all(target_arch = "aarch64", any(target_vendor = "apple", windows)))]
    pub extra: c_uint,
}

/// `bytes` of a cif without a plan whose function is not variadic.
pub(crate) const NOT_VARIADIC: c_uint = c_uint::MAX;

/// The convention of an ABI's number.
pub(crate) fn convention(abi: ffi_abi) -> Option<Convention> {
    use crate::version::*;
    #[cfg(target_arch = "x86_64")]
    use ffi_types::Win64;
    match abi {
        #[cfg(all(target_arch = "x86_64", not(windows)))]
        FFI_UNIX64 => Some(Convention::SysV),
        #[cfg(target_arch = "x86_64")]
        FFI_WIN64 => Some(Convention::Win64(Win64::Msvc)),
        #[cfg(target_arch = "x86_64")]
        FFI_GNUW64 => Some(Convention::Win64(Win64::Gnu)),
        #[cfg(all(target_arch = "aarch64", not(windows)))]
        FFI_SYSV => Convention::native().ok(),
        #[cfg(all(target_arch = "aarch64", windows))]
        FFI_SYSV => Some(Convention::Aapcs64(ffi_types::Aapcs64::Standard)),
        #[cfg(target_arch = "aarch64")]
        FFI_WIN64 => Some(Convention::Aapcs64(ffi_types::Aapcs64::Windows)),
        _ => None,
    }
}

/// Prepares a cif for functions of `nargs` arguments.
///
/// Returns [`FFI_OK`], [`FFI_BAD_ABI`], or [`FFI_BAD_TYPEDEF`]: for a null pointer, a type that
/// contradicts itself or that the convention does not have, an argument that is `void`, and more
/// than 1024 arguments.
///
/// # Safety
/// `cif` is null or writable; `rtype` and the `nargs` pointers at `atypes` are null or point to
/// `ffi_type`s, which are written to where their size is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ffi_prep_cif(
    cif: *mut ffi_cif,
    abi: ffi_abi,
    nargs: c_uint,
    rtype: *mut ffi_type,
    atypes: *mut *mut ffi_type,
) -> ffi_status {
    // SAFETY: the caller's.
    unsafe { prepare(cif, abi, NOT_VARIADIC, nargs, rtype, atypes) }
}

/// Prepares a cif for one call of a variadic function: `nfixedargs` named arguments, and the
/// others passed through `...`.
///
/// Returns as [`ffi_prep_cif`]; and [`FFI_BAD_ARGTYPE`] for a `float` or an integer smaller than
/// `int` behind the fixed ones, and [`FFI_BAD_TYPEDEF`] for more fixed arguments than there are.
///
/// # Safety
/// As for [`ffi_prep_cif`], with `ntotalargs` pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ffi_prep_cif_var(
    cif: *mut ffi_cif,
    abi: ffi_abi,
    nfixedargs: c_uint,
    ntotalargs: c_uint,
    rtype: *mut ffi_type,
    atypes: *mut *mut ffi_type,
) -> ffi_status {
    // SAFETY: the caller's.
    unsafe { prepare(cif, abi, nfixedargs, ntotalargs, rtype, atypes) }
}

/// # Safety
/// As for [`ffi_prep_cif`].
unsafe fn prepare(
    cif: *mut ffi_cif,
    abi: ffi_abi,
    fixed: c_uint,
    nargs: c_uint,
    rtype: *mut ffi_type,
    atypes: *mut *mut ffi_type,
) -> ffi_status {
    if cif.is_null() {
        return FFI_BAD_TYPEDEF;
    }
    let head = head(abi, fixed);
    // SAFETY: the caller's.
    let codes = unsafe { codes(nargs, rtype, atypes) };
    let found = match codes.and_then(|codes| prepared::of_scalars(head, codes)) {
        Some(prepared) => Ok(Some(prepared)),
        None => {
            let mut words = Description::new(head);
            // SAFETY: the caller's.
            unsafe { describe_all(abi, nargs, rtype, atypes, &mut words) }
                .and_then(|()| prepared::find(&words, codes))
        }
    };
    let (bytes, flags) = match found {
        Ok(Some(prepared)) => (prepared.check, prepared.index),
        Ok(None) => (fixed, 0),
        Err(status) => return status,
    };
    let filled = ffi_cif {
        abi,
        nargs,
        arg_types: atypes,
        rtype,
        bytes,
        flags,
        #[cfg(all(target_arch = "aarch64", any(target_vendor = "apple", windows)))]
        extra: 0,
    };
    // SAFETY: the caller's.
    unsafe { cif.write(filled) };
    FFI_OK
}

/// The first word of a description.
fn head(abi: ffi_abi, fixed: c_uint) -> u64 {
    u64::from(abi) | u64::from(fixed) << 32
}

/// The codes of a signature of up to fifteen scalars, the result's first: all there is to know of
/// it, and quicker to find it by.
///
/// # Safety
/// As for [`ffi_prep_cif`].
#[inline(always)]
unsafe fn codes(nargs: c_uint, rtype: *mut ffi_type, atypes: *mut *mut ffi_type) -> Option<u128> {
    // Of `long double` there may be two; 128-bit integers are rare.
    const fn is_plain(code: u16) -> bool {
        code <= FFI_TYPE_POINTER && code != FFI_TYPE_STRUCT && code != FFI_TYPE_LONGDOUBLE
    }
    if nargs > 15 || rtype.is_null() || (atypes.is_null() && nargs > 0) {
        return None;
    }
    // SAFETY: it is a type.
    let code = unsafe { (*rtype).type_ };
    let mut codes = u128::from(code);
    let mut plain = is_plain(code);
    for index in 0..nargs {
        // SAFETY: there are as many.
        let ty = unsafe { *atypes.add(index as usize) };
        if ty.is_null() {
            return None;
        }
        // SAFETY: it is a type.
        let code = unsafe { (*ty).type_ };
        plain &= is_plain(code) && code != FFI_TYPE_VOID;
        codes |= u128::from(code) << (8 * (index + 1));
    }
    plain.then_some(codes)
}

/// Adds each type of a signature to its description.
///
/// # Safety
/// As for [`ffi_prep_cif`].
unsafe fn describe_all(
    abi: ffi_abi,
    nargs: c_uint,
    rtype: *mut ffi_type,
    atypes: *mut *mut ffi_type,
    words: &mut Description,
) -> Result<(), ffi_status> {
    if convention(abi).is_none() {
        return Err(FFI_BAD_ABI);
    }
    let too_many = nargs as usize > ffi_types::MAX_ARGUMENTS;
    if rtype.is_null() || (atypes.is_null() && nargs > 0) || too_many {
        return Err(FFI_BAD_TYPEDEF);
    }
    // SAFETY: it is a type.
    if unsafe { (*rtype).type_ } == FFI_TYPE_VOID {
        words.push_void();
    } else {
        // SAFETY: the caller's.
        unsafe { describe(rtype, words) }.map_err(|_| FFI_BAD_TYPEDEF)?;
    }
    for index in 0..nargs as usize {
        // SAFETY: there are as many.
        unsafe { describe(*atypes.add(index), words) }.map_err(|_| FFI_BAD_TYPEDEF)?;
    }
    Ok(())
}

/// The plan of a cif, if it has one.
///
/// # Safety
/// `cif` is null or readable.
#[inline(always)]
pub(crate) unsafe fn plan_of(cif: *const ffi_cif) -> Option<&'static Prepared> {
    if cif.is_null() {
        return None;
    }
    // SAFETY: the caller's.
    let (flags, bytes) = unsafe { ((*cif).flags, (*cif).bytes) };
    prepared::by_index(flags).filter(|prepared| prepared.check == bytes)
}

/// A plan for a cif that has none of its own, made for the occasion; `None` if the cif is none that
/// was prepared.
///
/// # Safety
/// As for [`ffi_prep_cif`]; `cif` is null or readable.
#[cold]
pub(crate) unsafe fn plan_again(cif: *const ffi_cif) -> Option<Box<Prepared>> {
    // SAFETY: the caller's.
    let it = unsafe { cif.as_ref() }.filter(|it| it.flags == 0)?;
    let mut words = Description::new(head(it.abi, it.bytes));
    // SAFETY: a cif without a plan that was prepared has its types.
    unsafe { describe_all(it.abi, it.nargs, it.rtype, it.arg_types, &mut words) }.ok()?;
    Prepared::new(words.words(), None).ok().map(Box::new)
}

/// As [`plan_again`], but ends the program with a message if there is none to be had.
///
/// # Safety
/// As for [`plan_again`].
#[cold]
pub(crate) unsafe fn plan_or_abort(what: &str, cif: *const ffi_cif) -> Box<Prepared> {
    // SAFETY: the caller's.
    unsafe { plan_again(cif) }.unwrap_or_else(|| {
        eprintln!("ffi: {what}: the ffi_cif at {cif:?} is not prepared; aborting");
        std::process::abort();
    })
}

/// Why a signature is refused, in libffi's terms.
pub(crate) fn status(reason: &InterfaceReason) -> ffi_status {
    match reason {
        InterfaceReason::Promoted { .. } => FFI_BAD_ARGTYPE,
        _ => FFI_BAD_TYPEDEF,
    }
}

/// Computes the size and alignment of a struct type, and writes the offset of each member to
/// `offsets`, in bytes, unless that is null.
///
/// Returns [`FFI_OK`], [`FFI_BAD_ABI`], or [`FFI_BAD_TYPEDEF`] for what is no struct.
///
/// # Safety
/// `struct_type` is null or an `ffi_type` as for [`ffi_prep_cif`]; `offsets` is null or writable
/// for as many as there are members.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ffi_get_struct_offsets(
    abi: ffi_abi,
    struct_type: *mut ffi_type,
    offsets: *mut usize,
) -> ffi_status {
    if convention(abi).is_none() {
        return FFI_BAD_ABI;
    }
    // SAFETY: it is a type.
    if struct_type.is_null() || unsafe { (*struct_type).type_ } != FFI_TYPE_STRUCT {
        return FFI_BAD_TYPEDEF;
    }
    let mut words = Description::new(0);
    // SAFETY: the caller's.
    if unsafe { describe(struct_type, &mut words) }.is_err() {
        return FFI_BAD_TYPEDEF;
    }
    let ty: Type = match build(&mut &words.words()[1..]) {
        Ok(ty) => ty,
        Err(_) => return FFI_BAD_TYPEDEF,
    };
    if !offsets.is_null() {
        for (index, field) in ty.fields().iter().enumerate() {
            // SAFETY: there is room for each member's.
            unsafe { offsets.add(index).write(field.offset()) };
        }
    }
    FFI_OK
}
