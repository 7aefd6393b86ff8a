//! The register images, in the layout that the assembly reads and writes.

use crate::layout;
use core::mem::offset_of;
use ffi_types::{Bank, CallbackHeader, RegisterFile, Slot};

/// The argument registers of AAPCS64 6.8.2. A call loads them from here, a callback saves them
/// here.
#[repr(C, align(16))]
#[derive(Debug, Clone, Copy, Default)]
pub struct Registers {
    /// x0 to x7, and x8.
    pub general: [u64; 9],
    /// v0 to v7, all 16 bytes of each.
    pub vector: [Vector; 8],
}

/// The return registers of AAPCS64 6.9.
#[repr(C, align(16))]
#[derive(Debug, Clone, Copy, Default)]
pub struct Returned {
    /// x0, x1.
    pub general: [u64; 2],
    /// v0 to v3, all 16 bytes of each.
    pub vector: [Vector; 4],
}

/// A vector register: its low eightbyte first.
#[repr(C, align(16))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Vector(pub [u64; 2]);

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
    pub(crate) returned: *mut Returned,
}

/// [`Registers`], for plans.
pub(crate) static REGISTERS: RegisterFile = RegisterFile {
    general: Bank {
        offset: layout::GENERAL,
        stride: 8,
        names: &["x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8"],
    },
    vector: Bank {
        offset: layout::VECTOR,
        stride: 16,
        names: &["v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7"],
    },
    x87: Bank::NONE,
    size: layout::REGISTERS_SIZE,
};

/// [`Returned`], for plans.
pub(crate) static RETURNED: RegisterFile = RegisterFile {
    general: Bank { offset: layout::RETURN_GENERAL, stride: 8, names: &["x0", "x1"] },
    vector: Bank { offset: layout::RETURN_VECTOR, stride: 16, names: &["v0", "v1", "v2", "v3"] },
    x87: Bank::NONE,
    size: layout::RETURNED_SIZE,
};

const _: () = {
    assert!(offset_of!(Registers, general) == layout::GENERAL as usize);
    assert!(offset_of!(Registers, vector) == layout::VECTOR as usize);
    assert!(size_of::<Registers>() == layout::REGISTERS_SIZE as usize);
    assert!(align_of::<Registers>() == 16 && layout::REGISTERS_SIZE.is_multiple_of(16));
    assert!(offset_of!(Returned, general) == layout::RETURN_GENERAL as usize);
    assert!(offset_of!(Returned, vector) == layout::RETURN_VECTOR as usize);
    assert!(size_of::<Returned>() == layout::RETURNED_SIZE as usize);
    assert!(offset_of!(WideRoom, returned) == layout::ROOM_RETURNED as usize);
    assert!(offset_of!(WideRoom, room) == 0);
    assert!(offset_of!(Room, size) == layout::ROOM_SIZE as usize);
    assert!(offset_of!(Room, align) == layout::ROOM_ALIGN as usize);
    assert!(Slot::HANDLER == layout::SLOT_HANDLER as usize);
    assert!(Slot::CONTEXT == layout::SLOT_CONTEXT as usize);
    assert!(size_of::<Slot>() == layout::SLOT_SIZE as usize);
    assert!(offset_of!(CallbackHeader, dispatch) == layout::CONTEXT_DISPATCH as usize);
};
