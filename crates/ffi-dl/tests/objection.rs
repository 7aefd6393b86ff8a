//! What Windows objects to when a library is closed: its handle was closed behind its back.
//!
//! The only test of its process, in which no other library may come to lie where this one was: a
//! handle is an address.
#![cfg(all(windows, target_arch = "x86_64"))]

use ffi_dl::{Library, Operation, Reason};
use libloading::os::windows as os;

mod support;

#[test]
fn what_the_system_objects_to() {
    let path = support::small_library("objecting");
    // SAFETY: the library has no constructors and no destructors.
    let library = unsafe { Library::open(&path) }.unwrap();
    let raw = os::Library::open_already_loaded(&path).unwrap().into_raw();
    for _ in 0..2 {
        // SAFETY: once for the handle above and once for the library's, which is not used again.
        unsafe { os::Library::from_raw(raw) }.close().unwrap();
    }
    assert!(os::Library::open_already_loaded(&path).is_err());
    let error = library.close().unwrap_err();
    assert_eq!((error.operation, error.reason), (Operation::Free, Reason::Os));
    assert!(matches!(error.source, Some(libloading::Error::FreeLibrary { .. })));
    // ERROR_MOD_NOT_FOUND
    assert_eq!(error.raw_os_error(), Some(126));
    let expected = format!("cannot close library {:?}: {}", path.to_str().unwrap(), error.message);
    assert_eq!(error.to_string(), expected);
}
