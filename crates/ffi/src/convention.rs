//! From a convention's name to the code that carries it out.

#[cfg(target_arch = "aarch64")]
use ffi_abi_arm64::Arm64Abi;
#[cfg(target_arch = "x86_64")]
use ffi_abi_win64::Win64Abi;
#[cfg(target_arch = "aarch64")]
use ffi_types::Aapcs64;
#[cfg(target_arch = "x86_64")]
use ffi_types::Win64;
use ffi_types::{CallingConvention, CallingConventionError, Convention};

/// Why another convention cannot be called.
const HERE: &str = if cfg!(target_arch = "x86_64") {
    "x86-64 programs can call sysv, win64 and win64-gnu"
} else if cfg!(target_arch = "aarch64") {
    "AArch64 programs can call aapcs64, apple-arm64 and windows-arm64"
} else {
    "there is no code for this processor"
};

/// The implementation of a convention: any that the processor can run, whatever the operating
/// system.
///
/// # Errors
/// [`CallingConventionError`] when it cannot be called on the running platform.
///
/// # Examples
/// ```
/// # #[cfg(target_arch = "x86_64")] {
/// use ffi::{Aapcs64, Convention, Win64, implementation};
/// assert!(implementation(Convention::SysV).is_ok());
/// assert!(implementation(Convention::Win64(Win64::Msvc)).is_ok());
/// assert!(implementation(Convention::Aapcs64(Aapcs64::Standard)).is_err());
/// # }
/// ```
#[inline]
pub fn implementation(
    convention: Convention,
) -> Result<&'static dyn CallingConvention, CallingConventionError> {
    match convention {
        #[cfg(target_arch = "x86_64")]
        Convention::SysV => Ok(&ffi_abi_sysv::SysV),
        #[cfg(target_arch = "x86_64")]
        Convention::Win64(Win64::Msvc) => Ok(&Win64Abi(Win64::Msvc)),
        #[cfg(target_arch = "x86_64")]
        Convention::Win64(Win64::Gnu) => Ok(&Win64Abi(Win64::Gnu)),
        #[cfg(target_arch = "aarch64")]
        Convention::Aapcs64(Aapcs64::Standard) => Ok(&Arm64Abi(Aapcs64::Standard)),
        #[cfg(target_arch = "aarch64")]
        Convention::Aapcs64(Aapcs64::Apple) => Ok(&Arm64Abi(Aapcs64::Apple)),
        #[cfg(target_arch = "aarch64")]
        Convention::Aapcs64(Aapcs64::Windows) => Ok(&Arm64Abi(Aapcs64::Windows)),
        other => Err(CallingConventionError::here(other, HERE)),
    }
}
