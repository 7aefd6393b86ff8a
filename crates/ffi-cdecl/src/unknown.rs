//! What somebody meant who wrote a name that is no type.

/// Words that a type can begin with, and those that stand before one.
const KEYWORDS: [&str; 18] = [
    "unsigned", "signed", "double", "float", "struct", "union", "enum", "const", "char", "short",
    "int", "long", "void", "volatile", "typedef", "extern", "static", "inline",
];

/// Rust's names and C's: whoever writes C in a Rust program mixes them up.
const OF_RUST: [(&str, &str); 12] = [
    ("i8", "int8_t"),
    ("i16", "int16_t"),
    ("i32", "int32_t"),
    ("i64", "int64_t"),
    ("u8", "uint8_t"),
    ("u16", "uint16_t"),
    ("u32", "uint32_t"),
    ("u64", "uint64_t"),
    ("f32", "float"),
    ("f64", "double"),
    ("isize", "ptrdiff_t"),
    ("usize", "size_t"),
];

/// The type that was most likely meant, among these and C's own.
pub(crate) fn meant<'a>(name: &str, types: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    match OF_RUST.iter().find(|(rust, _)| *rust == name) {
        Some((_, c)) => Some(c),
        None => ffi_types::nearest(name, types.chain(KEYWORDS)),
    }
}
