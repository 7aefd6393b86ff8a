//! A closure with its trampoline, and what happens when C calls it.

use crate::arguments::{Arguments, ReturnSlot};
use crate::error::CallbackError;
use crate::infer::{Closure, MAX_PARAMETERS};
use crate::pool::Trampoline;
use ffi_types::{
    CallbackHeader, CallingConvention, Dispatch, Move, Place, Plan, ReturnPlan, Signature, Slot,
};
use std::any::Any;
use std::ffi::c_void;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

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
    pub(crate) signature: Signature,
    pub(crate) plan: Plan,
    /// Where a typed closure finds its arguments, if in one piece, and its result goes: looked up
    /// once.
    places: [Option<Place>; MAX_PARAMETERS],
    result_to: ResultPlace,
}

/// Where a result goes in the return registers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ResultPlace {
    /// Where its first register is.
    pub(crate) first: u32,
    /// Where its second one is, if it is sixteen bytes that fill two.
    pub(crate) second: Option<u32>,
}

/// What a typed closure is given of a call.
#[derive(Debug)]
pub struct Frame<'a> {
    pub(crate) plan: &'a Plan,
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
        let signature = F::signature(convention.convention())?;
        Self::install(convention, signature, closure, dispatch_typed::<Parameters, F>)
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
        Self::install(convention, signature, closure, dispatch_dynamic::<F>)
    }

    fn install<F: Send + Sync + 'static>(
        convention: &dyn CallingConvention,
        signature: Signature,
        closure: F,
        dispatch: Dispatch,
    ) -> Result<Self, CallbackError> {
        if let Some(first_variadic) = signature.first_variadic() {
            return Err(CallbackError::Variadic { first_variadic });
        }
        let head = Head {
            header: CallbackHeader { dispatch },
            signature,
            plan: Plan::empty(),
            places: Default::default(),
            result_to: ResultPlace::default(),
        };
        // One allocation for everything, in which the plan is made where it stays.
        let mut context = Box::new(Context { head, closure });
        let Head { signature, plan, places, result_to, .. } = &mut context.head;
        convention.plan_into(signature, plan)?;
        for (index, place) in places.iter_mut().enumerate().take(plan.argument_count()) {
            *place = plan.place(index, signature.arguments()[index].size());
        }
        if let ReturnPlan::Registers([first, rest @ ..]) = plan.return_plan() {
            let words = |a: &Move, b: &Move| (a.offset, a.len, b.offset, b.len) == (0, 8, 8, 8);
            let second = match rest {
                [second] if words(first, second) => Some(second.to),
                _ => None,
            };
            *result_to = ResultPlace { first: first.to, second };
        }
        let handler = convention.callback_handler(plan)?;
        let pointer: *mut CallbackHeader = Box::into_raw(context).cast();
        let context = Owned { pointer, free: free::<F> };
        // SAFETY: the handler is that of the plan, and the context lives longer than the trampoline.
        let trampoline = unsafe { Trampoline::new(convention, handler, pointer)? };
        Ok(Self { trampoline, context })
    }

    /// The C function pointer; never null.
    pub fn as_ptr(&self) -> *const c_void {
        self.trampoline.as_ptr()
    }

    /// The signature that C calls it by.
    pub fn signature(&self) -> &Signature {
        &self.context.head().signature
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
    let Head { plan, places, result_to, .. } = &context.head;
    let frame = Frame { plan, places, result_to: *result_to, registers, stack, returned };
    // SAFETY: the registers are those of a call by this plan, whose signature is the closure's.
    guarded(&context.head, || unsafe { context.closure.call(&frame) });
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
    let head = &context.head;
    // A result in registers is collected here first, aligned as far as any type wants it.
    #[repr(C, align(64))]
    struct Room([u8; RESULT_BYTES]);
    let mut room = Room([0; RESULT_BYTES]);
    // SAFETY: the registers are those of a call by this plan.
    let value = match unsafe { head.plan.result_pointer(registers) } {
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
    unsafe { head.plan.store_return(value, returned) };
}

/// Runs a closure, and keeps its panic from travelling into C.
fn guarded(head: &Head, closure: impl FnOnce()) {
    // A closure that is left half-way is never seen again: the process ends.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(closure)) {
        abort(head, &*payload);
    }
}

#[cold]
fn abort(head: &Head, payload: &(dyn Any + Send)) -> ! {
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
