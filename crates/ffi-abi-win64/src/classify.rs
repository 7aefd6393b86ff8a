//! One type to the way it travels: Microsoft, "x64 calling convention", "Parameter passing" and
//! "Return values".

use ffi_types::{Type, TypeKind};

/// How a value of a type is passed and returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// In a general register or an eightbyte of the stack: integers, pointers, and every aggregate
    /// of 1, 2, 4 or 8 bytes, whatever is in it. Returned in rax.
    Integer,
    /// In a vector register or an eightbyte of the stack: `float` and `double`. Returned in xmm0.
    Float,
    /// As the address of a copy that the caller makes: aggregates of any other size. Returned in
    /// memory whose address the caller passes before the arguments.
    Reference,
}

/// Classifies a type that is not `void`.
///
/// ```
/// use ffi_abi_win64::{Class, classify};
/// use ffi_types::Type;
/// let float = Type::structure("f").field("x", Type::F32).build()?;
/// assert_eq!(classify(&float), Class::Integer);
/// let twelve = Type::structure("v").field("x", Type::array(Type::F32, 3)?).build()?;
/// assert_eq!(classify(&twelve), Class::Reference);
/// # Ok::<(), ffi_types::TypeValidationError>(())
/// ```
#[inline]
pub fn classify(ty: &Type) -> Class {
    match ty.kind() {
        TypeKind::Scalar(scalar) if scalar.is_float() => Class::Float,
        TypeKind::Scalar(_) => Class::Integer,
        // "Structs and unions of size 8, 16, 32, or 64 bits, and __m64 types, are passed as if
        // they were integers of the same size."
        _ if matches!(ty.size(), 1 | 2 | 4 | 8) => Class::Integer,
        _ => Class::Reference,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_size_of_an_aggregate_counts() {
        for size in 1..=33 {
            let bytes = Type::array(Type::U8, size).expect("a valid array");
            let ty = Type::structure("s").field("b", bytes).build().expect("a valid type");
            let expected =
                if [1, 2, 4, 8].contains(&size) { Class::Integer } else { Class::Reference };
            assert_eq!(classify(&ty), expected, "{size} bytes");
        }
        let double = Type::union("u").field("d", Type::F64).build().expect("a valid type");
        assert_eq!(classify(&double), Class::Integer);
        assert_eq!(classify(&Type::F64), Class::Float);
        assert_eq!(classify(&Type::BOOL), Class::Integer);
    }

    #[test]
    fn an_alignment_that_raises_the_size_raises_it_here_too() {
        let wide = Type::structure("s").field("n", Type::I64).align(16);
        assert_eq!(classify(&wide.build().expect("a valid type")), Class::Reference);
    }
}
