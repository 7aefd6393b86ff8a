//! The one executor: carries out the moves of a plan, in both directions.

use crate::plan::{Extension, Move, Plan, ReturnPlan};
use crate::{CType, Scalar};
use core::mem::MaybeUninit;

impl Plan {
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
        if self.only_words {
            for m in self.moves() {
                // SAFETY: as above; each move has eight bytes.
                unsafe {
                    target(m).cast::<Word>().write(source(m).cast::<Word>().read_unaligned())
                };
            }
            return;
        }
        for r in &self.by_reference {
            // SAFETY: the argument has that many bytes, and the builder made room for the copy
            // and its address inside the image.
            unsafe {
                let copy = image.add(r.copy_to as usize);
                let argument = *arguments.add(usize::from(r.argument));
                core::ptr::copy_nonoverlapping(argument, copy, r.len as usize);
                image.add(r.pointer_to as usize).cast::<*mut u8>().write(copy);
            }
        }
        for m in self.moves() {
            // SAFETY: as above; what is read has the size of the move. With an extension, eight
            // bytes are written, and so they are to an eightbyte of its own.
            unsafe {
                let source = source(m);
                let word = match (m.len, m.extension) {
                    (8, _) => source.cast::<Word>().read_unaligned(),
                    (len, Extension::None | Extension::BoolByte) => {
                        core::ptr::copy_nonoverlapping(source, target(m), len as usize);
                        continue;
                    }
                    (len, extension) => read_extended(source, len, extension),
                };
                target(m).cast::<Word>().write_unaligned(word);
            }
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
        if let Some(r) = self.reference_of(argument) {
            // SAFETY: the caller passed the address of a copy, which has the size of the value.
            unsafe {
                let pointer = self.callback_source(r.pointer_to, registers, stack);
                let copy = pointer.cast::<*const u8>().read();
                core::ptr::copy_nonoverlapping(copy, value, r.len as usize);
            }
            return;
        }
        for m in self.moves_of(argument) {
            // SAFETY: the builder checked that the move lies inside the image and the value.
            unsafe {
                let source = self.callback_source(m.to, registers, stack);
                read_back(m, source, value.add(m.offset as usize));
            }
        }
    }

    /// Where a callback finds an argument of `size` bytes in one piece, to be looked up once and used
    /// at each call. `None` past the last argument, and for one that is in several places, or passed
    /// by reference.
    pub fn place(&self, argument: usize, size: usize) -> Option<Place> {
        let [first, rest @ ..] = self.moves_of(argument) else { return None };
        let mut end = first.len;
        for m in rest {
            if m.offset != end || m.to != first.to + end {
                return None;
            }
            end += m.len;
        }
        if first.offset != 0 || (end as usize) < size {
            return None;
        }
        Some(match first.to.checked_sub(self.registers.size) {
            Some(offset) => Place::Stack(offset),
            None => Place::Registers(first.to),
        })
    }

    /// # Safety
    /// `to` is the target of one of this plan's moves or addresses, and `registers` and `stack`
    /// are those of a call by it.
    #[inline(always)]
    unsafe fn callback_source(&self, to: u32, registers: *const u8, stack: *const u8) -> *const u8 {
        match to.checked_sub(self.registers.size) {
            // SAFETY: the builder checked that the move lies inside the stack area...
            Some(offset) => unsafe { stack.add(offset as usize) },
            // SAFETY: ...or inside the register file.
            None => unsafe { registers.add(to as usize) },
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
                        let word = match (m.len, m.extension) {
                            (1, Extension::Bool) => Word::new((from.read() != 0).into()),
                            (len, extension) => read_extended(from, len, extension),
                        };
                        returned.add(m.to as usize).cast::<Word>().write(word);
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
}

/// Where a callback finds an argument in one piece; see [`Plan::place`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// That far into the register file, in bytes.
    Registers(u32),
    /// That far into the stack area, in bytes.
    Stack(u32),
}

impl Place {
    /// Takes the argument out of a callback's saved registers and stack.
    ///
    /// # Safety
    /// `registers` and `stack` are those of a call by the plan that the place is from, and the
    /// argument is of a type that `T` stands for.
    #[inline(always)]
    pub unsafe fn load<T: CType>(self, registers: *const u8, stack: *const u8) -> T {
        // SAFETY: the argument is inside the image, in one piece; `T` has its size. Of a `bool`, C
        // defines the low byte alone, and anything but 0 is true.
        unsafe {
            let source = match self {
                Self::Registers(offset) => registers.add(offset as usize),
                Self::Stack(offset) => stack.add(offset as usize),
            };
            if T::SCALAR == Some(Scalar::Bool) {
                let truth = source.read() != 0;
                return (&raw const truth).cast::<T>().read();
            }
            source.cast::<T>().read_unaligned()
        }
    }
}

/// Puts a callback's scalar result into a return register: the one at offset `to` of the return
/// register file, as the plan's return move says.
///
/// # Safety
/// `returned` is writable for that file and aligned to 8, and `to` is the offset of one of its
/// registers; `T` is a scalar.
#[inline(always)]
pub unsafe fn store_scalar<T: CType>(value: T, to: u32, returned: *mut u8) {
    let extension = match T::SCALAR {
        Some(scalar) if scalar.is_signed() => Extension::Sign,
        _ => Extension::Zero,
    };
    // SAFETY: `value` has the size of `T`; the target is the caller's.
    unsafe {
        let word = read_extended((&raw const value).cast(), size_of::<T>() as u32, extension);
        returned.add(to as usize).cast::<Word>().write(word);
    }
}

/// An eightbyte. Some of its bytes may be padding, which Rust may copy but not look at.
type Word = MaybeUninit<u64>;

/// Reads `len` bytes, 1 to 8, and no more, and extends them to an eightbyte.
///
/// # Safety
/// `from` is readable for `len` bytes; with [`Extension::Sign`] and 1, 2 or 4 bytes it is an
/// integer, which has no padding.
#[inline(always)]
unsafe fn read_extended(from: *const u8, len: u32, extension: Extension) -> Word {
    macro_rules! copy {
        ($($len:literal)*) => {
            match len {
                $($len => {
                    let mut word = Word::zeroed();
                    let to = word.as_mut_ptr().cast::<u8>();
                    // SAFETY: the caller's; a word has eight bytes, of which the first are the
                    // number's lowest: every convention here is little-endian.
                    unsafe { core::ptr::copy_nonoverlapping(from, to, $len) };
                    word
                })*
                // SAFETY: the caller's: there are eight bytes.
                _ => unsafe { from.cast::<Word>().read_unaligned() },
            }
        };
    }
    match (len, extension) {
        (4, Extension::Sign) => {
            // SAFETY: the caller's: an integer of four bytes.
            let value = unsafe { from.cast::<i32>().read_unaligned() };
            Word::new(i64::from(value) as u64)
        }
        (2, Extension::Sign) => {
            // SAFETY: the caller's: an integer of two bytes.
            let value = unsafe { from.cast::<i16>().read_unaligned() };
            Word::new(i64::from(value) as u64)
        }
        (1, Extension::Sign) => {
            // SAFETY: the caller's: an integer of one byte.
            let value = unsafe { from.cast::<i8>().read() };
            Word::new(i64::from(value) as u64)
        }
        _ => copy!(1 2 3 4 5 6 7),
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
            8 => to.cast::<Word>().write_unaligned(from.cast::<Word>().read_unaligned()),
            4 => to.cast::<u32>().write_unaligned(from.cast::<u32>().read_unaligned()),
            2 => to.cast::<u16>().write_unaligned(from.cast::<u16>().read_unaligned()),
            1 if matches!(m.extension, Extension::Bool | Extension::BoolByte) => {
                to.write(u8::from(from.read() != 0));
            }
            1 => to.write(from.read()),
            len => core::ptr::copy_nonoverlapping(from, to, len as usize),
        }
    }
}
