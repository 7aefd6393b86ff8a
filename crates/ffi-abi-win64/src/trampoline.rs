//! The assembly's side of Rust: its declarations, and the entry chosen for each plan.
//!
//! An entry is compiled for a way to pass arguments and a kind of result (`results.rs`). The
//! assembly leaves the return registers alone, so its symbols are called here under whatever Rust
//! type comes back in them.

use crate::layout;
use crate::registers::{Registers, Room, WideReturned, WideRoom};
use crate::results::{Kind, for_result};
use core::ffi::c_void;
use core::mem::{MaybeUninit, transmute};
use ffi_types::{Entry, Plan, Slot, ThunkTable, check_vector_size};

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
    fn callback_xmm;
    fn callback_ymm;
    fn callback_zmm;
    static thunk_code: u8;
    static slots: Slot;
}

pub(crate) type CallRegisters<R> =
    unsafe extern "win64-unwind" fn(*const Registers, *const c_void) -> R;
pub(crate) type Fill =
    unsafe extern "win64" fn(&Plan, *const *const c_void, *mut c_void, *mut Registers);
pub(crate) type CallStack<R> = unsafe extern "win64-unwind" fn(
    &Plan,
    *const *const c_void,
    *mut c_void,
    *const c_void,
    &Room,
    Fill,
) -> R;
pub(crate) type CallWide = unsafe extern "win64-unwind" fn(
    &Plan,
    *const *const c_void,
    *mut c_void,
    *const c_void,
    &WideRoom,
    Fill,
);

/// Whether the result is a whole vector register.
#[inline]
pub(crate) fn is_wide(plan: &Plan) -> bool {
    plan.vector_size() > 8
}

/// The entry for a plan.
#[inline]
pub(crate) fn entry(plan: &Plan) -> Result<Entry, &'static str> {
    if is_wide(plan) {
        check_vector_size(plan.vector_size())?;
        return Ok(wide);
    }
    // Each caller leaves the shadow space free: with nothing else on the stack, ours will do.
    Ok(if plan.frame_size() > layout::SHADOW_SPACE as usize {
        for_result(plan, WithStack)
    } else if plan.uses_vector_registers() {
        for_result(plan, WithVector)
    } else {
        for_result(plan, WithGeneral)
    })
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
/// As `CallingConvention::entry` says; the plan has no more than shadow space on the stack, and
/// `call` is the `call_general` or `call_vector` that fits it.
#[inline(always)]
unsafe fn with_registers<K: Kind>(
    call: unsafe extern "C-unwind" fn(),
    plan: &Plan,
    function: *const c_void,
    arguments: *const *const c_void,
    result: *mut c_void,
) {
    // Without the shadow space, which the plan counts as part of its image: nothing goes there.
    let mut image = MaybeUninit::<Registers>::uninit();
    // SAFETY: no move goes behind the register file, as nothing but shadow space is there; the
    // arguments and the function are the caller's. The assembly has this type for a result in
    // these registers.
    unsafe {
        plan.store_arguments(arguments.cast(), result.cast(), image.as_mut_ptr().cast());
        let call: CallRegisters<K::Raw> = transmute(call);
        K::write(call(image.as_ptr(), function), plan, result.cast());
    }
}

/// # Safety
/// As `CallingConvention::entry` says; the plan has no more than shadow space on the stack, and no
/// vector registers.
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
/// As `CallingConvention::entry` says; the plan has no more than shadow space on the stack.
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
/// As `CallingConvention::entry` says; the result is a whole vector register.
unsafe fn wide(
    plan: &Plan,
    function: *const c_void,
    arguments: *const *const c_void,
    result: *mut c_void,
) {
    let mut returned = MaybeUninit::<WideReturned>::zeroed();
    let room = WideRoom {
        room: room(plan),
        returned: returned.as_mut_ptr(),
        vector_size: plan.vector_size().into(),
    };
    // SAFETY: `call_wide` makes room for the plan's image, has `fill` write it, and puts the
    // return registers where the room says; the rest is the caller's.
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
unsafe extern "win64" fn fill(
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
pub(crate) fn callback_handler(plan: &Plan) -> Result<*const c_void, &'static str> {
    if is_wide(plan) {
        check_vector_size(plan.vector_size())?;
        return Ok(match plan.vector_size() {
            64 => callback_zmm as *const c_void,
            32 => callback_ymm as *const c_void,
            _ => callback_xmm as *const c_void,
        });
    }
    Ok(match plan.uses_vector_registers() {
        true => callback_vector as *const c_void,
        false => callback_general as *const c_void,
    })
}
