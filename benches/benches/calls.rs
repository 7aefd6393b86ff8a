//! Each shape in one run: a direct call through a pointer, the static way, this crate unchecked
//! (libffi's own interface) and checked, and the `libffi` crate. Before a shape is timed, every
//! contender is called once and has to return the same bytes.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use ffi::{Arg, CType, CallInterface, Callback, Library, Type, arg};
use ffi_benches::{CALLBACKS, CALLS, MAKING, file_name};
use libffi::middle::{Cif, Closure, Type as Other};
use libffi::{low, raw};
use std::ffi::{c_char, c_int, c_long, c_void};
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::sync::LazyLock;
use std::time::Duration;

#[repr(C)]
#[derive(Clone, Copy)]
struct Pair {
    x: f64,
    y: f64,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Large {
    a: i64,
    b: i64,
    c: i64,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Triple {
    a: i32,
    b: i32,
    c: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Both {
    x: f64,
    n: i64,
}

macro_rules! c_struct {
    ($rust:ty, $($field:ident: $ty:ident),*) => {
        // SAFETY: `repr(C)`, with these members in this order.
        unsafe impl CType for $rust {
            fn c_type() -> Type {
                static TYPE: LazyLock<Type> = LazyLock::new(|| {
                    let ty = Type::anonymous_structure()$(.field(stringify!($field), Type::$ty))*;
                    ty.build().expect("a C struct")
                });
                TYPE.clone()
            }
        }
    };
}

c_struct!(Pair, x: F64, y: F64);
c_struct!(Large, a: I64, b: I64, c: I64);
c_struct!(Both, x: F64, n: I64);
c_struct!(Triple, a: I32, b: I32, c: I32);

/// The type of a struct or scalar in the other library.
fn other(ty: &Type) -> Other {
    match ty.as_scalar() {
        Some(ffi::Scalar::I8) => Other::i8(),
        Some(ffi::Scalar::I32) => Other::i32(),
        Some(ffi::Scalar::I64) => Other::i64(),
        Some(ffi::Scalar::U64) => Other::u64(),
        Some(ffi::Scalar::F32) => Other::f32(),
        Some(ffi::Scalar::F64) => Other::f64(),
        Some(ffi::Scalar::Pointer) => Other::pointer(),
        Some(scalar) => panic!("{scalar:?} is in none of the shapes"),
        None if ty.is_void() => Other::void(),
        None => Other::structure(ty.fields().iter().map(|field| other(field.ty()))),
    }
}

fn shapes() -> Library {
    // SAFETY: the library of this package's build script; it has no constructors.
    unsafe { Library::open(env!("SHAPES")) }.expect("built by build.rs")
}

fn group<'a>(c: &'a mut Criterion, shape: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(file_name(shape));
    group.warm_up_time(Duration::from_millis(150)).measurement_time(Duration::from_millis(400));
    group
}

/// The bytes of a result. None of the shapes returns a type with padding.
fn bytes<R: CType>(value: &R) -> &[u8] {
    // SAFETY: the bytes are those of the value, and all of them are initialised.
    unsafe { std::slice::from_raw_parts((value as *const R).cast(), size_of::<R>()) }
}

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
    result = [0; 8];
    // SAFETY: as above; libffi does not write to the pointers.
    unsafe {
        let pointers = pointers.as_ptr().cast_mut().cast();
        raw::ffi_call(cif, Some(function), result.as_mut_ptr().cast(), pointers);
    }
    assert_eq!(low(&result), expected, "libffi");
    group.bench_function("libffi", |b| {
        b.iter(|| {
            let (pointers, result) = (black_box(pointers), black_box(&mut result));
            // SAFETY: as above.
            unsafe {
                let pointers = pointers.as_ptr().cast_mut().cast();
                raw::ffi_call(cif, Some(function), result.as_mut_ptr().cast(), pointers);
            }
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

fn calls(c: &mut Criterion) {
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

macro_rules! callback {
    ($c:ident, $shape:literal, fn($($name:ident: $ty:ty = $value:expr),*) -> $r:ty, $body:expr,
     $libffi:ident) => {{
        assert!(CALLBACKS.contains(&$shape));
        extern "C" fn direct($($name: $ty),*) -> $r {
            $body
        }
        unsafe extern "C" fn $libffi(
            _: &low::ffi_cif,
            result: &mut $r,
            arguments: *const *const c_void,
            _: &(),
        ) {
            let mut _at = arguments;
            // SAFETY: libffi passes one pointer for each argument, of the closure's types.
            $(let $name = unsafe { let value = *(*_at).cast::<$ty>(); _at = _at.add(1); value };)*
            *result = $body;
        }
        let mut group = group($c, $shape);
        let pointer: extern "C" fn($($ty),*) -> $r = direct;
        let expected = pointer($($value),*);
        let agrees = |pointer: extern "C" fn($($ty),*) -> $r| {
            assert_eq!(bytes(&pointer($($value),*)), bytes(&expected));
        };
        group.bench_function("direct", |b| b.iter(|| black_box(pointer)($(black_box($value)),*)));
        let ours = Callback::new(|$($name: $ty),*| -> $r { $body }).expect("there is room");
        // SAFETY: the callback has this type, and outlives the benchmark.
        let pointer = unsafe { ours.as_fn::<extern "C" fn($($ty),*) -> $r>() };
        agrees(pointer);
        group.bench_function("ffi", |b| b.iter(|| black_box(pointer)($(black_box($value)),*)));
        let types: Vec<Type> = vec![$(<$ty>::c_type()),*];
        let ours = Callback::dynamic(<$r>::c_type(), types.clone(), |_arguments, _result| {
            let mut _index = 0..;
            $(let $name: $ty = _arguments.get(_index.next().unwrap_or(0)).expect("it fits");)*
            _result.set::<$r>($body).expect("it fits");
        })
        .expect("there is room");
        // SAFETY: as above.
        let pointer = unsafe { ours.as_fn::<extern "C" fn($($ty),*) -> $r>() };
        agrees(pointer);
        group.bench_function("checked", |b| b.iter(|| black_box(pointer)($(black_box($value)),*)));
        let cif = Cif::new(types.iter().map(other).collect::<Vec<_>>(), other(&<$r>::c_type()));
        let theirs = Closure::new(cif, $libffi, &());
        type Pointer = extern "C" fn($($ty),*) -> $r;
        // SAFETY: the closure has this type, and outlives the benchmark.
        let pointer = unsafe { std::mem::transmute::<unsafe extern "C" fn(), Pointer>(*theirs.code_ptr()) };
        agrees(pointer);
        group.bench_function("libffi", |b| b.iter(|| black_box(pointer)($(black_box($value)),*)));
        group.finish();
    }};
}

fn callbacks(c: &mut Criterion) {
    callback!(c, "callback void()", fn() -> (), (), void_handler);
    callback!(c, "callback int(int x3)", fn(a: i32 = 1, b: i32 = 2, d: i32 = 3) -> i32, a + b + d,
        int_handler);
    callback!(c, "callback double(double)", fn(x: f64 = 2.5) -> f64, x * 0.5, double_handler);
    let pair = Pair { x: 1.0, y: 2.0 };
    callback!(c, "callback {double,double} by value", fn(p: Pair = pair) -> f64, p.x + p.y,
        pair_in_handler);
    callback!(c, "callback {double,double} returned", fn(x: f64 = 1.0, y: f64 = 2.0) -> Pair,
        Pair { x: y, y: x }, pair_out_handler);
}

fn making(c: &mut Criterion) {
    let pair = Pair::c_type();
    // Each type is opaque by itself, for both: known only at run time.
    let b = |ty: Type| black_box(ty);
    let o = |ty: Other| black_box(ty);
    let six =
        || [b(Type::I32), b(Type::F64), b(Type::I64), b(Type::F32), b(Type::POINTER), b(Type::I8)];
    let scalars = || [b(Type::F64), b(Type::I64)];
    let f64 = Other::f64();
    let mixed =
        [Other::i32(), Other::f64(), Other::i64(), Other::f32(), Other::pointer(), Other::i8()];
    let mut prepare = |shape: &str,
                       ours: &dyn Fn() -> CallInterface,
                       theirs: &dyn Fn() -> Cif,
                       (listed, returned): (&[Other], &Other)| {
        assert!(MAKING.contains(&shape));
        let mut group = group(c, shape);
        group.bench_function("ffi", |b| b.iter(ours));
        group.bench_function("libffi", |b| b.iter(theirs));
        let mut listed: Vec<_> = listed.iter().map(Other::as_raw_ptr).collect();
        group.bench_function("raw", |b| b.iter(|| prepared(&mut listed, returned.as_raw_ptr())));
        group.finish();
    };
    prepare(
        "prepare two scalars",
        &|| CallInterface::new(Type::F64, scalars()).expect("a signature"),
        &|| Cif::new([o(Other::f64()), o(Other::i64())], Other::f64()),
        (&[f64.clone(), Other::i64()], &f64),
    );
    prepare(
        "prepare six mixed",
        &|| CallInterface::new(Type::F64, six()).expect("a signature"),
        &|| {
            let types = [
                o(Other::i32()),
                o(Other::f64()),
                o(Other::i64()),
                o(Other::f32()),
                o(Other::pointer()),
                o(Other::i8()),
            ];
            Cif::new(types, Other::f64())
        },
        (&mixed, &f64),
    );
    let theirs = other(&pair);
    prepare(
        "prepare {double,double} both ways",
        &|| CallInterface::new(pair.clone(), [b(pair.clone())]).expect("a signature"),
        &|| Cif::new([o(theirs.clone())], theirs.clone()),
        (std::slice::from_ref(&theirs), &theirs),
    );
    creating(c);
}

/// libffi's own preparing, of types that are listed already: it stores the list, and adds sizes up.
fn prepared(listed: &mut [*mut raw::ffi_type], returned: *mut raw::ffi_type) -> raw::ffi_cif {
    let mut cif = MaybeUninit::uninit();
    let (listed, returned) = (black_box(listed), black_box(returned));
    // SAFETY: the types outlive the interface, which is complete if it could be prepared.
    unsafe {
        let (abi, count) = (raw::ffi_abi_FFI_DEFAULT_ABI, listed.len() as u32);
        let status = raw::ffi_prep_cif(cif.as_mut_ptr(), abi, count, returned, listed.as_mut_ptr());
        assert_eq!(status, raw::ffi_status_FFI_OK);
        cif.assume_init()
    }
}

fn creating(c: &mut Criterion) {
    unsafe extern "C" fn handler(_: &low::ffi_cif, _: &mut i32, _: *const *const c_void, _: &()) {}
    let mut group = group(c, "callback create and drop");
    group.bench_function("ffi", |b| {
        b.iter(|| Callback::new(|a: i32, b: i32, c: i32| -> i32 { a + b + c }).expect("room"));
    });
    group.bench_function("libffi", |b| {
        b.iter(|| {
            let cif = Cif::new([Other::i32(), Other::i32(), Other::i32()], Other::i32());
            Closure::new(cif, handler, &())
        });
    });
    type Handler =
        unsafe extern "C" fn(*mut raw::ffi_cif, *mut c_void, *mut *mut c_void, *mut c_void);
    unsafe extern "C" fn raw_handler(
        _: *mut raw::ffi_cif,
        _: *mut c_void,
        _: *mut *mut c_void,
        _: *mut c_void,
    ) {
    }
    let int = Other::i32().as_raw_ptr();
    let mut cif = prepared(&mut [int; 3], int);
    group.bench_function("raw", |b| {
        b.iter(|| {
            let mut code = null_mut();
            // SAFETY: the closure is prepared in the memory that was made for it, and never called.
            unsafe {
                let closure: *mut raw::ffi_closure =
                    raw::ffi_closure_alloc(size_of::<raw::ffi_closure>(), &mut code).cast();
                let handler: Option<Handler> = black_box(Some(raw_handler));
                raw::ffi_prep_closure_loc(closure, &mut cif, handler, null_mut(), code);
                raw::ffi_closure_free(black_box(closure).cast());
            }
        });
    });
    group.finish();
}

criterion_group!(benches, calls, callbacks, making);
criterion_main!(benches);
