//! Declaration specifiers (C17 6.7.1 to 6.7.5): storage classes, qualifiers, and the words of a type.

use crate::attributes::Attributes;
use crate::ctype::{Basic, DeclaredKind, DeclaredType, Qualifiers};
use crate::error::{Fault, Parsed, Problem};
use crate::lex::{Kind, Token};
use crate::parser::Parser;
use alloc::string::ToString;
use alloc::vec::Vec;

bitflags::bitflags! {
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub(crate) struct Storage: u8 {
        const TYPEDEF = 1;
        const STATIC = 2;
        const INLINE = 4;
    }
}

/// What a declaration starts with.
#[derive(Debug, Clone)]
pub(crate) struct Specifiers {
    pub(crate) ty: DeclaredType,
    pub(crate) storage: Storage,
    pub(crate) attributes: Attributes,
    /// Whether it names a struct, union or enum, so that it needs no declarator.
    pub(crate) tagged: bool,
}

/// The words that arithmetic types are made of.
const WORDS: &[&str] = &[
    "void",
    "char",
    "short",
    "int",
    "long",
    "float",
    "double",
    "signed",
    "unsigned",
    "_Bool",
    "_Complex",
    "__int128",
    "_Float16",
    "__bf16",
    "_Float32",
    "_Float64",
    "__float80",
    "_Float128",
    "__float128",
    "__int128_t",
    "__uint128_t",
    "_Float32x",
    "_Float64x",
];

/// Whether the word is a name to compilers that do not have the type, which headers define then:
/// `typedef float _Float32;`.
fn may_be_name(word: &str) -> bool {
    word.starts_with("_Float") || word.starts_with("__float") || word == "__bf16"
}

/// Words with several spellings, and the one used here.
fn canonical(word: &str) -> &str {
    match word {
        "__signed__" | "__signed" => "signed",
        "__complex__" | "__complex" => "_Complex",
        "__const" | "__const__" => "const",
        "__volatile" | "__volatile__" => "volatile",
        "__restrict" | "__restrict__" => "restrict",
        "__inline" | "__inline__" | "__forceinline" => "inline",
        "__thread" | "thread_local" => "_Thread_local",
        "alignas" => "_Alignas",
        "__int8" => "char",
        "__int16" => "short",
        "__int32" => "int",
        other => other,
    }
}

fn qualifier(word: &str) -> Option<Qualifiers> {
    match word {
        "const" => Some(Qualifiers::CONST),
        "volatile" => Some(Qualifiers::VOLATILE),
        "restrict" => Some(Qualifiers::RESTRICT),
        "_Atomic" => Some(Qualifiers::ATOMIC),
        _ => None,
    }
}

/// The words before a type that say nothing about its bytes.
fn is_silent(word: &str) -> bool {
    matches!(
        word,
        "extern"
            | "register"
            | "auto"
            | "_Thread_local"
            | "_Noreturn"
            | "noreturn"
            | "__extension__"
            | "__noreturn"
            | "constexpr"
    )
}

/// Where Windows' names are known, the words that say how to call (all the same on 64 bits).
pub(crate) const WINDOWS_CALLS: [&str; 6] =
    ["WINAPI", "CALLBACK", "APIENTRY", "WINAPIV", "NTAPI", "STDMETHODCALLTYPE"];

impl Parser<'_> {
    /// Whether the word cannot be a name.
    pub(crate) fn is_keyword(&self, token: Token) -> bool {
        let word = canonical(self.text_of(token));
        WORDS.contains(&word) && !may_be_name(word)
            || qualifier(word).is_some()
            || is_silent(word)
            || matches!(
                word,
                "struct"
                    | "union"
                    | "enum"
                    | "typedef"
                    | "static"
                    | "inline"
                    | "_Alignas"
                    | "sizeof"
                    | "_Alignof"
                    | "_Static_assert"
                    | "__attribute__"
                    | "__attribute"
                    | "__declspec"
                    | "asm"
                    | "__asm__"
                    | "__asm"
                    | "typeof"
                    | "__typeof__"
            )
    }

    /// Whether a type can start with the token.
    pub(crate) fn is_type(&self, token: Token) -> bool {
        if token.kind != Kind::Word {
            return false;
        }
        let word = canonical(self.text_of(token));
        WORDS.contains(&word)
            || qualifier(word).is_some()
            || matches!(
                word,
                "struct"
                    | "union"
                    | "enum"
                    | "register"
                    | "__extension__"
                    | "__int64"
                    | "typeof"
                    | "__typeof__"
            )
            || self.header.typedefs.contains_key(word)
    }

    /// Qualifiers behind a `*`, and attributes among them.
    pub(crate) fn qualifiers(&mut self, attributes: &mut Attributes) -> Parsed<Qualifiers> {
        let mut qualifiers = Qualifiers::empty();
        loop {
            if let Some(found) = qualifier(canonical(self.word())) {
                self.bump();
                qualifiers |= found;
            } else if matches!(self.word(), "__ptr64" | "__unaligned" | "_Nonnull" | "_Nullable") {
                self.bump();
            } else if !self.attribute(attributes)? {
                return Ok(qualifiers);
            }
        }
    }

    pub(crate) fn specifiers(&mut self) -> Parsed<Specifiers> {
        let at = self.peek().at;
        let mut storage = Storage::empty();
        let mut attributes = Attributes::default();
        let mut qualifiers = Qualifiers::empty();
        let mut words: Vec<&str> = Vec::new();
        let mut named: Option<DeclaredType> = None;
        let mut tagged = false;
        loop {
            if self.attribute(&mut attributes)? {
                continue;
            }
            let token = self.peek();
            let word = canonical(self.word());
            let open = named.is_none() && words.is_empty();
            match word {
                "typedef" => storage |= Storage::TYPEDEF,
                "static" => storage |= Storage::STATIC,
                "inline" => storage |= Storage::INLINE,
                "_Atomic" if self.ahead(1).is("(") && open => {
                    self.bump();
                    self.bump();
                    named = Some(self.deeper(Self::type_name)?.qualified(Qualifiers::ATOMIC));
                    self.expect(")", "`)`")?;
                    continue;
                }
                "_Alignas" => {
                    self.bump();
                    self.alignas(&mut attributes)?;
                    continue;
                }
                "struct" | "union" | "enum" if open => {
                    named = Some(self.deeper(|this| this.tagged(&mut attributes))?);
                    tagged = true;
                    continue;
                }
                "typeof" | "__typeof__" => {
                    return Err(Fault::new(
                        token.at,
                        Problem::NotAllowed {
                            what: "`typeof`".into(),
                            verb: "be worked out here; write the type",
                        },
                    ));
                }
                "__int64" if named.is_none() => words.extend(["long", "long"]),
                "" => break,
                _ if is_silent(word) => {}
                // `<complex.h>` makes it a macro, and manual pages write it so.
                "complex" if named.is_none() && words.iter().any(|w| is_float(w)) => {
                    words.push("_Complex");
                }
                _ if may_be_name(word) && words.iter().any(|w| *w != "_Complex") => break,
                _ if WORDS.contains(&word) && named.is_none() => {
                    // No type has more than four; a million of them are one mistake.
                    if words.len() < 8 {
                        words.push(word);
                    }
                }
                _ if qualifier(word).is_some() => {
                    qualifiers |= qualifier(word).unwrap_or_default();
                }
                _ if open => match self.header.typedefs.get(word) {
                    Some(typedef) => named = Some(typedef.ty.clone()),
                    None => return Err(self.unknown_type(token)),
                },
                _ => break,
            }
            self.bump();
        }
        let ty = match named {
            Some(ty) => ty,
            None if words.is_empty() => return Err(self.unexpected("a type")),
            None => {
                let words_text = || words.join(" ");
                let not_a_type = || Fault::new(at, Problem::NotAType { words: words_text() });
                combine(&words).ok_or_else(not_a_type)?
            }
        };
        Ok(Specifiers { ty: ty.qualified(qualifiers), storage, attributes, tagged })
    }

    /// Behind `_Alignas`.
    fn alignas(&mut self, attributes: &mut Attributes) -> Parsed<()> {
        let at = self.expect("(", "`(`")?.at;
        let value = if self.is_type(self.peek()) {
            let ty = self.deeper(Self::type_name)?;
            let known = crate::lower::size_align(self.header, &ty);
            let what = ty.to_string();
            let known = known.ok_or(Fault::new(at, Problem::Incomplete { what, itself: false }));
            known?.1.into()
        } else {
            crate::constant::expression(self)?.value
        };
        self.expect(")", "`)`")?;
        attributes.raise_align(at, value)
    }
}

fn is_float(word: &str) -> bool {
    matches!(word, "float" | "double")
}

/// The type that the words make, in any order (C17 6.7.2, 2).
fn combine(words: &[&str]) -> Option<DeclaredType> {
    let count = |word: &str| words.iter().filter(|w| **w == word).count();
    let (unsigned, signed, longs) = (count("unsigned"), count("signed"), count("long"));
    let complex = count("_Complex");
    if unsigned + signed > 1 || complex > 1 || longs > 2 || count("short") > 1 {
        return None;
    }
    let modifiers = ["unsigned", "signed", "long", "short", "_Complex"];
    let mut bases = words.iter().filter(|w| !modifiers.contains(w));
    let (base, None) = (bases.next().copied(), bases.next()) else { return None };
    let either = |plain: Basic, other: Basic| Some(if unsigned > 0 { other } else { plain });
    let has_sign = unsigned + signed > 0;
    let basic = match (base, count("short"), longs) {
        (Some("void"), 0, 0) if !has_sign && complex == 0 => {
            return Some(DeclaredType::new(DeclaredKind::Void));
        }
        (Some("_Bool"), 0, 0) if !has_sign => Some(Basic::Bool),
        (Some("char"), 0, 0) if signed > 0 => Some(Basic::SignedChar),
        (Some("char"), 0, 0) => either(Basic::Char, Basic::UnsignedChar),
        (None | Some("int"), 1, 0) => either(Basic::Short, Basic::UnsignedShort),
        // `_Complex` alone is `double _Complex` to gcc and clang.
        (None, 0, 0) if complex > 0 && !has_sign => Some(Basic::Double),
        (None | Some("int"), 0, 0) => either(Basic::Int, Basic::UnsignedInt),
        (None | Some("int"), 0, 1) => either(Basic::Long, Basic::UnsignedLong),
        (None | Some("int"), 0, 2) => either(Basic::LongLong, Basic::UnsignedLongLong),
        (Some("__int128"), 0, 0) => either(Basic::Int128, Basic::UnsignedInt128),
        (Some("__int128_t"), 0, 0) if !has_sign => Some(Basic::Int128),
        (Some("__uint128_t"), 0, 0) if !has_sign => Some(Basic::UnsignedInt128),
        (Some("double"), 0, 1) if !has_sign => Some(Basic::LongDouble),
        (Some(float), 0, 0) if !has_sign => match float {
            "float" | "_Float32" => Some(Basic::Float),
            "double" | "_Float64" | "_Float32x" => Some(Basic::Double),
            "_Float64x" => Some(Basic::LongDouble),
            "_Float16" => Some(Basic::Float16),
            "__bf16" => Some(Basic::BFloat16),
            "__float80" => Some(Basic::Float80),
            "_Float128" | "__float128" => Some(Basic::Float128),
            _ => None,
        },
        _ => None,
    }?;
    match complex {
        0 => Some(DeclaredType::basic(basic)),
        _ if basic.is_float() => Some(DeclaredType::new(DeclaredKind::Complex(basic))),
        _ => None,
    }
}
