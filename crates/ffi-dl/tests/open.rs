//! Opening libraries by name, by path and as the program, and the errors when that fails.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use ffi_dl::{Flags, Library, LibraryError, Operation, Reason};
use std::error::Error;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

mod support;

type Cbrt = extern "C" fn(f64) -> f64;

fn open(name: impl AsRef<OsStr>) -> Result<Library, LibraryError> {
    // SAFETY: the tests open the C library's parts, their own libraries, and what does not exist.
    unsafe { Library::open(name) }
}

/// Where the process has that library, as the system says it.
fn path_of(library: &str) -> String {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux has it");
    let line = maps.lines().find(|line| line.ends_with(library)).expect("it is loaded");
    line[line.find('/').expect("a path")..].to_owned()
}

#[test]
fn by_name() {
    let libm = open("libm.so.6").unwrap();
    assert_eq!(libm.name(), "libm.so.6");
    // SAFETY: `double cbrt(double)`.
    let cbrt = unsafe { libm.get::<Cbrt>("cbrt") }.unwrap();
    assert_eq!(cbrt(-8.0), -2.0);
}

#[test]
fn by_path() {
    let by_name = open("libm.so.6").unwrap();
    let path = path_of("/libm.so.6");
    let by_path = open(&path).unwrap();
    assert_eq!(by_path.name(), path);
    let address = |library: &Library| library.symbol("cbrt").unwrap().as_ptr();
    assert_eq!(address(&by_path), address(&by_name));
    assert_eq!(by_path.as_raw(), by_name.as_raw());
}

#[test]
fn by_a_path_that_is_not_utf8() {
    let plain = support::compile("not_utf8", "int answer(void) { return 42; }", &[]);
    let mut path = plain.parent().unwrap().as_os_str().as_bytes().to_vec();
    path.extend_from_slice(b"/lib\xff.so");
    let path = OsStr::from_bytes(&path);
    std::fs::copy(plain, path).unwrap();
    let library = open(path).unwrap();
    assert!(library.name().ends_with("/lib\u{fffd}.so"), "{library:?}");
    // SAFETY: it is the function above.
    let answer = unsafe { library.get::<extern "C" fn() -> i32>("answer") }.unwrap();
    assert_eq!(answer(), 42);
}

#[test]
fn the_program_itself() {
    let program = Library::this().unwrap();
    // SAFETY: `int getpid(void)`.
    let getpid = unsafe { program.get::<extern "C" fn() -> i32>("getpid") }.unwrap();
    assert_eq!(u32::try_from(getpid()), Ok(std::process::id()));
    let error = program.symbol("nobody_has_this").unwrap_err();
    assert_eq!(error.library.as_deref(), Some("(the program itself)"));
    let text = error.to_string();
    let start = "cannot find symbol \"nobody_has_this\" in the program itself: ";
    assert!(text.starts_with(start), "{text}");
}

#[test]
fn a_library_that_is_missing() {
    let error = open("libnope.so").unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot load library \"libnope.so\": \
         libnope.so: cannot open shared object file: No such file or directory"
    );
    assert_eq!((error.operation, error.reason), (Operation::Load, Reason::Os));
    assert_eq!((error.name.as_str(), error.library.as_deref()), ("libnope.so", None));
    let source = error.source().expect("what libloading reported");
    assert!(source.is::<libloading::Error>());
    let system = source.source().expect("what the system said").to_string();
    assert_eq!(system, error.message);
}

#[test]
fn a_file_that_is_no_library() {
    let error = open(file!().replace("crates/ffi-dl/", "./")).unwrap_err();
    assert!(error.message.contains("invalid ELF header"), "{error}");
}

#[test]
fn a_nul_in_the_name() {
    for (name, position) in [("libm\0.so.6", 4), ("libm.so.6\0", 9), ("\0", 0)] {
        let error = open(name).unwrap_err();
        assert_eq!(error.operation, Operation::Load);
        assert_eq!(error.reason, Reason::InteriorNul { position });
        assert_eq!(error.name, name);
        assert!(error.source.is_none());
    }
    let text = open("libm\0.so.6").unwrap_err().to_string();
    let expected = r#"cannot load library "libm\0.so.6": the name has a NUL byte at index 4"#;
    assert_eq!(text, expected);
}

#[test]
fn now_and_lazy() {
    let source = "void is_missing(void); void call(void) { is_missing(); }
                  int answer(void) { return 42; }";
    let path = support::compile("unresolved", source, &["-Wl,-z,lazy"]);
    // SAFETY: the library has no constructors, and `call` is not called.
    let open = |flags| unsafe { Library::open_with(&path, flags) };
    for refused in [Flags::default(), Flags::NOW, Flags::empty()] {
        let error = open(refused).unwrap_err();
        assert!(error.message.contains("undefined symbol: is_missing"), "{error}");
    }
    let library = open(Flags::LAZY).unwrap();
    // SAFETY: it is the function above.
    let answer = unsafe { library.get::<extern "C" fn() -> i32>("answer") }.unwrap();
    assert_eq!(answer(), 42);
}

#[test]
fn global_and_local() {
    let path = support::compile("global", "int ffi_dl_is_global(void) { return 1; }", &[]);
    let program = Library::this().unwrap();
    let seen = || program.symbol_optional("ffi_dl_is_global").unwrap().is_some();
    // SAFETY: the library has no constructors.
    let open = |flags| unsafe { Library::open_with(&path, flags) }.unwrap();
    let _local = open(Flags::default());
    assert!(!seen());
    let _global = open(Flags::GLOBAL);
    assert!(seen());
}

#[test]
fn deepbind_prefers_the_library_itself() {
    let first = support::compile("first", "int ffi_dl_who(void) { return 1; }", &[]);
    let source = "int ffi_dl_who(void) { return 2; } int ask(void) { return ffi_dl_who(); }";
    let ask = |name, flags| {
        let path = support::compile(name, source, &[]);
        // SAFETY: the library has no constructors.
        let library = unsafe { Library::open_with(path, flags) }.unwrap();
        // SAFETY: it is the function above.
        unsafe { library.get::<extern "C" fn() -> i32>("ask") }.unwrap()()
    };
    // SAFETY: the library has no constructors, and no other has a function of this name.
    let _first = unsafe { Library::open_with(first, Flags::GLOBAL) }.unwrap();
    assert_eq!(ask("second", Flags::default()), 1);
    assert_eq!(ask("second_deep", Flags::NOW | Flags::DEEPBIND), 2);
}

#[test]
fn the_default_is_now_and_local() {
    assert_eq!(Flags::default(), Flags::NOW | Flags::LOCAL);
    assert_eq!(Flags::default().bits(), libc::RTLD_NOW | libc::RTLD_LOCAL);
}
