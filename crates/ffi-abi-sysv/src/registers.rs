//! The register images, in the layout that the assembly reads and writes.

use crate::layout;
use core::mem::offset_of;
use ffi_types::{Bank, CallbackHeader, RegisterFile, Slot};

/// The argument registers of SysV psABI 3.2.3. A call loads them from here, a callback saves them
/// here.
#[repr(C, align(16))]
#[derive(Debug, Clone, Copy, Default)]
pub struct Registers {
    /// rdi, rsi, rdx, rcx, r8, r9.
    pub general: [u64; 6],
    /// The low eightbytes of xmm0 to xmm7.
    pub vector: [u64; 8],
}

/// The return registers of SysV psABI 3.2.3.
#[repr(C, align(16))]
#[derive(Debug, Clone, Copy, Default)]
pub struct Returned {
    /// rax, rdx.
    pub general: [u64; 2],
    /// The low eightbytes of xmm0 and xmm1.
    pub vector: [u64; 2],
}

/// As [`Registers`], with the whole vector registers: what calls need that pass or return SIMD
/// vectors, `__float128` or `long double`.
#[repr(C, align(64))]
#[derive(Debug, Clone, Copy)]
pub struct WideRegisters {
    /// rdi, rsi, rdx, rcx, r8, r9.
    pub general: [u64; 6],
    /// zmm0 to zmm7; xmm and ymm are their lower parts.
    pub vector: [Wide; 8],
}

/// As [`Returned`], with the whole vector registers and those of x87.
#[repr(C, align(64))]
#[derive(Debug, Clone, Copy)]
pub struct WideReturned {
    /// rax, rdx.
    pub general: [u64; 2],
    /// st0, st1: 80 bits each, and padding.
    pub x87: [u128; 2],
    /// zmm0, zmm1.
    pub vector: [Wide; 2],
}

/// A whole vector register.
#[repr(C, align(64))]
#[derive(Debug, Clone, Copy)]
pub struct Wide(pub [u64; 8]);

/// The stack area that a call needs, for the assembly that makes it.
#[repr(C)]
pub(crate) struct Room {
    pub(crate) size: u64,
    pub(crate) align: u64,
}

/// What `call_wide` needs to know besides.
#[repr(C)]
pub(crate) struct WideRoom {
    pub(crate) room: Room,
    /// Where the return registers are put.
    pub(crate) returned: *mut WideReturned,
    /// How many bytes of vector registers count: 16, 32 or 64.
    pub(crate) vector_size: u32,
    /// How many registers of x87 the result is in.
    pub(crate) x87: u32,
}

/// [`Registers`], for plans.
pub(crate) static REGISTERS: RegisterFile = RegisterFile {
    general: Bank {
        offset: layout::GENERAL,
        stride: 8,
        names: &["rdi", "rsi", "rdx", "rcx", "r8", "r9"],
    },
    vector: Bank { offset: layout::VECTOR, stride: 8, names: VECTOR_NAMES },
    x87: Bank::NONE,
    size: layout::REGISTERS_SIZE,
};

/// [`WideRegisters`], for plans.
pub(crate) static WIDE_REGISTERS: RegisterFile = RegisterFile {
    general: REGISTERS.general,
    vector: Bank { offset: layout::WIDE_VECTOR, stride: 64, names: VECTOR_NAMES },
    x87: Bank::NONE,
    size: layout::WIDE_REGISTERS_SIZE,
};

const VECTOR_NAMES: &[&str] = &["xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7"];

/// [`Returned`], for plans.
pub(crate) static RETURNED: RegisterFile = RegisterFile {
    general: Bank { offset: layout::RETURN_GENERAL, stride: 8, names: &["rax", "rdx"] },
    vector: Bank { offset: layout::RETURN_VECTOR, stride: 8, names: &["xmm0", "xmm1"] },
    x87: Bank::NONE,
    size: layout::RETURNED_SIZE,
};

/// [`WideReturned`], for plans.
pub(crate) static WIDE_RETURNED: RegisterFile = RegisterFile {
    general: RETURNED.general,
    vector: Bank { offset: layout::WIDE_RETURN_VECTOR, stride: 64, names: &["xmm0", "xmm1"] },
    x87: Bank { offset: layout::WIDE_RETURN_X87, stride: 16, names: &["st0", "st1"] },
    size: layout::WIDE_RETURNED_SIZE,
};

const _: () = {
    assert!(offset_of!(Registers, general) == layout::GENERAL as usize);
    assert!(offset_of!(Registers, vector) == layout::VECTOR as usize);
    assert!(size_of::<Registers>() == layout::REGISTERS_SIZE as usize);
    assert!(align_of::<Registers>() == 16 && layout::REGISTERS_SIZE.is_multiple_of(16));
    assert!(offset_of!(Returned, general) == layout::RETURN_GENERAL as usize);
    assert!(offset_of!(Returned, vector) == layout::RETURN_VECTOR as usize);
    assert!(size_of::<Returned>() == layout::RETURNED_SIZE as usize);
    assert!(offset_of!(WideRegisters, general) == layout::GENERAL as usize);
    assert!(offset_of!(WideRegisters, vector) == layout::WIDE_VECTOR as usize);
    assert!(size_of::<WideRegisters>() == layout::WIDE_REGISTERS_SIZE as usize);
    assert!(offset_of!(WideReturned, general) == layout::RETURN_GENERAL as usize);
    assert!(offset_of!(WideReturned, x87) == layout::WIDE_RETURN_X87 as usize);
    assert!(offset_of!(WideReturned, vector) == layout::WIDE_RETURN_VECTOR as usize);
    assert!(size_of::<WideReturned>() == layout::WIDE_RETURNED_SIZE as usize);
    assert!(offset_of!(WideRoom, returned) == layout::ROOM_RETURNED as usize);
    assert!(offset_of!(WideRoom, vector_size) == layout::ROOM_VECTOR_SIZE as usize);
    assert!(offset_of!(WideRoom, x87) == layout::ROOM_X87 as usize);
    assert!(offset_of!(WideRoom, room) == 0);
    assert!(offset_of!(Room, size) == layout::ROOM_SIZE as usize);
    assert!(offset_of!(Room, align) == layout::ROOM_ALIGN as usize);
    assert!(Slot::HANDLER == layout::SLOT_HANDLER as usize);
    assert!(Slot::CONTEXT == layout::SLOT_CONTEXT as usize);
    assert!(size_of::<Slot>() == layout::SLOT_SIZE as usize);
    assert!(offset_of!(CallbackHeader, dispatch) == layout::CONTEXT_DISPATCH as usize);
};
