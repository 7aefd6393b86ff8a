//! Every shape by the platform's own convention, called and called back, compared byte by byte
//! with two compilers.

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
fn homogeneous_aggregates() {
    compare("homogeneous", &shapes::homogeneous_aggregates());
}

#[test]
fn variadic_calls() {
    compare("variadics", &shapes::variadics());
}

#[test]
fn random_signatures() {
    let (seed, cases) = random::from_environment();
    compare(&format!("random-{seed}"), &cases);
}
