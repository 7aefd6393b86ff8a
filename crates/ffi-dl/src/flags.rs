//! How a library is opened: the flags of `dlopen`.

use std::ffi::c_int;

#[cfg(unix)]
use libc as system;

/// Windows takes no such flags. The common ones have no bits there, so that a program which sets
/// them compiles everywhere.
#[cfg(not(unix))]
mod system {
    use std::ffi::c_int;

    pub(crate) const RTLD_NOW: c_int = 0;
    pub(crate) const RTLD_LAZY: c_int = 0;
    pub(crate) const RTLD_GLOBAL: c_int = 0;
    pub(crate) const RTLD_LOCAL: c_int = 0;
}

bitflags::bitflags! {
    /// How a library is opened: the `RTLD_…` flags of `dlopen`. The default is `NOW | LOCAL`.
    ///
    /// A flag of the system that is not named here can be added by
    /// [`from_bits_retain`](Self::from_bits_retain); its bits are passed on as they are.
    ///
    /// # Platform-specific behaviour
    /// On Windows `NOW`, `LAZY`, `GLOBAL` and `LOCAL` have no bits, and flags are ignored. The
    /// other flags exist only where the C library defines them, so that asking for one that would
    /// have no effect is an error of the compiler.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(any(target_os = "linux", windows))] {
    /// use ffi_dl::{Flags, Library};
    ///
    /// let name = if cfg!(windows) { "msvcrt.dll" } else { "libm.so.6" };
    /// // SAFETY: libm runs nothing that could do harm when it is opened.
    /// let libm = unsafe { Library::open_with(name, Flags::LAZY | Flags::GLOBAL) }?;
    /// assert!(libm.symbol_optional("sqrt")?.is_some());
    /// # }
    /// # Ok::<(), ffi_dl::LibraryError>(())
    /// ```
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct Flags: c_int {
        /// Resolve every function that the library calls before opening returns, so that one which
        /// is missing is an error then, and not the end of the program later.
        const NOW = system::RTLD_NOW;
        /// Resolve a function that the library calls when it is first called.
        const LAZY = system::RTLD_LAZY;
        /// Let libraries that are opened later, and [`Library::this`](crate::Library::this), find
        /// this library's symbols.
        const GLOBAL = system::RTLD_GLOBAL;
        /// Keep the symbols to this library and those that depend on it. The opposite of
        /// `GLOBAL`, and the default of most systems, where it has no bits of its own.
        const LOCAL = system::RTLD_LOCAL;
        /// Keep the library in memory after it is closed, until the program ends.
        #[cfg(any(
            target_os = "linux",
            target_os = "android",
            target_vendor = "apple",
            target_os = "freebsd",
            target_os = "dragonfly",
            target_os = "openbsd",
            target_os = "solaris",
            target_os = "illumos",
        ))]
        const NODELETE = system::RTLD_NODELETE;
        /// Let the library find its own symbols before those of the program. Exists with glibc.
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        const DEEPBIND = system::RTLD_DEEPBIND;
    }
}

impl Flags {
    /// The bits for `dlopen`, which wants exactly one of `NOW` and `LAZY`.
    #[cfg(unix)]
    pub(crate) fn for_dlopen(self) -> c_int {
        // Asked without `contains`: a flag without bits (`NOW`, on 32-bit Android) is in every set.
        let either = Self::NOW.bits() | Self::LAZY.bits();
        if self.bits() & either == 0 { self.bits() | Self::NOW.bits() } else { self.bits() }
    }
}

impl Default for Flags {
    fn default() -> Self {
        Self::NOW | Self::LOCAL
    }
}
