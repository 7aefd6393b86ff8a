//! When two types are the same, and how they end: comparing, hashing and dropping without
//! recursion, so that depth costs no stack.

use crate::Type;
use crate::repr::Repr;
use crate::ty::{Aggregate, Field};
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

impl PartialEq for Type {
    fn eq(&self, other: &Self) -> bool {
        // A work list in place of recursion, so that depth costs no stack; the pairs already
        // seen, so that a member shared many times is looked into once.
        let mut work: Vec<(&Type, &Type)> = Vec::new();
        let mut seen = BTreeSet::new();
        let (mut left, mut right) = (self, other);
        loop {
            match (left.repr(), right.repr()) {
                (Repr::Void, Repr::Void) => {}
                (Repr::Scalar(a), Repr::Scalar(b)) if a == b => {}
                (Repr::Complex(a), Repr::Complex(b)) if a == b => {}
                (Repr::Vector(a, n), Repr::Vector(b, m)) if (a, n) == (b, m) => {}
                (Repr::Aggregate(a), Repr::Aggregate(b)) => {
                    if !core::ptr::eq(a, b)
                        && seen.insert((core::ptr::from_ref(a), core::ptr::from_ref(b)))
                    {
                        if !a.same_outside(b) {
                            return false;
                        }
                        work.extend(a.fields.iter().zip(&b.fields).map(|(f, g)| (&f.ty, &g.ty)));
                    }
                }
                _ => return false,
            }
            match work.pop() {
                Some(pair) => (left, right) = pair,
                None => return true,
            }
        }
    }
}

impl Eq for Type {}

impl Hash for Type {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.repr() {
            Repr::Void => state.write_u8(0),
            Repr::Scalar(scalar) => scalar.hash(state),
            Repr::Complex(part) => (1_u8, part).hash(state),
            Repr::Vector(element, lanes) => (2_u8, element, lanes).hash(state),
            Repr::Aggregate(aggregate) => state.write_u64(aggregate.hash),
        }
    }
}

impl Aggregate {
    /// Equal in all but the types of the members. Attributes count by what they did to the layout
    /// alone: the same struct can be declared in several ways.
    fn same_outside(&self, other: &Self) -> bool {
        self.hash == other.hash
            && (self.kind, self.count, self.size, self.align, self.natural_align)
                == (other.kind, other.count, other.size, other.align, other.natural_align)
            && self.name == other.name
            && self.fields.len() == other.fields.len()
            && self
                .fields
                .iter()
                .zip(&other.fields)
                .all(|(f, g)| (&f.name, f.offset, f.bits) == (&g.name, g.offset, g.bits))
    }

    /// The hash of all that equality compares, by FNV-1a; a member that is an aggregate adds its
    /// own.
    pub(crate) fn compute_hash(&self) -> u64 {
        let mut state = Fnv(0xcbf2_9ce4_8422_2325);
        self.kind.hash(&mut state);
        self.name.hash(&mut state);
        (self.count, self.size, self.align, self.natural_align).hash(&mut state);
        for field in &self.fields {
            (&field.name, field.offset, field.bits).hash(&mut state);
            field.ty.hash(&mut state);
        }
        state.finish()
    }
}

impl Drop for Aggregate {
    fn drop(&mut self) {
        // The members' own members would be dropped by recursion; take them apart here instead.
        let mut work: Vec<Field> = core::mem::take(&mut self.fields).into_vec();
        while let Some(field) = work.pop() {
            if let Some(shared) = field.ty.into_aggregate()
                && let Some(mut last) = Arc::into_inner(shared)
            {
                work.extend(core::mem::take(&mut last.fields).into_vec());
            }
        }
    }
}

struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
