//! Symbols that borrow their library, and symbols that keep it open.

use crate::library::Library;
use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;

/// A function, or the address of a variable, of type `T`, borrowed from its [`Library`].
///
/// It dereferences to `T`, so that a function is called as if it were one. It cannot outlive the
/// library:
///
/// ```compile_fail,E0597
/// # type Sqrt = extern "C" fn(f64) -> f64;
/// use ffi_dl::Library;
/// let sqrt = {
///     let libm = unsafe { Library::open("libm.so.6") }.unwrap();
///     unsafe { libm.get::<Sqrt>("sqrt") }.unwrap()
/// }; // `libm` is closed here, and `sqrt` still borrows it
/// sqrt(2.0);
/// ```
///
/// nor can the library be closed while the symbol is in use:
///
/// ```compile_fail,E0505
/// # type Sqrt = extern "C" fn(f64) -> f64;
/// use ffi_dl::Library;
/// let libm = unsafe { Library::open("libm.so.6") }.unwrap();
/// let sqrt = unsafe { libm.get::<Sqrt>("sqrt") }.unwrap();
/// libm.close().unwrap();
/// sqrt(2.0);
/// ```
///
/// What the compiler cannot see is a copy of the `T` itself (`*sqrt`), or of
/// [`as_ptr`](Self::as_ptr): whoever makes one must keep the library open for it.
///
/// # Threads
/// `Send` and `Sync` as `T` is: a function pointer may be called from any thread as far as Rust is
/// concerned, and the address of a variable stays on its thread.
pub struct Symbol<'lib, T> {
    library: &'lib Library,
    found: Found<T>,
}

impl<'lib, T> Symbol<'lib, T> {
    /// # Safety
    /// `T` is what a pointer to what is at `address` may be read as.
    pub(crate) unsafe fn new(
        library: &'lib Library,
        name: String,
        address: NonNull<c_void>,
    ) -> Self {
        // SAFETY: the caller's.
        Self { library, found: unsafe { Found::new(name, address) } }
    }

    /// The same symbol, which keeps its library open instead of borrowing it.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(any(target_os = "linux", windows))] {
    /// use ffi_dl::{Library, LibraryError, OwnedSymbol};
    ///
    /// type Sqrt = extern "C" fn(f64) -> f64;
    ///
    /// fn sqrt() -> Result<OwnedSymbol<Sqrt>, LibraryError> {
    ///     let name = if cfg!(windows) { "msvcrt.dll" } else { "libm.so.6" };
    ///     // SAFETY: a harmless library, and the type of its function.
    ///     unsafe { Ok(Library::open(name)?.get::<Sqrt>("sqrt")?.into_owned()) }
    /// }
    ///
    /// assert_eq!(sqrt()?(16.0), 4.0);
    /// # }
    /// # Ok::<(), ffi_dl::LibraryError>(())
    /// ```
    pub fn into_owned(self) -> OwnedSymbol<T> {
        OwnedSymbol { found: self.found, library: self.library.clone() }
    }

    /// The address; never null, and valid while the library is open.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(any(target_os = "linux", windows))] {
    /// # let name = if cfg!(windows) { "msvcrt.dll" } else { "libm.so.6" };
    /// use ffi_dl::Library;
    /// // SAFETY: libm runs nothing that could do harm when it is opened or closed.
    /// let libm = unsafe { Library::open(name) }?;
    /// assert!(!libm.symbol("sqrt")?.as_ptr().is_null());
    /// # }
    /// # Ok::<(), ffi_dl::LibraryError>(())
    /// ```
    pub fn as_ptr(&self) -> *const c_void {
        self.found.address.0.as_ptr()
    }

    /// The name it was looked up by, as `name@version` where a version was asked for. Bytes that
    /// are not UTF-8 are replaced.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(any(target_os = "linux", windows))] {
    /// # let name = if cfg!(windows) { "msvcrt.dll" } else { "libm.so.6" };
    /// use ffi_dl::Library;
    /// // SAFETY: libm runs nothing that could do harm when it is opened or closed.
    /// let libm = unsafe { Library::open(name) }?;
    /// assert_eq!(libm.symbol("sqrt")?.name(), "sqrt");
    /// # }
    /// # Ok::<(), ffi_dl::LibraryError>(())
    /// ```
    pub fn name(&self) -> &str {
        &self.found.name
    }

    /// The library that it borrows.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(any(target_os = "linux", windows))] {
    /// # let name = if cfg!(windows) { "msvcrt.dll" } else { "libm.so.6" };
    /// use ffi_dl::Library;
    /// // SAFETY: libm runs nothing that could do harm when it is opened or closed.
    /// let libm = unsafe { Library::open(name) }?;
    /// assert_eq!(libm.symbol("sqrt")?.library().name(), name);
    /// # }
    /// # Ok::<(), ffi_dl::LibraryError>(())
    /// ```
    pub fn library(&self) -> &'lib Library {
        self.library
    }
}

impl<T> Deref for Symbol<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.found.value()
    }
}

impl<T> Clone for Symbol<'_, T> {
    fn clone(&self) -> Self {
        Self { library: self.library, found: self.found.clone() }
    }
}

impl<T> fmt::Debug for Symbol<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.found.describe("Symbol", self.library, f)
    }
}

/// A symbol that keeps its [`Library`] open, made by [`Symbol::into_owned`].
///
/// The library is closed when the last of its clones and owned symbols is dropped. A copy of the
/// `T` itself, or of [`as_ptr`](Self::as_ptr), keeps nothing open.
///
/// # Threads
/// `Send` and `Sync` as `T` is, like [`Symbol`]. Dropping the last one closes the library on the
/// thread that drops it, and that is where the library's destructors run.
pub struct OwnedSymbol<T> {
    found: Found<T>,
    library: Library,
}

impl<T> OwnedSymbol<T> {
    /// The address; never null, and valid while the library is open.
    pub fn as_ptr(&self) -> *const c_void {
        self.found.address.0.as_ptr()
    }

    /// The name it was looked up by, as [`Symbol::name`] says it.
    pub fn name(&self) -> &str {
        &self.found.name
    }

    /// The library that it keeps open.
    pub fn library(&self) -> &Library {
        &self.library
    }
}

impl<T> Deref for OwnedSymbol<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.found.value()
    }
}

impl<T> Clone for OwnedSymbol<T> {
    fn clone(&self) -> Self {
        Self { found: self.found.clone(), library: self.library.clone() }
    }
}

impl<T> fmt::Debug for OwnedSymbol<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.found.describe("OwnedSymbol", &self.library, f)
    }
}

/// What was found, whoever keeps the library open.
struct Found<T> {
    name: Box<str>,
    address: Address,
    value: PhantomData<T>,
}

impl<T> Found<T> {
    /// # Safety
    /// `T` is what a pointer to what is at `address` may be read as.
    unsafe fn new(name: String, address: NonNull<c_void>) -> Self {
        const {
            assert!(
                size_of::<T>() == size_of::<Address>() && align_of::<T>() <= align_of::<Address>(),
                "a symbol's type must be a pointer: a function pointer, or a thin raw pointer"
            );
        }
        Self { name: name.into(), address: Address(address), value: PhantomData }
    }

    fn value(&self) -> &T {
        // SAFETY: `new` is the only way to a `Found`. It checked that the address has the size and
        // no less than the alignment of `T`, and its caller says that the address is a `T`.
        unsafe { &*(&raw const self.address).cast::<T>() }
    }

    fn describe(&self, kind: &str, library: &Library, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{kind}({:?} in {:?}: {:?})", self.name, library.name(), self.address.0)
    }
}

// Not derived: that would ask for `T: Clone`, and no `T` is copied.
impl<T> Clone for Found<T> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), address: self.address, value: PhantomData }
    }
}

#[derive(Clone, Copy)]
#[repr(transparent)]
struct Address(NonNull<c_void>);

// SAFETY: an address by itself gives no access to what is there. `Found` gives access, and is
// `Send` only where the type that it gives access by is, through its `PhantomData<T>`.
unsafe impl Send for Address {}
// SAFETY: as above.
unsafe impl Sync for Address {}
