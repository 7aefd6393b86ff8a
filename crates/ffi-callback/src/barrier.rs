//! Two memory barriers of very different cost, which work as a pair.
//!
//! A thread that enters a callback writes down where it is, and then looks whether the callback is
//! still there; a thread that drops the callback takes it away, and then looks who is inside. At
//! least one of the two has to see what the other has written, so both need a barrier in between.
//! Callbacks are called far more often than they are dropped. So where the system lets one thread
//! run a barrier on behalf of all threads ([`heavy`]), those that are called need none of their own
//! ([`light`]): the compiler alone is kept from changing the order.

use crate::sync::{Ordering, fence};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicBool, compiler_fence};

/// Whether the system has the heavy barrier. Decided before there is any callback.
#[cfg(not(loom))]
static IS_THERE: AtomicBool = AtomicBool::new(false);

/// Asks the system; to be called before the first callback is made.
pub(crate) fn prepare() {
    #[cfg(not(loom))]
    IS_THERE.store(system::prepare(), Ordering::Relaxed);
}

/// Whether there is a heavy one. Otherwise both sides need a [`full`] one.
pub(crate) fn is_there() -> bool {
    #[cfg(not(loom))]
    return IS_THERE.load(Ordering::Relaxed);
    #[cfg(loom)]
    true
}

/// What a thread does between what it writes and what it reads, if the other one does [`heavy`].
#[inline(always)]
pub(crate) fn light() {
    #[cfg(not(loom))]
    compiler_fence(Ordering::SeqCst);
    #[cfg(loom)]
    fence(Ordering::SeqCst);
}

/// As [`light`], where the heavy barrier may be missing.
pub(crate) fn full() {
    light();
    if !is_there() {
        fence(Ordering::SeqCst);
    }
}

/// What a thread does between what it writes and what it reads, if the other one does [`light`], or
/// [`full`] where this one costs no more.
pub(crate) fn heavy() {
    #[cfg(not(loom))]
    if is_there() {
        system::heavy();
    } else {
        fence(Ordering::SeqCst);
    }
    #[cfg(loom)]
    fence(Ordering::SeqCst);
}

#[cfg(all(not(loom), target_os = "linux"))]
mod system {
    /// `MEMBARRIER_CMD_PRIVATE_EXPEDITED` of `linux/membarrier.h`.
    const RUN: libc::c_int = 1 << 3;
    /// `MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED`.
    const REGISTER: libc::c_int = 1 << 4;

    fn membarrier(command: libc::c_int) -> bool {
        // SAFETY: it reads and writes no memory of ours.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }

    /// Since Linux 4.14, unless a filter of system calls forbids it.
    pub(super) fn prepare() -> bool {
        membarrier(REGISTER) && membarrier(RUN)
    }

    pub(super) fn heavy() {
        // It worked before, so it fails only where a filter came later. To go on would be to free what
        // others may be in.
        if !membarrier(RUN) && !prepare() {
            crate::ending::end(format_args!("membarrier worked and no longer does; aborting"));
        }
    }
}

#[cfg(all(not(loom), windows))]
mod system {
    use windows_sys::Win32::System::Threading::FlushProcessWriteBuffers;

    pub(super) fn prepare() -> bool {
        true
    }

    pub(super) fn heavy() {
        // SAFETY: it has no preconditions.
        unsafe { FlushProcessWriteBuffers() };
    }
}

#[cfg(all(not(loom), not(any(target_os = "linux", windows))))]
mod system {
    /// None that is documented.
    pub(super) fn prepare() -> bool {
        false
    }

    pub(super) fn heavy() {}
}
