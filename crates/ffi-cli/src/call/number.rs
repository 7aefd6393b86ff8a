//! Numbers of every arithmetic type, from and to text: exactly, as no `f64` could carry them all.

use ffi::Scalar;
use num_bigint::BigUint;

/// An integer as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Integer {
    pub(crate) negative: bool,
    /// `None` for one that has more than 128 bits.
    pub(crate) magnitude: Option<u128>,
}

impl Integer {
    /// An integer in any of C's bases, or a character in quotes.
    pub(crate) fn read(text: &str) -> Option<Self> {
        if let Some(inside) = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
            return match ffi_cdecl::unescape(inside.as_bytes())[..] {
                [byte] => Some(Self { negative: false, magnitude: Some(byte.into()) }),
                _ => None,
            };
        }
        let (negative, digits) = signed(text);
        let lower = digits.to_ascii_lowercase();
        let (radix, digits) = match lower.as_bytes() {
            [b'0', b'x', ..] => (16, &lower[2..]),
            [b'0', b'b', ..] => (2, &lower[2..]),
            [b'0', b'o', ..] => (8, &lower[2..]),
            [b'0', _, ..] => (8, &lower[1..]),
            _ => (10, &lower[..]),
        };
        let is_number = digits.starts_with(|c: char| c.is_digit(radix));
        let digits = digits.replace(['_', '\''], "");
        (is_number && digits.chars().all(|c| c.is_digit(radix)))
            .then(|| Self { negative, magnitude: u128::from_str_radix(&digits, radix).ok() })
    }

    /// If it is between the least and the most, its bits.
    pub(crate) fn within(self, least: i128, most: u128) -> Option<u128> {
        let magnitude = self.magnitude?;
        match self.negative {
            true => (magnitude <= least.unsigned_abs()).then(|| magnitude.wrapping_neg()),
            false => (magnitude <= most).then_some(magnitude),
        }
    }
}

impl From<i128> for Integer {
    fn from(value: i128) -> Self {
        Self { negative: value < 0, magnitude: Some(value.unsigned_abs()) }
    }
}

/// Whether there is a minus sign, and what is behind it or a plus sign.
fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// A number with that power of ten, or one above, is infinite in every format.
const MOST_EXPONENT: i64 = 6000;
/// One with a power below that is 0.
const LEAST_EXPONENT: i64 = -6000;

/// The number of that floating-point type which is nearest to what was written, as C writes it or
/// as `inf` or `nan`; infinite if it is too large.
pub(crate) fn read_float(scalar: Scalar, text: &str) -> Option<[u8; 16]> {
    let lower = text.to_ascii_lowercase();
    let (negative, rest) = signed(&lower);
    let sign = if negative { -1.0_f64 } else { 1.0 };
    match rest {
        "inf" | "infinity" => return scalar.float_from_f64(f64::INFINITY * sign),
        "nan" => return scalar.float_from_f64(f64::NAN.copysign(sign)),
        _ => {}
    }
    let (radix, mark, rest) = match rest.strip_prefix("0x") {
        Some(rest) => (16, 'p', rest),
        None => (10, 'e', rest),
    };
    let (digits, exponent) = rest.split_once(mark).map_or((rest, None), |(d, e)| (d, Some(e)));
    // C's suffixes: behind an exponent, or behind digits that they cannot be taken for.
    let suffixes = if radix == 16 && exponent.is_none() { "l" } else { "fl" };
    let plain = |text: &str| text.strip_suffix(|c| suffixes.contains(c)).map(str::len);
    let (digits, exponent) = match exponent {
        Some(e) => (digits, &e[..plain(e).unwrap_or(e.len())]),
        None => (&digits[..plain(digits).unwrap_or(digits.len())], "0"),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let digits = format!("{whole}{fraction}");
    let (below, power) = signed(exponent);
    if !power.bytes().all(|c| c.is_ascii_digit()) || power.is_empty() {
        return None;
    }
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    // What does not fit is as good as infinite.
    let power = power.parse().unwrap_or(i64::MAX / 16).min(i64::MAX / 16);
    let power = if below { -power } else { power };
    // The digits behind the point are part of the number, and so its power is lower by them.
    let number = BigUint::parse_bytes(digits.as_bytes(), radix)?;
    let (significand, power) = if radix == 16 {
        quotient(number, BigUint::from(1_u8), power - 4 * fraction.len() as i64)
    } else {
        let length = digits.trim_start_matches('0').len() as i64;
        let power = power - fraction.len() as i64;
        let (number, power) = match power + length {
            _ if length == 0 => (number, 0),
            ..LEAST_EXPONENT => (BigUint::ZERO, 0),
            MOST_EXPONENT.. => (BigUint::from(1_u8), MOST_EXPONENT),
            _ => (number, power),
        };
        let tens = |power: i64| BigUint::from(10_u8).pow(u32::try_from(power).unwrap_or(0));
        quotient(number * tens(power), tens(-power), 0)
    };
    scalar.float_from_parts(negative, significand, power)
}

/// Whether what was written is 0, and not only nearest to it. Of what `read_float` reads.
pub(crate) fn is_zero(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let before = |digits: &str, mark| digits.split(mark).next().unwrap_or_default().to_owned();
    match lower.split_once("0x") {
        Some((_, digits)) => {
            !before(digits, 'p').contains(|c: char| c.is_ascii_hexdigit() && c != '0')
        }
        None => !before(&lower, 'e').contains(|c| matches!(c, '1'..='9')),
    }
}

/// The number over the other, times two to a power, as up to 127 bits and a power of two. If there
/// is a rest the last bit is set, which is enough to round it right.
fn quotient(number: BigUint, over: BigUint, power: i64) -> (u128, i32) {
    let shift = 126 - (number.bits() as i64 - over.bits() as i64);
    let (number, over) = match shift {
        0.. => (number << shift, over),
        _ => (number, over << -shift),
    };
    let (whole, rest) = (&number / &over, &number % &over);
    // It has no more than 127 bits.
    let whole = u128::try_from(whole).unwrap_or(u128::MAX);
    let power = (power - shift).clamp(i32::MIN.into(), i32::MAX.into());
    (whole | u128::from(rest != BigUint::ZERO), power as i32)
}

/// As C's `%g`, with as many digits as the type always has right; or with the fewest that read back
/// the same, as halves are always written.
pub(crate) fn write_float(scalar: Scalar, bytes: &[u8], exact: bool) -> Option<String> {
    let Some((negative, significand, power)) = scalar.float_parts(bytes) else {
        return Some(scalar.float_to_f64(bytes)?.to_string().to_lowercase());
    };
    let sign = if negative { "-" } else { "" };
    if significand == 0 {
        return Some(format!("{sign}0"));
    }
    let exact = exact || matches!(scalar, Scalar::F16 | Scalar::BF16);
    let always = match scalar {
        Scalar::BF16 => 2,
        Scalar::F16 => 3,
        Scalar::F32 => 7,
        Scalar::F64 => 15,
        Scalar::F80 => 18,
        _ => 33,
    };
    let rounded = |digits| decimal(significand, power, digits);
    if !exact {
        let (digits, exponent) = rounded(always);
        return Some(sign.to_string() + &placed(&digits, exponent, always));
    }
    let size = scalar.value_size();
    let reads_back = |digits: &usize| {
        let (digits, exponent) = rounded(*digits);
        let again = read_float(scalar, &format!("{sign}{}e{exponent}", pointed(&digits)));
        // x87's unnormals have no text of their own.
        again.is_some_and(|again| scalar.float_parts(&again[..size]) == scalar.float_parts(bytes))
    };
    let most = always + 3;
    let count = (1..most).find(reads_back).unwrap_or(most);
    let (digits, exponent) = rounded(count);
    Some(sign.to_string() + &placed(&digits, exponent, count.max(15)))
}

/// So many digits of a number that is not 0, and the power of ten of the first of them.
fn decimal(significand: u128, power: i32, digits: usize) -> (String, i64) {
    let number = BigUint::from(significand);
    let (number, over) = match power {
        0.. => (number << power, BigUint::from(1_u8)),
        _ => (number, BigUint::from(1_u8) << -power),
    };
    let bits = number.bits() as i64 - over.bits() as i64;
    // Not above the power of ten, and one below it at most: 30103 in 100000 is log10(2).
    let mut exponent = (bits - 1) * 30103 / 100_000 - 1;
    let ten = BigUint::from(10_u8);
    loop {
        let shift = digits as i64 - 1 - exponent;
        let factor = ten.pow(shift.unsigned_abs() as u32);
        let (number, over) = match shift {
            0.. => (&number * factor, over.clone()),
            _ => (number.clone(), &over * factor),
        };
        let (whole, rest) = (&number / &over, &number % &over);
        let (twice, odd) = (rest << 1, whole.bit(0));
        let up = twice > over || twice == over && odd;
        let text = (whole + u8::from(up)).to_string();
        if text.len() <= digits {
            return (text, exponent);
        }
        // One digit more than wanted; after rounding up that may be a 1 and zeros.
        exponent += 1;
    }
}

/// The digits with a point behind the first, and without the zeros at the end.
fn pointed(digits: &str) -> String {
    match (&digits[..1], digits[1..].trim_end_matches('0')) {
        (first, "") => first.into(),
        (first, rest) => format!("{first}.{rest}"),
    }
}

/// As a person writes it: with an exponent only where there would be too many zeros.
fn placed(digits: &str, exponent: i64, most: usize) -> String {
    if exponent < -5 || exponent >= most as i64 {
        return format!("{}e{exponent}", pointed(digits));
    }
    let Ok(point) = usize::try_from(exponent + 1) else {
        let zeros = "0".repeat(usize::try_from(-exponent - 1).unwrap_or(0));
        return format!("0.{zeros}{}", digits.trim_end_matches('0'));
    };
    if point == 0 {
        return format!("0.{}", digits.trim_end_matches('0'));
    }
    let digits = format!("{digits:0<point$}");
    match digits[point..].trim_end_matches('0') {
        "" => digits[..point].into(),
        rest => format!("{}.{rest}", &digits[..point]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: f64) -> String {
        write_float(Scalar::F64, &value.to_le_bytes(), false).expect("a double")
    }

    fn exact(scalar: Scalar, text: &str) -> String {
        let bytes = read_float(scalar, text).expect(text);
        write_float(scalar, &bytes, true).expect("a float")
    }

    /// Doubles from their bits, a good many of them subnormal.
    fn doubles() -> impl Iterator<Item = f64> {
        let bits = (0..3000_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let small = (0..200).map(|n| f64::from_bits(n * n * n));
        bits.map(f64::from_bits).filter(|value| value.is_finite()).chain(small)
    }

    #[test]
    fn floats_are_written_as_a_person_does() {
        for (value, expected) in [
            (3.0000000000000004, "3"),
            (0.1, "0.1"),
            (-2.5, "-2.5"),
            (1e15, "1e15"),
            (123456.75, "123456.75"),
            (1e-6, "1e-6"),
            (0.00001, "0.00001"),
            (0.0, "0"),
            (-0.0, "-0"),
            (100.0, "100"),
            (999999999999999.9, "1e15"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "nan"),
            (1.0 / 3.0, "0.333333333333333"),
            (5e-324, "4.94065645841247e-324"),
            (f64::MAX, "1.79769313486232e308"),
        ] {
            assert_eq!(text(value), expected);
        }
        let tenth = 0.1_f32.to_le_bytes();
        assert_eq!(write_float(Scalar::F32, &tenth, false).as_deref(), Some("0.1"));
    }

    /// Rust's own conversions are right for `f64` and `f32`.
    #[test]
    fn doubles_are_those_of_rust() {
        for value in doubles() {
            let written = format!("{value:e}");
            let read = read_float(Scalar::F64, &written).expect("a number");
            assert_eq!(read[..8], value.to_le_bytes(), "{written}");
            let single = read_float(Scalar::F32, &written).expect("a number");
            let expected: f32 = written.parse().expect("a number");
            assert_eq!(single[..4], expected.to_le_bytes(), "{written}");
            if let Some((_, significand, power)) =
                Scalar::F64.float_parts(&value.to_le_bytes()).filter(|parts| parts.1 != 0)
            {
                let (digits, exponent) = decimal(significand, power, 15);
                let ours = format!("{}.{}e{exponent}", &digits[..1], &digits[1..]);
                assert_eq!(ours, format!("{:.14e}", value.abs()));
            }
            let back: f64 = exact(Scalar::F64, &written).parse().expect("a number");
            assert_eq!(back.to_bits(), value.to_bits(), "{written}");
        }
    }

    #[test]
    fn wide_formats_have_all_their_digits() {
        assert_eq!(exact(Scalar::F80, "0.1"), "0.1");
        assert_eq!(exact(Scalar::F80, "18446744073709551615"), "18446744073709551615");
        assert_eq!(exact(Scalar::F80, "1.18973149535723176502e4932"), "1.189731495357231765e4932");
        assert_eq!(exact(Scalar::F80, "3e-4951"), "4e-4951");
        assert_eq!(exact(Scalar::F80, "1.2e4932"), "inf");
        assert_eq!(exact(Scalar::F128, "0x1.8p-16494"), "1e-4965");
        assert_eq!(exact(Scalar::F128, "-0x1p-16496"), "-0");
        let third = read_float(Scalar::F80, "0.33333333333333333333333").expect("a number");
        let shown = write_float(Scalar::F80, &third, false);
        assert_eq!(shown.as_deref(), Some("0.333333333333333333"));
        let third = read_float(Scalar::F128, "0.3333333333333333333333333333333333333333");
        let shown = write_float(Scalar::F128, &third.expect("a number"), false);
        assert_eq!(shown.as_deref(), Some("0.333333333333333333333333333333333"));
        assert_eq!(exact(Scalar::F16, "65504"), "65500");
        assert_eq!(exact(Scalar::BF16, "0.1"), "0.1");
    }

    #[test]
    fn literals_are_those_of_c() {
        for (literal, value) in [
            ("1.", 1.0),
            (".5", 0.5),
            ("1e3L", 1000.0),
            ("2.5f", 2.5),
            ("0x1.8p3", 12.0),
            ("0x.8p1f", 1.0),
            ("0xfL", 15.0),
            ("0xff", 255.0),
            ("-Inf", f64::NEG_INFINITY),
            ("1e99999999999999999999", f64::INFINITY),
            ("1e-99999999999999999999", 0.0),
            ("0e99999999999999999999", 0.0),
            ("0x1p99999999999999999999", f64::INFINITY),
            ("0x1p-99999999999999999999", 0.0),
        ] {
            let bytes = read_float(Scalar::F64, literal).expect(literal);
            assert_eq!(bytes[..8], value.to_le_bytes(), "{literal}");
        }
        let long = format!("0.{}1e20000", "0".repeat(19_999));
        assert_eq!(exact(Scalar::F64, &long), "1");
        for wrong in ["", ".", "e5", "1e", "1e+", "0x", "1.2.3", "--1", "1 2", "f", "+", "1ff"] {
            assert_eq!(read_float(Scalar::F64, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_written_as_zero_is_told_from_what_becomes_zero() {
        for zero in ["0", "-0.0", "0.f", "0e99", "0x0p5", "-0x.0p1f", "+0x0L", "0E7"] {
            assert!(is_zero(zero), "{zero}");
        }
        for other in ["1e-999", "0.01", "0x.1p-9999", "0xfp-9", "-.5", "0xE", "inf"] {
            assert_eq!(is_zero(other), other == "inf", "{other}");
        }
    }

    #[test]
    fn integers_have_128_bits() {
        let read = |text: &str| Integer::read(text).expect("an integer");
        let (least, most) = (i128::MIN, i128::MAX.unsigned_abs());
        assert_eq!(read("-0x80000000000000000000000000000000").within(least, most), Some(1 << 127));
        assert_eq!(read("0x80000000000000000000000000000000").within(least, most), None);
        assert_eq!(read("+0b101").within(0, 5), Some(5));
        assert_eq!(read("-1").within(0, u128::MAX), None);
        assert_eq!(read("-0").within(0, 0), Some(0));
        assert_eq!(read("'\\n'").within(0, 255), Some(10));
        assert_eq!(read(&u128::MAX.to_string()).within(0, u128::MAX), Some(u128::MAX));
        assert_eq!(read("340282366920938463463374607431768211456").magnitude, None);
        for wrong in ["", "-", "0x", "five", "1.5", "'ab'", "09", "--1", "+-1", "0xfg"] {
            assert_eq!(Integer::read(wrong), None, "{wrong}");
        }
    }
}
