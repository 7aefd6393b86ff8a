//! `ffi_type`, its codes, and the types that every program finds ready.

use std::ffi::{c_uint, c_ushort};
use std::ptr::null_mut;

/// A type as libffi describes it: 24 bytes.
///
/// That of a struct has the code [`FFI_TYPE_STRUCT`] and a list of its members' types that ends
/// with null. With a size of 0, size and alignment are computed and written here when a cif is
/// prepared with it; other ones are taken as they are.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ffi_type {
    /// In bytes.
    pub size: usize,
    /// In bytes.
    pub alignment: c_ushort,
    /// One of `FFI_TYPE_…`.
    pub type_: c_ushort,
    /// The members of a struct, the part of a complex number, the elements of a vector: pointers
    /// to their types, and a null pointer at the end.
    pub elements: *mut *mut ffi_type,
}

/// The outcome of a preparation: one of `FFI_OK`, `FFI_BAD_TYPEDEF`, `FFI_BAD_ABI` and
/// `FFI_BAD_ARGTYPE`.
pub type ffi_status = c_uint;

/// Prepared.
pub const FFI_OK: ffi_status = 0;
/// A type that contradicts itself or that the ABI does not have; or a null pointer for one.
pub const FFI_BAD_TYPEDEF: ffi_status = 1;
/// An ABI that this platform does not have, or a closure that cannot be had.
pub const FFI_BAD_ABI: ffi_status = 2;
/// A `float`, or an integer smaller than `int`, in variadic position.
pub const FFI_BAD_ARGTYPE: ffi_status = 3;

/// A calling convention: one of `FFI_UNIX64` and so on.
pub type ffi_abi = c_uint;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        $($(#[$doc])* pub const $name: c_ushort = $code;)*
    };
}

codes! {
    /// No value.
    FFI_TYPE_VOID = 0;
    /// `int`, by its oldest name.
    FFI_TYPE_INT = 1;
    /// `float`.
    FFI_TYPE_FLOAT = 2;
    /// `double`.
    FFI_TYPE_DOUBLE = 3;
    /// `long double`, of 16 or 8 bytes.
    FFI_TYPE_LONGDOUBLE = 4;
    /// `uint8_t`.
    FFI_TYPE_UINT8 = 5;
    /// `int8_t`.
    FFI_TYPE_SINT8 = 6;
    /// `uint16_t`.
    FFI_TYPE_UINT16 = 7;
    /// `int16_t`.
    FFI_TYPE_SINT16 = 8;
    /// `uint32_t`.
    FFI_TYPE_UINT32 = 9;
    /// `int32_t`.
    FFI_TYPE_SINT32 = 10;
    /// `uint64_t`.
    FFI_TYPE_UINT64 = 11;
    /// `int64_t`.
    FFI_TYPE_SINT64 = 12;
    /// A struct.
    FFI_TYPE_STRUCT = 13;
    /// A pointer.
    FFI_TYPE_POINTER = 14;
    /// A complex number, of the one type among its elements.
    FFI_TYPE_COMPLEX = 15;
    /// `unsigned __int128`.
    FFI_TYPE_UINT128 = 16;
    /// `__int128`.
    FFI_TYPE_SINT128 = 17;
    /// A SIMD vector; all its elements are the same scalar.
    FFI_TYPE_VECTOR = 18;
}

macro_rules! scalars {
    ($($(#[$doc:meta])* $name:ident: $code:ident, $size:expr;)*) => {
        $(
            $(#[$doc])*
            #[unsafe(no_mangle)]
            pub static mut $name: ffi_type = ffi_type {
                size: $size,
                alignment: $size as c_ushort,
                type_: $code,
                elements: null_mut(),
            };
        )*
    };
}

/// `sizeof(long double)`.
const LONG_DOUBLE: usize = size_of::<ffi_types::LongDouble>();

scalars! {
    /// `void`; it has a size, as libffi's has.
    ffi_type_void: FFI_TYPE_VOID, 1;
    /// `uint8_t`.
    ffi_type_uint8: FFI_TYPE_UINT8, 1;
    /// `int8_t`.
    ffi_type_sint8: FFI_TYPE_SINT8, 1;
    /// `uint16_t`.
    ffi_type_uint16: FFI_TYPE_UINT16, 2;
    /// `int16_t`.
    ffi_type_sint16: FFI_TYPE_SINT16, 2;
    /// `uint32_t`.
    ffi_type_uint32: FFI_TYPE_UINT32, 4;
    /// `int32_t`.
    ffi_type_sint32: FFI_TYPE_SINT32, 4;
    /// `uint64_t`.
    ffi_type_uint64: FFI_TYPE_UINT64, 8;
    /// `int64_t`.
    ffi_type_sint64: FFI_TYPE_SINT64, 8;
    /// `unsigned __int128`.
    ffi_type_uint128: FFI_TYPE_UINT128, 16;
    /// `__int128`.
    ffi_type_sint128: FFI_TYPE_SINT128, 16;
    /// `float`.
    ffi_type_float: FFI_TYPE_FLOAT, 4;
    /// `double`.
    ffi_type_double: FFI_TYPE_DOUBLE, 8;
    /// `long double`, as the platform has it.
    ffi_type_longdouble: FFI_TYPE_LONGDOUBLE, LONG_DOUBLE;
    /// `void *`.
    ffi_type_pointer: FFI_TYPE_POINTER, 8;
}

/// A list of elements that ends with null.
#[repr(transparent)]
struct Elements([*mut ffi_type; 2]);

// SAFETY: nothing writes to the lists, and what they point to is C's to keep in order.
unsafe impl Sync for Elements {}

macro_rules! complex {
    ($($(#[$doc:meta])* $name:ident: $list:ident, $part:ident, $size:expr;)*) => {
        $(
            static $list: Elements = Elements([&raw mut $part, null_mut()]);
            $(#[$doc])*
            #[unsafe(no_mangle)]
            pub static mut $name: ffi_type = ffi_type {
                size: 2 * $size,
                alignment: $size as c_ushort,
                type_: FFI_TYPE_COMPLEX,
                elements: (&raw const $list).cast_mut().cast(),
            };
        )*
    };
}

complex! {
    /// `float _Complex`.
    ffi_type_complex_float: FLOATS, ffi_type_float, 4;
    /// `double _Complex`.
    ffi_type_complex_double: DOUBLES, ffi_type_double, 8;
    /// `long double _Complex`.
    ffi_type_complex_longdouble: LONG_DOUBLES, ffi_type_longdouble, LONG_DOUBLE;
}
