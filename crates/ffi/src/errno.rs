//! C's `errno` and Windows' last error, captured around a call.

use std::fmt;

/// The value of `errno` that a call left behind; 0 where it set none.
///
/// # Platform-specific behaviour
/// On Windows each C library has an `errno` of its own, and what is captured is that of the one
/// which the program is linked with: `msvcrt.dll`'s for the `gnu` targets, and the universal C
/// runtime's for the `msvc` ones. Functions of the system itself leave a
#[cfg_attr(windows, doc = "[`LastError`] instead.")]
#[cfg_attr(not(windows), doc = "`LastError` instead.")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Errno(pub i32);

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("no error");
        }
        #[cfg(not(windows))]
        return std::io::Error::from_raw_os_error(self.0).fmt(f);
        // There `std::io::Error` has texts for the numbers of `GetLastError`, which are others.
        #[cfg(windows)]
        write!(f, "{} (errno {})", c::text(self.0), self.0)
    }
}

impl From<Errno> for std::io::Error {
    #[cfg(not(windows))]
    fn from(errno: Errno) -> Self {
        Self::from_raw_os_error(errno.0)
    }

    /// With the kind for the errors that both have, and `Other` for the rest.
    #[cfg(windows)]
    fn from(errno: Errno) -> Self {
        use std::io::ErrorKind;
        let kind = match errno.0 {
            c::ENOENT => ErrorKind::NotFound,
            c::EINTR => ErrorKind::Interrupted,
            c::ENOMEM => ErrorKind::OutOfMemory,
            c::EPERM | c::EACCES => ErrorKind::PermissionDenied,
            c::EEXIST => ErrorKind::AlreadyExists,
            c::EINVAL => ErrorKind::InvalidInput,
            _ => ErrorKind::Other,
        };
        Self::new(kind, errno.to_string())
    }
}

/// What a call returned, with the `errno` it left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WithErrno<R> {
    /// What it returned.
    pub value: R,
    /// The `errno`: set to 0 before the call and read right after it, on the same thread.
    pub errno: Errno,
}

/// Runs `call` between setting `errno` to 0 and reading it.
#[inline(always)]
pub(crate) fn captured(call: impl FnOnce()) -> Errno {
    // SAFETY: the address of this thread's `errno` is valid for as long as the thread runs, and
    // the thread does not end in between.
    unsafe {
        let errno = location();
        errno.write(0);
        call();
        Errno(errno.read())
    }
}

fn location() -> *mut i32 {
    #[cfg(any(target_os = "linux", target_os = "redox"))]
    // SAFETY: it only returns an address.
    return unsafe { libc::__errno_location() };
    #[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
    // SAFETY: as above.
    return unsafe { libc::__error() };
    #[cfg(any(target_os = "openbsd", target_os = "netbsd", target_os = "android"))]
    // SAFETY: as above.
    return unsafe { libc::__errno() };
    #[cfg(windows)]
    // SAFETY: as above.
    return unsafe { c::_errno() };
}

#[cfg(windows)]
mod c {
    //! What Microsoft's C libraries have.

    use std::borrow::Cow;
    use std::ffi::{CStr, c_char};

    pub(super) const EPERM: i32 = 1;
    pub(super) const ENOENT: i32 = 2;
    pub(super) const EINTR: i32 = 4;
    pub(super) const ENOMEM: i32 = 12;
    pub(super) const EACCES: i32 = 13;
    pub(super) const EEXIST: i32 = 17;
    pub(super) const EINVAL: i32 = 22;

    unsafe extern "C" {
        pub(super) fn _errno() -> *mut i32;
        fn strerror(errno: i32) -> *const c_char;
    }

    pub(super) fn text(errno: i32) -> Cow<'static, str> {
        // SAFETY: it returns a string for every number, in a buffer of the thread's that nothing
        // else uses until the text has been copied.
        unsafe { CStr::from_ptr(strerror(errno)).to_string_lossy().into_owned().into() }
    }
}

#[cfg(windows)]
pub(crate) use last_error::captured as last_error_captured;
#[cfg(windows)]
pub use last_error::{LastError, WithLastError};

#[cfg(windows)]
mod last_error {
    //! What functions of Windows leave behind.

    use std::fmt;
    use windows_sys::Win32::Foundation::{GetLastError, SetLastError};

    /// The last error that a call left behind, as `GetLastError` returns it; 0 where it set none.
    ///
    /// # Platform-specific behaviour
    /// Exists on Windows.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct LastError(pub u32);

    impl fmt::Display for LastError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            if self.0 == 0 {
                return f.write_str("no error");
            }
            std::io::Error::from(*self).fmt(f)
        }
    }

    impl From<LastError> for std::io::Error {
        fn from(error: LastError) -> Self {
            // The numbers are the same; the standard library has them with a sign.
            Self::from_raw_os_error(error.0.cast_signed())
        }
    }

    /// What a call returned, with the last error it left behind.
    ///
    /// # Platform-specific behaviour
    /// Exists on Windows.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct WithLastError<R> {
        /// What it returned.
        pub value: R,
        /// The last error: set to 0 before the call and read right after it, on the same thread.
        pub last_error: LastError,
    }

    /// Runs `call` between setting the last error to 0 and reading it.
    #[inline(always)]
    pub(crate) fn captured(call: impl FnOnce()) -> LastError {
        // SAFETY: neither has conditions; the value is the thread's own.
        unsafe {
            SetLastError(0);
            call();
            LastError(GetLastError())
        }
    }
}
