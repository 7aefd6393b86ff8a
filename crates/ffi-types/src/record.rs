//! Where the members of a struct or union are, bit-fields included: the one place that knows.
//!
//! [`AggregateBuilder`](crate::AggregateBuilder) makes types by it. It is of use alone where there
//! is no type to be made: for a header's structs with flexible arrays, say.

use crate::{Aapcs64, Convention, Win64};
use alloc::vec::Vec;

/// The greatest size in bytes.
pub const MAX_SIZE: u64 = isize::MAX as u64;

/// A member, as far as its place depends on it. Sizes and alignments are in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Member {
    /// That of its type.
    pub size: u64,
    /// That of its type.
    pub align: u64,
    /// The width of a bit-field, in bits.
    pub width: Option<u32>,
    /// Whether it has a name; bit-fields without one are padding.
    pub named: bool,
    /// `__attribute__((packed))`, on the member or on the whole.
    pub packed: bool,
    /// Of an `aligned` attribute on the member.
    pub attribute: Option<u64>,
}

/// What the members are in.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Whether all start at 0.
    pub union: bool,
    /// Of `#pragma pack`; 0 for none.
    pub pack: u64,
    /// Of an `aligned` attribute on the whole.
    pub attribute: Option<u64>,
    /// Whose compilers lay it out, which makes a difference to bit-fields alone.
    pub convention: Convention,
}

impl Rules {
    /// Bit-fields of which only neighbours of one size share a unit: what `ms_struct` asks for.
    pub(crate) fn microsoft(&self) -> bool {
        self.msvc() || self.convention == Convention::Win64(Win64::Gnu)
    }

    /// Bit-fields as Microsoft's compiler has them.
    fn msvc(&self) -> bool {
        matches!(
            self.convention,
            Convention::Win64(Win64::Msvc) | Convention::Aapcs64(Aapcs64::Windows)
        )
    }

    /// Of `#pragma pack`, 0 for none. Microsoft's compiler takes no more than a pointer's size.
    fn limit(&self) -> u64 {
        if self.msvc() && self.pack > 8 { 0 } else { self.pack }
    }

    /// An alignment, as far as `#pragma pack` lets it be.
    fn limited(&self, align: u64) -> u64 {
        match self.limit() {
            0 => align,
            most => align.min(most),
        }
    }

    /// Bit-fields without a name count for the alignment too (AAPCS64 10.1.8).
    fn unnamed_align(&self) -> bool {
        self.convention == Convention::Aapcs64(Aapcs64::Standard)
    }
}

/// The result: bytes, but for the offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// `sizeof`.
    pub size: u64,
    /// `_Alignof`.
    pub align: u64,
    /// The alignment without the attribute on the whole.
    pub natural_align: u64,
    /// Of each member, in bits, of which an object may have more than 64 bits can count.
    pub offsets: Vec<u128>,
}

/// The layout.
///
/// # Errors
/// If it is too large for any memory: the index of the first member that is, or `None` if it is
/// the padding behind them.
pub fn layout(members: &[Member], rules: Rules) -> Result<Layout, Option<usize>> {
    let mut state = State { rules, next: 0, end: 0, align: 1, unit: None };
    let mut offsets = Vec::with_capacity(members.len());
    for (index, member) in members.iter().enumerate() {
        offsets.push(state.member(member).ok_or(Some(index))?);
    }
    let natural_align = state.align;
    let align = natural_align.max(rules.attribute.unwrap_or(1));
    // The end fits, or the last member would not have.
    let size = (state.end.div_ceil(8) as u64).checked_next_multiple_of(align);
    let size = size.filter(|&size| size <= MAX_SIZE).ok_or(None)?;
    Ok(Layout { size, align, natural_align, offsets })
}

/// What a member is aligned to, in bytes.
pub fn align_of(member: &Member, rules: Rules) -> u64 {
    let attribute = member.attribute.unwrap_or(1);
    let align = if member.packed { attribute } else { member.align.max(attribute) };
    rules.limited(align)
}

struct State {
    rules: Rules,
    /// The first free bit.
    next: u128,
    end: u128,
    align: u64,
    /// Windows: what the last bit-field is in. `next` is behind it.
    unit: Option<Unit>,
}

struct Unit {
    bits: u128,
    /// How many are left, at the upper end.
    free: u128,
}

impl State {
    /// Where the member starts, in bits.
    fn member(&mut self, member: &Member) -> Option<u128> {
        if self.rules.union {
            self.next = 0;
        }
        let offset = match member.width {
            width if self.rules.convention == Convention::Win64(Win64::Gnu) => {
                self.gnu_for_windows(member, width)?
            }
            None => self.plain(member)?,
            Some(width) if self.rules.msvc() => self.microsoft(member, width)?,
            Some(width) => self.system_v(member, width)?,
        };
        self.end = self.end.max(self.next);
        (self.end.div_ceil(8) <= MAX_SIZE.into()).then_some(offset)
    }

    fn round_up(&mut self, bytes: u64) -> Option<()> {
        self.next = self.next.checked_next_multiple_of(u128::from(bytes) * 8)?;
        Some(())
    }

    fn plain(&mut self, member: &Member) -> Option<u128> {
        self.unit = None;
        let align = align_of(member, self.rules);
        self.align = self.align.max(align);
        self.round_up(align)?;
        let offset = self.next;
        self.next = offset.checked_add(u128::from(member.size) * 8)?;
        Some(offset)
    }

    /// psABI 3.1.2: a bit-field lies in a unit of its type, and next to others if it fits there.
    fn system_v(&mut self, member: &Member, width: u32) -> Option<u128> {
        let (unit, width) = (u128::from(member.size) * 8, u128::from(width));
        let align = match (member.packed, self.rules.limit()) {
            _ if width == 0 => member.align,
            (true, 0) => 1,
            (false, 0) => member.align,
            // Whatever is packed besides.
            (_, most) => member.align.min(most),
        };
        // As gcc has it: `#pragma pack` has the last word. clang then forgets the attribute.
        let attribute = member.attribute.map(|attribute| self.rules.limited(attribute));
        if let Some(attribute) = attribute {
            self.round_up(attribute)?;
        }
        let tight = member.packed || self.rules.limit() != 0;
        let straddles = self.next % (u128::from(align) * 8) + width > unit;
        if width == 0 || (straddles && !tight) {
            self.round_up(align)?;
        }
        if member.named || self.rules.unnamed_align() {
            self.align = self.align.max(align).max(attribute.unwrap_or(1));
        }
        let offset = self.next;
        self.next = offset.checked_add(width)?;
        Some(offset)
    }

    /// Microsoft: neighbours of one size share a unit as long as they fit; no unit is shared with
    /// anything else. Those of a union do not count for its alignment.
    fn microsoft(&mut self, member: &Member, width: u32) -> Option<u128> {
        let (bits, width, align) = (u128::from(member.size) * 8, u128::from(width), self.align);
        let unit = self.unit.take();
        if width == 0 {
            // Counts only behind another bit-field.
            match unit {
                Some(_) if self.rules.union => self.next = bits,
                Some(_) => {
                    let align = align_of(member, self.rules);
                    self.align = self.align.max(align);
                    self.round_up(align)?;
                }
                None => {}
            }
            return Some(if self.rules.union { 0 } else { self.next });
        }
        if let Some(unit) =
            unit.filter(|unit| unit.bits == bits && unit.free >= width && !self.rules.union)
        {
            let offset = self.next - unit.free;
            self.unit = Some(Unit { free: unit.free - width, bits });
            return Some(offset);
        }
        let offset = self.plain(member)?;
        if self.rules.union {
            self.align = align;
        }
        self.unit = Some(Unit { bits, free: bits.saturating_sub(width) });
        Some(offset)
    }

    /// gcc for Windows (`ms_struct`), which is Microsoft but for what is packed, and for unions.
    fn gnu_for_windows(&mut self, member: &Member, width: Option<u32>) -> Option<u128> {
        let (bits, unit) = (u128::from(member.size) * 8, self.unit.take());
        let attribute = self.rules.limited(member.attribute.unwrap_or(1));
        let counts = match width {
            None => true,
            // Behind another bit-field, as with Microsoft.
            Some(0) => unit.is_some() && !self.rules.union,
            Some(_) => !member.packed,
        };
        let align = match width {
            None => align_of(member, self.rules),
            Some(_) => self.rules.limited(member.align).max(attribute),
        };
        if counts {
            self.align = self.align.max(align);
        }
        let taken = width.map_or(bits, u128::from);
        if self.rules.union {
            self.next = taken;
            return Some(0);
        }
        let offset = self.next - unit.as_ref().map_or(0, |unit| unit.free);
        let same = width.is_some() && unit.as_ref().is_some_and(|unit| unit.bits == bits);
        if let Some(unit) = unit.as_ref().filter(|unit| same && (1..=unit.free).contains(&taken)) {
            self.unit = Some(Unit { free: unit.free - taken, bits });
            return Some(offset);
        }
        // An attribute moves what comes behind a unit only if the bits used so far are not aligned.
        let own = if width.is_some() { attribute } else { align };
        if !offset.is_multiple_of(u128::from(own) * 8) {
            self.round_up(own)?;
        }
        // No bits at all are aligned behind another size only, and a full unit's size just goes on.
        let begins = if unit.is_some() { !same } else { taken != 0 };
        if begins && !member.packed {
            self.round_up(self.rules.limited(member.align))?;
        }
        let offset = self.next;
        if taken != 0 {
            self.next = offset.checked_add(bits)?;
            self.unit = width.map(|_| Unit { bits, free: bits.saturating_sub(taken) });
        }
        Some(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(size: u64, width: u32) -> Member {
        Member { size, align: size, width: Some(width), named: true, ..Member::default() }
    }

    fn plain(size: u64) -> Member {
        Member { size, align: size, named: true, ..Member::default() }
    }

    fn of(members: &[Member], rules: Rules) -> (u64, u64, Vec<u128>) {
        let layout = layout(members, rules).expect("small");
        (layout.size, layout.align, layout.offsets)
    }

    const SYSV: Rules =
        Rules { union: false, pack: 0, attribute: None, convention: Convention::SysV };
    const AAPCS64: Rules = Rules { convention: Convention::Aapcs64(Aapcs64::Standard), ..SYSV };
    const MICROSOFT: Rules = Rules { convention: Convention::Win64(Win64::Gnu), ..SYSV };

    #[test]
    fn neighbours_share_what_they_fit_in() {
        let members = [bits(4, 3), bits(4, 7), bits(4, 25), plain(1)];
        assert_eq!(of(&members, SYSV), (12, 4, alloc::vec![0, 3, 32, 64]));
    }

    #[test]
    fn system_v_shares_across_types_and_microsoft_does_not() {
        let members = [bits(1, 3), bits(4, 7)];
        assert_eq!(of(&members, SYSV), (4, 4, alloc::vec![0, 3]));
        assert_eq!(of(&members, MICROSOFT), (8, 4, alloc::vec![0, 32]));
    }

    #[test]
    fn a_width_of_zero_ends_a_unit() {
        let members = [bits(1, 3), Member { named: false, ..bits(4, 0) }, bits(1, 2)];
        assert_eq!(of(&members, SYSV), (5, 1, alloc::vec![0, 32, 32]));
        assert_eq!(of(&members, AAPCS64).1, 4);
    }

    #[test]
    fn a_union_takes_no_alignment_from_bits_on_windows() {
        let union = Rules { union: true, convention: Convention::Win64(Win64::Msvc), ..MICROSOFT };
        assert_eq!(of(&[bits(4, 5), plain(1)], union), (4, 1, alloc::vec![0, 0]));
        assert_eq!(of(&[bits(4, 5), plain(1)], Rules { union: true, ..MICROSOFT }).1, 4);
    }

    #[test]
    fn a_width_of_zero_behind_bits_takes_a_whole_unit_of_a_union_on_windows() {
        let union = Rules { union: true, convention: Convention::Win64(Win64::Msvc), ..SYSV };
        let zero = Member { named: false, ..bits(8, 0) };
        assert_eq!(of(&[bits(1, 1), bits(4, 25), zero], union), (8, 1, alloc::vec![0, 0, 0]));
        assert_eq!(of(&[bits(4, 25), plain(1), zero], union), (4, 1, alloc::vec![0, 0, 0]));
        assert_eq!(of(&[bits(4, 25), zero], Rules { union: true, ..MICROSOFT }).0, 4);
    }

    #[test]
    fn packed_bits_leave_no_gap() {
        let packed = |m| Member { packed: true, ..m };
        let members = [packed(bits(4, 30)), packed(bits(4, 30)), packed(plain(2))];
        assert_eq!(of(&members, SYSV), (10, 1, alloc::vec![0, 30, 64]));
    }

    #[test]
    fn pragma_pack_limits_the_attribute_of_a_bit_field() {
        let moved = [bits(2, 4), Member { attribute: Some(4), ..bits(8, 46) }];
        assert_eq!(of(&moved, SYSV), (16, 8, alloc::vec![0, 64]));
        let members = [bits(2, 13), Member { attribute: Some(8), ..bits(8, 23) }];
        assert_eq!(of(&members, SYSV), (16, 8, alloc::vec![0, 64]));
        assert_eq!(of(&members, Rules { pack: 2, ..SYSV }), (6, 2, alloc::vec![0, 16]));
        let packed = [bits(2, 14), bits(8, 12)].map(|m| Member { packed: true, ..m });
        assert_eq!(of(&packed, SYSV), (4, 1, alloc::vec![0, 14]));
        assert_eq!(of(&packed, Rules { pack: 4, ..SYSV }), (4, 4, alloc::vec![0, 14]));
    }

    #[test]
    fn gcc_for_windows_is_not_microsoft_in_what_is_packed() {
        let packed = |m| Member { packed: true, ..m };
        let members = [plain(1), bits(4, 3), plain(1)].map(packed);
        assert_eq!(of(&members, MICROSOFT), (6, 1, alloc::vec![0, 8, 40]));
        let aligned = [packed(bits(1, 7)), packed(Member { attribute: Some(8), ..bits(4, 20) })];
        assert_eq!(of(&aligned, MICROSOFT), (12, 1, alloc::vec![0, 64]));
        let union = Rules { union: true, ..MICROSOFT };
        assert_eq!(of(&[packed(bits(4, 11))], union), (2, 1, alloc::vec![0]));
        assert_eq!(of(&[bits(4, 3)], Rules { pack: 1, ..union }).0, 1);
    }

    #[test]
    fn what_no_memory_can_hold_has_no_layout() {
        let huge = Member { size: MAX_SIZE - 3, align: 1, ..Member::default() };
        assert_eq!(layout(&[huge, huge], SYSV), Err(Some(1)));
    }
}
