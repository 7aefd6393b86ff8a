//! Where SysV psABI 3.2.3 puts what, signature by signature. Pure: runs on every host.

use ffi_abi_sysv::plan;
use ffi_types::{Convention, Extension, Plan, ReturnPlan, Signature, Type};

use Type as T;

fn planned(result: Type, arguments: Vec<Type>) -> Plan {
    let signature = Signature::new(Convention::SysV, result, arguments).expect("a C signature");
    plan(&signature).expect("it can be planned")
}

/// The place of each argument.
fn places(arguments: Vec<Type>) -> Vec<String> {
    let plan = planned(T::VOID, arguments);
    (0..plan.argument_count()).map(|index| plan.placement(index).to_string()).collect()
}

/// The return registers, or where the hidden pointer goes.
fn returned(result: Type) -> Vec<String> {
    let plan = planned(result, vec![]);
    match plan.return_plan() {
        ReturnPlan::Registers(moves) => {
            moves.iter().map(|m| plan.return_registers().location(m.to).to_string()).collect()
        }
        ReturnPlan::Memory { pointer_to, .. } => {
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

fn repeated(ty: Type, count: usize) -> Vec<Type> {
    vec![ty; count]
}

#[test]
fn integers_and_floating_point_numbers_have_registers_of_their_own() {
    assert_eq!(
        places(vec![T::I32, T::F64, T::POINTER, T::F32, T::BOOL]),
        ["rdi", "xmm0", "rsi", "xmm1", "rdx"]
    );
    let mut expected = vec!["rdi", "rsi", "rdx", "rcx", "r8", "r9"];
    expected.extend(["[stack+0]", "[stack+8]"]);
    assert_eq!(places(repeated(T::I8, 8)), expected);
    let nine = places(repeated(T::F32, 9));
    assert_eq!((nine[7].as_str(), nine[8].as_str()), ("xmm7", "[stack+0]"));
}

#[test]
fn a_struct_takes_a_register_for_each_eightbyte() {
    assert_eq!(places(vec![structure(&[T::F64, T::I64])]), ["xmm0, rdi"]);
    assert_eq!(places(vec![structure(&[T::F32, T::F32, T::F32])]), ["xmm0, xmm1"]);
    assert_eq!(places(vec![structure(&[T::F32, T::I32, T::F64])]), ["rdi, xmm0"]);
    assert_eq!(places(vec![structure(&[T::I8])]), ["rdi"]);
}

#[test]
fn a_struct_that_does_not_fit_goes_whole_to_the_stack() {
    let pair = structure(&[T::I64, T::I64]);
    let arguments = [repeated(T::I64, 5), vec![pair, T::I64]].concat();
    assert_eq!(places(arguments)[5..], ["[stack+0]", "r9"]);
    let floats = structure(&[T::F32, T::F32, T::F32]);
    let arguments = [repeated(T::F64, 7), vec![floats, T::F64]].concat();
    assert_eq!(places(arguments)[7..], ["[stack+0]", "xmm7"]);
    // One register of each kind is there, but the struct needs two of one.
    let mixed = structure(&[T::F64, T::I64]);
    let arguments = [repeated(T::I64, 6), vec![mixed.clone(), T::F64]].concat();
    assert_eq!(places(arguments)[6..], ["[stack+0]", "xmm0"]);
}

#[test]
fn what_is_large_or_unaligned_goes_to_memory() {
    let large = structure(&[T::I64, T::I64, T::I64]);
    assert_eq!(places(vec![large.clone(), T::I64, large]), ["[stack+0]", "rdi", "[stack+24]"]);
    let packed = Type::structure("p").field("c", T::I8).field("d", T::F64).packed();
    let packed = packed.build().expect("a C struct");
    assert_eq!(places(vec![packed.clone(), packed]), ["[stack+0]", "[stack+16]"]);
}

#[test]
fn the_stack_is_aligned_as_the_argument_is() {
    let aligned = |align| {
        let ty = Type::structure("a").field("x", Type::array(T::I64, 4).expect("an array"));
        ty.align(align).build().expect("a C struct")
    };
    let arguments = [repeated(T::I64, 7), vec![aligned(32)]].concat();
    assert_eq!(places(arguments.clone())[6..], ["[stack+0]", "[stack+32]"]);
    assert_eq!(planned(T::VOID, arguments).stack_align(), 32);
    assert_eq!(planned(T::VOID, vec![aligned(16)]).stack_align(), 16);
}

#[test]
fn an_eightbyte_of_padding_takes_no_register() {
    let ty = Type::structure("a").field("c", T::I8).align(16).build().expect("a C struct");
    assert_eq!(places(vec![ty.clone(), T::I8]), ["rdi", "rsi"]);
    assert_eq!(returned(ty), ["rax"]);
}

#[test]
fn results_come_back_in_the_next_register_of_their_class() {
    assert_eq!(returned(T::VOID), [""; 0]);
    assert_eq!(returned(T::I8), ["rax"]);
    assert_eq!(returned(T::F32), ["xmm0"]);
    assert_eq!(returned(structure(&[T::I64, T::I64])), ["rax", "rdx"]);
    assert_eq!(returned(structure(&[T::F64, T::F64])), ["xmm0", "xmm1"]);
    assert_eq!(returned(structure(&[T::F64, T::I8])), ["xmm0", "rax"]);
    assert_eq!(returned(structure(&[T::I8, T::F64])), ["rax", "xmm0"]);
}

#[test]
fn a_result_in_memory_takes_the_first_integer_register() {
    let large = structure(&[T::I64, T::I64, T::I64]);
    assert_eq!(returned(large.clone()), ["pointer in rdi"]);
    let plan = planned(large, repeated(T::I64, 6));
    assert_eq!(plan.placement(0).to_string(), "rsi");
    assert_eq!(plan.placement(5).to_string(), "[stack+0]");
    let ReturnPlan::Memory { pointer_back: Some(back), .. } = plan.return_plan() else {
        panic!("the address comes back");
    };
    assert_eq!(plan.return_registers().location(back).to_string(), "rax");
}

#[test]
fn a_variadic_callee_is_told_how_many_vector_registers_there_are() {
    let arguments = [vec![T::POINTER], repeated(T::F64, 10)].concat();
    let signature = Signature::variadic(Convention::SysV, T::I32, arguments, 1);
    let plan = plan(&signature.expect("a C signature")).expect("it can be planned");
    assert_eq!((plan.is_variadic(), plan.vector_count()), (true, 8));
    assert!(!planned(T::VOID, vec![T::F64]).is_variadic());
}

#[test]
fn sub_word_integers_are_extended_as_their_type_says() {
    let plan = planned(T::I16, vec![T::I8, T::U16, T::BOOL, T::F32]);
    let extensions: Vec<Extension> = plan.moves().iter().map(|m| m.extension).collect();
    assert_eq!(extensions, [Extension::Sign, Extension::Zero, Extension::Bool, Extension::Zero]);
    let ReturnPlan::Registers([m]) = plan.return_plan() else { panic!("one register") };
    assert_eq!((m.extension, m.len), (Extension::Sign, 2));
}

#[test]
fn a_plan_says_what_it_costs() {
    let small = planned(T::I64, repeated(T::I64, 6)).size_bytes();
    assert_eq!(small, size_of::<Plan>());
    assert!(planned(T::I64, repeated(T::I64, 12)).size_bytes() > small);
}
