//! The positions: which register or stack slot each argument gets. Microsoft, "x64 calling
//! convention".

use crate::classify::{Class, classify, is_returned_in_memory, missing};
use crate::layout::{HIDDEN, SHADOW_SPACE};
use crate::registers::{REGISTERS, RETURNED, WIDE_RETURNED};
use crate::steps::{STEPS, float_way, integer_way};
use alloc::string::ToString;
use ffi_types::{
    Convention, Extension, InterfaceField, InterfaceReason, InvalidCallInterfaceError, Move, Parts,
    Plan, PlanBuilder, Scalar, Signature, Type, Way, Win64,
};

/// The most bytes that the arguments may take on the stack, their copies included: half of what
/// 32 bits can address.
const MAX_STACK: u64 = 1 << 31;

/// What the copy of an argument is aligned to at least: "the caller-allocated temporary memory
/// must be 16-byte aligned".
const COPY_ALIGN: usize = 16;

/// Decides where each byte of a call goes. Pure; the signature's convention is not looked at.
///
/// # Errors
/// [`InterfaceReason::TooLarge`] when the arguments do not fit on any stack.
pub fn plan(variant: Win64, signature: &Signature) -> Result<Plan, InvalidCallInterfaceError> {
    let mut plan = Plan::empty();
    plan_into(variant, signature, &mut plan)?;
    Ok(plan)
}

#[inline]
pub(crate) fn plan_into(
    variant: Win64,
    signature: &Signature,
    plan: &mut Plan,
) -> Result<(), InvalidCallInterfaceError> {
    check_supported(variant, signature)?;
    let result = signature.return_type();
    let is_wide = result.size() > 8
        && classify(result) == Class::Vector
        && !is_returned_in_memory(variant, result);
    let returns = if is_wide { &WIDE_RETURNED } else { &RETURNED };
    let mut plan = PlanBuilder::new(plan, Convention::Win64(variant), &REGISTERS, returns);
    if is_wide {
        plan.vector_size(result.size());
    }
    let variadic = signature.first_variadic().is_some();
    let mut positions = Positions { plan, next: 0, copies: 0, variadic };
    positions.returned(result, is_wide)?;
    for (index, ty) in signature.arguments().iter().enumerate() {
        positions.argument(index, ty)?;
    }
    let slots = positions.next.saturating_sub(REGISTERS.general.names.len());
    positions.plan.vector_count(0, variadic);
    positions.plan.join_steps();
    positions.plan.finish(SHADOW_SPACE + 8 * slots as u32);
    Ok(())
}

/// Whether the variant's C has all types of a signature.
#[inline]
fn check_supported(variant: Win64, signature: &Signature) -> Result<(), InvalidCallInterfaceError> {
    let types = signature.arguments().iter().chain([signature.return_type()]);
    if types.fold(Parts::empty(), |parts, ty| parts | ty.parts()).is_empty() {
        return Ok(());
    }
    let convention = Convention::Win64(variant);
    signature.check_types(|ty| {
        let why = missing(variant, ty)?;
        Some(InterfaceReason::NotInConvention { found: ty.to_string(), convention, why })
    })
}

struct Positions<'a> {
    plan: PlanBuilder<'a>,
    /// The position of the next argument; a hidden result pointer takes the first.
    next: usize,
    /// An upper bound of what the copies take, in bytes.
    copies: u64,
    /// Whether the function takes `...`.
    variadic: bool,
}

/// Where a position is in the image.
#[derive(Clone, Copy)]
enum Place {
    /// The general and the vector register of that number.
    Registers(u32, u32),
    Stack(u32),
}

impl Positions<'_> {
    #[inline]
    fn take(&mut self) -> Place {
        let position = self.next;
        self.next += 1;
        match position.checked_sub(REGISTERS.general.names.len()) {
            None => Place::Registers(REGISTERS.general.at(position), REGISTERS.vector.at(position)),
            Some(slot) => Place::Stack(REGISTERS.size + SHADOW_SPACE + 8 * slot as u32),
        }
    }

    #[inline]
    fn argument(&mut self, index: usize, ty: &Type) -> Result<(), InvalidCallInterfaceError> {
        let argument = index as u16;
        let len = ty.size() as u32;
        let value = |to| Move { argument, extension: extension(ty), offset: 0, len, to };
        let position = self.next;
        match (classify(ty), self.take()) {
            (Class::Integer, Place::Registers(to, _)) => {
                self.plan.general_step(&STEPS, position, index, integer_way(len, extension(ty)));
                self.plan.scalar(value(to), false);
            }
            (Class::Integer | Class::Float, Place::Stack(to)) => {
                let slot = u64::from(to - REGISTERS.size - SHADOW_SPACE);
                self.plan.stack_step(&STEPS, slot, index, integer_way(len, extension(ty)), 0);
                self.plan.scalar(value(to), false);
            }
            (Class::Float, Place::Registers(general, vector)) => {
                self.plan.general_step(&STEPS, position, index, float_way(len, self.variadic));
                // "For floating-point values only, both the integer register and the
                // floating-point register must contain the value, in case the callee expects the
                // value in the integer registers."
                if self.variadic {
                    self.plan.scalar(value(general), false);
                }
                self.plan.scalar(value(vector), true);
            }
            (_, place @ (Place::Registers(to, _) | Place::Stack(to))) => {
                let align = ty.align().max(COPY_ALIGN);
                self.copies += (ty.size() + align) as u64;
                if self.copies > MAX_STACK {
                    let (size, max) = (ty.size(), MAX_STACK as usize);
                    let reason = InterfaceReason::TooLarge { size, max };
                    return Err(InvalidCallInterfaceError::argument(index, reason));
                }
                let way = integer_way(8, Extension::Zero);
                match place {
                    Place::Registers(..) => self.plan.general_step(&STEPS, position, index, way),
                    Place::Stack(_) => {
                        let slot = u64::from(to - REGISTERS.size - SHADOW_SPACE);
                        self.plan.stack_step(&STEPS, slot, index, way, 0);
                    }
                }
                self.plan.by_reference(argument, len, align as u32, to);
            }
        }
        Ok(())
    }

    #[inline]
    fn returned(&mut self, ty: &Type, is_wide: bool) -> Result<(), InvalidCallInterfaceError> {
        if ty.is_void() {
            return Ok(());
        }
        let to = match classify(ty) {
            Class::Integer => RETURNED.general.at(0),
            Class::Float => RETURNED.vector.at(0),
            Class::Vector if is_wide => WIDE_RETURNED.vector.at(0),
            Class::Reference | Class::Vector => return self.returned_in_memory(ty),
            Class::Empty => return Ok(()),
        };
        let (extension, len) = (extension(ty), ty.size() as u32);
        self.plan.returned(Move { argument: 0, extension, offset: 0, len, to });
        Ok(())
    }

    fn returned_in_memory(&mut self, ty: &Type) -> Result<(), InvalidCallInterfaceError> {
        if ty.size() as u64 > MAX_STACK {
            let reason = InterfaceReason::TooLarge { size: ty.size(), max: MAX_STACK as usize };
            return Err(InvalidCallInterfaceError::of(InterfaceField::Return, reason));
        }
        // "The caller assumes the responsibility of allocating memory and passing a pointer for
        // the return value as the first argument. Subsequent arguments are then shifted one
        // argument to the right. The same pointer must be returned by the callee in RAX."
        self.next = 1;
        self.plan.general_step(&STEPS, 0, 0, HIDDEN as Way);
        self.plan.returned_in_memory(REGISTERS.general.at(0), Some(RETURNED.general.at(0)));
        Ok(())
    }
}

/// How a value fills its eightbyte. Microsoft leaves the upper bits undefined; extending them is
/// what compilers do.
#[inline]
fn extension(ty: &Type) -> Extension {
    match ty.as_scalar() {
        _ if ty.size() > 8 => Extension::None,
        Some(Scalar::Bool) => Extension::Bool,
        Some(scalar) if scalar.is_signed() => Extension::Sign,
        _ => Extension::Zero,
    }
}
