//! What a closure takes out of C's `...`.

use crate::callback::{Body, Frame};
use crate::dynamic::{Arguments, ReturnSlot, with_result};
use crate::prepared::variadic_call;
use ffi_types::{
    CType, CallingConvention, InterfaceReason, InvalidCallInterfaceError, Plan, Signature, Type,
};
use std::mem::MaybeUninit;

/// The arguments that one call passes through `...`, taken out in their order: C's `va_list`.
///
/// The next one is where the convention's own plan puts it, in a call that passes what was taken out
/// so far and then this one: what planning knows of a convention is all there is to know.
pub struct VariadicArguments<'a> {
    convention: &'static dyn CallingConvention,
    signature: &'a Signature,
    /// Of those that were taken out.
    types: Vec<Type>,
    registers: *const u8,
    stack: *const u8,
}

impl VariadicArguments<'_> {
    /// How many were taken out.
    pub fn taken(&self) -> usize {
        self.types.len()
    }

    /// Takes the next one out, as `va_arg(arguments, T)` does.
    ///
    /// # Errors
    /// An [`InvalidCallInterfaceError`] for a type that C promotes on the way (an integer smaller
    /// than `int`, `float`), one that cannot be read by safe code
    /// ([`Type::check_readable`](ffi_types::Type::check_readable)), and one that the convention does
    /// not pass. Nothing is taken out then.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(target_arch = "x86_64")] {
    /// use ffi_abi_sysv::SysV;
    /// use ffi_callback::CallbackOptions;
    /// use ffi_types::{Convention, Signature, Type};
    /// // int sum(int count, ...): as many doubles as it says.
    /// let signature = Signature::variadic(Convention::SysV, Type::F64, [Type::I32], 1)?;
    /// // SAFETY: nobody calls it here.
    /// let sum = unsafe {
    ///     CallbackOptions::new().create_variadic(&SysV, signature, |fixed, rest, result| {
    ///         let count: i32 = fixed.get(0).expect("an int");
    ///         let sum: f64 = (0..count).map(|_| rest.next::<f64>().expect("a double")).sum();
    ///         result.set(sum).expect("a double");
    ///     })?
    /// };
    /// # }
    /// # Ok::<(), ffi_callback::CallbackError>(())
    /// ```
    #[expect(clippy::should_implement_trait, reason = "it has a type parameter")]
    pub fn next<T: CType>(&mut self) -> Result<T, InvalidCallInterfaceError> {
        let (index, ty) = (self.signature.arguments().len() + self.types.len(), T::c_type());
        let readable = ty.check_readable::<T>();
        readable.map_err(|reason| InvalidCallInterfaceError::argument(index, reason))?;
        let mut value = MaybeUninit::<T>::uninit();
        // SAFETY: the value has the size of the type, and is a valid `T` as C passed it for a type
        // that `T` stands for.
        unsafe {
            self.take(ty, value.as_mut_ptr().cast())?;
            Ok(value.assume_init())
        }
    }

    /// Takes the next one out, of a type that is known at run time only, and copies its bytes.
    ///
    /// # Errors
    /// As for [`next`](Self::next), and when the buffer has not exactly the type's size.
    pub fn read(&mut self, ty: &Type, buffer: &mut [u8]) -> Result<(), InvalidCallInterfaceError> {
        let index = self.signature.arguments().len() + self.types.len();
        let fits = ty.check_size(buffer.len());
        fits.map_err(|reason: InterfaceReason| InvalidCallInterfaceError::argument(index, reason))?;
        // Padding at the end of a register need not be moved.
        buffer.fill(0);
        // SAFETY: the buffer has the size of the type.
        unsafe { self.take(ty.clone(), buffer.as_mut_ptr()) }
    }

    /// # Safety
    /// `value` is writable for the size of the type.
    unsafe fn take(&mut self, ty: Type, value: *mut u8) -> Result<(), InvalidCallInterfaceError> {
        let fixed = self.signature.arguments().len();
        self.types.push(ty);
        let mut plan = Plan::empty();
        let planned = variadic_call(self.signature, &self.types)
            .and_then(|call| self.convention.plan_into(&call, &mut plan));
        if let Err(error) = planned {
            self.types.pop();
            return Err(error);
        }
        // SAFETY: whoever made the callback promised that the call passes an argument of this type
        // here; its registers are saved as the plan has them.
        unsafe {
            plan.load_argument(fixed + self.types.len() - 1, self.registers, self.stack, value);
        }
        Ok(())
    }
}

impl std::fmt::Debug for VariadicArguments<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VariadicArguments({} taken of {})", self.taken(), self.signature)
    }
}

/// The body of a closure that takes `...`.
pub(crate) struct Variadic<F> {
    pub(crate) convention: &'static dyn CallingConvention,
    pub(crate) closure: F,
}

impl<F> Body for Variadic<F>
where
    F: Fn(&Arguments<'_>, &mut VariadicArguments<'_>, &mut ReturnSlot<'_>) + Send + Sync,
{
    unsafe fn run(&self, frame: &Frame<'_>) {
        let &Frame { head, registers, stack, .. } = frame;
        let (convention, signature) = (self.convention, &head.prepared().signature);
        let mut rest =
            VariadicArguments { convention, signature, types: Vec::new(), registers, stack };
        // SAFETY: the caller's.
        unsafe {
            with_result(frame, |result| (self.closure)(&Arguments::of(frame), &mut rest, result));
        }
    }
}
