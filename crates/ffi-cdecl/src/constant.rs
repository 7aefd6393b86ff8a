//! Integer constant expressions (C17 6.6), by precedence climbing.

use crate::error::{Fault, Parsed, Problem};
use crate::lex::{Kind, Token};
use alloc::string::{String, ToString};

/// How deep parentheses, signs and conditions may nest in an expression.
const MAX_DEPTH: usize = 200;

/// An integer with its type, as far as arithmetic depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) value: i128,
    pub(crate) bits: u32,
    pub(crate) unsigned: bool,
}

impl Value {
    pub(crate) fn int(value: i128) -> Self {
        Self { value, bits: 32, unsigned: false }
    }

    /// As large as it has to be.
    pub(crate) fn of(value: i128) -> Self {
        let bits = if i32::try_from(value).is_ok() { 32 } else { 64 };
        Self { value, bits, unsigned: value > i128::from(i64::MAX) }
    }

    /// The value in a type of so many bits.
    pub(crate) fn wrapped(value: i128, bits: u32, unsigned: bool) -> Self {
        if bits >= 128 {
            return Self { value, bits, unsigned };
        }
        let shift = 128 - bits;
        let value = if unsigned {
            (((value as u128) << shift) >> shift) as i128
        } else {
            (value << shift) >> shift
        };
        Self { value, bits, unsigned }
    }
}

/// What an expression is made of besides numbers and operators.
pub(crate) trait Terms {
    fn peek(&self) -> Token;
    fn bump(&mut self) -> Token;
    fn text(&self, token: Token) -> &str;
    /// The bits of `long`.
    fn long_bits(&self) -> u32;
    /// The value of the word that is next, and all that belongs to it.
    fn named(&mut self) -> Parsed<Value>;
    /// Behind a `(`: the type up to its `)`, if one is next, as its bits and whether it has no
    /// sign.
    fn cast(&mut self) -> Parsed<Option<(u32, bool)>>;
    /// What is next, for a message.
    fn found(&self) -> String;
}

/// The value of the conditional expression that is next.
pub(crate) fn expression(terms: &mut impl Terms) -> Parsed<Value> {
    Evaluator { terms, depth: 0 }.conditional()
}

struct Evaluator<'a, T> {
    terms: &'a mut T,
    depth: usize,
}

/// The binary operators, with how strongly each binds.
const OPERATORS: &[(&str, u8)] = &[
    ("||", 1),
    ("&&", 2),
    ("|", 3),
    ("^", 4),
    ("&", 5),
    ("==", 6),
    ("!=", 6),
    ("<", 7),
    (">", 7),
    ("<=", 7),
    (">=", 7),
    ("<<", 8),
    (">>", 8),
    ("+", 9),
    ("-", 9),
    ("*", 10),
    ("/", 10),
    ("%", 10),
];

impl<T: Terms> Evaluator<'_, T> {
    fn conditional(&mut self) -> Parsed<Value> {
        let condition = self.binary(1)?;
        if !self.terms.peek().is("?") {
            return Ok(condition);
        }
        let at = self.terms.bump().at;
        self.deeper(at, |this| {
            let yes = this.conditional()?;
            this.expect(":", "`:` and the other value")?;
            let no = this.conditional()?;
            let (bits, unsigned) = common(yes, no);
            let value = if condition.value != 0 { yes.value } else { no.value };
            Ok(Value::wrapped(value, bits, unsigned))
        })
    }

    fn binary(&mut self, least: u8) -> Parsed<Value> {
        let mut left = self.unary()?;
        loop {
            let token = self.terms.peek();
            let found = OPERATORS.iter().find(|(mark, _)| token.is(mark));
            let Some(&(mark, strength)) = found.filter(|(_, strength)| *strength >= least) else {
                return Ok(left);
            };
            self.terms.bump();
            let right = self.binary(strength + 1)?;
            left = apply(mark, left, right)
                .map_err(|text| Fault::new(token.at, Problem::Constant(text)))?;
        }
    }

    fn unary(&mut self) -> Parsed<Value> {
        let token = self.terms.peek();
        let Kind::Mark(mark @ ("+" | "-" | "~" | "!" | "(")) = token.kind else {
            return self.primary();
        };
        self.terms.bump();
        self.deeper(token.at, |this| {
            if mark == "(" {
                if let Some((bits, unsigned)) = this.terms.cast()? {
                    return Ok(Value::wrapped(this.unary()?.value, bits, unsigned));
                }
                let value = this.conditional()?;
                this.expect(")", "an operator or `)`")?;
                return Ok(value);
            }
            let Value { value, bits, unsigned } = this.unary()?;
            let (bits, unsigned) = if bits < 32 { (32, false) } else { (bits, unsigned) };
            Ok(match mark {
                "!" => Value::int((value == 0).into()),
                "~" => Value::wrapped(!value, bits, unsigned),
                "-" => Value::wrapped(value.wrapping_neg(), bits, unsigned),
                _ => Value { value, bits, unsigned },
            })
        })
    }

    fn primary(&mut self) -> Parsed<Value> {
        let token = self.terms.peek();
        let text = self.terms.text(token);
        let value = match token.kind {
            Kind::Number => integer(text, self.terms.long_bits()),
            Kind::Character => Ok(character(text)),
            Kind::Word => return self.terms.named(),
            _ => {
                let (found, expected) = (self.terms.found(), "a constant expression".into());
                return Err(Fault::new(token.at, Problem::Unexpected { found, expected }));
            }
        };
        self.terms.bump();
        value.map_err(|text| Fault::new(token.at, Problem::Constant(text)))
    }

    fn deeper(&mut self, at: u32, f: impl FnOnce(&mut Self) -> Parsed<Value>) -> Parsed<Value> {
        if self.depth == MAX_DEPTH {
            return Err(Fault::new(at, Problem::TooDeep { max: MAX_DEPTH }));
        }
        self.depth += 1;
        let value = f(self);
        self.depth -= 1;
        value
    }

    fn expect(&mut self, mark: &str, expected: &str) -> Parsed<()> {
        let token = self.terms.peek();
        if token.is(mark) {
            self.terms.bump();
            return Ok(());
        }
        let (found, expected) = (self.terms.found(), expected.to_string());
        Err(Fault::new(token.at, Problem::Unexpected { found, expected }))
    }
}

/// The usual arithmetic conversions (C17 6.3.1.8).
fn common(a: Value, b: Value) -> (u32, bool) {
    let bits = a.bits.max(b.bits).max(32);
    let unsigned = [a, b].iter().any(|v| v.unsigned && v.bits == bits);
    (bits, unsigned)
}

fn apply(mark: &str, a: Value, b: Value) -> Result<Value, &'static str> {
    let (bits, unsigned) = common(a, b);
    let (x, y) = (
        Value::wrapped(a.value, bits, unsigned).value,
        Value::wrapped(b.value, bits, unsigned).value,
    );
    let truth = |holds: bool| Ok(Value::int(holds.into()));
    let value = match mark {
        "||" => return truth(a.value != 0 || b.value != 0),
        "&&" => return truth(a.value != 0 && b.value != 0),
        "==" => return truth(x == y),
        "!=" => return truth(x != y),
        "<" => return truth(x < y),
        ">" => return truth(x > y),
        "<=" => return truth(x <= y),
        ">=" => return truth(x >= y),
        // The type of a shift is that of its left side.
        "<<" | ">>" => {
            let (bits, unsigned) = if a.bits < 32 { (32, false) } else { (a.bits, a.unsigned) };
            let Some(by) = u32::try_from(b.value).ok().filter(|by| *by < bits) else {
                return Err("a shift by a negative or too large number");
            };
            let value = if mark == "<<" { a.value << by } else { a.value >> by };
            return Ok(Value::wrapped(value, bits, unsigned));
        }
        "|" => x | y,
        "^" => x ^ y,
        "&" => x & y,
        "+" => x.wrapping_add(y),
        "-" => x.wrapping_sub(y),
        "*" => x.wrapping_mul(y),
        _ if y == 0 => return Err("a division by zero"),
        "/" => x.wrapping_div(y),
        _ => x.wrapping_rem(y),
    };
    Ok(Value::wrapped(value, bits, unsigned))
}

/// An integer constant (C17 6.4.4.1), with digit separators and the suffixes of gcc.
pub(crate) fn integer(text: &str, long_bits: u32) -> Result<Value, &'static str> {
    let lower = text.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', ..] => (8, &lower[..]),
        _ => (10, &lower[..]),
    };
    let is_digit = |c: char| c.is_digit(if radix == 16 { 16 } else { 10 }) || c == '\'';
    let end = digits.find(|c: char| !is_digit(c)).unwrap_or(digits.len());
    let (digits, suffix) = digits.split_at(end);
    let digits: String = digits.chars().filter(|c| *c != '\'').collect();
    let value = u128::from_str_radix(&digits, radix).map_err(|error| {
        let too_large = *error.kind() == core::num::IntErrorKind::PosOverflow;
        if too_large { "an integer of more than 64 bits" } else { "a number that is no integer" }
    })?;
    let value = u64::try_from(value).map_err(|_| "an integer of more than 64 bits")?;
    let unsigned = suffix.contains('u');
    let longs = suffix.chars().filter(|c| *c == 'l').count();
    let least = match suffix.replacen('u', "", 1).as_str() {
        "" => 32,
        "l" => long_bits,
        "ll" | "z" => 64,
        _ => return Err("a number that is no integer"),
    };
    debug_assert!(longs <= 2);
    // The first type that it fits (6.4.4.1, 5); decimal ones without a suffix keep a sign.
    for bits in [32, 64].into_iter().filter(|bits| *bits >= least) {
        let fits = |bits: u32| u128::from(value) < 1 << bits;
        if !unsigned && fits(bits - 1) {
            return Ok(Value { value: value.into(), bits, unsigned: false });
        }
        if (unsigned || radix != 10 || bits == 64) && fits(bits) {
            return Ok(Value { value: value.into(), bits, unsigned: true });
        }
    }
    Err("an integer of more than 64 bits")
}

/// A character constant (C17 6.4.4.4), with the sign of `char` on x86-64.
fn character(text: &str) -> Value {
    let inside = text.trim_start_matches(|c| c != '\'').trim_matches('\'');
    let mut bytes = unescape(inside.as_bytes());
    let value = match bytes.len() {
        0 | 1 => bytes.pop().map_or(0, |b| i128::from(b.cast_signed())),
        _ => bytes.iter().fold(0_i128, |value, b| (value << 8 | i128::from(*b)) & 0xffff_ffff),
    };
    Value::int(value)
}

/// The bytes that the inside of a string or character literal stands for (C17 6.4.4.4, 1).
///
/// ```
/// assert_eq!(ffi_cdecl::unescape(br"a\n\x41\60"), b"a\nA0");
/// ```
pub fn unescape(mut rest: &[u8]) -> alloc::vec::Vec<u8> {
    let mut bytes = alloc::vec::Vec::new();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let Some((&escape, after)) = rest.split_first() else { break };
        rest = after;
        let (radix, most, mut value) = match escape {
            b'x' => (16, usize::MAX, 0),
            b'0'..=b'7' => (8, 2, u32::from(escape - b'0')),
            _ => {
                bytes.push(match escape {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'a' => 7,
                    b'b' => 8,
                    b'f' => 12,
                    b'v' => 11,
                    b'e' => 27,
                    other => other,
                });
                continue;
            }
        };
        let mut count = 0;
        while let Some(digit) = rest.first().and_then(|b| char::from(*b).to_digit(radix))
            && count < most
        {
            value = value.wrapping_mul(radix).wrapping_add(digit);
            rest = &rest[1..];
            count += 1;
        }
        bytes.push(value as u8);
    }
    bytes
}

/// The value of `#if`'s condition: its tokens, some of which are numbers already.
pub(crate) fn condition(text: &[u8], tokens: &[(Token, Option<i128>)]) -> Parsed<i128> {
    let mut terms = Condition { text, tokens, at: 0 };
    let value = expression(&mut terms)?;
    let rest = terms.peek();
    if rest.kind == Kind::End {
        return Ok(value.value);
    }
    let (found, expected) = (terms.found(), "an operator or the end of the line".into());
    Err(Fault::new(rest.at, Problem::Unexpected { found, expected }))
}

struct Condition<'a> {
    text: &'a [u8],
    tokens: &'a [(Token, Option<i128>)],
    at: usize,
}

impl Terms for Condition<'_> {
    fn peek(&self) -> Token {
        let last = || {
            let at = self.tokens.last().map_or(0, |(token, _)| token.at);
            Token { kind: Kind::End, at, start: at, len: 0 }
        };
        self.tokens.get(self.at).map_or_else(last, |(token, _)| *token)
    }

    fn bump(&mut self) -> Token {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn text(&self, token: Token) -> &str {
        token.text(self.text)
    }

    fn long_bits(&self) -> u32 {
        64
    }

    /// A name that is no macro is 0 (C17 6.10.1, 4), and so is what a function-like one gives.
    fn named(&mut self) -> Parsed<Value> {
        let known = self.tokens.get(self.at).and_then(|(_, value)| *value);
        self.bump();
        if self.peek().is("(") && known.is_none() {
            let mut open = 0_usize;
            loop {
                let token = self.bump();
                open = open + usize::from(token.is("(")) - usize::from(token.is(")"));
                if open == 0 || token.kind == Kind::End {
                    break;
                }
            }
        }
        Ok(Value::int(known.unwrap_or(0)))
    }

    fn cast(&mut self) -> Parsed<Option<(u32, bool)>> {
        Ok(None)
    }

    fn found(&self) -> String {
        self.peek().found(self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<i128, String> {
        let tokens = crate::lex::tokens(text.as_bytes()).map_err(|f| f.problem.to_string())?;
        let tokens: alloc::vec::Vec<_> =
            tokens.into_iter().filter(|t| t.kind != Kind::End).map(|t| (t, None)).collect();
        condition(text.as_bytes(), &tokens).map_err(|f| f.problem.to_string())
    }

    #[test]
    fn arithmetic_is_that_of_c() {
        for (text, expected) in [
            ("1 + 2 * 3", 7),
            ("(1 + 2) * 3", 9),
            ("10 - 4 - 3", 3),
            ("1 << 4 | 3", 19),
            ("~0U", 0xffff_ffff),
            ("-1 < 0U", 0),
            ("-1 < 0", 1),
            ("0xffffffff + 1", 0),
            ("4294967295 + 1", 1 << 32),
            ("1 ? 2 : 3 ? 4 : 5", 2),
            ("0 ? 2 : 0 ? 4 : 5", 5),
            ("0x1fULL + 0b11 + 010", 42),
            ("'a' + '\\n' + '\\x41' + '\\101'", 97 + 10 + 65 + 65),
            ("7 / -2", -3),
            ("-7 % 3", -1),
            ("5 == 5 && 2 >= 3 || !1", 0),
            ("1'000'000", 1_000_000),
            ("unknown(1, (2)) + 1", 1),
        ] {
            assert_eq!(value(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_has_no_value_is_said() {
        for (text, expected) in [
            ("1 / 0", "a division by zero"),
            ("1 << 32", "a shift by"),
            ("1.5", "no integer"),
            ("99999999999999999999", "more than 64 bits"),
            ("1 +", "found the end of the text, expected a constant expression"),
            ("(1", "expected an operator or `)`"),
            ("08", "no integer"),
        ] {
            let error = value(text).expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
        let deep = "(".repeat(1_000_000);
        assert_eq!(value(&deep).expect_err("deep"), "nested more than 200 deep");
    }
}
