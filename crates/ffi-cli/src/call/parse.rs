//! Words of the command line to the bytes of C values.

use super::cursor::Cursor;
use super::memory::Memory;
use super::number::{Integer, is_zero, read_float};
use super::show;
use ffi::{Library, Scalar};
use ffi_cdecl::{Basic, Constant, DeclaredKind, DeclaredType, Header, Member, TagKind};
use thiserror::Error;

/// What one argument may take: more could be more than there is memory.
const MOST_BYTES: usize = 1 << 30;

/// Why a word is no value of its type.
#[derive(Debug, Error)]
pub(crate) enum ValueError {
    #[error("found {:?}, expected {expected}", short(found))]
    Unexpected { found: String, expected: String },
    #[error("{} is out of range for `{ty}`, which takes {least} to {most}", short(value))]
    Range { value: String, ty: String, least: i128, most: u128 },
    #[error("`{ty}` takes {expected} values, found {found}")]
    Count { ty: String, expected: u64, found: u64 },
    #[error("`{ty}` has no member `{name}`{}", crate::nearest::question(nearest.as_deref()))]
    Member { ty: String, name: String, nearest: Option<String> },
    #[error("`{ty}` has {size} bytes, expected at most {MOST_BYTES}")]
    Large { ty: String, size: usize },
    #[error("{0}")]
    Other(String),
}

/// A word, of which a reader needs the beginning at most.
fn short(word: &str) -> String {
    match word.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &word[..end]),
        None => word.into(),
    }
}

impl ValueError {
    pub(crate) fn other(error: impl ToString) -> Self {
        Self::Other(error.to_string())
    }
}

/// What values are made with.
pub(crate) struct Maker<'a> {
    pub(crate) header: &'a mut Header,
    pub(crate) memory: &'a mut Memory,
    /// Where `@name` is looked up.
    pub(crate) library: &'a Library,
}

impl Maker<'_> {
    /// The bytes of a whole word as a value of the type.
    pub(crate) fn argument(
        &mut self,
        ty: &DeclaredType,
        text: &str,
    ) -> Result<Vec<u8>, ValueError> {
        let mut bytes = self.zeros(ty)?;
        // A string needs no quotes where nothing else would be meant.
        if points_to_char(ty) && !starts_like_a_pointer(text) {
            let address = self.string(text.as_bytes())?;
            bytes.copy_from_slice(&address.to_le_bytes());
            return Ok(bytes);
        }
        let mut cursor = Cursor { rest: text, depth: 0 };
        self.value(&mut cursor, ty, &mut bytes)?;
        cursor.end()?;
        Ok(bytes)
    }

    /// The type that a word behind `...` has, and the word without what said so: `(long)5` is a
    /// `long`, digits are an `int` or `long long`, with a point a `double`, all else a string.
    pub(crate) fn variadic(&mut self, text: &str) -> Result<(DeclaredType, String), ValueError> {
        let of = |this: &mut Self, ty: &str| this.header.parse_type(ty).map_err(ValueError::other);
        if let Some(rest) = text.strip_prefix('(')
            && let Some((ty, value)) = rest.split_once(')')
        {
            return Ok((of(self, ty)?, value.trim_start().into()));
        }
        let fits = |value: Integer, bits| {
            let (least, most) = range(bits, true);
            value.within(least, most).is_some()
        };
        let is_float = || {
            text.contains(|c: char| c.is_ascii_digit()) && read_float(Scalar::F64, text).is_some()
        };
        let ty = match Integer::read(text) {
            _ if text.starts_with(['&', '@', '[']) => "void *",
            Some(value) if fits(value, 32) => "int",
            Some(value) if fits(value, 64) => "long long",
            Some(_) => "unsigned long long",
            None if is_float() => "double",
            None if text == "NULL" => "void *",
            None => "const char *",
        };
        Ok((of(self, ty)?, text.into()))
    }

    pub(crate) fn size(&self, ty: &DeclaredType) -> Result<usize, ValueError> {
        let size = self.header.size_align(ty).map(|(size, _)| size);
        let size =
            size.ok_or_else(|| ValueError::Other(format!("the size of `{ty}` is not known")))?;
        usize::try_from(size).map_err(ValueError::other)
    }

    /// A value of the type, all zero.
    pub(crate) fn zeros(&self, ty: &DeclaredType) -> Result<Vec<u8>, ValueError> {
        match self.size(ty)? {
            size if size > MOST_BYTES => Err(ValueError::Large { ty: ty.to_string(), size }),
            size => Ok(vec![0; size]),
        }
    }

    pub(crate) fn value(
        &mut self,
        cursor: &mut Cursor<'_>,
        ty: &DeclaredType,
        out: &mut [u8],
    ) -> Result<(), ValueError> {
        cursor.blanks();
        match ty.kind() {
            DeclaredKind::Basic(basic) => {
                let bytes = self.basic(cursor.word(), *basic, ty)?;
                out.copy_from_slice(&bytes[..out.len()]);
            }
            DeclaredKind::Complex(part) => self.complex(cursor, *part, ty, out)?,
            DeclaredKind::Vector { element, .. } => {
                let basic = *element;
                let element = DeclaredType::from(basic);
                let bytes = self.elements(cursor, ty, &element)?;
                if bytes.len() != out.len() {
                    let size = self.size(&element)?.max(1);
                    let (expected, found) =
                        ((out.len() / size) as u64, (bytes.len() / size) as u64);
                    return Err(ValueError::Count { ty: ty.to_string(), expected, found });
                }
                out.copy_from_slice(&bytes);
            }
            DeclaredKind::Tagged(tag, _) if tag.kind == TagKind::Enum => {
                let (word, underlying) = (cursor.word(), self.header.enumeration(ty));
                let Some(underlying) = underlying.map(ffi_cdecl::Enumeration::underlying) else {
                    return Err(ValueError::Other(format!("`{ty}` is not defined")));
                };
                let bytes = self.basic(word, underlying, ty)?;
                out.copy_from_slice(&bytes[..out.len()]);
            }
            DeclaredKind::Tagged(..) => cursor.deeper(|cursor| self.record(cursor, ty, out))?,
            DeclaredKind::Array(element, Some(len)) => {
                cursor.deeper(|cursor| self.array(cursor, ty, element, *len, out))?;
            }
            DeclaredKind::Pointer(target) => {
                let address = cursor.deeper(|cursor| self.pointer(cursor, ty, target))?;
                out.copy_from_slice(&address.to_le_bytes());
            }
            _ => return Err(ValueError::Other(format!("no way to write a `{ty}` is known"))),
        }
        Ok(())
    }

    /// An arithmetic value, in as many low bytes as its type has.
    fn basic(&self, word: &str, basic: Basic, ty: &DeclaredType) -> Result<[u8; 16], ValueError> {
        let unexpected = |expected: &str| ValueError::Unexpected {
            found: word.into(),
            expected: format!("{expected} for `{ty}`"),
        };
        let constant = self.header.constant(word);
        let scalar = basic.scalar(self.header.options().convention().data_model());
        if scalar.is_float() {
            let text = match constant {
                Some(Constant::Float(value)) => value.to_string(),
                Some(Constant::Integer(value)) => value.to_string(),
                _ => word.into(),
            };
            let bytes = read_float(scalar, &text).ok_or_else(|| unexpected("a number"))?;
            let is_finite = text.contains(|c: char| c.is_ascii_digit());
            if is_finite && scalar.float_parts(&bytes).is_none() {
                return Err(ValueError::Other(format!(
                    "{} is too large for a `{ty}`",
                    short(word)
                )));
            }
            let vanished = scalar.float_parts(&bytes).is_some_and(|(_, digits, _)| digits == 0);
            if vanished && !is_zero(&text) {
                return Err(ValueError::Other(format!(
                    "{word} is too small for a `{ty}`: it is 0"
                )));
            }
            return Ok(bytes);
        }
        let value = match (constant, word) {
            (Some(Constant::Integer(value)), _) => Some((*value).into()),
            (_, "true") if basic == Basic::Bool => Some(1.into()),
            (_, "false") if basic == Basic::Bool => Some(0.into()),
            _ => Integer::read(word),
        };
        let value = value.ok_or_else(|| {
            unexpected(match basic {
                Basic::Bool => "`true` or `false`",
                Basic::Char => "an integer or a character such as 'a'",
                _ => "an integer",
            })
        })?;
        let bits = if basic == Basic::Bool { 1 } else { 8 * scalar.size() as u32 };
        let (least, most) = range(bits, scalar.is_signed());
        value.within(least, most).map(u128::to_le_bytes).ok_or_else(|| ValueError::Range {
            value: word.into(),
            ty: ty.to_string(),
            least,
            most,
        })
    }

    /// `1+2i`, `2i`, `1`, or `{1, 2}`.
    fn complex(
        &mut self,
        cursor: &mut Cursor<'_>,
        part: Basic,
        ty: &DeclaredType,
        out: &mut [u8],
    ) -> Result<(), ValueError> {
        let (real, imaginary) = if cursor.accept('{') {
            let real = cursor.word();
            cursor.expect(',', "`,` between the two parts")?;
            let imaginary = cursor.word();
            cursor.expect('}', "`}`")?;
            (real, imaginary)
        } else {
            parts(cursor.word())
        };
        let size = out.len() / 2;
        for (word, out) in [real, imaginary].into_iter().zip(out.chunks_mut(size.max(1))) {
            out.copy_from_slice(&self.basic(word, part, ty)?[..size]);
        }
        Ok(())
    }

    /// `{1, 2.5}` or `{.x = 1, .y = 2.5}`.
    fn record(
        &mut self,
        cursor: &mut Cursor<'_>,
        ty: &DeclaredType,
        out: &mut [u8],
    ) -> Result<(), ValueError> {
        let Some(record) = self.header.record(ty) else {
            return Err(ValueError::Other(format!("`{ty}` is not defined")));
        };
        let is_union = record.tag().kind == TagKind::Union;
        let padding = |member: &&Member| member.name().is_none() && member.width().is_some();
        let members: Vec<Member> =
            record.members().iter().filter(|member| !padding(member)).cloned().collect();
        cursor.expect('{', &format!("`{{` of a `{ty}`"))?;
        let mut next = 0;
        let mut designated = false;
        let mut found = 0;
        while !cursor.accept('}') {
            if cursor.accept('.') {
                designated = true;
                let name = cursor.word().trim_end();
                cursor.expect('=', "`=`")?;
                next = members.iter().position(|m| m.name() == Some(name)).ok_or_else(|| {
                    let known = members.iter().filter_map(Member::name);
                    let nearest = ffi_cdecl::nearest(name, known).map(Into::into);
                    ValueError::Member { ty: ty.to_string(), name: name.into(), nearest }
                })?;
            }
            found += 1;
            match members.get(next) {
                Some(member) if !is_union || found == 1 => self.member(cursor, member, out)?,
                _ => {
                    // Counted to the end, for the message.
                    if cursor.word().is_empty() {
                        break;
                    }
                }
            }
            next += 1;
            if !cursor.accept(',') {
                cursor.expect('}', "`,` or `}`")?;
                break;
            }
        }
        let expected = if is_union { 1 } else { members.len() as u64 };
        if found > expected || (found < expected && !designated) {
            return Err(ValueError::Count { ty: ty.to_string(), expected, found });
        }
        Ok(())
    }

    fn member(
        &mut self,
        cursor: &mut Cursor<'_>,
        member: &Member,
        out: &mut [u8],
    ) -> Result<(), ValueError> {
        let Some(width) = member.width() else {
            let (start, size) = (member.offset() as usize, self.size(member.ty())?);
            return self.value(cursor, member.ty(), &mut out[start..start + size]);
        };
        let mut bytes = self.zeros(member.ty())?;
        self.value(cursor, member.ty(), &mut bytes)?;
        let signed = show::is_signed(self.header, member.ty());
        let value = show::number(&bytes, signed);
        let (least, most) = range(width, signed);
        let fits = match signed {
            true => (least..=most.cast_signed()).contains(&value.cast_signed()),
            false => value <= most,
        };
        if !fits {
            let name = member.name().unwrap_or_default();
            let text = if signed { value.cast_signed().to_string() } else { value.to_string() };
            return Err(ValueError::Range {
                value: text,
                ty: format!("{} : {width}", member.ty().declare(name)),
                least,
                most,
            });
        }
        for bit in 0..u64::from(width) {
            let at = member.bit_offset() + bit;
            let mask = 1 << (at % 8);
            let byte = &mut out[(at / 8) as usize];
            *byte = if value >> bit & 1 == 1 { *byte | mask } else { *byte & !mask };
        }
        Ok(())
    }

    /// `[1, 2]` or `{1, 2}` with all elements, or a string for characters.
    fn array(
        &mut self,
        cursor: &mut Cursor<'_>,
        ty: &DeclaredType,
        element: &DeclaredType,
        len: u64,
        out: &mut [u8],
    ) -> Result<(), ValueError> {
        if is_char(element) && cursor.rest.starts_with('"') {
            let text = cursor.quoted()?;
            if text.len() > out.len() {
                let (ty, found) = (ty.to_string(), text.len() as u64);
                return Err(ValueError::Count { ty, expected: len, found });
            }
            out[..text.len()].copy_from_slice(&text);
            return Ok(());
        }
        let elements = self.elements(cursor, ty, element)?;
        let found = (elements.len() / self.size(element)?.max(1)) as u64;
        if elements.len() != out.len() {
            return Err(ValueError::Count { ty: ty.to_string(), expected: len, found });
        }
        out.copy_from_slice(&elements);
        Ok(())
    }

    pub(crate) fn elements(
        &mut self,
        cursor: &mut Cursor<'_>,
        ty: &DeclaredType,
        element: &DeclaredType,
    ) -> Result<Vec<u8>, ValueError> {
        let end = match cursor.accept('[') {
            true => ']',
            false if cursor.accept('<') => '>',
            false => {
                cursor.expect('{', &format!("`[` of `{ty}`"))?;
                '}'
            }
        };
        let mut bytes = Vec::new();
        while !cursor.accept(end) {
            let mut one = self.zeros(element)?;
            self.value(cursor, element, &mut one)?;
            let size = bytes.len() + one.len();
            if size > MOST_BYTES {
                return Err(ValueError::Large { ty: ty.to_string(), size });
            }
            bytes.extend(one);
            if !cursor.accept(',') {
                cursor.expect(end, &format!("`,` or `{end}`"))?;
                break;
            }
        }
        Ok(bytes)
    }
}

/// The two parts of a complex number as a person writes it.
fn parts(word: &str) -> (&str, &str) {
    let Some(number) = word.strip_suffix(['i', 'I', 'j']) else { return (word, "0") };
    // The sign between them: not the first one, and not that of an exponent.
    let is_between = |(at, c): &(usize, char)| {
        let before = number[..*at].trim_end().chars().next_back();
        matches!(c, '+' | '-') && before.is_some_and(|c| !matches!(c, 'e' | 'E' | 'p' | 'P'))
    };
    match number.char_indices().rfind(is_between) {
        Some((at, _)) => (number[..at].trim_end(), or_one(&number[at..])),
        None => ("0", or_one(number)),
    }
}

/// `i` is `1i`.
fn or_one(number: &str) -> &str {
    match number.trim_end() {
        "" | "+" => "1",
        "-" => "-1",
        other => match other.split_once(' ') {
            // `1 - 2i`: Rust reads no blank behind the sign.
            Some(("+", rest)) => rest.trim_start(),
            _ => other,
        },
    }
}

/// The least and the greatest integer of so many bits.
fn range(bits: u32, signed: bool) -> (i128, u128) {
    match signed {
        true => (i128::MIN >> (128 - bits), u128::MAX >> (128 - bits) >> 1),
        false => (0, u128::MAX >> (128 - bits)),
    }
}

pub(crate) fn is_char(ty: &DeclaredType) -> bool {
    matches!(ty.kind(), DeclaredKind::Basic(Basic::Char | Basic::SignedChar | Basic::UnsignedChar))
}

/// Whether the type is `char *` or `const char *`.
pub(crate) fn points_to_char(ty: &DeclaredType) -> bool {
    let is_pointer = matches!(ty.kind(), DeclaredKind::Pointer(_));
    is_pointer && ty.target().is_some_and(|t| matches!(t.kind(), DeclaredKind::Basic(Basic::Char)))
}

/// What a `char *` argument is not taken as a bare string for. Digits are a string.
fn starts_like_a_pointer(text: &str) -> bool {
    text.starts_with(['&', '@', '"', '['])
        || matches!(text, "NULL" | "nullptr")
        || text.starts_with("0x")
}
