//! Any bytes as a function's type. Where they end, everything is the first of its kind.

use super::layout::{of, scalar};
use super::{Function, Member, Record, Stated, Ty, is_floating, round_up};
use ffi_abi_sysv::ffi_types::{Aapcs64, Convention, Scalar, Win64};

pub(crate) const CONVENTIONS: [Convention; 6] = [
    Convention::SysV,
    Convention::Win64(Win64::Msvc),
    Convention::Win64(Win64::Gnu),
    Convention::Aapcs64(Aapcs64::Standard),
    Convention::Aapcs64(Aapcs64::Apple),
    Convention::Aapcs64(Aapcs64::Windows),
];

const MAX_DEPTH: usize = 3;
const MAX_ARGUMENTS: usize = 24;
/// What arrays are made of has no more bytes.
const MAX_ELEMENT: usize = 64;

#[derive(Debug)]
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl Bytes<'_> {
    pub(crate) fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    /// At most 256.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        usize::from(self.byte()) % count
    }

    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    pub(crate) fn function(&mut self) -> Function {
        let convention = self.one_of(&CONVENTIONS);
        let variadic = self.below(4) == 1;
        let result = (self.below(4) != 0).then(|| self.ty(convention, 0));
        let count = self.below(MAX_ARGUMENTS + 1);
        let mut arguments: Vec<Ty> = (0..count).map(|_| self.ty(convention, 0)).collect();
        let named = variadic.then(|| self.below(count + 1));
        for ty in arguments.iter_mut().skip(named.unwrap_or(count)) {
            // C17 6.5.2.2: "default argument promotions".
            if let Ty::Scalar(it) = ty {
                *it = match *it {
                    Scalar::F32 => Scalar::F64,
                    it if !is_floating(it) && scalar(it) < 4 => Scalar::I32,
                    it => it,
                };
            }
        }
        Function { convention, result, arguments, named }
    }

    /// One that a value can be of at depth 0, and a member below that.
    pub(crate) fn ty(&mut self, platform: Convention, depth: usize) -> Ty {
        match self.below(16) {
            8 => Ty::Complex(self.one_of(&COMPLEX)),
            9 => {
                let (part, size) = (self.one_of(&ELEMENTS), 8 << self.below(4));
                Ty::Vector(part, size / scalar(part))
            }
            10 if depth == 0 => Ty::Empty(self.below(2)),
            10 | 11 if depth > 0 => {
                let element = self.ty(platform, depth + 1);
                let most = MAX_ELEMENT / of(&element, platform).size;
                Ty::Array(Box::new(element), 1 + self.below(5).min(most))
            }
            11..=15 if depth < MAX_DEPTH => Ty::Record(self.record(platform, depth)),
            6 | 7 => Ty::Scalar(self.one_of(&[Scalar::F32, Scalar::F64])),
            _ => Ty::Scalar(self.one_of(&Scalar::ALL)),
        }
    }

    fn record(&mut self, platform: Convention, depth: usize) -> Record {
        let union = self.below(4) == 1;
        let (mut packed, mut pragma, mut align) = (false, None, None);
        match self.below(16) {
            1 => packed = true,
            2 => pragma = Some(1 << self.below(5)),
            3 => align = Some(1 << self.below(8)),
            _ => {}
        }
        let odd = union || packed || pragma.is_some();
        let bits = self.below(4) == 1 && !(platform == Convention::Win64(Win64::Gnu) && odd);
        let count = 1 + self.below(5);
        let member = |_| match self.below(4) {
            0 if bits => {
                let ty = self.one_of(&INTEGERS);
                let most = if ty == Scalar::Bool { 1 } else { 8 * scalar(ty) };
                let named = self.below(4) != 1;
                let width = self.below(most + 1).max(usize::from(named));
                Member { ty: Ty::Scalar(ty), align: None, width: Some(width), named }
            }
            choice => {
                let ty = self.ty(platform, depth + 1);
                let align = (choice == 3 && !bits).then(|| 1 << self.below(6));
                Member { ty, align: align.filter(|&align| align > 1), width: None, named: true }
            }
        };
        let mut members: Vec<Member> = (0..count).map(member).collect();
        // C has no struct of these alone.
        if members.iter().all(|member| !member.named) {
            members[0] =
                Member { ty: Ty::Scalar(Scalar::U8), align: None, width: None, named: true };
        }
        let plain = members.iter().all(|member| member.width.is_none() && member.align.is_none());
        let stated = (self.below(16) == 1 && plain && !packed && pragma.is_none())
            .then(|| self.stated(platform, union, &members));
        let align = align.filter(|_| stated.is_none());
        Record { union, members, packed, pragma, align, stated }
    }

    /// Members in order, with gaps, and not always where they are aligned.
    fn stated(&mut self, platform: Convention, union: bool, members: &[Member]) -> Stated {
        let (mut end, mut offsets, align) = (0, Vec::new(), 1 << self.below(6));
        for member in members {
            let layout = of(&member.ty, platform);
            let offset = match self.below(8) {
                _ if union => 0,
                gap @ 1..=3 => end + gap,
                4 => end,
                _ => round_up(end, layout.align),
            };
            end = end.max(offset + layout.size);
            offsets.push(offset);
        }
        Stated { offsets, size: round_up(end, align), align }
    }
}

const COMPLEX: [Scalar; 5] = [Scalar::F32, Scalar::F64, Scalar::F16, Scalar::F80, Scalar::F128];

const ELEMENTS: [Scalar; 12] = [
    Scalar::F32,
    Scalar::F64,
    Scalar::I8,
    Scalar::U8,
    Scalar::I16,
    Scalar::U16,
    Scalar::I32,
    Scalar::U32,
    Scalar::I64,
    Scalar::U64,
    Scalar::F16,
    Scalar::BF16,
];

const INTEGERS: [Scalar; 9] = [
    Scalar::U32,
    Scalar::Bool,
    Scalar::I8,
    Scalar::U8,
    Scalar::I16,
    Scalar::U16,
    Scalar::I32,
    Scalar::I64,
    Scalar::U64,
];
