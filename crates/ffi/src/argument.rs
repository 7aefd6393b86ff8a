//! Arguments for checked calls.

use ffi_types::{CType, InterfaceField, InterfaceReason, InvalidCallInterfaceError};
use ffi_types::{MAX_ARGUMENTS, Signature, Type, TypeKind};
use std::ffi::c_void;
use std::marker::PhantomData;
use std::mem::MaybeUninit;

/// A borrowed value to be passed to C, with its size and kind.
#[derive(Debug, Clone, Copy)]
pub struct Arg<'a> {
    pointer: *const c_void,
    size: usize,
    kind: Kind,
    value: PhantomData<&'a [u8]>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Of that type; `None` for a struct or union.
    Of(Option<TypeKind>),
    Bytes,
}

/// Borrows a value as an argument.
///
/// ```
/// use ffi::arg;
/// let name = c"ffi".as_ptr();
/// let arguments = [arg(&1_i32), arg(&2.5_f64), arg(&name)];
/// # let _ = arguments;
/// ```
pub fn arg<T: CType>(value: &T) -> Arg<'_> {
    let pointer = (value as *const T).cast();
    Arg { pointer, size: size_of::<T>(), kind: Kind::Of(T::KIND), value: PhantomData }
}

impl<'a> Arg<'a> {
    /// The address of the value.
    ///
    /// # Examples
    /// ```
    /// let n = 5_i32;
    /// assert_eq!(ffi::arg(&n).as_ptr(), (&raw const n).cast());
    /// ```
    pub fn as_ptr(&self) -> *const c_void {
        self.pointer
    }

    /// An argument given as its bytes, in the machine's byte order, for types known only at run
    /// time. Only their number is checked.
    ///
    /// # Examples
    /// ```
    /// use ffi::{Arg, CallInterface, Type};
    /// use std::ffi::c_void;
    /// extern "C" fn twice(n: i32) -> i32 { 2 * n }
    ///
    /// let interface = CallInterface::new(Type::C_INT, [Type::C_INT])?;
    /// let bytes = 21_i32.to_ne_bytes();
    /// // SAFETY: `twice` has this signature, and the bytes are those of an `int`.
    /// let n: i32 = unsafe { interface.call(twice as *const c_void, &[Arg::bytes(&bytes)]) }?;
    /// assert_eq!(n, 42);
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn bytes(value: &'a [u8]) -> Self {
        let pointer = value.as_ptr().cast();
        Self { pointer, size: value.len(), kind: Kind::Bytes, value: PhantomData }
    }

    /// Whether it is of just this scalar type, as most are: then there is nothing else to check.
    #[inline]
    fn is_scalar(&self, ty: &Type) -> bool {
        match (self.kind, ty.as_scalar()) {
            (Kind::Of(Some(TypeKind::Scalar(found))), Some(expected)) => {
                found == expected && self.size == expected.size()
            }
            _ => false,
        }
    }

    fn check(&self, ty: &Type) -> Result<(), InterfaceReason> {
        match self.kind {
            Kind::Of(kind) => ty.check_value(self.size, kind),
            Kind::Bytes => ty.check_size(self.size),
        }
    }

    /// The bytes of a value of that type.
    pub(crate) fn typed(ty: &Type, value: &'a [u8]) -> Self {
        Self { kind: Kind::Of(Some(ty.kind())), ..Self::bytes(value) }
    }
}

/// Checks the arguments against the signature and hands on their addresses, from the stack.
#[inline]
pub(crate) fn with_pointers<R>(
    signature: &Signature,
    arguments: &[Arg<'_>],
    call: impl FnOnce(*const *const c_void) -> R,
) -> Result<R, InvalidCallInterfaceError> {
    let types = signature.arguments();
    if types.len() != arguments.len() {
        return Err(count_mismatch(types.len(), arguments.len()));
    }
    for (index, (ty, argument)) in types.iter().zip(arguments).enumerate() {
        if !argument.is_scalar(ty) {
            argument
                .check(ty)
                .map_err(|reason| InvalidCallInterfaceError::argument(index, reason))?;
        }
    }
    // No heap: most calls have few arguments, and none has more than `MAX_ARGUMENTS`.
    Ok(match arguments.len() {
        0..=8 => copied::<8, R>(arguments, call),
        9..=64 => copied::<64, R>(arguments, call),
        _ => copied::<MAX_ARGUMENTS, R>(arguments, call),
    })
}

#[cold]
pub(crate) fn count_mismatch(expected: usize, found: usize) -> InvalidCallInterfaceError {
    let reason = InterfaceReason::Count { expected, found };
    InvalidCallInterfaceError::of(InterfaceField::Arguments, reason)
}

/// Calls with their addresses in an array of that length, of which only so many are written.
#[inline(always)]
fn copied<const N: usize, R>(
    arguments: &[Arg<'_>],
    call: impl FnOnce(*const *const c_void) -> R,
) -> R {
    let mut pointers = [const { MaybeUninit::uninit() }; N];
    for (pointer, argument) in pointers.iter_mut().zip(arguments) {
        pointer.write(argument.pointer);
    }
    call(pointers.as_ptr().cast())
}
