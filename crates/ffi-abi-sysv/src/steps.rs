//! Calls by steps: programs for `steps.S`, and the entries that run them.

use crate::layout::{self, HIDDEN, STEP_SIZE};
use crate::registers::REGISTERS;
use crate::results::Kind;
use crate::trampoline::{Way, call_steps};
use core::ffi::c_void;
use core::mem::{MaybeUninit, offset_of, transmute};
use ffi_types::{Entry, Extension, Move, Plan, Program};

/// How many ways there are to load a general register or a slot of the stack, as `LOAD_BY` of the
/// assembly numbers them from 1 on; 0 is for nothing.
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

/// What a program's last step calls.
#[repr(C)]
struct Target {
    function: *const c_void,
    /// Where the result goes, if the callee is told.
    result: *mut c_void,
}

/// The program for a call, unless one of its moves is none that the steps know. `hidden` is whether
/// the first general register holds the address of the result.
pub(crate) fn program(moves: &[Move], hidden: bool, vector_count: usize) -> Option<Program> {
    let mut program = Program { vector_count: vector_count as u16, ..Program::default() };
    let (mut general, mut vector, mut stack) = ([0; 6], [0; 8], [0; 8]);
    if hidden {
        general[0] = HIDDEN as u16;
    }
    for m in moves {
        let argument = u8::try_from(m.argument).ok()?;
        if let Some(offset) = m.to.checked_sub(REGISTERS.size) {
            let slot = offset as usize / 8;
            if slot >= stack.len() || !offset.is_multiple_of(8) {
                return None;
            }
            stack[slot] = stack_way(m)?;
            program.stack[slot] = argument;
            program.stack_offsets[slot] = m.offset as u8;
        } else if let Some(offset) = m.to.checked_sub(REGISTERS.vector.offset) {
            let index = offset as usize / 8;
            vector[index] = vector_way(m)?;
            program.vector[index] = argument;
        } else {
            let index = m.to as usize / 8;
            general[index] = general_way(m)?;
            program.general[index] = argument;
        }
    }
    let mut next = CALL;
    for (pair, first) in GENERAL.into_iter().enumerate() {
        let [a, b] = [general[2 * pair], general[2 * pair + 1]];
        if a > 0 {
            next = (first + (a - 1) * (GENERAL_WAYS + 1) + b) * STEP_SIZE as u16;
            program.general_code[pair] = next;
        }
    }
    program.general_start = next;
    for pair in 0..4 {
        let [a, b] = [vector[2 * pair], vector[2 * pair + 1]];
        if a > 0 {
            let number = (pair as u16 * VECTOR_WAYS + a - 1) * (VECTOR_WAYS + 1) + b;
            next = (VECTOR + number) * STEP_SIZE as u16;
            program.vector_code[pair] = next;
        }
    }
    program.vector_start = next;
    let slots = stack.iter().rposition(|&way| way > 0).map_or(0, |last| last + 1);
    for (slot, way) in stack.into_iter().enumerate().take(slots) {
        next = (STACK + slot as u16 * (GENERAL_WAYS + 1) + way) * STEP_SIZE as u16;
        program.stack_code[slot] = next;
    }
    program.start = next;
    Some(program)
}

/// How a general register is loaded by a move.
fn general_way(m: &Move) -> Option<u16> {
    Some(match (m.len, m.extension, m.offset) {
        (8, _, 0) => 1,
        (4, Extension::Sign, 0) => 2,
        (4, _, 0) => 3,
        (2, Extension::Sign, 0) => 4,
        (2, _, 0) => 5,
        (1, Extension::Sign, 0) => 6,
        (1, _, 0) => 7,
        (8, _, 8) => 8,
        (4, Extension::Zero, 8) => 9,
        _ => return None,
    })
}

/// How a vector register is loaded by a move.
fn vector_way(m: &Move) -> Option<u16> {
    Some(match (m.len, m.offset) {
        (8, 0) => 1,
        (4, 0) => 2,
        (8, 8) => 3,
        (4, 8) => 4,
        _ => return None,
    })
}

/// How a slot of the stack is filled by a move. What an extension is not asked for, as at the end of
/// a struct, is there all the same: nothing else is in that slot.
fn stack_way(m: &Move) -> Option<u16> {
    match (m.len, m.offset) {
        (_, 0) => general_way(m),
        (8, _) => Some(8),
        (4, _) => Some(9),
        _ => None,
    }
}

/// The way of a plan that has a program.
pub(crate) fn way(plan: &Plan) -> Option<BySteps> {
    plan.program()?;
    // Rust aligns the stack area as every call does.
    let aligned = plan.stack_align() <= 16;
    aligned.then_some(BySteps { on_stack: plan.stack_size() > 0 })
}

/// Arguments are passed by steps, some of them on the stack or none.
pub(crate) struct BySteps {
    on_stack: bool,
}

impl Way for BySteps {
    type Entry = Entry;
    fn entry<K: Kind>(self) -> Entry {
        match self.on_stack {
            false => in_registers::<K>,
            true => on_the_stack::<K>,
        }
    }
}

type CallSteps<R> = unsafe extern "sysv64-unwind" fn(&Program, &Target, *const *const c_void) -> R;

/// # Safety
/// As `CallingConvention::entry` says; the plan has a program, and no stack area.
unsafe fn in_registers<K: Kind>(
    plan: &Plan,
    function: *const c_void,
    arguments: *const *const c_void,
    result: *mut c_void,
) {
    // SAFETY: the program is the plan's, which the caller says it has; the arguments and the function
    // are the caller's. `call_steps` has this type for a result in these registers.
    unsafe {
        let program = plan.program().unwrap_unchecked();
        let call: CallSteps<K::Raw> = transmute(call_steps as *const ());
        let raw = call(program, &Target { function, result }, arguments);
        K::write(raw, plan, result.cast());
    }
}

/// An eightbyte of the stack.
type Slot = MaybeUninit<u64>;

/// As [`CallSteps`], with a stack area. A function's stack arguments are its own to change (psABI
/// 3.2.3), so the steps may fill this one, and hand it on to the function that they jump to.
type CallStepsStack<R> = unsafe extern "sysv64-unwind" fn(
    &Program,
    &Target,
    *const *const c_void,
    // rcx, r8, r9.
    Slot,
    Slot,
    Slot,
    // The stack area.
    Slot,
    Slot,
    Slot,
    Slot,
    Slot,
    Slot,
    Slot,
    Slot,
) -> R;

/// # Safety
/// As `CallingConvention::entry` says; the plan has a program.
unsafe fn on_the_stack<K: Kind>(
    plan: &Plan,
    function: *const c_void,
    arguments: *const *const c_void,
    result: *mut c_void,
) {
    // SAFETY: as in `in_registers`.
    unsafe {
        let program = plan.program().unwrap_unchecked();
        let call: CallStepsStack<K::Raw> = transmute(call_steps as *const ());
        let target = Target { function, result };
        let none = Slot::uninit();
        let raw = call(
            program, &target, arguments, none, none, none, none, none, none, none, none, none,
            none, none,
        );
        K::write(raw, plan, result.cast());
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
    assert!(offset_of!(Target, function) == layout::TARGET_FUNCTION as usize);
    assert!(offset_of!(Target, result) == layout::TARGET_RESULT as usize);
};
