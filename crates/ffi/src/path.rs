//! Members by name: paths such as `cells[2].x`, and what can be wrong with one.

use ffi_types::{Field, InterfaceReason, Type, TypeKind};
use std::collections::BTreeSet;
use std::fmt;
use thiserror::Error;

/// A member that cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
#[error("`{path}`: {reason}")]
pub struct FieldError {
    /// The path as it was given.
    pub path: String,
    /// What is wrong with it; boxed, so that a [`Result`] stays small.
    pub reason: Box<FieldProblem>,
}

impl FieldError {
    #[cold]
    pub(crate) fn new(path: &str, reason: impl Into<FieldProblem>) -> Self {
        Self { path: path.into(), reason: Box::new(reason.into()) }
    }
}

/// The reason in a [`FieldError`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FieldProblem {
    /// The member's type has another size or kind than the Rust type.
    #[error(transparent)]
    Mismatch(#[from] InterfaceReason),
    /// The struct or union has no member of that name.
    #[error("`{ty}` has no member `{name}`{}", Hint(nearest, members))]
    NoSuchMember {
        /// The name asked for.
        name: String,
        /// The struct or union, by its tag.
        ty: String,
        /// The members it has, those of anonymous members included.
        members: Vec<String>,
        /// The one that is spelled most like the name asked for, if any is.
        nearest: Option<String>,
    },
    /// A member is asked for of something that has none.
    #[error("`{found}` before `{name}` is neither a struct nor a union, so it has no members")]
    NotAnAggregate {
        /// What is there: a scalar's name, or an array's length.
        found: String,
        /// The name asked for.
        name: String,
    },
    /// An element is asked for of something that is not an array.
    #[error("`{found}` before `[{index}]` is not an array, so it has no elements")]
    NotAnArray {
        /// What is there: a scalar's name, or a struct's or union's tag.
        found: String,
        /// The index asked for.
        index: usize,
    },
    /// There is no element of that index.
    #[error("index {index} is out of bounds: the array has {length} elements")]
    IndexOutOfBounds {
        /// The index asked for.
        index: usize,
        /// How many elements there are.
        length: usize,
    },
    /// The path is not written as one.
    #[error("expected {expected} at byte {at} of the path")]
    Malformed {
        /// Where, in bytes from the path's start.
        at: usize,
        /// What a path may go on with there.
        expected: &'static str,
    },
    /// A bit-field has no bytes of its own: it is read and written as a number.
    #[error("it is a bit-field, which has no bytes of its own: use `get` and `set`")]
    BitField,
    /// A number that needs more bits than the bit-field has. Nothing is written.
    #[error("{value} needs more than the {width} bits of the bit-field")]
    BitFieldRange {
        /// The number, as that of the bit-field's type.
        value: String,
        /// The width of the bit-field, in bits.
        width: u32,
    },
    /// The bytes may be no valid value of the Rust type, although the layout is the same.
    #[error(
        "cannot be read whole as `{ty}`, which may hold a function pointer, or a bool that is \
         neither 0 nor 1: read its members, or declare `CType::ANY_BITS`"
    )]
    NotAnyBits {
        /// The type of the member.
        ty: String,
    },
}

/// So many members are listed in a message.
const LISTED: usize = 16;

struct Hint<'a>(&'a Option<String>, &'a [String]);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(nearest, members) = self;
        let start = match nearest {
            Some(nearest) => {
                write!(f, "; did you mean `{nearest}`?")?;
                " It has "
            }
            None => "; it has ",
        };
        for (index, member) in members.iter().take(LISTED).enumerate() {
            write!(f, "{}`{member}`", if index == 0 { start } else { ", " })?;
        }
        match members.len().saturating_sub(LISTED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

enum Step<'p> {
    Member(&'p str),
    Element(usize),
}

/// What is at the end of a path.
pub(crate) struct Part {
    /// Its type.
    pub(crate) ty: Type,
    /// Where it is, in bytes from the start of the whole; for a bit-field where its aggregate is.
    pub(crate) offset: usize,
    /// Of a bit-field: its first bit, from the start of its aggregate, and its width.
    pub(crate) bits: Option<(usize, u32)>,
}

/// What is at the end of the path.
pub(crate) fn resolve(whole: &Type, path: &str) -> Result<Part, FieldError> {
    let mut part = Part { ty: whole.clone(), offset: 0, bits: None };
    let mut at = 0;
    let fail = |reason| FieldError::new(path, reason);
    while at < path.len() {
        let (step, end) = next_step(path, at).map_err(fail)?;
        let inner = match step {
            Step::Member(name) => member(&part.ty, name),
            Step::Element(index) => element(&part.ty, index),
        }
        .map_err(fail)?;
        // Every part lies inside the whole, whose size fits in `isize`.
        part = Part { offset: part.offset + inner.offset, ..inner };
        at = end;
    }
    Ok(part)
}

/// The step that starts at byte `at`, and where it ends.
fn next_step(path: &str, at: usize) -> Result<(Step<'_>, usize), FieldProblem> {
    let malformed = |at, expected| Err(FieldProblem::Malformed { at, expected });
    let rest = &path[at..];
    if let Some(inside) = rest.strip_prefix('[') {
        let digits = inside.find(|c: char| !c.is_ascii_digit()).unwrap_or(inside.len());
        if digits == 0 {
            return malformed(at + 1, "an index");
        }
        let Ok(index) = inside[..digits].parse() else {
            return malformed(at + 1, "an index that fits in 64 bits");
        };
        if !inside[digits..].starts_with(']') {
            return malformed(at + 1 + digits, "`]`");
        }
        return Ok((Step::Element(index), at + digits + 2));
    }
    // A dot is between two steps, so there is none at the start.
    let start = match (at, rest.starts_with('.')) {
        (0, _) => 0,
        (_, true) => at + 1,
        (_, false) => return malformed(at, "`.` or `[`"),
    };
    let name = path[start..].split(['.', '[']).next().unwrap_or_default();
    if name.is_empty() {
        return malformed(start, "a member's name");
    }
    Ok((Step::Member(name), start + name.len()))
}

fn member(ty: &Type, name: &str) -> Result<Part, FieldProblem> {
    if let (TypeKind::Complex(part), "re" | "im") = (ty.kind(), name) {
        let offset = if name == "re" { 0 } else { part.size() };
        return Ok(Part { ty: Type::scalar(part), offset, bits: None });
    }
    if !matches!(ty.kind(), TypeKind::Struct | TypeKind::Union) {
        return Err(FieldProblem::NotAnAggregate { found: described(ty), name: name.into() });
    }
    let Some((field, base)) = members(ty).find(|(field, _)| field.name() == name) else {
        return Err(no_such_member(ty, name));
    };
    let ty = field.ty().clone();
    Ok(match field.bit_width() {
        Some(width) => Part { ty, offset: base, bits: Some((field.bit_offset(), width)) },
        None => Part { ty, offset: base + field.offset(), bits: None },
    })
}

fn element(ty: &Type, index: usize) -> Result<Part, FieldProblem> {
    let parts = ty.array_parts().map(|(element, length)| (element.clone(), length));
    let elements = || ty.elements().map(|(scalar, length)| (Type::scalar(scalar), length));
    match parts.or_else(elements) {
        None => Err(FieldProblem::NotAnArray { found: described(ty), index }),
        Some((_, length)) if index >= length => {
            Err(FieldProblem::IndexOutOfBounds { index, length })
        }
        Some((ty, _)) => Ok(Part { offset: index * ty.size(), ty, bits: None }),
    }
}

/// The members in order, each with where the struct or union starts that it is a member of; in
/// place of an anonymous one, those inside it.
fn members(ty: &Type) -> impl Iterator<Item = (&Field, usize)> {
    let mut work = vec![(ty.fields().iter(), 0)];
    // A type that is shared by several anonymous members has the same names each time: without
    // this, one that holds itself twice over and over would take forever.
    let mut seen = BTreeSet::new();
    std::iter::from_fn(move || {
        while let Some((fields, base)) = work.last_mut() {
            let Some(field) = fields.next() else {
                work.pop();
                continue;
            };
            if !field.name().is_empty() {
                return Some((field, *base));
            }
            let (inner, base) = (field.ty().fields(), *base + field.offset());
            if !inner.is_empty() && seen.insert(inner.as_ptr()) {
                work.push((inner.iter(), base));
            }
        }
        None
    })
}

#[cold]
fn no_such_member(ty: &Type, name: &str) -> FieldProblem {
    let members: Vec<String> = members(ty).map(|(field, _)| field.name().into()).collect();
    let nearest = ffi_types::nearest(name, members.iter().map(String::as_str)).map(String::from);
    FieldProblem::NoSuchMember { name: name.into(), ty: described(ty), members, nearest }
}

/// A type in a few words, however large it is.
fn described(ty: &Type) -> String {
    match (ty.kind(), ty.name(), ty.array_parts()) {
        (_, _, Some((_, length))) => format!("array of {length}"),
        (kind @ (TypeKind::Struct | TypeKind::Union), Some(tag), _) => format!("{kind} {tag}"),
        (kind @ (TypeKind::Struct | TypeKind::Union), None, _) => format!("{kind} (anonymous)"),
        (kind, _, _) => kind.to_string(),
    }
}
