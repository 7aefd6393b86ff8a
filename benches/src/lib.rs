//! The shapes that are measured, for the benchmark and the table it ends in.

/// What is called how. In the order of the table.
pub const CALLS: &[&str] = &[
    "void()",
    "double(double)",
    "int(int,int)",
    "void*(void*x3)",
    "long(long x6)",
    "long(long x10)",
    "six mixed",
    "{double,double} by value",
    "24-byte struct by value",
    "{double,double} returned",
    "{int,int,int} both ways",
    "{double,long} both ways",
    "int(char*,size_t,char*,...) as snprintf",
];

/// Callbacks, by what C calls them with.
pub const CALLBACKS: &[&str] = &[
    "callback void()",
    "callback int(int x3)",
    "callback double(double)",
    "callback {double,double} by value",
    "callback {double,double} returned",
];

/// Everything that is not a call.
pub const MAKING: &[&str] = &[
    "prepare two scalars",
    "prepare six mixed",
    "prepare {double,double} both ways",
    "callback create and drop",
];

/// What else is measured: how cost grows with the number of arguments,
pub const ARGUMENTS: &[usize] = &[0, 1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64];
/// the bytes of a struct that is passed by value,
pub const SIZES: &[usize] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096];
/// the threads that call through one interface,
pub const THREADS: &[usize] = &[1, 2, 3, 4, 6, 8];
/// and the callbacks that live when one more is created and dropped.
pub const CALLBACKS_ALIVE: &[usize] = &[1, 10, 100, 1000, 10_000, 100_000];

/// Names of files cannot have every character.
pub fn file_name(shape: &str) -> String {
    shape.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// The book's chapter on moving from other libraries, compiled and run: here, where libffi is.
#[cfg(doctest)]
#[doc = include_str!("../../docs/moving.md")]
pub struct Moving;
