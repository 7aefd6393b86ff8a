//! The assembly's side of Rust: its declarations, and the entry chosen for each plan.
//!
//! An entry is compiled for a way to pass arguments and a kind of result (`results.rs`). The
//! assembly leaves the return registers alone, so its symbols are called here under whatever Rust
//! type comes back in them.

use crate::layout;
use crate::registers::{Registers, Returned, Room, WideRoom};
use crate::results::for_result;
use crate::{by_slots, by_steps};
use core::ffi::c_void;
use core::marker::PhantomData;
use core::mem::{MaybeUninit, transmute};
use ffi_types::results::Kind;
use ffi_types::{Entry, ImageEntry, Plan, ReturnPlan, Slot, ThunkTable};

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
    static thunk_code: u8;
    static slots: Slot;
}

type CallRegisters<R> = unsafe extern "C-unwind" fn(*const Registers, *const c_void) -> R;
type Fill<S> = unsafe extern "C" fn(&Plan, *const <S as Source>::Item, *mut c_void, *mut Registers);
type CallStack<S, R> = unsafe extern "C-unwind" fn(
    &Plan,
    *const <S as Source>::Item,
    *mut c_void,
    *const c_void,
    &Room,
    Fill<S>,
) -> R;
type CallWide<S> = unsafe extern "C-unwind" fn(
    &Plan,
    *const <S as Source>::Item,
    *mut c_void,
    *const c_void,
    &WideRoom,
    Fill<S>,
);

/// The entry for a plan.
#[inline]
pub(crate) fn entry(plan: &Plan) -> Entry {
    match by_steps::way(plan) {
        Some(steps) if !has_wide_result(plan) => for_result(plan, steps),
        _ => by_image::<Arguments>(plan),
    }
}

/// The entry for a plan whose caller fills the image.
#[inline]
pub(crate) fn image_entry(plan: &Plan) -> ImageEntry {
    if !has_wide_result(plan)
        && let Some(way) = by_slots::way(plan)
    {
        return for_result(plan, way);
    }
    by_image::<Image>(plan)
}

/// Whether the result is in more than the low eightbytes of vector registers: several moves then
/// fill one. Rust returns no HVAs in registers, whatever they are declared as.
#[inline]
fn has_wide_result(plan: &Plan) -> bool {
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

/// What an image comes from.
trait Source {
    /// What an entry is given a pointer to.
    type Item;

    /// How many bytes a call by this plan puts on its stack.
    fn on_stack(plan: &Plan) -> usize;

    /// The register image of a call with nothing on the stack.
    ///
    /// # Safety
    /// `from` is as the entry of a call by this plan asks for it; `room` outlives what is returned.
    unsafe fn registers(
        plan: &Plan,
        from: *const Self::Item,
        result: *mut c_void,
        room: &mut MaybeUninit<Registers>,
    ) -> *const Registers;

    /// Fills the image that `call_stack` or `call_wide` made room for.
    ///
    /// # Safety
    /// `from` is as the entry of a call by this plan asks for it, and `image` has room for one.
    unsafe extern "C" fn fill(
        plan: &Plan,
        from: *const Self::Item,
        result: *mut c_void,
        image: *mut Registers,
    );
}

/// The executor fills it from the argument pointers.
struct Arguments;

impl Source for Arguments {
    type Item = *const c_void;

    #[inline(always)]
    fn on_stack(plan: &Plan) -> usize {
        plan.frame_size()
    }

    #[inline(always)]
    unsafe fn registers(
        plan: &Plan,
        from: *const *const c_void,
        result: *mut c_void,
        room: &mut MaybeUninit<Registers>,
    ) -> *const Registers {
        // SAFETY: the room is the image, as the plan has nothing on the stack; the arguments are the
        // caller's.
        unsafe { Self::fill(plan, from, result, room.as_mut_ptr()) };
        room.as_ptr()
    }

    // One for all entries: the executor is long.
    #[inline(never)]
    unsafe extern "C" fn fill(
        plan: &Plan,
        from: *const *const c_void,
        result: *mut c_void,
        image: *mut Registers,
    ) {
        // SAFETY: the caller's.
        unsafe { plan.store_arguments(from.cast(), result.cast(), image.cast()) };
    }
}

/// The caller has filled it already.
struct Image;

impl Source for Image {
    type Item = u8;

    // The copies stay where they are.
    #[inline(always)]
    fn on_stack(plan: &Plan) -> usize {
        plan.stack_size()
    }

    #[inline(always)]
    unsafe fn registers(
        _: &Plan,
        from: *const u8,
        _: *mut c_void,
        _: &mut MaybeUninit<Registers>,
    ) -> *const Registers {
        from.cast()
    }

    unsafe extern "C" fn fill(plan: &Plan, from: *const u8, _: *mut c_void, image: *mut Registers) {
        // SAFETY: both are images of this plan.
        unsafe { core::ptr::copy_nonoverlapping(from, image.cast(), plan.image_size()) };
    }
}

/// An entry that is given what `S` comes from.
type EntryFrom<S> = unsafe fn(&Plan, *const c_void, *const <S as Source>::Item, *mut c_void);

/// The entry for a plan by way of an image.
#[inline]
fn by_image<S: Source>(plan: &Plan) -> EntryFrom<S> {
    if has_wide_result(plan) {
        wide::<S>
    } else if S::on_stack(plan) > 0 {
        for_result(plan, WithStack(PhantomData::<S>))
    } else if plan.uses_vector_registers() {
        for_result(plan, WithVector(PhantomData::<S>))
    } else {
        for_result(plan, WithGeneral(PhantomData::<S>))
    }
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
/// As `CallingConvention::entry` or `image_entry` says; the plan has nothing on the stack,
/// and `call` is the `call_general` or `call_vector` that fits it.
#[inline(always)]
unsafe fn with_registers<S: Source, K: Kind>(
    call: unsafe extern "C-unwind" fn(),
    plan: &Plan,
    function: *const c_void,
    from: *const S::Item,
    result: *mut c_void,
) {
    let mut room = MaybeUninit::uninit();
    // SAFETY: what the image comes from and the function are the caller's. The assembly has this
    // type for a result in these registers.
    unsafe {
        let image = S::registers(plan, from, result, &mut room);
        let call: CallRegisters<K::Raw> = transmute(call);
        K::write(call(image, function), plan, result.cast());
    }
}

/// # Safety
/// As `CallingConvention::entry` or `image_entry` says; the plan has nothing on the stack,
/// and no vector registers.
unsafe fn with_general<S: Source, K: Kind>(
    plan: &Plan,
    function: *const c_void,
    from: *const S::Item,
    result: *mut c_void,
) {
    // SAFETY: the caller's.
    unsafe { with_registers::<S, K>(call_general, plan, function, from, result) };
}

/// # Safety
/// As `CallingConvention::entry` or `image_entry` says; the plan has nothing on the stack.
unsafe fn with_vector<S: Source, K: Kind>(
    plan: &Plan,
    function: *const c_void,
    from: *const S::Item,
    result: *mut c_void,
) {
    // SAFETY: the caller's.
    unsafe { with_registers::<S, K>(call_vector, plan, function, from, result) };
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
    // as in `with_registers`.
    unsafe {
        let call: CallStack<S, K::Raw> = transmute(call_stack as unsafe extern "C-unwind" fn());
        K::write(call(plan, from, result, function, &room, S::fill), plan, result.cast());
    }
}

fn room(plan: &Plan) -> Room {
    Room { size: plan.frame_size() as u64, align: plan.stack_align() as u64 }
}

/// # Safety
/// As `CallingConvention::entry` or `image_entry` says; the result is in whole vector registers.
unsafe fn wide<S: Source>(
    plan: &Plan,
    function: *const c_void,
    from: *const S::Item,
    result: *mut c_void,
) {
    let mut returned = MaybeUninit::<Returned>::uninit();
    let room = WideRoom { room: room(plan), returned: returned.as_mut_ptr() };
    // SAFETY: `call_wide` makes room for the plan's image, has `fill` write it, and puts the
    // return registers where the room says, all of them; the rest is the caller's.
    unsafe {
        let call: CallWide<S> = transmute(call_wide as unsafe extern "C-unwind" fn());
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
pub(crate) fn callback_handler(plan: &Plan) -> *const c_void {
    if plan.uses_vector_registers() {
        callback_vector as *const c_void
    } else {
        callback_general as *const c_void
    }
}
