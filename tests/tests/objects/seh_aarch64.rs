//! Windows' unwind codes for AArch64: one for each instruction of prologues and epilogues.

use crate::aarch64::{LR, SP};
use crate::binary::Binary;
use crate::state::{Register, State};
use crate::unwinder::{Unwound, leaf};
use crate::walk::Machine;

const END: u8 = 0xe4;

struct Info {
    length: u64,
    codes: Vec<u8>,
    /// Each epilogue's offset in the function and its first code.
    epilogues: Vec<(u64, usize)>,
}

fn word(bytes: &[u8], at: u64) -> Result<u32, String> {
    let bytes = bytes.get(at as usize..).and_then(|bytes| bytes.first_chunk());
    bytes.map(|bytes| u32::from_le_bytes(*bytes)).ok_or_else(|| "cut off".into())
}

fn find(binary: &Binary, at: u64) -> Result<Option<(u64, Info)>, String> {
    let Some(pdata) = &binary.pdata else { return Ok(None) };
    for record in pdata.bytes.chunks_exact(8) {
        let (start, data) = (u64::from(word(record, 0)?), u64::from(word(record, 4)?));
        if data & 3 != 0 {
            return Err("packed unwind data is not known here".into());
        }
        let info = read(binary, data)?;
        if (start..start + info.length).contains(&at) {
            return Ok(Some((start, info)));
        }
    }
    Ok(None)
}

fn read(binary: &Binary, at: u64) -> Result<Info, String> {
    let xdata = binary.xdata.as_ref().ok_or("no .xdata")?;
    let bytes = xdata.bytes.get((at - xdata.address) as usize..).ok_or("outside of .xdata")?;
    let head = word(bytes, 0)?;
    let (count, words) = (u64::from(head >> 22 & 31), u64::from(head >> 27));
    let one_epilogue = head >> 21 & 1 == 1;
    if head >> 18 & 7 != 0 || (count == 0 && words == 0) {
        return Err(format!("{head:#010x} is not known here"));
    }
    let length = u64::from(head & 0x3_ffff) * 4;
    let scopes = if one_epilogue { 0 } else { count };
    let from = (4 + 4 * scopes) as usize;
    let codes = bytes.get(from..from + 4 * words as usize).ok_or("cut off")?.to_vec();
    let mut epilogues = Vec::new();
    if one_epilogue {
        // It ends the function, and its last code stands for `ret`.
        let instructions = steps(&codes, count as usize)?.len() as u64 + 1;
        epilogues.push((length - 4 * instructions, count as usize));
    }
    for scope in 0..scopes {
        let scope = word(bytes, 4 + 4 * scope)?;
        epilogues.push((u64::from(scope & 0x3_ffff) * 4, (scope >> 22) as usize));
    }
    Ok(Info { length, codes, epilogues })
}

/// The codes from an index to the next end, each with its operands.
fn steps(codes: &[u8], from: usize) -> Result<Vec<&[u8]>, String> {
    let mut rest = codes.get(from..).ok_or("no such code")?;
    let mut found = Vec::new();
    loop {
        let size = match rest.first() {
            None => return Err("no end".into()),
            Some(&END) => return Ok(found),
            Some(0..0xc0 | 0xe1 | 0xe3) => 1,
            Some(0xc0..0xe0 | 0xe2) => 2,
            Some(0xe0) => 4,
            Some(other) => return Err(format!("code {other:#x} is not known here")),
        };
        let (code, after) = rest.split_at_checked(size).ok_or("cut off")?;
        found.push(code);
        rest = after;
    }
}

pub(crate) fn unwind(
    binary: &Binary,
    machine: &Machine,
    at: u64,
    state: &State,
) -> Result<Unwound, String> {
    let Some((start, info)) = find(binary, at)? else { return Ok(leaf(machine, state)) };
    let instruction = (at - start) / 4;
    let prologue = steps(&info.codes, 0)?;
    let mut codes = prologue.clone();
    if instruction < codes.len() as u64 {
        // The last instructions have the first codes, and were not executed.
        codes.drain(..codes.len() - instruction as usize);
    }
    for (offset, first) in &info.epilogues {
        let epilogue = steps(&info.codes, *first)?;
        let from = offset / 4;
        if (from..=from + epilogue.len() as u64).contains(&instruction) {
            codes = epilogue;
            codes.drain(..(instruction - from) as usize);
        }
    }
    let mut registers = state.clone();
    for code in codes {
        undo(code, &mut registers)?;
    }
    Ok(leaf(machine, &registers))
}

/// Undoes one instruction.
fn undo(code: &[u8], state: &mut State) -> Result<(), String> {
    let low = |mask: u8| i64::from(code[0] & mask);
    let load = |state: &mut State, first: Register, second: Register, offset: i64| {
        let address = state.get(SP).plus(offset);
        state.set(first, state.load(address));
        state.set(second, state.load(address.plus(8)));
    };
    let raise = |state: &mut State, size: i64| state.set(SP, state.get(SP).plus(size));
    match code[0] {
        0..0x20 => raise(state, low(31) * 16),
        0x20..0x40 => {
            load(state, 19, 20, 0);
            raise(state, low(31) * 8);
        }
        0x40..0x80 => load(state, 29, LR, low(63) * 8),
        0x80..0xc0 => {
            load(state, 29, LR, 0);
            raise(state, (low(63) + 1) * 8);
        }
        0xc0..0xc8 => raise(state, (low(7) << 8 | i64::from(code[1])) * 16),
        0xc8..0xd0 => {
            let first = 19 + (u16::from(code[0] & 3) << 2 | u16::from(code[1] >> 6));
            let offset = i64::from(code[1] & 63) * 8;
            if code[0] < 0xcc {
                load(state, first, first + 1, offset);
            } else {
                load(state, first, first + 1, 0);
                raise(state, offset + 8);
            }
        }
        0xe1 => state.set(SP, state.get(29)),
        0xe2 => state.set(SP, state.get(29).plus(-8 * i64::from(code[1]))),
        0xe3 => {}
        other => return Err(format!("code {other:#x} is not known here")),
    }
    Ok(())
}
