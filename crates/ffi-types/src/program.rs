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

impl Steps {
    /// Wraps for [`NO_WAY`], whose steps nothing takes: the call is incomplete.
    #[inline(always)]
    const fn code(&self, number: u16) -> u16 {
        number.wrapping_mul(self.size)
    }

    /// What loading one more register makes of the step of its pair.
    #[inline(always)]
    fn load(&self, code: &mut u16, register: usize, first: u16, ways: u16, way: Way) {
        let way = u16::from(way);
        match register % 2 {
            0 => *code = self.code(first.wrapping_add(way.wrapping_sub(1).wrapping_mul(ways))),
            _ => *code = code.wrapping_add(self.code(way)),
        }
    }
}

/// What is known of a call's steps while registers and slots are given out.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// How many there are of each.
    general: usize,
    vector: usize,
    stack: usize,
    /// Something is passed in a way that there is no step for.
    pub(crate) incomplete: bool,
}

impl Progress {
    #[inline(always)]
    pub(crate) fn general(
        &mut self,
        steps: &Steps,
        program: &mut Program,
        (register, argument, way): (usize, usize, Way),
    ) {
        self.check(argument, way);
        let pair = register / 2;
        let (code, first) = (&mut program.general_code[pair], steps.general[pair]);
        steps.load(code, register, first, steps.general_ways, way);
        program.general[register] = argument as u8;
        self.general = register + 1;
    }

    #[inline(always)]
    pub(crate) fn vector(
        &mut self,
        steps: &Steps,
        program: &mut Program,
        (register, argument, way, offset): (usize, usize, Way, u32),
    ) {
        self.check(argument, way);
        let pair = register / 2;
        let (code, first) = (&mut program.vector_code[pair], steps.vector[pair]);
        steps.load(code, register, first, steps.vector_ways, way);
        program.vector[register] = argument as u8;
        program.vector_offsets[register] = offset as u8;
        self.vector = register + 1;
    }

    #[inline(always)]
    pub(crate) fn stack(
        &mut self,
        steps: &Steps,
        program: &mut Program,
        (to, argument, way, offset): (u64, usize, Way, u32),
    ) {
        self.check(argument, way);
        let slot = to as usize / 8;
        if slot >= program.stack.len() || !to.is_multiple_of(8) {
            self.incomplete = true;
            return;
        }
        let code = |slot: usize, way: Way| {
            steps.code(steps.stack + slot as u16 * steps.stack_ways + u16::from(way))
        };
        // Those that were left out for an alignment.
        for padding in self.stack..slot {
            program.stack_code[padding] = code(padding, NO_WAY);
        }
        program.stack_code[slot] = code(slot, way);
        program.stack[slot] = argument as u8;
        program.stack_offsets[slot] = offset as u8;
        self.stack = slot + 1;
    }

    /// Whether there is a step, and room for the number of its argument: that may be large even where
    /// few registers are taken, as empty structs are arguments too.
    #[inline(always)]
    fn check(&mut self, argument: usize, way: Way) {
        self.incomplete |= way == NO_WAY || argument > usize::from(u8::MAX);
    }

    /// Joins the steps of the stack, of the vector and of the general registers.
    #[inline(always)]
    pub(crate) fn join(&self, program: &mut Program) {
        // The call itself is step 0.
        let last = |codes: &[u16], count: usize| codes[..count].last().copied();
        let general = last(&program.general_code, self.general.div_ceil(2)).unwrap_or(0);
        let vector = last(&program.vector_code, self.vector.div_ceil(2)).unwrap_or(general);
        program.general_start = general;
        program.vector_start = vector;
        program.start = last(&program.stack_code, self.stack).unwrap_or(vector);
    }
}
