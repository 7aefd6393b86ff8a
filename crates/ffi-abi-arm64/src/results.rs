//! Kinds of results: which registers a call's result comes back in, and how it is written out.

use crate::layout;
use crate::registers::{Returned, Vector};
use crate::trampoline::Way;
use ffi_types::{Plan, ReturnPlan};

/// A kind of result: the Rust type that receives its registers, and how it is written out.
pub(crate) trait Kind {
    type Raw;

    /// # Safety
    /// `result` is writable for the size of the plan's return type, which is of this kind.
    unsafe fn write(raw: Self::Raw, plan: &Plan, result: *mut u8);
}

/// The entry of a way to pass arguments for the plan's kind of result.
#[inline]
pub(crate) fn for_result<W: Way>(plan: &Plan, way: W) -> W::Entry {
    let ReturnPlan::Registers(moves) = plan.return_plan() else { return way.entry::<Nothing>() };
    match moves {
        [m] if m.len == 8 && m.to == layout::RETURN_GENERAL => way.entry::<Whole<u64>>(),
        [m] if m.len == 8 && m.to == layout::RETURN_VECTOR => way.entry::<Whole<f64>>(),
        [m, ..] if m.to >= layout::RETURN_VECTOR => way.entry::<Vectors>(),
        [_, ..] => way.entry::<Generals>(),
        [] => way.entry::<Nothing>(),
    }
}

/// Nothing to be written: void, or a result that the callee writes to memory.
pub(crate) struct Nothing;

impl Kind for Nothing {
    type Raw = ();

    #[inline(always)]
    unsafe fn write((): (), _: &Plan, _: *mut u8) {}
}

/// All eight bytes of x0 (`u64`) or d0 (`f64`).
pub(crate) struct Whole<R>(R);

impl<R> Kind for Whole<R> {
    type Raw = R;

    #[inline(always)]
    unsafe fn write(raw: R, _: &Plan, result: *mut u8) {
        // SAFETY: `for_result` chose this for results of eight bytes, and so many has `R`.
        unsafe { result.cast::<R>().write_unaligned(raw) };
    }
}

/// x0 and x1, as the convention returns a struct of two integers; parts of them as the plan says.
pub(crate) struct Generals;

#[repr(C)]
pub(crate) struct TwoIntegers(u64, u64);

impl Kind for Generals {
    type Raw = TwoIntegers;

    #[inline(always)]
    unsafe fn write(raw: TwoIntegers, plan: &Plan, result: *mut u8) {
        let returned = Returned { general: [raw.0, raw.1], ..Returned::default() };
        // SAFETY: the result is the caller's, and `returned` is the plan's register file.
        unsafe { plan.load_return((&raw const returned).cast(), result) };
    }
}

/// d0 to d3, as the convention returns an HFA of four doubles; parts of them as the plan says.
pub(crate) struct Vectors;

#[repr(C)]
pub(crate) struct FourDoubles([f64; 4]);

impl Kind for Vectors {
    type Raw = FourDoubles;

    #[inline(always)]
    unsafe fn write(raw: FourDoubles, plan: &Plan, result: *mut u8) {
        let vector = raw.0.map(|low| Vector([low.to_bits(), 0]));
        let returned = Returned { vector, ..Returned::default() };
        // SAFETY: the result is the caller's, and `returned` is the plan's register file.
        unsafe { plan.load_return((&raw const returned).cast(), result) };
    }
}
