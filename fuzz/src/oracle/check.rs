//! The workspace's answers, held against those of the oracle.

use super::layout::of;
use super::{Function, Place, Record, Ty, Way};
use ffi_abi_sysv::ffi_types::{
    Convention, InvalidCallInterfaceError, Location, Move, Plan, RegisterFile, ReturnPlan, Rule,
    Signature, Type,
};

/// The same type to the workspace.
///
/// # Panics
/// If that says it is none.
pub(crate) fn to_type(ty: &Ty, platform: Convention) -> Type {
    match ty {
        Ty::Scalar(it) => Type::scalar(*it),
        Ty::Complex(part) => Type::complex(*part).expect("a complex number"),
        Ty::Vector(part, count) => Type::vector(*part, *count).expect("a vector"),
        Ty::Array(element, count) => {
            Type::array(to_type(element, platform), *count).expect("an array")
        }
        Ty::Empty(size) => {
            Type::anonymous_structure().stated(*size, 1).build().expect("an empty struct")
        }
        Ty::Record(record) => to_record(record, platform),
    }
}

fn to_record(record: &Record, platform: Convention) -> Type {
    let start = if record.union { Type::anonymous_union() } else { Type::anonymous_structure() };
    let mut builder = start.bit_fields_of(platform);
    for (index, member) in record.members.iter().enumerate() {
        let ty = to_type(&member.ty, platform);
        let name = if member.named { format!("f{index}") } else { String::new() };
        if let Some(stated) = &record.stated {
            builder = builder.field_at(&name, ty, stated.offsets[index]);
            continue;
        }
        builder = match (member.width, member.align) {
            (Some(width), _) => builder.bit_field(&name, ty, width as u32),
            (None, Some(align)) => builder.aligned_field(&name, ty, align),
            (None, None) => builder.field(&name, ty),
        };
    }
    if record.packed {
        builder = builder.packed();
    }
    if let Some(pragma) = record.pragma {
        builder = builder.pack(pragma);
    }
    if let Some(align) = record.align {
        builder = builder.align(align);
    }
    if let Some(stated) = &record.stated {
        builder = builder.stated(stated.size, stated.align);
    }
    builder.build().expect("a record")
}

/// Sizes, alignments and offsets, at each depth.
///
/// # Panics
/// If the two do not agree.
pub(crate) fn layouts(ty: &Ty, found: &Type, platform: Convention) {
    let expected = of(ty, platform);
    assert_eq!(
        (found.size(), found.align()),
        (expected.size, expected.align),
        "size and alignment of {found} for {platform}, {ty:?}"
    );
    match ty {
        Ty::Array(element, _) => {
            layouts(element, found.array_parts().expect("an array").0, platform);
        }
        Ty::Record(record) => {
            let offsets: Vec<usize> =
                found.fields().iter().map(|field| field.bit_offset()).collect();
            assert_eq!(offsets, expected.offsets, "offsets of {found} for {platform}, {ty:?}");
            assert_eq!(found.natural_align(), expected.natural, "natural alignment of {found}");
            for (member, field) in record.members.iter().zip(found.fields()) {
                layouts(&member.ty, field.ty(), platform);
            }
        }
        _ => {}
    }
}

/// A function's signature and plan to the workspace.
///
/// # Panics
/// If it says that there is no such signature.
pub(crate) fn plan(function: &Function) -> (Signature, Result<Plan, InvalidCallInterfaceError>) {
    let convention = function.convention;
    let ty = |ty| to_type(ty, convention);
    let result = function.result.as_ref().map_or(Type::VOID, ty);
    let arguments: Vec<Type> = function.arguments.iter().map(ty).collect();
    let signature = match function.named {
        Some(named) => Signature::variadic(convention, result, arguments, named),
        None => Signature::new(convention, result, arguments),
    }
    .expect("a signature");
    let plan = match convention {
        Convention::Win64(variant) => ffi_abi_win64::plan(variant, &signature),
        Convention::Aapcs64(variant) => ffi_abi_arm64::plan(variant, &signature),
        _ => ffi_abi_sysv::plan(&signature),
    };
    (signature, plan)
}

/// Everything that the oracle knows of a function.
///
/// # Panics
/// If the workspace has it otherwise.
pub(crate) fn function(function: &Function) {
    let convention = function.convention;
    let (signature, found) = plan(function);
    for (ty, found) in function.arguments.iter().zip(signature.arguments()) {
        layouts(ty, found, convention);
    }
    if let Some(ty) = &function.result {
        layouts(ty, signature.return_type(), convention);
    }
    let expected = super::call(function);
    let (expected, plan) = match (expected, found) {
        (Some(expected), Ok(plan)) => (expected, plan),
        (None, Err(error)) => return assert!(!error.to_string().is_empty()),
        (expected, found) => panic!("{signature}, {convention}: {expected:?}, {:?}", found.err()),
    };
    let file = plan.registers();
    for (index, way) in expected.arguments.iter().enumerate() {
        let found = match (argument(&plan, index), way) {
            // A copy may be aligned to more.
            (Way::Address(place, align), &Way::Address(_, least)) if align >= least => {
                Way::Address(place, least)
            }
            (found, _) => found,
        };
        assert_eq!(&found, way, "argument {index} of {signature}, {convention}");
        let align = of(&function.arguments[index], convention).align;
        if let Way::Value(bytes) = way
            && let Some((_, Place::Stack(_))) = bytes.first()
            && convention == Convention::SysV
        {
            assert!(plan.stack_align() >= align, "the stack of {signature}, {convention}");
        }
    }
    copies(&plan, &signature);
    rules(&plan, &signature);
    let returned = match plan.return_plan() {
        ReturnPlan::Memory { pointer_to, pointer_back } => {
            let back = pointer_back.map(|to| place(plan.return_registers(), to));
            let in_rax = !matches!(convention, Convention::Aapcs64(_));
            assert_eq!(back, in_rax.then_some(Place::Register("rax", 0)));
            Some(Way::Address(place(file, pointer_to), 1))
        }
        ReturnPlan::Registers(moves) => Some(value(moves, plan.return_registers())),
        _ => None,
    };
    assert_eq!(returned, expected.result, "the result of {signature}, {convention}");
    assert_eq!(plan.stack_size(), super::round_up(expected.stack, 16), "{signature}, {convention}");
    if let Some(vectors) = expected.vectors {
        assert_eq!(usize::from(plan.vector_count()), vectors, "{signature}, {convention}");
    }
}

fn place(file: &RegisterFile, to: u32) -> Place {
    let bank = [&file.general, &file.vector, &file.x87].into_iter().find(|bank| {
        (bank.offset..bank.offset + bank.stride * bank.names.len() as u32).contains(&to)
    });
    match (file.location(to), bank) {
        (Location::Stack(offset), _) => Place::Stack(offset as usize),
        (Location::Register(name), Some(bank)) => {
            Place::Register(name, ((to - bank.offset) % bank.stride) as usize)
        }
        (location, _) => panic!("{location} at {to}"),
    }
}

fn value(moves: &[Move], file: &RegisterFile) -> Way {
    let bytes = |m: &Move| {
        let (offset, to) = (m.offset, m.to);
        (0..m.len).map(move |byte| ((offset + byte) as usize, place(file, to + byte)))
    };
    Way::Value(moves.iter().flat_map(bytes).collect())
}

/// An argument, with the alignment of its copy as far as the plan has it.
fn argument(plan: &Plan, index: usize) -> Way {
    let Some(reference) = plan.reference_of(index) else {
        return value(plan.moves_of(index), plan.registers());
    };
    let start = (reference.copy_to - plan.registers().size) as usize;
    // No more than what all others are aligned to is known of the place.
    let align = 1 << start.trailing_zeros().min(plan.stack_align().trailing_zeros());
    Way::Address(place(plan.registers(), reference.pointer_to), align)
}

/// What the workspace says of each argument and of the result is what its plan does.
fn rules(plan: &Plan, signature: &Signature) {
    let (argument, result) = match plan.convention() {
        Convention::Win64(_) => {
            (ffi_abi_win64::argument_rule as Explain, ffi_abi_win64::result_rule(signature, plan))
        }
        Convention::Aapcs64(_) => {
            (ffi_abi_arm64::argument_rule as Explain, ffi_abi_arm64::result_rule(signature, plan))
        }
        _ => (ffi_abi_sysv::argument_rule as Explain, ffi_abi_sysv::result_rule(signature, plan)),
    };
    let in_memory = matches!(plan.return_plan(), ReturnPlan::Memory { .. });
    assert_eq!(result.text.contains("the address passed in"), in_memory, "{result}, {signature}");
    for index in 0..signature.arguments().len() {
        let rule = argument(signature, plan, index);
        let placement = plan.placement(index).to_string();
        let context = || format!("argument {index} of {signature}: {placement}, {rule}");
        assert_eq!(rule.text.contains("the stack"), placement.contains("[stack"), "{}", context());
        let copied = plan.reference_of(index).is_some();
        assert_eq!(rule.text.contains("of a copy"), copied, "{}", context());
    }
}

type Explain = fn(&Signature, &Plan, usize) -> Rule;

/// The copies are behind the stack area and in the image, and each has its bytes to itself.
fn copies(plan: &Plan, signature: &Signature) {
    let mut end = plan.registers().size as usize + plan.stack_size();
    for reference in plan.by_reference() {
        let size = signature.arguments()[usize::from(reference.argument)].size();
        assert_eq!(reference.len as usize, size, "{signature}");
        assert!(reference.copy_to as usize >= end, "{signature}");
        end = reference.copy_to as usize + size;
    }
    assert!(end <= plan.image_size(), "{signature}");
}
