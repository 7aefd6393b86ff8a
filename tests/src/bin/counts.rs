//! What `cargo xtask counts` counts the instructions of: for each convention that can be called here,
//! each shape as a direct call and as one by `ffi`, unchecked, by a filled image, and checked;
//! callbacks; preparing; and making.
//!
//! What is counted runs between [`counting_starts`] and [`counting_ends`], which a profiler or
//! emulator sees; it is [`TIMES`] calls, and its name is printed.

#[cfg(target_arch = "aarch64")]
use ffi::Aapcs64;
#[cfg(target_arch = "x86_64")]
use ffi::Win64;
use ffi::{Arg, CType, CallInterface, Convention, Signature, Type, arg, implementation};
use ffi_callback::Callback;
use std::ffi::c_void;
use std::hint::black_box;

const TIMES: usize = 100;

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn counting_starts() {
    black_box(1);
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn counting_ends() {
    black_box(2);
}

#[inline(never)]
fn count(name: &str, mut call: impl FnMut()) {
    // What happens once has happened then.
    call();
    call();
    counting_starts();
    for at in 0..TIMES {
        black_box(at);
        call();
    }
    counting_ends();
    println!("{name}");
}

#[repr(C)]
#[derive(Clone, Copy, CType)]
struct Pair {
    x: f64,
    y: f64,
}

#[repr(C)]
#[derive(Clone, Copy, CType)]
struct Large {
    a: i64,
    b: i64,
    c: i64,
}

#[repr(C)]
#[derive(Clone, Copy, CType)]
struct Triple {
    a: i32,
    b: i32,
    c: i32,
}

#[repr(C)]
#[derive(Clone, Copy, CType)]
struct Both {
    x: f64,
    n: i64,
}

/// Calls of `function`: by argument pointers, by an image that is filled already, and by checked
/// arguments.
fn call<R: CType>(
    shape: &str,
    (convention, function): (Convention, *const c_void),
    types: Vec<Type>,
    pointers: &[*const c_void],
    arguments: &[Arg<'_>],
) {
    let signature = Signature::new(convention, R::c_type(), types).expect("a C signature");
    let interface = CallInterface::with_signature(signature).expect("it can be called here");
    let mut result = [0_u64; 4];
    count(&format!("{shape}\tffi"), || {
        let (function, pointers) = (black_box(function), black_box(pointers));
        let result = black_box(&mut result).as_mut_ptr().cast();
        // SAFETY: the pointers are to arguments of the function's types, and there is room for the
        // result.
        unsafe { interface.invoke_unchecked(function, pointers.as_ptr(), result) };
    });
    let plan = interface.plan();
    let implementation = implementation(convention).expect("it can be called here");
    let entry = implementation.image_entry(plan).expect("it can be called here");
    // Two words at a time, as copies are aligned to 16.
    let mut image = vec![0_u128; plan.image_size().div_ceil(16)];
    let filled = image.as_mut_ptr().cast();
    // SAFETY: as above, and the image is as large as the plan says.
    unsafe { plan.store_arguments(pointers.as_ptr().cast(), result.as_mut_ptr().cast(), filled) };
    count(&format!("{shape}\timage"), || {
        let (function, image) = (black_box(function), black_box(image.as_ptr()).cast());
        let result = black_box(&mut result).as_mut_ptr().cast();
        // SAFETY: as above.
        unsafe { entry(plan, function, image, result) };
    });
    count(&format!("{shape}\tchecked"), || {
        let (function, arguments) = (black_box(function), black_box(arguments));
        // SAFETY: the function has this signature.
        let _ = black_box(unsafe { interface.call::<R>(function, arguments) });
    });
}

fn type_of<T: CType>(_: &T) -> Type {
    T::c_type()
}

macro_rules! shapes {
    ($named:literal, $abi:literal, $convention:expr,
     $($shape:literal: fn($($name:ident: $ty:ty = $value:expr),*) -> $r:ty, $body:expr;)*) => {
        $({
            extern $abi fn function($($name: $ty),*) -> $r {
                $body
            }
            let pointer: extern $abi fn($($ty),*) -> $r = function;
            $(let $name: $ty = $value;)*
            count(concat!($named, "\t", $shape, "\tdirect"), || {
                black_box(black_box(pointer)($(black_box($name)),*));
            });
            call::<$r>(
                concat!($named, "\t", $shape),
                ($convention, black_box(pointer as *const c_void)),
                vec![$(type_of(&$name)),*],
                &[$((&raw const $name).cast()),*],
                &[$(arg(&$name)),*],
            );
        })*
    };
}

macro_rules! callbacks {
    ($named:literal, $abi:literal, $convention:expr,
     $($shape:literal: fn($($name:ident: $ty:ty = $value:expr),*) -> $r:ty, $body:expr;)*) => {
        $({
            type Pointer = extern $abi fn($($ty),*) -> $r;
            extern $abi fn function($($name: $ty),*) -> $r {
                $body
            }
            let pointer: Pointer = function;
            $(let $name: $ty = $value;)*
            count(concat!($named, "\tcallback ", $shape, "\tdirect"), || {
                black_box(black_box(pointer)($(black_box($name)),*));
            });
            let make = || {
                let implementation = implementation($convention).expect("it can be called");
                Callback::new(implementation, |$($name: $ty),*| -> $r { $body })
                    .expect("there is room")
            };
            let callback = make();
            // SAFETY: the callback has this type, and outlives its calls.
            let pointer = unsafe { std::mem::transmute::<*const c_void, Pointer>(callback.as_ptr()) };
            count(concat!($named, "\tcallback ", $shape, "\tffi"), || {
                black_box(black_box(pointer)($(black_box($name)),*));
            });
            count(concat!($named, "\tcallback ", $shape, "\tcreate and drop"), || {
                black_box(make());
            });
        })*
    };
}

macro_rules! conventions {
    ($($named:literal, $abi:literal, $convention:expr, if $condition:meta;)*) => {$(
        #[cfg($condition)]
        {
            let some = std::ptr::dangling::<c_void>();
            shapes! { $named, $abi, $convention,
                "void()": fn() -> (), ();
                "double(double)": fn(x: f64 = 2.5) -> f64, x * 0.5;
                "int(int,int)": fn(a: i32 = 1, b: i32 = 2) -> i32, a + b;
                "void*(void*x3)": fn(a: *const c_void = some, b: *const c_void = some,
                    _c: *const c_void = some) -> *const c_void, if a.is_null() { a } else { b };
                "long(long x6)": fn(a: i64 = 1, b: i64 = 2, c: i64 = 3, d: i64 = 4, e: i64 = 5,
                    f: i64 = 6) -> i64, a ^ b ^ c ^ d ^ e ^ f;
                "long(long x10)": fn(a: i64 = 1, b: i64 = 2, c: i64 = 3, d: i64 = 4, e: i64 = 5,
                    f: i64 = 6, g: i64 = 7, h: i64 = 8, i: i64 = 9, j: i64 = 10) -> i64,
                    a ^ b ^ c ^ d ^ e ^ f ^ g ^ h ^ i ^ j;
                "six mixed": fn(a: i32 = 1, b: f64 = 2.0, c: i64 = 3, d: f32 = 4.0,
                    _e: *const c_void = some, f: i8 = 5) -> f64,
                    f64::from(a) + b + c as f64 + f64::from(d) + f64::from(f);
                "{double,double} by value": fn(p: Pair = Pair { x: 1.0, y: 2.0 }) -> f64, p.x + p.y;
                "24-byte struct by value": fn(l: Large = Large { a: 1, b: 2, c: 3 }) -> i64,
                    l.a ^ l.b ^ l.c;
                "{double,double} returned": fn(x: f64 = 1.0, y: f64 = 2.0) -> Pair, Pair { x: y, y: x };
                "{int,int,int} both ways": fn(t: Triple = Triple { a: 1, b: 2, c: 3 }) -> Triple,
                    Triple { a: t.c, b: t.b, c: t.a };
                "{double,long} both ways": fn(b: Both = Both { x: 1.0, n: 2 }) -> Both,
                    Both { x: b.x + 1.0, n: b.n ^ 1 };
            }
            callbacks! { $named, $abi, $convention,
                "void()": fn() -> (), ();
                "int(int x3)": fn(a: i32 = 1, b: i32 = 2, c: i32 = 3) -> i32, a ^ b ^ c;
                "double(double)": fn(x: f64 = 2.5) -> f64, x * 0.5;
                "{double,double} by value": fn(p: Pair = Pair { x: 1.0, y: 2.0 }) -> f64, p.x + p.y;
                "{double,double} returned": fn(x: f64 = 1.0, y: f64 = 2.0) -> Pair, Pair { x: y, y: x };
            }
            let prepare = |name: &str, result: Type, types: &[Type]| {
                count(name, || {
                    let (result, types) = (black_box(&result).clone(), black_box(types).to_vec());
                    let signature = Signature::new($convention, result, types).expect("a signature");
                    black_box(CallInterface::with_signature(signature).expect("it can be called"));
                });
            };
            let pair = Pair::c_type();
            let six = [Type::I32, Type::F64, Type::I64, Type::F32, Type::POINTER, Type::I8];
            prepare(concat!($named, "\ttwo scalars\tprepare"), Type::F64, &[Type::F64, Type::I64]);
            prepare(concat!($named, "\tsix mixed\tprepare"), Type::F64, &six);
            prepare(
                concat!($named, "\t{double,double} both ways\tprepare"),
                pair.clone(),
                std::slice::from_ref(&pair),
            );
        }
    )*};
}

fn main() {
    count("nothing", || {});
    conventions! {
        "sysv", "sysv64", Convention::SysV, if target_arch = "x86_64";
        "win64", "win64", Convention::Win64(Win64::Gnu), if target_arch = "x86_64";
        "aapcs64", "C", Convention::Aapcs64(Aapcs64::Standard), if target_arch = "aarch64";
    }
}
