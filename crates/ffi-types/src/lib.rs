//! C types, their layout, call signatures, and the plan that says where each byte of a call goes.
//!
//! This crate is the vocabulary that the others share. It contains no assembly and calls nothing:
//! an ABI crate such as `ffi-abi-sysv` turns a [`Signature`] into a [`Plan`], and the plan's
//! moves are carried out by [`Plan::store_arguments`] and its three siblings.
//! Use it alone to compute the layout of C types, or to write a new [`CallingConvention`].
//!
//! ```
//! use ffi_types::Type;
//!
//! let point = Type::structure("point").field("x", Type::F64).field("y", Type::F64).build()?;
//! assert_eq!(point.to_string(), "struct point { double x; double y; }");
//! assert_eq!((point.size(), point.align()), (16, 8));
//! # Ok::<(), ffi_types::TypeValidationError>(())
//! ```
//!
//! `no_std` with `alloc`. Every convention described here has 64-bit pointers.
//!
//! # Features
//! None is on by default, and each only adds.
//! - `complex`: [`CType`] for `num_complex::Complex`.
//! - `half`: [`CType`] for `half::f16` and `half::bf16`.
//! - `serde`: `Serialize` for plans and [`Placement`]s, to be looked at elsewhere, and `Deserialize`
//!   too for what they are made of that has no names of registers in it: [`Move`], [`ByReference`],
//!   [`Extension`], [`Convention`].
#![no_std]

extern crate alloc;

mod callback;
mod convention;
mod copies;
mod error;
mod execute;
mod float;
mod identity;
mod layout;
mod long_double;
mod nearest;
mod plan;
mod plan_builder;
mod print;
mod processor;
mod program;
pub mod record;
mod repr;
pub mod results;
mod rule;
#[cfg(feature = "serde")]
mod serialize;
mod signature;
mod ty;
mod type_cell;
mod value;

pub use callback::{CallbackHeader, Dispatch, Slot, ThunkTable};
pub use convention::{Aapcs64, CallingConvention, Convention, DataModel, Entry, ImageEntry, Win64};
pub use copies::{has_few_copies, with_copies};
pub use error::{
    CallingConventionError, InterfaceField, InterfaceReason, InvalidCallInterfaceError,
    TypeProblem, TypeValidationError, UnsupportedPlatformError,
};
pub use execute::{Place, store_scalar};
pub use layout::AggregateBuilder;
pub use long_double::LongDouble;
pub use nearest::nearest;
pub use plan::{
    Bank, ByReference, Extension, Location, Move, Placement, Plan, RegisterFile, ReturnPlan,
};
pub use plan_builder::PlanBuilder;
pub use processor::check_vector_size;
pub use program::{NO_WAY, Program, Steps, Target, Way, general_way, stack_way};
pub use repr::Type;
pub use rule::Rule;
pub use signature::{MAX_ARGUMENTS, Signature};
pub use ty::{Field, Fundamental, Leaf, MAX_LEAVES_SIZE, Parts, Scalar, TypeKind};
pub use type_cell::{TypeCell, c_layout};
pub use value::CType;
