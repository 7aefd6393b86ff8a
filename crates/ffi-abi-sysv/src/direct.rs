//! Entries for the commonest signatures: arguments that are all alike and fill the registers of
//! one kind in order, one each. They are loaded straight from where the arguments are, without an image,
//! and the function is called as what it then is: a Rust `extern "sysv64"` function of so many
//! words.

use crate::layout::RETURN_VECTOR;
use crate::registers::REGISTERS;
use core::ffi::c_void;
use core::mem::{MaybeUninit, transmute};
use ffi_types::results::{Kind, Nothing, One, Two, low_bytes};
use ffi_types::{Entry, Extension, Move, Plan, ReturnPlan};

/// The entry for so many arguments of one kind, and one of the commonest results; `None` for any other
/// signature. There is code for each number of arguments and each result, so both are few.
#[inline]
pub(crate) fn entry(plan: &Plan) -> Option<Entry> {
    let arity = arity(plan)?;
    let ReturnPlan::Registers(moves) = plan.return_plan() else {
        return Some(arity.entry::<Nothing>());
    };
    match (moves, arity) {
        ([m], _) => match (m.to >= RETURN_VECTOR, low_bytes(m)?) {
            (false, 8) => Some(arity.entry::<One<u64, u64>>()),
            (false, 4) => Some(arity.entry::<One<u64, u32>>()),
            (true, 8) => Some(arity.entry::<One<f64, u64>>()),
            _ => None,
        },
        // A point or a complex number, made of doubles.
        ([a, b], Arity::Vector(count))
            if a.to >= RETURN_VECTOR && b.to > a.to && (a.len, b.len) == (8, 8) =>
        {
            Some(of::<Vector, Two<f64, f64, u64>>(count))
        }
        _ => None,
    }
}

/// So many arguments of one kind.
#[inline]
fn arity(plan: &Plan) -> Option<Arity> {
    // A variadic callee is told the vector count in `al`, which only assembly can set; a hidden
    // result pointer takes a register that no argument's move names.
    let hidden = matches!(plan.return_plan(), ReturnPlan::Memory { .. });
    if plan.is_variadic() || hidden || plan.stack_size() > 0 {
        return None;
    }
    let moves = plan.moves();
    let Some(first) = moves.first() else { return Some(Arity::General(0)) };
    let (general, vector) = (REGISTERS.general.at(0), REGISTERS.vector.at(0));
    let (arity, bank) = match (first.to, first.len, first.extension) {
        (to, 8, _) if to == general => (Arity::General(moves.len()), &REGISTERS.general),
        (to, 8, _) if to == vector => (Arity::Vector(moves.len()), &REGISTERS.vector),
        (to, 4, Extension::Sign) if to == general => (Arity::Int(moves.len()), &REGISTERS.general),
        _ => return None,
    };
    // In the image xmm0 follows r9: six integers and a double are in order, but not of one kind.
    if moves.len() > bank.names.len() || moves.len() != plan.argument_count() {
        return None;
    }
    let alike = |(index, m): (usize, &Move)| {
        (m.to, m.len, m.offset) == (first.to + 8 * index as u32, first.len, 0)
            && usize::from(m.argument) == index
            && (m.len == 8 || m.extension == first.extension)
    };
    moves.iter().enumerate().all(alike).then_some(arity)
}

/// What the arguments are, and how many.
#[derive(Clone, Copy)]
enum Arity {
    /// Eightbytes in general registers.
    General(usize),
    /// `int32_t`s in general registers.
    Int(usize),
    /// Eightbytes in vector registers.
    Vector(usize),
}

/// How an argument is read, and the Rust type of the register that it goes to.
trait Load {
    type Register;

    /// # Safety
    /// The argument can be read from there.
    unsafe fn load(from: *const u8) -> Self::Register;
}

struct General;
struct Int;
struct Vector;

impl Load for General {
    // A struct's eightbyte may have padding in it.
    type Register = MaybeUninit<u64>;

    #[inline(always)]
    unsafe fn load(from: *const u8) -> MaybeUninit<u64> {
        // SAFETY: the caller's: eight bytes.
        unsafe { from.cast::<MaybeUninit<u64>>().read_unaligned() }
    }
}

impl Load for Int {
    type Register = i64;

    #[inline(always)]
    unsafe fn load(from: *const u8) -> i64 {
        // SAFETY: the caller's: four bytes.
        i64::from(unsafe { from.cast::<i32>().read_unaligned() })
    }
}

impl Load for Vector {
    type Register = MaybeUninit<f64>;

    #[inline(always)]
    unsafe fn load(from: *const u8) -> MaybeUninit<f64> {
        // SAFETY: the caller's: eight bytes.
        unsafe { from.cast::<MaybeUninit<f64>>().read_unaligned() }
    }
}

macro_rules! calls {
    ($($name:ident($($index:literal)*);)*) => {
        $(
            /// # Safety
            /// As `CallingConvention::entry` says; the plan has this arity.
            unsafe fn $name<L: Load, K: Kind>(
                plan: &Plan,
                function: *const c_void,
                _arguments: *const *const c_void,
                result: *mut c_void,
            ) {
                // SAFETY: the function takes so many eightbytes in these registers, and returns
                // its result in those of `K`; each argument has the size of its register's part.
                unsafe {
                    let function: unsafe extern "sysv64-unwind" fn(
                        $(calls!(@register $index L)),*
                    ) -> K::Raw = transmute(function);
                    let raw = function($(L::load((*_arguments.add($index)).cast())),*);
                    K::write(raw, plan, result.cast());
                }
            }
        )*
    };
    (@register $index:literal $load:ident) => { $load::Register };
}

calls! {
    call0();
    call1(0);
    call2(0 1);
    call3(0 1 2);
    call4(0 1 2 3);
    call5(0 1 2 3 4);
    call6(0 1 2 3 4 5);
    call7(0 1 2 3 4 5 6);
    call8(0 1 2 3 4 5 6 7);
}

impl Arity {
    fn entry<K: Kind>(self) -> Entry {
        match self {
            Self::General(count) => of::<General, K>(count),
            Self::Int(count) => of::<Int, K>(count),
            Self::Vector(count) => of::<Vector, K>(count),
        }
    }
}

/// The entry of so many arguments; the caller has no more than eight.
fn of<L: Load, K: Kind>(count: usize) -> Entry {
    match count {
        0 => call0::<L, K>,
        1 => call1::<L, K>,
        2 => call2::<L, K>,
        3 => call3::<L, K>,
        4 => call4::<L, K>,
        5 => call5::<L, K>,
        6 => call6::<L, K>,
        7 => call7::<L, K>,
        _ => call8::<L, K>,
    }
}
