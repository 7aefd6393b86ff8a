//! C's `long double` as a Rust type.

use crate::{CType, DataModel, Scalar, Type};
use core::fmt::{self, Debug, Display, Formatter};

/// What `long double` is on the platform that this is compiled for.
const SCALAR: Scalar = DataModel::NATIVE.long_double();

/// C's `long double`: the bytes that it has on the platform this is compiled for. 16 bytes,
/// aligned to 16, on x86-64 (x87's 80 bits; not Microsoft's C) and AArch64 (binary128; not Apple's
/// and Microsoft's); 8 where it is `double`.
///
/// It holds a value and hands it on; to calculate, convert it to `f64`, which loses what `f64` has
/// no digits for.
///
/// ```
/// use ffi_types::LongDouble;
/// let third = LongDouble::from(1.0 / 3.0);
/// assert_eq!(f64::from(third), 1.0 / 3.0);
/// ```
#[derive(Clone, Copy, Default)]
#[repr(transparent)]
pub struct LongDouble(Bytes);

#[cfg(any(
    all(target_arch = "x86_64", not(target_env = "msvc")),
    all(target_arch = "aarch64", not(target_vendor = "apple"), not(windows)),
))]
type Bytes = u128;
#[cfg(not(any(
    all(target_arch = "x86_64", not(target_env = "msvc")),
    all(target_arch = "aarch64", not(target_vendor = "apple"), not(windows)),
)))]
type Bytes = u64;

const _: () = {
    assert!(size_of::<LongDouble>() == SCALAR.size());
    assert!(align_of::<LongDouble>() == SCALAR.size());
};

impl LongDouble {
    /// Its size in bytes.
    pub const SIZE: usize = size_of::<Self>();

    /// The bytes, as C has them in memory.
    pub const fn to_ne_bytes(self) -> [u8; Self::SIZE] {
        self.0.to_ne_bytes()
    }

    /// The value that C has these bytes for in memory. Of x87's, the last 6 are padding.
    pub const fn from_ne_bytes(bytes: [u8; Self::SIZE]) -> Self {
        Self(Bytes::from_ne_bytes(bytes))
    }

    /// The nearest `f64`.
    pub fn to_f64(self) -> f64 {
        // It is a floating-point type, and has its bytes.
        SCALAR.float_to_f64(&self.0.to_le_bytes()).unwrap_or(f64::NAN)
    }
}

impl From<f64> for LongDouble {
    fn from(value: f64) -> Self {
        let wide = SCALAR.float_from_f64(value).unwrap_or_default();
        let mut bytes = [0; Self::SIZE];
        bytes.copy_from_slice(&wide[..Self::SIZE]);
        Self(Bytes::from_le_bytes(bytes))
    }
}

impl From<LongDouble> for f64 {
    fn from(value: LongDouble) -> f64 {
        value.to_f64()
    }
}

/// As [`f64`] compares them, all digits counted: not a number is equal to nothing, and both zeros
/// are equal.
impl PartialEq for LongDouble {
    fn eq(&self, other: &Self) -> bool {
        let value = |it: &Self| it.0 & (Bytes::MAX >> (8 * (Self::SIZE - SCALAR.value_size())));
        let is_zero = |it: &Self| value(it) << (8 * (Self::SIZE - SCALAR.value_size()) + 1) == 0;
        let is_nan = self.to_f64().is_nan() || other.to_f64().is_nan();
        !is_nan && (value(self) == value(other) || is_zero(self) && is_zero(other))
    }
}

impl Debug for LongDouble {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Debug::fmt(&self.to_f64(), f)
    }
}

/// The nearest `f64`.
impl Display for LongDouble {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.to_f64(), f)
    }
}

// SAFETY: asserted above: the size and alignment are those of the type, all of whose bits this
// takes as they are.
unsafe impl CType for LongDouble {
    const SCALAR: Option<Scalar> = Some(SCALAR);
    const ANY_BITS: bool = true;

    #[inline]
    fn c_type() -> Type {
        Type::C_LONG_DOUBLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        for value in [0.0, -0.0, 1.5, -2.0e300, f64::MIN_POSITIVE / 8.0, f64::INFINITY] {
            let long = LongDouble::from(value);
            assert_eq!(f64::from(long).to_bits(), value.to_bits());
            assert_eq!(LongDouble::from_ne_bytes(long.to_ne_bytes()), long);
        }
    }

    #[test]
    fn they_are_compared_as_numbers() {
        let of = LongDouble::from;
        assert_eq!(of(0.0), of(-0.0));
        assert_ne!(of(f64::NAN), of(f64::NAN));
        assert_ne!(of(1.0), of(1.0 + f64::EPSILON));
        let mut padded = of(1.5).to_ne_bytes();
        if SCALAR == Scalar::F80 {
            padded[15] = 0xee;
        }
        assert_eq!(LongDouble::from_ne_bytes(padded), of(1.5));
    }
}
