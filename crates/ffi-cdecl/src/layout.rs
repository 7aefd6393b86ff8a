//! Where the members of a struct or union are, bit-fields included.
//!
//! `ffi-types` lays out what it can pass. This also has bit-fields and the types that it does not
//! know, so that a header's sizes are right whatever is in it.

use alloc::vec::Vec;

/// The greatest size in bytes.
pub(crate) const MAX_SIZE: u64 = isize::MAX as u64;

/// A member, as far as its place depends on it. Sizes and alignments are in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Member {
    pub(crate) size: u64,
    /// That of its type.
    pub(crate) align: u64,
    /// The width of a bit-field.
    pub(crate) width: Option<u32>,
    pub(crate) named: bool,
    pub(crate) packed: bool,
    /// Of an `aligned` attribute on the member.
    pub(crate) attribute: Option<u64>,
}

/// What the members are in.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rules {
    pub(crate) union: bool,
    /// Of `#pragma pack`; 0 for none.
    pub(crate) pack: u64,
    /// Of an `aligned` attribute on the whole.
    pub(crate) attribute: Option<u64>,
    /// Bit-fields as Microsoft's compilers have them, and gcc for Windows.
    pub(crate) microsoft: bool,
    /// Bit-fields count for the alignment of a union: not to Microsoft, but to gcc for Windows.
    pub(crate) union_align: bool,
    /// Bit-fields without a name count for the alignment too (AAPCS64 10.1.8).
    pub(crate) unnamed_align: bool,
}

/// The result: bytes, but for the offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) size: u64,
    pub(crate) align: u64,
    /// In bits.
    pub(crate) offsets: Vec<u64>,
}

/// The layout; `None` if it is too large for any memory.
pub(crate) fn layout(members: &[Member], rules: Rules) -> Option<Layout> {
    let mut state = State { rules, next: 0, end: 0, align: 1, unit: None };
    let mut offsets = Vec::with_capacity(members.len());
    for member in members {
        if rules.union {
            (state.next, state.unit) = (0, None);
        }
        let offset = match member.width {
            None => state.plain(member)?,
            Some(width) if rules.microsoft => {
                let align = state.align;
                let offset = state.microsoft(member, width)?;
                if rules.union && !rules.union_align {
                    state.align = align;
                }
                offset
            }
            Some(width) => state.system_v(member, width)?,
        };
        state.end = state.end.max(state.next);
        if state.end / 8 > MAX_SIZE {
            return None;
        }
        offsets.push(offset);
    }
    let align = state.align.max(rules.attribute.unwrap_or(1));
    let size = state.end.div_ceil(8).checked_next_multiple_of(align)?;
    (size <= MAX_SIZE).then_some(Layout { size, align, offsets })
}

/// What a member is aligned to, in bytes.
pub(crate) fn align_of(member: &Member, rules: Rules) -> u64 {
    let attribute = member.attribute.unwrap_or(1);
    match (member.packed, rules.pack) {
        (true, _) => attribute,
        (false, 0) => member.align.max(attribute),
        (false, most) => member.align.max(attribute).min(most),
    }
}

struct State {
    rules: Rules,
    /// The first free bit.
    next: u64,
    end: u64,
    align: u64,
    /// Microsoft: the bits of the unit that the last bit-field is in, and how many are free.
    unit: Option<(u64, u64)>,
}

impl State {
    fn round_up(&mut self, bytes: u64) -> Option<()> {
        self.next = self.next.checked_next_multiple_of(bytes * 8)?;
        Some(())
    }

    fn plain(&mut self, member: &Member) -> Option<u64> {
        self.unit = None;
        let align = align_of(member, self.rules);
        self.align = self.align.max(align);
        self.round_up(align)?;
        let offset = self.next;
        self.next = offset.checked_add(member.size.checked_mul(8)?)?;
        Some(offset)
    }

    /// psABI 3.1.2: a bit-field lies in a unit of its type, and next to others if it fits there.
    fn system_v(&mut self, member: &Member, width: u32) -> Option<u64> {
        let (unit, width) = (member.size * 8, u64::from(width));
        let align = match (member.packed, self.rules.pack) {
            _ if width == 0 => member.align,
            (true, _) => 1,
            (false, 0) => member.align,
            (false, most) => member.align.min(most),
        };
        let tight = member.packed || self.rules.pack != 0;
        let straddles = self.next % (align * 8) + width > unit;
        if width == 0 || (straddles && !tight) {
            self.round_up(align)?;
        }
        if let Some(attribute) = member.attribute {
            self.round_up(attribute)?;
        }
        if member.named || self.rules.unnamed_align {
            self.align = self.align.max(align).max(member.attribute.unwrap_or(1));
        }
        let offset = self.next;
        self.next = offset.checked_add(width)?;
        Some(offset)
    }

    /// Microsoft: neighbours of one size share a unit as long as they fit; no unit is shared with
    /// anything else.
    fn microsoft(&mut self, member: &Member, width: u32) -> Option<u64> {
        let (bits, width) = (member.size * 8, u64::from(width));
        if width == 0 {
            // Counts only behind another bit-field.
            if self.unit.take().is_some() {
                let align = align_of(member, self.rules);
                self.align = self.align.max(align);
                self.round_up(align)?;
            }
            return Some(self.next);
        }
        match self.unit {
            Some((unit, free)) if unit == bits && free >= width => {
                // The bits used so far are at the unit's lower end.
                self.unit = Some((unit, free - width));
                Some(self.next - free)
            }
            _ => {
                let offset = self.plain(member)?;
                self.unit = Some((bits, bits - width));
                Some(offset)
            }
        }
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

    fn of(members: &[Member], rules: Rules) -> (u64, u64, Vec<u64>) {
        let layout = layout(members, rules).expect("small");
        (layout.size, layout.align, layout.offsets)
    }

    const SYSV: Rules = Rules {
        union: false,
        pack: 0,
        attribute: None,
        microsoft: false,
        union_align: true,
        unnamed_align: false,
    };
    const MICROSOFT: Rules = Rules { microsoft: true, ..SYSV };

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
        assert_eq!(of(&members, Rules { unnamed_align: true, ..SYSV }).1, 4);
    }

    #[test]
    fn a_union_takes_no_alignment_from_bits_on_windows() {
        let union = Rules { union: true, union_align: false, ..MICROSOFT };
        assert_eq!(of(&[bits(4, 5), plain(1)], union), (4, 1, alloc::vec![0, 0]));
        assert_eq!(of(&[bits(4, 5), plain(1)], Rules { union_align: true, ..union }).1, 4);
    }

    #[test]
    fn packed_bits_leave_no_gap() {
        let packed = |m| Member { packed: true, ..m };
        let members = [packed(bits(4, 30)), packed(bits(4, 30)), packed(plain(2))];
        assert_eq!(of(&members, SYSV), (10, 1, alloc::vec![0, 30, 64]));
    }

    #[test]
    fn what_no_memory_can_hold_has_no_layout() {
        let huge = Member { size: MAX_SIZE - 3, align: 1, ..Member::default() };
        assert_eq!(layout(&[huge, huge], SYSV), None);
    }
}
