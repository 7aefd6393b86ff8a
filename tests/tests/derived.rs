//! Rust structs and other Rust types by value, through calls and callbacks, against a library that
//! gcc and clang compiled.

use ffi::{CType, CallInterface, Callback, Declared, Function, Library, LongDouble, arg};
use ffi_tests::compile::{compilers, shared_library};

#[derive(Debug, Clone, Copy, PartialEq, CType)]
#[repr(C)]
struct Point {
    x: f64,
    y: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, CType)]
#[repr(C)]
struct Rect {
    least: Point,
    most: Point,
    label: [u8; 3],
}

const SOURCE: &str = "
typedef struct { double x, y; } point;
typedef struct { point least, most; unsigned char label[3]; } rect;
typedef rect around_type(point, double);
rect around(point p, double by) {
    rect r = {{p.x - by, p.y - by}, {p.x + by, p.y + by}, {'a', 'b', 'c'}};
    return r;
}
double call_around(around_type *f) {
    point p = {1, 2};
    rect r = f(p, 0.5);
    return r.least.x + 10 * r.least.y + 100 * r.most.x + 1000 * r.most.y + r.label[1];
}
long double half(long double x) { return x / 2; }
long double call_half(long double (*f)(long double)) { return f(5) + 1; }
typedef float four __attribute__((vector_size(16)));
four twice(four v) { return v + v; }
four call_twice(four (*f)(four)) { four v = {1, 2, 3, 4}; return f(v) + 1; }
#ifdef __SIZEOF_INT128__
__int128 negated(long n, __int128 x) { return n - x; }
__int128 call_negated(__int128 (*f)(long, __int128)) { return f(1, (__int128)5 << 100); }
#endif
";

/// Runs a test with the library that each compiler makes.
fn with_libraries(test: impl Fn(&Library)) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for compiler in compilers() {
        let path = shared_library(compiler, directory.path(), "derived", SOURCE);
        // SAFETY: the library is the one just compiled; it has no constructors.
        test(&unsafe { Library::open(&path) }.expect("the compiled library opens"));
    }
}

const AROUND: Rect =
    Rect { least: Point { x: 0.5, y: 1.5 }, most: Point { x: 1.5, y: 2.5 }, label: *b"abc" };

#[test]
fn structs_go_and_come_by_value() {
    with_libraries(|library| {
        let interface = CallInterface::new(Rect::c_type(), [Point::c_type(), f64::c_type()]);
        let around = Function::load(library, "around", &interface.expect("a C signature"));
        let around = around.expect("the library has it");
        // SAFETY: `rect around(point, double)`, and any bits make a `Rect`.
        let rect: Rect = unsafe { around.call(&[arg(&Point { x: 1.0, y: 2.0 }), arg(&0.5)]) }
            .expect("the call fits");
        assert_eq!(rect, AROUND);

        // The static form: Rust's own call.
        type Around = unsafe extern "C" fn(Point, f64) -> Rect;
        // SAFETY: the function has that type.
        let symbol = unsafe { library.get::<Around>("around") }.expect("the library has it");
        // SAFETY: as above.
        assert_eq!(unsafe { symbol(Point { x: 1.0, y: 2.0 }, 0.5) }, AROUND);
    });
}

#[test]
fn closures_take_and_return_structs() {
    with_libraries(|library| {
        let callback = Callback::new(|p: Point, by: f64| -> Rect {
            let corner = |by: f64| Point { x: p.x + by, y: p.y + by };
            Rect { least: corner(-by), most: corner(by), label: *b"abc" }
        });
        let callback = callback.expect("a callback");
        let declared = library.function("double call_around(void *)").expect("it is there");
        // SAFETY: the function takes a callback of that signature.
        let sum: f64 = unsafe { declared.call(&[arg(&callback.as_ptr())]) }.expect("it fits");
        assert_eq!(sum, 0.5 + 15.0 + 150.0 + 2500.0 + f64::from(b'b'));
    });
}

#[test]
fn long_double_goes_both_ways() {
    with_libraries(|library| {
        let declared = library.function("long double half(long double)").expect("it is there");
        // SAFETY: as declared.
        let half: LongDouble =
            unsafe { declared.call(&[arg(&LongDouble::from(5.0))]) }.expect("it fits");
        assert_eq!(f64::from(half), 2.5);
        let callback = Callback::new(|x: LongDouble| LongDouble::from(f64::from(x) * 3.0));
        let callback = callback.expect("a callback");
        let declared = library.function("long double call_half(void *)").expect("it is there");
        // SAFETY: the function takes a callback of that signature.
        let sum: LongDouble =
            unsafe { declared.call(&[arg(&callback.as_ptr())]) }.expect("it fits");
        assert_eq!(f64::from(sum), 16.0);
    });
}

#[test]
fn int128_goes_both_ways_and_is_aligned_in_closures() {
    with_libraries(|library| {
        let text = "__int128 negated(long, __int128)";
        let declared = library.function(text).expect("it is there");
        let long = |n: i64| n.to_le_bytes();
        let n = long(7);
        let size = ffi::Type::C_LONG.size();
        let x = -(3_i128 << 90);
        // SAFETY: as declared.
        let result: i128 =
            unsafe { declared.call(&[ffi::Arg::bytes(&n[..size]), arg(&x)]) }.expect("it fits");
        assert_eq!(result, 7 - x);
        let callback = Callback::new(|n: core::ffi::c_long, x: i128| {
            assert!((&raw const x).is_aligned());
            i128::from(n) - x
        });
        let callback = callback.expect("a callback");
        let declared = library.function("__int128 call_negated(void *)").expect("it is there");
        // SAFETY: the function takes a callback of that signature.
        let result: i128 = unsafe { declared.call(&[arg(&callback.as_ptr())]) }.expect("it fits");
        assert_eq!(result, 1 - (5_i128 << 100));
    });
}

#[cfg(target_arch = "aarch64")]
use std::arch::aarch64::float32x4_t as Four;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::__m128 as Four;

fn four(lanes: [f32; 4]) -> Four {
    // SAFETY: the vector is four floats, the first lane first.
    unsafe { std::mem::transmute(lanes) }
}

fn lanes(four: Four) -> [f32; 4] {
    // SAFETY: as above.
    unsafe { std::mem::transmute(four) }
}

#[test]
fn vectors_go_both_ways() {
    with_libraries(|library| {
        let interface = CallInterface::new(Four::c_type(), [Four::c_type()]).expect("a signature");
        let twice = Function::load(library, "twice", &interface).expect("the library has it");
        // SAFETY: the function has that signature.
        let result: Four =
            unsafe { twice.call(&[arg(&four([1.0, 2.0, 3.0, 4.0]))]) }.expect("it fits");
        assert_eq!(lanes(result), [2.0, 4.0, 6.0, 8.0]);

        let callback = Callback::new(|v: Four| four(lanes(v).map(|lane| lane * 10.0)));
        let callback = callback.expect("a callback");
        let interface = CallInterface::new(Four::c_type(), [ffi::Type::POINTER]);
        let call = Function::load(library, "call_twice", &interface.expect("a signature"));
        // SAFETY: the function takes a callback of that signature.
        let result: Four = unsafe { call.expect("it is there").call(&[arg(&callback.as_ptr())]) }
            .expect("it fits");
        assert_eq!(lanes(result), [11.0, 21.0, 31.0, 41.0]);
    });
}
