//! C++ exceptions pass through calls, to a C++ catcher beyond them, and Rust's panics through C++.

#![cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]

use ffi::{CallInterface, Convention, Library, Signature, Type, Win64};
use ffi_tests::compile::cxx_library;
use std::cell::Cell;
use std::ffi::{c_long, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

const SOURCE: &str = r#"
    static long destroyed;
    struct guard { ~guard() { destroyed++; } };

    extern "C" long destroyed_so_far() { return destroyed; }

    extern "C" long catch_around(void (*middle)(void *), void *data) {
        try {
            guard here;
            middle(data);
            return -1;
        } catch (long n) {
            return n;
        }
    }

    #define MS __attribute__((ms_abi))
    #define TEN long, long, long, long, long, long, long, long, long, long
    struct three { char bytes[3]; };

    #define THROWERS(abi, prefix)                                                            \
        extern "C" abi long prefix##_direct(long n) { guard here; throw n; }                 \
        extern "C" abi double prefix##_steps(long n, double) { guard here; throw n; }        \
        extern "C" abi long prefix##_image(three t) { guard here; throw long(t.bytes[2]); }  \
        extern "C" abi long prefix##_some_stack(TEN, long n) { guard here; throw n; }        \
        extern "C" abi long prefix##_stack(TEN, TEN, TEN, TEN, long n) { guard here; throw n; }
    THROWERS(, own)
    THROWERS(MS, ms)
    extern "C" long double own_wide(long double n) { guard here; throw long(n); }
    typedef double pair __attribute__((vector_size(16)));
    extern "C" MS pair ms_wide(long n) { guard here; throw n; }

    extern "C" long call_back(long (*function)(long), long n) { guard here; return function(n); }
"#;

/// A call that is not to return.
struct Call<'a> {
    interface: &'a CallInterface,
    function: *const c_void,
    arguments: &'a [*const c_void],
    dropped: &'a Cell<u32>,
}

struct Guard<'a>(&'a Cell<u32>);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

/// Between the catcher and the call.
extern "C-unwind" fn middle(call: &Call<'_>) {
    let _guard = Guard(call.dropped);
    let mut result = [0_u128; 4];
    // SAFETY: the function takes the arguments of the interface, and no result is that large.
    let outcome =
        unsafe { call.interface.invoke(call.function, call.arguments, (&raw mut result).cast()) };
    outcome.expect("the call fits");
}

type Middle = extern "C-unwind" fn(&Call<'_>);
type CatchAround = unsafe extern "C-unwind" fn(Middle, &Call<'_>) -> c_long;
type Destroyed = unsafe extern "C" fn() -> c_long;

/// Each library with the command that compiled it. One of the compilers has to be there, and in CI
/// both.
fn libraries(directory: &tempfile::TempDir) -> Vec<(&'static str, Library)> {
    let mut found = Vec::new();
    for command in ["g++", "clang++"] {
        match cxx_library(command, directory.path(), SOURCE) {
            // SAFETY: nothing runs when it is opened.
            Ok(path) => found.push((command, unsafe { Library::open(path) }.expect("a library"))),
            Err(message) => {
                assert!(std::env::var_os("CI").is_none(), "{command}: {message}");
                eprintln!("{command} cannot be used, and its exceptions are not tried: {message}");
            }
        }
    }
    assert!(!found.is_empty(), "there is no C++ compiler");
    found
}

fn address(library: &Library, name: &str) -> *const c_void {
    library.symbol(name).expect("the library has it").as_ptr()
}

#[test]
fn an_exception_passes_through_every_kind_of_call() {
    let directory = tempfile::tempdir().expect("room for temporary files");
    for (command, library) in libraries(&directory) {
        // SAFETY: they are functions of these types.
        let (catch_around, destroyed) = unsafe {
            (
                std::mem::transmute::<*const c_void, CatchAround>(address(
                    &library,
                    "catch_around",
                )),
                std::mem::transmute::<*const c_void, Destroyed>(address(
                    &library,
                    "destroyed_so_far",
                )),
            )
        };
        let byte = Type::array(Type::I8, 3).expect("an array");
        let three = Type::structure("three").field("bytes", byte).build().expect("a structure");
        let pair = Type::vector(ffi::Scalar::F64, 2).expect("a vector");
        let (long, double) = (Type::I64, Type::F64);
        for (prefix, convention) in
            [("own", Convention::SysV), ("ms", Convention::Win64(Win64::Gnu))]
        {
            let own = prefix == "own";
            let wide =
                if own { (Type::F80, vec![Type::F80]) } else { (pair.clone(), vec![long.clone()]) };
            let calls = [
                ("direct", long.clone(), vec![long.clone()]),
                ("steps", double.clone(), vec![long.clone(), double.clone()]),
                ("image", long.clone(), vec![three.clone()]),
                ("some_stack", long.clone(), vec![long.clone(); 11]),
                ("stack", long.clone(), vec![long.clone(); 41]),
                ("wide", wide.0, wide.1),
            ];
            for (name, result, types) in calls {
                let name = format!("{prefix}_{name}");
                // An integer, and a `long double` of the same value, each with the value thrown.
                let integer = 7_u128;
                let extended = 0x4001_e000_0000_0000_0000_u128;
                let bytes = [1_i8, 2, 7];
                let values: Vec<*const c_void> = types
                    .iter()
                    .map(|ty| match ty.size() {
                        3 => (&raw const bytes).cast(),
                        16 => (&raw const extended).cast(),
                        _ => (&raw const integer).cast(),
                    })
                    .collect();
                let signature = Signature::new(convention, result, types).expect("a C signature");
                let interface = CallInterface::with_signature(signature).expect("it can be called");
                let dropped = Cell::new(0);
                let call = Call {
                    interface: &interface,
                    function: address(&library, &name),
                    arguments: &values,
                    dropped: &dropped,
                };
                // SAFETY: the library catches what its functions throw.
                let (caught, after) = unsafe {
                    let before = destroyed();
                    let caught = catch_around(middle, &call);
                    (caught, destroyed() - before)
                };
                assert_eq!(caught, 7, "{command} {name}");
                assert_eq!(after, 2, "{command} {name}: both of C++'s frames were left");
                assert_eq!(dropped.get(), 1, "{command} {name}: Rust's frame was left");
            }
        }
    }
}

extern "C-unwind" fn panics(n: c_long) -> c_long {
    panic!("{n}")
}

#[test]
fn a_panic_passes_through_cpp_and_the_call() {
    let directory = tempfile::tempdir().expect("room for temporary files");
    for (command, library) in libraries(&directory) {
        // SAFETY: it is a function of this type.
        let destroyed = unsafe {
            std::mem::transmute::<*const c_void, Destroyed>(address(&library, "destroyed_so_far"))
        };
        let interface =
            CallInterface::new(Type::I64, [Type::POINTER, Type::I64]).expect("a signature");
        let (function, n) = (panics as extern "C-unwind" fn(c_long) -> c_long, 5_i64);
        let arguments = [(&raw const function).cast(), (&raw const n).cast()];
        let dropped = Cell::new(0);
        let function = address(&library, "call_back");
        let call =
            Call { interface: &interface, function, arguments: &arguments, dropped: &dropped };
        // SAFETY: it counts.
        let before = unsafe { destroyed() };
        let payload = catch_unwind(AssertUnwindSafe(|| middle(&call))).expect_err("it panics");
        assert_eq!(payload.downcast_ref::<String>().map(String::as_str), Some("5"), "{command}");
        // SAFETY: it counts.
        assert_eq!(unsafe { destroyed() } - before, 1, "{command}");
        assert_eq!(dropped.get(), 1, "{command}");
    }
}
