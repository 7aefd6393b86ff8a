//! Words of the command line to the bytes of C values.

use super::cursor::{Cursor, integer, unsigned};
use super::memory::{Memory, Out};
use super::show::is_signed;
use ffi::{Library, Scalar};
use ffi_cdecl::{Basic, Constant, DeclaredKind, DeclaredType, Header, Member, TagKind};
use thiserror::Error;

/// Why a word is no value of its type.
#[derive(Debug, Error)]
pub(crate) enum ValueError {
    #[error("found {found:?}, expected {expected}")]
    Unexpected { found: String, expected: String },
    #[error("{value} is out of range for `{ty}`, which takes {least} to {most}")]
    Range { value: String, ty: String, least: i128, most: i128 },
    #[error("`{ty}` takes {expected} values, found {found}")]
    Count { ty: String, expected: u64, found: u64 },
    #[error("`{ty}` has no member `{name}`{}", crate::nearest::question(nearest.as_deref()))]
    Member { ty: String, name: String, nearest: Option<String> },
    #[error("{0}")]
    Other(String),
}

impl ValueError {
    fn other(error: impl ToString) -> Self {
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
        let size = self.size(ty)?;
        let mut bytes = vec![0; size];
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
        let ty = match integer(text) {
            _ if text.starts_with(['&', '@', '[']) => "void *",
            Some(value) if i32::try_from(value).is_ok() => "int",
            Some(value) if i64::try_from(value).is_ok() => "long long",
            Some(_) => "unsigned long long",
            None if text.parse::<f64>().is_ok() && text.contains(|c: char| c.is_ascii_digit()) => {
                "double"
            }
            None if text == "NULL" => "void *",
            None => "const char *",
        };
        Ok((of(self, ty)?, text.into()))
    }

    fn size(&self, ty: &DeclaredType) -> Result<usize, ValueError> {
        let size = self.header.size_align(ty).map(|(size, _)| size);
        let size =
            size.ok_or_else(|| ValueError::Other(format!("the size of `{ty}` is not known")))?;
        usize::try_from(size).map_err(ValueError::other)
    }

    fn value(
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
            let value = match constant {
                Some(Constant::Float(value)) => *value,
                Some(Constant::Integer(value)) => *value as f64,
                _ => match integer(word) {
                    Some(value) if word.starts_with("0x") => value as f64,
                    _ => word.parse().map_err(|_| unexpected("a number"))?,
                },
            };
            let finite = !word.trim_start_matches(['+', '-']).starts_with(['i', 'I', 'n', 'N']);
            let bytes = scalar.float_from_f64(value).unwrap_or_default();
            let kept = scalar.float_to_f64(&bytes).unwrap_or_default();
            if finite && (value.is_infinite() || kept.is_infinite()) {
                return Err(ValueError::Other(format!("{word} is too large for a `{ty}`")));
            }
            return Ok(bytes);
        }
        // More than `integer` has.
        if let (Scalar::U128, Some(value)) = (scalar, unsigned(word)) {
            return Ok(value.to_le_bytes());
        }
        let value = match (constant, word) {
            (Some(Constant::Integer(value)), _) => *value,
            (_, "true") if basic == Basic::Bool => 1,
            (_, "false") if basic == Basic::Bool => 0,
            _ => integer(word).ok_or_else(|| {
                unexpected(match basic {
                    Basic::Bool => "`true` or `false`",
                    Basic::Char => "an integer or a character such as 'a'",
                    _ => "an integer",
                })
            })?,
        };
        let bits = scalar.size() as u32 * 8;
        let (least, most) = match (basic, scalar.is_signed()) {
            (Basic::Bool, _) => (0, 1),
            (_, true) if bits == 128 => (i128::MIN, i128::MAX),
            (_, false) if bits == 128 => (0, i128::MAX),
            (_, true) => (-(1_i128 << (bits - 1)), (1 << (bits - 1)) - 1),
            (_, false) => (0, (1 << bits) - 1),
        };
        if !(least..=most).contains(&value) {
            let (value, ty) = (word.to_string(), ty.to_string());
            return Err(ValueError::Range { value, ty, least, most });
        }
        Ok(value.to_le_bytes())
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
        let size = self.size(member.ty())?;
        let Some(width) = member.width() else {
            let start = member.offset() as usize;
            return self.value(cursor, member.ty(), &mut out[start..start + size]);
        };
        let mut bytes = vec![0; size];
        self.value(cursor, member.ty(), &mut bytes)?;
        let mut word = [0; 16];
        word[..size].copy_from_slice(&bytes);
        let value = u128::from_le_bytes(word);
        // A value with a sign has copies of it in all the bits above, as many as its type has.
        let (unused, beyond) = (128 - 8 * size as u32, 128 - width);
        let fits = if is_signed(&self.header, member.ty()) {
            let number = (value << unused).cast_signed() >> unused;
            number << beyond >> beyond == number
        } else {
            value << beyond >> beyond == value
        };
        if !fits {
            let name = member.name().unwrap_or_default();
            return Err(ValueError::Other(format!(
                "the value of `{name}` needs more than {width} bits"
            )));
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

    fn elements(
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
        let size = self.size(element)?;
        let mut bytes = Vec::new();
        while !cursor.accept(end) {
            let mut one = vec![0; size];
            self.value(cursor, element, &mut one)?;
            bytes.extend(one);
            if !cursor.accept(',') {
                cursor.expect(end, &format!("`,` or `{end}`"))?;
                break;
            }
        }
        Ok(bytes)
    }

    /// The address that a word stands for.
    fn pointer(
        &mut self,
        cursor: &mut Cursor<'_>,
        ty: &DeclaredType,
        target: &DeclaredType,
    ) -> Result<u64, ValueError> {
        if cursor.accept('&') {
            return self.out(cursor, target);
        }
        if cursor.accept('@') {
            let name = cursor.word();
            let symbol = self.library.symbol(name).map_err(ValueError::other)?;
            return Ok(symbol.as_ptr().expose_provenance() as u64);
        }
        if cursor.accept('*') {
            let name = cursor.word();
            let symbol = self.library.symbol(name).map_err(ValueError::other)?;
            // SAFETY: the user says that it is a variable which holds an address.
            return Ok(unsafe { symbol.as_ptr().cast::<u64>().read_unaligned() });
        }
        match cursor.rest.chars().next() {
            Some('"') => {
                let text = cursor.quoted()?;
                if is_char(target) || target.is_void() {
                    return self.string(&text);
                }
                self.wide(&text, target)
            }
            Some('[') => {
                let bytes = self.elements(cursor, ty, target)?;
                self.block(&bytes, target)
            }
            Some('{') => {
                let mut bytes = vec![0; self.size(target)?];
                self.value(cursor, target, &mut bytes)?;
                self.block(&bytes, target)
            }
            _ => match cursor.word() {
                "NULL" | "nullptr" => Ok(0),
                word => {
                    let address = integer(word).and_then(|value| u64::try_from(value).ok());
                    address.ok_or_else(|| ValueError::Unexpected {
                        found: word.into(),
                        expected: format!(
                            "NULL, an address, \"text\", &TYPE, &VALUE, [ELEMENTS], @SYMBOL or *VARIABLE for `{ty}`"
                        ),
                    })
                }
            },
        }
    }

    /// Behind a `&`: a type, a type and a value, a value, or nothing.
    fn out(&mut self, cursor: &mut Cursor<'_>, target: &DeclaredType) -> Result<u64, ValueError> {
        let text = cursor.until_delimiter();
        let (name, value) = text.split_once('=').map_or((text, None), |(n, v)| (n, Some(v)));
        let named = match name.trim() {
            "" => None,
            name => self.header.parse_type(name).ok(),
        };
        let (ty, value) = match named {
            Some(ty) => (ty, value),
            None => (target.clone(), Some(text).filter(|text| !text.trim().is_empty())),
        };
        let known = !target.is_void() && self.header.size_align(target).is_some();
        if known && self.header.size_align(&ty) != self.header.size_align(target) && !is_array(&ty)
        {
            let expected = format!("a `{target}` to point to");
            return Err(ValueError::Unexpected { found: ty.to_string(), expected });
        }
        let mut bytes = vec![0; self.size(&ty)?];
        if let Some(value) = value {
            let mut inner = Cursor { rest: value, depth: cursor.depth };
            self.value(&mut inner, &ty, &mut bytes)?;
            inner.end()?;
        }
        let block = self.place(&bytes, &ty)?;
        self.memory.outs.push(Out { block, ty });
        Ok(self.memory.address(block))
    }

    fn place(&mut self, bytes: &[u8], ty: &DeclaredType) -> Result<usize, ValueError> {
        let align = self.header.size_align(ty).map_or(16, |(_, align)| align as usize);
        // An address that nothing is behind is an address all the same.
        let bytes = if bytes.is_empty() { &[0][..] } else { bytes };
        self.memory.add_bytes(bytes, align).map_err(ValueError::other)
    }

    fn block(&mut self, bytes: &[u8], ty: &DeclaredType) -> Result<u64, ValueError> {
        let block = self.place(bytes, ty)?;
        Ok(self.memory.address(block))
    }

    fn string(&mut self, text: &[u8]) -> Result<u64, ValueError> {
        let bytes = [text, &[0]].concat();
        let block = self.memory.add_bytes(&bytes, 1).map_err(ValueError::other)?;
        Ok(self.memory.address(block))
    }

    /// A string of `wchar_t` or the like.
    fn wide(&mut self, text: &[u8], target: &DeclaredType) -> Result<u64, ValueError> {
        let (size, text) = (self.size(target)?, String::from_utf8_lossy(text));
        let bytes: Vec<u8> = match size {
            2 => text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect(),
            4 => text.chars().map(u32::from).chain([0]).flat_map(u32::to_le_bytes).collect(),
            _ => {
                let expected = format!("something for a pointer to `{target}`");
                return Err(ValueError::Unexpected { found: "a string".into(), expected });
            }
        };
        self.block(&bytes, target)
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

fn is_array(ty: &DeclaredType) -> bool {
    matches!(ty.kind(), DeclaredKind::Array(..))
}

fn is_char(ty: &DeclaredType) -> bool {
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
