//! The way back: from the registers that C called a closure with to the `void **` that the
//! closure's function is given, and from the result to the return registers.

use crate::closure::foreign;
use ffi_types::{CallbackHeader, Extension, Plan, ReturnPlan, Signature};
use std::ffi::c_void;
use std::mem::MaybeUninit;

/// What closures of a signature need.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Callee {
    /// For closures in memory of the caller's: this is the context of them all.
    pub(crate) header: CallbackHeader,
    plan: Plan,
    /// What the trampoline's slot leads to.
    pub(crate) handler: *const c_void,
    /// Of each argument.
    places: Box<[Place]>,
    /// The bytes of the arguments that have to be put together.
    gathered: usize,
    result: Outcome,
    /// Whether there are few arguments, none of them put together, and a small result.
    simple: bool,
}

/// What becomes of the result.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    /// There is none.
    Nothing,
    /// One register, at that offset: so many bits are the result's, and the rest copies of the
    /// sign or zeros.
    Register { to: u32, unused: u8, signed: bool },
    /// Two whole registers, at those offsets.
    Pair { first: u32, second: u32 },
    /// Two registers at most, by the plan's moves.
    Small,
    /// By the plan's moves, or in memory that the caller has.
    Other,
}

impl Outcome {
    fn of(plan: &Plan, size: usize) -> Self {
        match plan.return_plan() {
            ReturnPlan::Void => Self::Nothing,
            ReturnPlan::Registers([m]) if size <= 8 && m.offset == 0 && m.len as usize == size => {
                let (unused, signed) = (64 - 8 * size as u8, m.extension == Extension::Sign);
                Self::Register { to: m.to, unused, signed }
            }
            ReturnPlan::Registers([a, b])
                if [(a.offset, a.len), (b.offset, b.len)] == [(0, 8), (8, 8)] =>
            {
                Self::Pair { first: a.to, second: b.to }
            }
            ReturnPlan::Registers(_) if size <= 16 => Self::Small,
            _ => Self::Other,
        }
    }
}

// SAFETY: the handler is code.
unsafe impl Send for Callee {}
// SAFETY: as above.
unsafe impl Sync for Callee {}

/// Where an argument is when C calls: that far into the saved registers, or the stack area, in one
/// piece; or put together in the room for those that are in pieces, or not aligned.
#[derive(Debug, Clone, Copy)]
struct Place {
    area: Area,
    offset: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Area {
    Registers,
    Stack,
    Gathered,
}

/// An eightbyte, some of which may be padding.
type Word = MaybeUninit<u64>;

/// What most closures need of the stack; others use the heap.
const FEW: usize = 16;
const SMALL: usize = 256;
/// The most bytes of a result in registers: four vector registers of AArch64, or one of x86-64.
const RESULT_BYTES: usize = 64;

/// Room for values of any type.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
pub(crate) struct Aligned<const N: usize>(pub(crate) [MaybeUninit<u8>; N]);

impl Callee {
    pub(crate) fn new(signature: &Signature) -> Option<Self> {
        let implementation = ffi::implementation(signature.convention()).ok()?;
        let plan = implementation.plan(signature).ok()?;
        let handler = implementation.callback_handler(&plan).ok()?;
        let (mut gathered, mut places) = (0_usize, Vec::new());
        for (index, ty) in signature.arguments().iter().enumerate() {
            places.push(match whole(&plan, index, ty.size(), ty.align()) {
                Some(place) => place,
                None => {
                    let at = gathered.next_multiple_of(ty.align());
                    gathered = at + ty.size();
                    Place { area: Area::Gathered, offset: u32::try_from(at).ok()? }
                }
            });
        }
        let header = CallbackHeader { dispatch: foreign };
        let result = Outcome::of(&plan, signature.return_type().size());
        let few = gathered == 0 && places.len() <= FEW;
        let simple = few && !matches!(result, Outcome::Other);
        Some(Self { header, plan, handler, places: places.into(), gathered, result, simple })
    }

    /// Whether there are neither arguments nor a result.
    pub(crate) fn is_bare(&self) -> bool {
        self.places.is_empty() && matches!(self.result, Outcome::Nothing)
    }

    /// Receives a call: `function` is given where its result goes, and a pointer to each argument.
    ///
    /// # Safety
    /// As `ffi_types::Dispatch` says, for this plan.
    #[inline(always)]
    pub(crate) unsafe fn receive(
        &self,
        registers: *mut u8,
        stack: *const u8,
        returned: *mut u8,
        mut function: impl FnMut(*mut c_void, *mut *mut c_void),
    ) {
        let mut pointers = [MaybeUninit::<*mut c_void>::uninit(); FEW];
        let pointers = pointers.as_mut_ptr().cast::<*mut c_void>();
        if !self.simple {
            // SAFETY: the caller's.
            return unsafe { self.receive_any(registers, stack, returned, &mut function) };
        }
        for (index, place) in self.places.iter().enumerate() {
            let area = if place.area == Area::Stack { stack.cast_mut() } else { registers };
            // SAFETY: the offset is the plan's, and there are no more than a few.
            unsafe { pointers.add(index).write(area.add(place.offset as usize).cast()) };
        }
        #[repr(align(16))]
        struct Room([u64; 2]);
        let mut room = Room([0; 2]);
        let value = room.0.as_mut_ptr();
        function(value.cast(), pointers);
        // SAFETY: `value` holds the result, and the offset is that of a return register.
        unsafe {
            match self.result {
                Outcome::Register { to, unused, signed } => {
                    let word = value.read() << unused;
                    let wide = (word.cast_signed() >> unused).cast_unsigned();
                    let word = if signed { wide } else { word >> unused };
                    returned.add(to as usize).cast::<u64>().write(word);
                }
                Outcome::Pair { first, second } => {
                    returned.add(first as usize).cast::<Word>().write(value.cast::<Word>().read());
                    let second = returned.add(second as usize).cast::<Word>();
                    second.write(value.add(1).cast::<Word>().read());
                }
                Outcome::Small => self.plan.store_return(value.cast(), returned),
                Outcome::Nothing | Outcome::Other => {}
            }
        }
    }

    /// As [`receive`](Self::receive), for every signature.
    ///
    /// # Safety
    /// As there.
    #[inline(never)]
    unsafe fn receive_any(
        &self,
        registers: *mut u8,
        stack: *const u8,
        returned: *mut u8,
        function: &mut dyn FnMut(*mut c_void, *mut *mut c_void),
    ) {
        let mut result = Aligned([MaybeUninit::<u8>::zeroed(); RESULT_BYTES]);
        let value = match self.plan.return_plan() {
            // SAFETY: the caller's.
            ReturnPlan::Memory { .. } => unsafe {
                self.plan.result_pointer(registers).unwrap_or_default()
            },
            _ => result.0.as_mut_ptr().cast(),
        };
        let mut run = |pointers: *mut *mut c_void, room: *mut u8| {
            // SAFETY: there is a pointer for each argument, and the room is large enough.
            unsafe { self.point(registers, stack, pointers, room) };
            function(value.cast(), pointers);
        };
        if self.places.len() <= FEW && self.gathered <= SMALL {
            let mut few = [MaybeUninit::<*mut c_void>::uninit(); FEW];
            let mut room = Aligned([MaybeUninit::<u8>::uninit(); SMALL]);
            run(few.as_mut_ptr().cast(), room.0.as_mut_ptr().cast());
        } else {
            let mut many = vec![std::ptr::null_mut(); self.places.len()];
            let unit = Aligned([MaybeUninit::<u8>::uninit(); 64]);
            let mut room = vec![unit; self.gathered.div_ceil(64)];
            run(many.as_mut_ptr(), room.as_mut_ptr().cast());
        }
        // SAFETY: `value` holds the result, or is where it was wanted; `returned` is the
        // handler's.
        unsafe { self.plan.store_return(value, returned) };
    }

    /// # Safety
    /// As for [`receive`](Self::receive); there is a pointer for each argument at `pointers`, and
    /// as much room as is gathered, aligned to 64.
    unsafe fn point(
        &self,
        registers: *mut u8,
        stack: *const u8,
        pointers: *mut *mut c_void,
        room: *mut u8,
    ) {
        for (index, place) in self.places.iter().enumerate() {
            let area = match place.area {
                Area::Registers => registers,
                Area::Stack => stack.cast_mut(),
                Area::Gathered => room,
            };
            // SAFETY: the offsets are the plan's, and the room is large enough.
            unsafe {
                let pointer = area.add(place.offset as usize);
                if place.area == Area::Gathered {
                    self.plan.load_argument(index, registers, stack, pointer);
                }
                pointers.add(index).write(pointer.cast());
            }
        }
    }
}

/// Where an argument is in one piece, and aligned.
fn whole(plan: &Plan, index: usize, size: usize, align: usize) -> Option<Place> {
    match plan.place(index, size)? {
        // C aligned the stack area to 16. What needs more is copied, though System V's callers align
        // their stack for it: AAPCS64's do not.
        ffi_types::Place::Stack(offset)
            if align <= 16 && (offset as usize).is_multiple_of(align) =>
        {
            Some(Place { area: Area::Stack, offset })
        }
        // The saved registers are aligned to 16, but their places need not be.
        ffi_types::Place::Registers(offset) if align <= 8 => {
            Some(Place { area: Area::Registers, offset })
        }
        _ => None,
    }
}
