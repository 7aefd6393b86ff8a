//! Threads that C starts and ends, whose first contact with Rust is a callback.
#![cfg(unix)]

use ffi::{Callback, Library, OnPanic};
use ffi_tests::compile::{UNWINDING_C, opened};
use ffi_tests::process::{alone, assert_aborted, ends_here, in_a_process};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::RefCell;
use std::collections::HashSet;
use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Mutex};

/// Counts the bytes that are allocated and not freed.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is the system's allocator's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What C's threads do: call back at once; set a value whose destructor calls back when the thread
/// ends, after a call or without; or end without returning.
const SOURCE: &str = "
    #include <pthread.h>
    #include <stdlib.h>

    typedef void *(*Callback)(void *);
    static Callback callback;
    static pthread_key_t key;
    enum { CALL, CALL_AND_END, END_ALONE, EXIT };

    static void destructor(void *again) {
        callback(again);
        callback(again);
        /* C runs destructors again for what they set, some times. */
        if ((long)again == 2) pthread_setspecific(key, (void *)1);
    }

    static void *body(void *what) {
        switch ((long)what) {
        case CALL: return callback(0);
        case CALL_AND_END: callback(0); /* fall through */
        case END_ALONE: pthread_setspecific(key, (void *)2); return 0;
        case EXIT: pthread_exit(callback(0));
        }
        return 0;
    }

    int prepare(Callback it) { callback = it; return pthread_key_create(&key, destructor); }

    /* So many at a time; how many could not be started. */
    int run(long threads, long what) {
        pthread_t *all = malloc(threads * sizeof *all);
        int started = 0;
        while (started < threads && pthread_create(&all[started], 0, body, (void *)what) == 0)
            started++;
        for (int i = 0; i < started; i++) pthread_join(all[i], 0);
        free(all);
        return threads - started;
    }

    /* What the thread leaves, and what it says when it is joined. */
    long result(long what) {
        pthread_t thread;
        void *result = (void *)-1;
        if (pthread_create(&thread, 0, body, (void *)what) == 0) pthread_join(thread, &result);
        return (long)result;
    }

    void leave(long with) { pthread_exit((void *)with); }
";

const CALL: usize = 0;
const CALL_AND_END: usize = 1;
const END_ALONE: usize = 2;
const EXIT: usize = 3;

struct Threads {
    library: Library,
}

impl Threads {
    /// Each test has a library of its own, with its own callback.
    fn new(callback: &Callback) -> Self {
        let library = opened(UNWINDING_C, SOURCE);
        let prepare = library.symbol("prepare").expect("it is there").as_ptr();
        // SAFETY: it has this type, and the callback the one that it takes.
        let status = unsafe {
            std::mem::transmute::<*const c_void, extern "C" fn(*const c_void) -> i32>(prepare)(
                callback.as_ptr(),
            )
        };
        assert_eq!(status, 0);
        Self { library }
    }

    fn run(&self, threads: usize, what: usize) {
        let run = self.library.symbol("run").expect("it is there").as_ptr();
        // SAFETY: it has this type.
        let missing = unsafe {
            std::mem::transmute::<*const c_void, extern "C" fn(usize, usize) -> i32>(run)(
                threads, what,
            )
        };
        assert_eq!(missing, 0);
    }

    fn result(&self, what: usize) -> isize {
        let result = self.library.symbol("result").expect("it is there").as_ptr();
        // SAFETY: it has this type.
        unsafe { std::mem::transmute::<*const c_void, extern "C" fn(usize) -> isize>(result)(what) }
    }
}

fn callback(closure: impl Fn(usize) -> usize + Send + Sync + 'static) -> Callback {
    let closure = move |again: *const c_void| -> *const c_void {
        std::ptr::without_provenance(closure(again.addr()))
    };
    Callback::new(closure).expect("there is room")
}

/// Counts its drops.
struct Guard(Arc<AtomicUsize>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

fn counter() -> Arc<AtomicUsize> {
    Arc::default()
}

/// All are inside before any leaves, or this does not come to its end; and the callback is dropped
/// then.
#[test]
fn sixty_four_at_once() {
    const THREADS: usize = 64;
    let (inside, leave) =
        (Arc::new(Barrier::new(THREADS + 1)), Arc::new(Barrier::new(THREADS + 1)));
    let (ids, drops) = (Arc::new(Mutex::new(HashSet::new())), counter());
    let (entered, left, seen) = (Arc::clone(&inside), Arc::clone(&leave), Arc::clone(&ids));
    let owned = Guard(Arc::clone(&drops));
    let body = callback(move |_| {
        let _owned = &owned;
        seen.lock().expect("no panic").insert(std::thread::current().id());
        entered.wait();
        left.wait();
        0
    });
    let threads = Threads::new(&body);
    std::thread::scope(|scope| {
        scope.spawn(|| threads.run(THREADS, CALL));
        inside.wait();
        drop(body);
        assert_eq!(drops.load(Relaxed), 0);
        leave.wait();
    });
    assert_eq!((drops.load(Relaxed), ids.lock().expect("no panic").len()), (1, THREADS));
}

/// What was allocated for a thread is freed or used again, however it first called and ended.
#[test]
fn ten_thousand_one_after_the_other_leave_nothing_behind() {
    alone("ten_thousand_one_after_the_other_leave_nothing_behind", || {
        let calls = counter();
        let count = Arc::clone(&calls);
        let body = callback(move |_| count.fetch_add(1, Relaxed));
        let threads = Threads::new(&body);
        for (what, calls_of_each) in [(CALL, 1), (EXIT, 1), (CALL_AND_END, 5), (END_ALONE, 4)] {
            calls.store(0, Relaxed);
            (0..10).for_each(|_| threads.run(20, what));
            let before = LIVE.load(Relaxed);
            (0..120).for_each(|_| threads.run(20, what));
            let grown = LIVE.load(Relaxed).saturating_sub(before);
            assert!(grown < 4096, "{grown} bytes after threads of kind {what}");
            assert_eq!(calls.load(Relaxed), 2600 * calls_of_each, "{what}");
        }
    });
}

/// When C's destructors run, Rust's thread is at an end already.
#[test]
fn destructors_of_cs_call_back() {
    for what in [CALL_AND_END, END_ALONE] {
        let (seen, drops) = (Arc::new(Mutex::new(Vec::new())), counter());
        let (sink, owned) = (Arc::clone(&seen), Guard(Arc::clone(&drops)));
        let body = callback(move |again| {
            let _owned = &owned;
            sink.lock().expect("no panic").push(again);
            again
        });
        Threads::new(&body).run(1, what);
        let expected: &[usize] =
            if what == CALL_AND_END { &[0, 2, 2, 1, 1] } else { &[2, 2, 1, 1] };
        assert_eq!(*seen.lock().expect("no panic"), expected);
        drop(body);
        assert_eq!(drops.load(Relaxed), 1);
    }
}

/// Dropped by another thread, while the one that is inside it is ending.
#[test]
fn dropped_while_a_destructor_is_inside() {
    for what in [CALL_AND_END, END_ALONE] {
        let drops = counter();
        let ((enter, entered), (go, gone)) = (channel(), channel::<()>());
        let (enter, gone) = (Mutex::new(enter), Mutex::new(gone));
        let owned = Guard(Arc::clone(&drops));
        let calls = AtomicUsize::new(0);
        let body = move |again: *const c_void| -> *const c_void {
            let _owned = &owned;
            if !again.is_null() && calls.fetch_add(1, Relaxed) == 0 {
                enter.lock().expect("no panic").send(()).expect("the test waits");
                gone.lock().expect("no panic").recv().expect("the test says so");
            }
            again
        };
        // The destructor calls again, which is too late then.
        let late = OnPanic::returning(std::ptr::null::<c_void>());
        let body = Callback::options().on_panic(late).create(body).expect("there is room");
        let threads = Threads::new(&body);
        std::thread::scope(|scope| {
            scope.spawn(|| threads.run(1, what));
            entered.recv().expect("it enters");
            drop(body);
            assert_eq!(drops.load(Relaxed), 0);
            go.send(()).expect("it waits");
        });
        assert_eq!(drops.load(Relaxed), 1);
    }
}

/// Of a local that was there before the thread's first call, and of one that came later.
#[test]
fn destructors_of_rusts_call_back_too() {
    struct Calls {
        pointer: extern "C" fn(usize) -> usize,
    }
    impl Drop for Calls {
        fn drop(&mut self) {
            (self.pointer)(1);
        }
    }
    thread_local! {
        static BEFORE: RefCell<Option<Calls>> = const { RefCell::new(None) };
        static AFTER: RefCell<Option<Calls>> = const { RefCell::new(None) };
    }
    for _ in 0..3 {
        let (calls, drops) = (counter(), counter());
        let (count, owned) = (Arc::clone(&calls), Guard(Arc::clone(&drops)));
        let callback = Callback::new(move |n: usize| -> usize {
            let _owned = &owned;
            count.fetch_add(n, Relaxed)
        });
        let callback = callback.expect("there is room");
        // SAFETY: it has this type, and is dropped when the thread was joined.
        let pointer = unsafe { callback.as_fn::<extern "C" fn(usize) -> usize>() };
        let thread = std::thread::spawn(move || {
            BEFORE.set(Some(Calls { pointer }));
            assert_eq!(pointer(10), 0);
            AFTER.set(Some(Calls { pointer }));
        });
        thread.join().expect("no panic");
        assert_eq!((calls.load(Relaxed), drops.load(Relaxed)), (12, 0));
        drop(callback);
        assert_eq!(drops.load(Relaxed), 1);
    }
}

/// C that a closure calls may end the thread where the policy lets pass what unwinds: glibc's
/// `pthread_exit` unwinds as an exception does.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod pthread_exit {
    use super::*;

    type Leave = extern "C-unwind" fn(usize);

    fn leaving(policy: OnPanic, drops: &Arc<AtomicUsize>) -> (Callback, Threads) {
        let leave = Arc::new(Mutex::new(None::<Leave>));
        let (own, guards) = (Arc::clone(&leave), Arc::clone(drops));
        let owned = Guard(Arc::clone(drops));
        let body =
            Callback::options().on_panic(policy).create(move |_: *const c_void| -> *const c_void {
                let (_owned, _guard) = (&owned, Guard(Arc::clone(&guards)));
                let leave = (*own.lock().expect("no panic")).expect("it was set");
                leave(77);
                std::ptr::null()
            });
        let body = body.expect("there is room");
        let threads = Threads::new(&body);
        let address = threads.library.symbol("leave").expect("it is there").as_ptr();
        // SAFETY: it has this type.
        let address = unsafe { std::mem::transmute::<*const c_void, Leave>(address) };
        *leave.lock().expect("no panic") = Some(address);
        (body, threads)
    }

    #[test]
    fn unwinds_through_a_callback_that_lets_it() {
        let drops = counter();
        let (body, threads) = leaving(OnPanic::Unwind, &drops);
        for round in 1..=3 {
            assert_eq!(threads.result(CALL), 77);
            assert_eq!(drops.load(Relaxed), round);
        }
        // It counts as left.
        drop(body);
        assert_eq!(drops.load(Relaxed), 4);
    }

    #[test]
    fn ends_the_process_by_another_policy() {
        if ends_here() {
            let (_body, threads) = leaving(OnPanic::Abort, &counter());
            threads.result(CALL);
            return;
        }
        let output = in_a_process("pthread_exit::ends_the_process_by_another_policy");
        assert_aborted(&output, "FATAL: exception not rethrown");
    }
}
