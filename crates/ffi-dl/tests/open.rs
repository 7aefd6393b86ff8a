//! Opening libraries by name, by path and as the program, and the errors when that fails.
// Of the systems that the tests run on; the library for Windows is x86-64's.
#![cfg(any(all(target_os = "linux", target_env = "gnu"), all(windows, target_arch = "x86_64")))]

use ffi_dl::{Flags, Library, LibraryError, Operation, Reason};
use std::error::Error;
use std::ffi::OsStr;
#[cfg(unix)]
use std::os::unix::ffi::OsStrExt;

mod support;

/// A library of the system that has `sqrt` and `cos`.
const LIBM: &str = if cfg!(windows) { "msvcrt.dll" } else { "libm.so.6" };

type Sqrt = extern "C" fn(f64) -> f64;

fn open(name: impl AsRef<OsStr>) -> Result<Library, LibraryError> {
    // SAFETY: the tests open the C library's parts, their own libraries, and what does not exist.
    unsafe { Library::open(name) }
}

/// Where the process has that library.
#[cfg(windows)]
fn path_of(library: &str) -> String {
    let root = std::env::var("SystemRoot").expect("Windows sets it");
    format!("{root}\\system32\\{library}")
}

/// Where the process has that library, as the system says it.
#[cfg(unix)]
fn path_of(library: &str) -> String {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux has it");
    let line =
        maps.lines().find(|line| line.ends_with(&format!("/{library}"))).expect("it is loaded");
    line[line.find('/').expect("a path")..].to_owned()
}

#[test]
fn by_name() {
    let libm = open(LIBM).unwrap();
    assert_eq!(libm.name(), LIBM);
    // SAFETY: `double sqrt(double)`.
    let sqrt = unsafe { libm.get::<Sqrt>("sqrt") }.unwrap();
    assert_eq!(sqrt(16.0), 4.0);
}

#[test]
fn by_path() {
    let by_name = open(LIBM).unwrap();
    let path = path_of(LIBM);
    let by_path = open(&path).unwrap();
    assert_eq!(by_path.name(), path);
    let address = |library: &Library| library.symbol("sqrt").unwrap().as_ptr();
    assert_eq!(address(&by_path), address(&by_name));
    #[cfg(unix)]
    assert_eq!(by_path.as_raw(), by_name.as_raw());
}

/// Windows adds `.dll`, and does not tell upper from lower case; the name stays as it was given.
#[cfg(windows)]
#[test]
fn by_a_name_without_an_extension() {
    let whole = open(LIBM).unwrap();
    let short = open("MSVCRT").unwrap();
    assert_eq!(short.name(), "MSVCRT");
    assert_eq!(short.symbol("sqrt").unwrap().as_ptr(), whole.symbol("sqrt").unwrap().as_ptr());
}

#[cfg(windows)]
#[test]
fn by_a_path_that_is_not_ascii() {
    let path = support::small_library("not_ascii_\u{e4}\u{1f4a5}");
    let library = open(&path).unwrap();
    assert_eq!(library.name(), path.to_str().unwrap());
    // SAFETY: it is the small library's function.
    let answer = unsafe { library.get::<extern "C" fn() -> i32>("answer") }.unwrap();
    assert_eq!(answer(), 42);
}

/// A surrogate without its other half is in no text, but may be in a name.
#[cfg(windows)]
#[test]
fn a_name_that_is_not_unicode() {
    use std::os::windows::ffi::OsStringExt;
    let name = std::ffi::OsString::from_wide(&[0x61, 0xd800, 0x62]);
    let error = open(name).unwrap_err();
    assert_eq!((error.reason, error.name.as_str()), (Reason::Os, "a\u{fffd}b"));
}

#[cfg(unix)]
#[test]
fn by_a_path_that_is_not_utf8() {
    let plain = support::small_library("not_utf8");
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
    #[cfg(unix)]
    {
        // SAFETY: `int getpid(void)`.
        let getpid = unsafe { program.get::<extern "C" fn() -> i32>("getpid") }.unwrap();
        assert_eq!(u32::try_from(getpid()), Ok(std::process::id()));
    }
    // On Windows what the program is linked with is not the program's: this is kernel32's.
    #[cfg(windows)]
    assert!(program.symbol_optional("GetCurrentProcessId").unwrap().is_none());
    let error = program.symbol("nobody_has_this").unwrap_err();
    assert_eq!(error.reason, Reason::NotFound);
    assert_eq!(error.library.as_deref(), Some("(the program itself)"));
    let text = error.to_string();
    let start = "cannot find symbol \"nobody_has_this\" in the program itself: ";
    assert!(text.starts_with(start), "{text}");
    program.close().unwrap();
}

#[test]
fn a_library_that_is_missing() {
    let error = open("libnope.so").unwrap_err();
    assert_eq!((error.operation, error.reason), (Operation::Load, Reason::Os));
    assert_eq!((error.name.as_str(), error.library.as_deref()), ("libnope.so", None));
    let source = error.source().expect("what libloading reported");
    assert!(source.is::<libloading::Error>());
    let system = source.source().expect("what the system said").to_string();
    assert_eq!(system, error.message);
    #[cfg(unix)]
    {
        assert_eq!(error.raw_os_error(), None);
        let text = "libnope.so: cannot open shared object file: No such file or directory";
        assert_eq!(error.message, text);
    }
    #[cfg(windows)]
    assert_windows(&error, 126);
    let expected = format!("cannot load library \"libnope.so\": {}", error.message);
    assert_eq!(error.to_string(), expected);
}

/// The system's text for `ERROR_…` of that number, in whatever language, and the number.
#[cfg(windows)]
fn assert_windows(error: &LibraryError, code: i32) {
    assert_eq!(error.raw_os_error(), Some(code), "{error}");
    assert!(matches!(error.source, Some(libloading::Error::LoadLibraryExW { .. })));
    assert_eq!(error.message, std::io::Error::from_raw_os_error(code).to_string());
    let number = format!("(os error {code})");
    assert!(error.message.len() > number.len() + 1 && error.message.ends_with(&number), "{error}");
}

#[test]
fn a_file_that_is_no_library() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("no_library.dll");
    std::fs::write(&path, "This is text, and no library at all.".repeat(100)).unwrap();
    let error = open(&path).unwrap_err();
    assert_eq!((error.operation, error.reason), (Operation::Load, Reason::Os));
    assert_eq!(error.name, path.to_str().unwrap());
    #[cfg(unix)]
    assert!(error.message.contains("invalid ELF header"), "{error}");
    #[cfg(windows)]
    assert_windows(&error, 193);
}

/// A directory that is missing is not what a missing file is.
#[cfg(windows)]
#[test]
fn a_path_that_is_missing() {
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let error = open(directory.join("no_such_directory").join("x.dll")).unwrap_err();
    assert_windows(&error, 126);
}

/// `cc -lz` completes the name, and a newcomer expects no less here.
#[cfg(unix)]
#[test]
fn a_name_as_a_linker_has_it() {
    let example = if cfg!(target_vendor = "apple") { "libz.1.dylib" } else { "libz.so.1" };
    for name in ["no_such_library", "libno_such_library"] {
        let error = open(name).unwrap_err();
        let hint = format!("; expected a whole name, such as {example}, or a path");
        assert_eq!(
            error.to_string(),
            format!("cannot load library {name:?}: {}{hint}", error.message)
        );
    }
    for name in ["libno_such_library.so", "./no_such_library"] {
        let text = open(name).unwrap_err().to_string();
        assert!(!text.contains("expected"), "{text}");
    }
}

#[test]
fn a_nul_in_the_name() {
    for (name, position) in [("libm\0.so.6", 4), (&format!("{LIBM}\0"), LIBM.len()), ("\0", 0)] {
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

#[cfg(unix)]
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

#[cfg(unix)]
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

#[cfg(unix)]
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
    #[cfg(unix)]
    assert_eq!(Flags::default().bits(), libc::RTLD_NOW | libc::RTLD_LOCAL);
}

#[cfg(windows)]
#[test]
fn flags_that_windows_does_not_have_change_nothing() {
    for flags in [Flags::NOW, Flags::LAZY, Flags::GLOBAL, Flags::LOCAL] {
        assert!(flags.is_empty());
    }
    let path = support::small_library("flagged");
    // SAFETY: the library has no constructors.
    let library = unsafe { Library::open_with(&path, Flags::LAZY | Flags::GLOBAL) }.unwrap();
    assert!(library.symbol_optional("answer").unwrap().is_some());
    // Nor is a bit that some other system has a flag of `LoadLibraryEx`.
    // SAFETY: as above.
    let other = unsafe { Library::open_with(&path, Flags::from_bits_retain(0x2)) }.unwrap();
    assert_eq!(
        other.symbol("answer").unwrap().as_ptr(),
        library.symbol("answer").unwrap().as_ptr()
    );
}
