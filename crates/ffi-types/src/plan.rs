//! Where each byte of a call goes, as data.
//!
//! The executor, in `execute.rs`, works on an *image*: the register file, the stack area and the
//! copies of arguments that are passed by reference, in one piece of memory. A trampoline loads
//! the registers from the first part and calls with the rest as its stack. An offset into the
//! image thus names a register or a stack slot; [`RegisterFile::location`] tells which.

use crate::{Convention, Program};
use alloc::vec::Vec;
use smallvec::SmallVec;

/// The registers of one kind in a [`RegisterFile`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bank {
    /// Where the first one is saved, in bytes from the start of the file.
    pub offset: u32,
    /// The distance from one to the next, in bytes.
    pub stride: u32,
    /// Their names, in order.
    pub names: &'static [&'static str],
}

impl Bank {
    /// A bank of no registers.
    pub const NONE: Bank = Bank { offset: 0, stride: 8, names: &[] };

    /// Where register `index` is saved, in bytes from the start of the file.
    #[inline]
    pub const fn at(&self, index: usize) -> u32 {
        self.offset + index as u32 * self.stride
    }

    #[inline]
    pub(crate) fn contains(&self, offset: u32) -> bool {
        (self.offset..self.at(self.names.len())).contains(&offset)
    }

    fn name_at(&self, offset: u32) -> Option<&'static str> {
        let index = (offset.checked_sub(self.offset)? / self.stride) as usize;
        self.names.get(index).copied()
    }
}

/// How the registers that carry arguments, or results, are laid out in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegisterFile {
    /// The general-purpose registers.
    pub general: Bank,
    /// The floating-point and vector registers.
    pub vector: Bank,
    /// The registers of x87, which carry results alone.
    pub x87: Bank,
    /// The size of the whole in bytes; in a call's image the stack area starts here.
    pub size: u32,
}

impl RegisterFile {
    /// What an offset into the image stands for.
    pub fn location(&self, offset: u32) -> Location {
        if offset >= self.size {
            Location::Stack(offset - self.size)
        } else if let Some(name) = self.general.name_at(offset) {
            Location::Register(name)
        } else if let Some(name) = self.vector.name_at(offset) {
            Location::Register(name)
        } else if let Some(name) = self.x87.name_at(offset) {
            Location::Register(name)
        } else {
            Location::Padding
        }
    }
}

/// What an offset into an image stands for.
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Location {
    /// The register of that name.
    Register(&'static str),
    /// That many bytes above the stack pointer, as it is just before the call instruction.
    Stack(u32),
    /// Nothing; no move goes there.
    Padding,
}

impl core::fmt::Display for Location {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Register(name) => f.write_str(name),
            Self::Stack(offset) => write!(f, "[stack+{offset}]"),
            Self::Padding => f.write_str("padding"),
        }
    }
}

/// What fills the rest of an eightbyte of which a value takes only a part.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Extension {
    /// Nothing: exactly `len` bytes are written.
    None,
    /// Zeros.
    Zero,
    /// Copies of the sign bit.
    Sign,
    /// Zeros; and where the value is read back, anything but 0 becomes 1.
    Bool,
    /// Nothing, for a `bool` whose neighbours are other arguments: one byte is written, and where
    /// it is read back, anything but 0 becomes 1.
    BoolByte,
}

/// Some bytes of one value, and where they go.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Move {
    /// The argument that the bytes are taken from; 0 for a return value.
    pub argument: u16,
    /// What becomes of the rest of the eightbyte at `to`.
    pub extension: Extension,
    /// Where they start, in bytes from the start of the value.
    pub offset: u32,
    /// How many they are; with an extension at most 8.
    pub len: u32,
    /// Where they go, in bytes from the start of the image.
    pub to: u32,
}

/// An argument that is passed as the address of a copy, which the callee may change.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ByReference {
    /// The argument that is copied.
    pub argument: u16,
    /// Its size in bytes.
    pub len: u32,
    /// Where the copy is, in bytes from the start of the image; behind the stack area.
    pub copy_to: u32,
    /// Where the copy's address goes, in bytes from the start of the image.
    pub pointer_to: u32,
}

/// How the result comes back.
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReturnPlan<'a> {
    /// There is none.
    Void,
    /// The caller passes the address of the room for it ("sret").
    Memory {
        /// Where in the image the address goes.
        pointer_to: u32,
        /// Where in the return register file the callee hands the address back, if it does.
        pointer_back: Option<u32>,
    },
    /// In registers: `to` is an offset into the *return* register file.
    Registers(&'a [Move]),
}

/// A prepared call: for every argument the moves that place it, and how the result comes back.
///
/// Immutable data, `Send + Sync`. It can be read without calling through it; an interpreter or a
/// JIT may carry out the moves itself.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(crate) convention: Convention,
    pub(crate) registers: &'static RegisterFile,
    pub(crate) returns: &'static RegisterFile,
    /// Those of the result, then those of the arguments in order.
    pub(crate) moves: Moves,
    /// In the order of the arguments.
    pub(crate) by_reference: Vec<ByReference>,
    pub(crate) return_moves: u8,
    pub(crate) argument_count: u16,
    pub(crate) vector_count: u8,
    pub(crate) vector_size: u8,
    pub(crate) uses_vector: bool,
    /// Each argument so far is one move.
    pub(crate) one_each: bool,
    pub(crate) only_words: bool,
    pub(crate) variadic: bool,
    pub(crate) return_pointer: Option<(u32, Option<u32>)>,
    pub(crate) stack_size: u32,
    pub(crate) stack_align: u32,
    /// The stack area and the copies behind it.
    pub(crate) frame_size: u32,
    pub(crate) program: Program,
    pub(crate) has_program: bool,
}

/// Eight scalars and a result need no memory of their own.
pub(crate) type Moves = SmallVec<[Move; 9]>;

/// Copies of up to this many bytes are done in eightbytes instead of by `memcpy`.
pub(crate) const MAX_WORDWISE: u32 = 64;

/// The registers of a plan that is still empty.
static NO_REGISTERS: RegisterFile =
    RegisterFile { general: Bank::NONE, vector: Bank::NONE, x87: Bank::NONE, size: 0 };

impl Plan {
    /// A plan of no moves: a place for [`PlanBuilder`](crate::PlanBuilder) to fill.
    #[inline]
    pub fn empty() -> Self {
        Self {
            convention: Convention::SysV,
            registers: &NO_REGISTERS,
            returns: &NO_REGISTERS,
            moves: Moves::new(),
            by_reference: Vec::new(),
            return_moves: 0,
            argument_count: 0,
            vector_count: 0,
            vector_size: 8,
            uses_vector: false,
            one_each: true,
            only_words: true,
            variadic: false,
            return_pointer: None,
            stack_size: 0,
            stack_align: 16,
            frame_size: 0,
            program: Program::default(),
            has_program: false,
        }
    }

    /// Whether no builder has touched it yet.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.registers.size == 0
    }

    /// The convention that the plan is for.
    #[inline]
    pub fn convention(&self) -> Convention {
        self.convention
    }

    /// The register file that starts the image.
    pub fn registers(&self) -> &'static RegisterFile {
        self.registers
    }

    /// The register file of results.
    pub fn return_registers(&self) -> &'static RegisterFile {
        self.returns
    }

    /// How many arguments there are.
    pub fn argument_count(&self) -> usize {
        usize::from(self.argument_count)
    }

    /// All moves of arguments, in the order of the arguments. A value of several eightbytes is
    /// moved by several; one that is passed [by reference](Self::by_reference), or that is empty,
    /// by none.
    #[inline]
    pub fn moves(&self) -> &[Move] {
        &self.moves[usize::from(self.return_moves)..]
    }

    /// The moves of one argument; empty past the end.
    #[inline]
    pub fn moves_of(&self, argument: usize) -> &[Move] {
        let moves = self.moves();
        if self.one_each {
            return moves.get(argument..=argument).unwrap_or_default();
        }
        let start = moves.partition_point(|m| usize::from(m.argument) < argument);
        let len = moves[start..].partition_point(|m| usize::from(m.argument) == argument);
        &moves[start..start + len]
    }

    /// The arguments that are passed as the address of a copy, in order.
    #[inline]
    pub fn by_reference(&self) -> &[ByReference] {
        &self.by_reference
    }

    /// How one argument is passed as the address of a copy; `None` for one that is not.
    #[inline]
    pub fn reference_of(&self, argument: usize) -> Option<&ByReference> {
        let found = self.by_reference.binary_search_by_key(&argument, |r| r.argument.into());
        found.ok().map(|index| &self.by_reference[index])
    }

    /// Where an argument goes; of no bytes past the end.
    pub fn placement(&self, argument: usize) -> Placement<'_> {
        Placement { plan: self, argument }
    }

    /// How the result comes back.
    #[inline]
    pub fn return_plan(&self) -> ReturnPlan<'_> {
        match (self.return_pointer, &self.moves[..usize::from(self.return_moves)]) {
            (Some((pointer_to, pointer_back)), _) => {
                ReturnPlan::Memory { pointer_to, pointer_back }
            }
            (None, []) => ReturnPlan::Void,
            (None, moves) => ReturnPlan::Registers(moves),
        }
    }

    /// The size of the stack area in bytes, a multiple of 16.
    #[inline]
    pub fn stack_size(&self) -> usize {
        self.stack_size as usize
    }

    /// What the stack area is aligned to, in bytes: 16, or more for an over-aligned argument.
    pub fn stack_align(&self) -> usize {
        self.stack_align as usize
    }

    /// The size in bytes of what a call puts on its stack: the stack area, and behind it the
    /// copies of arguments passed by reference. A multiple of 16.
    #[inline]
    pub fn frame_size(&self) -> usize {
        self.frame_size as usize
    }

    /// The size in bytes of the image: registers, stack area and copies.
    #[inline]
    pub fn image_size(&self) -> usize {
        self.registers.size as usize + self.frame_size()
    }

    /// The steps of a call, if its convention could plan it so.
    #[inline]
    pub fn program(&self) -> Option<&Program> {
        self.has_program.then_some(&self.program)
    }

    /// How many vector registers carry arguments, where the callee is told (SysV's `al`).
    #[inline]
    pub fn vector_count(&self) -> u8 {
        self.vector_count
    }

    /// How many bytes of the vector registers count, where the convention says so: 8 unless a SIMD
    /// vector, or something else of more than 8 bytes, is passed or returned in one.
    #[inline]
    pub fn vector_size(&self) -> u8 {
        self.vector_size
    }

    /// Whether the call is of a variadic function, which may look at the vector count.
    #[inline]
    pub fn is_variadic(&self) -> bool {
        self.variadic
    }

    /// Whether any argument is in a vector register.
    #[inline]
    pub fn uses_vector_registers(&self) -> bool {
        self.uses_vector
    }

    /// What the plan occupies in bytes, its own heap memory included.
    pub fn size_bytes(&self) -> usize {
        let moves =
            if self.moves.spilled() { self.moves.capacity() * size_of::<Move>() } else { 0 };
        let by_reference = self.by_reference.capacity() * size_of::<ByReference>();
        size_of::<Self>() + moves + by_reference
    }
}

/// Where one argument goes. Prints as its places, in the order of its bytes: `xmm0, rsi`; or as
/// that of its copy's address: `&rdx`.
#[derive(Debug, Clone, Copy)]
pub struct Placement<'a> {
    plan: &'a Plan,
    argument: usize,
}

impl<'a> Placement<'a> {
    /// The moves that place it.
    pub fn moves(&self) -> &'a [Move] {
        self.plan.moves_of(self.argument)
    }

    /// The copy whose address is passed in its place, if that is what the convention does.
    pub fn by_reference(&self) -> Option<&'a ByReference> {
        self.plan.reference_of(self.argument)
    }

    /// The registers and stack slots that it takes, each with the first byte that goes there, in
    /// bytes from the start of the argument; sorted by that. A stretch of stack is one place. For
    /// an argument passed by reference, the place of the address.
    pub fn places(&self) -> Vec<(u32, Location)> {
        if let Some(reference) = self.by_reference() {
            return alloc::vec![(0, self.plan.registers.location(reference.pointer_to))];
        }
        let mut places: Vec<(u32, Location)> = Vec::new();
        let mut stack_end = None;
        for m in self.moves() {
            let on_stack = m.to >= self.plan.registers.size;
            let place = self.plan.registers.location(m.to);
            // A vector register is filled by several moves.
            let goes_on = match on_stack {
                true => stack_end == Some(m.to),
                false => places.last().is_some_and(|last| last.1 == place),
            };
            if !goes_on {
                places.push((m.offset, place));
            }
            stack_end = on_stack.then_some(m.to + m.len);
        }
        places
    }
}

impl core::fmt::Display for Placement<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if self.by_reference().is_some() {
            f.write_str("&")?;
        }
        for (index, (_, location)) in self.places().into_iter().enumerate() {
            write!(f, "{}{location}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}
