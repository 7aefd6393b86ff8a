//! What a library exports, read from its file: ELF, PE or Mach-O, of any processor, on any host.

mod elf;
mod identify;
mod script;

use crate::library::{self, Miss};
use object::read::macho::{FatArch, MachOFatFile32, MachOFatFile64};
use object::{
    Architecture, BinaryFormat, ExportTarget, File, FileKind, NameOrOrdinal, Object, ObjectSection,
    SectionKind,
};
use serde::Serialize;
use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A library and what it exports, sorted by name.
#[derive(Debug, Serialize)]
pub(crate) struct Exports {
    pub(crate) path: PathBuf,
    /// `elf`, `pe` or `macho`.
    pub(crate) format: &'static str,
    /// `x86_64`, `aarch64` and so on.
    pub(crate) architecture: String,
    pub(crate) symbols: Vec<Symbol>,
}

/// Something that a library exports. What the file does not say is `None`, and left out of JSON.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Symbol {
    /// As C has it, without Mach-O's underscore; `#12` for one that has a number alone.
    pub(crate) name: String,
    /// ELF alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    /// Whether a look-up that asks for no version finds it.
    pub(crate) default: bool,
    pub(crate) kind: Kind,
    /// In bytes; ELF alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) size: Option<u64>,
    /// From where the file would like to be loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<u64>,
    /// Where it is, if in another library: `NTDLL.RtlAllocateHeap`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) forward: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Function,
    Variable,
    /// A variable of which each thread has its own.
    Tls,
    /// In another library, which alone knows what it is.
    Forward,
    Other,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Function => "function",
            Self::Variable => "variable",
            Self::Tls => "tls",
            Self::Forward => "forward",
            Self::Other => "other",
        })
    }
}

/// `memcpy@@GLIBC_2.14`, or with one `@` for a version that only old programs get.
impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.version {
            Some(version) => write!(f, "{}{version}", if self.default { "@@" } else { "@" }),
            None => Ok(()),
        }
    }
}

/// The exports of a library could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExportsError {
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} is {found}; expected a shared library", path.display())]
    NoLibrary { path: PathBuf, found: String },
    #[error("{} is damaged, or no library that is known here", path.display())]
    Damaged { path: PathBuf, source: object::read::Error },
    #[error("{} is a linker script that names what is not there", path.display())]
    Script { path: PathBuf, source: Miss },
}

/// Why bytes are no library.
#[derive(Debug)]
enum Unusable {
    /// They are something else.
    Is(String),
    Damaged(object::read::Error),
}

impl From<object::read::Error> for Unusable {
    fn from(error: object::read::Error) -> Self {
        Self::Damaged(error)
    }
}

/// Reads what a file exports; where it is a linker script, what each of the libraries does that
/// the script names. The static archives beside those are passed over.
pub(crate) fn of_file(path: &Path) -> Result<Vec<Exports>, ExportsError> {
    let (mut left, mut seen) = (VecDeque::from([path.to_path_buf()]), BTreeSet::new());
    let mut found = Vec::new();
    while let Some(current) = left.pop_front() {
        let data = read(&current)?;
        // A script may name itself, by a path that is longer each time.
        if !seen.insert(std::fs::canonicalize(&current).unwrap_or_else(|_| current.clone())) {
            continue;
        }
        if let Some(members) = script::members(&data) {
            for member in members {
                let name = member.beside(&current);
                let file = library::find_file(&name);
                left.push_back(
                    file.map_err(|source| ExportsError::Script { path: current.clone(), source })?,
                );
            }
        } else if current == path || !identify::is_archive(&data) {
            found.push(parse(&data, current)?);
        }
    }
    if found.is_empty() {
        let found = "a linker script that names no shared library".into();
        return Err(ExportsError::NoLibrary { path: path.into(), found });
    }
    Ok(found)
}

fn read(path: &Path) -> Result<Vec<u8>, ExportsError> {
    let failed = |source| ExportsError::Read { path: path.into(), source };
    let kind = std::fs::metadata(path).map_err(failed)?.file_type();
    // Others may have no end, or wait for a writer.
    if !kind.is_file() {
        let found = if kind.is_dir() { "a directory" } else { "no regular file" };
        return Err(ExportsError::NoLibrary { path: path.into(), found: found.into() });
    }
    std::fs::read(path).map_err(failed)
}

fn parse(data: &[u8], path: PathBuf) -> Result<Exports, ExportsError> {
    match symbols(data) {
        Ok((format, architecture, mut symbols)) => {
            symbols.sort();
            let architecture = format!("{architecture:?}").to_lowercase();
            Ok(Exports { path, format, architecture, symbols })
        }
        Err(Unusable::Is(found)) => Err(ExportsError::NoLibrary { path, found }),
        Err(Unusable::Damaged(source)) => Err(ExportsError::Damaged { path, source }),
    }
}

type Found = (&'static str, Architecture, Vec<Symbol>);

fn symbols(data: &[u8]) -> Result<Found, Unusable> {
    let kind = FileKind::parse(data).map_err(|_| Unusable::Is(identify::unknown(data)))?;
    let data = match kind {
        FileKind::MachOFat32 => slice(data, MachOFatFile32::parse(data)?.arches())?,
        FileKind::MachOFat64 => slice(data, MachOFatFile64::parse(data)?.arches())?,
        FileKind::Elf32 | FileKind::Elf64 | FileKind::Pe32 | FileKind::Pe64 => data,
        FileKind::MachO32 | FileKind::MachO64 => data,
        _ => return Err(Unusable::Is(identify::other(kind))),
    };
    let file = File::parse(data)?;
    if let Some(found) = identify::no_library(&file)? {
        return Err(Unusable::Is(found));
    }
    Ok(match &file {
        File::Elf32(elf) => ("elf", file.architecture(), elf::symbols(elf)?),
        File::Elf64(elf) => ("elf", file.architecture(), elf::symbols(elf)?),
        _ if file.format() == BinaryFormat::MachO => {
            ("macho", file.architecture(), named(&file, Some('_'))?)
        }
        _ => ("pe", file.architecture(), named(&file, None)?),
    })
}

/// The part of a universal file that is for this processor, or else the first.
fn slice<'a, Fat: FatArch>(data: &'a [u8], all: &[Fat]) -> Result<&'a [u8], Unusable> {
    let own =
        if cfg!(target_arch = "aarch64") { Architecture::Aarch64 } else { Architecture::X86_64 };
    let chosen = all.iter().find(|part| part.architecture() == own).or(all.first());
    let Some(chosen) = chosen else {
        return Err(Unusable::Is("a universal file with nothing in it".into()));
    };
    Ok(chosen.data(data)?)
}

/// The exports of a PE or Mach-O file, which has neither sizes nor versions; a function is what is
/// in a section of code.
fn named(file: &File<'_>, prefix: Option<char>) -> Result<Vec<Symbol>, object::read::Error> {
    let text = |name: &[u8]| {
        let name = String::from_utf8_lossy(name);
        let bare = prefix.and_then(|prefix| name.strip_prefix(prefix));
        bare.map_or_else(|| name.clone().into_owned(), Into::into)
    };
    let code = file.sections().filter(|section| section.kind() == SectionKind::Text);
    let mut code: Vec<(u64, u64)> =
        code.map(|section| (section.address(), section.size())).collect();
    code.sort_unstable();
    let is_code = |address: u64| {
        let after = code.partition_point(|(start, _)| *start <= address);
        after.checked_sub(1).is_some_and(|index| address - code[index].0 < code[index].1)
    };
    let mut symbols = Vec::new();
    for export in file.exports()? {
        let export = export?;
        let named = |name: &NameOrOrdinal<&[u8]>| match name {
            NameOrOrdinal::Name(name) => text(name),
            NameOrOrdinal::Ordinal(number) => format!("#{number}"),
        };
        let (kind, address, forward) = match export.target() {
            ExportTarget::Address { address } if is_code(address) => {
                (Kind::Function, Some(address), None)
            }
            ExportTarget::Address { address } => (Kind::Variable, Some(address), None),
            ExportTarget::Resolver { resolver, stub } => {
                (Kind::Function, stub.or(Some(resolver)), None)
            }
            ExportTarget::Tls { .. } | ExportTarget::TlvDescriptor { .. } => {
                (Kind::Tls, None, None)
            }
            ExportTarget::Reexport { library, name } => {
                let library = String::from_utf8_lossy(library);
                (Kind::Forward, None, Some(format!("{library}.{}", named(&name))))
            }
            _ => (Kind::Other, None, None),
        };
        let name = named(&export.name());
        let (version, default, size) = (None, true, None);
        symbols.push(Symbol { name, version, default, kind, size, address, forward });
    }
    Ok(symbols)
}

#[cfg(test)]
#[path = "exports_tests.rs"]
mod tests;
