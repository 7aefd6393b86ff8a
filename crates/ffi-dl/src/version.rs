//! Looking up one version of a symbol, where the system has `dlvsym`.

use crate::error::{LibraryError, Reason};
use crate::library::Library;
use crate::name::{self, SymbolName};
use crate::symbol::Symbol;
use std::ffi::{CStr, c_void};
use std::ptr::NonNull;

impl Library {
    /// One version of a function: `memcpy` as it was in `GLIBC_2.2.5`.
    ///
    /// For the address of a variable, `T` is a raw pointer to the variable's type.
    ///
    /// # Safety
    /// As for [`get`](Self::get), of that version of the function.
    ///
    /// # Platform-specific behaviour
    /// Exists where `dlvsym` does: on Linux with glibc, and on FreeBSD, DragonFly and NetBSD. glibc
    /// finds a version that is kept for old programs only (`memcpy@GLIBC_2.2.5`) and the default
    /// one (`memcpy@@GLIBC_2.14`) alike.
    ///
    /// # Errors
    /// As for [`get`](Self::get); [`Reason::NotFound`] also where the symbol is there, but not in
    /// that version.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(all(target_os = "linux", target_env = "gnu"))] {
    /// use ffi_dl::Library;
    /// use std::ffi::c_void;
    ///
    /// type Copy = unsafe extern "C" fn(*mut c_void, *const c_void, usize) -> *mut c_void;
    ///
    /// // SAFETY: the program has the C library already.
    /// let libc = unsafe { Library::open("libc.so.6") }?;
    /// // SAFETY: `void *memcpy(void *, const void *, size_t)`.
    /// # #[cfg(target_arch = "x86_64")]
    /// let old = unsafe { libc.get_versioned::<Copy>("memcpy", "GLIBC_2.2.5") }?;
    /// # #[cfg(target_arch = "x86_64")]
    /// assert_eq!(old.name(), "memcpy@GLIBC_2.2.5");
    /// assert!(unsafe { libc.get_versioned::<Copy>("memcpy", "GLIBC_0.1") }.is_err());
    /// # }
    /// # Ok::<(), ffi_dl::LibraryError>(())
    /// ```
    pub unsafe fn get_versioned<T: Copy>(
        &self,
        name: impl SymbolName,
        version: impl SymbolName,
    ) -> Result<Symbol<'_, T>, LibraryError> {
        let (name, address) = self.find_versioned(name, version)?;
        // SAFETY: the caller says that a pointer to this function may be read as a `T`.
        Ok(unsafe { Symbol::new(self, name, address) })
    }

    fn find_versioned(
        &self,
        name: impl SymbolName,
        version: impl SymbolName,
    ) -> Result<(String, NonNull<c_void>), LibraryError> {
        let joined = |name, version| format!("{name}@{version}");
        let (c_name, c_version) = match (name.to_c_string(), version.to_c_string()) {
            (Ok(name), Ok(version)) => (name, version),
            (Err(error), version) => {
                let (name, position) = name::refused(error);
                let version = version.map_or_else(|error| name::refused(error).0, name::to_text);
                let reason = Reason::InteriorNul { position };
                return Err(self.not_found_here(joined(name, version), reason));
            }
            (Ok(name), Err(error)) => {
                let (version, position) = name::refused(error);
                let position = name.as_bytes().len() + "@".len() + position;
                let reason = Reason::InteriorNul { position };
                return Err(self.not_found_here(joined(name::to_text(name), version), reason));
            }
        };
        // SAFETY: both names end in NUL, and the handle is open as long as `self` is.
        let found = last_error_cleared(|| unsafe {
            libc::dlvsym(self.as_raw(), c_name.as_ptr(), c_version.as_ptr())
        });
        self.located(joined(name::to_text(c_name), name::to_text(c_version)), found)
    }
}

/// Runs a look-up that reports its failure through `dlerror`.
///
/// That text belongs to the thread, and may stay from whatever failed before: glibc drops it at the
/// next call of the loader, but POSIX does not ask for that. A null address is told from a failure
/// only by clearing the text first and reading it at once afterwards.
fn last_error_cleared(
    look_up: impl FnOnce() -> *mut c_void,
) -> Result<*mut c_void, libloading::Error> {
    // SAFETY: `dlerror` has no conditions; reading the text clears it.
    unsafe { libc::dlerror() };
    let address = look_up();
    if !address.is_null() {
        return Ok(address);
    }
    // SAFETY: as above.
    let text = unsafe { libc::dlerror() };
    if text.is_null() {
        return Ok(address);
    }
    // SAFETY: a text ends in NUL, and is the thread's until the next call of the loader; it is
    // copied before.
    Err(libloading::Error::DlSym { source: unsafe { CStr::from_ptr(text) }.into() })
}
