//! The Microsoft x64 calling convention: plans, calls and callbacks.
//!
//! The convention of 64-bit Windows, as Microsoft gives it ("x64 calling convention", "x64 stack
//! usage"). [`plan`] says for any signature which byte goes into which register or stack slot, on
//! every host; on x86-64, [`Win64Abi`] also calls and is called, under any operating system: on
//! Linux it is what `__attribute__((ms_abi))` means.
//!
//! [`argument_rule`] and [`result_rule`] say by which of its rules.
//!
//! Use it alone in a runtime that fills registers itself: read the moves of a
//! [`Plan`], or hand argument pointers to the entry that goes with it. There are no features;
//! `no_std` with `alloc`.
//!
//! ```
//! use ffi_abi_win64::{argument_rule, plan};
//! use ffi_types::{Convention, Signature, Type, Win64};
//!
//! let pair = Type::structure("pair").field("d", Type::F64).field("n", Type::I64).build()?;
//! let signature =
//!     Signature::new(Convention::Win64(Win64::Msvc), Type::VOID, [Type::I32, pair, Type::F64])?;
//! let plan = plan(Win64::Msvc, &signature)?;
//! assert_eq!(plan.placement(0).to_string(), "rcx");
//! assert_eq!(plan.placement(1).to_string(), "&rdx");
//! assert_eq!(plan.placement(2).to_string(), "xmm2");
//! let rule = argument_rule(&signature, &plan, 2);
//! assert_eq!(rule.text, "a floating-point number: the vector register of its position");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![no_std]

extern crate alloc;

mod assign;
#[cfg(target_arch = "x86_64")]
mod by_slots;
#[cfg(target_arch = "x86_64")]
mod by_steps;
mod classify;
mod explain;
#[expect(dead_code, reason = "`DEFINES` is for build.rs, and other hosts have no assembly")]
mod layout;
mod registers;
#[cfg(target_arch = "x86_64")]
mod results;
mod steps;
#[cfg(target_arch = "x86_64")]
mod trampoline;

#[cfg(all(test, target_arch = "x86_64"))]
mod saved_registers;

pub use assign::plan;
pub use classify::{Class, classify};
pub use explain::{argument_rule, result_rule};
/// What plans are made of, for those who depend on this crate alone.
pub use ffi_types;
pub use registers::{Registers, Returned, Wide, WideReturned};

use ffi_types::{
    CallingConvention, CallingConventionError, Convention, Entry, ImageEntry,
    InvalidCallInterfaceError, Plan, Signature, ThunkTable, Win64,
};

/// A variant of the Microsoft x64 convention, as a [`CallingConvention`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Win64Abi(
    /// Which variant; they differ in `long double` alone.
    pub Win64,
);

// SAFETY: `plan` follows Microsoft's text, and `PlanBuilder` keeps its moves inside the image; the
// entries and thunks are those of `trampoline.rs`, written for these plans.
unsafe impl CallingConvention for Win64Abi {
    fn convention(&self) -> Convention {
        Convention::Win64(self.0)
    }

    #[inline]
    fn plan_into(
        &self,
        signature: &Signature,
        plan: &mut Plan,
    ) -> Result<(), InvalidCallInterfaceError> {
        assign::plan_into(self.0, signature, plan)
    }

    #[inline]
    fn entry(&self, plan: &Plan) -> Result<Entry, CallingConventionError> {
        check(plan)?;
        #[cfg(target_arch = "x86_64")]
        return trampoline::entry(plan).map_err(|reason| not_possible(plan, reason));
        #[cfg(not(target_arch = "x86_64"))]
        Err(self.not_here())
    }

    #[inline]
    fn image_entry(&self, plan: &Plan) -> Result<ImageEntry, CallingConventionError> {
        check(plan)?;
        #[cfg(target_arch = "x86_64")]
        return trampoline::image_entry(plan).map_err(|reason| not_possible(plan, reason));
        #[cfg(not(target_arch = "x86_64"))]
        Err(self.not_here())
    }

    fn thunks(&self) -> Result<&'static ThunkTable, CallingConventionError> {
        #[cfg(target_arch = "x86_64")]
        return Ok(trampoline::thunks());
        #[cfg(not(target_arch = "x86_64"))]
        Err(self.not_here())
    }

    fn callback_handler(
        &self,
        plan: &Plan,
    ) -> Result<*const core::ffi::c_void, CallingConventionError> {
        check(plan)?;
        #[cfg(target_arch = "x86_64")]
        return trampoline::callback_handler(plan).map_err(|reason| not_possible(plan, reason));
        #[cfg(not(target_arch = "x86_64"))]
        Err(self.not_here())
    }
}

#[cfg(not(target_arch = "x86_64"))]
impl Win64Abi {
    fn not_here(&self) -> CallingConventionError {
        CallingConventionError::here(self.convention(), "it needs an x86-64 processor")
    }
}

#[inline]
fn check(plan: &Plan) -> Result<(), CallingConventionError> {
    if matches!(plan.convention(), Convention::Win64(_)) {
        return Ok(());
    }
    Err(CallingConventionError::here(plan.convention(), "the plan was not made for Win64"))
}

#[cfg(target_arch = "x86_64")]
#[cold]
fn not_possible(plan: &Plan, reason: &'static str) -> CallingConventionError {
    CallingConventionError::here(plan.convention(), reason)
}
