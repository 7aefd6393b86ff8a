//! Panics pass through calls, and backtraces walk through calls and callbacks: the trampolines'
//! unwind data is there and right.

use ffi::{CallInterface, Callback, Convention, Signature, Type};
use std::backtrace::Backtrace;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

fn interface(convention: Convention, result: Type, arguments: Vec<Type>) -> CallInterface {
    let signature = Signature::new(convention, result, arguments).expect("a C signature");
    CallInterface::with_signature(signature).expect("it can be called here")
}

/// The message of the panic that the call lets through.
fn message(
    convention: Convention,
    function: *const c_void,
    ty: Type,
    count: usize,
    value: u64,
) -> String {
    let interface = interface(convention, ty.clone(), vec![ty; count]);
    let arguments = vec![(&raw const value).cast(); count];
    let mut result = 0_u64;
    let caught = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the function takes `count` values of the type and returns one.
        unsafe { interface.invoke(function, &arguments, (&raw mut result).cast()) }
    }));
    let payload = caught.expect_err("it panicked");
    payload.downcast_ref::<String>().expect("a formatted message").clone()
}

#[inline(never)]
fn start_of_the_walk(
    interface: &CallInterface,
    function: *const c_void,
    callback: &Callback,
) -> f64 {
    let (pointer, mut result) = (callback.as_ptr(), 0.0_f64);
    let zero = 0_i64;
    let mut arguments: Vec<*const c_void> = vec![(&raw const pointer).cast()];
    arguments.resize(interface.signature().arguments().len(), (&raw const zero).cast());
    // SAFETY: a function may be given more integers than it takes; the first is the callback.
    unsafe { interface.invoke(function, &arguments, (&raw mut result).cast()) }.expect("it fits");
    result
}

fn walk(convention: Convention, middle: *const c_void) {
    let seen = Arc::new(Mutex::new(String::new()));
    let sink = Arc::clone(&seen);
    let signature = Signature::new(convention, Type::F64, [Type::F64]).expect("a C signature");
    let callback = Callback::with_signature(signature, move |arguments, result| {
        *sink.lock().expect("no panic") = Backtrace::force_capture().to_string();
        result.set(arguments.get::<f64>(0).expect("a double")).expect("a double");
    })
    .expect("a callback");
    let by_steps = ["callback_vector", "middle_of_the_walk", "start_of_the_walk"].as_slice();
    let by_image = &["callback_vector", "middle_of_the_walk", "call_stack", "start_of_the_walk"];
    // Whatever the convention, nine more integers need some of the stack; forty need more of it than
    // there are steps for, and steps have no frame of their own.
    for (integers, names) in [(9, by_steps), (40, by_image)] {
        let types = [vec![Type::POINTER], vec![Type::I64; integers]].concat();
        let interface = interface(convention, Type::F64, types);
        assert_eq!(start_of_the_walk(&interface, middle, &callback), 2.0);
        let text = seen.lock().expect("no panic");
        let at = |name: &&str| text.find(*name).unwrap_or_else(|| panic!("no {name} in:\n{text}"));
        let places: Vec<usize> = names.iter().map(at).collect();
        assert!(places.is_sorted(), "{names:?} are at {places:?} in:\n{text}");
    }
}

macro_rules! conventions {
    ($($name:ident: $abi:literal, $convention:expr, if $condition:meta;)*) => {
        $(#[cfg($condition)]
        mod $name {
            use super::*;

            extern $abi fn panics_on_registers(n: i64) -> i64 {
                panic!("registers {n}")
            }

            extern $abi fn panics_on_vectors(x: f64) -> f64 {
                panic!("vectors {x}")
            }

            extern $abi fn panics_on_the_stack(
                _: i64,
                _: i64,
                _: i64,
                _: i64,
                _: i64,
                _: i64,
                _: i64,
                _: i64,
                _: i64,
                last: i64,
            ) -> i64 {
                panic!("stack {last}")
            }

            /// Called through the library under test, and calls the callback that it is given.
            extern $abi fn middle_of_the_walk(callback: extern $abi fn(f64) -> f64) -> f64 {
                callback(1.0) + 1.0
            }

            #[test]
            fn a_panic_passes_through_every_kind_of_call() {
                let registers = panics_on_registers as *const c_void;
                assert_eq!(message($convention, registers, Type::I64, 1, 7), "registers 7");
                let vectors = panics_on_vectors as *const c_void;
                let x = 2.5_f64.to_bits();
                assert_eq!(message($convention, vectors, Type::F64, 1, x), "vectors 2.5");
                let stack = panics_on_the_stack as *const c_void;
                assert_eq!(message($convention, stack, Type::I64, 10, 9), "stack 9");
            }

            #[test]
            fn a_backtrace_walks_from_a_callback_through_c_to_the_caller() {
                walk($convention, middle_of_the_walk as *const c_void);
            }
        })*
    };
}

conventions! {
    own: "C-unwind", Convention::native().expect("a supported platform"), if all();
    sysv: "sysv64-unwind", Convention::SysV, if target_arch = "x86_64";
    win64: "win64-unwind", Convention::Win64(ffi::Win64::Msvc), if target_arch = "x86_64";
}
