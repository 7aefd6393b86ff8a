//! What becomes of a panic in a callback that C has called, by each policy.

use ffi::{CallInterface, Callback, CallbackOptions, Context, Error, Library, OnPanic, Type, arg};
use ffi_tests::compile::{compilers, opened};
use ffi_tests::process::{assert_aborted, ends_here, in_a_process};
use ffi_tests::system::function;
use std::any::Any;
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::sync::{Arc, Mutex};

type Payload = Box<dyn Any + Send>;

fn caught<R>(f: impl FnOnce() -> R) -> Payload {
    catch_unwind(AssertUnwindSafe(f)).err().expect("it panics")
}

/// Panics without the message, which a test that provokes hundreds of them would drown in.
fn quietly(payload: impl Any + Send) -> ! {
    resume_unwind(Box::new(payload))
}

fn resuming() -> CallbackOptions {
    Callback::options().on_panic(OnPanic::Resume)
}

/// # Safety
/// The library's function of that name is of type `F`.
unsafe fn as_fn<F: Copy>(library: &Library, name: &str) -> F {
    let address = library.symbol(name).expect("it is there").as_ptr();
    assert_eq!(size_of::<F>(), size_of_val(&address));
    // SAFETY: the caller's.
    unsafe { std::mem::transmute_copy(&address) }
}

mod abort {
    use super::*;

    fn call(callback: Result<Callback, Error>) {
        let callback = callback.expect("there is room");
        // SAFETY: it has this type, and is alive.
        let call = unsafe { callback.as_fn::<extern "C" fn(i32)>() };
        call(1);
    }

    const START: &str = "ffi: the callback \"on_event\", `void (int32_t)`, panicked, and a panic \
                         cannot travel into C; aborting: ";

    #[test]
    fn names_the_callback_and_has_the_text() {
        if ends_here() {
            let options = Callback::options().name("on_event").on_panic(OnPanic::Abort);
            return call(options.create(|n: i32| -> () { panic!("number {n}") }));
        }
        let output = in_a_process("abort::names_the_callback_and_has_the_text");
        assert_aborted(&output, &format!("{START}number 1\n"));
    }

    /// Then there is no message, but an end.
    #[cfg(unix)]
    #[test]
    fn also_where_nobody_reads_the_message() {
        use std::os::unix::process::ExitStatusExt;
        if ends_here() {
            let callback = Callback::new(|_: i32| -> () { quietly("nobody hears") });
            let callback = callback.expect("there is room");
            // SAFETY: it has this type, and is alive.
            let call = unsafe { callback.as_fn::<extern "C-unwind" fn(i32)>() };
            let mut pipe = [0; 2];
            // SAFETY: there is room for two, and they are this test's.
            let done = unsafe {
                libc::pipe(pipe.as_mut_ptr()) + libc::close(pipe[0]) + libc::dup2(pipe[1], 2)
            };
            assert_eq!(done, 2);
            let _ = catch_unwind(|| call(1));
            std::process::exit(0);
        }
        let output = in_a_process("abort::also_where_nobody_reads_the_message");
        assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{}", output.status);
    }

    #[test]
    fn says_when_there_is_no_text() {
        if ends_here() {
            let options = Callback::options().name("on_event");
            return call(options.create(|n: i32| -> () { panic_any(n) }));
        }
        let output = in_a_process("abort::says_when_there_is_no_text");
        assert_aborted(&output, &format!("{START}(the payload is no text)\n"));
    }

    /// There is nothing that waits for it, as the checked calls do.
    #[test]
    fn a_panic_to_resume_that_no_call_waits_for() {
        if ends_here() {
            let callback = resuming().create(|n: i32| -> () { panic!("number {n}") });
            let callback = callback.expect("there is room");
            let interface = CallInterface::new(Type::VOID, [Type::I32]).expect("a C signature");
            let number = 1_i32;
            let pointers = [(&raw const number).cast()];
            // SAFETY: the callback has this signature, and is alive.
            return unsafe {
                let result = std::ptr::null_mut();
                interface.invoke_unchecked(callback.as_ptr(), pointers.as_ptr(), result);
            };
        }
        let output = in_a_process("abort::a_panic_to_resume_that_no_call_waits_for");
        assert_aborted(
            &output,
            "ffi: the callback `void (int32_t)` panicked, and no call waits for it, and a panic \
             cannot travel into C; aborting: number 1\n",
        );
    }

    /// The call that waits is another thread's.
    #[cfg(unix)]
    #[test]
    fn a_panic_to_resume_on_a_thread_that_c_started() {
        if ends_here() {
            let source = "#include <pthread.h>\n\
                          void start(void *(*body)(void *)) {\n\
                          pthread_t thread;\n\
                          if (pthread_create(&thread, 0, body, 0) == 0) pthread_join(thread, 0);\n\
                          }";
            let library = opened(compilers()[0], source);
            let start = library.symbol("start").expect("it is there").as_ptr();
            let body = resuming()
                .name("body")
                .create(|_: *const c_void| -> *const c_void { panic!("far away") });
            let interface = CallInterface::new(Type::VOID, [Type::POINTER]).expect("a signature");
            // SAFETY: it has this signature, and the callback is a thread's body.
            unsafe { interface.call::<()>(start, &[body.expect("there is room").arg()]) }
                .expect("it fits");
            return;
        }
        let output = in_a_process("abort::a_panic_to_resume_on_a_thread_that_c_started");
        assert_aborted(
            &output,
            "ffi: the callback \"body\", `void * (void *)`, panicked, and no call waits for it, and a \
             panic cannot travel into C; aborting: far away\n",
        );
    }
}

mod a_value_instead {
    use super::*;

    #[repr(C)]
    #[derive(Debug, Clone, Copy, PartialEq, ffi::CType)]
    struct Mixed {
        x: f64,
        n: i64,
    }

    #[repr(C)]
    #[derive(Debug, Clone, Copy, PartialEq, ffi::CType)]
    struct Large {
        n: [i64; 5],
    }

    const SOURCE: &str = "
        typedef struct { double x; long long n; } Mixed;
        typedef struct { long long n[5]; } Large;
        long long small(signed char (*f)(int), int n) { return f(n); }
        double real(double (*f)(int), int n) { return f(n) * 2; }
        void mixed(Mixed (*f)(int), int n, Mixed *to) { *to = f(n); to->n++; }
        void large(Large (*f)(int), int n, Large *to) { *to = f(n); to->n[4]++; }
        int nothing(void (*f)(int), int n) { f(n); return n + 1; }
    ";

    fn returning<T: ffi::CType + Send + Sync>(normal: T, instead: T) -> Callback {
        let options = Callback::options().on_panic(OnPanic::returning(instead));
        let callback = options.create(move |n: i32| -> T {
            if n < 0 {
                quietly(n);
            }
            normal
        });
        callback.expect("there is room")
    }

    #[test]
    fn of_every_class() {
        for compiler in compilers() {
            let library = opened(compiler, SOURCE);
            // SAFETY: these are their types, and those of the callbacks that they take.
            unsafe {
                type Pointer = *const c_void;
                let callback = returning(-7_i8, -1_i8);
                let small: extern "C" fn(Pointer, i32) -> i64 = as_fn(&library, "small");
                let results = [5, -5, 5].map(|n| small(callback.as_ptr(), n));
                assert_eq!(results, [-7, -1, -7]);

                let callback = returning(0.5, -0.25);
                let real: extern "C" fn(Pointer, i32) -> f64 = as_fn(&library, "real");
                let results = [5, -5, 5].map(|n| real(callback.as_ptr(), n));
                assert_eq!(results, [1.0, -0.5, 1.0]);

                let callback = returning(Mixed { x: 0.5, n: 1 }, Mixed { x: -4.0, n: i64::MIN });
                let mixed: extern "C" fn(Pointer, i32, &mut Mixed) = as_fn(&library, "mixed");
                let mut to = Mixed { x: 9.0, n: 9 };
                mixed(callback.as_ptr(), 5, &mut to);
                assert_eq!(to, Mixed { x: 0.5, n: 2 });
                mixed(callback.as_ptr(), -5, &mut to);
                assert_eq!(to, Mixed { x: -4.0, n: i64::MIN + 1 });

                let callback = returning(Large { n: [1; 5] }, Large { n: [-5, 4, -3, 2, -1] });
                let large: extern "C" fn(Pointer, i32, &mut Large) = as_fn(&library, "large");
                let mut to = Large { n: [9; 5] };
                large(callback.as_ptr(), 5, &mut to);
                assert_eq!(to, Large { n: [1, 1, 1, 1, 2] });
                large(callback.as_ptr(), -5, &mut to);
                assert_eq!(to, Large { n: [-5, 4, -3, 2, 0] });

                let callback = returning((), ());
                let nothing: extern "C" fn(Pointer, i32) -> i32 = as_fn(&library, "nothing");
                assert_eq!([5, -5].map(|n| nothing(callback.as_ptr(), n)), [6, -4]);
            }
        }
    }

    #[test]
    fn of_another_type_is_an_error() {
        let texts = [OnPanic::returning(0_i16), OnPanic::returning(0_f32), OnPanic::returning(())]
            .map(|policy| {
                let callback = Callback::options().on_panic(policy).create(|| -> i32 { 0 });
                callback.expect_err("it does not fit").to_string()
            });
        let start = "the value to return after a panic: return value: expected";
        assert_eq!(
            texts,
            [
                format!("{start} 4 bytes for `int32_t`, found 2"),
                format!("{start} `int32_t`, found `float`"),
                format!("{start} 4 bytes for `int32_t`, found 0"),
            ]
        );
    }

    /// What a panic carries may panic when it is dropped.
    #[test]
    fn and_then_it_panics_again() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("the payload was dropped");
            }
        }
        if ends_here() {
            let options = Callback::options().on_panic(OnPanic::returning(0_i32));
            let callback = options.create(|| -> i32 { panic_any(Bomb) }).expect("there is room");
            // SAFETY: it has this type, and is alive.
            let call = unsafe { callback.as_fn::<extern "C" fn() -> i32>() };
            call();
            return;
        }
        assert_aborted(
            &in_a_process("a_value_instead::and_then_it_panics_again"),
            "ffi: the callback `int32_t (void)` panicked, again, when the panic was dropped, and a panic \
             cannot travel into C; aborting: the payload was dropped\n",
        );
    }
}

mod resume {
    use super::*;

    /// What each comparison panics with: its number, counted from 1.
    #[derive(Debug)]
    struct Number(Arc<Mutex<i32>>, i32);

    /// A comparison that always panics, and how often it was called.
    fn comparison() -> (Callback, Arc<Mutex<i32>>) {
        let calls = Arc::new(Mutex::new(0));
        let count = Arc::clone(&calls);
        let callback = resuming().create(move |_: *const i32, _: *const i32| -> i32 {
            let number = {
                let mut count = count.lock().expect("nobody panics with it");
                *count += 1;
                *count
            };
            quietly(Number(Arc::clone(&count), number))
        });
        (callback.expect("there is room"), calls)
    }

    /// The first panic of several, through C's `qsort`, by every kind of call; C goes on with zero.
    #[test]
    fn the_first_goes_on_from_each_kind_of_call() {
        let (compare, calls) = comparison();
        let types = [Type::POINTER, Type::SIZE_T, Type::SIZE_T, Type::POINTER];
        let qsort = function("qsort", Type::VOID, types.clone());
        let (interface, address) =
            (CallInterface::new(Type::VOID, types).expect("a C signature"), qsort.as_ptr());
        let mut numbers = [3_i32, 1, 2, 5, 4];
        let start = numbers.as_mut_ptr();
        let (count, size, pointer) = (numbers.len(), size_of::<i32>(), compare.as_ptr());
        let arguments = [arg(&start), arg(&count), arg(&size), compare.arg()];
        let pointers: [*const c_void; 4] = [
            (&raw const start).cast(),
            (&raw const count).cast(),
            (&raw const size).cast(),
            (&raw const pointer).cast(),
        ];
        let context = Context::new();
        let nowhere = &mut [] as &mut [MaybeUninit<u8>];
        // SAFETY: the array has as many elements of that size, which are what is compared.
        let ways: [(&str, &mut dyn FnMut()); 9] = unsafe {
            [
                ("call", &mut || _ = interface.call::<()>(address, &arguments)),
                ("call_in", &mut || _ = interface.call_in::<()>(&context, address, &arguments)),
                ("errno", &mut || _ = interface.call_errno::<()>(&context, address, &arguments)),
                ("value", &mut || _ = interface.call_value(address, &arguments)),
                ("into", &mut || _ = interface.call_into(address, &arguments, nowhere)),
                ("invoke", &mut || {
                    _ = interface.invoke(address, &pointers, std::ptr::null_mut());
                }),
                ("value and errno", &mut || {
                    _ = interface.call_value_errno(&context, address, &arguments);
                }),
                ("function", &mut || _ = qsort.call::<()>(&arguments)),
                ("resuming", &mut || {
                    ffi::resuming(|| {
                        let pointers = pointers.as_ptr();
                        interface.invoke_unchecked(address, pointers, std::ptr::null_mut());
                    });
                }),
            ]
        };
        for (way, call) in ways {
            *calls.lock().expect("no panic") = 0;
            let payload = caught(call).downcast::<Number>().expect(way);
            assert_eq!(payload.1, 1, "{way}");
            assert!(Arc::ptr_eq(&payload.0, &calls), "{way}");
            drop(payload);
            // qsort did not stop at the first, and the others' payloads are gone.
            assert!(*calls.lock().expect("no panic") > 1, "{way}");
            assert_eq!(Arc::strong_count(&calls), 2, "{way}");
        }
    }

    /// C that calls the callback, and says what it returned.
    const SOURCE: &str = "
        typedef struct { long long n[5]; } Large;
        int once(int (*f)(int), int n) { return f(n) + 1; }
        int large(Large (*f)(int), int n) {
            Large found = f(n);
            return found.n[0] | found.n[1] | found.n[2] | found.n[3] | found.n[4];
        }
    ";

    /// Each panic goes on from the call right below it, and from no other.
    #[test]
    fn at_its_own_level() {
        for compiler in compilers() {
            let library = Arc::new(opened(compiler, SOURCE));
            let once = library.symbol("once").expect("it is there").as_ptr().addr();
            let interface = CallInterface::new(Type::C_INT, [Type::POINTER, Type::C_INT]);
            let interface = interface.expect("a C signature");
            let call = move |callback: &Callback, n: i32| {
                let address = std::ptr::with_exposed_provenance(once);
                // SAFETY: `once` has this signature, and so has the callback.
                unsafe { interface.call::<i32>(address, &[callback.arg(), arg(&n)]) }
                    .expect("it fits")
            };
            let inner = resuming().create(|n: i32| -> i32 { quietly(n) });
            let inner = Arc::new(inner.expect("there is room"));
            let (within, own) = (call.clone(), Arc::clone(&inner));
            let outer = resuming().create(move |n: i32| -> i32 {
                let from_within = caught(|| within(&own, n + 1));
                assert_eq!(from_within.downcast_ref(), Some(&(n + 1)));
                if n < 0 {
                    // One that is caught leaves nothing behind, and this one is the outer call's.
                    quietly(n);
                }
                n * 10
            });
            let outer = outer.expect("there is room");
            assert_eq!(call(&outer, 4), 41);
            assert_eq!(caught(|| call(&outer, -4)).downcast_ref(), Some(&-4));
            assert_eq!(caught(|| call(&inner, 7)).downcast_ref(), Some(&7));
            assert_eq!(call(&outer, 5), 51);
        }
    }

    #[test]
    fn c_gets_zeros_meanwhile() {
        #[repr(C)]
        #[derive(Clone, Copy, ffi::CType)]
        struct Large {
            n: [i64; 5],
        }
        for compiler in compilers() {
            let library = opened(compiler, SOURCE);
            let seen = Mutex::new(Vec::new());
            // SAFETY: these are their types, and those of the callbacks that they take.
            let (once, large) = unsafe {
                type Caller = extern "C" fn(*const c_void, i32) -> i32;
                (as_fn::<Caller>(&library, "once"), as_fn::<Caller>(&library, "large"))
            };
            let scalar = resuming().create(|n: i32| -> i32 { quietly(n) });
            let memory = resuming().create(|n: i32| -> Large { quietly(n) });
            let (scalar, memory) = (scalar.expect("room"), memory.expect("room"));
            let payload = caught(|| {
                ffi::resuming(|| {
                    let mut seen = seen.lock().expect("no panic");
                    seen.push(once(scalar.as_ptr(), 3));
                    seen.push(large(memory.as_ptr(), 4));
                });
            });
            assert_eq!(payload.downcast_ref(), Some(&3));
            assert_eq!(*seen.lock().expect("no panic"), [1, 0]);
        }
    }
}
