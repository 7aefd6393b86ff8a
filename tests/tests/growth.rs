//! More callbacks than there are trampolines in the program, where the system maps their code again:
//! no page is both writable and executable, no file stays open, and where nothing more can be had,
//! the error says so.
#![cfg(target_os = "linux")]

#[cfg(target_arch = "x86_64")]
use ffi::CallbackError;
use ffi::{Callback, Error};
use ffi_tests::process::alone;
use std::collections::HashSet;
use std::fs::read_to_string;

fn number(n: usize) -> Result<Callback, Error> {
    Callback::new(move || -> usize { n })
}

fn call(callback: &Callback) -> usize {
    // SAFETY: the callback has this type, and is alive.
    unsafe { callback.as_fn::<extern "C" fn() -> usize>()() }
}

fn writable_and_executable() -> Vec<String> {
    let maps = read_to_string("/proc/self/maps").expect("Linux has it");
    assert!(maps.contains(" r-xp "), "this is no map:\n{maps}");
    maps.lines().filter(|line| line.contains("wx")).map(Into::into).collect()
}

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("Linux has it").count()
}

fn mapped_pieces() -> usize {
    read_to_string("/proc/self/maps").expect("Linux has it").lines().count()
}

#[test]
fn a_hundred_thousand_at_once() {
    alone("a_hundred_thousand_at_once", || {
        const COUNT: usize = 100_000;
        let (files, pieces) = (open_files(), mapped_pieces());
        let callbacks: Vec<Callback> =
            (0..COUNT).map(|n| number(n).expect("there is room")).collect();
        let addresses: HashSet<_> = callbacks.iter().map(Callback::as_ptr).collect();
        assert_eq!(addresses.len(), COUNT);
        callbacks.iter().enumerate().for_each(|(n, callback)| assert_eq!(call(callback), n));
        assert_eq!(writable_and_executable(), Vec::<String>::new());
        assert_eq!(open_files(), files);
        drop(callbacks);
        // All of them are used again before more are made.
        let grown = mapped_pieces();
        assert!(grown > pieces + COUNT / 2048, "{pieces}, {grown}");
        let again: Vec<Callback> =
            (0..COUNT - 2048).map(|n| number(n + 1).expect("there is room")).collect();
        again.iter().enumerate().for_each(|(n, callback)| assert_eq!(call(callback), n + 1));
        assert!(mapped_pieces() <= grown + 4, "{grown}, {}", mapped_pieces());
    });
}

#[test]
fn a_freed_trampoline_waits_until_others_were_freed() {
    alone("a_freed_trampoline_waits_until_others_were_freed", || {
        // All but a few are in use, so that each that is freed would be the next to be taken.
        let _most: Vec<Callback> = (0..2040).map(|n| number(n).expect("there is room")).collect();
        let stale = number(0).expect("there is room").as_ptr();
        for n in 0..255 {
            assert_ne!(number(n).expect("there is room").as_ptr(), stale, "{n}");
        }
    });
}

/// Where address space is short there are no more: the error has the number and the reason.
/// Elsewhere the tests run in an emulator, whose own memory the limit would be of.
#[cfg(target_arch = "x86_64")]
#[test]
fn running_out_is_an_error_and_dropping_one_makes_room() {
    alone("running_out_is_an_error_and_dropping_one_makes_room", || {
        // The first thread of a program has no addresses in reserve for its heap, which then is what
        // runs out.
        std::thread::spawn(run_out).join().expect("no panic");
    });
}

#[cfg(target_arch = "x86_64")]
fn run_out() {
    let mut callbacks: Vec<Callback> =
        (0..2048).map(|n| number(n).expect("there is room")).collect();
    callbacks.reserve(1_000_000);
    // What there is so far, and some for the heap.
    let status = read_to_string("/proc/self/statm").expect("Linux has it");
    let pages: u64 = status.split(' ').next().and_then(|n| n.parse().ok()).expect("a number");
    let most = pages * 4096 + (4 << 20);
    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: it changes what the process may have.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
    let error = loop {
        match number(callbacks.len()) {
            Ok(callback) => callbacks.push(callback),
            Err(error) => break error,
        }
    };
    let Error::Callback(CallbackError::Exhausted { capacity, .. }) = &error else {
        panic!("{error}");
    };
    assert_eq!(*capacity, callbacks.len());
    assert_eq!(
        error.to_string(),
        format!(
            "all {capacity} callbacks of convention {} are in use; drop some first: reserving \
             addresses failed: Cannot allocate memory (os error 12)",
            ffi::Convention::native().expect("a supported platform")
        )
    );
    drop(callbacks.swap_remove(1000));
    let one_more = number(7).expect("there is room again");
    assert_eq!(call(&one_more), 7);
    assert!(number(8).is_err());
}

/// A program whose file is gone has its code from memory.
#[test]
fn a_program_whose_file_is_gone_grows_too() {
    alone("a_program_whose_file_is_gone_grows_too", || {
        let copy = tempfile::tempdir().expect("a directory");
        let program = std::env::current_exe().expect("a path");
        let gone = copy.path().join("gone");
        std::fs::copy(program, &gone).expect("it is a file");
        let mut command = ffi_tests::process::command(&gone);
        command.args(["--exact", "grows_from_memory", "--nocapture"]);
        command.env("FFI_TEST_GONE", &gone);
        let output = command.output().expect("it starts");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}\n{text}", output.status);
    });
}

#[test]
fn grows_from_memory() {
    // Runs as a part of the test above.
    let Some(gone) = std::env::var_os("FFI_TEST_GONE") else { return };
    std::fs::remove_file(&gone).expect("it is there");
    let callbacks: Vec<Callback> = (0..5000).map(|n| number(n).expect("there is room")).collect();
    callbacks.iter().enumerate().for_each(|(n, callback)| assert_eq!(call(callback), n));
    let maps = read_to_string("/proc/self/maps").expect("Linux has it");
    assert!(maps.contains("/memfd:ffi trampolines"), "{maps}");
    assert_eq!(writable_and_executable(), Vec::<String>::new());
}
