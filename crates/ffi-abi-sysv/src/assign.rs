//! The counters: which register or stack slot each eightbyte gets. SysV psABI 3.2.3, "Passing"
//! and "Returning of Values".

use crate::classify::{Class, Classes, classify};
use crate::layout;
use crate::registers::{REGISTERS, RETURNED};
use ffi_types::{
    Convention, Extension, InterfaceField, InterfaceReason, InvalidCallInterfaceError, Move, Plan,
    PlanBuilder, Scalar, Signature, Type,
};

/// The most bytes that the arguments may take on the stack: half of what 32 bits can address.
const MAX_STACK: u64 = 1 << 31;

/// Decides where each byte of a call goes. Pure; the signature's convention is not looked at.
///
/// # Errors
/// [`InterfaceReason::TooLarge`] when the arguments do not fit on any stack.
pub fn plan(signature: &Signature) -> Result<Plan, InvalidCallInterfaceError> {
    let mut plan = Plan::empty();
    plan_into(signature, &mut plan)?;
    Ok(plan)
}

#[inline]
pub(crate) fn plan_into(
    signature: &Signature,
    plan: &mut Plan,
) -> Result<(), InvalidCallInterfaceError> {
    let plan = PlanBuilder::new(plan, Convention::SysV, &REGISTERS, &RETURNED);
    let mut counters = Counters { plan, general: 0, vector: 0, stack: 0 };
    counters.returned(signature.return_type())?;
    for (index, ty) in signature.arguments().iter().enumerate() {
        counters.argument(index, ty)?;
    }
    // 3.2.3: `al` holds an upper bound on the number of vector registers used by a call through
    // `...`. A function that is not variadic ignores it.
    counters.plan.vector_count(counters.vector as u8, signature.first_variadic().is_some());
    counters.plan.finish(counters.stack as u32);
    Ok(())
}

/// How a scalar travels in its eightbyte.
#[derive(Clone, Copy)]
struct Eightbyte {
    is_sse: bool,
    extension: Extension,
    len: u32,
}

/// For each scalar, by its discriminant: worked out when this is compiled, as most signatures are
/// made of scalars, and preparing them is measured.
const EIGHTBYTES: [Eightbyte; Scalar::ALL.len()] = {
    let nothing = Eightbyte { is_sse: false, extension: Extension::None, len: 0 };
    let mut all = [nothing; Scalar::ALL.len()];
    let mut index = 0;
    while index < all.len() {
        let scalar = Scalar::ALL[index];
        let is_sse = matches!(Class::of_scalar(scalar), Class::Sse);
        let len = scalar.size() as u32;
        all[scalar as usize] = Eightbyte { is_sse, extension: extension(scalar), len };
        index += 1;
    }
    all
};

struct Counters<'a> {
    plan: PlanBuilder<'a>,
    /// The next of rdi, rsi, rdx, rcx, r8, r9.
    general: usize,
    /// The next of xmm0 to xmm7.
    vector: usize,
    /// The bytes of the stack area taken so far.
    stack: u64,
}

impl Counters<'_> {
    #[inline]
    fn argument(&mut self, index: usize, ty: &Type) -> Result<(), InvalidCallInterfaceError> {
        if let Some(scalar) = ty.as_scalar() {
            self.scalar(index, scalar);
            return Ok(());
        }
        self.aggregate(index, ty)
    }

    /// One eightbyte: the next register of its class, or else the next of the stack.
    #[inline]
    fn scalar(&mut self, index: usize, scalar: Scalar) {
        let Eightbyte { is_sse, extension, len } = EIGHTBYTES[scalar as usize];
        let (counter, bank, count) = if is_sse {
            (&mut self.vector, layout::VECTOR, 8)
        } else {
            (&mut self.general, layout::GENERAL, 6)
        };
        let in_register = *counter < count;
        let to = if in_register {
            take(counter, |i| bank + 8 * i as u32)
        } else {
            self.stack += 8;
            REGISTERS.size + self.stack as u32 - 8
        };
        let m = Move { argument: index as u16, extension, offset: 0, len, to };
        self.plan.scalar(m, is_sse && in_register);
    }

    fn aggregate(&mut self, index: usize, ty: &Type) -> Result<(), InvalidCallInterfaceError> {
        match classify(ty) {
            Classes::Eightbytes(classes) if self.has_room_for(classes) => {
                for m in eightbytes(ty, classes) {
                    let to = match classes[m.offset as usize / 8] {
                        Class::Sse => take(&mut self.vector, |i| REGISTERS.vector.at(i)),
                        _ => take(&mut self.general, |i| REGISTERS.general.at(i)),
                    };
                    self.plan.argument(Move { argument: index as u16, to, ..m });
                }
                Ok(())
            }
            // "If there are no registers available for any eightbyte of an argument, the whole
            // argument is passed on the stack." Later ones still take the registers left over.
            _ => self.on_the_stack(index, ty),
        }
    }

    fn has_room_for(&self, classes: [Class; 2]) -> bool {
        let needs = |class| classes.iter().filter(|&&c| c == class).count();
        self.general + needs(Class::Integer) <= REGISTERS.general.names.len()
            && self.vector + needs(Class::Sse) <= REGISTERS.vector.names.len()
    }

    fn on_the_stack(&mut self, index: usize, ty: &Type) -> Result<(), InvalidCallInterfaceError> {
        // "The size of each argument gets rounded up to eightbytes"; an argument is aligned to 8,
        // or to its own alignment if that is greater.
        let align = ty.align().max(8) as u64;
        let start = self.stack.next_multiple_of(align);
        let end = (start + ty.size() as u64).next_multiple_of(8);
        if end + align > MAX_STACK {
            let reason = InterfaceReason::TooLarge { size: ty.size(), max: MAX_STACK as usize };
            return Err(InvalidCallInterfaceError::argument(index, reason));
        }
        self.stack = end;
        self.plan.stack_align(align as u32);
        let to = REGISTERS.size + start as u32;
        let (argument, extension, len) = (index as u16, Extension::None, ty.size() as u32);
        self.plan.argument(Move { argument, extension, offset: 0, len, to });
        Ok(())
    }

    #[inline]
    fn returned(&mut self, ty: &Type) -> Result<(), InvalidCallInterfaceError> {
        if ty.is_void() {
            return Ok(());
        }
        if let Some(scalar) = ty.as_scalar() {
            let to = match Class::of_scalar(scalar) {
                Class::Sse => layout::RETURN_VECTOR,
                _ => layout::RETURN_GENERAL,
            };
            let (extension, len) = (extension(scalar), scalar.size() as u32);
            self.plan.returned(Move { argument: 0, extension, offset: 0, len, to });
            return Ok(());
        }
        self.returned_aggregate(ty)
    }

    fn returned_aggregate(&mut self, ty: &Type) -> Result<(), InvalidCallInterfaceError> {
        let Classes::Eightbytes(classes) = classify(ty) else {
            if ty.size() as u64 > MAX_STACK {
                let reason = InterfaceReason::TooLarge { size: ty.size(), max: MAX_STACK as usize };
                return Err(InvalidCallInterfaceError::of(InterfaceField::Return, reason));
            }
            // "The caller provides space for the return value and passes the address of this
            // storage in %rdi as if it were the first argument."
            let to = take(&mut self.general, |i| REGISTERS.general.at(i));
            // "On return %rax will contain the address that has been passed in by the caller."
            self.plan.returned_in_memory(to, Some(RETURNED.general.at(0)));
            return Ok(());
        };
        // "The next available register of the sequence %rax, %rdx", or of %xmm0, %xmm1.
        let (mut general, mut vector) = (0, 0);
        for m in eightbytes(ty, classes) {
            let to = match classes[m.offset as usize / 8] {
                Class::Sse => take(&mut vector, |i| RETURNED.vector.at(i)),
                _ => take(&mut general, |i| RETURNED.general.at(i)),
            };
            self.plan.returned(Move { to, ..m });
        }
        Ok(())
    }
}

/// Hands out the register that the counter stands at.
#[inline]
fn take(counter: &mut usize, at: impl Fn(usize) -> u32) -> u32 {
    let offset = at(*counter);
    *counter += 1;
    offset
}

/// One move for each eightbyte of an aggregate that is not padding; where it goes is still open.
fn eightbytes(ty: &Type, classes: [Class; 2]) -> impl Iterator<Item = Move> {
    let size = ty.size() as u32;
    let extension = Extension::Zero;
    [(0, classes[0]), (8, classes[1])]
        .into_iter()
        .filter(|&(_, class)| class != Class::NoClass)
        .map(move |(offset, _)| Move {
            argument: 0,
            extension,
            offset,
            len: (size - offset).min(8),
            to: 0,
        })
}

/// How a scalar fills its eightbyte. The psABI leaves the upper bits undefined except for `_Bool`,
/// but clang's callees rely on integers being extended to 32 bits, and its callers on results.
#[inline]
const fn extension(scalar: Scalar) -> Extension {
    match scalar {
        Scalar::Bool => Extension::Bool,
        scalar if scalar.is_signed() => Extension::Sign,
        _ => Extension::Zero,
    }
}
