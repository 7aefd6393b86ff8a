//! Calls through C function pointers, to be compared with calls through symbols
//! (`tests/static_form.rs`). They are in another crate than those: the compiler makes one of two
//! functions of a crate that do the same.

/// Two doubles.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Pair(pub f64, pub f64);

/// C functions of several shapes.
pub type Nothing = unsafe extern "C" fn();
/// See [`Nothing`].
pub type Double = unsafe extern "C" fn(f64) -> f64;
/// See [`Nothing`].
pub type Longs = unsafe extern "C" fn(i64, i64, i64, i64, i64, i64) -> i64;
/// See [`Nothing`].
pub type Struct = unsafe extern "C" fn(Pair, i32) -> Pair;

macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident: $ty:ty, ($($argument:ident: $of:ty),*) -> $result:ty;)*) => {$(
        $(#[$doc])*
        ///
        /// # Safety
        /// As the function's.
        #[unsafe(no_mangle)]
        #[inline(never)]
        pub unsafe fn $name(pointer: &$ty, $($argument: $of),*) -> $result {
            // SAFETY: the caller's.
            unsafe { pointer($($argument),*) }
        }
    )*};
}

calls! {
    /// Calls it.
    pointer_to_nothing: Nothing, () -> ();
    /// Calls it.
    pointer_to_double: Double, (x: f64) -> f64;
    /// Calls it.
    pointer_to_longs: Longs, (a: i64, b: i64, c: i64, d: i64, e: i64, f: i64) -> i64;
    /// Calls it.
    pointer_to_struct: Struct, (pair: Pair, n: i32) -> Pair;
}
