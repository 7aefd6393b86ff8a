//! Callbacks by the platform's own convention, or any that it can run.

use crate::argument::{Arg, arg};
use crate::convention::implementation;
use crate::error::{Error, PrepareError};
use crate::trace::debug;
use ffi_callback::{
    Arguments, Closure, ClosureMut, ClosureOnce, OnPanic, ReturnSlot, VariadicArguments,
};
use ffi_types::{CallingConvention, Convention, Signature, Type};
use std::ffi::c_void;
use std::fmt;

/// A Rust closure that C can call, from any thread, for as long as this value lives.
///
/// Dropping it never waits, and never takes the closure away from a call that is under way: the last
/// such call frees it. A call that begins later ends the process with a message that names the
/// callback, until another callback has the trampoline: where more trampolines can be made (Linux,
/// macOS), that is after 256 others were freed. Elsewhere 2048 callbacks can be alive at once.
///
/// A panic in the closure ends the process with a message; it may not travel into C.
/// [`CallbackOptions`] has other policies, names, and closures that are `FnMut` or `FnOnce` or take
/// `...`; [`scope`](crate::scope) makes callbacks that borrow.
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
    /// Starts with no name, and a panic that ends the process.
    pub fn options() -> CallbackOptions {
        CallbackOptions::default()
    }

    /// Makes a callback whose signature is inferred from the closure: up to twelve parameters and
    /// a result, each a [`CType`](crate::CType). The parameters need their types written out.
    ///
    /// # Errors
    /// [`Error::Callback`] when all trampolines are taken; [`Error::Prepare`] on a platform that
    /// is not supported.
    ///
    /// # Examples
    /// ```
    /// let parts = ffi::Callback::new(|whole: f64, parts: i32| -> f64 { whole / f64::from(parts) })?;
    /// assert_eq!(parts.signature().to_string(), "double (double, int32_t)");
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn new<Parameters, F>(closure: F) -> Result<Self, Error>
    where
        F: Closure<Parameters> + Send + Sync + 'static,
    {
        Self::options().create(closure)
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
        Self::with_signature(Signature::new(Convention::native()?, result, arguments)?, closure)
    }

    /// Makes a callback with any signature and the convention it names.
    ///
    /// # Errors
    /// As [`dynamic`](Self::dynamic); [`Error::Callback`] also for a variadic signature.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(target_arch = "x86_64")] {
    /// use ffi::{Callback, Convention, Signature, Type, Win64};
    /// let convention = Convention::Win64(Win64::Msvc);
    /// let signature = Signature::new(convention, Type::I32, [Type::I32])?;
    /// let twice = Callback::with_signature(signature, |arguments, result| {
    ///     let n: i32 = arguments.get(0).expect("an int");
    ///     result.set(2 * n).expect("an int");
    /// })?;
    /// // SAFETY: the callback has this type, and is alive.
    /// let twice = unsafe { twice.as_fn::<extern "win64" fn(i32) -> i32>() };
    /// assert_eq!(twice(21), 42);
    /// # }
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn with_signature<F>(signature: Signature, closure: F) -> Result<Self, Error>
    where
        F: Fn(&Arguments<'_>, &mut ReturnSlot<'_>) + Send + Sync + 'static,
    {
        Self::options().create_dynamic(signature, closure)
    }

    /// Keeps the callback for ever, for C that never forgets a pointer.
    ///
    /// # Examples
    /// ```
    /// let answer = ffi::Callback::new(|| -> i32 { 42 })?.leak();
    /// // SAFETY: the callback has this type, and is alive for ever.
    /// assert_eq!(unsafe { answer.as_fn::<extern "C" fn() -> i32>() }(), 42);
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn leak(self) -> &'static Self {
        Box::leak(Box::new(self))
    }

    fn wrap(callback: ffi_callback::Callback) -> Self {
        let pointer = callback.as_ptr();
        debug!(?pointer, signature = %callback.signature(), name = callback.name(), "callback");
        Self { callback, pointer }
    }

    /// The C function pointer; never null.
    ///
    /// # Examples
    /// ```
    /// let half = ffi::Callback::new(|n: f64| -> f64 { n / 2.0 })?;
    /// assert!(!half.as_ptr().is_null());
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn as_ptr(&self) -> *const c_void {
        self.pointer
    }

    /// The C function pointer as an argument of a call.
    ///
    /// # Examples
    /// ```
    /// use ffi::{CallInterface, Callback, Type, arg};
    /// use std::ffi::c_void;
    /// extern "C" fn apply(function: extern "C" fn(f64) -> f64, n: f64) -> f64 { function(n) }
    ///
    /// let half = Callback::new(|n: f64| -> f64 { n / 2.0 })?;
    /// let interface = CallInterface::new(Type::F64, [Type::POINTER, Type::F64])?;
    /// // SAFETY: `apply` has this signature, and the callback is what it takes.
    /// let n: f64 = unsafe { interface.call(apply as *const c_void, &[half.arg(), arg(&5.0)]) }?;
    /// assert_eq!(n, 2.5);
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn arg(&self) -> Arg<'_> {
        arg(&self.pointer)
    }

    /// The C function pointer as a Rust function pointer.
    ///
    /// # Safety
    /// `F` is a function pointer type with the callback's signature and convention, and what is
    /// returned is not called after the callback is dropped.
    ///
    /// # Examples
    /// ```
    /// let half = ffi::Callback::new(|n: f64| -> f64 { n / 2.0 })?;
    /// // SAFETY: the callback has this type, and is alive.
    /// assert_eq!(unsafe { half.as_fn::<extern "C" fn(f64) -> f64>() }(5.0), 2.5);
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub unsafe fn as_fn<F: Copy>(&self) -> F {
        // SAFETY: the caller's.
        unsafe { as_fn(self.as_ptr()) }
    }

    /// The signature that C calls it by.
    ///
    /// # Examples
    /// ```
    /// let half = ffi::Callback::new(|n: f64| -> f64 { n / 2.0 })?;
    /// assert_eq!(half.signature().to_string(), "double (double)");
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn signature(&self) -> &Signature {
        self.callback.signature()
    }

    /// The name it was given, if any.
    pub fn name(&self) -> Option<&str> {
        self.callback.name()
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.callback.fmt(f)
    }
}

/// # Safety
/// `F` is a function pointer type, of the function that is there.
pub(crate) unsafe fn as_fn<F: Copy>(pointer: *const c_void) -> F {
    const { assert!(size_of::<F>() == size_of::<*const c_void>(), "F is a function pointer") };
    // SAFETY: by the caller's promise `F` is a function pointer, which has the bytes of the address.
    unsafe { std::mem::transmute_copy(&pointer) }
}

/// The platform's own convention.
pub(crate) fn native() -> Result<&'static dyn CallingConvention, PrepareError> {
    Ok(implementation(Convention::native()?)?)
}

/// What a callback is called, and what becomes of its panics; makes callbacks of every kind.
///
/// # Examples
/// A panic that C does not see: it goes on where Rust called C.
/// ```
/// use ffi::{CallInterface, Callback, OnPanic, Type, arg};
///
/// let options = Callback::options().name("checked double").on_panic(OnPanic::Resume);
/// let double = options.create(|n: u8| -> u8 { n.checked_mul(2).expect("it fits") })?;
/// let interface = CallInterface::new(Type::U8, [Type::U8])?;
/// // SAFETY: the callback has this signature, and is alive.
/// let call = |n: u8| unsafe { interface.call::<u8>(double.as_ptr(), &[arg(&n)]) };
/// assert_eq!(call(21)?, 42);
/// assert!(std::panic::catch_unwind(|| call(210)).is_err());
/// # Ok::<(), ffi::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct CallbackOptions(ffi_callback::CallbackOptions);

impl CallbackOptions {
    /// What messages call it, besides its signature.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        Self(self.0.name(name))
    }

    /// What becomes of a panic in the closure.
    #[must_use]
    pub fn on_panic(self, policy: OnPanic) -> Self {
        Self(self.0.on_panic(policy))
    }

    /// As [`Callback::new`].
    ///
    /// # Errors
    /// As there, and [`Error::Callback`] for a policy that does not fit the signature.
    pub fn create<Parameters, F>(self, closure: F) -> Result<Callback, Error>
    where
        F: Closure<Parameters> + Send + Sync + 'static,
    {
        Ok(Callback::wrap(self.0.create(native()?, closure)?))
    }

    /// As [`create`](Self::create), for an `FnMut`. While one thread is in the closure, others wait.
    /// A thread that calls it from inside itself panics, which is the policy's affair.
    ///
    /// # Errors
    /// As for [`create`](Self::create).
    ///
    /// # Examples
    /// ```
    /// let mut last = 0;
    /// let next = ffi::Callback::options().create_mut(move || -> i32 {
    ///     last += 1;
    ///     last
    /// })?;
    /// // SAFETY: the callback has this type, and is alive.
    /// let next = unsafe { next.as_fn::<extern "C" fn() -> i32>() };
    /// assert_eq!((next(), next()), (1, 2));
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn create_mut<Parameters, F>(self, closure: F) -> Result<Callback, Error>
    where
        F: ClosureMut<Parameters> + Send + 'static,
    {
        Ok(Callback::wrap(self.0.create_mut(native()?, closure)?))
    }

    /// As [`create`](Self::create), for an `FnOnce`. A second call panics, which is the policy's
    /// affair.
    ///
    /// # Errors
    /// As for [`create`](Self::create).
    ///
    /// # Examples
    /// ```
    /// let text = String::from("said once");
    /// let tell = ffi::Callback::options().create_once(move || -> i32 {
    ///     let text: String = text; // it is given away
    ///     text.len() as i32
    /// })?;
    /// // SAFETY: the callback has this type, and is alive.
    /// assert_eq!(unsafe { tell.as_fn::<extern "C" fn() -> i32>() }(), 9);
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn create_once<Parameters, F>(self, closure: F) -> Result<Callback, Error>
    where
        F: ClosureOnce<Parameters> + Send + 'static,
    {
        Ok(Callback::wrap(self.0.create_once(native()?, closure)?))
    }

    /// As [`Callback::with_signature`].
    ///
    /// # Errors
    /// As there, and [`Error::Callback`] for a policy that does not fit the signature.
    ///
    /// # Examples
    /// ```
    /// use ffi::{Callback, Convention, OnPanic, Signature, Type};
    /// let signature = Signature::new(Convention::native()?, Type::C_INT, [Type::POINTER])?;
    /// let options = Callback::options().name("on event").on_panic(OnPanic::returning(-1_i32));
    /// let callback = options.create_dynamic(signature, |_, _| panic!("no such event"))?;
    /// // SAFETY: the callback has this type, and is alive.
    /// let on_event = unsafe { callback.as_fn::<extern "C" fn(*const u8) -> i32>() };
    /// assert_eq!(on_event(std::ptr::null()), -1);
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn create_dynamic<F>(self, signature: Signature, closure: F) -> Result<Callback, Error>
    where
        F: Fn(&Arguments<'_>, &mut ReturnSlot<'_>) + Send + Sync + 'static,
    {
        let convention = implementation(signature.convention())?;
        Ok(Callback::wrap(self.0.create_dynamic(convention, signature, closure)?))
    }

    /// As [`create_dynamic`](Self::create_dynamic), for an `FnMut`; see
    /// [`create_mut`](Self::create_mut).
    ///
    /// # Errors
    /// As for [`create_dynamic`](Self::create_dynamic).
    ///
    /// # Examples
    /// ```
    /// use ffi::{Callback, Convention, Signature, Type};
    /// let signature = Signature::new(Convention::native()?, Type::C_INT, [])?;
    /// let mut last = 0;
    /// let next = Callback::options().create_dynamic_mut(signature, move |_, result| {
    ///     last += 1;
    ///     result.set(last).expect("an int");
    /// })?;
    /// // SAFETY: the callback has this type, and is alive.
    /// let next = unsafe { next.as_fn::<extern "C" fn() -> i32>() };
    /// assert_eq!((next(), next()), (1, 2));
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn create_dynamic_mut<F>(self, signature: Signature, closure: F) -> Result<Callback, Error>
    where
        F: FnMut(&Arguments<'_>, &mut ReturnSlot<'_>) + Send + 'static,
    {
        let convention = implementation(signature.convention())?;
        Ok(Callback::wrap(self.0.create_dynamic_mut(convention, signature, closure)?))
    }

    /// Makes a callback that receives `...`: the signature has the fixed arguments alone, and the
    /// closure takes the others out of its second parameter, as C's `va_arg` does.
    ///
    /// # Errors
    /// As for [`create_dynamic`](Self::create_dynamic), but that the signature is variadic, with its
    /// first variadic argument past the end.
    ///
    /// # Safety
    /// Nobody but the caller knows how many arguments a call passes, and of which types. The closure
    /// takes out no more than each call has passed, and of the same types, up to the sign of
    /// integers, and pointers for each other.
    ///
    /// # Examples
    /// ```
    /// use ffi::{CallInterface, Callback, Convention, Signature, Type, arg};
    ///
    /// // double sum(int count, ...)
    /// let signature = Signature::variadic(Convention::native()?, Type::F64, [Type::C_INT], 1)?;
    /// // SAFETY: the call below passes as many doubles as it says.
    /// let sum = unsafe {
    ///     Callback::options().create_variadic(signature, |fixed, rest, result| {
    ///         let count: i32 = fixed.get(0).expect("an int");
    ///         let sum: f64 = (0..count).map(|_| rest.next::<f64>().expect("a double")).sum();
    ///         result.set(sum).expect("a double");
    ///     })
    /// }?;
    /// let call = CallInterface::variadic(Type::F64, [Type::C_INT, Type::F64, Type::F64], 1)?;
    /// // SAFETY: as above.
    /// let total = unsafe { call.call(sum.as_ptr(), &[arg(&2_i32), arg(&0.5), arg(&4.0)]) };
    /// assert_eq!(total, Ok(4.5));
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub unsafe fn create_variadic<F>(
        self,
        signature: Signature,
        closure: F,
    ) -> Result<Callback, Error>
    where
        F: Fn(&Arguments<'_>, &mut VariadicArguments<'_>, &mut ReturnSlot<'_>)
            + Send
            + Sync
            + 'static,
    {
        let convention = implementation(signature.convention())?;
        // SAFETY: the caller's.
        Ok(Callback::wrap(unsafe { self.0.create_variadic(convention, signature, closure)? }))
    }

    pub(crate) fn inner(self) -> ffi_callback::CallbackOptions {
        self.0
    }
}
