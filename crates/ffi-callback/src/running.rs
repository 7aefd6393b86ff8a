//! Who is inside which callback.
//!
//! A call leaves a note in its thread's [`Record`] for as long as it takes: which [`Gate`] it went
//! through. Whoever drops a callback closes its gate, and then reads all records: if no note is of
//! this gate, nobody is inside, and nobody can get inside any more, because a call looks at its gate
//! again once its note is written. If there is one, the closure stays until the last of these calls
//! returns; that call finds its gate closed, and frees it.
//!
//! Only the thread itself writes to its record, so that calls on many threads share nothing that
//! any of them writes. `barrier.rs` says what keeps the order of notes and gates.

use crate::barrier;
use crate::callback::Head;
use crate::sync::{AtomicPtr, AtomicUsize, Ordering};
use ffi_types::CallbackHeader;

/// How many callbacks a thread can be inside of, one within the other, that are noted in its record;
/// more are counted at their gates.
const NOTES: usize = 8;

/// What a trampoline leads to for as long as the program runs. A callback puts its context there, and
/// takes it away when it is dropped.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Gate {
    header: CallbackHeader,
    /// Null while it is closed.
    head: AtomicPtr<Head>,
    /// The calls that are noted in no record.
    calls: AtomicUsize,
}

impl Gate {
    pub(crate) fn new(header: CallbackHeader) -> Self {
        Self { header, head: AtomicPtr::new(std::ptr::null_mut()), calls: AtomicUsize::new(0) }
    }

    pub(crate) fn header(&self) -> &CallbackHeader {
        &self.header
    }

    pub(crate) fn open(&self, head: *mut Head) {
        self.head.store(head, Ordering::Release);
    }

    /// From here on calls find it closed, or are noted already.
    pub(crate) fn close(&self) {
        self.head.store(std::ptr::null_mut(), Ordering::SeqCst);
    }

    /// What is behind it, for a call that is noted; null if it is closed.
    #[inline(always)]
    pub(crate) fn head(&self) -> *const Head {
        self.head.load(Ordering::Acquire)
    }
}

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

    /// Notes a call, where there is place for another one.
    #[inline(always)]
    pub(crate) fn note(&self, gate: &Gate) -> Option<&AtomicPtr<Gate>> {
        let note = self.notes.iter().find(|note| note.load(Ordering::Relaxed).is_null())?;
        note.store(std::ptr::from_ref(gate).cast_mut(), Ordering::Relaxed);
        barrier::light();
        Some(note)
    }

    fn has(&self, gate: &Gate) -> bool {
        self.notes.iter().any(|note| std::ptr::eq(note.load(Ordering::Acquire), gate))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.notes.iter().all(|note| note.load(Ordering::Acquire).is_null())
    }
}

/// A call that is under way.
#[derive(Debug)]
pub(crate) struct Inside<'a> {
    gate: &'a Gate,
    /// `None` if it is counted at the gate.
    note: Option<&'a AtomicPtr<Gate>>,
}

impl<'a> Inside<'a> {
    /// Enters: what [`Gate::head`] says from now on stays there until this is dropped.
    #[inline(always)]
    pub(crate) fn new(gate: &'a Gate, record: Option<&'a Record>) -> Self {
        let note = record.and_then(|record| record.note(gate));
        if note.is_none() {
            gate.calls.fetch_add(1, Ordering::SeqCst);
            barrier::light();
        }
        Self { gate, note }
    }

    /// Leaves; to be done once. Whether the gate was closed meanwhile, and what was behind it may
    /// wait to be freed.
    #[inline(always)]
    pub(crate) fn leave(&self) -> bool {
        match self.note {
            Some(note) => note.store(std::ptr::null_mut(), Ordering::Release),
            None => _ = self.gate.calls.fetch_sub(1, Ordering::SeqCst),
        }
        barrier::light();
        self.gate.head.load(Ordering::Relaxed).is_null()
    }
}

/// Whether a call is under way that went through a gate, which is closed, and after that
/// [`barrier::heavy`] was run if any of the records is another thread's.
pub(crate) fn is_inside<'a>(gate: &Gate, records: impl IntoIterator<Item = &'a Record>) -> bool {
    gate.calls.load(Ordering::SeqCst) > 0 || records.into_iter().any(|record| record.has(gate))
}
