//! C types as they are declared: what signatures are made from, and what messages print.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::{self, Display, Formatter, Write};
use ffi_types::{Convention, DataModel, Scalar};

/// Pointers, arrays and functions inside each other; C requires 12 (C17 5.2.4.1).
pub(crate) const MAX_DEPTH: usize = 200;

/// An arithmetic type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is the type of C that it is named after")]
pub enum Basic {
    Bool,
    Char,
    SignedChar,
    UnsignedChar,
    Short,
    UnsignedShort,
    Int,
    UnsignedInt,
    Long,
    UnsignedLong,
    LongLong,
    UnsignedLongLong,
    Int128,
    UnsignedInt128,
    Float16,
    BFloat16,
    Float,
    Double,
    LongDouble,
    Float80,
    Float128,
}

impl Basic {
    /// The words of C.
    pub fn c_name(self) -> &'static str {
        match self {
            Self::Bool => "_Bool",
            Self::Char => "char",
            Self::SignedChar => "signed char",
            Self::UnsignedChar => "unsigned char",
            Self::Short => "short",
            Self::UnsignedShort => "unsigned short",
            Self::Int => "int",
            Self::UnsignedInt => "unsigned int",
            Self::Long => "long",
            Self::UnsignedLong => "unsigned long",
            Self::LongLong => "long long",
            Self::UnsignedLongLong => "unsigned long long",
            Self::Int128 => "__int128",
            Self::UnsignedInt128 => "unsigned __int128",
            Self::Float16 => "_Float16",
            Self::BFloat16 => "__bf16",
            Self::Float => "float",
            Self::Double => "double",
            Self::LongDouble => "long double",
            Self::Float80 => "__float80",
            Self::Float128 => "_Float128",
        }
    }

    /// Whether it is a floating-point type.
    pub fn is_float(self) -> bool {
        use Basic::{BFloat16, Double, Float, Float16, Float80, Float128, LongDouble};
        matches!(self, Float16 | BFloat16 | Float | Double | LongDouble | Float80 | Float128)
    }

    /// The scalar that it is in a data model.
    pub fn scalar(self, model: DataModel) -> Scalar {
        // The model's types are scalars, all of them.
        let of = |ty: ffi_types::Type| ty.as_scalar().unwrap_or(Scalar::I64);
        match self {
            Self::Bool => Scalar::Bool,
            Self::Char => of(model.c_char()),
            Self::SignedChar => Scalar::I8,
            Self::UnsignedChar => Scalar::U8,
            Self::Short => Scalar::I16,
            Self::UnsignedShort => Scalar::U16,
            Self::Int => Scalar::I32,
            Self::UnsignedInt => Scalar::U32,
            Self::Long => of(model.c_long()),
            Self::UnsignedLong => of(model.c_ulong()),
            Self::LongLong => Scalar::I64,
            Self::UnsignedLongLong => Scalar::U64,
            Self::Float => Scalar::F32,
            Self::Double => Scalar::F64,
            Self::Int128 => Scalar::I128,
            Self::UnsignedInt128 => Scalar::U128,
            Self::Float16 => Scalar::F16,
            Self::BFloat16 => Scalar::BF16,
            Self::LongDouble => of(model.c_long_double()),
            Self::Float80 => Scalar::F80,
            Self::Float128 => Scalar::F128,
        }
    }
}

bitflags::bitflags! {
    /// What C says of a type without changing its bytes.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct Qualifiers: u8 {
        /// `const`.
        const CONST = 1;
        /// `volatile`.
        const VOLATILE = 2;
        /// `restrict`.
        const RESTRICT = 4;
        /// `_Atomic`.
        const ATOMIC = 8;
    }
}

/// The number of a struct, union or enum in its [`Header`](crate::Header).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TagId(pub(crate) u32);

/// What a [`DeclaredType`] is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum DeclaredKind {
    /// `void`.
    Void,
    /// An arithmetic type.
    Basic(Basic),
    /// `_Complex` of that.
    Complex(Basic),
    /// `__attribute__((vector_size(n)))`.
    Vector {
        /// What it is made of.
        element: Basic,
        /// Its size in bytes.
        size: u64,
    },
    /// A pointer to that.
    Pointer(Arc<DeclaredType>),
    /// An array of that; without a length where C leaves it open.
    Array(Arc<DeclaredType>, Option<u64>),
    /// A function.
    Function(Arc<FunctionType>),
    /// A struct, union or enum.
    Tagged(Tag, TagId),
    /// `va_list`, which each platform defines otherwise.
    VaList,
}

/// A struct, union or enum as it is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Which of the three.
    pub kind: TagKind,
    /// The name; `None` for one without.
    pub name: Option<Arc<str>>,
}

/// What has a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the keyword that it is named after")]
pub enum TagKind {
    Struct,
    Union,
    Enum,
}

impl Display for TagKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Struct => "struct",
            Self::Union => "union",
            Self::Enum => "enum",
        })
    }
}

impl Display for Tag {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{} {name}", self.kind),
            None => write!(f, "{} (without a tag)", self.kind),
        }
    }
}

/// What a function takes and returns.
#[derive(Debug, Clone)]
pub struct FunctionType {
    /// What it returns.
    pub result: DeclaredType,
    /// What it takes, arrays and functions already turned into pointers.
    pub parameters: Vec<Parameter>,
    /// Whether `...` follows.
    pub variadic: bool,
    /// Whether it was declared with `()`, which says nothing of what it takes.
    pub unspecified: bool,
    /// The convention that it was declared with, where that is not the platform's own.
    pub convention: Option<Convention>,
}

/// A parameter of a function.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name, if it has one.
    pub name: Option<Arc<str>>,
    /// Its type.
    pub ty: DeclaredType,
}

/// A type of C, as declared. Prints as C does, and by the name of its `typedef` if it came by one.
#[derive(Debug, Clone)]
pub struct DeclaredType {
    kind: DeclaredKind,
    qualifiers: Qualifiers,
    /// The name of a `typedef`.
    alias: Option<Arc<str>>,
    /// From an `aligned` attribute on a `typedef`, in bytes.
    align: Option<u32>,
    /// How many pointers, arrays and functions are inside each other, at most.
    depth: u8,
    /// Of everything but the names and the outermost qualifiers: C's "same type", in one word.
    identity: u64,
}

impl From<Basic> for DeclaredType {
    fn from(basic: Basic) -> Self {
        Self::new(DeclaredKind::Basic(basic))
    }
}

impl DeclaredType {
    /// The type of that kind.
    pub(crate) fn new(kind: DeclaredKind) -> Self {
        let depth = match &kind {
            DeclaredKind::Pointer(inner) | DeclaredKind::Array(inner, _) => {
                inner.depth.saturating_add(1)
            }
            DeclaredKind::Function(function) => {
                let parameters = function.parameters.iter().map(|p| p.ty.depth);
                parameters.fold(function.result.depth, u8::max).saturating_add(1)
            }
            _ => 0,
        };
        let identity = identity(&kind);
        let qualifiers = Qualifiers::empty();
        Self { kind, qualifiers, alias: None, align: None, depth, identity }
    }

    pub(crate) fn basic(basic: Basic) -> Self {
        Self::new(DeclaredKind::Basic(basic))
    }

    pub(crate) fn pointer_to(self) -> Self {
        Self::new(DeclaredKind::Pointer(Arc::new(self)))
    }

    pub(crate) fn qualified(mut self, qualifiers: Qualifiers) -> Self {
        self.qualifiers |= qualifiers;
        self
    }

    pub(crate) fn named(mut self, alias: Arc<str>) -> Self {
        self.alias = Some(alias);
        self
    }

    pub(crate) fn aligned(mut self, align: Option<u32>) -> Self {
        self.align = align.or(self.align);
        self
    }

    /// The same function, or pointer to it, by another convention; `None` for what is neither.
    pub(crate) fn with_convention(&self, convention: Convention) -> Option<Self> {
        let by = |function: &FunctionType| {
            let convention = Some(convention);
            Self::new(DeclaredKind::Function(Arc::new(FunctionType {
                convention,
                ..function.clone()
            })))
        };
        let ty = match (&self.kind, self.target().map(DeclaredType::kind)) {
            (DeclaredKind::Function(function), _) => by(function),
            (DeclaredKind::Pointer(_), Some(DeclaredKind::Function(function))) => {
                by(function).pointer_to()
            }
            _ => return None,
        };
        Some(ty.qualified(self.qualifiers).aligned(self.align))
    }

    pub(crate) fn is_too_deep(&self) -> bool {
        usize::from(self.depth) > MAX_DEPTH
    }

    /// What it is.
    pub fn kind(&self) -> &DeclaredKind {
        &self.kind
    }

    /// Its outermost qualifiers.
    pub fn qualifiers(&self) -> Qualifiers {
        self.qualifiers
    }

    /// The name of the `typedef` that it was declared by.
    pub fn alias(&self) -> Option<&str> {
        self.alias.as_deref()
    }

    /// The alignment that its `typedef` gave it, in bytes.
    pub fn alias_align(&self) -> Option<u32> {
        self.align
    }

    /// What a pointer points to, and what an array is made of.
    pub fn target(&self) -> Option<&DeclaredType> {
        match &self.kind {
            DeclaredKind::Pointer(inner) | DeclaredKind::Array(inner, _) => Some(inner),
            _ => None,
        }
    }

    /// The function that this is, or that it points to.
    pub fn function(&self) -> Option<&FunctionType> {
        match (&self.kind, self.target().map(DeclaredType::kind)) {
            (DeclaredKind::Function(function), _) | (_, Some(DeclaredKind::Function(function))) => {
                Some(function)
            }
            _ => None,
        }
    }

    /// Whether it is `void`.
    pub fn is_void(&self) -> bool {
        matches!(self.kind, DeclaredKind::Void)
    }
}

/// Whether C calls them the same type: their names and outermost qualifiers do not count.
impl PartialEq for DeclaredType {
    fn eq(&self, other: &Self) -> bool {
        self.identity == other.identity
    }
}

impl Eq for DeclaredType {}

/// FNV-1a over the words of a type. Types that share their parts over and over would take
/// exponential time to compare; two that only hash alike do no more harm than a missed error.
fn identity(kind: &DeclaredKind) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |word: u64| {
        for byte in word.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    let of = |ty: &DeclaredType| ty.identity ^ (u64::from(ty.qualifiers.bits()) << 56);
    match kind {
        DeclaredKind::Void => add(1),
        DeclaredKind::Basic(basic) => [2, *basic as u64].into_iter().for_each(add),
        DeclaredKind::Complex(basic) => [3, *basic as u64].into_iter().for_each(add),
        DeclaredKind::Vector { element, size } => {
            [4, *element as u64, *size].into_iter().for_each(add);
        }
        DeclaredKind::Pointer(inner) => [5, of(inner)].into_iter().for_each(add),
        DeclaredKind::Array(inner, len) => {
            [6, of(inner), len.map_or(0, |n| n.wrapping_add(1))].into_iter().for_each(add);
        }
        DeclaredKind::Function(function) => {
            add(7);
            add(function.result.identity);
            // The qualifiers of a parameter itself are the function's own business.
            function.parameters.iter().for_each(|p| add(p.ty.identity));
            add(u64::from(function.variadic) | u64::from(function.unspecified) << 1);
            match function.convention {
                Some(convention) => {
                    alloc::format!("{convention}").bytes().for_each(|b| add(b.into()));
                }
                None => add(0),
            }
        }
        DeclaredKind::Tagged(_, id) => [8, id.0.into()].into_iter().for_each(add),
        DeclaredKind::VaList => add(9),
    }
    hash
}

impl Display for DeclaredType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.declare(""))
    }
}

impl DeclaredType {
    /// The declaration of `name` as this type: `int (*name)(void)`. An empty name gives the type
    /// alone.
    pub fn declare(&self, name: &str) -> String {
        let mut text = String::from(name);
        let mut ty = self;
        // Outwards from the name, as declarations are read.
        while ty.alias.is_none() {
            match &ty.kind {
                DeclaredKind::Pointer(inner) => {
                    let qualifiers = words(ty.qualifiers);
                    let blank = if qualifiers.is_empty() || text.is_empty() { "" } else { " " };
                    text.insert_str(0, blank);
                    text.insert_str(0, qualifiers.trim_end());
                    text.insert(0, '*');
                    let nested =
                        matches!(inner.kind, DeclaredKind::Function(_) | DeclaredKind::Array(..));
                    if nested && inner.alias.is_none() {
                        text.insert(0, '(');
                        text.push(')');
                    }
                    ty = inner;
                }
                DeclaredKind::Array(inner, len) => {
                    let _ = match len {
                        Some(len) => write!(text, "[{len}]"),
                        None => text.write_str("[]"),
                    };
                    ty = inner;
                }
                DeclaredKind::Function(function) => {
                    function.write_parameters(&mut text);
                    ty = &function.result;
                }
                _ => break,
            }
        }
        let base = ty.base();
        let blank =
            if text.is_empty() || text.starts_with('[') && name.is_empty() { "" } else { " " };
        base + blank + &text
    }

    /// The words at the start of a declaration.
    fn base(&self) -> String {
        let mut text = words(self.qualifiers);
        let _ = match (&self.alias, &self.kind) {
            (Some(alias), _) => text.write_str(alias),
            (None, DeclaredKind::Void) => text.write_str("void"),
            (None, DeclaredKind::Basic(basic)) => text.write_str(basic.c_name()),
            (None, DeclaredKind::Complex(basic)) => write!(text, "{} _Complex", basic.c_name()),
            (None, DeclaredKind::Vector { element, size }) => {
                write!(text, "{} __attribute__((vector_size({size})))", element.c_name())
            }
            (None, DeclaredKind::Tagged(tag, _)) => write!(text, "{tag}"),
            (None, DeclaredKind::VaList) => text.write_str("va_list"),
            // The loop above took these apart.
            (
                None,
                DeclaredKind::Pointer(_) | DeclaredKind::Array(..) | DeclaredKind::Function(_),
            ) => Ok(()),
        };
        text
    }
}

impl FunctionType {
    fn write_parameters(&self, text: &mut String) {
        text.push('(');
        for (index, parameter) in self.parameters.iter().enumerate() {
            text.push_str(if index == 0 { "" } else { ", " });
            text.push_str(&parameter.ty.declare(parameter.name.as_deref().unwrap_or_default()));
        }
        text.push_str(match (self.parameters.is_empty(), self.variadic, self.unspecified) {
            (true, false, false) => "void)",
            (true, true, _) => "...)",
            (false, true, _) => ", ...)",
            _ => ")",
        });
    }
}

fn words(qualifiers: Qualifiers) -> String {
    let mut text = String::new();
    for (flag, word) in [
        (Qualifiers::CONST, "const "),
        (Qualifiers::VOLATILE, "volatile "),
        (Qualifiers::RESTRICT, "restrict "),
        (Qualifiers::ATOMIC, "_Atomic "),
    ] {
        text.push_str(if qualifiers.contains(flag) { word } else { "" });
    }
    text
}
