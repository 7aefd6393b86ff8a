//! AAPCS64 5.9.5, 6.8.2 and 6.9, the rules in their order; and what Apple ("Writing ARM64 code for
//! Apple platforms") and Microsoft ("Overview of ARM64 ABI conventions") change.

use super::layout::{of, scalar};
use super::{Call, Function, HALVES, Place, Ty, Way, in_register, is_floating, on_stack, round_up};
use ffi_abi_sysv::ffi_types::{Aapcs64, Convention, Scalar};

const X: [&str; 8] = ["x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7"];
const V: [&str; 8] = ["v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7"];

/// A type that the platform's C does not have.
fn is_missing(variant: Aapcs64, ty: &Ty) -> bool {
    let wide = |ty: &Ty| matches!(ty, Ty::Vector(part, count) if count * scalar(*part) > 16);
    let quad = variant != Aapcs64::Standard && ty.has(&[Scalar::F128]);
    ty.has(&[Scalar::F80]) || quad || ty.any(&wide)
}

/// What the members of a homogeneous aggregate are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Base {
    Float(Scalar),
    Short(usize),
}

impl Base {
    fn size(self) -> usize {
        match self {
            Base::Float(it) => scalar(it),
            Base::Short(size) => size,
        }
    }
}

/// 5.9.5: the one type of all members, and how many are uniquely addressable. `None` with anything
/// else in it, or with padding.
fn homogeneous(ty: &Ty, platform: Convention) -> Option<(Base, usize)> {
    let (base, count) = match ty {
        Ty::Scalar(it) if is_floating(*it) => (Base::Float(*it), 1),
        Ty::Complex(part) => (Base::Float(*part), 2),
        Ty::Vector(..) => (Base::Short(of(ty, platform).size), 1),
        Ty::Array(element, count) => {
            let (base, each) = homogeneous(element, platform)?;
            (base, each * count)
        }
        Ty::Record(record) => {
            let mut found = None;
            for member in record.members.iter().filter(|member| member.width != Some(0)) {
                if member.width.is_some() {
                    return None;
                }
                let (base, count) = homogeneous(&member.ty, platform)?;
                let (first, so_far) = found.unwrap_or((base, 0));
                if first != base {
                    return None;
                }
                let all = if record.union { count.max(so_far) } else { count + so_far };
                found = Some((base, all));
            }
            found?
        }
        Ty::Scalar(_) | Ty::Empty(_) => return None,
    };
    (of(ty, platform).size == count * base.size()).then_some((base, count))
}

fn is_composite(ty: &Ty) -> bool {
    matches!(ty, Ty::Record(_) | Ty::Empty(_))
}

/// With at most four members.
fn homogeneous_aggregate(ty: &Ty, platform: Convention) -> Option<(Base, usize)> {
    let aggregate = is_composite(ty) || matches!(ty, Ty::Complex(_));
    homogeneous(ty, platform).filter(|&(_, count)| aggregate && count <= 4)
}

/// Nothing is passed of no bytes, nor by Apple of C++'s empty struct.
fn is_nothing(variant: Aapcs64, ty: &Ty) -> bool {
    matches!((ty, variant), (Ty::Empty(0), _) | (Ty::Empty(_), Aapcs64::Apple))
}

pub(crate) fn call(variant: Aapcs64, function: &Function) -> Option<Call> {
    let platform = Convention::Aapcs64(variant);
    if function.arguments.iter().chain(&function.result).any(|ty| is_missing(variant, ty)) {
        return None;
    }
    let half = |ty: &Ty| matches!(ty, Ty::Scalar(it) if HALVES.contains(it));
    let apple = variant == Aapcs64::Apple;
    // clang promotes those to `double`, which is a conversion and no copy.
    let mut anonymous = function.arguments.iter().skip(function.named.unwrap_or(usize::MAX));
    if apple && anonymous.any(half) {
        return None;
    }
    let mut stage = Stage { platform, variant, function, ngrn: 0, nsrn: 0, nsaa: 0 };
    let mut arguments = Vec::new();
    for (index, ty) in function.arguments.iter().enumerate() {
        arguments.push(stage.argument(ty, function.is_anonymous(index)));
    }
    let stack = stage.nsaa;
    let result = function.result.as_ref().and_then(|ty| returned(variant, ty));
    Some(Call { arguments, result, stack, vectors: None })
}

struct Stage<'a> {
    platform: Convention,
    variant: Aapcs64,
    function: &'a Function,
    ngrn: usize,
    nsrn: usize,
    nsaa: usize,
}

impl Stage<'_> {
    fn argument(&mut self, ty: &Ty, anonymous: bool) -> Way {
        let layout = of(ty, self.platform);
        let apple = self.variant == Aapcs64::Apple;
        if is_nothing(self.variant, ty) {
            return Way::Value(Vec::new());
        }
        // Microsoft: "floating-point and SIMD registers are not used" by functions with `...`.
        let soft = self.variant == Aapcs64::Windows && self.function.named.is_some();
        let mut homogeneous = homogeneous_aggregate(ty, self.platform);
        let mut floating = match ty {
            Ty::Scalar(it) => is_floating(*it),
            Ty::Vector(..) => true,
            _ => false,
        };
        if soft {
            (homogeneous, floating) = (None, false);
        }
        let composite = homogeneous.is_none() && (is_composite(ty) || matches!(ty, Ty::Complex(_)));
        // B.4: as the address of a copy, which is a pointer from here on.
        if composite && layout.size > 16 {
            if apple && anonymous {
                self.ngrn = 8;
            }
            let place = if self.ngrn < 8 {
                self.ngrn += 1;
                Place::Register(X[self.ngrn - 1], 0)
            } else {
                self.nsaa = round_up(self.nsaa, 8) + 8;
                Place::Stack(self.nsaa - 8)
            };
            return Way::Address(place, layout.align.max(8));
        }
        // The natural alignment; Apple's and Microsoft's compilers let an attribute count.
        let natural = if self.variant == Aapcs64::Standard { layout.natural } else { layout.align };
        if apple && anonymous {
            // "The caller pushes each variadic argument to the stack", 8 bytes or more for each.
            (self.ngrn, self.nsrn) = (8, 8);
        }
        // Apple: "Function arguments may consume slots on the stack that are not multiples of 8".
        let tight = apple && !anonymous;
        if floating && self.nsrn < 8 {
            self.nsrn += 1; // C.1
            return Way::Value(in_register(V[self.nsrn - 1], 0, layout.size).collect());
        }
        if let Some((base, count)) = homogeneous {
            if self.nsrn + count <= 8 {
                let each = base.size(); // C.2
                let registers = &V[self.nsrn..][..count];
                self.nsrn += count;
                let part =
                    |(index, name): (usize, &&'static str)| in_register(name, index * each, each);
                return Way::Value(registers.iter().enumerate().flat_map(part).collect());
            }
            self.nsrn = 8; // C.3
            let align = match self.variant {
                Aapcs64::Windows => base.size(),
                Aapcs64::Apple if tight => return self.stacked(layout.size, base.size(), 1),
                _ => natural,
            };
            return self.stacked(layout.size, if align >= 16 { 16 } else { 8 }, 8); // C.4, C.6
        }
        if floating {
            return match tight {
                true => self.stacked(layout.size, layout.size, 1),
                false => self.stacked(layout.size, layout.size.max(8), 8), // C.4 to C.6
            };
        }
        if !composite && layout.size <= 8 {
            if self.ngrn < 8 {
                self.ngrn += 1; // C.7
                return Way::Value(in_register(X[self.ngrn - 1], 0, layout.size).collect());
            }
            return match tight {
                true => self.stacked(layout.size, layout.size, 1),
                false => self.stacked(layout.size, 8, 8), // C.11, C.14 to C.17
            };
        }
        let aligned = natural >= 16;
        if aligned && !apple && self.ngrn % 2 == 1 {
            self.ngrn += 1; // C.8
        }
        let words = layout.size.div_ceil(8);
        // Microsoft, of `...`: "the first 64 bytes of the stack are loaded into x0 to x7".
        if self.ngrn + words <= 8 || (soft && self.ngrn < 8) {
            let mut bytes = Vec::new(); // C.9, C.10
            for word in 0..words {
                let len = (layout.size - 8 * word).min(8);
                if self.ngrn < 8 {
                    bytes.extend(in_register(X[self.ngrn], 8 * word, len));
                    self.ngrn += 1;
                } else {
                    let at = self.nsaa;
                    bytes.extend((0..len).map(|byte| (8 * word + byte, Place::Stack(at + byte))));
                    self.nsaa += 8;
                }
            }
            return Way::Value(bytes);
        }
        self.ngrn = 8; // C.11 and what follows
        self.stacked(layout.size, if aligned { 16 } else { 8 }, 8)
    }

    fn stacked(&mut self, size: usize, align: usize, unit: usize) -> Way {
        let start = round_up(self.nsaa, align);
        self.nsaa = start + round_up(size, unit);
        on_stack(start, size)
    }
}

/// 6.9: "in the same registers as would be used" for a first argument of the type, or else in
/// memory "whose address is passed in x8".
fn returned(variant: Aapcs64, ty: &Ty) -> Option<Way> {
    let function = Function {
        convention: Convention::Aapcs64(variant),
        result: None,
        arguments: vec![ty.clone()],
        named: None,
    };
    match call(variant, &function)?.arguments.pop()? {
        Way::Value(bytes) if bytes.is_empty() => None,
        Way::Value(bytes) => Some(Way::Value(bytes)),
        Way::Address(..) => Some(Way::Address(Place::Register("x8", 0), 1)),
    }
}
