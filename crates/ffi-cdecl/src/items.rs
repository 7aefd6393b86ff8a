//! What a text declares, piece by piece.

use crate::ctype::{DeclaredKind, DeclaredType, FunctionType, Parameter, Tag};
use crate::error::UnsupportedTypeError;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use ffi_types::{Convention, InvalidCallInterfaceError, Signature, Type};

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
    ///
    /// # Examples
    /// ```
    /// use ffi_cdecl::Header;
    /// use ffi_types::Type;
    /// let header = Header::parse("int printf(const char *format, ...);")?;
    /// let printf = header.function("printf").expect("it was just declared");
    /// let call = printf.signature_with([Type::F64])?;
    /// assert_eq!(call.to_string(), "int32_t (void *, ... /* double */)");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn signature_with(
        &self,
        variadic: impl IntoIterator<Item = Type>,
    ) -> Result<Signature, SignatureError> {
        with_variadic(self.signature()?, variadic)
    }
}

/// The signature with arguments behind the fixed ones. A function without `...` takes none.
pub(crate) fn with_variadic(
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
    #[error(
        "expected {expected} argument{}, found {found}: the function takes no `...`",
        if *expected == 1 { "" } else { "s" }
    )]
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
    ///
    /// # Examples
    /// ```
    /// use ffi_cdecl::Header;
    /// let header = Header::parse("struct entry { char tag; unsigned flags : 3; double value; };")?;
    /// let entry = header.records().next().expect("a struct");
    /// let members: Vec<_> = entry.members().iter().map(|m| (m.name(), m.offset(), m.width())).collect();
    /// assert_eq!(members[2], (Some("value"), 8, None));
    /// assert_eq!(members[1].2, Some(3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
