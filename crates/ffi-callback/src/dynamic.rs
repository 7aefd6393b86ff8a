//! What a closure with a run-time signature receives and returns.

use crate::callback::{Body, Frame};
use crate::prepared::Prepared;
use ffi_types::{CType, InterfaceField, InterfaceReason, InvalidCallInterfaceError, Type};
use std::mem::MaybeUninit;

/// The arguments of one call of a callback.
#[derive(Debug)]
pub struct Arguments<'a> {
    pub(crate) head: &'a Prepared,
    pub(crate) registers: *const u8,
    pub(crate) stack: *const u8,
}

impl<'a> Arguments<'a> {
    /// # Safety
    /// The call is one by its head's plan.
    pub(crate) unsafe fn of(frame: &Frame<'a>) -> Self {
        let &Frame { head, registers, stack, .. } = frame;
        Self { head: head.prepared(), registers, stack }
    }
}

impl Arguments<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.head.signature.arguments().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type of an argument, counted from 0.
    pub fn ty(&self, index: usize) -> Option<&Type> {
        self.head.signature.arguments().get(index)
    }

    fn checked_ty(&self, index: usize) -> Result<&Type, InvalidCallInterfaceError> {
        self.ty(index).ok_or_else(|| {
            let reason = InterfaceReason::NoSuchArgument { count: self.len() };
            InvalidCallInterfaceError::argument(index, reason)
        })
    }

    /// The argument of that index, counted from 0, as a Rust value.
    ///
    /// # Errors
    /// An [`InvalidCallInterfaceError`] when there is no such argument, or when `T` has another
    /// size or kind than the argument's type. A `bool` or a struct has to be of that very type,
    /// a function pointer is read as a raw pointer and an enum as its integer: see
    /// [`Type::check_readable`](ffi_types::Type::check_readable).
    ///
    /// # Examples
    /// ```
    /// # #[cfg(target_arch = "x86_64")] {
    /// use ffi_abi_sysv::SysV;
    /// use ffi_callback::Callback;
    /// use ffi_types::{Convention, Signature, Type};
    /// let signature = Signature::new(Convention::SysV, Type::F64, [Type::F64, Type::C_INT])?;
    /// let ldexp = Callback::with_signature(&SysV, signature, |arguments, result| {
    ///     let (x, exponent): (f64, i32) = (arguments.get(0).unwrap(), arguments.get(1).unwrap());
    ///     assert!(arguments.get::<f32>(0).is_err()); // four bytes, not eight
    ///     result.set(x * 2_f64.powi(exponent)).unwrap();
    /// })?;
    /// # let _ = ldexp;
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get<T: CType>(&self, index: usize) -> Result<T, InvalidCallInterfaceError> {
        let ty = self.checked_ty(index)?;
        ty.check_readable::<T>()
            .map_err(|reason| InvalidCallInterfaceError::argument(index, reason))?;
        let mut value = MaybeUninit::<T>::uninit();
        // SAFETY: the registers and the stack are those of this call, and the value has the
        // argument's size. It is a valid `T` as C passed it for a type that `T` stands for.
        unsafe {
            self.load(index, value.as_mut_ptr().cast());
            Ok(value.assume_init())
        }
    }

    /// Copies the bytes of an argument. Padding inside a struct has whatever the caller left.
    ///
    /// # Errors
    /// An [`InvalidCallInterfaceError`] when there is no such argument, or when the buffer has not
    /// exactly its size.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(target_arch = "x86_64")] {
    /// use ffi_abi_sysv::SysV;
    /// use ffi_callback::Callback;
    /// use ffi_types::{Convention, Signature, Type};
    /// let pair = Type::structure("pair").field("a", Type::I32).field("b", Type::I32).build()?;
    /// let signature = Signature::new(Convention::SysV, pair.clone(), [pair])?;
    /// let same = Callback::with_signature(&SysV, signature, |arguments, result| {
    ///     let mut bytes = [0; 8];
    ///     arguments.read(0, &mut bytes).unwrap();
    ///     result.set_bytes(&bytes).unwrap();
    /// })?;
    /// # let _ = same;
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(&self, index: usize, buffer: &mut [u8]) -> Result<(), InvalidCallInterfaceError> {
        self.checked_ty(index)?
            .check_size(buffer.len())
            .map_err(|reason| InvalidCallInterfaceError::argument(index, reason))?;
        // Padding at the end of a register need not be moved.
        buffer.fill(0);
        // SAFETY: the registers and the stack are those of this call, and the buffer has the
        // argument's size.
        unsafe { self.load(index, buffer.as_mut_ptr()) };
        Ok(())
    }

    /// # Safety
    /// `value` is writable for the size of the argument's type.
    pub(crate) unsafe fn load(&self, index: usize, value: *mut u8) {
        // SAFETY: whoever made `self` gave the registers and the stack of a call by this plan.
        unsafe { self.head.plan.load_argument(index, self.registers, self.stack, value) };
    }
}

/// Where a closure with a run-time signature leaves its result. A result that is not set is all
/// zero bytes.
#[derive(Debug)]
pub struct ReturnSlot<'a> {
    pub(crate) head: &'a Prepared,
    pub(crate) value: *mut u8,
}

impl ReturnSlot<'_> {
    /// The type of the result.
    pub fn ty(&self) -> &Type {
        self.head.signature.return_type()
    }

    /// Sets the result.
    ///
    /// # Errors
    /// An [`InvalidCallInterfaceError`] when `T` has another size or kind than the return type.
    pub fn set<T: CType>(&mut self, value: T) -> Result<(), InvalidCallInterfaceError> {
        self.ty().check_value(size_of::<T>(), T::KIND).map_err(invalid)?;
        // SAFETY: the slot has the size of the return type, and so has `T`.
        unsafe { self.value.cast::<T>().write_unaligned(value) };
        Ok(())
    }

    /// Sets the result from its bytes.
    ///
    /// # Errors
    /// An [`InvalidCallInterfaceError`] when they are not as many as the return type has.
    pub fn set_bytes(&mut self, bytes: &[u8]) -> Result<(), InvalidCallInterfaceError> {
        self.ty().check_size(bytes.len()).map_err(invalid)?;
        // SAFETY: the slot has the size of the return type, and so have the bytes.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.value, bytes.len()) };
        Ok(())
    }
}

/// The most bytes of a result that comes back in registers.
const RESULT_BYTES: usize = 64;

/// A result in registers is collected here first, aligned as far as any type wants it.
#[repr(C, align(64))]
struct Room([u8; RESULT_BYTES]);

/// The body of a closure with a run-time signature.
pub(crate) struct Dynamic<F>(pub(crate) F);

impl<F> Body for Dynamic<F>
where
    F: Fn(&Arguments<'_>, &mut ReturnSlot<'_>) + Send + Sync,
{
    unsafe fn run(&self, frame: &Frame<'_>) {
        // SAFETY: the caller's.
        unsafe { with_result(frame, |result| (self.0)(&Arguments::of(frame), result)) };
    }
}

/// Runs `f` with a slot for the result, and gives C what it has left there.
///
/// # Safety
/// The call is one by the plan.
pub(crate) unsafe fn with_result(frame: &Frame<'_>, f: impl FnOnce(&mut ReturnSlot<'_>)) {
    let (head, &Frame { registers, returned, .. }) = (frame.head.prepared(), frame);
    let mut room = Room([0; RESULT_BYTES]);
    // SAFETY: the caller's.
    let value = match unsafe { head.plan.result_pointer(registers) } {
        Some(memory) => {
            // SAFETY: the caller of the callback made room for its result there.
            unsafe { memory.write_bytes(0, head.signature.return_type().size()) };
            memory
        }
        None => room.0.as_mut_ptr(),
    };
    f(&mut ReturnSlot { head, value });
    // SAFETY: `value` holds the result, or is where it was wanted; `returned` is the handler's.
    unsafe { head.plan.store_return(value, returned) };
}

pub(crate) fn invalid(reason: InterfaceReason) -> InvalidCallInterfaceError {
    InvalidCallInterfaceError::of(InterfaceField::Return, reason)
}
