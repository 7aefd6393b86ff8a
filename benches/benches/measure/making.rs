//! Everything that is not a call: preparing, and making callbacks.

use crate::common::{Pair, group, other};
use crate::libffis::{BUNDLED, Libffi, newest};
use criterion::Criterion;
use ffi::{CType, CallInterface, Callback, Type};
use ffi_benches::MAKING;
use libffi::middle::{Cif, Closure, Type as Other};
use libffi::{low, raw};
use std::ffi::c_void;
use std::hint::black_box;

pub(crate) fn all(c: &mut Criterion) {
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
        let returned = returned.as_raw_ptr();
        group.bench_function("raw", |b| b.iter(|| prepared(&BUNDLED, &mut listed, returned)));
        if let Some(newest) = newest() {
            group.bench_function("newest", |b| {
                b.iter(|| {
                    let mut cif = prepared(newest, &mut listed, returned);
                    // SAFETY: the interface stays there for as long as the plan.
                    drop(black_box(unsafe { newest.plan(&mut cif) }));
                });
            });
        }
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
fn prepared(
    by: &Libffi,
    listed: &mut [*mut raw::ffi_type],
    returned: *mut raw::ffi_type,
) -> raw::ffi_cif {
    // SAFETY: the types outlive the interface.
    unsafe { by.prepare(black_box(listed), black_box(returned), None) }
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
    unsafe extern "C" fn raw_handler(
        _: *mut raw::ffi_cif,
        _: *mut c_void,
        _: *mut *mut c_void,
        _: *mut c_void,
    ) {
    }
    let int = Other::i32().as_raw_ptr();
    let libraries = [("raw", Some(&BUNDLED)), ("newest", newest())];
    for (contender, library) in libraries.into_iter().filter_map(|(c, library)| Some((c, library?)))
    {
        let mut listed = [int; 3];
        let mut cif = prepared(library, &mut listed, int);
        let cif = &raw mut cif;
        // SAFETY: the interface outlives each closure, and none is called.
        let create = || unsafe { black_box(library.closure(cif, black_box(raw_handler))) };
        group.bench_function(contender, |b| b.iter(create));
    }
    group.finish();
}
