//! Which trampolines are taken.
//!
//! A freed trampoline waits at the end of a queue before it is used again, and until then a call
//! through it ends the program with a message. Once it *is* used again, a stale call cannot be
//! told from a rightful one: the address is the same.

use crate::error::CallbackError;
use ffi_types::{CallbackHeader, CallingConvention, Slot, ThunkTable};
use std::collections::VecDeque;
use std::ffi::c_void;
use std::sync::{Mutex, PoisonError};

/// One pool for each table; there are as many tables as conventions in the program.
static POOLS: Mutex<Vec<Pool>> = Mutex::new(Vec::new());

struct Pool {
    table: &'static ThunkTable,
    free: VecDeque<u32>,
}

/// What the context of an unused slot points to.
static STALE: CallbackHeader = CallbackHeader { dispatch: stale };

unsafe extern "C-unwind" fn stale(
    _: *const CallbackHeader,
    _: *mut u8,
    _: *const u8,
    _: *mut u8,
    _: *const Slot,
) {
    eprintln!("ffi: C called a callback that has been dropped; aborting");
    std::process::abort();
}

/// A trampoline: a C function pointer that leads wherever its owner says. [`Callback`] owns one,
/// with a closure; use it alone for callbacks of another kind, an interpreter's say.
///
/// Dropping it frees it for others. Calls through its pointer then end the program with a message,
/// until somebody else has it.
///
/// [`Callback`]: crate::Callback
#[derive(Debug)]
pub struct Trampoline {
    table: &'static ThunkTable,
    index: u32,
}

impl Trampoline {
    /// Takes a trampoline, and points it at a handler and a context.
    ///
    /// # Errors
    /// A [`CallbackError`] when the convention cannot be used on this platform, or when no
    /// trampoline is free.
    ///
    /// # Safety
    /// As for [`point_at`](Self::point_at).
    pub unsafe fn new(
        convention: &dyn CallingConvention,
        handler: *const c_void,
        context: *const CallbackHeader,
    ) -> Result<Self, CallbackError> {
        let table = convention.thunks()?;
        let taken = with_pool(table, handler, |pool| pool.free.pop_front());
        let exhausted = || CallbackError::Exhausted {
            convention: convention.convention(),
            capacity: table.count(),
        };
        let trampoline = Self { table, index: taken.ok_or_else(exhausted)? };
        // SAFETY: the caller's.
        unsafe { trampoline.point_at(handler, context) };
        Ok(trampoline)
    }

    /// Says where it leads: to the handler, with the context.
    ///
    /// # Safety
    /// - the handler is [`CallingConvention::callback_handler`] of a plan whose register file is
    ///   what the context's dispatch expects, for any convention of the running processor;
    /// - the context lives as long as calls may be under way;
    /// - no call is under way while the two are changed.
    pub unsafe fn point_at(&self, handler: *const c_void, context: *const CallbackHeader) {
        // SAFETY: the caller's.
        unsafe { fill(self.slot(), handler, context) };
    }

    /// What C calls; never null.
    pub fn as_ptr(&self) -> *const c_void {
        // The index came from the pool, so it is in the table.
        self.table.thunk(self.index as usize).unwrap_or_default()
    }

    fn slot(&self) -> &'static Slot {
        self.table.slot(self.index as usize).expect("the pool's indices are those of the table")
    }
}

impl Drop for Trampoline {
    fn drop(&mut self) {
        // SAFETY: that context lives for ever.
        unsafe { self.slot().set_context(&raw const STALE) };
        with_pool(self.table, std::ptr::null(), |pool| pool.free.push_back(self.index));
    }
}

/// # Safety
/// As for [`Slot::set_handler`] and [`Slot::set_context`].
unsafe fn fill(slot: &Slot, handler: *const c_void, context: *const CallbackHeader) {
    // SAFETY: the caller's.
    unsafe {
        slot.set_context(context);
        slot.set_handler(handler);
    }
}

/// Runs `f` on the table's pool, which is made when first asked for; `handler` is any that fits
/// the table, for the slots that are not taken yet.
fn with_pool<R>(
    table: &'static ThunkTable,
    handler: *const c_void,
    f: impl FnOnce(&mut Pool) -> R,
) -> R {
    // Nothing panics while the lock is held, but a poisoned one would still be whole.
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = pools.iter_mut().find(|pool| std::ptr::eq(pool.table, table)) {
        return f(pool);
    }
    f(new_pool(&mut pools, table, handler))
}

#[cold]
fn new_pool<'a>(
    pools: &'a mut Vec<Pool>,
    table: &'static ThunkTable,
    handler: *const c_void,
) -> &'a mut Pool {
    for slot in (0..table.count()).filter_map(|index| table.slot(index)) {
        // SAFETY: `stale` looks at no argument, so any handler of the convention fits; its context
        // lives for ever.
        unsafe { fill(slot, handler, &raw const STALE) };
    }
    pools.push(Pool { table, free: (0..table.count() as u32).collect() });
    let last = pools.len() - 1;
    &mut pools[last]
}
