//! libffi's C interface on top of this workspace: what a program needs that was written against
//! `ffi.h`, without a line of it changed.
//!
//! The headers are in `include/`. `cargo xtask compat` builds `libffi.so.8` with the names and
//! symbol versions that programs linked against libffi ask for, `libffi.a` and `libffi.pc`; by
//! hand, `cargo rustc -p ffi-compat --release --crate-type staticlib` (or `cdylib`) does. From
//! Rust, use the crate `ffi`: nothing here is of use without C.
//!
//! ```
//! use ffi_compat::*;
//! use std::ffi::c_void;
//!
//! extern "C-unwind" fn add(a: i32, b: i32) -> i32 {
//!     a + b
//! }
//! // SAFETY: the types are libffi's own, and the function is of that signature.
//! unsafe {
//!     let mut cif = std::mem::zeroed::<ffi_cif>();
//!     let mut types = [&raw mut ffi_type_sint32, &raw mut ffi_type_sint32];
//!     let abi = ffi_get_default_abi();
//!     let status = ffi_prep_cif(&mut cif, abi, 2, &raw mut ffi_type_sint32, types.as_mut_ptr());
//!     assert_eq!(status, FFI_OK);
//!     let (a, b, mut sum) = (40, 2, 0_u64);
//!     let mut values = [(&raw const a) as *mut c_void, (&raw const b) as *mut c_void];
//!     let function = std::mem::transmute::<*const (), unsafe extern "C-unwind" fn()>(add as _);
//!     ffi_call(&mut cif, Some(function), (&raw mut sum).cast(), values.as_mut_ptr());
//!     assert_eq!(sum, 42);
//! }
//! ```
//!
//! # How a plan is found
//!
//! An `ffi_cif` lies on its caller's stack, may be copied and made anew at any time, is never told
//! to be finished with, and has 64 bits that are ours. A pointer in them to memory of our own
//! could never be freed. So a plan belongs to nobody: there is one for each signature that a
//! program has ever prepared, found by the signature's *contents*: the ABI, and of each type its
//! code, size, alignment and elements. A cif has the plan's index in a table, and a check. Then
//!
//! - nothing leaks: preparing the same signature a million times makes one plan; and after
//!   [`MAX_PLANS`] different ones no more are kept, and calls by others plan for themselves;
//! - nothing is locked: the table only ever grows, so it is read with plain atomic loads;
//! - nothing is stale: a plan refers to no `ffi_type`, so types may be freed and their addresses
//!   used again, and a cif that is copied carries what it needs.
//!
//! A cif that was never prepared has no index that fits its check, and ends the program with a
//! message instead of calling something by chance.
//!
//! # What differs from libffi
//!
//! - Arguments and results are what C compilers make of them where libffi is known to be wrong:
//!   packed structs, vectors in structs, `__int128` in a closure's arguments and others.
//! - A vector's alignment is its size, as in C; libffi says 16 at most.
//! - `void` as a member of a struct whose size is stated, by which PHP says that it does not know
//!   the member, is taken for integers; as the last one, for as many as there is room for.
//! - A struct whose stated size is too small for its elements one behind the other is taken for a
//!   packed struct if its alignment says so, or for a union if each fits alone.
//! - Closures are trampolines from a fixed pool (`docs/architecture.md`), so [`ffi_closure_alloc`]
//!   gives a code address that is not the closure's own, as libffi does on most systems. A closure
//!   in memory that the caller has made executable works on x86-64; elsewhere preparing it fails
//!   with [`FFI_BAD_ABI`], and so do Go's closures everywhere, which have no documentation.
//! - A closure that is called before it was prepared or after it was freed ends the program with a
//!   message.

#![expect(non_camel_case_types, reason = "the names are libffi's, which C programs know")]

mod build;
mod call;
mod callee;
mod cif;
mod closure;
mod describe;
mod prepared;
mod raw;
mod spare;
mod types;
mod version;

pub use call::{
    ffi_call, ffi_call_go, ffi_call_plan, ffi_call_plan_alloc, ffi_call_plan_free,
    ffi_call_plan_invoke, ffi_call_plan_size, ffi_function,
};
pub use cif::{ffi_cif, ffi_get_struct_offsets, ffi_prep_cif, ffi_prep_cif_var};
pub use closure::{
    ffi_closure, ffi_closure_alloc, ffi_closure_free, ffi_fun, ffi_prep_closure,
    ffi_prep_closure_loc, ffi_prep_go_closure,
};
pub use prepared::MAX_PLANS;
pub use raw::*;
pub use types::*;
pub use version::*;
