//! What a function takes and returns, and by which convention.

use crate::error::{InterfaceField, InterfaceReason, InvalidCallInterfaceError};
use crate::{Convention, Type, TypeKind};
use alloc::string::ToString;
use smallvec::SmallVec;

/// The most arguments that a signature can have. C compilers are only required to take 127.
pub const MAX_ARGUMENTS: usize = 1024;

type Arguments = SmallVec<[Type; 8]>;

/// One by one: an array's few elements are then moved in registers.
#[inline]
fn collect(types: impl IntoIterator<Item = Type>) -> Arguments {
    let mut arguments = Arguments::new();
    // One too many is enough for the error, also of an endless iterator.
    for ty in types.into_iter().take(MAX_ARGUMENTS + 1) {
        arguments.push(ty);
    }
    arguments
}

/// A checked C signature: it has no `void` or array argument, and nothing in variadic position
/// that C would have promoted.
///
/// ```
/// use ffi_types::{Convention, Signature, Type};
/// let printf = Signature::variadic(
///     Convention::SysV,
///     Type::C_INT,
///     [Type::POINTER, Type::C_INT, Type::F64],
///     1,
/// )?;
/// assert_eq!(printf.to_string(), "int32_t (void *, ... /* int32_t, double */)");
/// # Ok::<(), ffi_types::InvalidCallInterfaceError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Signature {
    convention: Convention,
    result: Type,
    /// Eight need no memory of their own: preparing is then one allocation, that of the owner.
    arguments: Arguments,
    first_variadic: Option<u16>,
}

impl Signature {
    /// The signature of a function with fixed arguments.
    ///
    /// # Errors
    /// An [`InvalidCallInterfaceError`]: an argument that is `void` or an array, an array
    /// returned, or more than [`MAX_ARGUMENTS`].
    ///
    /// # Examples
    /// ```
    /// use ffi_types::{Convention, Signature, Type};
    /// let atan2 = Signature::new(Convention::SysV, Type::F64, [Type::F64, Type::F64])?;
    /// assert_eq!(atan2.to_string(), "double (double, double)");
    /// let wrong = Signature::new(Convention::SysV, Type::F64, [Type::VOID]);
    /// assert!(wrong.unwrap_err().to_string().starts_with("argument 0: "));
    /// # Ok::<(), ffi_types::InvalidCallInterfaceError>(())
    /// ```
    #[inline]
    pub fn new(
        convention: Convention,
        result: Type,
        arguments: impl IntoIterator<Item = Type>,
    ) -> Result<Self, InvalidCallInterfaceError> {
        let arguments = collect(arguments);
        Self { convention, result, arguments, first_variadic: None }.checked()
    }

    /// The signature of one call of a variadic function: its fixed arguments, followed from index
    /// `first_variadic` on by those that this call passes through `...`. The index is the number
    /// of arguments where the call passes none.
    ///
    /// # Errors
    /// As [`new`](Self::new), and for an index past the end, and for a `float` or an integer
    /// smaller than `int` in variadic position, which C promotes (C17 6.5.2.2, 6).
    #[inline]
    pub fn variadic(
        convention: Convention,
        result: Type,
        arguments: impl IntoIterator<Item = Type>,
        first_variadic: usize,
    ) -> Result<Self, InvalidCallInterfaceError> {
        let arguments = collect(arguments);
        let count = arguments.len();
        if first_variadic > count && count <= MAX_ARGUMENTS {
            let reason = InterfaceReason::VariadicPastEnd { found: first_variadic, count };
            return Err(InvalidCallInterfaceError::of(InterfaceField::FirstVariadic, reason));
        }
        // There are no more than that, or it is an error for that.
        let first_variadic = Some(first_variadic as u16);
        Self { convention, result, arguments, first_variadic }.checked()
    }

    #[inline]
    fn checked(self) -> Result<Self, InvalidCallInterfaceError> {
        let plain = self.first_variadic.is_none()
            && self.arguments.len() <= MAX_ARGUMENTS
            && (self.result.is_void() || self.result.is_scalar())
            && self.arguments.iter().all(Type::is_scalar);
        if !plain {
            self.check()?;
        }
        Ok(self)
    }

    /// Everything that may be wrong with a signature; with one of scalars alone, nothing is.
    fn check(&self) -> Result<(), InvalidCallInterfaceError> {
        use InvalidCallInterfaceError as Error;
        let count = self.arguments.len();
        if count > MAX_ARGUMENTS {
            let reason = InterfaceReason::TooManyArguments { found: count, max: MAX_ARGUMENTS };
            return Err(Error::of(InterfaceField::Arguments, reason));
        }
        let array = |ty: &Type| InterfaceReason::Array { found: ty.to_string() };
        if self.result.kind() == TypeKind::Array {
            return Err(Error::of(InterfaceField::Return, array(&self.result)));
        }
        for (index, ty) in self.arguments.iter().enumerate() {
            match ty.kind() {
                TypeKind::Void => return Err(Error::argument(index, InterfaceReason::Void)),
                TypeKind::Array => return Err(Error::argument(index, array(ty))),
                TypeKind::Scalar(scalar)
                    if self.is_variadic_at(index) && scalar.promoted() != scalar =>
                {
                    let (found, expected) = (scalar.c_name(), scalar.promoted().c_name());
                    let reason = InterfaceReason::Promoted { found, expected };
                    return Err(Error::argument(index, reason));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Checks the type of every argument and of the result; for implementations of a calling
    /// convention that does not have them all.
    ///
    /// # Errors
    /// An [`InvalidCallInterfaceError`] with the first reason that `refused` gives, and the
    /// argument that it is about.
    pub fn check_types(
        &self,
        refused: impl Fn(&Type) -> Option<InterfaceReason>,
    ) -> Result<(), InvalidCallInterfaceError> {
        if let Some(reason) = refused(&self.result) {
            return Err(InvalidCallInterfaceError::of(InterfaceField::Return, reason));
        }
        let mut arguments = self.arguments.iter().enumerate();
        match arguments.find_map(|(index, ty)| refused(ty).map(|reason| (index, reason))) {
            Some((index, reason)) => Err(InvalidCallInterfaceError::argument(index, reason)),
            None => Ok(()),
        }
    }

    /// The convention that the function follows.
    #[inline]
    pub fn convention(&self) -> Convention {
        self.convention
    }

    /// What it returns; [`Type::VOID`] for nothing.
    #[inline]
    pub fn return_type(&self) -> &Type {
        &self.result
    }

    /// What it takes, the variadic arguments included.
    ///
    /// # Examples
    /// ```
    /// use ffi_types::{Convention, Signature, Type};
    /// let ldexp = Signature::new(Convention::SysV, Type::F64, [Type::F64, Type::C_INT])?;
    /// assert_eq!(ldexp.arguments(), [Type::F64, Type::C_INT]);
    /// assert_eq!(*ldexp.return_type(), Type::F64);
    /// # Ok::<(), ffi_types::InvalidCallInterfaceError>(())
    /// ```
    #[inline]
    pub fn arguments(&self) -> &[Type] {
        &self.arguments
    }

    /// The index of the first argument passed through `...`, for a variadic function.
    #[inline]
    pub fn first_variadic(&self) -> Option<usize> {
        self.first_variadic.map(usize::from)
    }

    /// Whether the argument of this index is passed through `...`.
    ///
    /// # Examples
    /// ```
    /// use ffi_types::{Convention, Signature, Type};
    /// let open = [Type::POINTER, Type::C_INT, Type::U32];
    /// let open = Signature::variadic(Convention::SysV, Type::C_INT, open, 2)?;
    /// assert_eq!(open.first_variadic(), Some(2));
    /// assert_eq!([1, 2].map(|argument| open.is_variadic_at(argument)), [false, true]);
    /// # Ok::<(), ffi_types::InvalidCallInterfaceError>(())
    /// ```
    pub fn is_variadic_at(&self, index: usize) -> bool {
        self.first_variadic.is_some_and(|first| index >= usize::from(first))
    }
}
