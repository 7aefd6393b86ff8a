//! Has the C library's `qsort` sort by a Rust closure that borrows.

use ffi::{Declared, Library, arg};
use std::ffi::c_void;

fn main() -> Result<(), ffi::Error> {
    // On Windows the program itself has no symbols of the C library's.
    let libc = if cfg!(windows) {
        // SAFETY: it is part of this program already.
        unsafe { Library::open("msvcrt.dll") }?
    } else {
        Library::this()?
    };
    let qsort = libc.function(
        "void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *));",
    )?;

    // C moves numbers about, and the closure knows what they stand for.
    let names = ["pear", "fig", "banana", "kiwi", "apple"];
    let mut order: Vec<u32> = (0..5).collect();
    let mut comparisons = 0;
    ffi::scope(|scope| {
        let compare = scope.create_mut(|a: *const c_void, b: *const c_void| -> i32 {
            comparisons += 1;
            // SAFETY: `qsort` passes the addresses of two elements.
            let [a, b] = [a, b].map(|at| unsafe { *at.cast::<u32>() } as usize);
            names[a].len().cmp(&names[b].len()).then(names[a].cmp(names[b])) as i32
        })?;
        let (base, count, size) = (order.as_mut_ptr(), order.len(), size_of::<u32>());
        // SAFETY: the array has that many elements of that size, and lives until the call returns.
        unsafe { qsort.call::<()>(&[arg(&base), arg(&count), arg(&size), compare.arg()]) }?;
        Ok::<(), ffi::Error>(())
    })?;

    let sorted: Vec<&str> = order.iter().map(|&index| names[index as usize]).collect();
    println!("by length, then by name: {}", sorted.join(" "));
    assert!(comparisons >= 4, "five elements take four comparisons at least");
    Ok(())
}
