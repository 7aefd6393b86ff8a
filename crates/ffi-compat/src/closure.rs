//! Closures: C functions with a context.

use crate::callee::Callee;
use crate::cif::{ffi_cif, plan_again, plan_of};
use crate::prepared::Prepared;
use crate::types::*;
use ffi::Convention;
use ffi_callback::Trampoline;
use ffi_types::{CallbackHeader, CallingConvention, Signature, Type};
use std::alloc::Layout;
use std::ffi::{c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::OnceLock;

/// What a closure's function is given: the cif, where its result goes (at least 8 bytes; for an
/// integer smaller than that, an `ffi_arg`), a pointer to each argument, and the user's data.
pub type ffi_fun =
    unsafe extern "C-unwind" fn(*mut ffi_cif, *mut c_void, *mut *mut c_void, *mut c_void);

/// A closure, with libffi's layout. Only [`ffi_closure_alloc`] makes memory for one.
#[repr(C)]
#[derive(Debug)]
pub struct ffi_closure {
    /// Room that libffi's code is in; not used here.
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
struct Hidden {
    header: CallbackHeader,
    /// Null until it is prepared.
    callee: *const Callee,
    /// For a plan that is in no table.
    own: Option<Box<Prepared>>,
    trampoline: Option<Trampoline>,
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
    let rest = Layout::from_size_align(size.max(size_of::<ffi_closure>()), 16);
    let Ok((layout, _)) = rest.and_then(|rest| Layout::new::<Hidden>().extend(rest)) else {
        return null_mut();
    };
    // SAFETY: the layout has a size.
    let hidden: *mut Hidden = unsafe { std::alloc::alloc_zeroed(layout) }.cast();
    if hidden.is_null() {
        return null_mut();
    }
    let header = CallbackHeader { dispatch: unprepared };
    // SAFETY: the memory was just made for it, and the handler is of a call that `unprepared`
    // looks at no argument of; the trampoline goes before the memory does.
    unsafe {
        hidden.write(Hidden { header, callee: null(), own: None, trampoline: None, layout });
        let trampoline = native().and_then(|(implementation, handler)| {
            Trampoline::new(implementation, handler, hidden.cast()).ok()
        });
        let Some(trampoline) = trampoline else {
            std::alloc::dealloc(hidden.cast(), layout);
            return null_mut();
        };
        code.write(trampoline.as_ptr().cast_mut());
        (*hidden).trampoline = Some(trampoline);
    }
    Hidden::closure(hidden).cast()
}

/// The platform's own convention, whose trampolines serve all of the processor's; and the handler
/// of a closure that is not prepared.
fn native() -> Option<(&'static dyn CallingConvention, *const c_void)> {
    static HANDLER: OnceLock<Option<usize>> = OnceLock::new();
    let convention = Convention::native().ok()?;
    let implementation = ffi::implementation(convention).ok()?;
    let handler = HANDLER.get_or_init(|| {
        let plan = implementation.plan(&Signature::new(convention, Type::VOID, []).ok()?).ok()?;
        Some(implementation.callback_handler(&plan).ok()?.expose_provenance())
    });
    Some((implementation, std::ptr::with_exposed_provenance((*handler)?)))
}

/// Frees a closure. Calls by its code address then end the program with a message, until another
/// closure gets that address.
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
        let layout = (*hidden).layout;
        hidden.drop_in_place();
        std::alloc::dealloc(hidden.cast(), layout);
    }
}

/// Prepares a closure: C calls `codeloc` as a function of the cif's signature, and `fun` is called.
///
/// Returns [`FFI_OK`]; [`FFI_BAD_TYPEDEF`] for a null closure or cif, or one that was not prepared;
/// and [`FFI_BAD_ABI`] for a null function, a code address that is not this closure's, and a
/// signature that closures of the convention cannot have.
///
/// # Safety
/// `closure` is null or came from [`ffi_closure_alloc`]; `cif` is null or a cif, and stays as long
/// as the closure.
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
    if fun.is_none() {
        return FFI_BAD_ABI;
    }
    let hidden = closure.cast::<Hidden>().wrapping_sub(1);
    // SAFETY: the caller's: before the closure is what `ffi_closure_alloc` put there.
    unsafe {
        let Some(trampoline) = &(*hidden).trampoline else { return FFI_BAD_ABI };
        if trampoline.as_ptr() != codeloc.cast_const() {
            return FFI_BAD_ABI;
        }
        let own = match plan_of(cif) {
            Some(_) => None,
            None if (*cif).flags != 0 => return FFI_BAD_TYPEDEF,
            None => Some(plan_again("ffi_prep_closure_loc", cif)),
        };
        let prepared = plan_of(cif).or(own.as_deref());
        let Some(callee) = prepared.and_then(Prepared::callee) else { return FFI_BAD_ABI };
        let handler = callee.handler;
        (*closure).cif = cif;
        (*closure).fun = fun;
        (*closure).user_data = user_data;
        (*hidden).callee = callee;
        (*hidden).own = own;
        (*hidden).header.dispatch = dispatch;
        trampoline.point_at(handler, hidden.cast());
    }
    FFI_OK
}

/// Prepares a closure whose code is where the closure is, which it never is here.
///
/// Returns [`FFI_BAD_ABI`].
///
/// # Safety
/// None is asked for; nothing is accessed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ffi_prep_closure(
    _: *mut ffi_closure,
    _: *mut ffi_cif,
    _: Option<ffi_fun>,
    _: *mut c_void,
) -> ffi_status {
    FFI_BAD_ABI
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

unsafe extern "C-unwind" fn unprepared(
    _: *const CallbackHeader,
    _: *mut u8,
    _: *const u8,
    _: *mut u8,
) {
    eprintln!("ffi: C called a closure that was not prepared; aborting");
    std::process::abort();
}

/// # Safety
/// As `ffi_types::Dispatch` says; the context is a [`Hidden`] that is prepared.
unsafe extern "C-unwind" fn dispatch(
    context: *const CallbackHeader,
    registers: *mut u8,
    stack: *const u8,
    returned: *mut u8,
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
