//! What the running processor has: asked once, by the instruction that tells.

/// Whether vector registers of so many bytes can be loaded and saved here; for conventions whose
/// plans ask for [them](crate::Plan::vector_size).
///
/// # Errors
/// What the processor or the system lacks.
pub fn check_vector_size(size: u8) -> Result<(), &'static str> {
    if size <= 16 || size <= widest() {
        return Ok(());
    }
    Err(if size == 64 {
        "a vector of 64 bytes needs AVX-512, which this processor or system does not have"
    } else {
        "a vector of 32 bytes needs AVX, which this processor or system does not have"
    })
}

#[cfg(not(target_arch = "x86_64"))]
fn widest() -> u8 {
    16
}

#[cfg(target_arch = "x86_64")]
use x86_64::widest;

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
    use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

    /// The size in bytes of the widest vector registers.
    pub(super) fn widest() -> u8 {
        static KNOWN: AtomicU8 = AtomicU8::new(0);
        let known = KNOWN.load(Relaxed);
        if known != 0 {
            return known;
        }
        let found = ask();
        KNOWN.store(found, Relaxed);
        found
    }

    /// Intel's manual, volume 1, 14.3 and 15.2: the processor has the instructions, and the system
    /// keeps the registers when it switches threads.
    fn ask() -> u8 {
        const OSXSAVE: u32 = 1 << 27;
        const AVX: u32 = 1 << 28;
        const AVX512F: u32 = 1 << 16;
        const XMM_YMM: u64 = 0b110;
        const ZMM: u64 = 0b1110_0000;
        let features = __cpuid(1).ecx;
        if features & OSXSAVE == 0 || features & AVX == 0 {
            return 16;
        }
        // SAFETY: OSXSAVE says that there is this instruction.
        let kept = unsafe { enabled() };
        if kept & XMM_YMM != XMM_YMM {
            return 16;
        }
        let avx512 = __cpuid(0).eax >= 7 && __cpuid_count(7, 0).ebx & AVX512F != 0;
        if avx512 && kept & ZMM == ZMM { 64 } else { 32 }
    }

    /// # Safety
    /// The processor has `xgetbv`.
    #[target_feature(enable = "xsave")]
    unsafe fn enabled() -> u64 {
        // SAFETY: the caller's; register 0 is there.
        unsafe { _xgetbv(0) }
    }
}
