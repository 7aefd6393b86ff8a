//! The AArch64 calling convention and its Apple and Windows variants: plans, calls and callbacks.
//!
//! The convention is Arm's "Procedure Call Standard for the Arm 64-bit Architecture" (AAPCS64),
//! section 6.8.2; Apple and Microsoft each change a few of its rules. [`plan`] says for any
//! signature which byte goes into which register or stack slot, on every host; on AArch64,
//! [`Arm64Abi`] also calls and is called, in each variant under any operating system.
//!
//! [`argument_rule`] and [`result_rule`] say by which of its rules.
//!
//! Use it alone in a runtime that fills registers itself: read the moves of a
//! [`Plan`], or hand argument pointers to the entry that goes with it. There are no features;
//! `no_std` with `alloc`.
//!
//! ```
//! use ffi_abi_arm64::{argument_rule, plan};
//! use ffi_types::{Aapcs64, Convention, Signature, Type};
//!
//! let point = Type::structure("point").field("x", Type::F32).field("y", Type::F32).build()?;
//! let convention = Convention::Aapcs64(Aapcs64::Standard);
//! let signature = Signature::new(convention, Type::VOID, [Type::I32, point])?;
//! let plan = plan(Aapcs64::Standard, &signature)?;
//! assert_eq!(plan.placement(0).to_string(), "x0");
//! assert_eq!(plan.placement(1).to_string(), "v0, v1");
//! let rule = argument_rule(&signature, &plan, 1);
//! assert_eq!(rule.text, "HFA of 2 float: a vector register for each member");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![no_std]

extern crate alloc;

#[cfg(all(target_arch = "aarch64", target_endian = "big"))]
compile_error!("the plans and trampolines are those of little-endian AArch64");

mod assign;
#[cfg(target_arch = "aarch64")]
mod by_slots;
#[cfg(target_arch = "aarch64")]
mod by_steps;
mod classify;
mod explain;
#[expect(dead_code, reason = "`DEFINES` is for build.rs, and other hosts have no assembly")]
mod layout;
mod registers;
#[cfg(target_arch = "aarch64")]
mod results;
mod steps;
#[cfg(target_arch = "aarch64")]
mod trampoline;

#[cfg(all(test, target_arch = "aarch64"))]
mod saved_registers;

pub use assign::plan;
pub use classify::{Class, classify};
pub use explain::{argument_rule, result_rule};
/// What plans are made of, for those who depend on this crate alone.
pub use ffi_types;
pub use registers::{Registers, Returned, Vector};

use ffi_types::{
    Aapcs64, CallingConvention, CallingConventionError, Convention, Entry, ImageEntry,
    InvalidCallInterfaceError, Plan, Signature, ThunkTable,
};

/// A variant of AAPCS64, as a [`CallingConvention`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Arm64Abi(
    /// Which variant.
    pub Aapcs64,
);

// SAFETY: `plan` follows AAPCS64 6.8.2 and the two vendors' texts, and `PlanBuilder` keeps its moves
// inside the image; the entries and thunks are those of `trampoline.rs`, written for these plans.
unsafe impl CallingConvention for Arm64Abi {
    fn convention(&self) -> Convention {
        Convention::Aapcs64(self.0)
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
        #[cfg(target_arch = "aarch64")]
        return Ok(trampoline::entry(plan));
        #[cfg(not(target_arch = "aarch64"))]
        Err(self.not_here())
    }

    #[inline]
    fn image_entry(&self, plan: &Plan) -> Result<ImageEntry, CallingConventionError> {
        check(plan)?;
        #[cfg(target_arch = "aarch64")]
        return Ok(trampoline::image_entry(plan));
        #[cfg(not(target_arch = "aarch64"))]
        Err(self.not_here())
    }

    fn thunks(&self) -> Result<&'static ThunkTable, CallingConventionError> {
        #[cfg(target_arch = "aarch64")]
        return Ok(trampoline::thunks());
        #[cfg(not(target_arch = "aarch64"))]
        Err(self.not_here())
    }

    fn callback_handler(
        &self,
        plan: &Plan,
    ) -> Result<*const core::ffi::c_void, CallingConventionError> {
        check(plan)?;
        #[cfg(target_arch = "aarch64")]
        return Ok(trampoline::callback_handler(plan));
        #[cfg(not(target_arch = "aarch64"))]
        Err(self.not_here())
    }
}

#[cfg(not(target_arch = "aarch64"))]
impl Arm64Abi {
    fn not_here(&self) -> CallingConventionError {
        CallingConventionError::here(self.convention(), "it needs an AArch64 processor")
    }
}

#[inline]
fn check(plan: &Plan) -> Result<(), CallingConventionError> {
    if matches!(plan.convention(), Convention::Aapcs64(_)) {
        return Ok(());
    }
    Err(CallingConventionError::here(plan.convention(), "the plan was not made for AArch64"))
}
