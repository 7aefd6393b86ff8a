//! `ffi_type`s to types, in two steps.
//!
//! The first reads what C wrote and makes a *description* of it, a list of words that says
//! everything about a signature and refers to nothing: it is what plans are found by. It is the
//! only part that reads an `ffi_type`, each field once. The second makes types of a description,
//! when its plan has to be made.
//!
//! The words: for a scalar its code and size; for a complex number and a vector the same of its
//! part as well, and how many there are; for a struct its size, its members' words, and an end.

use crate::types::*;
use ffi_types::{Scalar, Type};
use smallvec::SmallVec;
use std::ffi::c_ushort;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering::Relaxed};

/// Signatures of scalars fit without an allocation.
pub(crate) type Description = SmallVec<[u64; 20]>;

/// More words are an error: no C function has them, and a type that contains itself would not end.
const MAX_WORDS: usize = 1 << 16;
/// How deep structs may be in structs.
const MAX_DEPTH: usize = 64;
/// Follows the members of a struct.
const END: u64 = 0xff;

/// The bytes of a word: code, log2 of the alignment, code of the part; then what there are of it.
fn word(code: c_ushort, align: u16, part: c_ushort, count: usize) -> u64 {
    let log = align.trailing_zeros();
    u64::from(code) | u64::from(log) << 8 | u64::from(part) << 16 | (count as u64) << 32
}

/// What a member is to the struct around it, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    pub(crate) size: usize,
    pub(crate) align: u16,
}

/// What `ffi_type`s may be wrong about.
#[derive(Debug)]
pub(crate) struct BadType;

/// Adds a type's words, and completes the type if its size is 0.
///
/// # Safety
/// `ty` is null or an `ffi_type`, whose elements, if its code wants any, are null or a list of
/// such that ends with null.
pub(crate) unsafe fn describe(
    ty: *mut ffi_type,
    words: &mut Description,
) -> Result<Extent, BadType> {
    // SAFETY: the caller's.
    unsafe { describe_at(ty, words, 0) }
}

/// # Safety
/// As for [`describe`].
unsafe fn describe_at(
    ty: *mut ffi_type,
    words: &mut Description,
    depth: usize,
) -> Result<Extent, BadType> {
    if ty.is_null() || words.len() > MAX_WORDS || depth > MAX_DEPTH {
        return Err(BadType);
    }
    // Two threads may complete a type at once; both write the same.
    //
    // SAFETY: it is an `ffi_type`.
    let (size, align, code, elements) = unsafe {
        (
            AtomicUsize::from_ptr(&raw mut (*ty).size),
            AtomicU16::from_ptr(&raw mut (*ty).alignment),
            (*ty).type_,
            (*ty).elements,
        )
    };
    let stated = (size.load(Relaxed), align.load(Relaxed));
    let extent = match code {
        // SAFETY: the elements are those of `ty`.
        FFI_TYPE_STRUCT => unsafe { describe_struct(elements, stated, words, depth)? },
        FFI_TYPE_COMPLEX | FFI_TYPE_VECTOR => {
            // SAFETY: as above.
            unsafe { several(code, elements, stated.0, words)? }
        }
        _ => {
            let scalar = scalar(code, stated.0).ok_or(BadType)?;
            words.push(word(code, scalar.size() as u16, 0, scalar.size()));
            return Ok(Extent { size: scalar.size(), align: scalar.size() as u16 });
        }
    };
    if stated.0 == 0 {
        size.store(extent.size, Relaxed);
        align.store(extent.align, Relaxed);
    }
    Ok(extent)
}

/// # Safety
/// As for [`describe`], of the elements.
unsafe fn describe_struct(
    elements: *mut *mut ffi_type,
    stated: (usize, u16),
    words: &mut Description,
    depth: usize,
) -> Result<Extent, BadType> {
    if elements.is_null() {
        return Err(BadType);
    }
    // Size and alignment are known when the members are.
    let start = words.len();
    words.extend([0, 0]);
    let (mut end, mut most) = (0_usize, 1);
    // SAFETY: the list ends with null.
    for element in (0..).map(|index| unsafe { *elements.add(index) }) {
        if element.is_null() {
            break;
        }
        // SAFETY: as above.
        if stated.0 > 0 && unsafe { (*element).type_ } == FFI_TYPE_VOID {
            words.push(FFI_TYPE_VOID.into());
            end = end.checked_add(1).ok_or(BadType)?;
            continue;
        }
        // SAFETY: the caller's.
        let member = unsafe { describe_at(element, words, depth + 1)? };
        most = most.max(member.align);
        let offset = end.checked_next_multiple_of(member.align.into()).ok_or(BadType)?;
        end = offset.checked_add(member.size).ok_or(BadType)?;
    }
    let extent = match stated {
        (0, _) => {
            let size = end.checked_next_multiple_of(most.into()).ok_or(BadType)?;
            Extent { size, align: most }
        }
        (size, align) => Extent { size, align },
    };
    if extent.size == 0 || !extent.align.is_power_of_two() || extent.size > isize::MAX as usize {
        return Err(BadType);
    }
    words[start] = word(FFI_TYPE_STRUCT, extent.align, 0, 0);
    words[start + 1] = extent.size as u64;
    words.push(END);
    Ok(extent)
}

/// A complex number or a vector.
///
/// # Safety
/// As for [`describe`], of the elements.
unsafe fn several(
    code: c_ushort,
    elements: *mut *mut ffi_type,
    stated: usize,
    words: &mut Description,
) -> Result<Extent, BadType> {
    if elements.is_null() {
        return Err(BadType);
    }
    let (mut first, mut count) = (None, 0);
    // SAFETY: the list ends with null, and what is in it are types.
    for element in (0..).map(|index| unsafe { *elements.add(index) }) {
        if element.is_null() {
            break;
        }
        // SAFETY: as above.
        let (part, size) = unsafe { ((*element).type_, (*element).size) };
        let part = (part, scalar(part, size).ok_or(BadType)?);
        if *first.get_or_insert(part) != part || count > MAX_WORDS {
            return Err(BadType);
        }
        count += 1;
    }
    let (part, scalar) = first.ok_or(BadType)?;
    let (size, align) = match code {
        FFI_TYPE_COMPLEX if count == 1 => (2 * scalar.size(), scalar.size()),
        // Three lanes take the room of four.
        FFI_TYPE_VECTOR => {
            let size = (count * scalar.size()).next_power_of_two().max(stated);
            (size, size)
        }
        _ => return Err(BadType),
    };
    let align = u16::try_from(align).map_err(|_| BadType)?;
    if stated != 0 && stated != size {
        return Err(BadType);
    }
    words.push(word(code, align, part, size / scalar.size()) | (scalar.size() as u64) << 24);
    Ok(Extent { size, align })
}

/// The scalar of a code. The size tells one `long double` from another.
fn scalar(code: c_ushort, size: usize) -> Option<Scalar> {
    Some(match code {
        FFI_TYPE_INT | FFI_TYPE_SINT32 => Scalar::I32,
        FFI_TYPE_FLOAT => Scalar::F32,
        FFI_TYPE_DOUBLE => Scalar::F64,
        FFI_TYPE_LONGDOUBLE if size == 8 => Scalar::F64,
        FFI_TYPE_LONGDOUBLE if cfg!(target_arch = "x86_64") => Scalar::F80,
        FFI_TYPE_LONGDOUBLE => Scalar::F128,
        FFI_TYPE_UINT8 => Scalar::U8,
        FFI_TYPE_SINT8 => Scalar::I8,
        FFI_TYPE_UINT16 => Scalar::U16,
        FFI_TYPE_SINT16 => Scalar::I16,
        FFI_TYPE_UINT32 => Scalar::U32,
        FFI_TYPE_UINT64 => Scalar::U64,
        FFI_TYPE_SINT64 => Scalar::I64,
        FFI_TYPE_UINT128 => Scalar::U128,
        FFI_TYPE_SINT128 => Scalar::I128,
        FFI_TYPE_POINTER => Scalar::Pointer,
        _ => return None,
    })
}

/// The type that the next words say, of which as many are taken.
pub(crate) fn build(words: &mut &[u64]) -> Result<Type, BadType> {
    let (&first, rest) = words.split_first().ok_or(BadType)?;
    *words = rest;
    let byte = |index: u32| (first >> (8 * index) & 0xff) as c_ushort;
    let count = (first >> 32) as usize;
    match byte(0) {
        FFI_TYPE_VOID => Ok(Type::VOID),
        FFI_TYPE_STRUCT => build_struct(1 << byte(1), words),
        FFI_TYPE_COMPLEX => {
            let part = scalar(byte(2), byte(3).into()).ok_or(BadType)?;
            Type::complex(part).map_err(|_| BadType)
        }
        FFI_TYPE_VECTOR => {
            let part = scalar(byte(2), byte(3).into()).ok_or(BadType)?;
            Type::vector(part, count).map_err(|_| BadType)
        }
        code => Ok(Type::scalar(scalar(code, count).ok_or(BadType)?)),
    }
}

fn build_struct(align: usize, words: &mut &[u64]) -> Result<Type, BadType> {
    let (&size, rest) = words.split_first().ok_or(BadType)?;
    *words = rest;
    let size = size as usize;
    // A stated size that no C type of the alignment has is that of a packed one.
    let align = align.min(1 << size.trailing_zeros());
    let (mut members, mut end) = (Vec::new(), 0_usize);
    while words.first() != Some(&END) {
        let mut member = build(words)?;
        if member.is_void() {
            // Nobody knows what it is: integers, and all that is left if nothing follows.
            let room = if words.first() == Some(&END) { size.saturating_sub(end) } else { 1 };
            member = Type::array(Type::U8, room.max(1)).map_err(|_| BadType)?;
        }
        // One behind the other, no further aligned than the struct.
        let offset = end.next_multiple_of(member.align().min(align));
        end = offset + member.size();
        members.push((member, offset));
    }
    *words = &words[1..];
    // Or else all at the start. Members that are larger than a union are an error when it is built.
    let is_union = end > size;
    let start = if is_union { Type::anonymous_union() } else { Type::anonymous_structure() };
    let members = members.into_iter().enumerate();
    let builder = members.fold(start, |builder, (index, (member, offset))| {
        builder.field_at(&format!("m{index}"), member, if is_union { 0 } else { offset })
    });
    builder.stated(size, align).build().map_err(|_| BadType)
}
