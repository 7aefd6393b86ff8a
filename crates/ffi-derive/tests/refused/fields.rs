//! Fields that C has no type for.

use ffi_derive::CType;

type Grid = [u8; 4];

#[derive(Clone, Copy, CType)]
#[c_type(crate = ffi_types)]
#[repr(C)]
struct Fields {
    letter: char,
    letters: [char; 3],
    alias: Grid,
    reference: &'static i32,
}

#[derive(CType)]
#[c_type(crate = ffi_types)]
#[repr(C)]
struct NotCopy {
    x: i32,
}

fn main() {}
