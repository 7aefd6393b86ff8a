//! Floating-point numbers that Rust has no type for, from and to `f64`: by their bits, as no
//! processor need have them.

use crate::Scalar;

/// A binary floating-point format: IEEE 754-2019 3.4, and x87's with its explicit integer bit.
struct Format {
    exponent_bits: u32,
    /// Of the significand, without the integer bit.
    fraction_bits: u32,
    /// Whether the integer bit is stored: x87 (Intel's manual, volume 1, 4.2.2).
    explicit: bool,
}

impl Format {
    const fn of(scalar: Scalar) -> Option<Self> {
        let (exponent_bits, fraction_bits) = match scalar {
            Scalar::F16 => (5, 10),
            Scalar::BF16 => (8, 7),
            Scalar::F32 => (8, 23),
            Scalar::F64 => (11, 52),
            Scalar::F80 => (15, 63),
            Scalar::F128 => (15, 112),
            _ => return None,
        };
        Some(Self { exponent_bits, fraction_bits, explicit: matches!(scalar, Scalar::F80) })
    }

    const fn bias(&self) -> i32 {
        (1 << (self.exponent_bits - 1)) - 1
    }

    const fn special(&self) -> u32 {
        (1 << self.exponent_bits) - 1
    }

    /// Where the exponent starts.
    const fn exponent_at(&self) -> u32 {
        self.fraction_bits + self.explicit as u32
    }

    fn pack(&self, negative: bool, exponent: u32, significand: u128) -> u128 {
        let at = self.exponent_at();
        // An implicit integer bit is where the exponent's lowest is.
        let stored = significand & (u128::MAX >> (128 - at));
        u128::from(negative) << (at + self.exponent_bits) | u128::from(exponent) << at | stored
    }

    /// What the bits say.
    fn unpack(&self, bits: u128) -> Number {
        let at = self.exponent_at();
        let negative = bits >> (at + self.exponent_bits) & 1 == 1;
        let exponent = (bits >> at) as u32 & self.special();
        let fraction = bits & (u128::MAX >> (128 - self.fraction_bits));
        let integer = 1 << self.fraction_bits;
        let significand = match (self.explicit, exponent) {
            (true, _) => bits & (u128::MAX >> (128 - at)),
            (false, 0) => fraction,
            (false, _) => fraction | integer,
        };
        let kind = if exponent != self.special() {
            // The power of two that the lowest bit of the significand stands for.
            let power = exponent.max(1) as i32 - self.bias() - self.fraction_bits as i32;
            Kind::Finite { significand, power }
        } else if fraction == 0 && significand != 0 {
            Kind::Infinite
        } else {
            // From the top: what fits into another format is kept.
            Kind::Nan { payload: fraction << (128 - self.fraction_bits) }
        };
        Number { negative, kind }
    }

    /// The nearest number of the format; of two that are as near, the even one.
    fn nearest(&self, number: Number) -> u128 {
        let Number { negative, kind } = number;
        let integer = 1_u128 << self.fraction_bits;
        let explicit = if self.explicit { integer } else { 0 };
        match kind {
            Kind::Infinite => self.pack(negative, self.special(), explicit),
            Kind::Nan { payload } => {
                let quiet = integer >> 1;
                let payload = payload >> (128 - self.fraction_bits);
                self.pack(negative, self.special(), explicit | quiet | payload)
            }
            Kind::Finite { significand: 0, .. } => self.pack(negative, 0, 0),
            Kind::Finite { significand, power } => {
                // The integer bit goes to `fraction_bits`, unless the number is too small for it.
                let highest = 127 - significand.leading_zeros() as i32;
                let least = 1 - self.bias() - self.fraction_bits as i32;
                let wanted = (power + highest - self.fraction_bits as i32).max(least);
                let rounded = match wanted - power {
                    up @ ..=0 => significand << -up,
                    down => round(significand, down as u32),
                };
                // Rounding up may have carried into the next power of two.
                let (rounded, wanted) = match rounded >> (self.fraction_bits + 1) {
                    0 => (rounded, wanted),
                    _ => (rounded >> 1, wanted + 1),
                };
                let exponent = match rounded & integer {
                    0 => 0,
                    _ => wanted + self.fraction_bits as i32 + self.bias(),
                };
                if exponent >= self.special() as i32 {
                    return self.pack(negative, self.special(), explicit);
                }
                self.pack(negative, exponent as u32, rounded)
            }
        }
    }
}

/// A number of any format.
struct Number {
    negative: bool,
    kind: Kind,
}

enum Kind {
    /// The significand times two to that power.
    Finite {
        significand: u128,
        power: i32,
    },
    Infinite,
    Nan {
        payload: u128,
    },
}

/// The significand without its lowest bits, to the nearest, and to even between two.
fn round(significand: u128, bits: u32) -> u128 {
    // Of what is far smaller than the lowest bit, not even a half is left.
    let Some(half) = 1_u128.checked_shl(bits - 1) else { return 0 };
    let kept = significand.checked_shr(bits).unwrap_or(0);
    let rest = significand & !u128::MAX.checked_shl(bits).unwrap_or(0);
    kept + u128::from(rest > half || rest == half && kept & 1 == 1)
}

impl Scalar {
    /// The number that these bytes are for this floating-point type, the nearest that `f64` has.
    /// Little-endian; `None` for another type, and for too few bytes.
    ///
    /// ```
    /// use ffi_types::Scalar;
    /// assert_eq!(Scalar::F16.float_to_f64(&[0x00, 0x3e]), Some(1.5));
    /// assert_eq!(Scalar::I32.float_to_f64(&[0; 4]), None);
    /// ```
    pub fn float_to_f64(self, bytes: &[u8]) -> Option<f64> {
        let double = Format::of(Scalar::F64)?.nearest(self.number(bytes)?);
        Some(f64::from_bits(double as u64))
    }

    fn number(self, bytes: &[u8]) -> Option<Number> {
        let format = Format::of(self)?;
        let mut word = [0; 16];
        let size = self.value_size();
        word[..size].copy_from_slice(bytes.get(..size)?);
        Some(format.unpack(u128::from_le_bytes(word)))
    }

    /// The bytes of the number of this floating-point type that is nearest to a value, and zeros
    /// behind them. Little-endian; `None` for another type.
    ///
    /// ```
    /// use ffi_types::Scalar;
    /// let bytes = Scalar::F80.float_from_f64(1.0).expect("a floating-point type");
    /// assert_eq!(bytes[..10], [0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f]);
    /// ```
    pub fn float_from_f64(self, value: f64) -> Option<[u8; 16]> {
        let format = Format::of(self)?;
        let number = Format::of(Scalar::F64)?.unpack(value.to_bits().into());
        Some(format.nearest(number).to_le_bytes())
    }

    /// The number that these bytes are for this floating-point type, in full: whether it has a
    /// minus sign, its significand, and the power of two to multiply that by. `None` for what is
    /// infinite or not a number, for another type, and for too few bytes.
    ///
    /// ```
    /// use ffi_types::Scalar;
    /// let (negative, significand, power) = Scalar::F16.float_parts(&[0x00, 0xbe]).expect("-1.5");
    /// assert_eq!((negative, significand as f64 * 2_f64.powi(power)), (true, 1.5));
    /// ```
    pub fn float_parts(self, bytes: &[u8]) -> Option<(bool, u128, i32)> {
        match self.number(bytes)? {
            Number { negative, kind: Kind::Finite { significand, power } } => {
                Some((negative, significand, power))
            }
            _ => None,
        }
    }

    /// As [`float_from_f64`](Self::float_from_f64), for a number in the parts that
    /// [`float_parts`](Self::float_parts) has: rounded once, and infinite if it is too large.
    pub fn float_from_parts(
        self,
        negative: bool,
        significand: u128,
        power: i32,
    ) -> Option<[u8; 16]> {
        // Beyond this all is infinite or 0, in every format.
        let power = power.clamp(-40_000, 40_000);
        let number = Number { negative, kind: Kind::Finite { significand, power } };
        Some(Format::of(self)?.nearest(number).to_le_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Interesting doubles: powers and their neighbours, around every format's limits.
    fn doubles() -> impl Iterator<Item = f64> {
        let powers = (-1080..1030).map(|power| 2_f64.powi(power));
        let near = powers.flat_map(|p| [p, p * 1.5, p * (1.0 + f64::EPSILON), p * 0.999_999_97]);
        let special =
            [0.0, f64::INFINITY, f64::NAN, f64::MAX, f64::MIN_POSITIVE, 5e-324, 1.0 / 3.0];
        near.chain(special).flat_map(|value| [value, -value])
    }

    #[test]
    fn floats_are_converted_as_rust_does() {
        for value in doubles() {
            let bytes = Scalar::F32.float_from_f64(value).expect("a float");
            let expected = value as f32;
            let found = f32::from_le_bytes(bytes[..4].try_into().expect("four bytes"));
            assert!(found.to_bits() == expected.to_bits() || value.is_nan() && found.is_nan());
            let back = Scalar::F32.float_to_f64(&bytes).expect("a float");
            assert!(back == f64::from(expected) || value.is_nan() && back.is_nan(), "{value:e}");
        }
    }

    #[test]
    fn wider_formats_keep_every_double() {
        for scalar in [Scalar::F64, Scalar::F80, Scalar::F128] {
            for value in doubles() {
                let bytes = scalar.float_from_f64(value).expect("a float");
                let back = scalar.float_to_f64(&bytes).expect("a float");
                assert_eq!(back.to_bits(), value.to_bits(), "{scalar:?} {value:e}");
            }
        }
    }

    #[test]
    fn halves_are_the_nearest() {
        for (scalar, value, bits) in [
            (Scalar::F16, 1.0, 0x3c00_u16),
            (Scalar::F16, 65504.0, 0x7bff),
            (Scalar::F16, 65519.999, 0x7bff),
            (Scalar::F16, 65520.0, 0x7c00),
            (Scalar::F16, 5.960464477539063e-8, 1),
            (Scalar::F16, 2.980232238769531e-8, 0),
            (Scalar::F16, 2.980232238769532e-8, 1),
            (Scalar::F16, 1.0 + 1.0 / 2048.0, 0x3c00),
            (Scalar::F16, 1.0 + 3.0 / 2048.0, 0x3c02),
            (Scalar::F16, -0.0, 0x8000),
            (Scalar::BF16, 1.0, 0x3f80),
            (Scalar::BF16, 3.4e38, 0x7f80),
            (Scalar::BF16, 1.00390625, 0x3f80),
        ] {
            let bytes = scalar.float_from_f64(value).expect("a float");
            assert_eq!(u16::from_le_bytes([bytes[0], bytes[1]]), bits, "{scalar:?} {value:e}");
        }
    }

    #[test]
    fn parts_make_the_number_again() {
        for scalar in [Scalar::F16, Scalar::BF16, Scalar::F32, Scalar::F64, Scalar::F80] {
            for value in doubles() {
                let bytes = scalar.float_from_f64(value).expect("a float");
                let Some((negative, significand, power)) = scalar.float_parts(&bytes) else {
                    assert!(!scalar.float_to_f64(&bytes).expect("a float").is_finite());
                    continue;
                };
                let again = scalar.float_from_parts(negative, significand, power);
                assert_eq!(again, Some(bytes), "{scalar:?} {value:e}");
            }
        }
        let least = |significand| {
            let bytes = Scalar::F64.float_from_parts(false, significand, -1074 - 128);
            Scalar::F64.float_to_f64(&bytes.expect("a float"))
        };
        assert_eq!(least(1 << 127), Some(0.0));
        assert_eq!(least(1 << 127 | 1), Some(5e-324));
        for (power, value) in [(i32::MIN, 0.0), (i32::MAX, f64::INFINITY)] {
            let bytes = Scalar::F128.float_from_parts(false, u128::MAX, power).expect("a float");
            assert_eq!(Scalar::F128.float_to_f64(&bytes), Some(value));
        }
        assert_eq!(Scalar::I32.float_from_parts(false, 1, 0), None);
    }

    #[test]
    fn odd_encodings_of_x87_have_a_value() {
        let value = |exponent: u16, significand: u64| {
            let mut bytes = [0; 10];
            bytes[..8].copy_from_slice(&significand.to_le_bytes());
            bytes[8..].copy_from_slice(&exponent.to_le_bytes());
            Scalar::F80.float_to_f64(&bytes).expect("a float")
        };
        assert_eq!(value(0x3fff, 1 << 63), 1.0);
        assert_eq!(value(0x7fff, 1 << 63), f64::INFINITY);
        assert!(value(0x7fff, 0).is_nan());
        // An unnormal has the value that its bits say.
        assert_eq!(value(0x3fff, 1 << 62), 0.5);
        assert_eq!(value(0, 1 << 63), 0.0);
    }
}
