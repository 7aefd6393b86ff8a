//! From a convention's name to the code that carries it out.

use ffi_types::{CallingConvention, CallingConventionError, Convention};

/// The implementation of a convention.
///
/// # Errors
/// [`CallingConventionError`] when it cannot be called on the running platform.
///
/// # Examples
/// ```
/// # #[cfg(target_arch = "x86_64")] {
/// use ffi::{Aapcs64, Convention, implementation};
/// assert!(implementation(Convention::SysV).is_ok());
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
        other => Err(CallingConventionError::here(
            other,
            "this build has no code for it; x86-64 programs can call sysv",
        )),
    }
}
