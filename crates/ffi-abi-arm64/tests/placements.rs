//! Where AAPCS64 6.8.2 and its two variants put what, signature by signature. Pure: runs on every
//! host.

use ffi_abi_arm64::plan;
use ffi_types::{
    Aapcs64, Convention, Extension, InterfaceReason, Plan, ReturnPlan, Signature, Type,
};

use Aapcs64::{Apple, Standard, Windows};
use Type as T;

const ALL: [Aapcs64; 3] = [Standard, Apple, Windows];

fn planned(variant: Aapcs64, result: Type, arguments: Vec<Type>) -> Plan {
    let signature = Signature::new(Convention::Aapcs64(variant), result, arguments);
    plan(variant, &signature.expect("a C signature")).expect("it can be planned")
}

fn all_places(plan: &Plan) -> Vec<String> {
    (0..plan.argument_count()).map(|index| plan.placement(index).to_string()).collect()
}

/// The place of each argument.
fn places(variant: Aapcs64, arguments: Vec<Type>) -> Vec<String> {
    all_places(&planned(variant, T::VOID, arguments))
}

/// The place of each argument of a variadic function.
fn variadic(variant: Aapcs64, arguments: Vec<Type>, first: usize) -> Vec<String> {
    let convention = Convention::Aapcs64(variant);
    let signature = Signature::variadic(convention, T::I32, arguments, first);
    all_places(&plan(variant, &signature.expect("a C signature")).expect("it can be planned"))
}

/// The return registers, or where the hidden pointer goes.
fn returned(result: Type) -> Vec<String> {
    let plan = planned(Standard, result, vec![]);
    match plan.return_plan() {
        ReturnPlan::Registers(moves) => {
            moves.iter().map(|m| plan.return_registers().location(m.to).to_string()).collect()
        }
        ReturnPlan::Memory { pointer_to, pointer_back: None } => {
            vec![format!("pointer in {}", plan.registers().location(pointer_to))]
        }
        _ => vec![],
    }
}

fn structure(members: &[Type]) -> Type {
    let start = Type::anonymous_structure();
    let add = |s: ffi_types::AggregateBuilder, (i, ty): (usize, &Type)| {
        s.field(&format!("m{i}"), ty.clone())
    };
    members.iter().enumerate().fold(start, add).build().expect("a C struct")
}

fn floats(count: usize) -> Type {
    structure(&vec![T::F32; count])
}

fn bytes(size: usize) -> Type {
    structure(&[T::array(T::U8, size).expect("an array")])
}

/// 16 bytes, aligned to 16 by a member.
fn wide() -> Type {
    let start = Type::anonymous_structure().aligned_field("m0", T::I64, 16);
    start.build().expect("a C struct")
}

fn then(count: usize, filler: &Type, rest: &[Type]) -> Vec<Type> {
    [vec![filler.clone(); count], rest.to_vec()].concat()
}

#[test]
fn c1_and_c7_numbers_have_registers_of_their_own_kind() {
    for variant in ALL {
        assert_eq!(
            places(variant, vec![T::I32, T::F64, T::POINTER, T::F32, T::BOOL]),
            ["x0", "v0", "x1", "v1", "x2"]
        );
        assert_eq!(places(variant, vec![T::I64; 9])[7..], ["x7", "[stack+0]"]);
        assert_eq!(places(variant, vec![T::F64; 9])[7..], ["v7", "[stack+0]"]);
    }
}

#[test]
fn c2_homogeneous_aggregates_take_a_register_for_each_member() {
    for variant in ALL {
        assert_eq!(places(variant, vec![floats(4), T::F32]), ["v0, v1, v2, v3", "v4"]);
        let doubles = structure(&[T::F64, structure(&[T::F64, T::F64])]);
        assert_eq!(places(variant, vec![T::F32, doubles]), ["v0", "v1, v2, v3"]);
    }
}

#[test]
fn c3_an_aggregate_that_does_not_fit_closes_the_vector_registers() {
    for variant in ALL {
        let arguments = then(6, &T::F32, &[floats(4), T::F32, T::I32]);
        assert_eq!(places(variant, arguments)[6..], ["[stack+0]", "[stack+16]", "x0"]);
    }
    // "The size of the argument is rounded up to the nearest multiple of 8 bytes", but for Apple.
    let arguments = then(8, &T::F32, &[floats(3), T::F32]);
    assert_eq!(places(Standard, arguments.clone())[8..], ["[stack+0]", "[stack+16]"]);
    assert_eq!(places(Windows, arguments.clone())[8..], ["[stack+0]", "[stack+16]"]);
    assert_eq!(places(Apple, arguments)[8..], ["[stack+0]", "[stack+12]"]);
}

#[test]
fn c4_a_homogeneous_aggregate_on_the_stack_is_aligned_as_its_members_are() {
    let start = Type::anonymous_structure().aligned_field("m0", T::F64, 16);
    let wide = start.field("m1", T::F64).build().expect("a C struct");
    let arguments = then(8, &T::F64, &[T::F64, wide]);
    assert_eq!(places(Standard, arguments.clone())[8..], ["[stack+0]", "[stack+16]"]);
    // As clang has it.
    assert_eq!(places(Windows, arguments.clone())[8..], ["[stack+0]", "[stack+8]"]);
    assert_eq!(places(Apple, arguments)[8..], ["[stack+0]", "[stack+8]"]);
}

#[test]
fn mixtures_and_five_members_are_not_homogeneous() {
    for variant in ALL {
        for ty in [
            structure(&[T::F64, T::I64]),
            structure(&[T::F64, T::F32]),
            structure(&[T::F32, T::F32, T::I32]),
            structure(&[T::I32, T::I32, T::I32, T::I32]),
        ] {
            assert_eq!(places(variant, vec![ty, T::I8]), ["x0, x1", "x2"]);
        }
        assert_eq!(places(variant, vec![structure(&[T::F32, T::I32])]), ["x0"]);
        assert_eq!(places(variant, vec![floats(5), T::I8]), ["&x0", "x1"]);
    }
}

#[test]
fn c8_an_alignment_of_16_starts_at_an_even_register_but_not_for_apple() {
    let arguments = vec![T::I64, wide(), T::I64];
    assert_eq!(places(Standard, arguments.clone()), ["x0", "x2, x3", "x4"]);
    assert_eq!(places(Windows, arguments.clone()), ["x0", "x2, x3", "x4"]);
    assert_eq!(places(Apple, arguments), ["x0", "x1, x2", "x3"]);
}

#[test]
fn b6_an_attribute_on_the_type_is_not_its_natural_alignment() {
    let start = Type::anonymous_structure().field("n", T::I64).align(16);
    let adjusted = start.build().expect("a C struct");
    assert_eq!(places(Standard, vec![T::I64, adjusted.clone()]), ["x0", "x1, x2"]);
    // As clang has it for Windows.
    assert_eq!(places(Windows, vec![T::I64, adjusted.clone()]), ["x0", "x2, x3"]);
    let inside = structure(&[adjusted]);
    assert_eq!(places(Standard, vec![T::I64, inside]), ["x0", "x2, x3"]);
}

#[test]
fn c10_and_c11_a_composite_that_does_not_fit_closes_the_general_registers() {
    for variant in ALL {
        let pair = structure(&[T::I64, T::I64]);
        let arguments = then(7, &T::I64, &[pair, T::I64, T::F32]);
        assert_eq!(places(variant, arguments)[7..], ["[stack+0]", "[stack+16]", "v0"]);
        // Twelve bytes are two double-words, seven are one.
        let arguments = then(6, &T::I64, &[bytes(12), bytes(7)]);
        assert_eq!(places(variant, arguments)[6..], ["x6, x7", "[stack+0]"]);
    }
}

#[test]
fn c12_the_stack_is_aligned_to_8_or_16_as_the_members_are() {
    for variant in ALL {
        let arguments = then(9, &T::I64, &[wide(), T::I64]);
        assert_eq!(places(variant, arguments)[8..], ["[stack+0]", "[stack+16]", "[stack+32]"]);
    }
}

#[test]
fn b4_a_large_composite_becomes_the_address_of_a_copy() {
    for variant in ALL {
        assert_eq!(places(variant, vec![bytes(16), bytes(17), T::I8]), ["x0, x1", "&x2", "x3"]);
        let arguments = then(8, &T::I64, &[bytes(17), T::I64]);
        assert_eq!(places(variant, arguments)[8..], ["&[stack+0]", "[stack+8]"]);
    }
    // The pointer is an argument of 8 bytes, whatever it points to.
    let start = Type::anonymous_structure().field("n", T::array(T::I64, 4).expect("an array"));
    let aligned = start.align(32).build().expect("a C struct");
    let plan = planned(Standard, T::VOID, then(9, &T::I64, &[aligned]));
    assert_eq!(all_places(&plan)[8..], ["[stack+0]", "&[stack+8]"]);
    let copy = plan.by_reference()[0].copy_to - plan.registers().size;
    assert_eq!((copy, plan.stack_align(), plan.frame_size()), (32, 32, 64));
}

#[test]
fn apple_packs_the_stack() {
    let small = [T::I8, T::I16, T::I32, T::BOOL, T::I64, T::I8, bytes(3), T::I8, T::POINTER];
    let arguments = then(8, &T::I64, &small);
    let packed = [
        "[stack+0]",
        "[stack+2]",
        "[stack+4]",
        "[stack+8]",
        "[stack+16]",
        "[stack+24]",
        // A composite type other than an HFA is still eightbytes.
        "[stack+32]",
        "[stack+40]",
        "[stack+48]",
    ];
    assert_eq!(places(Apple, arguments.clone())[8..], packed);
    let by_eights: Vec<String> = (0..9).map(|slot| format!("[stack+{}]", 8 * slot)).collect();
    assert_eq!(places(Standard, arguments.clone())[8..], by_eights);
    assert_eq!(places(Windows, arguments.clone())[8..], by_eights);

    let plan = planned(Apple, T::VOID, arguments);
    let exact: Vec<(Extension, u32)> =
        plan.moves()[8..12].iter().map(|m| (m.extension, m.len)).collect();
    use Extension::{BoolByte, None};
    assert_eq!(exact, [(None, 1), (None, 2), (None, 4), (BoolByte, 1)]);

    let arguments = then(8, &T::F32, &[T::F32, floats(3), T::F64]);
    assert_eq!(places(Apple, arguments)[8..], ["[stack+0]", "[stack+4]", "[stack+16]"]);
}

#[test]
fn variadic_arguments_of_the_standard_are_placed_as_any_other() {
    assert_eq!(
        variadic(Standard, vec![T::POINTER, T::F64, T::I32, floats(2)], 1),
        ["x0", "v0", "x1", "v1, v2"]
    );
}

#[test]
fn apple_has_all_variadic_arguments_on_the_stack_in_slots_of_eight() {
    let rest = [T::I32, T::F64, floats(3), wide(), bytes(17), bytes(3)];
    assert_eq!(
        variadic(Apple, then(1, &T::POINTER, &rest), 1),
        ["x0", "[stack+0]", "[stack+8]", "[stack+16]", "[stack+32]", "&[stack+48]", "[stack+56]"]
    );
    // Behind packed arguments the slots start at the next multiple of 8.
    let arguments = then(9, &T::I8, &[T::I32, T::I64]);
    assert_eq!(variadic(Apple, arguments, 9)[8..], ["[stack+0]", "[stack+8]", "[stack+16]"]);
}

#[test]
fn windows_uses_no_vector_registers_in_variadic_functions() {
    assert_eq!(
        variadic(Windows, vec![T::F64, T::F64, T::I32, floats(2), floats(3), floats(5)], 1),
        ["x0", "x1", "x2", "x3", "x4, x5", "&x6"]
    );
    // "An imaginary stack, where the first 64 bytes of the stack are loaded into x0-x7."
    let pair = structure(&[T::I64, T::I64]);
    let arguments = then(7, &T::I64, &[pair.clone(), T::F64]);
    assert_eq!(variadic(Windows, arguments, 1)[7..], ["x7, [stack+0]", "[stack+8]"]);
    let arguments = then(7, &T::I64, &[wide(), pair]);
    assert_eq!(variadic(Windows, arguments, 7)[7..], ["[stack+0]", "[stack+16]"]);
    // Without `...` they are used.
    assert_eq!(places(Windows, vec![T::F64, floats(2)]), ["v0", "v1, v2"]);
    // Four doubles are a composite of 32 bytes there.
    assert_eq!(variadic(Windows, vec![T::I32, structure(&[T::F64; 4])], 1), ["x0", "&x1"]);
}

#[test]
fn results_come_back_where_a_first_argument_would_be() {
    assert_eq!(returned(T::VOID), [""; 0]);
    assert_eq!(returned(T::I8), ["x0"]);
    assert_eq!(returned(T::F32), ["v0"]);
    assert_eq!(returned(structure(&[T::F64; 4])), ["v0", "v1", "v2", "v3"]);
    assert_eq!(returned(floats(3)), ["v0", "v1", "v2"]);
    assert_eq!(returned(structure(&[T::F64, T::I8])), ["x0", "x1"]);
    assert_eq!(returned(bytes(3)), ["x0"]);
    assert_eq!(returned(bytes(17)), ["pointer in x8"]);
    assert_eq!(returned(floats(5)), ["pointer in x8"]);
}

#[test]
fn a_result_in_memory_takes_no_argument_register() {
    let plan = planned(Standard, bytes(24), vec![T::I64; 9]);
    assert_eq!(all_places(&plan)[..2], ["x0", "x1"]);
    assert_eq!(all_places(&plan)[8], "[stack+0]");
}

#[test]
fn sub_word_integers_are_extended_as_their_type_says() {
    for variant in ALL {
        let plan = planned(variant, T::I16, vec![T::I8, T::U16, T::BOOL, T::F32]);
        let extensions: Vec<Extension> = plan.moves().iter().map(|m| m.extension).collect();
        use Extension::{Bool, Sign, Zero};
        assert_eq!(extensions, [Sign, Zero, Bool, Zero]);
    }
}

#[test]
fn arguments_that_fit_no_stack_are_named() {
    let huge = bytes(1 << 30);
    for variant in ALL {
        let arguments = vec![T::I8, huge.clone(), huge.clone()];
        let signature = Signature::new(Convention::Aapcs64(variant), T::VOID, arguments);
        let error = plan(variant, &signature.expect("a C signature")).expect_err("too large");
        assert!(matches!(error.reason, InterfaceReason::TooLarge { size: 0x4000_0000, .. }));
        assert!(error.to_string().starts_with("argument 2: "), "{error}");
    }
}

/// Nothing is passed of what has no bytes, whatever members it has.
#[test]
fn what_has_no_bytes_takes_no_register() {
    let bits = Type::structure("b").bit_field("", Type::I32, 0).build().expect("a C type");
    let empty = Type::structure("e").stated(0, 1).build().expect("a C type");
    let nested = Type::structure("n").field("e", empty.clone()).build().expect("a C type");
    for nothing in [bits, empty, nested] {
        assert_eq!(nothing.size(), 0);
        for variant in [Aapcs64::Standard, Aapcs64::Apple, Aapcs64::Windows] {
            let convention = Convention::Aapcs64(variant);
            let types = [Type::I64, nothing.clone(), Type::I64];
            let signature = Signature::new(convention, nothing.clone(), types).expect("C");
            let plan = ffi_abi_arm64::plan(variant, &signature).expect("a plan");
            assert_eq!(plan.placement(2).to_string(), "x1");
            assert!(plan.placement(1).places().is_empty());
        }
    }
}
