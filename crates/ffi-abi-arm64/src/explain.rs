//! The rule behind each place, in AAPCS64's terms.
//!
//! What the type is comes from its class, and where it went from the plan: the two cannot say
//! different things.

use crate::assign::{is_nothing, starts_even};
use crate::classify::{Class, classify};
use alloc::format;
use alloc::string::String;
use ffi_types::{
    Aapcs64, Bank, Convention, Fundamental, Location, Plan, ReturnPlan, Rule, Scalar, Signature,
    Type,
};

const APPLE: &str = "Apple, Writing ARM64 code for Apple platforms";
const WINDOWS: &str = "Microsoft, Overview of ARM64 ABI conventions";
const RETURNING: &str = "AAPCS64 6.9";

/// Where an argument went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Went {
    General,
    Vector,
    Stack,
    /// The last general registers and the stack.
    Both,
}

fn went(plan: &Plan, index: usize) -> Went {
    let places = plan.placement(index).places();
    let on_stack = |place: &Location| matches!(place, Location::Stack(_));
    let stacked = places.iter().filter(|(_, place)| on_stack(place)).count();
    let vector =
        |place: &Location| matches!(place, Location::Register(name) if name.starts_with('v'));
    match (stacked, places.len()) {
        (0, _) if places.iter().any(|(_, place)| vector(place)) => Went::Vector,
        (0, _) => Went::General,
        (n, all) if n == all => Went::Stack,
        _ => Went::Both,
    }
}

/// Whether an argument before that index set the counter of a bank to 8 without taking the last
/// register, which no later one gets any more.
fn is_closed(plan: &Plan, index: usize, bank: &Bank) -> bool {
    let Some(&last) = bank.names.get(7) else { return false };
    let last = Location::Register(last);
    let taken =
        |argument| plan.placement(argument).places().iter().any(|&(_, place)| place == last);
    !(0..index).any(taken)
}

/// Why the argument of that index, counted from 0, is where the plan has it. The variant is the
/// plan's.
///
/// ```
/// use ffi_abi_arm64::{argument_rule, plan};
/// use ffi_types::{Aapcs64, Convention, Signature, Type};
/// let signature =
///     Signature::new(Convention::Aapcs64(Aapcs64::Standard), Type::VOID, [Type::F64])?;
/// let rule = argument_rule(&signature, &plan(Aapcs64::Standard, &signature)?, 0);
/// assert_eq!(rule.to_string(), "the next vector register (AAPCS64 6.8.2 C.1)");
/// # Ok::<(), ffi_types::InvalidCallInterfaceError>(())
/// ```
pub fn argument_rule(signature: &Signature, plan: &Plan, index: usize) -> Rule {
    let Some(ty) = signature.arguments().get(index) else {
        return Rule::new("AAPCS64 6.8.2", "there is no such argument");
    };
    let variant = match plan.convention() {
        Convention::Aapcs64(variant) => variant,
        _ => Aapcs64::Standard,
    };
    if is_nothing(variant, ty) {
        return Rule::new("AAPCS64 6.8.2", "empty: nothing is passed");
    }
    let went = went(plan, index);
    let variadic = signature.first_variadic().is_some();
    if variant == Aapcs64::Apple && signature.is_variadic_at(index) {
        let what = if plan.reference_of(index).is_some() { "the address of a copy, " } else { "" };
        return Rule::new(APPLE, format!("behind `...`: {what}on the stack, in slots of 8 bytes"));
    }
    if plan.reference_of(index).is_some() {
        let place =
            if went == Went::Stack { "on the stack" } else { "in the next general register" };
        let text = format!("{} bytes are more than 16: the address of a copy, {place}", ty.size());
        return match classify(ty) {
            // B.3 would pass an HFA of any size unmodified.
            Class::Homogeneous { .. } => {
                Rule::new(WINDOWS, format!("no HFAs, as the function takes `...`; {text}"))
            }
            _ => Rule::new("AAPCS64 6.8.2 B.4", text),
        };
    }
    let soft = variant == Aapcs64::Windows && variadic;
    match classify(ty) {
        Class::Float | Class::Homogeneous { .. } if soft => {
            let even = ty.as_scalar().is_none() && starts_even(variant, ty) && went != Went::Stack;
            let even = if even { ", NGRN rounded up to even" } else { "" };
            let into = into(went);
            let text = format!("no vector registers, as the function takes `...`: {into}{even}");
            Rule::new(WINDOWS, text)
        }
        Class::Integral if ty.size() > 8 => int128(went, variant),
        Class::Integral | Class::Float => scalar(ty, plan, index, went, variant),
        Class::Homogeneous { member, count } => {
            let what = homogeneous(member, count);
            match went {
                Went::Vector => {
                    Rule::new("AAPCS64 6.8.2 C.2", what + ": a vector register for each member")
                }
                _ if variant == Aapcs64::Apple => Rule::new(
                    APPLE,
                    what + ": too few vector registers are left; on the stack, aligned as a member",
                ),
                _ => {
                    let text = ": too few vector registers are left, NSRN is closed; on the stack";
                    Rule::new("AAPCS64 6.8.2 C.3 to C.6", what + text)
                }
            }
        }
        Class::Composite | Class::Reference => composite(ty, went, variant),
    }
}

fn scalar(ty: &Type, plan: &Plan, index: usize, went: Went, variant: Aapcs64) -> Rule {
    let is_float = classify(ty) == Class::Float;
    let (counter, bank) = match is_float {
        true => ("NSRN", &plan.registers().vector),
        false => ("NGRN", &plan.registers().general),
    };
    match went {
        Went::Vector => return Rule::new("AAPCS64 6.8.2 C.1", "the next vector register"),
        Went::General => return Rule::new("AAPCS64 6.8.2 C.9", "the next general register"),
        Went::Stack | Went::Both => {}
    }
    let why: String = match is_closed(plan, index, bank) {
        true => format!("{counter} is closed by an earlier argument"),
        false => "no register is left".into(),
    };
    if variant == Aapcs64::Apple {
        return Rule::new(APPLE, why + "; on the stack, aligned to its own size");
    }
    // The slot is of 8 bytes by C.5 or C.16, which a value of 8 bytes does not need.
    let clause = match (is_float, ty.size()) {
        (true, 16) => {
            return Rule::new("AAPCS64 6.8.2 C.4, C.6", why + "; on the stack, aligned to 16");
        }
        (true, 8) => "AAPCS64 6.8.2 C.6",
        (true, _) => "AAPCS64 6.8.2 C.5, C.6",
        (false, 8) => "AAPCS64 6.8.2 C.17",
        (false, _) => "AAPCS64 6.8.2 C.16, C.17",
    };
    Rule::new(clause, why + "; on the stack, in a slot of 8 bytes")
}

/// An HFA or HVA, as the text has it.
fn homogeneous(member: Fundamental, count: usize) -> String {
    match member {
        Fundamental::Scalar(Scalar::F128) => format!("HFA of {count} long double"),
        Fundamental::Scalar(scalar) => format!("HFA of {count} {}", scalar.c_name()),
        Fundamental::Padding => format!("{count} bytes of padding"),
        Fundamental::Vector(size) => format!("HVA of {count} vectors of {size} bytes"),
    }
}

fn int128(went: Went, variant: Aapcs64) -> Rule {
    match (went, variant) {
        (Went::Stack, _) => Rule::new(
            "AAPCS64 6.8.2 C.13, C.14, C.17",
            "too few general registers are left, NGRN is closed; on the stack, aligned to 16",
        ),
        (Went::Both, _) => Rule::new(
            WINDOWS,
            "what does not fit in x7 continues on the stack, as the function takes `...`",
        ),
        (_, Aapcs64::Apple) => Rule::new(APPLE, "the next two general registers"),
        _ => Rule::new(
            "AAPCS64 6.8.2 C.10, C.11",
            "NGRN rounded up to even, then the next two general registers",
        ),
    }
}

fn composite(ty: &Type, went: Went, variant: Aapcs64) -> Rule {
    let what = format!("{} bytes", ty.size());
    let even = starts_even(variant, ty);
    match went {
        Went::General | Went::Vector if even => {
            let text = what + " aligned to 16: NGRN rounded up to even, then a register for each 8";
            Rule::new("AAPCS64 6.8.2 C.10, C.12", text)
        }
        Went::General | Went::Vector => {
            Rule::new("AAPCS64 6.8.2 C.12", what + ": a general register for each 8")
        }
        Went::Both => {
            let text = what
                + ": what does not fit in x7 continues on the stack, as the function \
                               takes `...`";
            Rule::new(WINDOWS, text)
        }
        Went::Stack => {
            let text = what + ": too few general registers are left, NGRN is closed; on the stack";
            Rule::new("AAPCS64 6.8.2 C.13 to C.15", text)
        }
    }
}

fn into(went: Went) -> &'static str {
    match went {
        Went::General | Went::Vector => "general registers",
        Went::Stack => "the stack",
        Went::Both => "general registers and the stack",
    }
}

/// Why the result comes back where the plan has it.
pub fn result_rule(signature: &Signature, plan: &Plan) -> Rule {
    let ty = signature.return_type();
    let text: String = match (plan.return_plan(), classify(ty)) {
        (ReturnPlan::Memory { .. }, _) => {
            format!("{} bytes are more than 16: at the address passed in x8", ty.size())
        }
        (ReturnPlan::Void, _) if ty.is_void() => "void: nothing".into(),
        (ReturnPlan::Void, _) => "empty: nothing".into(),
        (_, Class::Homogeneous { member, count }) => {
            homogeneous(member, count) + ": a vector register for each member"
        }
        (_, Class::Float) if ty.as_scalar().is_none() => "a short vector: v0".into(),
        (_, Class::Float) => "a floating-point number: v0".into(),
        (_, Class::Integral) if ty.size() > 8 => "an integer of 16 bytes: x0 and x1".into(),
        (_, Class::Integral) => "an integer or pointer: x0".into(),
        (..) => format!("{} bytes: a general register for each 8", ty.size()),
    };
    Rule::new(RETURNING, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    const ALL: [Aapcs64; 3] = [Aapcs64::Standard, Aapcs64::Apple, Aapcs64::Windows];

    fn of(element: Type, count: usize) -> Type {
        let array = Type::array(element, count).expect("a valid array");
        Type::structure("s").field("a", array).build().expect("a valid type")
    }

    /// The rule of the last argument by each variant.
    fn rules(mut arguments: Vec<Type>, last: Type, variadic: bool) -> Vec<String> {
        let first = arguments.len();
        arguments.push(last);
        let rule = |variant| {
            let convention = Convention::Aapcs64(variant);
            let signature = match variadic {
                true => Signature::variadic(convention, Type::VOID, arguments.clone(), first),
                false => Signature::new(convention, Type::VOID, arguments.clone()),
            };
            let signature = signature.expect("a signature");
            let plan = crate::plan(variant, &signature).expect("a plan");
            format!("{}", argument_rule(&signature, &plan, first))
        };
        ALL.map(rule).to_vec()
    }

    #[test]
    fn each_rule_is_told_where_it_applies() {
        let (wide, pair) =
            (Type::structure("w").aligned_field("n", Type::I64, 16), of(Type::I64, 2));
        let wide = wide.build().expect("a valid type");
        let (longs, doubles) = (|n| vec![Type::I64; n], |n| vec![Type::F64; n]);
        for (before, ty, expected) in [
            (longs(0), Type::I8, "the next general register (AAPCS64 6.8.2 C.9)"),
            (longs(8), Type::F32, "the next vector register (AAPCS64 6.8.2 C.1)"),
            (
                longs(8),
                Type::I8,
                "no register is left; on the stack, in a slot of 8 bytes (AAPCS64 6.8.2 C.16, C.17)",
            ),
            (
                longs(8),
                Type::I64,
                "no register is left; on the stack, in a slot of 8 bytes (AAPCS64 6.8.2 C.17)",
            ),
            (
                doubles(8),
                Type::F32,
                "no register is left; on the stack, in a slot of 8 bytes (AAPCS64 6.8.2 C.5, C.6)",
            ),
            (
                doubles(8),
                Type::F64,
                "no register is left; on the stack, in a slot of 8 bytes (AAPCS64 6.8.2 C.6)",
            ),
            (
                [longs(7), vec![pair.clone()]].concat(),
                Type::I64,
                "NGRN is closed by an earlier argument; on the stack, in a slot of 8 bytes \
                 (AAPCS64 6.8.2 C.17)",
            ),
            (
                [doubles(6), vec![of(Type::F32, 3)]].concat(),
                Type::F32,
                "NSRN is closed by an earlier argument; on the stack, in a slot of 8 bytes \
                 (AAPCS64 6.8.2 C.5, C.6)",
            ),
            (
                longs(0),
                of(Type::F32, 3),
                "HFA of 3 float: a vector register for each member (AAPCS64 6.8.2 C.2)",
            ),
            (
                doubles(6),
                of(Type::F32, 3),
                "HFA of 3 float: too few vector registers are left, NSRN is closed; on the stack \
                 (AAPCS64 6.8.2 C.3 to C.6)",
            ),
            (
                longs(1),
                wide,
                "16 bytes aligned to 16: NGRN rounded up to even, then a register for each 8 \
                 (AAPCS64 6.8.2 C.10, C.12)",
            ),
            (
                longs(1),
                pair.clone(),
                "16 bytes: a general register for each 8 (AAPCS64 6.8.2 C.12)",
            ),
            (
                longs(7),
                pair.clone(),
                "16 bytes: too few general registers are left, NGRN is closed; on the stack \
                 (AAPCS64 6.8.2 C.13 to C.15)",
            ),
            (
                longs(0),
                of(Type::I64, 3),
                "24 bytes are more than 16: the address of a copy, in the next general register \
                 (AAPCS64 6.8.2 B.4)",
            ),
            (
                longs(8),
                of(Type::I64, 3),
                "24 bytes are more than 16: the address of a copy, on the stack (AAPCS64 6.8.2 B.4)",
            ),
        ] {
            assert_eq!(rules(before, ty, false)[0], expected);
        }
        // What the variants change.
        assert_eq!(
            rules(longs(8), Type::I8, false)[1],
            format!("no register is left; on the stack, aligned to its own size ({APPLE})")
        );
        let stated = Type::structure("t").field("n", Type::I64).align(16);
        let stated = stated.build().expect("a valid type");
        let plain = "16 bytes: a general register for each 8 (AAPCS64 6.8.2 C.12)";
        let even = "16 bytes aligned to 16: NGRN rounded up to even, then a register for each 8 \
                    (AAPCS64 6.8.2 C.10, C.12)";
        assert_eq!(rules(longs(1), stated, false), [plain, plain, even]);
        let hfa = Type::structure("d").field("x", Type::F64).field("y", Type::F64).align(16);
        assert_eq!(
            rules(longs(1), hfa.build().expect("a valid type"), true)[2],
            format!(
                "no vector registers, as the function takes `...`: general registers, NGRN rounded \
                 up to even ({WINDOWS})"
            )
        );
        assert_eq!(
            rules(longs(1), Type::F64, true)[1..],
            [
                format!("behind `...`: on the stack, in slots of 8 bytes ({APPLE})"),
                format!(
                    "no vector registers, as the function takes `...`: general registers ({WINDOWS})"
                ),
            ]
        );
        assert_eq!(
            rules(doubles(6), of(Type::F32, 3), false)[1],
            format!(
                "HFA of 3 float: too few vector registers are left; on the stack, aligned as a \
                 member ({APPLE})"
            )
        );
        let large =
            "32 bytes are more than 16: the address of a copy, in the next general register";
        assert_eq!(
            rules(longs(1), of(Type::F64, 4), true)[2],
            format!("no HFAs, as the function takes `...`; {large} ({WINDOWS})")
        );
        assert_eq!(
            rules(longs(1), of(Type::I64, 4), true)[2],
            format!("{large} (AAPCS64 6.8.2 B.4)")
        );
        assert_eq!(
            rules(longs(7), pair, true)[2],
            format!(
                "16 bytes: what does not fit in x7 continues on the stack, as the function takes `...` ({WINDOWS})"
            )
        );
    }

    #[test]
    fn results_have_a_rule_of_their_own() {
        for (ty, expected) in [
            (Type::VOID, "void: nothing (AAPCS64 6.9)"),
            (Type::I32, "an integer or pointer: x0 (AAPCS64 6.9)"),
            (Type::F32, "a floating-point number: v0 (AAPCS64 6.9)"),
            (of(Type::F64, 4), "HFA of 4 double: a vector register for each member (AAPCS64 6.9)"),
            (of(Type::I8, 9), "9 bytes: a general register for each 8 (AAPCS64 6.9)"),
            (
                of(Type::I8, 17),
                "17 bytes are more than 16: at the address passed in x8 (AAPCS64 6.9)",
            ),
        ] {
            let convention = Convention::Aapcs64(Aapcs64::Standard);
            let signature = Signature::new(convention, ty, []).expect("a signature");
            let plan = crate::plan(Aapcs64::Standard, &signature).expect("a plan");
            assert_eq!(format!("{}", result_rule(&signature, &plan)), expected);
            assert_eq!(
                format!("{}", argument_rule(&signature, &plan, 0)),
                "there is no such argument (AAPCS64 6.8.2)"
            );
        }
    }
}
