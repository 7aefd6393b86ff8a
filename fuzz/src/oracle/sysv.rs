//! SysV psABI 3.2.3, "Parameter Passing".

use super::layout::{has_unaligned, of, scalar};
use super::{Call, Function, Place, Ty, Way, in_register, is_floating, on_stack, round_up};
use ffi_abi_sysv::ffi_types::{Convention::SysV, Scalar};

#[expect(clippy::enum_variant_names, reason = "the psABI's names")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    NoClass,
    Integer,
    Sse,
    SseUp,
    X87,
    X87Up,
    ComplexX87,
    Memory,
}
use Class::*;

fn merge(a: Class, b: Class) -> Class {
    // (a) to (f), in that order.
    if a == b {
        return a;
    }
    if a == NoClass {
        return b;
    }
    if b == NoClass {
        return a;
    }
    let either = |classes: &[Class]| classes.contains(&a) || classes.contains(&b);
    if either(&[Memory]) {
        Memory
    } else if either(&[Integer]) {
        Integer
    } else if either(&[X87, X87Up, ComplexX87]) {
        Memory
    } else {
        Sse
    }
}

/// The classes of the eightbytes, or one MEMORY alone for the whole.
pub(crate) fn classify(ty: &Ty) -> Vec<Class> {
    // "It contains unaligned fields": where they are in the whole, as compilers have it.
    match ty {
        Ty::Record(_) if has_unaligned(ty, SysV, 0) => vec![Memory],
        _ => classify_at(ty, 0),
    }
}

/// Of a field that starts so many bytes into its first eightbyte, up to 7.
fn classify_at(ty: &Ty, start: usize) -> Vec<Class> {
    let size = of(ty, SysV).size;
    match ty {
        Ty::Scalar(Scalar::F80) => vec![X87, X87Up],
        Ty::Scalar(Scalar::F128) => vec![Sse, SseUp],
        Ty::Scalar(it) if is_floating(*it) => vec![Sse],
        Ty::Scalar(it) => vec![Integer; scalar(*it).div_ceil(8)],
        Ty::Vector(..) => (0..size / 8).map(|index| if index == 0 { Sse } else { SseUp }).collect(),
        Ty::Complex(Scalar::F80) => vec![ComplexX87],
        // "As if it were a struct of two".
        Ty::Complex(part) => {
            let part = Ty::Scalar(*part);
            aggregate(start, size, &[(0, part.clone()), (size / 2, part)])
        }
        Ty::Empty(_) => vec![NoClass],
        Ty::Array(..) | Ty::Record(_) if size > 64 => vec![Memory],
        Ty::Array(element, count) => {
            let stride = of(element, SysV).size;
            let fields: Vec<_> =
                (0..*count).map(|index| (index * stride, (**element).clone())).collect();
            aggregate(start, size, &fields)
        }
        Ty::Record(record) => {
            let mut fields = Vec::new();
            for (member, offset) in record.members.iter().zip(of(ty, SysV).offsets) {
                match member.width {
                    None => fields.push((offset / 8, member.ty.clone())),
                    // "Bit-fields are INTEGER"; those without a name are padding.
                    Some(width) if member.named => {
                        for bit in offset..offset + width {
                            fields.push((bit / 8, Ty::Scalar(Scalar::U8)));
                        }
                    }
                    Some(_) => {}
                }
            }
            aggregate(start, size, &fields)
        }
    }
}

/// "The classification of aggregate types", rules 2 to 5.
fn aggregate(start: usize, size: usize, fields: &[(usize, Ty)]) -> Vec<Class> {
    let mut classes = vec![NoClass; (start + size).div_ceil(8).max(1)];
    for (offset, ty) in fields {
        let offset = start + offset;
        for (index, class) in classify_at(ty, offset % 8).into_iter().enumerate() {
            let at = &mut classes[offset / 8 + index];
            *at = merge(*at, class);
        }
    }
    if classes.contains(&Memory) {
        return vec![Memory];
    }
    for index in 0..classes.len() {
        if classes[index] == X87Up && (index == 0 || classes[index - 1] != X87) {
            return vec![Memory];
        }
    }
    if classes.len() > 2 && (classes[0] != Sse || classes[1..].iter().any(|&it| it != SseUp)) {
        return vec![Memory];
    }
    for index in 0..classes.len() {
        let behind = index > 0 && matches!(classes[index - 1], Sse | SseUp);
        if classes[index] == SseUp && !behind {
            classes[index] = Sse;
        }
    }
    classes
}

const GENERAL: [&str; 6] = ["rdi", "rsi", "rdx", "rcx", "r8", "r9"];
const VECTOR: [&str; 8] = ["xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7"];

pub(crate) fn call(function: &Function) -> Call {
    let mut general = GENERAL.to_vec();
    let mut vector = VECTOR.to_vec();
    let result = function.result.as_ref().and_then(|ty| returned(ty, &mut general));
    let (mut stack, mut arguments) = (0, Vec::new());
    for (index, ty) in function.arguments.iter().enumerate() {
        let classes = classify(ty);
        let layout = of(ty, SysV);
        let count = |class| classes.iter().filter(|&&it| it == class).count();
        let in_memory = classes.iter().any(|it| matches!(it, Memory | X87 | X87Up | ComplexX87));
        // "Unnamed arguments of type __m256 and __m512 are passed in memory."
        let wide = function.is_anonymous(index) && count(SseUp) > 1;
        if in_memory || wide || count(Integer) > general.len() || count(Sse) > vector.len() {
            stack = round_up(stack, layout.align.max(8));
            arguments.push(on_stack(stack, layout.size));
            stack += round_up(layout.size, 8);
            continue;
        }
        let mut bytes = Vec::new();
        let mut last = "";
        let mut from = 0;
        for (index, class) in classes.into_iter().enumerate() {
            let len = layout.size.saturating_sub(8 * index).min(8);
            match class {
                Integer => last = general.remove(0),
                Sse => last = vector.remove(0),
                // "In the next available eightbyte chunk of the last used vector register".
                SseUp => {}
                _ => continue,
            }
            if class != SseUp {
                from = index;
            }
            let chunk = 8 * (index - from);
            bytes.extend(
                (0..len).map(|byte| (8 * index + byte, Place::Register(last, chunk + byte))),
            );
        }
        arguments.push(Way::Value(bytes));
    }
    Call { arguments, result, stack, vectors: Some(8 - vector.len()) }
}

fn returned(ty: &Ty, arguments: &mut Vec<&'static str>) -> Option<Way> {
    let size = of(ty, SysV).size;
    let (mut general, mut vector) = (vec!["rax", "rdx"], vec!["xmm0", "xmm1"]);
    let (mut bytes, mut last, mut from) = (Vec::new(), "", 0);
    for (index, class) in classify(ty).into_iter().enumerate() {
        let len = size.saturating_sub(8 * index).min(8);
        match class {
            Memory => return Some(Way::Address(Place::Register(arguments.remove(0), 0), 1)),
            Integer => last = general.remove(0),
            Sse => last = vector.remove(0),
            X87 => last = "st0",
            SseUp | X87Up => {}
            // "The real part in %st0 and the imaginary part in %st1".
            ComplexX87 => {
                bytes.extend(in_register("st0", 0, 16).chain(in_register("st1", 16, 16)));
                continue;
            }
            NoClass => continue,
        }
        if !matches!(class, SseUp | X87Up) {
            from = index;
        }
        let chunk = 8 * (index - from);
        bytes.extend((0..len).map(|byte| (8 * index + byte, Place::Register(last, chunk + byte))));
    }
    (!bytes.is_empty()).then_some(Way::Value(bytes))
}
