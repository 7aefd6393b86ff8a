//! Kinds of results: which register a call's result comes back in, and how it is written out.

use crate::layout;
use crate::registers::Returned;
use crate::trampoline::Way;
use ffi_types::{Plan, ReturnPlan};

/// A kind of result: the Rust type that receives its register, and how it is written out.
pub(crate) trait Kind {
    type Raw;

    /// # Safety
    /// `result` is writable for the size of the plan's return type, which is of this kind.
    unsafe fn write(raw: Self::Raw, plan: &Plan, result: *mut u8);
}

/// The entry of a way to pass arguments for the plan's kind of result.
#[inline]
pub(crate) fn for_result<W: Way>(plan: &Plan, way: W) -> W::Entry {
    match plan.return_plan() {
        ReturnPlan::Registers([m]) => match (m.to == layout::RETURN_VECTOR, m.len) {
            (false, 8) => way.entry::<Whole<u64>>(),
            (true, 8) => way.entry::<Whole<f64>>(),
            (false, _) => way.entry::<Part<u64>>(),
            (true, _) => way.entry::<Part<f64>>(),
        },
        _ => way.entry::<Nothing>(),
    }
}

/// Nothing to be written: void, or a result that the callee writes to memory.
pub(crate) struct Nothing;

impl Kind for Nothing {
    type Raw = ();

    #[inline(always)]
    unsafe fn write((): (), _: &Plan, _: *mut u8) {}
}

/// All eight bytes of rax (`u64`) or of the low half of xmm0 (`f64`).
pub(crate) struct Whole<R>(R);

impl<R> Kind for Whole<R> {
    type Raw = R;

    #[inline(always)]
    unsafe fn write(raw: R, _: &Plan, result: *mut u8) {
        // SAFETY: `for_result` chose this for results of eight bytes, and so many has `R`.
        unsafe { result.cast::<R>().write_unaligned(raw) };
    }
}

/// The low bytes of rax or xmm0, as many as the plan says.
pub(crate) struct Part<R>(R);

macro_rules! part {
    ($($raw:ty => $file:ident, $bits:expr;)*) => {
        $(impl Kind for Part<$raw> {
            type Raw = $raw;

            #[inline(always)]
            unsafe fn write(raw: $raw, plan: &Plan, result: *mut u8) {
                let mut returned = Returned::default();
                returned.$file[0] = $bits(raw);
                // SAFETY: the result is the caller's, and `returned` is the plan's register file.
                unsafe { plan.load_return((&raw const returned).cast(), result) };
            }
        })*
    };
}

part! {
    u64 => general, core::convert::identity;
    f64 => vector, f64::to_bits;
}
