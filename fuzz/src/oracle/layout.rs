//! Sizes, alignments and offsets: C11 6.7.2.1, psABI 3.1.2, AAPCS64 5.9 and 10.1.8, and Microsoft's
//! "C bit fields" and "Storage and alignment of structures".

use super::{Member, Record, Ty};
use ffi_abi_sysv::ffi_types::{Aapcs64, Convention, Scalar, Win64};

/// What is at a place, once nothing has members any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Atom {
    Scalar(Scalar),
    /// Of so many bytes.
    Vector(usize),
    /// Of a bit-field with a name, so many bits.
    Bits(usize),
    /// Of one without.
    NoBits(usize),
}

/// In bytes, but for the offsets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layout {
    pub(crate) size: usize,
    pub(crate) align: usize,
    /// Without the attribute on the whole.
    pub(crate) natural: usize,
    /// Of the members of a record, in bits.
    pub(crate) offsets: Vec<usize>,
}

pub(crate) fn scalar(scalar: Scalar) -> usize {
    use Scalar::*;
    match scalar {
        Bool | I8 | U8 => 1,
        I16 | U16 | F16 | BF16 => 2,
        I32 | U32 | F32 => 4,
        I64 | U64 | F64 | Pointer => 8,
        I128 | U128 | F80 | F128 => 16,
        _ => unreachable!("the generator makes no others"),
    }
}

pub(crate) fn of(ty: &Ty, platform: Convention) -> Layout {
    let plain = |size, align| Layout { size, align, natural: align, offsets: Vec::new() };
    match ty {
        Ty::Scalar(it) => plain(scalar(*it), scalar(*it)),
        Ty::Complex(part) => plain(2 * scalar(*part), scalar(*part)),
        Ty::Vector(part, count) => plain(count * scalar(*part), count * scalar(*part)),
        Ty::Empty(size) => plain(*size, 1),
        Ty::Array(element, count) => {
            let element = of(element, platform);
            plain(count * element.size, element.align)
        }
        Ty::Record(it) => record(it, platform),
    }
}

/// Everything in a type with its offset in bits; members of a union one after another.
pub(crate) fn atoms(ty: &Ty, platform: Convention, base: usize, out: &mut Vec<(usize, Atom)>) {
    match ty {
        Ty::Scalar(it) => out.push((base, Atom::Scalar(*it))),
        Ty::Complex(part) => {
            out.push((base, Atom::Scalar(*part)));
            out.push((base + 8 * scalar(*part), Atom::Scalar(*part)));
        }
        Ty::Vector(..) => out.push((base, Atom::Vector(of(ty, platform).size))),
        Ty::Empty(_) => {}
        Ty::Array(element, count) => {
            let stride = 8 * of(element, platform).size;
            (0..*count).for_each(|index| atoms(element, platform, base + index * stride, out));
        }
        Ty::Record(it) => {
            for (member, offset) in it.members.iter().zip(record(it, platform).offsets) {
                match member.width {
                    None => atoms(&member.ty, platform, base + offset, out),
                    Some(0) => {}
                    Some(width) if member.named => out.push((base + offset, Atom::Bits(width))),
                    Some(width) => out.push((base + offset, Atom::NoBits(width))),
                }
            }
        }
    }
}

/// Which bytes of a value mean something.
pub(crate) fn data(ty: &Ty, platform: Convention) -> Vec<bool> {
    let mut mask = vec![false; of(ty, platform).size];
    let mut all = Vec::new();
    atoms(ty, platform, 0, &mut all);
    for (offset, atom) in all {
        let bytes = match atom {
            Atom::Scalar(Scalar::F80) => 10,
            Atom::Scalar(it) => scalar(it),
            Atom::Vector(size) => size,
            // Only whole bytes: the rest may be padding.
            Atom::Bits(width) => ((offset + width) / 8).saturating_sub(offset.div_ceil(8)),
            Atom::NoBits(_) => 0,
        };
        mask[offset.div_ceil(8)..][..bytes].fill(true);
    }
    mask
}

/// Whether anything is at an offset that is no multiple of its alignment.
pub(crate) fn has_unaligned(ty: &Ty, platform: Convention, base: usize) -> bool {
    match ty {
        Ty::Array(element, count) => {
            let stride = of(element, platform).size;
            (0..*count).any(|index| has_unaligned(element, platform, base + index * stride))
        }
        Ty::Record(it) => {
            it.members.iter().zip(record(it, platform).offsets).any(|(member, at)| {
                let (at, align) = (base + at / 8, of(&member.ty, platform).align);
                member.width.is_none()
                    && (at % align != 0 || has_unaligned(&member.ty, platform, at))
            })
        }
        _ => !base.is_multiple_of(of(ty, platform).align),
    }
}

/// What its compilers share is that of Microsoft's or of everybody else's.
fn is_microsoft(platform: Convention) -> bool {
    matches!(platform, Convention::Win64(_) | Convention::Aapcs64(Aapcs64::Windows))
}

fn record(record: &Record, platform: Convention) -> Layout {
    if let Some(stated) = &record.stated {
        // No member makes it more aligned than it is said to be.
        let aligns = record.members.iter().map(|member| of(&member.ty, platform).align);
        return Layout {
            size: stated.size,
            align: stated.align,
            natural: aligns.max().unwrap_or(1).min(stated.align),
            offsets: stated.offsets.iter().map(|offset| 8 * offset).collect(),
        };
    }
    let mut at = Cursor { record, platform, next: 0, end: 0, align: 1, unit: None };
    let offsets = record.members.iter().map(|member| at.member(member)).collect();
    let (natural, align) = (at.align, at.align.max(record.align.unwrap_or(1)));
    let size = super::round_up(at.end.div_ceil(8), align);
    Layout { size, align, natural, offsets }
}

/// Bits of Microsoft's: where the unit is that the last bit-field is in, its size, and how many of
/// its bits are taken.
#[derive(Clone, Copy)]
struct Unit {
    start: usize,
    bits: usize,
    taken: usize,
}

struct Cursor<'a> {
    record: &'a Record,
    platform: Convention,
    /// The first bit behind the member before; and behind all of them.
    next: usize,
    end: usize,
    align: usize,
    unit: Option<Unit>,
}

impl Cursor<'_> {
    fn member(&mut self, member: &Member) -> usize {
        if self.record.union {
            self.next = 0;
        }
        let offset = match member.width {
            None => self.whole(member),
            Some(width) if is_microsoft(self.platform) => self.microsoft(member, width),
            Some(width) => self.bits(member, width),
        };
        self.end = self.end.max(self.next);
        offset
    }

    /// The lowest free bit from `next` on at which that is true.
    fn search(&self, fits: impl Fn(usize) -> bool) -> usize {
        (self.next..).find(|&bit| fits(bit)).expect("there are more")
    }

    /// Microsoft's compilers know `#pragma pack` up to 8.
    fn pragma(&self) -> Option<usize> {
        let gnu = self.platform == Convention::Win64(Win64::Gnu);
        let most = if is_microsoft(self.platform) && !gnu { 8 } else { usize::MAX };
        self.record.pragma.filter(|&pragma| pragma <= most)
    }

    /// "Each member is assigned to the lowest available offset with the appropriate alignment."
    fn whole(&mut self, member: &Member) -> usize {
        let layout = of(&member.ty, self.platform);
        let own = if self.record.packed { 1 } else { layout.align };
        let align = own.max(member.align.unwrap_or(1)).min(self.pragma().unwrap_or(usize::MAX));
        let offset = self.search(|bit| bit % (8 * align) == 0);
        self.align = self.align.max(align);
        (self.next, self.unit) = (offset + 8 * layout.size, None);
        offset
    }

    /// "Bit-fields must be contained in a storage unit appropriate for its declared type"; they
    /// "may share a storage unit with other members".
    fn bits(&mut self, member: &Member, width: usize) -> usize {
        let layout = of(&member.ty, self.platform);
        let unit = 8 * layout.size;
        let packed = self.record.packed || self.pragma().is_some();
        let fits = |bit: usize| match width {
            // "A zero-width bit-field ends the unit".
            0 => bit.is_multiple_of(unit),
            _ => packed || bit / unit == (bit + width - 1) / unit,
        };
        let offset = self.search(fits);
        let align = match (width, self.pragma()) {
            (0, _) => layout.align,
            (_, Some(most)) => layout.align.min(most),
            _ if self.record.packed => 1,
            _ => layout.align,
        };
        // "Unnamed bit-fields' types do not affect the alignment"; by AAPCS64 10.1.8 they do.
        let arm = self.platform == Convention::Aapcs64(Aapcs64::Standard);
        if member.named || arm {
            self.align = self.align.max(align);
        }
        self.next = offset + width;
        offset
    }

    /// "Adjacent bit fields are packed into the same allocation unit if the integral types are the
    /// same size and if the next bit field fits into the current allocation unit".
    fn microsoft(&mut self, member: &Member, width: usize) -> usize {
        let layout = of(&member.ty, self.platform);
        let bits = 8 * layout.size;
        let gnu = self.platform == Convention::Win64(Win64::Gnu);
        let packed = if self.record.packed { 1 } else { layout.align };
        let align = packed.min(self.pragma().unwrap_or(usize::MAX));
        let before = self.unit.take();
        if width == 0 {
            // Of no effect, unless it follows a bit-field.
            return match before {
                None => self.next,
                Some(_) if self.record.union => {
                    if !gnu {
                        self.next = bits;
                    }
                    0
                }
                Some(unit) => {
                    let same = gnu && unit.bits == bits;
                    self.align = self.align.max(align);
                    if !same {
                        self.next = self.search(|bit| bit % (8 * align) == 0);
                    }
                    self.next
                }
            };
        }
        if let Some(unit) = before
            && (unit.bits, self.record.union) == (bits, false)
            && unit.taken + width <= unit.bits
        {
            self.unit = Some(Unit { taken: unit.taken + width, ..unit });
            return unit.start + unit.taken;
        }
        let start = self.search(|bit| bit % (8 * align) == 0);
        // Microsoft's do not align unions for them.
        if !self.record.union {
            self.align = self.align.max(align);
        }
        (self.next, self.unit) = (start + bits, Some(Unit { start, bits, taken: width }));
        start
    }
}
