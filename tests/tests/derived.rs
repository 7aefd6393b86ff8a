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

/// By the library's own declarations: Rust's structs are as good as C's of another name.
#[test]
fn declared_functions_take_and_return_structs() {
    let declarations = SOURCE.lines().take_while(|line| !line.ends_with('{')).collect::<String>();
    let header = ffi::Header::parse(&(declarations + "rect around(point p, double by);"));
    let header = header.expect("it is C");
    with_libraries(|library| {
        let bindings = library.bind(&header).expect("the library has it");
        let around = bindings.function("around").expect("it is declared");
        let point = Point { x: 1.0, y: 2.0 };
        // SAFETY: as declared, and any bits make a `Rect`.
        let rect: Rect = unsafe { around.call(&[arg(&point), arg(&0.5)]) }.expect("it fits");
        assert_eq!(rect, AROUND);
        // SAFETY: nothing is called.
        let error = unsafe { around.call::<Rect>(&[arg(&four([0.0; 4])), arg(&0.5)]) };
        let error = error.unwrap_err().to_string();
        let found = "found `float __attribute__((vector_size(16)))`";
        assert_eq!(
            error,
            format!("argument 0: expected `struct {{ double x; double y; }}`, {found}")
        );
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

#[derive(Debug, Clone, Copy, PartialEq, CType)]
#[repr(u16)]
enum Level {
    Low = 1,
    High = 500,
}

#[derive(Debug, Clone, Copy, PartialEq, CType)]
#[repr(C)]
struct Marked {
    levels: [Level; 2],
}

/// Rust's enums have no other values than the declared ones, and C's have: safe code reads numbers.
#[test]
fn safe_code_reads_no_enum_out_of_bytes() {
    let ty = ffi::Type::structure("s").field("level", ffi::Type::U16).field("m", Marked::c_type());
    let mut value = ffi::Value::new(&ty.build().expect("a struct")).expect("memory");
    value.set("level", Level::High).expect("a number");
    assert_eq!(value.get::<u16>("level"), Ok(500));
    value.set("level", 7_u16).expect("a number");
    let error = value.get::<Level>("level").unwrap_err().to_string();
    assert_eq!(
        error,
        "`level`: expected `uint16_t`, found `derived::Level, which does not take every value`"
    );
    assert!(
        value.get::<Marked>("m").is_err()
            && value.set("m", Marked { levels: [Level::Low; 2] }).is_ok()
    );
}

#[test]
fn enums_go_both_ways_by_their_integers() {
    let callback = Callback::new(|level: Level, marked: Marked| -> Level {
        assert_eq!(marked.levels, [Level::High, Level::Low]);
        if level == Level::Low { Level::High } else { Level::Low }
    });
    let callback = callback.expect("a callback");
    assert_eq!(callback.signature().arguments()[0], ffi::Type::U16);
    let types = || [Level::c_type(), Marked::c_type()];
    let interface = CallInterface::new(Level::c_type(), types()).expect("a C signature");
    let marked = Marked { levels: [Level::High, Level::Low] };
    // SAFETY: the callback has that signature, and returns what is declared.
    let level: Level =
        unsafe { interface.call(callback.as_ptr(), &[arg(&Level::Low), arg(&marked)]) }
            .expect("it fits");
    assert_eq!(level, Level::High);

    // Nobody has promised anything of a number.
    let callback = Callback::dynamic(Level::c_type(), types(), |arguments, result| {
        assert!(arguments.get::<Level>(0).is_err() && arguments.get::<Marked>(1).is_err());
        result.set(arguments.get::<u16>(0).expect("a number") + 1).expect("a number");
    });
    let callback = callback.expect("a callback");
    // SAFETY: the callback has that signature.
    let number: u16 = unsafe { interface.call(callback.as_ptr(), &[arg(&500_u16), arg(&marked)]) }
        .expect("it fits");
    assert_eq!(number, 501);
}

/// What the derive's own text must not get in the way of.
mod odd {
    use ffi::CType;

    const LAYOUT: usize = 2;
    const TYPE: usize = 3;

    #[derive(Clone, Copy, CType)]
    #[repr(C)]
    pub(super) struct r#Type {
        next: *mut Self,
        visit: Option<extern "C" fn(*mut Self) -> i32>,
        counts: [[u16; LAYOUT]; TYPE],
    }

    macro_rules! record {
        ($name:ident { $($field:ident: $ty:ty),* }) => {
            #[derive(Clone, Copy, CType)]
            #[repr(C)]
            pub(super) struct $name {
                $($field: $ty),*
            }
        };
    }

    record!(Made { bytes: [u8; 4], grid: [[i16; LAYOUT]; 2], truth: bool });
}

#[test]
fn types_may_name_themselves_and_come_out_of_macros() {
    let text = odd::Type::c_type().to_string();
    assert_eq!(text, "struct Type { void *next; void *visit; uint16_t counts[3][2]; }");
    let text = odd::Made::c_type().to_string();
    assert_eq!(text, "struct Made { uint8_t bytes[4]; int16_t grid[2][2]; bool truth; }");
}
