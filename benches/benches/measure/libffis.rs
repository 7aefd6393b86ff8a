//! libffi's C functions: those of the `libffi` crate, and those of a libffi with call plans (3.7 or
//! later) if pkg-config found one when this was built.

use ffi::Library;
use libffi::raw;
use std::ffi::{c_uint, c_void};
use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::sync::LazyLock;

/// What a closure calls.
pub(crate) type Handler =
    unsafe extern "C" fn(*mut raw::ffi_cif, *mut c_void, *mut *mut c_void, *mut c_void);
type PrepCif = unsafe extern "C" fn(
    *mut raw::ffi_cif,
    raw::ffi_abi,
    c_uint,
    *mut raw::ffi_type,
    *mut *mut raw::ffi_type,
) -> raw::ffi_status;
type PrepCifVar = unsafe extern "C" fn(
    *mut raw::ffi_cif,
    raw::ffi_abi,
    c_uint,
    c_uint,
    *mut raw::ffi_type,
    *mut *mut raw::ffi_type,
) -> raw::ffi_status;
type PrepClosureLoc = unsafe extern "C" fn(
    *mut raw::ffi_closure,
    *mut raw::ffi_cif,
    Option<Handler>,
    *mut c_void,
    *mut c_void,
) -> raw::ffi_status;
/// How a plan is invoked.
pub(crate) type Invoke =
    unsafe extern "C" fn(*mut c_void, unsafe extern "C" fn(), *mut c_void, *mut *mut c_void);

/// The functions of one libffi. The layouts of the structs are those of every libffi 8.
pub(crate) struct Libffi {
    prep_cif: PrepCif,
    prep_cif_var: PrepCifVar,
    closure_alloc: unsafe extern "C" fn(usize, *mut *mut c_void) -> *mut c_void,
    prep_closure_loc: PrepClosureLoc,
    closure_free: unsafe extern "C" fn(*mut c_void),
    plans: Option<Plans>,
}

/// The functions of call plans.
struct Plans {
    alloc: unsafe extern "C" fn(*mut raw::ffi_cif) -> *mut c_void,
    invoke: Invoke,
    free: unsafe extern "C" fn(*mut c_void),
}

/// The one of the `libffi` crate.
pub(crate) static BUNDLED: Libffi = Libffi {
    prep_cif: raw::ffi_prep_cif,
    prep_cif_var: raw::ffi_prep_cif_var,
    closure_alloc: raw::ffi_closure_alloc,
    prep_closure_loc: raw::ffi_prep_closure_loc,
    closure_free: raw::ffi_closure_free,
    plans: None,
};

/// The one with call plans.
pub(crate) fn newest() -> Option<&'static Libffi> {
    static NEWEST: LazyLock<Option<Libffi>> = LazyLock::new(|| option_env!("NEWEST").map(load));
    NEWEST.as_ref()
}

fn load(path: &str) -> Libffi {
    // SAFETY: libffi's constructors only ask the system for the size of its pages.
    let library = unsafe { Library::open(path) }.expect("pkg-config named it");
    macro_rules! function {
        ($name:literal) => {
            // SAFETY: the type that ffi.h declares.
            *unsafe { library.get($name) }.expect("a libffi with call plans")
        };
    }
    let libffi = Libffi {
        prep_cif: function!("ffi_prep_cif"),
        prep_cif_var: function!("ffi_prep_cif_var"),
        closure_alloc: function!("ffi_closure_alloc"),
        prep_closure_loc: function!("ffi_prep_closure_loc"),
        closure_free: function!("ffi_closure_free"),
        plans: Some(Plans {
            alloc: function!("ffi_call_plan_alloc"),
            invoke: function!("ffi_call_plan_invoke"),
            free: function!("ffi_call_plan_free"),
        }),
    };
    // The functions are used to the end.
    std::mem::forget(library);
    libffi
}

impl Libffi {
    /// `ffi_prep_cif`, or `ffi_prep_cif_var` after so many arguments.
    ///
    /// # Safety
    /// The types outlive the interface.
    pub(crate) unsafe fn prepare(
        &self,
        types: &mut [*mut raw::ffi_type],
        result: *mut raw::ffi_type,
        first_variadic: Option<usize>,
    ) -> raw::ffi_cif {
        let mut cif = MaybeUninit::uninit();
        let (abi, count, fixed) =
            (raw::ffi_abi_FFI_DEFAULT_ABI, types.len() as c_uint, first_variadic);
        let (to, types) = (cif.as_mut_ptr(), types.as_mut_ptr());
        // SAFETY: as the caller says, and the count is the array's; the interface is complete if it
        // could be prepared.
        unsafe {
            let status = match fixed {
                None => (self.prep_cif)(to, abi, count, result, types),
                Some(fixed) => (self.prep_cif_var)(to, abi, fixed as c_uint, count, result, types),
            };
            assert_eq!(status, raw::ffi_status_FFI_OK);
            cif.assume_init()
        }
    }

    /// A call plan, where there are plans.
    ///
    /// # Safety
    /// The interface is prepared, and outlives the plan where it is.
    pub(crate) unsafe fn plan(&self, cif: *mut raw::ffi_cif) -> Option<Plan<'_>> {
        let of = self.plans.as_ref()?;
        // SAFETY: as the caller says.
        let plan = unsafe { (of.alloc)(cif) };
        assert!(!plan.is_null());
        Some(Plan { plan, of })
    }

    /// A closure without data.
    ///
    /// # Safety
    /// The interface is prepared, and outlives the closure where it is; the handler takes what the
    /// interface says.
    pub(crate) unsafe fn closure(&self, cif: *mut raw::ffi_cif, handler: Handler) -> Closure<'_> {
        let mut code = null_mut();
        // SAFETY: the memory is made for a closure, and the rest is as the caller says.
        unsafe {
            let closure: *mut raw::ffi_closure =
                (self.closure_alloc)(size_of::<raw::ffi_closure>(), &mut code).cast();
            let status = (self.prep_closure_loc)(closure, cif, Some(handler), null_mut(), code);
            assert_eq!(status, raw::ffi_status_FFI_OK);
            Closure { closure, code, of: self }
        }
    }
}

/// An `ffi_call_plan`.
pub(crate) struct Plan<'a> {
    plan: *mut c_void,
    of: &'a Plans,
}

impl Plan<'_> {
    /// What invokes it, and its address.
    pub(crate) fn invoke(&self) -> (Invoke, *mut c_void) {
        (self.of.invoke, self.plan)
    }
}

impl Drop for Plan<'_> {
    fn drop(&mut self) {
        // SAFETY: it was allocated by this library, and nobody else has it.
        unsafe { (self.of.free)(self.plan) };
    }
}

/// An `ffi_closure`, and its code.
pub(crate) struct Closure<'a> {
    closure: *mut raw::ffi_closure,
    pub(crate) code: *mut c_void,
    of: &'a Libffi,
}

impl Drop for Closure<'_> {
    fn drop(&mut self) {
        // SAFETY: as a plan's.
        unsafe { (self.of.closure_free)(self.closure.cast()) };
    }
}
