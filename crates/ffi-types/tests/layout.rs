//! Layout against Rust's own `repr(C)`, against hand-derived offsets, and against the rule itself
//! on random structs.

use ffi_types::{AggregateBuilder, Fundamental, Leaf, Scalar, Type, TypeProblem};
use proptest::prelude::*;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::mem::{align_of, offset_of, size_of};

fn hash(ty: &Type) -> u64 {
    let mut state = DefaultHasher::new();
    ty.hash(&mut state);
    state.finish()
}

fn built(builder: AggregateBuilder) -> Type {
    builder.build().expect("a C type")
}

fn array(element: Type, count: usize) -> Type {
    Type::array(element, count).expect("a C array")
}

fn with_fields(builder: AggregateBuilder, members: &[Type]) -> AggregateBuilder {
    members.iter().enumerate().fold(builder, |b, (i, ty)| b.field(&format!("m{i}"), ty.clone()))
}

fn offsets(ty: &Type) -> Vec<usize> {
    ty.fields().iter().map(|field| field.offset()).collect()
}

/// Size, alignment and offsets.
fn layout(ty: &Type) -> (usize, usize, Vec<usize>) {
    (ty.size(), ty.align(), offsets(ty))
}

/// Declares the Rust type, and asserts that the builder gives the same layout.
macro_rules! same_as_rust {
    ($($repr:ident $(($n:literal))?),+; $kind:ident { $($field:ident: $rust:ty => $c:expr),+ $(,)? } $builder:expr) => {{
        #[repr($($repr $(($n))?),+)]
        $kind Rust { $($field: $rust),+ }
        let builder: AggregateBuilder = $builder;
        let ty = built(builder$(.field(stringify!($field), $c))+);
        assert_eq!(layout(&ty), (size_of::<Rust>(), align_of::<Rust>(), vec![$(offset_of!(Rust, $field)),+]), "{ty}");
        ty
    }};
}

#[test]
fn structs_are_laid_out_as_rust_lays_out_repr_c() {
    use Type as T;
    let s = || Type::structure("s");
    same_as_rust!(C; struct { a: i8 => T::I8 } s());
    same_as_rust!(C; struct { a: i8 => T::I8, b: i16 => T::I16, c: i8 => T::I8 } s());
    same_as_rust!(C; struct { a: bool => T::BOOL, b: u64 => T::U64, c: u8 => T::U8 } s());
    same_as_rust!(C; struct { a: f32 => T::F32, b: f64 => T::F64, c: f32 => T::F32 } s());
    same_as_rust!(C; struct { a: u16 => T::U16, b: *const u8 => T::POINTER, c: u32 => T::U32 } s());
    same_as_rust!(C; struct { a: [u8; 3] => array(T::U8, 3), b: [u16; 3] => array(T::U16, 3) } s());
    same_as_rust!(C; struct { a: u8 => T::U8, b: [[u32; 2]; 3] => array(array(T::U32, 2), 3) } s());
    same_as_rust!(C; struct { a: u8 => T::U8, b: usize => T::USIZE, c: isize => T::ISIZE } s());
}

#[test]
fn packed_and_aligned_structs_are_laid_out_as_in_rust() {
    use Type as T;
    let s = || Type::structure("s");
    same_as_rust!(C, packed; struct { a: u8 => T::U8, b: f64 => T::F64, c: u16 => T::U16 } s().packed());
    same_as_rust!(C, packed(1); struct { a: u8 => T::U8, b: u32 => T::U32 } s().pack(1));
    same_as_rust!(C, packed(2); struct { a: u8 => T::U8, b: f64 => T::F64, c: u8 => T::U8 } s().pack(2));
    same_as_rust!(C, packed(4); struct { a: u8 => T::U8, b: u64 => T::U64, c: u16 => T::U16 } s().pack(4));
    // A limit above every member's alignment changes nothing.
    same_as_rust!(C, packed(16); struct { a: u8 => T::U8, b: u64 => T::U64 } s().pack(16));
    same_as_rust!(C, align(16); struct { a: u8 => T::U8 } s().align(16));
    same_as_rust!(C, align(32); struct { a: u64 => T::U64, b: [u64; 4] => array(T::U64, 4) } s().align(32));
    // An alignment below the members' own changes nothing.
    same_as_rust!(C, align(2); struct { a: u8 => T::U8, b: u32 => T::U32 } s().align(2));
}

#[test]
fn unions_are_laid_out_as_in_rust() {
    use Type as T;
    let u = || Type::union("u");
    same_as_rust!(C; union { a: u8 => T::U8, b: u32 => T::U32 } u());
    same_as_rust!(C; union { a: [u8; 9] => array(T::U8, 9), b: u64 => T::U64 } u());
    same_as_rust!(C; union { a: [u8; 5] => array(T::U8, 5), b: [u16; 2] => array(T::U16, 2) } u());
    same_as_rust!(C, packed; union { a: [u8; 5] => array(T::U8, 5), b: u32 => T::U32 } u().packed());
    same_as_rust!(C, align(16); union { a: u8 => T::U8, b: f64 => T::F64 } u().align(16));
}

#[test]
fn nested_aggregates_keep_their_alignment_and_their_padding() {
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Inner {
        _a: u8,
        _b: u16,
        _c: u8,
    }
    #[repr(C, packed)]
    #[derive(Clone, Copy)]
    struct Tight {
        _a: u8,
        _b: f64,
    }
    #[repr(C, align(16))]
    #[derive(Clone, Copy)]
    struct Wide {
        _a: u32,
    }
    use Type as T;
    let inner = built(with_fields(T::structure("inner"), &[T::U8, T::U16, T::U8]));
    let tight = built(with_fields(T::structure("tight"), &[T::U8, T::F64]).packed());
    let wide = built(with_fields(T::structure("wide"), &[T::U32]).align(16));
    assert_eq!(layout(&inner), (6, 2, vec![0, 2, 4]));
    assert_eq!(layout(&tight), (9, 1, vec![0, 1]));
    assert_eq!(layout(&wide), (16, 16, vec![0]));
    let s = || Type::structure("s");
    same_as_rust!(C; struct { a: u8 => T::U8, b: Inner => inner.clone(), c: u8 => T::U8 } s());
    same_as_rust!(C; struct { a: u8 => T::U8, b: Tight => tight.clone(), c: u64 => T::U64 } s());
    same_as_rust!(C; struct { a: u8 => T::U8, b: Wide => wide.clone(), c: u8 => T::U8 } s());
    same_as_rust!(C; struct { a: [Inner; 3] => array(inner, 3), b: [Tight; 2] => array(tight, 2) } s());
    same_as_rust!(C; struct { a: u8 => T::U8, b: [Wide; 2] => array(wide, 2) } s());
}

/// Rust has no such attributes on members: derived by hand from C17 6.7.5 and gcc's manual.
#[test]
fn aligned_members_by_hand() {
    use Type as T;
    let s = || Type::structure("s");
    let member = built(s().field("a", T::I8).aligned_field("b", T::I8, 16).field("c", T::I8));
    assert_eq!(layout(&member), (32, 16, vec![0, 16, 17]));
    let first = built(s().aligned_field("a", T::I32, 16).field("b", T::I32));
    assert_eq!(layout(&first), (16, 16, vec![0, 4]));
    // It can only raise an alignment.
    let lower = built(s().field("a", T::I8).aligned_field("b", T::I64, 1));
    assert_eq!(layout(&lower), (16, 8, vec![0, 8]));
    // `#pragma pack` limits it; gcc and clang agree.
    let limited = built(s().field("a", T::I8).aligned_field("b", T::I32, 8).pack(2));
    assert_eq!(layout(&limited), (6, 2, vec![0, 2]));
    let union = built(T::union("u").field("a", T::I8).aligned_field("b", T::I8, 8));
    assert_eq!(layout(&union), (8, 8, vec![0, 0]));
    let both = built(s().field("a", T::I8).aligned_field("b", T::I8, 4).align(32));
    assert_eq!((both.natural_align(), layout(&both)), (4, (32, 32, vec![0, 4])));
}

/// gcc and clang: `struct __attribute__((packed)) { int8_t a; int32_t b __attribute__((aligned(4))); }`
/// has `b` at 4, size 8 and alignment 4. A member's own attribute wins over `packed`, unlike over
/// `#pragma pack(1)`, which would put it at 1.
#[test]
fn an_aligned_member_of_a_packed_struct_stays_aligned() {
    let s = || Type::structure("s").field("a", Type::I8).aligned_field("b", Type::I32, 4);
    assert_eq!(layout(&built(s().packed())), (8, 4, vec![0, 4]));
    assert_eq!(layout(&built(s().pack(1))), (5, 1, vec![0, 1]));
}

#[test]
fn stated_layouts_are_taken_as_they_are() {
    let ty = built(
        Type::structure("s").field_at("a", Type::I8, 1).field_at("b", Type::I32, 6).stated(12, 2),
    );
    assert_eq!((layout(&ty), ty.natural_align()), ((12, 2, vec![1, 6]), 2));
    assert_eq!(
        ty.leaves(),
        [
            Leaf { offset: 1, what: Fundamental::Scalar(Scalar::I8) },
            Leaf { offset: 6, what: Fundamental::Scalar(Scalar::I32) }
        ]
    );
    let row = array(ty.clone(), 3);
    assert_eq!((row.size(), row.align(), row.leaves().len()), (36, 2, 6));
    assert_eq!(row.leaves()[2], Leaf { offset: 13, what: Fundamental::Scalar(Scalar::I8) });
    let union =
        built(Type::union("u").field_at("a", Type::I8, 0).field_at("b", Type::F64, 0).stated(8, 4));
    assert_eq!((layout(&union), union.natural_align()), ((8, 4, vec![0, 0]), 4));
    // The same offsets as computed ones, but stated: another C text, yet the same type.
    let computed = built(Type::structure("s").field("a", Type::I8));
    let stated = built(Type::structure("s").field_at("a", Type::I8, 0).stated(1, 1));
    assert_eq!(computed, stated);
}

#[test]
fn the_extremes_of_alignment_and_size() {
    let most = built(Type::structure("s").field("x", Type::I8).align(1 << 28));
    assert_eq!((most.size(), most.align(), most.natural_align()), (1 << 28, 1 << 28, 1));
    let bytes = array(Type::U8, isize::MAX as usize);
    let one = built(Type::structure("s").field("x", bytes));
    assert_eq!((one.size(), one.align()), (isize::MAX as usize, 1));
    assert_eq!(one.leaves(), []);
    let words = array(Type::U64, isize::MAX as usize / 8);
    assert_eq!(built(Type::union("u").field("x", words)).size(), isize::MAX as usize - 7);
}

#[test]
fn leaves_flatten_arrays_and_merge_overlaps() {
    let leaf = |offset, scalar| Leaf { offset, what: Fundamental::Scalar(scalar) };
    let grid = built(Type::structure("s").field("g", array(array(Type::I16, 2), 2)));
    assert_eq!(grid.leaves(), [0, 2, 4, 6].map(|offset| leaf(offset, Scalar::I16)));
    let union = built(
        Type::union("u")
            .field("words", array(Type::I32, 2))
            .field("double", Type::F64)
            .field("first", Type::I32),
    );
    assert_eq!(union.leaves(), [leaf(0, Scalar::I32), leaf(0, Scalar::F64), leaf(4, Scalar::I32)]);
    // 64 bytes are looked into, 65 are not.
    assert_eq!(array(Type::U8, 64).leaves().len(), 64);
    assert_eq!(array(Type::U8, 65).leaves(), []);
    // A member of a large whole still knows its own.
    let large = built(Type::structure("s").field("a", grid).field("b", array(Type::U8, 64)));
    assert_eq!((large.leaves().len(), large.fields()[0].ty().leaves().len()), (0, 4));
    assert_eq!(Type::F64.leaves(), []);
}

#[test]
fn fields_are_found_by_name_and_arrays_by_parts() {
    let ty = built(Type::structure("s").field("a", Type::I8).field("b", array(Type::F32, 3)));
    let b = ty.field("b").expect("there is one");
    assert_eq!((b.name(), b.offset()), ("b", 4));
    assert_eq!(b.ty().array_parts(), Some((&Type::F32, 3)));
    assert!(ty.field("c").is_none() && ty.array_parts().is_none());
    assert_eq!((ty.name(), b.ty().name(), b.ty().fields().len()), (Some("s"), None, 0));
}

#[test]
fn types_print_as_declarations_that_c_would_read_back() {
    let pack2 = Type::structure("s").field("a", Type::I8).field("b", Type::I64).pack(2);
    assert_eq!(
        built(pack2).to_string(),
        "struct s { int8_t a __attribute__((packed)); \
         int64_t b __attribute__((packed, aligned(2))); }"
    );
    let aligned = Type::anonymous_structure().aligned_field("p", Type::POINTER, 16);
    assert_eq!(built(aligned).to_string(), "struct { void *p __attribute__((aligned(16))); }");
    let arrays = Type::union("u")
        .field("names", array(array(Type::POINTER, 3), 2))
        .field("x", array(built(Type::structure("s").field("b", Type::BOOL)), 4));
    assert_eq!(
        built(arrays).to_string(),
        "union u { void *names[2][3]; struct s { bool b; } x[4]; }"
    );
    let stated = Type::structure("s").field_at("a", Type::U16, 2).stated(8, 4);
    assert_eq!(
        built(stated).to_string(),
        "struct s { uint16_t a /* at 2 */; } /* 8 bytes, align 4 */"
    );
    assert_eq!(Type::VOID.to_string(), "void");
    assert_eq!(Type::POINTER.to_string(), "void *");
    assert_eq!(format!("{:?}", array(Type::POINTER, 2)), "void * [2]");
}

#[test]
fn a_tag_with_two_bodies_is_never_printed_as_the_wrong_one() {
    let s = |ty| built(Type::structure("s").field("x", ty));
    let both = built(Type::structure("t").field("a", s(Type::I8)).field("b", s(Type::F64)));
    assert_eq!(
        both.to_string(),
        "struct t { struct s { int8_t x; } a; struct s { double x; } b; }"
    );
}

/// Attributes count by what they do: the spelling of a layout makes no other type.
#[test]
fn spellings_of_one_layout_are_equal() {
    use Type as T;
    let s = || Type::structure("s").field("a", T::I8).field("b", T::I64);
    let packed = built(s().packed());
    let stated = Type::structure("s").field_at("a", T::I8, 0).field_at("b", T::I64, 1);
    let members = Type::structure("s").aligned_field("a", T::I8, 1).aligned_field("b", T::I64, 1);
    for other in [s().pack(1), s().packed().align(1), stated.stated(9, 1), members.packed()] {
        let other = built(other);
        assert_eq!(packed, other, "{packed} and {other}");
        assert_eq!(hash(&packed), hash(&other), "{packed} and {other}");
    }
    let plain = built(s());
    for other in [s().pack(8), s().pack(16), s().align(8)] {
        assert_eq!(plain, built(other));
    }
    // The same size and alignment, but AAPCS64 asks for the natural one too.
    let raised = built(s().pack(4).align(8));
    let natural = Type::structure("s").field_at("a", T::I8, 0).field_at("b", T::I64, 4);
    let natural = built(natural.stated(16, 8));
    assert_eq!((layout(&raised), raised.natural_align()), (layout(&natural), 4));
    assert_eq!(natural.natural_align(), 8);
    assert_ne!(raised, natural);
    // Inside another type as well.
    let outer = |inner: &Type| built(Type::structure("t").field("x", inner.clone()));
    assert_eq!(outer(&packed), outer(&built(s().pack(1))));
    assert_ne!(outer(&packed), outer(&plain));
}

#[test]
fn anonymous_members_have_no_name_and_may_be_several() {
    let part = |name: &str| built(Type::anonymous_structure().field(name, Type::I32));
    let union = built(Type::anonymous_union().field("f", Type::F64).field("p", Type::POINTER));
    let ty = Type::structure("s").field("", part("a")).field("", part("b")).field("", union);
    let ty = built(ty);
    assert_eq!(
        ty.to_string(),
        "struct s { struct { int32_t a; }; struct { int32_t b; }; union { double f; void *p; }; }"
    );
    assert_eq!(layout(&ty), (16, 8, vec![0, 4, 8]));
    assert!(ty.field("a").is_none());
    // Only structs and unions can do without a name.
    let scalars = Type::structure("s").field("", Type::I8).field("", Type::I8).build();
    assert_eq!(scalars.unwrap_err().reason, TypeProblem::DuplicateName { first: 0 });
}

/// Any difference that can be seen from outside makes another type.
#[test]
fn every_part_of_a_type_counts_for_equality_and_hash() {
    use Type as T;
    let s = || Type::structure("s");
    let types = [
        built(s().field("a", T::I32)),
        built(Type::structure("S").field("a", T::I32)),
        built(Type::anonymous_structure().field("a", T::I32)),
        built(Type::structure("").field("a", T::I32)),
        built(Type::union("s").field("a", T::I32)),
        built(s().field("b", T::I32)),
        built(s().field("a", T::U32)),
        built(s().field("a", T::F32)),
        built(s().field("a", T::I32).align(8)),
        built(s().field("a", T::I32).packed()),
        built(s().field("a", T::I32).pack(2)),
        built(s().field("a", array(T::I32, 1))),
        built(s().field("a", array(array(T::I32, 1), 1))),
        built(s().field("a", T::I32).field("b", T::I32)),
        built(s().field_at("a", T::I32, 4).stated(8, 4)),
        array(T::I32, 1),
        array(T::I32, 2),
        T::I32,
        T::VOID,
    ];
    for (i, one) in types.iter().enumerate() {
        for (j, other) in types.iter().enumerate() {
            assert_eq!(one == other, i == j, "{one} and {other}");
            assert_eq!(hash(one) == hash(other), i == j, "{one} and {other}");
        }
    }
}

/// What a random type is made of.
#[derive(Debug, Clone)]
enum Recipe {
    Scalar(Scalar),
    Array(Box<Recipe>, usize),
    Aggregate(bool, Vec<(Recipe, Option<usize>)>, Option<usize>, Option<usize>),
}

impl Recipe {
    fn build(&self) -> Type {
        match self {
            Self::Scalar(scalar) => Type::scalar(*scalar),
            Self::Array(element, count) => array(element.build(), *count),
            Self::Aggregate(union, members, pack, align) => {
                let start = if *union { Type::union("t") } else { Type::structure("t") };
                let mut builder =
                    members.iter().enumerate().fold(start, |b, (i, (member, align))| {
                        let (name, ty) = (format!("m{i}"), member.build());
                        match align {
                            Some(align) => b.aligned_field(&name, ty, *align),
                            None => b.field(&name, ty),
                        }
                    });
                if let Some(pack) = pack {
                    builder = builder.pack(*pack);
                }
                if let Some(align) = align {
                    builder = builder.align(*align);
                }
                built(builder)
            }
        }
    }
}

fn alignment() -> impl Strategy<Value = Option<usize>> {
    prop::option::weighted(0.2, (0_u32..6).prop_map(|power| 1 << power))
}

fn recipe() -> impl Strategy<Value = Recipe> {
    let scalar = prop::sample::select(Scalar::ALL.to_vec()).prop_map(Recipe::Scalar);
    scalar.prop_recursive(4, 32, 5, |inner| {
        let members = prop::collection::vec((inner.clone(), alignment()), 1..5);
        prop_oneof![
            (inner, 1_usize..4).prop_map(|(element, count)| Recipe::Array(element.into(), count)),
            (any::<bool>(), members, alignment(), alignment()).prop_map(
                |(union, members, pack, align)| Recipe::Aggregate(union, members, pack, align)
            ),
        ]
    })
}

fn config() -> ProptestConfig {
    // Miri has no files and is slow.
    ProptestConfig {
        cases: if cfg!(miri) { 8 } else { 512 },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Where each scalar is, found by walking down.
fn scalars_of(ty: &Type, base: usize, found: &mut Vec<(usize, Scalar)>) {
    if let Some(scalar) = ty.as_scalar() {
        found.push((base, scalar));
    }
    if let Some((element, count)) = ty.array_parts() {
        (0..count).for_each(|index| scalars_of(element, base + index * element.size(), found));
    }
    for field in ty.fields() {
        scalars_of(field.ty(), base + field.offset(), found);
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn equal_recipes_make_equal_types(recipe in recipe()) {
        let (one, other) = (recipe.build(), recipe.build());
        prop_assert_eq!(&one, &other);
        prop_assert_eq!(hash(&one), hash(&other));
        prop_assert_eq!(one.to_string(), other.to_string());
        prop_assert_eq!(&one, &one.clone());
    }

    #[test]
    fn equality_is_symmetric_and_agrees_with_hash_and_layout(a in recipe(), b in recipe()) {
        let (a, b) = (a.build(), b.build());
        prop_assert_eq!(a == b, b == a);
        if a == b {
            prop_assert_eq!(hash(&a), hash(&b));
            prop_assert_eq!(layout(&a), layout(&b));
        }
    }

    #[test]
    fn leaves_are_what_a_walk_finds(recipe in recipe()) {
        let ty = recipe.build();
        let mut found = Vec::new();
        if ty.as_scalar().is_none() && ty.size() <= ffi_types::MAX_LEAVES_SIZE {
            scalars_of(&ty, 0, &mut found);
        }
        found.sort_unstable();
        found.dedup();
        let found: Vec<_> = found
            .into_iter()
            .map(|(offset, scalar)| Leaf { offset: offset as u32, what: Fundamental::Scalar(scalar) })
            .collect();
        prop_assert_eq!(ty.leaves(), found);
    }

    /// SysV psABI 3.1.2: each member at the lowest offset that its alignment allows, the whole
    /// as aligned as its strictest member, and its size a multiple of that.
    #[test]
    fn members_lie_as_low_as_their_alignment_allows(recipe in recipe()) {
        let ty = recipe.build();
        prop_assert!(ty.align().is_power_of_two() && ty.size() % ty.align() == 0);
        prop_assert!(ty.align() >= ty.natural_align());
        let Recipe::Aggregate(union, members, pack, whole) = &recipe else { return Ok(()) };
        let (mut end, mut strictest, mut furthest) = (0, 1, 0);
        for (field, (_, asked)) in ty.fields().iter().zip(members) {
            let own = field.ty().align().max(asked.unwrap_or(1));
            let align = pack.map_or(own, |pack| own.min(pack));
            prop_assert_eq!(field.offset() % align, 0);
            let start = if *union { 0 } else { end };
            prop_assert!((start..start + align).contains(&field.offset()));
            end = field.offset() + field.ty().size();
            furthest = furthest.max(end);
            strictest = strictest.max(align);
        }
        prop_assert_eq!(ty.natural_align(), strictest);
        prop_assert_eq!(ty.align(), strictest.max(whole.unwrap_or(1)));
        prop_assert!((furthest..furthest + ty.align()).contains(&ty.size()));
    }
}

/// Two wrongs: the leaf is where it should be, but the struct that it is in is not. The psABI's
/// "unaligned fields" are those of any type; clang has it so, and gcc looks at the leaves alone.
#[test]
fn a_member_is_unaligned_though_what_is_in_it_is_not() {
    let inner = || Type::structure("i").field("c", Type::I8).field("s", Type::I16).packed();
    let inner = inner().align(2).build().expect("a valid type");
    assert_eq!((inner.size(), inner.align(), inner.fields()[1].offset()), (4, 2, 1));
    let outer = |first| Type::structure("o").field("a", first).field("i", inner.clone()).packed();
    let unaligned = outer(Type::I8).build().expect("a valid type");
    assert_eq!(unaligned.leaves()[2].offset, 2);
    assert!(unaligned.has_unaligned_member());
    let array = Type::array(unaligned, 1).expect("a valid array");
    let within = Type::structure("w").field("a", array).build().expect("a valid type");
    assert!(within.has_unaligned_member());
}
