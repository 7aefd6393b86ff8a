//! Under construction: what the facade needs to be tried, until the crate itself is here.
#![expect(
    missing_docs,
    clippy::undocumented_unsafe_blocks,
    clippy::missing_safety_doc,
    clippy::missing_errors_doc,
    reason = "a stand-in"
)]
use std::ffi::{OsStr, c_void};
use std::marker::PhantomData;
use std::sync::Arc;
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct LibraryError(#[from] libloading::Error);
bitflags::bitflags! { #[derive(Debug, Clone, Copy)] pub struct Flags: i32 { const NOW = 2; } }
#[derive(Debug, Clone)]
pub struct Library(Arc<libloading::Library>);
#[derive(Debug, Clone, Copy)]
pub struct Symbol<'a, T>(T, PhantomData<&'a ()>);
pub type OwnedSymbol<T> = T;
impl<T> std::ops::Deref for Symbol<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}
impl Symbol<'_, *const c_void> {
    pub fn as_ptr(&self) -> *const c_void {
        self.0
    }
}
impl Library {
    pub unsafe fn open(name: impl AsRef<OsStr>) -> Result<Self, LibraryError> {
        Ok(Self(Arc::new(unsafe { libloading::Library::new(name.as_ref())? })))
    }
    pub fn this() -> Result<Self, LibraryError> {
        Ok(Self(Arc::new(libloading::os::unix::Library::this().into())))
    }
    pub unsafe fn get<T: Copy>(&self, name: &str) -> Result<Symbol<'_, T>, LibraryError> {
        Ok(Symbol(unsafe { *self.0.get::<T>(name)? }, PhantomData))
    }
    pub unsafe fn variable<T>(&self, name: &str) -> Result<Symbol<'_, *mut T>, LibraryError> {
        unsafe { self.get::<*mut T>(name) }
    }
    pub fn symbol(&self, name: &str) -> Result<Symbol<'_, *const c_void>, LibraryError> {
        unsafe { self.get::<*const c_void>(name) }
    }
}
