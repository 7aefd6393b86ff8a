//! The C library's mathematics: floating-point arguments and results, and out-parameters.

use ffi::{CType, CallInterface, Context, Function, Type, arg};
use ffi_tests::system::{self, mathematics};
use std::ffi::c_long;

fn function<const N: usize>(name: &str, result: Type, arguments: [Type; N]) -> Function {
    let interface = CallInterface::new(result, arguments).expect("a C signature");
    Function::load(&mathematics(), name, &interface).expect("it is in the library")
}

/// Calls a function of `N` values of a type that returns one of it.
fn call<T: CType, const N: usize>(name: &str, values: [T; N]) -> T {
    let function = function(name, T::c_type(), [const { Type::VOID }; N].map(|_| T::c_type()));
    // SAFETY: the tests name functions of that type.
    unsafe { function.call(&values.each_ref().map(arg)) }.expect("the call fits")
}

#[test]
fn one_two_and_three_doubles() {
    assert_eq!(call("sqrt", [2.0_f64]), std::f64::consts::SQRT_2);
    assert_eq!(call("floor", [-2.5_f64]), -3.0);
    assert!((call("cbrt", [27.0_f64]) - 3.0).abs() < 1e-12);
    assert_eq!(call("pow", [2.0_f64, 10.0]), 1024.0);
    assert_eq!(call("hypot", [3.0_f64, 4.0]), 5.0);
    assert_eq!(call("copysign", [3.0_f64, -0.0]), -3.0);
    assert_eq!(call("fma", [2.0_f64, 3.0, 4.0]), 10.0);
}

#[test]
fn one_two_and_three_floats() {
    assert_eq!(call("sqrtf", [2.0_f32]), std::f32::consts::SQRT_2);
    assert_eq!(call("powf", [2.0_f32, -1.0]), 0.5);
    assert_eq!(call("fmaf", [2.0_f32, 3.0, 4.0]), 10.0);
}

/// Compares a function, on values of every magnitude, with the same one called statically, bit for
/// bit, and with Rust's own, which may be another implementation, to a few units in the last place.
macro_rules! agrees {
    ($float:ty, $($name:literal $rust:expr, ($($x:ident $ty:ty),+);)+) => {$({
        let library = mathematics();
        // SAFETY: the tests name functions of that type.
        let exact = unsafe { library.get::<extern "C" fn($($ty),+) -> $float>($name) };
        let exact = exact.expect("it is in the library");
        let dynamic = function($name, <$float>::c_type(), [$(<$ty>::c_type()),+]);
        let rust: fn($($ty),+) -> $float = $rust;
        let mut rng = fastrand::Rng::with_seed(7);
        for _ in 0..500 {
            $(let $x = ((rng.f64() - 0.5) * f64::from(rng.i32(-30..30)).exp2()) as $float;)+
            // SAFETY: as above.
            let found: $float = unsafe { dynamic.call(&[$(arg(&$x)),+]) }.expect("it fits");
            let call = format!("{}{:?}", $name, ($($x),+,));
            assert_eq!(found.to_bits(), exact($($x),+).to_bits(), "{call}");
            let close = rust($($x),+);
            // Rust's own are MinGW's on Windows, of which some come from the processor's
            // instructions, and those are less exact.
            let room = if cfg!(windows) { 1e-6 } else { 4.0 * <$float>::EPSILON } * close.abs();
            let same = found == close || (found - close).abs() <= room;
            assert!(same || (found.is_nan() && close.is_nan()), "{call} = {found:?} {close:?}");
        }
    })+};
}

#[test]
fn doubles_agree_with_rust_on_many_values() {
    agrees! { f64,
        "sin" f64::sin, (x f64);
        "tan" f64::tan, (x f64);
        "exp" f64::exp, (x f64);
        "log" f64::ln, (x f64);
        "cbrt" f64::cbrt, (x f64);
        "sinh" f64::sinh, (x f64);
        "log1p" f64::ln_1p, (x f64);
        "trunc" f64::trunc, (x f64);
        "pow" f64::powf, (x f64, y f64);
        "atan2" f64::atan2, (x f64, y f64);
        "hypot" f64::hypot, (x f64, y f64);
        "fmod" |x, y| x % y, (x f64, y f64);
        "fma" f64::mul_add, (x f64, y f64, z f64);
    }
}

#[test]
fn floats_agree_with_rust_on_many_values() {
    agrees! { f32,
        "sinf" f32::sin, (x f32);
        "tanf" f32::tan, (x f32);
        "expf" f32::exp, (x f32);
        "logf" f32::ln, (x f32);
        "cbrtf" f32::cbrt, (x f32);
        "truncf" f32::trunc, (x f32);
        "powf" f32::powf, (x f32, y f32);
        "atan2f" f32::atan2, (x f32, y f32);
        "fmodf" |x, y| x % y, (x f32, y f32);
        "fmaf" f32::mul_add, (x f32, y f32, z f32);
    }
    #[cfg(unix)]
    agrees! { f32, "hypotf" f32::hypot, (x f32, y f32); }
    #[cfg(windows)]
    agrees! { f32, "_hypotf" f32::hypot, (x f32, y f32); }
}

#[test]
fn special_values_come_through_as_they_are() {
    assert!(call("sqrt", [-1.0_f64]).is_nan());
    assert_eq!(call("fabs", [-0.0_f64]).to_bits(), 0);
    assert_eq!(call("nextafter", [0.0_f64, 1.0]).to_bits(), 1);
    assert_eq!(call("exp", [f64::NEG_INFINITY]), 0.0);
}

#[test]
fn frexp_and_modf_write_through_pointers() {
    let frexp = function("frexp", Type::F64, [Type::F64, Type::POINTER]);
    let mut exponent = 0_i32;
    let at = &raw mut exponent;
    // SAFETY: `double frexp(double, int *)`.
    assert_eq!(unsafe { frexp.call::<f64>(&[arg(&48.0_f64), arg(&at)]) }, Ok(0.75));
    assert_eq!(exponent, 6);

    let modf = function("modf", Type::F64, [Type::F64, Type::POINTER]);
    let mut whole = 0.0_f64;
    let at = &raw mut whole;
    // SAFETY: `double modf(double, double *)`.
    assert_eq!(unsafe { modf.call::<f64>(&[arg(&-3.25_f64), arg(&at)]) }, Ok(-0.25));
    assert_eq!(whole, -3.0);

    // Windows has it in a header alone.
    #[cfg(unix)]
    {
        let frexpf = function("frexpf", Type::F32, [Type::F32, Type::POINTER]);
        let at = &raw mut exponent;
        // SAFETY: `float frexpf(float, int *)`.
        assert_eq!(unsafe { frexpf.call::<f32>(&[arg(&-0.3125_f32), arg(&at)]) }, Ok(-0.625));
        assert_eq!(exponent, -1);
    }

    // Two floats side by side: only the first may be written.
    let modff = function("modff", Type::F32, [Type::F32, Type::POINTER]);
    let mut wholes = [0.0_f32, 9.0];
    let at = wholes.as_mut_ptr();
    // SAFETY: `float modff(float, float *)`.
    assert_eq!(unsafe { modff.call::<f32>(&[arg(&7.5_f32), arg(&at)]) }, Ok(0.5));
    assert_eq!(wholes, [7.0, 9.0]);
}

#[test]
fn integers_and_floating_point_numbers_mix() {
    let ldexp = function("ldexp", Type::F64, [Type::F64, Type::C_INT]);
    // SAFETY: `double ldexp(double, int)`.
    assert_eq!(unsafe { ldexp.call::<f64>(&[arg(&0.75_f64), arg(&6_i32)]) }, Ok(48.0));
    let lrint = function("lrint", Type::C_LONG, [Type::F64]);
    // SAFETY: `long lrint(double)`.
    assert_eq!(unsafe { lrint.call::<c_long>(&[arg(&-7.0_f64)]) }, Ok(-7));
}

#[test]
fn a_domain_error_is_in_errno() {
    // On Windows the mathematics of the C library whose `errno` this is; on Linux `libm` has none.
    let log = if cfg!(windows) {
        system::function("log", Type::F64, [Type::F64])
    } else {
        function("log", Type::F64, [Type::F64])
    };
    // SAFETY: `double log(double)`.
    let result = unsafe { log.call_errno::<f64>(&Context::new(), &[arg(&-1.0_f64)]) };
    let result = result.expect("the call fits");
    assert!(result.value.is_nan());
    assert_eq!(result.errno.0, libc::EDOM);
}

#[test]
fn the_static_way_gives_the_same_as_the_dynamic_one() {
    let library = mathematics();
    // SAFETY: `double atan2(double, double)`.
    let atan2 = unsafe { library.get::<extern "C" fn(f64, f64) -> f64>("atan2") }.expect("there");
    assert_eq!(atan2(1.0, 2.0).to_bits(), call("atan2", [1.0_f64, 2.0]).to_bits());
}
