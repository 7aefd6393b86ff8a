//! Closures that were freed, kept by the thread that freed them for its next ones: a program that
//! makes one for each call pays for no memory and no lock.
//!
//! Each waits until some others were freed, so that a call of a freed closure ends the program with
//! a message, and does not find somebody else's, for as long as that.

use crate::closure::Hidden;
use std::cell::RefCell;
use std::collections::VecDeque;

/// How many wait before one is used again.
const WAITING: usize = 8;
/// How many a thread keeps.
const MOST: usize = 16;

struct Spare(VecDeque<*mut Hidden>);

thread_local! {
    static SPARE: RefCell<Spare> = const { RefCell::new(Spare(VecDeque::new())) };
}

impl Drop for Spare {
    fn drop(&mut self) {
        for hidden in self.0.drain(..) {
            // SAFETY: it was freed, and is nobody else's.
            unsafe { Hidden::unmake(hidden) };
        }
    }
}

/// One that has waited long enough.
#[inline]
pub(crate) fn take() -> Option<*mut Hidden> {
    let take = |spare: &RefCell<Spare>| {
        let spare = &mut spare.try_borrow_mut().ok()?.0;
        if spare.len() < WAITING { None } else { spare.pop_front() }
    };
    SPARE.try_with(take).ok().flatten()
}

/// Keeps one, unless there are enough or the thread is ending.
#[inline]
pub(crate) fn keep(hidden: *mut Hidden) -> bool {
    let keep = |spare: &RefCell<Spare>| {
        let Ok(mut spare) = spare.try_borrow_mut() else { return false };
        if spare.0.len() < MOST {
            spare.0.push_back(hidden);
            return true;
        }
        false
    };
    SPARE.try_with(keep).unwrap_or(false)
}
