//! The steps of `steps.S`, by number.

use crate::layout::STEP_SIZE;
use ffi_types::{NO_WAY, Steps, Way};

/// How many ways there are to load a general register or to fill a slot, `NO_WAY` among them:
/// `ffi_types::general_way`.
const GENERAL_WAYS: u16 = 10;
/// How many ways there are to load a vector register, `NO_WAY` among them: [`vector_way`].
const VECTOR_WAYS: u16 = 9;

/// The steps in the order of the assembly. Step 0 is the call.
pub(crate) const STEPS: Steps = {
    let pair = (GENERAL_WAYS - 1) * GENERAL_WAYS;
    let v0 = 1 + 4 * pair;
    let vectors = (VECTOR_WAYS - 1) * VECTOR_WAYS;
    Steps {
        size: STEP_SIZE as u16,
        general: [1, 1 + pair, 1 + 2 * pair, 1 + 3 * pair],
        general_ways: GENERAL_WAYS,
        vector: [v0, v0 + vectors, v0 + 2 * vectors, v0 + 3 * vectors],
        vector_ways: VECTOR_WAYS,
        stack: v0 + 4 * vectors,
        stack_ways: GENERAL_WAYS,
    }
};

/// How `len` bytes of an argument, from `offset` on, are loaded to a vector register.
pub(crate) const fn vector_way(len: u32, offset: u32) -> Way {
    let first = match len {
        8 => 1,
        4 => 2,
        16 => 3,
        2 => 4,
        _ => return NO_WAY,
    };
    if offset == 0 { first } else { first + 4 }
}
