//! The shapes that every convention has to get right.

use crate::case::Case;
use ffi::{AggregateBuilder, Convention, Scalar, Type};

/// Every scalar that C had in 1999, on every platform.
pub const SCALARS: [Scalar; 12] = [
    Scalar::Bool,
    Scalar::I8,
    Scalar::U8,
    Scalar::I16,
    Scalar::U16,
    Scalar::I32,
    Scalar::U32,
    Scalar::I64,
    Scalar::U64,
    Scalar::F32,
    Scalar::F64,
    Scalar::Pointer,
];

/// Those of them that bit-fields are made of.
pub const INTEGERS: &[Scalar] = SCALARS.split_at(9).0;

/// What else compilers for the platform of that convention have: 128-bit integers, half floats,
/// `long double`, complex numbers and vectors.
pub fn unusual(platform: Convention) -> Vec<Type> {
    let is_arm = matches!(platform, Convention::Aapcs64(_));
    let long_double = platform.data_model().c_long_double();
    let mut types = vec![Type::I128, Type::U128, Type::COMPLEX_F32, Type::COMPLEX_F64];
    if !matches!(platform, Convention::Win64(_)) {
        types.extend([Type::F16, Type::BF16, complex(Scalar::F16)]);
    }
    if let Some(scalar) = long_double.as_scalar().filter(|&scalar| scalar != Scalar::F64) {
        types.extend([long_double, complex(scalar)]);
    }
    if !is_arm {
        types.push(Type::F128);
    }
    let sizes: &[usize] = if is_arm { &[8, 16] } else { &[8, 16, 32, 64] };
    // Not of bytes: gcc takes `packed` on a member for one on the byte, which has no use for it.
    let elements = [Scalar::I16, Scalar::F32, Scalar::U16, Scalar::I32, Scalar::F64, Scalar::U64];
    for (index, size) in sizes.iter().enumerate() {
        for element in [elements[index], elements[index + 1]] {
            types.push(vector(element, *size));
        }
    }
    types
}

/// A complex number.
///
/// # Panics
/// If C has no such type: the test is wrong.
pub fn complex(part: Scalar) -> Type {
    Type::complex(part).expect("a complex number")
}

/// A SIMD vector of that size in bytes.
///
/// # Panics
/// If C has no such type: the test is wrong.
pub fn vector(element: Scalar, size: usize) -> Type {
    Type::vector(element, size / element.size()).expect("a vector")
}

/// The types that not every C has, alone and inside aggregates, in every kind of position.
pub fn unusual_types(platform: Convention) -> Vec<Case> {
    let mut types = Vec::new();
    for ty in unusual(platform) {
        types.extend([
            ty.clone(),
            structure([ty.clone()]),
            structure([ty.clone(), ty.clone()]),
            structure([array(ty.clone(), 3)]),
            structure([array(ty.clone(), 4)]),
            structure([ty.clone(), Type::I8]),
            structure([Type::I8, ty.clone()]),
            union([ty.clone(), Type::I32]),
            union([ty.clone(), array(Type::I8, ty.size() + 1)]),
            packed([Type::I8, ty.clone()]),
            structure([structure([ty.clone()]), array(ty.clone(), 1)]),
            finish(Type::anonymous_structure().field("f0", ty.clone()).align(64)),
            finish(Type::anonymous_structure().aligned_field("f0", ty, 32)),
        ]);
    }
    // Every other position: the random ones have them all.
    types.into_iter().flat_map(|ty| around(ty).into_iter().step_by(2)).collect()
}

/// Bit-fields of every type and in every company.
pub fn bit_fields(platform: Convention) -> Vec<Case> {
    let start = || Type::anonymous_structure().bit_fields_of(platform);
    let mut types = Vec::new();
    for ty in [Type::BOOL, Type::I8, Type::U16, Type::I32, Type::U32, Type::I64, Type::U64] {
        let most = if ty == Type::BOOL { 1 } else { 8 * ty.size() as u32 };
        let some = most.div_ceil(3);
        types.extend([
            start().bit_field("a", ty.clone(), some),
            start().bit_field("a", ty.clone(), some).bit_field("b", ty.clone(), most),
            start().bit_field("a", ty.clone(), some).bit_field("b", ty.clone(), most).packed(),
            start().bit_field("a", ty.clone(), some).field("f", Type::F32),
            start().field("f", Type::F32).bit_field("a", ty.clone(), some),
            start().field("d", Type::F64).bit_field("", ty.clone(), some),
            start().field("d", Type::F64).bit_field("", ty.clone(), 0).field("e", Type::F64),
            start().field("f", Type::F32).bit_field("", ty.clone(), 0).field("g", Type::F32),
            start().field("f", Type::F32).bit_field("", ty.clone(), some).field("g", Type::F32),
            start().bit_field("a", ty.clone(), 1).field("c", Type::I8).field("d", Type::F64),
            Type::anonymous_union()
                .bit_fields_of(platform)
                .bit_field("a", ty.clone(), some)
                .field("d", Type::F64),
        ]);
    }
    types.into_iter().map(finish).flat_map(around).collect()
}

/// A struct without a tag, of members `f0`, `f1`, …
pub fn structure(members: impl IntoIterator<Item = Type>) -> Type {
    finish(fields(Type::anonymous_structure(), members))
}

/// The same, packed.
pub fn packed(members: impl IntoIterator<Item = Type>) -> Type {
    finish(fields(Type::anonymous_structure(), members).packed())
}

/// A union without a tag, of members `f0`, `f1`, …
pub fn union(members: impl IntoIterator<Item = Type>) -> Type {
    finish(fields(Type::anonymous_union(), members))
}

/// An array.
///
/// # Panics
/// If C has no such array: the test is wrong.
pub fn array(element: Type, count: usize) -> Type {
    Type::array(element, count).expect("a C array")
}

/// Adds members `f0`, `f1`, …
pub fn fields(
    builder: AggregateBuilder,
    members: impl IntoIterator<Item = Type>,
) -> AggregateBuilder {
    members
        .into_iter()
        .enumerate()
        .fold(builder, |builder, (index, ty)| builder.field(&format!("f{index}"), ty))
}

/// # Panics
/// If C has no such type: the test is wrong.
pub fn finish(builder: AggregateBuilder) -> Type {
    builder.build().expect("a C type")
}

/// Every scalar in every register and stack position up to 20 arguments, behind integers, behind
/// floating-point numbers, and behind both.
pub fn scalar_positions() -> Vec<Case> {
    let fillers: [&[Type]; 3] = [&[Type::I64], &[Type::F64], &[Type::I32, Type::F32]];
    let mut cases = Vec::new();
    for scalar in SCALARS {
        for filler in fillers {
            for position in 0..20 {
                let mut arguments: Vec<Type> =
                    filler.iter().cycle().take(position).cloned().collect();
                arguments.push(Type::scalar(scalar));
                cases.push(Case::new(Type::scalar(scalar), arguments));
            }
        }
        cases.push(Case::new(Type::scalar(scalar), vec![Type::scalar(scalar); 20]));
    }
    cases
}

/// Structs of 1 to 24, 32, 48 and 64 bytes, of bytes and of wider members.
pub fn struct_sizes() -> Vec<Case> {
    let mut types = Vec::new();
    for size in (1..=24).chain([32, 48, 64]) {
        types.push(structure([array(Type::U8, size)]));
        for element in [Type::I16, Type::I32, Type::F32, Type::I64, Type::F64] {
            if size.is_multiple_of(element.size()) {
                types.push(structure([array(element.clone(), size / element.size())]));
            }
        }
        if size > 2 {
            types.push(structure([Type::I16, array(Type::I8, size - 2)]));
        }
    }
    types.into_iter().flat_map(around).collect()
}

/// Every pair of scalars as a struct, and triples of those that differ in class or width.
pub fn eightbyte_mixtures() -> Vec<Case> {
    let mut types = Vec::new();
    for a in SCALARS {
        for b in SCALARS {
            types.push(structure([Type::scalar(a), Type::scalar(b)]));
        }
    }
    let parts = [Type::I8, Type::I32, Type::F32, Type::F64, Type::I64];
    for a in &parts {
        for b in &parts {
            for c in &parts {
                types.push(structure([a.clone(), b.clone(), c.clone()]));
            }
        }
    }
    types.into_iter().flat_map(around).collect()
}

/// Nested, packed, over-aligned and overlapping.
pub fn odd_aggregates() -> Vec<Case> {
    use Type as T;
    let f3 = || structure([T::F32, T::F32, T::F32]);
    let builder = T::anonymous_structure;
    let types = vec![
        packed([T::I8, T::F64]),
        packed([T::I8, T::I32]),
        packed([T::F64, T::I8]),
        packed([T::I32, T::I32, T::I8]),
        packed([T::I16, array(T::I8, 5)]),
        structure([packed([T::I8, T::I32]), T::I8]),
        finish(fields(builder(), [T::I8, T::F64, T::I16]).pack(2)),
        finish(fields(builder(), [T::I8, T::I64]).pack(4)),
        f3(),
        structure([T::F32, structure([T::F32, T::F32])]),
        structure([T::F32, structure([T::F32, T::F64])]),
        structure([structure([T::F64]), T::F64]),
        structure([structure([structure([T::F32])])]),
        structure([array(structure([T::F32, T::I32]), 2)]),
        structure([array(array(T::I8, 3), 2), T::F64]),
        structure([f3(), f3()]),
        structure([T::F64, T::F64, T::F64, T::F64]),
        union([T::I32, T::F32]),
        union([T::F64, T::F32]),
        union([T::I64, T::F64]),
        union([structure([T::F32, T::F32, T::F32]), T::F64]),
        union([structure([T::F64, T::F64]), T::I8]),
        union([array(T::F32, 4), array(T::F32, 2)]),
        union([array(T::I8, 17), T::F64]),
        structure([union([T::F32, T::I8]), T::F32, T::F64]),
        finish(builder().aligned_field("f0", T::I64, 16)),
        finish(builder().aligned_field("f0", T::F64, 16).field("f1", T::F64)),
        finish(builder().field("f0", T::I8).aligned_field("f1", T::I8, 8)),
        finish(fields(builder(), [T::I8]).align(16)),
        finish(fields(builder(), [T::F32]).align(8)),
        finish(fields(builder(), [T::I64, T::I64, T::I64]).align(32)),
        finish(fields(builder(), [T::F64]).align(64)),
    ];
    types.into_iter().flat_map(around).collect()
}

/// One to five floating-point members of one kind, which AArch64 passes member by member up to
/// four: flat, nested, in arrays and in unions; and what only looks like them.
pub fn homogeneous_aggregates() -> Vec<Case> {
    let mut types = Vec::new();
    for float in [Type::F32, Type::F64] {
        for count in 1..=5 {
            let members = || std::iter::repeat_n(float.clone(), count);
            types.push(structure(members()));
            types.push(structure([array(float.clone(), count)]));
            types.push(structure([structure(members())]));
            types.push(union([array(float.clone(), count), float.clone()]));
            types.push(finish(fields(Type::anonymous_structure(), members()).align(16)));
            types.push(packed(members()));
        }
        let pair = || structure([float.clone(), float.clone()]);
        types.extend([
            structure([pair(), pair()]),
            structure([array(pair(), 2)]),
            structure([pair(), float.clone()]),
            structure([float.clone(), array(float.clone(), 3)]),
            union([pair(), structure([float.clone(), float.clone(), float.clone()])]),
            structure([float.clone(), union([float.clone(), array(float.clone(), 2)])]),
            structure([pair(), Type::I32]),
            union([pair(), Type::I8]),
            finish(
                Type::anonymous_structure()
                    .aligned_field("f0", float.clone(), 16)
                    .field("f1", float.clone()),
            ),
        ]);
    }
    types.extend([
        structure([Type::F32, Type::F64]),
        structure([Type::F64, Type::F32]),
        structure([Type::F32, Type::F32, Type::I32]),
        union([Type::F32, Type::F64]),
        union([array(Type::F32, 2), Type::F64]),
    ]);
    types.into_iter().flat_map(around).collect()
}

/// A type alone, returned; behind enough others that one register of either kind is left, or
/// none; and in front of others that take what it leaves.
pub fn around(ty: Type) -> Vec<Case> {
    let ints = |n: usize| std::iter::repeat_n(Type::I64, n);
    let floats = |n: usize| std::iter::repeat_n(Type::F64, n);
    let this = || std::iter::once(ty.clone());
    vec![
        Case::new(ty.clone(), [ty.clone()]),
        Case::new(ty.clone(), ints(6).collect::<Vec<_>>()),
        Case::new(
            Type::VOID,
            ints(5)
                .chain(floats(7))
                .chain(this())
                .chain(ints(1))
                .chain(floats(1))
                .collect::<Vec<_>>(),
        ),
        Case::new(
            ty.clone(),
            ints(4).chain(this()).chain(this()).chain(ints(2)).chain(floats(2)).collect::<Vec<_>>(),
        ),
        // Win64 has four registers, AArch64 eight of either kind.
        Case::new(
            ty.clone(),
            ints(2).chain(this()).chain(this()).chain(floats(2)).chain(ints(2)).collect::<Vec<_>>(),
        ),
        Case::new(
            Type::VOID,
            ints(7)
                .chain(floats(6))
                .chain(this())
                .chain(floats(1))
                .chain(ints(1))
                .chain(this())
                .collect::<Vec<_>>(),
        ),
        Case::new(
            Type::I8,
            ints(7)
                .chain(floats(9))
                .chain(this())
                .chain([Type::I8])
                .chain(this())
                .collect::<Vec<_>>(),
        ),
    ]
}

/// Variadic calls with the types that not every C has: alone, since no compiler has all of them
/// right in all other positions, and with what else there may be.
pub fn unusual_variadics(platform: Convention) -> Vec<Case> {
    let mut cases = Vec::new();
    for ty in unusual(platform) {
        for count in [1, 2, 9] {
            let arguments = [vec![Type::I32], vec![ty.clone(); count], vec![Type::F64]];
            cases.push(Case::variadic(Type::I32, arguments.concat(), 1));
        }
        for fixed in 1..=2 {
            for count in [1, 2, 5, 12] {
                let first: Vec<Type> = [Type::I32, ty.clone()].into_iter().take(fixed).collect();
                let mut rest = vec![ty.clone(); count];
                rest.extend([Type::I32, structure([ty.clone()]), Type::F64, ty.clone()]);
                cases.push(Case::variadic(ty.clone(), [first, rest].concat(), fixed));
            }
        }
    }
    cases
}

/// GNU C's struct without members, which has no bytes, everywhere but in other aggregates.
pub fn empty_structs() -> Vec<Case> {
    let empty = || finish(Type::anonymous_structure().stated(0, 1));
    let mut cases = around(empty());
    for count in [1, 9] {
        for next in [Type::I32, Type::F64] {
            let rest = vec![vec![empty(), next]; count].concat();
            let arguments = [vec![Type::I32], rest].concat();
            cases.push(Case::variadic(Type::I32, arguments, 1));
        }
    }
    cases
}

/// Variadic calls: after one to three fixed arguments, everything that C can pass through `...`.
pub fn variadics() -> Vec<Case> {
    let plain: Vec<Type> = SCALARS
        .into_iter()
        .filter(|scalar| scalar.promoted() == *scalar)
        .map(Type::scalar)
        .collect();
    let mut types = plain.clone();
    types.extend([
        structure([Type::F64, Type::I64]),
        structure([Type::F32, Type::F32, Type::F32]),
        structure([Type::I64, Type::I64]),
        structure([array(Type::I8, 3)]),
        structure([array(Type::I64, 3)]),
        packed([Type::I8, Type::I32]),
        packed([Type::I8, Type::F64]),
        union([Type::I32, Type::F32]),
    ]);
    let mut cases = Vec::new();
    for fixed in 1..=3 {
        for count in [0, 1, 2, 5, 12] {
            for ty in &types {
                let first: Vec<Type> =
                    [Type::I32, Type::F64, Type::I8].into_iter().take(fixed).collect();
                let rest = std::iter::repeat_n(ty.clone(), count);
                cases.push(Case::variadic(Type::I32, [first, rest.collect()].concat(), fixed));
            }
        }
        let all = [vec![Type::POINTER; fixed], plain.clone(), plain.clone()].concat();
        cases.push(Case::variadic(Type::F64, all, fixed));
    }
    cases
}
