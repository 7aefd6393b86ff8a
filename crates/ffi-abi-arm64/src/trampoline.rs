//! The assembly's side of Rust: its declarations, and the entry chosen for each plan.
//!
//! An entry is compiled for a way to pass arguments and a kind of result (`results.rs`). The
//! assembly leaves the return registers alone, so its symbols are called here under whatever Rust
//! type comes back in them.

use crate::layout;
use crate::registers::{Registers, Returned, Room, WideRoom};
use crate::results::{Kind, for_result};
use core::ffi::c_void;
use core::mem::{MaybeUninit, transmute};
use ffi_types::{Entry, Plan, ReturnPlan, Slot, ThunkTable};

#[cfg(trampolines_in_rust)]
core::arch::global_asm!(include_str!(concat!(env!("OUT_DIR"), "/trampolines.s")), options(raw));

macro_rules! symbols {
    ($(fn $name:ident;)* $(static $data:ident: $ty:ty;)*) => {
        // SAFETY: each is defined in `src/asm`, under the version's prefix. The functions are
        // declared without their parameters, and only ever called after a `transmute`. A panic
        // may go through them: `"C"` would say that none does.
        unsafe extern "C-unwind" {
            $(#[link_name = concat!(env!("SYMBOL_PREFIX"), stringify!($name))] pub(crate) fn $name();)*
            $(#[link_name = concat!(env!("SYMBOL_PREFIX"), stringify!($data))] static $data: $ty;)*
        }
    };
}

symbols! {
    fn call_general;
    fn call_vector;
    fn call_stack;
    fn callback_general;
    fn callback_vector;
    fn call_wide;
    static thunk_code: u8;
    static slots: Slot;
}

pub(crate) type CallRegisters<R> =
    unsafe extern "C-unwind" fn(*const Registers, *const c_void) -> R;
pub(crate) type Fill =
    unsafe extern "C" fn(&Plan, *const *const c_void, *mut c_void, *mut Registers);
pub(crate) type CallStack<R> = unsafe extern "C-unwind" fn(
    &Plan,
    *const *const c_void,
    *mut c_void,
    *const c_void,
    &Room,
    Fill,
) -> R;
pub(crate) type CallWide = unsafe extern "C-unwind" fn(
    &Plan,
    *const *const c_void,
    *mut c_void,
    *const c_void,
    &WideRoom,
    Fill,
);

/// The entry for a plan.
#[inline]
pub(crate) fn entry(plan: &Plan) -> Entry {
    if has_wide_result(plan) {
        wide
    } else if plan.frame_size() > 0 {
        for_result(plan, WithStack)
    } else if plan.uses_vector_registers() {
        for_result(plan, WithVector)
    } else {
        for_result(plan, WithGeneral)
    }
}

/// Whether the result is in more than the low eightbytes of vector registers: several moves then
/// fill one. Rust returns no HVAs in registers, whatever they are declared as.
#[inline]
pub(crate) fn has_wide_result(plan: &Plan) -> bool {
    match plan.return_plan() {
        ReturnPlan::Registers([a, b, ..]) => a.to >= layout::RETURN_VECTOR && b.to == a.to + 8,
        _ => false,
    }
}

/// A way to pass arguments; `entry` is compiled for each kind of result.
pub(crate) trait Way {
    type Entry;
    fn entry<K: Kind>(self) -> Self::Entry;
}

struct WithGeneral;
struct WithVector;
struct WithStack;

impl Way for WithGeneral {
    type Entry = Entry;
    fn entry<K: Kind>(self) -> Entry {
        with_general::<K>
    }
}

impl Way for WithVector {
    type Entry = Entry;
    fn entry<K: Kind>(self) -> Entry {
        with_vector::<K>
    }
}

impl Way for WithStack {
    type Entry = Entry;
    fn entry<K: Kind>(self) -> Entry {
        with_stack::<K>
    }
}

/// # Safety
/// As `CallingConvention::entry` says; the plan has nothing on the stack, and `call` is the
/// `call_general` or `call_vector` that fits it.
#[inline(always)]
unsafe fn with_registers<K: Kind>(
    call: unsafe extern "C-unwind" fn(),
    plan: &Plan,
    function: *const c_void,
    arguments: *const *const c_void,
    result: *mut c_void,
) {
    let mut image = MaybeUninit::<Registers>::uninit();
    // SAFETY: the image is the register file, as the plan has nothing on the stack; the arguments
    // and the function are the caller's. The assembly has this type for a result in these
    // registers.
    unsafe {
        plan.store_arguments(arguments.cast(), result.cast(), image.as_mut_ptr().cast());
        let call: CallRegisters<K::Raw> = transmute(call);
        K::write(call(image.as_ptr(), function), plan, result.cast());
    }
}

/// # Safety
/// As `CallingConvention::entry` says; the plan has nothing on the stack, and no vector
/// registers.
unsafe fn with_general<K: Kind>(
    plan: &Plan,
    function: *const c_void,
    arguments: *const *const c_void,
    result: *mut c_void,
) {
    // SAFETY: the caller's.
    unsafe { with_registers::<K>(call_general, plan, function, arguments, result) };
}

/// # Safety
/// As `CallingConvention::entry` says; the plan has nothing on the stack.
unsafe fn with_vector<K: Kind>(
    plan: &Plan,
    function: *const c_void,
    arguments: *const *const c_void,
    result: *mut c_void,
) {
    // SAFETY: the caller's.
    unsafe { with_registers::<K>(call_vector, plan, function, arguments, result) };
}

/// # Safety
/// As `CallingConvention::entry` says.
unsafe fn with_stack<K: Kind>(
    plan: &Plan,
    function: *const c_void,
    arguments: *const *const c_void,
    result: *mut c_void,
) {
    let room = room(plan);
    // SAFETY: `call_stack` makes room for the plan's image and has `fill` write it; the rest is
    // as in `with_registers`.
    unsafe {
        let call: CallStack<K::Raw> = transmute(call_stack as unsafe extern "C-unwind" fn());
        let raw = call(plan, arguments, result, function, &room, fill);
        K::write(raw, plan, result.cast());
    }
}

pub(crate) fn room(plan: &Plan) -> Room {
    Room { size: plan.frame_size() as u64, align: plan.stack_align() as u64 }
}

/// # Safety
/// As `CallingConvention::entry` says; the result is in whole vector registers.
unsafe fn wide(
    plan: &Plan,
    function: *const c_void,
    arguments: *const *const c_void,
    result: *mut c_void,
) {
    let mut returned = MaybeUninit::<Returned>::uninit();
    let room = WideRoom { room: room(plan), returned: returned.as_mut_ptr() };
    // SAFETY: `call_wide` makes room for the plan's image, has `fill` write it, and puts the
    // return registers where the room says, all of them; the rest is the caller's.
    unsafe {
        let call: CallWide = transmute(call_wide as unsafe extern "C-unwind" fn());
        call(plan, arguments, result, function, &room, fill);
        plan.load_return(returned.as_ptr().cast(), result.cast());
    }
}

/// Fills the image that `call_stack` or `call_wide` made room for.
///
/// # Safety
/// As [`Plan::store_arguments`].
unsafe extern "C" fn fill(
    plan: &Plan,
    arguments: *const *const c_void,
    result: *mut c_void,
    image: *mut Registers,
) {
    // SAFETY: the caller's.
    unsafe { plan.store_arguments(arguments.cast(), result.cast(), image.cast()) };
}

/// The thunks of `callback.S`.
pub(crate) fn thunks() -> &'static ThunkTable {
    static TABLE: ThunkTable =
        // SAFETY: `callback.S` defines as many thunks, of that size, and as many zeroed slots.
        unsafe {
            ThunkTable::new(
                &raw const thunk_code,
                layout::THUNK_SIZE as usize,
                layout::THUNK_COUNT as usize,
                &raw const slots,
            )
        };
    &TABLE
}

/// The handler for callbacks by a plan.
pub(crate) fn callback_handler(plan: &Plan) -> *const c_void {
    if plan.uses_vector_registers() {
        callback_vector as *const c_void
    } else {
        callback_general as *const c_void
    }
}
