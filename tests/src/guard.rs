//! Memory that ends where reading must end.

use std::ptr::NonNull;

/// A few pages followed by one that cannot be touched. A value written to its end makes any read
/// past the value a crash.
#[derive(Debug)]
pub struct Guarded {
    start: NonNull<u8>,
    usable: usize,
    mapped: usize,
}

impl Guarded {
    /// At least `size` usable bytes.
    ///
    /// # Panics
    /// If the system has no memory.
    pub fn new(size: usize) -> Self {
        // SAFETY: asks for fresh pages, and takes access away from the last of them.
        unsafe {
            let page = libc::sysconf(libc::_SC_PAGESIZE) as usize;
            let usable = size.max(1).next_multiple_of(page);
            let mapped = usable + page;
            let start = libc::mmap(
                std::ptr::null_mut(),
                mapped,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            assert_ne!(start, libc::MAP_FAILED, "no memory");
            let start = NonNull::new(start.cast::<u8>()).expect("mmap returns no null");
            assert_eq!(libc::mprotect(start.add(usable).as_ptr().cast(), page, libc::PROT_NONE), 0);
            Self { start, usable, mapped }
        }
    }

    /// Puts the bytes at the very end and returns their address.
    ///
    /// # Panics
    /// If they do not fit.
    pub fn at_end(&mut self, bytes: &[u8]) -> *const u8 {
        assert!(bytes.len() <= self.usable, "{} bytes in {}", bytes.len(), self.usable);
        // SAFETY: the usable pages are this value's own, and long enough.
        unsafe {
            let target = self.start.add(self.usable - bytes.len()).as_ptr();
            target.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            target
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own, and its address is not kept elsewhere.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.mapped) };
    }
}
