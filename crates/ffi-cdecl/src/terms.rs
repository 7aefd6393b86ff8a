//! Constants: the words of C in constant expressions, and the macros that stand for values.

use crate::constant::{self, Terms, Value};
use crate::ctype::DeclaredKind;
use crate::error::{Fault, Parsed, Problem};
use crate::items::Constant;
use crate::lex::{Kind, Token};
use crate::lower;
use crate::parser::Parser;
use crate::preprocess::Macro;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

impl Parser<'_> {
    /// The macros that stand for constants.
    pub(crate) fn constants(&mut self, macros: BTreeMap<String, Macro>) {
        for (name, definition) in macros {
            self.tokens = definition.body;
            self.tokens.push(Token { kind: Kind::End, at: definition.at, start: 0, len: 0 });
            self.at = 0;
            self.depth = 0;
            if let Some(constant) = self.constant() {
                self.header.constants.insert(Arc::from(name), constant);
            }
        }
    }

    fn constant(&mut self) -> Option<Constant> {
        if let [texts @ .., _] = &self.tokens[..]
            && !texts.is_empty()
            && texts.iter().all(|token| token.kind == Kind::Text)
        {
            let parts = texts.iter().map(|token| literal(self.text_of(*token)));
            return Some(Constant::Text(parts.collect::<Vec<_>>().concat()));
        }
        let is_integer = constant::expression(self);
        if let (Ok(value), Kind::End) = (is_integer, self.peek().kind) {
            return Some(Constant::Integer(value.value));
        }
        let words: Vec<&str> = self.tokens.iter().map(|token| self.text_of(*token)).collect();
        let (sign, number) = match words[..] {
            [number, _] | ["(", number, ")", _] => (1.0, number),
            ["-", number, _] | ["(", "-", number, ")", _] => (-1.0, number),
            _ => return None,
        };
        let number = number.trim_end_matches(['f', 'F', 'l', 'L']);
        number.parse::<f64>().ok().map(|value| Constant::Float(sign * value))
    }
}

/// The bytes of a string literal.
pub(crate) fn literal(text: &str) -> Vec<u8> {
    let inside = text.trim_start_matches(|c| c != '"');
    let inside = inside.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    constant::unescape(inside.unwrap_or_default().as_bytes())
}

impl Terms for Parser<'_> {
    fn peek(&self) -> Token {
        self.ahead(0)
    }

    fn bump(&mut self) -> Token {
        Parser::bump(self)
    }

    fn text(&self, token: Token) -> &str {
        self.text_of(token)
    }

    fn long_bits(&self) -> u32 {
        self.header.options.convention.data_model().c_long().size() as u32 * 8
    }

    fn named(&mut self) -> Parsed<Value> {
        let token = Parser::bump(self);
        let name = self.text_of(token);
        let size_align = match name {
            "sizeof" | "_Alignof" | "alignof" | "__alignof__" | "__alignof" | "__alignof_" => {
                if !(self.peek().is("(") && self.is_type(self.ahead(1))) {
                    return Err(self.unexpected("a type in parentheses"));
                }
                Parser::bump(self);
                let ty = self.deeper(Self::type_name)?;
                self.expect(")", "`)`")?;
                let known = lower::size_align(self.header, &ty);
                let what = ty.to_string();
                known.ok_or(Fault::new(token.at, Problem::Incomplete { what, itself: false }))?
            }
            "true" => return Ok(Value::int(1)),
            "false" | "NULL" | "nullptr" => return Ok(Value::int(0)),
            _ => {
                return match self.header.constants.get(name) {
                    Some(Constant::Integer(value)) => Ok(Value::of(*value)),
                    _ => {
                        let name = name.into();
                        Err(Fault::new(token.at, Problem::UnknownConstant { name }))
                    }
                };
            }
        };
        let value = if name == "sizeof" { size_align.0 } else { size_align.1 };
        Ok(Value::wrapped(value.into(), 64, true))
    }

    fn cast(&mut self) -> Parsed<Option<(u32, bool)>> {
        if !self.is_type(self.peek()) {
            return Ok(None);
        }
        let at = self.peek().at;
        let ty = self.deeper(Self::type_name)?;
        self.expect(")", "`)`")?;
        let model = self.header.options.convention.data_model();
        match ty.kind() {
            DeclaredKind::Basic(basic) if !basic.is_float() => {
                let scalar = basic.scalar(model);
                Ok(Some((scalar.size() as u32 * 8, !scalar.is_signed())))
            }
            DeclaredKind::Pointer(_) => Ok(Some((64, true))),
            DeclaredKind::Tagged(..) if self.header.enumeration(&ty).is_some() => {
                Ok(Some((32, false)))
            }
            _ => Err(Fault::new(at, Problem::Constant("a cast to something that is no integer"))),
        }
    }

    fn found(&self) -> String {
        self.peek().found(&self.source.text)
    }
}
