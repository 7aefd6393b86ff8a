//! The counters: which register or stack slot each eightbyte gets. SysV psABI 3.2.3, "Passing"
//! and "Returning of Values".

use crate::classify::{Class, Classes, classify, eightbytes};
use crate::layout::HIDDEN;
use crate::registers::{REGISTERS, RETURNED, WIDE_REGISTERS, WIDE_RETURNED};
use crate::steps::{STEPS, vector_way};
use ffi_types::{
    Convention, Extension, InterfaceField, InterfaceReason, InvalidCallInterfaceError, Move, Parts,
    Plan, PlanBuilder, RegisterFile, Scalar, Signature, Type, Way, general_way, stack_way,
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
    let types = signature.arguments();
    if types.iter().any(is_wide) || is_wide(signature.return_type()) {
        return Counters::<true>::plan(signature, plan);
    }
    Counters::<false>::plan(signature, plan)
}

/// Whether registers have to be saved and loaded in full for a type: more than the low eightbyte
/// of a vector register, or those of x87. Not everything that has such a part is passed in one.
#[inline]
fn is_wide(ty: &Type) -> bool {
    const NARROW: Parts =
        Parts::INT128.union(Parts::HALF).union(Parts::COMPLEX).union(Parts::VECTOR_8);
    !NARROW.contains(ty.parts())
}

/// How a scalar travels in its eightbyte.
#[derive(Clone, Copy)]
struct Eightbyte {
    is_sse: bool,
    extension: Extension,
    len: u32,
    /// In its register.
    way: Way,
}

/// For each scalar, by its discriminant: worked out when this is compiled, as most signatures are
/// made of scalars, and preparing them is measured.
const EIGHTBYTES: [Eightbyte; Scalar::ALL.len()] = {
    let nothing = Eightbyte { is_sse: false, extension: Extension::None, len: 0, way: 0 };
    let mut all = [nothing; Scalar::ALL.len()];
    let mut index = 0;
    while index < all.len() {
        let scalar = Scalar::ALL[index];
        let is_sse = matches!(Class::of_scalar(scalar), Class::Sse);
        let len = scalar.size() as u32;
        let extension = extension(scalar);
        let way = if is_sse { vector_way(len, 0) } else { general_way(len, extension, 0) };
        all[scalar as usize] = Eightbyte { is_sse, extension, len, way };
        index += 1;
    }
    all
};

/// Counters of a call whose image has the whole registers if it is `WIDE`, and only the low
/// eightbytes of vector registers otherwise: nearly all calls need no more.
struct Counters<'a, const WIDE: bool> {
    plan: PlanBuilder<'a>,
    /// Whether the arguments from here on are passed through `...`.
    unnamed: bool,
    /// The next of rdi, rsi, rdx, rcx, r8, r9.
    general: usize,
    /// The next of xmm0 to xmm7.
    vector: usize,
    /// The bytes of the stack area taken so far.
    stack: u64,
}

impl<'a, const WIDE: bool> Counters<'a, WIDE> {
    const REGISTERS: &'static RegisterFile = if WIDE { &WIDE_REGISTERS } else { &REGISTERS };
    const RETURNED: &'static RegisterFile = if WIDE { &WIDE_RETURNED } else { &RETURNED };

    #[inline]
    fn plan(signature: &Signature, plan: &'a mut Plan) -> Result<(), InvalidCallInterfaceError> {
        let plan = PlanBuilder::new(plan, Convention::SysV, Self::REGISTERS, Self::RETURNED);
        let mut counters = Self { plan, unnamed: false, general: 0, vector: 0, stack: 0 };
        counters.returned(signature.return_type())?;
        for (index, ty) in signature.arguments().iter().enumerate() {
            counters.unnamed = WIDE && signature.is_variadic_at(index);
            counters.argument(index, ty)?;
        }
        // 3.2.3: `al` holds an upper bound on the number of vector registers used by a call
        // through `...`. A function that is not variadic ignores it.
        counters.plan.vector_count(counters.vector as u8, signature.first_variadic().is_some());
        if !WIDE {
            counters.plan.join_steps();
        }
        counters.plan.finish(counters.stack as u32);
        Ok(())
    }

    #[inline]
    fn argument(&mut self, index: usize, ty: &Type) -> Result<(), InvalidCallInterfaceError> {
        match ty.as_scalar() {
            Some(scalar) if scalar.size() <= 8 => {
                self.scalar(index, scalar);
                Ok(())
            }
            _ => self.other(index, ty),
        }
    }

    /// One eightbyte: the next register of its class, or else the next of the stack.
    #[inline]
    fn scalar(&mut self, index: usize, scalar: Scalar) {
        let Eightbyte { is_sse, extension, len, way } = EIGHTBYTES[scalar as usize];
        let (to, in_register) = if is_sse && self.vector < 8 {
            self.plan.vector_step(&STEPS, self.vector, index, way, 0);
            (take(&mut self.vector, |i| Self::REGISTERS.vector.at(i)), true)
        } else if !is_sse && self.general < 6 {
            self.plan.general_step(&STEPS, self.general, index, way);
            (take(&mut self.general, |i| Self::REGISTERS.general.at(i)), true)
        } else {
            let way = if is_sse { stack_way(len, 0) } else { way };
            self.plan.stack_step(&STEPS, self.stack, index, way, 0);
            self.stack += 8;
            (Self::REGISTERS.size + self.stack as u32 - 8, false)
        };
        let m = Move { argument: index as u16, extension, offset: 0, len, to };
        self.plan.scalar(m, is_sse && in_register);
    }

    /// Whatever is not one eightbyte of one class.
    fn other(&mut self, index: usize, ty: &Type) -> Result<(), InvalidCallInterfaceError> {
        let Classes::Eightbytes(classes) = classify(ty) else {
            return self.on_the_stack(index, ty);
        };
        let classes = &classes[..eightbytes(ty.size())];
        if classes.iter().all(|&class| class == Class::NoClass) {
            // An empty struct: "NO_CLASS", nothing of which is passed.
            self.plan.nothing(index as u16);
            return Ok(());
        }
        // "If there are no registers available for any eightbyte of an argument, the whole
        // argument is passed on the stack." Later ones still take the registers left over.
        if !self.has_room_for(classes) {
            return self.on_the_stack(index, ty);
        }
        let parts = registers(ty, classes);
        // "Arguments of type __m256 and __m512 that are passed through `...` are in memory."
        if self.unnamed && parts.clone().any(|(_, part)| part.len > 16) {
            return self.on_the_stack(index, ty);
        }
        for (class, part) in parts {
            let to = match class {
                Class::Sse => {
                    let way = vector_way(part.len, part.offset);
                    self.plan.vector_step(&STEPS, self.vector, index, way, part.offset);
                    self.plan.vector_size(part.len as usize);
                    take(&mut self.vector, |i| Self::REGISTERS.vector.at(i))
                }
                _ => {
                    let way = general_way(part.len, part.extension, part.offset);
                    self.plan.general_step(&STEPS, self.general, index, way);
                    take(&mut self.general, |i| Self::REGISTERS.general.at(i))
                }
            };
            self.plan.argument(Move { argument: index as u16, to, ..part });
        }
        Ok(())
    }

    /// Never for X87 and COMPLEX_X87, which are passed in memory.
    fn has_room_for(&self, classes: &[Class]) -> bool {
        let (mut general, mut vector) = (self.general, self.vector);
        for class in classes {
            match class {
                Class::Integer => general += 1,
                Class::Sse => vector += 1,
                Class::X87 | Class::ComplexX87 => return false,
                _ => {}
            }
        }
        general <= REGISTERS.general.names.len() && vector <= REGISTERS.vector.names.len()
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
        self.plan.stack_steps(&STEPS, start, index, ty.size() as u32);
        self.plan.stack_align(align as u32);
        let to = Self::REGISTERS.size + start as u32;
        let (argument, extension, len) = (index as u16, Extension::None, ty.size() as u32);
        self.plan.argument(Move { argument, extension, offset: 0, len, to });
        Ok(())
    }

    #[inline]
    fn returned(&mut self, ty: &Type) -> Result<(), InvalidCallInterfaceError> {
        if ty.is_void() {
            return Ok(());
        }
        match ty.as_scalar() {
            Some(scalar) if scalar.size() <= 8 => {
                let to = match Class::of_scalar(scalar) {
                    Class::Sse => Self::RETURNED.vector.at(0),
                    _ => Self::RETURNED.general.at(0),
                };
                let (extension, len) = (extension(scalar), scalar.size() as u32);
                self.plan.returned(Move { argument: 0, extension, offset: 0, len, to });
                Ok(())
            }
            _ => self.returned_other(ty),
        }
    }

    fn returned_other(&mut self, ty: &Type) -> Result<(), InvalidCallInterfaceError> {
        let Classes::Eightbytes(classes) = classify(ty) else {
            if ty.size() as u64 > MAX_STACK {
                let reason = InterfaceReason::TooLarge { size: ty.size(), max: MAX_STACK as usize };
                return Err(InvalidCallInterfaceError::of(InterfaceField::Return, reason));
            }
            // "The caller provides space for the return value and passes the address of this
            // storage in %rdi as if it were the first argument."
            let to = take(&mut self.general, |i| Self::REGISTERS.general.at(i));
            self.plan.general_step(&STEPS, 0, 0, HIDDEN as Way);
            // "On return %rax will contain the address that has been passed in by the caller."
            self.plan.returned_in_memory(to, Some(Self::RETURNED.general.at(0)));
            return Ok(());
        };
        // "The next available register of the sequence %rax, %rdx", or of %xmm0, %xmm1; "in %st0
        // as 80-bit x87 number", the imaginary part "in %st1".
        let (mut general, mut vector) = (0, 0);
        for (class, part) in registers(ty, &classes[..eightbytes(ty.size())]) {
            let to = match class {
                Class::Sse => {
                    self.plan.vector_size(part.len as usize);
                    take(&mut vector, |i| Self::RETURNED.vector.at(i))
                }
                // Two registers lie one behind the other, as the two parts do.
                Class::X87 | Class::ComplexX87 => Self::RETURNED.x87.at(0),
                _ => take(&mut general, |i| Self::RETURNED.general.at(i)),
            };
            self.plan.returned(Move { to, ..part });
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

/// One move for each register that a type takes, with its class; where it goes is still open. An
/// SSEUP eightbyte is in the register of the one before it, and so is X87UP.
fn registers(ty: &Type, classes: &[Class]) -> impl Iterator<Item = (Class, Move)> + Clone {
    let size = ty.size() as u32;
    classes.iter().enumerate().filter_map(move |(index, &class)| {
        if matches!(class, Class::NoClass | Class::SseUp | Class::X87Up) {
            return None;
        }
        let rest = classes[index + 1..].iter();
        let more = rest.take_while(|class| matches!(class, Class::SseUp | Class::X87Up)).count();
        let offset = 8 * index as u32;
        let len = match class {
            Class::ComplexX87 => size,
            _ => (size - offset).min(8 * (1 + more as u32)),
        };
        let extension = if len > 8 { Extension::None } else { Extension::Zero };
        Some((class, Move { argument: 0, extension, offset, len, to: 0 }))
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
