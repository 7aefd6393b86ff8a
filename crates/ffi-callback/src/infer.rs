//! Signatures inferred from the types of Rust closures.

use crate::callback::Frame;
use crate::prepared::ResultPlace;
use ffi_types::{CType, Convention, InvalidCallInterfaceError, Signature, TypeKind, store_scalar};
use std::mem::MaybeUninit;

/// The most parameters that a closure with an inferred signature can have.
pub(crate) const MAX_PARAMETERS: usize = 12;

/// A closure that can be called once, whose parameters and result are [`CType`]s. Implemented for
/// every `FnOnce(A, B, …) -> R` of up to twelve parameters; `Parameters` is `fn(A, B, …) -> R` and is
/// inferred.
///
/// Sealed in effect: its methods are of use to this crate alone.
#[diagnostic::on_unimplemented(
    message = "C cannot call this as a callback",
    label = "expected a closure of up to twelve parameters, each of a type that is `CType`",
    note = "the types are written out, as in `|x: *const u8, n: usize| -> i32`; a raw pointer stands for a reference",
    note = "for more parameters, or types known at run time, there is `Callback::dynamic`"
)]
pub trait ClosureOnce<Parameters>: Sized {
    /// The signature of the closure.
    ///
    /// # Errors
    /// [`InvalidCallInterfaceError`] for a parameter that is no C argument, such as `()`.
    #[doc(hidden)]
    fn signature(convention: Convention) -> Result<Signature, InvalidCallInterfaceError>;

    /// Takes the arguments out, runs the closure and puts the result where the caller wants it.
    ///
    /// # Safety
    /// The frame is that of a call by a plan of [`signature`](Self::signature).
    #[doc(hidden)]
    unsafe fn call_once(self, frame: &Frame<'_>);
}

/// As [`ClosureOnce`], for every `FnMut(A, B, …) -> R`.
#[diagnostic::on_unimplemented(
    message = "C cannot call this as a callback",
    label = "expected a closure of up to twelve parameters, each of a type that is `CType`",
    note = "the types are written out, as in `|x: *const u8, n: usize| -> i32`; a raw pointer stands for a reference",
    note = "for more parameters, or types known at run time, there is `Callback::dynamic`"
)]
pub trait ClosureMut<Parameters>: ClosureOnce<Parameters> {
    /// As [`ClosureOnce::call_once`].
    ///
    /// # Safety
    /// As there.
    #[doc(hidden)]
    unsafe fn call_mut(&mut self, frame: &Frame<'_>);
}

/// As [`ClosureOnce`], for every `Fn(A, B, …) -> R`.
#[diagnostic::on_unimplemented(
    message = "C cannot call this as a callback",
    label = "expected a closure of up to twelve parameters, each of a type that is `CType`",
    note = "the types are written out, as in `|x: *const u8, n: usize| -> i32`; a raw pointer stands for a reference",
    note = "for more parameters, or types known at run time, there is `Callback::dynamic`"
)]
pub trait Closure<Parameters>: ClosureMut<Parameters> {
    /// As [`ClosureOnce::call_once`].
    ///
    /// # Safety
    /// As there.
    #[doc(hidden)]
    unsafe fn call(&self, frame: &Frame<'_>);
}

macro_rules! closures {
    ($($parameter:ident $index:tt)*) => {
        impl<F, R, $($parameter),*> ClosureOnce<fn($($parameter),*) -> R> for F
        where
            F: FnOnce($($parameter),*) -> R,
            R: CType,
            $($parameter: CType,)*
        {
            fn signature(convention: Convention) -> Result<Signature, InvalidCallInterfaceError> {
                Signature::new(convention, R::c_type(), [$($parameter::c_type()),*])
            }

            #[inline(always)]
            unsafe fn call_once(self, frame: &Frame<'_>) {
                // SAFETY: the frame is of this signature, so each has its parameter's type.
                let result = self($(unsafe { take::<$parameter>(frame, $index) }),*);
                // SAFETY: the frame is of this signature, so the result has its type.
                unsafe { give(frame, result) };
            }
        }

        impl<F, R, $($parameter),*> ClosureMut<fn($($parameter),*) -> R> for F
        where
            F: FnMut($($parameter),*) -> R,
            R: CType,
            $($parameter: CType,)*
        {
            #[inline(always)]
            unsafe fn call_mut(&mut self, frame: &Frame<'_>) {
                // SAFETY: the frame is of this signature, so each has its parameter's type.
                let result = self($(unsafe { take::<$parameter>(frame, $index) }),*);
                // SAFETY: the frame is of this signature, so the result has its type.
                unsafe { give(frame, result) };
            }
        }

        impl<F, R, $($parameter),*> Closure<fn($($parameter),*) -> R> for F
        where
            F: Fn($($parameter),*) -> R,
            R: CType,
            $($parameter: CType,)*
        {
            #[inline(always)]
            unsafe fn call(&self, frame: &Frame<'_>) {
                // SAFETY: the frame is of this signature, so each has its parameter's type.
                let result = self($(unsafe { take::<$parameter>(frame, $index) }),*);
                // SAFETY: the frame is of this signature, so the result has its type.
                unsafe { give(frame, result) };
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

/// Whether the type is a scalar that is passed in one piece by every convention.
const fn is_word<T: CType>() -> bool {
    T::SCALAR.is_some() && size_of::<T>() <= 8
}

/// # Safety
/// The argument of that index is of a type that `T` stands for.
#[inline(always)]
unsafe fn take<T: CType>(frame: &Frame<'_>, index: usize) -> T {
    if is_word::<T>() {
        debug_assert!(frame.head.places[index].is_some(), "a scalar is in one piece");
        // SAFETY: the place was looked up for this plan, and every convention has one for a scalar.
        return unsafe {
            let place = frame.head.places[index].unwrap_unchecked();
            place.load(frame.registers, frame.stack)
        };
    }
    if let Some(place) = frame.head.places[index] {
        // SAFETY: the place was looked up for this plan.
        return unsafe { place.load(frame.registers, frame.stack) };
    }
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: the value has the size of the argument's type, and all of it is written that C
    // defines; what is left is padding.
    unsafe {
        frame.gather(index, value.as_mut_ptr().cast());
        value.assume_init()
    }
}

/// # Safety
/// The return type is one that `R` stands for.
#[inline(always)]
unsafe fn give<R: CType>(frame: &Frame<'_>, result: R) {
    if matches!(R::KIND, Some(TypeKind::Void)) {
        return;
    }
    let ResultPlace { first, second } = frame.head.result_to;
    if is_word::<R>() {
        // SAFETY: a scalar is returned in the register of the plan's only return move.
        return unsafe { store_scalar(result, first, frame.returned) };
    }
    if let (Some(second), 16) = (second, size_of::<R>()) {
        let words = (&raw const result).cast::<[MaybeUninit<u64>; 2]>();
        // SAFETY: the result has sixteen bytes, and there are two registers for them.
        unsafe {
            let [a, b] = words.read_unaligned();
            frame.returned.add(first as usize).cast::<MaybeUninit<u64>>().write(a);
            frame.returned.add(second as usize).cast::<MaybeUninit<u64>>().write(b);
        }
        return;
    }
    // SAFETY: the value is an `R`.
    unsafe { frame.give((&raw const result).cast(), size_of::<R>()) };
}

impl Frame<'_> {
    /// Puts together an argument that is in several pieces, or fetches one that is passed by
    /// reference. One for all closures: it is long.
    ///
    /// # Safety
    /// `value` is writable for the size of the argument's type.
    #[inline(never)]
    unsafe fn gather(&self, index: usize, value: *mut u8) {
        let plan = &self.head.prepared().plan;
        // SAFETY: the caller's; the registers and the stack are those of a call by this plan.
        unsafe { plan.load_argument(index, self.registers, self.stack, value) };
    }

    /// Puts a result where the caller wants it, be that memory or registers. One for all closures.
    ///
    /// # Safety
    /// `value` has as many bytes as the return type.
    #[inline(never)]
    unsafe fn give(&self, value: *const u8, size: usize) {
        let plan = &self.head.prepared().plan;
        // SAFETY: the caller's; the registers are those of a call by this plan, and its caller made
        // room for the result where it wants it.
        unsafe {
            let value = match plan.result_pointer(self.registers) {
                Some(memory) => {
                    memory.copy_from_nonoverlapping(value, size);
                    memory.cast_const()
                }
                None => value,
            };
            plan.store_return(value, self.returned);
        }
    }
}
