//! What the ABIs' texts say of types and calls, once more: slowly, bit by bit, and with none of the
//! code that it is to judge. The fuzz targets use it, and so does a test of the workspace.
//!
//! Of what the texts leave to compilers, bit-fields with an alignment of their own are left out,
//! and so are packed bit-fields and unions of bit-fields as MinGW has them: the workspace's tests
//! compare those with the compilers themselves.

#![allow(dead_code, reason = "each target uses a part of it")]

pub(crate) mod aapcs64;
pub(crate) mod check;
pub(crate) mod input;
pub(crate) mod layout;
pub(crate) mod sysv;
pub(crate) mod win64;

use ffi_abi_sysv::ffi_types::{Convention, Scalar};

/// A type, as its declaration has it.
#[derive(Debug, Clone)]
pub(crate) enum Ty {
    Scalar(Scalar),
    Complex(Scalar),
    /// Of so many elements.
    Vector(Scalar, usize),
    Array(Box<Ty>, usize),
    Record(Record),
    /// A struct without members, of 0 bytes as GNU C's or 1 as C++'s.
    Empty(usize),
}

/// A struct or union.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) union: bool,
    pub(crate) members: Vec<Member>,
    /// `__attribute__((packed))`.
    pub(crate) packed: bool,
    /// `#pragma pack`.
    pub(crate) pragma: Option<usize>,
    /// `__attribute__((aligned))` on the whole.
    pub(crate) align: Option<usize>,
    /// In place of all that.
    pub(crate) stated: Option<Stated>,
}

/// A layout that comes from elsewhere, as debug information has it; in bytes.
#[derive(Debug, Clone)]
pub(crate) struct Stated {
    pub(crate) offsets: Vec<usize>,
    pub(crate) size: usize,
    pub(crate) align: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) ty: Ty,
    /// `_Alignas`.
    pub(crate) align: Option<usize>,
    /// Of a bit-field.
    pub(crate) width: Option<usize>,
    /// Only a bit-field may be without a name.
    pub(crate) named: bool,
}

/// The function's type.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    pub(crate) convention: Convention,
    pub(crate) result: Option<Ty>,
    pub(crate) arguments: Vec<Ty>,
    /// How many arguments are named, of a function that takes `...`.
    pub(crate) named: Option<usize>,
}

impl Function {
    pub(crate) fn is_anonymous(&self, index: usize) -> bool {
        self.named.is_some_and(|named| index >= named)
    }
}

/// One place of a byte of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// The register, and which of its bytes.
    Register(&'static str, usize),
    /// From the stack pointer at the call.
    Stack(usize),
}

/// Where a whole value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Way {
    /// Some of its bytes, and the places of each; in order.
    Value(Vec<(usize, Place)>),
    /// In memory whose address is at a place; it is aligned to so many bytes at least.
    Address(Place, usize),
}

/// All that a caller needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) arguments: Vec<Way>,
    /// `Address` with where the caller puts it.
    pub(crate) result: Option<Way>,
    /// Of the arguments on the stack, to the end of the last, in bytes.
    pub(crate) stack: usize,
    /// How many vector registers there are arguments in, where the callee is told.
    pub(crate) vectors: Option<usize>,
}

/// How a function is called; `None` if the platform's C has not all of its types.
pub(crate) fn call(function: &Function) -> Option<Call> {
    match function.convention {
        Convention::SysV => Some(sysv::call(function)),
        Convention::Win64(variant) => win64::call(variant, function),
        Convention::Aapcs64(variant) => aapcs64::call(variant, function),
        _ => None,
    }
}

/// `len` bytes from `from` of the value on, from the start of a register on.
pub(crate) fn in_register(
    name: &'static str,
    from: usize,
    len: usize,
) -> impl Iterator<Item = (usize, Place)> {
    (0..len).map(move |byte| (from + byte, Place::Register(name, byte)))
}

/// All bytes of a value, from there on.
pub(crate) fn on_stack(start: usize, size: usize) -> Way {
    Way::Value((0..size).map(|byte| (byte, Place::Stack(start + byte))).collect())
}

/// The next multiple, by counting.
pub(crate) fn round_up(mut number: usize, align: usize) -> usize {
    while !number.is_multiple_of(align) {
        number += 1;
    }
    number
}

impl Ty {
    /// Whether that is true of it or of anything inside.
    pub(crate) fn any(&self, of: &dyn Fn(&Ty) -> bool) -> bool {
        of(self)
            || match self {
                Ty::Array(element, _) => element.any(of),
                Ty::Record(record) => record.members.iter().any(|member| member.ty.any(of)),
                Ty::Complex(part) | Ty::Vector(part, _) => of(&Ty::Scalar(*part)),
                Ty::Scalar(_) | Ty::Empty(_) => false,
            }
    }

    pub(crate) fn has(&self, scalars: &[Scalar]) -> bool {
        self.any(&|ty| matches!(ty, Ty::Scalar(scalar) if scalars.contains(scalar)))
    }
}

pub(crate) const HALVES: [Scalar; 2] = [Scalar::F16, Scalar::BF16];

pub(crate) fn is_floating(scalar: Scalar) -> bool {
    use Scalar::*;
    matches!(scalar, F16 | BF16 | F32 | F64 | F80 | F128)
}
