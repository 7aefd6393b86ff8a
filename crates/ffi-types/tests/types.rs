//! Types: layout, printing, comparing and hashing, also where they are deep or wide.

use ffi_types::{Convention, Fundamental, Leaf, Scalar, Signature, Type};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

fn hash(ty: &Type) -> u64 {
    let mut state = DefaultHasher::new();
    ty.hash(&mut state);
    state.finish()
}

fn structure(members: &[Type]) -> ffi_types::AggregateBuilder {
    members
        .iter()
        .enumerate()
        .fold(Type::structure("s"), |s, (index, ty)| s.field(&format!("m{index}"), ty.clone()))
}

fn layout(builder: ffi_types::AggregateBuilder) -> (usize, usize, Vec<usize>) {
    let ty = builder.build().expect("a C type");
    (ty.size(), ty.align(), ty.fields().iter().map(|field| field.offset()).collect())
}

#[test]
fn members_are_laid_out_as_in_c() {
    use ffi_types::Type as T;
    assert_eq!(layout(structure(&[T::I8, T::I64, T::I16])), (24, 8, vec![0, 8, 16]));
    assert_eq!(layout(structure(&[T::I8, T::I64, T::I16]).packed()), (11, 1, vec![0, 1, 9]));
    assert_eq!(layout(structure(&[T::I8, T::I64, T::I16]).pack(2)), (12, 2, vec![0, 2, 10]));
    assert_eq!(layout(structure(&[T::I8]).align(16)), (16, 16, vec![0]));
    assert_eq!(layout(structure(&[T::I8, T::I32]).packed().align(4)), (8, 4, vec![0, 1]));
    let aligned = T::structure("s").field("a", T::I8).aligned_field("b", T::I8, 8);
    assert_eq!(layout(aligned), (16, 8, vec![0, 8]));
    // `_Alignas` cannot lower an alignment.
    assert_eq!(layout(T::structure("s").aligned_field("a", T::I64, 2)), (8, 8, vec![0]));
    let union = T::union("u").field("a", T::I8).field("b", T::array(T::I16, 5).expect("an array"));
    assert_eq!(layout(union), (10, 2, vec![0, 0]));
}

#[test]
fn the_natural_alignment_is_that_of_the_members() {
    let over = structure(&[Type::I32]).align(32).build().expect("a C type");
    assert_eq!((over.align(), over.natural_align()), (32, 4));
    let member = Type::structure("s").aligned_field("a", Type::I32, 16).build().expect("a type");
    assert_eq!((member.align(), member.natural_align()), (16, 16));
}

#[test]
fn leaves_are_the_scalars_with_their_offsets() {
    let inner = structure(&[Type::F32, Type::I8]).build().expect("a C type");
    let array = Type::array(inner, 2).expect("an array");
    let ty = structure(&[Type::I16, array]).build().expect("a C type");
    let leaf = |offset, scalar| Leaf { offset, what: Fundamental::Scalar(scalar) };
    assert_eq!(
        ty.leaves(),
        [
            leaf(0, Scalar::I16),
            leaf(4, Scalar::F32),
            leaf(8, Scalar::I8),
            leaf(12, Scalar::F32),
            leaf(16, Scalar::I8)
        ]
    );
    // What overlaps and is the same is listed once.
    let union = Type::union("u").field("a", Type::F32).field("b", Type::F32);
    assert_eq!(union.build().expect("a C type").leaves(), [leaf(0, Scalar::F32)]);
    let large = Type::array(Type::I8, 65).expect("an array");
    assert_eq!(structure(&[large]).build().expect("a C type").leaves(), []);
}

#[test]
fn types_print_as_c() {
    let point = structure(&[Type::F64, Type::POINTER]).build().expect("a C type");
    assert_eq!(point.to_string(), "struct s { double m0; void *m1; }");
    let line = Type::structure("line").field("a", point.clone()).field("b", point.clone());
    // The tag alone, the second time.
    assert_eq!(
        line.build().expect("a C type").to_string(),
        "struct line { struct s { double m0; void *m1; } a; struct s b; }"
    );
    let grid = Type::array(Type::array(Type::I8, 3).expect("an array"), 2).expect("an array");
    assert_eq!(grid.to_string(), "int8_t [2][3]");
    assert_eq!(
        Type::anonymous_union()
            .field("g", grid)
            .field("p", Type::POINTER)
            .build()
            .expect("a type")
            .to_string(),
        "union { int8_t g[2][3]; void *p; }"
    );
    assert_eq!(
        structure(&[Type::I8, Type::I64]).packed().align(4).build().expect("a type").to_string(),
        "struct s { int8_t m0 __attribute__((packed)); int64_t m1 __attribute__((packed)); } \
         __attribute__((aligned(4)))"
    );
    let stated = Type::structure("s").field_at("x", Type::I8, 3).stated(4, 1).build().expect("ok");
    assert_eq!(stated.to_string(), "struct s { int8_t x /* at 3 */; } /* 4 bytes, align 1 */");
}

#[test]
fn signatures_print_as_c() {
    let convention = Convention::SysV;
    let text = |result, arguments: Vec<Type>| {
        Signature::new(convention, result, arguments).expect("a signature").to_string()
    };
    assert_eq!(text(Type::VOID, vec![]), "void (void)");
    assert_eq!(text(Type::POINTER, vec![Type::C_INT]), "void * (int32_t)");
    let s = || structure(&[Type::F64]).build().expect("a C type");
    assert_eq!(text(s(), vec![s()]), "struct s { double m0; } (struct s)");
    let variadic = Signature::variadic(convention, Type::C_INT, [Type::POINTER], 1);
    assert_eq!(variadic.expect("a signature").to_string(), "int32_t (void *, ...)");
}

#[test]
fn equal_types_hash_equal_and_different_ones_differ() {
    let make = || structure(&[Type::F64, Type::I8]).build().expect("a C type");
    assert_eq!(make(), make());
    assert_eq!(hash(&make()), hash(&make()));
    let others = [
        structure(&[Type::F64, Type::U8]).build(),
        structure(&[Type::F64, Type::I8]).align(16).build(),
        structure(&[Type::F64, Type::I8]).pack(4).build(),
        Type::structure("t").field("m0", Type::F64).field("m1", Type::I8).build(),
        Type::structure("s").field("m0", Type::F64).field("other", Type::I8).build(),
        Type::union("s").field("m0", Type::F64).field("m1", Type::I8).build(),
    ];
    for other in others {
        let other = other.expect("a C type");
        assert_ne!(make(), other);
        assert_ne!(hash(&make()), hash(&other));
    }
    assert_ne!(Type::ISIZE, Type::USIZE);
    assert_eq!(Type::ISIZE, Type::I64);
}

/// A struct in a struct in a struct, and so on.
fn nested(depth: usize) -> Type {
    (0..depth).fold(Type::I8, |inner, _| {
        Type::anonymous_structure().field("x", inner).build().expect("a C type")
    })
}

#[test]
fn depth_costs_no_stack() {
    let depth = if cfg!(miri) { 100 } else { 300_000 };
    let (one, other) = (nested(depth), nested(depth));
    assert_eq!(one, other);
    assert_eq!(hash(&one), hash(&other));
    assert_eq!(one.leaves(), [Leaf { offset: 0, what: Fundamental::Scalar(Scalar::I8) }]);
    let text = one.to_string();
    assert!(text.starts_with("struct { struct { struct {") && text.ends_with("x; } x; } x; }"));
    assert_eq!(text.matches('{').count(), depth);
    drop((one, other));
}

/// Each union has the one before it twice: as a tree it would have 2^60 leaves.
fn doubled(depth: usize) -> Type {
    (0..depth).fold(Type::I8, |inner, level| {
        let union = Type::union(&format!("u{level}"));
        union.field("a", inner.clone()).field("b", inner).build().expect("a C type")
    })
}

#[test]
fn sharing_costs_no_time() {
    let (one, other) = (doubled(60), doubled(60));
    assert_eq!(one, other);
    assert_eq!(hash(&one), hash(&other));
    assert!(one.to_string().len() < 10_000);
}

#[test]
fn types_are_shared_between_threads() {
    fn check<T: Send + Sync + Clone + 'static>() {}
    check::<Type>();
    check::<Signature>();
    fn shared<T: Send + Sync + 'static>() {}
    shared::<ffi_types::Plan>();
    let ty = structure(&[Type::F64]).build().expect("a C type");
    let copy = ty.clone();
    let size = std::thread::spawn(move || copy.size()).join().expect("no panic");
    assert_eq!(size, ty.size());
}
