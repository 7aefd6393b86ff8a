//! Whether what the rules say and where a plan has the arguments are the same, swept over shapes.
//! Pure: runs on every host.

use ffi_abi_arm64::{argument_rule, plan, result_rule};
use ffi_types::{Aapcs64, Convention, Plan, Signature, Type};

fn of(element: Type, count: usize) -> Type {
    let array = Type::array(element, count).expect("a valid array");
    Type::structure("s").field("a", array).build().expect("a valid type")
}

/// Whatever comes before an argument, its rule says of registers, stack and copies what the plan
/// does.
#[test]
fn no_rule_contradicts_the_plan() {
    let shapes = [
        Type::I8,
        Type::I64,
        Type::F32,
        Type::F64,
        of(Type::F32, 3),
        of(Type::F64, 4),
        of(Type::I64, 2),
        of(Type::I32, 3),
        of(Type::I64, 3),
    ];
    for (longs, doubles, variadic) in (0..243).map(|n| (n % 9, n / 9 % 9, n / 81 % 3)) {
        let before = [vec![Type::I64; longs], vec![Type::F64; doubles]].concat();
        for variant in [Aapcs64::Standard, Aapcs64::Apple, Aapcs64::Windows] {
            let convention = Convention::Aapcs64(variant);
            let arguments = [&before[..], &shapes].concat();
            let signature = match [None, Some(before.len()), Some(arguments.len())][variadic] {
                None => Signature::new(convention, Type::VOID, arguments),
                Some(first) => Signature::variadic(convention, Type::VOID, arguments, first),
            };
            // There is no C function that takes nothing but `...`.
            let Ok(signature) = signature else { continue };
            let plan = plan(variant, &signature).expect("a plan");
            for index in 0..signature.arguments().len() {
                let text = argument_rule(&signature, &plan, index).text;
                let placement = plan.placement(index);
                let at = |prefix| format!("{placement}").contains(prefix);
                let context = format!("{variant:?} {placement}: {text}");
                assert_eq!(text.contains("the stack"), at("[stack"), "{context}");
                assert_eq!(text.contains("of a copy"), at("&"), "{context}");
                let vector = ["next vector", "a vector register"].iter().any(|s| text.contains(s));
                assert_eq!(vector, at("v"), "{context}");
                let general = ["next general", "a general register", ": general registers", "x7"]
                    .iter()
                    .any(|s| text.contains(s));
                assert_eq!(general || text.contains("NGRN rounded"), at("x"), "{context}");
            }
        }
    }
}

#[test]
fn a_plan_of_something_else_gets_some_rule() {
    let arguments = vec![Type::F64, of(Type::I64, 2), of(Type::I64, 3)];
    let signature =
        Signature::new(Convention::Aapcs64(Aapcs64::Standard), of(Type::I64, 3), arguments);
    let (signature, plan) = (signature.expect("a signature"), Plan::empty());
    for index in 0..4 {
        assert!(!argument_rule(&signature, &plan, index).text.is_empty());
    }
    assert!(!result_rule(&signature, &plan).text.is_empty());
}
