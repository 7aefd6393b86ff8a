//! Each entry, along every path through it.

use crate::binary::Binary;
use crate::module::{Abi, Module, PREFIX, Processor};
use crate::state::{Register, State, Value};
use crate::unwinder::{Unwinder, Unwound};
use crate::{aarch64, x86_64};
use ffi_asm::Format;
use std::collections::BTreeMap;
use std::ops::Range;

/// Where an instruction leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Next,
    /// There, or to the next.
    Branch(u64),
    Jump(u64),
    Call,
    /// To the caller, or to the function that takes this one's place.
    Leave,
}

/// A store to memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Write {
    pub(crate) to: Value,
    pub(crate) size: i64,
    /// It is relative to the stack pointer, and not below it.
    pub(crate) above_stack_pointer: bool,
    /// It is there for the page fault alone: nobody reads what it wrote.
    pub(crate) probe: bool,
}

/// What an instruction did.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) text: String,
    pub(crate) next: u64,
    pub(crate) flow: Flow,
    pub(crate) writes: Vec<Write>,
    /// What it must not do anywhere.
    pub(crate) complaints: Vec<String>,
}

/// What differs between processors.
pub(crate) struct Machine {
    pub(crate) stack_pointer: Register,
    pub(crate) return_address: Register,
    /// From the return address in memory to the canonical frame address.
    pub(crate) pushed: i64,
    /// Under the stack pointer, what a signal handler keeps.
    pub(crate) red_zone: i64,
    /// What belongs to the caller.
    pub(crate) kept: Vec<Register>,
    /// What the functions keep that handlers call.
    kept_by_platform: Vec<Register>,
    /// How far the steps write into the stack arguments of their caller.
    steps_write: Range<i64>,
    /// Carries out the instruction at an address.
    step: fn(&Binary, u64, &mut State) -> Result<Step, String>,
    landing_pad: fn(&[u8]) -> bool,
    padding: fn(&[u8]) -> bool,
}

impl Machine {
    pub(crate) fn of(abi: Abi, format: Format) -> Self {
        let sysv: Vec<Register> = vec![3, 6, 12, 13, 14, 15];
        // And rsi, rdi, xmm6 to xmm15.
        let win64: Vec<Register> =
            sysv.iter().copied().chain([4, 5]).chain(x86_64::XMM + 6..=x86_64::XMM + 15).collect();
        let kept = match abi {
            Abi::SysV => sysv.clone(),
            Abi::Win64 => win64.clone(),
            // And the low halves of v8 to v15.
            Abi::Arm64 => (19..=29).chain(aarch64::VECTOR + 8..=aarch64::VECTOR + 15).collect(),
        };
        match abi.processor() {
            Processor::X86_64 => Self {
                stack_pointer: x86_64::RSP,
                return_address: x86_64::RETURN_ADDRESS,
                pushed: 8,
                red_zone: if format == Format::Coff { 0 } else { 128 },
                kept,
                kept_by_platform: if format == Format::Coff { win64 } else { sysv },
                steps_write: if abi == Abi::Win64 { 32..96 } else { 0..64 },
                step: x86_64::step,
                landing_pad: |code| code.starts_with(&[0xf3, 0x0f, 0x1e, 0xfa]), // endbr64
                padding: x86_64::is_padding,
            },
            Processor::Aarch64 => Self {
                stack_pointer: aarch64::SP,
                return_address: aarch64::LR,
                pushed: 0,
                red_zone: match format {
                    Format::Elf => 0,
                    Format::MachO => 128,
                    Format::Coff => 16,
                },
                kept_by_platform: kept.clone(),
                kept,
                steps_write: 0..64,
                step: aarch64::step,
                landing_pad: aarch64::is_landing_pad,
                padding: aarch64::is_padding,
            },
        }
    }

    fn at_entry(&self) -> State {
        let known = self.kept.iter().copied();
        let mut state = if self.pushed == 0 {
            State::at_entry(known.chain([self.return_address]), (self.stack_pointer, 0))
        } else {
            State::at_entry(known, (self.stack_pointer, -self.pushed))
        };
        if self.pushed > 0 {
            let value = Value::Entry(self.return_address);
            state.store(Value::Frame(-self.pushed), self.pushed, value);
        }
        state
    }
}

/// Code that is entered at a distance of so many bytes each.
struct Function {
    name: String,
    range: Range<u64>,
    entries: Vec<u64>,
}

fn functions(binary: &Binary, module: &Module) -> Vec<Function> {
    let functions = binary.functions.iter().map(|(name, range)| {
        let name = name.trim_start_matches('_');
        let name = name.strip_prefix(PREFIX).unwrap_or(name).to_owned();
        let distance = match &*name {
            "steps" => module.define("STEP_SIZE"),
            "thunk_code" => module.define("THUNK_SIZE"),
            _ => u64::MAX,
        };
        let mut count = ((range.end - range.start) / distance).max(1);
        if name == "thunk_code" {
            count = count.min(module.define("THUNK_COUNT"));
        }
        let entries = (0..count).map(|index| range.start + index * distance).collect();
        Function { name, range: range.clone(), entries }
    });
    functions.collect()
}

/// All that is wrong with the code and its unwind data.
pub(crate) fn check(binary: &Binary, module: &Module) -> Vec<String> {
    let machine = Machine::of(module.abi, binary.format);
    let unwinder = Unwinder::new(binary, &machine);
    let mut complaints = unwinder.complaints.clone();
    let functions = functions(binary, module);
    let is_there = |name: &str| functions.iter().any(|function| function.name == name);
    let missing = module.entries.iter().filter(|name| !is_there(name));
    complaints.extend(missing.map(|name| format!("{name} is not there")));
    if functions.is_empty() {
        complaints.push("there is no function".into());
    }
    for function in &functions {
        let walk = Walk {
            binary,
            machine: &machine,
            unwinder: &unwinder,
            function,
            complaints: Vec::new(),
        };
        complaints.extend(walk.all());
    }
    complaints
}

struct Walk<'a> {
    binary: &'a Binary,
    machine: &'a Machine,
    unwinder: &'a Unwinder<'a>,
    function: &'a Function,
    complaints: Vec<String>,
}

impl Walk<'_> {
    fn complain(&mut self, at: u64, what: &str) {
        let Function { name, range, .. } = self.function;
        let complaint = format!("{name}+{:#x}: {what}", at - range.start);
        if !self.complaints.contains(&complaint) {
            self.complaints.push(complaint);
        }
    }

    fn all(mut self) -> Vec<String> {
        let mut reached: BTreeMap<u64, u64> = BTreeMap::new();
        for &entry in &self.function.entries {
            if !(self.machine.landing_pad)(self.binary.code(entry)) {
                self.complain(entry, "no landing pad for indirect branches");
            }
            let states = self.states(entry, &mut reached);
            for (at, state) in &states {
                self.compare(*at, *at, state);
            }
        }
        let mut at = self.function.range.start;
        while at < self.function.range.end {
            let next = reached.range(at..).next().map_or(self.function.range.end, |(at, _)| *at);
            let between = &self.binary.code(at)[..(next - at) as usize];
            if !(self.machine.padding)(between) {
                self.complain(at, &format!("{} bytes are never reached", between.len()));
            }
            at = reached.get(&next).copied().unwrap_or(next);
        }
        self.complaints
    }

    /// What is known at each instruction, from one entry on. Goes on until no more becomes unknown.
    fn states(&mut self, entry: u64, reached: &mut BTreeMap<u64, u64>) -> BTreeMap<u64, State> {
        let mut states = BTreeMap::from([(entry, self.machine.at_entry())]);
        let mut open = vec![entry];
        while let Some(at) = open.pop() {
            let mut state = states[&at].clone();
            let step = match (self.machine.step)(self.binary, at, &mut state) {
                Ok(step) => step,
                Err(message) => {
                    self.complain(at, &message);
                    continue;
                }
            };
            reached.insert(at, step.next);
            for complaint in &step.complaints {
                self.complain(at, &format!("{}: {complaint}", step.text));
            }
            self.writes(at, &step, &state);
            let targets = match step.flow {
                Flow::Next => vec![step.next],
                Flow::Branch(target) => vec![step.next, target],
                Flow::Jump(target) => vec![target],
                Flow::Call => {
                    self.call(at, &step, &mut state);
                    vec![step.next]
                }
                Flow::Leave => {
                    self.leave(at, &step, &state);
                    vec![]
                }
            };
            for target in targets {
                if !self.function.range.contains(&target) {
                    self.complain(at, &format!("{} leads out of the function", step.text));
                    continue;
                }
                match states.get_mut(&target) {
                    None => {
                        states.insert(target, state.clone());
                    }
                    Some(known) => {
                        let before = known.clone();
                        known.join(&state);
                        if *known == before {
                            continue;
                        }
                    }
                }
                open.push(target);
            }
        }
        states
    }

    /// Writes go to the function's own frame, or to where a pointer says.
    fn writes(&mut self, at: u64, step: &Step, state: &State) {
        for write in step.writes.iter().filter(|write| !write.probe) {
            let problem = match (write.to, state.stack_pointer()) {
                _ if write.above_stack_pointer && !matches!(write.to, Value::Frame(_)) => None,
                (Value::Frame(to), _) if to + write.size > -self.machine.pushed => {
                    let allowed = &self.machine.steps_write;
                    let steps = self.function.name == "steps";
                    let within = to >= allowed.start && to + write.size <= allowed.end;
                    (!(steps && within)).then_some("writes to the caller's frame")
                }
                (Value::Frame(to), Value::Frame(lowest)) if to >= lowest => None,
                (Value::Frame(to), Value::Below(lowest)) if to >= lowest => None,
                (Value::Frame(_) | Value::Below(_), _) => {
                    Some("writes below the stack pointer, or nobody knows where")
                }
                _ => None,
            };
            if let Some(problem) = problem {
                self.complain(at, &format!("{}: {problem}", step.text));
            }
        }
    }

    fn call(&mut self, at: u64, step: &Step, state: &mut State) {
        if let Value::Frame(lowest) = state.stack_pointer()
            && lowest % 16 != 0
        {
            self.complain(at, &format!("{}: the stack pointer is not aligned", step.text));
        }
        // A handler's only call is to Rust, by the platform's convention.
        let handler = self.function.name.starts_with("callback");
        let machine = self.machine;
        state.keep(if handler { &machine.kept_by_platform } else { &machine.kept });
        // A caller is looked up by the last byte of its call.
        self.compare(step.next - 1, step.next, state);
    }

    /// Everything is as the caller left it.
    fn leave(&mut self, at: u64, step: &Step, state: &State) {
        let Machine { pushed, return_address, kept, .. } = self.machine;
        if state.stack_pointer() != Value::Frame(-pushed) {
            let found = state.stack_pointer();
            self.complain(at, &format!("{}: the stack pointer is {found:?}", step.text));
        }
        let back = if *pushed == 0 {
            state.get(*return_address)
        } else {
            state.load(Value::Frame(-pushed))
        };
        if back != Value::Entry(*return_address) {
            self.complain(at, &format!("{}: the return address is {back:?}", step.text));
        }
        for register in
            kept.iter().filter(|register| state.get(**register) != Value::Entry(**register))
        {
            let (name, found) = (self.name(*register), state.get(*register));
            self.complain(at, &format!("{}: {name} is not restored but {found:?}", step.text));
        }
    }

    fn name(&self, register: Register) -> String {
        match self.machine.pushed {
            0 => aarch64::name(register),
            _ => x86_64::name(register),
        }
    }

    /// Whether the unwind data for `look_up` finds the caller from the state at `at`.
    fn compare(&mut self, look_up: u64, at: u64, state: &State) {
        let after_call = look_up != at;
        for (kind, unwound) in self.unwinder.all(look_up, state, after_call) {
            let unwound: Unwound = match unwound {
                Ok(unwound) => unwound,
                Err(message) => {
                    self.complain(at, &format!("{kind}: {message}"));
                    continue;
                }
            };
            if unwound.stack_pointer != Value::Frame(0) {
                let found = unwound.stack_pointer;
                self.complain(at, &format!("{kind}: the caller's stack pointer is {found:?}"));
            }
            if unwound.return_address != Value::Entry(self.machine.return_address) {
                let found = unwound.return_address;
                self.complain(at, &format!("{kind}: the return address is {found:?}"));
            }
            for register in &self.machine.kept {
                let found = unwound.registers.get(*register);
                if found != Value::Entry(*register) {
                    let name = self.name(*register);
                    self.complain(at, &format!("{kind}: the caller's {name} is {found:?}"));
                }
            }
        }
    }
}
