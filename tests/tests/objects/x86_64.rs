//! What the instructions of x86-64 do.

use crate::binary::Binary;
use crate::state::{Register, State, Value};
use crate::walk::{Flow, Step, Write};
use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess,
    OpKind, Register as Named, RflagsBits,
};

pub(crate) const RSP: Register = 7;
/// The return address, which is in memory.
pub(crate) const RETURN_ADDRESS: Register = 16;
/// xmm0.
pub(crate) const XMM: Register = 17;

const GENERAL: [Named; 16] = [
    Named::RAX,
    Named::RDX,
    Named::RCX,
    Named::RBX,
    Named::RSI,
    Named::RDI,
    Named::RBP,
    Named::RSP,
    Named::R8,
    Named::R9,
    Named::R10,
    Named::R11,
    Named::R12,
    Named::R13,
    Named::R14,
    Named::R15,
];

/// The DWARF number of the register that this one is a part of.
fn number(register: Named) -> Option<Register> {
    if register.is_vector_register() {
        return Some(XMM + register.number() as Register);
    }
    let full = register.full_register();
    GENERAL.iter().position(|each| *each == full).map(|at| at as Register)
}

pub(crate) fn name(register: Register) -> String {
    match GENERAL.get(usize::from(register)) {
        Some(register) => format!("{register:?}").to_lowercase(),
        None => format!("xmm{}", register - XMM),
    }
}

pub(crate) fn decode(binary: &Binary, at: u64) -> Result<Instruction, String> {
    let mut decoder = Decoder::with_ip(64, binary.code(at), at, DecoderOptions::NONE);
    let instruction = decoder.decode();
    if instruction.is_invalid() { Err("no instruction".into()) } else { Ok(instruction) }
}

/// Whether all of it is `int3` or does nothing. GNU's assembler begins much of it with a jump to
/// the end, and fills with other instructions than `nop` too.
pub(crate) fn is_padding(code: &[u8]) -> bool {
    let decoder = Decoder::with_ip(64, code, 0, DecoderOptions::NONE);
    decoder.into_iter().all(|i| {
        let over = i.flow_control() == FlowControl::UnconditionalBranch
            && i.near_branch_target() == code.len() as u64;
        over || matches!(i.mnemonic(), Mnemonic::Int3 | Mnemonic::Nop) || is_idle(&i)
    })
}

fn is_idle(i: &Instruction) -> bool {
    let onto_itself = i.op0_kind() == OpKind::Register
        && (i.op1_kind() == OpKind::Register && i.op0_register() == i.op1_register()
            || i.mnemonic() == Mnemonic::Lea
                && i.op0_register() == i.memory_base()
                && i.memory_index() == Named::None
                && i.memory_displacement64() == 0);
    matches!(i.mnemonic(), Mnemonic::Xchg | Mnemonic::Mov | Mnemonic::Lea) && onto_itself
}

/// The address that an operand in memory has.
fn address(i: &Instruction, state: &State) -> Value {
    if i.memory_index() != Named::None || i.is_ip_rel_memory_operand() {
        return Value::Unknown;
    }
    match number(i.memory_base()) {
        Some(base) => state.get(base).plus(i.memory_displacement64() as i64),
        None => Value::Unknown,
    }
}

/// Instructions that change how others work.
const MODES: [Mnemonic; 12] = [
    Mnemonic::Ldmxcsr,
    Mnemonic::Vldmxcsr,
    Mnemonic::Fldcw,
    Mnemonic::Fldenv,
    Mnemonic::Fninit,
    Mnemonic::Finit,
    Mnemonic::Frstor,
    Mnemonic::Fxrstor,
    Mnemonic::Fxrstor64,
    Mnemonic::Xrstor,
    Mnemonic::Popfq,
    Mnemonic::Emms,
];

/// Carries out the instruction at an address.
pub(crate) fn step(binary: &Binary, at: u64, state: &mut State) -> Result<Step, String> {
    let i = decode(binary, at)?;
    let flow = match i.flow_control() {
        FlowControl::Next => Flow::Next,
        FlowControl::ConditionalBranch => Flow::Branch(i.near_branch_target()),
        FlowControl::UnconditionalBranch => Flow::Jump(i.near_branch_target()),
        FlowControl::IndirectBranch | FlowControl::Return => Flow::Leave,
        FlowControl::Call | FlowControl::IndirectCall => Flow::Call,
        other => return Err(format!("{i}: {other:?}")),
    };
    let mut factory = InstructionInfoFactory::new();
    let info = factory.info(&i);
    let mut complaints = Vec::new();
    if i.rflags_modified() & RflagsBits::DF != 0 {
        complaints.push("changes the direction flag".into());
    }
    if MODES.contains(&i.mnemonic()) {
        complaints.push("changes a mode that belongs to the caller".into());
    }
    let mut writes = Vec::new();
    if flow != Flow::Call && flow != Flow::Leave {
        let sizes = info.used_memory().iter().filter(|memory| is_write(memory.access()));
        let size = sizes.map(|memory| memory.memory_size().size() as i64).max();
        let moved = moved(&i, state);
        let address = match i.mnemonic() {
            Mnemonic::Push => state.stack_pointer().plus(-8),
            _ => address(&i, state),
        };
        // `or [x], 0` leaves what is there.
        let probe =
            i.mnemonic() == Mnemonic::Or && i.op1_kind() != OpKind::Register && i.immediate(1) == 0;
        if let Some(size) = size {
            let stored = if size >= 8 { moved } else { Value::Unknown };
            if !probe {
                state.store(address, size, stored);
            }
            let above_stack_pointer = i.mnemonic() == Mnemonic::Push
                || i.memory_base() == Named::RSP && (i.memory_displacement64() as i64) >= 0;
            writes.push(Write { to: address, size, above_stack_pointer, probe });
        }
        if i.mnemonic() != Mnemonic::Vzeroupper {
            for used in info.used_registers().iter().filter(|used| is_write(used.access())) {
                if let Some(register) = number(used.register()).filter(|number| *number != RSP) {
                    state.set(register, Value::Unknown);
                }
            }
        }
        registers(&i, moved, state);
    }
    Ok(Step { text: i.to_string(), next: i.next_ip(), flow, writes, complaints })
}

fn is_write(access: OpAccess) -> bool {
    !matches!(access, OpAccess::None | OpAccess::Read | OpAccess::CondRead | OpAccess::NoMemAccess)
}

/// What the instruction puts into its first operand.
fn moved(i: &Instruction, state: &State) -> Value {
    let whole = |register: Named| {
        register.is_gpr64() || register.is_xmm() || register.is_ymm() || register.is_zmm()
    };
    let operand = |n: u32| match i.op_kind(n) {
        OpKind::Register if whole(i.op_register(n)) => {
            number(i.op_register(n)).map_or(Value::Unknown, |number| state.get(number))
        }
        OpKind::Memory => state.load(address(i, state)),
        _ => Value::Unknown,
    };
    let is_constant = !matches!(i.op_kind(1), OpKind::Register | OpKind::Memory);
    match i.mnemonic() {
        Mnemonic::Push => operand(0),
        Mnemonic::Pop => state.load(state.stack_pointer()),
        Mnemonic::Mov
        | Mnemonic::Movaps
        | Mnemonic::Movups
        | Mnemonic::Movapd
        | Mnemonic::Movupd
        | Mnemonic::Vmovups => operand(1),
        Mnemonic::Lea => address(i, state),
        Mnemonic::Add if is_constant => operand(0).plus(i.immediate(1) as i64),
        Mnemonic::Sub if is_constant => operand(0).plus((i.immediate(1) as i64).wrapping_neg()),
        Mnemonic::Sub | Mnemonic::And => operand(0).lowered(),
        _ => Value::Unknown,
    }
}

/// Writes what was moved into the first operand, and moves the stack pointer.
fn registers(i: &Instruction, moved: Value, state: &mut State) {
    match i.mnemonic() {
        Mnemonic::Push => state.set(RSP, state.stack_pointer().plus(-8)),
        Mnemonic::Pop => state.set(RSP, state.stack_pointer().plus(8)),
        _ => {}
    }
    let reads_only = matches!(i.mnemonic(), Mnemonic::Push | Mnemonic::Cmp | Mnemonic::Test);
    if i.op_count() == 0 || i.op0_kind() != OpKind::Register || reads_only {
        return;
    }
    let register = i.op0_register();
    let whole = register.is_gpr64() || register.is_vector_register();
    if let Some(number) = number(register) {
        state.set(number, if whole { moved } else { Value::Unknown });
    }
}
