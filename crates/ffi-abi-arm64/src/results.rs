//! Kinds of results: which registers a call's result comes back in, and how it is written out.

use crate::layout;
use crate::registers::{Returned, Vector};
use crate::trampoline::Way;
use ffi_types::results::{Kind, Nothing, One, Pair, Part, Two, low_bytes};
use ffi_types::{Move, Plan, ReturnPlan};

/// The entry of a way to pass arguments for the plan's kind of result.
#[inline]
pub(crate) fn for_result<W: Way>(plan: &Plan, way: W) -> W::Entry {
    let ReturnPlan::Registers(moves) = plan.return_plan() else { return way.entry::<Nothing>() };
    match moves {
        [m] if m.to == layout::RETURN_GENERAL => match low_bytes(m) {
            Some(8) => way.entry::<One<u64, u64>>(),
            Some(4) => way.entry::<One<u64, u32>>(),
            Some(2) => way.entry::<One<u64, u16>>(),
            Some(_) => way.entry::<One<u64, u8>>(),
            None => way.entry::<Generals>(),
        },
        [m, ..] if m.to >= layout::RETURN_VECTOR => match (moves.len(), members(moves)) {
            (1, Some(8)) => way.entry::<One<f64, u64>>(),
            (1, Some(4)) => way.entry::<One<f64, u32>>(),
            (2, Some(8)) => way.entry::<Hfa<u64, 2>>(),
            (2, Some(4)) => way.entry::<Hfa<u32, 2>>(),
            (3, Some(8)) => way.entry::<Hfa<u64, 3>>(),
            (3, Some(4)) => way.entry::<Hfa<u32, 3>>(),
            (4, Some(8)) => way.entry::<Hfa<u64, 4>>(),
            (4, Some(4)) => way.entry::<Hfa<u32, 4>>(),
            _ => way.entry::<Vectors>(),
        },
        [a, b] if (a.offset, a.len, b.offset, b.len) == (0, 8, 8, 8) => {
            way.entry::<Two<u64, u64, u64>>()
        }
        [a, b] if (a.offset, a.len, b.offset, b.len) == (0, 8, 8, 4) => {
            way.entry::<Two<u64, u64, u32>>()
        }
        [_, ..] => way.entry::<Generals>(),
        [] => way.entry::<Nothing>(),
    }
}

/// The size of each member, if each is in a register of its own, one after another: an HFA of
/// `float` or `double`.
fn members(moves: &[Move]) -> Option<u32> {
    let size = moves.first()?.len;
    let follows = |(at, m): (usize, &Move)| {
        let register = layout::RETURN_VECTOR + (at * size_of::<Vector>()) as u32;
        (m.to, m.offset, m.len) == (register, at as u32 * size, size)
    };
    let each = moves.iter().enumerate().all(follows);
    (each && matches!(size, 4 | 8)).then_some(size)
}

/// x0 and x1, as the convention returns a struct of two integers; parts of them as the plan says.
pub(crate) struct Generals;

impl Kind for Generals {
    type Raw = Pair<u64, u64>;

    #[inline(always)]
    unsafe fn write(raw: Pair<u64, u64>, plan: &Plan, result: *mut u8) {
        let returned = Returned { general: [raw.0, raw.1], ..Returned::default() };
        // SAFETY: the result is the caller's, and `returned` is the plan's register file.
        unsafe { plan.load_return((&raw const returned).cast(), result) };
    }
}

/// d0 to d3, as the convention returns an HFA of four doubles.
#[repr(C)]
pub(crate) struct FourDoubles([f64; 4]);

/// The low halves of the first `N`, or quarters, as `T` has it.
pub(crate) struct Hfa<T, const N: usize>(T);

impl<T: Part, const N: usize> Kind for Hfa<T, N> {
    type Raw = FourDoubles;

    #[inline(always)]
    unsafe fn write(raw: FourDoubles, _: &Plan, result: *mut u8) {
        for (at, register) in raw.0.into_iter().take(N).enumerate() {
            // SAFETY: the result has `N` members of the size of `T`, or the plan is not of this kind.
            unsafe { result.cast::<T>().add(at).write_unaligned(T::low(register.to_bits())) };
        }
    }
}

/// d0 to d3, or parts of them as the plan says.
pub(crate) struct Vectors;

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
