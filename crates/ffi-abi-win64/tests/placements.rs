//! Where Microsoft's "x64 calling convention" puts what, signature by signature. Pure: runs on
//! every host.

use ffi_abi_win64::plan;
use ffi_types::{Convention, Extension, InterfaceReason, Plan, ReturnPlan, Signature, Type, Win64};

use Type as T;

const MSVC: Convention = Convention::Win64(Win64::Msvc);

fn planned(result: Type, arguments: Vec<Type>) -> Plan {
    let signature = Signature::new(MSVC, result, arguments).expect("a C signature");
    plan(Win64::Msvc, &signature).expect("it can be planned")
}

fn all_places(plan: &Plan) -> Vec<String> {
    (0..plan.argument_count()).map(|index| plan.placement(index).to_string()).collect()
}

/// The place of each argument.
fn places(arguments: Vec<Type>) -> Vec<String> {
    all_places(&planned(T::VOID, arguments))
}

/// The return register, or where the hidden pointer goes and comes back.
fn returned(result: Type) -> String {
    let plan = planned(result, vec![]);
    match plan.return_plan() {
        ReturnPlan::Registers([m]) => plan.return_registers().location(m.to).to_string(),
        ReturnPlan::Memory { pointer_to, pointer_back: Some(back) } => {
            let to = plan.registers().location(pointer_to);
            format!("pointer in {to}, back in {}", plan.return_registers().location(back))
        }
        _ => "nothing".into(),
    }
}

fn bytes(size: usize) -> Type {
    let array = T::array(T::U8, size).expect("an array");
    Type::structure("b").field("b", array).build().expect("a C struct")
}

#[test]
fn an_argument_has_its_place_by_its_position() {
    assert_eq!(
        places(vec![T::I32, T::F64, T::POINTER, T::F32, T::I8, T::F64]),
        ["rcx", "xmm1", "r8", "xmm3", "[stack+32]", "[stack+40]"]
    );
    assert_eq!(places(vec![T::F64; 5]), ["xmm0", "xmm1", "xmm2", "xmm3", "[stack+32]"]);
}

#[test]
fn the_stack_area_starts_with_the_shadow_space() {
    assert_eq!(planned(T::VOID, vec![]).stack_size(), 32);
    assert_eq!(planned(T::VOID, vec![T::I64; 4]).stack_size(), 32);
    assert_eq!(planned(T::VOID, vec![T::I64; 5]).stack_size(), 48);
    assert_eq!(planned(T::VOID, vec![T::I64; 7]).stack_size(), 64);
}

#[test]
fn aggregates_of_1_2_4_and_8_bytes_travel_as_integers() {
    for size in [1, 2, 4, 8] {
        assert_eq!(places(vec![bytes(size), T::F32]), ["rcx", "xmm1"], "{size} bytes");
        assert_eq!(returned(bytes(size)), "rax", "{size} bytes");
    }
    let float = Type::structure("f").field("x", T::F32).build().expect("a C struct");
    assert_eq!(places(vec![float.clone()]), ["rcx"]);
    assert_eq!(returned(float), "rax");
    assert_eq!(places([vec![T::I8; 4], vec![bytes(4)]].concat())[4], "[stack+32]");
}

#[test]
fn all_other_aggregates_are_passed_as_the_address_of_a_copy() {
    for size in [3, 5, 6, 7, 9, 12, 16, 20, 24, 100] {
        assert_eq!(places(vec![bytes(size), T::I8]), ["&rcx", "rdx"], "{size} bytes");
        assert_eq!(returned(bytes(size)), "pointer in rcx, back in rax", "{size} bytes");
    }
    assert_eq!(places([vec![T::I8; 4], vec![bytes(3)]].concat())[4], "&[stack+32]");
}

#[test]
fn copies_are_aligned_to_16_or_more_and_lie_behind_the_stack_area() {
    let wide = Type::structure("w").field("x", T::I64).align(64).build().expect("a C struct");
    let plan = planned(T::VOID, vec![bytes(3), bytes(20), T::I8, T::I8, wide]);
    let starts: Vec<u32> = plan.by_reference().iter().map(|r| r.copy_to).collect();
    let start = |offset| plan.registers().size + offset;
    // The stack area is 48 bytes; copies at 64, 80 and 128 are aligned as it is, to 64.
    assert_eq!((plan.stack_size(), plan.stack_align()), (48, 64));
    assert_eq!(starts, [start(64), start(80), start(128)]);
    assert_eq!(plan.frame_size(), 128 + 64);
    assert_eq!(plan.image_size(), plan.registers().size as usize + 192);
}

#[test]
fn a_result_in_memory_takes_the_first_position() {
    let plan = planned(bytes(24), vec![T::F64, T::I64, T::I64, T::I64]);
    assert_eq!(all_places(&plan), ["xmm1", "r8", "r9", "[stack+32]"]);
}

#[test]
fn scalars_come_back_in_rax_or_xmm0() {
    assert_eq!(returned(T::VOID), "nothing");
    assert_eq!(returned(T::I8), "rax");
    assert_eq!(returned(T::F32), "xmm0");
    assert_eq!(returned(T::F64), "xmm0");
}

#[test]
fn floating_point_numbers_of_a_variadic_call_are_in_both_kinds_of_register() {
    let arguments = vec![T::POINTER, T::F64, T::I32, T::F64, T::F64];
    let signature = Signature::variadic(MSVC, T::I32, arguments, 1).expect("a C signature");
    let plan = plan(Win64::Msvc, &signature).expect("it can be planned");
    assert_eq!(all_places(&plan), ["rcx", "rdx, xmm1", "r8", "r9, xmm3", "[stack+32]"]);
    assert!(plan.is_variadic());
}

#[test]
fn sub_word_integers_are_extended_as_their_type_says() {
    let plan = planned(T::I16, vec![T::I8, T::U16, T::BOOL, T::F32, bytes(2)]);
    let extensions: Vec<Extension> = plan.moves().iter().map(|m| m.extension).collect();
    use Extension::{Bool, Sign, Zero};
    assert_eq!(extensions, [Sign, Zero, Bool, Zero, Zero]);
}

#[test]
fn both_variants_place_alike() {
    let arguments = vec![bytes(12), T::F32, bytes(8), T::I8, T::F64];
    let of = |variant| {
        let signature = Signature::new(Convention::Win64(variant), bytes(3), arguments.clone());
        let plan = plan(variant, &signature.expect("a C signature")).expect("it can be planned");
        assert_eq!(plan.convention(), Convention::Win64(variant));
        all_places(&plan)
    };
    assert_eq!(of(Win64::Msvc), of(Win64::Gnu));
}

#[test]
fn arguments_that_fit_no_stack_are_named() {
    let huge = bytes(1 << 30);
    let signature = Signature::new(MSVC, T::VOID, vec![T::I8, huge.clone(), huge.clone()]);
    let error = plan(Win64::Msvc, &signature.expect("a C signature")).expect_err("too large");
    assert!(matches!(error.reason, InterfaceReason::TooLarge { size: 0x4000_0000, .. }));
    assert!(error.to_string().starts_with("argument 2: "), "{error}");
}
