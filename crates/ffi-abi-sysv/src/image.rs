//! Entries for callers who fill the image themselves: those of `trampoline.rs` without the executor.

use crate::registers::{Registers, WideReturned, WideRoom};
use crate::results::{Kind, for_result};
use crate::trampoline::{
    CallGeneral, CallStack, CallVector, CallWide, Way, call_general, call_stack, call_vector,
    call_wide, is_wide, room, x87_results,
};
use core::ffi::c_void;
use core::mem::{MaybeUninit, transmute};
use ffi_types::{ImageEntry, Plan, check_vector_size};

/// The entry for a plan whose caller fills the image.
#[inline]
pub(crate) fn entry(plan: &Plan) -> Result<ImageEntry, &'static str> {
    if is_wide(plan) {
        check_vector_size(plan.vector_size())?;
        return Ok(match x87_results(plan) {
            0 => wide::<0>,
            1 => wide::<1>,
            _ => wide::<2>,
        });
    }
    Ok(if plan.stack_size() > 0 {
        for_result(plan, WithStack)
    } else if plan.uses_vector_registers() {
        for_result(plan, WithVector)
    } else {
        for_result(plan, WithGeneral)
    })
}

struct WithGeneral;
struct WithVector;
struct WithStack;

impl Way for WithGeneral {
    type Entry = ImageEntry;
    fn entry<K: Kind>(self) -> ImageEntry {
        with_general::<K>
    }
}

impl Way for WithVector {
    type Entry = ImageEntry;
    fn entry<K: Kind>(self) -> ImageEntry {
        with_vector::<K>
    }
}

impl Way for WithStack {
    type Entry = ImageEntry;
    fn entry<K: Kind>(self) -> ImageEntry {
        with_stack::<K>
    }
}

/// # Safety
/// As `CallingConvention::image_entry` says; the plan is as for `with_general` of `trampoline.rs`.
unsafe fn with_general<K: Kind>(
    plan: &Plan,
    function: *const c_void,
    image: *const u8,
    result: *mut c_void,
) {
    // SAFETY: the image starts with the register file; the rest is as in `with_general`.
    unsafe {
        let call: CallGeneral<K::Raw> = transmute(call_general as *const ());
        K::write(call(image.cast(), function), plan, result.cast());
    }
}

/// # Safety
/// As `CallingConvention::image_entry` says; the plan is as for `with_vector`.
unsafe fn with_vector<K: Kind>(
    plan: &Plan,
    function: *const c_void,
    image: *const u8,
    result: *mut c_void,
) {
    // SAFETY: as in `with_general`.
    unsafe {
        let call: CallVector<K::Raw> = transmute(call_vector as *const ());
        K::write(call(image.cast(), function, plan.vector_count().into()), plan, result.cast());
    }
}

/// # Safety
/// As `CallingConvention::image_entry` says.
unsafe fn with_stack<K: Kind>(
    plan: &Plan,
    function: *const c_void,
    image: *const u8,
    result: *mut c_void,
) {
    let room = room(plan);
    // SAFETY: `call_stack` makes room for the plan's image and has `copy` write it; the rest is as
    // in `with_general`.
    unsafe {
        let call: CallStack<K::Raw> = transmute(call_stack as *const ());
        K::write(call(plan, image.cast(), result, function, &room, copy), plan, result.cast());
    }
}

/// # Safety
/// As `CallingConvention::image_entry` says; the plan is as for `wide`.
unsafe fn wide<const X87: u32>(
    plan: &Plan,
    function: *const c_void,
    image: *const u8,
    result: *mut c_void,
) {
    let mut returned = MaybeUninit::<WideReturned>::zeroed();
    let room = WideRoom {
        room: room(plan),
        returned: returned.as_mut_ptr(),
        vector_size: plan.vector_size().into(),
        x87: X87,
    };
    // SAFETY: as in `wide`.
    unsafe {
        let call: CallWide = transmute(call_wide as *const ());
        call(plan, image.cast(), result, function, &room, copy);
        plan.load_return(returned.as_ptr().cast(), result.cast());
    }
}

/// In place of `fill`: copies an image that the caller has filled.
///
/// # Safety
/// `from` is an image of the plan's, and so is `image`.
unsafe extern "sysv64" fn copy(
    plan: &Plan,
    from: *const *const c_void,
    _: *mut c_void,
    image: *mut Registers,
) -> u32 {
    // SAFETY: the caller's.
    unsafe {
        core::ptr::copy_nonoverlapping(from.cast::<u8>(), image.cast(), plan.image_size());
    }
    plan.vector_count().into()
}
