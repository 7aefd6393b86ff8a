//! The assembly's side of Rust: its declarations, and the entry chosen for each plan.
//!
//! An entry is compiled for a kind of call (which registers, and whether there are stack
//! arguments) and a kind of result. The assembly leaves the return registers alone, so its
//! symbols are called here under whatever Rust type comes back in them.

use crate::layout;
use crate::registers::{Registers, Returned, Room};
use core::ffi::c_void;
use core::mem::{MaybeUninit, transmute};
use ffi_types::{Entry, Plan, ReturnPlan, Slot, ThunkTable};

macro_rules! symbols {
    ($(fn $name:ident;)* $(static $data:ident: $ty:ty;)*) => {
        // SAFETY: each is defined in `src/asm`, under the version's prefix. The functions are
        // declared without their parameters, and only ever called after a `transmute`.
        unsafe extern "C" {
            $(#[link_name = concat!(env!("SYMBOL_PREFIX"), stringify!($name))] fn $name();)*
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
    static thunk_code: u8;
    static slots: Slot;
}

type CallGeneral<R> = unsafe extern "sysv64-unwind" fn(*const Registers, *const c_void) -> R;
type CallVector<R> = unsafe extern "sysv64-unwind" fn(*const Registers, *const c_void, u32) -> R;
type Fill =
    unsafe extern "sysv64" fn(&Plan, *const *const c_void, *mut c_void, *mut Registers) -> u32;
type CallStack<R> = unsafe extern "sysv64-unwind" fn(
    &Plan,
    *const *const c_void,
    *mut c_void,
    *const c_void,
    &Room,
    Fill,
) -> R;

/// A kind of result: the Rust type that receives its registers, and how it is written out.
trait Kind {
    type Raw;

    /// # Safety
    /// `result` is writable for the size of the plan's return type.
    unsafe fn write(raw: Self::Raw, plan: &Plan, result: *mut u8);
}

/// Nothing to be written: void, or a result that the callee writes to memory.
struct Nothing;

impl Kind for Nothing {
    type Raw = ();

    #[inline(always)]
    unsafe fn write((): (), _: &Plan, _: *mut u8) {}
}

/// One register of which the result takes the size of `T`.
struct One<Raw, T>(Raw, T);

macro_rules! one {
    ($($raw:ty => $($ty:ty),*;)*) => {
        $($(impl Kind for One<$raw, $ty> {
            type Raw = $raw;

            #[inline(always)]
            unsafe fn write(raw: $raw, _: &Plan, result: *mut u8) {
                // The low bytes of the register; `to_bits` is the identity in machine code.
                let value = raw.to_bits_u64() as $ty;
                // SAFETY: `kind_of` chose this type by the size of the result.
                unsafe { result.cast::<$ty>().write_unaligned(value) };
            }
        })*)*
    };
}

trait ToBits {
    fn to_bits_u64(self) -> u64;
}

impl ToBits for u64 {
    #[inline(always)]
    fn to_bits_u64(self) -> u64 {
        self
    }
}

impl ToBits for f64 {
    #[inline(always)]
    fn to_bits_u64(self) -> u64 {
        self.to_bits()
    }
}

one! {
    u64 => u64, u32;
    f64 => u64, u32;
}

/// Up to two registers of any kinds and a result of any size, by way of the plan's moves.
struct Some2<A, B>(A, B);

#[repr(C)]
struct Pair<A, B>(A, B);

macro_rules! two {
    ($($a:ty, $b:ty => $first:ident[$i:literal], $second:ident[$j:literal];)*) => {
        $(impl Kind for Some2<$a, $b> {
            type Raw = Pair<$a, $b>;

            #[inline(always)]
            unsafe fn write(raw: Pair<$a, $b>, plan: &Plan, result: *mut u8) {
                let mut returned = Returned::default();
                returned.$first[$i] = raw.0.to_bits_u64();
                returned.$second[$j] = raw.1.to_bits_u64();
                // SAFETY: the result is the caller's, and `returned` is the plan's register file.
                unsafe { plan.load_return((&raw const returned).cast(), result) };
            }
        })*
    };
}

two! {
    u64, u64 => general[0], general[1];
    f64, f64 => vector[0], vector[1];
    u64, f64 => general[0], vector[0];
    f64, u64 => vector[0], general[0];
}

/// The entry for a plan.
#[inline]
pub(crate) fn entry(plan: &Plan) -> Entry {
    use ffi_types::Extension::Bool;
    let ReturnPlan::Registers(moves) = plan.return_plan() else { return choose::<Nothing>(plan) };
    let in_vector = |to: u32| to >= layout::RETURN_VECTOR;
    match moves {
        [m] if m.len == 8 && in_vector(m.to) => choose::<One<f64, u64>>(plan),
        [m] if m.len == 8 => choose::<One<u64, u64>>(plan),
        [m] if m.len == 4 && in_vector(m.to) => choose::<One<f64, u32>>(plan),
        [m] if m.len == 4 && m.extension != Bool => choose::<One<u64, u32>>(plan),
        [a, rest @ ..] => match (in_vector(a.to), rest.first().is_some_and(|b| in_vector(b.to))) {
            (false, false) => choose::<Some2<u64, u64>>(plan),
            (true, true) => choose::<Some2<f64, f64>>(plan),
            (false, true) => choose::<Some2<u64, f64>>(plan),
            (true, false) => choose::<Some2<f64, u64>>(plan),
        },
        [] => choose::<Nothing>(plan),
    }
}

#[inline]
fn choose<K: Kind>(plan: &Plan) -> Entry {
    if plan.stack_size() > 0 {
        with_stack::<K>
    } else if plan.uses_vector_registers() {
        with_vector::<K>
    } else {
        with_general::<K>
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
    let room = Room { size: plan.stack_size() as u64, align: plan.stack_align() as u64 };
    // SAFETY: `call_stack` makes room for the plan's image and has `fill` write it; the rest is
    // as in `with_general`.
    unsafe {
        let call: CallStack<K::Raw> = transmute(call_stack as *const ());
        let raw = call(plan, arguments, result, function, &room, fill);
        K::write(raw, plan, result.cast());
    }
}

/// Fills the image that `call_stack` made room for, and tells it the number of vector registers.
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
pub(crate) fn callback_handler(plan: &Plan) -> *const c_void {
    if plan.uses_vector_registers() {
        callback_vector as *const c_void
    } else {
        callback_general as *const c_void
    }
}
