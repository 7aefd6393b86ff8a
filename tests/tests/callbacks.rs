//! Callbacks: many at once, on many threads, and what they receive and return. How there come to be
//! more of them than trampolines in the program: `growth.rs`.

use ffi::{Arg, CallInterface, Callback, Error, OnPanic, Type, arg};
use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

/// The pool is one for the whole program, so tests that fill it take turns.
static POOL: Mutex<()> = Mutex::new(());

fn number(n: usize) -> Result<Callback, Error> {
    Callback::new(move || -> usize { n })
}

fn call(callback: &Callback) -> usize {
    // SAFETY: the callback has this type, and is alive.
    unsafe { callback.as_fn::<extern "C" fn() -> usize>()() }
}

#[test]
fn two_thousand_at_once_and_their_slots_again() {
    let _turn = POOL.lock().expect("no panic");
    for round in 0..3 {
        let callbacks: Vec<Callback> =
            (0..2000).map(|n| number(round * 10_000 + n).expect("there is room")).collect();
        let addresses: HashSet<_> = callbacks.iter().map(Callback::as_ptr).collect();
        assert_eq!(addresses.len(), 2000);
        for (n, callback) in callbacks.iter().enumerate() {
            assert_eq!(call(callback), round * 10_000 + n);
        }
    }
}

/// Where the code of trampolines cannot be mapped again.
#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
#[test]
fn running_out_is_an_error_and_dropping_one_makes_room() {
    use ffi::{CallbackError, Convention, GrowthError};
    let _turn = POOL.lock().expect("no panic");
    let mut callbacks = Vec::new();
    let error = loop {
        match number(callbacks.len()) {
            Ok(callback) => callbacks.push(callback),
            Err(error) => break error,
        }
    };
    let Error::Callback(CallbackError::Exhausted { capacity, why, .. }) = &error else {
        panic!("{error}");
    };
    assert_eq!((*capacity, callbacks.len(), why), (2048, 2048, &GrowthError::Unsupported));
    let convention = Convention::native().expect("a supported platform");
    assert_eq!(
        error.to_string(),
        format!(
            "all 2048 callbacks of convention {convention} are in use; drop some first: this \
             operating system does not map a program's code a second time"
        )
    );
    drop(callbacks.swap_remove(1000));
    let one_more = number(7).expect("there is room again");
    assert_eq!(call(&one_more), 7);
    assert!(number(8).is_err());
    for (n, callback) in callbacks.iter().enumerate() {
        assert_eq!(call(callback), if n == 1000 { 2047 } else { n });
    }
}

#[test]
fn a_closure_is_dropped_with_its_callback() {
    let _turn = POOL.lock().expect("no panic");
    let captured = Arc::new(());
    let copy = Arc::clone(&captured);
    let callback = Callback::new(move || -> usize { Arc::strong_count(&copy) }).expect("room");
    assert_eq!(call(&callback), 2);
    drop(callback);
    assert_eq!(Arc::strong_count(&captured), 1);
    // Also when none can be made of it.
    let copy = Arc::clone(&captured);
    let options = Callback::options().on_panic(OnPanic::returning(0_u8));
    assert!(options.create(move || -> usize { Arc::strong_count(&copy) }).is_err());
    assert_eq!(Arc::strong_count(&captured), 1);
}

#[test]
fn many_threads_create_call_and_drop() {
    let _turn = POOL.lock().expect("no panic");
    let start = Barrier::new(8);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                for n in 0..2000 {
                    let callback = number(thread * 1_000_000 + n).expect("there is room");
                    assert_eq!(call(&callback), thread * 1_000_000 + n);
                }
            });
        }
    });
}

#[test]
fn one_callback_and_one_interface_serve_many_threads() {
    let _turn = POOL.lock().expect("no panic");
    let total = Arc::new(AtomicUsize::new(0));
    let adds = Arc::clone(&total);
    let callback = Callback::new(move |n: usize, x: f64| -> f64 {
        adds.fetch_add(n, Ordering::Relaxed);
        x * 2.0
    })
    .expect("there is room");
    let interface = CallInterface::new(Type::F64, [Type::USIZE, Type::F64]).expect("a signature");
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (callback, interface) = (&callback, &interface);
            scope.spawn(move || {
                for n in 0..10_000_usize {
                    let x = (thread * 10_000 + n) as f64;
                    let arguments: [Arg<'_>; 2] = [arg(&n), arg(&x)];
                    // SAFETY: the callback has the interface's signature.
                    let result = unsafe { interface.call::<f64>(callback.as_ptr(), &arguments) };
                    assert_eq!(result, Ok(2.0 * x));
                }
            });
        }
    });
    assert_eq!(total.load(Ordering::Relaxed), 8 * (0..10_000).sum::<usize>());
}

#[test]
fn a_dynamic_callback_reports_what_does_not_fit() {
    let _turn = POOL.lock().expect("no panic");
    let callback = Callback::dynamic(Type::I16, [Type::I32, Type::F64], |arguments, result| {
        let texts = [
            arguments.get::<f64>(0).unwrap_err().to_string(),
            arguments.get::<i64>(1).unwrap_err().to_string(),
            arguments.get::<i32>(2).unwrap_err().to_string(),
            arguments.read(0, &mut [0; 3]).unwrap_err().to_string(),
            result.set(1_i32).unwrap_err().to_string(),
            result.set_bytes(&[0]).unwrap_err().to_string(),
        ];
        let expected = [
            "argument 0: expected 4 bytes for `int32_t`, found 8",
            "argument 1: expected `double`, found `int64_t`",
            "argument 2: there are only 2 arguments",
            "argument 0: expected 4 bytes for `int32_t`, found 3",
            "return value: expected 2 bytes for `int16_t`, found 4",
            "return value: expected 2 bytes for `int16_t`, found 1",
        ];
        result.set(if texts == expected { -7_i16 } else { 7 }).expect("it fits");
    })
    .expect("there is room");
    // SAFETY: the callback has this type.
    let c = unsafe { callback.as_fn::<extern "C" fn(i32, f64) -> i16>() };
    assert_eq!(c(1, 2.0), -7);
}

/// `get` is safe: what it hands out has to be valid whatever bits C passed.
#[test]
fn a_dynamic_callback_hands_out_no_invalid_values() {
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Flag {
        set: bool,
    }
    // SAFETY: `repr(C)`, with this member.
    unsafe impl ffi::CType for Flag {
        fn c_type() -> Type {
            Type::structure("flag").field("set", Type::BOOL).build().expect("a C struct")
        }
    }
    let _turn = POOL.lock().expect("no panic");
    let byte = Type::structure("byte").field("b", Type::U8).build().expect("a C struct");
    let flag = Type::structure("other_name").field("f", Type::BOOL).build().expect("a C struct");
    let types = [Type::U8, Type::BOOL, Type::POINTER, byte, flag];
    let callback = Callback::dynamic(Type::BOOL, types, |arguments, result| {
        let refused = arguments.get::<bool>(0).is_err()
            && arguments.get::<Option<extern "C" fn()>>(2).is_err()
            && arguments.get::<extern "C" fn()>(2).is_err()
            && arguments.get::<Flag>(3).is_err();
        let given = arguments.get::<u8>(0) == Ok(7)
            && arguments.get::<bool>(1) == Ok(true)
            && arguments.get::<*const u8>(2) == Ok(std::ptr::null())
            && arguments.get::<Flag>(4).is_ok_and(|flag| flag.set);
        result.set(refused && given).expect("it fits");
    })
    .expect("there is room");
    // SAFETY: the callback has this type; each struct is one byte.
    let c = unsafe { callback.as_fn::<extern "C" fn(u8, u8, usize, u8, u8) -> bool>() };
    assert!(c(7, 1, 0, 7, 1));
}

#[test]
fn a_result_that_is_not_set_is_zero() {
    let _turn = POOL.lock().expect("no panic");
    let callback = Callback::dynamic(Type::I64, [], |_, _| {}).expect("there is room");
    // SAFETY: the callback has this type.
    assert_eq!(unsafe { callback.as_fn::<extern "C" fn() -> i64>()() }, 0);
}

/// A closure's plan is made once for each signature; the convention is a part of that.
#[cfg(target_arch = "x86_64")]
#[test]
fn the_same_closure_in_two_conventions_has_two_plans() {
    use ffi::{Convention, Win64};
    let _turn = POOL.lock().expect("no panic");
    let implementation = |convention| ffi::implementation(convention).expect("both run here");
    let closure = |a: i32, b: f64| -> f64 { f64::from(a) - b };
    for _ in 0..2 {
        let sysv = ffi_callback::Callback::new(implementation(Convention::SysV), closure);
        let win64 = Convention::Win64(Win64::Gnu);
        let win64 = ffi_callback::Callback::new(implementation(win64), closure);
        let (sysv, win64) = (sysv.expect("there is room"), win64.expect("there is room"));
        // SAFETY: each callback has the type, and is alive.
        unsafe {
            type SysV = extern "sysv64" fn(i32, f64) -> f64;
            type Win64 = extern "win64" fn(i32, f64) -> f64;
            assert_eq!(std::mem::transmute::<*const (), SysV>(sysv.as_ptr().cast())(5, 0.5), 4.5);
            assert_eq!(std::mem::transmute::<*const (), Win64>(win64.as_ptr().cast())(5, 0.5), 4.5);
        }
    }
}
