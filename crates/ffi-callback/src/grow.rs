//! More trampolines than are assembled into the program: the same code once more, beside other
//! slots.
//!
//! The code of the trampolines stands on pages of its own, and each finds its slot at the same
//! distance wherever the pages are. So the pages are mapped again, from the file that the program
//! was loaded from, and fresh memory is put at that distance. No page is ever writable and
//! executable, or changed from one to the other, and no file stays open.

use crate::error::GrowthError;
use ffi_types::ThunkTable;

/// As many trampolines again as the table has.
pub(crate) fn more(table: &'static ThunkTable) -> Result<&'static ThunkTable, GrowthError> {
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    return unix::more(table).map(|more| &*Box::leak(Box::new(more)));
    #[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
    return {
        let _ = table;
        Err(GrowthError::Unsupported)
    };
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
mod unix {
    use super::code;
    use crate::error::{GrowthError, GrowthStep};
    use ffi_types::{Slot, ThunkTable};
    use std::ffi::c_void;
    use std::ptr::null_mut;

    pub(super) fn more(table: &ThunkTable) -> Result<ThunkTable, GrowthError> {
        // SAFETY: it has no preconditions.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        let (code, slots) = (table.code(), table.slots().cast::<u8>());
        let code_size = table.stride() * table.count();
        let slots_size = size_of::<Slot>() * table.count();
        let distance = slots.addr().wrapping_sub(code.addr());
        let are_pages = [code.addr(), code_size, distance].iter().all(|n| n % page == 0);
        if !are_pages {
            return Err(GrowthError::PageSize { page });
        }
        // Room for both at their distance, of which the middle is given back.
        let first = code.addr().min(slots.addr());
        let end = (code.addr() + code_size).max(slots.addr() + slots_size).next_multiple_of(page);
        let room = Room::reserve(end - first)?;
        let code_at = room.start.wrapping_add(code.addr() - first);
        let slots_at = room.start.wrapping_add(slots.addr() - first);
        code::map_again(code, code_size, code_at)?;
        let writable = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the pages are the room's.
        let done = unsafe { libc::mprotect(slots_at.cast(), slots_size, writable) };
        if done != 0 {
            return Err(GrowthError::last(GrowthStep::Slots));
        }
        let used = [(code_at, code_size), (slots_at, slots_size.next_multiple_of(page))];
        room.keep(used);
        // SAFETY: the code is that of the table, and has that many fresh slots, which are zero, at
        // the distance that it expects; both stay for ever.
        Ok(unsafe { ThunkTable::new(code_at, table.stride(), table.count(), slots_at.cast()) })
    }

    /// Addresses that nobody else gets; given back when it is dropped.
    struct Room {
        start: *mut u8,
        size: usize,
    }

    impl Room {
        fn reserve(size: usize) -> Result<Self, GrowthError> {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_NORESERVE;
            // SAFETY: the system chooses an address where nothing is.
            let start = unsafe { libc::mmap(null_mut(), size, libc::PROT_NONE, flags, -1, 0) };
            if start == libc::MAP_FAILED {
                return Err(GrowthError::last(GrowthStep::Reserve));
            }
            Ok(Self { start: start.cast(), size })
        }

        /// Gives back all but these two.
        fn keep(self, mut used: [(*mut u8, usize); 2]) {
            used.sort_by_key(|(start, _)| start.addr());
            let [(_, first_size), (second, _)] = used;
            let middle = self.start.wrapping_add(first_size);
            // They are the room's ends.
            unmap(middle, second.addr() - middle.addr());
            std::mem::forget(self);
        }
    }

    impl Drop for Room {
        fn drop(&mut self) {
            unmap(self.start, self.size);
        }
    }

    fn unmap(start: *mut u8, size: usize) {
        if size > 0 {
            // SAFETY: the pages are those of a room, and nothing points to them. Where it fails
            // there is some address space less.
            unsafe { libc::munmap(start.cast::<c_void>(), size) };
        }
    }
}

#[cfg(target_vendor = "apple")]
#[path = "grow/apple.rs"]
mod code;
#[cfg(target_os = "linux")]
#[path = "grow/linux.rs"]
mod code;
