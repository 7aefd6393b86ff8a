//! Functions, variables and versions, there and not there.
// Of the systems that the tests run on; the library for Windows is x86-64's.
#![cfg(any(all(target_os = "linux", target_env = "gnu"), all(windows, target_arch = "x86_64")))]

use ffi_dl::{Library, LibraryError, Operation, OwnedSymbol, Reason, Symbol};
use std::ffi::c_void;

mod support;

/// A library of the system that has `sqrt` and `cos`.
const LIBM: &str = if cfg!(windows) { "msvcrt.dll" } else { "libm.so.6" };

type Sqrt = extern "C" fn(f64) -> f64;

fn open(name: impl AsRef<std::ffi::OsStr>) -> Library {
    // SAFETY: the tests open the C library's parts and their own libraries.
    unsafe { Library::open(name) }.unwrap()
}

#[test]
fn every_form_of_a_name() {
    let libm = open(LIBM);
    let by_text = libm.symbol("sqrt").unwrap();
    assert_eq!(by_text.name(), "sqrt");
    assert_eq!(by_text.library().name(), LIBM);
    assert_eq!(format!("{by_text:?}"), format!("Symbol(\"sqrt\" in {LIBM:?}: {:?})", *by_text));
    let by_reference: &&str = &"sqrt";
    let others: [Result<Symbol<'_, *const c_void>, LibraryError>; 8] = [
        libm.symbol(by_reference),
        libm.symbol(String::from("sqrt")),
        libm.symbol(b"sqrt"),
        libm.symbol(*b"sqrt"),
        libm.symbol(b"sqrt".as_slice()),
        libm.symbol(b"sqrt".to_vec()),
        libm.symbol(c"sqrt"),
        libm.symbol(c"sqrt".to_owned()),
    ];
    for other in others {
        let other = other.unwrap();
        assert_eq!((other.as_ptr(), other.name()), (by_text.as_ptr(), "sqrt"));
    }
    assert_ne!(libm.symbol("cos").unwrap().as_ptr(), by_text.as_ptr());
}

#[test]
fn a_function() {
    let libm = open(LIBM);
    // SAFETY: `double sqrt(double)`.
    let sqrt = unsafe { libm.get::<Sqrt>("sqrt") }.unwrap();
    assert_eq!(sqrt(16.0), 4.0);
    assert_eq!(*sqrt as *const c_void, sqrt.as_ptr());
    assert_eq!(sqrt.clone()(64.0), 8.0);
    // SAFETY: as above.
    let nullable = unsafe { libm.get::<Option<Sqrt>>("sqrt") }.unwrap();
    assert_eq!(nullable.expect("never `None`")(16.0), 4.0);
}

#[test]
fn a_symbol_that_is_missing() {
    let libm = open(LIBM);
    let error = libm.symbol("nope").unwrap_err();
    assert_eq!((error.operation, error.reason), (Operation::Symbol, Reason::NotFound));
    assert_eq!((error.name.as_str(), error.library.as_deref()), ("nope", Some(LIBM)));
    let text = error.to_string();
    assert_eq!(text, format!("cannot find symbol \"nope\" in {LIBM:?}: {}", error.message));
    #[cfg(unix)]
    {
        assert!(error.message.starts_with('/'), "{text}");
        assert!(text.ends_with("/libm.so.6: undefined symbol: nope"), "{text}");
        assert!(matches!(error.source, Some(libloading::Error::DlSym { .. })));
        assert_eq!(error.raw_os_error(), None);
    }
    #[cfg(windows)]
    {
        // ERROR_PROC_NOT_FOUND, in the system's language.
        assert_eq!(error.raw_os_error(), Some(127));
        assert_eq!(error.message, std::io::Error::from_raw_os_error(127).to_string());
        assert!(matches!(error.source, Some(libloading::Error::GetProcAddress { .. })));
    }
    // Bytes that are no text are looked up as they are, and shown as well as can be.
    assert_eq!(libm.symbol(b"n\xffpe").unwrap_err().name, "n\u{fffd}pe");
}

#[test]
fn a_nul_in_the_name() {
    let libm = open(LIBM);
    for (name, position) in [("sq\0rt", 2), ("sqrt\0", 4), ("\0", 0)] {
        // SAFETY: nothing is found.
        let typed = unsafe { libm.get::<Sqrt>(name) }.map(drop);
        // SAFETY: as above.
        let variable = unsafe { libm.variable::<f64>(name) }.map(drop);
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
            assert_eq!(error.library.as_deref(), Some(LIBM));
        }
    }
}

#[cfg(unix)]
#[test]
fn a_nul_in_the_name_or_the_version() {
    let libm = open(LIBM);
    for (name, position) in [("sq\0rt", 2), ("sqrt\0", 4), ("\0", 0)] {
        // SAFETY: nothing is found.
        let error = unsafe { libm.get_versioned::<Sqrt>(name, "GLIBC_2.2.5") }.unwrap_err();
        assert_eq!(error.reason, Reason::InteriorNul { position });
        assert_eq!(error.name, format!("{name}@GLIBC_2.2.5"));
    }
    // SAFETY: nothing is found.
    let error = unsafe { libm.get_versioned::<Sqrt>("sqrt", "GLIBC\0") }.unwrap_err();
    assert_eq!(error.reason, Reason::InteriorNul { position: 10 });
    assert_eq!(error.name.as_bytes()[10], 0);
}

#[test]
fn optional() {
    let libm = open(LIBM);
    assert!(libm.symbol_optional("nope").unwrap().is_none());
    let found = libm.symbol_optional("sqrt").unwrap().expect("it is there");
    assert_eq!(found.as_ptr(), libm.symbol("sqrt").unwrap().as_ptr());
    // SAFETY: `double sqrt(double)`, and nothing.
    let (sqrt, nope) =
        unsafe { (libm.get_optional::<Sqrt>("sqrt"), libm.get_optional::<Sqrt>("nope")) };
    assert_eq!(sqrt.unwrap().expect("it is there")(16.0), 4.0);
    assert!(nope.unwrap().is_none());
}

/// An error that nobody read must not be taken for that of the next look-up.
///
/// glibc drops it by itself, so this does not show that it is cleared here; it shows that what is
/// reported is of this look-up.
#[cfg(unix)]
#[test]
fn errors_do_not_linger() {
    let (libm, libc) = (open(LIBM), open("libc.so.6"));
    let leave_an_error = || {
        // SAFETY: the name ends in NUL, and the handle is open.
        assert!(unsafe { libc::dlsym(libm.as_raw(), c"left_over".as_ptr()) }.is_null());
    };
    let null = nothing();
    leave_an_error();
    assert_eq!(null.symbol("nothing").unwrap_err().reason, Reason::Null);
    leave_an_error();
    // SAFETY: nothing is found.
    let error = unsafe { null.get_versioned::<Sqrt>("nothing", "FFI_DL_1") }.unwrap_err();
    assert_eq!(error.reason, Reason::Null);
    leave_an_error();
    let error = libc.symbol("nope").unwrap_err();
    assert!(error.message.ends_with("undefined symbol: nope"), "{error}");
}

/// The last error of the thread is not that of a look-up before it failed.
#[cfg(windows)]
#[test]
fn errors_do_not_linger() {
    let libm = open(LIBM);
    let missing = std::fs::metadata("no such file").unwrap_err();
    assert_eq!(missing.raw_os_error(), Some(2));
    assert_eq!(libm.symbol("nope").unwrap_err().raw_os_error(), Some(127));
    assert!(std::fs::metadata("no such file").is_err());
    assert!(libm.symbol_optional("sqrt").unwrap().is_some());
}

/// A library with a symbol whose address is null.
#[cfg(unix)]
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

#[cfg(unix)]
#[test]
fn a_null_address() {
    let library = nothing();
    // SAFETY: nothing is found.
    let typed = unsafe { library.get::<Sqrt>("nothing") }.map(drop);
    // SAFETY: as above.
    let optional = unsafe { library.get_optional::<Sqrt>("nothing") }.map(drop);
    // SAFETY: as above.
    let versioned = unsafe { library.get_versioned::<Sqrt>("nothing", "FFI_DL_1") }.map(drop);
    for result in [typed, optional, versioned] {
        let error = result.unwrap_err();
        assert_eq!((error.operation, error.reason), (Operation::Symbol, Reason::Null));
        assert!(error.to_string().ends_with(": the symbol's address is null"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_variable_of_the_c_library() {
    use std::ffi::c_char;
    let libc = open("libc.so.6");
    // SAFETY: `extern char **environ`.
    let environ = unsafe { libc.variable::<*const *const c_char>("environ") }.unwrap();
    // SAFETY: the environment is not changed by these tests.
    let count =
        (0..).take_while(|&index| unsafe { !(*environ.read().add(index)).is_null() }).count();
    assert_eq!(count, std::env::vars_os().count());
}

/// The pointer is to the variable, not to a copy: what C writes is read through it, and what is
/// written through it C reads.
#[test]
fn variables() {
    let library = open(support::small_library("counter"));
    // SAFETY: these are a variable and a function of the small library.
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

/// Two functions of one name in two versions, of which one is the default.
#[cfg(unix)]
#[test]
fn versions_of_a_small_library() {
    let script = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("versioned.map");
    std::fs::write(&script, "FFI_DL_1 { global: which; }; FFI_DL_2 { global: which; } FFI_DL_1;")
        .unwrap();
    let script = format!("-Wl,--version-script={}", script.display());
    let source = "__asm__(\".symver first, which@FFI_DL_1\");
                  __asm__(\".symver second, which@@FFI_DL_2\");
                  int first(void) { return 1; }
                  int second(void) { return 2; }";
    let library = open(support::compile("versioned", source, &[&script]));
    type Which = extern "C" fn() -> i32;
    // SAFETY: both are `int which(void)`.
    let [first, second] = ["FFI_DL_1", "FFI_DL_2"]
        .map(|version| unsafe { library.get_versioned::<Which>("which", version) }.unwrap());
    assert_eq!((first(), second()), (1, 2));
    assert_eq!((first.name(), second.name()), ("which@FFI_DL_1", "which@FFI_DL_2"));
    assert_eq!(library.symbol("which").unwrap().as_ptr(), second.as_ptr());
    // SAFETY: nothing is found.
    let third = unsafe { library.get_versioned::<Which>("which", "FFI_DL_3") };
    assert_eq!(third.unwrap_err().reason, Reason::NotFound);
}

/// `memcpy` in `libc.so.6` and `realpath` have two versions that behave differently: the old
/// `realpath` refuses to allocate.
#[cfg(all(unix, target_arch = "x86_64"))]
#[test]
fn versions() {
    use std::ffi::{CStr, c_char};
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

#[cfg(unix)]
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
    shared::<Symbol<'static, Sqrt>>();
    shared::<OwnedSymbol<Sqrt>>();
}
