//! Types and signatures as C text.

use crate::layout::packed_align;
use crate::record::Rules;
use crate::repr::Repr;
use crate::ty::{Aggregate, Field, Pack};
use crate::{Convention, Scalar, Signature, Type, TypeKind};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::fmt::{Debug, Display, Formatter, Result};

/// What is still to be written; a stack of these stands in for recursion over nested types.
enum Piece<'a> {
    Type(&'a Type),
    Member(&'a Aggregate, &'a Field),
    Close(&'a Aggregate),
    Declarator(&'a Aggregate, &'a Field),
}

/// Writes a type as C does. A struct or union that was written before is named by its tag alone,
/// as C requires.
struct Printer<'a> {
    /// What `long double` is.
    long_double: Type,
    /// Whether the platform has Microsoft's bit-fields.
    microsoft: bool,
    known: BTreeMap<&'a str, &'a Type>,
    /// The aggregates written so far, and how many pieces that took. A type that shares a member
    /// with itself over and over would otherwise be written as often as there are ways to it.
    written: BTreeSet<*const Aggregate>,
    pieces: usize,
}

/// After so many pieces, an aggregate without a tag that was written before is only hinted at.
const PIECES_IN_FULL: usize = 4096;

impl<'a> Printer<'a> {
    fn new(platform: Convention) -> Self {
        let rules = Rules { union: false, pack: 0, attribute: None, convention: platform };
        Self {
            long_double: platform.data_model().c_long_double(),
            microsoft: rules.microsoft(),
            known: BTreeMap::new(),
            written: BTreeSet::new(),
            pieces: 0,
        }
    }

    /// The name of a type without members.
    fn plain(&self, f: &mut Formatter<'_>, ty: &Type) -> Result {
        let complex = match ty.kind() {
            TypeKind::Complex(_) => " _Complex",
            _ => "",
        };
        let (TypeKind::Scalar(scalar) | TypeKind::Complex(scalar)) = ty.kind() else {
            return write!(f, "{}", ty.kind());
        };
        let name = match scalar {
            Scalar::F80 | Scalar::F128 if self.long_double == Type::scalar(scalar) => "long double",
            Scalar::F80 => "__float80",
            Scalar::F128 => "__float128",
            _ => scalar.c_name(),
        };
        write!(f, "{name}{complex}")
    }

    fn write(&mut self, f: &mut Formatter<'_>, ty: &'a Type) -> Result {
        let mut work = Vec::new();
        work.push(Piece::Type(ty));
        while let Some(piece) = work.pop() {
            self.pieces += 1;
            match piece {
                Piece::Type(ty) => match ty.repr() {
                    Repr::Void => f.write_str("void")?,
                    Repr::Scalar(_) | Repr::Complex(_) | Repr::Vector(..) => self.plain(f, ty)?,
                    Repr::Aggregate(aggregate) => self.open(f, ty, aggregate, &mut work)?,
                },
                Piece::Member(parent, field) => {
                    f.write_str(" ")?;
                    work.push(Piece::Declarator(parent, field));
                    work.push(Piece::Type(innermost(&field.ty)));
                }
                Piece::Declarator(parent, field) => declarator(f, parent, field)?,
                Piece::Close(aggregate) => {
                    f.write_str(" }")?;
                    if let Some(align) = aggregate.attribute_align {
                        write!(f, " __attribute__((aligned({align})))")?;
                    }
                    let bits = aggregate.fields.iter().any(|field| field.bits.is_some());
                    if bits && !aggregate.stated && aggregate.microsoft != self.microsoft {
                        let whose = if aggregate.microsoft { "ms" } else { "gcc" };
                        write!(f, " __attribute__(({whose}_struct))")?;
                    }
                    if aggregate.stated {
                        write!(f, " /* {} bytes, align {} */", aggregate.size, aggregate.align)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn open(
        &mut self,
        f: &mut Formatter<'_>,
        ty: &'a Type,
        aggregate: &'a Aggregate,
        work: &mut Vec<Piece<'a>>,
    ) -> Result {
        if aggregate.kind == TypeKind::Array {
            // Reached only when the array itself is printed; members peel theirs off first.
            let element = innermost(ty);
            self.write(f, element)?;
            f.write_str(" ")?;
            return dimensions(f, ty);
        }
        write!(f, "{}", aggregate.kind)?;
        let repeated = !self.written.insert(aggregate);
        if let Some(name) = aggregate.name.as_deref() {
            write!(f, " {name}")?;
            if repeated || self.known.get(name) == Some(&ty) {
                return Ok(());
            }
            self.known.insert(name, ty);
        } else if repeated && self.pieces > PIECES_IN_FULL {
            return f.write_str(" { /* as before */ }");
        }
        f.write_str(" {")?;
        work.push(Piece::Close(aggregate));
        work.extend(aggregate.fields.iter().rev().map(|field| Piece::Member(aggregate, field)));
        Ok(())
    }
}

fn declarator(f: &mut Formatter<'_>, parent: &Aggregate, field: &Field) -> Result {
    // `void *p`, but `double x`; an anonymous struct or union has no name to set apart.
    let apart = match innermost(&field.ty).as_scalar() {
        Some(scalar) => scalar != crate::Scalar::Pointer,
        None => !field.name.is_empty() || innermost(&field.ty).elements().is_some(),
    };
    if apart {
        f.write_str(" ")?;
    }
    f.write_str(&field.name)?;
    dimensions(f, &field.ty)?;
    if let Some(bits) = field.bits {
        write!(f, "{}: {}", if field.name.is_empty() { "" } else { " " }, bits.width)?;
    }
    match (parent.pack, field.attribute_align) {
        (Some(Pack::Pragma(most)), _) if field.bits.is_some() => write!(f, " /* pack({most}) */")?,
        // `#pragma pack(n)` said member by member, which needs no second line of text.
        (Some(pack), align) => match packed_align(Some(pack), field.ty.align(), align) {
            // A bit-field that is aligned to a byte begins one, which a packed one need not.
            1 if field.bits.is_none() || align.is_none() => {
                f.write_str(" __attribute__((packed))")?;
            }
            n => write!(f, " __attribute__((packed, aligned({n})))")?,
        },
        (None, Some(align)) => write!(f, " __attribute__((aligned({align})))")?,
        (None, None) => {}
    }
    match (parent.stated, field.bits) {
        (true, Some(bits)) => write!(f, " /* at bit {} */", bits.offset)?,
        (true, None) => write!(f, " /* at {} */", field.offset)?,
        (false, _) => {}
    }
    f.write_str(";")
}

fn innermost(mut ty: &Type) -> &Type {
    while let Some((element, _)) = ty.array_parts() {
        ty = element;
    }
    ty
}

fn dimensions(f: &mut Formatter<'_>, mut ty: &Type) -> Result {
    while let Some((element, count)) = ty.array_parts() {
        write!(f, "[{count}]")?;
        ty = element;
    }
    Ok(())
}

impl Display for Type {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        Printer::new(Convention::native().unwrap_or(Convention::SysV)).write(f, self)
    }
}

impl Debug for Type {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        Display::fmt(self, f)
    }
}

/// The signature as a C function type without a name: `double (int32_t, double)`.
impl Display for Signature {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut printer = Printer::new(self.convention());
        printer.write(f, self.return_type())?;
        f.write_str(" (")?;
        for (index, ty) in self.arguments().iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            if self.first_variadic() == Some(index) {
                f.write_str("... /* ")?;
            }
            printer.write(f, ty)?;
        }
        f.write_str(match (self.arguments().len(), self.first_variadic()) {
            (0, None) => "void)",
            (0, Some(_)) => "...)",
            (n, Some(first)) if first == n => ", ...)",
            (_, Some(_)) => " */)",
            (_, None) => ")",
        })
    }
}
