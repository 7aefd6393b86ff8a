//! Callbacks under the filters of system calls that hardened services have. Each runs in a process of
//! its own, as a filter is for ever.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use ffi::{Callback, CallbackError, Error};
use ffi_tests::confine::{Rule, confine};
use ffi_tests::process::{assert_aborted, ends_here, in_a_process};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

fn alone(test: &str, body: impl FnOnce()) {
    if ends_here() {
        return body();
    }
    let output = in_a_process(test);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{text}", output.status);
}

fn call(callback: &Callback) -> usize {
    // SAFETY: the callbacks of this file have this type, and are alive.
    unsafe { callback.as_fn::<extern "C" fn() -> usize>()() }
}

fn map(protection: i32) -> Result<*mut libc::c_void, i32> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANON;
    // SAFETY: the system chooses an address where nothing is.
    let at = unsafe { libc::mmap(null_mut(), 4096, protection, flags, -1, 0) };
    if at == libc::MAP_FAILED { Err(errno()) } else { Ok(at) }
}

fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().expect("a number")
}

#[test]
fn a_filter_forbids_what_it_says_and_no_more() {
    alone("a_filter_forbids_what_it_says_and_no_more", || {
        let (write, execute) = (libc::PROT_READ | libc::PROT_WRITE, libc::PROT_EXEC);
        let page = map(write).expect("anybody may");
        // SAFETY: nobody uses the page.
        let protect = |protection| match unsafe { libc::mprotect(page, 4096, protection) } {
            0 => Ok(()),
            _ => Err(errno()),
        };
        // A process that is confined already, as a part of a suite that is, may not either.
        let free = map(write | execute).is_ok();
        assert_eq!(protect(execute).is_ok(), free);
        confine(&[Rule::WriteExecute]).expect("Linux has it");
        assert_eq!(map(write | execute), Err(libc::EPERM));
        assert_eq!(protect(execute), Err(libc::EPERM));
        assert_eq!(protect(write), Ok(()));
        assert!(map(write).is_ok());
        assert!(map(libc::PROT_READ | execute).is_ok());
        // SAFETY: there is no such key and no such segment.
        let others = unsafe {
            let pkey = libc::syscall(libc::SYS_pkey_mprotect, page, 4096, execute, -1);
            let pkey = (pkey, errno());
            let attached = libc::shmat(-1, null_mut(), libc::SHM_EXEC);
            [pkey, (attached as i64, errno())]
        };
        assert_eq!(others, [(-1, libc::EPERM); 2]);
    });
}

/// The pool grows, and everything is freed.
#[test]
fn callbacks_grow_where_no_memory_becomes_executable() {
    alone("callbacks_grow_where_no_memory_becomes_executable", || {
        confine(&[Rule::WriteExecute]).expect("Linux has it");
        let make = |n: usize| Callback::new(move || -> usize { n }).expect("there is room");
        let callbacks: Vec<Callback> = (0..10_000).map(make).collect();
        callbacks.iter().enumerate().for_each(|(n, callback)| assert_eq!(call(callback), n));
    });
}

/// Without the barrier on behalf of others, calls are counted at their gates.
#[test]
fn callbacks_work_without_membarrier() {
    alone("callbacks_work_without_membarrier", || {
        confine(&[Rule::Membarrier]).expect("Linux has it");
        let drops = Arc::new(AtomicUsize::new(0));
        struct Dropped(Arc<AtomicUsize>);
        impl Drop for Dropped {
            fn drop(&mut self) {
                self.0.fetch_add(1, Relaxed);
            }
        }
        const ROUNDS: usize = 200;
        for round in 0..ROUNDS {
            let token = Dropped(Arc::clone(&drops));
            let options = Callback::options().on_panic(ffi::OnPanic::returning(usize::MAX));
            let callback = options.create(move || -> usize {
                let _token = &token;
                round
            });
            let callback = callback.expect("there is room");
            // SAFETY: it has this type, and what comes too late gets its policy's value.
            let call = unsafe { callback.as_fn::<extern "C" fn() -> usize>() };
            std::thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        (0..100).for_each(|_| assert!([round, usize::MAX].contains(&call())));
                    });
                }
                drop(callback);
            });
            assert_eq!(drops.load(Relaxed), round + 1);
        }
    });
}

/// To go on would be to free what others may be in.
#[test]
fn membarrier_that_is_forbidden_later_ends_the_process() {
    const TEST: &str = "membarrier_that_is_forbidden_later_ends_the_process";
    if ends_here() {
        let ((entered, has_entered), (go, gone)) = (channel(), channel());
        let (entered, gone) = (Mutex::new(entered), Mutex::new(gone));
        let callback = Callback::new(move || -> usize {
            entered.lock().expect("no panic").send(()).expect("the test waits");
            gone.lock().expect("no panic").recv().map_or(0, |()| 1)
        });
        let callback = callback.expect("there is room");
        // SAFETY: it has this type, and a call that is under way is left in peace.
        let call = unsafe { callback.as_fn::<extern "C" fn() -> usize>() };
        let thread = std::thread::spawn(move || call());
        has_entered.recv().expect("it enters");
        confine(&[Rule::Membarrier]).expect("Linux has it");
        drop(callback);
        go.send(()).expect("it waits");
        return drop(thread.join());
    }
    let output = in_a_process(TEST);
    assert_aborted(&output, "ffi: membarrier worked and no longer does; aborting");
}

/// The error of the first callback that does not find room, under a filter.
fn refused(rules: &[Rule]) -> String {
    let mut callbacks: Vec<Callback> = Vec::new();
    confine(rules).expect("Linux has it");
    let error = loop {
        let n = callbacks.len();
        match Callback::new(move || -> usize { n }) {
            Ok(callback) => callbacks.push(callback),
            Err(error) => break error,
        }
    };
    let Error::Callback(CallbackError::Exhausted { capacity, .. }) = &error else {
        panic!("{error}");
    };
    assert_eq!(*capacity, callbacks.len());
    callbacks.iter().enumerate().for_each(|(n, callback)| assert_eq!(call(callback), n));
    drop(callbacks.swap_remove(1000));
    assert_eq!(call(&Callback::new(|| -> usize { 7 }).expect("there is room again")), 7);
    error.to_string()
}

#[test]
fn where_neither_its_file_nor_memory_can_be_mapped_the_error_says_so() {
    alone("where_neither_its_file_nor_memory_can_be_mapped_the_error_says_so", || {
        let error = refused(&[Rule::Open, Rule::MemoryFile]);
        let expected = "all 2048 callbacks of convention ";
        assert!(error.starts_with(expected), "{error}");
        assert_eq!(error.matches("Operation not permitted (os error 1)").count(), 2, "{error}");
    });
}

/// One way is enough.
#[test]
fn where_its_file_cannot_be_opened_there_is_memory() {
    alone("where_its_file_cannot_be_opened_there_is_memory", || {
        confine(&[Rule::Open]).expect("Linux has it");
        let make = |n: usize| Callback::new(move || -> usize { n }).expect("there is room");
        let callbacks: Vec<Callback> = (0..5000).map(make).collect();
        callbacks.iter().enumerate().for_each(|(n, callback)| assert_eq!(call(callback), n));
    });
}
