//! What the instructions of AArch64 do. One that is not here is a complaint, not a guess.

use crate::binary::Binary;
use crate::state::{Register, State, Value};
use crate::walk::{Flow, Step, Write};
use yaxpeax_arch::{Decoder, U8Reader};
use yaxpeax_arm::armv8::a64::{
    InstDecoder, Instruction, Opcode, Operand, SIMDSizeCode, ShiftStyle, SizeCode,
};

pub(crate) const SP: Register = 31;
pub(crate) const LR: Register = 30;
/// v0.
pub(crate) const VECTOR: Register = 64;
/// The platform's own.
const RESERVED: u16 = 18;

pub(crate) fn name(register: Register) -> String {
    match register {
        SP => "sp".into(),
        0..VECTOR => format!("x{register}"),
        _ => format!("d{}", register - VECTOR),
    }
}

fn word(code: &[u8]) -> Option<u32> {
    code.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

/// `bti c`, `bti jc`, or `paciasp`, which is one too.
pub(crate) fn is_landing_pad(code: &[u8]) -> bool {
    matches!(word(code), Some(0xd503_245f | 0xd503_24df | 0xd503_233f))
}

/// Whether all of it is `udf #0` or `nop`.
pub(crate) fn is_padding(code: &[u8]) -> bool {
    code.chunks(4).all(|code| matches!(word(code), Some(0 | 0xd503_201f)))
}

/// A register operand: its number, unless it is the one that reads as zero, and its size.
fn register(operand: Operand) -> Option<(Option<Register>, i64)> {
    let general = |size| if size == SizeCode::X { 8 } else { 4 };
    match operand {
        Operand::Register(size, 31) => Some((None, general(size))),
        Operand::Register(size, n) | Operand::RegisterOrSP(size, n) => {
            Some((Some(n), general(size)))
        }
        Operand::SIMDRegister(size, n) => {
            let size = match size {
                SIMDSizeCode::B => 1,
                SIMDSizeCode::H => 2,
                SIMDSizeCode::S => 4,
                SIMDSizeCode::D => 8,
                SIMDSizeCode::Q => 16,
            };
            Some((Some(VECTOR + n), size))
        }
        _ => None,
    }
}

/// Whether the operand names a general register by that number.
fn names(operand: &Operand, wanted: u16) -> bool {
    match *operand {
        Operand::Register(_, n) | Operand::RegisterOrSP(_, n) | Operand::RegShift(_, _, _, n) => {
            n == wanted
        }
        Operand::RegisterPair(_, n) => n == wanted || n + 1 == wanted,
        Operand::RegRegOffset(n, m, ..) | Operand::RegPostIndexReg(n, m) => {
            n == wanted || m == wanted
        }
        Operand::RegPreIndex(n, ..) | Operand::RegPostIndex(n, _) => n == wanted,
        _ => false,
    }
}

fn constant(operand: Operand) -> Option<i64> {
    match operand {
        Operand::Immediate(value) => Some(value.into()),
        Operand::Imm64(value) => i64::try_from(value).ok(),
        Operand::ImmShift(value, shift) => Some(i64::from(value) << shift),
        _ => None,
    }
}

/// Carries out the instruction at an address.
pub(crate) fn step(binary: &Binary, at: u64, state: &mut State) -> Result<Step, String> {
    let code = binary.code(at);
    let code = code.get(..4).ok_or("no instruction")?;
    let decoded = InstDecoder::default().decode(&mut U8Reader::new(code));
    let i = decoded.map_err(|error| format!("{code:x?}: {error:?}"))?;
    let text = i.to_string();
    let mut step =
        Step { text, next: at + 4, flow: Flow::Next, writes: vec![], complaints: vec![] };
    if i.operands.iter().any(|operand| names(operand, RESERVED)) {
        step.complaints.push("x18 is the platform's".into());
    }
    let unknown = || format!("{i} is not known here");
    let target = |n: usize| match i.operands[n] {
        Operand::PCOffset(offset) => Ok(at.wrapping_add_signed(offset)),
        _ => Err(unknown()),
    };
    match i.opcode {
        Opcode::B => step.flow = Flow::Jump(target(0)?),
        Opcode::Bcc(_) => step.flow = Flow::Branch(target(0)?),
        Opcode::CBZ | Opcode::CBNZ => step.flow = Flow::Branch(target(1)?),
        Opcode::BL | Opcode::BLR => step.flow = Flow::Call,
        Opcode::BR => step.flow = Flow::Leave,
        Opcode::RET if names(&i.operands[0], LR) => step.flow = Flow::Leave,
        Opcode::PACIASP | Opcode::AUTIASP => {
            // Both mix the stack pointer in.
            let (from, to) = match i.opcode {
                Opcode::PACIASP => (Value::Entry(LR), Value::Signed(LR)),
                _ => (Value::Signed(LR), Value::Entry(LR)),
            };
            let fits = state.get(LR) == from && state.stack_pointer() == Value::Frame(0);
            state.set(LR, if fits { to } else { Value::Unknown });
        }
        // `nop`, `bti` and those that only a debugger or a profiler sees.
        Opcode::HINT => {}
        Opcode::ADD | Opcode::SUB | Opcode::AND | Opcode::ORR | Opcode::ADRP | Opcode::ADR => {
            let value = computed(&i, state);
            set(state, i.operands[0], value);
        }
        Opcode::SUBS | Opcode::ADDS | Opcode::ANDS => set(state, i.operands[0], Value::Unknown),
        Opcode::MOVZ | Opcode::MOVN | Opcode::MOVK => set(state, i.operands[0], Value::Unknown),
        _ if !memory(&i, state, &mut step)? => return Err(unknown()),
        _ => {}
    }
    Ok(step)
}

fn set(state: &mut State, operand: Operand, value: Value) {
    if let Some((Some(number), size)) = register(operand) {
        state.set(number, if size >= 8 { value } else { Value::Unknown });
    }
}

fn get(state: &State, operand: Operand) -> Value {
    match register(operand) {
        Some((Some(number), 8..)) => state.get(number),
        _ => Value::Unknown,
    }
}

/// The result of arithmetic.
fn computed(i: &Instruction, state: &State) -> Value {
    let [_, from, by, _] = i.operands;
    let constant = constant(by);
    match (i.opcode, constant, by) {
        (Opcode::ADD, Some(by), _) => get(state, from).plus(by),
        (Opcode::SUB, Some(by), _) => get(state, from).plus(-by),
        (Opcode::SUB | Opcode::AND, None, _) => get(state, from).lowered(),
        (Opcode::ORR, None, Operand::RegShift(ShiftStyle::LSL, 0, SizeCode::X, n))
            if matches!(from, Operand::Register(_, 31)) && n != 31 =>
        {
            state.get(n)
        }
        _ => Value::Unknown,
    }
}

/// Loads and stores; whether it is one.
fn memory(i: &Instruction, state: &mut State, step: &mut Step) -> Result<bool, String> {
    let (is_load, narrow) = match i.opcode {
        Opcode::LDR | Opcode::LDP | Opcode::LDUR => (true, None),
        Opcode::LDRSW | Opcode::LDRSH | Opcode::LDRSB | Opcode::LDRH | Opcode::LDRB => {
            (true, Some(0))
        }
        Opcode::STR | Opcode::STP | Opcode::STUR => (false, None),
        Opcode::STRH => (false, Some(2)),
        Opcode::STRB => (false, Some(1)),
        _ => return Ok(false),
    };
    let registers: Vec<_> = i.operands.iter().map_while(|operand| register(*operand)).collect();
    let base_at_sp = |n: u16| if n == 31 { SP } else { n };
    let (address, back, offset) = match i.operands[registers.len()] {
        Operand::RegPreIndex(base, offset, writes_back) => {
            let address = state.get(base_at_sp(base)).plus(offset.into());
            (address, writes_back.then_some((base_at_sp(base), address)), Some(offset))
        }
        Operand::RegPostIndex(base, offset) => {
            let address = state.get(base_at_sp(base));
            (address, Some((base_at_sp(base), address.plus(offset.into()))), Some(0))
        }
        Operand::RegRegOffset(..) => (Value::Unknown, None, None),
        other => return Err(format!("{i}: {other:?} is not known here")),
    };
    let on_stack = matches!(
        i.operands[registers.len()],
        Operand::RegPreIndex(31, ..) | Operand::RegPostIndex(31, _)
    );
    let mut at = address;
    for (number, size) in &registers {
        let size = narrow.unwrap_or(*size);
        if is_load {
            let value = if size >= 8 { state.load(at) } else { Value::Unknown };
            if let Some(number) = number {
                state.set(*number, value);
            }
        } else {
            let value = number.map_or(Value::Unknown, |number| state.get(number));
            // What a page fault is provoked with.
            let probe = i.opcode == Opcode::STR && number.is_none() && offset == Some(0);
            state.store(at, size, if size >= 8 { value } else { Value::Unknown });
            let above_stack_pointer =
                on_stack && (back.is_some() || offset.is_some_and(|offset| offset >= 0));
            step.writes.push(Write { to: at, size, above_stack_pointer, probe });
        }
        at = at.plus(size);
    }
    if let Some((base, value)) = back {
        state.set(base, value);
    }
    Ok(true)
}
