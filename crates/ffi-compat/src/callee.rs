//! The way back: from the registers that C called a closure with to the `void **` that the
//! closure's function is given, and from the result to the return registers.

use crate::closure::foreign;
use ffi_types::{CallbackHeader, Plan, ReturnPlan, Signature};
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
}

// SAFETY: the handler is code.
unsafe impl Send for Callee {}
// SAFETY: as above.
unsafe impl Sync for Callee {}

/// Where an argument is when C calls.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// In one piece, that far into the saved registers.
    Registers(u32),
    /// In one piece, that far into the stack area.
    Stack(u32),
    /// In pieces, or not aligned: put together that far into the room for such.
    Gathered(u32),
}

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
                    Place::Gathered(u32::try_from(at).ok()?)
                }
            });
        }
        let header = CallbackHeader { dispatch: foreign };
        Some(Self { header, plan, handler, places: places.into(), gathered })
    }

    /// Whether the result is in memory that the caller has.
    fn is_in_memory(&self) -> bool {
        matches!(self.plan.return_plan(), ReturnPlan::Memory { .. })
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
        function: impl FnOnce(*mut c_void, *mut *mut c_void),
    ) {
        let mut result = Aligned([MaybeUninit::<u8>::zeroed(); RESULT_BYTES]);
        let value = match self.is_in_memory() {
            // SAFETY: the caller's.
            true => unsafe { self.plan.result_pointer(registers) }.unwrap_or_default(),
            false => result.0.as_mut_ptr().cast(),
        };
        let run = |pointers: *mut *mut c_void, room: *mut u8| {
            // SAFETY: there is a pointer for each argument, and the room is large enough.
            unsafe { self.point(registers, stack, pointers, room) };
            function(value.cast(), pointers);
        };
        let mut few = [MaybeUninit::<*mut c_void>::uninit(); FEW];
        if self.places.len() <= FEW && self.gathered == 0 {
            run(few.as_mut_ptr().cast(), std::ptr::null_mut());
        } else if self.places.len() <= FEW && self.gathered <= SMALL {
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
    #[inline(always)]
    unsafe fn point(
        &self,
        registers: *mut u8,
        stack: *const u8,
        pointers: *mut *mut c_void,
        room: *mut u8,
    ) {
        for (index, place) in self.places.iter().enumerate() {
            // SAFETY: the offsets are the plan's, and the room is large enough.
            unsafe {
                let pointer = match *place {
                    Place::Registers(at) => registers.add(at as usize),
                    Place::Stack(at) => stack.add(at as usize).cast_mut(),
                    Place::Gathered(at) => {
                        let to = room.add(at as usize);
                        self.plan.load_argument(index, registers, stack, to);
                        to
                    }
                };
                pointers.add(index).write(pointer.cast());
            }
        }
    }
}

/// Where an argument is in one piece, and aligned.
fn whole(plan: &Plan, index: usize, size: usize, align: usize) -> Option<Place> {
    if plan.reference_of(index).is_some() {
        return None;
    }
    let [first, rest @ ..] = plan.moves_of(index) else { return None };
    let mut end = first.len;
    for m in rest {
        if m.offset != end || m.to != first.to + end {
            return None;
        }
        end += m.len;
    }
    if first.offset != 0 || (end as usize) < size {
        return None;
    }
    match first.to.checked_sub(plan.registers().size) {
        // C aligned the stack area for it.
        Some(at) if align <= 8 || (at as usize).is_multiple_of(align) => Some(Place::Stack(at)),
        // The saved registers are aligned to 16, but their places need not be.
        None if align <= 8 => Some(Place::Registers(first.to)),
        _ => None,
    }
}
