//! A closure with its trampoline, and what happens when C calls it.

use crate::arguments::{Arguments, ReturnSlot};
use crate::error::CallbackError;
use crate::infer::{Closure, MAX_PARAMETERS};
use crate::pool::Trampoline;
use crate::prepared::{Prepared, ResultPlace};
use ffi_types::{CallbackHeader, CallingConvention, Dispatch, Place, Signature, Slot};
use std::any::Any;
use std::ffi::c_void;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The most bytes of a result that comes back in registers.
const RESULT_BYTES: usize = 64;

/// What a trampoline leads to. The assembly reads the header and nothing else.
#[repr(C)]
struct Context<F> {
    head: Head,
    closure: F,
}

/// The part of a context that does not depend on the closure's type.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Head {
    header: CallbackHeader,
    prepared: *const Prepared,
    /// The places that a typed closure looks at, which are nearer here.
    places: [Option<Place>; MAX_PARAMETERS],
    result_to: ResultPlace,
    /// What `prepared` points to, if no other callback has it.
    _own: Option<Arc<Prepared>>,
}

impl Head {
    #[inline(always)]
    pub(crate) fn prepared(&self) -> &Prepared {
        // SAFETY: it is there for ever, or for as long as this.
        unsafe { &*self.prepared }
    }
}

/// What a typed closure is given of a call.
#[derive(Debug)]
pub struct Frame<'a> {
    pub(crate) prepared: &'a Prepared,
    pub(crate) places: &'a [Option<Place>; MAX_PARAMETERS],
    pub(crate) result_to: ResultPlace,
    pub(crate) registers: *const u8,
    pub(crate) stack: *const u8,
    pub(crate) returned: *mut u8,
}

/// A Rust closure that C can call.
///
/// [`as_ptr`](Self::as_ptr) is a C function pointer, callable from any thread, for as long as the
/// callback lives. Dropping the callback frees its trampoline for others.
///
/// A panic in the closure ends the process: it may not travel into C. The message names the
/// callback's signature.
///
/// Whoever calls the pointer, or hands it to code that does, promises that the callback is alive
/// until the call is over, and that the pointer is called as the C function type it was made for.
pub struct Callback {
    // Declared first, so dropped first: no call can start when the context goes.
    trampoline: Trampoline,
    context: Owned,
}

/// A `Box<Context<F>>` whose `F` is forgotten. It stays a raw pointer, as C may be inside it.
struct Owned {
    pointer: *mut CallbackHeader,
    free: unsafe fn(*mut CallbackHeader),
}

impl Owned {
    fn head(&self) -> &Head {
        // SAFETY: the pointer is to a `Context`, which starts with its head and lives as long as
        // this; nothing writes to it.
        unsafe { &*self.pointer.cast::<Head>() }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: `free` belongs to the pointer, and this is the only owner.
        unsafe { (self.free)(self.pointer) };
    }
}

// SAFETY: the closure inside is `Send + Sync`, and nothing else is reached through the pointer.
unsafe impl Send for Owned {}
// SAFETY: as above.
unsafe impl Sync for Owned {}

impl Callback {
    /// Makes a callback whose signature is that of the closure: up to twelve arguments and a
    /// result, each a [`CType`](ffi_types::CType). The closure's parameters need their types
    /// written out.
    ///
    /// # Errors
    /// A [`CallbackError`] when the convention cannot be used on this platform, or when no
    /// trampoline is free.
    pub fn new<Parameters, F>(
        convention: &dyn CallingConvention,
        closure: F,
    ) -> Result<Self, CallbackError>
    where
        F: Closure<Parameters>,
    {
        let prepared = Prepared::of::<Parameters, F>(convention)?;
        Self::install(convention, prepared, None, closure, dispatch_typed::<Parameters, F>)
    }

    /// Makes a callback for a signature that is known at run time only.
    ///
    /// # Errors
    /// A [`CallbackError`] when the signature is variadic or has a type that the convention
    /// cannot pass, when the convention cannot be used on this platform, or when no trampoline is
    /// free.
    pub fn with_signature<F>(
        convention: &dyn CallingConvention,
        signature: Signature,
        closure: F,
    ) -> Result<Self, CallbackError>
    where
        F: Fn(&Arguments<'_>, &mut ReturnSlot<'_>) + Send + Sync + 'static,
    {
        let own: Arc<Prepared> = Prepared::new(convention, signature)?.into();
        let prepared = Arc::as_ptr(&own);
        Self::install(convention, prepared, Some(own), closure, dispatch_dynamic::<F>)
    }

    fn install<F: Send + Sync + 'static>(
        convention: &dyn CallingConvention,
        prepared: *const Prepared,
        own: Option<Arc<Prepared>>,
        closure: F,
        dispatch: Dispatch,
    ) -> Result<Self, CallbackError> {
        // SAFETY: it is there for ever, or for as long as `own`.
        let Prepared { places, result_to, handler, .. } = unsafe { &*prepared };
        let header = CallbackHeader { dispatch };
        let head = Head { header, prepared, places: *places, result_to: *result_to, _own: own };
        let context = Box::new(Context { head, closure });
        let pointer: *mut CallbackHeader = Box::into_raw(context).cast();
        let context = Owned { pointer, free: free::<F> };
        // SAFETY: the handler is that of the plan, and the context lives longer than the trampoline.
        let trampoline = unsafe { Trampoline::new(convention, *handler, pointer)? };
        Ok(Self { trampoline, context })
    }

    /// The C function pointer; never null.
    pub fn as_ptr(&self) -> *const c_void {
        self.trampoline.as_ptr()
    }

    /// The signature that C calls it by.
    pub fn signature(&self) -> &Signature {
        &self.context.head().prepared().signature
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Callback({:?}: {})", self.as_ptr(), self.signature())
    }
}

/// # Safety
/// `context` came from a `Box<Context<F>>` that nothing else frees.
unsafe fn free<F>(context: *mut CallbackHeader) {
    // SAFETY: the caller's.
    drop(unsafe { Box::from_raw(context.cast::<Context<F>>()) });
}

/// # Safety
/// As [`Dispatch`] says; `context` is a `Context<F>`.
unsafe extern "C-unwind" fn dispatch_typed<Parameters, F: Closure<Parameters>>(
    context: *const CallbackHeader,
    registers: *mut u8,
    stack: *const u8,
    returned: *mut u8,
    _: *const Slot,
) {
    // SAFETY: the slot's context is alive while a call is under way; that is the promise of
    // whoever handed the pointer to C.
    let context = unsafe { &*context.cast::<Context<F>>() };
    let Head { places, result_to, .. } = &context.head;
    let prepared = context.head.prepared();
    let frame = Frame { prepared, places, result_to: *result_to, registers, stack, returned };
    // SAFETY: the registers are those of a call by this plan, whose signature is the closure's.
    guarded(prepared, || unsafe { context.closure.call(&frame) });
}

/// # Safety
/// As [`Dispatch`] says; `context` is a `Context<F>`.
unsafe extern "C-unwind" fn dispatch_dynamic<F>(
    context: *const CallbackHeader,
    registers: *mut u8,
    stack: *const u8,
    returned: *mut u8,
    _: *const Slot,
) where
    F: Fn(&Arguments<'_>, &mut ReturnSlot<'_>) + Send + Sync + 'static,
{
    // SAFETY: as in `dispatch_typed`.
    let context = unsafe { &*context.cast::<Context<F>>() };
    let (head, plan) = (context.head.prepared(), &context.head.prepared().plan);
    // A result in registers is collected here first, aligned as far as any type wants it.
    #[repr(C, align(64))]
    struct Room([u8; RESULT_BYTES]);
    let mut room = Room([0; RESULT_BYTES]);
    // SAFETY: the registers are those of a call by this plan.
    let value = match unsafe { plan.result_pointer(registers) } {
        Some(memory) => {
            // SAFETY: the caller of the callback made room for its result there.
            unsafe { memory.write_bytes(0, head.signature.return_type().size()) };
            memory
        }
        None => room.0.as_mut_ptr(),
    };
    let arguments = Arguments { head, registers, stack };
    guarded(head, || (context.closure)(&arguments, &mut ReturnSlot { head, value }));
    // SAFETY: `value` holds the result, or is where it was wanted; `returned` is the handler's.
    unsafe { plan.store_return(value, returned) };
}

/// Runs a closure, and keeps its panic from travelling into C.
fn guarded(head: &Prepared, closure: impl FnOnce()) {
    // A closure that is left half-way is never seen again: the process ends.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(closure)) {
        abort(head, &*payload);
    }
}

#[cold]
fn abort(head: &Prepared, payload: &(dyn Any + Send)) -> ! {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(the payload is no text)");
    eprintln!(
        "ffi: the callback `{}` panicked, and a panic cannot travel into C; aborting: {text}",
        head.signature
    );
    std::process::abort();
}
