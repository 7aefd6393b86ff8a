//! One type to its classes: SysV psABI 3.2.3, "Classification".

use ffi_types::{Scalar, Type, TypeKind};

/// The class of an eightbyte, in the psABI's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Padding, and empty.
    NoClass,
    /// Integers and pointers.
    Integer,
    /// What fits in a vector register.
    Sse,
    /// The following eightbytes of a vector register.
    SseUp,
    /// The 64-bit mantissa of an 80-bit `long double`.
    X87,
    /// Its exponent and padding.
    X87Up,
    /// A `_Complex long double`.
    ComplexX87,
    /// In memory, by way of the stack.
    Memory,
}

impl Class {
    /// Two fields share an eightbyte: psABI 3.2.3, rule 4 of the classification of aggregates.
    fn merge(self, other: Class) -> Class {
        use Class::*;
        match (self, other) {
            (a, b) if a == b => a,                                                   // (a)
            (NoClass, c) | (c, NoClass) => c,                                        // (b)
            (Memory, _) | (_, Memory) => Memory,                                     // (c)
            (Integer, _) | (_, Integer) => Integer,                                  // (d)
            (X87 | X87Up | ComplexX87, _) | (_, X87 | X87Up | ComplexX87) => Memory, // (e)
            _ => Sse,                                                                // (f)
        }
    }

    #[inline]
    pub(crate) const fn of_scalar(scalar: Scalar) -> Class {
        if scalar.is_float() { Class::Sse } else { Class::Integer }
    }
}

/// The classes of a type's eightbytes, one or two of them, or MEMORY for the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Classes {
    /// In registers, if there are enough; the second is [`Class::NoClass`] in types of up to
    /// 8 bytes.
    Eightbytes([Class; 2]),
    /// On the stack, or returned through a hidden pointer.
    Memory,
}

/// Classifies a type that is not `void`.
///
/// ```
/// use ffi_abi_sysv::{Class, Classes, classify};
/// use ffi_types::Type;
/// // Twelve bytes: the floats x and y share the first eightbyte, z has the second to itself.
/// let v = Type::structure("v").field("x", Type::F32).field("y", Type::F32).field("z", Type::F32);
/// assert_eq!(classify(&v.build()?), Classes::Eightbytes([Class::Sse, Class::Sse]));
/// # Ok::<(), ffi_types::TypeValidationError>(())
/// ```
pub fn classify(ty: &Type) -> Classes {
    if let TypeKind::Scalar(scalar) = ty.kind() {
        return Classes::Eightbytes([Class::of_scalar(scalar), Class::NoClass]);
    }
    // Rule 1 lets an aggregate of up to eight eightbytes through for the sake of vectors; without
    // those, the post-merger clean-up (5c) puts all above two eightbytes in memory.
    if ty.size() > 16 {
        return Classes::Memory;
    }
    let mut classes = [Class::NoClass; 2];
    for leaf in ty.leaves() {
        let offset = leaf.offset as usize;
        // Rule 1: "or it contains unaligned fields". A packed struct whose fields happen to be
        // aligned is classified as any other.
        if offset & (leaf.scalar.size() - 1) != 0 {
            return Classes::Memory;
        }
        let eightbyte = &mut classes[offset / 8];
        *eightbyte = eightbyte.merge(Class::of_scalar(leaf.scalar));
    }
    clean_up(classes)
}

/// Rule 5 of the classification of aggregates: the post-merger clean-up.
fn clean_up(mut classes: [Class; 2]) -> Classes {
    if classes.contains(&Class::Memory) {
        return Classes::Memory; // (a)
    }
    if classes[0] == Class::X87Up || (classes[1] == Class::X87Up && classes[0] != Class::X87) {
        return Classes::Memory; // (b)
    }
    if classes[0] == Class::SseUp {
        classes[0] = Class::Sse; // (d)
    }
    if classes[1] == Class::SseUp && classes[0] != Class::Sse {
        classes[1] = Class::Sse; // (d)
    }
    Classes::Eightbytes(classes)
}

#[cfg(test)]
mod tests {
    use super::Class::{Integer, Memory, NoClass, Sse, SseUp, X87, X87Up};
    use super::*;

    fn of(builder: ffi_types::AggregateBuilder) -> Classes {
        classify(&builder.build().expect("a valid type"))
    }

    fn s() -> ffi_types::AggregateBuilder {
        Type::structure("s")
    }

    #[test]
    fn an_integer_beside_a_float_makes_the_eightbyte_integer() {
        let mixed = s().field("i", Type::I32).field("f", Type::F32);
        assert_eq!(of(mixed), Classes::Eightbytes([Integer, NoClass]));
        let apart = s().field("f", Type::F64).field("c", Type::I8);
        assert_eq!(of(apart), Classes::Eightbytes([Sse, Integer]));
    }

    #[test]
    fn a_union_merges_what_overlaps() {
        let u = Type::union("u").field("d", Type::F64).field("c", Type::I8);
        assert_eq!(of(u), Classes::Eightbytes([Integer, NoClass]));
        let f = Type::union("u").field("d", Type::F64).field("f", Type::F32);
        assert_eq!(of(f), Classes::Eightbytes([Sse, NoClass]));
    }

    #[test]
    fn unaligned_fields_go_to_memory_and_aligned_packed_ones_do_not() {
        assert_eq!(of(s().field("c", Type::I8).field("d", Type::F64).packed()), Classes::Memory);
        assert_eq!(of(s().field("c", Type::I8).field("i", Type::I32).packed()), Classes::Memory);
        let aligned = s().field("d", Type::F64).field("c", Type::I8).packed();
        assert_eq!(of(aligned), Classes::Eightbytes([Sse, Integer]));
    }

    #[test]
    fn more_than_two_eightbytes_go_to_memory() {
        let bytes = Type::array(Type::I8, 17).expect("a valid array");
        assert_eq!(of(s().field("b", bytes)), Classes::Memory);
    }

    #[test]
    fn merging_follows_the_order_of_the_rules() {
        assert_eq!(Sse.merge(Integer), Integer);
        assert_eq!(Integer.merge(Memory), Memory);
        assert_eq!(X87.merge(Integer), Integer);
        assert_eq!(X87.merge(Sse), Memory);
        assert_eq!(Sse.merge(SseUp), Sse);
        assert_eq!(NoClass.merge(X87), X87);
    }

    #[test]
    fn clean_up_mends_or_rejects_what_lost_its_first_half() {
        assert_eq!(clean_up([Integer, X87Up]), Classes::Memory);
        assert_eq!(clean_up([X87, X87Up]), Classes::Eightbytes([X87, X87Up]));
        assert_eq!(clean_up([Integer, SseUp]), Classes::Eightbytes([Integer, Sse]));
        assert_eq!(clean_up([Sse, SseUp]), Classes::Eightbytes([Sse, SseUp]));
    }
}
