//! Floating-point numbers of every format, from and to `f64`, compared with what C compilers make
//! of the same casts, and with the crate `half`.

use ffi::{Library, LongDouble, Scalar};
use ffi_tests::compile::{compilers, shared_library};
use std::collections::BTreeSet;

/// For each format that the compiler has, a cast in each direction. 16 bytes for each number, the
/// last ones zero. On Windows clang calls gcc's conversions of halves and binary128, and expects
/// the result elsewhere than they return it.
const SOURCE: &str = "
#define FORMAT(name, type, size) \\
    void name##_from(const double *in, unsigned char *out, unsigned long long n) { \\
        for (; n--; in++, out += 16) { \\
            type value = (type)*in; \\
            __builtin_memset(out, 0, 16); \\
            __builtin_memcpy(out, &value, size); \\
        } \\
    } \\
    void name##_to(const unsigned char *in, double *out, unsigned long long n) { \\
        for (; n--; in += 16, out++) { \\
            type value; \\
            __builtin_memcpy(&value, in, size); \\
            *out = (double)value; \\
        } \\
    }
FORMAT(f32, float, 4)
#if __LDBL_MANT_DIG__ == 64
FORMAT(f80, long double, 10)
#endif
#if defined(_WIN32) && defined(__clang__)
#elif __LDBL_MANT_DIG__ == 113
FORMAT(f128, long double, 16)
#elif defined(__SIZEOF_FLOAT128__)
FORMAT(f128, __float128, 16)
#endif
#if defined(__FLT16_MANT_DIG__) && !(defined(_WIN32) && defined(__clang__))
FORMAT(f16, _Float16, 2)
#endif
FORMAT(long_double, long double, __LDBL_MANT_DIG__ == 64 ? 10 : sizeof(long double))
";

type From = unsafe extern "C" fn(*const f64, *mut [u8; 16], u64);
type To = unsafe extern "C" fn(*const [u8; 16], *mut f64, u64);

/// How many bits are below the exponent, and in it, as IEEE 754 and Intel's manual have them.
const FORMATS: [(&str, Scalar, u32, u32); 4] = [
    ("f16", Scalar::F16, 10, 5),
    ("f32", Scalar::F32, 23, 8),
    ("f80", Scalar::F80, 64, 15),
    ("f128", Scalar::F128, 112, 15),
];

/// Doubles of every power of two, with the bits of the significand that decide how each format
/// rounds; and some that are nothing but random.
fn doubles() -> Vec<f64> {
    let mut random = fastrand::Rng::with_seed(0x1d);
    let mut values = Vec::new();
    for exponent in 0..0x800_u64 {
        let sign = random.u64(..) & 1 << 63;
        for kept in [7, 10, 23, 52] {
            let (one, half) = (1 << (52 - kept), 1_u64 << (52 - kept) >> 1);
            let ties = [half, one | half, half.wrapping_sub(1), half + 1, (1 << 52) - half];
            let base = random.u64(..) & !(2 * one - 1);
            for fraction in ties.iter().flat_map(|tie| [*tie, base | tie]) {
                values.push(sign | exponent << 52 | fraction & ((1 << 52) - 1));
            }
        }
        values.extend([sign | exponent << 52, sign | exponent << 52 | random.u64(..) >> 12]);
    }
    values.extend((0..5000).map(|_| random.u64(..)));
    values.into_iter().map(f64::from_bits).collect()
}

/// Numbers of a format around each exponent that a double or a half may have, and at its limits.
fn encodings(scalar: Scalar, fraction_bits: u32, exponent_bits: u32) -> Vec<[u8; 16]> {
    let mut random = fastrand::Rng::with_seed(0x80);
    let special = (1_u128 << exponent_bits) - 1;
    let bias = special >> 1;
    let limits = [0, 1, 2, special - 2, special - 1, special];
    let near = (0..1200).flat_map(|power| [bias.saturating_sub(power), bias + power]);
    let mut values = Vec::new();
    for exponent in near.chain(limits).filter(|exponent| *exponent <= special) {
        let all = (1_u128 << fraction_bits) - 1;
        let mut fractions = vec![0, 1, all, all - 1, all >> 1, random.u128(..) & all];
        for kept in [10, 23, 52, 53] {
            // As many bits as a shorter format has, and what is just about half of the last.
            let Some(below) = fraction_bits.checked_sub(kept + 1) else { continue };
            let tie = 1_u128 << below;
            let base = random.u128(..) & all & !(2 * tie - 1);
            fractions.extend([base | tie, base | tie << 1 | tie, base | tie | 1, base | (tie - 1)]);
        }
        for mut fraction in fractions {
            if scalar == Scalar::F80 {
                // With neither the lead bit nor the exponent 0 it is no number to the processor.
                fraction |= u128::from(exponent != 0) << 63;
            }
            let sign = u128::from(random.bool()) << exponent_bits;
            values.push(((sign | exponent) << fraction_bits | fraction).to_le_bytes());
        }
    }
    values
}

#[track_caller]
fn assert_same(scalar: Scalar, from: u128, found: u128, expected: u128, whose: &str) {
    assert_eq!(
        found, expected,
        "{scalar:?}, {from:#x}: found {found:#x}, expected {expected:#x} as {whose} has it"
    );
}

#[test]
fn every_format_is_converted_as_compilers_do() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut compared = BTreeSet::new();
    let doubles = doubles();
    for compiler in compilers() {
        let whose = compiler.command;
        let path = shared_library(compiler, directory.path(), "formats", SOURCE);
        // SAFETY: the library is the one just compiled; it has no constructors.
        let library = unsafe { Library::open(&path) }.expect("the compiled library opens");
        for (name, scalar, fraction_bits, exponent_bits) in FORMATS {
            // SAFETY: this is the type of the function, which is there if C has the format.
            let Ok(from) = (unsafe { library.get::<From>(&format!("{name}_from")) }) else {
                continue;
            };
            // SAFETY: as above.
            let to = unsafe { library.get::<To>(&format!("{name}_to")) }.expect("both are there");

            let mut expected = vec![[0xee; 16]; doubles.len()];
            // SAFETY: both have as many elements.
            unsafe { from(doubles.as_ptr(), expected.as_mut_ptr(), doubles.len() as u64) };
            for (value, expected) in doubles.iter().zip(expected) {
                let found = scalar.float_from_f64(*value).expect("a floating-point type");
                let [found, expected] = [found, expected].map(u128::from_le_bytes);
                assert_same(scalar, value.to_bits().into(), found, expected, whose);
            }

            let encodings = encodings(scalar, fraction_bits, exponent_bits);
            let mut expected = vec![0.0; encodings.len()];
            // SAFETY: both have as many elements.
            unsafe { to(encodings.as_ptr(), expected.as_mut_ptr(), encodings.len() as u64) };
            for (bytes, expected) in encodings.iter().zip(expected) {
                let found = scalar.float_to_f64(bytes).expect("a floating-point type");
                let [found, expected] = [found, expected].map(|value| value.to_bits().into());
                assert_same(scalar, u128::from_le_bytes(*bytes), found, expected, whose);
            }
            compared.insert(name);
        }
        long_double_is_converted_as_well(&library, &doubles, whose);
    }
    let mut wanted = BTreeSet::from(["f32"]);
    if cfg!(target_arch = "x86_64") {
        wanted.insert("f80");
    }
    if cfg!(target_os = "linux") {
        wanted.extend(["f16", "f128"]);
    }
    assert!(compared.is_superset(&wanted), "compared {compared:?}, expected {wanted:?}");
}

/// Whatever `long double` is here: Rust's type has C's bytes.
fn long_double_is_converted_as_well(library: &Library, doubles: &[f64], whose: &str) {
    // SAFETY: this is the type of the function.
    let from = unsafe { library.get::<From>("long_double_from") }.expect("it is there");
    let mut expected = vec![[0xee; 16]; doubles.len()];
    // SAFETY: both have as many elements.
    unsafe { from(doubles.as_ptr(), expected.as_mut_ptr(), doubles.len() as u64) };
    for (value, expected) in doubles.iter().zip(expected) {
        let long = LongDouble::from(*value);
        if !value.is_nan() {
            let bytes = long.to_ne_bytes();
            assert_eq!(bytes, expected[..bytes.len()], "{value:e} as {whose} has it");
            assert_eq!(f64::from(long).to_bits(), value.to_bits());
        }
        assert_eq!(f64::from(long).is_nan(), value.is_nan());
    }
}

/// Of what `f32` has: from `f64`, `half` drops the lowest bits before it rounds.
#[test]
fn halves_are_converted_as_the_crate_half_does() {
    for value in doubles() {
        let single = value as f32;
        let value = f64::from(single);
        let f16 = half::f16::from_f32(single).to_le_bytes();
        let bf16 = half::bf16::from_f32(single).to_le_bytes();
        for (scalar, expected) in [(Scalar::F16, f16), (Scalar::BF16, bf16)] {
            let found = scalar.float_from_f64(value).expect("a floating-point type");
            let [found, expected] =
                [[found[0], found[1]], expected].map(|bytes| u16::from_le_bytes(bytes).into());
            assert_same(scalar, value.to_bits().into(), found, expected, "half");
        }
    }
    for bits in 0..=u16::MAX {
        let (f16, bf16) = (half::f16::from_bits(bits), half::bf16::from_bits(bits));
        for (scalar, expected) in [(Scalar::F16, f16.to_f64()), (Scalar::BF16, bf16.to_f64())] {
            let found = scalar.float_to_f64(&bits.to_le_bytes()).expect("a floating-point type");
            let [found, expected] = [found, expected].map(|value| value.to_bits().into());
            assert_same(scalar, bits.into(), found, expected, "half");
        }
    }
}
