//! Symbols that borrow their library, and symbols that keep it open.

use crate::library::Library;
use std::ffi::c_void;
use std::fmt;
use std::ops::Deref;

/// A function, or the address of a variable, of type `T`, borrowed from its [`Library`].
///
/// ```compile_fail
/// use ffi_dl::Library;
/// let sqrt = {
///     let libm = unsafe { Library::open("libm.so.6") }.unwrap();
///     unsafe { libm.get::<extern "C" fn(f64) -> f64>("sqrt") }.unwrap()
/// }; // `libm` is closed here: the symbol cannot outlive it
/// sqrt(2.0);
/// ```
///
/// `Send` and `Sync` as `T` is: a function pointer may be called from any thread as far as Rust
/// is concerned, and a pointer to a variable may not be shared.
pub struct Symbol<'library, T> {
    library: &'library Library,
    name: String,
    value: T,
}

impl<'library, T: Copy> Symbol<'library, T> {
    /// # Safety
    /// `T` has the bytes of a pointer, and is what is at that address of that library.
    pub(crate) unsafe fn new(
        library: &'library Library,
        name: &str,
        address: *const c_void,
    ) -> Self {
        // SAFETY: `read_address` checks the size; the rest is the caller's.
        Self { library, name: name.into(), value: unsafe { read_address(address) } }
    }

    /// The same symbol, which keeps its library open instead of borrowing it.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(target_os = "linux")] {
    /// use ffi_dl::{Library, OwnedSymbol};
    /// type Sqrt = extern "C" fn(f64) -> f64;
    /// fn sqrt() -> Result<OwnedSymbol<Sqrt>, ffi_dl::LibraryError> {
    ///     // SAFETY: a harmless library, and the type of its function.
    ///     unsafe { Ok(Library::open("libm.so.6")?.get::<Sqrt>("sqrt")?.into_owned()) }
    /// }
    /// assert_eq!(sqrt()?(16.0), 4.0);
    /// # }
    /// # Ok::<(), ffi_dl::LibraryError>(())
    /// ```
    pub fn into_owned(self) -> OwnedSymbol<T> {
        self.library.own(self)
    }
}

impl<T> Symbol<'_, T> {
    /// The address; never null.
    pub fn as_ptr(&self) -> *const c_void {
        address_of(&self.value)
    }

    /// The name it was looked up by.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl<T> Deref for Symbol<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> fmt::Debug for Symbol<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Symbol({:?} in {:?}: {:?})", self.name, self.library.name(), self.as_ptr())
    }
}

/// A symbol that keeps its [`Library`] open.
#[derive(Clone)]
pub struct OwnedSymbol<T> {
    library: Library,
    name: String,
    value: T,
}

impl<T: Copy> OwnedSymbol<T> {
    pub(crate) fn new(library: Library, symbol: Symbol<'_, T>) -> Self {
        Self { library, name: symbol.name, value: symbol.value }
    }
}

impl<T> OwnedSymbol<T> {
    /// The address; never null.
    pub fn as_ptr(&self) -> *const c_void {
        address_of(&self.value)
    }

    /// The name it was looked up by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The library that it keeps open.
    pub fn library(&self) -> &Library {
        &self.library
    }
}

impl<T> Deref for OwnedSymbol<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> fmt::Debug for OwnedSymbol<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnedSymbol({:?} in {:?}: {:?})", self.name, self.library.name(), self.as_ptr())
    }
}

/// # Safety
/// `T` is a function pointer or a raw pointer, and of what is at the address.
unsafe fn read_address<T: Copy>(address: *const c_void) -> T {
    const { assert!(size_of::<T>() == size_of::<*const c_void>(), "a symbol is a thin pointer") };
    // SAFETY: the sizes are the same; the rest is the caller's.
    unsafe { std::mem::transmute_copy(&address) }
}

fn address_of<T>(value: &T) -> *const c_void {
    // SAFETY: every value was made by `read_address` from an address, and has its bytes.
    unsafe { std::mem::transmute_copy(value) }
}
