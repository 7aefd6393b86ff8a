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
        let page = pages::size();
        let usable = size.max(1).next_multiple_of(page);
        let mapped = usable + page;
        let start = NonNull::new(pages::map(mapped)).expect("there is memory");
        // SAFETY: they are the last of the pages above, which nothing else knows.
        assert!(unsafe { pages::forbid(start.add(usable).as_ptr(), page) }, "it can be protected");
        Self { start, usable, mapped }
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
        unsafe { pages::unmap(self.start.as_ptr(), self.mapped) };
    }
}

#[cfg(unix)]
mod pages {
    //! Pages as Unix has them.

    pub(super) fn size() -> usize {
        // SAFETY: it only returns a number.
        unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
    }

    /// Fresh pages to read and write; null if there are none.
    pub(super) fn map(size: usize) -> *mut u8 {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: the pages are new.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), size, access, kind, -1, 0) };
        if start == libc::MAP_FAILED { std::ptr::null_mut() } else { start.cast() }
    }

    /// # Safety
    /// The pages were mapped above, and nobody uses them.
    pub(super) unsafe fn forbid(start: *mut u8, size: usize) -> bool {
        // SAFETY: the caller's.
        unsafe { libc::mprotect(start.cast(), size, libc::PROT_NONE) == 0 }
    }

    /// # Safety
    /// These are all pages of a mapping from above, and nobody uses them.
    pub(super) unsafe fn unmap(start: *mut u8, size: usize) {
        // SAFETY: the caller's.
        unsafe { libc::munmap(start.cast(), size) };
    }
}

#[cfg(windows)]
mod pages {
    //! Pages as Windows has them.

    use windows_sys::Win32::System::Memory::{
        MEM_COMMIT, MEM_RELEASE, MEM_RESERVE, PAGE_NOACCESS, PAGE_READWRITE, VirtualAlloc,
        VirtualFree, VirtualProtect,
    };

    /// Windows has pages of this size on every processor that the tests run on.
    pub(super) fn size() -> usize {
        4096
    }

    /// Fresh pages to read and write; null if there are none.
    pub(super) fn map(size: usize) -> *mut u8 {
        let kind = MEM_COMMIT | MEM_RESERVE;
        // SAFETY: the pages are new.
        unsafe { VirtualAlloc(std::ptr::null(), size, kind, PAGE_READWRITE) }.cast()
    }

    /// # Safety
    /// The pages were mapped above, and nobody uses them.
    pub(super) unsafe fn forbid(start: *mut u8, size: usize) -> bool {
        let mut before = 0;
        // SAFETY: the caller's.
        unsafe { VirtualProtect(start.cast(), size, PAGE_NOACCESS, &raw mut before) != 0 }
    }

    /// # Safety
    /// These are all pages of a mapping from above, and nobody uses them.
    pub(super) unsafe fn unmap(start: *mut u8, _: usize) {
        // SAFETY: the caller's; released as a whole, by its start.
        unsafe { VirtualFree(start.cast(), 0, MEM_RELEASE) };
    }
}
