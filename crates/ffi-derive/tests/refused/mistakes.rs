//! Types that C does not have, each with what to write instead.

use ffi_derive::CType;

#[derive(Clone, Copy, CType)]
#[c_type(crate = ffi_types)]
struct NoRepr {
    x: i32,
}

#[derive(Clone, Copy, CType)]
#[c_type(crate = ffi_types)]
#[repr(C)]
struct Generic<T> {
    x: T,
}

#[derive(Clone, Copy, CType)]
#[c_type(crate = ffi_types)]
#[repr(C)]
struct Empty {}

#[derive(Clone, Copy, CType)]
#[c_type(crate = ffi_types)]
#[repr(u8)]
enum WithFields {
    A(i32),
}

#[derive(Clone, Copy, CType)]
#[c_type(crate = ffi_types)]
enum NoInteger {
    A,
}

#[derive(Clone, Copy, CType)]
#[c_type(crate = ffi_types)]
#[repr(transparent)]
struct Array([u8; 4]);

#[derive(Clone, Copy, CType)]
#[c_type(create = ffi_types)]
#[repr(C)]
struct Misspelled {
    x: i32,
}

#[derive(Clone, Copy, CType)]
#[c_type(crate = ffi_types)]
#[repr(C)]
struct Borrowed<'a> {
    x: Option<&'a i32>,
}

fn main() {}
