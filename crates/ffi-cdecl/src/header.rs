//! What a text declares.

use crate::ctype::{DeclaredKind, DeclaredType, FunctionType, TagId, TagKind};
use crate::error::{ParseErrors, UnsupportedTypeError, Warning};
use crate::items::{
    Body, Constant, Enumeration, Function, Place, Record, SignatureError, Tagged, Typedef,
    Variable, with_variadic,
};
use crate::options::Options;
use crate::{lower, parser};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use ffi_types::{Signature, Type};

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
    ///
    /// # Examples
    /// ```
    /// use ffi_cdecl::Header;
    /// let mut header = Header::parse("typedef double metres;")?;
    /// let function = header.parse_function("metres length(const metres *of, size_t count);")?;
    /// assert_eq!(function.signature()?.to_string(), "double (void *, uint64_t)");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn parse_function(&mut self, prototype: &str) -> Result<&Function, ParseErrors> {
        parser::function(self, prototype.as_bytes())
    }

    /// Reads a type, such as `struct point *` or `unsigned long`, with all that was declared.
    ///
    /// # Errors
    /// Every mistake in it.
    ///
    /// # Examples
    /// ```
    /// use ffi_cdecl::Header;
    /// let mut header = Header::parse("struct point { float x, y; };")?;
    /// let ty = header.parse_type("struct point [3]")?;
    /// assert_eq!(header.size_align(&ty), Some((24, 4)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    ///
    /// # Examples
    /// ```
    /// use ffi_cdecl::Header;
    /// let header = Header::parse("int abs(int n);")?;
    /// assert_eq!(header.function("abs").map(ToString::to_string).as_deref(), Some("int abs(int n)"));
    /// assert!(header.function("labs").is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    ///
    /// # Examples
    /// ```
    /// use ffi_cdecl::Header;
    /// let header = Header::parse("extern int optind; static int hidden;")?;
    /// assert_eq!(header.variable("optind").map(|variable| variable.is_internal()), Some(false));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        match self.places.get(name)? {
            Place::Variable(index) => self.variables.get(*index),
            Place::Function(_) => None,
        }
    }

    /// The value of an enum's constant, or of a `#define`.
    ///
    /// # Examples
    /// ```
    /// use ffi_cdecl::Header;
    /// let header = Header::parse("#define LIMIT (1 << 4)\nenum { FIRST = 7, SECOND };")?;
    /// assert_eq!(header.constants().count(), 3);
    /// assert!(header.constant("SECOND").is_some() && header.constant("THIRD").is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    ///
    /// # Examples
    /// ```
    /// use ffi_cdecl::Header;
    /// let header = Header::parse("typedef struct { char tag; double value; } entry;")?;
    /// let entry = header.ty("entry")?;
    /// assert_eq!((entry.size(), entry.field("value").map(|field| field.offset())), (16, Some(8)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
