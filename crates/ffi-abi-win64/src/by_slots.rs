//! The entries for filled images with little on the stack.

use crate::layout::{REGISTERS_SIZE, SHADOW_SPACE};
use crate::registers::Registers;
use crate::trampoline::{Way, call_vector};
use core::ffi::c_void;
use core::mem::{MaybeUninit, transmute};
use core::ops::Range;
use ffi_types::results::Kind;
use ffi_types::{ImageEntry, Plan};

/// The way of a plan whose stack arguments are few.
pub(crate) fn way(plan: &Plan) -> Option<BySlots> {
    // Rust aligns the stack area as every call does.
    let few = !slots(plan).is_empty() && slots(plan).len() <= 8 && plan.stack_align() <= 16;
    few.then_some(BySlots)
}

/// The eightbytes of the image that are stack arguments, behind the shadow space.
#[inline(always)]
fn slots(plan: &Plan) -> Range<usize> {
    let start = (REGISTERS_SIZE + SHADOW_SPACE) as usize;
    start / 8..(REGISTERS_SIZE as usize + plan.stack_size()) / 8
}

/// The stack arguments are passed by Rust, as so many words.
pub(crate) struct BySlots;

impl Way for BySlots {
    type Entry = ImageEntry;
    fn entry<K: Kind>(self) -> ImageEntry {
        with_slots::<K>
    }
}

/// An eightbyte of the stack.
type Slot = MaybeUninit<u64>;

/// `call_vector` with stack arguments. They belong to the function that is called, so
/// they may be handed on to the one that it jumps to.
type CallSlots<R> = unsafe extern "win64-unwind" fn(
    *const Registers,
    *const c_void,
    // r8, r9.
    Slot,
    Slot,
    // The stack area.
    Slot,
    Slot,
    Slot,
    Slot,
    Slot,
    Slot,
    Slot,
    Slot,
) -> R;

/// # Safety
/// As `CallingConvention::image_entry` says; the plan is one of this way.
unsafe fn with_slots<K: Kind>(
    plan: &Plan,
    function: *const c_void,
    image: *const u8,
    result: *mut c_void,
) {
    let slots = slots(plan);
    // Those that there are not are the last one again: to choose takes no branch.
    //
    // SAFETY: there is one, and it is in the image.
    let slot = |index: usize| unsafe {
        *image.cast::<Slot>().add((slots.start + index).min(slots.end - 1))
    };
    // SAFETY: the image and the function are the caller's. `call_vector` has this type for a result
    // in these registers, as it jumps to the function and touches no stack.
    unsafe {
        let call: CallSlots<K::Raw> = transmute(call_vector as unsafe extern "C-unwind" fn());
        let none = Slot::uninit();
        let raw = call(
            image.cast(),
            function,
            none,
            none,
            slot(0),
            slot(1),
            slot(2),
            slot(3),
            slot(4),
            slot(5),
            slot(6),
            slot(7),
        );
        K::write(raw, plan, result.cast());
    }
}
