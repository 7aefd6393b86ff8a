//! The assembly's side of Rust: its declarations, and the entry chosen for each plan.
//!
//! An entry is compiled for a way to pass arguments and a kind of result (`results.rs`). The
//! assembly leaves the return registers alone, so its symbols are called here under whatever Rust
//! type comes back in them. The commonest signatures need no assembly at all: `direct.rs`.

use crate::layout;
use crate::registers::{Registers, Room, WideReturned, WideRoom};
use crate::results::for_result;
use crate::{by_slots, by_steps, direct};
use core::ffi::c_void;
use core::marker::PhantomData;
use core::mem::{MaybeUninit, transmute};
use ffi_types::results::Kind;
use ffi_types::{Entry, ImageEntry, Move, Plan, ReturnPlan, Slot, ThunkTable, check_vector_size};

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
    fn call_steps;
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

type CallGeneral<R> = unsafe extern "sysv64-unwind" fn(*const Registers, *const c_void) -> R;
type CallVector<R> = unsafe extern "sysv64-unwind" fn(*const Registers, *const c_void, u32) -> R;
type Fill<S> = unsafe extern "sysv64" fn(
    &Plan,
    *const <S as Source>::Item,
    *mut c_void,
    *mut Registers,
) -> u32;
type CallStack<S, R> = unsafe extern "sysv64-unwind" fn(
    &Plan,
    *const <S as Source>::Item,
    *mut c_void,
    *const c_void,
    &Room,
    Fill<S>,
) -> R;
type CallWide<S> = unsafe extern "sysv64-unwind" fn(
    &Plan,
    *const <S as Source>::Item,
    *mut c_void,
    *const c_void,
    &WideRoom,
    Fill<S>,
);

/// Whether the plan is for whole vector registers or those of x87.
#[inline]
fn is_wide(plan: &Plan) -> bool {
    plan.registers().size == layout::WIDE_REGISTERS_SIZE
}

/// The entry for a plan.
#[inline]
pub(crate) fn entry(plan: &Plan) -> Result<Entry, &'static str> {
    if !is_wide(plan) {
        if let Some(entry) = direct::entry(plan) {
            return Ok(entry);
        }
        if let Some(steps) = by_steps::way(plan) {
            return Ok(for_result(plan, steps));
        }
    }
    by_image::<Arguments>(plan)
}

/// The entry for a plan whose caller fills the image.
#[inline]
pub(crate) fn image_entry(plan: &Plan) -> Result<ImageEntry, &'static str> {
    if !is_wide(plan)
        && let Some(way) = by_slots::way(plan)
    {
        return Ok(for_result(plan, way));
    }
    by_image::<Image>(plan)
}

/// A way to pass arguments; `entry` is compiled for each kind of result.
pub(crate) trait Way {
    type Entry;
    fn entry<K: Kind>(self) -> Self::Entry;
}

/// What an image comes from.
trait Source {
    /// What an entry is given a pointer to.
    type Item;

    /// The register image of a call without a stack area.
    ///
    /// # Safety
    /// `from` is as the entry of a call by this plan asks for it; `room` outlives what is returned.
    unsafe fn registers(
        plan: &Plan,
        from: *const Self::Item,
        result: *mut c_void,
        room: &mut MaybeUninit<Registers>,
    ) -> *const Registers;

    /// Fills the image that `call_stack` or `call_wide` made room for, and tells it the number of
    /// vector registers.
    ///
    /// # Safety
    /// `from` is as the entry of a call by this plan asks for it, and `image` has room for one.
    unsafe extern "sysv64" fn fill(
        plan: &Plan,
        from: *const Self::Item,
        result: *mut c_void,
        image: *mut Registers,
    ) -> u32;
}

/// The executor fills it from the argument pointers.
struct Arguments;

impl Source for Arguments {
    type Item = *const c_void;

    #[inline(always)]
    unsafe fn registers(
        plan: &Plan,
        from: *const *const c_void,
        result: *mut c_void,
        room: &mut MaybeUninit<Registers>,
    ) -> *const Registers {
        // SAFETY: the room is the image, as the plan has no stack area; the arguments are the
        // caller's.
        unsafe { Self::fill(plan, from, result, room.as_mut_ptr()) };
        room.as_ptr()
    }

    // One for all entries: the executor is long.
    #[inline(never)]
    unsafe extern "sysv64" fn fill(
        plan: &Plan,
        from: *const *const c_void,
        result: *mut c_void,
        image: *mut Registers,
    ) -> u32 {
        // SAFETY: the caller's.
        unsafe { plan.store_arguments(from.cast(), result.cast(), image.cast()) };
        plan.vector_count().into()
    }
}

/// The caller has filled it already.
struct Image;

impl Source for Image {
    type Item = u8;

    #[inline(always)]
    unsafe fn registers(
        _: &Plan,
        from: *const u8,
        _: *mut c_void,
        _: &mut MaybeUninit<Registers>,
    ) -> *const Registers {
        from.cast()
    }

    unsafe extern "sysv64" fn fill(
        plan: &Plan,
        from: *const u8,
        _: *mut c_void,
        image: *mut Registers,
    ) -> u32 {
        // SAFETY: both are images of this plan.
        unsafe { core::ptr::copy_nonoverlapping(from, image.cast(), plan.image_size()) };
        plan.vector_count().into()
    }
}

/// An entry that is given what `S` comes from.
type EntryFrom<S> = unsafe fn(&Plan, *const c_void, *const <S as Source>::Item, *mut c_void);

/// The entry for a plan by way of an image.
#[inline]
fn by_image<S: Source>(plan: &Plan) -> Result<EntryFrom<S>, &'static str> {
    if is_wide(plan) {
        check_vector_size(plan.vector_size())?;
        return Ok(match x87_results(plan) {
            0 => wide::<S, 0>,
            1 => wide::<S, 1>,
            _ => wide::<S, 2>,
        });
    }
    Ok(if plan.stack_size() > 0 {
        for_result(plan, WithStack(PhantomData::<S>))
    } else if plan.uses_vector_registers() {
        for_result(plan, WithVector(PhantomData::<S>))
    } else {
        for_result(plan, WithGeneral(PhantomData::<S>))
    })
}

struct WithGeneral<S>(PhantomData<S>);
struct WithVector<S>(PhantomData<S>);
struct WithStack<S>(PhantomData<S>);

impl<S: Source> Way for WithGeneral<S> {
    type Entry = EntryFrom<S>;
    fn entry<K: Kind>(self) -> EntryFrom<S> {
        with_general::<S, K>
    }
}

impl<S: Source> Way for WithVector<S> {
    type Entry = EntryFrom<S>;
    fn entry<K: Kind>(self) -> EntryFrom<S> {
        with_vector::<S, K>
    }
}

impl<S: Source> Way for WithStack<S> {
    type Entry = EntryFrom<S>;
    fn entry<K: Kind>(self) -> EntryFrom<S> {
        with_stack::<S, K>
    }
}

/// # Safety
/// As `CallingConvention::entry` or `image_entry` says; the plan has no stack area and no vector
/// registers.
unsafe fn with_general<S: Source, K: Kind>(
    plan: &Plan,
    function: *const c_void,
    from: *const S::Item,
    result: *mut c_void,
) {
    let mut room = MaybeUninit::uninit();
    // SAFETY: what the image comes from and the function are the caller's. `call_general` has this
    // type for a result in these registers.
    unsafe {
        let image = S::registers(plan, from, result, &mut room);
        let call: CallGeneral<K::Raw> = transmute(call_general as *const ());
        K::write(call(image, function), plan, result.cast());
    }
}

/// # Safety
/// As `CallingConvention::entry` or `image_entry` says; the plan has no stack area.
unsafe fn with_vector<S: Source, K: Kind>(
    plan: &Plan,
    function: *const c_void,
    from: *const S::Item,
    result: *mut c_void,
) {
    let mut room = MaybeUninit::uninit();
    // SAFETY: as in `with_general`.
    unsafe {
        let image = S::registers(plan, from, result, &mut room);
        let call: CallVector<K::Raw> = transmute(call_vector as *const ());
        K::write(call(image, function, plan.vector_count().into()), plan, result.cast());
    }
}

/// # Safety
/// As `CallingConvention::entry` or `image_entry` says.
unsafe fn with_stack<S: Source, K: Kind>(
    plan: &Plan,
    function: *const c_void,
    from: *const S::Item,
    result: *mut c_void,
) {
    let room = room(plan);
    // SAFETY: `call_stack` makes room for the plan's image and has `fill` write it; the rest is
    // as in `with_general`.
    unsafe {
        let call: CallStack<S, K::Raw> = transmute(call_stack as *const ());
        let raw = call(plan, from, result, function, &room, S::fill);
        K::write(raw, plan, result.cast());
    }
}

fn room(plan: &Plan) -> Room {
    Room { size: plan.frame_size() as u64, align: plan.stack_align() as u64 }
}

/// How many registers of x87 a result comes back in.
fn x87_results(plan: &Plan) -> u32 {
    let ReturnPlan::Registers(moves) = plan.return_plan() else { return 0 };
    let bank = &plan.return_registers().x87;
    let inside = |m: &&Move| (bank.at(0)..bank.at(2)).contains(&m.to);
    moves.iter().filter(inside).map(|m| m.len).sum::<u32>().div_ceil(16)
}

/// # Safety
/// As `CallingConvention::entry` or `image_entry` says; the plan is of whole vector registers, and
/// the result in `X87` registers of x87.
unsafe fn wide<S: Source, const X87: u32>(
    plan: &Plan,
    function: *const c_void,
    from: *const S::Item,
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
        let call: CallWide<S> = transmute(call_wide as *const ());
        call(plan, from, result, function, &room, S::fill);
        plan.load_return(returned.as_ptr().cast(), result.cast());
    }
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
