//! C layout: sizes, alignments and offsets, computed or checked against what the caller states.

use crate::error::{TypeProblem, TypeValidationError};
use crate::repr::Repr;
use crate::ty::{Aggregate, Field, Leaf, MAX_LEAVES_SIZE, Pack};
use crate::{Scalar, Type, TypeKind};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// The greatest alignment in bytes; gcc and clang take no more either.
const MAX_ALIGN: usize = 1 << 28;
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
}

#[derive(Debug, Clone)]
struct Member {
    name: String,
    ty: Type,
    align: Option<usize>,
    offset: Option<usize>,
}

impl AggregateBuilder {
    pub(crate) fn new(kind: TypeKind, name: Option<&str>) -> Self {
        let name = name.map(String::from);
        Self { kind, name, members: Vec::new(), pack: None, align: None, stated: None }
    }

    /// Adds a member. A struct or union without a name is an anonymous member, of which there may
    /// be several: its members are reached as if they were those of the whole.
    pub fn field(self, name: &str, ty: Type) -> Self {
        self.add(name, ty, None, None)
    }

    /// Adds a member declared with `_Alignas(align)`, in bytes. As in C it can only raise the
    /// alignment of the member's type.
    pub fn aligned_field(self, name: &str, ty: Type, align: usize) -> Self {
        self.add(name, ty, Some(align), None)
    }

    /// Adds a member at an offset in bytes that the caller states; [`stated`](Self::stated) then
    /// has to be called too, and every other member needs an offset as well.
    pub fn field_at(self, name: &str, ty: Type, offset: usize) -> Self {
        self.add(name, ty, None, Some(offset))
    }

    fn add(mut self, name: &str, ty: Type, align: Option<usize>, offset: Option<usize>) -> Self {
        self.members.push(Member { name: name.into(), ty, align, offset });
        self
    }

    /// `__attribute__((packed))`: no member is aligned to more than one byte, but for one with an
    /// alignment [of its own](Self::aligned_field).
    pub fn packed(mut self) -> Self {
        self.pack = Some(Pack::Attribute);
        self
    }

    /// `#pragma pack(max_align)`: no member is aligned to more than that, in bytes.
    pub fn pack(mut self, max_align: usize) -> Self {
        self.pack = Some(Pack::Pragma(max_align));
        self
    }

    /// `__attribute__((aligned(align)))` on the whole, in bytes. It can only raise the alignment.
    pub fn align(mut self, align: usize) -> Self {
        self.align = Some(align);
        self
    }

    /// States size and alignment in bytes in place of having them computed, for a layout that
    /// comes from elsewhere: a header's `sizeof`, debug information, another runtime.
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
        let (offsets, size, align, natural_align) = match self.stated {
            Some((size, align)) => self.stated_layout(size, align)?,
            None => self.computed_layout()?,
        };
        let fields: Box<[Field]> = self
            .members
            .into_iter()
            .zip(offsets)
            .map(|(member, offset)| Field {
                name: member.name.into(),
                ty: member.ty,
                offset,
                attribute_align: member.align,
            })
            .collect();
        Ok(finish(Aggregate {
            kind: self.kind,
            name: self.name.map(Into::into),
            leaves: collect_leaves(&fields, 1, 0, size),
            fields,
            count: 1,
            size,
            align,
            natural_align,
            pack: self.pack,
            attribute_align: self.align,
            stated: self.stated.is_some(),
            hash: 0,
        }))
    }

    fn error(&self, reason: TypeProblem, index: Option<usize>) -> TypeValidationError {
        let member = index.map(|index| (index, self.members[index].name.as_str()));
        TypeValidationError::new(self.kind, self.name.as_deref(), reason, member)
    }

    fn check_members(&self) -> Result<(), TypeValidationError> {
        if self.members.is_empty() {
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
            let aggregate = matches!(member.ty.kind(), TypeKind::Struct | TypeKind::Union);
            if member.name.is_empty() && aggregate {
                continue;
            }
            if let Some(first) = names.insert(member.name.as_str(), index) {
                return Err(self.error(TypeProblem::DuplicateName { first }, Some(index)));
            }
        }
        Ok(())
    }

    /// SysV psABI 3.1.2, AAPCS64 5.9: each member at the lowest offset its alignment allows.
    fn computed_layout(&self) -> Result<(Vec<usize>, usize, usize, usize), TypeValidationError> {
        let overflow = |index| self.error(TypeProblem::SizeOverflow, index);
        let mut offsets = Vec::with_capacity(self.members.len());
        let (mut end, mut next, mut natural) = (0usize, 0usize, 1usize);
        for (index, member) in self.members.iter().enumerate() {
            if member.offset.is_some() {
                return Err(self.error(TypeProblem::SizeMissing, Some(index)));
            }
            let align = self.member_align(member);
            natural = natural.max(align);
            let offset = round_up(next, align).ok_or_else(|| overflow(Some(index)))?;
            let member_end = offset
                .checked_add(member.ty.size())
                .filter(|&end| end <= MAX_SIZE)
                .ok_or_else(|| overflow(Some(index)))?;
            end = end.max(member_end);
            if self.kind == TypeKind::Struct {
                next = member_end;
            }
            offsets.push(offset);
        }
        let align = natural.max(self.align.unwrap_or(1));
        let size = round_up(end, align).filter(|&size| size <= MAX_SIZE);
        Ok((offsets, size.ok_or_else(|| overflow(None))?, align, natural))
    }

    fn member_align(&self, member: &Member) -> usize {
        packed_align(self.pack, member.ty.align(), member.align)
    }

    fn stated_layout(
        &self,
        size: usize,
        align: usize,
    ) -> Result<(Vec<usize>, usize, usize, usize), TypeValidationError> {
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
        let (mut previous_end, mut natural) = (0, 1);
        for (index, member) in self.members.iter().enumerate() {
            let fail = |reason| Err(self.error(reason, Some(index)));
            let Some(offset) = member.offset else { return fail(TypeProblem::OffsetMissing) };
            let Some(end) = offset.checked_add(member.ty.size()) else {
                return fail(TypeProblem::SizeOverflow);
            };
            if end > size {
                return fail(TypeProblem::MemberPastEnd { end, size });
            }
            if self.kind == TypeKind::Union && offset != 0 {
                return fail(TypeProblem::UnionMemberOffset { offset });
            }
            if self.kind == TypeKind::Struct && offset < previous_end {
                return fail(TypeProblem::MemberOverlaps { offset, previous_end });
            }
            natural = natural.max(self.member_align(member).min(align));
            previous_end = end;
            offsets.push(offset);
        }
        Ok((offsets, size, align, natural))
    }
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
    let fields: Box<[Field]> =
        Box::new([Field { name: "".into(), ty: element, offset: 0, attribute_align: None }]);
    Ok(finish(Aggregate {
        kind: TypeKind::Array,
        name: None,
        leaves: collect_leaves(&fields, count, stride, size),
        fields,
        count,
        size,
        align,
        natural_align: align,
        pack: None,
        attribute_align: None,
        stated: false,
        hash: 0,
    }))
}

fn finish(mut aggregate: Aggregate) -> Type {
    aggregate.hash = aggregate.compute_hash();
    Type::aggregate(aggregate)
}

/// The scalars of `fields`, `count` times over at a distance of `stride` bytes.
fn collect_leaves(fields: &[Field], count: usize, stride: usize, size: usize) -> Box<[Leaf]> {
    let mut leaves = Vec::new();
    if size <= MAX_LEAVES_SIZE {
        for (turn, field) in (0..count).flat_map(|turn| fields.iter().map(move |f| (turn, f))) {
            let base = (field.offset + turn * stride) as u32;
            match field.ty.repr() {
                Repr::Void => {}
                Repr::Scalar(scalar) => leaves.push(Leaf { offset: base, scalar }),
                Repr::Aggregate(inner) => leaves.extend(
                    inner
                        .leaves
                        .iter()
                        .map(|leaf| Leaf { offset: base + leaf.offset, scalar: leaf.scalar }),
                ),
            }
        }
        leaves.sort_unstable();
        leaves.dedup();
    }
    leaves.into()
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

fn round_up(value: usize, align: usize) -> Option<usize> {
    value.checked_next_multiple_of(align)
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
    /// `wchar_t`.
    pub const WCHAR_T: Type = crate::DataModel::NATIVE.wchar_t();
}

const _: () = assert!(Scalar::Pointer.size() == 8);
