//! Every shape, called and called back, compared with gcc and clang byte by byte.

use ffi_tests::{Case, compilers, random, run, shapes};

fn compare(name: &str, cases: &[Case]) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for compiler in compilers() {
        let (calls, callbacks) = run::run(cases, compiler, directory.path(), name);
        assert_eq!(calls, cases.len());
        println!("{name}, {}: {calls} calls, {callbacks} callbacks", compiler.command);
    }
}

#[test]
fn every_scalar_in_every_position() {
    compare("scalars", &shapes::scalar_positions());
}

#[test]
fn structs_of_every_size() {
    compare("sizes", &shapes::struct_sizes());
}

#[test]
fn every_mixture_of_two_eightbytes() {
    compare("mixtures", &shapes::eightbyte_mixtures());
}

#[test]
fn nested_packed_aligned_and_overlapping_aggregates() {
    compare("odd", &shapes::odd_aggregates());
}

#[test]
fn variadic_calls() {
    compare("variadics", &shapes::variadics());
}

/// `FFI_TEST_SEED` and `FFI_TEST_COUNT` make it another or a longer run.
#[test]
fn random_signatures() {
    let number = |name: &str, default| {
        std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
    };
    let (seed, count) = (number("FFI_TEST_SEED", 1), number("FFI_TEST_COUNT", 1500));
    compare(&format!("random-{seed}"), &random::cases(seed, count as usize));
}
