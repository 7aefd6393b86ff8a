//! Every offset that Rust and the assembly share, as integers, in bytes.
//!
//! The one source: `build.rs` passes each to the assembler as a define of the same name, and
//! `registers.rs` asserts that the structs agree.

/// Name and value of each define.
pub(crate) const DEFINES: &[(&str, u32)] = &[
    ("GENERAL", GENERAL),
    ("VECTOR", VECTOR),
    ("REGISTERS_SIZE", REGISTERS_SIZE),
    ("RETURN_GENERAL", RETURN_GENERAL),
    ("RETURN_VECTOR", RETURN_VECTOR),
    ("RETURNED_SIZE", RETURNED_SIZE),
    ("ROOM_SIZE", ROOM_SIZE),
    ("ROOM_ALIGN", ROOM_ALIGN),
    ("ROOM_RETURNED", ROOM_RETURNED),
    ("SLOT_HANDLER", SLOT_HANDLER),
    ("SLOT_CONTEXT", SLOT_CONTEXT),
    ("SLOT_SIZE", SLOT_SIZE),
    ("CONTEXT_DISPATCH", CONTEXT_DISPATCH),
    ("STEP_SIZE", STEP_SIZE),
    ("THUNK_SIZE", THUNK_SIZE),
    ("THUNK_COUNT", THUNK_COUNT),
];

/// `Registers::general`: x0 to x7, and x8 for the address of a result in memory.
pub(crate) const GENERAL: u32 = 0;
/// `Registers::vector`: v0 to v7.
pub(crate) const VECTOR: u32 = 80;
/// `size_of::<Registers>()`; a multiple of 16, as the stack area follows it.
pub(crate) const REGISTERS_SIZE: u32 = 208;

/// `Returned::general`: x0, x1.
pub(crate) const RETURN_GENERAL: u32 = 0;
/// `Returned::vector`: v0 to v3.
pub(crate) const RETURN_VECTOR: u32 = 16;
/// `size_of::<Returned>()`.
pub(crate) const RETURNED_SIZE: u32 = 80;

/// `Room::size`.
pub(crate) const ROOM_SIZE: u32 = 0;
/// `Room::align`.
pub(crate) const ROOM_ALIGN: u32 = 8;
/// `WideRoom::returned`.
pub(crate) const ROOM_RETURNED: u32 = 16;

/// `ffi_types::Slot::handler`.
pub(crate) const SLOT_HANDLER: u32 = 0;
/// `ffi_types::Slot::context`.
pub(crate) const SLOT_CONTEXT: u32 = 8;
/// `size_of::<ffi_types::Slot>()`.
pub(crate) const SLOT_SIZE: u32 = 16;
/// `ffi_types::CallbackHeader::dispatch`.
pub(crate) const CONTEXT_DISPATCH: u32 = 0;

/// From one step to the next.
pub(crate) const STEP_SIZE: u32 = 48;

/// From one thunk to the next.
pub(crate) const THUNK_SIZE: u32 = 32;
/// How many thunks are assembled: sixteen pages of code.
pub(crate) const THUNK_COUNT: u32 = 2048;
