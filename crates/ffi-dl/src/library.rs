//! Open libraries.

use crate::error::{LibraryError, LibraryProblem, Operation};
use crate::flags::Flags;
use crate::symbol::{OwnedSymbol, Symbol};
use std::ffi::{OsStr, c_void};
use std::fmt;
use std::sync::Arc;

#[cfg(unix)]
use libloading::os::unix as os;
#[cfg(windows)]
use libloading::os::windows as os;

/// An open library. Clones are the same library; it is closed when the last clone and the last
/// [`OwnedSymbol`] are gone.
#[derive(Clone)]
pub struct Library(Arc<Open>);

struct Open {
    name: String,
    handle: os::Library,
    /// The handle again, for `dlvsym`; it stays `handle`'s to close.
    #[cfg(any(all(target_os = "linux", target_env = "gnu"), target_os = "freebsd"))]
    raw: *mut c_void,
}

// SAFETY: a library handle may be used from any thread; `raw` is one more copy of it.
unsafe impl Send for Open {}
// SAFETY: as above.
unsafe impl Sync for Open {}

impl Open {
    fn new(name: String, handle: os::Library) -> Self {
        #[cfg(any(all(target_os = "linux", target_env = "gnu"), target_os = "freebsd"))]
        {
            let raw = handle.into_raw();
            // SAFETY: the handle was just taken out of an open library, which is put together
            // again.
            let handle = unsafe { os::Library::from_raw(raw) };
            Self { name, handle, raw }
        }
        #[cfg(not(any(all(target_os = "linux", target_env = "gnu"), target_os = "freebsd")))]
        Self { name, handle }
    }
}

impl Library {
    /// Opens a library with the [default flags](Flags::default): by name, which the system looks
    /// for where it looks for libraries, or by a path, which is a name with a separator in it.
    ///
    /// # Safety
    /// The library's constructors run, and when it is closed its destructors; they must be sound
    /// to run in this program.
    ///
    /// # Errors
    /// A [`LibraryError`] with [`Operation::Load`].
    ///
    /// # Examples
    /// ```
    /// use ffi_dl::Library;
    /// // SAFETY: there is no such library, so nothing runs.
    /// let error = unsafe { Library::open("libnope.so") }.unwrap_err();
    /// assert!(error.to_string().starts_with("cannot load library \"libnope.so\": "));
    /// ```
    pub unsafe fn open(name: impl AsRef<OsStr>) -> Result<Self, LibraryError> {
        // SAFETY: the caller's.
        unsafe { Self::open_with(name, Flags::default()) }
    }

    /// Opens a library with flags.
    ///
    /// # Safety
    /// As for [`open`](Self::open).
    ///
    /// # Platform-specific behaviour
    /// Windows has no flags, and ignores the (empty) set.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub unsafe fn open_with(name: impl AsRef<OsStr>, flags: Flags) -> Result<Self, LibraryError> {
        let name = name.as_ref();
        let fail = |problem| LibraryError {
            operation: Operation::Load,
            name: name.to_string_lossy().into_owned(),
            library: None,
            problem,
        };
        if let Some(position) = name.as_encoded_bytes().iter().position(|&byte| byte == 0) {
            return Err(fail(LibraryProblem::InteriorNul { position }));
        }
        #[cfg(unix)]
        // SAFETY: the caller's.
        let opened = unsafe { os::Library::open(Some(name), flags.bits()) };
        #[cfg(windows)]
        // SAFETY: the caller's.
        let opened = unsafe {
            let _ = flags;
            os::Library::new(name)
        };
        let handle = opened.map_err(|error| fail(error.into()))?;
        Ok(Self(Arc::new(Open::new(name.to_string_lossy().into_owned(), handle))))
    }

    /// The program itself, and on Unix every library that it was linked with or that was opened
    /// with [`Flags::GLOBAL`].
    ///
    /// # Errors
    /// A [`LibraryError`] with [`Operation::Load`]; on Unix none is known.
    ///
    /// # Examples
    /// ```
    /// let program = ffi_dl::Library::this()?;
    /// # #[cfg(unix)]
    /// assert!(program.symbol_optional("malloc")?.is_some());
    /// # Ok::<(), ffi_dl::LibraryError>(())
    /// ```
    pub fn this() -> Result<Self, LibraryError> {
        let name = String::from("(the program itself)");
        #[cfg(unix)]
        let handle = os::Library::this();
        #[cfg(windows)]
        let handle = os::Library::this().map_err(|error| LibraryError {
            operation: Operation::Load,
            name: name.clone(),
            library: None,
            problem: error.into(),
        })?;
        Ok(Self(Arc::new(Open::new(name, handle))))
    }

    /// The name it was opened by.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The function of that name, as a function pointer of type `T`.
    ///
    /// # Safety
    /// `T` is the function's type.
    ///
    /// # Errors
    /// A [`LibraryError`] with [`Operation::Symbol`]: there is no such symbol, its address is
    /// null, or its name has a NUL byte.
    pub unsafe fn get<T: Copy>(&self, name: &str) -> Result<Symbol<'_, T>, LibraryError> {
        let address = self.required(name)?;
        // SAFETY: the caller's; the address came from this library.
        Ok(unsafe { Symbol::new(self, name, address) })
    }

    /// The address of the variable of that name: a pointer, since C may change it at any time.
    ///
    /// # Safety
    /// `T` is the variable's type; what is read or written through the pointer is up to whoever
    /// does it.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub unsafe fn variable<T>(&self, name: &str) -> Result<Symbol<'_, *mut T>, LibraryError> {
        // SAFETY: an address is a pointer; what it points to is the caller's to say.
        unsafe { self.get(name) }
    }

    /// The address of that symbol, of whatever type.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub fn symbol(&self, name: &str) -> Result<Symbol<'_, *const c_void>, LibraryError> {
        // SAFETY: any address is a `*const c_void`.
        unsafe { self.get(name) }
    }

    /// As [`get`](Self::get), but a symbol that is not there is `None`.
    ///
    /// # Safety
    /// As for [`get`](Self::get).
    ///
    /// # Errors
    /// A [`LibraryError`] when the name has a NUL byte.
    pub unsafe fn get_optional<T: Copy>(
        &self,
        name: &str,
    ) -> Result<Option<Symbol<'_, T>>, LibraryError> {
        match self.find(name) {
            Ok(address) if !address.is_null() => {
                // SAFETY: the caller's; the address came from this library.
                Ok(Some(unsafe { Symbol::new(self, name, address) }))
            }
            Ok(_) | Err(LibraryProblem::System { .. }) => Ok(None),
            Err(problem) => Err(self.symbol_error(name, problem)),
        }
    }

    /// As [`symbol`](Self::symbol), but a symbol that is not there is `None`.
    ///
    /// # Errors
    /// A [`LibraryError`] when the name has a NUL byte.
    pub fn symbol_optional(
        &self,
        name: &str,
    ) -> Result<Option<Symbol<'_, *const c_void>>, LibraryError> {
        // SAFETY: any address is a `*const c_void`.
        unsafe { self.get_optional(name) }
    }

    /// A version of a symbol: `memcpy` as it was in `GLIBC_2.2.5`.
    ///
    /// # Safety
    /// As for [`get`](Self::get).
    ///
    /// # Platform-specific behaviour
    /// Exists where `dlvsym` does: on Linux with glibc, and on FreeBSD.
    ///
    /// # Errors
    /// As for [`get`](Self::get); also when there is no such version of it.
    #[cfg(any(all(target_os = "linux", target_env = "gnu"), target_os = "freebsd"))]
    pub unsafe fn get_versioned<T: Copy>(
        &self,
        name: &str,
        version: &str,
    ) -> Result<Symbol<'_, T>, LibraryError> {
        let shown = format!("{name}@{version}");
        let address = self
            .find_versioned(name, version)
            .map_err(|problem| self.symbol_error(&shown, problem))?;
        if address.is_null() {
            return Err(self.symbol_error(&shown, LibraryProblem::Null));
        }
        // SAFETY: the caller's; the address came from this library.
        Ok(unsafe { Symbol::new(self, &shown, address) })
    }

    #[cfg(any(all(target_os = "linux", target_env = "gnu"), target_os = "freebsd"))]
    fn find_versioned(&self, name: &str, version: &str) -> Result<*const c_void, LibraryProblem> {
        use std::ffi::{CStr, CString};
        let c_string = |text: &str| {
            CString::new(text)
                .map_err(|error| LibraryProblem::InteriorNul { position: error.nul_position() })
        };
        let (name, version) = (c_string(name)?, c_string(version)?);
        // `dlerror`'s text belongs to the thread: cleared first, it is this call's afterwards.
        // SAFETY: the strings end in NUL, and the handle is open.
        unsafe {
            libc::dlerror();
            let address = libc::dlvsym(self.0.raw, name.as_ptr(), version.as_ptr());
            let error = libc::dlerror();
            if error.is_null() {
                return Ok(address);
            }
            let message = CStr::from_ptr(error).to_string_lossy().into_owned();
            Err(LibraryProblem::System { message, source: None })
        }
    }

    fn required(&self, name: &str) -> Result<*const c_void, LibraryError> {
        let found = self.find(name).and_then(|address| {
            if address.is_null() { Err(LibraryProblem::Null) } else { Ok(address) }
        });
        found.map_err(|problem| self.symbol_error(name, problem))
    }

    /// The address, which may be null.
    fn find(&self, name: &str) -> Result<*const c_void, LibraryProblem> {
        if let Some(position) = name.bytes().position(|byte| byte == 0) {
            return Err(LibraryProblem::InteriorNul { position });
        }
        // SAFETY: an address is all that is asked for.
        let symbol = unsafe { self.0.handle.get::<*const c_void>(name) };
        Ok(symbol.map_err(LibraryProblem::from)?.into_raw().cast_const().cast())
    }

    fn symbol_error(&self, name: &str, problem: LibraryProblem) -> LibraryError {
        LibraryError {
            operation: Operation::Symbol,
            name: name.into(),
            library: Some(self.0.name.clone()),
            problem,
        }
    }

    /// Closes the library, and says whether that worked. Dropping the last clone closes it too,
    /// without a word.
    ///
    /// # Errors
    /// A [`LibraryError`] with [`Operation::Free`]: the operating system's, or
    /// [`LibraryProblem::StillInUse`] when a clone or an [`OwnedSymbol`] keeps it open; then it
    /// stays so until those are gone.
    pub fn close(self) -> Result<(), LibraryError> {
        let fail = |name, problem| LibraryError {
            operation: Operation::Free,
            name,
            library: None,
            problem,
        };
        match Arc::try_unwrap(self.0) {
            Ok(Open { name, handle, .. }) => {
                handle.close().map_err(|error| fail(name, error.into()))
            }
            Err(shared) => {
                let holders = Arc::strong_count(&shared) - 1;
                Err(fail(shared.name.clone(), LibraryProblem::StillInUse { holders }))
            }
        }
    }

    /// A symbol that keeps this library open, of an address found in it.
    pub(crate) fn own<T: Copy>(&self, symbol: Symbol<'_, T>) -> OwnedSymbol<T> {
        OwnedSymbol::new(self.clone(), symbol)
    }
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Library({:?})", self.name())
    }
}
