//! C values as text.

use super::number::write_float;
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
            // No enum is of more than 64 bits.
            let number = number(bytes, is_signed(header, ty)).cast_signed();
            match enumeration.constants().find(|(_, value)| *value == number) {
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
                        let signed = is_signed(header, member.ty());
                        let field = bits(bytes, member.bit_offset(), width, signed);
                        let bytes = &field.to_le_bytes()[..member.size() as usize];
                        part(header, member.ty(), bytes, style, depth + 1, out);
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

/// Whether an integer, or the one that an enum is, may be negative.
pub(crate) fn is_signed(header: &Header, ty: &DeclaredType) -> bool {
    let basic = match ty.kind() {
        DeclaredKind::Basic(basic) => Some(*basic),
        _ => header.enumeration(ty).map(ffi_cdecl::Enumeration::underlying),
    };
    let model = header.options().convention().data_model();
    basic.is_some_and(|basic| basic.scalar(model).is_signed())
}

/// The number in a bit-field.
fn bits(bytes: &[u8], offset: u64, width: u32, signed: bool) -> u128 {
    let value = (0..u64::from(width)).fold(0, |value, bit| {
        let at = offset + bit;
        let byte = bytes.get((at / 8) as usize).copied().unwrap_or_default();
        value | u128::from(byte >> (at % 8) & 1) << bit
    });
    extended(value, width, signed)
}

/// The integer in up to 16 bytes; of a negative one all higher bits are set too.
pub(crate) fn number(bytes: &[u8], signed: bool) -> u128 {
    extended(word(bytes), 8 * bytes.len() as u32, signed)
}

fn extended(value: u128, width: u32, signed: bool) -> u128 {
    let unused = 128 - width;
    match signed {
        true => ((value << unused).cast_signed() >> unused).cast_unsigned(),
        false => value,
    }
}

fn word(bytes: &[u8]) -> u128 {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | u128::from(*byte))
}

fn scalar(header: &Header, basic: Basic, bytes: &[u8], style: Style) -> String {
    let scalar = basic.scalar(header.options().convention().data_model());
    if scalar.is_float() {
        return write_float(scalar, bytes, style.exact).unwrap_or_else(|| format!("{bytes:02x?}"));
    }
    let value = number(bytes, scalar.is_signed());
    match basic {
        Basic::Bool => (value != 0).to_string(),
        Basic::Char if (0x20..0x7f).contains(&value) => {
            format!("{value} '{}'", char::from(value as u8))
        }
        _ if scalar.is_signed() => value.cast_signed().to_string(),
        _ => value.to_string(),
    }
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
    fn text_is_escaped() {
        assert_eq!(quoted(b"a\"b\n\x01\0rest"), "\"a\\\"b\\n\\x01\"");
    }
}
