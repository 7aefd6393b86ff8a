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
    /// of which the first stays and the others are dropped.
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
        match self.0.compare_exchange(ptr::null_mut(), made, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => ty,
            Err(first) => {
                // SAFETY: `made` is the share that was just made, and nobody else has seen it; the
                // other one is as `known` above.
                unsafe {
                    drop(Type::from_raw(made));
                    Type::share_raw(first)
                }
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scalar;
    use core::array;
    use proptest::prelude::*;
    use proptest::sample::select;

    proptest! {
        /// What the derive checks when it is compiled is what it builds when it runs.
        #[test]
        fn both_layouts_are_the_same(
            scalars in prop::array::uniform4(select(&Scalar::ALL[..])),
            over_aligned in select(&[0_usize, 1, 16, 32, 64][..]),
            union: bool,
            pack in select(&[0_usize, 1, 2, 4, 8, 16, 32][..]),
            align in select(&[0_usize, 1, 2, 16, 64][..]),
        ) {
            let mut members = scalars.map(Type::scalar);
            if over_aligned > 0 {
                let inner = Type::structure("inner").field("x", members[1].clone());
                members[1] = inner.align(over_aligned).build().expect("a struct");
            }
            let mut builder = if union { Type::union("u") } else { Type::structure("s") };
            for (member, name) in members.iter().zip(["a", "b", "c", "d"]) {
                builder = builder.field(name, member.clone());
            }
            builder = if pack == 0 { builder } else { builder.pack(pack) };
            builder = if align == 0 { builder } else { builder.align(align) };
            let ty = builder.build().expect("a struct or union");
            let sizes = members.each_ref().map(|member| (member.size(), member.align()));
            let offsets: [usize; 4] = array::from_fn(|index| ty.fields()[index].offset());
            prop_assert_eq!(
                c_layout(sizes, union, pack, align),
                (offsets, ty.size(), ty.align())
            );
        }
    }

    #[test]
    fn a_type_is_built_once() {
        let cell = TypeCell::new();
        let build = || Type::structure("s").field("x", Type::I8).build();
        let first = cell.get_or_build(build);
        let second = cell.get_or_build(|| unreachable!("it is there"));
        assert_eq!(first.fields().as_ptr(), second.fields().as_ptr());
    }

    /// Of two that are built at once the first stays, and the other is freed.
    #[test]
    fn a_late_thread_drops_its_own() {
        let cell = TypeCell::new();
        let inner = Type::structure("inner").field("x", Type::I8).build().expect("a struct");
        let build = || Type::structure("s").field("inner", inner.clone()).build();
        let mut first = None;
        let late = cell.get_or_build(|| {
            first = Some(cell.get_or_build(build));
            build()
        });
        let first = first.expect("it was built");
        assert_eq!(late.fields().as_ptr(), first.fields().as_ptr());
        // This one's share, and the one of the struct that stayed.
        let inner = inner.into_aggregate().expect("a struct");
        assert_eq!(alloc::sync::Arc::strong_count(&inner), 2);
    }
}
