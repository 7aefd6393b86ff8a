//! A description's words to types: the second of the two steps that `describe.rs` begins.

use crate::describe::{BadType, CODES, END, SHORT, scalar};
use crate::types::*;
use ffi_types::Type;
use std::ffi::c_ushort;

/// The type that the next words say, of which as many are taken.
pub(crate) fn build(words: &mut &[u64]) -> Result<Type, BadType> {
    let (&first, rest) = words.split_first().ok_or(BadType)?;
    *words = rest;
    let byte = |index: u32| (first >> (8 * index) & 0xff) as c_ushort;
    let count = (first >> 32) as usize;
    match byte(0) {
        FFI_TYPE_VOID => Ok(Type::VOID),
        FFI_TYPE_STRUCT => build_struct(1 << byte(1), words),
        code if u64::from(code) == SHORT => {
            let start = Type::anonymous_structure();
            let members = plain_members(first).enumerate();
            let builder = members.fold(start, |builder, (index, member)| {
                builder.field(&format!("m{index}"), member)
            });
            builder.build().map_err(|_| BadType)
        }
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

/// The types of a word of codes.
fn plain_members(word: u64) -> impl Iterator<Item = Type> {
    let codes = (word >> 8).to_le_bytes().into_iter();
    codes.map_while(|code| scalar(code.into(), 0)).map(Type::scalar)
}

fn build_struct(align: usize, words: &mut &[u64]) -> Result<Type, BadType> {
    let (&size, rest) = words.split_first().ok_or(BadType)?;
    *words = rest;
    let size = size as usize;
    // A stated size that no C type of the alignment has is that of a packed one.
    let align = align.min(1 << size.trailing_zeros());
    let (mut members, mut end) = (Vec::new(), 0_usize);
    let mut add = |member: Type, end: &mut usize| {
        // One behind the other, no further aligned than the struct.
        let offset = end.next_multiple_of(member.align().min(align));
        *end = offset + member.size();
        members.push((member, offset));
    };
    loop {
        let first = *words.first().ok_or(BadType)?;
        match first & 0xff {
            END => break,
            CODES => {
                plain_members(first).for_each(|member| add(member, &mut end));
                *words = &words[1..];
            }
            _ => {
                let mut member = build(words)?;
                if member.is_void() {
                    // Nobody knows what it is: integers, and all that is left if nothing follows.
                    let last = words.starts_with(&[CODES, END]);
                    let room = if last { size.saturating_sub(end) } else { 1 };
                    member = Type::array(Type::U8, room.max(1)).map_err(|_| BadType)?;
                }
                add(member, &mut end);
            }
        }
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
