//! Values as text, for people.

use crate::bits;
use crate::value::Value;
use ffi_types::{Field, Scalar, Type, TypeKind};
use std::fmt::{Debug, Formatter, Result};

/// What is still to be written; a stack of these stands in for recursion over nested types.
enum Piece<'a> {
    /// A value at an offset from the start of the whole.
    Value(&'a Type, usize),
    /// The members from that index on, and where what they are members of starts.
    Members(&'a [Field], usize, usize),
    /// The elements from that index on, how many there are, and where the array starts.
    Elements(&'a Type, usize, usize, usize),
}

/// After so many members and elements, the rest is only hinted at.
const MOST: usize = 1024;

/// The members by name, as in `struct point { x: 1.0, y: 2.5 }`; an array as `[1, 2]`. Of a union
/// every member is shown.
impl Debug for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut work = vec![Piece::Value(self.ty(), 0)];
        let mut written = 0;
        while let Some(piece) = work.pop() {
            match piece {
                Piece::Value(ty, offset) => {
                    written += 1;
                    let bytes = &self.as_bytes()[offset..offset + ty.size()];
                    match (ty.kind(), ty.array_parts()) {
                        (_, Some((element, count))) => {
                            f.write_str("[")?;
                            work.push(Piece::Elements(element, 0, count, offset));
                        }
                        (kind @ (TypeKind::Struct | TypeKind::Union), _) => {
                            write!(f, "{kind} ")?;
                            ty.name().map_or(Ok(()), |tag| write!(f, "{tag} "))?;
                            f.write_str("{")?;
                            work.push(Piece::Members(ty.fields(), 0, offset));
                        }
                        (TypeKind::Scalar(scalar), _) => write_scalar(f, scalar, bytes)?,
                        (TypeKind::Complex(part), _) => {
                            let (real, imaginary) = bytes.split_at(part.size());
                            let mut imaginary = imaginary.to_vec();
                            // The sign is between the two, and not in front of the second.
                            let sign = &mut imaginary[part.value_size() - 1];
                            let negative = *sign >> 7 == 1;
                            *sign &= 0x7f;
                            write_scalar(f, part, real)?;
                            f.write_str(if negative { " - " } else { " + " })?;
                            write_scalar(f, part, &imaginary)?;
                            f.write_str("i")?;
                        }
                        (TypeKind::Vector { element, .. }, _) => {
                            for (index, bytes) in bytes.chunks(element.size()).enumerate() {
                                f.write_str(if index == 0 { "<" } else { ", " })?;
                                write_scalar(f, element, bytes)?;
                            }
                            f.write_str(">")?;
                        }
                        (kind, _) => write!(f, "{kind}")?,
                    }
                }
                Piece::Members(fields, index, base) => {
                    let Some(field) = fields.get(index) else {
                        f.write_str(" }")?;
                        continue;
                    };
                    if is_padding(field) {
                        work.push(Piece::Members(fields, index + 1, base));
                        continue;
                    }
                    let is_first = fields[..index].iter().all(is_padding);
                    f.write_str(if is_first { " " } else { ", " })?;
                    if written >= MOST {
                        f.write_str("… }")?;
                        continue;
                    }
                    if !field.name().is_empty() {
                        write!(f, "{}: ", field.name())?;
                    }
                    work.push(Piece::Members(fields, index + 1, base));
                    match (field.bit_width(), field.ty().as_scalar()) {
                        (Some(width), Some(scalar)) => {
                            let (start, signed) = (field.bit_offset(), scalar.is_signed());
                            let number = bits::get(&self.as_bytes()[base..], start, width, signed);
                            write_scalar(f, scalar, &number.to_le_bytes()[..scalar.size()])?;
                        }
                        _ => work.push(Piece::Value(field.ty(), base + field.offset())),
                    }
                }
                Piece::Elements(_, index, count, _) if index == count => f.write_str("]")?,
                Piece::Elements(element, index, count, base) => {
                    f.write_str(if index == 0 { "" } else { ", " })?;
                    if written >= MOST {
                        f.write_str("…]")?;
                        continue;
                    }
                    work.push(Piece::Elements(element, index + 1, count, base));
                    work.push(Piece::Value(element, base + index * element.size()));
                }
            }
        }
        Ok(())
    }
}

/// Bits without a name.
fn is_padding(field: &Field) -> bool {
    field.bit_width().is_some() && field.name().is_empty()
}

fn write_scalar(f: &mut Formatter<'_>, scalar: Scalar, bytes: &[u8]) -> Result {
    macro_rules! number {
        ($ty:ty) => {
            match bytes.try_into() {
                Ok(bytes) => Debug::fmt(&<$ty>::from_ne_bytes(bytes), f),
                Err(_) => write!(f, "{bytes:02x?}"),
            }
        };
    }
    match scalar {
        Scalar::Bool => write!(f, "{}", bytes != [0]),
        Scalar::I8 => number!(i8),
        Scalar::U8 => number!(u8),
        Scalar::I16 => number!(i16),
        Scalar::U16 => number!(u16),
        Scalar::I32 => number!(i32),
        Scalar::U32 => number!(u32),
        Scalar::I64 => number!(i64),
        Scalar::U64 => number!(u64),
        Scalar::F32 => number!(f32),
        Scalar::F64 => number!(f64),
        Scalar::Pointer => match bytes.try_into() {
            Ok(bytes) => write!(f, "{:#x}", usize::from_ne_bytes(bytes)),
            Err(_) => write!(f, "{bytes:02x?}"),
        },
        Scalar::I128 => number!(i128),
        Scalar::U128 => number!(u128),
        // The others are floating-point numbers that Rust has no type for.
        _ => match scalar.float_to_f64(bytes) {
            Some(value) => Debug::fmt(&value, f),
            None => write!(f, "{bytes:02x?}"),
        },
    }
}
