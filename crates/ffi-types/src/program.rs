//! Programs: calls whose arguments go straight to their places, as the ABI crates' assembly reads
//! them.

/// The steps of a call, and the arguments that they load: what a convention's `steps.S` follows in
/// place of an image. Each step is said by the distance of its code from the first one, in bytes.
///
/// Steps of the stack come first, then those of the vector registers, then those of the general
/// ones, from the last to the first of each; a register step loads two registers.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Program {
    /// The first step.
    pub start: u16,
    /// What follows the stack's first slot.
    pub vector_start: u16,
    /// What follows the first pair of vector registers.
    pub general_start: u16,
    /// How many vector registers are used, where the callee is told.
    pub vector_count: u16,
    /// The steps of the general registers: the step of pair `n` is followed by that of `n - 1`.
    pub general_code: [u16; 4],
    /// The steps of the vector registers.
    pub vector_code: [u16; 4],
    /// The steps of the stack's eightbytes.
    pub stack_code: [u16; 8],
    /// The argument of each general register.
    pub general: [u8; 8],
    /// The argument of each vector register.
    pub vector: [u8; 8],
    /// The argument of each eightbyte of the stack.
    pub stack: [u8; 8],
    /// Where an eightbyte of the stack begins in its argument, in bytes.
    pub stack_offsets: [u8; 8],
}
