//! Kinds of results: which registers a call's result comes back in, and how it is written out.

use crate::layout;
use crate::registers::Returned;
use crate::trampoline::Way;
use ffi_types::results::{Kind, Nothing, One, Pair, Register, Two, low_bytes};
use ffi_types::{Move, Plan, ReturnPlan};

/// The entry of a way to pass arguments for the plan's kind of result.
pub(crate) fn for_result<W: Way>(plan: &Plan, way: W) -> W::Entry {
    let ReturnPlan::Registers(moves) = plan.return_plan() else { return way.entry::<Nothing>() };
    let in_vector = |m: &Move| m.to >= layout::RETURN_VECTOR;
    match moves {
        // A first eightbyte of padding is not returned; then the offset is 8.
        [m] if low_bytes(m).is_some() => match (in_vector(m), m.len) {
            (false, 8) => way.entry::<One<u64, u64>>(),
            (false, 4) => way.entry::<One<u64, u32>>(),
            (false, 2) => way.entry::<One<u64, u16>>(),
            (false, _) => way.entry::<One<u64, u8>>(),
            (true, 8) => way.entry::<One<f64, u64>>(),
            (true, 4) => way.entry::<One<f64, u32>>(),
            (true, _) => way.entry::<Any<f64, f64>>(),
        },
        [a, b] if (a.offset, a.len, b.offset, b.len) == (0, 8, 8, 8) => {
            match (in_vector(a), in_vector(b)) {
                (false, false) => way.entry::<Two<u64, u64, u64>>(),
                (true, true) => way.entry::<Two<f64, f64, u64>>(),
                (false, true) => way.entry::<Two<u64, f64, u64>>(),
                (true, false) => way.entry::<Two<f64, u64, u64>>(),
            }
        }
        [a, b] if (a.offset, a.len, b.offset, b.len) == (0, 8, 8, 4) => {
            match (in_vector(a), in_vector(b)) {
                (false, false) => way.entry::<Two<u64, u64, u32>>(),
                (true, true) => way.entry::<Two<f64, f64, u32>>(),
                (false, true) => way.entry::<Two<u64, f64, u32>>(),
                (true, false) => way.entry::<Two<f64, u64, u32>>(),
            }
        }
        [a, rest @ ..] => match (in_vector(a), rest.first().is_some_and(in_vector)) {
            (false, false) => way.entry::<Any<u64, u64>>(),
            (true, true) => way.entry::<Any<f64, f64>>(),
            (false, true) => way.entry::<Any<u64, f64>>(),
            (true, false) => way.entry::<Any<f64, u64>>(),
        },
        [] => way.entry::<Nothing>(),
    }
}

/// Up to two registers and a result of any size, by way of the plan's moves.
pub(crate) struct Any<A, B>(A, B);

macro_rules! any {
    ($($a:ty, $b:ty => $first:ident[$i:literal], $second:ident[$j:literal];)*) => {
        $(impl Kind for Any<$a, $b> {
            type Raw = Pair<$a, $b>;

            #[inline(always)]
            unsafe fn write(raw: Pair<$a, $b>, plan: &Plan, result: *mut u8) {
                let mut returned = Returned::default();
                returned.$first[$i] = raw.0.bits();
                returned.$second[$j] = raw.1.bits();
                // SAFETY: the result is the caller's, and `returned` is the plan's register file.
                unsafe { plan.load_return((&raw const returned).cast(), result) };
            }
        })*
    };
}

any! {
    u64, u64 => general[0], general[1];
    f64, f64 => vector[0], vector[1];
    u64, f64 => general[0], vector[0];
    f64, u64 => vector[0], general[0];
}
