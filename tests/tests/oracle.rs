//! Every shape, called and called back, compared byte by byte with what compilers do: by the
//! platform's own convention, by the one that an attribute names, and, in an AArch64 Linux
//! process, by code that clang compiled for Apple's systems and for Windows.

use ffi_tests::{random, shapes, ways};

macro_rules! corpus {
    ($ways:ident: $($shapes:ident)*; $($unusual:ident)*) => {
        mod $ways {
            use super::*;

            $(#[test]
            fn $unusual() {
                ways::compare_with(&ways::$ways(), stringify!($unusual), shapes::$unusual);
            })*

            $(#[test]
            fn $shapes() {
                ways::compare(&ways::$ways(), stringify!($shapes), &shapes::$shapes());
            })*

            #[test]
            fn random_signatures() {
                let ways = ways::$ways();
                ways::compare_random(&ways, random::of_each(ways.len()));
            }
        }
    };
    ($ways:ident) => {
        corpus! {
            $ways:
            scalar_positions
            struct_sizes
            eightbyte_mixtures
            odd_aggregates
            homogeneous_aggregates
            empty_structs
            variadics;
            unusual_types
            unusual_variadics
            bit_fields
        }
    };
}

/// The entries for callers who fill the image themselves, in every way.
mod images {
    use super::*;
    use ffi_tests::engine::Images;

    fn ways() -> Vec<ways::Way> {
        ways::all().into_iter().map(|way| way.by(&Images)).collect()
    }

    #[test]
    fn variadics() {
        ways::compare(&ways(), "variadics", &shapes::variadics());
    }

    #[test]
    fn unusual_types() {
        ways::compare_with(&ways(), "unusual_types", shapes::unusual_types);
    }

    #[test]
    fn random_signatures() {
        ways::compare_random(&ways(), 300);
    }
}

corpus!(own);
corpus!(spelled);
#[cfg(all(target_arch = "x86_64", not(windows)))]
corpus!(microsoft);
#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
corpus!(apple);
#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
corpus!(windows);
