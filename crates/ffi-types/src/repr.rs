//! The one word that a type is: a small number for a scalar, or a shared pointer to an aggregate.
//!
//! One word, so that signatures are small and types are passed in registers; the numbers are
//! below any address that an allocation can have.

use crate::ty::{Aggregate, Scalar};
use alloc::sync::Arc;
use core::mem::ManuallyDrop;

/// A C type.
///
/// Immutable, `Send + Sync`, and cheap to clone: a scalar is a constant, an aggregate is shared
/// behind an [`Arc`]. Two types are equal when they have the same kind, tag, size, alignment and
/// natural alignment, and the same members: their names, offsets and types. How the layout came
/// about, by attributes or by being stated, makes no difference.
/// A struct can only be made of finished types, so none can contain itself by value:
///
/// ```compile_fail
/// use ffi_types::Type;
/// let node = Type::structure("node").field("next", node).build();
/// ```
///
/// Types nest to any depth: nothing here recurses over the nesting.
pub struct Type(*const Aggregate);

/// What a type is, to be matched on.
#[derive(Clone, Copy)]
pub(crate) enum Repr<'a> {
    Void,
    Scalar(Scalar),
    Aggregate(&'a Aggregate),
}

/// The number of `void`; a scalar's is one more than its discriminant.
const VOID: usize = 0;
/// The first number that is none.
const NUMBERS: usize = Scalar::ALL.len() + 1;

// An `Arc`'s pointee lies behind its counters, so its address is above all numbers.
const _: () = assert!(NUMBERS < 2 * size_of::<usize>());

// The discriminant of each scalar is its index.
const _: () = {
    let mut index = 0;
    while index < Scalar::ALL.len() {
        assert!(Scalar::ALL[index] as usize == index);
        index += 1;
    }
};

// SAFETY: an aggregate is immutable, and shared by an `Arc`, whose counters are atomic.
unsafe impl Send for Type {}
// SAFETY: as above.
unsafe impl Sync for Type {}

impl Type {
    /// `void`.
    pub const VOID: Type = Type(core::ptr::without_provenance(VOID));

    /// The type of a scalar.
    #[inline]
    pub const fn scalar(scalar: Scalar) -> Type {
        Type(core::ptr::without_provenance(scalar as usize + 1))
    }

    pub(crate) fn aggregate(aggregate: Aggregate) -> Type {
        Type(Arc::into_raw(Arc::new(aggregate)))
    }

    #[inline]
    pub(crate) fn repr(&self) -> Repr<'_> {
        match self.0.addr() {
            VOID => Repr::Void,
            number @ 1..NUMBERS => Repr::Scalar(Scalar::ALL[number - 1]),
            // SAFETY: what is no number came from `Arc::into_raw`, and this type owns a share.
            _ => Repr::Aggregate(unsafe { &*self.0 }),
        }
    }

    /// Whether it is a scalar; cheaper to ask than which one.
    #[inline]
    pub(crate) fn is_scalar(&self) -> bool {
        (1..NUMBERS).contains(&self.0.addr())
    }

    /// The share of the aggregate that this type owns, if it is one.
    pub(crate) fn into_aggregate(self) -> Option<Arc<Aggregate>> {
        let this = ManuallyDrop::new(self);
        // SAFETY: the pointer came from `Arc::into_raw`; its share is handed on, as this type is
        // not dropped.
        (this.0.addr() >= NUMBERS).then(|| unsafe { Arc::from_raw(this.0) })
    }
}

impl Clone for Type {
    #[inline]
    fn clone(&self) -> Self {
        if self.0.addr() >= NUMBERS {
            // SAFETY: the pointer came from `Arc::into_raw`, and this type owns a share.
            unsafe { Arc::increment_strong_count(self.0) };
        }
        Self(self.0)
    }
}

impl Drop for Type {
    #[inline]
    fn drop(&mut self) {
        if self.0.addr() >= NUMBERS {
            // SAFETY: as above; this is the end of that share.
            unsafe { Arc::decrement_strong_count(self.0) };
        }
    }
}
