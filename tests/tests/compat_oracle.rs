//! libffi's interface against compilers: shapes of `oracle.rs` as far as libffi's types can say
//! them, by `ffi_call` and closures, and by call plans.

use ffi_tests::compat::Compat;
use ffi_tests::{shapes, ways};

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
