//! A closure with its trampoline, and what happens when C calls it.

use crate::ending::end;
use crate::error::CallbackError;
use crate::infer::{Closure, MAX_PARAMETERS};
use crate::on_panic::{OnPanic, panicked};
use crate::options::CallbackOptions;
use crate::pool::{Gated, State, reclaim};
use crate::prepared::{Preparation, Prepared, ResultPlace};
use crate::running::{Gate, Inside};
use crate::threads;
use crate::{Arguments, ReturnSlot};
use ffi_types::{CallbackHeader, CallingConvention, Convention, Place, Signature, Slot};
use std::ffi::c_void;
use std::fmt;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind};

/// What a gate leads to: a callback's data, and its closure behind that.
#[repr(C)]
struct Context<B> {
    head: Head,
    body: B,
}

/// The part of a context that does not depend on the closure's type.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Head {
    /// Whether what unwinds goes on into C.
    unwinds: bool,
    pub(crate) result_to: ResultPlace,
    prepared: *const Prepared,
    /// The places that a typed closure looks at, which are nearer here.
    pub(crate) places: [Option<Place>; MAX_PARAMETERS],
    pub(crate) identity: Identity,
}

/// A closure of any kind, for the plan that it was installed with.
pub(crate) trait Body: Send + Sync {
    /// Takes the arguments out, runs the closure, and puts the result where the caller wants it.
    ///
    /// # Safety
    /// The call is one by the plan that the body was installed with.
    unsafe fn run(&self, frame: &Frame<'_>);
}

impl Head {
    #[inline(always)]
    pub(crate) fn prepared(&self) -> &Prepared {
        // SAFETY: the identity keeps it.
        unsafe { &*self.prepared }
    }
}

/// Who a callback is: what is said of it when something is wrong, and what C gets then. Outlives the
/// closure until the trampoline is another callback's.
#[derive(Debug)]
pub(crate) struct Identity {
    prepared: Preparation,
    /// `None` if nothing was said.
    options: Option<Box<CallbackOptions>>,
}

impl Identity {
    pub(crate) fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    pub(crate) fn on_panic(&self) -> &OnPanic {
        self.options.as_deref().map_or(&OnPanic::Abort, |options| &options.on_panic)
    }

    fn name(&self) -> Option<&str> {
        self.options.as_deref()?.name.as_deref()
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name:?}, `{}`,", self.prepared().signature),
            None => write!(f, "`{}`", self.prepared().signature),
        }
    }
}

/// A call: what it is of, and what [`ffi_types::Dispatch`] was given.
#[derive(Debug)]
pub struct Frame<'a> {
    pub(crate) head: &'a Head,
    pub(crate) registers: *mut u8,
    pub(crate) stack: *const u8,
    pub(crate) returned: *mut u8,
}

/// A Rust closure that C can call.
///
/// [`as_ptr`](Self::as_ptr) is a C function pointer, callable from any thread, for as long as the
/// callback lives.
///
/// # When it is dropped
/// Calls that are under way, on whatever thread, go on undisturbed, and the last one to return frees
/// the closure; `drop` waits for none of them, so that a callback may be dropped from inside itself,
/// or while a lock is held that the closure wants. If there are none, the closure is dropped at once.
///
/// A call that begins later does not reach the closure. It ends the process with a message that names
/// the callback, or gets the value of [`OnPanic::Return`]. That is so until another callback has the
/// trampoline: the address is the same then. Trampolines are used again late: where more of them can
/// be made, when 256 others were freed later.
///
/// # Panics
/// A panic in the closure ends the process: it may not travel into C. [`CallbackOptions::on_panic`]
/// says otherwise.
///
/// # Safety contract
/// Whoever calls the pointer, or hands it to code that does, promises that the pointer is called as
/// the C function type it was made for, and not after the callback was dropped. C's `longjmp` may
/// not leave the closure: its frames are Rust's. In a forked child an `FnMut` that another thread of
/// the parent was inside of is never free again.
pub struct Callback {
    trampoline: ManuallyDrop<Gated>,
    context: ManuallyDrop<Owned>,
}

/// A `Box<Context<B>>` whose `B` is forgotten. It stays a raw pointer, as C may be inside it.
#[derive(Debug)]
pub(crate) struct Owned {
    head: *mut Head,
    free: unsafe fn(*mut Head),
    /// Whether the identity was taken out.
    is_anonymous: bool,
}

impl Owned {
    pub(crate) fn head(&self) -> *mut Head {
        self.head
    }

    pub(crate) fn identity(&self) -> &Identity {
        debug_assert!(!self.is_anonymous, "the identity is taken when nobody asks any more");
        // SAFETY: the pointer is to a `Context`, which starts with its head and lives as long as
        // this; nothing writes to it while it is shared.
        unsafe { &(*self.head).identity }
    }

    /// Takes the identity out; to be done once, when nobody is inside.
    pub(crate) fn take_identity(&mut self) -> Identity {
        debug_assert!(!self.is_anonymous);
        self.is_anonymous = true;
        // SAFETY: it is there, and from now on nobody reads it again, nor is it dropped.
        unsafe { (&raw const (*self.head).identity).read() }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: `free` belongs to the pointer, and this is the only owner. It leaves the identity
        // alone.
        unsafe {
            if !self.is_anonymous {
                (&raw mut (*self.head).identity).drop_in_place();
            }
            (self.free)(self.head);
        }
    }
}

// SAFETY: the closure inside is `Send + Sync`, and nothing else is reached through the pointer.
unsafe impl Send for Owned {}
// SAFETY: as above.
unsafe impl Sync for Owned {}

// What a panic leaves half-way is inside the closure, and catching one that came out of C has nothing
// to do with it.
impl UnwindSafe for Callback {}
impl RefUnwindSafe for Callback {}

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
        F: Closure<Parameters> + Send + Sync + 'static,
    {
        CallbackOptions::new().create(convention, closure)
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
        CallbackOptions::new().create_dynamic(convention, signature, closure)
    }

    /// # Safety
    /// The body may be run with calls by the plan that was prepared, and lives as long as the
    /// callback.
    pub(crate) unsafe fn install<B: Body>(
        convention: &dyn CallingConvention,
        prepared: Preparation,
        options: CallbackOptions,
        body: B,
    ) -> Result<Self, CallbackError> {
        if let OnPanic::Return(value) = &options.on_panic {
            value.check(&prepared).map_err(CallbackError::return_value)?;
        }
        let unwinds = matches!(options.on_panic, OnPanic::Unwind);
        if unwinds && Convention::native() != Ok(convention.convention()) {
            return Err(CallbackError::Unwind { found: convention.convention() });
        }
        let Prepared { places, result_to, handler, .. } = &*prepared;
        let (places, result_to, handler) = (*places, *result_to, *handler);
        let options = (!options.is_default()).then(|| Box::new(options));
        let identity = Identity { prepared, options };
        let prepared: *const Prepared = identity.prepared();
        let head = Head { unwinds, result_to, prepared, places, identity };
        let context = Box::new(ManuallyDrop::new(Context { head, body }));
        let head: *mut Head = Box::into_raw(context).cast();
        let context = Owned { head, free: free::<B>, is_anonymous: false };
        // SAFETY: the handler is that of the plan.
        let trampoline = unsafe { Gated::new(convention, handler, enter::<B>, &context)? };
        Ok(Self { trampoline: ManuallyDrop::new(trampoline), context: ManuallyDrop::new(context) })
    }

    /// The C function pointer; never null.
    pub fn as_ptr(&self) -> *const c_void {
        self.trampoline.as_ptr()
    }

    /// The signature that C calls it by.
    pub fn signature(&self) -> &Signature {
        &self.context.identity().prepared().signature
    }

    /// The name it was given, if any.
    pub fn name(&self) -> Option<&str> {
        self.context.identity().name()
    }

    /// As `drop`, but waits until no call is under way, and only then drops the closure.
    pub(crate) fn drop_and_wait(self) {
        let mut this = ManuallyDrop::new(self);
        let Self { trampoline, context } = &mut *this;
        // SAFETY: they are taken once, as `this` is not dropped.
        let (trampoline, context) =
            unsafe { (ManuallyDrop::take(trampoline), ManuallyDrop::take(context)) };
        trampoline.retire_and_wait(context);
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        // SAFETY: they are taken once, as this runs once.
        let (trampoline, context) = unsafe {
            (ManuallyDrop::take(&mut self.trampoline), ManuallyDrop::take(&mut self.context))
        };
        trampoline.retire(context);
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Callback({:?}: {})", self.as_ptr(), self.signature())
    }
}

/// # Safety
/// `head` came from a `Box<Context<B>>` that nothing else frees; its identity is dropped by others.
unsafe fn free<B>(head: *mut Head) {
    // SAFETY: the caller's. Of the head, the identity alone has something to drop.
    unsafe {
        let mut context = Box::from_raw(head.cast::<ManuallyDrop<Context<B>>>());
        (&raw mut context.body).drop_in_place();
    }
}

/// What C calls.
///
/// # Safety
/// As [`ffi_types::Dispatch`] says; `context` is a gate's header, and while it is open there is a
/// context with that body behind it, and the call is one by its plan.
unsafe extern "C-unwind" fn enter<B: Body>(
    context: *const CallbackHeader,
    registers: *mut u8,
    stack: *const u8,
    returned: *mut u8,
    _: *const Slot,
) {
    // SAFETY: gates live for ever.
    let gate = unsafe { &*context.cast::<Gate>() };
    // Whatever is not usual is done elsewhere: this is all that a call costs, and a small closure is
    // compiled into it.
    let Some(note) = threads::own().and_then(|record| record.note_first(gate)) else {
        // SAFETY: the caller's.
        return unsafe { enter_slowly(gate, run::<B>, registers, stack, returned) };
    };
    let head = gate.head();
    // SAFETY: what is behind the gate stays while there is a note.
    if head.is_null() || unsafe { (*head).unwinds } {
        note.remove(gate);
        // SAFETY: the caller's.
        return unsafe { enter_slowly(gate, run::<B>, registers, stack, returned) };
    }
    // SAFETY: what is behind the gate stays while there is a note, and has such a body.
    let context = unsafe { &*head.cast::<Context<B>>() };
    let frame = Frame { head: &context.head, registers, stack, returned };
    // SAFETY: the caller's.
    let run = || unsafe { context.body.run(&frame) };
    // What the closure leaves half-way is its owner's affair, by the policy that was chosen.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(run)) {
        // SAFETY: the caller's.
        unsafe { panicked(&context.head, registers, returned, payload) };
    }
    if note.remove(gate) {
        reclaim();
    }
}

/// Runs a closure, for [`enter_slowly`].
///
/// # Safety
/// `head` is the gate's, of a context with that body, and the frame of a call by its plan.
#[cold]
unsafe fn run<B: Body>(head: *const Head, frame: &Frame<'_>) {
    // SAFETY: the caller's. The frame's own reference to the head would not do: the body is behind it.
    unsafe {
        let context = &*head.cast::<Context<B>>();
        context.body.run(frame);
    }
}

/// As [`enter`], for the first call of a thread, for calls from within other callbacks, for calls that
/// come too late, and for callbacks that let pass what unwinds.
///
/// # Safety
/// As there; `run` is for contexts with that body.
#[cold]
unsafe fn enter_slowly(
    gate: &'static Gate,
    run: unsafe fn(*const Head, &Frame<'_>),
    registers: *mut u8,
    stack: *const u8,
    returned: *mut u8,
) {
    /// Also when something unwinds.
    struct Call(&'static Gate, Option<Inside<'static>>);
    impl Drop for Call {
        fn drop(&mut self) {
            if self.1.take().is_some_and(|inside| inside.leave(self.0)) {
                reclaim();
            }
        }
    }
    let record = threads::own_or_made();
    let _call = Call(gate, Some(Inside::enter(gate, record)));
    let context = gate.head();
    // SAFETY: what is behind the gate stays while the call is noted.
    let Some(head) = (unsafe { context.as_ref() }) else {
        // SAFETY: the registers are those of a call by the plan that was behind the gate.
        return unsafe { stale(gate, registers, returned) };
    };
    let frame = Frame { head, registers, stack, returned };
    // SAFETY: the caller's.
    let run = || unsafe { run(context, &frame) };
    if head.unwinds {
        run();
    } else if let Err(payload) = catch_unwind(AssertUnwindSafe(run)) {
        // SAFETY: the caller's.
        unsafe { panicked(head, registers, returned, payload) };
    }
}

/// A call that came too late.
///
/// # Safety
/// The registers are those of a call by the plan of the callback that was behind the gate last.
#[cold]
unsafe fn stale(gate: &Gate, registers: *mut u8, returned: *mut u8) {
    let state = State::lock();
    let text = state.identity_of(gate, |identity| match identity.on_panic() {
        OnPanic::Return(value) => {
            // SAFETY: the caller's; the value was checked against the plan.
            unsafe { value.give(identity.prepared(), registers, returned) };
            None
        }
        _ => Some(identity.to_string()),
    });
    drop(state);
    let Some(text) = text.unwrap_or_else(|| Some("(another has its place by now)".into())) else {
        return;
    };
    end(format_args!("C called the callback {text} after it was dropped; aborting"));
}
