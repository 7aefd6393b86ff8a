//! Who keeps a library open, and when it leaves memory.
// Of the systems that the tests run on; the library for Windows is x86-64's.
#![cfg(any(all(target_os = "linux", target_env = "gnu"), all(windows, target_arch = "x86_64")))]

use ffi_dl::{Flags, Library, Operation, OwnedSymbol, Reason};
use std::path::Path;

mod support;

type Answer = extern "C" fn() -> i32;

fn open(path: &Path, flags: Flags) -> Library {
    // SAFETY: the libraries of these tests have no constructors and no harmful destructors.
    unsafe { Library::open_with(path, flags) }.unwrap()
}

fn answer(library: &Library) -> OwnedSymbol<Answer> {
    // SAFETY: it is `int answer(void)` of the small library.
    unsafe { library.get::<Answer>("answer") }.unwrap().into_owned()
}

#[cfg(windows)]
fn in_memory(path: &Path) -> bool {
    // Finds it without loading it.
    libloading::os::windows::Library::open_already_loaded(path).is_ok()
}

#[cfg(unix)]
fn in_memory(path: &Path) -> bool {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux has it");
    let path = path.to_str().expect("the tests' own names are text");
    maps.lines().any(|line| line.ends_with(path))
}

#[test]
fn closing_unloads() {
    let path = support::small_library("closing");
    assert!(!in_memory(&path));
    let library = open(&path, Flags::default());
    assert!(in_memory(&path));
    library.close().unwrap();
    assert!(!in_memory(&path));
}

#[test]
fn opening_again_starts_afresh() {
    let path = support::small_library("again");
    for _ in 0..3 {
        let library = open(&path, Flags::default());
        // SAFETY: it is `int count(void)` of the small library, which counts from 1.
        assert_eq!(unsafe { library.get::<Answer>("count") }.unwrap()(), 2);
        library.close().unwrap();
    }
    // Opened twice, it is one library, and has to be closed twice.
    let (first, second) = (open(&path, Flags::default()), open(&path, Flags::default()));
    let address = |library: &Library| library.symbol("counter").unwrap().as_ptr();
    assert_eq!(address(&first), address(&second));
    first.close().unwrap();
    assert!(in_memory(&path));
    second.close().unwrap();
    assert!(!in_memory(&path));
}

#[test]
fn dropping_the_last_clone_unloads() {
    let path = support::small_library("dropping");
    let library = open(&path, Flags::default());
    let clone = library.clone();
    drop(library);
    assert!(in_memory(&path));
    drop(clone);
    assert!(!in_memory(&path));
}

#[cfg(unix)]
#[test]
fn nodelete_stays() {
    let path = support::small_library("nodelete");
    open(&path, Flags::NOW | Flags::NODELETE).close().unwrap();
    assert!(in_memory(&path));
    // The loader says so too: it is found without being loaded.
    let again = open(&path, Flags::NOW | Flags::from_bits_retain(libc::RTLD_NOLOAD));
    assert_eq!(answer(&again)(), 42);
}

#[test]
fn an_owned_symbol_keeps_the_library_open() {
    let path = support::small_library("owned");
    let library = open(&path, Flags::default());
    let answer = answer(&library);
    drop(library);
    assert!(in_memory(&path));
    assert_eq!(answer(), 42);
    assert_eq!(answer.name(), "answer");
    assert_eq!(answer.library().name(), path.to_str().unwrap());
    assert_eq!(answer.as_ptr(), answer.library().symbol("answer").unwrap().as_ptr());

    let clone = answer.clone();
    drop(answer);
    assert_eq!(std::thread::spawn(move || clone()).join().unwrap(), 42);
    assert!(!in_memory(&path));
}

#[test]
fn closing_says_how_many_hold_it() {
    let path = support::small_library("held");
    let library = open(&path, Flags::default());
    let (clone, answer) = (library.clone(), answer(&library));

    let error = library.close().unwrap_err();
    assert_eq!(
        (error.operation, error.reason),
        (Operation::Free, Reason::StillInUse { holders: 2 })
    );
    let name = path.to_str().unwrap();
    assert_eq!(error.name, name);
    let expected = format!("cannot close library {name:?}: 2 other holders keep it open");
    assert_eq!(error.to_string(), expected);
    assert_eq!(answer(), 42);

    let error = clone.close().unwrap_err();
    assert_eq!(error.reason, Reason::StillInUse { holders: 1 });
    assert!(in_memory(&path));
    drop(answer);
    assert!(!in_memory(&path));
}

/// Of threads that close their clones at once, exactly one is the last.
#[test]
fn one_of_many_closes() {
    let path = support::small_library("many");
    for _ in 0..50 {
        let library = open(&path, Flags::default());
        let clones: Vec<_> = (0..4).map(|_| library.clone()).collect();
        drop(library);
        let threads: Vec<_> =
            clones.into_iter().map(|clone| std::thread::spawn(|| clone.close())).collect();
        let results: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let closed = results.iter().filter(|result| result.is_ok()).count();
        assert_eq!(closed, 1, "{results:?}");
        assert!(!in_memory(&path));
    }
}

/// The system's own objection reaches the caller: the handle was closed behind the library's back.
#[cfg(unix)]
#[test]
fn what_the_system_objects_to() {
    let path = support::small_library("objecting");
    let name = path.to_str().unwrap();
    let depends = support::compile("depending", "", &["-Wl,--no-as-needed", name]);
    let _depends = open(&depends, Flags::default());
    let library = open(&path, Flags::default());
    // SAFETY: the library stays in memory for the one that depends on it, and so does what glibc
    // knows of it, which is where it sees that the handle is not open any more.
    assert_eq!(unsafe { libc::dlclose(library.as_raw()) }, 0);
    assert!(in_memory(&path));
    let error = library.close().unwrap_err();
    assert_eq!((error.operation, error.reason), (Operation::Free, Reason::Os));
    assert!(matches!(error.source, Some(libloading::Error::DlClose { .. })));
    let expected = format!("cannot close library {name:?}: {name}: shared object not open");
    assert_eq!(error.to_string(), expected);
}
