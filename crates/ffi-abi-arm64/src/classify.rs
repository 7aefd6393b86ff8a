//! One type to the way it travels: AAPCS64 5.9.5, "Homogeneous Aggregates", and 6.8.2, stage B.

use ffi_types::{Scalar, Type, TypeKind};

/// How a value of a type is passed and returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// An integral or pointer type: in a general register.
    Integral,
    /// A floating-point type: in a SIMD and floating-point register.
    Float,
    /// A homogeneous floating-point aggregate (HFA): each member in a register of its own.
    Homogeneous {
        /// The type of all members.
        member: Scalar,
        /// How many there are: one to four.
        count: usize,
    },
    /// Any other composite type of at most 16 bytes: in consecutive general registers.
    Composite,
    /// A composite type of more than 16 bytes: as the address of a copy that the caller makes;
    /// returned in memory whose address the caller passes in x8.
    Reference,
}

/// Classifies a type that is not `void`.
///
/// ```
/// use ffi_abi_arm64::{Class, classify};
/// use ffi_types::{Scalar, Type};
/// let four = Type::structure("v").field("x", Type::array(Type::F64, 4)?).build()?;
/// assert_eq!(classify(&four), Class::Homogeneous { member: Scalar::F64, count: 4 });
/// let five = Type::structure("v").field("x", Type::array(Type::F64, 5)?).build()?;
/// assert_eq!(classify(&five), Class::Reference);
/// # Ok::<(), ffi_types::TypeValidationError>(())
/// ```
#[inline]
pub fn classify(ty: &Type) -> Class {
    match ty.kind() {
        TypeKind::Scalar(scalar) if scalar.is_float() => Class::Float,
        TypeKind::Scalar(_) => Class::Integral,
        _ => aggregate(ty),
    }
}

fn aggregate(ty: &Type) -> Class {
    match homogeneous(ty) {
        Some((member, count)) => Class::Homogeneous { member, count },
        None if ty.size() > 16 => Class::Reference,
        None => Class::Composite,
    }
}

/// The member type of a homogeneous floating-point aggregate and how many members it has.
///
/// 5.9.5.1: "a homogeneous aggregate with a Fundamental Data Type that is a Floating-Point type
/// and at most four uniquely addressable members", nested ones and the elements of arrays
/// included. Members of a union share their addresses.
fn homogeneous(ty: &Type) -> Option<(Scalar, usize)> {
    let leaves = ty.leaves();
    let member = leaves.first()?.scalar;
    let size = member.size();
    // Side by side without padding, each once.
    let uniform = |(index, leaf): (usize, &ffi_types::Leaf)| {
        leaf.scalar == member && leaf.offset as usize == index * size
    };
    let homogeneous = member.is_float()
        && leaves.len() <= 4
        && ty.size() == leaves.len() * size
        && leaves.iter().enumerate().all(uniform);
    homogeneous.then_some((member, leaves.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(builder: ffi_types::AggregateBuilder) -> Class {
        classify(&builder.build().expect("a valid type"))
    }

    fn floats(count: usize) -> Type {
        Type::array(Type::F32, count).expect("a valid array")
    }

    fn s() -> ffi_types::AggregateBuilder {
        Type::structure("s")
    }

    fn hfa(count: usize) -> Class {
        Class::Homogeneous { member: Scalar::F32, count }
    }

    #[test]
    fn one_to_four_members_are_homogeneous_and_five_are_not() {
        for count in 1..=4 {
            assert_eq!(of(s().field("a", floats(count))), hfa(count));
        }
        assert_eq!(of(s().field("a", floats(5))), Class::Reference);
    }

    #[test]
    fn nesting_arrays_and_unions_do_not_matter() {
        let pair = s().field("x", Type::F32).field("y", Type::F32).build().expect("a valid type");
        assert_eq!(of(s().field("a", pair.clone()).field("z", Type::F32)), hfa(3));
        assert_eq!(of(Type::union("u").field("p", pair.clone()).field("a", floats(3))), hfa(3));
        assert_eq!(of(s().field("a", Type::array(pair, 2).expect("a valid array"))), hfa(4));
    }

    #[test]
    fn what_only_looks_homogeneous_is_not() {
        assert_eq!(of(s().field("x", Type::F32).field("y", Type::F64)), Class::Composite);
        assert_eq!(of(s().field("x", Type::F64).field("y", Type::I64)), Class::Composite);
        assert_eq!(of(s().field("x", Type::F32).field("n", Type::I32)), Class::Composite);
        assert_eq!(
            of(Type::union("u").field("x", Type::F32).field("n", Type::I8)),
            Class::Composite
        );
        let padded = s().field("x", Type::F32).align(8);
        assert_eq!(of(padded), Class::Composite);
        let apart = s().aligned_field("x", Type::F32, 8).aligned_field("y", Type::F32, 8);
        assert_eq!(of(apart), Class::Composite);
    }

    #[test]
    fn sixteen_bytes_are_passed_and_seventeen_are_referred_to() {
        let bytes = |count| s().field("b", Type::array(Type::U8, count).expect("a valid array"));
        assert_eq!(of(bytes(16)), Class::Composite);
        assert_eq!(of(bytes(17)), Class::Reference);
    }
}
