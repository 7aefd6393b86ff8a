//! Each shape in one run: a direct call through a pointer, the static way, this crate unchecked
//! (libffi's own interface) and checked, the `libffi` crate, and the newest libffi where one was
//! found. Before a shape is timed, every contender is called once and has to return the same bytes.
//!
//! Then how cost grows, with arguments, sizes, threads and live callbacks.

mod callbacks;
mod calls;
mod common;
mod growth;
mod libffis;
mod making;

use criterion::{criterion_group, criterion_main};

criterion_group!(benches, calls::all, callbacks::all, making::all, growth::all);
criterion_main!(benches);
