//! Rust structs and other Rust types by value, through calls and callbacks, against a library that
//! gcc and clang compiled.

use ffi::{CType, CallInterface, Callback, Declared, Function, Library, LongDouble, arg};
use ffi_tests::compile::{Compiler, compilers, shared_library};

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
double _Complex turned(double _Complex z) { return __real__ z * 1.0i - __imag__ z; }
double call_turned(double _Complex (*f)(double _Complex)) {
    double _Complex z = f(3 + 4.0i); return __real__ z + 10 * __imag__ z; }
float _Complex small(float _Complex z) { return z * 2; }
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

#[test]
fn complex_numbers_are_those_of_num_complex() {
    type Complex = num_complex::Complex<f64>;
    with_libraries(|library| {
        let turned = library.function("double _Complex turned(double _Complex)");
        let z = Complex::new(3.0, 4.0);
        // SAFETY: as declared.
        let result: Complex =
            unsafe { turned.expect("it is there").call(&[arg(&z)]) }.expect("it fits");
        assert_eq!(result, z * Complex::i());
        let small = library.function("float _Complex small(float _Complex)");
        let z = num_complex::Complex::<f32>::new(1.0, -2.0);
        // SAFETY: as declared.
        let result: num_complex::Complex<f32> =
            unsafe { small.expect("it is there").call(&[arg(&z)]) }.expect("it fits");
        assert_eq!(result, z + z);
        let callback = Callback::new(|z: Complex| z * 2.0).expect("a callback");
        let call = library.function("double call_turned(void *)").expect("it is there");
        // SAFETY: the function takes a callback of that signature.
        let sum: f64 = unsafe { call.call(&[arg(&callback.as_ptr())]) }.expect("it fits");
        assert_eq!(sum, 86.0);
    });
}

/// Not on Windows, whose convention has no such type; and gcc wants to be told that the processor
/// has one before it does arithmetic, so this does none.
#[cfg(not(windows))]
#[test]
fn half_floats_are_those_of_half() {
    let ty = half::f16::c_type();
    let callback = Callback::new(|x: half::f16| half::f16::from_f32(x.to_f32() * 2.0));
    let callback = callback.expect("a callback");
    let interface = CallInterface::new(ty.clone(), [ty]).expect("a C signature");
    let value = half::f16::from_f32(1.25);
    // SAFETY: the callback has that signature.
    let result: half::f16 =
        unsafe { interface.call(callback.as_ptr(), &[arg(&value)]) }.expect("it fits");
    assert_eq!(result.to_f32(), 2.5);
    assert_eq!(half::bf16::c_type(), ffi::Type::BF16);
}

/// C++'s empty class has a size and no value; GNU C's is `regressions`' `an_empty_struct_of_gnu_c`.
#[test]
fn an_empty_class_of_cpp() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let source = "struct empty {}; struct derived : empty { int x; };
        extern \"C\" int sum(int a, empty e, int b, empty f, int c) { return a + 10 * b + 100 * c; }
        extern \"C\" int after(empty e, double d, derived x) { return (int)d + x.x; }";
    // gcc may have no C++.
    let clang = compilers().into_iter().find(|compiler| compiler.command.contains("clang"));
    let clang = clang.expect("clang is there");
    let arguments = [clang.arguments, &["-x", "c++"]].concat().leak();
    let path =
        shared_library(Compiler { arguments, ..clang }, directory.path(), "empty_class", source);
    // SAFETY: the library is the one just compiled; it has no constructors.
    let library = unsafe { Library::open(&path) }.expect("the compiled library opens");
    let int = || ffi::Type::C_INT;
    let empty = ffi::Type::structure("empty").stated(1, 1).build().expect("C++'s empty class");
    let interface = CallInterface::new(int(), [int(), empty.clone(), int(), empty.clone(), int()]);
    let sum = Function::load(&library, "sum", &interface.expect("a signature"));
    let none = || ffi::Arg::bytes(&[0]);
    let values = [arg(&1_i32), none(), arg(&2_i32), none(), arg(&3_i32)];
    // SAFETY: the function has that signature.
    let sum = unsafe { sum.expect("it is there").call::<i32>(&values) };
    assert_eq!(sum, Ok(321));
    // A base that is empty takes no room in a derived class.
    let derived = ffi::Type::structure("derived").field("x", int()).build().expect("a type");
    let interface = CallInterface::new(int(), [empty, ffi::Type::F64, derived]);
    let after = Function::load(&library, "after", &interface.expect("a signature"));
    let x = 5_i32.to_ne_bytes();
    let values = [none(), arg(&2.0_f64), ffi::Arg::bytes(&x)];
    // SAFETY: the function has that signature.
    assert_eq!(unsafe { after.expect("it is there").call::<i32>(&values) }, Ok(7));
}

/// What is asked of the processor is what the standard library finds too.
#[cfg(target_arch = "x86_64")]
#[test]
fn large_vectors_are_refused_where_there_are_no_registers() {
    use std::arch::is_x86_feature_detected;
    for (size, there) in
        [(32, is_x86_feature_detected!("avx")), (64, is_x86_feature_detected!("avx512f"))]
    {
        let ty = ffi::Type::vector(ffi::Scalar::F32, size / 4).expect("a vector");
        let signature = ffi::Signature::new(ffi::Convention::SysV, ty.clone(), [ty]);
        match CallInterface::with_signature(signature.expect("a C signature")) {
            Ok(_) => assert!(there),
            Err(error) => {
                let text = error.to_string();
                assert!(!there && text.contains(&format!("a vector of {size} bytes needs AVX")));
            }
        }
    }
}
