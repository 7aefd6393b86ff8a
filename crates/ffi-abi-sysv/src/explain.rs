//! The rule behind each place, in the psABI's words.
//!
//! What the type is comes from its classes, and where it went from the plan: the two cannot say
//! different things.

use crate::classify::{Class, Classes, classify};
use alloc::format;
use alloc::string::String;
use ffi_types::{Location, Plan, ReturnPlan, Rule, Signature, Type};

const PASSING: &str = "psABI 3.2.3, Passing";
const RETURNING: &str = "psABI 3.2.3, Returning of Values";
const CLASSIFICATION: &str = "psABI 3.2.3, Classification";

/// Why the argument of that index, counted from 0, is where the plan has it.
///
/// ```
/// use ffi_abi_sysv::{argument_rule, plan};
/// use ffi_types::{Convention, Signature, Type};
/// let signature = Signature::new(Convention::SysV, Type::VOID, [Type::F64])?;
/// let rule = argument_rule(&signature, &plan(&signature)?, 0);
/// assert_eq!(rule.to_string(), "SSE: the next vector register (psABI 3.2.3, Passing)");
/// # Ok::<(), ffi_types::InvalidCallInterfaceError>(())
/// ```
pub fn argument_rule(signature: &Signature, plan: &Plan, index: usize) -> Rule {
    let Some(ty) = signature.arguments().get(index) else {
        return Rule::new(PASSING, "there is no such argument");
    };
    let places = plan.placement(index).places();
    let on_stack = places.iter().any(|(_, place)| matches!(place, Location::Stack(_)));
    match (classify(ty), on_stack) {
        (Classes::Memory, _) => Rule::new(CLASSIFICATION, memory(ty) + ", on the stack"),
        (Classes::Eightbytes([class, Class::NoClass]), false) => {
            Rule::new(PASSING, format!("{}: the next {} register", name(class), bank(class)))
        }
        // Padding alone in the first eightbyte: the second takes a register, as one by itself.
        (Classes::Eightbytes(classes @ [Class::NoClass, class]), false) => {
            let text = format!("padding, then the next {} register", bank(class));
            Rule::new(PASSING, format!("{}: {text}", names(classes)))
        }
        (Classes::Eightbytes(classes), false) => {
            Rule::new(PASSING, format!("{}: a register for each eightbyte", names(classes)))
        }
        (Classes::Eightbytes([class, Class::NoClass]), true) => {
            let text =
                format!("{}: no {} register is left, on the stack", name(class), bank(class));
            Rule::new(PASSING, text)
        }
        (Classes::Eightbytes(classes), true) => {
            let text = "too few registers are left for all of it, on the stack as a whole";
            Rule::new(PASSING, format!("{}: {text}", names(classes)))
        }
    }
}

/// Why the result comes back where the plan has it.
pub fn result_rule(signature: &Signature, plan: &Plan) -> Rule {
    let ty = signature.return_type();
    match plan.return_plan() {
        ReturnPlan::Memory { .. } => {
            let text = ", at the address passed in rdi, which comes back in rax";
            Rule::new(RETURNING, memory(ty) + text)
        }
        ReturnPlan::Registers(_) => {
            let Classes::Eightbytes(classes) = classify(ty) else {
                return Rule::new(RETURNING, memory(ty));
            };
            Rule::new(
                RETURNING,
                format!("{}: the next of rax, rdx and of xmm0, xmm1", names(classes)),
            )
        }
        _ => Rule::new(RETURNING, "void: nothing"),
    }
}

fn memory(ty: &Type) -> String {
    match ty.size() {
        0..=16 => "MEMORY: a member at an offset that is not aligned for it".into(),
        size => format!("MEMORY: {size} bytes are more than 16"),
    }
}

fn names(classes: [Class; 2]) -> String {
    match classes {
        [class, Class::NoClass] => name(class).into(),
        [first, second] => format!("{}, {}", name(first), name(second)),
    }
}

fn name(class: Class) -> &'static str {
    match class {
        Class::NoClass => "NO_CLASS",
        Class::Integer => "INTEGER",
        Class::Sse => "SSE",
        Class::SseUp => "SSEUP",
        Class::X87 => "X87",
        Class::X87Up => "X87UP",
        Class::ComplexX87 => "COMPLEX_X87",
        Class::Memory => "MEMORY",
    }
}

fn bank(class: Class) -> &'static str {
    if class == Class::Sse { "vector" } else { "general" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ffi_types::Convention;

    fn bytes(count: usize) -> Type {
        let bytes = Type::array(Type::I8, count).expect("a valid array");
        Type::structure("s").field("b", bytes).build().expect("a valid type")
    }

    /// The rules of the last argument, and of the result.
    fn rules(result: Type, arguments: &[Type]) -> [String; 2] {
        let signature =
            Signature::new(Convention::SysV, result, arguments.to_vec()).expect("a signature");
        let plan = crate::plan(&signature).expect("a plan");
        let last = arguments.len().wrapping_sub(1);
        [argument_rule(&signature, &plan, last).text, result_rule(&signature, &plan).text]
            .map(String::from)
    }

    #[test]
    fn each_rule_is_told_where_it_applies() {
        let mixed = Type::structure("m").field("d", Type::F64).field("i", Type::I32);
        let mixed = mixed.build().expect("a valid type");
        let packed = Type::structure("p").field("c", Type::I8).field("d", Type::F64).packed();
        let packed = packed.build().expect("a valid type");
        let padded = Type::structure("h").field_at("i", Type::I32, 8).stated(12, 4);
        let padded = padded.build().expect("a valid type");
        for (count, ty, expected) in [
            (0, padded, "NO_CLASS, INTEGER: padding, then the next general register"),
            (0, Type::I32, "INTEGER: the next general register"),
            (6, Type::I32, "INTEGER: no general register is left, on the stack"),
            (6, Type::F32, "SSE: the next vector register"),
            (0, bytes(3), "INTEGER: the next general register"),
            (0, mixed.clone(), "SSE, INTEGER: a register for each eightbyte"),
            (
                6,
                mixed.clone(),
                "SSE, INTEGER: too few registers are left for all of it, on the stack as a whole",
            ),
            (0, bytes(17), "MEMORY: 17 bytes are more than 16, on the stack"),
            (
                0,
                packed.clone(),
                "MEMORY: a member at an offset that is not aligned for it, on the stack",
            ),
        ] {
            let mut arguments = alloc::vec![Type::I64; count];
            arguments.push(ty);
            assert_eq!(rules(Type::VOID, &arguments)[0], expected, "{arguments:?}");
        }
        for (ty, expected) in [
            (Type::VOID, "void: nothing"),
            (Type::F32, "SSE: the next of rax, rdx and of xmm0, xmm1"),
            (mixed, "SSE, INTEGER: the next of rax, rdx and of xmm0, xmm1"),
            (
                bytes(17),
                "MEMORY: 17 bytes are more than 16, at the address passed in rdi, which comes back in rax",
            ),
        ] {
            let [missing, rule] = rules(ty, &[]);
            assert_eq!((missing.as_str(), rule.as_str()), ("there is no such argument", expected));
        }
    }
}
