//! What a file is that is no library, in words that end an error.

use object::elf::{DF_1_PIE, DT_FLAGS_1};
use object::macho::{MH_BUNDLE, MH_DSYM};
use object::read::elf::{ElfFile, FileHeader};
use object::read::macho::{MachHeader, MachOFile};
use object::{File, FileKind, Object, ObjectKind};

/// How many bytes of an unknown file are shown.
const SHOWN: usize = 8;

pub(super) fn is_archive(data: &[u8]) -> bool {
    // The second is of an archive that only names its members' files.
    [&b"!<arch>\n"[..], b"!<thin>\n"].iter().any(|magic| data.starts_with(magic))
}

/// Files of formats that have no shared libraries.
pub(super) fn other(kind: FileKind) -> String {
    match kind {
        FileKind::Coff | FileKind::CoffBig => "an object file".into(),
        FileKind::CoffImport => "a member of an import library".into(),
        FileKind::DyldCache => "a cache of many libraries".into(),
        kind => format!("of the kind {kind:?}"),
    }
}

/// Files of no format that is known.
pub(super) fn unknown(data: &[u8]) -> String {
    if data.is_empty() {
        return "an empty file".into();
    }
    if is_archive(data) {
        return "a static archive".into();
    }
    let start = &data[..data.len().min(SHOWN)];
    if data.starts_with(b"--- !tapi-tbd") {
        return "a text (.tbd) that tells a linker of a library elsewhere".into();
    }
    // Cut anywhere, a text may end within a character.
    let head = &data[..data.len().min(512)];
    let is_text =
        std::str::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true);
    if is_text && !head.iter().any(|byte| *byte < b'\t' || *byte == 0x7f) {
        return "a text".into();
    }
    let start: Vec<String> = start.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("of no known format, beginning with the bytes {}", start.join(" "))
}

/// What a file is that has a library's format, but is none.
pub(super) fn no_library(file: &File<'_>) -> object::read::Result<Option<String>> {
    let kind = match file {
        File::Elf32(elf) if is_pie(elf)? => ObjectKind::Executable,
        File::Elf64(elf) if is_pie(elf)? => ObjectKind::Executable,
        File::MachO32(macho) => macho_kind(macho),
        File::MachO64(macho) => macho_kind(macho),
        file => file.kind(),
    };
    let found = match kind {
        ObjectKind::Dynamic => return Ok(None),
        ObjectKind::Relocatable => "an object file, which is not linked yet",
        ObjectKind::Executable => "a program",
        ObjectKind::Core => "a core dump",
        _ => "no library, but some other file of that format",
    };
    let (format, processor) = (file.format(), format!("{:?}", file.architecture()).to_lowercase());
    Ok(Some(format!("{found} ({format:?}, {processor})")))
}

/// A program that may be loaded anywhere looks like a library, except for this flag.
fn is_pie<Elf: FileHeader>(file: &ElfFile<'_, Elf>) -> object::read::Result<bool> {
    let table = file.elf_dynamic_table()?;
    Ok(table.iter().any(|entry| entry.tag == DT_FLAGS_1 && entry.val & DF_1_PIE.0 != 0))
}

fn macho_kind<Mach: MachHeader>(file: &MachOFile<'_, Mach>) -> ObjectKind {
    match file.macho_header().filetype(file.endian()) {
        // What `dlopen` takes, and no linker.
        MH_BUNDLE => ObjectKind::Dynamic,
        MH_DSYM => ObjectKind::Unknown,
        _ => file.kind(),
    }
}
