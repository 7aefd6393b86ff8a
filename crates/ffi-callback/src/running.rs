//! Who is inside which callback.
//!
//! A call leaves a note in its thread's [`Record`] for as long as it takes: which [`Gate`] it went
//! through. Whoever drops a callback closes its gate, and then reads all records: if no note is of
//! this gate, nobody is inside, and nobody can get inside any more, because a call looks at its gate
//! again once its note is written. If there is one, the closure stays until the last of these calls
//! returns; that call finds its gate closed, and frees it.
//!
//! Only the thread itself writes to its record, so that calls on many threads share nothing that
//! any of them writes. `barrier.rs` says what keeps the order of notes and gates. Calls that no
//! record has a place for are counted at their gates.

use crate::barrier;
use crate::callback::Head;
use crate::sync::{AtomicPtr, AtomicUsize, Ordering, fence};
use ffi_types::{CallbackHeader, Dispatch};
use std::cell::UnsafeCell;

/// How many callbacks a thread can be inside of, one within the other, that are noted in its record;
/// more are counted at their gates. Fewer where every order is tried.
const NOTES: usize = if cfg!(loom) { 2 } else { 8 };

/// What a trampoline leads to for as long as the program runs. A callback puts its context there, and
/// takes it away when it is dropped.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Gate {
    /// Changed only while nobody has the trampoline; read by its handler.
    header: UnsafeCell<CallbackHeader>,
    /// Null while it is closed.
    head: AtomicPtr<Head>,
    /// The calls that are noted in no record.
    calls: AtomicUsize,
}

impl Gate {
    pub(crate) fn new(header: CallbackHeader) -> Self {
        let header = UnsafeCell::new(header);
        Self { header, head: AtomicPtr::new(std::ptr::null_mut()), calls: AtomicUsize::new(0) }
    }

    /// What the trampoline's slot has to lead to.
    pub(crate) fn header(&self) -> *const CallbackHeader {
        self.header.get()
    }

    /// Opens it to a context, whose calls `dispatch` is for.
    ///
    /// # Safety
    /// Nobody has the trampoline but the caller.
    pub(crate) unsafe fn open(&self, dispatch: Dispatch, head: *mut Head) {
        // SAFETY: the caller's: nobody reads it. A call that comes too late would have to start now,
        // after so many trampolines were freed as wait to be used again.
        unsafe { (*self.header.get()).dispatch = dispatch };
        self.head.store(head, Ordering::Release);
    }

    /// From here on calls find it closed, or are noted already.
    pub(crate) fn close(&self) {
        self.head.store(std::ptr::null_mut(), Ordering::SeqCst);
    }

    #[inline(always)]
    fn is_closed(&self) -> bool {
        self.head.load(Ordering::Relaxed).is_null()
    }

    /// What is behind it, for a call that is noted; null if it is closed.
    #[inline(always)]
    pub(crate) fn head(&self) -> *const Head {
        self.head.load(Ordering::Acquire)
    }
}

// SAFETY: the header is written as `open` says, and the rest is atomic.
unsafe impl Sync for Gate {}

/// The callbacks that one thread is inside of, in no order: null is a free place.
#[repr(align(64))]
#[derive(Debug)]
pub(crate) struct Record {
    notes: [AtomicPtr<Gate>; NOTES],
}

impl Record {
    pub(crate) fn new() -> Self {
        Self { notes: std::array::from_fn(|_| AtomicPtr::new(std::ptr::null_mut())) }
    }

    /// Notes a call in the first place, where nearly always there is place.
    #[inline(always)]
    pub(crate) fn note_first(&self, gate: &Gate) -> Option<Note<'_>> {
        let first = &self.notes[0];
        first.load(Ordering::Relaxed).is_null().then(|| Note::write(first, gate))
    }

    /// Notes a call, where there is place left.
    fn note(&self, gate: &Gate) -> Option<Note<'_>> {
        let place = self.notes.iter().find(|note| note.load(Ordering::Relaxed).is_null())?;
        Some(Note::write(place, gate))
    }

    fn has(&self, gate: &Gate) -> bool {
        self.notes.iter().any(|note| std::ptr::eq(note.load(Ordering::Acquire), gate))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.notes.iter().all(|note| note.load(Ordering::Acquire).is_null())
    }
}

/// That a call is under way: what [`Gate::head`] says from now on stays there until the note is gone.
#[derive(Debug)]
pub(crate) struct Note<'a>(&'a AtomicPtr<Gate>);

impl<'a> Note<'a> {
    #[inline(always)]
    fn write(place: &'a AtomicPtr<Gate>, gate: &Gate) -> Self {
        // Released, so that who reads this note sees all that the call before it did.
        place.store(std::ptr::from_ref(gate).cast_mut(), Ordering::Release);
        barrier::light();
        Self(place)
    }

    /// Removes it, when the call is over. Whether the gate was closed meanwhile, and what was behind it
    /// may wait to be freed.
    #[inline(always)]
    pub(crate) fn remove(self, gate: &Gate) -> bool {
        self.0.store(std::ptr::null_mut(), Ordering::Release);
        barrier::light();
        gate.is_closed()
    }
}

/// As [`Note`], wherever there is place for it: in the record, or else it is counted at the gate.
#[derive(Debug)]
pub(crate) enum Inside<'a> {
    Noted(Note<'a>),
    Counted,
}

impl<'a> Inside<'a> {
    pub(crate) fn enter(gate: &Gate, record: Option<&'a Record>) -> Self {
        if let Some(note) = record.and_then(|record| record.note(gate)) {
            barrier::full();
            return Self::Noted(note);
        }
        gate.calls.fetch_add(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        Self::Counted
    }

    /// As [`Note::remove`].
    pub(crate) fn leave(self, gate: &Gate) -> bool {
        match self {
            Self::Noted(note) => {
                note.remove(gate);
                barrier::full();
                gate.is_closed()
            }
            Self::Counted => {
                gate.calls.fetch_sub(1, Ordering::SeqCst);
                fence(Ordering::SeqCst);
                gate.is_closed()
            }
        }
    }
}

/// Whether a call is under way that went through a gate, which is closed, and after that
/// [`barrier::heavy`] was run if any of the records is another thread's.
pub(crate) fn is_inside<'a>(gate: &Gate, records: impl IntoIterator<Item = &'a Record>) -> bool {
    gate.calls.load(Ordering::SeqCst) > 0 || records.into_iter().any(|record| record.has(gate))
}

#[cfg(all(test, loom))]
#[path = "running_model.rs"]
mod model;
