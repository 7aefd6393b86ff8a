//! `ffi_type`s to types, in two steps.
//!
//! The first reads what C wrote and makes a *description* of it, a list of words that says
//! everything about a signature and refers to nothing: it is what plans are found by. It is the
//! only part that reads an `ffi_type`, each field once. The second, `build.rs`, makes types of a
//! description, when its plan has to be made.
//!
//! The words: for a scalar its code and size; for a complex number and a vector the same of its
//! part as well, and how many there are; for a struct its size, its members' words, and an end.
//! Members whose code says all about them share words, seven codes in each; and one such word is
//! all there is of a struct of up to seven of them that is laid out as C does.

use crate::types::*;
use ffi_types::Scalar;
use smallvec::SmallVec;
use std::ffi::c_ushort;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering::Relaxed};

/// The words of a signature. Most fit without an allocation.
#[derive(Debug)]
pub(crate) struct Description(SmallVec<[u64; 20]>);

impl Description {
    /// The words of a signature start with one that says all but its types.
    pub(crate) fn new(head: u64) -> Self {
        let mut words = SmallVec::new();
        words.push(head);
        Self(words)
    }

    /// For a result that there is none of.
    pub(crate) fn push_void(&mut self) {
        self.0.push(FFI_TYPE_VOID.into());
    }

    pub(crate) fn words(&self) -> &[u64] {
        &self.0
    }

    pub(crate) fn hash(&self) -> u64 {
        self.0.iter().fold(0, |hash, &word| mix(hash, word))
    }
}

/// A multiplication and a rotation for each word: nobody gains by choosing them badly.
#[inline(always)]
pub(crate) fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// More words are an error: no C function has them, and a type that contains itself would not end.
const MAX_WORDS: usize = 1 << 16;
/// How deep structs may be in structs.
const MAX_DEPTH: usize = 64;
/// Follows the members of a struct.
pub(crate) const END: u64 = 0xff;
/// Begins a word of codes.
pub(crate) const CODES: u64 = 0xfe;
/// Begins the one word of a struct.
pub(crate) const SHORT: u64 = 0xfd;

/// The bytes of a word: code, log2 of the alignment, code of the part; then what there are of it.
const fn word(code: c_ushort, align: u16, part: c_ushort, count: usize) -> u64 {
    let log = align.trailing_zeros();
    code as u64 | (log as u64) << 8 | (part as u64) << 16 | (count as u64) << 32
}

/// The size of each code that says all about a type; others are 0.
static PLAIN: [u8; 15] = {
    let mut table = [0; 15];
    let mut code = 0;
    while code < table.len() as c_ushort {
        if code != FFI_TYPE_LONGDOUBLE
            && let Some(scalar) = scalar(code, 0)
        {
            table[code as usize] = scalar.size() as u8;
        }
        code += 1;
    }
    table
};

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
#[inline]
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
    if ty.is_null() || words.0.len() > MAX_WORDS || depth > MAX_DEPTH {
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
            words.0.push(word(code, scalar.size() as u16, 0, scalar.size()));
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
#[inline(always)]
unsafe fn describe_struct(
    elements: *mut *mut ffi_type,
    stated: (usize, u16),
    words: &mut Description,
    depth: usize,
) -> Result<Extent, BadType> {
    if elements.is_null() {
        return Err(BadType);
    }
    // SAFETY: the caller's.
    if let Some((codes, natural)) = unsafe { describe_short(elements) }
        && (stated.0 == 0 || stated == (natural.size, natural.align))
    {
        words.0.push(codes);
        return Ok(natural);
    }
    // Size and alignment are known when the members are.
    let start = words.0.len();
    words.0.push(0);
    words.0.push(0);
    let (mut end, mut most) = (0_usize, 1);
    let (mut codes, mut shift) = (CODES, 8);
    // SAFETY: the list ends with null.
    for element in (0..).map(|index| unsafe { *elements.add(index) }) {
        if element.is_null() {
            break;
        }
        // SAFETY: it is a type.
        let code = unsafe { (*element).type_ };
        let member = match PLAIN.get(usize::from(code)) {
            Some(&size) if size > 0 => {
                codes |= u64::from(code) << shift;
                shift += 8;
                if shift == 64 {
                    words.0.push(std::mem::replace(&mut codes, CODES));
                    shift = 8;
                }
                Extent { size: size.into(), align: size.into() }
            }
            _ => {
                words.0.push(std::mem::replace(&mut codes, CODES));
                shift = 8;
                // What is not known is an error where its size has to be.
                if code == FFI_TYPE_VOID && stated.0 > 0 {
                    words.0.push(FFI_TYPE_VOID.into());
                    Extent { size: 1, align: 1 }
                } else {
                    // SAFETY: the caller's.
                    unsafe { describe_at(element, words, depth + 1)? }
                }
            }
        };
        if words.0.len() > MAX_WORDS {
            return Err(BadType);
        }
        most = most.max(member.align);
        let offset = aligned(end, member.align).ok_or(BadType)?;
        end = offset.checked_add(member.size).ok_or(BadType)?;
    }
    let extent = match stated {
        (0, _) => {
            let size = aligned(end, most).ok_or(BadType)?;
            Extent { size, align: most }
        }
        (size, align) => Extent { size, align },
    };
    if extent.size == 0 || !extent.align.is_power_of_two() || extent.size > isize::MAX as usize {
        return Err(BadType);
    }
    words.0[start] = word(FFI_TYPE_STRUCT, extent.align, 0, 0);
    words.0[start + 1] = extent.size as u64;
    words.0.push(codes);
    words.0.push(END);
    Ok(extent)
}

/// The word of a struct that one is enough for, and its natural size and alignment.
///
/// # Safety
/// As for [`describe`], of the elements.
#[inline(always)]
unsafe fn describe_short(elements: *mut *mut ffi_type) -> Option<(u64, Extent)> {
    let (mut codes, mut end, mut most) = (SHORT, 0_usize, 1);
    for index in 0..8 {
        // SAFETY: the list ends with null.
        let element = unsafe { *elements.add(index) };
        if element.is_null() {
            let size = aligned(end, most)?;
            return (size > 0).then_some((codes, Extent { size, align: most }));
        }
        // SAFETY: it is a type.
        let code = unsafe { (*element).type_ };
        let size = *PLAIN.get(usize::from(code)).filter(|&&size| size > 0 && index < 7)?;
        codes |= u64::from(code) << (8 * index + 8);
        most = most.max(size.into());
        end = aligned(end, size.into())? + usize::from(size);
    }
    None
}

/// The next offset of an alignment, which is a power of two: without a division.
fn aligned(end: usize, align: u16) -> Option<usize> {
    let mask = usize::from(align) - 1;
    Some(end.checked_add(mask)? & !mask)
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
    words.0.push(word(code, align, part, size / scalar.size()) | (scalar.size() as u64) << 24);
    Ok(Extent { size, align })
}

/// The scalar of a code. The size tells one `long double` from another.
pub(crate) const fn scalar(code: c_ushort, size: usize) -> Option<Scalar> {
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
