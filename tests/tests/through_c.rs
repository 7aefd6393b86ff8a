//! Callbacks called by C and not by Rust: thousands alive at once, a panic, and a stale pointer.

use ffi::{Arg, Callback, Error, Function, Type, arg};
use ffi_tests::process::{assert_aborted, ends_here, in_a_process};
use ffi_tests::system::function;
use std::collections::HashSet;

/// A comparison that finds the number it has captured, and no other.
fn is_number(n: usize) -> Result<Callback, Error> {
    Callback::new(move |key: *const usize, _: *const usize| -> i32 {
        // SAFETY: `through_c` passes a pointer to the key.
        i32::from(unsafe { *key } != n)
    })
}

/// The C library's `bsearch`, which calls a comparison once for an array of one element.
fn bsearch() -> Function {
    let types = [Type::POINTER, Type::POINTER, Type::SIZE_T, Type::SIZE_T, Type::POINTER];
    function("bsearch", Type::POINTER, types)
}

/// Whether the comparison, called by the C library, finds the key.
fn through_c(bsearch: &Function, key: usize, comparison: &Arg<'_>) -> bool {
    let (key, element) = (&raw const key, &raw const key);
    let arguments =
        [arg(&key), arg(&element), arg(&1_usize), arg(&size_of::<usize>()), *comparison];
    // SAFETY: an array of one element, and a comparison of such.
    let found = unsafe { bsearch.call::<*const usize>(&arguments) }.expect("the call fits");
    !found.is_null()
}

#[test]
fn two_thousand_at_once_called_by_c_and_their_slots_again() {
    let bsearch = bsearch();
    let mut seen = HashSet::new();
    for round in 0..3 {
        let callbacks: Vec<Callback> =
            (0..2000).map(|n| is_number(round * 10_000 + n).expect("there is room")).collect();
        let addresses: HashSet<_> = callbacks.iter().map(Callback::as_ptr).collect();
        assert_eq!(addresses.len(), 2000);
        for (n, callback) in callbacks.iter().enumerate() {
            let n = round * 10_000 + n;
            assert!(through_c(&bsearch, n, &callback.arg()), "{n}");
            assert!(!through_c(&bsearch, n + 1, &callback.arg()), "{n}");
        }
        seen.extend(addresses);
    }
    // Three times two thousand callbacks took turns in no more places than are made at once.
    assert!(seen.len() <= 2 * 2048, "{}", seen.len());
}

#[test]
fn a_panic_below_c_frames_aborts_with_a_message() {
    if ends_here() {
        let callback = Callback::new(|key: *const usize, _: *const usize| -> i32 {
            // SAFETY: `through_c` passes a pointer to the key.
            panic!("wrong number {}", unsafe { *key })
        })
        .expect("there is room");
        through_c(&bsearch(), 5, &callback.arg());
        return;
    }
    let output = in_a_process("a_panic_below_c_frames_aborts_with_a_message");
    assert_aborted(
        &output,
        "ffi: the callback `int32_t (void *, void *)` panicked, and a panic cannot travel into C; \
         aborting: wrong number 5",
    );
}

#[test]
fn a_stale_pointer_left_with_c_aborts_with_a_message() {
    if ends_here() {
        let callback = is_number(1).expect("there is room");
        let stale = callback.as_ptr();
        assert!(through_c(&bsearch(), 1, &arg(&stale)));
        drop(callback);
        // Others come and go, and take no part in it.
        let _others: Vec<Callback> = (0..100).map(|n| is_number(n).expect("room")).collect();
        // This is the mistake that the test is about.
        through_c(&bsearch(), 1, &arg(&stale));
        return;
    }
    let output = in_a_process("a_stale_pointer_left_with_c_aborts_with_a_message");
    assert_aborted(
        &output,
        "ffi: C called the callback `int32_t (void *, void *)` after it was dropped; aborting",
    );
}
