//! The rule behind each place, in the psABI's words.
//!
//! What the type is comes from its classes, and where it went from the plan: the two cannot say
//! different things.

use crate::classify::{Class, Classes, MAX_EIGHTBYTES, classify};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use ffi_types::{Bank, Leaf, Location, Plan, ReturnPlan, Rule, Signature, Type};

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
    let classes = match classify(ty) {
        Classes::Memory => return Rule::new(CLASSIFICATION, memory(ty) + ", on the stack"),
        Classes::Eightbytes(classes) => classes,
    };
    let names = names(classes);
    let alone = |class: Class| classes.iter().filter(|&&c| c == class).count();
    let taken: Vec<Class> = registers_of(classes);
    let text = match (&taken[..], on_stack) {
        ([], _) => "nothing is passed".into(),
        ([Class::X87 | Class::ComplexX87], _) => "passed in memory, on the stack".into(),
        ([class], false) if classes[0] == Class::NoClass => {
            // Padding alone in the first eightbyte: the second takes a register, as one by itself.
            format!("padding, then the next {} register", bank(*class))
        }
        ([class], false) => format!("the next {} register", bank(*class)),
        (_, false) => "a register for each eightbyte".into(),
        ([Class::Sse], true) if alone(Class::SseUp) > 1 && signature.is_variadic_at(index) => {
            "behind `...` more than 16 bytes are passed on the stack".into()
        }
        ([class], true) => format!("no {} register is left, on the stack", bank(*class)),
        (_, true) => lacking(classes, plan, index) + "on the stack as a whole",
    };
    Rule::new(PASSING, format!("{names}: {text}"))
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
            let text = match classes[0] {
                Class::X87 => "st0",
                Class::ComplexX87 => "the real part in st0, the imaginary part in st1",
                _ => "the next of rax, rdx and of xmm0, xmm1",
            };
            Rule::new(RETURNING, format!("{}: {text}", names(classes)))
        }
        _ if ty.is_void() => Rule::new(RETURNING, "void: nothing"),
        _ => Rule::new(RETURNING, "NO_CLASS: nothing is returned"),
    }
}

fn memory(ty: &Type) -> String {
    let is_unaligned = |leaf: &&Leaf| !(leaf.offset as usize).is_multiple_of(leaf.what.size());
    match ty.leaves().iter().find(is_unaligned) {
        Some(leaf) => format!("MEMORY: unaligned member at offset {}", leaf.offset),
        None if ty.has_unaligned_member() => "MEMORY: unaligned member".into(),
        None if ty.size() > 16 => format!("MEMORY: {} bytes are more than 16", ty.size()),
        None => "MEMORY: X87 beside another class".into(),
    }
}

/// The classes that take a register of their own.
fn registers_of(classes: [Class; MAX_EIGHTBYTES]) -> Vec<Class> {
    let parts = [Class::NoClass, Class::SseUp, Class::X87Up];
    classes.into_iter().filter(|class| !parts.contains(class)).collect()
}

/// Of which registers what comes before the argument left too few for its eightbytes.
fn lacking(classes: [Class; MAX_EIGHTBYTES], plan: &Plan, index: usize) -> String {
    let registers = plan.registers();
    for (class, bank) in [(Class::Integer, &registers.general), (Class::Sse, &registers.vector)] {
        let needed = classes.iter().filter(|&&c| c == class).count();
        let left = left(bank, plan, index);
        if needed > left {
            let plural = if needed == 1 { "" } else { "s" };
            let kind = self::bank(class);
            return format!("needs {needed} {kind} register{plural} and has {left} left, ");
        }
    }
    String::new()
}

/// How many registers of a bank neither the arguments before that index nor the address of the
/// result take.
fn left(bank: &Bank, plan: &Plan, index: usize) -> usize {
    let is_in = |to| match plan.registers().location(to) {
        Location::Register(name) => bank.names.contains(&name),
        _ => false,
    };
    let result =
        matches!(plan.return_plan(), ReturnPlan::Memory { pointer_to, .. } if is_in(pointer_to));
    let before = plan.moves().iter().take_while(|m| usize::from(m.argument) < index);
    let taken = before.filter(|m| is_in(m.to)).count() + usize::from(result);
    bank.names.len().saturating_sub(taken)
}

fn names(classes: [Class; MAX_EIGHTBYTES]) -> String {
    let end = classes.iter().rposition(|&class| class != Class::NoClass).unwrap_or(0);
    let names: Vec<&str> = classes[..=end].iter().map(|&class| name(class)).collect();
    names.join(", ")
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
    use alloc::vec;
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
        [argument_rule(&signature, &plan, last), result_rule(&signature, &plan)]
            .map(|rule| format!("{rule}"))
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
            (
                0,
                padded,
                "NO_CLASS, INTEGER: padding, then the next general register (psABI 3.2.3, Passing)",
            ),
            (0, Type::I32, "INTEGER: the next general register (psABI 3.2.3, Passing)"),
            (
                6,
                Type::I32,
                "INTEGER: no general register is left, on the stack (psABI 3.2.3, Passing)",
            ),
            (6, Type::F32, "SSE: the next vector register (psABI 3.2.3, Passing)"),
            (0, bytes(3), "INTEGER: the next general register (psABI 3.2.3, Passing)"),
            (
                0,
                mixed.clone(),
                "SSE, INTEGER: a register for each eightbyte (psABI 3.2.3, Passing)",
            ),
            (
                6,
                mixed.clone(),
                "SSE, INTEGER: needs 1 general register and has 0 left, on the stack as a whole (psABI 3.2.3, Passing)",
            ),
            (
                5,
                bytes(16),
                "INTEGER, INTEGER: needs 2 general registers and has 1 left, on the stack as a whole (psABI 3.2.3, Passing)",
            ),
            (
                0,
                bytes(17),
                "MEMORY: 17 bytes are more than 16, on the stack (psABI 3.2.3, Classification)",
            ),
            (
                0,
                packed.clone(),
                "MEMORY: unaligned member at offset 1, on the stack (psABI 3.2.3, Classification)",
            ),
        ] {
            let mut arguments = vec![Type::I64; count];
            arguments.push(ty);
            assert_eq!(rules(Type::VOID, &arguments)[0], expected, "{arguments:?}");
        }
        // The address of the result takes a register too.
        let five = [vec![Type::I64; 5], vec![mixed.clone()]].concat();
        assert_eq!(
            rules(Type::I64, &five)[0],
            "SSE, INTEGER: a register for each eightbyte (psABI 3.2.3, Passing)"
        );
        assert_eq!(
            rules(bytes(17), &five)[0],
            "SSE, INTEGER: needs 1 general register and has 0 left, on the stack as a whole (psABI 3.2.3, Passing)"
        );
        let vectors = [vec![Type::I64; 5], vec![Type::F64; 8], vec![mixed.clone()]].concat();
        assert_eq!(
            rules(Type::VOID, &vectors)[0],
            "SSE, INTEGER: needs 1 vector register and has 0 left, on the stack as a whole (psABI 3.2.3, Passing)"
        );
        let full = Type::structure("p").field("c", Type::I8).field("d", Type::F64);
        let full = full.field("b", bytes(7)).packed().build().expect("a valid type");
        assert_eq!(
            rules(Type::VOID, &[full])[0],
            "MEMORY: unaligned member at offset 1, on the stack (psABI 3.2.3, Classification)"
        );
        let doubles = Type::structure("d").field("x", Type::F64).field("y", Type::F64);
        let doubles = doubles.build().expect("a valid type");
        assert_eq!(
            rules(Type::VOID, &[vec![Type::F64; 7], vec![doubles]].concat())[0],
            "SSE, SSE: needs 2 vector registers and has 1 left, on the stack as a whole (psABI 3.2.3, Passing)"
        );
        for (ty, expected) in [
            (Type::VOID, "void: nothing (psABI 3.2.3, Returning of Values)"),
            (
                Type::F32,
                "SSE: the next of rax, rdx and of xmm0, xmm1 (psABI 3.2.3, Returning of Values)",
            ),
            (
                packed,
                "MEMORY: unaligned member at offset 1, at the address passed in rdi, which comes back in rax (psABI 3.2.3, Returning of Values)",
            ),
            (
                mixed,
                "SSE, INTEGER: the next of rax, rdx and of xmm0, xmm1 (psABI 3.2.3, Returning of Values)",
            ),
            (
                bytes(17),
                "MEMORY: 17 bytes are more than 16, at the address passed in rdi, which comes back in rax (psABI 3.2.3, Returning of Values)",
            ),
        ] {
            let [missing, rule] = rules(ty, &[]);
            assert_eq!(
                (missing.as_str(), rule.as_str()),
                ("there is no such argument (psABI 3.2.3, Passing)", expected)
            );
        }
    }
}
