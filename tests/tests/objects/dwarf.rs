//! DWARF's call frame information, row by row.

use crate::binary::{Binary, Place};
use crate::state::{Register, State, Value};
use crate::unwinder::Unwound;
use crate::walk::Machine;
use gimli::{
    BaseAddresses, CfaRule, EhFrame, EndianSlice, FrameDescriptionEntry, LittleEndian,
    RegisterRule, UnwindContext, UnwindSection, Vendor,
};
use std::cell::RefCell;

type Reader<'a> = EndianSlice<'a, LittleEndian>;

/// Where a row says that a register is.
enum Rule {
    Same,
    At(i64),
}

pub(crate) struct Dwarf<'a> {
    section: EhFrame<Reader<'a>>,
    bases: BaseAddresses,
    entries: Result<Vec<FrameDescriptionEntry<Reader<'a>>>, String>,
    context: RefCell<UnwindContext<usize>>,
}

impl<'a> Dwarf<'a> {
    pub(crate) fn new(frame: &'a Place, binary: &Binary) -> Self {
        let mut section = EhFrame::new(&frame.bytes, LittleEndian);
        section.set_address_size(8);
        if binary.aarch64 {
            section.set_vendor(Vendor::AArch64);
        }
        let bases =
            BaseAddresses::default().set_eh_frame(frame.address).set_text(binary.text_address());
        let entries = entries(&section, &bases).map_err(|error| error.to_string());
        Self { section, bases, entries, context: RefCell::new(UnwindContext::new()) }
    }

    /// What the row for an address makes of the state, if there is one.
    pub(crate) fn unwind(
        &self,
        machine: &Machine,
        at: u64,
        state: &State,
    ) -> Option<Result<Unwound, String>> {
        let entries = match &self.entries {
            Ok(entries) => entries,
            Err(message) => return Some(Err(message.clone())),
        };
        let mut covering = entries.iter().filter(|entry| entry.contains(at));
        let entry = covering.next()?;
        if covering.next().is_some() {
            return Some(Err("two entries cover this".into()));
        }
        Some(self.row(machine, entry, at, state))
    }

    fn row(
        &self,
        machine: &Machine,
        entry: &FrameDescriptionEntry<Reader<'a>>,
        at: u64,
        state: &State,
    ) -> Result<Unwound, String> {
        let mut context = self.context.borrow_mut();
        let row = entry
            .unwind_info_for_address(&self.section, &self.bases, &mut context, at)
            .map_err(|error| error.to_string())?;
        let CfaRule::RegisterAndOffset { register, offset } = *row.cfa() else {
            return Err("the frame's address is an expression".into());
        };
        let frame = state.get(register.0).plus(offset);
        let rule = |register: Register| match row.register(gimli::Register(register)) {
            None | Some(RegisterRule::SameValue) => Ok(Rule::Same),
            Some(RegisterRule::Offset(offset)) => Ok(Rule::At(offset)),
            Some(other) => Err(format!("{other:?} is not known here")),
        };
        let find = |register| match rule(register)? {
            Rule::Same => Ok::<_, String>(state.get(register)),
            Rule::At(offset) => Ok(saved(state, machine, frame.plus(offset))),
        };
        let mut registers = state.clone();
        for register in &machine.kept {
            registers.set(*register, find(*register)?);
        }
        let mut return_address = find(machine.return_address)?;
        let signed = row.register(gimli::AArch64::RA_SIGN_STATE);
        if machine.pushed == 0 && matches!(signed, Some(RegisterRule::Constant(1))) {
            return_address = match return_address {
                Value::Signed(register) => Value::Entry(register),
                _ => Value::Unknown,
            };
        }
        Ok(Unwound { stack_pointer: frame, return_address, registers })
    }
}

/// What is saved at an address, unless a signal's handler may have overwritten it.
fn saved(state: &State, machine: &Machine, address: Value) -> Value {
    match (address, state.stack_pointer()) {
        (Value::Frame(at), Value::Frame(lowest)) if at < lowest - machine.red_zone => {
            Value::Unknown
        }
        _ => state.load(address),
    }
}

fn entries<'a>(
    section: &EhFrame<Reader<'a>>,
    bases: &BaseAddresses,
) -> gimli::Result<Vec<FrameDescriptionEntry<Reader<'a>>>> {
    let mut found = Vec::new();
    let mut entries = section.entries(bases);
    while let Some(entry) = entries.next()? {
        if let gimli::CieOrFde::Fde(entry) = entry {
            found.push(entry.parse(EhFrame::cie_from_offset)?);
        }
    }
    Ok(found)
}
