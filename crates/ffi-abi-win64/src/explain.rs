//! The rule behind each place, in Microsoft's words.
//!
//! What the type is comes from its class, and where it went from the plan: the two cannot say
//! different things.

use crate::classify::{Class, classify};
use alloc::format;
use ffi_types::{Location, Plan, ReturnPlan, Rule, Signature};

const PASSING: &str = "x64 calling convention, Parameter passing";
const VARIADIC: &str = "x64 calling convention, Varargs";
const RETURNING: &str = "x64 calling convention, Return values";

/// Why the argument of that index, counted from 0, is where the plan has it.
///
/// ```
/// use ffi_abi_win64::{argument_rule, plan};
/// use ffi_types::{Convention, Signature, Type, Win64};
/// let signature = Signature::new(Convention::Win64(Win64::Msvc), Type::VOID, [Type::F64])?;
/// let rule = argument_rule(&signature, &plan(Win64::Msvc, &signature)?, 0);
/// assert_eq!(rule.text, "a floating-point number: the vector register of its position");
/// # Ok::<(), ffi_types::InvalidCallInterfaceError>(())
/// ```
pub fn argument_rule(signature: &Signature, plan: &Plan, index: usize) -> Rule {
    let Some(ty) = signature.arguments().get(index) else {
        return Rule::new(PASSING, "there is no such argument");
    };
    let places = plan.placement(index).places();
    let on_stack = places.iter().any(|(_, place)| matches!(place, Location::Stack(_)));
    let what = match (ty.as_scalar(), classify(ty)) {
        (_, Class::Float) => "a floating-point number".into(),
        (Some(_), Class::Integer) => "an integer or pointer".into(),
        (None, Class::Integer) => format!("{} bytes, as an integer of that size", ty.size()),
        (_, _) => {
            let place = if on_stack { "on the stack" } else { "in the register of its position" };
            let text =
                format!("{} bytes are not 1, 2, 4 or 8: the address of a copy, {place}", ty.size());
            return Rule::new(PASSING, text);
        }
    };
    match (on_stack, classify(ty)) {
        (true, _) => {
            Rule::new(PASSING, format!("{what}: its position is past the fourth, on the stack"))
        }
        (false, Class::Float) if signature.first_variadic().is_some() => {
            let text = "both registers of its position, as the function takes `...`";
            Rule::new(VARIADIC, format!("{what}: {text}"))
        }
        (false, Class::Float) => {
            Rule::new(PASSING, format!("{what}: the vector register of its position"))
        }
        (false, _) => Rule::new(PASSING, format!("{what}: the general register of its position")),
    }
}

/// Why the result comes back where the plan has it.
pub fn result_rule(signature: &Signature, plan: &Plan) -> Rule {
    let ty = signature.return_type();
    match (plan.return_plan(), classify(ty)) {
        (ReturnPlan::Memory { .. }, _) => {
            let text = "bytes are not 1, 2, 4 or 8: at the address passed in rcx, which comes back \
                        in rax";
            Rule::new(RETURNING, format!("{} {text}", ty.size()))
        }
        (ReturnPlan::Registers(_), Class::Float) => {
            Rule::new(RETURNING, "a floating-point number: xmm0")
        }
        (ReturnPlan::Registers(_), Class::Vector) => {
            let register = match ty.size() {
                64 => "zmm0",
                32 => "ymm0",
                _ => "xmm0",
            };
            Rule::new(RETURNING, format!("a vector or integer of {} bytes: {register}", ty.size()))
        }
        (ReturnPlan::Registers(_), _) => Rule::new(
            RETURNING,
            format!("{} bytes that are no floating-point number: rax", ty.size()),
        ),
        _ if ty.is_void() => Rule::new(RETURNING, "void: nothing"),
        _ => Rule::new(RETURNING, "empty: nothing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use ffi_types::{Type, Win64};

    fn bytes(count: usize) -> Type {
        let bytes = Type::array(Type::I8, count).expect("a valid array");
        Type::structure("s").field("b", bytes).build().expect("a valid type")
    }

    /// The rules of the last argument, and of the result.
    fn rules(signature: &Signature) -> [String; 2] {
        let plan = crate::plan(Win64::Msvc, signature).expect("a plan");
        let last = signature.arguments().len().wrapping_sub(1);
        [argument_rule(signature, &plan, last), result_rule(signature, &plan)]
            .map(|rule| format!("{rule}"))
    }

    #[test]
    fn each_rule_is_told_where_it_applies() {
        use ffi_types::Convention::Win64 as Convention;
        for (count, ty, expected) in [
            (
                0,
                Type::I32,
                "an integer or pointer: the general register of its position (x64 calling convention, Parameter passing)",
            ),
            (
                4,
                Type::I32,
                "an integer or pointer: its position is past the fourth, on the stack (x64 calling convention, Parameter passing)",
            ),
            (
                3,
                Type::F32,
                "a floating-point number: the vector register of its position (x64 calling convention, Parameter passing)",
            ),
            (
                4,
                Type::F32,
                "a floating-point number: its position is past the fourth, on the stack (x64 calling convention, Parameter passing)",
            ),
            (
                0,
                bytes(4),
                "4 bytes, as an integer of that size: the general register of its position (x64 calling convention, Parameter passing)",
            ),
            (
                0,
                bytes(3),
                "3 bytes are not 1, 2, 4 or 8: the address of a copy, in the register of its position (x64 calling convention, Parameter passing)",
            ),
            (
                4,
                bytes(16),
                "16 bytes are not 1, 2, 4 or 8: the address of a copy, on the stack (x64 calling convention, Parameter passing)",
            ),
        ] {
            let mut arguments = alloc::vec![Type::I64; count];
            arguments.push(ty);
            let signature = Signature::new(Convention(Win64::Msvc), Type::VOID, arguments);
            assert_eq!(rules(&signature.expect("a signature"))[0], expected);
        }
        let variadic =
            Signature::variadic(Convention(Win64::Msvc), Type::VOID, [Type::I32, Type::F64], 1);
        assert_eq!(
            rules(&variadic.expect("a signature"))[0],
            "a floating-point number: both registers of its position, as the function takes `...` (x64 calling convention, Varargs)"
        );
        for (ty, expected) in [
            (Type::VOID, "void: nothing (x64 calling convention, Return values)"),
            (Type::F64, "a floating-point number: xmm0 (x64 calling convention, Return values)"),
            (
                bytes(8),
                "8 bytes that are no floating-point number: rax (x64 calling convention, Return values)",
            ),
            (
                bytes(12),
                "12 bytes are not 1, 2, 4 or 8: at the address passed in rcx, which comes back in rax (x64 calling convention, Return values)",
            ),
        ] {
            let signature = Signature::new(Convention(Win64::Msvc), ty, []).expect("a signature");
            let [missing, rule] = rules(&signature);
            assert_eq!(
                (missing.as_str(), rule.as_str()),
                ("there is no such argument (x64 calling convention, Parameter passing)", expected)
            );
        }
    }
}
