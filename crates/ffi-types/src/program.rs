//! Programs: calls whose arguments go straight to their places, by steps that the ABI crates'
//! assembly has one after the other.

use crate::Extension;
use core::ffi::c_void;
use core::mem::offset_of;

/// The steps of a call, and the arguments that they load: what a convention's `steps.S` follows in
/// place of an image. Each step is said by the distance of its code from that of the first one, in
/// bytes.
///
/// The stack's slots are filled first, then the vector registers are loaded, then the general ones,
/// and of each the last before the first. A step fills one slot, or loads a pair of registers.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Program {
    /// The first step.
    pub start: u16,
    /// What follows the stack's first slot.
    pub vector_start: u16,
    /// What follows the first pair of vector registers.
    pub general_start: u16,
    /// How many vector registers are used, where the callee is told.
    pub vector_count: u16,
    /// The step of each pair of general registers; that of the pair before it follows.
    pub general_code: [u16; 4],
    /// The step of each pair of vector registers.
    pub vector_code: [u16; 4],
    /// The step of each slot of the stack.
    pub stack_code: [u16; 8],
    /// The argument of each general register.
    pub general: [u8; 8],
    /// The argument of each vector register.
    pub vector: [u8; 8],
    /// Where a vector register's bytes begin in the argument, where its way asks.
    pub vector_offsets: [u8; 8],
    /// The argument of each slot of the stack.
    pub stack: [u8; 8],
    /// Where a slot's bytes begin in the argument, where its way asks.
    pub stack_offsets: [u8; 8],
}

/// What a call by steps calls in the end.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The function.
    pub function: *const c_void,
    /// Where the result goes, for a callee that is told.
    pub result: *mut c_void,
}

// The assembly has these numbers from `ffi-asm`.
const _: () = {
    assert!(offset_of!(Program, start) == 0);
    assert!(offset_of!(Program, vector_start) == 2);
    assert!(offset_of!(Program, general_start) == 4);
    assert!(offset_of!(Program, vector_count) == 6);
    assert!(offset_of!(Program, general_code) == 8);
    assert!(offset_of!(Program, vector_code) == 16);
    assert!(offset_of!(Program, stack_code) == 24);
    assert!(offset_of!(Program, general) == 40);
    assert!(offset_of!(Program, vector) == 48);
    assert!(offset_of!(Program, vector_offsets) == 56);
    assert!(offset_of!(Program, stack) == 64);
    assert!(offset_of!(Program, stack_offsets) == 72);
    assert!(offset_of!(Target, function) == 0);
    assert!(offset_of!(Target, result) == 8);
};

/// A way to load a register or to fill a slot: the number by which the macros of the assembly have
/// it. [`NO_WAY`] where there is nothing to load, or no way to.
pub type Way = u8;

/// Nothing is loaded.
pub const NO_WAY: Way = 0;

/// How a convention's steps are numbered.
#[derive(Debug, Clone, Copy)]
pub struct Steps {
    /// From one step to the next, in bytes.
    pub size: u16,
    /// The first step of each pair of general registers: for each way of the first register, and
    /// then for each of the second.
    pub general: [u16; 4],
    /// How many steps of the same pair have the same way of the first register.
    pub general_ways: u16,
    /// The first step of each pair of vector registers.
    pub vector: [u16; 4],
    /// As `general_ways`.
    pub vector_ways: u16,
    /// The first step of the stack's first slot.
    pub stack: u16,
    /// How many steps each slot has.
    pub stack_ways: u16,
}

/// How `len` bytes of an argument, from `offset` on, are loaded to a general register.
pub const fn general_way(len: u32, extension: Extension, offset: u32) -> Way {
    match (len, extension, offset) {
        (8, _, 0) => 1,
        (4, Extension::Sign, 0) => 2,
        (4, _, 0) => 3,
        (2, Extension::Sign, 0) => 4,
        (2, _, 0) => 5,
        (1, Extension::Sign, 0) => 6,
        (1, _, 0) => 7,
        (8, _, 8) => 8,
        (4, Extension::Zero, 8) => 9,
        _ => NO_WAY,
    }
}

/// How `len` bytes of an argument, from `offset` on, fill a slot of the stack that holds nothing else.
pub const fn stack_way(len: u32, offset: u32) -> Way {
    match (len, offset) {
        (8, 1..) => 8,
        (4, 1..) => 9,
        (_, 0) => general_way(len, Extension::Zero, 0),
        _ => NO_WAY,
    }
}

/// The ways of a call's registers and slots, as a convention gives them out.
#[derive(Debug, Default)]
pub(crate) struct Ways {
    pub(crate) general: [Way; 8],
    pub(crate) vector: [Way; 8],
    pub(crate) stack: [Way; 8],
    /// How many there are of each.
    pub(crate) taken: [u8; 3],
    /// Something is passed in a way that there is no step for.
    pub(crate) incomplete: bool,
}

impl Ways {
    /// Whether there is a step, and room for the number of its argument: that may be large even where
    /// few registers are taken, as empty structs are arguments too.
    #[inline]
    pub(crate) fn check(&mut self, argument: usize, way: Way) {
        self.incomplete |= way == NO_WAY || argument > usize::from(u8::MAX);
    }

    /// Writes down the steps, in the order in which they follow each other from the last one on.
    #[inline]
    pub(crate) fn write(&self, steps: &Steps, program: &mut Program) {
        let [general, vector, stack] = self.taken.map(usize::from);
        let code = |number: u16| number * steps.size;
        let pair = |ways: &[Way; 8], pair: usize, first: u16, count: u16| {
            let [a, b] = [ways[2 * pair], ways[2 * pair + 1]].map(u16::from);
            code(first + (a - 1) * count + b)
        };
        // The call itself is step 0.
        let mut next = 0;
        for (index, first) in steps.general.into_iter().enumerate().take(general.div_ceil(2)) {
            next = pair(&self.general, index, first, steps.general_ways);
            program.general_code[index] = next;
        }
        program.general_start = next;
        for (index, first) in steps.vector.into_iter().enumerate().take(vector.div_ceil(2)) {
            next = pair(&self.vector, index, first, steps.vector_ways);
            program.vector_code[index] = next;
        }
        program.vector_start = next;
        for (slot, way) in self.stack.into_iter().enumerate().take(stack) {
            next = code(steps.stack + slot as u16 * steps.stack_ways + u16::from(way));
            program.stack_code[slot] = next;
        }
        program.start = next;
    }
}
