//! The dynamic symbols of an ELF file, with their sizes and versions.

use super::{Kind, Symbol, Unusable};
use object::elf::{
    SHN_ABS, SHN_UNDEF, STB_LOCAL, STT_FILE, STT_FUNC, STT_GNU_IFUNC, STT_NOTYPE, STT_OBJECT,
    STT_SECTION, STT_TLS, STV_DEFAULT, STV_PROTECTED, VER_NDX_LOCAL,
};
use object::read::elf::{ElfFile, FileHeader, Sym};

/// What a program that is linked with the file finds there.
pub(super) fn symbols<'data, Elf: FileHeader>(
    file: &ElfFile<'data, Elf>,
) -> Result<Vec<Symbol>, Unusable> {
    let endian = file.endian();
    let sections = file.elf_section_table();
    if sections.is_empty() {
        let found =
            "an ELF file whose section headers were stripped, so that its symbols cannot be found";
        return Err(Unusable::Is(found.into()));
    }
    let versions = sections.versions(endian, file.data())?.unwrap_or_default();
    let table = file.elf_dynamic_symbol_table();
    let mut found = Vec::new();
    for (index, symbol) in table.enumerate() {
        let version = versions.version_index(endian, index);
        let is_elsewhere = symbol.st_shndx(endian) == SHN_UNDEF
            || symbol.st_bind() == STB_LOCAL
            || ![STV_DEFAULT, STV_PROTECTED].contains(&symbol.st_visibility())
            || [STT_FILE, STT_SECTION].contains(&symbol.st_type())
            || version.index() == VER_NDX_LOCAL;
        if is_elsewhere {
            continue;
        }
        let name = text(table.symbol_name(endian, symbol)?);
        let default = !version.is_hidden();
        let version = versions.version(version.index())?.map(|version| text(version.name()));
        let is_absolute = symbol.st_shndx(endian) == SHN_ABS;
        // Each version that a file defines is a symbol too, for old linkers.
        if is_absolute && version.as_ref() == Some(&name) {
            continue;
        }
        let (size, value) = (symbol.st_size(endian).into(), symbol.st_value(endian).into());
        let kind = match symbol.st_type() {
            STT_FUNC | STT_GNU_IFUNC => Kind::Function,
            STT_TLS => Kind::Tls,
            STT_OBJECT => Kind::Variable,
            STT_NOTYPE => Kind::Other,
            _ => Kind::Other,
        };
        // The value of a thread's variable counts from the start of the thread's block.
        let address = (kind != Kind::Tls && !is_absolute).then_some(value);
        found.push(Symbol {
            name,
            version,
            default,
            kind,
            size: Some(size),
            address,
            forward: None,
        });
    }
    Ok(found)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
