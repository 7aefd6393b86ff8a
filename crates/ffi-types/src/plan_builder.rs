//! Building plans: for implementations of a calling convention.

use crate::Convention;
use crate::plan::{ByReference, Extension, MAX_WORDWISE, Move, Plan, RegisterFile};
use crate::program::{Progress, Steps, Way, stack_way};

/// Collects the moves of a [`Plan`]; for implementations of a calling convention.
///
/// The result comes first, as it may take a register from the arguments, and then the arguments
/// in order.
#[derive(Debug)]
pub struct PlanBuilder<'a> {
    // Filled where it is to stay: a plan is a few hundred bytes, and preparing one is measured.
    plan: &'a mut Plan,
    /// Where the furthest move ends, in bytes from the start of the image.
    end: u32,
    /// How many bytes the copies take, and what they are aligned to.
    copies: u32,
    copies_align: u32,
    progress: Progress,
}

impl<'a> PlanBuilder<'a> {
    /// Starts a plan in the place of another.
    #[inline]
    pub fn new(
        plan: &'a mut Plan,
        convention: Convention,
        registers: &'static RegisterFile,
        returns: &'static RegisterFile,
    ) -> Self {
        // Most often the plan is empty, and known to be so when this is compiled.
        if !plan.is_empty() {
            *plan = Plan::empty();
        }
        (plan.convention, plan.registers, plan.returns) = (convention, registers, returns);
        Self { plan, end: 0, copies: 0, copies_align: 16, progress: Progress::default() }
    }

    /// Adds a move of the result, whose target is in the return register file. More than eight
    /// bytes become several moves.
    ///
    /// # Panics
    /// If the target is outside of that file, or an argument came before: a mistake of the
    /// convention, not of its user.
    #[inline(always)]
    pub fn returned(&mut self, m: Move) {
        check(&m);
        assert!(self.plan.argument_count == 0, "the result comes before the arguments");
        if m.len <= 8 {
            self.push_returned(m);
            return;
        }
        for done in (0..m.len).step_by(8) {
            let (offset, to, len) = (m.offset + done, m.to + done, (m.len - done).min(8));
            self.push_returned(Move { offset, to, len, ..m });
        }
    }

    #[inline(always)]
    fn push_returned(&mut self, m: Move) {
        let plan = &mut *self.plan;
        let inside = m.to.checked_add(8).is_some_and(|end| end <= plan.returns.size);
        assert!(inside, "{m:?} is outside the return image");
        plan.moves.push(m);
        plan.return_moves += 1;
    }

    /// The result is in memory. Its address goes to one image offset, and comes back at another
    /// one of the return register file where the convention says so.
    ///
    /// # Panics
    /// If either is no register's: a mistake of the convention, not of its user.
    #[inline]
    pub fn returned_in_memory(&mut self, pointer_to: u32, pointer_back: Option<u32>) {
        let within = |to: u32, size: u32| to.checked_add(8).is_some_and(|end| end <= size);
        assert!(within(pointer_to, self.plan.registers.size), "the address is outside the image");
        let back = pointer_back.is_none_or(|to| within(to, self.plan.returns.size));
        assert!(back, "the address comes back outside the return image");
        self.plan.return_pointer = Some((pointer_to, pointer_back));
    }

    /// Adds a move of an argument. Arguments come in order; one without a move is
    /// [`nothing`](Self::nothing). A longer copy becomes several moves of eight bytes.
    ///
    /// # Panics
    /// If the arguments are out of order or there is no such extension: a mistake of the
    /// convention, not of its user.
    #[inline]
    pub fn argument(&mut self, m: Move) {
        check(&m);
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
        let exact = matches!(m.extension, Extension::None | Extension::BoolByte);
        let written = if exact { m.len } else { 8 };
        self.plan.uses_vector |= self.plan.registers.vector.contains(m.to);
        self.add(m, written);
    }

    /// As [`argument`](Self::argument), for an argument that is one move with an extension, and
    /// of which the caller says whether it goes to a vector register.
    ///
    /// # Panics
    /// As for `argument`.
    #[inline]
    pub fn scalar(&mut self, m: Move, in_vector: bool) {
        debug_assert_ne!(m.extension, Extension::None);
        check(&m);
        debug_assert_eq!(in_vector, self.plan.registers.vector.contains(m.to));
        self.plan.uses_vector |= in_vector;
        self.add(m, 8);
    }

    /// Adds an argument of which nothing is passed.
    ///
    /// # Panics
    /// If the arguments are out of order: a mistake of the convention, not of its user.
    pub fn nothing(&mut self, argument: u16) {
        self.in_order(argument);
        self.plan.one_each = false;
    }

    /// So many bytes of the vector registers count, at least.
    pub fn vector_size(&mut self, size: usize) {
        self.plan.vector_size = self.plan.vector_size.max(size as u8);
    }

    /// Adds an argument that is passed as the address of a copy: `len` bytes, aligned to `align`,
    /// with the address at an image offset. Its step is that of an argument which is the address.
    ///
    /// # Panics
    /// If the arguments are out of order, the alignment is no power of two, the copies are larger
    /// than an image can be, or the address is not in an eightbyte: a mistake of the convention,
    /// not of its user.
    pub fn by_reference(&mut self, argument: u16, len: u32, align: u32, pointer_to: u32) {
        assert!(align.is_power_of_two() && pointer_to.is_multiple_of(8), "no place for a copy");
        self.in_order(argument);
        let start = self.copies.checked_next_multiple_of(align);
        // Where the copies start is known at the end.
        let copy_to = start.expect("copies that fit an image");
        self.copies = copy_to.checked_add(len).expect("copies that fit an image");
        self.copies_align = self.copies_align.max(align);
        self.end = self.end.max(pointer_to + 8);
        self.plan.only_words = false;
        self.plan.one_each = false;
        self.plan.by_reference.push(ByReference { argument, len, copy_to, pointer_to });
    }

    #[inline(always)]
    fn in_order(&mut self, argument: u16) {
        let next = self.plan.argument_count;
        assert!(argument == next || argument + 1 == next, "arguments are out of order");
        self.plan.argument_count = argument + 1;
    }

    #[inline(always)]
    fn add(&mut self, m: Move, written: u32) {
        let plan = &mut *self.plan;
        plan.one_each &= m.argument == plan.argument_count;
        self.in_order(m.argument);
        let plan = &mut *self.plan;
        let end = m.to.checked_add(written).expect("a move inside the image");
        self.end = self.end.max(end);
        plan.only_words &= m.len == 8 && m.to.is_multiple_of(8);
        plan.moves.push(m);
    }

    /// The callee is told this many vector registers; if it is variadic, it may look at that.
    #[inline]
    pub fn vector_count(&mut self, count: u8, variadic: bool) {
        self.plan.vector_count = count;
        self.plan.program.vector_count = count.into();
        self.plan.variadic = variadic;
    }

    /// A general register is loaded from an argument that way: besides the move, for calls that go
    /// by [`Steps`] instead. Registers come in order.
    ///
    /// # Panics
    /// If there are not as many registers: a mistake of the convention, not of its user.
    #[inline(always)]
    pub fn general_step(&mut self, steps: &Steps, register: usize, argument: usize, way: Way) {
        self.progress.general(steps, &mut self.plan.program, (register, argument, way));
    }

    /// A vector register is loaded from an argument that way, from `offset` on if the way asks.
    ///
    /// # Panics
    /// If there are not as many registers: a mistake of the convention, not of its user.
    #[inline(always)]
    pub fn vector_step(
        &mut self,
        steps: &Steps,
        register: usize,
        argument: usize,
        way: Way,
        offset: u32,
    ) {
        self.progress.vector(steps, &mut self.plan.program, (register, argument, way, offset));
    }

    /// The eightbyte that far from the start of the stack's arguments is filled from an argument that
    /// way, from `offset` on if the way asks.
    #[inline]
    pub fn stack_step(&mut self, steps: &Steps, to: u64, argument: usize, way: Way, offset: u32) {
        self.progress.stack(steps, &mut self.plan.program, (to, argument, way, offset));
    }

    /// Of `size` bytes, an argument on the stack takes the slots from there on.
    #[inline]
    pub fn stack_steps(&mut self, steps: &Steps, to: u64, argument: usize, size: u32) {
        for offset in (0..size).step_by(8).take(1 + self.plan.program.stack.len()) {
            let way = stack_way((size - offset).min(8), offset);
            self.stack_step(steps, to + u64::from(offset), argument, way, offset);
        }
    }

    /// An argument is passed in a way that no step has.
    #[inline]
    pub fn no_steps(&mut self) {
        self.progress.incomplete = true;
    }

    /// All arguments have their steps, unless there was one that has none.
    #[inline(always)]
    pub fn join_steps(&mut self) {
        if !self.progress.incomplete {
            self.plan.has_program = true;
            self.progress.join(&mut self.plan.program);
        }
    }

    /// The stack area is aligned to at least this many bytes.
    #[inline]
    pub fn stack_align(&mut self, align: u32) {
        self.plan.stack_align = self.plan.stack_align.max(align);
    }

    /// Ends the plan, with a stack area of at least `stack_size` bytes.
    ///
    /// # Panics
    /// If a move goes past the image, or the image past what 32 bits can address: a mistake of
    /// the convention, not of its user.
    #[inline]
    pub fn finish(self, stack_size: u32) {
        let plan = &mut *self.plan;
        plan.stack_size = stack_size.next_multiple_of(16);
        plan.frame_size = plan.stack_size;
        assert!(self.end <= plan.registers.size + plan.stack_size, "a move is outside the image");
        if !plan.by_reference.is_empty() {
            self.place_copies();
        }
    }

    /// Puts the copies behind the stack area, aligned as that is.
    fn place_copies(self) {
        let plan = self.plan;
        plan.stack_align = plan.stack_align.max(self.copies_align);
        let start = plan.stack_size.next_multiple_of(self.copies_align);
        let end = start.checked_add(self.copies).and_then(|end| end.checked_next_multiple_of(16));
        plan.frame_size = end.expect("copies that fit an image");
        let start = plan.registers.size.checked_add(start).expect("an image that 32 bits address");
        for reference in &mut plan.by_reference {
            reference.copy_to += start;
        }
    }
}

/// # Panics
/// If there is no such move: of nothing, or with an extension of more than an eightbyte, or of the
/// sign of an odd number of bytes, which no integer has.
#[inline(always)]
fn check(m: &Move) {
    let possible = match m.extension {
        Extension::None => true,
        Extension::Sign => matches!(m.len, 1 | 2 | 4 | 8),
        Extension::BoolByte => m.len == 1,
        _ => m.len <= 8,
    };
    assert!(possible && m.len > 0, "{} bytes cannot be moved so", m.len);
}
