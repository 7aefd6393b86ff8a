//! Callbacks that borrow from the stack.

use crate::callback::Callback;
use crate::error::CallbackError;
use crate::infer::{Closure, ClosureMut};
use crate::options::CallbackOptions;
use ffi_types::CallingConvention;
use std::ffi::c_void;
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

/// Makes callbacks whose closures borrow from the function around [`scope`].
#[derive(Debug)]
pub struct Scope<'scope, 'env: 'scope> {
    callbacks: Mutex<Vec<Callback>>,
    /// Invariant in both, as `std::thread::Scope` is, and for the same reason.
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

/// A callback of a [`Scope`], alive until the scope's end.
#[derive(Debug, Clone, Copy)]
pub struct ScopedCallback<'scope> {
    pointer: *const c_void,
    scope: PhantomData<&'scope ()>,
}

// SAFETY: it is the address of code.
unsafe impl Send for ScopedCallback<'_> {}
// SAFETY: as above.
unsafe impl Sync for ScopedCallback<'_> {}

impl ScopedCallback<'_> {
    /// The C function pointer; never null.
    pub fn as_ptr(&self) -> *const c_void {
        self.pointer
    }
}

/// Runs `f` with a scope. Callbacks that it makes in the scope may borrow what lives longer than the
/// scope, and are dropped when it ends, whether by returning or by a panic: the scope waits until
/// no thread is inside any of them.
///
/// # Examples
/// ```
/// # #[cfg(target_arch = "x86_64")] {
/// use ffi_abi_sysv::SysV;
/// use ffi_callback::{CallbackOptions, scope};
/// let mut seen = Vec::new();
/// scope(|scope| {
///     let push = scope.create_mut(CallbackOptions::new(), &SysV, |n: i32| seen.push(n))?;
///     // SAFETY: the callback was made for this signature, and it is alive.
///     let push = unsafe {
///         std::mem::transmute::<*const std::ffi::c_void, extern "sysv64" fn(i32)>(push.as_ptr())
///     };
///     [3, 1, 2].map(|n| push(n));
///     Ok::<(), ffi_callback::CallbackError>(())
/// })?;
/// assert_eq!(seen, [3, 1, 2]);
/// # }
/// # Ok::<(), ffi_callback::CallbackError>(())
/// ```
/// A callback does not leave its scope:
/// ```compile_fail
/// # use ffi_types::CallingConvention;
/// use ffi_callback::{CallbackOptions, scope};
/// # fn with(convention: &dyn CallingConvention) {
/// let text = String::from("borrowed");
/// let callback = scope(|scope| {
///     scope.create(CallbackOptions::new(), convention, || -> usize { text.len() }).expect("room")
/// });
/// # }
/// ```
/// nor does it borrow from within:
/// ```compile_fail,E0373
/// # use ffi_types::CallingConvention;
/// use ffi_callback::{CallbackOptions, scope};
/// # fn with(convention: &dyn CallingConvention) {
/// scope(|scope| {
///     let text = String::from("short-lived");
///     let length = || -> usize { text.len() };
///     scope.create(CallbackOptions::new(), convention, length).expect("room");
/// });
/// # }
/// ```
pub fn scope<'env, R>(f: impl for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> R) -> R {
    let scope = Scope { callbacks: Mutex::default(), scope: PhantomData, env: PhantomData };
    /// Drops the callbacks also when `f` panics.
    struct End<'a, 'scope, 'env>(&'a Scope<'scope, 'env>);
    impl Drop for End<'_, '_, '_> {
        fn drop(&mut self) {
            // One at a time, with nothing locked: closures may make others in the scope while they
            // run, and when they are dropped.
            while let Some(callback) = self.0.last() {
                // Waits for the others if the closure panics when it is dropped.
                let others = End(self.0);
                callback.drop_and_wait();
                std::mem::forget(others);
            }
        }
    }
    let _end = End(&scope);
    f(&scope)
}

impl<'scope> Scope<'scope, '_> {
    /// As [`CallbackOptions::create`], for a closure that borrows.
    ///
    /// # Errors
    /// As there.
    pub fn create<Parameters, F>(
        &'scope self,
        options: CallbackOptions,
        convention: &dyn CallingConvention,
        closure: F,
    ) -> Result<ScopedCallback<'scope>, CallbackError>
    where
        F: Closure<Parameters> + Send + Sync + 'scope,
    {
        // SAFETY: the callback is dropped before what the closure borrows is.
        self.keep(unsafe { options.create_borrowing(convention, closure) }?)
    }

    /// As [`CallbackOptions::create_mut`], for a closure that borrows.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(target_arch = "x86_64")] {
    /// use ffi_abi_sysv::SysV;
    /// let mut seen = Vec::new();
    /// ffi_callback::scope(|scope| {
    ///     let see = scope.create_mut(Default::default(), &SysV, |n: i32| -> i32 {
    ///         seen.push(n);
    ///         seen.len() as i32
    ///     })?;
    ///     // SAFETY: the callback has this type, and the scope has not ended.
    ///     let see = unsafe {
    ///         std::mem::transmute::<*const std::ffi::c_void, extern "sysv64" fn(i32) -> i32>(see.as_ptr())
    ///     };
    ///     assert_eq!((see(7), see(8)), (1, 2));
    ///     Ok::<(), ffi_callback::CallbackError>(())
    /// })?;
    /// assert_eq!(seen, [7, 8]);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_mut<Parameters, F>(
        &'scope self,
        options: CallbackOptions,
        convention: &dyn CallingConvention,
        closure: F,
    ) -> Result<ScopedCallback<'scope>, CallbackError>
    where
        F: ClosureMut<Parameters> + Send + 'scope,
    {
        // SAFETY: the callback is dropped before what the closure borrows is.
        self.keep(unsafe { options.create_mut_borrowing(convention, closure) }?)
    }

    /// Takes out the callback that was made last.
    fn last(&self) -> Option<Callback> {
        self.callbacks.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn keep(&'scope self, callback: Callback) -> Result<ScopedCallback<'scope>, CallbackError> {
        let pointer = callback.as_ptr();
        self.callbacks.lock().unwrap_or_else(PoisonError::into_inner).push(callback);
        Ok(ScopedCallback { pointer, scope: PhantomData })
    }
}
