//! Calls and callbacks compared with what C compilers do.
//!
//! A [`Case`] is a signature. For a list of cases [`c_source`](emit::c_source) writes C with two
//! functions each: a *callee* that records every argument byte it received and returns given
//! bytes, and a *caller* that calls a callback with given bytes and records the result. gcc and
//! clang compile it ([`compile`]), and [`run`] goes through both directions and compares.
//!
//! Every byte of an argument tells where it belongs: its high digit is the argument, its low
//! digit the offset, both modulo 16.
//!
//! `FFI_TEST_SEED` and `FFI_TEST_COUNT` make random tests others or longer. With `FFI_TEST_TRACE`
//! and `--nocapture` each case is named before it runs, in case that it ends the process.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub mod book;
pub mod case;
pub mod compat;
pub mod compile;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub mod confine;
pub mod emit;
pub mod engine;
#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
pub mod foreign;
pub mod guard;
pub mod layouts;
pub mod pointers;
pub mod process;
pub mod random;
pub mod run;
pub mod shapes;
pub mod system;
pub mod ways;

pub use case::Case;
pub use compile::{Compiler, compilers};

/// README's code, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
