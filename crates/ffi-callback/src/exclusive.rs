//! Closures that C may call only one at a time, or only once, while C knows nothing of that.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError, TryLockError};

/// An `FnMut`: other threads wait for their turn.
pub(crate) struct Exclusive<F> {
    closure: Mutex<F>,
    /// The thread that has it, as [`thread_number`] names it; 0 for none.
    owner: AtomicUsize,
}

impl<F> Exclusive<F> {
    pub(crate) fn new(closure: F) -> Self {
        Self { closure: Mutex::new(closure), owner: AtomicUsize::new(0) }
    }

    /// Runs `f` with the closure.
    ///
    /// # Panics
    /// If the thread is running it already: C called the callback while it was inside it, and to
    /// wait would be to wait for ever.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut F) -> R) -> R {
        let own = thread_number();
        let mut closure = match self.closure.try_lock() {
            Ok(closure) => closure,
            // A panic is the policy's affair, and does not end the closure's life.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                assert!(
                    self.owner.load(Relaxed) != own,
                    "the callback was called while the same thread was inside it, and its closure \
                     is an `FnMut`"
                );
                self.closure.lock().unwrap_or_else(PoisonError::into_inner)
            }
        };
        /// Also when the closure panics; dropped before the lock is.
        struct Owned<'a>(&'a AtomicUsize);
        impl Drop for Owned<'_> {
            fn drop(&mut self) {
                self.0.store(0, Relaxed);
            }
        }
        self.owner.store(own, Relaxed);
        let _owned = Owned(&self.owner);
        f(&mut closure)
    }
}

/// A number that no other thread has now, and that is not 0.
fn thread_number() -> usize {
    thread_local!(static HERE: u8 = const { 0 });
    HERE.with(|here| std::ptr::from_ref(here).addr())
}

/// An `FnOnce`.
pub(crate) struct Once<F>(Mutex<Option<F>>);

impl<F> Once<F> {
    pub(crate) fn new(closure: F) -> Self {
        Self(Mutex::new(Some(closure)))
    }

    /// The closure.
    ///
    /// # Panics
    /// If it was taken before.
    pub(crate) fn take(&self) -> F {
        let closure = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        closure.expect("the callback was called a second time, and its closure is an `FnOnce`")
    }
}
