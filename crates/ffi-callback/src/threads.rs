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
    /// The same, for calls that need no barrier of their own: null where they all do.
    static FAST: Cell<*const Record> = const { Cell::new(null()) };
    /// Its end is the thread's.
    static END: End = const { End };
}

struct End;

impl Drop for End {
    fn drop(&mut self) {
        give_back();
        late::forget();
    }
}

/// Gives the thread's record to those that come later.
fn give_back() {
    FAST.set(null());
    // SAFETY: records live for ever.
    let Some(own) = (unsafe { OWN.replace(null()).as_ref() }) else { return };
    // Otherwise a coroutine, say, is inside a callback and went on to another thread.
    if own.is_empty() {
        let mut state = State::lock();
        state.records.retain(|record| !std::ptr::eq(*record, own));
        state.unused_records.push(own);
    }
}

/// The thread's record, for calls with the light barrier alone; `None` if it has none yet, or cannot
/// have one, or that barrier is too light here.
#[inline(always)]
pub(crate) fn own() -> Option<&'static Record> {
    // SAFETY: records live for ever.
    unsafe { FAST.get().as_ref() }
}

/// The thread's record, for calls with the full barrier; made by its first call. `None` if the thread
/// is ending: its destructors may call callbacks, but nothing would be there to tell of its end.
#[cold]
pub(crate) fn own_or_made() -> Option<&'static Record> {
    // SAFETY: records live for ever.
    if let Some(own) = unsafe { OWN.get().as_ref() } {
        return Some(own);
    }
    END.try_with(|_| ()).ok()?;
    late::remember();
    let mut state = State::lock();
    let unused = state.unused_records.pop();
    let record = unused.unwrap_or_else(|| Box::leak(Box::new(Record::new())));
    state.records.push(record);
    OWN.set(record);
    if barrier::is_there() {
        FAST.set(record);
    }
    Some(record)
}

pub(crate) fn is_own(record: &Record) -> bool {
    std::ptr::eq(OWN.get(), record)
}

/// Once for the program: what the end of a thread and `fork` are to do.
pub(crate) fn prepare() {
    late::prepare();
    #[cfg(unix)]
    fork::prepare();
}

/// The end of threads whose first call came when Rust's destructors had run already: from one of
/// C's, of `pthread_key_create`, which glibc runs later. Theirs would never run.
#[cfg(unix)]
mod late {
    use std::ffi::c_void;
    use std::sync::OnceLock;

    /// `None` if the program has all keys that it can have; then such threads keep their records.
    static KEY: OnceLock<Option<libc::pthread_key_t>> = OnceLock::new();

    pub(super) fn prepare() {
        KEY.get_or_init(|| {
            let mut key = 0;
            // SAFETY: it is a destructor, and there is room for the key.
            let status = unsafe { libc::pthread_key_create(&raw mut key, Some(end)) };
            (status == 0).then_some(key)
        });
    }

    unsafe extern "C" fn end(_: *mut c_void) {
        super::give_back();
    }

    fn set(value: *const c_void) {
        if let Some(Some(key)) = KEY.get() {
            // SAFETY: the key was made above. It fails where memory is short alone; then the record
            // stays.
            unsafe { libc::pthread_setspecific(*key, value) };
        }
    }

    /// The destructor runs for what is not null.
    pub(super) fn remember() {
        set((&raw const KEY).cast());
    }

    /// Rust's own has done it, and until then kept the library of this code from being unloaded.
    pub(super) fn forget() {
        set(std::ptr::null());
    }
}

#[cfg(not(unix))]
mod late {
    pub(super) fn prepare() {}

    pub(super) fn remember() {}

    pub(super) fn forget() {}
}

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

    pub(super) fn prepare() {
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
