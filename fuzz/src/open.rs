//! Any bytes as the name of a library, and of a symbol: there is an error that says so, or what was
//! asked for; and nothing stays behind.
#![no_main]

use ffi_dl::{FileKind, Flags, Library, LibraryError, Operation, Reason};
use libfuzzer_sys::fuzz_target;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// A directory with a library in it.
static PLACE: LazyLock<PathBuf> = LazyLock::new(|| {
    // Beside the program, where nothing stays that a next run does not find.
    let program = std::env::current_exe().expect("it has a path");
    let place = program.with_file_name("open-files");
    drop(std::fs::remove_dir_all(&place));
    std::fs::create_dir_all(&place).expect("a directory");
    let source = place.join("answer.c");
    std::fs::write(&source, "int answer(void) { return 42; }").expect("room for a file");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).args([place.join("answer"), source]);
    assert!(compiler.status().expect("a compiler").success());
    place
});

fuzz_target!(|data: &[u8]| {
    let [choices, name @ ..] = data else { return };
    let name = &name[..name.len().min(300)];
    let flags = if choices & 1 != 0 { Flags::LAZY } else { Flags::NOW };
    match choices >> 1 & 3 {
        0 => nowhere(name, flags),
        1 => in_the_directory(name, flags, Kind::Library),
        2 => in_the_directory(name, flags, Kind::Directory),
        _ => symbol(name, flags),
    }
});

fn open(name: &OsStr, flags: Flags) -> Result<Library, LibraryError> {
    // SAFETY: names that lead to something else than the library above are kept away, below; it has
    // no constructors.
    unsafe { Library::open_with(name, flags) }
}

fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// The error is about this name, and says something.
fn assert_load(error: &LibraryError, name: &[u8]) {
    assert_eq!((error.operation, &error.name), (Operation::Load, &shown(name)), "{error}");
    assert!(!error.message.is_empty() && error.library.is_none(), "{error}");
    assert!(!error.to_string().contains(char::is_control), "{error}");
    if let Some(position) = name.iter().position(|&byte| byte == 0) {
        assert_eq!(error.reason, Reason::InteriorNul { position });
    } else {
        assert!(!matches!(error.reason, Reason::InteriorNul { .. }), "{error}");
    }
}

/// A path in a directory that is not there.
fn nowhere(name: &[u8], flags: Flags) {
    let path = [b"/nonexistent/", name].concat();
    // No `..` leads out of what is not there.
    let error = open(OsStr::from_bytes(&path), flags).expect_err("nothing is there");
    assert_load(&error, &path);
}

enum Kind {
    Library,
    Directory,
}

/// A path that has something at it, if the name can be a file's.
fn in_the_directory(name: &[u8], flags: Flags, kind: Kind) {
    let path = [PLACE.as_os_str().as_bytes(), b"/x", name].concat();
    // What the loader takes for a token of its own is not looked up as it is.
    if name.contains(&b'/') || name.contains(&b'$') {
        return;
    }
    let file = Path::new(OsStr::from_bytes(&path));
    let made = match kind {
        Kind::Library => std::os::unix::fs::symlink(PLACE.join("answer"), file),
        Kind::Directory => std::fs::create_dir(file),
    };
    let opened = open(file.as_os_str(), flags);
    match (&kind, made.is_ok()) {
        (Kind::Library, true) => {
            let library = opened.expect("a library is there");
            assert_eq!(library.name(), shown(&path));
            // SAFETY: it is `int answer(void)`.
            let answer = unsafe { library.get::<extern "C" fn() -> i32>("answer") };
            assert_eq!(answer.expect("it is there")(), 42);
            library.close().expect("nobody else holds it");
        }
        (_, made) => {
            let error = opened.expect_err("no library is there");
            assert_load(&error, &path);
            if !made {
                return;
            }
            assert_eq!(error.reason, Reason::NotAFile { found: FileKind::Directory });
        }
    }
    let removed = match kind {
        Kind::Library => std::fs::remove_file(file),
        Kind::Directory => std::fs::remove_dir(file),
    };
    removed.expect("it was made above");
    assert_load(&open(file.as_os_str(), flags).expect_err("it is gone"), &path);
}

/// A symbol that nobody has.
fn symbol(name: &[u8], flags: Flags) {
    let path = PLACE.join("answer");
    let library = open(path.as_os_str(), flags).expect("a library is there");
    let name = [b"no such ", name].concat();
    let error = library.symbol(name.as_slice()).expect_err("there is no such symbol");
    assert_eq!(error.operation, Operation::Symbol);
    assert_eq!(error.library.as_deref(), path.to_str());
    assert_eq!(error.name, shown(&name));
    match name.iter().position(|&byte| byte == 0) {
        Some(position) => {
            assert_eq!(error.reason, Reason::InteriorNul { position });
            assert!(library.symbol_optional(name.as_slice()).is_err());
        }
        None => {
            assert_eq!(error.reason, Reason::NotFound);
            assert!(library.symbol_optional(name.as_slice()).expect("no error").is_none());
        }
    }
    library.close().expect("nobody else holds it");
}
