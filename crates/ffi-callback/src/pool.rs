//! Which trampolines are taken, and which callbacks are dropped and not yet left by all.
//!
//! A freed trampoline waits at the end of a queue before it is used again, and until then a call
//! through it is known to be a mistake. Once it *is* used again, a stale call cannot be told from a
//! rightful one: the address is the same. So [`WAITING`] freed ones are left in the queue while there
//! are new ones, or more can be made (`grow.rs`).

use crate::barrier;
use crate::callback::{Identity, Owned};
use crate::ending::end;
use crate::error::{CallbackError, GrowthError};
use crate::grow;
use crate::running::{Gate, Record, is_inside};
use crate::threads;
use ffi_types::{
    CallbackHeader, CallingConvention, CallingConventionError, Convention, Dispatch, Slot,
    ThunkTable,
};
use std::collections::VecDeque;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many trampolines others are freed before one is used again, where more can be made.
pub(crate) const WAITING: usize = 256;

static STATE: Mutex<State> = Mutex::new(State {
    pools: Vec::new(),
    records: Vec::new(),
    unused_records: Vec::new(),
    retired: Vec::new(),
    is_prepared: false,
});

/// All that callbacks share. Held for short, and never while code of others runs.
pub(crate) struct State {
    /// One for each convention's table.
    pools: Vec<Pool>,
    /// Those of threads that have been inside a callback.
    pub(crate) records: Vec<&'static Record>,
    /// Those of threads that have ended.
    pub(crate) unused_records: Vec<&'static Record>,
    /// Dropped while calls were under way.
    retired: Vec<Retired>,
    is_prepared: bool,
}

struct Retired {
    place: Place,
    gate: &'static Gate,
    context: Owned,
    /// Whether the thread that dropped it waits, to free it itself.
    is_awaited: bool,
}

struct Pool {
    /// The trampolines that are assembled into the program.
    table: &'static ThunkTable,
    /// Those that were made last: these first.
    newest: &'static ThunkTable,
    /// How many of the newest were ever taken.
    taken: usize,
    /// Those that were made since, the newest among them.
    more: Vec<&'static ThunkTable>,
    free: VecDeque<Freed>,
    /// Those that lead nowhere yet.
    gates: slice::Iter<'static, Gate>,
    /// Why there are no more.
    stuck: Option<GrowthError>,
}

/// A trampoline that nobody has.
struct Freed {
    place: Place,
    /// Whose it was, if it was a callback's.
    was: Option<Identity>,
}

/// Where a trampoline is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// Of the pool that it belongs to.
    pool: &'static ThunkTable,
    table: &'static ThunkTable,
    index: u32,
    /// Where it leads if it is a callback's; made when it first is.
    gate: Option<&'static Gate>,
}

impl Place {
    fn slot(&self) -> &'static Slot {
        self.table.slot(self.index as usize).expect("the pool's indices are those of the table")
    }
}

/// What the context of a slot points to that is nobody's.
static STALE: CallbackHeader = CallbackHeader { dispatch: stale };

unsafe extern "C-unwind" fn stale(
    _: *const CallbackHeader,
    _: *mut u8,
    _: *const u8,
    _: *mut u8,
    _: *const Slot,
) {
    end(format_args!("C called a trampoline that has been dropped; aborting"));
}

impl State {
    pub(crate) fn lock() -> MutexGuard<'static, Self> {
        // Nothing panics while the lock is held, but a poisoned one would still be whole.
        STATE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`lock`](Self::lock), to make something: before the first, the system is told of it.
    fn prepared() -> MutexGuard<'static, Self> {
        let mut state = Self::lock();
        if !state.is_prepared {
            barrier::prepare();
            threads::prepare();
            state.is_prepared = true;
        }
        state
    }

    fn pool(&mut self, table: &'static ThunkTable) -> &mut Pool {
        let known = self.pools.iter().position(|pool| std::ptr::eq(pool.table, table));
        let index = known.unwrap_or_else(|| {
            let (more, free) = (Vec::new(), VecDeque::new());
            let gates = [].iter();
            self.pools.push(Pool {
                table,
                newest: table,
                taken: 0,
                more,
                free,
                gates,
                stuck: None,
            });
            self.pools.len() - 1
        });
        &mut self.pools[index]
    }

    fn free(&mut self, place: Place, was: Option<Identity>) {
        self.pool(place.pool).free.push_back(Freed { place, was });
    }

    /// Takes what nobody is inside of out of the retired ones; it is freed by whoever asked, when
    /// the lock is no longer held.
    fn take_left(&mut self) -> Vec<Owned> {
        if self.retired.is_empty() {
            return Vec::new();
        }
        self.wait_for_notes();
        let is_left = |retired: &mut Retired| {
            !retired.is_awaited && !is_inside(retired.gate, self.records.iter().copied())
        };
        let left: Vec<Retired> = self.retired.extract_if(.., is_left).collect();
        left.into_iter().map(|Retired { place, context, .. }| self.bury(place, context)).collect()
    }

    /// As [`take_left`](Self::take_left), for the one that somebody waited for.
    fn take_awaited(&mut self, gate: &Gate) -> Option<Owned> {
        let at = self.retired.iter().position(|retired| std::ptr::eq(retired.gate, gate))?;
        let Retired { place, context, .. } = self.retired.swap_remove(at);
        Some(self.bury(place, context))
    }

    /// Frees the trampoline of a callback that nobody is inside of, and remembers whose it was.
    fn bury(&mut self, place: Place, mut context: Owned) -> Owned {
        self.free(place, Some(context.take_identity()));
        context
    }

    /// Makes sure that notes of calls which are under way can be seen.
    fn wait_for_notes(&self) {
        // Who writes the first note of a thread takes the lock before it; and one's own can be seen.
        if self.records.iter().any(|record| !threads::is_own(record)) {
            barrier::heavy();
        }
    }

    /// Whose the trampoline with this gate was, if it was dropped and is nobody's since.
    pub(crate) fn identity_of<R>(&self, gate: &Gate, of: impl FnOnce(&Identity) -> R) -> Option<R> {
        let is_it = |place: &Place| place.gate.is_some_and(|other| std::ptr::eq(other, gate));
        if let Some(retired) = self.retired.iter().find(|retired| is_it(&retired.place)) {
            return Some(of(retired.context.identity()));
        }
        let freed = self.pools.iter().flat_map(|pool| &pool.free).find(|freed| is_it(&freed.place));
        freed.and_then(|freed| freed.was.as_ref()).map(of)
    }

    /// After `fork`, in the child: there is no other thread.
    #[cfg(unix)]
    pub(crate) fn forget_other_threads(&mut self) {
        self.records.retain(|record| threads::is_own(record));
    }
}

impl Pool {
    fn take(&mut self, convention: Convention) -> Result<Place, CallbackError> {
        if self.free.len() <= WAITING {
            if self.taken == self.newest.count() && (self.free.is_empty() || self.stuck.is_none()) {
                match grow::more(self.table) {
                    Ok(more) => {
                        self.more.push(more);
                        (self.newest, self.taken, self.stuck) = (more, 0, None);
                    }
                    Err(why) => self.stuck = Some(why),
                }
            }
            if self.taken < self.newest.count() {
                let index = self.taken as u32;
                self.taken += 1;
                return Ok(Place { pool: self.table, table: self.newest, index, gate: None });
            }
        }
        self.free.pop_front().map(|freed| freed.place).ok_or_else(|| CallbackError::Exhausted {
            convention,
            capacity: self.table.count() * (1 + self.more.len()),
            why: self.stuck.clone().unwrap_or(GrowthError::Unsupported),
        })
    }

    /// As [`take`](Self::take), of one with a gate.
    fn take_gated(
        &mut self,
        convention: Convention,
    ) -> Result<(Place, &'static Gate), CallbackError> {
        let mut place = self.take(convention)?;
        let gate = *place.gate.get_or_insert_with(|| {
            self.gates.next().unwrap_or_else(|| {
                // Some at once, so that they stand together.
                let gates = [(); 32].map(|()| Gate::new(CallbackHeader { dispatch: stale }));
                self.gates = Box::leak(Box::new(gates)).iter();
                self.gates.next().expect("there are 32")
            })
        });
        Ok((place, gate))
    }
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
    place: Place,
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
        let place = State::prepared().pool(convention.thunks()?).take(convention.convention())?;
        let trampoline = Self { place };
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
        let slot = self.place.slot();
        // SAFETY: the caller's.
        unsafe {
            slot.set_context(context);
            slot.set_handler(handler);
        }
    }

    /// What C calls; never null.
    pub fn as_ptr(&self) -> *const c_void {
        // The index came from the pool, so it is in the table.
        self.place.table.thunk(self.place.index as usize).unwrap_or_default()
    }

    /// What the trampoline leads to that an address is inside of, whoever has it; `None` for an
    /// address in none of the convention's.
    ///
    /// # Errors
    /// A [`CallingConventionError`] when the convention cannot be used on this platform.
    pub fn context_at(
        convention: &dyn CallingConvention,
        code: *const c_void,
    ) -> Result<Option<*const CallbackHeader>, CallingConventionError> {
        let table = convention.thunks()?;
        let context = |table: &ThunkTable| Some(table.slot(table.index_of(code)?)?.context());
        // Nearly always it is one that is assembled into the program.
        if let Some(context) = context(table) {
            return Ok(Some(context));
        }
        Ok(State::lock().pool(table).more.iter().find_map(|table| context(table)))
    }
}

impl Drop for Trampoline {
    fn drop(&mut self) {
        // SAFETY: that context lives for ever, and looks at no argument.
        unsafe { self.place.slot().set_context(&raw const STALE) };
        State::lock().free(self.place, None);
    }
}

/// A trampoline with a gate, and what is behind it: what a callback consists of.
#[derive(Debug)]
pub(crate) struct Gated {
    place: Place,
    gate: &'static Gate,
}

impl Gated {
    /// Takes a trampoline, and opens its gate to the context.
    ///
    /// # Safety
    /// The handler is that of a plan whose registers the context expects, and `dispatch` enters
    /// through gates that lead to such contexts.
    pub(crate) unsafe fn new(
        convention: &dyn CallingConvention,
        handler: *const c_void,
        dispatch: Dispatch,
        context: &Owned,
    ) -> Result<Self, CallbackError> {
        let mut state = State::prepared();
        let pool = state.pool(convention.thunks()?);
        let (place, gate) = pool.take_gated(convention.convention())?;
        drop(state);
        let slot = place.slot();
        // SAFETY: the trampoline was taken just now; the gate lives for ever, and the handler is the
        // caller's.
        unsafe {
            gate.open(dispatch, context.head());
            slot.set_context(gate.header());
            slot.set_handler(handler);
        }
        Ok(Self { place, gate })
    }

    pub(crate) fn as_ptr(&self) -> *const c_void {
        // The index came from the pool, so it is in the table.
        self.place.table.thunk(self.place.index as usize).unwrap_or_default()
    }

    /// Closes the gate. The context is freed when nobody is inside: now, or when the last call
    /// returns.
    pub(crate) fn retire(self, context: Owned) {
        let Self { place, gate } = self;
        let mut state = State::lock();
        // Under the lock: who finds the gate closed asks whose it was, and that is known then.
        gate.close();
        state.wait_for_notes();
        // What others have left is freed as well; there is none nearly always.
        let left = state.take_left();
        let own = if is_inside(gate, state.records.iter().copied()) {
            state.retired.push(Retired { place, gate, context, is_awaited: false });
            None
        } else {
            Some(state.bury(place, context))
        };
        drop(state);
        drop((left, own));
    }

    /// As [`retire`](Self::retire), but waits until nobody is inside, and frees the context itself.
    pub(crate) fn retire_and_wait(self, context: Owned) {
        let Self { place, gate } = self;
        let mut state = State::lock();
        gate.close();
        state.retired.push(Retired { place, gate, context, is_awaited: true });
        let context = loop {
            state.wait_for_notes();
            if !is_inside(gate, state.records.iter().copied()) {
                break state.take_awaited(gate);
            }
            drop(state);
            std::thread::sleep(Duration::from_micros(50));
            state = State::lock();
        };
        drop(state);
        drop(context);
    }
}

/// Frees the callbacks that were dropped while somebody was inside, and nobody is any more. Called
/// where the next frame is C's, so that nothing may unwind.
#[cold]
pub(crate) fn reclaim() {
    let left = State::lock().take_left();
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(left))) {
        // It may panic when it is dropped.
        std::mem::forget(payload);
        end(format_args!("a callback that was dropped panicked when its closure was; aborting"));
    }
}
