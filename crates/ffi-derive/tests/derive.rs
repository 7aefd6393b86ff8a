//! What the derive makes of each kind of type, and what it says of those that it refuses.

use ffi_derive::CType;
use ffi_types::{CType, Scalar, Type};
use std::ffi::c_void;

#[derive(Clone, Copy, CType)]
#[c_type(crate = ffi_types)]
#[repr(C)]
struct Mixed {
    tag: u8,
    x: f64,
    grid: [[i16; 3]; 2],
    next: *const c_void,
}

#[derive(Clone, Copy, CType)]
#[c_type(crate = ffi_types)]
#[repr(C, packed(2))]
struct Packed(u8, u32, Mixed);

#[derive(Clone, Copy, CType)]
#[c_type(crate = ffi_types)]
#[repr(C, align(32))]
struct Wide {
    r#type: i32,
}

#[derive(Clone, Copy, CType)]
#[c_type(crate = ffi_types)]
#[repr(C)]
union Either {
    number: f32,
    bytes: [u8; 5],
    truth: bool,
}

#[derive(Clone, Copy, CType)]
#[c_type(crate = ffi_types)]
#[repr(transparent)]
struct Meters(f64);

#[derive(Clone, Copy, CType)]
#[c_type(crate = ffi_types)]
#[repr(u16)]
enum Level {
    Low = 1,
    High = 500,
}

#[derive(Clone, Copy, CType)]
#[c_type(crate = ffi_types)]
#[repr(C)]
struct Inside {
    level: Level,
    far: Meters,
    callback: Option<extern "C" fn(i32) -> i32>,
    either: Either,
}

#[test]
fn each_kind_has_the_layout_of_c() {
    for (ty, text) in [
        (
            Mixed::c_type(),
            "struct Mixed { uint8_t tag; double x; int16_t grid[2][3]; void *next; }",
        ),
        (Wide::c_type(), "struct Wide { int32_t type; } __attribute__((aligned(32)))"),
        (Either::c_type(), "union Either { float number; uint8_t bytes[5]; bool truth; }"),
        (Meters::c_type(), "double"),
        (Level::c_type(), "uint16_t"),
    ] {
        assert_eq!(ty.to_string(), text);
    }
    assert_eq!((Packed::c_type().size(), Packed::c_type().align()), (6 + 40, 2));
    assert_eq!(Packed::c_type().field("f2").map(|field| field.offset()), Some(6));
    assert_eq!(Inside::c_type().size(), size_of::<Inside>());
}

#[test]
fn any_bits_are_taken_if_all_fields_take_them() {
    const { assert!(Mixed::ANY_BITS && Packed::ANY_BITS && Meters::ANY_BITS) };
    const { assert!(!Either::ANY_BITS && !Level::ANY_BITS && !Inside::ANY_BITS) };
    assert_eq!((Meters::SCALAR, Level::SCALAR), (Some(Scalar::F64), Some(Scalar::U16)));
    const { assert!(Mixed::ANY_VALUE && Either::ANY_VALUE && Meters::ANY_VALUE) };
    const { assert!(!Level::ANY_VALUE && !Inside::ANY_VALUE) };
    assert_eq!([Level::Low as u16, Level::High as u16], [1, 500]);
}

/// The same word, so nothing was allocated: `Arc`s that are one are equal in no time.
#[test]
fn a_type_is_made_once_whoever_asks() {
    let threads: Vec<_> = (0..8).map(|_| std::thread::spawn(Inside::c_type)).collect();
    let types: Vec<Type> =
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
    let first = Inside::c_type();
    assert!(types.iter().all(|ty| ty.fields().as_ptr() == first.fields().as_ptr()));
}

/// Where Cargo can be started.
#[cfg(all(target_arch = "x86_64", target_env = "gnu", not(windows)))]
#[test]
fn mistakes_are_pointed_at() {
    trybuild::TestCases::new().compile_fail("tests/refused/*.rs");
}
