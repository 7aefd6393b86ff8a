//! Functions, variables and versions, there and not there.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use ffi_dl::{Library, LibraryError, Operation, OwnedSymbol, Reason, Symbol};
use std::ffi::{CStr, c_char, c_void};

mod support;

type Cbrt = extern "C" fn(f64) -> f64;

fn open(name: impl AsRef<std::ffi::OsStr>) -> Library {
    // SAFETY: the tests open the C library's parts and their own libraries.
    unsafe { Library::open(name) }.unwrap()
}

#[test]
fn every_form_of_a_name() {
    let libm = open("libm.so.6");
    let by_text = libm.symbol("cbrt").unwrap();
    assert_eq!(by_text.name(), "cbrt");
    assert_eq!(by_text.library().name(), "libm.so.6");
    assert_eq!(
        format!("{by_text:?}"),
        format!("Symbol(\"cbrt\" in \"libm.so.6\": {:?})", *by_text)
    );
    let by_reference: &&str = &"cbrt";
    let others: [Result<Symbol<'_, *const c_void>, LibraryError>; 8] = [
        libm.symbol(by_reference),
        libm.symbol(String::from("cbrt")),
        libm.symbol(b"cbrt"),
        libm.symbol(*b"cbrt"),
        libm.symbol(b"cbrt".as_slice()),
        libm.symbol(b"cbrt".to_vec()),
        libm.symbol(c"cbrt"),
        libm.symbol(c"cbrt".to_owned()),
    ];
    for other in others {
        let other = other.unwrap();
        assert_eq!((other.as_ptr(), other.name()), (by_text.as_ptr(), "cbrt"));
    }
    assert_ne!(libm.symbol("sqrt").unwrap().as_ptr(), by_text.as_ptr());
}

#[test]
fn a_function() {
    let libm = open("libm.so.6");
    // SAFETY: `double cbrt(double)`.
    let cbrt = unsafe { libm.get::<Cbrt>("cbrt") }.unwrap();
    assert_eq!(cbrt(8.0), 2.0);
    assert_eq!(*cbrt as *const c_void, cbrt.as_ptr());
    assert_eq!(cbrt.clone()(64.0), 4.0);
    // SAFETY: as above.
    let nullable = unsafe { libm.get::<Option<Cbrt>>("cbrt") }.unwrap();
    assert_eq!(nullable.expect("never `None`")(8.0), 2.0);
}

#[test]
fn a_symbol_that_is_missing() {
    let libm = open("libm.so.6");
    let error = libm.symbol("nope").unwrap_err();
    assert_eq!((error.operation, error.reason), (Operation::Symbol, Reason::NotFound));
    assert_eq!((error.name.as_str(), error.library.as_deref()), ("nope", Some("libm.so.6")));
    let text = error.to_string();
    assert!(text.starts_with("cannot find symbol \"nope\" in \"libm.so.6\": /"), "{text}");
    assert!(text.ends_with("/libm.so.6: undefined symbol: nope"), "{text}");
    assert!(matches!(error.source, Some(libloading::Error::DlSym { .. })));
    // Bytes that are no text are looked up as they are, and shown as well as can be.
    assert_eq!(libm.symbol(b"n\xffpe").unwrap_err().name, "n\u{fffd}pe");
}

#[test]
fn a_nul_in_the_name() {
    let libm = open("libm.so.6");
    for (name, position) in [("cb\0rt", 2), ("cbrt\0", 4), ("\0", 0)] {
        // SAFETY: nothing is found.
        let typed = unsafe { libm.get::<Cbrt>(name) }.map(drop);
        // SAFETY: as above.
        let variable = unsafe { libm.variable::<f64>(name) }.map(drop);
        // SAFETY: as above.
        let versioned = unsafe { libm.get_versioned::<Cbrt>(name, "GLIBC_2.2.5") }.map(drop);
        for result in [
            typed,
            variable,
            libm.symbol(name).map(drop),
            libm.symbol(name.as_bytes()).map(drop),
            libm.symbol_optional(name).map(drop),
        ] {
            let error = result.unwrap_err();
            assert_eq!(error.reason, Reason::InteriorNul { position });
            assert_eq!((error.operation, error.name.as_str()), (Operation::Symbol, name));
            assert_eq!(error.library.as_deref(), Some("libm.so.6"));
        }
        let error = versioned.unwrap_err();
        assert_eq!(error.reason, Reason::InteriorNul { position });
        assert_eq!(error.name, format!("{name}@GLIBC_2.2.5"));
    }
    // SAFETY: nothing is found.
    let error = unsafe { libm.get_versioned::<Cbrt>("cbrt", "GLIBC\0") }.unwrap_err();
    assert_eq!(error.reason, Reason::InteriorNul { position: 10 });
    assert_eq!(error.name.as_bytes()[10], 0);
}

#[test]
fn optional() {
    let libm = open("libm.so.6");
    assert!(libm.symbol_optional("nope").unwrap().is_none());
    let found = libm.symbol_optional("cbrt").unwrap().expect("it is there");
    assert_eq!(found.as_ptr(), libm.symbol("cbrt").unwrap().as_ptr());
    // SAFETY: `double cbrt(double)`, and nothing.
    let (cbrt, nope) =
        unsafe { (libm.get_optional::<Cbrt>("cbrt"), libm.get_optional::<Cbrt>("nope")) };
    assert_eq!(cbrt.unwrap().expect("it is there")(8.0), 2.0);
    assert!(nope.unwrap().is_none());
}

/// An error that nobody read must not be taken for that of the next look-up.
///
/// glibc drops it by itself, so this does not show that it is cleared here; it shows that what is
/// reported is of this look-up.
#[test]
fn errors_do_not_linger() {
    let (libm, libc) = (open("libm.so.6"), open("libc.so.6"));
    let leave_an_error = || {
        // SAFETY: the name ends in NUL, and the handle is open.
        assert!(unsafe { libc::dlsym(libm.as_raw(), c"left_over".as_ptr()) }.is_null());
    };
    let null = nothing();
    leave_an_error();
    assert_eq!(null.symbol("nothing").unwrap_err().reason, Reason::Null);
    leave_an_error();
    // SAFETY: nothing is found.
    let error = unsafe { null.get_versioned::<Cbrt>("nothing", "FFI_DL_1") }.unwrap_err();
    assert_eq!(error.reason, Reason::Null);
    leave_an_error();
    let error = libc.symbol("nope").unwrap_err();
    assert!(error.message.ends_with("undefined symbol: nope"), "{error}");
}

/// A library with a symbol whose address is null.
fn nothing() -> Library {
    // One file for all tests of this process, which may run at once.
    static PATH: std::sync::OnceLock<std::path::PathBuf> = std::sync::OnceLock::new();
    let path = PATH.get_or_init(|| {
        let script = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("nothing.map");
        std::fs::write(&script, "FFI_DL_1 { global: nothing; };").unwrap();
        let script = format!("-Wl,--version-script={}", script.display());
        let source = "__asm__(\".globl nothing\\n.set nothing, 0\");";
        support::compile("nothing", source, &[&script])
    });
    open(path)
}

#[test]
fn a_null_address() {
    let library = nothing();
    // SAFETY: nothing is found.
    let typed = unsafe { library.get::<Cbrt>("nothing") }.map(drop);
    // SAFETY: as above.
    let optional = unsafe { library.get_optional::<Cbrt>("nothing") }.map(drop);
    // SAFETY: as above.
    let versioned = unsafe { library.get_versioned::<Cbrt>("nothing", "FFI_DL_1") }.map(drop);
    for result in [typed, optional, versioned] {
        let error = result.unwrap_err();
        assert_eq!((error.operation, error.reason), (Operation::Symbol, Reason::Null));
        assert!(error.to_string().ends_with(": the symbol's address is null"), "{error}");
    }
}

#[test]
fn variables() {
    let libc = open("libc.so.6");
    // SAFETY: `extern char **environ`.
    let environ = unsafe { libc.variable::<*const *const c_char>("environ") }.unwrap();
    // SAFETY: the environment is not changed by these tests.
    let count =
        (0..).take_while(|&index| unsafe { !(*environ.read().add(index)).is_null() }).count();
    assert_eq!(count, std::env::vars_os().count());

    // The pointer is to the variable, not to a copy: what C writes is read through it, and what is
    // written through it C reads.
    let source = "int counter = 1; int count(void) { return ++counter; }";
    let library = open(support::compile("counter", source, &[]));
    // SAFETY: these are the variable and the function above.
    let (counter, count) = unsafe {
        let counter = library.variable::<i32>("counter").unwrap();
        (counter, library.get::<extern "C" fn() -> i32>("count").unwrap())
    };
    // SAFETY: nobody else has this library.
    unsafe {
        assert_eq!(counter.read(), 1);
        assert_eq!((count(), counter.read()), (2, 2));
        counter.write(40);
        assert_eq!(count(), 41);
    }
    assert_eq!(counter.as_ptr(), (*counter).cast_const().cast());
}

/// `memcpy` in `libc.so.6` and `realpath` have two versions that behave differently: the old
/// `realpath` refuses to allocate.
#[cfg(target_arch = "x86_64")]
#[test]
fn versions() {
    type RealPath = unsafe extern "C" fn(*const c_char, *mut c_char) -> *mut c_char;
    let libc = open("libc.so.6");
    // SAFETY: `char *realpath(const char *, char *)` in both versions.
    let [old, new] = ["GLIBC_2.2.5", "GLIBC_2.3"]
        .map(|version| unsafe { libc.get_versioned::<RealPath>("realpath", version) }.unwrap());
    assert_ne!(old.as_ptr(), new.as_ptr());
    assert_eq!(new.as_ptr(), libc.symbol("realpath").unwrap().as_ptr());
    assert_eq!((old.name(), new.name()), ("realpath@GLIBC_2.2.5", "realpath@GLIBC_2.3"));
    // SAFETY: the path ends in NUL, and the new version allocates where it is given nothing.
    unsafe {
        assert!(old(c"/".as_ptr(), std::ptr::null_mut()).is_null());
        let path = new(c"/".as_ptr(), std::ptr::null_mut());
        assert_eq!(CStr::from_ptr(path), c"/");
        libc::free(path.cast());
    }

    // SAFETY: addresses are all that is asked for.
    let [old, new] = ["GLIBC_2.2.5", "GLIBC_2.14"].map(|version| unsafe {
        libc.get_versioned::<*const c_void>("memcpy", version).unwrap().as_ptr()
    });
    assert_ne!(old, new);
}

#[test]
fn a_version_that_is_missing() {
    let libc = open("libc.so.6");
    // SAFETY: nothing is found.
    let error = unsafe { libc.get_versioned::<*const c_void>("memcpy", "GLIBC_0.1") }.unwrap_err();
    assert_eq!((error.operation, error.reason), (Operation::Symbol, Reason::NotFound));
    assert_eq!(error.name, "memcpy@GLIBC_0.1");
    let text = error.to_string();
    let start = "cannot find symbol \"memcpy@GLIBC_0.1\" in \"libc.so.6\": /";
    assert!(text.starts_with(start), "{text}");
    assert!(text.ends_with("undefined symbol: memcpy, version GLIBC_0.1"), "{text}");
    assert!(matches!(error.source, Some(libloading::Error::DlSym { .. })));
}

/// What the compiler must accept; that it refuses the rest is in the documentation of `Symbol`.
#[test]
fn threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Library>();
    shared::<LibraryError>();
    shared::<Symbol<'static, Cbrt>>();
    shared::<OwnedSymbol<Cbrt>>();
}
