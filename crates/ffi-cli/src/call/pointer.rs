//! Words of the command line to addresses, and what is put there.

use super::cursor::Cursor;
use super::memory::Out;
use super::number::Integer;
use super::parse::{Maker, ValueError, is_char};
use ffi_cdecl::{DeclaredKind, DeclaredType};

impl Maker<'_> {
    /// The address that a word stands for.
    pub(crate) fn pointer(
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
                let mut bytes = self.zeros(target)?;
                self.value(cursor, target, &mut bytes)?;
                self.block(&bytes, target)
            }
            _ => match cursor.word() {
                "NULL" | "nullptr" => Ok(0),
                word => {
                    let address = Integer::read(word)
                        .and_then(|value| value.within(0, u64::MAX.into()))
                        .map(|address| address as u64);
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
        let mut bytes = self.zeros(&ty)?;
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

    pub(crate) fn string(&mut self, text: &[u8]) -> Result<u64, ValueError> {
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

fn is_array(ty: &DeclaredType) -> bool {
    matches!(ty.kind(), DeclaredKind::Array(..))
}
