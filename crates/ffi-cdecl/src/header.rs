//! What a text declares.

use crate::ctype::{DeclaredKind, DeclaredType, FunctionType, Parameter, Tag, TagId, TagKind};
use crate::error::{ParseErrors, UnsupportedTypeError, Warning};
use crate::options::Options;
use crate::{lower, parser};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use ffi_types::{Convention, InvalidCallInterfaceError, Signature, Type};

/// The declarations of a text: functions, variables, types and constants, in their order.
#[derive(Debug, Clone)]
pub struct Header {
    pub(crate) options: Options,
    pub(crate) functions: Vec<Function>,
    pub(crate) variables: Vec<Variable>,
    pub(crate) typedefs: BTreeMap<Arc<str>, Typedef>,
    pub(crate) tags: BTreeMap<Arc<str>, TagId>,
    pub(crate) tagged: Vec<Tagged>,
    pub(crate) constants: BTreeMap<Arc<str>, Constant>,
    pub(crate) warnings: Vec<Warning>,
    /// Where in `functions` and `variables` a name is.
    pub(crate) places: BTreeMap<Arc<str>, Place>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    Function(usize),
    Variable(usize),
}

#[derive(Debug, Clone)]
pub(crate) struct Typedef {
    pub(crate) ty: DeclaredType,
    /// The line it was declared in; `None` for those that every text starts with.
    pub(crate) line: Option<usize>,
}

/// A function.
#[derive(Debug, Clone)]
pub struct Function {
    pub(crate) name: Arc<str>,
    pub(crate) symbol: Option<Arc<str>>,
    pub(crate) ty: Arc<FunctionType>,
    pub(crate) inline: bool,
    pub(crate) file: Option<Arc<str>>,
    pub(crate) line: usize,
    pub(crate) convention: Convention,
    pub(crate) signature: Result<Signature, UnsupportedTypeError>,
}

impl Function {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name that a library has it under: what `__asm__("…")` says, or its name.
    pub fn symbol(&self) -> &str {
        self.symbol.as_deref().unwrap_or(&self.name)
    }

    /// What it returns.
    pub fn result(&self) -> &DeclaredType {
        &self.ty.result
    }

    /// What it takes.
    pub fn parameters(&self) -> &[Parameter] {
        &self.ty.parameters
    }

    /// Whether `...` follows.
    pub fn is_variadic(&self) -> bool {
        self.ty.variadic
    }

    /// Whether the text has its body, or says `static` or `inline`: a library need not export it.
    pub fn is_inline(&self) -> bool {
        self.inline
    }

    /// The file it was declared in, where the text is a preprocessor's output that says so.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The line it was declared in, of that file.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The convention it is called by.
    pub fn convention(&self) -> Convention {
        self.convention
    }

    /// Its signature; of a variadic function that of a call without variadic arguments.
    ///
    /// # Errors
    /// [`UnsupportedTypeError`] for a parameter or result that cannot be passed by value.
    pub fn signature(&self) -> Result<&Signature, UnsupportedTypeError> {
        self.signature.as_ref().map_err(Clone::clone)
    }

    /// The signature of a call of a variadic function that passes values of these types through
    /// `...`.
    ///
    /// # Errors
    /// An [`UnsupportedTypeError`] as [`signature`](Self::signature), or the
    /// [`InvalidCallInterfaceError`] of [`Signature::variadic`].
    pub fn signature_with(
        &self,
        variadic: impl IntoIterator<Item = Type>,
    ) -> Result<Signature, SignatureError> {
        with_variadic(self.signature()?, variadic)
    }
}

/// The signature with arguments behind the fixed ones. A function without `...` takes none.
fn with_variadic(
    fixed: &Signature,
    variadic: impl IntoIterator<Item = Type>,
) -> Result<Signature, SignatureError> {
    let variadic: Vec<Type> = variadic.into_iter().collect();
    let (result, count) = (fixed.return_type().clone(), fixed.arguments().len());
    let types = fixed.arguments().iter().cloned();
    if fixed.first_variadic().is_none() {
        if !variadic.is_empty() {
            return Err(SignatureError::NotVariadic {
                expected: count,
                found: count + variadic.len(),
            });
        }
        return Ok(fixed.clone());
    }
    Ok(Signature::variadic(fixed.convention(), result, types.chain(variadic), count)?)
}

/// Prints the prototype, without a semicolon.
impl core::fmt::Display for Function {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&DeclaredType::new(DeclaredKind::Function(self.ty.clone())).declare(&self.name))
    }
}

/// Why a function has no signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// One of its types cannot be passed.
    #[error(transparent)]
    Type(#[from] UnsupportedTypeError),
    /// More arguments for a function that takes no `...`.
    #[error("expected {expected} arguments, found {found}: the function takes no `...`")]
    NotVariadic {
        /// As many as it has parameters.
        expected: usize,
        /// As many as there are.
        found: usize,
    },
    /// The types do not make a signature.
    #[error(transparent)]
    Interface(#[from] InvalidCallInterfaceError),
}

/// A variable that a library has.
#[derive(Debug, Clone)]
pub struct Variable {
    pub(crate) name: Arc<str>,
    pub(crate) symbol: Option<Arc<str>>,
    pub(crate) ty: DeclaredType,
    pub(crate) internal: bool,
    pub(crate) file: Option<Arc<str>>,
    pub(crate) line: usize,
}

impl Variable {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name that a library has it under: what `__asm__("…")` says, or its name.
    pub fn symbol(&self) -> &str {
        self.symbol.as_deref().unwrap_or(&self.name)
    }

    /// Its type.
    pub fn ty(&self) -> &DeclaredType {
        &self.ty
    }

    /// Whether it is `static`: no library exports it.
    pub fn is_internal(&self) -> bool {
        self.internal
    }

    /// The file it was declared in, where the text is a preprocessor's output that says so.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The line it was declared in, of that file.
    pub fn line(&self) -> usize {
        self.line
    }
}

/// What a name stands for: an enum's constant, or a `#define` of one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Constant {
    /// An integer.
    Integer(i128),
    /// A floating-point number.
    Float(f64),
    /// A string, without the zero at its end.
    Text(Vec<u8>),
}

/// A struct, union or enum.
#[derive(Debug, Clone)]
pub(crate) struct Tagged {
    pub(crate) tag: Tag,
    /// The line it was first named in.
    pub(crate) line: usize,
    /// The line its definition starts in.
    pub(crate) defined: Option<usize>,
    pub(crate) body: Body,
}

#[derive(Debug, Clone)]
pub(crate) enum Body {
    Incomplete,
    Record(Record),
    Enum(Enumeration),
}

/// A struct or union with its layout.
#[derive(Debug, Clone)]
pub struct Record {
    pub(crate) tag: Tag,
    pub(crate) members: Vec<Member>,
    pub(crate) size: u64,
    pub(crate) align: u64,
    pub(crate) ty: Result<Type, String>,
}

impl Record {
    /// Its tag.
    pub fn tag(&self) -> &Tag {
        &self.tag
    }

    /// Its members, in order.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The size in bytes, `sizeof`.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The alignment in bytes, `_Alignof`.
    pub fn align(&self) -> u64 {
        self.align
    }

    /// The type; or why it cannot be passed by value.
    ///
    /// # Errors
    /// [`UnsupportedTypeError`].
    pub fn ty(&self) -> Result<&Type, UnsupportedTypeError> {
        self.ty.as_ref().map_err(|reason| {
            let what = alloc::format!("{}", self.tag);
            UnsupportedTypeError { what, reason: reason.clone(), position: None }
        })
    }
}

/// A member of a struct or union.
#[derive(Debug, Clone)]
pub struct Member {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) ty: DeclaredType,
    pub(crate) bit_offset: u64,
    pub(crate) width: Option<u32>,
    pub(crate) size: u64,
}

impl Member {
    /// Its name; `None` for an anonymous struct or union, and for padding made of bits.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Its type.
    pub fn ty(&self) -> &DeclaredType {
        &self.ty
    }

    /// Where it starts, in bits from the start of the whole.
    pub fn bit_offset(&self) -> u64 {
        self.bit_offset
    }

    /// Where it starts, in bytes; for a bit-field the byte with its first bit.
    pub fn offset(&self) -> u64 {
        self.bit_offset / 8
    }

    /// The bits of a bit-field.
    pub fn width(&self) -> Option<u32> {
        self.width
    }

    /// The size of its type in bytes; 0 for a flexible array.
    pub fn size(&self) -> u64 {
        self.size
    }
}

/// An enum.
#[derive(Debug, Clone)]
pub struct Enumeration {
    pub(crate) underlying: crate::Basic,
    pub(crate) constants: Vec<(Arc<str>, i128)>,
}

impl Enumeration {
    /// The integer type that its values have.
    pub fn underlying(&self) -> crate::Basic {
        self.underlying
    }

    /// Its constants, in order.
    pub fn constants(&self) -> impl Iterator<Item = (&str, i128)> {
        self.constants.iter().map(|(name, value)| (&**name, *value))
    }
}

impl Header {
    /// Reads a text of C declarations as the platform this is compiled for sees it.
    ///
    /// # Errors
    /// Every mistake that the text has, each with its place.
    ///
    /// # Examples
    /// ```
    /// use ffi_cdecl::Header;
    /// let header = Header::parse("
    ///     typedef struct point { double x, y; } point;
    ///     #define POINTS 3
    ///     double area(const point corners[POINTS], int count);
    /// ")?;
    /// let area = header.function("area").expect("it is declared");
    /// assert_eq!(area.to_string(), "double area(const point *corners, int count)");
    /// assert_eq!(area.signature()?.to_string(), "double (void *, int32_t)");
    ///
    /// let error = Header::parse("double area(cnst point *corners);").unwrap_err();
    /// assert!(error.to_string().starts_with("1:13: unknown type name `cnst`"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, ParseErrors> {
        Options::default().parse(text)
    }

    /// Reads one more declaration, with all that was declared before, and gives its function. The
    /// semicolon may be left out.
    ///
    /// # Errors
    /// Every mistake, which includes that it declares no function, or several.
    pub fn parse_function(&mut self, prototype: &str) -> Result<&Function, ParseErrors> {
        parser::function(self, prototype.as_bytes())
    }

    /// Reads a type, such as `struct point *` or `unsigned long`, with all that was declared.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn parse_type(&mut self, text: &str) -> Result<DeclaredType, ParseErrors> {
        parser::type_name(self, text.as_bytes())
    }

    /// How it was read.
    pub fn options(&self) -> Options {
        self.options
    }

    /// The functions, in order.
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// The function of that name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        match self.places.get(name)? {
            Place::Function(index) => self.functions.get(*index),
            Place::Variable(_) => None,
        }
    }

    /// The variables, in order.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The variable of that name.
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        match self.places.get(name)? {
            Place::Variable(index) => self.variables.get(*index),
            Place::Function(_) => None,
        }
    }

    /// The value of an enum's constant, or of a `#define`.
    pub fn constant(&self, name: &str) -> Option<&Constant> {
        self.constants.get(name)
    }

    /// All of them, by name.
    pub fn constants(&self) -> impl Iterator<Item = (&str, &Constant)> {
        self.constants.iter().map(|(name, value)| (&**name, value))
    }

    /// The names that `typedef` gave in this text, with their types.
    pub fn typedefs(&self) -> impl Iterator<Item = (&str, &DeclaredType)> {
        let own = self.typedefs.iter().filter(|(_, typedef)| typedef.line.is_some());
        own.map(|(name, typedef)| (&**name, &typedef.ty))
    }

    /// The structs and unions that are defined, in the order in which they were named.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.tagged.iter().filter_map(|tagged| match &tagged.body {
            Body::Record(record) => Some(record),
            _ => None,
        })
    }

    /// The struct or union behind a type; `None` if the type is none, or is not defined.
    pub fn record(&self, ty: &DeclaredType) -> Option<&Record> {
        match (&ty.kind(), self.body(ty)) {
            (DeclaredKind::Tagged(..), Some(Body::Record(record))) => Some(record),
            _ => None,
        }
    }

    /// The enum behind a type; `None` if the type is none, or is not defined.
    pub fn enumeration(&self, ty: &DeclaredType) -> Option<&Enumeration> {
        match self.body(ty) {
            Some(Body::Enum(enumeration)) => Some(enumeration),
            _ => None,
        }
    }

    fn body(&self, ty: &DeclaredType) -> Option<&Body> {
        match ty.kind() {
            DeclaredKind::Tagged(_, id) => Some(&self.tagged.get(id.0 as usize)?.body),
            _ => None,
        }
    }

    /// The type as a signature has it.
    ///
    /// # Errors
    /// [`UnsupportedTypeError`] for one that cannot be passed by value.
    pub fn lower(&self, ty: &DeclaredType) -> Result<Type, UnsupportedTypeError> {
        lower::lower(self, ty)
    }

    /// The signature of a function's type, for a call that passes values of these types through
    /// `...`.
    ///
    /// # Errors
    /// As for [`Function::signature_with`].
    ///
    /// # Examples
    /// ```
    /// use ffi_cdecl::{Header, Options};
    /// use ffi_types::Type;
    /// let mut header = Options::default().empty();
    /// let printf = header.parse_type("int (const char *, ...)")?;
    /// let function = printf.function().expect("it is a function's type");
    /// let signature = header.signature_of(function, [Type::I32, Type::F64])?;
    /// assert_eq!(signature.to_string(), "int32_t (void *, ... /* int32_t, double */)");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn signature_of(
        &self,
        function: &FunctionType,
        variadic: impl IntoIterator<Item = Type>,
    ) -> Result<Signature, SignatureError> {
        let convention = function.convention.unwrap_or(self.options.convention);
        let fixed = lower::signature(self, function, convention)?;
        with_variadic(&fixed, variadic)
    }

    /// Size and alignment of a type in bytes, `sizeof` and `_Alignof`; `None` where C has none.
    pub fn size_align(&self, ty: &DeclaredType) -> Option<(u64, u64)> {
        lower::size_align(self, ty)
    }

    /// The type that a spelling stands for: `struct point`, or the name of a `typedef`.
    ///
    /// # Errors
    /// [`UnsupportedTypeError`] when it is not known, or cannot be passed by value.
    pub fn ty(&self, spelling: &str) -> Result<Type, UnsupportedTypeError> {
        let mut words = spelling.split_ascii_whitespace();
        let found = match (words.next(), words.next(), words.next()) {
            (Some(name), None, None) => self.typedefs.get(name).map(|typedef| typedef.ty.clone()),
            (Some(keyword), Some(name), None) => self.tags.get(name).and_then(|id| {
                let tag = &self.tagged.get(id.0 as usize)?.tag;
                let same = [
                    (TagKind::Struct, "struct"),
                    (TagKind::Union, "union"),
                    (TagKind::Enum, "enum"),
                ]
                .contains(&(tag.kind, keyword));
                same.then(|| DeclaredType::new(DeclaredKind::Tagged(tag.clone(), *id)))
            }),
            _ => None,
        };
        match found {
            Some(ty) => self.lower(&ty),
            None => Err(UnsupportedTypeError {
                what: spelling.into(),
                reason: "no type of that name is declared".into(),
                position: None,
            }),
        }
    }

    /// What the parser read over.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}
