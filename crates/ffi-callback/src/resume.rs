//! Panics that wait in a callback's thread for the Rust code below it.

use std::any::Any;
use std::cell::Cell;
use std::panic::resume_unwind;
use std::ptr::null;

type Payload = Box<dyn Any + Send>;

/// A call of C that is under way, and the panic that goes on when it returns.
struct Waiting {
    payload: Cell<Option<Payload>>,
    outer: *const Waiting,
}

thread_local! {
    /// The innermost call of the thread.
    static INNERMOST: Cell<*const Waiting> = const { Cell::new(null()) };
}

/// Calls C, and then goes on with the panic of a callback that C has called meanwhile, on this
/// thread, if its policy is [`OnPanic::Resume`](crate::OnPanic::Resume).
///
/// # Examples
/// ```
/// # #[cfg(target_arch = "x86_64")] {
/// use ffi_abi_sysv::SysV;
/// use ffi_callback::{CallbackOptions, OnPanic, resuming};
/// let options = CallbackOptions::new().on_panic(OnPanic::Resume);
/// let callback = options.create(&SysV, |n: u8| -> u8 { n.checked_mul(2).expect("it fits") })?;
/// // SAFETY: the callback was made for this signature, and it is alive.
/// let double = unsafe {
///     std::mem::transmute::<*const std::ffi::c_void, extern "sysv64" fn(u8) -> u8>(callback.as_ptr())
/// };
/// assert_eq!(resuming(|| double(21)), 42);
/// assert!(std::panic::catch_unwind(|| resuming(|| double(210))).is_err());
/// # }
/// # Ok::<(), ffi_callback::CallbackError>(())
/// ```
#[inline(always)]
pub fn resuming<R>(call: impl FnOnce() -> R) -> R {
    /// Also when something unwinds.
    struct Outer(*const Waiting);
    impl Drop for Outer {
        #[inline(always)]
        fn drop(&mut self) {
            INNERMOST.set(self.0);
        }
    }
    let outer = INNERMOST.get();
    let waiting = Waiting { payload: Cell::new(None), outer };
    let restore = Outer(waiting.outer);
    INNERMOST.set(&raw const waiting);
    let result = call();
    drop(restore);
    if let Some(payload) = waiting.payload.into_inner() {
        go_on(payload);
    }
    result
}

#[cold]
fn go_on(payload: Payload) -> ! {
    resume_unwind(payload)
}

/// Keeps a panic for the innermost call, and returns one that waits there already to the caller
/// instead. An error, with the panic, where there is no call.
pub(crate) fn keep(payload: Payload) -> Result<Option<Payload>, Payload> {
    // SAFETY: what is innermost is on the stack of this thread, below.
    let Some(innermost) = (unsafe { INNERMOST.get().as_ref() }) else { return Err(payload) };
    match innermost.payload.take() {
        Some(first) => {
            innermost.payload.set(Some(first));
            Ok(Some(payload))
        }
        None => {
            innermost.payload.set(Some(payload));
            Ok(None)
        }
    }
}
