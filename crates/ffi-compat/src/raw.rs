//! The raw interfaces: arguments one behind the other in words, instead of by pointers.
//!
//! An argument takes as many words of 8 bytes as it needs; a struct takes one, with its address.
//! In Java's form 64-bit integers and `double` take two words each, of which the first is used.

use crate::call::{ffi_call, ffi_function};
use crate::cif::ffi_cif;
use crate::closure::{ffi_closure, ffi_fun, ffi_prep_closure_loc};
use crate::types::*;
use std::ffi::c_void;

/// A word: an `ffi_arg`, a `float`, a pointer, or eight bytes of something larger.
pub type ffi_raw = u64;
/// A word of Java's form.
pub type ffi_java_raw = u64;

/// What a raw closure's function is given: the cif, where its result goes, the words, and the
/// user's data.
pub type ffi_raw_fun =
    unsafe extern "C-unwind" fn(*mut ffi_cif, *mut c_void, *mut ffi_raw, *mut c_void);

/// How many words an argument takes in each form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    Java,
}

impl Form {
    fn words(self, ty: &ffi_type) -> usize {
        match (self, ty.type_) {
            (_, FFI_TYPE_STRUCT) => 1,
            (Self::Java, FFI_TYPE_UINT64 | FFI_TYPE_SINT64 | FFI_TYPE_DOUBLE) => 2,
            _ => ty.size.div_ceil(8),
        }
    }
}

/// The types of a cif's arguments.
///
/// # Safety
/// The cif is prepared, and its types are still there.
unsafe fn types<'a>(cif: *const ffi_cif) -> impl Iterator<Item = &'a ffi_type> {
    // SAFETY: the caller's.
    let (types, count) = unsafe { ((*cif).arg_types, (*cif).nargs as usize) };
    // SAFETY: as above.
    (0..count).map(move |index| unsafe { &**types.add(index) })
}

/// # Safety
/// As for [`types`].
unsafe fn size(cif: *const ffi_cif, form: Form) -> usize {
    // SAFETY: the caller's.
    8 * unsafe { types(cif) }.map(|ty| form.words(ty)).sum::<usize>()
}

/// # Safety
/// As for [`types`]; there are as many words and pointers as the cif asks for.
unsafe fn to_pointers(cif: *const ffi_cif, mut raw: *mut u64, args: *mut *mut c_void, form: Form) {
    // SAFETY: the caller's.
    for (index, ty) in unsafe { types(cif) }.enumerate() {
        // SAFETY: as above.
        unsafe {
            let place = match ty.type_ {
                FFI_TYPE_STRUCT => raw.cast::<*mut c_void>().read(),
                _ => raw.cast(),
            };
            args.add(index).write(place);
            raw = raw.add(form.words(ty));
        }
    }
}

/// # Safety
/// As for [`types`]; each pointer is to a value of its type, and there is room for the words.
unsafe fn to_words(cif: *const ffi_cif, args: *const *mut c_void, mut raw: *mut u64, form: Form) {
    // SAFETY: the caller's.
    for (index, ty) in unsafe { types(cif) }.enumerate() {
        // SAFETY: as above.
        unsafe {
            let value = *args.add(index);
            match ty.type_ {
                FFI_TYPE_SINT8 => raw.write(i64::from(value.cast::<i8>().read()) as u64),
                FFI_TYPE_SINT16 => {
                    raw.write(i64::from(value.cast::<i16>().read_unaligned()) as u64);
                }
                FFI_TYPE_SINT32 | FFI_TYPE_INT => {
                    raw.write(i64::from(value.cast::<i32>().read_unaligned()) as u64);
                }
                FFI_TYPE_STRUCT => raw.write(value.expose_provenance() as u64),
                _ => {
                    raw.write_bytes(0, form.words(ty));
                    std::ptr::copy_nonoverlapping(value.cast::<u8>(), raw.cast(), ty.size);
                }
            }
            raw = raw.add(form.words(ty));
        }
    }
}

/// # Safety
/// As for [`ffi_call`], with words in place of pointers.
unsafe fn call(
    cif: *mut ffi_cif,
    function: ffi_function,
    rvalue: *mut c_void,
    raw: *mut u64,
    form: Form,
) {
    // SAFETY: the caller's.
    unsafe {
        let mut values = vec![std::ptr::null_mut(); (*cif).nargs as usize];
        to_pointers(cif, raw, values.as_mut_ptr(), form);
        ffi_call(cif, function, rvalue, values.as_mut_ptr());
    }
}

/// A raw closure, with libffi's layout: an [`ffi_closure`] and what its function is given.
#[repr(C)]
#[derive(Debug)]
pub struct ffi_raw_closure {
    closure: ffi_closure,
    /// What is called.
    pub fun: Option<ffi_raw_fun>,
    /// What it is given.
    pub user_data: *mut c_void,
}

/// The function of the [`ffi_closure`] in a raw closure, which is its user data.
///
/// # Safety
/// As for any [`ffi_fun`]; the raw closure is prepared.
unsafe extern "C-unwind" fn translate<const JAVA: bool>(
    cif: *mut ffi_cif,
    result: *mut c_void,
    values: *mut *mut c_void,
    raw_closure: *mut c_void,
) {
    let (form, raw_closure) = (if JAVA { Form::Java } else { Form::Plain }, raw_closure.cast());
    // SAFETY: the caller's.
    unsafe {
        let ffi_raw_closure { fun: Some(fun), user_data, .. } = *raw_closure else { return };
        let mut raw = vec![0; size(cif, form) / 8];
        to_words(cif, values, raw.as_mut_ptr(), form);
        fun(cif, result, raw.as_mut_ptr(), user_data);
    }
}

/// # Safety
/// As for [`ffi_prep_closure_loc`].
unsafe fn prepare(
    raw_closure: *mut ffi_raw_closure,
    cif: *mut ffi_cif,
    fun: Option<ffi_raw_fun>,
    user_data: *mut c_void,
    codeloc: *mut c_void,
    translate: ffi_fun,
) -> ffi_status {
    let translate = fun.map(|_| translate);
    // SAFETY: the caller's.
    unsafe {
        let closure = raw_closure.cast();
        let status = ffi_prep_closure_loc(closure, cif, translate, raw_closure.cast(), codeloc);
        if status == FFI_OK {
            (*raw_closure).fun = fun;
            (*raw_closure).user_data = user_data;
        }
        status
    }
}

macro_rules! form {
    (
        $form:ident, $translate:expr;
        $raw:ident $size:ident $to_pointers:ident $to_raw:ident $call:ident $prep:ident $prep_loc:ident
    ) => {
        /// The bytes that all arguments take in words.
        ///
        /// # Safety
        /// The cif is prepared.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $size(cif: *mut ffi_cif) -> usize {
            // SAFETY: the caller's.
            unsafe { size(cif, Form::$form) }
        }

        /// Writes to `args` where each argument is among the words.
        ///
        /// # Safety
        /// The cif is prepared; `raw` has its arguments, and `args` room for a pointer to each.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $to_pointers(
            cif: *mut ffi_cif,
            raw: *mut $raw,
            args: *mut *mut c_void,
        ) {
            // SAFETY: the caller's.
            unsafe { to_pointers(cif, raw, args, Form::$form) };
        }

        /// Writes the arguments that `args` points to as words.
        ///
        /// # Safety
        /// The cif is prepared; `args` has a pointer to each argument, and `raw` room for them.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $to_raw(
            cif: *mut ffi_cif,
            args: *mut *mut c_void,
            raw: *mut $raw,
        ) {
            // SAFETY: the caller's.
            unsafe { to_words(cif, args, raw, Form::$form) };
        }

        /// Calls a function with the arguments in words.
        ///
        /// # Safety
        /// As for [`ffi_call`]; `avalue` has the arguments in words.
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $call(
            cif: *mut ffi_cif,
            function: ffi_function,
            rvalue: *mut c_void,
            avalue: *mut $raw,
        ) {
            // SAFETY: the caller's.
            unsafe { call(cif, function, rvalue, avalue, Form::$form) };
        }

        /// As [`ffi_prep_closure`](crate::ffi_prep_closure), for a function that is given its
        /// arguments in words.
        ///
        /// # Safety
        /// As there.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $prep(
            closure: *mut ffi_raw_closure,
            cif: *mut ffi_cif,
            fun: Option<ffi_raw_fun>,
            user_data: *mut c_void,
        ) -> ffi_status {
            // SAFETY: the caller's.
            unsafe { prepare(closure, cif, fun, user_data, closure.cast(), $translate) }
        }

        /// As [`ffi_prep_closure_loc`](crate::ffi_prep_closure_loc), for a function that is given
        /// its arguments in words. The memory is an [`ffi_raw_closure`].
        ///
        /// # Safety
        /// As there.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $prep_loc(
            closure: *mut ffi_raw_closure,
            cif: *mut ffi_cif,
            fun: Option<ffi_raw_fun>,
            user_data: *mut c_void,
            codeloc: *mut c_void,
        ) -> ffi_status {
            // SAFETY: the caller's.
            unsafe { prepare(closure, cif, fun, user_data, codeloc, $translate) }
        }
    };
}

form! {
    Plain, translate::<false>;
    ffi_raw ffi_raw_size ffi_raw_to_ptrarray ffi_ptrarray_to_raw ffi_raw_call
    ffi_prep_raw_closure ffi_prep_raw_closure_loc
}

form! {
    Java, translate::<true>;
    ffi_java_raw ffi_java_raw_size ffi_java_raw_to_ptrarray ffi_java_ptrarray_to_raw
    ffi_java_raw_call ffi_prep_java_raw_closure ffi_prep_java_raw_closure_loc
}
