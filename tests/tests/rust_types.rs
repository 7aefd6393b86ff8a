//! Rust's types for C's less usual ones in callbacks: through closures' own types and through
//! run-time types, called by a `CallInterface` and by Rust's `extern "C"`.

use ffi::{CType, CallInterface, Callback, InterfaceReason, LongDouble, Scalar, Type, arg};
use num_complex::Complex;

#[cfg(target_arch = "aarch64")]
use std::arch::aarch64::float32x4_t as Four;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::__m128 as Four;

/// A value and where the closure saw it.
#[track_caller]
fn assert_aligned<T: CType>(value: &T, name: &str) {
    assert!(std::ptr::from_ref(value).is_aligned(), "{name} is at {value:p}");
}

/// Callbacks that return one of their arguments, an inferred one and one with run-time types, both
/// called with a prepared interface. The others before it leave it no register of an even number.
fn assert_returned<T: CType>(value: T) {
    let name = std::any::type_name::<T>();
    let inferred = Callback::new(|a: i64, x: T, b: f64, y: T, c: i64| -> T {
        assert_aligned(&x, "x");
        assert_aligned(&y, "y");
        assert_eq!((a, b, c), (-1, 0.5, 7));
        y
    });
    let types = || [Type::I64, T::c_type(), Type::F64, T::c_type(), Type::I64];
    let dynamic = Callback::dynamic(T::c_type(), types(), |arguments, result| {
        let (a, b): (i64, f64) = (arguments.get(0).unwrap(), arguments.get(2).unwrap());
        assert_eq!((a, b, arguments.get(4)), (-1, 0.5, Ok(7_i64)));
        let y: T = arguments.get(3).expect("it is one");
        assert_aligned(&y, "y");
        result.set(y).expect("it is one");
    });
    let interface = CallInterface::new(T::c_type(), types()).expect("a C signature");
    // SAFETY: any bits make a `T`.
    let other: T = unsafe { std::mem::zeroed() };
    for callback in [inferred, dynamic] {
        let callback = callback.expect("a callback");
        let arguments = [arg(&-1_i64), arg(&other), arg(&0.5), arg(&value), arg(&7_i64)];
        // SAFETY: the callback has that signature.
        let found: T = unsafe { interface.call(callback.as_ptr(), &arguments) }.expect("it fits");
        assert_eq!(bytes(&found), bytes(&value), "{name} by {callback:?}");
    }
}

/// Those that hold the value.
fn bytes<T: CType>(value: &T) -> &[u8] {
    let size = T::SCALAR.map_or(size_of::<T>(), Scalar::value_size);
    // SAFETY: the types of this file have that many bytes without padding among them.
    unsafe { std::slice::from_raw_parts(std::ptr::from_ref(value).cast(), size) }
}

/// Different in each byte.
const NUMBER: i128 = 0x0123_4567_89ab_cdef_1032_5476_98ba_dcfe;

fn four(lanes: [f32; 4]) -> Four {
    // SAFETY: the vector is four floats, the first lane first.
    unsafe { std::mem::transmute(lanes) }
}

#[test]
fn callbacks_take_and_return_each() {
    assert_returned(-NUMBER);
    assert_returned(NUMBER as u128);
    assert_returned(LongDouble::from(-1.0 / 3.0));
    assert_returned(Complex::new(1.5_f32, -2.5));
    assert_returned(Complex::new(1.5_f64, -2.5));
    assert_returned(four([1.0, 2.0, 3.0, 4.0]));
    #[cfg(not(windows))]
    {
        assert_returned(half::f16::from_f32(1.5));
        assert_returned(half::bf16::from_f32(-2.5));
    }
}

/// Twice 10 bytes with 6 of padding behind each, by x87's registers or in memory.
#[test]
fn complex_long_doubles_go_both_ways() {
    type Long = Complex<LongDouble>;
    let callback = Callback::new(|n: i32, z: Long| -> Long {
        assert_aligned(&z, "z");
        Complex::new(LongDouble::from(z.im.to_f64() * f64::from(n)), z.re)
    });
    let callback = callback.expect("a callback");
    let interface = CallInterface::new(Long::c_type(), [Type::I32, Long::c_type()]);
    let z = Complex::new(LongDouble::from(1.5), LongDouble::from(-2.5));
    // SAFETY: the callback has that signature.
    let found: Long =
        unsafe { interface.expect("a C signature").call(callback.as_ptr(), &[arg(&3), arg(&z)]) }
            .expect("it fits");
    assert_eq!((found.re.to_f64(), found.im.to_f64()), (-7.5, 1.5));
    let text = if size_of::<Long>() == 16 { "double _Complex" } else { "long double _Complex" };
    assert_eq!(Long::c_type().to_string(), text);
}

/// Rust's own calls, by its own reading of the convention.
#[cfg(target_os = "linux")]
#[test]
fn rust_calls_the_callbacks_of_what_it_knows() {
    let callback = Callback::new(|a: i64, x: i128, y: u128| -> i128 {
        assert_aligned(&x, "x");
        i128::from(a) + x - y as i128
    });
    let callback = callback.expect("a callback");
    // SAFETY: the callback has that signature, and is alive.
    let function = unsafe { callback.as_fn::<extern "C" fn(i64, i128, u128) -> i128>() };
    assert_eq!(function(-5, NUMBER, 7), NUMBER - 12);

    // The last two have no registers left.
    type Many = extern "C" fn(u128, i128, i128, i128, i32, i128) -> u128;
    let callback = Callback::new(|a: u128, b: i128, c: i128, d: i128, e: i32, f: i128| -> u128 {
        [&b, &c, &d, &f].into_iter().for_each(|x| assert_aligned(x, "one"));
        a ^ b as u128 ^ c as u128 ^ d as u128 ^ e as u128 ^ f as u128
    });
    let callback = callback.expect("a callback");
    // SAFETY: as above.
    let function = unsafe { callback.as_fn::<Many>() };
    assert_eq!(function(1, 1 << 70, 1 << 80, 1 << 90, 1 << 20, 1 << 100), {
        1 | 1 << 70 | 1 << 80 | 1 << 90 | 1 << 20 | 1 << 100
    });

    let callback = Callback::new(|a: f64, v: Four| -> Four {
        assert_aligned(&v, "v");
        assert_eq!(a, 0.5);
        v
    });
    let callback = callback.expect("a callback");
    // SAFETY: as above.
    let function = unsafe { callback.as_fn::<extern "C" fn(f64, Four) -> Four>() };
    let v = four([1.0, 2.0, 3.0, 4.0]);
    assert_eq!(bytes(&function(0.5, v)), bytes(&v));
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[test]
fn rust_calls_callbacks_of_large_vectors() {
    use std::arch::x86_64::__m256i;

    /// # Safety
    /// The processor has AVX, and the callback is one of that type.
    #[target_feature(enable = "avx")]
    unsafe fn call(callback: &Callback, v: __m256i) -> __m256i {
        // SAFETY: the caller's.
        unsafe { callback.as_fn::<extern "C" fn(i32, __m256i) -> __m256i>()(1, v) }
    }

    if !std::arch::is_x86_feature_detected!("avx") {
        return;
    }
    let callback = Callback::new(|_: i32, v: __m256i| -> __m256i {
        assert_aligned(&v, "v");
        v
    });
    // SAFETY: any bits make a vector.
    let v = unsafe { std::mem::transmute::<[i128; 2], __m256i>([NUMBER, !NUMBER << 3]) };
    // SAFETY: asked above, and the callback has that signature.
    let found = unsafe { call(&callback.expect("a callback"), v) };
    assert_eq!(bytes(&found), bytes(&v));
}

/// Numbers, complex numbers, vectors and structs do not stand for each other, though all of these
/// have 16 bytes.
#[test]
fn kinds_are_told_apart() {
    let structure = || {
        let ty = Type::structure("pair").field("x", Type::F64).field("y", Type::F64);
        ty.build().expect("a struct")
    };
    let vector = |scalar: Scalar| Type::vector(scalar, 16 / scalar.size()).expect("a vector");
    let check = |ty: Type, found: &str| {
        let reasons = [
            ("__int128", ty.check_readable::<i128>()),
            ("double _Complex", ty.check_readable::<Complex<f64>>()),
            ("float __attribute__((vector_size(16)))", ty.check_readable::<Four>()),
            ("a struct or union", ty.check_value(16, None)),
        ];
        for (name, reason) in reasons {
            let kind = InterfaceReason::Kind { expected: ty.to_string(), found: name.into() };
            assert_eq!(reason, if name == found { Ok(()) } else { Err(kind) }, "{ty} {name}");
        }
    };
    check(Type::U128, "__int128");
    check(Type::COMPLEX_F64, "double _Complex");
    check(vector(Scalar::F32), "float __attribute__((vector_size(16)))");
    check(structure(), "a struct or union");
    // A vector's integers are what one takes them for; its floating-point numbers are not.
    check(vector(Scalar::I8), "");
    check(vector(Scalar::F64), "");
    #[cfg(target_arch = "x86_64")]
    {
        let [bytes, doubles] = [Scalar::U8, Scalar::F64].map(vector);
        assert_eq!(bytes.check_readable::<std::arch::x86_64::__m128i>(), Ok(()));
        assert!(doubles.check_readable::<std::arch::x86_64::__m128i>().is_err());
    }
}
