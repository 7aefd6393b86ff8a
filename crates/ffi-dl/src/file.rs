//! A look at a file before the loader has it: at what would make the loader wait for ever or end the
//! program, and at what it has no words for.
//!
//! The loader maps a library's pages without asking whether the file has them, and touching those
//! that it does not have ends the process (SIGBUS). It opens a fifo, and waits for a writer. And
//! it takes a library for another processor for one that is not there.

use crate::error::{FileKind, Reason};
use std::ffi::OsStr;
use std::fs::{File, Metadata, OpenOptions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};

/// What is wrong with the file at a path. Of names, which the loader looks for in places of its own,
/// and of whatever cannot be looked at, nothing is known: the loader has its say on those.
pub(crate) fn objection(name: &OsStr) -> Option<Reason> {
    if !name.as_bytes().contains(&b'/') {
        return None;
    }
    // Not by opening it: to open a device may be to do something.
    if let Some(found) = kind(&std::fs::metadata(name).ok()?) {
        return Some(Reason::NotAFile { found });
    }
    // Should it have become a fifo since, no writer is waited for.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(name).ok()?;
    let metadata = file.metadata().ok()?;
    match kind(&metadata) {
        Some(found) => Some(Reason::NotAFile { found }),
        None => contents(&file, metadata.len()),
    }
}

/// `None` for a file.
fn kind(metadata: &Metadata) -> Option<FileKind> {
    let ty = metadata.file_type();
    if ty.is_file() {
        None
    } else if ty.is_dir() {
        Some(FileKind::Directory)
    } else if ty.is_fifo() {
        Some(FileKind::Fifo)
    } else if ty.is_socket() {
        Some(FileKind::Socket)
    } else {
        Some(FileKind::Device)
    }
}

#[cfg(any(not(target_pointer_width = "64"), target_endian = "big", target_vendor = "apple"))]
fn contents(_: &File, _: u64) -> Option<Reason> {
    None
}

/// Of a 64-bit ELF file; the loader itself says what is wrong with all others.
#[cfg(all(target_pointer_width = "64", target_endian = "little", not(target_vendor = "apple")))]
fn contents(file: &File, size: u64) -> Option<Reason> {
    use std::os::unix::fs::FileExt;

    /// `Elf64_Phdr`, and its type for what is mapped.
    const ENTRY: usize = 56;
    const PT_LOAD: u32 = 1;

    let mut header = [0; 64];
    file.read_exact_at(&mut header, 0).ok()?;
    // ELFCLASS64, ELFDATA2LSB.
    let [0x7f, b'E', b'L', b'F', 2, 1, ..] = header else { return None };
    let machine = u16::from_le_bytes(at(&header, 18)?);
    if MACHINE.is_some_and(|native| machine != native) {
        return Some(Reason::OtherProcessor { machine });
    }
    let start = u64::from_le_bytes(at(&header, 32)?);
    let entry_size = u16::from_le_bytes(at(&header, 54)?);
    let count = u16::from_le_bytes(at(&header, 56)?);
    if usize::from(entry_size) != ENTRY {
        return None;
    }
    let mut table = vec![0; ENTRY * usize::from(count)];
    file.read_exact_at(&mut table, start).ok()?;
    let mut needed = 0;
    for entry in table.chunks_exact(ENTRY) {
        if u32::from_le_bytes(at(entry, 0)?) == PT_LOAD {
            let (offset, len) =
                (u64::from_le_bytes(at(entry, 8)?), u64::from_le_bytes(at(entry, 32)?));
            needed = needed.max(offset.saturating_add(len));
        }
    }
    let missing = needed.saturating_sub(size);
    (missing > 0).then_some(Reason::Truncated { missing })
}

/// The number of the processor's kind in ELF.
#[cfg(all(target_pointer_width = "64", target_endian = "little", not(target_vendor = "apple")))]
const MACHINE: Option<u16> = if cfg!(target_arch = "x86_64") {
    Some(62)
} else if cfg!(target_arch = "aarch64") {
    Some(183)
} else if cfg!(target_arch = "riscv64") {
    Some(243)
} else {
    None
};

#[cfg(all(target_pointer_width = "64", target_endian = "little", not(target_vendor = "apple")))]
fn at<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}
