//! Kinds of results, for those who implement a convention: entries are compiled for each, so that a
//! call's return registers are written out without looking at the plan.

use crate::{Extension, Move, Plan};

/// A kind of result: the Rust type that receives its registers, and how it is written out.
pub trait Kind {
    /// What a function of the convention's returns in just these registers.
    type Raw;

    /// Writes the result.
    ///
    /// # Safety
    /// `result` is writable for the size of the plan's return type, which is of this kind.
    unsafe fn write(raw: Self::Raw, plan: &Plan, result: *mut u8);
}

/// Nothing to be written: void, or a result that the callee writes to memory.
#[derive(Debug)]
pub struct Nothing;

impl Kind for Nothing {
    type Raw = ();

    #[inline(always)]
    unsafe fn write((): (), _: &Plan, _: *mut u8) {}
}

/// The Rust type of a register, and the bits in it; the way there is the identity in machine code.
pub trait Register {
    /// All 64 bits.
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
pub trait Part {
    /// These bytes.
    fn low(bits: u64) -> Self;
}

macro_rules! part {
    ($($ty:ty)*) => {$(
        impl Part for $ty {
            #[inline(always)]
            fn low(bits: u64) -> $ty {
                bits as $ty
            }
        }
    )*};
}

part! { u8 u16 u32 u64 }

/// One register of which the result takes the size of `T`.
#[derive(Debug)]
pub struct One<R, T>(R, T);

impl<R: Register, T: Part> Kind for One<R, T> {
    type Raw = R;

    #[inline(always)]
    unsafe fn write(raw: R, _: &Plan, result: *mut u8) {
        // SAFETY: the result has the size of `T`, or the plan is not of this kind.
        unsafe { result.cast::<T>().write_unaligned(T::low(raw.bits())) };
    }
}

/// Two return registers, as C returns a struct of them.
#[derive(Debug)]
#[repr(C)]
pub struct Pair<A, B>(pub A, pub B);

/// Two registers: all of the first, and of the second the size of `T`.
#[derive(Debug)]
pub struct Two<A, B, T>(A, B, T);

impl<A: Register, B: Register, T: Part> Kind for Two<A, B, T> {
    type Raw = Pair<A, B>;

    #[inline(always)]
    unsafe fn write(raw: Pair<A, B>, _: &Plan, result: *mut u8) {
        // SAFETY: as `One`'s, with eight bytes before those of `T`.
        unsafe {
            result.cast::<u64>().write_unaligned(raw.0.bits());
            result.add(8).cast::<T>().write_unaligned(T::low(raw.1.bits()));
        }
    }
}

/// Whether a result is the low bytes of one register, and how many: 1, 2, 4 or 8. A `_Bool`'s are
/// not: its register may hold more than a zero or one.
#[inline]
pub fn low_bytes(m: &Move) -> Option<u32> {
    let plain = m.offset == 0 && m.extension != Extension::Bool;
    (plain && matches!(m.len, 1 | 2 | 4 | 8)).then_some(m.len)
}
