//! The assembly's side of Rust: its declarations, and the entry chosen for each plan.
//!
//! An entry is compiled for a way to pass arguments and a kind of result (`results.rs`). The
//! assembly leaves the return registers alone, so its symbols are called here under whatever Rust
//! type comes back in them. The commonest signatures need no assembly at all: `direct.rs`.

use crate::direct;
use crate::layout;
use crate::registers::{Registers, Room, WideReturned, WideRoom};
use crate::results::{Kind, for_result};
use core::ffi::c_void;
use core::mem::{MaybeUninit, transmute};
use ffi_types::{Entry, Move, Plan, ReturnPlan, Slot, ThunkTable, check_vector_size};

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
    fn callback_xmm_st0;
    fn callback_xmm_st1;
    fn callback_ymm;
    fn callback_ymm_st0;
    fn callback_ymm_st1;
    fn callback_zmm;
    fn callback_zmm_st0;
    fn callback_zmm_st1;
    static thunk_code: u8;
    static slots: Slot;
}

pub(crate) type CallGeneral<R> =
    unsafe extern "sysv64-unwind" fn(*const Registers, *const c_void) -> R;
pub(crate) type CallVector<R> =
    unsafe extern "sysv64-unwind" fn(*const Registers, *const c_void, u32) -> R;
pub(crate) type Fill =
    unsafe extern "sysv64" fn(&Plan, *const *const c_void, *mut c_void, *mut Registers) -> u32;
pub(crate) type CallStack<R> = unsafe extern "sysv64-unwind" fn(
    &Plan,
    *const *const c_void,
    *mut c_void,
    *const c_void,
    &Room,
    Fill,
) -> R;
pub(crate) type CallWide = unsafe extern "sysv64-unwind" fn(
    &Plan,
    *const *const c_void,
    *mut c_void,
    *const c_void,
    &WideRoom,
    Fill,
);

/// Whether the plan is for whole vector registers or those of x87.
#[inline]
pub(crate) fn is_wide(plan: &Plan) -> bool {
    plan.registers().size == layout::WIDE_REGISTERS_SIZE
}

/// The entry for a plan.
#[inline]
pub(crate) fn entry(plan: &Plan) -> Result<Entry, &'static str> {
    if is_wide(plan) {
        check_vector_size(plan.vector_size())?;
        return Ok(match x87_results(plan) {
            0 => wide::<0>,
            1 => wide::<1>,
            _ => wide::<2>,
        });
    }
    Ok(match direct::arity(plan) {
        Some(arity) => for_result(plan, arity),
        None if plan.stack_size() > 0 => for_result(plan, WithStack),
        None if plan.uses_vector_registers() => for_result(plan, WithVector),
        None => for_result(plan, WithGeneral),
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
/// As `CallingConvention::entry` says; the plan has no stack area and no vector registers.
unsafe fn with_general<K: Kind>(
    plan: &Plan,
    function: *const c_void,
    arguments: *const *const c_void,
    result: *mut c_void,
) {
    let mut image = MaybeUninit::<Registers>::uninit();
    // SAFETY: the image is the register file, and the plan has no stack area; the arguments and
    // the function are the caller's. `call_general` has this type for a result in these registers.
    unsafe {
        plan.store_arguments(arguments.cast(), result.cast(), image.as_mut_ptr().cast());
        let call: CallGeneral<K::Raw> = transmute(call_general as *const ());
        K::write(call(image.as_ptr(), function), plan, result.cast());
    }
}

/// # Safety
/// As `CallingConvention::entry` says; the plan has no stack area.
unsafe fn with_vector<K: Kind>(
    plan: &Plan,
    function: *const c_void,
    arguments: *const *const c_void,
    result: *mut c_void,
) {
    let mut image = MaybeUninit::<Registers>::uninit();
    // SAFETY: as in `with_general`.
    unsafe {
        plan.store_arguments(arguments.cast(), result.cast(), image.as_mut_ptr().cast());
        let call: CallVector<K::Raw> = transmute(call_vector as *const ());
        let raw = call(image.as_ptr(), function, plan.vector_count().into());
        K::write(raw, plan, result.cast());
    }
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
    // as in `with_general`.
    unsafe {
        let call: CallStack<K::Raw> = transmute(call_stack as *const ());
        let raw = call(plan, arguments, result, function, &room, fill);
        K::write(raw, plan, result.cast());
    }
}

pub(crate) fn room(plan: &Plan) -> Room {
    Room { size: plan.frame_size() as u64, align: plan.stack_align() as u64 }
}

/// How many registers of x87 a result comes back in.
pub(crate) fn x87_results(plan: &Plan) -> u32 {
    let ReturnPlan::Registers(moves) = plan.return_plan() else { return 0 };
    let bank = &plan.return_registers().x87;
    let inside = |m: &&Move| (bank.at(0)..bank.at(2)).contains(&m.to);
    moves.iter().filter(inside).map(|m| m.len).sum::<u32>().div_ceil(16)
}

/// # Safety
/// As `CallingConvention::entry` says; the plan is of whole vector registers, and the result in
/// `X87` registers of x87.
unsafe fn wide<const X87: u32>(
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
        x87: X87,
    };
    // SAFETY: `call_wide` makes room for the plan's image, has `fill` write it, and puts the
    // return registers where the room says; the rest is the caller's.
    unsafe {
        let call: CallWide = transmute(call_wide as *const ());
        call(plan, arguments, result, function, &room, fill);
        plan.load_return(returned.as_ptr().cast(), result.cast());
    }
}

/// Fills the image that `call_stack` or `call_wide` made room for, and tells it the number of
/// vector registers.
///
/// # Safety
/// As [`Plan::store_arguments`].
unsafe extern "sysv64" fn fill(
    plan: &Plan,
    arguments: *const *const c_void,
    result: *mut c_void,
    image: *mut Registers,
) -> u32 {
    // SAFETY: the caller's.
    unsafe { plan.store_arguments(arguments.cast(), result.cast(), image.cast()) };
    plan.vector_count().into()
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
    if !is_wide(plan) {
        return Ok(match plan.uses_vector_registers() {
            true => callback_vector as *const c_void,
            false => callback_general as *const c_void,
        });
    }
    check_vector_size(plan.vector_size())?;
    Ok(match (plan.vector_size(), x87_results(plan)) {
        (64, 0) => callback_zmm as *const c_void,
        (64, 1) => callback_zmm_st0 as *const c_void,
        (64, _) => callback_zmm_st1 as *const c_void,
        (32, 0) => callback_ymm as *const c_void,
        (32, 1) => callback_ymm_st0 as *const c_void,
        (32, _) => callback_ymm_st1 as *const c_void,
        (_, 0) => callback_xmm as *const c_void,
        (_, 1) => callback_xmm_st0 as *const c_void,
        (_, _) => callback_xmm_st1 as *const c_void,
    })
}
