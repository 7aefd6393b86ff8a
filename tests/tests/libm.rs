//! The C library's mathematics: floating-point arguments and results, and out-parameters.

use ffi::{CType, CallInterface, Context, Function, Library, Type, arg};

fn libm() -> Library {
    // SAFETY: it has no constructors that could do harm.
    unsafe { Library::open("libm.so.6") }.expect("libm.so.6, of the package libc6")
}

fn function<const N: usize>(name: &str, result: Type, arguments: [Type; N]) -> Function {
    let interface = CallInterface::new(result, arguments).expect("a C signature");
    Function::load(&libm(), name, &interface).expect("it is in the library")
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
}

#[test]
fn integers_and_floating_point_numbers_mix() {
    let ldexp = function("ldexp", Type::F64, [Type::F64, Type::C_INT]);
    // SAFETY: `double ldexp(double, int)`.
    assert_eq!(unsafe { ldexp.call::<f64>(&[arg(&0.75_f64), arg(&6_i32)]) }, Ok(48.0));
    let lrint = function("lrint", Type::C_LONG, [Type::F64]);
    // SAFETY: `long lrint(double)`.
    assert_eq!(unsafe { lrint.call::<i64>(&[arg(&-7.0_f64)]) }, Ok(-7));
}

#[test]
fn a_domain_error_is_in_errno() {
    let log = function("log", Type::F64, [Type::F64]);
    // SAFETY: `double log(double)`.
    let result = unsafe { log.call_errno::<f64>(&Context::new(), &[arg(&-1.0_f64)]) };
    let result = result.expect("the call fits");
    assert!(result.value.is_nan());
    assert_eq!(result.errno.0, libc::EDOM);
}

#[test]
fn the_static_way_gives_the_same_as_the_dynamic_one() {
    let library = libm();
    // SAFETY: `double atan2(double, double)`.
    let atan2 = unsafe { library.get::<extern "C" fn(f64, f64) -> f64>("atan2") }.expect("there");
    assert_eq!(atan2(1.0, 2.0).to_bits(), call("atan2", [1.0_f64, 2.0]).to_bits());
}
