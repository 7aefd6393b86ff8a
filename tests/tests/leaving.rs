//! What leaves a callback by no return: panics through C and C++, C++'s exceptions, and `longjmp`.

use ffi::{CallInterface, Callback, Library, OnPanic, Type, arg};
use ffi_tests::compile::{UNWINDING_C, opened};
use ffi_tests::process::alone;
use std::any::Any;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

type Pointer = *const c_void;

fn caught<R>(f: impl FnOnce() -> R) -> Box<dyn Any + Send> {
    catch_unwind(AssertUnwindSafe(f)).err().expect("it panics")
}

/// # Safety
/// The library's function of that name is of type `F`.
unsafe fn as_fn<F: Copy>(library: &Library, name: &str) -> F {
    let address = library.symbol(name).expect("it is there").as_ptr();
    assert_eq!(size_of::<F>(), size_of_val(&address));
    // SAFETY: the caller's.
    unsafe { std::mem::transmute_copy(&address) }
}

/// Counts its drops.
struct Guard(Arc<AtomicI32>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

fn counter() -> Arc<AtomicI32> {
    Arc::default()
}

/// A callback that lets through what leaves the closure.
fn unwinding(closure: impl Fn(i32) + Send + Sync + 'static) -> Callback {
    let options = Callback::options().on_panic(OnPanic::Unwind);
    options.create(move |n: i32| closure(n)).expect("there is room")
}

/// A call of C, which calls the callback with the number and counts what it destroys.
type Call = Box<dyn Fn(&Callback, i32, &mut i32) -> i32>;

/// By a plain call, and by one of an interface.
fn calls(library: &Library, name: &str) -> [Call; 2] {
    // SAFETY: the functions that are called so are of this type, and the callbacks of the one that
    // they take.
    let plain =
        unsafe { as_fn::<extern "C-unwind" fn(Pointer, i32, &mut i32) -> i32>(library, name) };
    let interface = CallInterface::new(Type::C_INT, [Type::POINTER, Type::C_INT, Type::POINTER]);
    let (interface, address) = (interface.expect("a signature"), plain as *const c_void);
    [
        Box::new(move |callback, n, count| plain(callback.as_ptr(), n, count)),
        Box::new(move |callback, n, count| {
            let count = &raw mut *count;
            let arguments = [callback.arg(), arg(&n), arg(&count)];
            // SAFETY: as above.
            unsafe { interface.call(address, &arguments) }.expect("it fits")
        }),
    ]
}

const C: &str = "
    static void count(int **destroyed) { ++**destroyed; }
    int middle(void (*f)(int), int n, int *destroyed) {
        __attribute__((cleanup(count))) int *clean = destroyed;
        f(n);
        return n + 1;
    }
";

#[test]
fn a_panic_passes_through_c_that_is_made_for_it() {
    let library = opened(UNWINDING_C, C);
    let (drops, owner) = (counter(), counter());
    let (inside, owned) = (Arc::clone(&drops), Guard(Arc::clone(&owner)));
    let callback = unwinding(move |n| {
        let (_owned, _guard) = (&owned, Guard(Arc::clone(&inside)));
        if n < 0 {
            resume_unwind(Box::new(n));
        }
    });
    for call in calls(&library, "middle") {
        let (before, mut destroyed) = (drops.load(Relaxed), 0);
        assert_eq!(call(&callback, 3, &mut destroyed), 4);
        for n in [-1, -2] {
            let payload = caught(|| call(&callback, n, &mut destroyed));
            assert_eq!(payload.downcast_ref(), Some(&n));
        }
        assert_eq!((destroyed, drops.load(Relaxed) - before), (3, 3));
    }
    // None of the calls is under way any more, so it is freed at once.
    assert_eq!(owner.load(Relaxed), 0);
    drop(callback);
    assert_eq!(owner.load(Relaxed), 1);
}

/// A call that a panic leaves no longer waits for another panic: the one below it does.
#[test]
fn a_call_that_is_left_waits_no_more() {
    let library = opened(UNWINDING_C, C);
    let throws = unwinding(|n| resume_unwind(Box::new(n)));
    let options = Callback::options().on_panic(OnPanic::Resume);
    let resumes = options.create(|n: i32| -> () { resume_unwind(Box::new(n)) });
    let resumes = resumes.expect("there is room");
    let [plain, by_interface] = calls(&library, "middle");
    let mut after = 0;
    let payload = caught(|| {
        ffi::resuming(|| {
            let first = caught(|| by_interface(&throws, 5, &mut 0));
            assert_eq!(first.downcast_ref(), Some(&5));
            after = plain(&resumes, 6, &mut 0);
        });
    });
    // C went on, and what it left waited for the outer one.
    assert_eq!((payload.downcast_ref(), after), (Some(&6), 7));
}

/// Dropped by its own closure, which then panics: the call that unwinds is the last to leave.
#[test]
fn a_callback_that_is_dropped_is_freed_by_the_call_that_unwinds() {
    let library = opened(UNWINDING_C, C);
    let (owner, slot) = (counter(), Arc::new(std::sync::Mutex::new(None::<Callback>)));
    let (own, owned) = (Arc::clone(&slot), Guard(Arc::clone(&owner)));
    let callback = unwinding(move |n| {
        let _owned = &owned;
        drop(own.lock().expect("no panic").take());
        resume_unwind(Box::new(n));
    });
    let pointer = callback.as_ptr();
    *slot.lock().expect("no panic") = Some(callback);
    // SAFETY: it has this type, and calls a callback of the one that it takes.
    let middle =
        unsafe { as_fn::<extern "C-unwind" fn(Pointer, i32, &mut i32) -> i32>(&library, "middle") };
    let mut destroyed = 0;
    let payload = caught(|| middle(pointer, 8, &mut destroyed));
    assert_eq!((payload.downcast_ref(), destroyed), (Some(&8), 1));
    assert_eq!(owner.load(Relaxed), 1);
}

/// By g++, and where Rust's panics are exceptions of the same kind.
#[cfg(unix)]
mod cpp {
    use super::*;
    use ffi_tests::compile::CPP;
    use ffi_tests::process::{assert_aborted, in_a_process_with};

    const SOURCE: &str = r#"
        struct Guard {
            int *count;
            ~Guard() { ++*count; }
        };
        extern "C" void throws(int n) { throw n; }
        static void deeper(void (*f)(int), int n, int *destroyed) {
            Guard guard{destroyed};
            f(n);
        }
        extern "C" int catches(void (*f)(int), int n, int *destroyed) {
            try {
                Guard guard{destroyed};
                deeper(f, n, destroyed);
                return 0;
            } catch (int found) {
                return found;
            }
        }
        extern "C" int passes_on(void (*f)(int), int n, int *destroyed) {
            try {
                deeper(f, n, destroyed);
                return 0;
            } catch (...) {
                ++*destroyed;
                throw;
            }
        }
    "#;

    /// Calls C++ that throws, plainly or by an interface, with a guard on the stack.
    fn thrower(library: &Library, guard: Arc<AtomicI32>, plainly: bool) -> impl Fn(i32) + use<> {
        // SAFETY: it has this type.
        let throws = unsafe { as_fn::<extern "C-unwind" fn(i32)>(library, "throws") };
        let interface = CallInterface::new(Type::VOID, [Type::C_INT]).expect("a signature");
        move |n| {
            let _guard = Guard(Arc::clone(&guard));
            if n == 0 {
            } else if plainly {
                throws(n);
            } else {
                // SAFETY: as above.
                unsafe { interface.call::<()>(throws as *const c_void, &[arg(&n)]) }
                    .expect("it fits");
            }
        }
    }

    #[test]
    fn an_exception_passes_over_a_callback_to_who_catches_it() {
        let library = opened(CPP, SOURCE);
        for plainly in [true, false] {
            let (drops, owner) = (counter(), counter());
            let (throws, owned) =
                (thrower(&library, Arc::clone(&drops), plainly), Guard(Arc::clone(&owner)));
            let callback = unwinding(move |n| {
                let _owned = &owned;
                throws(n);
            });
            for call in calls(&library, "catches") {
                let (before, mut destroyed) = (drops.load(Relaxed), 0);
                assert_eq!([0, 7, -7].map(|n| call(&callback, n, &mut destroyed)), [0, 7, -7]);
                assert_eq!((destroyed, drops.load(Relaxed) - before), (6, 3));
            }
            assert_eq!(owner.load(Relaxed), 0);
            drop(callback);
            assert_eq!(owner.load(Relaxed), 1);
        }
    }

    #[test]
    fn a_panic_passes_through_cpp_that_throws_it_again() {
        let library = opened(CPP, SOURCE);
        let callback = unwinding(|n| resume_unwind(Box::new(n)));
        for call in calls(&library, "passes_on") {
            let mut destroyed = 0;
            let payload = caught(|| call(&callback, 5, &mut destroyed));
            assert_eq!((payload.downcast_ref(), destroyed), (Some(&5), 2));
        }
        // A handler for another type lets it pass.
        for call in calls(&library, "catches") {
            let mut destroyed = 0;
            let payload = caught(|| call(&callback, 6, &mut destroyed));
            assert_eq!((payload.downcast_ref(), destroyed), (Some(&6), 2));
        }
    }

    /// Whatever the policy is, but for the one that lets it pass.
    #[test]
    fn an_exception_that_may_not_pass_ends_the_process() {
        let policies = [OnPanic::Abort, OnPanic::returning(()), OnPanic::Resume];
        if let Some(policy) = std::env::var_os("FFI_TEST_POLICY") {
            let index: usize =
                policy.to_str().and_then(|text| text.parse().ok()).expect("a number");
            let library = opened(CPP, SOURCE);
            let throws = thrower(&library, counter(), true);
            let options = Callback::options().on_panic(policies[index].clone());
            let callback = options.create(move |n: i32| throws(n)).expect("there is room");
            let [_, call] = calls(&library, "catches");
            call(&callback, 5, &mut 0);
            return;
        }
        for index in 0..policies.len() {
            let output = in_a_process_with(
                "cpp::an_exception_that_may_not_pass_ends_the_process",
                &[("FFI_TEST_POLICY", &index.to_string())],
            );
            assert_aborted(&output, "Rust cannot catch foreign exceptions");
        }
    }
}

/// Not allowed over a callback: what happens in practice if no frame of the closure has anything to
/// drop.
#[cfg(unix)]
mod longjmp {
    use super::*;

    const SOURCE: &str = "
        #include <setjmp.h>
        static jmp_buf outer;
        void jump(int n) { longjmp(outer, n); }
        int catches(void (*f)(int), int n, int *destroyed) {
            int found = setjmp(outer);
            if (!found) f(n);
            return found;
        }
        static void deeper(jmp_buf *to, int n) { if (n) longjmp(*to, n); }
        int within(int n) {
            jmp_buf own;
            volatile int kept = n;
            int found = setjmp(own);
            if (found) return found + kept;
            deeper(&own, n);
            return 0;
        }
    ";

    /// The callback counts as running for ever: its closure is never freed, and nobody else is harmed.
    #[test]
    fn over_a_callback_leaves_it_running_for_ever() {
        alone("longjmp::over_a_callback_leaves_it_running_for_ever", || {
            let library = opened(UNWINDING_C, SOURCE);
            // SAFETY: it has this type.
            let jump = unsafe { as_fn::<extern "C" fn(i32)>(&library, "jump") };
            let [catches, _] = calls(&library, "catches");
            let owner = counter();
            // More often than a thread has notes of where it is.
            for round in 1..=20 {
                let owned = Guard(Arc::clone(&owner));
                let left = Callback::new(move |n: i32| {
                    let _owned = &owned;
                    jump(n);
                });
                let left = left.expect("there is room");
                assert_eq!(catches(&left, round, &mut 0), round);
                // And again, as it is whole.
                assert_eq!(catches(&left, -round, &mut 0), -round);
                drop(left);
                assert_eq!(owner.load(Relaxed), 0);
                // Others are called, and freed when they are dropped.
                let others = counter();
                let other = Guard(Arc::clone(&others));
                let callback =
                    Callback::new(move |n: i32| assert_eq!((n, other.0.load(Relaxed)), (round, 0)));
                let callback = callback.expect("there is room");
                assert_eq!(catches(&callback, round, &mut 0), 0);
                drop(callback);
                assert_eq!(others.load(Relaxed), 1);
            }
        });
    }

    /// Allowed: from C to C, of which the callback's closure is no part.
    #[test]
    fn among_the_c_that_a_callback_calls() {
        let library = opened(UNWINDING_C, SOURCE);
        let within = library.symbol("within").expect("it is there").as_ptr().addr();
        let interface = CallInterface::new(Type::C_INT, [Type::C_INT]).expect("a signature");
        let (owner, sum) = (counter(), counter());
        let (owned, total) = (Guard(Arc::clone(&owner)), Arc::clone(&sum));
        let callback = Callback::new(move |n: i32| {
            let _owned = &owned;
            let address = std::ptr::with_exposed_provenance(within);
            // SAFETY: it has this signature.
            let found: i32 = unsafe { interface.call(address, &[arg(&n)]) }.expect("it fits");
            total.fetch_add(found, Relaxed);
        });
        let callback = callback.expect("there is room");
        // SAFETY: it has this type, and is alive.
        let call = unsafe { callback.as_fn::<extern "C" fn(i32)>() };
        [0, 3, 0, 5].into_iter().for_each(|n| call(n));
        assert_eq!(sum.load(Relaxed), 16);
        drop(callback);
        assert_eq!(owner.load(Relaxed), 1);
    }
}
