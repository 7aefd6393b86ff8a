//! Callbacks that borrow from the stack, by the platform's own convention.

use crate::argument::{Arg, arg};
use crate::callback::{CallbackOptions, native};
use crate::error::Error;
use ffi_callback::{Closure, ClosureMut};
use std::ffi::c_void;
use std::fmt;

/// Makes callbacks whose closures borrow from the function around [`scope`].
#[derive(Debug)]
pub struct Scope<'scope, 'env: 'scope>(&'scope ffi_callback::Scope<'scope, 'env>);

/// A callback of a [`Scope`], alive until the scope's end.
#[derive(Clone, Copy)]
pub struct ScopedCallback<'scope> {
    callback: ffi_callback::ScopedCallback<'scope>,
    /// Its function pointer, to be borrowed as an argument.
    pointer: *const c_void,
}

// SAFETY: the pointer is that of the callback, which is `Send + Sync` itself.
unsafe impl Send for ScopedCallback<'_> {}
// SAFETY: as above.
unsafe impl Sync for ScopedCallback<'_> {}

/// Runs `f` with a scope. Callbacks that it makes in the scope may borrow what lives longer than the
/// scope, and are dropped when it ends, whether by returning or by a panic: the scope waits until
/// no thread is inside any of them.
///
/// # Examples
/// ```
/// use ffi::{CallInterface, Library, Type, arg};
///
/// # // SAFETY: the C library, which the program has already.
/// # let windows = || unsafe { Library::open("msvcrt.dll") };
/// let libc = if cfg!(windows) { windows()? } else { Library::this()? };
/// let qsort = CallInterface::new(
///     Type::VOID,
///     [Type::POINTER, Type::SIZE_T, Type::SIZE_T, Type::POINTER],
/// )?;
/// let (mut numbers, mut comparisons) = ([3, 1, 2], 0);
/// ffi::scope(|scope| {
///     let compare = scope.create_mut(|a: *const i32, b: *const i32| -> i32 {
///         comparisons += 1;
///         // SAFETY: qsort hands over pointers to two elements of the array above.
///         unsafe { (*a).cmp(&*b) as i32 }
///     })?;
///     let (start, count, size) = (numbers.as_mut_ptr(), 3_usize, 4_usize);
///     let arguments = [arg(&start), arg(&count), arg(&size), compare.arg()];
///     // SAFETY: the array has as many elements of that size, and the callback compares those.
///     unsafe { qsort.call::<()>(libc.symbol("qsort")?.as_ptr(), &arguments) }?;
///     Ok::<(), ffi::Error>(())
/// })?;
/// assert_eq!(numbers, [1, 2, 3]);
/// assert!(comparisons >= 2);
/// # Ok::<(), ffi::Error>(())
/// ```
pub fn scope<'env, R>(f: impl for<'scope> FnOnce(Scope<'scope, 'env>) -> R) -> R {
    ffi_callback::scope(|scope| f(Scope(scope)))
}

impl<'scope> Scope<'scope, '_> {
    /// As [`Callback::new`](crate::Callback::new), for a closure that borrows.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Examples
    /// ```
    /// let offset = 40;
    /// let sum = ffi::scope(|scope| {
    ///     let add = scope.create(|n: i32| n + offset)?;
    ///     // SAFETY: the callback has this type, and the scope has not ended.
    ///     Ok::<i32, ffi::Error>(unsafe { add.as_fn::<extern "C" fn(i32) -> i32>() }(2))
    /// })?;
    /// assert_eq!(sum, 42);
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn create<Parameters, F>(&self, closure: F) -> Result<ScopedCallback<'scope>, Error>
    where
        F: Closure<Parameters> + Send + Sync + 'scope,
    {
        self.create_with(CallbackOptions::default(), closure)
    }

    /// As [`CallbackOptions::create`], for a closure that borrows.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Examples
    /// ```
    /// use ffi::{Callback, OnPanic};
    /// let names = ["one", "two"];
    /// let lengths = ffi::scope(|scope| {
    ///     let options = Callback::options().name("length").on_panic(OnPanic::returning(-1_i32));
    ///     let length = scope.create_with(options, |i: usize| -> i32 { names[i].len() as i32 })?;
    ///     // SAFETY: the callback has this type, and the scope has not ended.
    ///     let length = unsafe { length.as_fn::<extern "C" fn(usize) -> i32>() };
    ///     Ok::<_, ffi::Error>((length(0), length(2)))
    /// })?;
    /// assert_eq!(lengths, (3, -1));
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn create_with<Parameters, F>(
        &self,
        options: CallbackOptions,
        closure: F,
    ) -> Result<ScopedCallback<'scope>, Error>
    where
        F: Closure<Parameters> + Send + Sync + 'scope,
    {
        Ok(ScopedCallback::wrap(self.0.create(options.inner(), native()?, closure)?))
    }

    /// As [`CallbackOptions::create_mut`] without options, for a closure that borrows.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Examples
    /// ```
    /// let mut calls = 0;
    /// ffi::scope(|scope| {
    ///     let count = scope.create_mut(|| calls += 1)?;
    ///     // SAFETY: the callback has this type, and the scope has not ended.
    ///     let count = unsafe { count.as_fn::<extern "C" fn()>() };
    ///     count();
    ///     count();
    ///     Ok::<(), ffi::Error>(())
    /// })?;
    /// assert_eq!(calls, 2);
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn create_mut<Parameters, F>(&self, closure: F) -> Result<ScopedCallback<'scope>, Error>
    where
        F: ClosureMut<Parameters> + Send + 'scope,
    {
        self.create_mut_with(CallbackOptions::default(), closure)
    }

    /// As [`CallbackOptions::create_mut`], for a closure that borrows.
    ///
    /// # Errors
    /// As there.
    pub fn create_mut_with<Parameters, F>(
        &self,
        options: CallbackOptions,
        closure: F,
    ) -> Result<ScopedCallback<'scope>, Error>
    where
        F: ClosureMut<Parameters> + Send + 'scope,
    {
        Ok(ScopedCallback::wrap(self.0.create_mut(options.inner(), native()?, closure)?))
    }
}

impl<'scope> ScopedCallback<'scope> {
    fn wrap(callback: ffi_callback::ScopedCallback<'scope>) -> Self {
        Self { callback, pointer: callback.as_ptr() }
    }

    /// The C function pointer; never null.
    pub fn as_ptr(&self) -> *const c_void {
        self.callback.as_ptr()
    }

    /// The C function pointer as an argument of a call.
    pub fn arg(&self) -> Arg<'_> {
        arg(&self.pointer)
    }

    /// The C function pointer as a Rust function pointer.
    ///
    /// # Safety
    /// `F` is a function pointer type with the callback's signature and convention, and what is
    /// returned is not called after the scope's end.
    pub unsafe fn as_fn<F: Copy>(&self) -> F {
        // SAFETY: the caller's.
        unsafe { crate::callback::as_fn(self.as_ptr()) }
    }
}

impl fmt::Debug for ScopedCallback<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.callback.fmt(f)
    }
}
