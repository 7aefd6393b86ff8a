//! What is decided before a callback is made: its plan, and where each argument is found.

use crate::error::CallbackError;
use crate::infer::{ClosureOnce, MAX_PARAMETERS};
use ffi_types::{
    CallingConvention, Convention, InvalidCallInterfaceError, Move, Place, Plan, ReturnPlan,
    Scalar, Signature, Type,
};
use std::ffi::c_void;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{Acquire, Release};

/// A signature, and all that follows from it.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) signature: Signature,
    pub(crate) plan: Plan,
    /// Where a typed closure finds its arguments, if in one piece, and its result goes: looked up
    /// once.
    pub(crate) places: [Option<Place>; MAX_PARAMETERS],
    pub(crate) result_to: ResultPlace,
    pub(crate) handler: *const c_void,
}

// SAFETY: the handler is code.
unsafe impl Send for Prepared {}
// SAFETY: as above.
unsafe impl Sync for Prepared {}

/// Where to find what was prepared.
#[derive(Debug, Clone)]
pub(crate) enum Preparation {
    /// For a signature of types that the compiler knows: it is there for ever.
    Always(&'static Prepared),
    /// For one that is known at run time.
    Counted(Arc<Prepared>),
}

impl Deref for Preparation {
    type Target = Prepared;

    fn deref(&self) -> &Prepared {
        match self {
            Self::Always(prepared) => prepared,
            Self::Counted(prepared) => prepared,
        }
    }
}

/// Where a result goes in the return registers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ResultPlace {
    /// Where its first register is.
    pub(crate) first: u32,
    /// Where its second one is, if it is sixteen bytes that fill two.
    pub(crate) second: Option<u32>,
}

impl Prepared {
    pub(crate) fn new(
        convention: &dyn CallingConvention,
        signature: Signature,
    ) -> Result<Box<Self>, CallbackError> {
        if let Some(first_variadic) = signature.first_variadic() {
            return Err(CallbackError::Variadic { first_variadic });
        }
        Self::planned(convention, signature, |signature, plan| {
            Ok(convention.plan_into(signature, plan)?)
        })
    }

    /// For a closure that takes the variadic arguments out itself: the plan is one whose registers
    /// have room for whatever a call may pass.
    pub(crate) fn variadic(
        convention: &dyn CallingConvention,
        signature: Signature,
    ) -> Result<Box<Self>, CallbackError> {
        let fixed = signature.arguments().len();
        match signature.first_variadic() {
            Some(first_variadic) if first_variadic == fixed => {}
            found => return Err(CallbackError::NotVariadic { found, fixed }),
        }
        Self::planned(convention, signature, |signature, plan| {
            let call = variadic_call(signature, &[])?;
            Ok(convention.plan_into(&call, plan)?)
        })
    }

    fn planned(
        convention: &dyn CallingConvention,
        signature: Signature,
        make: impl FnOnce(&Signature, &mut Plan) -> Result<(), CallbackError>,
    ) -> Result<Box<Self>, CallbackError> {
        let mut prepared = Box::new(Self {
            signature,
            plan: Plan::empty(),
            places: Default::default(),
            result_to: ResultPlace::default(),
            handler: std::ptr::null(),
        });
        let Self { signature, plan, places, result_to, handler } = &mut *prepared;
        make(signature, plan)?;
        for (index, (place, ty)) in places.iter_mut().zip(signature.arguments()).enumerate() {
            *place = plan.place(index, ty.size());
        }
        if let ReturnPlan::Registers([first, rest @ ..]) = plan.return_plan() {
            let words = |a: &Move, b: &Move| (a.offset, a.len, b.offset, b.len) == (0, 8, 8, 8);
            let second = match rest {
                [second] if words(first, second) => Some(second.to),
                _ => None,
            };
            *result_to = ResultPlace { first: first.to, second };
        }
        *handler = convention.callback_handler(plan)?;
        Ok(prepared)
    }

    /// For closures of these types: decided when the first one is made, and kept for ever, as their
    /// code is.
    pub(crate) fn of<Parameters, F: ClosureOnce<Parameters>>(
        convention: &dyn CallingConvention,
    ) -> Result<&'static Self, CallbackError> {
        // It names the types of the parameters and the result: functions that were merged into one
        // are the same in all that they do.
        let key = Key { signature: F::signature, convention: convention.convention() };
        let bucket = &KNOWN[(F::signature as *const () as usize >> 4) % KNOWN.len()];
        let first = bucket.load(Acquire);
        if let Some(known) = find(first, &key) {
            return Ok(known);
        }
        let prepared = *Self::new(convention, F::signature(key.convention)?)?;
        let known = Box::into_raw(Box::new(Known { key, prepared, next: first }));
        loop {
            // SAFETY: it is this function's alone until it is in the list, and nobody writes to it
            // from then on.
            let expected = unsafe { (*known).next };
            match bucket.compare_exchange(expected, known, Release, Acquire) {
                // SAFETY: what is in the list stays there for ever.
                Ok(_) => return Ok(unsafe { &(*known).prepared }),
                Err(other) => match find(other, &key) {
                    // Another thread was faster with the same.
                    Some(others) => {
                        // SAFETY: it came from a box, and nobody else has seen it.
                        drop(unsafe { Box::from_raw(known) });
                        return Ok(others);
                    }
                    // SAFETY: as above.
                    None => unsafe { (*known).next = other },
                },
            }
        }
    }
}

/// The signature of a call that passes arguments of these types through `...`, and one more at the
/// end, which is none: it makes the register file one with vector registers, and with whole ones where
/// they can be passed, whatever else there is. What stands last changes no other's place.
pub(crate) fn variadic_call(
    signature: &Signature,
    types: &[Type],
) -> Result<Signature, InvalidCallInterfaceError> {
    let fixed = signature.arguments();
    let (convention, result) = (signature.convention(), signature.return_type().clone());
    let last = match convention {
        // There vectors are passed by reference.
        Convention::Win64(_) => Type::F64,
        _ => Type::vector(Scalar::F32, 4).expect("every other convention has vectors of 16 bytes"),
    };
    let all = fixed.iter().chain(types).cloned().chain([last]);
    Signature::variadic(convention, result, all, fixed.len())
}

/// What a typed closure's signature depends on.
#[derive(Debug, Clone, Copy)]
struct Key {
    signature: fn(Convention) -> Result<Signature, InvalidCallInterfaceError>,
    convention: Convention,
}

/// An entry of a list that only ever grows.
struct Known {
    key: Key,
    prepared: Prepared,
    next: *mut Known,
}

static KNOWN: [AtomicPtr<Known>; 64] = [const { AtomicPtr::new(std::ptr::null_mut()) }; 64];

fn find(mut at: *const Known, key: &Key) -> Option<&'static Prepared> {
    // SAFETY: entries are leaked, and never written after they were put into a list.
    while let Some(known) = unsafe { at.as_ref() } {
        let same = std::ptr::fn_addr_eq(known.key.signature, key.signature);
        if same && known.key.convention == key.convention {
            return Some(&known.prepared);
        }
        at = known.next;
    }
    None
}
