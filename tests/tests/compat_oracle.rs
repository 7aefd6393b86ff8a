//! libffi's interface against compilers: shapes of `oracle.rs` as far as libffi's types can say
//! them, by `ffi_call` and closures, and by call plans.

use ffi_compat::*;
use ffi_tests::compat::Compat;
use ffi_tests::compile::{UNWINDING_C, opened};
use ffi_tests::{shapes, ways};
use std::ffi::c_void;
use std::ptr::null_mut;

static CALLS: Compat = Compat { plans: false };
static PLANS: Compat = Compat { plans: true };

fn ways() -> Vec<ways::Way> {
    let ways = ways::all();
    // Each compiler once: by calls, or by plans.
    ways.into_iter()
        .enumerate()
        .map(|(index, way)| way.by(if index % 2 == 0 { &CALLS } else { &PLANS }))
        .filter(ways::Way::is_taken)
        .collect()
}

macro_rules! shapes {
    ($($shapes:ident)*; $($unusual:ident)*) => {
        $(#[test]
        fn $shapes() {
            ways::compare(&ways(), stringify!($shapes), &shapes::$shapes());
        })*
        $(#[test]
        fn $unusual() {
            ways::compare_with(&ways(), stringify!($unusual), shapes::$unusual);
        })*
    };
}

shapes! {
    homogeneous_aggregates
    variadics;
    unusual_types
    unusual_variadics
}

#[test]
fn random_signatures() {
    ways::compare_random(&ways(), 800);
}

/// Closures of one call's signature, as libffi has them.
#[test]
fn random_variadic_closures() {
    let ways: Vec<ways::Way> = ways().into_iter().map(ways::Way::callers_only).collect();
    ways::compare_random_variadic(&ways, 200);
}

/// What C passes of `wide` once the vector registers are full. An AArch64 stack is aligned to 16, so
/// half of these calls have it where no C would keep one.
const SHIFTED: &str = "
    typedef struct __attribute__((aligned(32))) { double part[4]; } wide;
    typedef void receive(double, double, double, double, double, double, double, double, wide, wide);
    void shifted(receive *callback, int bytes) {
        volatile char *room = __builtin_alloca(bytes);
        room[0] = 1;
        wide first = {{1, 2, 3, 4}}, second = {{5, 6, 7, 8}};
        callback(0, 0, 0, 0, 0, 0, 0, 0, first, second);
    }
";

unsafe extern "C-unwind" fn receive_wide(
    _: *mut ffi_cif,
    _: *mut c_void,
    values: *mut *mut c_void,
    calls: *mut c_void,
) {
    // SAFETY: the closure's data is this number.
    unsafe { *calls.cast::<usize>() += 1 };
    for (index, expected) in [(8, [1.0, 2.0, 3.0, 4.0]), (9, [5.0, 6.0, 7.0, 8.0])] {
        // SAFETY: the closure has ten arguments, the last two of them four `double`s.
        let value = unsafe { values.add(index).read() }.cast::<[f64; 4]>();
        assert!(value.addr().is_multiple_of(32), "argument {index} is at {value:?}");
        // SAFETY: as above.
        assert_eq!(unsafe { value.read() }, expected);
    }
}

#[test]
fn over_aligned_arguments_are_aligned_wherever_the_stack_is() {
    let library = opened(UNWINDING_C, SHIFTED);
    let double = &raw mut ffi_type_double;
    let mut parts = [double, double, double, double, null_mut()];
    let elements = parts.as_mut_ptr();
    let mut wide = ffi_type { size: 32, alignment: 32, type_: FFI_TYPE_STRUCT, elements };
    let mut types = [double; 10];
    types[8..].fill(&raw mut wide);
    let (mut code, mut calls) = (null_mut(), 0_usize);
    // SAFETY: a cif of zeros is one that is not prepared; the types are complete, and outlive it. The
    // cif is of what `receive` is in C, which is how `shifted` calls the closure; that has the type
    // it is given here, its library is open, and the closure is freed after the last call.
    unsafe {
        let mut cif = std::mem::zeroed::<ffi_cif>();
        let (abi, count) = (FFI_DEFAULT_ABI, types.len() as u32);
        let void = &raw mut ffi_type_void;
        assert_eq!(ffi_prep_cif(&mut cif, abi, count, void, types.as_mut_ptr()), FFI_OK);
        let closure = ffi_closure_alloc(size_of::<ffi_closure>(), &mut code);
        let data = (&raw mut calls).cast();
        let status = ffi_prep_closure_loc(closure.cast(), &mut cif, Some(receive_wide), data, code);
        assert_eq!(status, FFI_OK);
        let shifted = library.symbol("shifted").expect("it is there").as_ptr();
        type Shifted = unsafe extern "C-unwind" fn(*mut c_void, i32);
        let shifted = std::mem::transmute::<*const c_void, Shifted>(shifted);
        for bytes in [16, 32, 48, 64] {
            shifted(code, bytes);
        }
        ffi_closure_free(closure);
    }
    assert_eq!(calls, 4);
}
