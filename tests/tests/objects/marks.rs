//! What an object says of itself besides its code: notes, relocations, sections.

use crate::binary::Binary;
use ffi_asm::Format;
use object::{RelocationFlags, elf, macho, pe};

/// All that is wrong.
pub(crate) fn check(binary: &Binary) -> Vec<String> {
    let mut complaints = Vec::new();
    if binary.format == Format::Elf {
        if binary.stack_note != Some(0) {
            complaints.push(format!("flags of .note.GNU-stack: {:?}", binary.stack_note));
        }
        let properties = binary.properties.as_deref().map(features);
        let wanted = if binary.aarch64 { "BTI and PAC" } else { "IBT and SHSTK" };
        match properties {
            Some(Ok(found)) if found == (property(binary), 3) => {}
            found => complaints.push(format!("properties: expected {wanted}, found {found:x?}")),
        }
    }
    if binary.text_is_writable {
        complaints.push("the code is writable".into());
    }
    complaints.extend(binary.other_code.iter().map(|name| format!("{name} is executable too")));
    for (at, flags) in &binary.text_relocations {
        if !is_relative(binary, *flags) {
            complaints.push(format!("a text relocation at {at:#x}: {flags:?}"));
        }
    }
    complaints
}

/// `GNU_PROPERTY_X86_FEATURE_1_AND`, or AArch64's.
fn property(binary: &Binary) -> u32 {
    if binary.aarch64 { 0xc000_0000 } else { 0xc000_0002 }
}

/// The kind and the bits of the one property in a note.
fn features(note: &[u8]) -> Result<(u32, u32), &[u8]> {
    let word = |at: usize| {
        note.get(at..at + 4).map(|bytes| u32::from_le_bytes(bytes.try_into().expect("four bytes")))
    };
    let head = [word(0), word(4), word(8), word(12)];
    let gnu = u32::from_le_bytes(*b"GNU\0");
    let kind = word(16).filter(|_| head == [Some(4), Some(16), Some(5), Some(gnu)]);
    let bits = word(24).filter(|_| word(20) == Some(4) && note.len() == 32);
    kind.zip(bits).ok_or(note)
}

/// Whether what is patched depends on nothing but distances, so that the pages of the code can be
/// shared and stay as they are.
fn is_relative(binary: &Binary, flags: RelocationFlags) -> bool {
    match (flags, binary.aarch64) {
        (RelocationFlags::Elf { r_type }, false) => {
            [elf::R_X86_64_PC32, elf::R_X86_64_PLT32].contains(&r_type)
        }
        (RelocationFlags::Elf { r_type }, true) => {
            [elf::R_AARCH64_ADR_PREL_PG_HI21, elf::R_AARCH64_ADD_ABS_LO12_NC].contains(&r_type)
        }
        (RelocationFlags::MachO { r_type, r_pcrel, .. }, false) => {
            r_pcrel && [macho::X86_64_RELOC_SIGNED, macho::X86_64_RELOC_BRANCH].contains(&r_type)
        }
        (RelocationFlags::MachO { r_type, .. }, true) => {
            // The second adds to what the first says.
            let page = [
                macho::ARM64_RELOC_PAGE21,
                macho::ARM64_RELOC_PAGEOFF12,
                macho::ARM64_RELOC_ADDEND,
            ];
            page.contains(&r_type)
        }
        (RelocationFlags::Coff { typ }, false) => typ == pe::IMAGE_REL_AMD64_REL32,
        (RelocationFlags::Coff { typ }, true) => {
            let page = [pe::IMAGE_REL_ARM64_PAGEBASE_REL21, pe::IMAGE_REL_ARM64_PAGEOFFSET_12A];
            page.contains(&typ)
        }
        _ => false,
    }
}
