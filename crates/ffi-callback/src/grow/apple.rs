//! Apple's systems: the kernel maps pages of the program once more.

use crate::error::{GrowthError, GrowthStep};

// `mach/vm_map.h` and `mach/vm_statistics.h`; the libc crate has no `mach_vm_remap`.
const VM_FLAGS_FIXED: i32 = 0;
const VM_FLAGS_OVERWRITE: i32 = 0x4000;
const VM_INHERIT_COPY: u32 = 1;

// SAFETY: as the system's headers declare them.
unsafe extern "C" {
    static mach_task_self_: u32;
    fn mach_vm_remap(
        target: u32,
        address: *mut u64,
        size: u64,
        mask: u64,
        flags: i32,
        source: u32,
        source_address: u64,
        copy: i32,
        protection: *mut i32,
        most_protection: *mut i32,
        inheritance: u32,
    ) -> i32;
}

/// Maps the same code at another address, over what is there.
pub(super) fn map_again(code: *const u8, size: usize, at: *mut u8) -> Result<(), GrowthError> {
    let (mut address, mut protection, mut most) = (at.addr() as u64, 0, 0);
    // SAFETY: the pages at `at` are the caller's, and those of the code are only read.
    let status = unsafe {
        let task = mach_task_self_;
        mach_vm_remap(
            task,
            &mut address,
            size as u64,
            0,
            VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE,
            task,
            code.addr() as u64,
            0,
            &mut protection,
            &mut most,
            VM_INHERIT_COPY,
        )
    };
    match status {
        0 => Ok(()),
        code => Err(GrowthError::Os { step: GrowthStep::Remap, code }),
    }
}
