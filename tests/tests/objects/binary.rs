//! What the checks need of an object file, its relocations applied.

use ffi_asm::Format;
use object::{
    BinaryFormat, File, Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget,
    Section, SectionFlags, SectionIndex, SymbolKind, elf, macho, pe,
};
use std::ops::Range;

/// A section, at an address of its own.
pub(crate) struct Place {
    pub(crate) address: u64,
    pub(crate) bytes: Vec<u8>,
}

/// An object file.
pub(crate) struct Binary {
    pub(crate) format: Format,
    /// That it is AArch64's, and not x86-64's.
    pub(crate) aarch64: bool,
    text: Place,
    /// That the code's section may be written to.
    pub(crate) text_is_writable: bool,
    /// The names of what else is executable.
    pub(crate) other_code: Vec<String>,
    /// Each with its place in the code.
    pub(crate) text_relocations: Vec<(u64, RelocationFlags)>,
    /// The functions, in order. Each ends where the next starts.
    pub(crate) functions: Vec<(String, Range<u64>)>,
    pub(crate) eh_frame: Option<Place>,
    pub(crate) compact_unwind: Option<Place>,
    pub(crate) pdata: Option<Place>,
    pub(crate) xdata: Option<Place>,
    /// The contents of `.note.gnu.property`.
    pub(crate) properties: Option<Vec<u8>>,
    /// The flags of `.note.GNU-stack`.
    pub(crate) stack_note: Option<u64>,
}

/// Where sections are that are not linked yet: far from each other, and on pages of their own.
const DISTANCE: u64 = 0x100_0000;

fn address_of(file: &File<'_>, index: SectionIndex) -> u64 {
    let section = file.section_by_index(index).expect("the file has its sections");
    match file.format() {
        BinaryFormat::MachO => section.address(),
        _ => DISTANCE * index.0 as u64,
    }
}

fn address_of_symbol(file: &File<'_>, index: object::SymbolIndex) -> u64 {
    let symbol = file.symbol_by_index(index).expect("the file has its symbols");
    match (file.format(), symbol.section_index()) {
        (BinaryFormat::MachO, _) | (_, None) => symbol.address(),
        (_, Some(section)) => address_of(file, section) + symbol.address(),
    }
}

/// Reads a section and applies its relocations.
fn place(file: &File<'_>, section: &Section<'_, '_>) -> Place {
    let address = address_of(file, section.index());
    let mut bytes = section.data().expect("the file has its contents").to_vec();
    for (offset, relocation) in section.relocations() {
        let target = match relocation.target() {
            RelocationTarget::Symbol(symbol) => address_of_symbol(file, symbol),
            // What is there counts from the file's start already.
            RelocationTarget::Section(_) if file.format() == BinaryFormat::MachO => 0,
            RelocationTarget::Section(section) => address_of(file, section),
            other => panic!("{other:?} is no target"),
        };
        let at = offset as usize;
        let wide = relocation.size() == 64;
        let there = if wide {
            i64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
        } else {
            i32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")).into()
        };
        let addend = if relocation.has_implicit_addend() { there } else { relocation.addend() };
        let value = match relocation.flags() {
            RelocationFlags::MachO { .. } => {
                let subtracted = relocation.subtractor();
                target.wrapping_sub(subtracted.map_or(0, |symbol| address_of_symbol(file, symbol)))
            }
            // From the image's start, which is at zero here.
            RelocationFlags::Coff { .. } => target,
            _ if relocation.kind() == object::RelocationKind::Relative => {
                target.wrapping_sub(address + offset)
            }
            _ => target,
        };
        let value = value.wrapping_add_signed(addend);
        if wide {
            bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        } else {
            bytes[at..at + 4].copy_from_slice(&(value as u32).to_le_bytes());
        }
    }
    Place { address, bytes }
}

impl Binary {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let file = File::parse(bytes).expect("the assembler writes object files");
        let named = |name: &str| file.sections().find(|section| section.name() == Ok(name));
        let code = named(".text").or_else(|| named("__text")).expect("there is code");
        let placed = |name: &str| named(name).map(|section| place(&file, &section));
        let text_address = address_of(&file, code.index());
        let text = code.data().expect("there is code").to_vec();
        let mut starts: Vec<(String, u64)> = file
            .symbols()
            .filter(|symbol| symbol.section_index() == Some(code.index()) && symbol.is_global())
            .filter(|symbol| symbol.kind() != SymbolKind::Section)
            .map(|symbol| {
                let name = symbol.name().expect("it has a name").to_owned();
                (name, address_of_symbol(&file, symbol.index()))
            })
            .collect();
        starts.sort_by_key(|(_, start)| *start);
        let end = text_address + text.len() as u64;
        let ends: Vec<u64> = starts.iter().skip(1).map(|(_, start)| *start).chain([end]).collect();
        let functions = starts.into_iter().zip(ends).map(|((name, start), end)| (name, start..end));
        Self {
            format: match file.format() {
                BinaryFormat::Elf => Format::Elf,
                BinaryFormat::MachO => Format::MachO,
                BinaryFormat::Coff => Format::Coff,
                other => panic!("{other:?} is no format of ours"),
            },
            aarch64: file.architecture() == object::Architecture::Aarch64,
            text_is_writable: flags(&code).1,
            other_code: file
                .sections()
                .filter(|section| section.index() != code.index() && flags(section).0)
                .filter_map(|section| section.name().map(str::to_owned).ok())
                .collect(),
            text_relocations: code
                .relocations()
                .map(|(offset, relocation)| (offset, relocation.flags()))
                .collect(),
            functions: functions.collect(),
            eh_frame: placed(".eh_frame").or_else(|| placed("__eh_frame")),
            compact_unwind: placed("__compact_unwind"),
            pdata: placed(".pdata"),
            xdata: placed(".xdata"),
            properties: placed(".note.gnu.property").map(|place| place.bytes),
            stack_note: named(".note.GNU-stack").map(|section| match section.flags() {
                SectionFlags::Elf { sh_flags, .. } => sh_flags.0,
                other => panic!("{other:?} are not ELF's"),
            }),
            text: Place { address: text_address, bytes: text },
        }
    }

    pub(crate) fn text_address(&self) -> u64 {
        self.text.address
    }

    /// The code from an address on.
    pub(crate) fn code(&self, at: u64) -> &[u8] {
        let offset = at.saturating_sub(self.text.address) as usize;
        self.text.bytes.get(offset..).unwrap_or_default()
    }
}

/// Whether a section has code, and whether it is to be written to.
fn flags(section: &Section<'_, '_>) -> (bool, bool) {
    match section.flags() {
        SectionFlags::Elf { sh_flags, .. } => {
            (sh_flags.0 & elf::SHF_EXECINSTR.0 != 0, sh_flags.0 & elf::SHF_WRITE.0 != 0)
        }
        // Here the segment says what may be done; sections only that they are instructions.
        SectionFlags::MachO { flags, .. } => {
            let code = macho::S_ATTR_PURE_INSTRUCTIONS.0 | macho::S_ATTR_SOME_INSTRUCTIONS.0;
            (flags.0 & code != 0, false)
        }
        SectionFlags::Coff { characteristics } => {
            let flags = characteristics.0;
            (flags & pe::IMAGE_SCN_MEM_EXECUTE.0 != 0, flags & pe::IMAGE_SCN_MEM_WRITE.0 != 0)
        }
        _ => (false, false),
    }
}
