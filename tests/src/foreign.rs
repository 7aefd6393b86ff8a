//! Machine code for another system, in this process: the code of an AArch64 object file that clang
//! compiled for Apple's systems (Mach-O) or for Windows (COFF) is laid out in memory, linked there,
//! and made executable.
//!
//! Enough of a linker for functions that call each other, use variables, and need nothing of their
//! system but `memcpy` and the like.

use object::macho::{
    ARM64_RELOC_BRANCH26, ARM64_RELOC_GOT_LOAD_PAGE21, ARM64_RELOC_GOT_LOAD_PAGEOFF12,
    ARM64_RELOC_PAGE21, ARM64_RELOC_PAGEOFF12, ARM64_RELOC_UNSIGNED,
};
use object::pe::{
    IMAGE_REL_ARM64_ADDR64, IMAGE_REL_ARM64_BRANCH26, IMAGE_REL_ARM64_PAGEBASE_REL21,
    IMAGE_REL_ARM64_PAGEOFFSET_12A, IMAGE_REL_ARM64_PAGEOFFSET_12L,
};
use object::{
    Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget, Section, SectionIndex,
    SectionKind,
};
use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr::{NonNull, null_mut};

/// Linked code, callable for as long as this lives.
#[derive(Debug)]
pub struct Mapped {
    start: NonNull<u8>,
    len: usize,
    symbols: HashMap<String, usize>,
}

/// What is inserted for a call that may be too far for a branch: `ldr x16, #8; br x16`, and the
/// address.
const VENEER: [u32; 2] = [0x5800_0050, 0xd61f_0200];
const VENEER_SIZE: usize = 16;

/// The least that pages are aligned to; `adrp` counts in these.
const PAGE: usize = 4096;

/// Unwind tables and the like: their relocations are of no use here.
const LEFT_OUT: [&str; 4] = ["__compact_unwind", "__eh_frame", ".pdata", ".xdata"];

impl Mapped {
    /// Links an object file; `imports` are the functions that it may call besides its own, by
    /// their names in C.
    ///
    /// # Panics
    /// If the object is none, or needs what this cannot do: the test is wrong.
    pub fn load(object: &[u8], imports: &[(&str, *const c_void)]) -> Self {
        let file = object::File::parse(object).expect("an object file");
        let sections: Vec<Section<'_, '_>> = file.sections().filter(is_loaded).collect();
        let relocations: usize = sections.iter().map(|section| section.relocations().count()).sum();

        // Code, the veneers behind it, and from the next page on data and the addresses that code
        // finds in a table.
        let mut places = HashMap::new();
        let mut end = 0;
        let mut place = |end: &mut usize, code: bool| {
            for section in sections.iter().filter(|s| (s.kind() == SectionKind::Text) == code) {
                *end = end.next_multiple_of(section.align() as usize);
                places.insert(section.index(), *end);
                *end += section.size() as usize;
            }
        };
        place(&mut end, true);
        let veneers = end.next_multiple_of(VENEER_SIZE);
        let code_end = (veneers + imports.len() * VENEER_SIZE).next_multiple_of(page_size());
        end = code_end;
        place(&mut end, false);
        let table = end.next_multiple_of(8);
        let len = (table + 8 * relocations).next_multiple_of(page_size());

        let mut mapped = Self { start: map(len), len, symbols: HashMap::new() };
        let table = (table, HashMap::new());
        let mut linker = Linker { memory: &mapped, places, imports: HashMap::new(), table };
        for (index, (name, address)) in imports.iter().enumerate() {
            let at = veneers + index * VENEER_SIZE;
            linker.write(at, VENEER[0]);
            linker.write(at + 4, VENEER[1]);
            linker.write(at + 8, *address as u64);
            linker.imports.insert(name, mapped.address(at));
        }
        for section in &sections {
            linker.copy(section);
        }
        for section in &sections {
            linker.relocate(&file, section);
        }
        let symbols = file.symbols().filter_map(|symbol| {
            let address = linker.defined(&file, &symbol)?;
            Some((c_name(&file, symbol.name().ok()?).to_owned(), address))
        });
        let symbols = symbols.collect();
        mapped.make_executable(code_end);
        mapped.symbols = symbols;
        mapped
    }

    /// The address of a function or variable, by its name in C.
    pub fn symbol(&self, name: &str) -> Option<*const c_void> {
        self.symbols.get(name).map(|&address| address as *const c_void)
    }

    fn address(&self, offset: usize) -> usize {
        self.start.as_ptr() as usize + offset
    }

    fn make_executable(&self, len: usize) {
        // SAFETY: the pages are this value's own. What was written is made visible to instruction
        // fetches, line by line: 4 bytes is no more than any line.
        unsafe {
            let access = libc::PROT_READ | libc::PROT_EXEC;
            assert_eq!(libc::mprotect(self.start.as_ptr().cast(), len, access), 0, "mprotect");
            for at in (self.address(0)..self.address(len)).step_by(4) {
                std::arch::asm!("dc cvau, {0}", in(reg) at);
            }
            std::arch::asm!("dsb ish");
            for at in (self.address(0)..self.address(len)).step_by(4) {
                std::arch::asm!("ic ivau, {0}", in(reg) at);
            }
            std::arch::asm!("dsb ish", "isb");
        }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
    }
}

fn is_loaded(section: &Section<'_, '_>) -> bool {
    use SectionKind::{
        Common, Data, ReadOnlyData, ReadOnlyDataWithRel, ReadOnlyString, Text, UninitializedData,
    };
    let read_only = [ReadOnlyData, ReadOnlyDataWithRel, ReadOnlyString];
    let kinds = [&read_only[..], &[Text, Data, UninitializedData, Common]].concat();
    kinds.contains(&section.kind()) && !section.name().is_ok_and(|name| LEFT_OUT.contains(&name))
}

/// Mach-O puts an underscore before the names of C.
fn c_name<'a>(file: &object::File<'_>, name: &'a str) -> &'a str {
    let stripped = name.strip_prefix('_');
    if file.format() == object::BinaryFormat::MachO { stripped.unwrap_or(name) } else { name }
}

fn page_size() -> usize {
    // SAFETY: it only asks.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}

fn map(len: usize) -> NonNull<u8> {
    // SAFETY: asks for fresh pages.
    let start = unsafe {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        libc::mmap(null_mut(), len, access, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0)
    };
    assert_ne!(start, libc::MAP_FAILED, "no memory");
    NonNull::new(start.cast()).expect("mmap returns no null")
}

/// Where everything is while an object is linked; offsets count from the start of the mapping.
struct Linker<'a> {
    memory: &'a Mapped,
    places: HashMap<SectionIndex, usize>,
    /// The veneers' addresses.
    imports: HashMap<&'a str, usize>,
    /// Where the next address goes that code loads from a table, and where each one is.
    table: (usize, HashMap<usize, usize>),
}

impl Linker<'_> {
    fn write<T>(&self, offset: usize, value: T) {
        assert!(offset + size_of::<T>() <= self.memory.len, "{offset:#x} is outside the mapping");
        // SAFETY: it is inside the mapping, which is still writable.
        unsafe { self.memory.start.add(offset).cast::<T>().write_unaligned(value) };
    }

    fn read<T: Copy>(&self, offset: usize) -> T {
        assert!(offset + size_of::<T>() <= self.memory.len, "{offset:#x} is outside the mapping");
        // SAFETY: it is inside the mapping; the types read here are integers.
        unsafe { self.memory.start.add(offset).cast::<T>().read_unaligned() }
    }

    fn copy(&self, section: &Section<'_, '_>) {
        // Empty for what is all zeros, as the mapping is.
        let data = section.data().expect("the section's bytes");
        for (index, byte) in data.iter().enumerate() {
            self.write(self.places[&section.index()] + index, *byte);
        }
    }

    /// The address of a symbol that the object has.
    fn defined<'d>(
        &self,
        file: &object::File<'d>,
        symbol: &impl ObjectSymbol<'d>,
    ) -> Option<usize> {
        let index = symbol.section_index()?;
        let section = file.section_by_index(index).ok()?;
        let offset = (symbol.address() - section.address()) as usize;
        Some(self.memory.address(self.places.get(&index)? + offset))
    }

    fn target(&self, file: &object::File<'_>, target: RelocationTarget) -> usize {
        match target {
            RelocationTarget::Section(index) => self.memory.address(self.places[&index]),
            RelocationTarget::Symbol(index) => {
                let symbol = file.symbol_by_index(index).expect("a symbol");
                let name = c_name(file, symbol.name().expect("a symbol's name"));
                let address = self.defined(file, &symbol);
                let address = address.or_else(|| self.imports.get(name).copied());
                address.unwrap_or_else(|| panic!("nothing is called {name}"))
            }
            other => panic!("a relocation of {other:?}"),
        }
    }

    fn relocate(&mut self, file: &object::File<'_>, section: &Section<'_, '_>) {
        for (offset, relocation) in section.relocations() {
            let at = self.places[&section.index()] + offset as usize;
            let target = self.target(file, relocation.target());
            let target = target.wrapping_add_signed(relocation.addend() as isize);
            match relocation.flags() {
                RelocationFlags::MachO { r_type, r_length, .. } => match r_type {
                    ARM64_RELOC_UNSIGNED if r_length == 3 => self.absolute(at, target),
                    ARM64_RELOC_BRANCH26 => self.branch(at, target),
                    ARM64_RELOC_PAGE21 => self.page(at, target),
                    ARM64_RELOC_PAGEOFF12 => self.page_offset(at, target),
                    ARM64_RELOC_GOT_LOAD_PAGE21 => {
                        let slot = self.in_table(target);
                        self.page(at, slot);
                    }
                    ARM64_RELOC_GOT_LOAD_PAGEOFF12 => {
                        let slot = self.in_table(target);
                        self.page_offset(at, slot);
                    }
                    other => panic!("Mach-O relocation {other} at {offset:#x}"),
                },
                RelocationFlags::Coff { typ } => match typ {
                    IMAGE_REL_ARM64_ADDR64 => self.absolute(at, target),
                    IMAGE_REL_ARM64_BRANCH26 => self.branch(at, target),
                    IMAGE_REL_ARM64_PAGEBASE_REL21 => self.page(at, target),
                    IMAGE_REL_ARM64_PAGEOFFSET_12A | IMAGE_REL_ARM64_PAGEOFFSET_12L => {
                        self.page_offset(at, target);
                    }
                    other => panic!("COFF relocation {other} at {offset:#x}"),
                },
                other => panic!("{other:?} at {offset:#x}"),
            }
        }
    }

    /// The address of a word that holds the target's address.
    fn in_table(&mut self, target: usize) -> usize {
        let (next, known) = &mut self.table;
        let slot = *known.entry(target).or_insert_with(|| {
            *next += 8;
            *next - 8
        });
        self.write(slot, target as u64);
        self.memory.address(slot)
    }

    fn absolute(&self, at: usize, target: usize) {
        self.write(at, self.read::<u64>(at).wrapping_add(target as u64));
    }

    /// `b` and `bl`: a distance in words.
    fn branch(&self, at: usize, target: usize) {
        let distance = target.wrapping_sub(self.memory.address(at)) as isize / 4;
        assert!((-(1 << 25)..1 << 25).contains(&distance), "a branch too far");
        let code = self.read::<u32>(at);
        self.write(at, code & 0xfc00_0000 | distance as u32 & 0x03ff_ffff);
    }

    /// `adrp`: a distance in pages. COFF keeps what is to be added in the instruction.
    fn page(&self, at: usize, target: usize) {
        let code = self.read::<u32>(at);
        let addend = (code >> 29 & 3 | code >> 3 & 0x1f_fffc) as i32;
        let target = target.wrapping_add_signed((addend << 11 >> 11) as isize);
        let pages = (target / PAGE).wrapping_sub(self.memory.address(at) / PAGE) as u32;
        self.write(at, code & 0x9f00_001f | (pages & 3) << 29 | (pages >> 2 & 0x7_ffff) << 5);
    }

    /// `add`, and loads and stores, which count in units of what they access.
    fn page_offset(&self, at: usize, target: usize) {
        let code = self.read::<u32>(at);
        let is_access = code & 0x3b00_0000 == 0x3900_0000;
        let is_wide = code & 0x0480_0000 == 0x0480_0000;
        let scale = if !is_access {
            0
        } else if is_wide {
            4
        } else {
            code >> 30
        };
        let low = (target % PAGE) as u32;
        assert!(low.is_multiple_of(1 << scale), "an access that is not aligned");
        // Without what COFF adds, there is no carry into the page.
        let field = (code >> 10 & 0xfff) + (low >> scale);
        self.write(at, code & !(0xfff << 10) | (field & 0xfff) << 10);
    }
}
