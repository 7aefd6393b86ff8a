//! One type to the way it travels: AAPCS64 5.9.5, "Homogeneous Aggregates", and 6.8.2, stage B.

use alloc::collections::BTreeSet;
use alloc::vec;
use ffi_types::{Aapcs64, Fundamental, Parts, Type, TypeKind};

/// How a value of a type is passed and returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// An integral or pointer type: in a general register, or two for `__int128`.
    Integral,
    /// A floating-point type or short vector: in a SIMD and floating-point register.
    Float,
    /// A homogeneous floating-point or short-vector aggregate (HFA, HVA), a complex number among
    /// them: each member in a register of its own.
    Homogeneous {
        /// The type of all members.
        member: Fundamental,
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
/// use ffi_types::{Fundamental, Scalar, Type};
/// let four = Type::structure("v").field("x", Type::array(Type::F64, 4)?).build()?;
/// let member = Fundamental::Scalar(Scalar::F64);
/// assert_eq!(classify(&four), Class::Homogeneous { member, count: 4 });
/// let five = Type::structure("v").field("x", Type::array(Type::F64, 5)?).build()?;
/// assert_eq!(classify(&five), Class::Reference);
/// # Ok::<(), ffi_types::TypeValidationError>(())
/// ```
#[inline]
pub fn classify(ty: &Type) -> Class {
    match ty.kind() {
        TypeKind::Scalar(scalar) if scalar.is_float() => Class::Float,
        TypeKind::Scalar(_) => Class::Integral,
        TypeKind::Vector { .. } => Class::Float,
        // 5.9.5.1: "Complex types are HFAs of two".
        TypeKind::Complex(part) => {
            Class::Homogeneous { member: Fundamental::Scalar(part), count: 2 }
        }
        _ => aggregate(ty),
    }
}

/// What the ABI's C has in place of a type that it does not have.
pub(crate) fn missing(variant: Aapcs64, ty: &Type) -> Option<&'static str> {
    let parts = ty.parts();
    let is_windows_or_apple = variant != Aapcs64::Standard;
    if parts.contains(Parts::F80) {
        return Some("the 80-bit format is x87's, which is no part of this processor");
    }
    if parts.contains(Parts::F128) && is_windows_or_apple {
        return Some("`long double` is `double` there, and binary128 is not supported");
    }
    if parts.intersects(Parts::VECTOR_32 | Parts::VECTOR_64) {
        return Some("a short vector has 8 or 16 bytes (AAPCS64 5.6.2)");
    }
    None
}

fn aggregate(ty: &Type) -> Class {
    match homogeneous(ty) {
        Some((member, count)) => Class::Homogeneous { member, count },
        None if ty.size() > 16 => Class::Reference,
        None => Class::Composite,
    }
}

/// The member type of a homogeneous aggregate and how many members it has.
///
/// 5.9.5.1: "a homogeneous aggregate with a Fundamental Data Type that is a Floating-Point type
/// and at most four uniquely addressable members", nested ones and the elements of arrays
/// included; 5.9.5.2: the same with short vectors of one size. Members of a union share their
/// addresses.
///
/// There is no padding in any of those that are nested either: where a union has members in the
/// place of another's padding, gcc and clang take it for no homogeneous aggregate.
fn homogeneous(ty: &Type) -> Option<(Fundamental, usize)> {
    let found = flat(ty)?;
    let (mut work, mut known) = (vec![ty], BTreeSet::new());
    while let Some(ty) = work.pop() {
        for field in ty.fields() {
            let mut inner = field.ty();
            while let Some((element, _)) = inner.array_parts() {
                inner = element;
            }
            if inner.fields().is_empty() {
                continue;
            }
            flat(inner)?;
            if known.insert(inner.fields().as_ptr()) {
                work.push(inner);
            }
        }
    }
    Some(found)
}

/// As if all that is inside were members of one struct.
fn flat(ty: &Type) -> Option<(Fundamental, usize)> {
    let leaves = ty.leaves();
    let member = leaves.first()?.what;
    let size = member.size();
    // Side by side without padding, each once.
    let uniform = |(index, leaf): (usize, &ffi_types::Leaf)| {
        leaf.what == member && leaf.offset as usize == index * size
    };
    let is_one = match member {
        Fundamental::Scalar(scalar) => scalar.is_float(),
        Fundamental::Vector(_) => true,
        // A bit-field without a name is a member of its type all the same.
        Fundamental::Padding => false,
    };
    let homogeneous = is_one
        && leaves.len() <= 4
        && ty.size() == leaves.len() * size
        && leaves.iter().enumerate().all(uniform);
    homogeneous.then_some((member, leaves.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ffi_types::Scalar;

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
        Class::Homogeneous { member: Fundamental::Scalar(Scalar::F32), count }
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
    fn padding_in_a_union_is_padding_whatever_is_beside_it() {
        let apart = s().field("x", Type::F32).aligned_field("y", Type::F32, 8);
        let apart = apart.build().expect("a valid type");
        let u = || Type::union("u").field("a", floats(4));
        assert_eq!(of(u().field("b", apart.clone())), Class::Composite);
        let within = s().field("i", apart).build().expect("a valid type");
        assert_eq!(of(u().field("b", within)), Class::Composite);
        let pair = s().field("x", Type::F32).field("y", Type::F32).build().expect("a valid type");
        assert_eq!(of(u().field("b", pair)), hfa(4));
    }

    #[test]
    fn sixteen_bytes_are_passed_and_seventeen_are_referred_to() {
        let bytes = |count| s().field("b", Type::array(Type::U8, count).expect("a valid array"));
        assert_eq!(of(bytes(16)), Class::Composite);
        assert_eq!(of(bytes(17)), Class::Reference);
    }

    #[test]
    fn vectors_of_one_size_are_homogeneous_whatever_they_are_made_of() {
        let v = |scalar: Scalar, size: usize| {
            Type::vector(scalar, size / scalar.size()).expect("a vector")
        };
        let four = v(Scalar::F32, 16);
        assert_eq!(classify(&four), Class::Float);
        let hva = |count| Class::Homogeneous { member: Fundamental::Vector(16), count };
        assert_eq!(of(s().field("a", four.clone())), hva(1));
        let mixed = s().field("a", four.clone()).field("b", v(Scalar::I8, 16));
        assert_eq!(of(mixed.field("c", four.clone()).field("d", four.clone())), hva(4));
        let sizes = s().field("a", v(Scalar::F32, 8)).field("b", four);
        assert_eq!(of(sizes), Class::Reference);
        assert_eq!(of(s().field("a", v(Scalar::F32, 8)).field("b", Type::F64)), Class::Composite);
    }

    #[test]
    fn complex_numbers_are_pairs_and_long_double_makes_hfas() {
        let pair = |scalar| Class::Homogeneous { member: Fundamental::Scalar(scalar), count: 2 };
        for scalar in [Scalar::F16, Scalar::F32, Scalar::F64, Scalar::F128] {
            assert_eq!(classify(&Type::complex(scalar).expect("complex")), pair(scalar));
        }
        let inside = s().field("z", Type::COMPLEX_F64);
        assert_eq!(of(inside), pair(Scalar::F64));
        let four = Type::array(Type::F128, 4).expect("an array");
        let member = Fundamental::Scalar(Scalar::F128);
        assert_eq!(of(s().field("a", four)), Class::Homogeneous { member, count: 4 });
        assert_eq!(of(s().field("x", Type::F128).field("n", Type::I64)), Class::Reference);
    }

    #[test]
    fn bit_fields_are_no_floats() {
        let bits = s().field("x", Type::F32).bit_field("b", Type::U32, 32);
        assert_eq!(of(bits), Class::Composite);
        let padding = Type::union("u").bit_field("", Type::U8, 7).field("x", Type::F32);
        assert_eq!(of(padding), Class::Composite);
        let nothing = s().field("x", Type::F32).bit_field("", Type::U8, 0).field("y", Type::F32);
        assert_eq!(of(nothing), hfa(2));
    }
}
