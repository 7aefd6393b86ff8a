//! Callbacks by the platform's own convention, or any that it can run.

use crate::argument::{Arg, arg};
use crate::convention::implementation;
use crate::error::{Error, PrepareError};
use ffi_callback::{Arguments, Closure, ReturnSlot};
use ffi_types::{Convention, Signature, Type};
use std::ffi::c_void;
use std::fmt;

/// A Rust closure that C can call, from any thread, for as long as this value lives.
///
/// A panic in the closure ends the process with a message that names the callback's signature:
/// it may not travel into C. Dropping the callback frees its trampoline, and a call through the
/// old pointer then ends the process too, until another callback takes the trampoline over.
/// 2048 can be alive at once.
///
/// # Examples
/// ```
/// use ffi::{CallInterface, Callback, Library, Type, arg};
///
/// let descending = Callback::new(|a: *const i32, b: *const i32| -> i32 {
///     // SAFETY: qsort hands over pointers to two elements of the array below.
///     unsafe { (*b).cmp(&*a) as i32 }
/// })?;
/// # // SAFETY: the C library, which the program has already.
/// # let windows = || unsafe { Library::open("msvcrt.dll") };
/// let libc = if cfg!(windows) { windows()? } else { Library::this()? };
/// let qsort = CallInterface::new(
///     Type::VOID,
///     [Type::POINTER, Type::SIZE_T, Type::SIZE_T, Type::POINTER],
/// )?;
/// let mut numbers = [3, 1, 4, 1, 5];
/// // SAFETY: the array has as many elements of that size, and the callback compares those.
/// unsafe {
///     qsort.call::<()>(
///         libc.symbol("qsort")?.as_ptr(),
///         &[arg(&numbers.as_mut_ptr()), arg(&5_usize), arg(&4_usize), descending.arg()],
///     )
/// }?;
/// assert_eq!(numbers, [5, 4, 3, 1, 1]);
/// # Ok::<(), ffi::Error>(())
/// ```
pub struct Callback {
    callback: ffi_callback::Callback,
    /// Its function pointer, to be borrowed as an argument.
    pointer: *const c_void,
}

// SAFETY: the pointer is that of the callback, which is `Send + Sync` itself.
unsafe impl Send for Callback {}
// SAFETY: as above.
unsafe impl Sync for Callback {}

impl Callback {
    /// Makes a callback whose signature is inferred from the closure: up to twelve parameters and
    /// a result, each a [`CType`](crate::CType). The parameters need their types written out.
    ///
    /// # Errors
    /// [`Error::Callback`] when all trampolines are taken; [`Error::Prepare`] on a platform that
    /// is not supported.
    pub fn new<Parameters, F>(closure: F) -> Result<Self, Error>
    where
        F: Closure<Parameters>,
    {
        let convention = implementation(native()?)?;
        Ok(Self::wrap(ffi_callback::Callback::new(convention, closure)?))
    }

    /// Makes a callback with types that are known only at run time. The closure takes its
    /// arguments out by index and sets its result.
    ///
    /// # Errors
    /// As [`new`](Self::new), and [`Error::Prepare`] for types that C cannot pass.
    ///
    /// # Examples
    /// ```
    /// use ffi::{Callback, Type};
    /// let add = Callback::dynamic(Type::F64, [Type::F64, Type::C_INT], |arguments, result| {
    ///     let (a, b): (f64, i32) = (arguments.get(0).unwrap(), arguments.get(1).unwrap());
    ///     result.set(a + f64::from(b)).unwrap();
    /// })?;
    /// // SAFETY: the callback has that signature, and is alive.
    /// let c_add = unsafe { add.as_fn::<extern "C" fn(f64, i32) -> f64>() };
    /// assert_eq!(c_add(0.5, 2), 2.5);
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn dynamic<F>(
        result: Type,
        arguments: impl IntoIterator<Item = Type>,
        closure: F,
    ) -> Result<Self, Error>
    where
        F: Fn(&Arguments<'_>, &mut ReturnSlot<'_>) + Send + Sync + 'static,
    {
        Self::with_signature(Signature::new(native()?, result, arguments)?, closure)
    }

    /// Makes a callback with any signature and the convention it names.
    ///
    /// # Errors
    /// As [`dynamic`](Self::dynamic); [`Error::Callback`] also for a variadic signature.
    pub fn with_signature<F>(signature: Signature, closure: F) -> Result<Self, Error>
    where
        F: Fn(&Arguments<'_>, &mut ReturnSlot<'_>) + Send + Sync + 'static,
    {
        let convention = implementation(signature.convention())?;
        Ok(Self::wrap(ffi_callback::Callback::with_signature(convention, signature, closure)?))
    }

    fn wrap(callback: ffi_callback::Callback) -> Self {
        let pointer = callback.as_ptr();
        Self { callback, pointer }
    }

    /// The C function pointer; never null.
    pub fn as_ptr(&self) -> *const c_void {
        self.pointer
    }

    /// The C function pointer as an argument of a call.
    pub fn arg(&self) -> Arg<'_> {
        arg(&self.pointer)
    }

    /// The C function pointer as a Rust function pointer.
    ///
    /// # Safety
    /// `F` is a function pointer type with the callback's signature and convention, and what is
    /// returned is not called after the callback is dropped.
    pub unsafe fn as_fn<F: Copy>(&self) -> F {
        const { assert!(size_of::<F>() == size_of::<*const c_void>(), "F is a function pointer") };
        // SAFETY: by the caller's promise `F` is a function pointer, which has the bytes of the
        // address.
        unsafe { std::mem::transmute_copy(&self.as_ptr()) }
    }

    /// The signature that C calls it by.
    pub fn signature(&self) -> &Signature {
        self.callback.signature()
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.callback.fmt(f)
    }
}

fn native() -> Result<Convention, PrepareError> {
    Ok(Convention::native()?)
}
