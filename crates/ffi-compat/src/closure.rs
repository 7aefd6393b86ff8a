//! Closures: C functions with a context.

use crate::callee::Callee;
use crate::cif::{ffi_cif, plan_again, plan_of};
use crate::prepared::Prepared;
use crate::spare;
use crate::types::*;
use ffi::Convention;
use ffi_callback::Trampoline;
use ffi_types::{CallbackHeader, CallingConvention, Signature, Slot, Type};
use std::alloc::Layout;
use std::ffi::{c_char, c_void};
use std::io::Write;
use std::ptr::{null, null_mut};
use std::sync::OnceLock;

/// What a closure's function is given: the cif, where its result goes (at least 8 bytes; for an
/// integer smaller than that, an `ffi_arg`), a pointer to each argument, and the user's data.
pub type ffi_fun =
    unsafe extern "C-unwind" fn(*mut ffi_cif, *mut c_void, *mut *mut c_void, *mut c_void);

/// A closure, with libffi's layout: 56 bytes on x86-64, 48 on AArch64 Linux.
#[repr(C)]
#[derive(Debug)]
pub struct ffi_closure {
    /// For code and its slot, where the memory is the caller's own.
    pub tramp: [c_char; TRAMPOLINE_SIZE],
    /// What C calls it by.
    pub cif: *mut ffi_cif,
    /// What is called.
    pub fun: Option<ffi_fun>,
    /// What it is given.
    pub user_data: *mut c_void,
}

/// `FFI_TRAMPOLINE_SIZE`.
const TRAMPOLINE_SIZE: usize = match (cfg!(target_arch = "x86_64"), cfg!(target_vendor = "apple")) {
    (true, _) => 32,
    (_, true) => 16,
    _ => 24,
};

/// What is before a closure in memory: what its trampoline leads to.
#[repr(C, align(16))]
pub(crate) struct Hidden {
    header: CallbackHeader,
    /// Null until it is prepared.
    callee: *const Callee,
    /// For a plan that is in no table.
    own: Option<Box<Prepared>>,
    trampoline: Option<Trampoline>,
    /// Whether it waits to be used again.
    is_free: bool,
    /// Of the whole piece of memory.
    layout: Layout,
}

impl Hidden {
    /// The closure's own part.
    fn closure(this: *const Self) -> *mut ffi_closure {
        this.wrapping_add(1).cast_mut().cast()
    }
}

/// Makes memory for a closure of `size` bytes, at least `sizeof(ffi_closure)`, and writes to
/// `code` the address that C is to call. Null if there is no memory, or no trampoline free.
///
/// # Safety
/// `code` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ffi_closure_alloc(size: usize, code: *mut *mut c_void) -> *mut c_void {
    if code.is_null() {
        return null_mut();
    }
    let hidden = match size <= USUAL {
        true => spare::take().unwrap_or_else(|| Hidden::make(USUAL)),
        false => Hidden::make(size),
    };
    // SAFETY: it is null or what was made, and nobody else's.
    unsafe {
        let Some(trampoline) = hidden.as_ref().and_then(|hidden| hidden.trampoline.as_ref()) else {
            return null_mut();
        };
        code.write(trampoline.as_ptr().cast_mut());
        (*hidden).header.dispatch = unprepared;
        (*hidden).is_free = false;
    }
    Hidden::closure(hidden).cast()
}

/// The size of the largest closure that programs know.
const USUAL: usize = size_of::<crate::raw::ffi_raw_closure>();

impl Hidden {
    /// Memory for a closure of that size, with a trampoline; null where one of them is not to be
    /// had.
    fn make(size: usize) -> *mut Self {
        let rest = Layout::from_size_align(size.max(USUAL), 16);
        let Ok((layout, _)) = rest.and_then(|rest| Layout::new::<Self>().extend(rest)) else {
            return null_mut();
        };
        // SAFETY: the layout has a size.
        let hidden: *mut Self = unsafe { std::alloc::alloc_zeroed(layout) }.cast();
        if hidden.is_null() {
            return null_mut();
        }
        let header = CallbackHeader { dispatch: unprepared };
        // SAFETY: the memory was just made for it, and the handler is of a call of which
        // `unprepared` looks at no argument; the trampoline goes before the memory does.
        unsafe {
            let (callee, own, trampoline, is_free) = (null(), None, None, false);
            hidden.write(Self { header, callee, own, trampoline, is_free, layout });
            let trampoline = native().and_then(|native| {
                let handler = native.handler.cast();
                Trampoline::new(native.implementation, handler, hidden.cast()).ok()
            });
            if trampoline.is_none() {
                Self::unmake(hidden);
                return null_mut();
            }
            (*hidden).trampoline = trampoline;
        }
        hidden
    }

    /// # Safety
    /// It is what [`make`](Self::make) made, and nobody else's.
    pub(crate) unsafe fn unmake(hidden: *mut Self) {
        // SAFETY: the caller's.
        unsafe {
            let layout = (*hidden).layout;
            hidden.drop_in_place();
            std::alloc::dealloc(hidden.cast(), layout);
        }
    }
}

/// The platform's own convention, whose trampolines serve all of the processor's.
struct Native {
    implementation: &'static dyn CallingConvention,
    /// For closures that are not prepared.
    handler: *const u8,
}

// SAFETY: the handler is code.
unsafe impl Send for Native {}
// SAFETY: as above.
unsafe impl Sync for Native {}

fn native() -> Option<&'static Native> {
    static NATIVE: OnceLock<Option<Native>> = OnceLock::new();
    let native = || {
        let convention = Convention::native().ok()?;
        let implementation = ffi::implementation(convention).ok()?;
        let plan = implementation.plan(&Signature::new(convention, Type::VOID, []).ok()?).ok()?;
        let handler = implementation.callback_handler(&plan).ok()?.cast();
        Some(Native { implementation, handler })
    };
    NATIVE.get_or_init(native).as_ref()
}

/// Frees a closure. Calls by its code address then end the program with a message, until another
/// closure gets that address; and so does freeing it again, until then.
///
/// # Safety
/// `closure` is null or came from [`ffi_closure_alloc`] and is not freed; no call is under way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ffi_closure_free(closure: *mut c_void) {
    if closure.is_null() {
        return;
    }
    let hidden = closure.cast::<Hidden>().wrapping_sub(1);
    // SAFETY: the caller's: it is what `ffi_closure_alloc` made.
    unsafe {
        if std::mem::replace(&mut (*hidden).is_free, true) {
            eprintln!("ffi: the closure at {closure:?} is freed twice; aborting");
            std::process::abort();
        }
        (*hidden).header.dispatch = freed;
        (*hidden).own = None;
        if (*hidden).layout.size() > size_of::<Hidden>() + USUAL || !spare::keep(hidden) {
            Hidden::unmake(hidden);
        }
    }
}

/// Prepares a closure: C calls `codeloc` as a function of the cif's signature, and `fun` is called.
///
/// The closure comes from [`ffi_closure_alloc`], with the code address that it gave; or on x86-64
/// it is in memory that the caller has made, or is going to make, executable at `codeloc`, and a
/// few instructions are written to it.
///
/// Returns [`FFI_OK`]; [`FFI_BAD_TYPEDEF`] for a null closure or cif, or one that was not prepared;
/// and [`FFI_BAD_ABI`] for a null function, a null code address or one that is another closure's,
/// and a signature that closures of the convention cannot have.
///
/// # Safety
/// `closure` is null or came from [`ffi_closure_alloc`], or is writable; `cif` is null or a cif,
/// and stays as long as the closure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ffi_prep_closure_loc(
    closure: *mut ffi_closure,
    cif: *mut ffi_cif,
    fun: Option<ffi_fun>,
    user_data: *mut c_void,
    codeloc: *mut c_void,
) -> ffi_status {
    if closure.is_null() || cif.is_null() {
        return FFI_BAD_TYPEDEF;
    }
    if fun.is_none() || codeloc.is_null() {
        return FFI_BAD_ABI;
    }
    let hidden = closure.cast::<Hidden>().wrapping_sub(1);
    let implementation = native().map(|native| native.implementation);
    let context = implementation.and_then(|it| Trampoline::context_at(it, codeloc).ok()?);
    // SAFETY: the caller's: a closure that a trampoline leads to came from `ffi_closure_alloc`.
    unsafe {
        let status = match context {
            // Nothing is read before the closure unless the trampoline says that it is ours.
            Some(context) if !std::ptr::eq(context.cast(), hidden) => return FFI_BAD_ABI,
            Some(_) => Hidden::prepare(hidden, cif, codeloc),
            None => prepare_foreign(closure, cif),
        };
        if status == FFI_OK {
            (*closure).cif = cif;
            (*closure).fun = fun;
            (*closure).user_data = user_data;
        }
        status
    }
}

impl Hidden {
    /// # Safety
    /// `hidden` is what [`ffi_closure_alloc`] made, and `cif` a cif.
    unsafe fn prepare(hidden: *mut Self, cif: *mut ffi_cif, code: *const c_void) -> ffi_status {
        // SAFETY: the caller's.
        unsafe {
            let Some(trampoline) = &(*hidden).trampoline else { return FFI_BAD_ABI };
            if trampoline.as_ptr() != code {
                return FFI_BAD_ABI;
            }
            let own = match plan_of(cif) {
                Some(_) => None,
                None => match plan_again(cif) {
                    None => return FFI_BAD_TYPEDEF,
                    own => own,
                },
            };
            let prepared = plan_of(cif).or(own.as_deref());
            let Some(callee) = prepared.and_then(Prepared::callee) else { return FFI_BAD_ABI };
            let handler = callee.handler;
            (*hidden).header.dispatch = if callee.is_bare() { dispatch_bare } else { dispatch };
            (*hidden).callee = callee;
            (*hidden).own = own;
            trampoline.point_at(handler, hidden.cast());
        }
        FFI_OK
    }
}

/// Writes what a thunk is, and its slot, into a closure in memory of the caller's. The slot's
/// context is that of all closures of the signature, so that nothing is allocated which the caller
/// would never free.
///
/// # Safety
/// `closure` is writable, and `cif` a cif.
unsafe fn prepare_foreign(closure: *mut ffi_closure, cif: *const ffi_cif) -> ffi_status {
    if cfg!(not(target_arch = "x86_64")) {
        return FFI_BAD_ABI;
    }
    // SAFETY: the caller's.
    let Some(prepared) = (unsafe { plan_of(cif) }) else { return FFI_BAD_TYPEDEF };
    let Some(callee) = prepared.callee() else { return FFI_BAD_ABI };
    // SAFETY: there are 32 bytes; the slot is read by the handler alone, whose plan is the
    // context's.
    unsafe {
        let code = (&raw mut (*closure).tramp).cast::<u8>();
        std::ptr::copy_nonoverlapping(FOREIGN_THUNK.as_ptr(), code, FOREIGN_THUNK.len());
        let slot = &*code.add(FOREIGN_THUNK.len()).cast::<Slot>();
        slot.set_handler(callee.handler);
        slot.set_context(&raw const callee.header);
    }
    FFI_OK
}

/// A thunk of x86-64 with its slot behind it: `endbr64; lea r10, [rip + 5]; jmp [r10]`, and
/// breakpoints up to the slot.
const FOREIGN_THUNK: [u8; 16] = [
    0xf3, 0x0f, 0x1e, 0xfa, 0x4c, 0x8d, 0x15, 0x05, 0x00, 0x00, 0x00, 0x41, 0xff, 0x22, 0xcc, 0xcc,
];

const _: () = assert!(Slot::HANDLER == 0 && FOREIGN_THUNK.len() + size_of::<Slot>() == 32);

/// Receives a call of a closure in memory of the caller's.
///
/// # Safety
/// As `ffi_types::Dispatch` says; the context is a [`Callee`], and the slot that of a closure.
pub(crate) unsafe extern "C-unwind" fn foreign(
    context: *const CallbackHeader,
    registers: *mut u8,
    stack: *const u8,
    returned: *mut u8,
    slot: *const Slot,
) {
    let closure = slot.cast::<u8>().wrapping_sub(FOREIGN_THUNK.len()).cast::<ffi_closure>();
    // SAFETY: the closure is there while it is called. What is called is the user's function, whose
    // contract the user keeps.
    unsafe {
        (*context.cast::<Callee>()).receive(registers, stack, returned, |result, values| {
            if let Some(fun) = (*closure).fun {
                fun((*closure).cif, result, values, (*closure).user_data);
            }
        });
    }
}

/// Prepares a closure whose code is where the closure is, as [`ffi_prep_closure_loc`] does. Only
/// memory that the caller makes executable is like that; what [`ffi_closure_alloc`] gives is not.
///
/// # Safety
/// As for [`ffi_prep_closure_loc`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ffi_prep_closure(
    closure: *mut ffi_closure,
    cif: *mut ffi_cif,
    fun: Option<ffi_fun>,
    user_data: *mut c_void,
) -> ffi_status {
    // SAFETY: the caller's.
    unsafe { ffi_prep_closure_loc(closure, cif, fun, user_data, closure.cast()) }
}

/// Go's closures have no documentation, and are not offered.
///
/// Returns [`FFI_BAD_ABI`].
///
/// # Safety
/// None is asked for; nothing is accessed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ffi_prep_go_closure(
    _: *mut c_void,
    _: *mut ffi_cif,
    _: Option<ffi_fun>,
) -> ffi_status {
    FFI_BAD_ABI
}

macro_rules! ending {
    ($name:ident, $text:literal) => {
        unsafe extern "C-unwind" fn $name(
            _: *const CallbackHeader,
            _: *mut u8,
            _: *const u8,
            _: *mut u8,
            _: *const Slot,
        ) {
            // `eprintln!` panics where nobody reads it, and there is C below.
            let _ = writeln!(std::io::stderr(), $text);
            std::process::abort();
        }
    };
}

ending!(unprepared, "ffi: C called a closure that was not prepared; aborting");
ending!(freed, "ffi: C called a closure that has been freed; aborting");

/// # Safety
/// As `ffi_types::Dispatch` says; the context is a [`Hidden`] that is prepared.
unsafe extern "C-unwind" fn dispatch(
    context: *const CallbackHeader,
    registers: *mut u8,
    stack: *const u8,
    returned: *mut u8,
    _: *const Slot,
) {
    let hidden = context.cast::<Hidden>();
    // SAFETY: the closure is there while it is called, and was prepared for this plan. What is
    // called is the user's function, whose contract the user keeps.
    unsafe {
        let closure = Hidden::closure(hidden);
        (*(*hidden).callee).receive(registers, stack, returned, |result, values| {
            if let Some(fun) = (*closure).fun {
                fun((*closure).cif, result, values, (*closure).user_data);
            }
        });
    }
}

/// As [`dispatch`], where there are neither arguments nor a result.
///
/// # Safety
/// As there.
unsafe extern "C-unwind" fn dispatch_bare(
    context: *const CallbackHeader,
    _: *mut u8,
    _: *const u8,
    _: *mut u8,
    _: *const Slot,
) {
    let mut room = [0_u64; 2];
    // SAFETY: as in `dispatch`.
    unsafe {
        let closure = Hidden::closure(context.cast());
        if let Some(fun) = (*closure).fun {
            let values = std::ptr::dangling_mut();
            fun((*closure).cif, room.as_mut_ptr().cast(), values, (*closure).user_data);
        }
    }
}
