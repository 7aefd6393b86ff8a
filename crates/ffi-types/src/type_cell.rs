//! A type that is made once: for `#[derive(CType)]`.

use crate::error::TypeValidationError;
use crate::layout::MAX_ALIGN;
use crate::{Type, repr};
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

/// A place for a type that is made at its first use and shared from then on, for the rest of the
/// program.
#[derive(Debug)]
pub struct TypeCell(AtomicPtr<repr::Shared>);

impl TypeCell {
    /// An empty place.
    #[expect(clippy::new_without_default, reason = "it is a static, which needs a constant")]
    pub const fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// The type, which is built if it is not there. Threads that come at once may build several,
    /// of which one stays.
    ///
    /// # Panics
    /// If it cannot be built: a derive checks its layout when it is compiled.
    pub fn get_or_build(&self, build: impl FnOnce() -> Result<Type, TypeValidationError>) -> Type {
        let known = self.0.load(Ordering::Acquire);
        if !known.is_null() {
            // SAFETY: it came from `into_raw` below, and its share is never given back.
            return unsafe { Type::share_raw(known) };
        }
        let ty = build().unwrap_or_else(|error| panic!("{error}"));
        let made = ty.clone().into_raw();
        let stored =
            self.0.compare_exchange(ptr::null_mut(), made, Ordering::AcqRel, Ordering::Acquire);
        if stored.is_err() {
            // SAFETY: it is the share that was just made, and nobody else has seen it.
            drop(unsafe { Type::from_raw(made) });
        }
        ty
    }
}

/// The layout that C gives a struct or union whose members have these sizes and alignments, in
/// bytes: their offsets, the size and the alignment. `pack` is the most that a member is aligned
/// to, and `align` an alignment of the whole; 0 for none. For `#[derive(CType)]`, which asserts
/// that Rust's is the same.
///
/// # Panics
/// If the size overflows, or the alignment is one that [`Type`] does not have, when it is compiled.
pub const fn c_layout<const N: usize>(
    members: [(usize, usize); N],
    union: bool,
    pack: usize,
    align: usize,
) -> ([usize; N], usize, usize) {
    // As `record::Rules` has it for the platform's own C.
    let is_msvc = cfg!(all(windows, any(target_env = "msvc", target_arch = "aarch64")));
    let pack = if is_msvc && pack > 8 { 0 } else { pack };
    let (mut offsets, mut next, mut end, mut most) = ([0; N], 0, 0, 1);
    let mut index = 0;
    while index < N {
        let (size, natural) = members[index];
        let own = if pack != 0 && natural > pack { pack } else { natural };
        most = if own > most { own } else { most };
        let offset = if union { 0 } else { usize::next_multiple_of(next, own) };
        offsets[index] = offset;
        next = offset + size;
        end = if next > end { next } else { end };
        index += 1;
    }
    most = if align > most { align } else { most };
    assert!(most <= MAX_ALIGN, "C has no such alignment");
    (offsets, end.next_multiple_of(most), most)
}
