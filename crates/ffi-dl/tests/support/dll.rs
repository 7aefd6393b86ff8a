//! Libraries written byte by byte: on Windows there may be no compiler to ask, and under Wine
//! none that runs outside can be started.

use std::path::{Path, PathBuf};

const PAGE: u32 = 0x1000;
const HEADERS: u32 = 0x200;

/// A DLL with `int answer(void)`, which returns 42, `int counter`, which is 1, and
/// `int count(void)`, which raises it and returns it. Its name is one that no other test uses.
pub(crate) fn small_library(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.dll"));
    std::fs::write(&path, image()).expect("the directory for tests can be written to");
    path
}

/// A 64-bit DLL: its headers, and one section that is mapped behind them.
fn image() -> Vec<u8> {
    let section = section();
    let mut file = vec![0; HEADERS as usize];
    file.extend(&section);
    // The DOS header says where the others are.
    put(&mut file, 0, b"MZ");
    put(&mut file, 0x3c, &0x40_u32.to_le_bytes());
    put(&mut file, 0x40, b"PE\0\0");
    // x86-64, one section, 240 bytes of optional header; a DLL, executable, of 64 bits.
    put_words(&mut file, 0x44, &[0x8664, 1, 0, 0, 0, 0, 0, 0, 240, 0x2022]);
    let optional = 0x58;
    put_words(&mut file, optional, &[0x020b]);
    // The section's size, and where code starts; without an entry point nothing runs on loading.
    put_dwords(&mut file, optional + 4, &[section.len() as u32, 0, 0, 0, PAGE]);
    put(&mut file, optional + 24, &0x1_8000_0000_u64.to_le_bytes());
    put_dwords(&mut file, optional + 32, &[PAGE, 0x200]);
    // Versions of the system and the subsystem.
    put_words(&mut file, optional + 40, &[6, 0, 0, 0, 6, 0, 0, 0]);
    put_dwords(&mut file, optional + 56, &[2 * PAGE, HEADERS, 0]);
    // For the console; may be moved, and its data is not run.
    put_words(&mut file, optional + 68, &[3, 0x0140]);
    put_dwords(&mut file, optional + 108, &[16]);
    let directory = |index: usize| optional + 112 + 8 * index;
    put_dwords(&mut file, directory(0), &[PAGE + 0x80, 0xa0]);
    put_dwords(&mut file, directory(5), &[PAGE + 0x50, 12]);
    let header = directory(16);
    put(&mut file, header, b".all");
    put_dwords(&mut file, header + 8, &[PAGE, PAGE, section.len() as u32, HEADERS]);
    // Code, and may be run, read and written.
    put_dwords(&mut file, header + 36, &[0xe000_0020]);
    file
}

/// Code, data, and the tables of exports and of (no) relocations.
fn section() -> Vec<u8> {
    let mut bytes = vec![0; 0x200];
    // mov eax, 42; ret
    put(&mut bytes, 0x00, &[0xb8, 42, 0, 0, 0, 0xc3]);
    // mov eax, [counter]; inc eax; mov [counter], eax; ret
    put(&mut bytes, 0x10, &[0x8b, 0x05, 0x2a, 0, 0, 0, 0xff, 0xc0]);
    put(&mut bytes, 0x18, &[0x89, 0x05, 0x22, 0, 0, 0, 0xc3]);
    put_dwords(&mut bytes, 0x40, &[1]);
    // A block of relocations with padding alone: the image may be moved as it is.
    put_dwords(&mut bytes, 0x50, &[PAGE, 12, 0]);
    // The table of exports: its name; three functions from number 1 on, by three names.
    put_dwords(&mut bytes, 0x8c, &[PAGE + 0xe0, 1, 3, 3, PAGE + 0xb0, PAGE + 0xc0, PAGE + 0xd0]);
    put_dwords(&mut bytes, 0xb0, &[PAGE, PAGE + 0x10, PAGE + 0x40]);
    put_dwords(&mut bytes, 0xc0, &[PAGE + 0xf0, PAGE + 0x100, PAGE + 0x110]);
    put_words(&mut bytes, 0xd0, &[0, 1, 2]);
    for (at, name) in [(0xe0, "made.dll"), (0xf0, "answer"), (0x100, "count"), (0x110, "counter")] {
        put(&mut bytes, at, name.as_bytes());
    }
    bytes
}

fn put(to: &mut [u8], at: usize, bytes: &[u8]) {
    to[at..at + bytes.len()].copy_from_slice(bytes);
}

fn put_words(to: &mut [u8], at: usize, words: &[u16]) {
    put(to, at, &words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>());
}

fn put_dwords(to: &mut [u8], at: usize, dwords: &[u32]) {
    put(to, at, &dwords.iter().flat_map(|dword| dword.to_le_bytes()).collect::<Vec<u8>>());
}
