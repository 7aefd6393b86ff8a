//! Calls that may have become pointless: deadlines and cancellation.

use crate::error::CallError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Under what conditions a call may still start. The default is: under any.
///
/// The conditions are checked once, before the call; C code cannot be stopped from outside.
///
/// ```
/// use ffi::{CallError, CancelFlag, Context};
/// use std::time::Duration;
///
/// let flag = CancelFlag::new();
/// let context = Context::new().timeout(Duration::from_secs(5)).cancelled_by(&flag);
/// assert_eq!(context.check(), Ok(()));
/// flag.cancel();
/// assert_eq!(context.check(), Err(CallError::Cancelled));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Context {
    deadline: Option<Instant>,
    cancelled: Option<CancelFlag>,
}

impl Context {
    /// No conditions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls may start until that moment.
    ///
    /// # Examples
    /// ```
    /// use ffi::{CallError, Context};
    /// use std::time::Instant;
    /// let context = Context::new().deadline(Instant::now());
    /// assert!(matches!(context.check(), Err(CallError::DeadlineExceeded { .. })));
    /// ```
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Calls may start for that long from now; a time too long for the clock is no limit.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// let context = ffi::Context::new().timeout(Duration::from_secs(3600));
    /// assert_eq!(context.check(), Ok(()));
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.deadline = Instant::now().checked_add(timeout);
        self
    }

    /// Calls may start until the flag is raised.
    ///
    /// # Examples
    /// ```
    /// use ffi::{CallError, CancelFlag, Context};
    /// let flag = CancelFlag::new();
    /// let context = Context::new().cancelled_by(&flag);
    /// assert_eq!(context.check(), Ok(()));
    /// flag.cancel();
    /// assert_eq!(context.check(), Err(CallError::Cancelled));
    /// ```
    pub fn cancelled_by(mut self, flag: &CancelFlag) -> Self {
        self.cancelled = Some(flag.clone());
        self
    }

    /// Whether a call may start now.
    ///
    /// # Errors
    /// [`CallError::Cancelled`], or else [`CallError::DeadlineExceeded`].
    pub fn check(&self) -> Result<(), CallError> {
        if self.cancelled.as_ref().is_some_and(CancelFlag::is_cancelled) {
            return Err(CallError::Cancelled);
        }
        match self.deadline {
            Some(deadline) => match Instant::now().checked_duration_since(deadline) {
                Some(late) => Err(CallError::DeadlineExceeded { late }),
                None => Ok(()),
            },
            None => Ok(()),
        }
    }
}

/// A flag that, once raised, keeps further calls from starting. Clones are the same flag; it can
/// be raised from any thread.
#[derive(Debug, Clone, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// A flag that is not raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises it.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it is raised.
    ///
    /// # Examples
    /// ```
    /// let flag = ffi::CancelFlag::new();
    /// let of_another_thread = flag.clone();
    /// std::thread::spawn(move || of_another_thread.cancel()).join().expect("no panic");
    /// assert!(flag.is_cancelled());
    /// ```
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
