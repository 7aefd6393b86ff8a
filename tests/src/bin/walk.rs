//! What debuggers and profilers walk the stack of: from a callback through C and the trampolines to
//! `main`. Its argument is a library with `through_c`, which calls the callback it is given; with a
//! second one the callback takes that many milliseconds.

use ffi::{CallInterface, Callback, Library, Type};
use std::ffi::{c_int, c_void};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Where a debugger stops.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn inside_the_callback(milliseconds: u64) -> c_int {
    let start = Instant::now();
    let mut turns = 0_u64;
    while start.elapsed() < Duration::from_millis(milliseconds) {
        (0..100_000_u64).for_each(|n| turns = turns.wrapping_add(black_box(n)));
    }
    black_box(turns);
    black_box(1)
}

/// Calls C with so many integers behind the callback.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn start_of_the_walk(function: *const c_void, callback: &Callback, integers: usize) {
    let types = [vec![Type::POINTER], vec![Type::C_INT; integers]].concat();
    let interface = CallInterface::new(Type::C_INT, types).expect("a C signature");
    let (pointer, number, mut result) = (callback.as_ptr(), 1 as c_int, 0_i64);
    let mut arguments: Vec<*const c_void> = vec![(&raw const pointer).cast()];
    arguments.resize(1 + integers, (&raw const number).cast());
    // SAFETY: a function may be given more integers than it takes; the first is the callback.
    unsafe { interface.invoke(function, &arguments, (&raw mut result).cast()) }.expect("it fits");
    assert_eq!(black_box(result), 2);
}

fn main() {
    let mut words = std::env::args().skip(1);
    let library = words.next().expect("the library with `through_c`");
    let milliseconds = words.next().map_or(0, |number| number.parse().expect("a number"));
    // SAFETY: nothing runs when it is opened.
    let library = unsafe { Library::open(library) }.expect("a library");
    let function = library.symbol("through_c").expect("the library has it").as_ptr();
    let callback =
        Callback::new(move |n: c_int| n * inside_the_callback(milliseconds)).expect("a callback");
    // By steps, and by way of an image, whose trampoline has a frame.
    for integers in [1, 40] {
        start_of_the_walk(function, &callback, integers);
    }
    black_box(callback);
}
