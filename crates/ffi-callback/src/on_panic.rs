//! What becomes of a panic in a callback.

use crate::callback::{Head, Identity};
use crate::ending::end;
use crate::prepared::Prepared;
use crate::resume;
use ffi_types::{CType, InterfaceReason, ReturnPlan, TypeKind};
use std::any::Any;
use std::mem::MaybeUninit;

/// What becomes of a panic in a callback's closure. It may not travel into C on its own: C's
/// functions are not made for it.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum OnPanic {
    /// The process ends, with a message that names the callback and has the panic's text.
    #[default]
    Abort,
    /// C gets this value instead, and the panic is forgotten once its message has been printed. Calls
    /// of the pointer after the callback was dropped get it too. Made by
    /// [`returning`](Self::returning).
    Return(ReturnValue),
    /// C gets zero bytes, and the panic goes on where the thread's innermost call of C through this
    /// workspace returns ([`resuming`](crate::resuming), which the checked calls of the facade are
    /// in). Of several panics that wait for the same call, the first goes on. Where there is no such
    /// call, as on a thread that C has started, the process ends as by `Abort`.
    Resume,
    /// It goes on into C at once, and so do C++'s exceptions, and glibc's `pthread_exit`, which
    /// otherwise end the process, with a message of the run-time library's. For
    /// code that is made for it alone: C++, Rust's `extern "C-unwind"` functions, C compiled with
    /// `-fexceptions`. Only for callbacks of the platform's own convention.
    Unwind,
}

impl OnPanic {
    /// C gets this value.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(target_arch = "x86_64")] {
    /// use ffi_abi_sysv::SysV;
    /// use ffi_callback::{CallbackOptions, OnPanic};
    /// let options = CallbackOptions::new().on_panic(OnPanic::returning(-1_i32));
    /// let callback = options.create(&SysV, |n: i32| -> i32 { n.checked_neg().expect("it fits") })?;
    /// # }
    /// # Ok::<(), ffi_callback::CallbackError>(())
    /// ```
    pub fn returning<T: CType>(value: T) -> Self {
        let mut bytes = vec![MaybeUninit::new(0); size_of::<T>()];
        // SAFETY: the vector has as many bytes.
        unsafe { bytes.as_mut_ptr().cast::<T>().write_unaligned(value) };
        Self::Return(ReturnValue { bytes: bytes.into(), kind: T::KIND })
    }
}

/// A value that C gets instead of a closure's result.
#[derive(Debug, Clone)]
pub struct ReturnValue {
    /// Padding stays uninitialised.
    bytes: Box<[MaybeUninit<u8>]>,
    kind: Option<TypeKind>,
}

impl ReturnValue {
    /// Whether it can stand for the result.
    pub(crate) fn check(&self, prepared: &Prepared) -> Result<(), InterfaceReason> {
        prepared.signature.return_type().check_value(self.bytes.len(), self.kind)
    }

    /// Gives it to C.
    ///
    /// # Safety
    /// The registers are those of a call by this plan, and the value was checked against it.
    pub(crate) unsafe fn give(&self, prepared: &Prepared, registers: *mut u8, returned: *mut u8) {
        // SAFETY: the caller's.
        unsafe { give(prepared, &self.bytes, registers, returned) };
    }
}

/// # Safety
/// The registers are those of a call by this plan, and the bytes as many as the result has.
unsafe fn give(
    prepared: &Prepared,
    bytes: &[MaybeUninit<u8>],
    registers: *mut u8,
    returned: *mut u8,
) {
    let (plan, value, len) = (&prepared.plan, bytes.as_ptr().cast::<u8>(), bytes.len());
    // SAFETY: the registers are the caller's, and there is room for the result where C wants it.
    unsafe {
        let value = match plan.result_pointer(registers) {
            Some(memory) => {
                memory.copy_from_nonoverlapping(value, len);
                memory.cast_const()
            }
            None => value,
        };
        plan.store_return(value, returned);
    }
}

/// After a panic: gives C what it gets instead of a result, or ends the process.
///
/// # Safety
/// The call is one by the callback's plan.
#[cold]
pub(crate) unsafe fn panicked(
    head: &Head,
    registers: *mut u8,
    returned: *mut u8,
    payload: Box<dyn Any + Send>,
) {
    let identity = &head.identity;
    match identity.on_panic() {
        OnPanic::Return(value) => {
            discard(identity, payload);
            // SAFETY: the caller's; it was checked when the callback was made.
            unsafe { value.give(head.prepared(), registers, returned) };
        }
        OnPanic::Resume => match resume::keep(payload) {
            Ok(not_first) => {
                if let Some(payload) = not_first {
                    discard(identity, payload);
                }
                // SAFETY: the caller's.
                unsafe { give_zeros(head.prepared(), registers, returned) };
            }
            Err(payload) => abort(identity, &*payload, ", and no call waits for it"),
        },
        OnPanic::Abort | OnPanic::Unwind => abort(identity, &*payload, ""),
    }
}

/// # Safety
/// The registers are those of a call by this plan.
unsafe fn give_zeros(prepared: &Prepared, registers: *mut u8, returned: *mut u8) {
    if let ReturnPlan::Memory { .. } = prepared.plan.return_plan() {
        let zeros = vec![MaybeUninit::new(0); prepared.signature.return_type().size()];
        // SAFETY: the caller's.
        unsafe { give(prepared, &zeros, registers, returned) };
    }
    // The return registers are zero as they are.
}

/// What a panic carries may panic again when it is dropped.
fn discard(identity: &Identity, payload: Box<dyn Any + Send>) {
    let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(payload)));
    if let Err(payload) = dropped {
        abort(identity, &*payload, ", again, when the panic was dropped");
    }
}

fn abort(identity: &Identity, payload: &(dyn Any + Send), how: &str) -> ! {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(the payload is no text)");
    end(format_args!(
        "the callback {identity} panicked{how}, and a panic cannot travel into C; aborting: {text}"
    ));
}
