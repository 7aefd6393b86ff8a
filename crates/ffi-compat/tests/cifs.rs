//! A cif belongs to its caller: it is copied, forgotten, made anew at the same address, and its
//! types are freed and their memory used for others. No plan is ever another signature's.

mod common;

use common::{blank, function, prepare, structure, value};
use ffi_compat::*;
use std::ptr::null_mut;

extern "C" fn add(a: i32, b: i32) -> i32 {
    a.wrapping_add(b)
}

extern "C" fn scale(a: f64, b: i64) -> f64 {
    a * b as f64
}

fn call_add(cif: &mut ffi_cif, mut a: i32, mut b: i32) -> i64 {
    let mut sum = 0_i64;
    let mut values = [value(&mut a), value(&mut b)];
    let add = function(add as extern "C" fn(i32, i32) -> i32);
    // SAFETY: the function is of this signature.
    unsafe { ffi_call(cif, add, value(&mut sum), values.as_mut_ptr()) };
    sum
}

#[test]
fn a_copy_works_when_the_original_is_gone() {
    let mut types = [&raw mut ffi_type_sint32; 2];
    let mut copy = {
        let mut cif = Box::new(blank());
        prepare(&mut cif, &raw mut ffi_type_sint32, &mut types);
        *cif
    };
    assert_eq!(call_add(&mut copy, 40, 2), 42);
    let mut second = copy;
    assert_eq!(call_add(&mut second, -40, -2), -42);
}

#[test]
fn one_cif_is_made_anew_for_other_signatures() {
    let mut cif = blank();
    let mut ints = [&raw mut ffi_type_sint32; 2];
    let mut others = [&raw mut ffi_type_double, &raw mut ffi_type_sint64];
    let scale = function(scale as extern "C" fn(f64, i64) -> f64);
    for round in 0..1000 {
        prepare(&mut cif, &raw mut ffi_type_sint32, &mut ints);
        assert_eq!(call_add(&mut cif, round, 1), i64::from(round) + 1);
        prepare(&mut cif, &raw mut ffi_type_double, &mut others);
        let (mut a, mut b, mut product) = (0.5, i64::from(round), 0.0_f64);
        let mut values = [value(&mut a), value(&mut b)];
        // SAFETY: the function is of this signature.
        unsafe { ffi_call(&mut cif, scale, value(&mut product), values.as_mut_ptr()) };
        assert_eq!(product, 0.5 * f64::from(round));
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Ints {
    a: i32,
    b: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Floats {
    a: f32,
    b: f32,
}

extern "C" fn of_ints(it: Ints) -> i32 {
    it.a - it.b
}

extern "C" fn of_floats(it: Floats) -> f32 {
    it.a - it.b
}

/// Calls one or the other, whose arguments are in registers of different kinds.
fn call_pair(cif: &mut ffi_cif, floats: bool, a: i32, b: i32) -> f64 {
    let mut room = [0_u64; 2];
    let result = room.as_mut_ptr().cast();
    // SAFETY: the function is of the cif's signature.
    unsafe {
        if floats {
            let mut it = Floats { a: a as f32, b: b as f32 };
            let of_floats = function(of_floats as extern "C" fn(Floats) -> f32);
            ffi_call(cif, of_floats, result, [value(&mut it)].as_mut_ptr());
            return f32::from_bits(room[0] as u32).into();
        }
        let mut it = Ints { a, b };
        let of_ints = function(of_ints as extern "C" fn(Ints) -> i32);
        ffi_call(cif, of_ints, result, [value(&mut it)].as_mut_ptr());
    }
    room[0] as i64 as f64
}

/// As a program would that frees the old type and allocates the new one.
#[test]
fn the_address_of_a_freed_type_is_used_again() {
    let mut cif = blank();
    let mut members = [null_mut(); 3];
    let ty = &mut structure(&mut members);
    for round in 0..1000 {
        let floats = round % 2 == 1;
        let part = if floats { &raw mut ffi_type_float } else { &raw mut ffi_type_sint32 };
        members[..2].fill(part);
        *ty = structure(&mut members);
        prepare(&mut cif, part, &mut [&raw mut *ty]);
        assert_eq!((ty.size, ty.alignment), (8, 4));
        assert_eq!(call_pair(&mut cif, floats, round, 7), f64::from(round - 7));
    }
}

/// The same, where neither the cif nor its types are touched in between but for one member: the cif
/// stays what it was prepared for.
#[test]
fn a_plan_refers_to_no_type() {
    let mut cif = blank();
    let float = &raw mut ffi_type_float;
    {
        let mut members = Box::new([float, float, null_mut()]);
        let mut ty = Box::new(structure(&mut *members));
        prepare(&mut cif, float, &mut [&raw mut *ty]);
        members[..2].fill(&raw mut ffi_type_sint32);
        ty.size = 0;
        assert_eq!(call_pair(&mut cif, true, 9, 7), 2.0);
    }
    assert_eq!(call_pair(&mut cif, true, 9, 4), 5.0);
}

#[test]
fn preparing_again_keeps_nothing() {
    let mut cif = blank();
    let mut seen = std::collections::HashSet::new();
    let mut types = [&raw mut ffi_type_sint32, &raw mut ffi_type_double, &raw mut ffi_type_pointer];
    for round in 0..100_000 {
        prepare(&mut cif, &raw mut ffi_type_void, &mut types[..round % 4]);
        seen.insert(cif.flags);
    }
    assert_eq!(seen.len(), 4);
}

#[test]
fn threads_prepare_and_call_at_once() {
    let work = |seed: usize| {
        let mut cif = blank();
        for round in 0..2000 {
            let count = 2 + (round + seed) % 60;
            prepare(&mut cif, &raw mut ffi_type_sint32, &mut vec![&raw mut ffi_type_sint32; count]);
            if count == 2 {
                assert_eq!(call_add(&mut cif, round as i32, 1), round as i64 + 1);
            }
        }
    };
    std::thread::scope(|scope| {
        (0..8).for_each(|seed| drop(scope.spawn(move || work(seed))));
    });
}
