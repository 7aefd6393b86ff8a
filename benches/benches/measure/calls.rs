//! Calls: all contenders on each shape.

use crate::common::{Both, Large, Pair, Triple, bytes, group, other, shapes};
use crate::libffis::newest;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use ffi::{Arg, CType, CallInterface, Type, arg};
use ffi_benches::CALLS;
use libffi::middle::Cif;
use libffi::raw;
use std::ffi::{c_char, c_int, c_long, c_void};
use std::hint::black_box;

/// The three dynamic contenders on one function, which returns `expected`.
fn dynamic<R: CType>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    (name, expected): (&str, R),
    first_variadic: Option<usize>,
    types: &[Type],
    arguments: &[Arg<'_>],
    pointers: &[*const c_void],
) {
    let library = shapes();
    let function = black_box(library.symbol(name).expect("it is there").as_ptr());
    let interface = match first_variadic {
        Some(first) => CallInterface::variadic(R::c_type(), types.to_vec(), first),
        None => CallInterface::new(R::c_type(), types.to_vec()),
    }
    .expect("a C signature");
    let expected = bytes(&expected);
    // Large enough for each result, and for libffi's widened integers.
    let mut result = [0_u64; 8];
    let low = |result: &[u64; 8]| {
        let bytes = result.iter().flat_map(|word| word.to_le_bytes());
        bytes.take(size_of::<R>()).collect::<Vec<u8>>()
    };
    // SAFETY: the arguments are of the function's types, and the result has room.
    unsafe { interface.invoke_unchecked(function, pointers.as_ptr(), result.as_mut_ptr().cast()) };
    assert_eq!(low(&result), expected, "ffi");
    // SAFETY: as above.
    let value = unsafe { interface.call::<R>(function, arguments) }.expect("it fits");
    assert_eq!(bytes(&value), expected, "ffi, checked");
    group.bench_function("ffi", |b| {
        b.iter(|| {
            let (pointers, result) = (black_box(pointers), black_box(&mut result));
            // SAFETY: the arguments are of the function's types.
            unsafe {
                interface.invoke_unchecked(function, pointers.as_ptr(), result.as_mut_ptr().cast());
            }
        });
    });
    let plan = interface.plan();
    let implementation = ffi::implementation(plan.convention()).expect("the platform's own");
    let entry = implementation.image_entry(plan).expect("it can be called");
    let mut image = vec![0_u64; plan.image_size() / 8];
    let filled = image.as_mut_ptr().cast();
    // SAFETY: the image is the plan's; the rest is as above.
    unsafe { plan.store_arguments(pointers.as_ptr().cast(), result.as_mut_ptr().cast(), filled) };
    result = [0; 8];
    // SAFETY: as above.
    unsafe { entry(plan, function, image.as_ptr().cast(), result.as_mut_ptr().cast()) };
    assert_eq!(low(&result), expected, "image");
    group.bench_function("image", |b| {
        b.iter(|| {
            let (image, result) = (black_box(&image), black_box(&mut result));
            // SAFETY: as above.
            unsafe { entry(plan, function, image.as_ptr().cast(), result.as_mut_ptr().cast()) };
        });
    });
    group.bench_function("checked", |b| {
        // SAFETY: as above.
        b.iter(|| unsafe { interface.call::<R>(function, black_box(arguments)) });
    });
    let (kinds, returned) = (types.iter().map(other).collect::<Vec<_>>(), other(&R::c_type()));
    let cif = match first_variadic {
        Some(first) => Cif::new_variadic(kinds, first, returned),
        None => Cif::new(kinds, returned),
    };
    let cif = cif.as_raw_ptr();
    // SAFETY: libffi calls it by the types it is given.
    let function: unsafe extern "C" fn() = unsafe { std::mem::transmute(function) };
    theirs(group, "libffi", (&low, expected), pointers, &|result, pointers| {
        // SAFETY: as above.
        unsafe { raw::ffi_call(cif, Some(function), result, pointers) };
    });
    let Some(newest) = newest() else { return };
    // SAFETY: the crate's interface has so many types, and outlives what is prepared here.
    let mut cif = unsafe {
        let types = std::slice::from_raw_parts_mut((*cif).arg_types, (*cif).nargs as usize);
        newest.prepare(types, (*cif).rtype, first_variadic)
    };
    // SAFETY: the interface stays where it is.
    let Some(plan) = (unsafe { newest.plan(&raw mut cif) }) else { return };
    let (invoke, made) = plan.invoke();
    theirs(group, "newest", (&low, expected), pointers, &|result, pointers| {
        // SAFETY: as above.
        unsafe { invoke(made, function, result, pointers) };
    });
}

/// The bytes of a result, out of what may be widened.
type Low<'a> = &'a dyn Fn(&[u64; 8]) -> Vec<u8>;

/// A call by libffi. It has an array of its own: where a struct goes to memory, libffi leaves the
/// address of its copy there, which was on the stack and is the next call's argument.
fn theirs(
    group: &mut BenchmarkGroup<'_, WallTime>,
    contender: &str,
    (low, expected): (Low<'_>, &[u8]),
    pointers: &[*const c_void],
    call: &impl Fn(*mut c_void, *mut *mut c_void),
) {
    let mut result = [0_u64; 8];
    let mut pointers: Vec<*mut c_void> = pointers.iter().map(|at| at.cast_mut()).collect();
    call(result.as_mut_ptr().cast(), pointers.as_mut_ptr());
    assert_eq!(low(&result), expected, "{contender}");
    group.bench_function(contender, |b| {
        b.iter(|| {
            let (pointers, result) = (black_box(&mut pointers), black_box(&mut result));
            call(result.as_mut_ptr().cast(), pointers.as_mut_ptr());
        });
    });
}

macro_rules! call {
    ($c:ident, $shape:literal, $name:literal, $ty:ty, $r:ty, ($($value:expr),*), $variadic:expr) => {{
        assert!(CALLS.contains(&$shape));
        let mut group = group($c, $shape);
        let library = shapes();
        // SAFETY: the type of the function in shapes.c.
        let symbol = unsafe { library.get::<$ty>($name) }.expect("it is there");
        let direct: $ty = *symbol;
        group.bench_function("direct", |b| {
            // SAFETY: as above, and the function has no preconditions.
            b.iter(|| unsafe { black_box(direct)($(black_box($value)),*) });
        });
        group.bench_function("static", |b| {
            // SAFETY: as above.
            b.iter(|| unsafe { symbol($(black_box($value)),*) });
        });
        // SAFETY: as above.
        let expected: $r = unsafe { direct($($value),*) };
        dynamic::<$r>(
            &mut group,
            ($name, expected),
            $variadic,
            &[$(c_type_of(&$value)),*],
            &[$(arg(&$value)),*],
            &[$((&raw const *&$value).cast::<c_void>()),*],
        );
        group.finish();
    }};
}

fn c_type_of<T: CType>(_: &T) -> Type {
    T::c_type()
}

pub(crate) fn all(c: &mut Criterion) {
    type L = c_long;
    let p = std::ptr::dangling::<c_void>();
    call!(c, "void()", "nothing", unsafe extern "C" fn(), (), (), None);
    call!(c, "double(double)", "half", unsafe extern "C" fn(f64) -> f64, f64, (2.5_f64), None);
    call!(
        c,
        "int(int,int)",
        "add",
        unsafe extern "C" fn(c_int, c_int) -> c_int,
        i32,
        (1_i32, 2_i32),
        None
    );
    call!(
        c,
        "void*(void*x3)",
        "pick",
        unsafe extern "C" fn(*const c_void, *const c_void, *const c_void) -> *const c_void,
        *const c_void,
        (p, p, p),
        None
    );
    call!(
        c,
        "long(long x6)",
        "six",
        unsafe extern "C" fn(L, L, L, L, L, L) -> L,
        i64,
        (1_i64, 2_i64, 3_i64, 4_i64, 5_i64, 6_i64),
        None
    );
    call!(
        c,
        "long(long x10)",
        "ten",
        unsafe extern "C" fn(L, L, L, L, L, L, L, L, L, L) -> L,
        i64,
        (1_i64, 2_i64, 3_i64, 4_i64, 5_i64, 6_i64, 7_i64, 8_i64, 9_i64, 10_i64),
        None
    );
    call!(
        c,
        "six mixed",
        "mixed",
        unsafe extern "C" fn(c_int, f64, L, f32, *const c_void, i8) -> f64,
        f64,
        (1_i32, 2.0_f64, 3_i64, 4.0_f32, p, 5_i8),
        None
    );
    let pair = Pair { x: 1.0, y: 2.0 };
    call!(
        c,
        "{double,double} by value",
        "pair_in",
        unsafe extern "C" fn(Pair) -> f64,
        f64,
        (pair),
        None
    );
    let large = Large { a: 1, b: 2, c: 3 };
    call!(
        c,
        "24-byte struct by value",
        "large_in",
        unsafe extern "C" fn(Large) -> L,
        i64,
        (large),
        None
    );
    call!(
        c,
        "{double,double} returned",
        "pair_out",
        unsafe extern "C" fn(f64, f64) -> Pair,
        Pair,
        (1.0_f64, 2.0_f64),
        None
    );
    let triple = Triple { a: 1, b: 2, c: 3 };
    call!(
        c,
        "{int,int,int} both ways",
        "triple_both",
        unsafe extern "C" fn(Triple) -> Triple,
        Triple,
        (triple),
        None
    );
    let both = Both { x: 1.0, n: 2 };
    call!(
        c,
        "{double,long} both ways",
        "both_both",
        unsafe extern "C" fn(Both) -> Both,
        Both,
        (both),
        None
    );
    let mut buffer = [0_u8; 16];
    let (buffer, format) = (buffer.as_mut_ptr(), c"%d %f".as_ptr());
    call!(
        c,
        "int(char*,size_t,char*,...) as snprintf",
        "print",
        unsafe extern "C" fn(*mut u8, usize, *const c_char, ...) -> c_int,
        i32,
        (buffer, 16_usize, format, 1_i32, 2.5_f64),
        Some(3)
    );
}
