//! The plans of all signatures that were prepared, each found by its description (see the front
//! page for why).

use crate::build::build;
use crate::callee::Callee;
use crate::cif::{NOT_VARIADIC, convention, status};
use crate::describe::{Description, mix};
use crate::types::*;
use ffi_types::{Convention, Entry, Plan, Scalar, Signature, Type};
use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// How many plans are kept, some 12 MiB of them: signatures beyond that are planned at each call.
pub const MAX_PLANS: usize = 1 << 14;

/// A signature with what its calls need.
#[derive(Debug)]
pub(crate) struct Prepared {
    entry: Entry,
    plan: Plan,
    /// What becomes of the result: an integer smaller than `ffi_arg` fills one.
    widening: Widening,
    /// Of the result in memory, in bytes: what a call writes.
    pub(crate) result_size: usize,
    /// The place in the table, from 1 on; 0 for one that is in none.
    pub(crate) index: u32,
    /// What a cif has to say besides the index.
    pub(crate) check: u32,
    /// As C sees it, with the small result.
    pub(crate) signature: Signature,
    callee: OnceLock<Option<Callee>>,
    hash: u64,
    words: Box<[u64]>,
    /// Of its scalars, if there is nothing else.
    codes: Option<u128>,
    /// The next one of the same bucket.
    next: *const Prepared,
}

// SAFETY: nothing is changed once it is made, but for the `OnceLock`; `next` is in the table.
unsafe impl Send for Prepared {}
// SAFETY: as above.
unsafe impl Sync for Prepared {}

#[derive(Debug, Clone, Copy)]
enum Widening {
    None,
    /// By so many bits, copies of the sign.
    Signed(u8),
    /// By so many bits, zeros.
    Unsigned(u8),
}

impl Prepared {
    /// Plans a signature.
    pub(crate) fn new(words: &[u64], codes: Option<u128>) -> Result<Self, ffi_status> {
        let (head, mut rest) = words.split_first().ok_or(FFI_BAD_TYPEDEF)?;
        let convention = convention(*head as u32).ok_or(FFI_BAD_ABI)?;
        let mut types = Vec::new();
        while !rest.is_empty() {
            types.push(build(&mut rest).map_err(|_| FFI_BAD_TYPEDEF)?);
        }
        let result = types.remove(0);
        let signature = signature(convention, (head >> 32) as u32, result.clone(), types.clone())?;
        let widening = widening(&result);
        // The whole register comes back, and is widened from there: this is faster than writing
        // a part of it and reading that again.
        let returned = match widening {
            Widening::None => result,
            _ => Type::I64,
        };
        let whole = self::signature(convention, (head >> 32) as u32, returned, types)?;
        let implementation = ffi::implementation(convention).map_err(|_| FFI_BAD_ABI)?;
        let plan = implementation.plan(&whole).map_err(|error| status(&error.reason))?;
        let entry = implementation.entry(&plan).map_err(|_| FFI_BAD_TYPEDEF)?;
        Ok(Self {
            entry,
            plan,
            widening,
            result_size: whole.return_type().size(),
            index: 0,
            check: 0,
            signature,
            callee: OnceLock::new(),
            hash: 0,
            words: words.into(),
            codes,
            next: null(),
        })
    }

    /// Calls a function.
    ///
    /// # Safety
    /// The function is of this signature; `values` has a pointer to each argument, and `result` is
    /// writable for the result, and for eight bytes if that is a small integer.
    #[inline(always)]
    pub(crate) unsafe fn call(
        &self,
        function: *const c_void,
        result: *mut c_void,
        values: *const *const c_void,
    ) {
        // SAFETY: the caller's.
        unsafe {
            (self.entry)(&self.plan, function, values, result);
            let word = result.cast::<u64>();
            match self.widening {
                Widening::None => {}
                Widening::Signed(bits) => {
                    let value = word.cast::<i64>().read_unaligned() << bits >> bits;
                    word.cast::<i64>().write_unaligned(value);
                }
                Widening::Unsigned(bits) => {
                    word.write_unaligned(word.read_unaligned() << bits >> bits);
                }
            }
        }
    }

    /// What closures of this signature need; `None` where the convention cannot have them.
    pub(crate) fn callee(&self) -> Option<&Callee> {
        self.callee.get_or_init(|| Callee::new(&self.signature)).as_ref()
    }

    /// The memory that it takes, in bytes.
    pub(crate) fn size_bytes(&self) -> usize {
        size_of::<Self>() - size_of::<Plan>() + self.plan.size_bytes() + size_of_val(&*self.words)
    }
}

fn signature(
    convention: Convention,
    fixed: u32,
    result: Type,
    types: Vec<Type>,
) -> Result<Signature, ffi_status> {
    match fixed {
        NOT_VARIADIC => Signature::new(convention, result, types),
        fixed => Signature::variadic(convention, result, types, fixed as usize),
    }
    .map_err(|error| status(&error.reason))
}

fn widening(result: &Type) -> Widening {
    match result.as_scalar() {
        Some(Scalar::I8) => Widening::Signed(56),
        Some(Scalar::I16) => Widening::Signed(48),
        Some(Scalar::I32) => Widening::Signed(32),
        Some(Scalar::U8) => Widening::Unsigned(56),
        Some(Scalar::U16) => Widening::Unsigned(48),
        Some(Scalar::U32) => Widening::Unsigned(32),
        _ => Widening::None,
    }
}

const BUCKETS: usize = 1 << 12;

/// By index: what calls go by.
static PLANS: [AtomicPtr<Prepared>; MAX_PLANS] = [const { AtomicPtr::new(null_mut()) }; MAX_PLANS];
/// By hash: lists of those that share one, which grow at their heads.
static HEADS: [AtomicPtr<Prepared>; BUCKETS] = [const { AtomicPtr::new(null_mut()) }; BUCKETS];
/// By the hash of their codes, one for each: those of scalars alone that were prepared last.
static OF_SCALARS: [AtomicPtr<Prepared>; RECENT] = [const { AtomicPtr::new(null_mut()) }; RECENT];
/// How many there are; held while one is added.
static COUNT: Mutex<usize> = Mutex::new(0);

/// The plan of that index.
#[inline(always)]
pub(crate) fn by_index(index: u32) -> Option<&'static Prepared> {
    let slot = PLANS.get((index as usize).wrapping_sub(1))?;
    // SAFETY: what is in the table stays there for ever.
    unsafe { slot.load(Ordering::Acquire).as_ref() }
}

const RECENT: usize = 1 << 10;

fn recent(head: u64, codes: u128) -> &'static AtomicPtr<Prepared> {
    let hash = mix(mix(head, codes as u64), (codes >> 64) as u64);
    &OF_SCALARS[(hash >> 32) as usize % RECENT]
}

/// The plan of a signature of scalars alone, if it is at hand.
#[inline(always)]
pub(crate) fn of_scalars(head: u64, codes: u128) -> Option<&'static Prepared> {
    // SAFETY: what is in the table stays there for ever.
    let prepared = unsafe { recent(head, codes).load(Ordering::Acquire).as_ref() }?;
    (prepared.codes == Some(codes) && prepared.words[0] == head).then_some(prepared)
}

/// The plan of a signature, made if there is none yet; `None` if no more are kept, but the
/// signature is good. The codes are those of its scalars, if there is nothing else.
pub(crate) fn find(
    words: &Description,
    codes: Option<u128>,
) -> Result<Option<&'static Prepared>, ffi_status> {
    let found = find_or_make(words, codes)?;
    if let (Some(prepared), Some(codes)) = (found, codes) {
        let prepared = std::ptr::from_ref(prepared).cast_mut();
        recent(words.words()[0], codes).store(prepared, Ordering::Release);
    }
    Ok(found)
}

#[inline(always)]
fn find_or_make(
    words: &Description,
    codes: Option<u128>,
) -> Result<Option<&'static Prepared>, ffi_status> {
    let (words, hash) = (words.words(), words.hash());
    let head = &HEADS[(hash >> 32) as usize % BUCKETS];
    let known = |from: *const Prepared| {
        // SAFETY: what is in the table stays there for ever.
        let list =
            std::iter::successors(unsafe { from.as_ref() }, |it| unsafe { it.next.as_ref() });
        list.into_iter().find(|it| it.hash == hash && it.words.iter().eq(words))
    };
    if let Some(found) = known(head.load(Ordering::Acquire)) {
        return Ok(Some(found));
    }
    let mut prepared = Prepared::new(words, codes)?;
    let mut count = COUNT.lock().unwrap_or_else(PoisonError::into_inner);
    let first = head.load(Ordering::Acquire);
    // Somebody may have been faster.
    if let Some(found) = known(first) {
        return Ok(Some(found));
    }
    let Some(slot) = PLANS.get(*count) else { return Ok(None) };
    *count += 1;
    prepared.index = *count as u32;
    // Never 0, which memory that nobody wrote is full of.
    prepared.check = hash as u32 | 1;
    prepared.hash = hash;
    prepared.next = first;
    let prepared = Box::into_raw(Box::new(prepared));
    slot.store(prepared, Ordering::Release);
    head.store(prepared, Ordering::Release);
    // SAFETY: it was just made, and is never freed.
    Ok(Some(unsafe { &*prepared }))
}
