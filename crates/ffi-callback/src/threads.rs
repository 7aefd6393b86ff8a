//! Each thread's record of the callbacks that it is inside of, from its first call to its end, and
//! what `fork` makes of them.

use crate::barrier;
use crate::pool::State;
use crate::running::Record;
use std::cell::Cell;
use std::ptr::null;

thread_local! {
    /// Nothing is dropped with it, so it can be read as long as the thread runs anything at all.
    static OWN: Cell<*const Record> = const { Cell::new(null()) };
    /// Its end is the thread's.
    static END: End = const { End };
}

struct End;

impl Drop for End {
    fn drop(&mut self) {
        let own = OWN.replace(null());
        let mut state = State::lock();
        state.records.retain(|record| !std::ptr::eq(*record, own));
        // SAFETY: records live for ever.
        if let Some(record) = unsafe { own.as_ref() } {
            if record.is_empty() {
                state.unused_records.push(record);
            } else {
                // A coroutine, say, that is inside a callback and went on to another thread.
                state.records.push(record);
            }
        }
    }
}

/// The thread's record; `None` if it has none yet, or cannot have one.
#[inline(always)]
pub(crate) fn own() -> Option<&'static Record> {
    // SAFETY: records live for ever.
    unsafe { OWN.get().as_ref() }
}

/// As [`own`], for the first call of a thread: makes a record. `None` where records cannot be relied
/// on, and if the thread is ending: its destructors may call callbacks, but nothing would be there to
/// tell of its end.
#[cold]
pub(crate) fn make_own() -> Option<&'static Record> {
    if !barrier::is_there() {
        return None;
    }
    END.try_with(|_| ()).ok()?;
    let mut state = State::lock();
    let unused = state.unused_records.pop();
    let record = unused.unwrap_or_else(|| Box::leak(Box::new(Record::new())));
    state.records.push(record);
    OWN.set(record);
    Some(record)
}

pub(crate) fn is_own(record: &Record) -> bool {
    std::ptr::eq(OWN.get(), record)
}

/// Once for the program: what `fork` is to do.
#[cfg(not(unix))]
pub(crate) fn prepare() {}

#[cfg(unix)]
pub(crate) use fork::prepare;

#[cfg(unix)]
mod fork {
    use crate::pool::State;
    use std::cell::RefCell;
    use std::sync::MutexGuard;

    thread_local! {
        /// What the forking thread holds meanwhile, so that the child does not find the lock held
        /// by a thread that it does not have.
        static HELD: RefCell<Option<MutexGuard<'static, State>>> = const { RefCell::new(None) };
    }

    /// Once for the program: what `fork` is to do.
    pub(crate) fn prepare() {
        // SAFETY: these are functions for it. It fails where memory is short alone; then a child
        // that is forked while another thread makes a callback cannot make any.
        unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
    }

    unsafe extern "C" fn before() {
        // A thread that is ending holds nothing, and takes its chances.
        let _ = HELD.try_with(|held| held.replace(Some(State::lock())));
    }

    unsafe extern "C" fn in_parent() {
        let _ = HELD.try_with(|held| held.take());
    }

    unsafe extern "C" fn in_child() {
        let _ = HELD.try_with(|held| {
            if let Some(mut state) = held.take() {
                state.forget_other_threads();
            }
        });
    }
}
