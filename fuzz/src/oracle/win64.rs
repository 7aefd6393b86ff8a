//! Microsoft, "x64 calling convention": "Parameter passing", "Varargs" and "Return values".

use super::layout::of;
use super::{Call, Function, HALVES, Place, Ty, Way, in_register, is_floating, on_stack};
use ffi_abi_sysv::ffi_types::{Convention, Scalar, Win64};

const GENERAL: [&str; 4] = ["rcx", "rdx", "r8", "r9"];
const VECTOR: [&str; 4] = ["xmm0", "xmm1", "xmm2", "xmm3"];

/// A type that the platform's C does not have.
fn is_missing(variant: Win64, ty: &Ty) -> bool {
    let gnu = [Scalar::F80, Scalar::F128, Scalar::I128, Scalar::U128];
    let complex = |ty: &Ty| matches!(ty, Ty::Complex(_));
    ty.has(&HALVES) || (variant != Win64::Gnu && (ty.has(&gnu) || ty.any(&complex)))
}

fn is_float(ty: &Ty) -> bool {
    matches!(ty, Ty::Scalar(Scalar::F32 | Scalar::F64))
}

/// "Any argument that doesn't fit in 8 bytes, or isn't 1, 2, 4, or 8 bytes, must be passed by
/// reference."
fn by_reference(size: usize) -> bool {
    !matches!(size, 1 | 2 | 4 | 8)
}

pub(crate) fn call(variant: Win64, function: &Function) -> Option<Call> {
    let platform = Convention::Win64(variant);
    if function.arguments.iter().chain(&function.result).any(|ty| is_missing(variant, ty)) {
        return None;
    }
    let mut position = 0;
    let result = function.result.as_ref().and_then(|ty| returned(variant, ty));
    if let Some(Way::Address(..)) = result {
        position = 1;
    }
    let (mut stack, mut arguments) = (32, Vec::new());
    for ty in &function.arguments {
        let layout = of(ty, platform);
        // A slot of 8 bytes for each, those of the registers included.
        let slot = 8 * position;
        let register = (position < 4).then(|| (GENERAL[position], VECTOR[position]));
        position += 1;
        stack = stack.max(slot + 8);
        arguments.push(match register {
            _ if by_reference(layout.size) => {
                let place = match register {
                    Some((general, _)) => Place::Register(general, 0),
                    None => Place::Stack(slot),
                };
                // "The caller-allocated temporary memory must be 16-byte aligned."
                Way::Address(place, layout.align.max(16))
            }
            None => on_stack(slot, layout.size),
            Some((general, vector)) if is_float(ty) => {
                // "Both the integer register and the floating-point register must contain it".
                let both =
                    in_register(general, 0, layout.size).filter(|_| function.named.is_some());
                Way::Value(both.chain(in_register(vector, 0, layout.size)).collect())
            }
            Some((general, _)) => Way::Value(in_register(general, 0, layout.size).collect()),
        });
    }
    Some(Call { arguments, result, stack: stack.max(32), vectors: None })
}

/// "A scalar return value that can fit into 64 bits, including the __m64 type, is returned through
/// RAX. Non-scalar types including floats, doubles, and vector types such as __m128, __m128i,
/// __m128d are returned in XMM0."
fn returned(variant: Win64, ty: &Ty) -> Option<Way> {
    let size = of(ty, Convention::Win64(variant)).size;
    let whole = |name| Some(Way::Value(in_register(name, 0, size).collect()));
    match ty {
        Ty::Empty(0) => None,
        Ty::Scalar(Scalar::I128 | Scalar::U128) => whole("xmm0"),
        Ty::Vector(..) if size == 16 || (size > 16 && variant != Win64::Gnu) => whole("xmm0"),
        _ if is_float(ty) => whole("xmm0"),
        _ if by_reference(size) => Some(Way::Address(Place::Register("rcx", 0), 1)),
        Ty::Scalar(it) if is_floating(*it) => unreachable!("of 16 bytes, or missing"),
        _ => whole("rax"),
    }
}
