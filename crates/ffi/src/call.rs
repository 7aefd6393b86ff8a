//! Prepared call interfaces.

use crate::argument::{Arg, count_mismatch, with_pointers};
use crate::context::Context;
use crate::convention::implementation;
use crate::errno::{Errno, WithErrno, captured};
#[cfg(windows)]
use crate::errno::{LastError, WithLastError, last_error_captured};
use crate::error::{CallError, PrepareError};
use crate::trace::{debug, trace};
use ffi_callback::resuming;
use ffi_types::{
    CType, Convention, Entry, InterfaceField, InterfaceReason, InvalidCallInterfaceError, Plan,
    Signature, Type,
};
use std::ffi::c_void;
use std::fmt;
use std::mem::MaybeUninit;

/// A signature, prepared once, to call any number of functions by, from any number of threads.
///
/// Immutable. No call takes a lock or allocates on the heap; preparing allocates once, for up to
/// six scalar arguments.
#[derive(Clone)]
pub struct CallInterface(Box<Prepared>);

#[derive(Clone)]
struct Prepared {
    entry: Entry,
    plan: Plan,
    signature: Signature,
}

impl CallInterface {
    /// Prepares calls by the platform's own convention.
    ///
    /// # Errors
    /// A [`PrepareError`] that names the argument: `void` or an array passed, an array returned,
    /// too many arguments; or that the platform is not supported.
    ///
    /// # Examples
    /// ```
    /// use ffi::{CallInterface, Type};
    /// let div = Type::structure("div_t").field("quot", Type::C_INT).field("rem", Type::C_INT);
    /// let interface = CallInterface::new(div.build()?, [Type::C_INT, Type::C_INT])?;
    /// # Ok::<(), ffi::Error>(())
    /// ```
    #[inline]
    pub fn new(
        result: Type,
        arguments: impl IntoIterator<Item = Type>,
    ) -> Result<Self, PrepareError> {
        let convention = Convention::native()?;
        Self::prepare(convention, || Signature::new(convention, result, arguments))
    }

    /// Prepares calls of a variadic function by the platform's own convention: the arguments from
    /// index `first_variadic` on are passed through `...`.
    ///
    /// # Errors
    /// As [`new`](Self::new); and an index past the end, and a `float` or an integer smaller than
    /// `int` in variadic position.
    ///
    /// # Examples
    /// ```
    /// use ffi::{CallInterface, Type};
    /// let printf = CallInterface::variadic(Type::C_INT, [Type::POINTER, Type::F64], 1)?;
    /// let narrow = CallInterface::variadic(Type::C_INT, [Type::POINTER, Type::F32], 1);
    /// assert_eq!(
    ///     narrow.unwrap_err().to_string(),
    ///     "argument 1: C promotes `float` to `double` in variadic position; pass it as that"
    /// );
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn variadic(
        result: Type,
        arguments: impl IntoIterator<Item = Type>,
        first_variadic: usize,
    ) -> Result<Self, PrepareError> {
        let convention = Convention::native()?;
        Self::with_signature(Signature::variadic(convention, result, arguments, first_variadic)?)
    }

    /// Prepares calls by any signature and the convention it names, which need not be the
    /// platform's own.
    ///
    /// # Errors
    /// A [`PrepareError`] when the convention has no place for a type, or cannot be called here.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(target_arch = "x86_64")] {
    /// use ffi::{CallInterface, Convention, Signature, Type, Win64, arg};
    /// extern "win64" fn area(width: f64, height: f32) -> f64 {
    ///     width * f64::from(height)
    /// }
    /// let convention = Convention::Win64(Win64::Msvc);
    /// let signature = Signature::new(convention, Type::F64, [Type::F64, Type::F32])?;
    /// let interface = CallInterface::with_signature(signature)?;
    /// // SAFETY: the function has this signature and convention.
    /// let area: f64 =
    ///     unsafe { interface.call(area as *const _, &[arg(&2.0_f64), arg(&3.5_f32)]) }?;
    /// assert_eq!(area, 7.0);
    /// # }
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn with_signature(signature: Signature) -> Result<Self, PrepareError> {
        Self::prepare(signature.convention(), || Ok(signature))
    }

    #[inline(always)]
    fn prepare(
        convention: Convention,
        signature: impl FnOnce() -> Result<Signature, InvalidCallInterfaceError>,
    ) -> Result<Self, PrepareError> {
        let convention = implementation(convention)?;
        // Written where it is to stay, field by field: moving a freshly written plan about costs
        // more than making it.
        let mut prepared = Box::<Prepared>::new_uninit();
        let place = prepared.as_mut_ptr();
        // SAFETY: the memory is this function's alone, and large enough; each field is written
        // before it is read. Where planning fails, what was written is dropped.
        unsafe {
            let (plan, kept) = (&raw mut (*place).plan, &raw mut (*place).signature);
            kept.write(signature()?);
            plan.write(Plan::empty());
            let entry = convention
                .plan_into(&*kept, &mut *plan)
                .map_err(PrepareError::from)
                .and_then(|()| Ok(convention.entry(&*plan)?));
            match entry {
                Ok(entry) => (&raw mut (*place).entry).write(entry),
                Err(error) => {
                    plan.drop_in_place();
                    kept.drop_in_place();
                    return Err(error);
                }
            }
            let prepared = prepared.assume_init();
            debug!(convention = %prepared.signature.convention(), signature = %prepared.signature, "prepared");
            Ok(Self(prepared))
        }
    }

    /// The signature.
    ///
    /// # Examples
    /// ```
    /// use ffi::{CallInterface, Type};
    /// let interface = CallInterface::new(Type::F64, [Type::F64, Type::C_INT])?;
    /// assert_eq!(interface.signature().to_string(), "double (double, int32_t)");
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn signature(&self) -> &Signature {
        &self.0.signature
    }

    /// Where each byte of a call goes.
    ///
    /// # Examples
    /// ```
    /// use ffi::{CallInterface, Convention, Type};
    /// let interface = CallInterface::new(Type::F64, [Type::C_INT, Type::F64])?;
    /// if interface.plan().convention() == Convention::SysV {
    ///     assert_eq!(interface.plan().placement(0).to_string(), "rdi");
    ///     assert_eq!(interface.plan().placement(1).to_string(), "xmm0");
    /// }
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn plan(&self) -> &Plan {
        &self.0.plan
    }

    /// Calls with argument pointers in and the result pointer out, as libffi does, without any
    /// check.
    ///
    /// # Safety
    /// - `function` is the address of a function of this signature and convention, and whatever
    ///   it requires of its caller holds;
    /// - `arguments` points to as many pointers as there are arguments, each to a readable value
    ///   of the argument's type (any alignment will do);
    /// - `result` is writable for exactly the size of the return type, and aligned for it if it is
    ///   returned in memory; for `void` it may be null.
    ///
    /// # Examples
    /// ```
    /// use ffi::{CallInterface, Type};
    /// use std::ffi::c_void;
    /// extern "C" fn twice(n: i32) -> i32 { 2 * n }
    ///
    /// let interface = CallInterface::new(Type::C_INT, [Type::C_INT])?;
    /// let (n, mut result) = (21_i32, 0_i32);
    /// let arguments = [(&raw const n).cast::<c_void>()];
    /// let to = (&raw mut result).cast();
    /// // SAFETY: `twice` takes and returns an `int`, and so do the pointers.
    /// unsafe { interface.invoke_unchecked(twice as *const c_void, arguments.as_ptr(), to) };
    /// assert_eq!(result, 42);
    /// # Ok::<(), ffi::Error>(())
    /// ```
    #[inline]
    pub unsafe fn invoke_unchecked(
        &self,
        function: *const c_void,
        arguments: *const *const c_void,
        result: *mut c_void,
    ) {
        // SAFETY: the entry was chosen for this plan; the rest is the caller's promise.
        unsafe { (self.0.entry)(&self.0.plan, function, arguments, result) };
    }

    /// As [`invoke_unchecked`](Self::invoke_unchecked), but checks the number of arguments and
    /// that the function is not null.
    ///
    /// # Safety
    /// As for [`invoke_unchecked`](Self::invoke_unchecked).
    ///
    /// # Errors
    /// [`CallError::Interface`].
    ///
    /// # Examples
    /// ```
    /// use ffi::{CallInterface, Type};
    /// use std::ffi::c_void;
    /// extern "C" fn twice(n: i32) -> i32 { 2 * n }
    ///
    /// let interface = CallInterface::new(Type::C_INT, [Type::C_INT])?;
    /// let (n, mut result) = (21_i32, 0_i32);
    /// let to = (&raw mut result).cast();
    /// // SAFETY: `twice` takes and returns an `int`, and so do the pointers.
    /// unsafe { interface.invoke(twice as *const c_void, &[(&raw const n).cast()], to) }?;
    /// assert_eq!(result, 42);
    /// // SAFETY: as above.
    /// let error = unsafe { interface.invoke(twice as *const c_void, &[], to) }.unwrap_err();
    /// assert_eq!(error.to_string(), "argument list: expected 1 argument, found 0");
    /// # Ok::<(), ffi::Error>(())
    /// ```
    #[inline]
    pub unsafe fn invoke(
        &self,
        function: *const c_void,
        arguments: &[*const c_void],
        result: *mut c_void,
    ) -> Result<(), CallError> {
        self.check_function(function)?;
        let expected = self.signature().arguments().len();
        if arguments.len() != expected {
            return Err(count_mismatch(expected, arguments.len()).into());
        }
        trace!(?function, signature = %self.signature(), "call");
        // SAFETY: the caller's.
        resuming(|| unsafe { self.invoke_unchecked(function, arguments.as_ptr(), result) });
        Ok(())
    }

    /// Calls with references in and a value out. The number, sizes and kinds of the values are
    /// checked against the signature.
    ///
    /// # Safety
    /// `function` is the address of a function of this signature and convention, whatever it
    /// requires of its caller holds, and what it returns is a valid `R`.
    ///
    /// # Errors
    /// [`CallError::Interface`], and then nothing was called.
    ///
    /// # Examples
    /// ```
    /// use ffi::{CallInterface, Library, Type, arg};
    /// let abs = CallInterface::new(Type::C_INT, [Type::C_INT])?;
    /// # // SAFETY: the C library, which the program has already.
    /// # let windows = || unsafe { Library::open("msvcrt.dll") };
    /// let libc = if cfg!(windows) { windows()? } else { Library::this()? };
    /// let address = libc.symbol("abs")?.as_ptr();
    /// // SAFETY: `int abs(int)`, and -5 has an absolute value.
    /// assert_eq!(unsafe { abs.call::<i32>(address, &[arg(&-5_i32)]) }?, 5);
    /// let wrong = unsafe { abs.call::<i32>(address, &[arg(&-5_i64)]) };
    /// assert_eq!(
    ///     wrong.unwrap_err().to_string(),
    ///     "argument 0: expected 4 bytes for `int32_t`, found 8"
    /// );
    /// # Ok::<(), ffi::Error>(())
    /// ```
    #[inline]
    pub unsafe fn call<R: CType>(
        &self,
        function: *const c_void,
        arguments: &[Arg<'_>],
    ) -> Result<R, CallError> {
        // SAFETY: the caller's.
        unsafe { self.typed(function, arguments, |call| call()) }
    }

    /// As [`call`](Self::call), but only if the context still allows it.
    ///
    /// # Safety
    /// As for [`call`](Self::call).
    ///
    /// # Errors
    /// Also [`CallError::Cancelled`] and [`CallError::DeadlineExceeded`].
    ///
    /// # Examples
    /// ```
    /// use ffi::{CallError, CallInterface, CancelFlag, Context, Type, arg};
    /// use std::ffi::c_void;
    /// extern "C" fn twice(n: i32) -> i32 { 2 * n }
    ///
    /// let interface = CallInterface::new(Type::C_INT, [Type::C_INT])?;
    /// let flag = CancelFlag::new();
    /// let context = Context::new().cancelled_by(&flag);
    /// // SAFETY: `twice` has this signature.
    /// let call =
    ///     || unsafe { interface.call_in(&context, twice as *const c_void, &[arg(&21_i32)]) };
    /// assert_eq!(call(), Ok(42));
    /// flag.cancel();
    /// assert_eq!(call(), Err::<i32, _>(CallError::Cancelled));
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub unsafe fn call_in<R: CType>(
        &self,
        context: &Context,
        function: *const c_void,
        arguments: &[Arg<'_>],
    ) -> Result<R, CallError> {
        context.check()?;
        // SAFETY: the caller's.
        unsafe { self.call(function, arguments) }
    }

    /// As [`call_in`](Self::call_in), and captures the `errno` that the function leaves behind.
    ///
    /// # Safety
    /// As for [`call`](Self::call).
    ///
    /// # Errors
    /// As for [`call_in`](Self::call_in).
    ///
    /// # Examples
    /// ```
    /// use ffi::{CallInterface, Context, Library, Type, arg};
    /// let interface = CallInterface::new(Type::C_INT, [Type::POINTER, Type::C_INT])?;
    /// # // SAFETY: the C library, which the program has already.
    /// # let windows = |name| unsafe { Library::open(name) };
    /// # let name = if cfg!(target_env = "msvc") { "ucrtbase.dll" } else { "msvcrt.dll" };
    /// let libc = if cfg!(windows) { windows(name)? } else { Library::this()? };
    /// let access = libc.symbol(if cfg!(windows) { "_access" } else { "access" })?.as_ptr();
    /// let path = c"no such file".as_ptr();
    /// // SAFETY: `int access(const char *, int)`.
    /// let found = unsafe {
    ///     interface.call_errno::<i32>(&Context::new(), access, &[arg(&path), arg(&0_i32)])
    /// }?;
    /// assert_eq!((found.value, found.errno.0), (-1, 2)); // ENOENT
    /// assert!(found.errno.to_string().starts_with("No such file or directory ("));
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub unsafe fn call_errno<R: CType>(
        &self,
        context: &Context,
        function: *const c_void,
        arguments: &[Arg<'_>],
    ) -> Result<WithErrno<R>, CallError> {
        context.check()?;
        let mut errno = Errno::default();
        // SAFETY: the caller's.
        let value = unsafe { self.typed(function, arguments, |call| errno = captured(call)) }?;
        Ok(WithErrno { value, errno })
    }

    /// As [`call_in`](Self::call_in), and captures the last error that the function leaves behind:
    /// what `GetLastError` would return.
    ///
    /// # Safety
    /// As for [`call`](Self::call).
    ///
    /// # Platform-specific behaviour
    /// Exists on Windows.
    ///
    /// # Errors
    /// As for [`call_in`](Self::call_in).
    ///
    /// # Examples
    /// ```
    /// use ffi::{CallInterface, Context, Library, Type, arg};
    /// // SAFETY: the program has it already.
    /// let kernel32 = unsafe { Library::open("kernel32.dll") }?;
    /// let attributes = kernel32.symbol("GetFileAttributesA")?.as_ptr();
    /// let interface = CallInterface::new(Type::U32, [Type::POINTER])?;
    /// let path = c"no such file".as_ptr();
    /// // SAFETY: `DWORD GetFileAttributesA(LPCSTR)`.
    /// let found = unsafe {
    ///     interface.call_last_error::<u32>(&Context::new(), attributes, &[arg(&path)])
    /// }?;
    /// assert_eq!((found.value, found.last_error.0), (u32::MAX, 2)); // ERROR_FILE_NOT_FOUND
    /// # Ok::<(), ffi::Error>(())
    /// ```
    #[cfg(windows)]
    pub unsafe fn call_last_error<R: CType>(
        &self,
        context: &Context,
        function: *const c_void,
        arguments: &[Arg<'_>],
    ) -> Result<WithLastError<R>, CallError> {
        context.check()?;
        let mut last_error = LastError::default();
        // SAFETY: the caller's.
        let value = unsafe {
            self.typed(function, arguments, |call| last_error = last_error_captured(call))
        }?;
        Ok(WithLastError { value, last_error })
    }

    /// As [`call`](Self::call), for a result whose type is known only at run time: its bytes are
    /// written to `result`.
    ///
    /// # Safety
    /// As for [`call`](Self::call).
    ///
    /// # Errors
    /// [`CallError::Interface`], also when the buffer has not exactly the size of the return type.
    ///
    /// # Examples
    /// ```
    /// use ffi::{CallInterface, Type, arg};
    /// use std::mem::MaybeUninit;
    /// use std::ffi::c_void;
    /// extern "C" fn twice(n: i32) -> i32 { 2 * n }
    ///
    /// let interface = CallInterface::new(Type::C_INT, [Type::C_INT])?;
    /// let mut result = [MaybeUninit::uninit(); 4];
    /// // SAFETY: `twice` has this signature.
    /// unsafe { interface.call_into(twice as *const c_void, &[arg(&21_i32)], &mut result) }?;
    /// // SAFETY: the call has written them all.
    /// let bytes = result.map(|byte| unsafe { byte.assume_init() });
    /// assert_eq!(i32::from_ne_bytes(bytes), 42);
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub unsafe fn call_into(
        &self,
        function: *const c_void,
        arguments: &[Arg<'_>],
        result: &mut [MaybeUninit<u8>],
    ) -> Result<(), CallError> {
        self.check_function(function)?;
        self.signature().return_type().check_size(result.len()).map_err(invalid_return)?;
        let result = result.as_mut_ptr().cast();
        let call = |pointers| {
            trace!(?function, signature = %self.signature(), "call");
            // SAFETY: the arguments and the result have been checked; the function is the
            // caller's.
            resuming(|| unsafe { self.invoke_unchecked(function, pointers, result) });
        };
        Ok(with_pointers(self.signature(), arguments, call)?)
    }

    /// # Safety
    /// As for [`call`](Self::call); `around` runs what it is given once.
    #[inline(always)]
    unsafe fn typed<R: CType>(
        &self,
        function: *const c_void,
        arguments: &[Arg<'_>],
        around: impl FnOnce(&mut dyn FnMut()),
    ) -> Result<R, CallError> {
        self.check_function(function)?;
        let returned = self.signature().return_type();
        returned.check_value(size_of::<R>(), R::KIND).map_err(invalid_return)?;
        let mut result = MaybeUninit::<R>::uninit();
        let target = result.as_mut_ptr().cast();
        with_pointers(self.signature(), arguments, |pointers| {
            trace!(?function, signature = %self.signature(), "call");
            // SAFETY: the arguments and the result have been checked; the function is the
            // caller's.
            let mut call = || unsafe { self.invoke_unchecked(function, pointers, target) };
            resuming(|| around(&mut call));
        })?;
        // SAFETY: the call wrote the whole result, a valid `R` by the caller's promise; a `bool`
        // it normalised itself.
        Ok(unsafe { result.assume_init() })
    }

    fn check_function(&self, function: *const c_void) -> Result<(), InvalidCallInterfaceError> {
        if !function.is_null() {
            return Ok(());
        }
        let reason = InterfaceReason::NullFunction;
        Err(InvalidCallInterfaceError::of(InterfaceField::Function, reason))
    }
}

fn invalid_return(reason: InterfaceReason) -> InvalidCallInterfaceError {
    InvalidCallInterfaceError::of(InterfaceField::Return, reason)
}

impl fmt::Debug for CallInterface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallInterface({}: {})", self.signature().convention(), self.signature())
    }
}
