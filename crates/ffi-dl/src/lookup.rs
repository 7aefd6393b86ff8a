//! Looking symbols up: functions, variables, and addresses of whatever type.

use crate::error::{LibraryError, Operation, Reason};
use crate::library::Library;
use crate::name::{self, SymbolName};
use crate::symbol::Symbol;
use crate::trace;
use std::ffi::c_void;
use std::ptr::NonNull;

impl Library {
    /// The function of that name, as a function pointer of type `T`.
    ///
    /// The compiler refuses a `T` that has not the size of a pointer, when it comes to generating
    /// the code for it. An `Option` of a function pointer will do, and is never `None`.
    ///
    /// ```compile_fail,E0080
    /// let program = ffi_dl::Library::this().unwrap();
    /// let _ = unsafe { program.get::<[usize; 2]>("malloc") };
    /// ```
    ///
    /// # Safety
    /// The symbol is a function, and `T` a function pointer type with its signature and calling
    /// convention. What a call must keep to is then part of `T`: a `T` that is not an `unsafe fn`
    /// promises that any arguments will do. A copy of the `T` is not used after the library is
    /// closed.
    ///
    /// # Platform-specific behaviour
    /// Of several versions of a symbol this finds the default one; see `get_versioned`.
    ///
    /// # Errors
    /// A [`LibraryError`] with [`Operation::Symbol`]: [`Reason::NotFound`], [`Reason::Null`] where
    /// the symbol is there without an address, and [`Reason::InteriorNul`] for a NUL byte in the
    /// name.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(any(target_os = "linux", windows))] {
    /// # use ffi_dl::Library;
    /// # let name = if cfg!(windows) { "msvcrt.dll" } else { "libm.so.6" };
    /// # // SAFETY: a harmless library.
    /// # let libm = unsafe { Library::open(name) }?;
    /// // SAFETY: `double pow(double, double)`.
    /// let pow = unsafe { libm.get::<extern "C" fn(f64, f64) -> f64>("pow") }?;
    /// assert_eq!(pow(2.0, 10.0), 1024.0);
    /// # }
    /// # Ok::<(), ffi_dl::LibraryError>(())
    /// ```
    pub unsafe fn get<T: Copy>(
        &self,
        name: impl SymbolName,
    ) -> Result<Symbol<'_, T>, LibraryError> {
        let (name, address) = self.find(name)?;
        // SAFETY: the caller says that a pointer to this function may be read as a `T`.
        Ok(unsafe { Symbol::new(self, name, address) })
    }

    /// The address of the variable of that name, as a pointer to `T`.
    ///
    /// A pointer and not a reference, because the other side may write the variable at any time.
    ///
    /// # Safety
    /// The symbol is a variable of type `T`. What is read or written through the pointer, and that
    /// it is not used after the library is closed, is up to whoever uses it.
    ///
    /// # Platform-specific behaviour
    /// A variable of a thread (`_Thread_local`) is found on Linux as that of the calling thread;
    /// elsewhere the address may be of something else.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    ///
    /// # Examples
    /// ```
    /// # #[cfg(any(target_os = "linux", windows))] {
    /// # use ffi_dl::Library;
    /// # let name = if cfg!(windows) { "msvcrt.dll" } else { "libc.so.6" };
    /// # // SAFETY: a harmless library.
    /// # let libc = unsafe { Library::open(name) }?;
    /// use std::ffi::c_char;
    ///
    /// let name = if cfg!(windows) { "_environ" } else { "environ" };
    /// // SAFETY: `extern char **environ`.
    /// let environ = unsafe { libc.variable::<*const *const c_char>(name) }?;
    /// // SAFETY: no other thread sets a variable of the environment here.
    /// assert!(!unsafe { environ.read() }.is_null());
    /// # }
    /// # Ok::<(), ffi_dl::LibraryError>(())
    /// ```
    pub unsafe fn variable<T>(
        &self,
        name: impl SymbolName,
    ) -> Result<Symbol<'_, *mut T>, LibraryError> {
        // SAFETY: any address is a `*mut T`; what is there is the caller's to say.
        unsafe { self.get(name) }
    }

    /// The address of the symbol of that name, whatever it is.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    ///
    /// # Examples
    /// ```
    /// # #[cfg(any(target_os = "linux", windows))] {
    /// # use ffi_dl::Library;
    /// # let name = if cfg!(windows) { "msvcrt.dll" } else { "libc.so.6" };
    /// # // SAFETY: a harmless library.
    /// # let libc = unsafe { Library::open(name) }?;
    /// assert!(!libc.symbol("malloc")?.as_ptr().is_null());
    /// # }
    /// # Ok::<(), ffi_dl::LibraryError>(())
    /// ```
    pub fn symbol(&self, name: impl SymbolName) -> Result<Symbol<'_, *const c_void>, LibraryError> {
        // SAFETY: any address is a `*const c_void`.
        unsafe { self.get(name) }
    }

    /// As [`get`](Self::get), but a symbol that is not there is `None`.
    ///
    /// # Safety
    /// As for [`get`](Self::get).
    ///
    /// # Errors
    /// As for [`get`](Self::get), except [`Reason::NotFound`]: a name with a NUL byte, and a symbol
    /// whose address is null, are errors still.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(any(target_os = "linux", windows))] {
    /// # use ffi_dl::Library;
    /// # let name = if cfg!(windows) { "msvcrt.dll" } else { "libc.so.6" };
    /// # // SAFETY: a harmless library.
    /// # let libc = unsafe { Library::open(name) }?;
    /// // SAFETY: `int rand(void)`.
    /// let rand = unsafe { libc.get_optional::<extern "C" fn() -> i32>("rand") }?;
    /// assert!(rand.is_some());
    /// # }
    /// # Ok::<(), ffi_dl::LibraryError>(())
    /// ```
    pub unsafe fn get_optional<T: Copy>(
        &self,
        name: impl SymbolName,
    ) -> Result<Option<Symbol<'_, T>>, LibraryError> {
        // SAFETY: the caller's.
        match unsafe { self.get(name) } {
            Ok(symbol) => Ok(Some(symbol)),
            Err(error) if error.reason == Reason::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// As [`symbol`](Self::symbol), but a symbol that is not there is `None`.
    ///
    /// # Errors
    /// As for [`get_optional`](Self::get_optional).
    ///
    /// # Examples
    /// ```
    /// let program = ffi_dl::Library::this()?;
    /// assert!(program.symbol_optional("nobody has called anything this")?.is_none());
    /// assert!(program.symbol_optional("mal\0loc").is_err());
    /// # Ok::<(), ffi_dl::LibraryError>(())
    /// ```
    pub fn symbol_optional(
        &self,
        name: impl SymbolName,
    ) -> Result<Option<Symbol<'_, *const c_void>>, LibraryError> {
        // SAFETY: any address is a `*const c_void`.
        unsafe { self.get_optional(name) }
    }

    /// The name as text, and the address.
    fn find(&self, name: impl SymbolName) -> Result<(String, NonNull<c_void>), LibraryError> {
        let name = name.to_c_string().map_err(|error| {
            let (name, position) = name::refused(error);
            self.not_found_here(name, Reason::InteriorNul { position })
        })?;
        // SAFETY: an address is all that is asked for, and any address is a `*const c_void`.
        let found = unsafe { self.handle().get::<*const c_void>(name.as_c_str()) };
        self.located(name::to_text(name), found.map(|symbol| symbol.as_raw_ptr()))
    }

    /// What came of a look-up.
    pub(crate) fn located(
        &self,
        name: String,
        found: Result<*mut c_void, libloading::Error>,
    ) -> Result<(String, NonNull<c_void>), LibraryError> {
        match found.map(NonNull::new) {
            Ok(Some(address)) => {
                trace::debug!(library = self.name(), symbol = name, ?address, "found");
                Ok((name, address))
            }
            // Null without an error: libloading passes the null on where it may trust `dlerror` to
            // be the thread's own, and else reports this.
            Ok(None) | Err(libloading::Error::DlSymUnknown) => {
                Err(self.not_found_here(name, Reason::Null))
            }
            Err(error) => {
                let (operation, library) = (Operation::Symbol, Some(self.name()));
                Err(LibraryError::reported(operation, name, library, Reason::NotFound, error))
            }
        }
    }

    pub(crate) fn not_found_here(&self, name: String, reason: Reason) -> LibraryError {
        LibraryError::found_here(Operation::Symbol, name, Some(self.name()), reason)
    }
}
