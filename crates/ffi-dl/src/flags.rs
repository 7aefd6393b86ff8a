//! How a library is opened.

bitflags::bitflags! {
    /// How a library is opened: the `RTLD_…` flags of `dlopen`. The default is `NOW | LOCAL`.
    ///
    /// # Platform-specific behaviour
    /// A flag that the platform does not have is not defined there: Windows has none, and
    /// `DEEPBIND` is glibc's and FreeBSD's.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct Flags: std::ffi::c_int {
        /// Resolve every symbol before `open` returns.
        #[cfg(unix)]
        const NOW = libc::RTLD_NOW;
        /// Resolve functions when they are first called.
        #[cfg(unix)]
        const LAZY = libc::RTLD_LAZY;
        /// Let libraries opened later find this one's symbols.
        #[cfg(unix)]
        const GLOBAL = libc::RTLD_GLOBAL;
        /// Do not (the opposite of `GLOBAL`; has no bits of its own on Linux).
        #[cfg(unix)]
        const LOCAL = libc::RTLD_LOCAL;
        /// Keep the library in memory when it is closed.
        #[cfg(any(target_os = "linux", target_vendor = "apple", target_os = "freebsd"))]
        const NODELETE = libc::RTLD_NODELETE;
        /// Let the library prefer its own symbols over those of the program.
        #[cfg(any(all(target_os = "linux", target_env = "gnu"), target_os = "freebsd"))]
        const DEEPBIND = libc::RTLD_DEEPBIND;
    }
}

impl Default for Flags {
    fn default() -> Self {
        #[cfg(unix)]
        return Self::NOW | Self::LOCAL;
        #[cfg(not(unix))]
        Self::empty()
    }
}
