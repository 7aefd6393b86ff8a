//! The entries of calls by steps (`steps.rs`).

use crate::layout::SHADOW_SPACE;
use crate::trampoline::{Way, call_steps};
use core::ffi::c_void;
use core::mem::{MaybeUninit, transmute};
use ffi_types::results::Kind;
use ffi_types::{Entry, Plan, Program, Target, has_few_copies, with_copies};

/// The way of a plan that has a program.
pub(crate) fn way(plan: &Plan) -> Option<BySteps> {
    plan.program()?;
    // Rust aligns the stack area as every call does.
    let aligned = plan.stack_align() <= 16;
    let possible = aligned && (plan.by_reference().is_empty() || has_few_copies(plan));
    possible.then_some(match plan.by_reference() {
        // The shadow space alone is there at any call.
        [] if plan.stack_size() > SHADOW_SPACE as usize => BySteps::OnTheStack,
        [] => BySteps::InRegisters,
        _ => BySteps::WithCopies,
    })
}

/// Arguments are passed by steps:
pub(crate) enum BySteps {
    /// none of them on the stack,
    InRegisters,
    /// or some,
    OnTheStack,
    /// or some by reference, and perhaps on the stack.
    WithCopies,
}

impl Way for BySteps {
    type Entry = Entry;
    fn entry<K: Kind>(self) -> Entry {
        match self {
            Self::InRegisters => in_registers::<K>,
            Self::OnTheStack => on_the_stack::<K>,
            Self::WithCopies => by_reference::<K>,
        }
    }
}

type CallSteps<R> = unsafe extern "win64-unwind" fn(&Program, &Target, *const *const c_void) -> R;

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

/// As [`CallSteps`], with stack arguments behind the shadow space. They belong to the function that is
/// called, so the steps may fill them, and hand them on to the function that they jump to.
type CallStepsStack<R> = unsafe extern "win64-unwind" fn(
    &Program,
    &Target,
    *const *const c_void,
    // r9.
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
        let raw =
            call(program, &target, arguments, none, none, none, none, none, none, none, none, none);
        K::write(raw, plan, result.cast());
    }
}

/// # Safety
/// As `CallingConvention::entry` says; the plan has a program, and few copies.
unsafe fn by_reference<K: Kind>(
    plan: &Plan,
    function: *const c_void,
    arguments: *const *const c_void,
    result: *mut c_void,
) {
    // SAFETY: the caller's; the program has an address for each argument that is copied.
    unsafe {
        with_copies(plan, arguments, |arguments| {
            on_the_stack::<K>(plan, function, arguments, result);
        });
    }
}
