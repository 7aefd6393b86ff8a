//! C's `errno`, captured around a call.

use std::fmt;

/// The value of `errno` that a call left behind; 0 where it set none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Errno(pub i32);

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("no error");
        }
        std::io::Error::from(*self).fmt(f)
    }
}

impl From<Errno> for std::io::Error {
    fn from(errno: Errno) -> Self {
        Self::from_raw_os_error(errno.0)
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
    // SAFETY: each only returns an address.
    #[cfg(any(target_os = "linux", target_os = "redox"))]
    return unsafe { libc::__errno_location() };
    #[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
    return unsafe { libc::__error() };
    #[cfg(any(target_os = "openbsd", target_os = "netbsd", target_os = "android"))]
    return unsafe { libc::__errno() };
    #[cfg(windows)]
    return unsafe { _errno() };
}

#[cfg(windows)]
unsafe extern "C" {
    fn _errno() -> *mut i32;
}
