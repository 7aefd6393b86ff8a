//! What an unwinder would make of the machine's state, by each kind of unwind data there is.

use crate::binary::Binary;
use crate::compact::Compact;
use crate::dwarf::Dwarf;
use crate::state::{State, Value};
use crate::walk::Machine;
use crate::{seh_aarch64, seh_x86_64};
use ffi_asm::Format;

/// The caller's registers, as they were before its call.
pub(crate) struct Unwound {
    pub(crate) stack_pointer: Value,
    pub(crate) return_address: Value,
    pub(crate) registers: State,
}

/// Reads an object's unwind data.
pub(crate) struct Unwinder<'a> {
    binary: &'a Binary,
    machine: &'a Machine,
    dwarf: Option<Dwarf<'a>>,
    compact: Compact,
    /// What is wrong with the data itself.
    pub(crate) complaints: Vec<String>,
}

impl<'a> Unwinder<'a> {
    pub(crate) fn new(binary: &'a Binary, machine: &'a Machine) -> Self {
        let dwarf = binary.eh_frame.as_ref().map(|frame| Dwarf::new(frame, binary));
        let compact = Compact::read(binary);
        let mut complaints = Vec::new();
        let windows = binary.format == Format::Coff;
        if windows && dwarf.is_some() {
            complaints.push("there is DWARF's unwind data, which nobody reads here".into());
        }
        if !windows && binary.pdata.is_some() {
            complaints.push("there is Windows' unwind data, which nobody reads here".into());
        }
        Self { binary, machine, dwarf, compact, complaints }
    }

    /// What each kind makes of the state, looked up at an address. No data at all is an error, and
    /// so is data that leads nowhere.
    pub(crate) fn all(
        &self,
        at: u64,
        state: &State,
        after_call: bool,
    ) -> Vec<(&'static str, Result<Unwound, String>)> {
        if self.binary.format == Format::Coff {
            let unwind = match self.binary.aarch64 {
                true => seh_aarch64::unwind,
                false => seh_x86_64::unwind,
            };
            // Windows looks at the return address itself.
            let at = if after_call { at + 1 } else { at };
            return vec![("unwind codes", unwind(self.binary, self.machine, at, state))];
        }
        let mut all = Vec::new();
        let compact = self.compact.unwind(self.machine, at, state, after_call);
        // Where both are there, Apple's linker keeps the compact one.
        let by_compact = compact.is_some();
        if let Some(unwound) = compact.flatten() {
            all.push(("compact unwind", unwound));
        }
        let by_dwarf = self.dwarf.as_ref().and_then(|dwarf| dwarf.unwind(self.machine, at, state));
        match by_dwarf {
            Some(unwound) => all.push(("call frame information", unwound)),
            None if by_compact => {}
            None => all.push(("call frame information", Err("there is none".into()))),
        }
        all
    }
}

/// A function without a frame.
pub(crate) fn leaf(machine: &Machine, state: &State) -> Unwound {
    let mut registers = state.clone();
    let return_address = if machine.pushed > 0 {
        let address = pop(machine, &mut registers);
        registers.load(address)
    } else {
        registers.get(machine.return_address)
    };
    Unwound { stack_pointer: registers.stack_pointer(), return_address, registers }
}

/// Moves the stack pointer up by a register's size, and returns where it was.
pub(crate) fn pop(machine: &Machine, state: &mut State) -> Value {
    let at = state.stack_pointer();
    state.set(machine.stack_pointer, at.plus(8));
    at
}
