//! The types of the shapes, for both libraries.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use ffi::{CType, Library, Type};
use ffi_benches::file_name;
use libffi::middle::Type as Other;
use std::sync::LazyLock;
use std::time::Duration;

#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Pair {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Large {
    pub(crate) a: i64,
    pub(crate) b: i64,
    pub(crate) c: i64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Triple {
    pub(crate) a: i32,
    pub(crate) b: i32,
    pub(crate) c: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Both {
    pub(crate) x: f64,
    pub(crate) n: i64,
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
pub(crate) fn other(ty: &Type) -> Other {
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

pub(crate) fn shapes() -> Library {
    // SAFETY: the library of this package's build script; it has no constructors.
    unsafe { Library::open(env!("SHAPES")) }.expect("built by build.rs")
}

pub(crate) fn group<'a>(c: &'a mut Criterion, shape: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(file_name(shape));
    group.warm_up_time(Duration::from_millis(150)).measurement_time(Duration::from_millis(400));
    group
}

/// A group of many points on a line.
pub(crate) fn brief<'a>(c: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(name);
    group.warm_up_time(Duration::from_millis(50)).measurement_time(Duration::from_millis(150));
    group
}

/// The bytes of a result. None of the shapes returns a type with padding.
pub(crate) fn bytes<R: CType>(value: &R) -> &[u8] {
    // SAFETY: the bytes are those of the value, and all of them are initialised.
    unsafe { std::slice::from_raw_parts((value as *const R).cast(), size_of::<R>()) }
}
