//! The errors of building types and signatures and of choosing a convention.

use crate::{Convention, TypeKind};
use alloc::string::String;
use thiserror::Error;

/// A type that C could not have, or a stated layout that contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
#[error("{kind} {type_name}{}: {reason}", Place(index, member))]
pub struct TypeValidationError {
    /// The tag of the type, or `(anonymous)`; for an array its element type.
    pub type_name: String,
    /// What was being built.
    pub kind: TypeKind,
    /// What is wrong with it.
    pub reason: TypeProblem,
    /// The member at fault, counted from 0, where one is.
    pub index: Option<usize>,
    /// The name of that member.
    pub member: Option<String>,
}

struct Place<'a>(&'a Option<usize>, &'a Option<String>);

impl core::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match (self.0, self.1) {
            (Some(index), Some(name)) => write!(f, ", member {index} `{name}`"),
            (Some(index), None) => write!(f, ", member {index}"),
            _ => Ok(()),
        }
    }
}

/// The reason in a [`TypeValidationError`]. Sizes, offsets and alignments are in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TypeProblem {
    /// A struct or union without members.
    #[error(
        "has no members; at least one is needed, unless it is stated to be empty: of size 0 \
         (GNU C) or 1 (C++), aligned to 1"
    )]
    Empty,
    /// A complex number of what is no floating-point type, or `__bf16`.
    #[error("the parts of a complex number are of a floating-point type other than `__bf16`")]
    Complex,
    /// A vector of something that compilers have no vectors of.
    #[error("the elements of a vector are integers or floating-point numbers of up to 8 bytes")]
    VectorElement,
    /// A vector of a size that no convention has.
    #[error("a vector has 8, 16, 32 or 64 bytes, not {found}")]
    VectorSize {
        /// The size asked for.
        found: usize,
    },
    /// A bit-field of what is no integer.
    #[error("a bit-field is of an integer type, not `{found}`")]
    BitFieldType {
        /// The type asked for, as C writes it.
        found: String,
    },
    /// A bit-field wider than its type, or one with a name and no width.
    #[error("a width of {found} bits is not among {least} to {most}")]
    BitFieldWidth {
        /// The width asked for.
        found: u32,
        /// The least one: 0 without a name, 1 with one.
        least: u32,
        /// As many bits as the type has.
        most: u32,
    },
    /// A member, or an array's element, of type `void`.
    #[error("`void` has no size, so it cannot be contained in another type")]
    VoidMember,
    /// An array of no elements.
    #[error("has length 0; at least one element is needed")]
    ZeroLength,
    /// Two members of one name.
    #[error("the name is already taken by member {first}")]
    DuplicateName {
        /// The index of the member that has the name already.
        first: usize,
    },
    /// An alignment that is not a power of two.
    #[error("alignment {found} is not a power of two")]
    AlignmentNotPowerOfTwo {
        /// The alignment asked for.
        found: usize,
    },
    /// An alignment above the greatest one that compilers take.
    #[error("alignment {found} is above the greatest one, {max}")]
    AlignmentTooLarge {
        /// The alignment asked for.
        found: usize,
        /// The greatest alignment.
        max: usize,
    },
    /// A size that does not fit in `isize`.
    #[error("the size overflows: no object can be larger than {} bytes", isize::MAX)]
    SizeOverflow,
    /// A stated size that is no multiple of the stated alignment, as C requires it to be.
    #[error("stated size {size} is not a multiple of the stated alignment {align}")]
    SizeNotMultipleOfAlignment {
        /// The stated size.
        size: usize,
        /// The stated alignment.
        align: usize,
    },
    /// A stated alignment below that of the attribute on the whole.
    #[error("stated alignment {align} is below that of the attribute, {attribute}")]
    AlignmentBelowAttribute {
        /// The stated alignment.
        align: usize,
        /// The alignment of the attribute.
        attribute: usize,
    },
    /// A member that does not fit in the stated size.
    #[error("ends at byte {end}, past the stated size {size}")]
    MemberPastEnd {
        /// Where the member ends.
        end: usize,
        /// The stated size.
        size: usize,
    },
    /// A struct's member that starts before the one in front of it ends.
    #[error("starts at byte {offset}, but the member before it ends at byte {previous_end}")]
    MemberOverlaps {
        /// Where the member starts.
        offset: usize,
        /// Where the member before it ends.
        previous_end: usize,
    },
    /// A union's member that is stated not to start at 0.
    #[error("is stated to start at byte {offset}; the members of a union start at 0")]
    UnionMemberOffset {
        /// The stated offset.
        offset: usize,
    },
    /// Some members have a stated offset and this one has none, or the size is stated and no
    /// offset is.
    #[error("no offset is stated; state the size, the alignment and every offset, or none")]
    OffsetMissing,
    /// Offsets are stated, but the size and alignment are not.
    #[error("offsets are stated, but size and alignment are not; state all of them or none")]
    SizeMissing,
}

/// A call interface that cannot be prepared, or a call that does not fit the prepared one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
#[error("{}: {reason}", Where(*field, *index))]
pub struct InvalidCallInterfaceError {
    /// The part of the interface at fault.
    pub field: InterfaceField,
    /// What is wrong with it.
    pub reason: InterfaceReason,
    /// The argument at fault, counted from 0, where one is.
    pub index: Option<usize>,
}

impl InvalidCallInterfaceError {
    /// An error about argument `index`, counted from 0.
    pub const fn argument(index: usize, reason: InterfaceReason) -> Self {
        Self { field: InterfaceField::Argument, reason, index: Some(index) }
    }

    /// An error about another part than one argument.
    pub const fn of(field: InterfaceField, reason: InterfaceReason) -> Self {
        Self { field, reason, index: None }
    }
}

struct Where(InterfaceField, Option<usize>);

impl core::fmt::Display for Where {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self.0 {
            InterfaceField::Argument => "argument",
            InterfaceField::Arguments => "argument list",
            InterfaceField::Return => "return value",
            InterfaceField::FirstVariadic => "index of the first variadic argument",
            InterfaceField::Function => "function",
        })?;
        self.1.map_or(Ok(()), |index| write!(f, " {index}"))
    }
}

/// The part of a call interface that an [`InvalidCallInterfaceError`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InterfaceField {
    /// One argument; the error's `index` says which.
    Argument,
    /// The arguments as a whole.
    Arguments,
    /// The return type or value.
    Return,
    /// The index of the first variadic argument.
    FirstVariadic,
    /// The function to be called.
    Function,
}

/// The reason in an [`InvalidCallInterfaceError`]. Sizes are in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InterfaceReason {
    /// `void` is no type for an argument.
    #[error("`void` cannot be passed; for no arguments give an empty list")]
    Void,
    /// C passes arrays by pointer and cannot return them.
    #[error("`{found}` is an array, which C neither passes nor returns; use a pointer")]
    Array {
        /// The type as C writes it.
        found: String,
    },
    /// More arguments than [`MAX_ARGUMENTS`](crate::MAX_ARGUMENTS).
    #[error("{found} arguments are more than the greatest number, {max}")]
    TooManyArguments {
        /// How many were given.
        found: usize,
        /// How many there can be.
        max: usize,
    },
    /// The arguments or the return value are too large to be addressed.
    #[error("{size} bytes are more than a call can carry, {max}")]
    TooLarge {
        /// The size asked for.
        size: usize,
        /// The greatest size.
        max: usize,
    },
    /// The index of the first variadic argument is past the end of the list.
    #[error("{found} is past the end of the {count} argument{}", s(*count))]
    VariadicPastEnd {
        /// The index given.
        found: usize,
        /// How many arguments there are.
        count: usize,
    },
    /// C promotes this type when it is passed through `...`, so a callee cannot ask for it.
    #[error("C promotes `{found}` to `{expected}` in variadic position; pass it as that")]
    Promoted {
        /// The type given, as C writes it.
        found: &'static str,
        /// What C makes of it.
        expected: &'static str,
    },
    /// The convention has no place for this type, as C for its platforms has no such type.
    #[error("`{found}` has no place in {convention}: {why}")]
    NotInConvention {
        /// The type given, as C writes it.
        found: String,
        /// The convention.
        convention: Convention,
        /// What is there in its stead.
        why: &'static str,
    },
    /// Another number of arguments than the interface was prepared for.
    #[error("expected {expected} argument{}, found {found}", s(*expected))]
    Count {
        /// How many the interface has.
        expected: usize,
        /// How many were given.
        found: usize,
    },
    /// A value of another size than the type it was prepared for.
    #[error("expected {expected} byte{} for `{ty}`, found {found}", s(*expected))]
    Size {
        /// The size of the prepared type.
        expected: usize,
        /// The size of what was given.
        found: usize,
        /// The prepared type, as C writes it.
        ty: String,
    },
    /// A value of the right size, but of another kind than the prepared type: a `double` where
    /// an integer is expected, say, or a struct in place of a pointer.
    #[error("expected `{expected}`, found `{found}`")]
    Kind {
        /// The prepared type, as C writes it.
        expected: String,
        /// The type of what was given, as C writes it.
        found: String,
    },
    /// There is no argument of this index.
    #[error("there {} only {count} argument{}", if *count == 1 { "is" } else { "are" }, s(*count))]
    NoSuchArgument {
        /// How many there are.
        count: usize,
    },
    /// The address of the function is null.
    #[error("the address is null")]
    NullFunction,
}

/// A convention that cannot be used as asked on the running platform.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
#[error("calling convention {convention} on {platform}: {reason}")]
pub struct CallingConventionError {
    /// The convention asked for.
    pub convention: Convention,
    /// The running platform, as `architecture-os`.
    pub platform: &'static str,
    /// Why it cannot be used.
    pub reason: &'static str,
}

impl CallingConventionError {
    /// An error for the running platform.
    pub const fn here(convention: Convention, reason: &'static str) -> Self {
        Self { convention, platform: crate::convention::PLATFORM, reason }
    }
}

/// The running platform has no convention that this workspace implements.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
#[error("no calling convention is implemented for {architecture} on {os}")]
pub struct UnsupportedPlatformError {
    /// The operating system, as `std::env::consts::OS` names it.
    pub os: &'static str,
    /// The architecture, as `std::env::consts::ARCH` names it.
    pub architecture: &'static str,
}

/// What makes a noun behind that number a plural.
const fn s(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
