//! Apple's compact unwind data: one word for each function, which describes its body and neither
//! prologue nor epilogue. A word may also refer to DWARF.

use crate::aarch64::VECTOR;
use crate::binary::Binary;
use crate::state::{State, Value};
use crate::unwinder::{Unwound, leaf};
use crate::walk::Machine;
use std::ops::Range;

const MODE: u32 = 0x0f00_0000;

pub(crate) struct Compact {
    records: Vec<(Range<u64>, u32)>,
}

impl Compact {
    /// As assemblers write them: start, length, word, personality and its data, 32 bytes together.
    pub(crate) fn read(binary: &Binary) -> Self {
        let bytes = binary.compact_unwind.as_ref().map_or(&[][..], |place| &place.bytes);
        let records = bytes.chunks_exact(32).map(|record| {
            let start = u64::from_le_bytes(record[..8].try_into().expect("eight bytes"));
            let number =
                |at: usize| u32::from_le_bytes(record[at..at + 4].try_into().expect("four bytes"));
            (start..start + u64::from(number(8)), number(12))
        });
        Self { records: records.collect() }
    }

    /// What the word for an address makes of the state. Nothing at all if there is no word or if
    /// it refers to DWARF; and nothing is said of where a frame comes or goes.
    pub(crate) fn unwind(
        &self,
        machine: &Machine,
        at: u64,
        state: &State,
        after_call: bool,
    ) -> Option<Option<Result<Unwound, String>>> {
        let (_, word) = self.records.iter().find(|(range, _)| range.contains(&at))?;
        let aarch64 = machine.pushed == 0;
        let unwound = match (aarch64, word & MODE) {
            (false, 0x0400_0000) | (true, 0x0300_0000) => return None,
            (false, 0x0100_0000) | (true, 0x0400_0000) if !after_call => return Some(None),
            (false, 0x0100_0000) => by_frame_pointer(*word, state),
            (true, 0x0400_0000) => pairs(*word, state),
            (false, 0x0200_0000) if word & 0x00ff_ffff == 0x0001_0000 => Ok(leaf(machine, state)),
            (true, 0x0200_0000) if word & 0x00ff_ffff == 0 => Ok(leaf(machine, state)),
            _ => Err(format!("{word:#010x} is not known here")),
        };
        Some(Some(unwound))
    }
}

/// x86-64 with rbp: up to five registers in a row, at a distance below it.
fn by_frame_pointer(word: u32, state: &State) -> Result<Unwound, String> {
    let frame = state.get(6);
    let mut registers = state.clone();
    let mut at = frame.plus(-8 * i64::from(word >> 16 & 0xff));
    for index in 0..5 {
        let register = match word >> (3 * index) & 7 {
            0 => None,
            1 => Some(3),
            2 => Some(12),
            3 => Some(13),
            4 => Some(14),
            5 => Some(15),
            _ => return Err(format!("{word:#010x} saves no register that there is")),
        };
        if let Some(register) = register {
            registers.set(register, state.load(at));
        }
        at = at.plus(8);
    }
    registers.set(6, state.load(frame));
    let return_address = state.load(frame.plus(8));
    Ok(Unwound { stack_pointer: frame.plus(16), return_address, registers })
}

/// AArch64 with x29: pairs of registers below it, in the order of their bits.
fn pairs(word: u32, state: &State) -> Result<Unwound, String> {
    let frame = state.get(29);
    let mut registers = state.clone();
    let mut at = frame;
    let general = (0..5).map(|bit| (1 << bit, 19 + 2 * bit));
    let vector = (0..4).map(|bit| (0x100 << bit, VECTOR + 8 + 2 * bit));
    for (bit, first) in general.chain(vector).filter(|(bit, _)| word & bit != 0) {
        let _ = bit;
        for register in [first, first + 1] {
            at = at.plus(-8);
            registers.set(register, state.load(at));
        }
    }
    registers.set(29, state.load(frame));
    let return_address = state.load(frame.plus(8));
    let stack_pointer: Value = frame.plus(16);
    Ok(Unwound { stack_pointer, return_address, registers })
}
