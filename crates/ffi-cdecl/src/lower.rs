//! From types as declared to types as passed.

use crate::ctype::{Basic, DeclaredKind, DeclaredType, FunctionType, TagKind};
use crate::error::{Position, UnsupportedTypeError};
use crate::header::Header;
use crate::items::Body;
use alloc::string::{String, ToString};
use ffi_types::{Aapcs64, Convention, Signature, Type};

/// The type as a signature has it.
pub(crate) fn lower(header: &Header, ty: &DeclaredType) -> Result<Type, UnsupportedTypeError> {
    reduce(header, ty).map_err(|reason| UnsupportedTypeError {
        what: ty.to_string(),
        reason,
        position: None,
    })
}

fn reduce(header: &Header, ty: &DeclaredType) -> Result<Type, String> {
    let model = header.options.convention.data_model();
    match ty.kind() {
        DeclaredKind::Void => Ok(Type::VOID),
        DeclaredKind::Basic(kind) => Ok(Type::scalar(kind.scalar(model))),
        DeclaredKind::Pointer(_) => Ok(Type::POINTER),
        DeclaredKind::Complex(part) => {
            Type::complex(part.scalar(model)).map_err(|error| error.reason.to_string())
        }
        // They are aligned to 16 there, and no convention has them.
        DeclaredKind::Vector { size, .. } if *size > 16 && is_arm(header) => {
            Err("vectors of more than 16 bytes have no place in AAPCS64".into())
        }
        DeclaredKind::Vector { element, size } => {
            let element = element.scalar(model);
            Type::vector(element, *size as usize / element.size())
                .map_err(|error| error.reason.to_string())
        }
        DeclaredKind::Array(_, None) => Err("an array without a length has no size".into()),
        DeclaredKind::Array(element, Some(len)) => {
            Type::array(reduce(header, element)?, *len as usize).map_err(|error| error.to_string())
        }
        DeclaredKind::Function(_) => Err("a function is no value; a pointer to one is".into()),
        DeclaredKind::VaList => match header.options.convention {
            Convention::SysV | Convention::Aapcs64(Aapcs64::Standard) => {
                Err("this type can be a parameter only".into())
            }
            _ => Ok(Type::POINTER),
        },
        DeclaredKind::Tagged(tag, id) => match header.tagged.get(id.0 as usize).map(|t| &t.body) {
            Some(Body::Record(record)) => record.ty.clone(),
            Some(Body::Enum(enumeration)) => Ok(Type::scalar(enumeration.underlying.scalar(model))),
            _ if tag.kind == TagKind::Enum => Err("it is declared, but not defined".into()),
            _ => Err("it is declared, but not defined; only a pointer to it can be passed".into()),
        },
    }
}

fn is_arm(header: &Header) -> bool {
    matches!(header.options.convention, Convention::Aapcs64(_))
}

/// `va_list` as a parameter: an array on System V, which decays, and a struct by AAPCS64 (10.1.5).
fn parameter(header: &Header, ty: &DeclaredType) -> Result<Type, UnsupportedTypeError> {
    match (ty.kind(), header.options.convention) {
        (DeclaredKind::VaList, Convention::SysV) => Ok(Type::POINTER),
        (DeclaredKind::VaList, Convention::Aapcs64(Aapcs64::Standard)) => {
            let list = Type::structure("__va_list")
                .field("__stack", Type::POINTER)
                .field("__gr_top", Type::POINTER)
                .field("__vr_top", Type::POINTER)
                .field("__gr_offs", Type::I32)
                .field("__vr_offs", Type::I32);
            let refused = |error: ffi_types::TypeValidationError| UnsupportedTypeError {
                what: ty.to_string(),
                reason: error.to_string(),
                position: None,
            };
            list.build().map_err(refused)
        }
        _ => lower(header, ty),
    }
}

/// The signature of a function, with no variadic arguments.
pub(crate) fn signature(
    header: &Header,
    function: &FunctionType,
    convention: Convention,
) -> Result<Signature, UnsupportedTypeError> {
    let at = |position| move |error| UnsupportedTypeError { position: Some(position), ..error };
    let result = lower(header, &function.result).map_err(at(Position::Result))?;
    let mut types = alloc::vec::Vec::with_capacity(function.parameters.len());
    for (index, p) in function.parameters.iter().enumerate() {
        types.push(parameter(header, &p.ty).map_err(at(Position::Parameter(index)))?);
    }
    let fixed = types.len();
    let signature = if function.variadic {
        Signature::variadic(convention, result, types, fixed)
    } else {
        Signature::new(convention, result, types)
    };
    signature.map_err(|error| UnsupportedTypeError {
        what: DeclaredType::new(DeclaredKind::Function(function.clone().into())).to_string(),
        reason: error.to_string(),
        position: None,
    })
}

/// `sizeof` and `_Alignof`, in bytes.
pub(crate) fn size_align(header: &Header, ty: &DeclaredType) -> Option<(u64, u64)> {
    let (size, align) = natural_size_align(header, ty)?;
    Some((size, ty.alias_align().map_or(align, u64::from)))
}

fn natural_size_align(header: &Header, ty: &DeclaredType) -> Option<(u64, u64)> {
    let convention = header.options.convention;
    let basic = |basic: Basic| {
        let size = basic.scalar(convention.data_model()).size() as u64;
        (size, size)
    };
    Some(match ty.kind() {
        DeclaredKind::Void | DeclaredKind::Function(_) => return None,
        DeclaredKind::Basic(kind) => basic(*kind),
        DeclaredKind::Complex(kind) => {
            let (size, align) = basic(*kind);
            (2 * size, align)
        }
        DeclaredKind::Vector { size, .. } => {
            let align = size.next_power_of_two();
            (*size, if is_arm(header) { align.min(16) } else { align })
        }
        DeclaredKind::Pointer(_) => (8, 8),
        DeclaredKind::Array(element, len) => {
            let (size, align) = size_align(header, element)?;
            (size.checked_mul((*len)?)?, align)
        }
        DeclaredKind::VaList => match convention {
            Convention::SysV => (24, 8),
            Convention::Aapcs64(Aapcs64::Standard) => (32, 8),
            _ => (8, 8),
        },
        DeclaredKind::Tagged(_, id) => match &header.tagged.get(id.0 as usize)?.body {
            Body::Record(record) => (record.size, record.align),
            Body::Enum(enumeration) => basic(enumeration.underlying),
            Body::Incomplete => return None,
        },
    })
}
