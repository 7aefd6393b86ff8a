//! Functions and variables by their C declarations.

use crate::call::CallInterface;
use crate::error::PrepareError;
use crate::function::Function;
use ffi_cdecl::{Header, Options, ParseErrors, SignatureError, UnsupportedTypeError};
use ffi_dl::{Library, LibraryError};
use ffi_types::Type;
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::fmt;
use thiserror::Error;

/// Looking functions up by their prototypes, as a header or a manual page has them.
pub trait Declared {
    /// The function of a prototype. Of a variadic one, it passes nothing through `...`.
    ///
    /// # Errors
    /// A [`DeclareError`]: a mistake in the prototype, a type that cannot be passed, a name that
    /// the library does not have.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(any(target_os = "linux", windows))] {
    /// use ffi::{Declared, Library, arg};
    /// # let name = if cfg!(windows) { "msvcrt.dll" } else { "libm.so.6" };
    /// // SAFETY: the C library's mathematics has no constructors that could do harm.
    /// let libm = unsafe { Library::open(name) }?;
    /// let pow = libm.function("double pow(double x, double y);")?;
    /// // SAFETY: this is its prototype.
    /// assert_eq!(unsafe { pow.call::<f64>(&[arg(&2.0), arg(&10.0)]) }?, 1024.0);
    ///
    /// let error = libm.function("double pow(duoble x, double y);").unwrap_err().to_string();
    /// assert!(error.starts_with("1:12: unknown type name `duoble`; did you mean `double`?"));
    /// # }
    /// # Ok::<(), ffi::Error>(())
    /// ```
    fn function(&self, prototype: &str) -> Result<Function, DeclareError>;

    /// As [`function`](Self::function), for a call of a variadic function that passes values of
    /// these types through `...`.
    ///
    /// # Errors
    /// As for [`function`](Self::function), and for a type that C promotes there.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(any(target_os = "linux", windows))] {
    /// # let name = if cfg!(windows) { "msvcrt.dll" } else { "libc.so.6" };
    /// use ffi::{Declared, Library, Type, arg};
    /// // SAFETY: the C library is part of the program already.
    /// let libc = unsafe { Library::open(name) }?;
    /// let prototype = "int sprintf(char *to, const char *format, ...);";
    /// let sprintf = libc.variadic_function(prototype, [Type::C_INT])?;
    /// let mut buffer = [0_u8; 16];
    /// let (to, format) = (buffer.as_mut_ptr(), c"<%d>".as_ptr());
    /// // SAFETY: this is its prototype, and the text is shorter than the buffer.
    /// let length: i32 = unsafe { sprintf.call(&[arg(&to), arg(&format), arg(&42_i32)]) }?;
    /// assert_eq!(&buffer[..length as usize], b"<42>");
    /// # }
    /// # Ok::<(), ffi::Error>(())
    /// ```
    fn variadic_function(
        &self,
        prototype: &str,
        variadic: impl IntoIterator<Item = Type>,
    ) -> Result<Function, DeclareError>;

    /// Looks all functions and variables of a header up. Those that are `static`, `inline` or
    /// defined in the header itself may be missing.
    ///
    /// # Errors
    /// A [`BindError`] that names everything the library does not have, and holds what it has.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(target_os = "linux")] {
    /// use ffi::{Declared, Header, Library, arg};
    /// let header = Header::parse("
    ///     double sqrt(double);
    ///     double cbrt(double);
    ///     float fluctuate(float, int);
    /// ")?;
    /// // SAFETY: the C library's mathematics has no constructors that could do harm.
    /// let libm = unsafe { Library::open("libm.so.6") }?;
    /// let error = libm.bind(&header).unwrap_err();
    /// assert_eq!(error.missing()[0].name, "fluctuate");
    ///
    /// let found = error.into_bindings();
    /// // SAFETY: this is its prototype.
    /// let root: f64 = unsafe { found.function("cbrt")?.call(&[arg(&27.0)]) }?;
    /// assert!((root - 3.0).abs() < 1e-15);
    /// # }
    /// # Ok::<(), ffi::Error>(())
    /// ```
    fn bind(&self, header: &Header) -> Result<Bindings, BindError>;
}

/// A declaration that did not lead to a function.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DeclareError {
    /// The declaration is not C, or not one function's.
    #[error(transparent)]
    Parse(#[from] ParseErrors),
    /// A type cannot be passed by value.
    #[error(transparent)]
    Type(#[from] UnsupportedTypeError),
    /// No interface could be prepared.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// The library does not have the function.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// The bindings do not have that name: the header does not declare it, or the library does
    /// not have it.
    #[error("no {what} `{name}` was bound{}", nearest.as_ref().map_or(String::new(), |n| format!("; did you mean `{n}`?")))]
    Unbound {
        /// What was looked for.
        what: &'static str,
        /// Its name.
        name: String,
        /// The bound name that is most like it.
        nearest: Option<String>,
    },
}

impl From<SignatureError> for DeclareError {
    fn from(error: SignatureError) -> Self {
        match error {
            SignatureError::Type(error) => Self::Type(error),
            SignatureError::Interface(error) => Self::Prepare(error.into()),
            other => Self::Type(UnsupportedTypeError {
                what: "the function".into(),
                reason: other.to_string(),
                position: None,
            }),
        }
    }
}

impl Declared for Library {
    fn function(&self, prototype: &str) -> Result<Function, DeclareError> {
        let mut header = Options::default().empty();
        let declared = header.parse_function(prototype)?;
        load(self, declared)
    }

    fn variadic_function(
        &self,
        prototype: &str,
        variadic: impl IntoIterator<Item = Type>,
    ) -> Result<Function, DeclareError> {
        let mut header = Options::default().empty();
        let declared = header.parse_function(prototype)?;
        load_variadic(self, declared, variadic)
    }

    fn bind(&self, header: &Header) -> Result<Bindings, BindError> {
        let mut bindings = Bindings {
            library: self.clone(),
            header: header.clone(),
            functions: BTreeMap::new(),
            variables: BTreeMap::new(),
        };
        let mut missing = Vec::new();
        let mut miss = |what, name: &str, symbol: &str, line, error| {
            missing.push(Missing { what, name: name.into(), symbol: symbol.into(), line, error });
        };
        for declared in header.functions() {
            let name = declared.name();
            match load(self, declared) {
                Err(DeclareError::Library(_)) if declared.is_inline() => {}
                Err(DeclareError::Library(error)) => {
                    miss("function", name, declared.symbol(), declared.line(), error);
                }
                Err(DeclareError::Type(error)) => {
                    bindings.functions.insert(name.into(), Err(Uncallable::Type(error)));
                }
                Err(DeclareError::Prepare(error)) => {
                    bindings.functions.insert(name.into(), Err(Uncallable::Prepare(error)));
                }
                // Neither is an error of loading what is declared.
                Err(DeclareError::Parse(_) | DeclareError::Unbound { .. }) => {}
                Ok(function) => {
                    bindings.functions.insert(name.into(), Ok(function));
                }
            }
        }
        for declared in header.variables().iter().filter(|variable| !variable.is_internal()) {
            let (name, symbol) = (declared.name(), declared.symbol());
            match self.symbol(symbol) {
                Ok(found) => {
                    let address = found.as_ptr().cast_mut();
                    bindings.variables.insert(name.into(), Variable(address));
                }
                Err(error) => miss("variable", name, symbol, declared.line(), error),
            }
        }
        if missing.is_empty() {
            return Ok(bindings);
        }
        Err(BindError { missing, bindings: Box::new(bindings) })
    }
}

fn load(library: &Library, declared: &ffi_cdecl::Function) -> Result<Function, DeclareError> {
    // The name first: that a function is not there says more than that it could not be called.
    library.symbol(declared.symbol())?;
    let signature = declared.signature()?;
    let interface = CallInterface::with_signature(signature.clone())?;
    Ok(Function::load(library, declared.symbol(), &interface)?)
}

fn load_variadic(
    library: &Library,
    declared: &ffi_cdecl::Function,
    variadic: impl IntoIterator<Item = Type>,
) -> Result<Function, DeclareError> {
    let signature = declared.signature_with(variadic).map_err(|error| match error {
        SignatureError::NotVariadic { .. } => DeclareError::Type(UnsupportedTypeError {
            what: declared.to_string(),
            reason: error.to_string(),
            position: None,
        }),
        other => other.into(),
    })?;
    let interface = CallInterface::with_signature(signature)?;
    Ok(Function::load(library, declared.symbol(), &interface)?)
}

/// The functions and variables of a header, found in a library. Keeps the library open.
#[derive(Debug)]
pub struct Bindings {
    library: Library,
    header: Header,
    functions: BTreeMap<String, Result<Function, Uncallable>>,
    /// Their addresses, valid as long as the library is open.
    variables: BTreeMap<String, Variable>,
}

#[derive(Debug, Clone, Copy)]
struct Variable(*mut c_void);

// SAFETY: the address is only handed out, and what may be done with it from which thread is up to
// those who dereference it.
unsafe impl Send for Variable {}
// SAFETY: as above.
unsafe impl Sync for Variable {}

/// Why a function that is there cannot be called.
#[derive(Debug, Clone)]
enum Uncallable {
    Type(UnsupportedTypeError),
    Prepare(PrepareError),
}

impl Bindings {
    /// The function of that name. Of a variadic one, it passes nothing through `...`.
    ///
    /// # Errors
    /// [`DeclareError::Unbound`] for a name that was not found, and the reason for a function that
    /// cannot be called.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(any(target_os = "linux", windows))] {
    /// # let name = if cfg!(windows) { "msvcrt.dll" } else { "libc.so.6" };
    /// use ffi::{Declared, Header, Library, arg};
    /// let header = Header::parse("int abs(int n); int sprintf(char *to, const char *format, ...);")?;
    /// // SAFETY: the C library is part of the program already.
    /// let libc = unsafe { Library::open(name) }?;
    /// let bindings = libc.bind(&header)?;
    /// // SAFETY: this is its prototype.
    /// assert_eq!(unsafe { bindings.function("abs")?.call::<i32>(&[arg(&-5_i32)]) }?, 5);
    /// assert_eq!(
    ///     bindings.function("asb").unwrap_err().to_string(),
    ///     "no function `asb` was bound; did you mean `abs`?"
    /// );
    /// # }
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn function(&self, name: &str) -> Result<&Function, DeclareError> {
        match self.functions.get(name) {
            Some(Ok(function)) => Ok(function),
            Some(Err(Uncallable::Type(error))) => Err(error.clone().into()),
            Some(Err(Uncallable::Prepare(error))) => Err(error.clone().into()),
            None => Err(unbound("function", name, self.functions.keys())),
        }
    }

    /// The variadic function of that name, for a call that passes values of these types through
    /// `...`.
    ///
    /// # Errors
    /// As for [`function`](Self::function), and for a type that C promotes there.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(any(target_os = "linux", windows))] {
    /// # let name = if cfg!(windows) { "msvcrt.dll" } else { "libc.so.6" };
    /// use ffi::{Declared, Header, Library, Type, arg};
    /// let header = Header::parse("int abs(int n); int sprintf(char *to, const char *format, ...);")?;
    /// // SAFETY: the C library is part of the program already.
    /// let libc = unsafe { Library::open(name) }?;
    /// let bindings = libc.bind(&header)?;
    /// let sprintf = bindings.variadic_function("sprintf", [Type::F64])?;
    /// let mut buffer = [0_u8; 16];
    /// let (to, format) = (buffer.as_mut_ptr(), c"%.1f".as_ptr());
    /// // SAFETY: this is its prototype, and the text is shorter than the buffer.
    /// let length: i32 = unsafe { sprintf.call(&[arg(&to), arg(&format), arg(&0.5)]) }?;
    /// assert_eq!(&buffer[..length as usize], b"0.5");
    /// # }
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn variadic_function(
        &self,
        name: &str,
        variadic: impl IntoIterator<Item = Type>,
    ) -> Result<Function, DeclareError> {
        self.function(name)?;
        match self.header.function(name) {
            Some(declared) => load_variadic(&self.library, declared, variadic),
            None => Err(unbound("function", name, self.functions.keys())),
        }
    }

    /// The address of the variable of that name.
    ///
    /// # Errors
    /// [`DeclareError::Unbound`] for a name that was not found.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(target_os = "linux")] {
    /// use ffi::{Declared, Header, Library};
    /// let header = Header::parse("extern char **environ;")?;
    /// let program = Library::this()?;
    /// let bindings = program.bind(&header)?;
    /// assert!(!bindings.variable("environ")?.is_null());
    /// # }
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn variable(&self, name: &str) -> Result<*mut c_void, DeclareError> {
        match self.variables.get(name) {
            Some(Variable(address)) => Ok(*address),
            None => Err(unbound("variable", name, self.variables.keys())),
        }
    }

    /// What was bound: the names of the functions and variables that the library has.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(any(target_os = "linux", windows))] {
    /// # let name = if cfg!(windows) { "msvcrt.dll" } else { "libc.so.6" };
    /// use ffi::{Declared, Header, Library};
    /// let header = Header::parse("int abs(int n); int sprintf(char *to, const char *format, ...);")?;
    /// // SAFETY: the C library is part of the program already.
    /// let libc = unsafe { Library::open(name) }?;
    /// let bindings = libc.bind(&header)?;
    /// assert_eq!(bindings.names().collect::<Vec<_>>(), ["abs", "sprintf"]);
    /// # }
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.functions.keys().chain(self.variables.keys()).map(String::as_str)
    }

    /// The declarations, with their types and constants.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(any(target_os = "linux", windows))] {
    /// # let name = if cfg!(windows) { "msvcrt.dll" } else { "libc.so.6" };
    /// use ffi::{Declared, Header, Library};
    /// let header = Header::parse("int abs(int n); int sprintf(char *to, const char *format, ...);")?;
    /// // SAFETY: the C library is part of the program already.
    /// let libc = unsafe { Library::open(name) }?;
    /// let bindings = libc.bind(&header)?;
    /// assert!(bindings.header().function("sprintf").is_some_and(|sprintf| sprintf.is_variadic()));
    /// # }
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn header(&self) -> &Header {
        &self.header
    }
}

fn unbound<'a>(
    what: &'static str,
    name: &str,
    known: impl Iterator<Item = &'a String>,
) -> DeclareError {
    let nearest = ffi_types::nearest(name, known.map(String::as_str)).map(String::from);
    DeclareError::Unbound { what, name: name.into(), nearest }
}

/// A header declares what the library does not have.
#[derive(Debug)]
pub struct BindError {
    missing: Vec<Missing>,
    bindings: Box<Bindings>,
}

/// A declaration without a symbol.
#[derive(Debug)]
#[non_exhaustive]
pub struct Missing {
    /// `function` or `variable`.
    pub what: &'static str,
    /// The name declared.
    pub name: String,
    /// The symbol looked for, where `__asm__` gave another one.
    pub symbol: String,
    /// The line of the declaration.
    pub line: usize,
    /// What the loader said.
    pub error: LibraryError,
}

impl BindError {
    /// What is missing, in the order of the header: functions, then variables.
    pub fn missing(&self) -> &[Missing] {
        &self.missing
    }

    /// What is there.
    pub fn into_bindings(self) -> Bindings {
        *self.bindings
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let library = self.bindings.library.name();
        write!(f, "{library} does not have")?;
        for (index, missing) in self.missing.iter().enumerate() {
            let Missing { what, name, symbol, line, .. } = missing;
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma} {what} `{name}` (line {line}")?;
            f.write_str(if symbol == name { "" } else { ", as `" })?;
            f.write_str(if symbol == name { ")" } else { symbol })?;
            f.write_str(if symbol == name { "" } else { "`)" })?;
        }
        Ok(())
    }
}

impl std::error::Error for BindError {}
