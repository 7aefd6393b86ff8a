//! Whether what the rules say and where a plan has the arguments are the same, swept over shapes.
//! Pure: runs on every host.

use ffi_abi_sysv::{argument_rule, plan, result_rule};
use ffi_types::{Convention, Plan, Signature, Type};

fn of(element: Type, count: usize) -> Type {
    let array = Type::array(element, count).expect("a valid array");
    Type::structure("s").field("a", array).build().expect("a valid type")
}

/// Whatever comes before an argument, its rule says of registers and stack what the plan does.
#[test]
fn no_rule_contradicts_the_plan() {
    let mixed = Type::structure("m").field("d", Type::F64).field("i", Type::I32);
    let shapes = [
        Type::I8,
        Type::F32,
        of(Type::I8, 8),
        of(Type::I8, 16),
        of(Type::I8, 17),
        of(Type::F64, 2),
        mixed.build().expect("a valid type"),
    ];
    for (longs, doubles, result) in (0..180).map(|n| (n % 9, n / 9 % 10, n / 90)) {
        let before = [vec![Type::I64; longs], vec![Type::F64; doubles]].concat();
        let result = [Type::VOID, of(Type::I8, 17)][result].clone();
        let arguments = [&before[..], &shapes].concat();
        let signature = Signature::new(Convention::SysV, result, arguments);
        let signature = signature.expect("a signature");
        let plan = plan(&signature).expect("a plan");
        for index in 0..signature.arguments().len() {
            let text = argument_rule(&signature, &plan, index).text;
            let placement = format!("{}", plan.placement(index));
            let context = format!("{placement}: {text}");
            assert_eq!(text.contains("on the stack"), placement.starts_with("[stack"), "{context}");
            let whole = placement.starts_with("xmm") && !placement.contains(", ");
            assert_eq!(text.contains("next vector"), whole, "{context}");
            assert_eq!(text.contains("for each"), placement.contains(", "), "{context}");
            // It lacks what it says it does, and says so.
            assert_eq!(text.contains("as a whole"), text.contains("needs"), "{context}");
        }
    }
}

#[test]
fn a_plan_of_something_else_gets_some_rule() {
    let arguments = vec![Type::F64, of(Type::I64, 2), of(Type::I64, 3)];
    let signature = Signature::new(Convention::SysV, of(Type::I64, 3), arguments);
    let (signature, plan) = (signature.expect("a signature"), Plan::empty());
    for index in 0..4 {
        assert!(!argument_rule(&signature, &plan, index).text.is_empty());
    }
    assert!(!result_rule(&signature, &plan).text.is_empty());
}
