//! Windows' unwind codes for x86-64, carried out as `RtlVirtualUnwind` is documented to.

use crate::binary::Binary;
use crate::state::{Register, State, Value};
use crate::unwinder::{Unwound, leaf, pop};
use crate::walk::Machine;
use crate::x86_64::{RSP, XMM, decode};
use iced_x86::{FlowControl, Mnemonic, OpKind, Register as Named};

/// DWARF's numbers of the registers, in the order of their encoding.
const NUMBERS: [Register; 16] = [0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15];

struct Info<'a> {
    prologue: u64,
    /// The frame register's encoding, unless there is none, and its distance from the stack.
    frame: (u8, i64),
    codes: Vec<&'a [u8]>,
}

/// What is at `.pdata` for an address: the function's start, and its unwind information.
fn find(binary: &Binary, at: u64) -> Result<Option<(u64, Info<'_>)>, String> {
    let Some(pdata) = &binary.pdata else { return Ok(None) };
    for record in pdata.bytes.chunks_exact(12) {
        let number = |at: usize| {
            u32::from_le_bytes(record[at..at + 4].try_into().expect("four bytes")).into()
        };
        let (start, end, info): (u64, u64, u64) = (number(0), number(4), number(8));
        if (start..end).contains(&at) {
            return Ok(Some((start, read(binary, info)?)));
        }
    }
    Ok(None)
}

fn read(binary: &Binary, at: u64) -> Result<Info<'_>, String> {
    let xdata = binary.xdata.as_ref().ok_or("no .xdata")?;
    let bytes = xdata.bytes.get((at - xdata.address) as usize..).ok_or("outside of .xdata")?;
    let [head, prologue, count, frame, codes @ ..] = bytes else { return Err("cut off".into()) };
    if *head != 1 {
        return Err(format!("version and flags {head:#x} are not known here"));
    }
    let codes = codes.get(..2 * usize::from(*count)).ok_or("cut off")?;
    Ok(Info {
        prologue: (*prologue).into(),
        frame: (frame & 15, i64::from(frame >> 4) * 16),
        codes: codes.chunks(2).collect(),
    })
}

pub(crate) fn unwind(
    binary: &Binary,
    machine: &Machine,
    at: u64,
    state: &State,
) -> Result<Unwound, String> {
    let Some((start, info)) = find(binary, at)? else { return Ok(leaf(machine, state)) };
    let offset = at - start;
    let mut registers = state.clone();
    if offset >= info.prologue {
        if let Some(registers) = epilogue(binary, machine, at, state, &info) {
            return Ok(leaf(machine, &registers));
        }
        undo(&info, u64::MAX, machine, &mut registers)?;
    } else {
        undo(&info, offset, machine, &mut registers)?;
    }
    Ok(leaf(machine, &registers))
}

/// Undoes what the prologue did up to an offset.
fn undo(info: &Info<'_>, upto: u64, machine: &Machine, state: &mut State) -> Result<(), String> {
    let mut codes = info.codes.iter();
    while let Some([at, code]) = codes.next() {
        let executed = u64::from(*at) <= upto;
        let (operation, operand) = (code & 15, code >> 4);
        let mut slot = || {
            let slot = codes.next().ok_or("cut off")?;
            Ok::<_, String>(i64::from(u16::from_le_bytes([slot[0], slot[1]])))
        };
        match operation {
            0 if executed => {
                let address = pop(machine, state);
                state.set(NUMBERS[usize::from(operand)], state.load(address));
            }
            0 => {}
            1 | 2 => {
                let size = match (operation, operand) {
                    (2, size) => i64::from(size) * 8 + 8,
                    (_, 0) => slot()? * 8,
                    _ => slot()? | slot()? << 16,
                };
                if executed {
                    state.set(RSP, state.stack_pointer().plus(size));
                }
            }
            3 if executed => {
                let frame = state.get(NUMBERS[usize::from(info.frame.0)]);
                state.set(RSP, frame.plus(-info.frame.1));
            }
            3 => {}
            4 | 8 => {
                let scale = if operation == 4 { 8 } else { 16 };
                let offset = slot()? * scale;
                let operand = usize::from(operand);
                let register =
                    if operation == 4 { NUMBERS[operand] } else { XMM + operand as Register };
                if executed {
                    state.set(register, state.load(state.stack_pointer().plus(offset)));
                }
            }
            other => return Err(format!("operation {other} is not known here")),
        }
    }
    Ok(())
}

/// Carries out the rest of an epilogue, if that is what follows: the stack pointer's release, pops,
/// and the way out.
fn epilogue(
    binary: &Binary,
    machine: &Machine,
    at: u64,
    state: &State,
    info: &Info<'_>,
) -> Option<State> {
    let mut state = state.clone();
    let mut i = decode(binary, at).ok()?;
    let (base, offset) = (i.memory_base(), i.memory_displacement64() as i64);
    let releases =
        i.op_count() > 0 && i.op0_kind() == OpKind::Register && i.op0_register() == Named::RSP;
    let frame_register =
        |base: Named| info.frame.0 != 0 && base.number() == usize::from(info.frame.0);
    if releases && i.mnemonic() == Mnemonic::Lea && frame_register(base) {
        state.set(RSP, state.get(NUMBERS[base.number()]).plus(offset));
        i = decode(binary, i.next_ip()).ok()?;
    } else if releases && i.mnemonic() == Mnemonic::Add && i.op1_kind() != OpKind::Register {
        state.set(RSP, state.stack_pointer().plus(i.immediate(1) as i64));
        i = decode(binary, i.next_ip()).ok()?;
    }
    while i.mnemonic() == Mnemonic::Pop && i.op0_register().is_gpr64() {
        let address: Value = pop(machine, &mut state);
        state.set(NUMBERS[i.op0_register().number()], state.load(address));
        i = decode(binary, i.next_ip()).ok()?;
    }
    matches!(i.flow_control(), FlowControl::Return | FlowControl::IndirectBranch).then_some(state)
}
