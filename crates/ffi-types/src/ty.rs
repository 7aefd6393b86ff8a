//! Types: scalars, complex numbers and vectors that are constants, aggregates that are shared.

use crate::error::{TypeProblem, TypeValidationError};
use crate::repr::Repr;
use crate::{AggregateBuilder, Type};
use alloc::boxed::Box;
use core::hash::Hash;

bitflags::bitflags! {
    /// Which of the less usual types a type is or contains, at any depth: what not every C
    /// compiler has.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct Parts: u16 {
        /// `__int128`, signed or not.
        const INT128 = 1;
        /// `_Float16` or `__bf16`.
        const HALF = 1 << 1;
        /// x87's 80-bit format.
        const F80 = 1 << 2;
        /// binary128.
        const F128 = 1 << 3;
        /// A complex number.
        const COMPLEX = 1 << 4;
        /// A SIMD vector of 8 bytes.
        const VECTOR_8 = 1 << 5;
        /// A SIMD vector of 16 bytes.
        const VECTOR_16 = 1 << 6;
        /// A SIMD vector of 32 bytes.
        const VECTOR_32 = 1 << 7;
        /// A SIMD vector of 64 bytes.
        const VECTOR_64 = 1 << 8;
    }
}

impl Parts {
    const fn of_scalar(scalar: Scalar) -> Self {
        match scalar {
            Scalar::I128 | Scalar::U128 => Self::INT128,
            Scalar::F16 | Scalar::BF16 => Self::HALF,
            Scalar::F80 => Self::F80,
            Scalar::F128 => Self::F128,
            _ => Self::empty(),
        }
    }
}

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
    /// `__int128`, 16 bytes.
    I128,
    /// `unsigned __int128`, 16 bytes.
    U128,
    /// `_Float16`, 2 bytes, IEEE 754 binary16.
    F16,
    /// `__bf16`, 2 bytes: the upper half of a `float`.
    BF16,
    /// `long double` on x86-64 but for Microsoft's: x87's 80-bit format, 10 bytes and 6 of
    /// padding.
    F80,
    /// `long double` by AAPCS64, `__float128` elsewhere: 16 bytes, IEEE 754 binary128.
    F128,
}

impl Scalar {
    /// Every one, in the order of the discriminants.
    pub const ALL: [Self; 18] = [
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
        Self::I128,
        Self::U128,
        Self::F16,
        Self::BF16,
        Self::F80,
        Self::F128,
    ];

    /// The size in bytes, which is the alignment too.
    #[inline]
    pub const fn size(self) -> usize {
        match self {
            Self::Bool | Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 | Self::F16 | Self::BF16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 | Self::Pointer => 8,
            Self::I128 | Self::U128 | Self::F80 | Self::F128 => 16,
        }
    }

    /// How many of its bytes, from the first on, hold the value: all, but for `F80`'s 10.
    ///
    /// # Examples
    /// ```
    /// use ffi_types::Scalar;
    /// assert_eq!((Scalar::F80.size(), Scalar::F80.value_size()), (16, 10));
    /// ```
    #[inline]
    pub const fn value_size(self) -> usize {
        if matches!(self, Self::F80) { 10 } else { self.size() }
    }

    /// Whether it is a floating-point type.
    #[inline]
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::BF16 | Self::F32 | Self::F64 | Self::F80 | Self::F128)
    }

    /// Whether it is an integer, `bool` included.
    #[inline]
    pub const fn is_integer(self) -> bool {
        !self.is_float() && !matches!(self, Self::Pointer)
    }

    /// Whether it is an integer with a sign.
    #[inline]
    pub const fn is_signed(self) -> bool {
        matches!(self, Self::I8 | Self::I16 | Self::I32 | Self::I64 | Self::I128)
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
            Self::I128 => "__int128",
            Self::U128 => "unsigned __int128",
            Self::F16 => "_Float16",
            Self::BF16 => "__bf16",
            Self::F80 => "long double",
            Self::F128 => "__float128",
        }
    }

    /// What C's default argument promotions (C17 6.5.2.2, 6) make of a value of this type that is
    /// passed through `...`; the type itself where they leave it alone.
    ///
    /// # Examples
    /// ```
    /// use ffi_types::Scalar;
    /// assert_eq!(Scalar::F32.promoted(), Scalar::F64);
    /// assert_eq!(Scalar::U16.promoted(), Scalar::I32);
    /// assert_eq!(Scalar::U32.promoted(), Scalar::U32);
    /// ```
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
    /// A `_Complex` number: two of these, the real part first.
    Complex(Scalar),
    /// A SIMD vector.
    Vector {
        /// What it is made of.
        element: Scalar,
        /// How many there are.
        lanes: u8,
    },
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
            Self::Complex(part) => return write!(f, "{} _Complex", part.c_name()),
            Self::Vector { element, lanes } => {
                let size = element.size() * usize::from(*lanes);
                let name = element.c_name();
                return write!(f, "{name} __attribute__((vector_size({size})))");
            }
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
    /// Bit-fields are where Microsoft's compilers have them.
    pub(crate) microsoft: bool,
    /// The layout is the caller's, so C text alone does not give it.
    pub(crate) stated: bool,
    pub(crate) leaves: Box<[Leaf]>,
    /// Aggregates inside that are aligned to more than their own leaves need, or have unaligned ones:
    /// where, and to what.
    pub(crate) aligned: Box<[(u32, u32)]>,
    /// A leaf or one of `aligned` is not where its alignment wants it.
    pub(crate) unaligned: bool,
    pub(crate) parts: Parts,
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
    pub(crate) bits: Option<Bits>,
}

/// Where a bit-field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Bits {
    /// From the lowest bit of the aggregate's first byte.
    pub(crate) offset: usize,
    pub(crate) width: u32,
}

impl Field {
    /// The member's name; empty for an anonymous struct or union (C11 6.7.2.1, 13) and for a
    /// bit-field that is padding.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The member's type.
    pub fn ty(&self) -> &Type {
        &self.ty
    }

    /// Where it starts, in bytes from the start of the aggregate; for a bit-field the byte that
    /// its first bit is in.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The width of a bit-field in bits; `None` for every other member.
    pub fn bit_width(&self) -> Option<u32> {
        self.bits.map(|bits| bits.width)
    }

    /// Where it starts, in bits from the start of the aggregate, the lowest bit of a byte first;
    /// `usize::MAX` if there are more.
    pub fn bit_offset(&self) -> usize {
        self.bits.map_or(self.offset.saturating_mul(8), |bits| bits.offset)
    }
}

/// Something without members inside an aggregate, however deep, with its offset from the start of
/// the whole. A complex number is two, a bit-field one `U8` for each byte that it has a part of, or
/// [`Padding`](Fundamental::Padding).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Leaf {
    /// In bytes from the start of the outermost aggregate.
    pub offset: u32,
    /// What is there.
    pub what: Fundamental,
}

/// What conventions know to place: the fundamental data types of AAPCS64 5.1 and psABI 3.1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fundamental {
    /// A type without parts.
    Scalar(Scalar),
    /// A SIMD vector of so many bytes; what it is made of makes no difference to any convention.
    Vector(u8),
    /// A byte that a bit-field without a name has a part of.
    Padding,
}

impl Fundamental {
    /// The size in bytes, which is the alignment too.
    #[inline]
    pub const fn size(self) -> usize {
        match self {
            Self::Scalar(scalar) => scalar.size(),
            Self::Vector(size) => size as usize,
            Self::Padding => 1,
        }
    }
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
        /// `__int128`, 16 bytes.
        I128 = I128;
        /// `unsigned __int128`, 16 bytes.
        U128 = U128;
        /// `_Float16`, 2 bytes.
        F16 = F16;
        /// `__bf16`, 2 bytes.
        BF16 = BF16;
        /// x87's 80-bit format in 16 bytes: `long double` by [`Convention::SysV`](crate::Convention)
        /// and MinGW.
        F80 = F80;
        /// binary128, 16 bytes: `long double` by AAPCS64.
        F128 = F128;
    }

    /// `float _Complex`, 8 bytes.
    pub const COMPLEX_F32: Type = Type::complex_of(Scalar::F32);
    /// `double _Complex`, 16 bytes.
    pub const COMPLEX_F64: Type = Type::complex_of(Scalar::F64);

    /// A `_Complex` number whose parts are of that floating-point type.
    ///
    /// # Errors
    /// [`TypeProblem::Complex`] for a type that is none, and for `__bf16`.
    ///
    /// # Examples
    /// ```
    /// use ffi_types::{Scalar, Type};
    /// let complex = Type::complex(Scalar::F32)?;
    /// assert_eq!((complex.size(), complex.align()), (8, 4));
    /// # Ok::<(), ffi_types::TypeValidationError>(())
    /// ```
    pub fn complex(part: Scalar) -> Result<Type, TypeValidationError> {
        if part.is_float() && part != Scalar::BF16 {
            return Ok(Type::complex_of(part));
        }
        let (kind, name) = (TypeKind::Complex(part), Some(part.c_name()));
        Err(TypeValidationError::new(kind, name, TypeProblem::Complex, None))
    }

    /// A SIMD vector of `lanes` elements, 8, 16, 32 or 64 bytes in all: `__m128` is
    /// `vector(Scalar::F32, 4)`.
    ///
    /// # Errors
    /// [`TypeProblem::VectorElement`] for elements that are pointers, `bool`, `long double` or of
    /// 16 bytes; [`TypeProblem::VectorSize`].
    ///
    /// # Examples
    /// ```
    /// use ffi_types::{Scalar, Type};
    /// let m128 = Type::vector(Scalar::F32, 4)?;
    /// assert_eq!((m128.size(), m128.align()), (16, 16));
    /// assert_eq!(m128.to_string(), "float __attribute__((vector_size(16)))");
    /// # Ok::<(), ffi_types::TypeValidationError>(())
    /// ```
    pub fn vector(element: Scalar, lanes: usize) -> Result<Type, TypeValidationError> {
        let size = element.size().saturating_mul(lanes);
        let reason = if matches!(element, Scalar::Bool | Scalar::Pointer) || element.size() > 8 {
            TypeProblem::VectorElement
        } else if !matches!(size, 8 | 16 | 32 | 64) {
            TypeProblem::VectorSize { found: size }
        } else {
            return Ok(Type::vector_of(element, lanes as u8));
        };
        let kind = TypeKind::Vector { element, lanes: lanes.min(255) as u8 };
        Err(TypeValidationError::new(kind, Some("vector"), reason, None))
    }

    /// Starts a struct with the tag `name`.
    pub fn structure(name: &str) -> AggregateBuilder {
        AggregateBuilder::new(TypeKind::Struct, Some(name))
    }

    /// Starts a struct without a tag.
    ///
    /// # Examples
    /// ```
    /// use ffi_types::Type;
    /// let halves = Type::anonymous_structure().field("low", Type::U16).field("high", Type::U16);
    /// let word = Type::union("word").field("whole", Type::U32).field("", halves.build()?).build()?;
    /// assert_eq!(word.size(), 4);
    /// # Ok::<(), ffi_types::TypeValidationError>(())
    /// ```
    pub fn anonymous_structure() -> AggregateBuilder {
        AggregateBuilder::new(TypeKind::Struct, None)
    }

    /// Starts a union with the tag `name`.
    ///
    /// # Examples
    /// ```
    /// use ffi_types::Type;
    /// let number = Type::union("number").field("n", Type::I64).field("x", Type::F32).build()?;
    /// assert_eq!(number.to_string(), "union number { int64_t n; float x; }");
    /// assert_eq!(number.size(), 8);
    /// # Ok::<(), ffi_types::TypeValidationError>(())
    /// ```
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
    ///
    /// # Examples
    /// ```
    /// use ffi_types::{Type, TypeKind};
    /// let pair = Type::structure("pair").field("a", Type::F32).field("b", Type::F32).build()?;
    /// assert_eq!(pair.kind(), TypeKind::Struct);
    /// # Ok::<(), ffi_types::TypeValidationError>(())
    /// ```
    #[inline]
    pub fn kind(&self) -> TypeKind {
        match self.repr() {
            Repr::Void => TypeKind::Void,
            Repr::Scalar(scalar) => TypeKind::Scalar(scalar),
            Repr::Complex(part) => TypeKind::Complex(part),
            Repr::Vector(element, lanes) => TypeKind::Vector { element, lanes },
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
            Repr::Complex(part) => 2 * part.size(),
            Repr::Vector(element, lanes) => element.size() * usize::from(lanes),
            Repr::Aggregate(aggregate) => aggregate.size,
        }
    }

    /// The alignment in bytes, `_Alignof`; 1 for `void`.
    #[inline]
    pub fn align(&self) -> usize {
        match self.repr() {
            Repr::Void => 1,
            Repr::Scalar(scalar) | Repr::Complex(scalar) => scalar.size(),
            Repr::Vector(..) => self.size(),
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
    ///
    /// # Examples
    /// ```
    /// use ffi_types::Type;
    /// let point = Type::structure("point").field("x", Type::F64).field("y", Type::F64).build()?;
    /// assert_eq!(point.field("y").map(|y| (y.ty(), y.offset())), Some((&Type::F64, 8)));
    /// assert!(point.field("z").is_none());
    /// # Ok::<(), ffi_types::TypeValidationError>(())
    /// ```
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields().iter().find(|field| field.name() == name)
    }

    /// The parts of a complex number or the elements of a vector: their type and how many.
    pub fn elements(&self) -> Option<(Scalar, usize)> {
        match self.repr() {
            Repr::Complex(part) => Some((part, 2)),
            Repr::Vector(element, lanes) => Some((element, lanes.into())),
            _ => None,
        }
    }

    /// Whether a member, at any depth, is at an offset that is no multiple of its type's
    /// alignment; `false` for aggregates larger than [`MAX_LEAVES_SIZE`] bytes.
    pub fn has_unaligned_member(&self) -> bool {
        matches!(self.repr(), Repr::Aggregate(aggregate) if aggregate.unaligned)
    }

    /// Which of the less usual types it is or contains.
    #[inline]
    pub fn parts(&self) -> Parts {
        match self.repr() {
            Repr::Void => Parts::empty(),
            Repr::Scalar(scalar) => Parts::of_scalar(scalar),
            Repr::Complex(part) => Parts::of_scalar(part) | Parts::COMPLEX,
            Repr::Vector(element, _) => {
                Parts::of_scalar(element)
                    | match self.size() {
                        8 => Parts::VECTOR_8,
                        16 => Parts::VECTOR_16,
                        32 => Parts::VECTOR_32,
                        _ => Parts::VECTOR_64,
                    }
            }
            Repr::Aggregate(aggregate) => aggregate.parts,
        }
    }

    /// The element type and length of an array.
    ///
    /// # Examples
    /// ```
    /// use ffi_types::Type;
    /// let row = Type::array(Type::F32, 4)?;
    /// assert_eq!(row.array_parts(), Some((&Type::F32, 4)));
    /// # Ok::<(), ffi_types::TypeValidationError>(())
    /// ```
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

    /// What is inside an aggregate, sorted by offset, without duplicates; the arrays and nested
    /// aggregates are gone. Empty for everything else, and for aggregates larger than
    /// [`MAX_LEAVES_SIZE`] bytes.
    ///
    /// # Examples
    /// ```
    /// use ffi_types::Type;
    /// let point = Type::structure("point").field("x", Type::F32).field("y", Type::F32).build()?;
    /// let line = Type::structure("line").field("id", Type::I64).field("to", point).build()?;
    /// assert!(line.leaves().iter().map(|leaf| leaf.offset).eq([0, 8, 12]));
    /// # Ok::<(), ffi_types::TypeValidationError>(())
    /// ```
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
