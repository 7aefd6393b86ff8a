//! C values as text.

use super::parse::points_to_char;
use ffi_cdecl::{Basic, DeclaredKind, DeclaredType, Header, TagKind};
use std::fmt::Write;

/// The most characters of a string that are shown, and elements of an array.
const MOST: usize = 4096;
/// Structs inside each other that are shown.
const MAX_DEPTH: usize = 100;

/// How values are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    /// Floating-point numbers with all the digits that they need to be read back the same.
    pub(crate) exact: bool,
}

/// The value of that type in the bytes. A `char *` is followed to its string: C said that it is
/// one.
pub(crate) fn value(header: &Header, ty: &DeclaredType, bytes: &[u8], style: Style) -> String {
    if points_to_char(ty) && bytes.len() == 8 {
        let address = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
        return if address == 0 { "NULL".into() } else { text_at(address) };
    }
    let mut text = String::new();
    part(header, ty, bytes, style, 0, &mut text);
    text
}

fn part(
    header: &Header,
    ty: &DeclaredType,
    bytes: &[u8],
    style: Style,
    depth: usize,
    out: &mut String,
) {
    if depth == MAX_DEPTH {
        out.push('…');
        return;
    }
    match ty.kind() {
        DeclaredKind::Basic(basic) => out.push_str(&scalar(header, *basic, bytes, style)),
        DeclaredKind::Pointer(_) => out.push_str(&match word(bytes) {
            0 => "NULL".into(),
            address => format!("{address:#x}"),
        }),
        DeclaredKind::Tagged(tag, _) if tag.kind == TagKind::Enum => {
            let Some(enumeration) = header.enumeration(ty) else { return };
            let number = integer(header, enumeration.underlying(), bytes);
            match enumeration.constants().find(|(_, value)| Some(*value) == number) {
                Some((name, value)) => {
                    let _ = write!(out, "{name} ({value})");
                }
                None => out.push_str(&scalar(header, enumeration.underlying(), bytes, style)),
            }
        }
        DeclaredKind::Tagged(..) => {
            let Some(record) = header.record(ty) else { return };
            out.push('{');
            let members =
                record.members().iter().filter(|m| m.name().is_some() || m.width().is_none());
            for (index, member) in members.enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                if let Some(name) = member.name() {
                    let _ = write!(out, ".{name} = ");
                }
                let start = member.offset() as usize;
                match member.width() {
                    None => {
                        let end = start + member.size() as usize;
                        let Some(bytes) = bytes.get(start..end) else { continue };
                        part(header, member.ty(), bytes, style, depth + 1, out);
                    }
                    Some(width) => {
                        let field = bits(bytes, member.bit_offset(), width);
                        let signed = is_signed(header, member.ty());
                        let shift = 128 - width;
                        let value =
                            if signed { (field as i128) << shift >> shift } else { field as i128 };
                        let _ = write!(out, "{value}");
                    }
                }
            }
            out.push('}');
        }
        DeclaredKind::Complex(basic) => {
            let (real, imaginary) = bytes.split_at(bytes.len() / 2);
            let [real, imaginary] =
                [real, imaginary].map(|bytes| scalar(header, *basic, bytes, style));
            let sign = if imaginary.starts_with('-') { "" } else { "+" };
            let _ = write!(out, "{real}{sign}{imaginary}i");
        }
        DeclaredKind::Vector { element, .. } => {
            let size = element.scalar(header.options().convention().data_model()).size();
            for (index, bytes) in bytes.chunks(size).enumerate() {
                out.push_str(if index == 0 { "<" } else { ", " });
                out.push_str(&scalar(header, *element, bytes, style));
            }
            out.push('>');
        }
        DeclaredKind::Array(element, _) if is_text(element) => out.push_str(&quoted(bytes)),
        DeclaredKind::Array(element, Some(len)) => {
            let size = header.size_align(element).map_or(0, |(size, _)| size as usize);
            out.push('[');
            for index in 0..*len as usize {
                if index == MOST {
                    out.push('…');
                    break;
                }
                out.push_str(if index == 0 { "" } else { ", " });
                let Some(bytes) = bytes.get(index * size..(index + 1) * size) else { break };
                part(header, element, bytes, style, depth + 1, out);
            }
            out.push(']');
        }
        _ => {
            let _ = write!(out, "{bytes:02x?}");
        }
    }
}

fn is_text(ty: &DeclaredType) -> bool {
    matches!(ty.kind(), DeclaredKind::Basic(Basic::Char))
}

pub(crate) fn is_signed(header: &Header, ty: &DeclaredType) -> bool {
    let basic = match ty.kind() {
        DeclaredKind::Basic(basic) => Some(*basic),
        _ => header.enumeration(ty).map(ffi_cdecl::Enumeration::underlying),
    };
    let model = header.options().convention().data_model();
    basic.is_some_and(|basic| basic.scalar(model).is_signed())
}

fn bits(bytes: &[u8], offset: u64, width: u32) -> u128 {
    (0..u64::from(width)).fold(0, |value, bit| {
        let at = offset + bit;
        let byte = bytes.get((at / 8) as usize).copied().unwrap_or_default();
        value | u128::from(byte >> (at % 8) & 1) << bit
    })
}

fn word(bytes: &[u8]) -> u128 {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | u128::from(*byte))
}

fn integer(header: &Header, basic: Basic, bytes: &[u8]) -> Option<i128> {
    let scalar = basic.scalar(header.options().convention().data_model());
    if !scalar.is_integer() {
        return None;
    }
    let shift = 128 - 8 * bytes.len() as u32;
    let value = word(bytes);
    Some(if scalar.is_signed() { (value << shift) as i128 >> shift } else { value as i128 })
}

fn scalar(header: &Header, basic: Basic, bytes: &[u8], style: Style) -> String {
    match (basic, bytes.len()) {
        (Basic::Bool, _) => (word(bytes) != 0).to_string(),
        (Basic::Float, 4) => {
            let value = f32::from_bits(word(bytes) as u32);
            if style.exact { value.to_string() } else { float(value.into(), 7) }
        }
        (Basic::Double, 8) => {
            let value = f64::from_bits(word(bytes) as u64);
            if style.exact { value.to_string() } else { float(value, 15) }
        }
        (Basic::UnsignedInt128, _) => word(bytes).to_string(),
        _ if basic.is_float() => {
            let scalar = basic.scalar(header.options().convention().data_model());
            let Some(value) = scalar.float_to_f64(bytes) else { return format!("{bytes:02x?}") };
            // As many digits as are right for all that the type's precision is `double`'s or more.
            let digits = match scalar {
                ffi::Scalar::BF16 => 2,
                ffi::Scalar::F16 => 3,
                _ => 15,
            };
            if style.exact { value.to_string() } else { float(value, digits) }
        }
        _ => match integer(header, basic, bytes) {
            Some(value) if basic == Basic::Char && (0x20..0x7f).contains(&value) => {
                format!("{value} '{}'", char::from(value as u8))
            }
            Some(value) => value.to_string(),
            None => format!("{bytes:02x?}"),
        },
    }
}

/// As C's `%.{digits}g`: so many digits as the type always has right.
fn float(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return value.to_string().to_lowercase();
    }
    let text = format!("{value:.*e}", digits - 1);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text.to_string(),
    };
    if exponent < -5 || exponent >= digits as i32 {
        return format!("{}e{exponent}", trimmed(mantissa));
    }
    let places = usize::try_from(digits as i32 - 1 - exponent).unwrap_or(0);
    trimmed(&format!("{value:.places$}"))
}

/// The C string at an address that C says has one.
fn text_at(address: u64) -> String {
    let start = std::ptr::with_exposed_provenance::<u8>(address as usize);
    let mut bytes = Vec::new();
    while bytes.len() <= MOST {
        // SAFETY: the prototype says that a string is there; where it is not, the crash is told as
        // one in the called function.
        match unsafe { start.add(bytes.len()).read() } {
            0 => break,
            byte => bytes.push(byte),
        }
    }
    quoted(&bytes)
}

/// The bytes up to the first zero, as C writes them.
fn quoted(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let cut = end > MOST;
    let text = String::from_utf8_lossy(&bytes[..end.min(MOST)]);
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out + if cut { "\"…" } else { "\"" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_a_person_does() {
        for (value, text) in [
            (3.0000000000000004, "3"),
            (0.1, "0.1"),
            (-2.5, "-2.5"),
            (1e15, "1e15"),
            (123456.75, "123456.75"),
            (1e-6, "1e-6"),
            (0.00001, "0.00001"),
            (0.0, "0"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "nan"),
            (1.0 / 3.0, "0.333333333333333"),
        ] {
            assert_eq!(float(value, 15), text);
        }
        assert_eq!(float(f64::from(0.1_f32), 7), "0.1");
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(quoted(b"a\"b\n\x01\0rest"), "\"a\\\"b\\n\\x01\"");
    }
}
