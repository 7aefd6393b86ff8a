//! Where each byte of a call goes, as data, and the one executor that carries it out.
//!
//! The executor works on an *image*: the register file followed by the stack area, in one piece
//! of memory. A trampoline loads the registers from the first part and calls with the second part
//! as its stack. An offset into the image thus names a register or a stack slot;
//! [`RegisterFile::location`] tells which.

use crate::{CType, Convention, Scalar};
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
    /// Where register `index` is saved, in bytes from the start of the file.
    #[inline]
    pub const fn at(&self, index: usize) -> u32 {
        self.offset + index as u32 * self.stride
    }

    #[inline]
    fn contains(&self, offset: u32) -> bool {
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
        } else {
            Location::Padding
        }
    }
}

/// What an offset into an image stands for.
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
}

/// Some bytes of one value, and where they go.
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

/// How the result comes back.
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
#[derive(Debug)]
pub struct Plan {
    convention: Convention,
    registers: &'static RegisterFile,
    returns: &'static RegisterFile,
    /// Those of the result, then those of the arguments, sorted by [`Group`].
    moves: Moves,
    return_moves: u8,
    group_lengths: [u16; GROUPS],
    argument_count: u16,
    vector_count: u8,
    uses_vector: bool,
    only_words: bool,
    return_pointer: Option<(u32, Option<u32>)>,
    stack_size: u32,
    stack_align: u32,
}

/// Six scalars and a result need no memory of their own.
type Moves = SmallVec<[Move; 7]>;

/// The moves of one group are alike, so that carrying them out branches on no data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Word,
    Zero4,
    Sign4,
    Zero2,
    Sign2,
    Zero1,
    Sign1,
    /// Three, five, six or seven bytes to an eightbyte.
    ZeroSome,
    Copy,
}

const GROUPS: usize = Group::Copy as usize + 1;

/// Copies of up to this many bytes are done in eightbytes instead of by `memcpy`.
const MAX_WORDWISE: u32 = 64;

impl Plan {
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

    /// All moves of arguments, in the order in which they are carried out: those of eight bytes
    /// first. A value of several eightbytes is moved by several.
    pub fn moves(&self) -> &[Move] {
        &self.moves[usize::from(self.return_moves)..]
    }

    /// The moves of one argument; none past the end.
    #[inline]
    pub fn moves_of(&self, argument: usize) -> impl Iterator<Item = &Move> {
        let moves = self.moves();
        // Most often each argument is one move, and all are of one group: then its index is its
        // own.
        let single = moves.len() == self.argument_count()
            && moves.get(argument).is_some_and(|m| usize::from(m.argument) == argument);
        let range = if single { argument..argument + 1 } else { 0..moves.len() };
        moves[range].iter().filter(move |m| usize::from(m.argument) == argument)
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

    /// The size in bytes of the image: registers and stack area.
    #[inline]
    pub fn image_size(&self) -> usize {
        self.registers.size as usize + self.stack_size()
    }

    /// How many vector registers carry arguments, where the callee is told (SysV's `al`).
    #[inline]
    pub fn vector_count(&self) -> u8 {
        self.vector_count
    }

    /// Whether any argument is in a vector register.
    #[inline]
    pub fn uses_vector_registers(&self) -> bool {
        self.uses_vector
    }

    /// What the plan occupies in bytes, its own heap memory included.
    pub fn size_bytes(&self) -> usize {
        let heap = if self.moves.spilled() { self.moves.capacity() * size_of::<Move>() } else { 0 };
        size_of::<Self>() + heap
    }

    /// The moves of a group, which start where `next` stands; `next` goes on to the group behind.
    #[inline(always)]
    fn group<'a>(&'a self, group: Group, next: &mut *const Move) -> &'a [Move] {
        let len = usize::from(self.group_lengths[group as usize]);
        // SAFETY: the builder counted the groups, which lie one behind the other in `moves`.
        // Without bounds checks: this is the innermost part of every call.
        unsafe {
            let moves = core::slice::from_raw_parts(*next, len);
            *next = next.add(len);
            moves
        }
    }

    /// Fills a call's image: every argument in its registers and stack slots, and the address
    /// `result` where the convention wants it. What no move covers is left as it was.
    ///
    /// # Safety
    /// - `arguments` points to one pointer per argument, each to as many readable bytes as the
    ///   argument's type has (no alignment is needed);
    /// - `image` points to [`image_size`](Self::image_size) writable bytes, aligned to 8, that
    ///   overlap no argument;
    /// - `result` is what the callee may be told to write to; it is not accessed here.
    #[inline(always)]
    pub unsafe fn store_arguments(
        &self,
        arguments: *const *const u8,
        result: *mut u8,
        image: *mut u8,
    ) {
        if let Some((pointer_to, _)) = self.return_pointer {
            // SAFETY: the offset is inside the image, and a multiple of 8.
            unsafe { image.add(pointer_to as usize).cast::<*mut u8>().write(result) };
        }
        // `PlanBuilder` checked that a move's source lies inside the argument and its target inside
        // the image; the target of an eightbyte is a multiple of 8.
        //
        // SAFETY: the move's source, as the caller gave the arguments.
        let source =
            |m: &Move| unsafe { (*arguments.add(usize::from(m.argument))).add(m.offset as usize) };
        // SAFETY: the move's target, as the caller gave the image.
        let target = |m: &Move| unsafe { image.add(m.to as usize) };
        let mut next = self.moves().as_ptr();
        for m in self.group(Group::Word, &mut next) {
            // SAFETY: as above; the group's moves have eight bytes.
            unsafe { target(m).cast::<u64>().write(source(m).cast::<u64>().read_unaligned()) };
        }
        if self.only_words {
            return;
        }
        macro_rules! extend {
            ($($group:ident: $from:ty as $to:ty;)*) => {
                $(for m in self.group(Group::$group, &mut next) {
                    // SAFETY: as above; the group's moves have the size of the type.
                    unsafe {
                        let value = source(m).cast::<$from>().read_unaligned();
                        target(m).cast::<$to>().write(value.into());
                    }
                })*
            };
        }
        extend! {
            Zero4: u32 as u64;
            Sign4: i32 as i64;
            Zero2: u16 as u64;
            Sign2: i16 as i64;
            Zero1: u8 as u64;
            Sign1: i8 as i64;
        }
        for m in self.group(Group::ZeroSome, &mut next) {
            // SAFETY: as above; the group's moves have three to seven bytes.
            unsafe { target(m).cast::<u64>().write(read_some(source(m), m.len)) };
        }
        for m in self.group(Group::Copy, &mut next) {
            // SAFETY: as above; the move's length is inside both.
            unsafe { core::ptr::copy_nonoverlapping(source(m), target(m), m.len as usize) };
        }
    }

    /// Takes a result out of the saved return registers and writes exactly its size to `result`.
    ///
    /// # Safety
    /// `returned` is readable for the return register file, and `result` writable for the size of
    /// the return type. For a result in memory or none at all nothing is accessed.
    #[inline(always)]
    pub unsafe fn load_return(&self, returned: *const u8, result: *mut u8) {
        if let ReturnPlan::Registers(moves) = self.return_plan() {
            for m in moves {
                // SAFETY: the builder checked that a return move lies inside both.
                unsafe {
                    read_back(m, returned.add(m.to as usize), result.add(m.offset as usize));
                }
            }
        }
    }

    /// Takes an argument out of a callback's saved registers and stack: the way back of
    /// [`store_arguments`](Self::store_arguments). Writes exactly the argument's size to `value`.
    ///
    /// # Safety
    /// `registers` is readable for the register file, `stack` for the stack area, and `value`
    /// writable for the size of the argument's type. Past the last argument nothing is accessed.
    #[inline(always)]
    pub unsafe fn load_argument(
        &self,
        argument: usize,
        registers: *const u8,
        stack: *const u8,
        value: *mut u8,
    ) {
        for m in self.moves_of(argument) {
            // SAFETY: the builder checked that the move lies inside the image and the value.
            unsafe {
                let source = self.callback_source(m, registers, stack);
                read_back(m, source, value.add(m.offset as usize));
            }
        }
    }

    /// As [`load_argument`](Self::load_argument), for a scalar whose Rust type is known: all that
    /// is left to be found at run time is its address.
    ///
    /// # Safety
    /// As for `load_argument`; there is such an argument, it is a scalar, and `T` stands for it.
    #[inline(always)]
    pub unsafe fn load_scalar<T: CType>(
        &self,
        argument: usize,
        registers: *const u8,
        stack: *const u8,
    ) -> T {
        // A scalar is one move, and most often the arguments are all of one group: then its index
        // is the argument's own.
        let is_its = |m: &&Move| usize::from(m.argument) == argument;
        let m = self.moves().get(argument).filter(is_its);
        let Some(m) = m.or_else(|| self.moves().iter().find(is_its)) else {
            // SAFETY: the caller's: there is such an argument, and each has a move.
            unsafe { core::hint::unreachable_unchecked() }
        };
        // SAFETY: a scalar is one move, inside the image; `T` has its size. Of a `bool`, C
        // defines the low byte alone, and anything but 0 is true.
        unsafe {
            let source = self.callback_source(m, registers, stack);
            if T::SCALAR == Some(Scalar::Bool) {
                let truth = source.read() != 0;
                return (&raw const truth).cast::<T>().read();
            }
            source.cast::<T>().read_unaligned()
        }
    }

    /// # Safety
    /// The move is one of this plan's arguments; `registers` and `stack` are as it says.
    #[inline(always)]
    unsafe fn callback_source(
        &self,
        m: &Move,
        registers: *const u8,
        stack: *const u8,
    ) -> *const u8 {
        match m.to.checked_sub(self.registers.size) {
            // SAFETY: the builder checked that the move lies inside the stack area...
            Some(offset) => unsafe { stack.add(offset as usize) },
            // SAFETY: ...or inside the register file.
            None => unsafe { registers.add(m.to as usize) },
        }
    }

    /// Where the caller of a callback wants its result, if that is in memory.
    ///
    /// # Safety
    /// `registers` is readable for the register file.
    #[inline(always)]
    pub unsafe fn result_pointer(&self, registers: *const u8) -> Option<*mut u8> {
        // SAFETY: a hidden pointer is always in a register, so its offset is inside the file.
        self.return_pointer
            .map(|(to, _)| unsafe { registers.add(to as usize).cast::<*mut u8>().read() })
    }

    /// Puts a callback's result into the return registers, extended as the convention says; for
    /// a result in memory the address `value` itself, where the convention hands it back.
    ///
    /// # Safety
    /// `returned` is writable for the return register file and aligned to 8; unless the result is
    /// in memory, `value` is readable for the size of the return type.
    #[inline(always)]
    pub unsafe fn store_return(&self, value: *const u8, returned: *mut u8) {
        match self.return_plan() {
            ReturnPlan::Registers(moves) => {
                for m in moves {
                    // SAFETY: the builder checked that a return move lies inside both.
                    unsafe {
                        let from = value.add(m.offset as usize);
                        let word = read_extended(from, m.len, m.extension);
                        returned.add(m.to as usize).cast::<u64>().write(word);
                    }
                }
            }
            ReturnPlan::Memory { pointer_back: Some(back), .. } => {
                // SAFETY: the builder's offset is inside the return register file.
                unsafe { returned.add(back as usize).cast::<*const u8>().write(value) };
            }
            ReturnPlan::Memory { pointer_back: None, .. } | ReturnPlan::Void => {}
        }
    }

    /// As [`store_return`](Self::store_return), for a scalar whose Rust type is known.
    ///
    /// # Safety
    /// As for `store_return`; the return type is a scalar, and `T` stands for it.
    #[inline(always)]
    pub unsafe fn store_scalar<T: CType>(&self, value: T, returned: *mut u8) {
        let extension = match T::SCALAR {
            Some(scalar) if scalar.is_signed() => Extension::Sign,
            _ => Extension::Zero,
        };
        let to = self.moves[0].to as usize;
        // SAFETY: `value` has the size of `T`, and the builder checked the offset.
        unsafe {
            let word = read_extended((&raw const value).cast(), size_of::<T>() as u32, extension);
            returned.add(to).cast::<u64>().write(word);
        }
    }
}

/// Reads `len` bytes, 1 to 7, and no more, as a little-endian number.
///
/// # Safety
/// `from` is readable for `len` bytes.
#[inline(always)]
unsafe fn read_some(from: *const u8, len: u32) -> u64 {
    let (mut value, mut shift, mut at) = (0u64, 0, from);
    macro_rules! part {
        ($ty:ty) => {
            if len & size_of::<$ty>() as u32 != 0 {
                // SAFETY: the powers of two in `len` add up to it.
                unsafe {
                    value |= u64::from(at.cast::<$ty>().read_unaligned()) << shift;
                    at = at.add(size_of::<$ty>());
                }
                shift += <$ty>::BITS;
            }
        };
    }
    part!(u32);
    part!(u16);
    part!(u8);
    let _ = (shift, at);
    value
}

/// Reads `len` bytes, 1 to 8, and no more, and extends them to an eightbyte.
///
/// # Safety
/// `from` is readable for `len` bytes.
#[inline(always)]
unsafe fn read_extended(from: *const u8, len: u32, extension: Extension) -> u64 {
    if len == 8 {
        // SAFETY: the caller gives eight bytes.
        return unsafe { from.cast::<u64>().read_unaligned() };
    }
    // SAFETY: the caller's.
    let value = unsafe { read_some(from, len) };
    match extension {
        Extension::Sign => {
            let unused = 64 - 8 * len;
            ((value << unused) as i64 >> unused) as u64
        }
        Extension::Bool => u64::from(value != 0),
        Extension::None | Extension::Zero => value,
    }
}

/// Writes the bytes of a move from the image back to the value they belong to.
///
/// # Safety
/// `from` and `to` are readable and writable for the move's length.
#[inline(always)]
unsafe fn read_back(m: &Move, from: *const u8, to: *mut u8) {
    // SAFETY: the caller's, in each arm.
    unsafe {
        match m.len {
            8 => to.cast::<u64>().write_unaligned(from.cast::<u64>().read_unaligned()),
            4 => to.cast::<u32>().write_unaligned(from.cast::<u32>().read_unaligned()),
            2 => to.cast::<u16>().write_unaligned(from.cast::<u16>().read_unaligned()),
            1 if m.extension == Extension::Bool => to.write(u8::from(from.read() != 0)),
            1 => to.write(from.read()),
            len => core::ptr::copy_nonoverlapping(from, to, len as usize),
        }
    }
}

/// Collects the moves of a [`Plan`]; for implementations of a calling convention.
///
/// The result comes first, as it may take a register from the arguments, and then the arguments
/// in order.
#[derive(Debug)]
pub struct PlanBuilder {
    plan: Plan,
    /// Where the furthest move ends, in bytes from the start of the image.
    end: u32,
    last_group: Group,
    sorted: bool,
}

impl PlanBuilder {
    /// Starts a plan.
    #[inline]
    pub fn new(
        convention: Convention,
        registers: &'static RegisterFile,
        returns: &'static RegisterFile,
    ) -> Self {
        let plan = Plan {
            convention,
            registers,
            returns,
            moves: Moves::new(),
            return_moves: 0,
            group_lengths: [0; GROUPS],
            argument_count: 0,
            vector_count: 0,
            uses_vector: false,
            only_words: true,
            return_pointer: None,
            stack_size: 0,
            stack_align: 16,
        };
        Self { plan, end: 0, last_group: Group::Word, sorted: true }
    }

    /// Adds a move of the result, whose target is in the return register file.
    ///
    /// # Panics
    /// If the target is outside of that file, or an argument came before: a mistake of the
    /// convention, not of its user.
    #[inline]
    pub fn returned(&mut self, m: Move) {
        let plan = &mut self.plan;
        assert!(m.len <= 8 && m.to + 8 <= plan.returns.size, "{m:?} is outside the return image");
        assert!(plan.argument_count == 0, "the result comes before the arguments");
        plan.moves.push(m);
        plan.return_moves += 1;
    }

    /// The result is in memory. Its address goes to one image offset, and comes back at another
    /// one of the return register file where the convention says so.
    #[inline]
    pub fn returned_in_memory(&mut self, pointer_to: u32, pointer_back: Option<u32>) {
        self.plan.return_pointer = Some((pointer_to, pointer_back));
    }

    /// Adds a move of an argument. Arguments come in order, each with at least one move. A longer
    /// copy becomes several moves of eight bytes.
    ///
    /// # Panics
    /// If the arguments are out of order or the move extends more than 8 bytes: a mistake of the
    /// convention, not of its user.
    #[inline]
    pub fn argument(&mut self, m: Move) {
        let next = self.plan.argument_count;
        assert!(m.argument == next || m.argument + 1 == next, "argument {next} is next");
        assert!(m.extension == Extension::None || m.len <= 8, "{} bytes cannot be extended", m.len);
        self.plan.argument_count = m.argument + 1;
        if m.extension != Extension::None || m.len > MAX_WORDWISE || !m.to.is_multiple_of(8) {
            self.push(m);
            return;
        }
        let mut done = 0;
        while done < m.len {
            let (offset, to, len) = (m.offset + done, m.to + done, (m.len - done).min(8));
            self.push(Move { offset, to, len, ..m });
            done += len;
        }
    }

    #[inline]
    fn push(&mut self, m: Move) {
        let group = group_of(&m);
        let written = if m.extension == Extension::None { m.len } else { 8 };
        self.end = self.end.max(m.to + written);
        self.sorted &= group >= self.last_group;
        self.last_group = group;
        let plan = &mut self.plan;
        plan.only_words &= group == Group::Word;
        plan.group_lengths[group as usize] += 1;
        plan.uses_vector |= plan.registers.vector.contains(m.to);
        plan.moves.push(m);
    }

    /// The callee is told this many vector registers.
    #[inline]
    pub fn vector_count(&mut self, count: u8) {
        self.plan.vector_count = count;
    }

    /// The stack area is aligned to at least this many bytes.
    #[inline]
    pub fn stack_align(&mut self, align: u32) {
        self.plan.stack_align = self.plan.stack_align.max(align);
    }

    /// The plan, with a stack area of at least `stack_size` bytes.
    ///
    /// # Panics
    /// If a move goes past the image: a mistake of the convention, not of its user.
    #[inline]
    pub fn finish(mut self, stack_size: u32) -> Plan {
        let plan = &mut self.plan;
        plan.stack_size = stack_size.next_multiple_of(16);
        assert!(self.end <= plan.registers.size + plan.stack_size, "a move is outside the image");
        if !self.sorted {
            // Stable, so that within a group the arguments stay in order.
            plan.moves[usize::from(plan.return_moves)..].sort_by_key(group_of);
        }
        self.plan
    }
}

#[inline]
fn group_of(m: &Move) -> Group {
    match (m.extension, m.len) {
        (_, 8) if m.to.is_multiple_of(8) => Group::Word,
        (Extension::None, _) => Group::Copy,
        (Extension::Sign, 4) => Group::Sign4,
        (Extension::Sign, 2) => Group::Sign2,
        (Extension::Sign, 1) => Group::Sign1,
        (_, 4) => Group::Zero4,
        (_, 2) => Group::Zero2,
        (_, 1) => Group::Zero1,
        _ => Group::ZeroSome,
    }
}
