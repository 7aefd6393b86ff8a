//! The System V AMD64 calling convention: plans, calls and callbacks.
//!
//! The convention of x86-64 Linux, macOS and the BSDs, as the psABI gives it ("System V
//! Application Binary Interface, AMD64 Architecture Processor Supplement", section 3.2.3).
//! [`plan`] says for any signature which byte goes into which register or stack slot, on every
//! host; on x86-64, [`SysV`] also calls and is called.
//!
//! [`argument_rule`] and [`result_rule`] say by which of its rules.
//!
//! Use it alone in a runtime that fills registers itself: read the moves of a
//! [`Plan`], or hand argument pointers to the entry that goes with it. There are no features;
//! `no_std` with `alloc`.
//!
//! ```
//! use ffi_abi_sysv::{argument_rule, plan};
//! use ffi_types::{Convention, Signature, Type};
//!
//! let pair = Type::structure("pair").field("d", Type::F64).field("n", Type::I64).build()?;
//! let signature = Signature::new(Convention::SysV, Type::VOID, [Type::I32, pair])?;
//! let plan = plan(&signature)?;
//! assert_eq!(plan.placement(0).to_string(), "rdi");
//! assert_eq!(plan.placement(1).to_string(), "xmm0, rsi");
//! let rule = argument_rule(&signature, &plan, 1);
//! assert_eq!(rule.text, "SSE, INTEGER: a register for each eightbyte");
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
#[cfg(target_arch = "x86_64")]
mod direct;
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
pub use classify::{Class, Classes, classify};
pub use explain::{argument_rule, result_rule};
/// What plans are made of, for those who depend on this crate alone.
pub use ffi_types;
pub use registers::{Registers, Returned, Wide, WideRegisters, WideReturned};

use ffi_types::{
    CallingConvention, CallingConventionError, Convention, Entry, ImageEntry,
    InvalidCallInterfaceError, Plan, Signature, ThunkTable,
};

/// System V AMD64, as a [`CallingConvention`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SysV;

// SAFETY: `plan` follows psABI 3.2.3, and `PlanBuilder` keeps its moves inside the image; the
// entries and thunks are those of `trampoline.rs`, written for these plans.
unsafe impl CallingConvention for SysV {
    fn convention(&self) -> Convention {
        Convention::SysV
    }

    #[inline]
    fn plan_into(
        &self,
        signature: &Signature,
        plan: &mut Plan,
    ) -> Result<(), InvalidCallInterfaceError> {
        assign::plan_into(signature, plan)
    }

    #[inline]
    fn entry(&self, plan: &Plan) -> Result<Entry, CallingConventionError> {
        check(plan)?;
        #[cfg(target_arch = "x86_64")]
        return trampoline::entry(plan).map_err(not_possible);
        #[cfg(not(target_arch = "x86_64"))]
        Err(NOT_HERE)
    }

    #[inline]
    fn image_entry(&self, plan: &Plan) -> Result<ImageEntry, CallingConventionError> {
        check(plan)?;
        #[cfg(target_arch = "x86_64")]
        return trampoline::image_entry(plan).map_err(not_possible);
        #[cfg(not(target_arch = "x86_64"))]
        Err(NOT_HERE)
    }

    fn thunks(&self) -> Result<&'static ThunkTable, CallingConventionError> {
        #[cfg(target_arch = "x86_64")]
        return Ok(trampoline::thunks());
        #[cfg(not(target_arch = "x86_64"))]
        Err(NOT_HERE)
    }

    fn callback_handler(
        &self,
        plan: &Plan,
    ) -> Result<*const core::ffi::c_void, CallingConventionError> {
        check(plan)?;
        #[cfg(target_arch = "x86_64")]
        return trampoline::callback_handler(plan).map_err(not_possible);
        #[cfg(not(target_arch = "x86_64"))]
        Err(NOT_HERE)
    }
}

#[cfg(not(target_arch = "x86_64"))]
const NOT_HERE: CallingConventionError =
    CallingConventionError::here(Convention::SysV, "it needs an x86-64 processor");

#[cfg(target_arch = "x86_64")]
#[cold]
fn not_possible(reason: &'static str) -> CallingConventionError {
    CallingConventionError::here(Convention::SysV, reason)
}

#[inline]
fn check(plan: &Plan) -> Result<(), CallingConventionError> {
    if plan.convention() == Convention::SysV {
        return Ok(());
    }
    Err(CallingConventionError::here(plan.convention(), "the plan was not made for SysV"))
}
