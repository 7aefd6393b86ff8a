//! How cost grows: with the number of arguments, the size of a struct, the threads that call through
//! one interface, and the callbacks that are alive.

use crate::common::{brief, shapes};
use crate::libffis::{BUNDLED, Libffi, newest};
use criterion::{BenchmarkId, Criterion};
use ffi::{CallInterface, Callback, Type};
use ffi_benches::{ARGUMENTS, CALLBACKS_ALIVE, SIZES, THREADS};
use libffi::middle::{Cif, Type as Other};
use libffi::raw;
use std::ffi::c_void;
use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

pub(crate) fn all(c: &mut Criterion) {
    arguments(c);
    sizes(c);
    threads(c);
    callbacks(c);
}

/// Pointers to arguments, for other threads too. (libffi writes to them where structs go to memory,
/// which threads pass none of.)
#[derive(Clone, Copy)]
struct Arguments<'a>(&'a [*const c_void]);

// SAFETY: nobody writes to the arguments.
unsafe impl Sync for Arguments<'_> {}
// SAFETY: as above.
unsafe impl Send for Arguments<'_> {}

/// All libraries on one function that returns nothing: each is a closure that calls it once.
fn contenders(
    types: Vec<Type>,
    others: Vec<Other>,
    arguments: Arguments<'_>,
    mut measure: impl FnMut(&str, &(dyn Fn() + Sync)),
) {
    let library = shapes();
    let function = library.symbol("nothing").expect("it is there").as_ptr() as usize;
    let interface = CallInterface::new(Type::VOID, types).expect("a signature");
    // A reference to the whole, which may go to other threads, and not to the slice in it.
    let pointers = move || {
        let arguments = arguments;
        black_box(arguments.0).as_ptr()
    };
    measure("ffi", &|| {
        let (function, none) = (black_box(function) as *const c_void, std::ptr::null_mut());
        // SAFETY: C functions may be given more arguments than they take: the caller made room for
        // them. There are as many pointers as types.
        unsafe { interface.invoke_unchecked(function, pointers(), none) };
    });
    // SAFETY: the address of a function without arguments.
    let code: unsafe extern "C" fn() = unsafe { std::mem::transmute(function) };
    let cif = Cif::new(others, Other::void());
    let raw_cif = cif.as_raw_ptr() as usize;
    measure("libffi", &|| {
        let (cif, none) = (raw_cif as *mut raw::ffi_cif, std::ptr::null_mut());
        // SAFETY: as above.
        unsafe { raw::ffi_call(cif, Some(code), none, pointers().cast_mut().cast()) };
    });
    let Some(newest) = newest() else { return };
    let cif = raw_cif as *mut raw::ffi_cif;
    // SAFETY: the crate's interface has so many types, and outlives what is prepared here.
    let mut cif = unsafe {
        let types = match (*cif).nargs {
            0 => &mut [],
            count => std::slice::from_raw_parts_mut((*cif).arg_types, count as usize),
        };
        newest.prepare(types, (*cif).rtype, None)
    };
    // SAFETY: the interface stays where it is.
    let Some(plan) = (unsafe { newest.plan(&raw mut cif) }) else { return };
    let (invoke, address) = plan.invoke();
    let address = address as usize;
    measure("newest", &|| {
        let none = std::ptr::null_mut();
        // SAFETY: as above.
        unsafe { invoke(address as *mut c_void, code, none, pointers().cast_mut().cast()) };
    });
}

fn arguments(c: &mut Criterion) {
    let mut group = brief(c, "arguments");
    for &count in ARGUMENTS {
        let value = 1_i64;
        let pointers = vec![(&raw const value).cast::<c_void>(); count];
        let (types, others) = (vec![Type::I64; count], vec![Other::i64(); count]);
        contenders(types, others, Arguments(&pointers), |contender, call| {
            group.bench_function(BenchmarkId::new(contender, count), |b| b.iter(call));
        });
    }
    group.finish();
}

fn sizes(c: &mut Criterion) {
    let mut group = brief(c, "sizes");
    for &size in SIZES {
        let value = vec![1_u8; size];
        let pointers = [value.as_ptr().cast::<c_void>()];
        let bytes = Type::array(Type::U8, size).expect("an array");
        let ty = Type::anonymous_structure().field("bytes", bytes).build().expect("a struct");
        let other = Other::structure(vec![Other::u8(); size]);
        contenders(vec![ty], vec![other], Arguments(&pointers), |contender, call| {
            group.bench_function(BenchmarkId::new(contender, size), |b| b.iter(call));
        });
    }
    group.finish();
}

fn threads(c: &mut Criterion) {
    let mut group = brief(c, "threads");
    let value = 1_i64;
    let pointers = [(&raw const value).cast::<c_void>(); 3];
    let (types, others) = (vec![Type::I64; 3], vec![Other::i64(); 3]);
    contenders(types, others, Arguments(&pointers), |contender, call| {
        for &threads in THREADS {
            group.bench_function(BenchmarkId::new(contender, threads), |b| {
                b.iter_custom(|times| together(threads, times, call));
            });
        }
    });
    group.finish();
}

/// How long it takes until each of the threads has called so many times.
fn together(threads: usize, times: u64, call: &(dyn Fn() + Sync)) -> Duration {
    let barrier = Barrier::new(threads + 1);
    std::thread::scope(|scope| {
        let run = || {
            barrier.wait();
            for _ in 0..times {
                call();
            }
            barrier.wait();
        };
        for _ in 0..threads {
            scope.spawn(run);
        }
        barrier.wait();
        let start = Instant::now();
        barrier.wait();
        start.elapsed()
    })
}

/// One more is created and dropped while so many live.
fn callbacks(c: &mut Criterion) {
    let mut group = brief(c, "callbacks alive");
    let ours = || Callback::new(|a: i32, b: i32, c: i32| a + b + c);
    let mut alive = Vec::new();
    for &count in CALLBACKS_ALIVE {
        alive.extend((alive.len()..count).map_while(|_| ours().ok()));
        if alive.len() < count {
            // There is no room for so many.
            break;
        }
        group.bench_function(BenchmarkId::new("ffi", count), |b| b.iter(ours));
    }
    drop(alive);
    let int = Other::i32().as_raw_ptr();
    let libraries = [("libffi", Some(&BUNDLED)), ("newest", newest())];
    for (contender, library) in libraries.into_iter().filter_map(|(c, l)| Some((c, l?))) {
        closures(library, int, |count, create| {
            group.bench_function(BenchmarkId::new(contender, count), |b| b.iter(create));
        });
    }
    group.finish();
}

fn closures(library: &Libffi, int: *mut raw::ffi_type, mut measure: impl FnMut(usize, &dyn Fn())) {
    unsafe extern "C" fn handler(
        _: *mut raw::ffi_cif,
        _: *mut c_void,
        _: *mut *mut c_void,
        _: *mut c_void,
    ) {
    }
    // The interface is prepared each time, as a callback of ours has its own.
    let prepare = || {
        let mut types = Box::new([int; 3]);
        // SAFETY: the types outlive the interface, beside which they are kept.
        let cif = unsafe { library.prepare(&mut *types, int, None) };
        (Box::new(cif), types)
    };
    let create = || {
        let (mut cif, types) = prepare();
        // SAFETY: the interface is kept for as long as the closure, which is never called.
        let closure = unsafe { library.closure(&raw mut *cif, handler) };
        (closure, cif, types)
    };
    let mut alive = Vec::new();
    for &count in CALLBACKS_ALIVE {
        alive.resize_with(count, create);
        measure(count, &|| drop(black_box(create())));
    }
}
