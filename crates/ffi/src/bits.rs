//! Bit-fields, which have no bytes of their own. The lowest bit of a byte comes first, as every
//! convention of this workspace is little-endian.

/// The number in `width` bits, at most 128, from bit `start` on.
pub(crate) fn get(bytes: &[u8], start: usize, width: u32, signed: bool) -> u128 {
    let number = (0..width as usize).fold(0, |number, bit| {
        let at = start + bit;
        number | u128::from(bytes[at / 8] >> (at % 8) & 1) << bit
    });
    let unused = 128 - width;
    match signed {
        true => ((number << unused).cast_signed() >> unused).cast_unsigned(),
        false => number,
    }
}

/// Writes the lowest bits of the number, and leaves the neighbours as they are.
pub(crate) fn set(bytes: &mut [u8], start: usize, width: u32, number: u128) {
    for bit in 0..width as usize {
        let at = start + bit;
        let mask = 1 << (at % 8);
        match number >> bit & 1 {
            0 => bytes[at / 8] &= !mask,
            _ => bytes[at / 8] |= mask,
        }
    }
}

/// Whether a number of a type of `size` bytes, whose bits above that are 0, fits in `width` bits.
///
/// # Errors
/// The number, if it does not.
pub(crate) fn fits(number: u128, size: usize, width: u32, signed: bool) -> Result<(), String> {
    let (unused, beyond) = (128 - 8 * size as u32, 128 - width);
    if signed {
        let number = (number << unused).cast_signed() >> unused;
        let kept = number << beyond >> beyond;
        return if kept == number { Ok(()) } else { Err(number.to_string()) };
    }
    if number << beyond >> beyond == number { Ok(()) } else { Err(number.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_got_and_nothing_else_changes() {
        for start in 0..20 {
            for width in [1, 3, 8, 13, 64, 128] {
                for fill in [0x00, 0xff] {
                    let mut bytes = [fill; 24];
                    let number = 0x1234_5678_9abc_def0_0fed_cba9_8765_4321 >> (128 - width);
                    set(&mut bytes, start, width, number);
                    assert_eq!(get(&bytes, start, width, false), number);
                    set(&mut bytes, start, width, if fill == 0 { 0 } else { u128::MAX });
                    assert_eq!(bytes, [fill; 24]);
                }
            }
        }
    }

    #[test]
    fn the_sign_is_that_of_the_type() {
        let bytes = [0b0001_1000];
        assert_eq!(get(&bytes, 3, 2, true).cast_signed(), -1);
        assert_eq!(get(&bytes, 3, 2, false), 3);
        assert_eq!(fits(3, 4, 2, true), Err("3".into()));
        assert_eq!(fits(u128::from(u32::MAX), 4, 2, true), Ok(()));
        assert_eq!(fits(u128::from(u32::MAX), 4, 2, false), Err("4294967295".into()));
        assert_eq!(fits(u128::MAX, 16, 128, false), Ok(()));
    }
}
