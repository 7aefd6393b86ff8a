//! Code for another system, loaded into this process.
//!
//! clang compiles C for macOS and Windows on AArch64 without their headers, and what it compiles
//! runs under Linux as well: only the object format and the calling convention differ. [`Mapped`]
//! does what a linker and a loader would with the object, so that the calling conventions of
//! those systems can be tested without the systems.

use object::read::{
    Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget, SectionIndex,
    SymbolIndex,
};
use object::{Architecture, BinaryFormat, File, Relocation, SectionKind, macho, pe};
use std::collections::HashMap;
use std::ffi::c_void;

/// No page of an AArch64 Linux is larger.
const PAGE: usize = 0x1_0000;
/// More than any type of C needs: for common symbols, whose alignment `object` does not tell.
const COMMON_ALIGNMENT: usize = 16;
/// Two instructions that jump to a symbol from anywhere, and then its address, which is also the
/// symbol's entry in what Mach-O calls the global offset table.
const SLOT: usize = 16;

/// An object file for AArch64, Mach-O or COFF, with everything in it at its address.
#[derive(Debug)]
pub struct Mapped {
    base: *mut u8,
    size: usize,
    /// Offsets of the global symbols, by their names in C.
    symbols: HashMap<String, usize>,
}

impl Mapped {
    /// Loads an object file. Its code may call its own functions and those of `imports`, which
    /// are given with their names in C.
    ///
    /// # Panics
    /// If the object is not one, uses a function or a relocation that is not known here, or if
    /// there is no memory.
    pub fn load(object: &[u8], imports: &[(&str, *const c_void)]) -> Self {
        let file = File::parse(object).expect("an object file");
        assert_eq!(file.architecture(), Architecture::Aarch64);
        assert!(matches!(file.format(), BinaryFormat::MachO | BinaryFormat::Coff));
        let layout = Layout::new(&file);
        let mut mapped = Self::new(layout.size);
        let base = mapped.base as u64;
        let image = Image {
            // SAFETY: the mapping is this long, fresh, and not used by anything else meanwhile.
            bytes: unsafe { std::slice::from_raw_parts_mut(mapped.base, mapped.size) },
            base,
        };
        mapped.symbols = image.link(&file, &layout, imports);
        mapped.make_executable(layout.code);
        mapped
    }

    /// The address of a global function or variable, which is named as in C.
    pub fn symbol(&self, name: &str) -> Option<*const c_void> {
        self.symbols.get(name).map(|&offset| self.base.wrapping_add(offset).cast_const().cast())
    }

    /// Fresh pages, filled with zeros.
    fn new(size: usize) -> Self {
        // SAFETY: asks for fresh pages.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                size,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        assert_ne!(base, libc::MAP_FAILED, "no memory");
        Self { base: base.cast(), size, symbols: HashMap::new() }
    }

    /// Makes the first `code` bytes executable instead of writable.
    fn make_executable(&self, code: usize) {
        // SAFETY: these are pages of this mapping, and nothing borrows them.
        let status =
            unsafe { libc::mprotect(self.base.cast(), code, libc::PROT_READ | libc::PROT_EXEC) };
        assert_eq!(status, 0, "mprotect failed");
        #[cfg(target_arch = "aarch64")]
        {
            // The smallest cache line that the architecture allows has 16 bytes.
            let lines = || (0..code).step_by(16).map(|offset| self.base.wrapping_add(offset));
            for line in lines() {
                // SAFETY: writes back a line of this mapping.
                unsafe { std::arch::asm!("dc cvau, {}", in(reg) line) };
            }
            // SAFETY: waits.
            unsafe { std::arch::asm!("dsb ish") };
            for line in lines() {
                // SAFETY: discards what was fetched of a line of this mapping.
                unsafe { std::arch::asm!("ic ivau, {}", in(reg) line) };
            }
            // SAFETY: waits.
            unsafe { std::arch::asm!("dsb ish", "isb") };
        }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own.
        unsafe { libc::munmap(self.base.cast(), self.size) };
    }
}

/// Where everything goes, as offsets in the mapping: a [`SLOT`] for each symbol, code, then from a
/// new page on everything else.
struct Layout {
    sections: HashMap<SectionIndex, usize>,
    code: usize,
    commons: HashMap<SymbolIndex, usize>,
    size: usize,
}

impl Layout {
    fn new(file: &File) -> Self {
        let mut end = 0_usize;
        let mut place = |size: u64, align: usize| {
            let at = end.next_multiple_of(align);
            end = at + size as usize;
            at
        };
        let slots = file.symbols().map(|symbol| slot(symbol.index()) + SLOT).max().unwrap_or(0);
        place(slots as u64, SLOT);
        let mut sections = HashMap::new();
        let mut place_sections = |is_code: bool| {
            for section in file.sections().filter(is_loaded) {
                if (section.kind() == SectionKind::Text) == is_code {
                    let at = place(section.size(), section.align() as usize);
                    sections.insert(section.index(), at);
                }
            }
            place(0, PAGE)
        };
        let code = place_sections(true);
        place_sections(false);
        let commons = file
            .symbols()
            .filter(|symbol| symbol.is_common())
            .map(|symbol| (symbol.index(), place(symbol.size(), COMMON_ALIGNMENT)))
            .collect();
        Self { sections, code, commons, size: place(0, PAGE) }
    }
}

fn slot(symbol: SymbolIndex) -> usize {
    symbol.0 * SLOT
}

/// Whether a section is there at run time. Unwind tables are not needed, nothing unwinds.
fn is_loaded(section: &object::Section) -> bool {
    let skipped =
        [".pdata", ".xdata", ".debug", ".llvm", ".drectve", "__compact_unwind", "__eh_frame"];
    let name = section.name().expect("sections have names");
    section.kind() != SectionKind::Debug && !skipped.iter().any(|start| name.starts_with(start))
}

/// A symbol that relocations can refer to.
struct Symbol {
    address: u64,
    /// The same, or code in the mapping that goes there: branches do not reach everything.
    near: u64,
}

/// The mapping's bytes, while they are written.
struct Image<'a> {
    bytes: &'a mut [u8],
    base: u64,
}

impl Image<'_> {
    /// Fills in everything and returns the offsets of the global symbols.
    fn link(
        mut self,
        file: &File,
        layout: &Layout,
        imports: &[(&str, *const c_void)],
    ) -> HashMap<String, usize> {
        let mut globals = HashMap::new();
        let mut symbols = HashMap::new();
        for symbol in file.symbols() {
            let name = c_name(file, &symbol);
            let own = match symbol.section_index() {
                Some(section) => layout.sections.get(&section).map(|at| {
                    let start = file.section_by_index(section).expect("it is placed").address();
                    at + (symbol.address() - start) as usize
                }),
                None => layout.commons.get(&symbol.index()).copied(),
            };
            let slot = slot(symbol.index());
            let (address, near) = if let Some(offset) = own {
                if symbol.is_global() {
                    globals.insert(name.to_owned(), offset);
                }
                (self.base + offset as u64, self.base + offset as u64)
            } else if let Some((_, address)) = imports.iter().find(|import| import.0 == name) {
                (*address as u64, self.base + slot as u64)
            } else {
                continue;
            };
            self.put(slot, 0x5800_0050_u32.to_le_bytes()); // ldr x16, slot + 8
            self.put(slot + 4, 0xd61f_0200_u32.to_le_bytes()); // br x16
            self.put(slot + 8, address.to_le_bytes());
            symbols.insert(symbol.index(), Symbol { address, near });
        }
        for section in file.sections().filter(is_loaded) {
            let at = layout.sections[&section.index()];
            let bytes = section.data().expect("the section is in the file");
            self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
            for (offset, relocation) in section.relocations() {
                let RelocationTarget::Symbol(index) = relocation.target() else {
                    panic!("unknown relocation, without a symbol: {relocation:?}");
                };
                assert_eq!(relocation.subtractor(), None, "unknown relocation: {relocation:?}");
                let symbol = symbols.get(&index).unwrap_or_else(|| {
                    let symbol = file.symbol_by_index(index).expect("it exists");
                    panic!("{} is neither defined nor imported", c_name(file, &symbol))
                });
                let entry = self.base + slot(index) as u64 + 8;
                self.relocate(at + offset as usize, &relocation, symbol, entry);
            }
        }
        globals
    }

    /// Applies one relocation. `entry` is where the symbol's address is stored.
    fn relocate(&mut self, at: usize, relocation: &Relocation, symbol: &Symbol, entry: u64) {
        let addend = relocation.addend() as u64;
        let near = symbol.near.wrapping_add(addend);
        match relocation.flags() {
            RelocationFlags::MachO { r_type, r_length, .. } => match (r_type, r_length) {
                (macho::ARM64_RELOC_UNSIGNED, 3) => self.absolute(at, symbol.address),
                (macho::ARM64_RELOC_BRANCH26, _) => self.branch(at, near),
                (macho::ARM64_RELOC_PAGE21, _) => self.page(at, near),
                (macho::ARM64_RELOC_PAGEOFF12, _) => self.page_offset(at, near),
                (macho::ARM64_RELOC_GOT_LOAD_PAGE21, _) => self.page(at, entry),
                (macho::ARM64_RELOC_GOT_LOAD_PAGEOFF12, _) => self.page_offset(at, entry),
                _ => panic!("unknown relocation: ARM64_RELOC type {r_type:?}, length {r_length}"),
            },
            RelocationFlags::Coff { typ } => match typ {
                pe::IMAGE_REL_ARM64_ADDR64 => self.absolute(at, symbol.address),
                // The addend is -4 here: the distance is that from the end of the field.
                pe::IMAGE_REL_ARM64_REL32 => self.relative(at, near),
                pe::IMAGE_REL_ARM64_BRANCH26 => self.branch(at, near),
                pe::IMAGE_REL_ARM64_PAGEBASE_REL21 => self.page(at, near),
                pe::IMAGE_REL_ARM64_PAGEOFFSET_12A | pe::IMAGE_REL_ARM64_PAGEOFFSET_12L => {
                    self.page_offset(at, near);
                }
                _ => panic!("unknown relocation: IMAGE_REL_ARM64 type {typ:?}"),
            },
            flags => panic!("unknown relocation: {flags:?}"),
        }
    }

    fn put<const N: usize>(&mut self, at: usize, bytes: [u8; N]) {
        self.bytes[at..at + N].copy_from_slice(&bytes);
    }

    fn get<const N: usize>(&self, at: usize) -> [u8; N] {
        self.bytes[at..at + N].try_into().expect("N bytes")
    }

    /// Puts `value` into the `width` bits of an instruction from bit `shift` on.
    fn put_bits(&mut self, at: usize, shift: u32, width: u32, value: u64) {
        let mask = ((1_u32 << width) - 1) << shift;
        let instruction = u32::from_le_bytes(self.get(at));
        let instruction = instruction & !mask | (value as u32) << shift & mask;
        self.put(at, instruction.to_le_bytes());
    }

    fn get_bits(&self, at: usize, shift: u32, width: u32) -> u64 {
        u64::from(u32::from_le_bytes(self.get(at)) >> shift & ((1 << width) - 1))
    }

    // Each adds to the given address what the place holds already: the addend, in bytes, which
    // COFF keeps there, and Mach-O does for addresses.

    /// The address itself.
    fn absolute(&mut self, at: usize, address: u64) {
        let addend = u64::from_le_bytes(self.get(at));
        self.put(at, address.wrapping_add(addend).to_le_bytes());
    }

    /// The 32-bit distance to the address.
    fn relative(&mut self, at: usize, address: u64) {
        let addend = i32::from_le_bytes(self.get(at));
        let distance = address.wrapping_sub(self.base + at as u64) as i64 + i64::from(addend);
        self.put(at, i32::try_from(distance).expect("all is near").to_le_bytes());
    }

    /// `b` or `bl` to the address.
    fn branch(&mut self, at: usize, address: u64) {
        let addend = sign_extended(self.get_bits(at, 0, 26), 26) * 4;
        let distance = address.wrapping_sub(self.base + at as u64) as i64 + addend;
        assert_eq!(sign_extended(distance as u64, 28), distance, "too far to branch");
        self.put_bits(at, 0, 26, (distance / 4) as u64);
    }

    /// `adrp` of the address's 4 KiB page.
    fn page(&mut self, at: usize, address: u64) {
        let addend = sign_extended(self.get_bits(at, 5, 19) << 2 | self.get_bits(at, 29, 2), 21);
        let address = address.wrapping_add_signed(addend);
        let pages = (address >> 12).wrapping_sub((self.base + at as u64) >> 12);
        self.put_bits(at, 5, 19, pages >> 2);
        self.put_bits(at, 29, 2, pages);
    }

    /// `add`, load or store with the address's offset in its page; loads and stores count in
    /// units of what they access.
    fn page_offset(&mut self, at: usize, address: u64) {
        let is_access = self.get_bits(at, 27, 3) == 0b111;
        let is_quad = self.get_bits(at, 26, 1) == 1 && self.get_bits(at, 23, 1) == 1;
        let scale = match self.get_bits(at, 30, 2) {
            _ if !is_access => 0,
            0 if is_quad => 4,
            size => size,
        };
        let offset = address.wrapping_add(self.get_bits(at, 10, 12) << scale) & 0xfff;
        assert_eq!(offset % (1 << scale), 0, "a misaligned access");
        self.put_bits(at, 10, 12, offset >> scale);
    }
}

/// A symbol's name in C: Mach-O puts an underscore before it.
fn c_name<'a>(file: &File<'a>, symbol: &object::Symbol<'a, '_>) -> &'a str {
    let name = symbol.name().expect("symbols have names");
    match file.format() {
        BinaryFormat::MachO => name.strip_prefix('_').unwrap_or(name),
        _ => name,
    }
}

/// The signed number that the low `bits` of `value` are.
fn sign_extended(value: u64, bits: u32) -> i64 {
    (value << (64 - bits)) as i64 >> (64 - bits)
}
