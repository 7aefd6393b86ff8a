//! Kinds of results: which register a call's result comes back in, and how it is written out.

use crate::layout;
use crate::registers::Returned;
use crate::trampoline::Way;
use ffi_types::results::{Kind, Nothing, One, Register, low_bytes};
use ffi_types::{Plan, ReturnPlan};

/// The entry of a way to pass arguments for the plan's kind of result.
#[inline]
pub(crate) fn for_result<W: Way>(plan: &Plan, way: W) -> W::Entry {
    match plan.return_plan() {
        ReturnPlan::Registers([m]) => match (m.to == layout::RETURN_VECTOR, low_bytes(m)) {
            (false, Some(8)) => way.entry::<One<u64, u64>>(),
            (false, Some(4)) => way.entry::<One<u64, u32>>(),
            (false, Some(2)) => way.entry::<One<u64, u16>>(),
            (false, Some(_)) => way.entry::<One<u64, u8>>(),
            (true, Some(8)) => way.entry::<One<f64, u64>>(),
            (true, Some(4)) => way.entry::<One<f64, u32>>(),
            (false, None) => way.entry::<Any<u64>>(),
            (true, _) => way.entry::<Any<f64>>(),
        },
        _ => way.entry::<Nothing>(),
    }
}

/// The low bytes of rax or xmm0, as many as the plan says.
pub(crate) struct Any<R>(R);

macro_rules! any {
    ($($raw:ty => $file:ident;)*) => {
        $(impl Kind for Any<$raw> {
            type Raw = $raw;

            #[inline(always)]
            unsafe fn write(raw: $raw, plan: &Plan, result: *mut u8) {
                let mut returned = Returned::default();
                returned.$file[0] = Register::bits(raw);
                // SAFETY: the result is the caller's, and `returned` is the plan's register file.
                unsafe { plan.load_return((&raw const returned).cast(), result) };
            }
        })*
    };
}

any! {
    u64 => general;
    f64 => vector;
}
