//! The steps of calls: programs for `steps.S`, which take each argument straight from where it is to
//! its register or stack slot.

use crate::layout::{self, HIDDEN, STEP_SIZE};
use core::mem::offset_of;
use ffi_types::{Extension, Program};

/// A way to load a register or to fill a slot, as the macros of the assembly number them; 0 for none.
pub(crate) type Way = u8;

/// How many ways there are to load a general register or fill a slot of the stack.
const GENERAL_WAYS: u16 = 9;
/// How many ways there are to load a vector register.
const VECTOR_WAYS: u16 = 4;

/// The number of the step of nothing but the call, and of the first step of each other kind.
const CALL: u16 = 0;
const GENERAL: [u16; 3] = {
    let last = CALL + 1;
    let second = last + HIDDEN as u16 * (GENERAL_WAYS + 1);
    [last, second, second + GENERAL_WAYS * (GENERAL_WAYS + 1)]
};
const VECTOR: u16 = GENERAL[2] + GENERAL_WAYS * (GENERAL_WAYS + 1);
const STACK: u16 = VECTOR + 4 * VECTOR_WAYS * (VECTOR_WAYS + 1);

/// How many eightbytes of the stack there are steps for.
pub(crate) const SLOTS: usize = 8;

/// The ways of a call's registers and slots, as the counters give them out.
#[derive(Default)]
pub(crate) struct Ways {
    general: [Way; 6],
    vector: [Way; 8],
    stack: [Way; SLOTS],
    /// Something is passed in a way that there is no step for.
    incomplete: bool,
}

impl Ways {
    /// The first general register holds the address of the result.
    pub(crate) fn hidden(&mut self) {
        self.general[0] = HIDDEN as Way;
    }

    #[inline]
    pub(crate) fn general(
        &mut self,
        program: &mut Program,
        index: usize,
        argument: usize,
        way: Way,
    ) {
        self.check(argument, way);
        self.general[index] = way;
        program.general[index] = argument as u8;
    }

    #[inline]
    pub(crate) fn vector(
        &mut self,
        program: &mut Program,
        index: usize,
        argument: usize,
        way: Way,
    ) {
        self.check(argument, way);
        self.vector[index] = way;
        program.vector[index] = argument as u8;
    }

    /// Whether there is a step, and room for the number of its argument. (Empty structs are arguments
    /// too, and take no register.)
    #[inline]
    fn check(&mut self, argument: usize, way: Way) {
        self.incomplete |= way == 0 || argument > usize::from(u8::MAX);
    }

    /// One eightbyte at a distance from the start of the stack area, taken from `offset` on.
    #[inline]
    pub(crate) fn stack(
        &mut self,
        program: &mut Program,
        to: u64,
        (argument, offset): (usize, u32),
        way: Way,
    ) {
        let slot = to as usize / 8;
        self.check(argument, way);
        self.incomplete |= slot >= SLOTS;
        if slot < SLOTS {
            self.stack[slot] = way;
            program.stack[slot] = argument as u8;
            program.stack_offsets[slot] = offset as u8;
        }
    }

    /// Writes the steps, unless there are none for some part of the call. `general`, `vector` and
    /// `slots` are how many registers and slots are taken.
    #[inline]
    pub(crate) fn finish(
        &self,
        program: &mut Program,
        (general, vector, slots): (usize, usize, usize),
    ) -> bool {
        if self.incomplete {
            return false;
        }
        let mut next = CALL;
        for (pair, first) in GENERAL.into_iter().enumerate().take(general.div_ceil(2)) {
            let [a, b] = [self.general[2 * pair], self.general[2 * pair + 1]].map(u16::from);
            next = (first + (a - 1) * (GENERAL_WAYS + 1) + b) * STEP_SIZE as u16;
            program.general_code[pair] = next;
        }
        program.general_start = next;
        for pair in 0..vector.div_ceil(2) {
            let [a, b] = [self.vector[2 * pair], self.vector[2 * pair + 1]].map(u16::from);
            let number = (pair as u16 * VECTOR_WAYS + a - 1) * (VECTOR_WAYS + 1) + b;
            next = (VECTOR + number) * STEP_SIZE as u16;
            program.vector_code[pair] = next;
        }
        program.vector_start = next;
        for (slot, way) in self.stack.iter().enumerate().take(slots) {
            next = (STACK + slot as u16 * (GENERAL_WAYS + 1) + u16::from(*way)) * STEP_SIZE as u16;
            program.stack_code[slot] = next;
        }
        program.start = next;
        program.vector_count = vector as u16;
        true
    }
}

/// How a general register is loaded with `len` bytes from `offset` on.
pub(crate) const fn general_way(len: u32, extension: Extension, offset: u32) -> Way {
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
        _ => 0,
    }
}

/// How a vector register is loaded with `len` bytes from `offset` on.
pub(crate) const fn vector_way(len: u32, offset: u32) -> Way {
    match (len, offset) {
        (8, 0) => 1,
        (4, 0) => 2,
        (8, 8) => 3,
        (4, 8) => 4,
        _ => 0,
    }
}

/// How a slot is filled with `len` bytes from `offset` on. Nothing else is in that slot, so more
/// bytes may be written.
pub(crate) const fn stack_way(len: u32, offset: u32) -> Way {
    match (len, offset) {
        (8, 1..) => 8,
        (4, 1..) => 9,
        (_, 0) => general_way(len, Extension::Zero, 0),
        _ => 0,
    }
}

const _: () = {
    assert!(offset_of!(Program, start) == layout::PROGRAM_START as usize);
    assert!(offset_of!(Program, vector_start) == layout::PROGRAM_VECTOR_START as usize);
    assert!(offset_of!(Program, general_start) == layout::PROGRAM_GENERAL_START as usize);
    assert!(offset_of!(Program, vector_count) == layout::PROGRAM_VECTOR_COUNT as usize);
    assert!(offset_of!(Program, general_code) == layout::PROGRAM_GENERAL_CODE as usize);
    assert!(offset_of!(Program, vector_code) == layout::PROGRAM_VECTOR_CODE as usize);
    assert!(offset_of!(Program, stack_code) == layout::PROGRAM_STACK_CODE as usize);
    assert!(offset_of!(Program, general) == layout::PROGRAM_GENERAL as usize);
    assert!(offset_of!(Program, vector) == layout::PROGRAM_VECTOR as usize);
    assert!(offset_of!(Program, stack) == layout::PROGRAM_STACK as usize);
    assert!(offset_of!(Program, stack_offsets) == layout::PROGRAM_STACK_OFFSETS as usize);
};
