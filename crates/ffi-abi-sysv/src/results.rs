//! Kinds of results: which registers a call's result comes back in, and how it is written out.

use crate::layout;
use crate::registers::Returned;
use crate::trampoline::Way;
use ffi_types::{Extension, Move, Plan, ReturnPlan};

/// A kind of result: the Rust type that receives its registers, and how it is written out.
pub(crate) trait Kind {
    type Raw;

    /// # Safety
    /// `result` is writable for the size of the plan's return type, which is of this kind.
    unsafe fn write(raw: Self::Raw, plan: &Plan, result: *mut u8);
}

/// The entry of a way to pass arguments for the plan's kind of result.
pub(crate) fn for_result<W: Way>(plan: &Plan, way: W) -> W::Entry {
    let ReturnPlan::Registers(moves) = plan.return_plan() else { return way.entry::<Nothing>() };
    let in_vector = |m: &Move| m.to >= layout::RETURN_VECTOR;
    match moves {
        // A first eightbyte of padding is not returned; then the offset is 8.
        [m] if m.offset == 0 && m.len == 8 && in_vector(m) => way.entry::<One<f64, u64>>(),
        [m] if m.offset == 0 && m.len == 8 => way.entry::<One<u64, u64>>(),
        [m] if m.offset == 0 && m.len == 4 && in_vector(m) => way.entry::<One<f64, u32>>(),
        [m] if m.offset == 0 && m.len == 4 && m.extension != Extension::Bool => {
            way.entry::<One<u64, u32>>()
        }
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

/// Nothing to be written: void, or a result that the callee writes to memory.
pub(crate) struct Nothing;

impl Kind for Nothing {
    type Raw = ();

    #[inline(always)]
    unsafe fn write((): (), _: &Plan, _: *mut u8) {}
}

/// The Rust type of a register, and the bits in it; the way there is the identity in machine code.
pub(crate) trait Register {
    fn bits(self) -> u64;
}

impl Register for u64 {
    #[inline(always)]
    fn bits(self) -> u64 {
        self
    }
}

impl Register for f64 {
    #[inline(always)]
    fn bits(self) -> u64 {
        self.to_bits()
    }
}

/// The low bytes of a register, as many as the type has.
pub(crate) trait Part {
    fn low(bits: u64) -> Self;
}

impl Part for u64 {
    #[inline(always)]
    fn low(bits: u64) -> u64 {
        bits
    }
}

impl Part for u32 {
    #[inline(always)]
    fn low(bits: u64) -> u32 {
        bits as u32
    }
}

/// One register of which the result takes the size of `T`.
pub(crate) struct One<R, T>(R, T);

impl<R: Register, T: Part> Kind for One<R, T> {
    type Raw = R;

    #[inline(always)]
    unsafe fn write(raw: R, _: &Plan, result: *mut u8) {
        // SAFETY: `for_result` chose the type by the size of the result.
        unsafe { result.cast::<T>().write_unaligned(T::low(raw.bits())) };
    }
}

/// The first two return registers of their kinds, as the convention returns a struct of them.
#[repr(C)]
pub(crate) struct Pair<A, B>(A, B);

/// Two registers: all of the first, and of the second the size of `T`.
pub(crate) struct Two<A, B, T>(A, B, T);

impl<A: Register, B: Register, T: Part> Kind for Two<A, B, T> {
    type Raw = Pair<A, B>;

    #[inline(always)]
    unsafe fn write(raw: Pair<A, B>, _: &Plan, result: *mut u8) {
        // SAFETY: `for_result` chose the type by the size of the result.
        unsafe {
            result.cast::<u64>().write_unaligned(raw.0.bits());
            result.add(8).cast::<T>().write_unaligned(T::low(raw.1.bits()));
        }
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
