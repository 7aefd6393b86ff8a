//! Types: scalars that are constants, aggregates that are shared.

use crate::error::{TypeProblem, TypeValidationError};
use crate::repr::Repr;
use crate::{AggregateBuilder, Type};
use alloc::boxed::Box;
use core::hash::Hash;

/// A type without parts. In each convention of this workspace its alignment is its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum Scalar {
    /// `bool`, 1 byte, 0 or 1.
    Bool,
    /// `int8_t`, 1 byte.
    I8,
    /// `uint8_t`, 1 byte.
    U8,
    /// `int16_t`, 2 bytes.
    I16,
    /// `uint16_t`, 2 bytes.
    U16,
    /// `int32_t`, 4 bytes.
    I32,
    /// `uint32_t`, 4 bytes.
    U32,
    /// `int64_t`, 8 bytes.
    I64,
    /// `uint64_t`, 8 bytes.
    U64,
    /// `float`, 4 bytes, IEEE 754 binary32.
    F32,
    /// `double`, 8 bytes, IEEE 754 binary64.
    F64,
    /// Any object or function pointer, 8 bytes.
    Pointer,
}

impl Scalar {
    /// Every one, in the order of the discriminants.
    pub const ALL: [Self; 12] = [
        Self::Bool,
        Self::I8,
        Self::U8,
        Self::I16,
        Self::U16,
        Self::I32,
        Self::U32,
        Self::I64,
        Self::U64,
        Self::F32,
        Self::F64,
        Self::Pointer,
    ];

    /// The size in bytes, which is the alignment too.
    #[inline]
    pub const fn size(self) -> usize {
        match self {
            Self::Bool | Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 | Self::Pointer => 8,
        }
    }

    /// Whether it is `float` or `double`.
    #[inline]
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// Whether it is an integer with a sign.
    #[inline]
    pub const fn is_signed(self) -> bool {
        matches!(self, Self::I8 | Self::I16 | Self::I32 | Self::I64)
    }

    /// The name of the type in C.
    pub const fn c_name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::I8 => "int8_t",
            Self::U8 => "uint8_t",
            Self::I16 => "int16_t",
            Self::U16 => "uint16_t",
            Self::I32 => "int32_t",
            Self::U32 => "uint32_t",
            Self::I64 => "int64_t",
            Self::U64 => "uint64_t",
            Self::F32 => "float",
            Self::F64 => "double",
            Self::Pointer => "void *",
        }
    }

    /// What C's default argument promotions (C17 6.5.2.2, 6) make of a value of this type that is
    /// passed through `...`; the type itself where they leave it alone.
    pub const fn promoted(self) -> Self {
        match self {
            Self::Bool | Self::I8 | Self::U8 | Self::I16 | Self::U16 => Self::I32,
            Self::F32 => Self::F64,
            other => other,
        }
    }
}

/// What a [`Type`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TypeKind {
    /// `void`: the return type of a function that returns nothing.
    Void,
    /// A type without parts.
    Scalar(Scalar),
    /// A struct.
    Struct,
    /// A union.
    Union,
    /// An array, which occurs inside aggregates only.
    Array,
}

impl core::fmt::Display for TypeKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Void => "void",
            Self::Scalar(scalar) => scalar.c_name(),
            Self::Struct => "struct",
            Self::Union => "union",
            Self::Array => "array of",
        })
    }
}

/// Why members are aligned to less than their types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Pack {
    /// `__attribute__((packed))`, which leaves a member's own `aligned` attribute alone.
    Attribute,
    /// `#pragma pack(n)`: the most that a member is aligned to.
    Pragma(usize),
}

/// A struct, union or array.
pub(crate) struct Aggregate {
    pub(crate) kind: TypeKind,
    pub(crate) name: Option<Box<str>>,
    /// The members; for an array the element alone, at offset 0.
    pub(crate) fields: Box<[Field]>,
    /// The length of an array, 1 for the others.
    pub(crate) count: usize,
    pub(crate) size: usize,
    pub(crate) align: usize,
    pub(crate) natural_align: usize,
    pub(crate) pack: Option<Pack>,
    /// `aligned(n)` on the whole.
    pub(crate) attribute_align: Option<usize>,
    /// The layout is the caller's, so C text alone does not give it.
    pub(crate) stated: bool,
    pub(crate) leaves: Box<[Leaf]>,
    /// Of all that equality compares: comparing it first makes unequal types cheap to tell apart.
    pub(crate) hash: u64,
}

/// A member of a struct or union.
#[derive(Debug, Clone)]
pub struct Field {
    pub(crate) name: Box<str>,
    pub(crate) ty: Type,
    pub(crate) offset: usize,
    pub(crate) attribute_align: Option<usize>,
}

impl Field {
    /// The member's name; empty for an anonymous struct or union (C11 6.7.2.1, 13).
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The member's type.
    pub fn ty(&self) -> &Type {
        &self.ty
    }

    /// Where it starts, in bytes from the start of the aggregate.
    pub fn offset(&self) -> usize {
        self.offset
    }
}

/// A scalar inside an aggregate, however deep, with its offset from the start of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Leaf {
    /// In bytes from the start of the outermost aggregate.
    pub offset: u32,
    /// What is there.
    pub scalar: Scalar,
}

/// Aggregates up to this size in bytes know their [leaves](Type::leaves): eight eightbytes, the
/// most that any convention looks into.
pub const MAX_LEAVES_SIZE: usize = 64;

macro_rules! scalars {
    ($($(#[$doc:meta])* $name:ident = $scalar:ident;)*) => {
        $($(#[$doc])* pub const $name: Type = Type::scalar(Scalar::$scalar);)*
    };
}

impl Type {
    scalars! {
        /// `bool`, 1 byte.
        BOOL = Bool;
        /// `int8_t`.
        I8 = I8;
        /// `uint8_t`.
        U8 = U8;
        /// `int16_t`.
        I16 = I16;
        /// `uint16_t`.
        U16 = U16;
        /// `int32_t`.
        I32 = I32;
        /// `uint32_t`.
        U32 = U32;
        /// `int64_t`.
        I64 = I64;
        /// `uint64_t`.
        U64 = U64;
        /// `intptr_t`: 8 bytes in every convention of this workspace.
        ISIZE = I64;
        /// `uintptr_t`: 8 bytes in every convention of this workspace.
        USIZE = U64;
        /// `float`, 4 bytes.
        F32 = F32;
        /// `double`, 8 bytes.
        F64 = F64;
        /// `void *`, and every other pointer, 8 bytes.
        POINTER = Pointer;
    }

    /// Starts a struct with the tag `name`.
    pub fn structure(name: &str) -> AggregateBuilder {
        AggregateBuilder::new(TypeKind::Struct, Some(name))
    }

    /// Starts a struct without a tag.
    pub fn anonymous_structure() -> AggregateBuilder {
        AggregateBuilder::new(TypeKind::Struct, None)
    }

    /// Starts a union with the tag `name`.
    pub fn union(name: &str) -> AggregateBuilder {
        AggregateBuilder::new(TypeKind::Union, Some(name))
    }

    /// Starts a union without a tag.
    pub fn anonymous_union() -> AggregateBuilder {
        AggregateBuilder::new(TypeKind::Union, None)
    }

    /// An array of `count` elements, to be a member of a struct or union.
    ///
    /// # Errors
    /// [`TypeProblem::VoidMember`], [`TypeProblem::ZeroLength`] or [`TypeProblem::SizeOverflow`].
    ///
    /// # Examples
    /// ```
    /// use ffi_types::Type;
    /// let row = Type::structure("row").field("cell", Type::array(Type::F32, 3)?).build()?;
    /// assert_eq!(row.to_string(), "struct row { float cell[3]; }");
    /// assert_eq!(row.size(), 12);
    /// # Ok::<(), ffi_types::TypeValidationError>(())
    /// ```
    pub fn array(element: Type, count: usize) -> Result<Type, TypeValidationError> {
        crate::layout::array(element, count)
    }

    /// What the type is.
    #[inline]
    pub fn kind(&self) -> TypeKind {
        match self.repr() {
            Repr::Void => TypeKind::Void,
            Repr::Scalar(scalar) => TypeKind::Scalar(scalar),
            Repr::Aggregate(aggregate) => aggregate.kind,
        }
    }

    /// The scalar that the type is, if it is one.
    #[inline]
    pub fn as_scalar(&self) -> Option<Scalar> {
        match self.repr() {
            Repr::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// Whether it is `void`.
    #[inline]
    pub fn is_void(&self) -> bool {
        matches!(self.repr(), Repr::Void)
    }

    /// The size in bytes, `sizeof`; 0 for `void`.
    #[inline]
    pub fn size(&self) -> usize {
        match self.repr() {
            Repr::Void => 0,
            Repr::Scalar(scalar) => scalar.size(),
            Repr::Aggregate(aggregate) => aggregate.size,
        }
    }

    /// The alignment in bytes, `_Alignof`; 1 for `void`.
    #[inline]
    pub fn align(&self) -> usize {
        match self.repr() {
            Repr::Void => 1,
            Repr::Scalar(scalar) => scalar.size(),
            Repr::Aggregate(aggregate) => aggregate.align,
        }
    }

    /// The natural alignment in bytes: the greatest alignment among the members, before an
    /// `aligned` attribute on the aggregate itself (AAPCS64 5.9.1, "natural alignment").
    pub fn natural_align(&self) -> usize {
        match self.repr() {
            Repr::Aggregate(aggregate) => aggregate.natural_align,
            _ => self.align(),
        }
    }

    /// The members of a struct or union, in order; empty for everything else.
    pub fn fields(&self) -> &[Field] {
        match self.repr() {
            Repr::Aggregate(aggregate) if aggregate.kind != TypeKind::Array => &aggregate.fields,
            _ => &[],
        }
    }

    /// The member of that name. What is inside an anonymous member is found in that member's type.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields().iter().find(|field| field.name() == name)
    }

    /// The element type and length of an array.
    pub fn array_parts(&self) -> Option<(&Type, usize)> {
        match self.repr() {
            Repr::Aggregate(a) if a.kind == TypeKind::Array => Some((&a.fields[0].ty, a.count)),
            _ => None,
        }
    }

    /// The tag of a struct or union that has one.
    pub fn name(&self) -> Option<&str> {
        match self.repr() {
            Repr::Aggregate(aggregate) => aggregate.name.as_deref(),
            _ => None,
        }
    }

    /// Every scalar inside an aggregate, sorted by offset, without duplicates; the arrays and
    /// nested aggregates are gone. Empty for scalars, and for aggregates larger than
    /// [`MAX_LEAVES_SIZE`] bytes.
    pub fn leaves(&self) -> &[Leaf] {
        match self.repr() {
            Repr::Aggregate(aggregate) => &aggregate.leaves,
            _ => &[],
        }
    }
}

impl TypeValidationError {
    pub(crate) fn new(
        kind: TypeKind,
        name: Option<&str>,
        reason: TypeProblem,
        member: Option<(usize, &str)>,
    ) -> Self {
        Self {
            type_name: name.unwrap_or("(anonymous)").into(),
            kind,
            reason,
            index: member.map(|(index, _)| index),
            member: member.map(|(_, name)| name.into()),
        }
    }
}
