//! How a text is read.

use crate::error::ParseErrors;
use crate::header::Header;
use crate::parser;
use ffi_types::{Convention, Win64};

/// How a text is read: for which platform, and with which names known from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    pub(crate) convention: Convention,
    pub(crate) windows_names: bool,
}

/// The platform this is compiled for; Linux on x86-64 where this workspace does not know it.
impl Default for Options {
    fn default() -> Self {
        Self::for_convention(Convention::native().unwrap_or(Convention::SysV))
    }
}

impl Options {
    /// As the platform reads it whose own convention this is: the sizes of `long`, `wchar_t` and
    /// enums, the sign of `char`, the rules for bit-fields. On any host.
    ///
    /// ```
    /// use ffi_cdecl::Options;
    /// use ffi_types::{Convention, Win64};
    /// let text = "long twice(long);";
    /// let [linux, windows] = [Convention::SysV, Convention::Win64(Win64::Msvc)].map(|convention| {
    ///     let header = Options::for_convention(convention).parse(text)?;
    ///     Ok::<_, ffi_cdecl::ParseErrors>(header.functions()[0].signature().unwrap().to_string())
    /// });
    /// assert_eq!(linux?, "int64_t (int64_t)");
    /// assert_eq!(windows?, "int32_t (int32_t)");
    /// # Ok::<(), ffi_cdecl::ParseErrors>(())
    /// ```
    pub const fn for_convention(convention: Convention) -> Self {
        Self { convention, windows_names: false }
    }

    /// With the names of `<windows.h>` known: `DWORD`, `HANDLE`, `LPCSTR` and their like.
    ///
    /// # Examples
    /// ```
    /// use ffi_cdecl::Options;
    /// use ffi_types::{Convention, Win64};
    /// let options = Options::for_convention(Convention::Win64(Win64::Msvc)).windows_names(true);
    /// let header = options.parse("BOOL Beep(DWORD frequency, DWORD milliseconds);")?;
    /// assert_eq!(header.functions()[0].signature()?.to_string(), "int32_t (uint32_t, uint32_t)");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn windows_names(mut self, known: bool) -> Self {
        self.windows_names = known;
        self
    }

    /// The convention whose platform this is.
    pub const fn convention(&self) -> Convention {
        self.convention
    }

    /// Reads a text of C declarations.
    ///
    /// # Errors
    /// Every mistake that the text has, each with its place.
    pub fn parse(self, text: impl AsRef<[u8]>) -> Result<Header, ParseErrors> {
        let mut header = parser::empty(self);
        parser::parse(&mut header, text.as_ref())?;
        Ok(header)
    }

    /// A header without declarations, to be added to by [`Header::parse_function`] and
    /// [`Header::parse_type`].
    pub fn empty(self) -> Header {
        parser::empty(self)
    }

    /// Whether the platform's compilers follow Microsoft in bit-fields.
    pub(crate) fn is_microsoft(self) -> bool {
        use ffi_types::Aapcs64;
        matches!(self.convention, Convention::Win64(_) | Convention::Aapcs64(Aapcs64::Windows))
    }

    /// Whether the platform's own compiler is Microsoft's.
    pub(crate) fn is_msvc(self) -> bool {
        self.is_microsoft() && self.convention != Convention::Win64(Win64::Gnu)
    }
}
