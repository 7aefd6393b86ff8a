//! Callbacks, called by Rust as C would.

use crate::common::{Pair, bytes, group, other};
use crate::libffis::{Handler, newest};
use criterion::Criterion;
use ffi::{CType, Callback, Type};
use ffi_benches::CALLBACKS;
use libffi::low;
use libffi::middle::{Cif, Closure};
use std::ffi::c_void;
use std::hint::black_box;

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
        if let Some(newest) = newest() {
            let mut listed: Vec<_> = types.iter().map(other).collect();
            let mut listed: Vec<_> = listed.iter_mut().map(|ty| ty.as_raw_ptr()).collect();
            let returned = other(&<$r>::c_type());
            // SAFETY: the types outlive the interface, and that the closure, whose code has this
            // type. The handler differs from a `Handler` in the types that its pointers point to.
            unsafe {
                let mut cif = newest.prepare(&mut listed, returned.as_raw_ptr(), None);
                type Typed = unsafe extern "C" fn(&low::ffi_cif, &mut $r, *const *const c_void, &());
                let handler = std::mem::transmute::<Typed, Handler>($libffi);
                let closure = newest.closure(&mut cif, handler);
                let pointer = std::mem::transmute::<*mut c_void, Pointer>(closure.code);
                agrees(pointer);
                group.bench_function("newest", |b| {
                    b.iter(|| black_box(pointer)($(black_box($value)),*))
                });
            }
        }
        group.finish();
    }};
}

pub(crate) fn all(c: &mut Criterion) {
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
