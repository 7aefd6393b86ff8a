//! The one word that a type is: a number for what has no members, or a shared pointer to an
//! aggregate.
//!
//! One word, so that signatures are small and types are passed in registers. Numbers are odd, and
//! no address of an aggregate is.

use crate::ty::{Aggregate, Scalar};
use alloc::sync::Arc;
use core::mem::ManuallyDrop;

/// A C type.
///
/// Immutable, `Send + Sync`, and cheap to clone: a scalar, complex number or vector is a
/// constant, an aggregate is shared behind an [`Arc`]. Two types are equal when they have the same kind, tag, size, alignment and
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

/// What the word of a type points to, for those who only keep it.
#[derive(Debug)]
pub(crate) struct Shared;

/// What a type is, to be matched on.
#[derive(Clone, Copy)]
pub(crate) enum Repr<'a> {
    Void,
    Scalar(Scalar),
    Complex(Scalar),
    Vector(Scalar, u8),
    Aggregate(&'a Aggregate),
}

// A number has bit 0 set, one of these in its second byte, a scalar in the third, and the length
// of a vector in the fourth.
const VOID: usize = 0x001;
const SCALAR: usize = 0x101;
const COMPLEX: usize = 0x201;
const VECTOR: usize = 0x301;

const _: () = assert!(align_of::<Aggregate>() > 1 && size_of::<usize>() >= 4);

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
        Type::numbered(SCALAR, scalar, 0)
    }

    pub(crate) const fn complex_of(part: Scalar) -> Type {
        Type::numbered(COMPLEX, part, 0)
    }

    pub(crate) const fn vector_of(element: Scalar, lanes: u8) -> Type {
        Type::numbered(VECTOR, element, lanes)
    }

    const fn numbered(kind: usize, scalar: Scalar, lanes: u8) -> Type {
        let number = kind | (scalar as usize) << 16 | (lanes as usize) << 24;
        Type(core::ptr::without_provenance(number))
    }

    /// The word, whose share is then the receiver's.
    pub(crate) fn into_raw(self) -> *mut Shared {
        ManuallyDrop::new(self).0.cast::<Shared>().cast_mut()
    }

    /// # Safety
    /// The word is from [`into_raw`](Self::into_raw), and its share has no other owner.
    pub(crate) unsafe fn from_raw(word: *mut Shared) -> Type {
        Type(word.cast())
    }

    /// Another share of the same type.
    ///
    /// # Safety
    /// The word is from [`into_raw`](Self::into_raw), and its share is still owned by somebody.
    pub(crate) unsafe fn share_raw(word: *mut Shared) -> Type {
        Type::clone(&ManuallyDrop::new(Type(word.cast())))
    }

    pub(crate) fn aggregate(aggregate: Aggregate) -> Type {
        Type(Arc::into_raw(Arc::new(aggregate)))
    }

    #[inline]
    pub(crate) fn repr(&self) -> Repr<'_> {
        let number = self.0.addr();
        if number & 1 == 0 {
            // SAFETY: what is no number came from `Arc::into_raw`, and this type owns a share.
            return Repr::Aggregate(unsafe { &*self.0 });
        }
        let scalar = Scalar::ALL[(number >> 16) & 0xff];
        match number & 0xffff {
            SCALAR => Repr::Scalar(scalar),
            COMPLEX => Repr::Complex(scalar),
            VECTOR => Repr::Vector(scalar, (number >> 24) as u8),
            _ => Repr::Void,
        }
    }

    #[inline]
    fn is_number(&self) -> bool {
        self.0.addr() & 1 == 1
    }

    /// Whether it is a scalar; cheaper to ask than which one.
    #[inline]
    pub(crate) fn is_scalar(&self) -> bool {
        self.0.addr() & 0xffff == SCALAR && self.is_number()
    }

    /// The share of the aggregate that this type owns, if it is one.
    pub(crate) fn into_aggregate(self) -> Option<Arc<Aggregate>> {
        let this = ManuallyDrop::new(self);
        // SAFETY: the pointer came from `Arc::into_raw`; its share is handed on, as this type is
        // not dropped.
        (!this.is_number()).then(|| unsafe { Arc::from_raw(this.0) })
    }
}

impl Clone for Type {
    #[inline]
    fn clone(&self) -> Self {
        if !self.is_number() {
            // SAFETY: the pointer came from `Arc::into_raw`, and this type owns a share.
            unsafe { Arc::increment_strong_count(self.0) };
        }
        Self(self.0)
    }
}

impl Drop for Type {
    #[inline]
    fn drop(&mut self) {
        if !self.is_number() {
            // SAFETY: as above; this is the end of that share.
            unsafe { Arc::decrement_strong_count(self.0) };
        }
    }
}
