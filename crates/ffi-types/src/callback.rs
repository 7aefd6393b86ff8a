//! What the assembly of a callback and the crate that owns the closures agree on.
//!
//! A *thunk* is a few bytes of code that never change. Its *slot* is the data that the thunk finds
//! at a fixed distance from itself. The thunk puts the slot's address in a scratch register and
//! jumps to `slot.handler`, which saves the argument registers and calls
//! `slot.context.dispatch`.

use core::ffi::c_void;
use core::sync::atomic::AtomicPtr;
use core::sync::atomic::Ordering::{Acquire, Release};

/// The data beside one thunk. Read by assembly: the order and size of the fields are fixed.
#[repr(C)]
#[derive(Debug)]
pub struct Slot {
    handler: AtomicPtr<c_void>,
    context: AtomicPtr<CallbackHeader>,
}

impl Slot {
    /// Where the address is that the thunk jumps to, in bytes from the start of the slot.
    pub const HANDLER: usize = core::mem::offset_of!(Slot, handler);
    /// Where the address is that the handler passes on, in bytes from the start of the slot.
    pub const CONTEXT: usize = core::mem::offset_of!(Slot, context);

    /// Says where the thunk jumps: to [`CallingConvention::callback_handler`] of a plan.
    ///
    /// # Safety
    /// The handler is of a convention for the running processor (all of them leave the same
    /// scratch registers to thunks), and fits the plan of the context.
    ///
    /// [`CallingConvention::callback_handler`]: crate::CallingConvention::callback_handler
    pub unsafe fn set_handler(&self, handler: *const c_void) {
        self.handler.store(handler.cast_mut(), Release);
    }

    /// What the handler passes on; null in a slot that was never filled.
    pub fn context(&self) -> *const CallbackHeader {
        self.context.load(Acquire)
    }

    /// Says what the handler passes on.
    ///
    /// # Safety
    /// The context outlives every call through the slot's thunk, until another one is set.
    pub unsafe fn set_context(&self, context: *const CallbackHeader) {
        self.context.store(context.cast_mut(), Release);
    }
}

/// The part of a callback's context that the handler reads; the owner puts its own data behind it.
#[repr(C)]
#[derive(Debug)]
pub struct CallbackHeader {
    /// Called by the handler.
    pub dispatch: Dispatch,
}

/// Receives a call: the context, the saved argument registers (the register file of the plan), the
/// caller's stack area, room for the return registers, all zero, and the slot of the thunk that was
/// called.
///
/// # Safety
/// `registers` is readable and writable for the plan's register file, `stack` readable for the
/// plan's stack area, and `returned` writable for its return registers.
pub type Dispatch = unsafe extern "C-unwind" fn(
    context: *const CallbackHeader,
    registers: *mut u8,
    stack: *const u8,
    returned: *mut u8,
    slot: *const Slot,
);

/// The thunks that an ABI crate assembles into the program, and the slots beside them.
///
/// Thunk `i` starts at `code + i * stride` and reads slot `i`, at `slots + i`. A slot must be
/// filled before its thunk is called; until then it is zero.
#[derive(Debug)]
pub struct ThunkTable {
    code: *const u8,
    stride: usize,
    count: usize,
    slots: *const Slot,
}

// SAFETY: the table is never changed, the code is never written, and the slots are atomics.
unsafe impl Send for ThunkTable {}
// SAFETY: as above.
unsafe impl Sync for ThunkTable {}

impl ThunkTable {
    /// Describes `count` thunks of `stride` bytes each at `code`, with their slots.
    ///
    /// # Safety
    /// `code` and `slots` are as described at the type, and live as long as the program.
    pub const unsafe fn new(
        code: *const u8,
        stride: usize,
        count: usize,
        slots: *const Slot,
    ) -> Self {
        Self { code, stride, count, slots }
    }

    /// How many thunks there are.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Where the first thunk is.
    pub const fn code(&self) -> *const u8 {
        self.code
    }

    /// From one thunk to the next, in bytes.
    pub const fn stride(&self) -> usize {
        self.stride
    }

    /// Where the first slot is.
    pub const fn slots(&self) -> *const Slot {
        self.slots
    }

    /// The address of a thunk, which C calls as a function; `None` past the end.
    pub fn thunk(&self, index: usize) -> Option<*const c_void> {
        (index < self.count).then(|| self.code.wrapping_add(index * self.stride).cast())
    }

    /// Which thunk an address is inside of; `None` for one that is in none.
    pub fn index_of(&self, code: *const c_void) -> Option<usize> {
        let index = code.addr().wrapping_sub(self.code.addr()) / self.stride;
        (index < self.count).then_some(index)
    }

    /// The slot of a thunk; `None` past the end.
    pub fn slot(&self, index: usize) -> Option<&'static Slot> {
        // SAFETY: `new` was promised `count` slots that live as long as the program, and the index
        // is below that.
        (index < self.count).then(|| unsafe { &*self.slots.add(index) })
    }
}
