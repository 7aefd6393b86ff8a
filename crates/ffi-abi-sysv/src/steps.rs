//! The steps of `steps.S`, by number.

use crate::layout::{HIDDEN, STEP_SIZE};
use ffi_types::{NO_WAY, Steps, Way};

/// How many ways there are to load a general register or to fill a slot, `NO_WAY` among them:
/// `ffi_types::general_way`.
const GENERAL_WAYS: u16 = 10;
/// How many ways there are to load a vector register, `NO_WAY` among them: [`vector_way`].
const VECTOR_WAYS: u16 = 5;

/// The steps in the order of the assembly. Step 0 is the call.
pub(crate) const STEPS: Steps = {
    // rdi has one more: the address of the result.
    let rdx = 1 + HIDDEN as u16 * GENERAL_WAYS;
    let r8 = rdx + (GENERAL_WAYS - 1) * GENERAL_WAYS;
    let xmm0 = r8 + (GENERAL_WAYS - 1) * GENERAL_WAYS;
    let pair = (VECTOR_WAYS - 1) * VECTOR_WAYS;
    Steps {
        size: STEP_SIZE as u16,
        general: [1, rdx, r8, 0],
        general_ways: GENERAL_WAYS,
        vector: [xmm0, xmm0 + pair, xmm0 + 2 * pair, xmm0 + 3 * pair],
        vector_ways: VECTOR_WAYS,
        stack: xmm0 + 4 * pair,
        stack_ways: GENERAL_WAYS,
    }
};

/// How `len` bytes of an argument, from `offset` on, are loaded to a vector register.
pub(crate) const fn vector_way(len: u32, offset: u32) -> Way {
    match (len, offset) {
        (8, 0) => 1,
        (4, 0) => 2,
        (8, 8) => 3,
        (4, 8) => 4,
        _ => NO_WAY,
    }
}
