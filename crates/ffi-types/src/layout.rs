//! C layout: sizes, alignments and offsets, computed or checked against what the caller states.

use crate::error::{TypeProblem, TypeValidationError};
use crate::record::{self, Rules};
use crate::repr::Repr;
use crate::ty::{Aggregate, Bits, Field, Fundamental, Leaf, MAX_LEAVES_SIZE, Pack, Parts};
use crate::{Convention, Scalar, Type, TypeKind};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// The greatest alignment in bytes; gcc and clang take no more either.
pub(crate) const MAX_ALIGN: usize = 1 << 28;
/// The greatest size in bytes.
const MAX_SIZE: usize = isize::MAX as usize;

/// Builds a struct or union member by member; [`Type::structure`] and [`Type::union`] start one.
///
/// Mistakes are reported by [`build`](Self::build), so the calls chain.
#[derive(Debug, Clone)]
#[must_use = "a type exists only after `build`"]
pub struct AggregateBuilder {
    kind: TypeKind,
    name: Option<String>,
    members: Vec<Member>,
    pack: Option<Pack>,
    align: Option<usize>,
    stated: Option<(usize, usize)>,
    convention: Convention,
}

#[derive(Debug, Clone)]
struct Member {
    name: String,
    ty: Type,
    align: Option<usize>,
    /// The width of a bit-field.
    width: Option<u32>,
    /// As stated: in bytes, or in bits for a bit-field.
    offset: Option<usize>,
}

impl AggregateBuilder {
    pub(crate) fn new(kind: TypeKind, name: Option<&str>) -> Self {
        let name = name.map(String::from);
        let convention = Convention::native().unwrap_or(Convention::SysV);
        let members = Vec::new();
        Self { kind, name, members, pack: None, align: None, stated: None, convention }
    }

    /// Adds a member. A struct or union without a name is an anonymous member, of which there may
    /// be several: its members are reached as if they were those of the whole.
    ///
    /// # Examples
    /// ```
    /// use ffi_types::Type;
    /// let entry = Type::structure("entry").field("tag", Type::I8).field("value", Type::F64).build()?;
    /// assert_eq!((entry.size(), entry.align()), (16, 8));
    /// # Ok::<(), ffi_types::TypeValidationError>(())
    /// ```
    pub fn field(self, name: &str, ty: Type) -> Self {
        self.add(name, ty, None, None, None)
    }

    /// Adds a member declared with `_Alignas(align)`, in bytes. As in C it can only raise the
    /// alignment of the member's type.
    ///
    /// # Examples
    /// ```
    /// use ffi_types::Type;
    /// let pair = Type::structure("pair").field("a", Type::I8).aligned_field("b", Type::I8, 16).build()?;
    /// assert_eq!((pair.size(), pair.fields()[1].offset()), (32, 16));
    /// # Ok::<(), ffi_types::TypeValidationError>(())
    /// ```
    pub fn aligned_field(self, name: &str, ty: Type, align: usize) -> Self {
        self.add(name, ty, Some(align), None, None)
    }

    /// Adds a bit-field of an integer type, `width` bits wide. One without a name is padding, and
    /// may have a width of 0, which ends a unit.
    ///
    /// How bit-fields are laid out depends on the compiler: see
    /// [`bit_fields_of`](Self::bit_fields_of).
    ///
    /// # Examples
    /// ```
    /// use ffi_types::{Convention, Type, Win64};
    /// let flags = |convention| {
    ///     let flags = Type::structure("flags").bit_fields_of(convention);
    ///     flags.bit_field("a", Type::U8, 3).bit_field("b", Type::U32, 7).build()
    /// };
    /// assert_eq!(flags(Convention::SysV)?.to_string(), "struct flags { uint8_t a : 3; uint32_t b : 7; }");
    /// // Microsoft's compilers put only neighbours of one size in one unit.
    /// assert_eq!(flags(Convention::SysV)?.size(), 4);
    /// assert_eq!(flags(Convention::Win64(Win64::Msvc))?.size(), 8);
    /// # Ok::<(), ffi_types::TypeValidationError>(())
    /// ```
    pub fn bit_field(self, name: &str, ty: Type, width: u32) -> Self {
        self.add(name, ty, None, Some(width), None)
    }

    /// Adds a bit-field declared with `_Alignas(align)`, in bytes.
    pub fn aligned_bit_field(self, name: &str, ty: Type, width: u32, align: usize) -> Self {
        self.add(name, ty, Some(align), Some(width), None)
    }

    /// Adds a member at an offset in bytes that the caller states; [`stated`](Self::stated) then
    /// has to be called too, and every other member needs an offset as well.
    ///
    /// # Examples
    /// ```
    /// use ffi_types::Type;
    /// // As a debugger knows it, with its size and alignment.
    /// let seen = Type::structure("seen").field_at("a", Type::I32, 0).field_at("b", Type::I32, 12);
    /// let seen = seen.stated(16, 4).build()?;
    /// assert_eq!((seen.size(), seen.fields()[1].offset()), (16, 12));
    /// # Ok::<(), ffi_types::TypeValidationError>(())
    /// ```
    pub fn field_at(self, name: &str, ty: Type, offset: usize) -> Self {
        self.add(name, ty, None, None, Some(offset))
    }

    /// As [`field_at`](Self::field_at), a bit-field that starts at an offset in *bits*, the lowest
    /// bit of a byte first.
    pub fn bit_field_at(self, name: &str, ty: Type, width: u32, bit_offset: usize) -> Self {
        self.add(name, ty, None, Some(width), Some(bit_offset))
    }

    fn add(
        mut self,
        name: &str,
        ty: Type,
        align: Option<usize>,
        width: Option<u32>,
        offset: Option<usize>,
    ) -> Self {
        self.members.push(Member { name: name.into(), ty, align, width, offset });
        self
    }

    /// Lays bit-fields out as compilers for the platforms of that convention do; if it is not
    /// called, as those for the platform that this is compiled for.
    ///
    /// # Examples
    /// ```
    /// use ffi_types::{Aapcs64, Convention, Type};
    /// let flags = Type::structure("flags").bit_field("a", Type::U8, 3).bit_field("b", Type::U8, 6);
    /// let flags = flags.bit_fields_of(Convention::Aapcs64(Aapcs64::Apple)).build()?;
    /// assert_eq!((flags.size(), flags.fields()[1].bit_offset()), (2, 8));
    /// # Ok::<(), ffi_types::TypeValidationError>(())
    /// ```
    pub fn bit_fields_of(mut self, convention: Convention) -> Self {
        self.convention = convention;
        self
    }

    /// `__attribute__((packed))`: no member is aligned to more than one byte, but for one with an
    /// alignment [of its own](Self::aligned_field).
    ///
    /// # Examples
    /// ```
    /// use ffi_types::Type;
    /// let entry = Type::structure("entry").field("tag", Type::I8).field("value", Type::F64);
    /// assert_eq!(entry.packed().build()?.size(), 9);
    /// # Ok::<(), ffi_types::TypeValidationError>(())
    /// ```
    pub fn packed(mut self) -> Self {
        self.pack = Some(Pack::Attribute);
        self
    }

    /// `#pragma pack(max_align)`: no member is aligned to more than that, in bytes.
    ///
    /// # Examples
    /// ```
    /// use ffi_types::Type;
    /// let entry = Type::structure("entry").field("tag", Type::I8).field("value", Type::F64);
    /// assert_eq!(entry.pack(4).build()?.size(), 12);
    /// # Ok::<(), ffi_types::TypeValidationError>(())
    /// ```
    pub fn pack(mut self, max_align: usize) -> Self {
        self.pack = Some(Pack::Pragma(max_align));
        self
    }

    /// `__attribute__((aligned(align)))` on the whole, in bytes. It can only raise the alignment.
    ///
    /// # Examples
    /// ```
    /// use ffi_types::Type;
    /// let line = Type::structure("line").field("used", Type::U8).align(64).build()?;
    /// assert_eq!((line.size(), line.align()), (64, 64));
    /// # Ok::<(), ffi_types::TypeValidationError>(())
    /// ```
    pub fn align(mut self, align: usize) -> Self {
        self.align = Some(align);
        self
    }

    /// States size and alignment in bytes in place of having them computed, for a layout that
    /// comes from elsewhere: a header's `sizeof`, debug information, another runtime.
    ///
    /// A type without members can only be stated: `stated(0, 1)` is GNU C's empty struct, of which
    /// nothing is passed and returned, and `stated(1, 1)` C++'s, which has a size and no value.
    pub fn stated(mut self, size: usize, align: usize) -> Self {
        self.stated = Some((size, align));
        self
    }

    /// Computes the layout, or checks the stated one, and makes the type.
    ///
    /// # Errors
    /// A [`TypeValidationError`] that names the member: no members, a `void` member, two of one
    /// name, an alignment that is no power of two, a size that overflows, or a stated layout that
    /// contradicts itself.
    ///
    /// # Examples
    /// ```
    /// use ffi_types::Type;
    /// let packed = Type::structure("p").field("tag", Type::I8).field("x", Type::F64).packed();
    /// assert_eq!(packed.build()?.size(), 9);
    ///
    /// let stated = Type::structure("s").field_at("x", Type::I32, 8).stated(12, 4).build()?;
    /// assert_eq!(stated.fields()[0].offset(), 8);
    /// # Ok::<(), ffi_types::TypeValidationError>(())
    /// ```
    pub fn build(self) -> Result<Type, TypeValidationError> {
        self.check_members()?;
        let microsoft = self.rules().microsoft();
        let (offsets, size, align, natural_align) = match self.stated {
            Some((size, align)) => self.stated_layout(size, align)?,
            None => self.computed_layout()?,
        };
        // Any object's size in bytes fits; so does a bit-field's offset in bits, or it would have
        // been refused.
        let fields: Box<[Field]> = self
            .members
            .into_iter()
            .zip(offsets)
            .map(|(member, bit_offset)| Field {
                name: member.name.into(),
                ty: member.ty,
                offset: (bit_offset / 8) as usize,
                attribute_align: member.align,
                bits: member.width.map(|width| Bits { offset: bit_offset as usize, width }),
            })
            .collect();
        Ok(finish(Aggregate {
            kind: self.kind,
            name: self.name.map(Into::into),
            leaves: collect_leaves(&fields, 1, 0, size),
            aligned: collect_aligned(&fields, 1, 0, size),
            fields,
            count: 1,
            size,
            align,
            natural_align,
            pack: self.pack,
            attribute_align: self.align,
            microsoft,
            stated: self.stated.is_some(),
            unaligned: false,
            parts: Parts::empty(),
            hash: 0,
        }))
    }

    fn error(&self, reason: TypeProblem, index: Option<usize>) -> TypeValidationError {
        let member = index.map(|index| (index, self.members[index].name.as_str()));
        TypeValidationError::new(self.kind, self.name.as_deref(), reason, member)
    }

    fn check_members(&self) -> Result<(), TypeValidationError> {
        if self.members.is_empty() && !matches!(self.stated, Some((0 | 1, 1))) {
            return Err(self.error(TypeProblem::Empty, None));
        }
        let pragma = match self.pack {
            Some(Pack::Pragma(align)) => Some(align),
            _ => None,
        };
        for align in [pragma, self.align].into_iter().flatten() {
            check_align(align).map_err(|reason| self.error(reason, None))?;
        }
        let mut names = BTreeMap::new();
        for (index, member) in self.members.iter().enumerate() {
            if member.ty.is_void() {
                return Err(self.error(TypeProblem::VoidMember, Some(index)));
            }
            if let Some(align) = member.align {
                check_align(align).map_err(|reason| self.error(reason, Some(index)))?;
            }
            if let Some(width) = member.width {
                let named = !member.name.is_empty();
                check_bits(&member.ty, width, named)
                    .map_err(|reason| self.error(reason, Some(index)))?;
            }
            let aggregate = matches!(member.ty.kind(), TypeKind::Struct | TypeKind::Union);
            if member.name.is_empty() && (aggregate || member.width.is_some()) {
                continue;
            }
            if let Some(first) = names.insert(member.name.as_str(), index) {
                return Err(self.error(TypeProblem::DuplicateName { first }, Some(index)));
            }
        }
        Ok(())
    }

    /// SysV psABI 3.1.2, AAPCS64 5.9: each member at the lowest offset its alignment allows. The
    /// offsets are in bits.
    fn computed_layout(&self) -> Result<(Vec<u128>, usize, usize, usize), TypeValidationError> {
        if let Some(index) = self.members.iter().position(|member| member.offset.is_some()) {
            return Err(self.error(TypeProblem::SizeMissing, Some(index)));
        }
        let rules = self.rules();
        let members: Vec<_> = self.members.iter().map(|member| self.placed(member)).collect();
        let layout = record::layout(&members, rules)
            .map_err(|index| self.error(TypeProblem::SizeOverflow, index))?;
        let beyond = |(member, &offset): (&Member, &u128)| {
            member.width.is_some() && usize::try_from(offset).is_err()
        };
        if let Some(index) = self.members.iter().zip(&layout.offsets).position(beyond) {
            return Err(self.error(TypeProblem::SizeOverflow, Some(index)));
        }
        let natural = layout.natural_align as usize;
        Ok((layout.offsets, layout.size as usize, layout.align as usize, natural))
    }

    fn rules(&self) -> Rules {
        Rules {
            union: self.kind == TypeKind::Union,
            pack: match self.pack {
                Some(Pack::Pragma(most)) => most as u64,
                _ => 0,
            },
            attribute: self.align.map(|align| align as u64),
            convention: self.convention,
        }
    }

    fn placed(&self, member: &Member) -> record::Member {
        record::Member {
            size: member.ty.size() as u64,
            align: member.ty.align() as u64,
            width: member.width,
            named: !member.name.is_empty(),
            packed: self.pack == Some(Pack::Attribute),
            attribute: member.align.map(|align| align as u64),
        }
    }

    fn stated_layout(
        &self,
        size: usize,
        align: usize,
    ) -> Result<(Vec<u128>, usize, usize, usize), TypeValidationError> {
        check_align(align).map_err(|reason| self.error(reason, None))?;
        if size > MAX_SIZE {
            return Err(self.error(TypeProblem::SizeOverflow, None));
        }
        if let Some(attribute) = self.align.filter(|&attribute| attribute > align) {
            let reason = TypeProblem::AlignmentBelowAttribute { align, attribute };
            return Err(self.error(reason, None));
        }
        if !size.is_multiple_of(align) {
            let reason = TypeProblem::SizeNotMultipleOfAlignment { size, align };
            return Err(self.error(reason, None));
        }
        let mut offsets = Vec::with_capacity(self.members.len());
        let (mut previous_end, mut natural) = (0_u128, 1);
        for (index, member) in self.members.iter().enumerate() {
            let fail = |reason| Err(self.error(reason, Some(index)));
            let Some(offset) = member.offset else { return fail(TypeProblem::OffsetMissing) };
            // In bits.
            let (start, len) = match member.width {
                Some(width) => (offset as u128, u128::from(width)),
                None => (offset as u128 * 8, member.ty.size() as u128 * 8),
            };
            let end = start + len;
            let in_bytes = |bits: u128| usize::try_from(bits.div_ceil(8));
            let Ok(last) = in_bytes(end) else { return fail(TypeProblem::SizeOverflow) };
            if last > size {
                return fail(TypeProblem::MemberPastEnd { end: last, size });
            }
            if self.kind == TypeKind::Union && start != 0 {
                return fail(TypeProblem::UnionMemberOffset { offset });
            }
            if self.kind == TypeKind::Struct && start < previous_end {
                let (offset, previous_end) =
                    ((start / 8) as usize, previous_end.div_ceil(8) as usize);
                return fail(TypeProblem::MemberOverlaps { offset, previous_end });
            }
            if member.width.is_none() {
                let own = record::align_of(&self.placed(member), self.rules()) as usize;
                natural = natural.max(own.min(align));
            }
            previous_end = end;
            offsets.push(start);
        }
        Ok((offsets, size, align, natural))
    }
}

/// Whether there can be a bit-field of that type and width.
fn check_bits(ty: &Type, width: u32, named: bool) -> Result<(), TypeProblem> {
    let Some(scalar) = ty.as_scalar().filter(|scalar| scalar.is_integer()) else {
        return Err(TypeProblem::BitFieldType { found: alloc::string::ToString::to_string(ty) });
    };
    let most = if scalar == Scalar::Bool { 1 } else { 8 * scalar.size() as u32 };
    let least = u32::from(named);
    if (least..=most).contains(&width) {
        return Ok(());
    }
    Err(TypeProblem::BitFieldWidth { found: width, least, most })
}

/// What a member is aligned to, given its type's alignment and that of its own attribute.
pub(crate) fn packed_align(pack: Option<Pack>, ty: usize, attribute: Option<usize>) -> usize {
    let align = ty.max(attribute.unwrap_or(1));
    match pack {
        None => align,
        Some(Pack::Attribute) => attribute.unwrap_or(1),
        Some(Pack::Pragma(most)) => align.min(most),
    }
}

pub(crate) fn array(element: Type, count: usize) -> Result<Type, TypeValidationError> {
    let fail = |reason| {
        let text = alloc::string::ToString::to_string(&element);
        Err(TypeValidationError::new(TypeKind::Array, Some(&text), reason, None))
    };
    if element.is_void() {
        return fail(TypeProblem::VoidMember);
    }
    if count == 0 {
        return fail(TypeProblem::ZeroLength);
    }
    let Some(size) = element.size().checked_mul(count).filter(|&size| size <= MAX_SIZE) else {
        return fail(TypeProblem::SizeOverflow);
    };
    let (align, stride) = (element.align(), element.size());
    let fields: Box<[Field]> = Box::new([Field {
        name: "".into(),
        ty: element,
        offset: 0,
        attribute_align: None,
        bits: None,
    }]);
    Ok(finish(Aggregate {
        kind: TypeKind::Array,
        name: None,
        leaves: collect_leaves(&fields, count, stride, size),
        aligned: collect_aligned(&fields, count, stride, size),
        fields,
        count,
        size,
        align,
        natural_align: align,
        pack: None,
        attribute_align: None,
        microsoft: false,
        stated: false,
        unaligned: false,
        parts: Parts::empty(),
        hash: 0,
    }))
}

fn finish(mut aggregate: Aggregate) -> Type {
    let leaf = |leaf: &Leaf| !(leaf.offset as usize).is_multiple_of(leaf.what.size());
    let inner = |&(offset, align): &(u32, u32)| !offset.is_multiple_of(align);
    aggregate.unaligned = aggregate.leaves.iter().any(leaf) || aggregate.aligned.iter().any(inner);
    aggregate.parts = aggregate.fields.iter().map(|field| field.ty.parts()).collect();
    aggregate.hash = aggregate.compute_hash();
    Type::aggregate(aggregate)
}

/// What is in `fields`, `count` times over at a distance of `stride` bytes.
fn collect_leaves(fields: &[Field], count: usize, stride: usize, size: usize) -> Box<[Leaf]> {
    let mut leaves = Vec::new();
    if size <= MAX_LEAVES_SIZE {
        for (turn, field) in (0..count).flat_map(|turn| fields.iter().map(move |f| (turn, f))) {
            let base = (field.offset + turn * stride) as u32;
            let leaf = |offset: usize, what| Leaf { offset: base + offset as u32, what };
            if let Some(bits) = field.bits {
                let bytes = (bits.offset % 8 + bits.width as usize).div_ceil(8);
                let bytes = if bits.width == 0 { 0 } else { bytes };
                let what = match field.name.is_empty() {
                    true => Fundamental::Padding,
                    false => Fundamental::Scalar(Scalar::U8),
                };
                let byte = |offset| leaf(offset, what);
                leaves.extend((0..bytes).map(byte));
                continue;
            }
            match field.ty.repr() {
                Repr::Void => {}
                Repr::Scalar(scalar) => leaves.push(leaf(0, Fundamental::Scalar(scalar))),
                Repr::Complex(part) => leaves
                    .extend([0, part.size()].map(|offset| leaf(offset, Fundamental::Scalar(part)))),
                Repr::Vector(..) => {
                    leaves.push(leaf(0, Fundamental::Vector(field.ty.size() as u8)));
                }
                Repr::Aggregate(inner) => leaves.extend(
                    inner.leaves.iter().map(|inside| leaf(inside.offset as usize, inside.what)),
                ),
            }
        }
        leaves.sort_unstable();
        leaves.dedup();
    }
    leaves.into()
}

/// The aggregates in `fields`, `count` times over, that have an alignment which is not that of a
/// leaf: of an attribute, or of a bit-field's type; or whose leaves do not tell where they are.
fn collect_aligned(
    fields: &[Field],
    count: usize,
    stride: usize,
    size: usize,
) -> Box<[(u32, u32)]> {
    let mut aligned = Vec::new();
    if size <= MAX_LEAVES_SIZE {
        for (turn, field) in (0..count).flat_map(|turn| fields.iter().map(move |f| (turn, f))) {
            let Repr::Aggregate(inner) = field.ty.repr() else { continue };
            let base = (field.offset + turn * stride) as u32;
            let needed = inner.leaves.iter().map(|leaf| leaf.what.size()).max().unwrap_or(1);
            // A leaf that is not aligned inside may be so in the whole, and say nothing of `inner`.
            if inner.align > needed || inner.unaligned {
                aligned.push((base, inner.align as u32));
            }
            aligned.extend(inner.aligned.iter().map(|&(offset, align)| (base + offset, align)));
        }
        aligned.sort_unstable();
        aligned.dedup();
    }
    aligned.into()
}

fn check_align(align: usize) -> Result<(), TypeProblem> {
    if !align.is_power_of_two() {
        return Err(TypeProblem::AlignmentNotPowerOfTwo { found: align });
    }
    if align > MAX_ALIGN {
        return Err(TypeProblem::AlignmentTooLarge { found: align, max: MAX_ALIGN });
    }
    Ok(())
}

/// C's own names, in the data model of the platform this is compiled for.
impl Type {
    /// `char`, signed or not as the platform has it.
    pub const C_CHAR: Type = crate::DataModel::NATIVE.c_char();
    /// `signed char`.
    pub const C_SCHAR: Type = Type::I8;
    /// `unsigned char`.
    pub const C_UCHAR: Type = Type::U8;
    /// `short`.
    pub const C_SHORT: Type = Type::I16;
    /// `unsigned short`.
    pub const C_USHORT: Type = Type::U16;
    /// `int`.
    pub const C_INT: Type = Type::I32;
    /// `unsigned int`.
    pub const C_UINT: Type = Type::U32;
    /// `long`: 8 bytes, but 4 on Windows.
    pub const C_LONG: Type = crate::DataModel::NATIVE.c_long();
    /// `unsigned long`: 8 bytes, but 4 on Windows.
    pub const C_ULONG: Type = crate::DataModel::NATIVE.c_ulong();
    /// `long long`.
    pub const C_LONG_LONG: Type = Type::I64;
    /// `unsigned long long`.
    pub const C_ULONG_LONG: Type = Type::U64;
    /// `size_t`.
    pub const SIZE_T: Type = Type::U64;
    /// `long double`: x87's 80-bit format in 16 bytes on x86-64, binary128 by AAPCS64, and `double`
    /// to Microsoft and Apple.
    pub const C_LONG_DOUBLE: Type = crate::DataModel::NATIVE.c_long_double();
    /// `wchar_t`.
    pub const WCHAR_T: Type = crate::DataModel::NATIVE.wchar_t();
}

const _: () = assert!(Scalar::Pointer.size() == 8);
