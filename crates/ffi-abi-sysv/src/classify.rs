//! One type to its classes: SysV psABI 3.2.3, "Classification".

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec;
use ffi_types::{Field, Fundamental, Parts, Scalar, Type, TypeKind};

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

    /// The class of a scalar's first eightbyte.
    #[inline]
    pub(crate) const fn of_scalar(scalar: Scalar) -> Class {
        match scalar {
            Scalar::F80 => Class::X87,
            scalar if scalar.is_float() => Class::Sse,
            _ => Class::Integer,
        }
    }

    /// The class of the eightbytes behind the first.
    const fn of_the_rest(what: Fundamental) -> Class {
        match what {
            Fundamental::Scalar(Scalar::F80) => Class::X87Up,
            Fundamental::Scalar(Scalar::F128) | Fundamental::Vector(_) => Class::SseUp,
            Fundamental::Scalar(_) => Class::Integer,
            Fundamental::Padding => Class::NoClass,
        }
    }
}

/// The most eightbytes that are looked into: those of a vector of 64 bytes.
pub(crate) const MAX_EIGHTBYTES: usize = 8;

/// The classes of a type's eightbytes, or MEMORY for the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Classes {
    /// In registers, if there are enough. Behind the end of the type there is [`Class::NoClass`];
    /// that of an empty type is all there is.
    Eightbytes([Class; MAX_EIGHTBYTES]),
    /// On the stack, or returned through a hidden pointer.
    Memory,
}

impl Classes {
    /// The eightbytes of these classes, with nothing behind them; at most eight.
    pub fn of(first: &[Class]) -> Classes {
        let mut classes = [Class::NoClass; MAX_EIGHTBYTES];
        for (class, first) in classes.iter_mut().zip(first) {
            *class = *first;
        }
        Classes::Eightbytes(classes)
    }
}

/// Classifies a type that is not `void`.
///
/// ```
/// use ffi_abi_sysv::{Class, Classes, classify};
/// use ffi_types::Type;
/// // Twelve bytes: the floats x and y share the first eightbyte, z has the second to itself.
/// let v = Type::structure("v").field("x", Type::F32).field("y", Type::F32).field("z", Type::F32);
/// assert_eq!(classify(&v.build()?), Classes::of(&[Class::Sse, Class::Sse]));
/// # Ok::<(), ffi_types::TypeValidationError>(())
/// ```
pub fn classify(ty: &Type) -> Classes {
    let mut classes = [Class::NoClass; MAX_EIGHTBYTES];
    match ty.kind() {
        TypeKind::Scalar(scalar) => merge(&mut classes, 0, Fundamental::Scalar(scalar)),
        TypeKind::Vector { .. } => merge(&mut classes, 0, Fundamental::Vector(ty.size() as u8)),
        // "Arguments of complex T where T is one of the types float or double" are treated as a
        // struct of two; `long double` has a class of its own.
        TypeKind::Complex(Scalar::F80) => return Classes::of(&[Class::ComplexX87]),
        TypeKind::Complex(part) => {
            merge(&mut classes, 0, Fundamental::Scalar(part));
            merge(&mut classes, part.size(), Fundamental::Scalar(part));
        }
        // Rule 1: "If the size of an object is larger than eight eightbytes, or it contains
        // unaligned fields". A packed struct whose fields happen to be aligned is classified as
        // any other.
        _ if ty.size() > 8 * MAX_EIGHTBYTES || ty.has_unaligned_member() => return Classes::Memory,
        // Merging X87 with others depends on their order, so that is kept.
        _ if ty.parts().contains(Parts::F80) => return in_order(ty),
        _ if ty.size() > 16 && has_memory_inside(ty) => return Classes::Memory,
        _ => return flat(ty),
    }
    clean_up(classes, ty.size())
}

/// Rules 2 to 5 for all that is inside at once: without X87 the order makes no difference.
fn flat(ty: &Type) -> Classes {
    let mut classes = [Class::NoClass; MAX_EIGHTBYTES];
    for leaf in ty.leaves() {
        merge(&mut classes, leaf.offset as usize, leaf.what);
    }
    clean_up(classes, ty.size())
}

/// Whether an aggregate that lies in a vector's eightbytes beside it (in a union) would be in memory
/// by itself, being too large: "each field of an object is classified recursively".
fn has_memory_inside(ty: &Type) -> bool {
    let (mut work, mut known) = (vec![ty], BTreeSet::new());
    while let Some(ty) = work.pop() {
        for field in ty.fields() {
            let mut inner = field.ty();
            while let Some((element, _)) = inner.array_parts() {
                inner = element;
            }
            if inner.size() <= 16 || inner.fields().is_empty() {
                continue;
            }
            if flat(inner) == Classes::Memory {
                return true;
            }
            if known.insert(inner.fields().as_ptr()) {
                work.push(inner);
            }
        }
    }
    false
}

/// Rules 2 to 5 for an aggregate with a `long double` in it: field by field, "each field of an object
/// is classified recursively". A stack stands in for the recursion, and what is shared is classified
/// once.
fn in_order(ty: &Type) -> Classes {
    if ty.size() > 16 {
        return Classes::Memory; // (c)
    }
    let mut known: BTreeMap<*const Field, Classes> = BTreeMap::new();
    let mut work = vec![(ty, false)];
    while let Some((ty, ready)) = work.pop() {
        let fields = ty.fields();
        if known.contains_key(&fields.as_ptr()) {
            continue;
        }
        if !ready {
            work.push((ty, true));
            work.extend(
                fields.iter().map(|f| element(f.ty())).filter(has_x87).map(|ty| (ty, false)),
            );
            continue;
        }
        let mut classes = [Class::NoClass; MAX_EIGHTBYTES];
        for field in fields {
            let (inner, base) = (element(field.ty()), field.offset());
            match known.get(&inner.fields().as_ptr()).filter(|_| has_x87(&inner)) {
                Some(Classes::Eightbytes(inner)) => {
                    // It has 16 bytes, and so is at the start.
                    for (class, inner) in classes.iter_mut().zip(inner) {
                        *class = class.merge(*inner);
                    }
                }
                Some(Classes::Memory) => classes[0] = Class::Memory,
                None => merge_field(&mut classes, field, inner, base),
            }
        }
        known.insert(fields.as_ptr(), clean_up(classes, ty.size()));
    }
    known.remove(&ty.fields().as_ptr()).unwrap_or(Classes::Memory)
}

/// What an array is made of: one that has a `long double` in it and 16 bytes has one element.
fn element(mut ty: &Type) -> &Type {
    while let Some((element, 1)) = ty.array_parts() {
        ty = element;
    }
    ty
}

fn has_x87(ty: &&Type) -> bool {
    !ty.fields().is_empty() && ty.parts().contains(Parts::F80)
}

/// A field without members that are to be looked at one by one.
fn merge_field(classes: &mut [Class; MAX_EIGHTBYTES], field: &Field, ty: &Type, base: usize) {
    if let Some(width) = field.bit_width() {
        if !field.name().is_empty() {
            let end = field.bit_offset() + width as usize;
            for eightbyte in &mut classes[field.bit_offset() / 64..end.div_ceil(64)] {
                *eightbyte = eightbyte.merge(Class::Integer);
            }
        }
        return;
    }
    if let Some(scalar) = ty.as_scalar() {
        merge(classes, base, Fundamental::Scalar(scalar));
    }
    match (ty.kind(), ty.elements()) {
        (TypeKind::Vector { .. }, _) => {
            merge(classes, base, Fundamental::Vector(ty.size() as u8));
        }
        (_, Some((part, count))) => {
            for index in 0..count {
                merge(classes, base + index * part.size(), Fundamental::Scalar(part));
            }
        }
        _ => {
            // First what is inside, by itself.
            let mut inner = [Class::NoClass; MAX_EIGHTBYTES];
            for leaf in ty.leaves() {
                merge(&mut inner, base + leaf.offset as usize, leaf.what);
            }
            for (class, inner) in classes.iter_mut().zip(inner) {
                *class = class.merge(inner);
            }
        }
    }
}

/// Rules 3 and 4: merges what lies at an offset into the classes of its eightbytes.
fn merge(classes: &mut [Class; MAX_EIGHTBYTES], offset: usize, what: Fundamental) {
    let first = match what {
        Fundamental::Scalar(scalar) => Class::of_scalar(scalar),
        Fundamental::Vector(_) => Class::Sse,
        // "NO_CLASS ... will be used for padding".
        Fundamental::Padding => Class::NoClass,
    };
    if what.size() <= 8 {
        // It is aligned, so in one eightbyte.
        return classes[offset / 8] = classes[offset / 8].merge(first);
    }
    let all = &mut classes[offset / 8..(offset + what.size()).div_ceil(8)];
    for (index, eightbyte) in all.iter_mut().enumerate() {
        let class = if index == 0 { first } else { Class::of_the_rest(what) };
        *eightbyte = eightbyte.merge(class);
    }
}

/// Rule 5 of the classification of aggregates: the post-merger clean-up.
fn clean_up(mut classes: [Class; MAX_EIGHTBYTES], size: usize) -> Classes {
    use Class::{Memory, NoClass, Sse, SseUp, X87, X87Up};
    let classes_of_it = &mut classes[..eightbytes(size)];
    let up = |class: &Class| *class == SseUp;
    if size > 16 && (classes_of_it[0] != Sse || !classes_of_it[1..].iter().all(up)) {
        return Classes::Memory; // (c)
    }
    let mut before = NoClass;
    for class in classes_of_it {
        *class = match (*class, before) {
            (Memory, _) => return Classes::Memory, // (a)
            (X87Up, X87) => X87Up,
            (X87Up, _) => return Classes::Memory, // (b)
            (SseUp, Sse | SseUp) => SseUp,
            (SseUp, _) => Sse, // (d)
            (class, _) => class,
        };
        before = *class;
    }
    Classes::Eightbytes(classes)
}

/// How many eightbytes are looked at: those of the type, and one if it is empty.
pub(crate) fn eightbytes(size: usize) -> usize {
    size.div_ceil(8).clamp(1, MAX_EIGHTBYTES)
}

#[cfg(test)]
mod tests {
    use super::Class::{Integer, Memory, NoClass, Sse, SseUp, X87, X87Up};
    use super::*;

    fn of(builder: ffi_types::AggregateBuilder) -> Classes {
        classify(&builder.build().expect("a valid type"))
    }

    fn cleaned(classes: &[Class]) -> Classes {
        match Classes::of(classes) {
            Classes::Eightbytes(all) => clean_up(all, 8 * classes.len()),
            Classes::Memory => Classes::Memory,
        }
    }

    fn v(size: usize) -> Type {
        Type::vector(Scalar::F32, size / 4).expect("a vector")
    }

    fn s() -> ffi_types::AggregateBuilder {
        Type::structure("s")
    }

    #[test]
    fn an_integer_beside_a_float_makes_the_eightbyte_integer() {
        let mixed = s().field("i", Type::I32).field("f", Type::F32);
        assert_eq!(of(mixed), Classes::of(&[Integer]));
        let apart = s().field("f", Type::F64).field("c", Type::I8);
        assert_eq!(of(apart), Classes::of(&[Sse, Integer]));
    }

    #[test]
    fn a_union_merges_what_overlaps() {
        let u = Type::union("u").field("d", Type::F64).field("c", Type::I8);
        assert_eq!(of(u), Classes::of(&[Integer]));
        let f = Type::union("u").field("d", Type::F64).field("f", Type::F32);
        assert_eq!(of(f), Classes::of(&[Sse]));
    }

    /// As gcc and clang have it.
    #[test]
    fn a_struct_beside_a_long_double_is_merged_as_a_whole() {
        let three = Type::array(Type::F32, 3).expect("an array");
        let inner = s().field("a", three).field("b", Type::I32).build().expect("a valid type");
        let u = Type::union("u").field("i", Type::I32).field("l", Type::F80).field("s", inner);
        assert_eq!(of(u), Classes::of(&[Integer, Integer]));
    }

    /// As gcc and clang have it.
    #[test]
    fn what_is_in_memory_by_itself_is_so_beside_a_vector() {
        let quad = Type::union("q").field("f", Type::F128);
        let beside = |inner: ffi_types::AggregateBuilder| {
            let inner = inner.build().expect("a valid type");
            of(Type::union("u").field("v", v(32)).field("i", inner))
        };
        assert_eq!(beside(quad.clone().align(32)), Classes::Memory);
        let within = s().field("q", quad.clone().align(32).build().expect("a valid type"));
        assert_eq!(beside(within), Classes::Memory);
        let padding = (0..4).fold(s(), |s, _| s.bit_field("", Type::U64, 64));
        assert_eq!(beside(padding), Classes::Memory);
        let vector = Classes::of(&[Sse, SseUp, SseUp, SseUp]);
        assert_eq!(beside(quad), vector);
        assert_eq!(beside(s().field("v", v(32))), vector);
    }

    #[test]
    fn unaligned_fields_go_to_memory_and_aligned_packed_ones_do_not() {
        assert_eq!(of(s().field("c", Type::I8).field("d", Type::F64).packed()), Classes::Memory);
        assert_eq!(of(s().field("c", Type::I8).field("i", Type::I32).packed()), Classes::Memory);
        let aligned = s().field("d", Type::F64).field("c", Type::I8).packed();
        assert_eq!(of(aligned), Classes::of(&[Sse, Integer]));
    }

    #[test]
    fn a_member_is_unaligned_by_its_own_type_too() {
        let bits = Type::union("u").bit_field("b", Type::U64, 55).field("h", Type::U16);
        let bits = bits.build().expect("a valid type");
        let wide = s().field("n", Type::I32).align(8).build().expect("a valid type");
        for inner in [bits, wide] {
            let outer = |packed: bool| {
                let outer = s().field("n", Type::I32).field("u", inner.clone());
                of(if packed { outer.packed() } else { outer })
            };
            assert_eq!((outer(true), outer(false)), (Classes::Memory, Classes::of(&[Integer; 2])));
        }
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
        assert_eq!(cleaned(&[Integer, X87Up]), Classes::Memory);
        assert_eq!(cleaned(&[X87, X87Up]), Classes::of(&[X87, X87Up]));
        assert_eq!(cleaned(&[Integer, SseUp]), Classes::of(&[Integer, Sse]));
        assert_eq!(cleaned(&[Sse, SseUp]), Classes::of(&[Sse, SseUp]));
    }

    #[test]
    fn vectors_are_one_sse_and_its_upper_parts() {
        for size in [8, 16, 32, 64] {
            let expected = [&[Sse][..], &[SseUp; 7][..size / 8 - 1]].concat();
            assert_eq!(classify(&v(size)), Classes::of(&expected));
            assert_eq!(of(s().field("v", v(size))), Classes::of(&expected));
        }
        assert_eq!(of(s().field("a", v(8)).field("b", v(8))), Classes::of(&[Sse, Sse]));
        assert_eq!(of(s().field("a", v(16)).field("b", v(16))), Classes::Memory);
        let union = Type::union("u").field("v", v(16)).field("i", Type::I32);
        assert_eq!(of(union), Classes::of(&[Integer, Sse]));
        let union = Type::union("u").field("v", v(32)).field("f", Type::F32);
        assert_eq!(of(union), Classes::of(&[Sse, SseUp, SseUp, SseUp]));
        assert_eq!(classify(&Type::F128), Classes::of(&[Sse, SseUp]));
    }

    #[test]
    fn long_double_keeps_its_classes_alone_and_inside_a_struct() {
        assert_eq!(classify(&Type::F80), Classes::of(&[X87, X87Up]));
        assert_eq!(of(s().field("x", Type::F80)), Classes::of(&[X87, X87Up]));
        let union = |other| Type::union("u").field("x", Type::F80).field("o", other);
        assert_eq!(of(union(Type::I32)), Classes::Memory);
        assert_eq!(of(union(Type::F64)), Classes::Memory);
        assert_eq!(of(s().field("x", Type::F80).field("c", Type::I8)), Classes::Memory);
        let complex = Type::complex(Scalar::F80).expect("a complex number");
        assert_eq!(classify(&complex), Classes::of(&[Class::ComplexX87]));
        assert_eq!(of(s().field("z", complex)), Classes::Memory);
    }

    #[test]
    fn a_long_double_is_merged_in_the_order_of_the_members() {
        let ints = || Type::array(Type::I64, 2).expect("an array");
        let union = || Type::union("u");
        let inner = union().field("f", Type::F32).field("l", Type::F80).build();
        let inner = inner.expect("a valid type");
        let x87_first = union().field("l", Type::F80).field("n", ints()).field("f", Type::F32);
        assert_eq!(of(x87_first), Classes::of(&[Integer, Integer]));
        let float_first = union().field("f", Type::F32).field("l", Type::F80).field("n", ints());
        assert_eq!(of(float_first), Classes::Memory);
        let nested = union().field("n", ints()).field("u", inner.clone());
        assert_eq!(of(nested), Classes::Memory);
        let array = Type::array(Type::F80, 1).expect("an array");
        assert_eq!(of(s().field("a", array)), Classes::of(&[X87, X87Up]));
        // As a tree this has 2^50 members.
        let mut shared = inner;
        for _ in 0..50 {
            let both = union().field("a", shared.clone()).field("b", shared);
            shared = both.build().expect("a valid type");
        }
        assert_eq!(classify(&shared), Classes::Memory);
    }

    #[test]
    fn complex_numbers_are_pairs_and_int128_is_two_integers() {
        assert_eq!(classify(&Type::COMPLEX_F32), Classes::of(&[Sse]));
        assert_eq!(classify(&Type::COMPLEX_F64), Classes::of(&[Sse, Sse]));
        assert_eq!(classify(&Type::I128), Classes::of(&[Integer, Integer]));
        let union = Type::union("u").field("n", Type::I128).field("f", Type::F32);
        assert_eq!(of(union), Classes::of(&[Integer, Integer]));
    }

    #[test]
    fn bit_fields_are_integers_where_their_bits_are() {
        let bits =
            s().field("f", Type::F32).bit_field("b", Type::U32, 3).bit_field("", Type::U32, 9);
        assert_eq!(of(bits.field("g", Type::F64)), Classes::of(&[Integer, Sse]));
        let padding = s().field("f", Type::F32).bit_field("", Type::U32, 3);
        assert_eq!(of(padding), Classes::of(&[Sse]));
    }

    #[test]
    fn an_empty_struct_has_no_class() {
        for size in [0, 1] {
            assert_eq!(of(s().stated(size, 1)), Classes::of(&[]));
        }
    }
}
