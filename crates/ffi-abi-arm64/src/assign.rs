//! The counters: which register or stack slot each part of an argument gets. AAPCS64 6.8.2,
//! stages A to C, with what Apple ("Writing ARM64 code for Apple platforms") and Microsoft
//! ("Overview of ARM64 ABI conventions") change.

use crate::classify::{Class, classify, missing};
use crate::registers::{REGISTERS, RETURNED};
use crate::steps::{STEPS, vector_way};
use alloc::string::ToString;
use ffi_types::{
    Aapcs64, Convention, Extension, Fundamental, InterfaceField, InterfaceReason,
    InvalidCallInterfaceError, Move, Parts, Plan, PlanBuilder, Scalar, Signature, Type, TypeKind,
    general_way, stack_way,
};

/// The most bytes that the arguments may take on the stack, their copies included: half of what
/// 32 bits can address.
const MAX_STACK: u64 = 1 << 31;

/// How many general, and how many vector, registers take arguments.
const REGISTER_COUNT: usize = 8;
/// The general register that takes the address of a result in memory.
const RESULT_REGISTER: usize = 8;

/// Decides where each byte of a call goes. Pure; the signature's convention is not looked at.
///
/// # Errors
/// [`InterfaceReason::TooLarge`] when the arguments do not fit on any stack.
pub fn plan(variant: Aapcs64, signature: &Signature) -> Result<Plan, InvalidCallInterfaceError> {
    let mut plan = Plan::empty();
    plan_into(variant, signature, &mut plan)?;
    Ok(plan)
}

#[inline]
pub(crate) fn plan_into(
    variant: Aapcs64,
    signature: &Signature,
    plan: &mut Plan,
) -> Result<(), InvalidCallInterfaceError> {
    let mut plan = PlanBuilder::new(plan, Convention::Aapcs64(variant), &REGISTERS, &RETURNED);
    let variadic = signature.first_variadic().is_some();
    check_supported(variant, signature)?;
    returned(&mut plan, variant, signature.return_type())?;
    // Stage A: "The NGRN, NSRN and NSAA are set to zero" (A.1, A.2, A.4).
    let mut counters = Counters { plan, variant, variadic, ngrn: 0, nsrn: 0, nsaa: 0, copies: 0 };
    for (index, ty) in signature.arguments().iter().enumerate() {
        let anonymous = signature.is_variadic_at(index);
        counters.argument(index, ty, anonymous)?;
    }
    counters.plan.vector_count(0, variadic);
    counters.plan.join_steps();
    counters.plan.finish(counters.nsaa as u32);
    Ok(())
}

/// Whether the variant's C has all types of a signature.
#[inline]
fn check_supported(
    variant: Aapcs64,
    signature: &Signature,
) -> Result<(), InvalidCallInterfaceError> {
    let types = signature.arguments().iter().chain([signature.return_type()]);
    if types.fold(Parts::empty(), |parts, ty| parts | ty.parts()).is_empty() {
        return Ok(());
    }
    let convention = Convention::Aapcs64(variant);
    signature.check_types(|ty| {
        let why = missing(variant, ty)?;
        Some(InterfaceReason::NotInConvention { found: ty.to_string(), convention, why })
    })
}

struct Counters<'a> {
    plan: PlanBuilder<'a>,
    variant: Aapcs64,
    /// Whether the function takes `...`.
    variadic: bool,
    /// The Next General-purpose Register Number.
    ngrn: usize,
    /// The Next SIMD and Floating-point Register Number.
    nsrn: usize,
    /// The Next Stacked Argument Address, from the start of the stack area.
    nsaa: u64,
    /// An upper bound of what the copies take, in bytes.
    copies: u64,
}

impl Counters<'_> {
    #[inline]
    fn argument(
        &mut self,
        index: usize,
        ty: &Type,
        anonymous: bool,
    ) -> Result<(), InvalidCallInterfaceError> {
        if anonymous && self.variant == Aapcs64::Apple {
            // Compilers for Apple make a `double` of half floats here, which no copy of bytes does.
            if let Some(half @ (Scalar::F16 | Scalar::BF16)) = ty.as_scalar() {
                let (found, expected) = (half.c_name(), Scalar::F64.c_name());
                let reason = InterfaceReason::Promoted { found, expected };
                return Err(InvalidCallInterfaceError::argument(index, reason));
            }
            // Apple: "the compiler pushes each variadic argument to the stack", in 8-byte slots.
            // The registers that are left are of no use any more.
            (self.ngrn, self.nsrn) = (REGISTER_COUNT, REGISTER_COUNT);
        }
        let packed = self.variant == Aapcs64::Apple && !anonymous;
        let argument = index as u16;
        if is_nothing(self.variant, ty) {
            self.plan.nothing(argument);
            return Ok(());
        }
        match classify(ty) {
            Class::Integral if ty.size() <= 8 => self.scalar(argument, ty, false, packed),
            Class::Float if ty.size() <= 8 => {
                self.scalar(argument, ty, !self.is_soft(), packed);
            }
            // `long double` and quadword vectors go where an HFA of one goes.
            Class::Float if !self.is_soft() => {
                let member = Fundamental::Vector(ty.size() as u8);
                self.homogeneous(argument, ty, member, 1, packed)?;
            }
            Class::Homogeneous { member, count } if !self.is_soft() => {
                self.homogeneous(argument, ty, member, count, packed)?;
            }
            Class::Reference => self.by_reference(argument, ty)?,
            // Without SIMD registers a large HFA is a composite type as any other (B.4).
            Class::Homogeneous { .. } if ty.size() > 16 => self.by_reference(argument, ty)?,
            // `__int128` is passed as a composite type of its size and alignment is (C.10, C.11).
            _ => self.composite(argument, ty)?,
        }
        Ok(())
    }

    /// Microsoft, of functions that take `...`: "SIMD and floating-point registers aren't used",
    /// "all composites are treated alike", for their named arguments too. What remains is
    /// "an imaginary stack, where the first 64 bytes of the stack are loaded into x0-x7".
    fn is_soft(&self) -> bool {
        self.variant == Aapcs64::Windows && self.variadic
    }

    /// C.1 for floating-point types and C.9 for integral ones, and the stack for both.
    #[inline]
    fn scalar(&mut self, argument: u16, ty: &Type, in_vector: bool, packed: bool) {
        let (extension, len, index) = (extension(ty), ty.size() as u32, argument.into());
        let (counter, bank) = if in_vector {
            (&mut self.nsrn, &REGISTERS.vector)
        } else {
            (&mut self.ngrn, &REGISTERS.general)
        };
        if *counter < REGISTER_COUNT {
            let to = bank.at(*counter);
            if in_vector {
                self.plan.vector_step(&STEPS, *counter, index, vector_way(len, 0), 0);
            } else {
                self.plan.general_step(&STEPS, *counter, index, general_way(len, extension, 0));
            }
            *counter += 1;
            self.plan.scalar(Move { argument, extension, offset: 0, len, to }, in_vector);
            return;
        }
        if packed {
            // Apple: "Function arguments may consume slots on the stack that are not multiples of
            // 8 bytes."
            let to = self.stack(u64::from(len), u64::from(len));
            match len {
                8 => self.plan.stack_step(
                    &STEPS,
                    (to - REGISTERS.size).into(),
                    index,
                    stack_way(8, 0),
                    0,
                ),
                _ => self.plan.no_steps(),
            }
            let is_bool = extension == Extension::Bool;
            let extension = if is_bool { Extension::BoolByte } else { Extension::None };
            self.plan.argument(Move { argument, extension, offset: 0, len, to });
        } else {
            // C.5, C.16: "the size of the argument is set to 8 bytes".
            let to = self.stack(8, 8);
            let way = general_way(len, extension, 0);
            self.plan.stack_step(&STEPS, (to - REGISTERS.size).into(), index, way, 0);
            self.plan.scalar(Move { argument, extension, offset: 0, len, to }, false);
        }
    }

    /// C.2 to C.4 and C.6: homogeneous aggregates.
    fn homogeneous(
        &mut self,
        argument: u16,
        ty: &Type,
        member: Fundamental,
        count: usize,
        packed: bool,
    ) -> Result<(), InvalidCallInterfaceError> {
        let size = member.size() as u32;
        // C.2: "and there are sufficient unallocated SIMD and Floating-point registers".
        if self.nsrn + count <= REGISTER_COUNT {
            for index in 0..count as u32 {
                let to = REGISTERS.vector.at(self.nsrn);
                let (extension, offset) = (member_extension(member), index * size);
                self.plan.vector_step(
                    &STEPS,
                    self.nsrn,
                    argument.into(),
                    vector_way(size, offset),
                    offset,
                );
                self.nsrn += 1;
                self.plan.argument(Move { argument, extension, offset, len: size, to });
            }
            return Ok(());
        }
        // C.3: "the NSRN is set to 8 and the size of the argument is rounded up to the nearest
        // multiple of 8 bytes".
        self.nsrn = REGISTER_COUNT;
        if packed {
            return self.on_the_stack(argument, ty, u64::from(size), 1);
        }
        // C.4: "the NSAA is rounded up to the larger of 8 or the Natural Alignment". Compilers for
        // Windows look at the members alone.
        let align = match self.variant {
            Aapcs64::Windows => u64::from(size.max(8)),
            variant => alignment(variant, ty),
        };
        self.on_the_stack(argument, ty, align, 8)
    }

    /// C.10 to C.15: composite types of up to 16 bytes, as that many eightbytes.
    fn composite(&mut self, argument: u16, ty: &Type) -> Result<(), InvalidCallInterfaceError> {
        let align = alignment(self.variant, ty);
        if starts_even(self.variant, ty) {
            self.ngrn = self.ngrn.next_multiple_of(2);
        }
        let size = ty.size() as u32;
        let left = REGISTER_COUNT.saturating_sub(self.ngrn);
        // C.12: "and the size in double-words of the argument is not more than 8 minus NGRN".
        let fits = size.div_ceil(8) as usize <= left;
        let splits = self.is_soft() && left > 0;
        if !(fits || splits) {
            self.ngrn = REGISTER_COUNT; // C.13
            return self.on_the_stack(argument, ty, align, 8); // C.14, C.15
        }
        for offset in (0..size).step_by(8) {
            let (extension, len) = (Extension::Zero, (size - offset).min(8));
            // The imaginary stack of a variadic function goes on where x7 ends.
            let to = if self.ngrn < REGISTER_COUNT {
                let way = general_way(len, extension, offset);
                self.plan.general_step(&STEPS, self.ngrn, argument.into(), way);
                self.ngrn += 1;
                REGISTERS.general.at(self.ngrn - 1)
            } else {
                let to = self.stack(8, 8);
                let way = stack_way(len, offset);
                self.plan.stack_step(
                    &STEPS,
                    (to - REGISTERS.size).into(),
                    argument.into(),
                    way,
                    offset,
                );
                to
            };
            self.plan.argument(Move { argument, extension, offset, len, to });
        }
        Ok(())
    }

    /// B.4: "the argument is copied to memory allocated by the caller and the argument is replaced
    /// by a pointer to the copy", which is then an argument of 8 bytes, whatever it points to.
    fn by_reference(&mut self, argument: u16, ty: &Type) -> Result<(), InvalidCallInterfaceError> {
        self.copies += (ty.size() + ty.align()) as u64;
        check_size(argument, ty, self.copies)?;
        let way = general_way(8, Extension::Zero, 0);
        let to = if self.ngrn < REGISTER_COUNT {
            self.plan.general_step(&STEPS, self.ngrn, argument.into(), way);
            self.ngrn += 1;
            REGISTERS.general.at(self.ngrn - 1)
        } else {
            let to = self.stack(8, 8);
            let slot = (to - REGISTERS.size).into();
            self.plan.stack_step(&STEPS, slot, argument.into(), way, 0);
            to
        };
        self.plan.by_reference(argument, ty.size() as u32, ty.align().max(8) as u32, to);
        Ok(())
    }

    /// The whole of a value on the stack, at a multiple of `align`; the next one comes at a
    /// multiple of `unit` behind it.
    fn on_the_stack(
        &mut self,
        argument: u16,
        ty: &Type,
        align: u64,
        unit: u64,
    ) -> Result<(), InvalidCallInterfaceError> {
        check_size(argument, ty, self.nsaa + ty.size() as u64)?;
        let to = self.stack(align, (ty.size() as u64).next_multiple_of(unit));
        let (extension, len) = (Extension::None, ty.size() as u32);
        // With a smaller unit other arguments may be in the same slot.
        match unit {
            8 => self.plan.stack_steps(&STEPS, (to - REGISTERS.size).into(), argument.into(), len),
            _ => self.plan.no_steps(),
        }
        self.plan.argument(Move { argument, extension, offset: 0, len, to });
        Ok(())
    }

    /// Takes that many bytes of the stack area, and returns where they are in the image.
    #[inline]
    fn stack(&mut self, align: u64, size: u64) -> u32 {
        let start = self.nsaa.next_multiple_of(align);
        self.nsaa = start + size;
        REGISTERS.size + start as u32
    }
}

/// What the copy of a composite type is aligned to, 8 or 16 (B.6): its natural alignment is that of
/// its members, without an attribute on the type itself. Compilers for Apple's and Microsoft's
/// systems take the attribute for natural.
pub(crate) fn alignment(variant: Aapcs64, ty: &Type) -> u64 {
    let align = match variant {
        Aapcs64::Standard => ty.natural_align(),
        _ => ty.align(),
    };
    if align >= 16 { 16 } else { 8 }
}

/// Whether a composite type of at most 16 bytes starts at an even register. C.10: "If the argument
/// has an alignment of 16 then the NGRN is rounded up to the next even number." Apple leaves this
/// rule out.
pub(crate) fn starts_even(variant: Aapcs64, ty: &Type) -> bool {
    variant != Aapcs64::Apple && alignment(variant, ty) == 16
}

/// 6.9: a result comes back in the registers that a first argument of its type would have, and
/// otherwise in memory whose address is passed in x8.
#[inline]
fn returned(
    plan: &mut PlanBuilder<'_>,
    variant: Aapcs64,
    ty: &Type,
) -> Result<(), InvalidCallInterfaceError> {
    if ty.is_void() {
        return Ok(());
    }
    if is_nothing(variant, ty) {
        return Ok(());
    }
    let size = ty.size() as u32;
    let whole = |to| Move { argument: 0, extension: extension(ty), offset: 0, len: size, to };
    match classify(ty) {
        Class::Integral => plan.returned(whole(RETURNED.general.at(0))),
        Class::Float => plan.returned(whole(RETURNED.vector.at(0))),
        Class::Homogeneous { member, count } => {
            let (len, extension) = (member.size() as u32, member_extension(member));
            for index in 0..count {
                let (to, offset) = (RETURNED.vector.at(index), index as u32 * len);
                plan.returned(Move { argument: 0, extension, offset, len, to });
            }
        }
        Class::Composite => {
            for (index, offset) in (0..size).step_by(8).enumerate() {
                let (to, len) = (RETURNED.general.at(index), (size - offset).min(8));
                plan.returned(Move { argument: 0, extension: Extension::Zero, offset, len, to });
            }
        }
        Class::Reference => {
            if ty.size() as u64 > MAX_STACK {
                let reason = InterfaceReason::TooLarge { size: ty.size(), max: MAX_STACK as usize };
                return Err(InvalidCallInterfaceError::of(InterfaceField::Return, reason));
            }
            plan.returned_in_memory(REGISTERS.general.at(RESULT_REGISTER), None);
        }
    }
    Ok(())
}

fn check_size(argument: u16, ty: &Type, end: u64) -> Result<(), InvalidCallInterfaceError> {
    if end <= MAX_STACK {
        return Ok(());
    }
    let reason = InterfaceReason::TooLarge { size: ty.size(), max: MAX_STACK as usize };
    Err(InvalidCallInterfaceError::argument(argument.into(), reason))
}

/// How a value fills its eightbyte. Arm and Microsoft leave the upper bits undefined; Apple has
/// the caller extend to 32 bits.
#[inline]
fn extension(ty: &Type) -> Extension {
    match ty.as_scalar() {
        _ if ty.size() > 8 => Extension::None,
        Some(Scalar::Bool) => Extension::Bool,
        Some(scalar) if scalar.is_signed() => Extension::Sign,
        _ => Extension::Zero,
    }
}

/// How a member of a homogeneous aggregate fills its register.
fn member_extension(member: Fundamental) -> Extension {
    if member.size() > 8 { Extension::None } else { Extension::Zero }
}

/// Whether nothing is passed of a type: what has no bytes, as C's empty struct, and to Apple C++'s
/// too, which is a composite type of one byte to the others.
pub(crate) fn is_nothing(variant: Aapcs64, ty: &Type) -> bool {
    let empty = matches!(ty.kind(), TypeKind::Struct | TypeKind::Union) && ty.fields().is_empty();
    ty.size() == 0 || (empty && variant == Aapcs64::Apple)
}
