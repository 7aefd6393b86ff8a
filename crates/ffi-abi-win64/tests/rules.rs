//! Whether what the rules say and where a plan has the arguments are the same, swept over shapes.
//! Pure: runs on every host.

use ffi_abi_win64::{argument_rule, plan, result_rule};
use ffi_types::{Convention, Plan, Signature, Type, Win64};

fn of(element: Type, count: usize) -> Type {
    let array = Type::array(element, count).expect("a valid array");
    Type::structure("s").field("a", array).build().expect("a valid type")
}

/// Whatever comes before an argument, its rule says of registers, stack and copies what the plan
/// does.
#[test]
fn no_rule_contradicts_the_plan() {
    let shapes =
        [Type::I8, Type::F32, Type::F64, of(Type::I8, 3), of(Type::I8, 8), of(Type::I8, 16)];
    for (before, shape, variadic, result) in
        (0..144).map(|n| (n % 6, &shapes[n / 6 % 6], n / 36 % 2 == 1, n / 72))
    {
        // A variadic function's named arguments, which do not have to be promoted.
        let arguments = [vec![Type::I64; before], vec![shape.clone()]].concat();
        let (result, named) = ([Type::VOID, of(Type::I8, 16)][result].clone(), arguments.len());
        let signature = match variadic {
            true => Signature::variadic(Convention::Win64(Win64::Msvc), result, arguments, named),
            false => Signature::new(Convention::Win64(Win64::Msvc), result, arguments),
        };
        let signature = signature.expect("a signature");
        let plan = plan(Win64::Msvc, &signature).expect("a plan");
        let rule = argument_rule(&signature, &plan, before);
        let placement = format!("{}", plan.placement(before));
        let context = format!("{placement}: {rule}");
        let (on_stack, copied) = (placement.contains("[stack"), placement.starts_with('&'));
        assert_eq!(rule.text.contains("on the stack"), on_stack, "{context}");
        assert_eq!(rule.text.contains("address of a copy"), copied, "{context}");
        let (both, vector) = (placement.contains(", "), placement.starts_with("xmm"));
        assert_eq!(rule.text.contains("both registers"), both, "{context}");
        assert_eq!(rule.clause.ends_with("Varargs"), both, "{context}");
        assert_eq!(rule.text.contains("vector register"), vector, "{context}");
    }
}

#[test]
fn a_plan_of_something_else_gets_some_rule() {
    let arguments = vec![Type::F64, of(Type::I64, 2), of(Type::I64, 3)];
    let signature = Signature::new(Convention::Win64(Win64::Msvc), of(Type::I64, 3), arguments);
    let (signature, plan) = (signature.expect("a signature"), Plan::empty());
    for index in 0..4 {
        assert!(!argument_rule(&signature, &plan, index).text.is_empty());
    }
    assert!(!result_rule(&signature, &plan).text.is_empty());
}
