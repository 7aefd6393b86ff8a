//! The steps of `steps.S`, by number.

use crate::layout::{BOTH, DOUBLE, FLOAT, HIDDEN, STEP_SIZE};
use ffi_types::{Extension, Steps, Way, general_way};

/// How many ways there are to load the registers of a position, that of none at all among them.
const WAYS: u16 = BOTH as u16 + 1;
/// How many ways there are to fill a slot of the stack.
const STACK_WAYS: u16 = 7;

/// The steps in the order of the assembly. Step 0 is the call. All positions are general registers
/// here, whatever their way loads.
pub(crate) const STEPS: Steps = {
    // Position 0 has one more: the address of the result.
    let second = 1 + HIDDEN as u16 * WAYS;
    let stack = second + (WAYS - 1) * WAYS;
    Steps {
        size: STEP_SIZE as u16,
        general: [1, second, 0, 0],
        general_ways: WAYS,
        vector: [0; 4],
        vector_ways: 0,
        // There are no slots of nothing, so the first way has the first number.
        stack: stack - 1,
        stack_ways: STACK_WAYS,
    }
};

/// How a floating-point number is loaded to its vector register, and in a variadic call to the
/// general one besides.
pub(crate) const fn float_way(len: u32, variadic: bool) -> Way {
    match (len, variadic) {
        (8, true) => BOTH as Way,
        (8, false) => DOUBLE as Way,
        (4, false) => FLOAT as Way,
        _ => ffi_types::NO_WAY,
    }
}

/// How what is passed as an integer is loaded: a scalar, or a struct of 1, 2, 4 or 8 bytes.
pub(crate) const fn integer_way(len: u32, extension: Extension) -> Way {
    general_way(len, extension, 0)
}
