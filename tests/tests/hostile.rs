//! Libraries whose constructors and destructors call closures of the program. The rest of what a
//! library may do is in `crates/ffi-dl/tests/hostile.rs`.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use ffi::{CType, Callback, Flags, Library};
use ffi_tests::compile::shared_library;
use ffi_tests::compilers;
use std::ffi::c_void;
use std::sync::{Arc, Mutex};

const SOURCE: &str = "
    typedef struct { double x; long n[3]; } large;
    extern large (*hostile_callback)(int, large);
    static large kept;
    __attribute__((constructor)) static void first(void) {
        large start = { 0.5, { 1, 2, 3 } };
        kept = hostile_callback(1, start);
    }
    __attribute__((destructor)) static void last(void) { hostile_callback(2, kept); }
    long answer(void) { return kept.n[2]; }";

#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, CType)]
struct Large {
    x: f64,
    n: [i64; 3],
}

/// Each opens, calls and closes another library from within the loader's own call.
#[test]
fn closures_called_while_opening_and_closing() {
    for compiler in compilers() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let compile = |name, source| shared_library(compiler, directory.path(), name, source);
        let inner = compile("inner", "int inner(void) { return 42; }");
        let calls = Arc::new(Mutex::new(Vec::new()));
        let callback = Callback::new({
            let calls = calls.clone();
            move |when: i32, large: Large| -> Large {
                // SAFETY: the library is the one above.
                let inner = unsafe { Library::open(&inner) }.expect("it opens");
                // SAFETY: `int inner(void)`.
                let found = unsafe { inner.get::<extern "C" fn() -> i32>("inner") };
                let number = found.expect("it is there")();
                inner.close().expect("nobody else holds it");
                calls.lock().expect("no panic").push((when, number, large));
                Large { x: large.x * 2.0, n: large.n.map(|n| n + 10) }
            }
        })
        .expect("a callback");
        let holder = compile("holder", "void *hostile_callback;");
        // SAFETY: it has a variable and no code.
        let holder = unsafe { Library::open_with(holder, Flags::NOW | Flags::GLOBAL) };
        let holder = holder.expect("it opens");
        let variable = holder.symbol("hostile_callback").expect("it is there").as_ptr();
        // SAFETY: the variable is a pointer, which nobody else looks at now.
        unsafe { variable.cast_mut().cast::<*const c_void>().write(callback.as_ptr()) };
        // SAFETY: it calls the closure by the type that it has.
        let library = unsafe { Library::open(compile("calls", SOURCE)) }.expect("it opens");
        let (start, next) = (Large { x: 0.5, n: [1, 2, 3] }, Large { x: 1.0, n: [11, 12, 13] });
        assert_eq!(*calls.lock().expect("no panic"), [(1, 42, start)]);
        // SAFETY: `long answer(void)`.
        let answer = unsafe { library.get::<extern "C" fn() -> i64>("answer") };
        assert_eq!(answer.expect("it is there")(), 13);
        library.close().expect("nobody else holds it");
        assert_eq!(*calls.lock().expect("no panic"), [(1, 42, start), (2, 42, next)]);
        holder.close().expect("nobody else holds it");
    }
}
