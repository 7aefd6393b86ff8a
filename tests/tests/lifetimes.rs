//! When closures are freed, and what happens to calls that come too late.

use ffi::{Callback, Error, OnPanic, Scope, Type, arg, scope};
use ffi_tests::process::{assert_aborted, ends_here, in_a_process};
use ffi_tests::system::function;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, Mutex, OnceLock};

/// Told when a closure that owns it is dropped.
struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

fn counter() -> (Arc<AtomicUsize>, impl Fn() -> Dropped) {
    let count = Arc::new(AtomicUsize::new(0));
    let other = Arc::clone(&count);
    (count, move || Dropped(Arc::clone(&other)))
}

type Nothing = extern "C" fn();

/// # Safety
/// The callback takes nothing and returns nothing, and lives while it is called.
unsafe fn pointer(callback: &Callback) -> Nothing {
    // SAFETY: the caller's.
    unsafe { callback.as_fn() }
}

#[test]
fn dropped_from_inside_itself_it_is_freed_when_it_returns() {
    let (drops, dropped) = counter();
    let slot: Arc<Mutex<Option<Callback>>> = Arc::default();
    let (own, seen, token) = (Arc::clone(&slot), Arc::clone(&drops), dropped());
    let callback = Callback::new(move || {
        let _token = &token;
        drop(own.lock().expect("no panic").take().expect("it is there"));
        // Still running, so still there.
        assert_eq!(seen.load(Relaxed), 0);
    });
    let callback = callback.expect("there is room");
    // SAFETY: it has this type, and a call that is under way is left in peace.
    let call = unsafe { pointer(&callback) };
    *slot.lock().expect("no panic") = Some(callback);
    call();
    assert_eq!(drops.load(Relaxed), 1);
}

/// A callback that says when it is entered, and returns when it is told to.
fn waiting(token: Dropped) -> (Callback, Receiver<()>, Sender<()>) {
    let ((entered, has_entered), (go, gone)) = (channel(), channel());
    let (entered, gone) = (Mutex::new(entered), Mutex::new(gone));
    let callback = Callback::new(move || {
        let _token = &token;
        entered.lock().expect("no panic").send(()).expect("the test waits");
        gone.lock().expect("no panic").recv().expect("the test says so");
    });
    (callback.expect("there is room"), has_entered, go)
}

#[test]
fn dropped_while_another_thread_is_inside_it_neither_waits_nor_frees() {
    let (drops, dropped) = counter();
    let (callback, entered, go) = waiting(dropped());
    // SAFETY: it has this type, and a call that is under way is left in peace.
    let call = unsafe { pointer(&callback) };
    let thread = std::thread::spawn(move || call());
    entered.recv().expect("it enters");
    drop(callback);
    assert_eq!(drops.load(Relaxed), 0);
    go.send(()).expect("it waits");
    thread.join().expect("no panic");
    assert_eq!(drops.load(Relaxed), 1);
}

#[test]
fn the_last_of_many_frees_it() {
    const THREADS: usize = 12;
    let (drops, dropped) = counter();
    let (inside, leave) =
        (Arc::new(Barrier::new(THREADS + 1)), Arc::new(Barrier::new(THREADS + 1)));
    let (token, enter, wait) = (dropped(), Arc::clone(&inside), Arc::clone(&leave));
    let callback = Callback::new(move || {
        let _token = &token;
        enter.wait();
        wait.wait();
    });
    let callback = callback.expect("there is room");
    // SAFETY: it has this type, and a call that is under way is left in peace.
    let call = unsafe { pointer(&callback) };
    let threads = [(); THREADS].map(|()| std::thread::spawn(move || call()));
    inside.wait();
    drop(callback);
    assert_eq!(drops.load(Relaxed), 0);
    leave.wait();
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    assert_eq!(drops.load(Relaxed), 1);
}

/// More than a thread has notes for.
#[test]
fn within_each_other() {
    const DEPTH: usize = 40;
    let (drops, dropped) = counter();
    let chain: Arc<Mutex<Vec<Option<Callback>>>> = Arc::default();
    for depth in 0..DEPTH {
        let (own, token, seen) = (Arc::clone(&chain), dropped(), Arc::clone(&drops));
        let callback = Callback::new(move || {
            let _token = &token;
            // Drops itself, and calls the next.
            let (own, next) = {
                let mut chain = own.lock().expect("no panic");
                let next = chain.get(depth + 1).and_then(Option::as_ref);
                // SAFETY: it has this type, and drops itself when it is called.
                let next = next.map(|next| unsafe { pointer(next) });
                (chain[depth].take(), next)
            };
            drop(own);
            next.into_iter().for_each(|next| next());
            // Those within have returned, and this one has not.
            assert_eq!(seen.load(Relaxed), DEPTH - 1 - depth);
        });
        chain.lock().expect("no panic").push(Some(callback.expect("there is room")));
    }
    // SAFETY: it has this type, and drops itself when it is called.
    let first =
        unsafe { pointer(chain.lock().expect("no panic")[0].as_ref().expect("it is there")) };
    first();
    assert_eq!(drops.load(Relaxed), DEPTH);
}

/// What calls may find is the closure, or that it was dropped, and never another's.
#[test]
fn threads_call_while_others_drop() {
    let (drops, dropped) = counter();
    const ROUNDS: usize = 300;
    const CALLERS: usize = 3;
    for round in 0..ROUNDS {
        let token = dropped();
        let closure = move || -> usize {
            let _token = &token;
            round
        };
        let options = Callback::options().on_panic(OnPanic::returning(usize::MAX));
        let callback = options.create(closure).expect("there is room");
        // SAFETY: it has this type; what comes too late gets its policy's value.
        let call = unsafe { callback.as_fn::<extern "C" fn() -> usize>() };
        let start = Barrier::new(CALLERS + 1);
        std::thread::scope(|scope| {
            for _ in 0..CALLERS {
                scope.spawn(|| {
                    start.wait();
                    let mut late = false;
                    for _ in 0..200 {
                        let found = call();
                        assert!(found == usize::MAX || found == round && !late, "{found}");
                        late |= found == usize::MAX;
                    }
                });
            }
            start.wait();
            std::hint::spin_loop();
            drop(callback);
        });
        assert_eq!(drops.load(Relaxed), round + 1);
    }
}

#[test]
fn what_a_closure_owns_may_make_and_drop_callbacks_when_it_is_dropped() {
    struct Another(Option<Callback>);
    impl Drop for Another {
        fn drop(&mut self) {
            drop(self.0.take());
            Callback::new(|| {}).expect("there is room");
        }
    }
    let inner = Another(Some(Callback::new(|| {}).expect("there is room")));
    let outer = Callback::new(move || {
        let _owned = &inner;
    });
    drop(outer.expect("there is room"));
}

#[test]
fn a_late_call_gets_the_value_of_its_policy() {
    #[repr(C)]
    #[derive(Debug, Clone, Copy, PartialEq, ffi::CType)]
    struct Large([i64; 5]);
    let instead = Large([5, 4, 3, 2, 1]);
    let options = Callback::options().on_panic(OnPanic::returning(instead));
    let callback = options.create(|n: i64| Large([n; 5])).expect("there is room");
    // SAFETY: it has this type; what comes too late gets its policy's value.
    let call = unsafe { callback.as_fn::<extern "C" fn(i64) -> Large>() };
    assert_eq!(call(7), Large([7; 5]));
    drop(callback);
    assert_eq!(call(7), instead);
}

#[test]
fn a_late_call_ends_the_process_and_names_the_callback() {
    const TEST: &str = "a_late_call_ends_the_process_and_names_the_callback";
    if ends_here() {
        let callback = Callback::options().name("on_event").create(|_: i32, _: f64| {});
        let callback = callback.expect("there is room");
        // SAFETY: it has this type. It is called too late, which the test is about.
        let call = unsafe { callback.as_fn::<extern "C" fn(i32, f64)>() };
        drop(callback);
        return call(1, 2.0);
    }
    assert_aborted(
        &in_a_process(TEST),
        "ffi: C called the callback \"on_event\", `void (int32_t, double)`, after it was dropped; \
         aborting",
    );
}

#[test]
fn a_closure_that_changes_what_it_owns() {
    let mut seen = Vec::new();
    let push = Callback::options().create_mut(move |n: usize| -> usize {
        seen.push(n);
        seen.iter().sum()
    });
    let push = push.expect("there is room");
    // SAFETY: it has this type, and lives as long as it is called.
    let push = unsafe { push.as_fn::<extern "C" fn(usize) -> usize>() };
    assert_eq!((push(1), push(2), push(3)), (1, 3, 6));
}

#[test]
fn threads_take_turns_in_a_closure_that_changes_what_it_owns() {
    let mut total = 0_usize;
    let add = Callback::options().create_mut(move |n: usize| -> usize {
        let before = total;
        std::thread::yield_now();
        total = before + n;
        total
    });
    let add = add.expect("there is room");
    // SAFETY: it has this type, and lives as long as it is called.
    let call = unsafe { add.as_fn::<extern "C" fn(usize) -> usize>() };
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(move || (0..1000).for_each(|_| _ = call(1)));
        }
    });
    assert_eq!(call(0), 8000);
}

#[test]
fn a_closure_that_changes_what_it_owns_is_not_entered_twice() {
    let own: Arc<Mutex<Option<Nothing>>> = Arc::default();
    let (again, mut calls) = (Arc::clone(&own), Vec::new());
    let options = Callback::options().on_panic(OnPanic::Resume);
    let callback = options.create_mut(move || {
        calls.push(());
        let call = again.lock().expect("no panic").expect("it was set");
        ffi::resuming(|| call());
    });
    let callback = callback.expect("there is room");
    // SAFETY: it has this type, and lives as long as it is called.
    let call = unsafe { pointer(&callback) };
    *own.lock().expect("no panic") = Some(call);
    let payload = std::panic::catch_unwind(|| ffi::resuming(|| call())).expect_err("it panics");
    assert_eq!(
        payload.downcast_ref(),
        Some(
            &"the callback was called while the same thread was inside it, and its closure is an \
              `FnMut`"
        )
    );
}

#[test]
fn a_closure_that_is_used_up() {
    let (drops, dropped) = counter();
    let token = dropped();
    let options = Callback::options().on_panic(OnPanic::returning(-1_i32));
    let once = options.create_once(move || -> i32 {
        drop(token);
        7
    });
    let once = once.expect("there is room");
    // SAFETY: it has this type, and lives as long as it is called.
    let call = unsafe { once.as_fn::<extern "C" fn() -> i32>() };
    assert_eq!((call(), drops.load(Relaxed)), (7, 1));
    assert_eq!(call(), -1);
    // One that was never called is dropped with its callback.
    let token = dropped();
    drop(Callback::options().create_once(move || drop(token)).expect("there is room"));
    assert_eq!(drops.load(Relaxed), 2);
}

#[test]
fn scoped_callbacks_borrow_and_end_with_the_scope() {
    let (numbers, mut sorted) = ([5_usize, 3, 9, 1], [5_usize, 3, 9, 1]);
    let (mut comparisons, largest) = (0, AtomicUsize::new(0));
    let types = [Type::POINTER, Type::SIZE_T, Type::SIZE_T, Type::POINTER];
    let qsort = function("qsort", Type::VOID, types);
    let late = scope(|scope| {
        let compare = scope.create_mut(|a: *const usize, b: *const usize| -> i32 {
            comparisons += 1;
            // SAFETY: qsort hands over pointers to two elements.
            let (a, b) = unsafe { (*a, *b) };
            largest.fetch_max(a.max(b), Relaxed);
            a.cmp(&b) as i32
        })?;
        let (start, count, size) = (sorted.as_mut_ptr(), sorted.len(), size_of::<usize>());
        let arguments = [arg(&start), arg(&count), arg(&size), compare.arg()];
        // SAFETY: the array has as many elements of that size, which are compared.
        unsafe { qsort.call::<()>(&arguments) }.expect("the call fits");
        let sum = || -> usize { numbers.iter().sum() };
        let options = Callback::options().on_panic(OnPanic::returning(0_usize));
        let sum = scope.create_with(options, sum)?;
        // SAFETY: it has this type; what comes too late gets its policy's value.
        let sum = unsafe { sum.as_fn::<extern "C" fn() -> usize>() };
        assert_eq!(sum(), 18);
        Ok::<_, Error>(sum)
    });
    assert_eq!((sorted, largest.into_inner()), ([1, 3, 5, 9], 9));
    assert!(comparisons >= 3);
    assert_eq!(late.expect("there is room")(), 0);
}

#[test]
fn a_scope_waits_for_those_inside_and_ends_by_a_panic_too() {
    let (entered, has_entered) = channel();
    let entered = Mutex::new(entered);
    let borrowed = AtomicUsize::new(0);
    let mut threads = Vec::new();
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        scope(|scope| {
            let slow = scope.create(|| {
                entered.lock().expect("no panic").send(()).expect("the test waits");
                std::thread::sleep(std::time::Duration::from_millis(100));
                borrowed.store(1, Relaxed);
            });
            // SAFETY: it has this type, and lives as long as it is called.
            let call = unsafe { slow.expect("there is room").as_fn::<Nothing>() };
            threads.push(std::thread::spawn(move || call()));
            has_entered.recv().expect("it enters");
            panic!("out of the scope");
        })
    }));
    assert!(result.is_err());
    assert_eq!(borrowed.load(Relaxed), 1);
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
}

#[test]
fn a_scope_waits_for_the_others_when_a_closure_panics_as_it_is_dropped() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new("dropped"));
        }
    }
    // Whichever of the two is dropped first.
    for panics_at in [0, 1] {
        let (entered, has_entered) = channel();
        let entered = Mutex::new(entered);
        let borrowed = AtomicUsize::new(0);
        let mut threads = Vec::new();
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            scope(|scope| {
                for at in 0..2 {
                    if at == panics_at {
                        let panics = Panics;
                        let callback = scope.create(move || {
                            let _panics = &panics;
                        });
                        callback.expect("there is room");
                        continue;
                    }
                    let slow = scope.create(|| {
                        entered.lock().expect("no panic").send(()).expect("the test waits");
                        std::thread::sleep(std::time::Duration::from_millis(100));
                        borrowed.store(1, Relaxed);
                    });
                    // SAFETY: it has this type, and lives as long as it is called.
                    let call = unsafe { slow.expect("there is room").as_fn::<Nothing>() };
                    threads.push(std::thread::spawn(move || call()));
                    has_entered.recv().expect("it enters");
                }
            });
        }));
        assert_eq!(borrowed.load(Relaxed), 1);
        assert_eq!(result.expect_err("it panics").downcast_ref(), Some(&"dropped"));
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    }
}

#[test]
fn closures_make_others_in_their_scope_while_it_ends() {
    /// Makes a callback when it is dropped.
    struct Makes<'scope, 'env>(Arc<OnceLock<Scope<'scope, 'env>>>, &'env AtomicUsize);
    impl Drop for Makes<'_, '_> {
        fn drop(&mut self) {
            let made = self.0.get().expect("it was shared").create(|| {});
            self.1.fetch_add(usize::from(made.is_ok()), Relaxed);
        }
    }
    let (entered, has_entered) = channel();
    let entered = Mutex::new(entered);
    let made = AtomicUsize::new(0);
    let mut threads = Vec::new();
    scope(|scope| {
        let shared = Arc::new(OnceLock::new());
        let makes = Makes(Arc::clone(&shared), &made);
        let slow = scope.create(move || {
            entered.lock().expect("no panic").send(()).expect("the test waits");
            // By then the scope ends.
            std::thread::sleep(std::time::Duration::from_millis(100));
            let callback = makes.0.get().expect("it was shared").create(|| {});
            makes.1.fetch_add(usize::from(callback.is_ok()), Relaxed);
        });
        // SAFETY: it has this type, and lives as long as it is called.
        let call = unsafe { slow.expect("there is room").as_fn::<Nothing>() };
        assert!(shared.set(scope).is_ok());
        threads.push(std::thread::spawn(move || call()));
        has_entered.recv().expect("it enters");
    });
    assert_eq!(made.load(Relaxed), 2);
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
}
