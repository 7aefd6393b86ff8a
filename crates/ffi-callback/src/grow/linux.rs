//! Linux: the code's pages from the file that they were loaded from; or, where that is gone or
//! another one by now, from a copy in memory that is sealed against writing.

use crate::error::{GrowthError, GrowthStep};
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, FromRawFd};

/// Maps the same code at another address, over what is there.
pub(super) fn map_again(code: *const u8, size: usize, at: *mut u8) -> Result<(), GrowthError> {
    // SAFETY: it is code of the program, which is there for ever and never written.
    let bytes = unsafe { std::slice::from_raw_parts(code, size) };
    from_file(bytes, at).or_else(|file| match from_memory(bytes, at) {
        Ok(()) => Ok(()),
        Err(memory) => Err(GrowthError::Code { file: Box::new(file), memory: Box::new(memory) }),
    })
}

fn from_file(code: &[u8], at: *mut u8) -> Result<(), GrowthError> {
    let maps =
        std::fs::read("/proc/self/maps").map_err(|e| GrowthError::io(GrowthStep::Maps, &e))?;
    let found = find(&maps, code.as_ptr().addr(), code.len());
    let (path, offset) = found.ok_or(GrowthError::NoFile)?;
    let file = File::open(path).map_err(|e| GrowthError::io(GrowthStep::Open, &e))?;
    map_same(&file, offset, code, at)
}

/// Maps a part of a file if it is this code.
fn map_same(file: &File, offset: libc::off_t, code: &[u8], at: *mut u8) -> Result<(), GrowthError> {
    // Whoever looks at pages past a file's end gets a signal. The path may lead to another file now
    // without being called deleted: where something was mounted over it.
    let metadata = file.metadata().map_err(|e| GrowthError::io(GrowthStep::Open, &e))?;
    if metadata.len() < offset as u64 + code.len() as u64 {
        return Err(GrowthError::OtherFile);
    }
    map(file, offset, code.len(), at)?;
    // SAFETY: it was mapped just now, with that size.
    if unsafe { std::slice::from_raw_parts(at, code.len()) } == code {
        return Ok(());
    }
    // What is mapped there stays until something else is, or the room is given back.
    Err(GrowthError::OtherFile)
}

/// The file that is mapped at these addresses, and where in it they are.
fn find(maps: &[u8], address: usize, size: usize) -> Option<(&std::path::Path, libc::off_t)> {
    use std::os::unix::ffi::OsStrExt;
    let number = |text: &[u8]| usize::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok();
    maps.split(|&byte| byte == b'\n').find_map(|line| {
        // start-end permissions offset device inode, and after some spaces the path
        let mut words = line.splitn(6, |&byte| byte == b' ');
        let range = words.next()?;
        let dash = range.iter().position(|&byte| byte == b'-')?;
        let (start, end) = (number(&range[..dash])?, number(&range[dash + 1..])?);
        if address < start || address + size > end {
            return None;
        }
        let offset = number(words.nth(1)?)?;
        let path = words.nth(2)?.trim_ascii_start();
        let is_path = path.starts_with(b"/") && !path.ends_with(b" (deleted)");
        let path = std::path::Path::new(std::ffi::OsStr::from_bytes(path));
        is_path.then_some((path, (offset + (address - start)) as libc::off_t))
    })
}

fn from_memory(code: &[u8], at: *mut u8) -> Result<(), GrowthError> {
    let failed = || GrowthError::last(GrowthStep::Memory);
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    let name = c"ffi trampolines".as_ptr();
    // SAFETY: the name is a string.
    let mut fd = unsafe { libc::memfd_create(name, flags | MFD_EXEC) };
    if fd < 0 {
        // Before Linux 6.3 there was no such flag, nor a need for it.
        // SAFETY: as above.
        fd = unsafe { libc::memfd_create(name, flags) };
    }
    if fd < 0 {
        return Err(failed());
    }
    // SAFETY: it was made just now, and is nobody else's.
    let mut file = unsafe { File::from_raw_fd(fd) };
    file.write_all(code).map_err(|e| GrowthError::io(GrowthStep::Memory, &e))?;
    let seals = libc::F_SEAL_WRITE | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;
    // SAFETY: it changes nothing but the file.
    if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) } != 0 {
        return Err(failed());
    }
    map(&file, 0, code.len(), at)
}

/// `linux/memfd.h`: the file may be executed.
const MFD_EXEC: libc::c_uint = 0x10;

/// `asm/mman.h` of AArch64: indirect branches have to lead to landing pads.
const PROT_BTI: libc::c_int = if cfg!(target_arch = "aarch64") { 0x10 } else { 0 };

fn map(file: &File, offset: libc::off_t, size: usize, at: *mut u8) -> Result<(), GrowthError> {
    let readable = libc::PROT_READ | libc::PROT_EXEC;
    // Without it where processor or system has none.
    let mapped = [readable | PROT_BTI, readable].into_iter().any(|protection| {
        let (flags, fd) = (libc::MAP_PRIVATE | libc::MAP_FIXED, file.as_raw_fd());
        // SAFETY: the pages are the caller's.
        unsafe { libc::mmap(at.cast(), size, protection, flags, fd, offset) != libc::MAP_FAILED }
    });
    if mapped { Ok(()) } else { Err(GrowthError::last(GrowthStep::Map)) }
}

#[cfg(test)]
mod tests {
    use super::{find, from_memory, map_same};
    use crate::error::GrowthError;
    use std::fs::File;
    use std::path::Path;

    const MAPS: &[u8] = b"\
55d0c0000000-55d0c0010000 r--p 00000000 fe:00 123                        /opt/a b/program
55d0c0010000-55d0c0040000 r-xp 00010000 fe:00 123                        /opt/a b/program
7f0000000000-7f0000010000 r-xp 00003000 00:01 77                         /memfd:x (deleted)
7f0000010000-7f0000020000 r-xp 00000000 00:00 0
7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0                          [vdso]
";

    #[test]
    fn the_file_of_an_address_is_found() {
        let program = Path::new("/opt/a b/program");
        assert_eq!(find(MAPS, 0x55d0_c001_2000, 0x8000), Some((program, 0x12000)));
        // Over the end, outside of all, of no file, of one that is gone.
        for address in [0x55d0_c003_f000, 0x1000, 0x7f00_0001_0000, 0x7f00_0000_0000] {
            assert_eq!(find(MAPS, address, 0x8000), None, "{address:#x}");
        }
        assert_eq!(find(b"", 0, 0), None);
    }

    #[test]
    fn a_copy_in_memory_is_executable_and_cannot_be_written() {
        let size = 4096;
        let code: Vec<u8> = (0..size).map(|n| n as u8).collect();
        let flags = libc::MAP_PRIVATE | libc::MAP_ANON;
        let none = std::ptr::null_mut();
        // SAFETY: the system chooses an address where nothing is.
        let at = unsafe { libc::mmap(none, size, libc::PROT_NONE, flags, -1, 0) };
        assert_eq!(from_memory(&code, at.cast()), Ok(()));
        // SAFETY: it is mapped, with that size.
        assert_eq!(unsafe { std::slice::from_raw_parts(at.cast::<u8>(), size) }, code);
        let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux has it");
        let start = format!("{:x}-", at.addr());
        let line = maps.lines().find(|line| line.starts_with(&start)).expect("it is mapped");
        assert!(line.contains(" r-xp "), "{line}");
        // SAFETY: nobody uses the pages.
        unsafe { libc::munmap(at, size) };
    }

    #[test]
    fn another_file_is_not_taken_for_it() {
        let size = 4096;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANON;
        let none = std::ptr::null_mut();
        // SAFETY: the system chooses an address where nothing is.
        let at = unsafe { libc::mmap(none, size, libc::PROT_NONE, flags, -1, 0) };
        let program = File::open("/proc/self/exe").expect("it runs");
        let start = std::fs::read("/proc/self/exe").expect("it runs");
        assert_eq!(map_same(&program, 0, &start[..size], at.cast()), Ok(()));
        let other = vec![0; size];
        assert_eq!(map_same(&program, 0, &other, at.cast()), Err(GrowthError::OtherFile));
        // To look at what is mapped there would be the end.
        let past = start.len().next_multiple_of(size) as libc::off_t;
        assert_eq!(map_same(&program, past, &other, at.cast()), Err(GrowthError::OtherFile));
        // SAFETY: nobody uses the pages.
        unsafe { libc::munmap(at, size) };
    }

    #[test]
    fn what_failed_is_said() {
        // Not the start of a page.
        let error = from_memory(&[0; 16], std::ptr::without_provenance_mut(1));
        let Err(error @ GrowthError::Os { .. }) = error else { panic!("{error:?}") };
        assert_eq!(error.to_string(), "mapping the code failed: Invalid argument (os error 22)");
    }
}
