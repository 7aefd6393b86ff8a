//! What is known of the registers and the frame at one instruction.

use std::collections::BTreeMap;

/// A register by its DWARF number.
pub(crate) type Register = u16;

/// What is known of a register or a place in memory. Addresses in the frame count from the
/// canonical frame address: the stack pointer before the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    /// What the register held at the entry.
    Entry(Register),
    /// The same, signed with the entry's stack pointer (AArch64's `paciasp`).
    Signed(Register),
    /// An address in the frame.
    Frame(i64),
    /// An address in the frame, no higher than that.
    Below(i64),
    Unknown,
}

impl Value {
    /// The sum with a constant.
    pub(crate) fn plus(self, offset: i64) -> Self {
        match self {
            Self::Frame(at) => Self::Frame(at + offset),
            Self::Below(at) => Self::Below(at + offset),
            // Adding nothing is how AArch64 moves to and from its stack pointer.
            _ if offset == 0 => self,
            _ => Self::Unknown,
        }
    }

    /// Less a size, or rounded down: nobody here has negative sizes.
    pub(crate) fn lowered(self) -> Self {
        match self {
            Self::Frame(at) | Self::Below(at) => Self::Below(at),
            _ => Self::Unknown,
        }
    }

    /// What is known of both.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            _ if self == other => self,
            (Self::Frame(a) | Self::Below(a), Self::Frame(b) | Self::Below(b)) => {
                Self::Below(a.max(b))
            }
            _ => Self::Unknown,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    /// Those that are not here are unknown.
    registers: BTreeMap<Register, Value>,
    /// By address: the number of bytes, and what is there.
    memory: BTreeMap<i64, (i64, Value)>,
    stack_pointer: Register,
}

impl State {
    /// At an entry, where every register that is known of holds what it holds.
    pub(crate) fn at_entry(
        known: impl IntoIterator<Item = Register>,
        stack_pointer: (Register, i64),
    ) -> Self {
        let mut registers: BTreeMap<_, _> =
            known.into_iter().map(|register| (register, Value::Entry(register))).collect();
        registers.insert(stack_pointer.0, Value::Frame(stack_pointer.1));
        Self { registers, memory: BTreeMap::new(), stack_pointer: stack_pointer.0 }
    }

    pub(crate) fn get(&self, register: Register) -> Value {
        self.registers.get(&register).copied().unwrap_or(Value::Unknown)
    }

    pub(crate) fn set(&mut self, register: Register, value: Value) {
        self.registers.insert(register, value);
    }

    pub(crate) fn stack_pointer(&self) -> Value {
        self.get(self.stack_pointer)
    }

    /// Keeps these registers and the stack pointer alone, and nothing below that: a call.
    pub(crate) fn keep(&mut self, kept: &[Register]) {
        let stack_pointer = self.stack_pointer;
        self.registers.retain(|register, _| *register == stack_pointer || kept.contains(register));
        if let Value::Frame(lowest) = self.stack_pointer() {
            self.memory.retain(|at, _| *at >= lowest);
        }
    }

    /// What is at an address.
    pub(crate) fn load(&self, address: Value) -> Value {
        let Value::Frame(at) = address else { return Value::Unknown };
        self.memory.get(&at).map_or(Value::Unknown, |(_, value)| *value)
    }

    pub(crate) fn store(&mut self, address: Value, size: i64, value: Value) {
        match address {
            Value::Frame(at) => {
                self.memory.retain(|from, (size_there, _)| {
                    *from >= at + size || *from + *size_there <= at
                });
                self.memory.insert(at, (size, value));
            }
            Value::Below(at) => self.memory.retain(|from, _| *from >= at + size),
            // An address that did not come from the stack pointer is not in this frame.
            _ => {}
        }
    }

    /// What is known whichever way led here.
    pub(crate) fn join(&mut self, other: &Self) {
        let registers = std::mem::take(&mut self.registers);
        self.registers = registers
            .into_iter()
            .map(|(register, value)| (register, value.or(other.get(register))))
            .collect();
        self.memory.retain(|at, there| other.memory.get(at) == Some(there));
    }
}
