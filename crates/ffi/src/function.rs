//! A function with its prepared interface.

use crate::argument::Arg;
use crate::call::CallInterface;
use crate::context::Context;
use crate::errno::WithErrno;
#[cfg(windows)]
use crate::errno::WithLastError;
use crate::error::CallError;
use crate::value::Value;
use ffi_dl::{Library, LibraryError};
use ffi_types::CType;
use std::ffi::c_void;
use std::mem::MaybeUninit;

/// A function of a library together with the interface to call it by. Keeps the library open.
#[derive(Debug, Clone)]
pub struct Function {
    // Keeps the address valid.
    _library: Library,
    address: *const c_void,
    interface: CallInterface,
}

// SAFETY: the address is of code, which is not written, and what may be called from which thread
// is up to the callers of the unsafe methods.
unsafe impl Send for Function {}
// SAFETY: as above.
unsafe impl Sync for Function {}

impl Function {
    /// Looks the function up in a library.
    ///
    /// # Errors
    /// [`LibraryError`] when the library has no such symbol.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(any(target_os = "linux", windows))] {
    /// # let name = if cfg!(windows) { "msvcrt.dll" } else { "libc.so.6" };
    /// use ffi::{CallInterface, Function, Library, Type};
    /// // SAFETY: the C library is part of the program already.
    /// let libc = unsafe { Library::open(name) }?;
    /// let interface = CallInterface::new(Type::C_INT, [Type::C_INT])?;
    /// let abs = Function::load(&libc, "abs", &interface)?;
    /// drop(libc); // the function keeps the library open
    /// assert!(!abs.as_ptr().is_null());
    /// # }
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn load(
        library: &Library,
        name: &str,
        interface: &CallInterface,
    ) -> Result<Self, LibraryError> {
        let address = library.symbol(name)?.as_ptr();
        Ok(Self { _library: library.clone(), address, interface: interface.clone() })
    }

    /// The function's address; never null.
    pub fn as_ptr(&self) -> *const c_void {
        self.address
    }

    /// The interface it is called by.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(any(target_os = "linux", windows))] {
    /// # let name = if cfg!(windows) { "msvcrt.dll" } else { "libc.so.6" };
    /// use ffi::{CallInterface, Function, Library, Type};
    /// // SAFETY: the C library is part of the program already.
    /// let libc = unsafe { Library::open(name) }?;
    /// let interface = CallInterface::new(Type::C_INT, [Type::C_INT])?;
    /// let abs = Function::load(&libc, "abs", &interface)?;
    /// assert_eq!(abs.interface().signature().to_string(), "int32_t (int32_t)");
    /// # }
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn interface(&self) -> &CallInterface {
        &self.interface
    }

    /// [`CallInterface::call`] on this function.
    ///
    /// # Safety
    /// The function has the interface's signature, what it requires of its caller holds, and what
    /// it returns is a valid `R`.
    ///
    /// # Errors
    /// As for [`CallInterface::call`].
    ///
    /// # Examples
    /// ```
    /// # #[cfg(any(target_os = "linux", windows))] {
    /// # let name = if cfg!(windows) { "msvcrt.dll" } else { "libc.so.6" };
    /// use ffi::{CallInterface, Function, Library, Type, arg};
    /// // SAFETY: the C library is part of the program already.
    /// let libc = unsafe { Library::open(name) }?;
    /// let interface = CallInterface::new(Type::C_INT, [Type::C_INT])?;
    /// let abs = Function::load(&libc, "abs", &interface)?;
    /// // SAFETY: `int abs(int)`.
    /// assert_eq!(unsafe { abs.call::<i32>(&[arg(&-5_i32)]) }?, 5);
    /// # }
    /// # Ok::<(), ffi::Error>(())
    /// ```
    #[inline]
    pub unsafe fn call<R: CType>(&self, arguments: &[Arg<'_>]) -> Result<R, CallError> {
        // SAFETY: the caller's.
        unsafe { self.interface.call(self.address, arguments) }
    }

    /// [`CallInterface::call_in`] on this function.
    ///
    /// # Safety
    /// As for [`call`](Self::call).
    ///
    /// # Errors
    /// As for [`CallInterface::call_in`].
    ///
    /// # Examples
    /// ```
    /// # #[cfg(any(target_os = "linux", windows))] {
    /// # let name = if cfg!(windows) { "msvcrt.dll" } else { "libc.so.6" };
    /// use ffi::{CallInterface, Context, Function, Library, Type, arg};
    /// // SAFETY: the C library is part of the program already.
    /// let libc = unsafe { Library::open(name) }?;
    /// let interface = CallInterface::new(Type::C_INT, [Type::C_INT])?;
    /// let abs = Function::load(&libc, "abs", &interface)?;
    /// // SAFETY: `int abs(int)`.
    /// assert_eq!(unsafe { abs.call_in::<i32>(&Context::new(), &[arg(&-5_i32)]) }?, 5);
    /// # }
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub unsafe fn call_in<R: CType>(
        &self,
        context: &Context,
        arguments: &[Arg<'_>],
    ) -> Result<R, CallError> {
        // SAFETY: the caller's.
        unsafe { self.interface.call_in(context, self.address, arguments) }
    }

    /// [`CallInterface::call_errno`] on this function.
    ///
    /// # Safety
    /// As for [`call`](Self::call).
    ///
    /// # Errors
    /// As for [`CallInterface::call_errno`].
    ///
    /// # Examples
    /// ```
    /// # #[cfg(target_os = "linux")] {
    /// use ffi::{Context, Declared, Library, arg};
    /// let close = Library::this()?.function("int close(int descriptor);")?;
    /// // SAFETY: this is its prototype, and no file is closed.
    /// let failed = unsafe { close.call_errno::<i32>(&Context::new(), &[arg(&-1_i32)]) }?;
    /// assert_eq!((failed.value, failed.errno.0), (-1, 9)); // EBADF
    /// # }
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub unsafe fn call_errno<R: CType>(
        &self,
        context: &Context,
        arguments: &[Arg<'_>],
    ) -> Result<WithErrno<R>, CallError> {
        // SAFETY: the caller's.
        unsafe { self.interface.call_errno(context, self.address, arguments) }
    }

    /// [`CallInterface::call_last_error`] on this function.
    ///
    /// # Safety
    /// As for [`call`](Self::call).
    ///
    /// # Platform-specific behaviour
    /// Exists on Windows.
    ///
    /// # Errors
    /// As for [`CallInterface::call_last_error`].
    #[cfg(windows)]
    pub unsafe fn call_last_error<R: CType>(
        &self,
        context: &Context,
        arguments: &[Arg<'_>],
    ) -> Result<WithLastError<R>, CallError> {
        // SAFETY: the caller's.
        unsafe { self.interface.call_last_error(context, self.address, arguments) }
    }

    /// [`CallInterface::call_into`] on this function.
    ///
    /// # Safety
    /// As for [`call`](Self::call).
    ///
    /// # Errors
    /// As for [`CallInterface::call_into`].
    ///
    /// # Examples
    /// ```
    /// # #[cfg(any(target_os = "linux", windows))] {
    /// # let name = if cfg!(windows) { "msvcrt.dll" } else { "libc.so.6" };
    /// use ffi::{CallInterface, Function, Library, Type, arg};
    /// // SAFETY: the C library is part of the program already.
    /// let libc = unsafe { Library::open(name) }?;
    /// let interface = CallInterface::new(Type::C_INT, [Type::C_INT])?;
    /// let abs = Function::load(&libc, "abs", &interface)?;
    /// use std::mem::MaybeUninit;
    /// let mut result = [MaybeUninit::uninit(); 4];
    /// // SAFETY: `int abs(int)`.
    /// unsafe { abs.call_into(&[arg(&-5_i32)], &mut result) }?;
    /// # }
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub unsafe fn call_into(
        &self,
        arguments: &[Arg<'_>],
        result: &mut [MaybeUninit<u8>],
    ) -> Result<(), CallError> {
        // SAFETY: the caller's.
        unsafe { self.interface.call_into(self.address, arguments, result) }
    }

    /// [`CallInterface::call_value`] on this function.
    ///
    /// # Safety
    /// As for [`call`](Self::call).
    ///
    /// # Errors
    /// As for [`CallInterface::call_value`].
    ///
    /// # Examples
    /// ```
    /// # #[cfg(any(target_os = "linux", windows))] {
    /// # let name = if cfg!(windows) { "msvcrt.dll" } else { "libc.so.6" };
    /// use ffi::{CallInterface, Function, Library, Type, arg};
    /// // SAFETY: the C library is part of the program already.
    /// let libc = unsafe { Library::open(name) }?;
    /// let interface = CallInterface::new(Type::C_INT, [Type::C_INT])?;
    /// let abs = Function::load(&libc, "abs", &interface)?;
    /// // SAFETY: `int abs(int)`.
    /// let value = unsafe { abs.call_value(&[arg(&-5_i32)]) }?;
    /// assert_eq!(format!("{value:?}"), "5");
    /// # }
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub unsafe fn call_value(&self, arguments: &[Arg<'_>]) -> Result<Value, CallError> {
        // SAFETY: the caller's.
        unsafe { self.interface.call_value(self.address, arguments) }
    }

    /// [`CallInterface::call_value_errno`] on this function.
    ///
    /// # Safety
    /// As for [`call`](Self::call).
    ///
    /// # Errors
    /// As for [`CallInterface::call_value_errno`].
    ///
    /// # Examples
    /// ```
    /// # #[cfg(any(target_os = "linux", windows))] {
    /// # let name = if cfg!(windows) { "msvcrt.dll" } else { "libc.so.6" };
    /// use ffi::{CallInterface, Context, Function, Library, Type, arg};
    /// // SAFETY: the C library is part of the program already.
    /// let libc = unsafe { Library::open(name) }?;
    /// let interface = CallInterface::new(Type::C_INT, [Type::C_INT])?;
    /// let abs = Function::load(&libc, "abs", &interface)?;
    /// // SAFETY: `int abs(int)`.
    /// let found = unsafe { abs.call_value_errno(&Context::new(), &[arg(&-5_i32)]) }?;
    /// assert_eq!((found.value.get::<i32>("")?, found.errno.0), (5, 0));
    /// # }
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub unsafe fn call_value_errno(
        &self,
        context: &Context,
        arguments: &[Arg<'_>],
    ) -> Result<WithErrno<Value>, CallError> {
        // SAFETY: the caller's.
        unsafe { self.interface.call_value_errno(context, self.address, arguments) }
    }
}
