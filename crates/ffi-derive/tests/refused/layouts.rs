//! Layouts that C does not have.

use ffi_derive::CType;

#[derive(Clone, Copy, CType)]
#[c_type(crate = ffi_types)]
#[repr(C)]
struct Zero {
    count: u32,
    items: [u8; 0],
}

#[derive(Clone, Copy, CType)]
#[c_type(crate = ffi_types)]
#[repr(u8, align(8))]
enum Aligned {
    A,
}

fn main() {}
