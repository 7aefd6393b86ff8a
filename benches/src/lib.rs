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

/// Names of files cannot have every character.
pub fn file_name(shape: &str) -> String {
    shape.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}
