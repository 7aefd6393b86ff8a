//! Signatures inferred from the types of Rust closures.

use crate::arguments::Arguments;
use ffi_types::{CType, Convention, InvalidCallInterfaceError, Signature};
use std::mem::MaybeUninit;

/// A closure whose parameters and result are [`CType`]s. Implemented for every
/// `Fn(A, B, …) -> R + Send + Sync + 'static` of up to twelve parameters; `Parameters` is
/// `fn(A, B, …) -> R` and is inferred.
///
/// Sealed in effect: its methods are of use to this crate alone.
pub trait Closure<Parameters>: Send + Sync + 'static {
    /// The signature of the closure.
    ///
    /// # Errors
    /// [`InvalidCallInterfaceError`] for a parameter that is no C argument, such as `()`.
    #[doc(hidden)]
    fn signature(convention: Convention) -> Result<Signature, InvalidCallInterfaceError>;

    /// Takes the arguments out, runs the closure and puts the result where the caller wants it.
    ///
    /// # Safety
    /// The arguments are those of a call by a plan of [`signature`](Self::signature), and
    /// `returned` is writable for that plan's return registers and aligned to 8.
    #[doc(hidden)]
    unsafe fn call(&self, arguments: &Arguments<'_>, returned: *mut u8);
}

macro_rules! closures {
    ($($parameter:ident $index:tt)*) => {
        impl<F, R, $($parameter),*> Closure<fn($($parameter),*) -> R> for F
        where
            F: Fn($($parameter),*) -> R + Send + Sync + 'static,
            R: CType,
            $($parameter: CType,)*
        {
            fn signature(convention: Convention) -> Result<Signature, InvalidCallInterfaceError> {
                Signature::new(convention, R::c_type(), [$($parameter::c_type()),*])
            }

            unsafe fn call(&self, arguments: &Arguments<'_>, returned: *mut u8) {
                // SAFETY: the arguments are of this signature, so each has its parameter's type.
                let result = self($(unsafe { take::<$parameter>(arguments, $index) }),*);
                let plan = arguments.plan.plan();
                if R::SCALAR.is_some() {
                    // SAFETY: the result is a scalar, and `returned` is the caller's.
                    return unsafe { plan.store_scalar(result, returned) };
                }
                // SAFETY: the registers are those of a call by this plan.
                let memory = unsafe { plan.result_pointer(arguments.registers) };
                let value = match memory {
                    Some(memory) => {
                        // SAFETY: the caller of the callback made room for an `R` there.
                        unsafe { memory.cast::<R>().write_unaligned(result) };
                        memory.cast_const()
                    }
                    None => (&raw const result).cast(),
                };
                // SAFETY: `value` is an `R`, and `returned` is the caller's.
                unsafe { plan.store_return(value, returned) };
            }
        }
    };
}

closures!();
closures!(A 0);
closures!(A 0 B 1);
closures!(A 0 B 1 C 2);
closures!(A 0 B 1 C 2 D 3);
closures!(A 0 B 1 C 2 D 3 E 4);
closures!(A 0 B 1 C 2 D 3 E 4 G 5);
closures!(A 0 B 1 C 2 D 3 E 4 G 5 H 6);
closures!(A 0 B 1 C 2 D 3 E 4 G 5 H 6 I 7);
closures!(A 0 B 1 C 2 D 3 E 4 G 5 H 6 I 7 J 8);
closures!(A 0 B 1 C 2 D 3 E 4 G 5 H 6 I 7 J 8 K 9);
closures!(A 0 B 1 C 2 D 3 E 4 G 5 H 6 I 7 J 8 K 9 L 10);
closures!(A 0 B 1 C 2 D 3 E 4 G 5 H 6 I 7 J 8 K 9 L 10 M 11);

/// # Safety
/// The argument of that index is of a type that `T` stands for.
#[inline(always)]
unsafe fn take<T: CType>(arguments: &Arguments<'_>, index: usize) -> T {
    if T::SCALAR.is_some() {
        let plan = arguments.plan.plan();
        // SAFETY: the argument is a scalar, and the registers and stack are those of its call.
        return unsafe { plan.load_scalar(index, arguments.registers, arguments.stack) };
    }
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: the value has the size of the argument's type, and all of it is written that C
    // defines; what is left is padding.
    unsafe {
        arguments.load(index, value.as_mut_ptr().cast());
        value.assume_init()
    }
}
