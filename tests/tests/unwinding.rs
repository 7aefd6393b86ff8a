//! Panics pass through calls, and backtraces walk through calls and callbacks: the trampolines'
//! unwind data is there and right.

use ffi::{CallInterface, Callback, Type};
use std::backtrace::Backtrace;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

extern "C-unwind" fn panics_on_registers(n: i64) -> i64 {
    panic!("registers {n}")
}

extern "C-unwind" fn panics_on_vectors(x: f64) -> f64 {
    panic!("vectors {x}")
}

extern "C-unwind" fn panics_on_the_stack(
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

/// The message of the panic that the call lets through.
fn message(function: *const c_void, ty: Type, count: usize, value: u64) -> String {
    let interface = CallInterface::new(ty.clone(), vec![ty; count]).expect("a C signature");
    let arguments = vec![(&raw const value).cast(); count];
    let mut result = 0_u64;
    let caught = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the function takes `count` values of the type and returns one.
        unsafe { interface.invoke(function, &arguments, (&raw mut result).cast()) }
    }));
    let payload = caught.expect_err("it panicked");
    payload.downcast_ref::<String>().expect("a formatted message").clone()
}

#[test]
fn a_panic_passes_through_every_kind_of_call() {
    let registers = message(panics_on_registers as *const c_void, Type::I64, 1, 7);
    assert_eq!(registers, "registers 7");
    let vectors = message(panics_on_vectors as *const c_void, Type::F64, 1, 2.5_f64.to_bits());
    assert_eq!(vectors, "vectors 2.5");
    assert_eq!(message(panics_on_the_stack as *const c_void, Type::I64, 10, 9), "stack 9");
}

/// Called through the library under test, and calls the callback that it is given.
extern "C" fn middle_of_the_walk(callback: extern "C" fn(f64) -> f64) -> f64 {
    callback(1.0) + 1.0
}

#[inline(never)]
fn start_of_the_walk(interface: &CallInterface, callback: &Callback) -> f64 {
    let (pointer, mut result) = (callback.as_ptr(), 0.0_f64);
    // The nine integers put the call on the stack, whatever the convention.
    let zero = 0_i64;
    let mut arguments: Vec<*const c_void> = vec![(&raw const pointer).cast()];
    arguments.resize(10, (&raw const zero).cast());
    let function = middle_of_the_walk as *const c_void;
    // SAFETY: a function may be given more integers than it takes; the first is the callback.
    unsafe { interface.invoke(function, &arguments, (&raw mut result).cast()) }.expect("it fits");
    result
}

#[test]
fn a_backtrace_walks_from_a_callback_through_c_to_the_caller() {
    let seen = Arc::new(Mutex::new(String::new()));
    let sink = Arc::clone(&seen);
    let callback = Callback::new(move |x: f64| -> f64 {
        *sink.lock().expect("no panic") = Backtrace::force_capture().to_string();
        x
    })
    .expect("a callback");
    let types = [vec![Type::POINTER], vec![Type::I64; 9]].concat();
    let interface = CallInterface::new(Type::F64, types).expect("a C signature");
    assert_eq!(start_of_the_walk(&interface, &callback), 2.0);
    let text = seen.lock().expect("no panic");
    let at = |name: &str| text.find(name).unwrap_or_else(|| panic!("no {name} in:\n{text}"));
    let names = ["callback_vector", "middle_of_the_walk", "call_stack", "start_of_the_walk"];
    let places = names.map(at);
    assert!(places.is_sorted(), "{names:?} are at {places:?} in:\n{text}");
}
