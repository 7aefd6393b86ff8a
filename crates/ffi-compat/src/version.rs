//! What a program may ask about the library itself.

use crate::closure::ffi_closure;
use crate::types::ffi_abi;
use std::ffi::{c_char, c_uint, c_ulong};

/// The version of libffi whose interface this is: `"3.8.0"`.
#[unsafe(no_mangle)]
pub extern "C" fn ffi_get_version() -> *const c_char {
    c"3.8.0".as_ptr()
}

/// The same as a number: 30800.
#[unsafe(no_mangle)]
pub extern "C" fn ffi_get_version_number() -> c_ulong {
    30800
}

/// The platform's own convention.
#[unsafe(no_mangle)]
pub extern "C" fn ffi_get_default_abi() -> c_uint {
    FFI_DEFAULT_ABI
}

/// `sizeof(ffi_closure)`.
#[unsafe(no_mangle)]
pub extern "C" fn ffi_get_closure_size() -> usize {
    size_of::<ffi_closure>()
}

macro_rules! abis {
    ($($(#[$doc:meta])* $name:ident = $number:expr;)*) => {
        $($(#[$doc])* pub const $name: ffi_abi = $number;)*
    };
}

#[cfg(all(target_arch = "x86_64", not(windows)))]
abis! {
    /// System V AMD64.
    FFI_UNIX64 = 2;
    /// Microsoft x64, as Microsoft's compiler has it.
    FFI_WIN64 = 3;
    /// Microsoft x64, as MinGW has it: `long double` is the 80-bit type.
    FFI_GNUW64 = 4;
    /// The platform's own.
    FFI_DEFAULT_ABI = FFI_UNIX64;
}

#[cfg(all(target_arch = "x86_64", windows))]
abis! {
    /// Microsoft x64, as Microsoft's compiler has it.
    FFI_WIN64 = 1;
    /// Microsoft x64, as MinGW has it: `long double` is the 80-bit type.
    FFI_GNUW64 = 2;
    /// The platform's own.
    FFI_DEFAULT_ABI = if cfg!(target_env = "gnu") { FFI_GNUW64 } else { FFI_WIN64 };
}

#[cfg(target_arch = "aarch64")]
abis! {
    /// AAPCS64, with Apple's changes on Apple's systems.
    FFI_SYSV = 1;
    /// AAPCS64 with Microsoft's changes.
    FFI_WIN64 = 2;
    /// The platform's own.
    FFI_DEFAULT_ABI = if cfg!(windows) { FFI_WIN64 } else { FFI_SYSV };
}
