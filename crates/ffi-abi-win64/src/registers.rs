//! The register images, in the layout that the assembly reads and writes.

use crate::layout;
use core::mem::offset_of;
use ffi_types::{Bank, CallbackHeader, RegisterFile, Slot};

/// The argument registers of the x64 calling convention. A call loads them from here, a callback
/// saves them here. An argument has its place by its position: the third is in `general[2]` or in
/// `vector[2]`.
#[repr(C, align(16))]
#[derive(Debug, Clone, Copy, Default)]
pub struct Registers {
    /// rcx, rdx, r8, r9.
    pub general: [u64; 4],
    /// The low eightbytes of xmm0 to xmm3.
    pub vector: [u64; 4],
}

/// The return registers of the x64 calling convention.
#[repr(C, align(16))]
#[derive(Debug, Clone, Copy, Default)]
pub struct Returned {
    /// rax.
    pub general: [u64; 1],
    /// The low eightbyte of xmm0.
    pub vector: [u64; 1],
}

/// As [`Returned`], with the whole vector register.
#[repr(C, align(16))]
#[derive(Debug, Clone, Copy)]
pub struct WideReturned {
    /// rax.
    pub general: [u64; 1],
    /// zmm0; xmm0 and ymm0 are its lower parts.
    pub vector: [Wide; 1],
}

/// A whole vector register.
#[repr(C, align(16))]
#[derive(Debug, Clone, Copy)]
pub struct Wide(pub [u64; 8]);

/// The stack area and copies that a call needs, for the assembly that makes the room.
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
    /// How many bytes of the vector register count: 16, 32 or 64.
    pub(crate) vector_size: u32,
}

/// [`Registers`], for plans.
pub(crate) static REGISTERS: RegisterFile = RegisterFile {
    general: Bank { offset: layout::GENERAL, stride: 8, names: &["rcx", "rdx", "r8", "r9"] },
    vector: Bank { offset: layout::VECTOR, stride: 8, names: &["xmm0", "xmm1", "xmm2", "xmm3"] },
    x87: Bank::NONE,
    size: layout::REGISTERS_SIZE,
};

/// [`Returned`], for plans.
pub(crate) static RETURNED: RegisterFile = RegisterFile {
    general: Bank { offset: layout::RETURN_GENERAL, stride: 8, names: &["rax"] },
    vector: Bank { offset: layout::RETURN_VECTOR, stride: 8, names: &["xmm0"] },
    x87: Bank::NONE,
    size: layout::RETURNED_SIZE,
};

/// [`WideReturned`], for plans.
pub(crate) static WIDE_RETURNED: RegisterFile = RegisterFile {
    general: RETURNED.general,
    vector: Bank { offset: layout::WIDE_RETURN_VECTOR, stride: 64, names: &["xmm0"] },
    x87: Bank::NONE,
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
    assert!(offset_of!(WideReturned, general) == layout::RETURN_GENERAL as usize);
    assert!(offset_of!(WideReturned, vector) == layout::WIDE_RETURN_VECTOR as usize);
    assert!(size_of::<WideReturned>() == layout::WIDE_RETURNED_SIZE as usize);
    assert!(offset_of!(WideRoom, returned) == layout::ROOM_RETURNED as usize);
    assert!(offset_of!(WideRoom, vector_size) == layout::ROOM_VECTOR_SIZE as usize);
    assert!(offset_of!(WideRoom, room) == 0);
    assert!(offset_of!(Room, size) == layout::ROOM_SIZE as usize);
    assert!(offset_of!(Room, align) == layout::ROOM_ALIGN as usize);
    assert!(Slot::HANDLER == layout::SLOT_HANDLER as usize);
    assert!(Slot::CONTEXT == layout::SLOT_CONTEXT as usize);
    assert!(size_of::<Slot>() == layout::SLOT_SIZE as usize);
    assert!(offset_of!(CallbackHeader, dispatch) == layout::CONTEXT_DISPATCH as usize);
};
