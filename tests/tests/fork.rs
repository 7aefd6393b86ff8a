//! Callbacks, libraries and interfaces in a child that was forked, whatever the parent's threads are
//! doing. Each test forks a process of its own.
#![cfg(target_os = "linux")]

use ffi::{CallInterface, Callback, Function, Library, OnPanic, Type, arg, scope};
use ffi_tests::compile::{UNWINDING_C, opened};
use ffi_tests::process::alone;
use ffi_tests::system::function;
use std::io::{Read, Write, pipe};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Barrier, Mutex};

/// Longer than any child takes, an emulated one too, and shorter than anybody waits for a test.
const SECONDS: u32 = 120;

type Number = extern "C" fn(usize) -> usize;

/// A child that does not come to its end is ended, and one that panics says so.
struct Child(libc::pid_t);

/// Forks a child that does this with what is its own then, and nothing else.
fn forked<T>(owned: T, body: impl FnOnce(T)) -> (Child, T) {
    // SAFETY: the child has one thread, and calls nothing but what this test is about.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "{}", std::io::Error::last_os_error());
    if child == 0 {
        // SAFETY: both have no preconditions.
        unsafe {
            libc::alarm(SECONDS);
            let ended = catch_unwind(AssertUnwindSafe(|| body(owned)));
            libc::_exit(if ended.is_ok() { 0 } else { 1 });
        }
    }
    (Child(child), owned)
}

impl Child {
    fn succeeds(self) {
        let mut status = 0;
        // SAFETY: it is a child of this process, and there is room for its status.
        assert_eq!(unsafe { libc::waitpid(self.0, &raw mut status, 0) }, self.0);
        assert_eq!(status, 0, "signal {}", libc::WTERMSIG(status));
    }
}

fn adding(n: usize) -> Callback {
    Callback::new(move |m: usize| -> usize { n + m }).expect("there is room")
}

fn call(callback: &Callback, n: usize) -> usize {
    // SAFETY: the callback has this type, and is alive.
    unsafe { callback.as_fn::<Number>()(n) }
}

/// Counts its drops.
struct Guard(Arc<AtomicUsize>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// Sorts by C, with a comparison made just now.
fn sort(qsort: &Function) {
    let mut numbers = [5_i32, 3, 9, 1];
    let (start, count, size) = (numbers.as_mut_ptr(), numbers.len(), size_of::<i32>());
    let sorted = scope(|scope| {
        let compare = scope.create(|a: *const i32, b: *const i32| -> i32 {
            // SAFETY: qsort hands over pointers to two elements.
            unsafe { (*a).cmp(&*b) as i32 }
        });
        let compare = compare.expect("there is room");
        // SAFETY: the array has as many elements of that size, which are compared.
        unsafe { qsort.call::<()>(&[arg(&start), arg(&count), arg(&size), compare.arg()]) }
    });
    assert_eq!((sorted, numbers), (Ok(()), [1, 3, 5, 9]));
}

fn qsort() -> Function {
    let types = [Type::POINTER, Type::SIZE_T, Type::SIZE_T, Type::POINTER];
    function("qsort", Type::VOID, types)
}

const SOURCE: &str = "
    long count;
    long next(void) { return ++count; }
    long apply(long (*f)(long), long n) { return f(n); }
";

/// The parent frees all that it has before the child uses its own of it.
#[test]
fn a_child_has_all_that_its_parent_has_freed() {
    alone("a_child_has_all_that_its_parent_has_freed", || {
        let drops = Arc::new(AtomicUsize::new(0));
        let owned = Guard(Arc::clone(&drops));
        let first = Callback::new(move |n: usize| -> usize {
            let _owned = &owned;
            n + 1000
        });
        let first = first.expect("there is room");
        let callbacks: Vec<Callback> = (0..3000).map(adding).collect();
        let (library, qsort) = (opened(UNWINDING_C, SOURCE), qsort());
        let interface = CallInterface::new(Type::C_LONG, []).expect("a signature");
        let next = library.symbol("next").expect("it is there").as_ptr();
        // SAFETY: it has this signature.
        let count = || unsafe { interface.call::<isize>(next, &[]) }.expect("it fits");
        assert_eq!((count(), call(&first, 1)), (1, 1001));
        let (mut parent_has_freed, mut tell) = pipe().expect("a pipe");
        let all = (callbacks, first, library);
        let (child, all) = forked(all, |(callbacks, first, library)| {
            parent_has_freed.read_exact(&mut [0]).expect("the parent says so");
            assert_eq!((count(), call(&first, 2), drops.load(Relaxed)), (2, 1002, 0));
            assert!(callbacks.iter().enumerate().all(|(n, callback)| call(callback, 5) == n + 5));
            sort(&qsort);
            // SAFETY: the C library, which is there already.
            let again = unsafe { Library::open("libc.so.6") }.expect("it is there");
            again.symbol("qsort").expect("it is there");
            // More than there are in the program, and more than were free.
            let more: Vec<Callback> = (0..5000).map(|n| adding(n * 2)).collect();
            assert!(more.iter().enumerate().all(|(n, callback)| call(callback, 5) == n * 2 + 5));
            assert!(callbacks.iter().enumerate().all(|(n, callback)| call(callback, 6) == n + 6));
            drop((more, callbacks, first));
            assert_eq!(drops.load(Relaxed), 1);
            assert!((0..3000).all(|n| call(&adding(n), 7) == n + 7));
            drop(library);
        });
        drop(all);
        assert_eq!(drops.load(Relaxed), 1);
        tell.write_all(&[1]).expect("the child reads");
        child.succeeds();
    });
}

/// The child's own thread is inside a callback, and leaves it; as the parent's does.
#[test]
fn a_callback_that_forks_returns_in_both() {
    alone("a_callback_that_forks_returns_in_both", || {
        let drops = Arc::new(AtomicUsize::new(0));
        let slot = Arc::new(Mutex::new(None::<Callback>));
        let (own, owned) = (Arc::clone(&slot), Guard(Arc::clone(&drops)));
        let seen = Arc::clone(&drops);
        let callback = Callback::new(move |_: usize| -> usize {
            let _owned = &owned;
            // SAFETY: the child has one thread, and goes on in what this test is about.
            let child = unsafe { libc::fork() };
            assert!(child >= 0);
            // Each drops its own from inside, which is freed when it is left.
            drop(own.lock().expect("no panic").take());
            assert_eq!((seen.load(Relaxed), call(&adding(3), 4)), (0, 7));
            child as usize
        });
        let callback = callback.expect("there is room");
        // SAFETY: it has this type, and a call that is under way is left in peace.
        let fork = unsafe { callback.as_fn::<Number>() };
        *slot.lock().expect("no panic") = Some(callback);
        // On a thread of its own, as the test's may have come through more than C.
        std::thread::spawn(move || {
            let child = fork(0);
            let freed = drops.load(Relaxed);
            if child == 0 {
                // SAFETY: it has no preconditions.
                unsafe { libc::_exit(if freed == 1 && call(&adding(1), 1) == 2 { 0 } else { 1 }) };
            }
            assert_eq!(freed, 1);
            Child(child as libc::pid_t).succeeds();
        })
        .join()
        .expect("no panic");
    });
}

fn fork_while_others_are_inside() {
    const THREADS: usize = 4;
    let (inside, leave) =
        (Arc::new(Barrier::new(THREADS + 1)), Arc::new(Barrier::new(THREADS + 1)));
    let drops = Arc::new(AtomicUsize::new(0));
    let (enter, wait) = (Arc::clone(&inside), Arc::clone(&leave));
    let owned = Guard(Arc::clone(&drops));
    let callback = Callback::options().on_panic(OnPanic::returning(7_usize)).create(
        move |_: usize| -> usize {
            let _owned = &owned;
            enter.wait();
            wait.wait();
            0
        },
    );
    let callback = callback.expect("there is room");
    // SAFETY: it has this type, and a call that comes late gets its policy's value.
    let pointer = unsafe { callback.as_fn::<Number>() };
    let threads = [(); THREADS].map(|()| std::thread::spawn(move || pointer(0)));
    inside.wait();
    let freed = Arc::clone(&drops);
    let (child, callback) = forked(callback, |callback| {
        drop(callback);
        assert_eq!((freed.load(Relaxed), pointer(1)), (1, 7));
        sort(&qsort());
    });
    child.succeeds();
    drop(callback);
    assert_eq!(drops.load(Relaxed), 0);
    leave.wait();
    threads.into_iter().for_each(|thread| assert_eq!(thread.join().expect("no panic"), 0));
    assert_eq!(drops.load(Relaxed), 1);
}

/// What other threads are inside of is nobody's in the child: it is freed there when it is dropped.
#[test]
fn other_threads_are_inside() {
    alone("other_threads_are_inside", fork_while_others_are_inside);
}

#[cfg(target_os = "linux")]
#[test]
fn other_threads_are_inside_where_membarrier_is_forbidden() {
    alone("other_threads_are_inside_where_membarrier_is_forbidden", || {
        forbid(libc::SYS_membarrier);
        fork_while_others_are_inside();
    });
}

/// From now on the system call fails, on this thread and those that it starts. Where the system knows
/// no filters, as an emulator, nothing is forbidden.
#[cfg(target_os = "linux")]
fn forbid(call: libc::c_long) {
    let step = |code: u32, jf, k| libc::sock_filter { code: code as u16, jt: 0, jf, k };
    let mut steps = [
        // The number is first in what is looked at.
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, call as u32),
        step(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
        step(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let filter = libc::sock_fprog { len: steps.len() as u16, filter: steps.as_mut_ptr() };
    // SAFETY: the filter is there while it is copied, and no more is forbidden than it says.
    unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        let filtered =
            libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter);
        assert!(filtered != 0 || libc::syscall(call, 0, 0, 0) == -1, "it is forbidden");
    }
}

/// Tells threads to stop.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// While others make, call and drop callbacks as fast as they can, and start and end.
#[test]
fn two_hundred_forks_amid_threads() {
    alone("two_hundred_forks_amid_threads", || {
        let stop = AtomicBool::new(false);
        let apply = {
            let library = opened(UNWINDING_C, SOURCE);
            let interface = CallInterface::new(Type::C_LONG, [Type::POINTER, Type::C_LONG]);
            Function::load(&library, "apply", &interface.expect("a signature"))
                .expect("it is there")
        };
        let qsort = qsort();
        let shared = adding(100);
        let through_c = |callback: &Callback, n: isize| {
            // SAFETY: it calls the callback, which takes and returns a number of this size.
            let found = unsafe { apply.call::<isize>(&[callback.arg(), arg(&n)]) };
            found.expect("it fits") as usize
        };
        std::thread::scope(|scope| {
            // Also when a child fails.
            let _stop = Stop(&stop);
            for _ in 0..2 {
                scope.spawn(|| {
                    while !stop.load(Relaxed) {
                        assert_eq!(through_c(&shared, 1), 101);
                    }
                });
                scope.spawn(|| {
                    while !stop.load(Relaxed) {
                        let several = [1, 2, 3].map(adding);
                        assert_eq!(through_c(&several[1], 1), 3);
                    }
                });
            }
            scope.spawn(|| {
                while !stop.load(Relaxed) {
                    let _ = std::thread::scope(|inner| inner.spawn(|| call(&shared, 2)).join());
                }
            });
            for round in 0..200 {
                let (child, ()) = forked((), |()| {
                    assert_eq!(through_c(&shared, round), 100 + round as usize);
                    let made: Vec<Callback> = (0..300).map(adding).collect();
                    assert!(made.iter().enumerate().all(|(n, made)| through_c(made, 1) == n + 1));
                    drop(made);
                    sort(&qsort);
                });
                child.succeeds();
            }
        });
    });
}
