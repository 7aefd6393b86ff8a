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
    ("SHADOW_SPACE", SHADOW_SPACE),
    ("ROOM_SIZE", ROOM_SIZE),
    ("ROOM_ALIGN", ROOM_ALIGN),
    ("ROOM_RETURNED", ROOM_RETURNED),
    ("ROOM_VECTOR_SIZE", ROOM_VECTOR_SIZE),
    ("WIDE_RETURN_VECTOR", WIDE_RETURN_VECTOR),
    ("WIDE_RETURNED_SIZE", WIDE_RETURNED_SIZE),
    ("SLOT_HANDLER", SLOT_HANDLER),
    ("SLOT_CONTEXT", SLOT_CONTEXT),
    ("SLOT_SIZE", SLOT_SIZE),
    ("CONTEXT_DISPATCH", CONTEXT_DISPATCH),
    ("STEP_SIZE", STEP_SIZE),
    ("DOUBLE", DOUBLE),
    ("FLOAT", FLOAT),
    ("BOTH", BOTH),
    ("HIDDEN", HIDDEN),
    ("THUNK_SIZE", THUNK_SIZE),
    ("THUNK_COUNT", THUNK_COUNT),
];

/// `Registers::general`: rcx, rdx, r8, r9.
pub(crate) const GENERAL: u32 = 0;
/// `Registers::vector`: the low eightbytes of xmm0 to xmm3.
pub(crate) const VECTOR: u32 = 32;
/// `size_of::<Registers>()`; a multiple of 16, as the stack area follows it.
pub(crate) const REGISTERS_SIZE: u32 = 64;

/// `Returned::general`: rax.
pub(crate) const RETURN_GENERAL: u32 = 0;
/// `Returned::vector`: the low eightbyte of xmm0.
pub(crate) const RETURN_VECTOR: u32 = 8;
/// `size_of::<Returned>()`.
pub(crate) const RETURNED_SIZE: u32 = 16;

/// `WideReturned::vector`: zmm0.
pub(crate) const WIDE_RETURN_VECTOR: u32 = 16;
/// `size_of::<WideReturned>()`.
pub(crate) const WIDE_RETURNED_SIZE: u32 = 80;

/// What every caller leaves free above the return address, for the callee to use: the start of
/// the stack area.
pub(crate) const SHADOW_SPACE: u32 = 32;

/// `Room::size`.
pub(crate) const ROOM_SIZE: u32 = 0;
/// `Room::align`.
pub(crate) const ROOM_ALIGN: u32 = 8;
/// `WideRoom::returned`.
pub(crate) const ROOM_RETURNED: u32 = 16;
/// `WideRoom::vector_size`.
pub(crate) const ROOM_VECTOR_SIZE: u32 = 24;

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
/// The ways of a position besides those of `ffi_types::general_way`: a `double` in its vector
/// register,
pub(crate) const DOUBLE: u32 = 8;
/// a `float` there,
pub(crate) const FLOAT: u32 = 9;
/// a `double` in both registers,
pub(crate) const BOTH: u32 = 10;
/// the address of the result.
pub(crate) const HIDDEN: u32 = 11;

/// From one thunk to the next.
pub(crate) const THUNK_SIZE: u32 = 16;
/// How many thunks are assembled: eight pages of code.
pub(crate) const THUNK_COUNT: u32 = 2048;
