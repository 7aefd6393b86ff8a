//! Rust types that are C types.

use crate::repr::Repr;
use crate::{InterfaceReason, Scalar, Type, TypeKind};
use alloc::{format, string::ToString};
use core::any::type_name;
use core::ffi::c_void;
use core::ptr::NonNull;

/// A Rust type that has the same bytes as a C type.
///
/// Implemented for the integers, `f32`, `f64`, [`LongDouble`](crate::LongDouble), `bool`, raw
/// pointers, `Option<NonNull<T>>`, `extern "C"` function pointers, `core::arch`'s vectors, as a
/// return type `()`, and for types of `num-complex` and `half` with the features `complex` and
/// `half`. `#[derive(CType)]`, of the crate `ffi-derive`, implements it for structs, unions and
/// enums.
///
/// # Safety
/// [`c_type`](Self::c_type) has the size, alignment and member offsets of `Self`, and every value
/// that C can hand over for that type is a valid `Self`, or [`ANY_VALUE`](Self::ANY_VALUE) is said
/// to be false. A `#[repr(C)]` struct of such types fits. [`SCALAR`](Self::SCALAR) and
/// [`KIND`](Self::KIND) say the same as `c_type`.
///
/// # Examples
/// The type is made once, and shared from then on: it is asked for whenever a callback reads a
/// `Point`, unless [`ANY_BITS`](Self::ANY_BITS) is said too.
/// ```
/// use ffi_types::{CType, Type};
/// use std::sync::LazyLock;
///
/// #[repr(C)]
/// #[derive(Clone, Copy)]
/// struct Point { x: f64, y: f64 }
///
/// // SAFETY: `repr(C)`, and the members are listed in order with their types. Any bits make two
/// // numbers.
/// unsafe impl CType for Point {
///     const ANY_BITS: bool = true;
///
///     fn c_type() -> Type {
///         static POINT: LazyLock<Type> = LazyLock::new(|| {
///             let point = Type::structure("point").field("x", Type::F64).field("y", Type::F64);
///             point.build().expect("two doubles make a struct")
///         });
///         POINT.clone()
///     }
/// }
/// assert_eq!(Point::c_type().size(), size_of::<Point>());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no C type",
    label = "expected a type that is `CType`",
    note = "a struct, union or enum of yours becomes one by `#[derive(CType)]`, which needs `#[repr(C)]`",
    note = "an array is one as a field that is written `[T; N]`, as C neither passes nor returns arrays",
    note = "a string or slice is passed as its address: `c\"…\".as_ptr()`, `CString::as_ptr`, `[T]::as_ptr`"
)]
pub unsafe trait CType: Copy + 'static {
    /// The scalar that [`c_type`](Self::c_type) is; `None`, the default, for everything else. Known
    /// without making a [`Type`], so that checking an argument costs next to nothing.
    const SCALAR: Option<Scalar> = None;

    /// What [`c_type`](Self::c_type) is, unless it is a struct or union: for a complex number or a
    /// vector, as the default knows scalars. Known without making a [`Type`] as well.
    const KIND: Option<TypeKind> = match Self::SCALAR {
        Some(scalar) => Some(TypeKind::Scalar(scalar)),
        None => None,
    };

    /// Whether every bit pattern of that size is a valid `Self`, with which safe code can do no
    /// harm. So it is for numbers and raw pointers, but not for `bool` and function pointers.
    const ANY_BITS: bool = false;

    /// Whether every value of the C type is a valid `Self`. Not so for an enum, whose C type is an
    /// integer: code that calls C promises that it gets a declared value, and safe code cannot read
    /// one out of bytes.
    const ANY_VALUE: bool = true;

    /// The C type.
    fn c_type() -> Type;
}

impl Type {
    /// Whether a value of `size` bytes and of that kind, `None` for a struct or union, can stand for
    /// this type: the size has to be the same, and an integer or pointer, a floating-point number, a
    /// complex one, a vector and an aggregate do not stand for each other. A vector's integers may
    /// be of another size.
    ///
    /// # Errors
    /// [`InterfaceReason::Size`] or [`InterfaceReason::Kind`].
    #[inline]
    pub fn check_value(&self, size: usize, kind: Option<TypeKind>) -> Result<(), InterfaceReason> {
        let same_kind = match (self.repr(), kind) {
            (Repr::Scalar(expected), Some(TypeKind::Scalar(found)))
            | (Repr::Complex(expected), Some(TypeKind::Complex(found)))
            | (Repr::Vector(expected, _), Some(TypeKind::Vector { element: found, .. })) => {
                // Of 2 and of 16 bytes there are two floating-point types.
                expected == found || !expected.is_float() && !found.is_float()
            }
            (
                Repr::Void | Repr::Aggregate(_),
                None | Some(TypeKind::Void | TypeKind::Struct | TypeKind::Union | TypeKind::Array),
            ) => true,
            _ => false,
        };
        if size == self.size() && same_kind {
            return Ok(());
        }
        Err(self.value_mismatch(size, kind))
    }

    /// Whether safe code may read a value of this type, which came from C, as a `T`: as
    /// [`check_value`](Self::check_value), and unless `T` takes [any bits](CType::ANY_BITS), it
    /// has to be this very type. A function pointer can never be read so, as its own signature
    /// is not known, nor can what is not valid with [any value](CType::ANY_VALUE).
    ///
    /// # Errors
    /// [`InterfaceReason::Size`] or [`InterfaceReason::Kind`].
    pub fn check_readable<T: CType>(&self) -> Result<(), InterfaceReason> {
        self.check_value(size_of::<T>(), T::KIND)?;
        let same = match T::SCALAR {
            _ if !T::ANY_VALUE => false,
            _ if T::ANY_BITS => true,
            Some(Scalar::Pointer) => false,
            Some(scalar) => self.as_scalar() == Some(scalar),
            None => self.is_void() || self.same_layout(&T::c_type()),
        };
        if same {
            return Ok(());
        }
        let found = match T::SCALAR {
            _ if !T::ANY_VALUE => format!("{}, which does not take every value", type_name::<T>()),
            Some(Scalar::Pointer) => "a function pointer".into(),
            _ => T::c_type().to_string(),
        };
        Err(InterfaceReason::Kind { expected: self.to_string(), found })
    }

    /// Whether two aggregates have the same scalars in the same places, whatever they are called.
    fn same_layout(&self, other: &Type) -> bool {
        let known = !self.leaves().is_empty() && self.leaves() == other.leaves();
        self.size() == other.size() && (known || self == other)
    }

    /// As [`check_value`](Self::check_value), for bytes of unknown type.
    ///
    /// # Errors
    /// [`InterfaceReason::Size`].
    pub fn check_size(&self, size: usize) -> Result<(), InterfaceReason> {
        if size == self.size() { Ok(()) } else { Err(self.value_mismatch(size, None)) }
    }

    #[cold]
    fn value_mismatch(&self, found: usize, kind: Option<TypeKind>) -> InterfaceReason {
        let (expected, ty) = (self.size(), self.to_string());
        if found != expected {
            return InterfaceReason::Size { expected, found, ty };
        }
        let found = match kind {
            Some(kind @ (TypeKind::Scalar(_) | TypeKind::Complex(_) | TypeKind::Vector { .. })) => {
                kind.to_string()
            }
            _ => "a struct or union".into(),
        };
        InterfaceReason::Kind { expected: ty, found }
    }
}

macro_rules! c_types {
    ($($rust:ty => $c:ident),* $(,)?) => {
        $(
            // SAFETY: both have the same size and alignment, and every bit pattern that C gives
            // this type is a value of the Rust type.
            unsafe impl CType for $rust {
                const SCALAR: Option<Scalar> = Some(Scalar::$c);
                const ANY_BITS: bool = !matches!(Scalar::$c, Scalar::Bool);

                #[inline]
                fn c_type() -> Type {
                    Type::scalar(Scalar::$c)
                }
            }
            const _: () = assert!(size_of::<$rust>() == align_of::<$rust>());
        )*
    };
}

c_types! {
    i128 => I128, u128 => U128,
    bool => Bool, i8 => I8, u8 => U8, i16 => I16, u16 => U16, i32 => I32, u32 => U32,
    i64 => I64, u64 => U64, isize => I64, usize => U64, f32 => F32, f64 => F64,
}

#[cfg(feature = "half")]
c_types! { half::f16 => F16, half::bf16 => BF16 }

macro_rules! vectors {
    ($($rust:ident => $element:ident;)*) => {
        $(
            // SAFETY: both have the same size and alignment, and any bits make numbers.
            unsafe impl CType for $rust {
                const ANY_BITS: bool = true;
                const KIND: Option<TypeKind> = Some(TypeKind::Vector {
                    element: Scalar::$element,
                    lanes: (size_of::<$rust>() / Scalar::$element.size()) as u8,
                });

                #[inline]
                fn c_type() -> Type {
                    const LANES: usize = size_of::<$rust>() / Scalar::$element.size();
                    Type::vector_of(Scalar::$element, LANES as u8)
                }
            }
            const _: () = assert!(size_of::<$rust>() == align_of::<$rust>());
        )*
    };
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use super::{CType, Scalar, Type, TypeKind};
    use core::arch::x86_64::*;

    vectors! {
        __m128 => F32;
        __m128d => F64;
        __m128i => I64;
        __m256 => F32;
        __m256d => F64;
        __m256i => I64;
        __m512 => F32;
        __m512d => F64;
        __m512i => I64;
    }
}

#[cfg(target_arch = "aarch64")]
mod aarch64 {
    use super::{CType, Scalar, Type, TypeKind};
    use core::arch::aarch64::*;

    vectors! {
        int8x8_t => I8;
        uint8x8_t => U8;
        int16x4_t => I16;
        uint16x4_t => U16;
        int32x2_t => I32;
        uint32x2_t => U32;
        float32x2_t => F32;
        int8x16_t => I8;
        uint8x16_t => U8;
        int16x8_t => I16;
        uint16x8_t => U16;
        int32x4_t => I32;
        uint32x4_t => U32;
        int64x1_t => I64;
        uint64x1_t => U64;
        int64x2_t => I64;
        uint64x2_t => U64;
        float32x4_t => F32;
        float64x1_t => F64;
        float64x2_t => F64;
        poly8x8_t => U8;
        poly8x16_t => U8;
        poly16x4_t => U16;
        poly16x8_t => U16;
        poly64x1_t => U64;
        poly64x2_t => U64;
    }
}

#[cfg(feature = "complex")]
macro_rules! complex {
    ($($part:ty),*) => {
        $(
            // SAFETY: `repr(C)`, the real part first, and any bits make two numbers.
            unsafe impl CType for num_complex::Complex<$part> {
                const ANY_BITS: bool = true;
                const KIND: Option<TypeKind> = match <$part>::SCALAR {
                    Some(part) => Some(TypeKind::Complex(part)),
                    None => None,
                };

                #[inline]
                fn c_type() -> Type {
                    const PART: Scalar = <$part>::SCALAR.expect("it is a number");
                    Type::complex_of(PART)
                }
            }
        )*
    };
}

#[cfg(feature = "complex")]
complex!(f32, f64, crate::LongDouble);

// SAFETY: `void` has no bytes, and neither has `()`.
unsafe impl CType for () {
    const KIND: Option<TypeKind> = Some(TypeKind::Void);

    #[inline]
    fn c_type() -> Type {
        Type::VOID
    }
}

macro_rules! pointers {
    ($($rust:ty),*) => {
        $(
            // SAFETY: a thin pointer has the bytes of a C pointer, null included.
            unsafe impl<T: 'static> CType for $rust {
                const SCALAR: Option<Scalar> = Some(Scalar::Pointer);
                const ANY_BITS: bool = true;

                #[inline]
                fn c_type() -> Type {
                    Type::POINTER
                }
            }
        )*
    };
}

pointers!(*const T, *mut T, Option<NonNull<T>>);

macro_rules! functions {
    ($($argument:ident)*) => {
        functions!(@one extern "C" fn($($argument),*) -> R, R $($argument)*);
        functions!(@one unsafe extern "C" fn($($argument),*) -> R, R $($argument)*);
        functions!(@one Option<extern "C" fn($($argument),*) -> R>, R $($argument)*);
        functions!(@one Option<unsafe extern "C" fn($($argument),*) -> R>, R $($argument)*);
    };
    (@one $function:ty, $($parameter:ident)*) => {
        // SAFETY: a function pointer has the bytes of a C function pointer; whoever receives one
        // from C states by the type without `Option` that it is not null.
        unsafe impl<$($parameter: 'static),*> CType for $function {
            const SCALAR: Option<Scalar> = Some(Scalar::Pointer);

            #[inline]
            fn c_type() -> Type {
                Type::POINTER
            }
        }
    };
}

functions!();
functions!(A);
functions!(A B);
functions!(A B C);
functions!(A B C D);
functions!(A B C D E);
functions!(A B C D E F);

const _: () = assert!(size_of::<*const c_void>() == 8, "every convention here has 64-bit pointers");
