//! The names of symbols, in the forms that a program may have them in.

use std::ffi::{CStr, CString, NulError};

/// The name of a symbol: text, bytes or a C string, by value or by reference.
///
/// The name is taken as it is, without mangling. A NUL byte anywhere in text or bytes is an error,
/// at the end too; a name that ends in NUL already is a [`CStr`]. The name is copied once, into
/// the symbol that is found.
///
/// The trait is sealed: it is implemented for these types and for no others.
///
/// # Examples
/// ```
/// # #[cfg(any(target_os = "linux", windows))] {
/// # use ffi_dl::Library;
/// # let name = if cfg!(windows) { "msvcrt.dll" } else { "libc.so.6" };
/// # // SAFETY: a harmless library.
/// # let libc = unsafe { Library::open(name) }?;
/// let text = libc.symbol("malloc")?;
/// assert_eq!(libc.symbol(b"malloc")?.as_ptr(), text.as_ptr());
/// assert_eq!(libc.symbol(c"malloc")?.as_ptr(), text.as_ptr());
/// # }
/// # Ok::<(), ffi_dl::LibraryError>(())
/// ```
pub trait SymbolName: sealed::Sealed {}

pub(crate) mod sealed {
    //! What a name must be able to do, out of reach of other crates.

    use std::ffi::{CString, NulError};

    /// A name that C can be given.
    pub trait Sealed {
        /// The name with the NUL that ends it.
        fn to_c_string(&self) -> Result<CString, NulError>;
    }
}

impl sealed::Sealed for [u8] {
    fn to_c_string(&self) -> Result<CString, NulError> {
        CString::new(self)
    }
}

impl sealed::Sealed for CStr {
    fn to_c_string(&self) -> Result<CString, NulError> {
        Ok(self.to_owned())
    }
}

impl<T: sealed::Sealed + ?Sized> sealed::Sealed for &T {
    fn to_c_string(&self) -> Result<CString, NulError> {
        (**self).to_c_string()
    }
}

impl<const N: usize> sealed::Sealed for [u8; N] {
    fn to_c_string(&self) -> Result<CString, NulError> {
        self.as_slice().to_c_string()
    }
}

macro_rules! through {
    ($($name:ty => $by:ident;)*) => {
        $(impl sealed::Sealed for $name {
            fn to_c_string(&self) -> Result<CString, NulError> {
                self.$by().to_c_string()
            }
        })*
    };
}

through! {
    str => as_bytes;
    String => as_bytes;
    Vec<u8> => as_slice;
    CString => as_c_str;
}

impl<T: sealed::Sealed + ?Sized> SymbolName for T {}

/// The name as text. Bytes that are not UTF-8 are replaced; where there are none, nothing is
/// copied.
pub(crate) fn to_text(name: CString) -> String {
    lossy(name.into_bytes())
}

/// As [`to_text`], for a name with a NUL byte in it, and where that byte is.
pub(crate) fn refused(error: NulError) -> (String, usize) {
    let position = error.nul_position();
    (lossy(error.into_vec()), position)
}

fn lossy(name: Vec<u8>) -> String {
    String::from_utf8(name)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
