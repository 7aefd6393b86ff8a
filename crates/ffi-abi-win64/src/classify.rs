//! One type to the way it travels: Microsoft, "x64 calling convention", "Parameter passing" and
//! "Return values".

use ffi_types::{Parts, Scalar, Type, TypeKind, Win64};

/// How a value of a type is passed and returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// In a general register or an eightbyte of the stack: integers, pointers, and every aggregate
    /// of 1, 2, 4 or 8 bytes, whatever is in it. Returned in rax.
    Integer,
    /// In a vector register or an eightbyte of the stack: `float` and `double`. Returned in xmm0.
    Float,
    /// As the address of a copy that the caller makes: aggregates of any other size, complex
    /// numbers among them, and `long double` and `__float128` of 16 bytes. Returned in memory
    /// whose address the caller passes before the arguments.
    Reference,
    /// As the address of a copy too, and returned in xmm0, or ymm0 and zmm0, which it is a part of:
    /// SIMD vectors of 16 bytes and more, and `__int128`.
    Vector,
    /// Nothing is returned, but an argument is passed as the address of a copy: GNU C's empty
    /// struct.
    Empty,
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
        TypeKind::Scalar(scalar) => match (scalar.size(), scalar) {
            (16, Scalar::I128 | Scalar::U128) => Class::Vector,
            (16, _) => Class::Reference,
            (_, scalar) if scalar.is_float() => Class::Float,
            _ => Class::Integer,
        },
        TypeKind::Vector { .. } if ty.size() >= 16 => Class::Vector,
        // "Structs and unions of size 8, 16, 32, or 64 bits, and __m64 types, are passed as if
        // they were integers of the same size."
        _ => match ty.size() {
            1 | 2 | 4 | 8 => Class::Integer,
            0 => Class::Empty,
            _ => Class::Reference,
        },
    }
}

/// Whether a result of [`Class::Vector`] comes back in memory all the same: MinGW's gcc has the
/// registers for 16 bytes alone.
pub(crate) fn is_returned_in_memory(variant: Win64, ty: &Type) -> bool {
    variant == Win64::Gnu && ty.size() > 16
}

/// What the platform's C has in place of a type that it does not have.
pub(crate) fn missing(variant: Win64, ty: &Type) -> Option<&'static str> {
    let parts = ty.parts();
    if parts.contains(Parts::HALF) {
        return Some("it has no 16-bit floating-point types");
    }
    if variant == Win64::Gnu {
        return None;
    }
    if parts.intersects(Parts::F80 | Parts::F128) {
        return Some("`long double` is `double` there");
    }
    if parts.contains(Parts::INT128) {
        return Some("Microsoft's C has no `__int128`; a struct of two `uint64_t` has its place");
    }
    if parts.contains(Parts::COMPLEX) {
        return Some("Microsoft's C has no `_Complex`; `_Fcomplex` and `_Dcomplex` are structs");
    }
    None
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

    #[test]
    fn what_has_16_bytes_is_passed_by_reference_and_returned_as_what_it_is() {
        let vector = |lanes| Type::vector(Scalar::F32, lanes).expect("a vector");
        assert_eq!(classify(&vector(2)), Class::Integer);
        for ty in [vector(4), vector(8), vector(16), Type::I128, Type::U128] {
            assert_eq!(classify(&ty), Class::Vector, "{ty}");
            let inside = Type::structure("s").field("x", ty).build().expect("a valid type");
            assert_eq!(classify(&inside), Class::Reference, "{inside}");
        }
        for ty in [Type::F80, Type::F128, Type::COMPLEX_F64] {
            assert_eq!(classify(&ty), Class::Reference, "{ty}");
        }
        assert_eq!(classify(&Type::COMPLEX_F32), Class::Integer);
    }

    #[test]
    fn an_empty_struct_has_a_position() {
        let empty = |size| Type::structure("s").stated(size, 1).build().expect("a valid type");
        assert_eq!(classify(&empty(0)), Class::Empty);
        assert_eq!(classify(&empty(1)), Class::Integer);
    }
}
