//! Building the libraries that stand in for libffi's.

use std::path::PathBuf;

/// What a library is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum System {
    /// This machine's own.
    Host,
    /// AArch64 Linux.
    Aarch64,
    /// x86-64 Windows.
    Windows,
}

/// The directory with `libffi.so.8`, `libffi.so`, `libffi.a` (or `ffi.dll` and what links with it)
/// and `include`.
pub(crate) fn library(system: System) -> Result<PathBuf, String> {
    let variable = match system {
        System::Host => "FFI_COMPAT_DIR",
        System::Aarch64 => "FFI_COMPAT_DIR_AARCH64",
        System::Windows => "FFI_COMPAT_DIR_WINDOWS",
    };
    let directory = std::env::var_os(variable).map(PathBuf::from);
    directory.filter(|path| path.is_dir()).ok_or(format!("{variable} names no directory"))
}

pub(crate) fn run() -> Result<(), String> {
    library(System::Host).map(|_| ())
}
