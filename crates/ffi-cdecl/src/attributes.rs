//! Attributes: those that move bytes are followed, those that do not are skipped, and those that
//! would change a call in a way this cannot follow are errors.

use crate::constant;
use crate::ctype::{Basic, DeclaredKind, DeclaredType, FunctionType};
use crate::error::{Fault, Parsed, Problem};
use crate::lex::Kind;
use crate::parser::Parser;
use crate::specifiers::WINDOWS_CALLS;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use ffi_types::{Aapcs64, Convention, Win64};

/// The greatest alignment in bytes; gcc and clang take no more either.
const MAX_ALIGN: i128 = 1 << 28;
/// `aligned` without a number: the greatest alignment of any scalar.
const BIGGEST: i128 = 16;

/// What attributes ask for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Attributes {
    pub(crate) packed: bool,
    /// Of `aligned`, in bytes.
    pub(crate) align: Option<u64>,
    /// Of `vector_size`, in bytes.
    pub(crate) vector: Option<u64>,
    pub(crate) convention: Option<Convention>,
    /// Of `ms_struct`, or with false of `gcc_struct`.
    microsoft: Option<bool>,
    mode: Option<Mode>,
}

/// `__attribute__((mode(…)))`: the machine's name for a size.
#[derive(Debug, Clone, Copy)]
enum Mode {
    Integer(u32),
    Float(Basic),
}

/// Attributes that change nothing about a call.
const SILENT: &[&str] = &[
    "access",
    "alias",
    "aligned_alloc",
    "alloc_align",
    "alloc_size",
    "always_inline",
    "artificial",
    "assume_aligned",
    "cdecl",
    "cold",
    "const",
    "constructor",
    "counted_by",
    "deprecated",
    "designated_init",
    "destructor",
    "diagnose_if",
    "dllexport",
    "dllimport",
    "enable_if",
    "enum_extensibility",
    "error",
    "externally_visible",
    "fallthrough",
    "fastcall",
    "fd_arg",
    "fd_arg_read",
    "fd_arg_write",
    "flag_enum",
    "flatten",
    "format",
    "format_arg",
    "gnu_inline",
    "hot",
    "ifunc",
    "internal_linkage",
    "intrin_type",
    "leaf",
    "malloc",
    "maybe_unused",
    "may_alias",
    "naked",
    "no_instrument_function",
    "no_sanitize",
    "noalias",
    "nocf_check",
    "noclone",
    "nodiscard",
    "noinline",
    "nonnull",
    "nonnull_if_nonzero",
    "nonstring",
    "noreturn",
    "nothrow",
    "null_terminated_string_arg",
    "optimize",
    "overloadable",
    "pure",
    "restrict",
    "retain",
    "returns_nonnull",
    "returns_twice",
    "section",
    "selectany",
    "sentinel",
    "signal",
    "stdcall",
    "swift_name",
    "symver",
    "target",
    "thiscall",
    "thread",
    "tls_model",
    "unavailable",
    "unused",
    "used",
    "visibility",
    "warn_if_not_aligned",
    "warn_unused_result",
    "warning",
    "weak",
    "weakref",
    "zero_call_used_regs",
    "availability",
    "Noreturn",
    "__noreturn__",
    "unsequenced",
    "reproducible",
    "novtable",
    "uuid",
    "property",
    "allocator",
    "code_seg",
    "safebuffers",
    "spectre",
    "guard",
    "process",
    "appdomain",
];

/// Attributes that change a call or a layout in a way that is not followed here.
const REFUSED: &[(&str, &str)] = &[
    ("transparent_union", "arguments of this type are passed as one of its members"),
    ("vectorcall", "this convention is not implemented"),
    ("regcall", "this convention is not implemented"),
    ("swiftcall", "this convention is not implemented"),
    ("swiftasynccall", "this convention is not implemented"),
    ("preserve_most", "this convention is not implemented"),
    ("preserve_all", "this convention is not implemented"),
    ("preserve_none", "this convention is not implemented"),
    ("aarch64_vector_pcs", "this convention is not implemented"),
    ("aarch64_sve_pcs", "this convention is not implemented"),
    ("pcs", "this convention is not implemented"),
    ("regparm", "it is for 32 bits"),
    ("sseregparm", "it is for 32 bits"),
    ("interrupt", "interrupt handlers cannot be called"),
    ("scalar_storage_order", "the bytes of members in another order are not implemented"),
    ("ext_vector_type", "vectors of this kind are not implemented; `vector_size` is"),
    ("neon_vector_type", "vectors of this kind are not implemented; `vector_size` is"),
    ("nosvm", "it is for graphics processors"),
    ("trivial_abi", "it is C++"),
    ("empty_bases", "it is C++"),
];

impl Attributes {
    /// Adds an `aligned`; of several, the greatest counts.
    pub(crate) fn raise_align(&mut self, at: u32, value: i128) -> Parsed<()> {
        // `_Alignas(0)` says nothing (C17 6.7.5, 6).
        if value == 0 {
            return Ok(());
        }
        if !(1..=MAX_ALIGN).contains(&value) || value.count_ones() != 1 {
            let (what, expected) = ("an alignment", format!("a power of two up to {MAX_ALIGN}"));
            return Err(Fault::new(at, Problem::Number { what, found: value, expected }));
        }
        self.align = self.align.max(Some(value as u64));
        Ok(())
    }

    /// By whose rules a struct's bit-fields are placed on that platform.
    pub(crate) fn bit_fields_of(&self, platform: Convention) -> Convention {
        match (self.microsoft, platform) {
            (Some(true), Convention::SysV) => Convention::Win64(Win64::Gnu),
            (Some(true), Convention::Aapcs64(_)) => Convention::Aapcs64(Aapcs64::Windows),
            (Some(false), Convention::Win64(_)) => Convention::SysV,
            (Some(false), Convention::Aapcs64(Aapcs64::Windows)) => {
                Convention::Aapcs64(Aapcs64::Standard)
            }
            _ => platform,
        }
    }

    /// What they make of the type that a name is declared with. An alignment is left to whoever
    /// declares: it is a member's own, or part of a `typedef`.
    pub(crate) fn apply(
        &self,
        parser: &mut Parser<'_>,
        ty: DeclaredType,
        at: u32,
    ) -> Parsed<DeclaredType> {
        let mut ty = ty;
        if let Some(mode) = self.mode {
            ty = mode.apply(ty, parser.header.options.convention);
        }
        if let Some(size) = self.vector {
            ty = vector(parser, ty, size, at)?;
        }
        if let Some(convention) = self.convention {
            match ty.with_convention(convention) {
                Some(function) => ty = function,
                None => parser.warn(at, format!("`{convention}` is ignored: this is no function")),
            }
        }
        Ok(match self.align {
            Some(align) => ty.aligned(u32::try_from(align).ok()),
            None => ty,
        })
    }
}

/// As gcc reads it, the attribute is of what an array, pointer or function is made of in the end. Nested
/// no deeper than declarators are.
fn vector(parser: &Parser<'_>, ty: DeclaredType, size: u64, at: u32) -> Parsed<DeclaredType> {
    let inner = |inner: &DeclaredType| vector(parser, inner.clone(), size, at).map(Arc::new);
    match ty.kind() {
        DeclaredKind::Array(element, len) => {
            return Ok(DeclaredType::new(DeclaredKind::Array(inner(element)?, *len)));
        }
        DeclaredKind::Pointer(target) => {
            let pointer = DeclaredType::new(DeclaredKind::Pointer(inner(target)?));
            return Ok(pointer.qualified(ty.qualifiers()));
        }
        DeclaredKind::Function(function) => {
            let result = vector(parser, function.result.clone(), size, at)?;
            let function = FunctionType { result, ..FunctionType::clone(function) };
            return Ok(DeclaredType::new(DeclaredKind::Function(function.into())));
        }
        _ => {}
    }
    let what = format!("`{ty}`");
    let (DeclaredKind::Basic(element), Some((width, _))) =
        (ty.kind(), crate::lower::size_align(parser.header, &ty))
    else {
        let verb = "be the element of a vector";
        return Err(Fault::new(at, Problem::NotAllowed { what, verb }));
    };
    if size == 0 || !size.is_multiple_of(width) || !(size / width).is_power_of_two() {
        let expected = format!("{width} times a power of two");
        let problem = Problem::Number { what: "a vector's size", found: size.into(), expected };
        return Err(Fault::new(at, problem));
    }
    Ok(DeclaredType::new(DeclaredKind::Vector { element: *element, size })
        .qualified(ty.qualifiers()))
}

impl Mode {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "QI" | "byte" => Self::Integer(1),
            "HI" => Self::Integer(2),
            "SI" => Self::Integer(4),
            "DI" | "word" | "pointer" => Self::Integer(8),
            "TI" => Self::Integer(16),
            "HF" | "HC" => Self::Float(Basic::Float16),
            "BF" => Self::Float(Basic::BFloat16),
            "SF" | "SC" => Self::Float(Basic::Float),
            "DF" | "DC" => Self::Float(Basic::Double),
            "XF" | "XC" => Self::Float(Basic::Float80),
            "TF" | "TC" => Self::Float(Basic::Float128),
            _ => return None,
        })
    }

    fn apply(self, ty: DeclaredType, convention: Convention) -> DeclaredType {
        let unsigned = match ty.kind() {
            DeclaredKind::Basic(basic) => {
                let scalar = basic.scalar(convention.data_model());
                !scalar.is_signed() && !scalar.is_float()
            }
            _ => false,
        };
        let basic = match (self, unsigned) {
            (Self::Float(basic), _) => basic,
            (Self::Integer(1), false) => Basic::SignedChar,
            (Self::Integer(1), true) => Basic::UnsignedChar,
            (Self::Integer(2), false) => Basic::Short,
            (Self::Integer(2), true) => Basic::UnsignedShort,
            (Self::Integer(4), false) => Basic::Int,
            (Self::Integer(4), true) => Basic::UnsignedInt,
            (Self::Integer(8), false) => Basic::LongLong,
            (Self::Integer(8), true) => Basic::UnsignedLongLong,
            (Self::Integer(_), false) => Basic::Int128,
            (Self::Integer(_), true) => Basic::UnsignedInt128,
        };
        match ty.kind() {
            DeclaredKind::Complex(_) => DeclaredType::new(DeclaredKind::Complex(basic)),
            _ => DeclaredType::basic(basic),
        }
        .qualified(ty.qualifiers())
    }
}

impl Parser<'_> {
    /// Reads the attribute specifier that is next, if one is.
    pub(crate) fn attribute(&mut self, attributes: &mut Attributes) -> Parsed<bool> {
        let word = self.word();
        match word {
            "__attribute__" | "__attribute" => {
                self.bump();
                self.expect("(", "`((`")?;
                self.expect("(", "`((`")?;
                self.attribute_list(attributes, ")")?;
                self.expect(")", "`))`")?;
            }
            "__declspec" => {
                self.bump();
                self.expect("(", "`(`")?;
                self.attribute_list(attributes, ")")?;
            }
            "__cdecl" | "__stdcall" | "__fastcall" | "__thiscall" | "__clrcall" => {
                self.bump(); // The same on every 64-bit system.
            }
            "__vectorcall" => {
                let at = self.bump().at;
                return Err(refuse(at, "__vectorcall", "this convention is not implemented"));
            }
            _ if self.header.options.windows_names && WINDOWS_CALLS.contains(&word) => {
                self.bump();
            }
            _ if self.peek().is("[") && self.ahead(1).is("[") => {
                self.bump();
                self.bump();
                self.attribute_list(attributes, "]")?;
                self.expect("]", "`]]`")?;
            }
            _ => return self.annotation(),
        }
        Ok(true)
    }

    fn attribute_list(&mut self, attributes: &mut Attributes, end: &str) -> Parsed<()> {
        loop {
            while self.accept(",") {}
            if self.accept(end) {
                return Ok(());
            }
            let token = self.peek();
            if token.kind != Kind::Word {
                return Err(self.unexpected("an attribute's name"));
            }
            self.bump();
            let mut name = self.text_of(token);
            if self.accept("::") {
                // `[[gnu::packed]]`
                name = self.word();
                self.bump();
            }
            self.one_attribute(attributes, token.at, name)?;
            if !(self.peek().is(",") || self.peek().is(end) || self.peek().kind == Kind::Word) {
                return Err(self.unexpected("`,` or the end of the attributes"));
            }
        }
    }

    fn one_attribute(&mut self, attributes: &mut Attributes, at: u32, name: &str) -> Parsed<()> {
        let plain = name.strip_prefix("__").and_then(|n| n.strip_suffix("__")).unwrap_or(name);
        match plain {
            "packed" => attributes.packed = true,
            "aligned" | "align" => {
                let value = if self.peek().is("(") { self.number()? } else { BIGGEST };
                attributes.raise_align(at, value)?;
            }
            "vector_size" => {
                let value = self.number()?;
                let fail = |_| {
                    let (what, expected) = ("a vector's size", "1 or more".into());
                    Fault::new(at, Problem::Number { what, found: value, expected })
                };
                attributes.vector = Some(u64::try_from(value).map_err(fail)?);
            }
            "ms_abi" | "sysv_abi" => {
                let convention = self.header.options.convention;
                let other = match (plain, convention) {
                    ("ms_abi", Convention::SysV) => Convention::Win64(Win64::Gnu),
                    ("ms_abi", Convention::Aapcs64(_)) => Convention::Aapcs64(Aapcs64::Windows),
                    ("sysv_abi", Convention::Win64(_)) => Convention::SysV,
                    ("sysv_abi", Convention::Aapcs64(_)) => {
                        return Err(refuse(at, name, "it is for x86-64"));
                    }
                    _ => convention,
                };
                attributes.convention = Some(other).filter(|other| *other != convention);
            }
            "ms_struct" | "gcc_struct" => attributes.microsoft = Some(plain == "ms_struct"),
            "mode" => {
                self.expect("(", "`(`")?;
                let word = self.word();
                let word =
                    word.strip_prefix("__").and_then(|w| w.strip_suffix("__")).unwrap_or(word);
                let Some(mode) = Mode::of(word) else {
                    return Err(refuse(at, name, &format!("`{word}` is not a mode that is known")));
                };
                attributes.mode = Some(mode);
                self.bump();
                self.expect(")", "`)`")?;
            }
            _ => {
                if let Some((_, reason)) = REFUSED.iter().find(|(refused, _)| *refused == plain) {
                    return Err(refuse(at, name, reason));
                }
                if !SILENT.contains(&plain) {
                    self.warn(at, format!("attribute `{name}` is not known here, and ignored"));
                }
                if self.peek().is("(") {
                    self.parentheses()?;
                }
            }
        }
        Ok(())
    }

    /// A constant in parentheses.
    fn number(&mut self) -> Parsed<i128> {
        self.expect("(", "`(`")?;
        let value = constant::expression(self)?;
        self.expect(")", "an operator or `)`")?;
        Ok(value.value)
    }
}

fn refuse(at: u32, name: &str, reason: &str) -> Fault {
    Fault::new(at, Problem::Attribute { name: name.into(), reason: String::from(reason) })
}
