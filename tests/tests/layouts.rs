//! The layout of random structs and unions, bit-fields first of all, compared with what compilers
//! make of them: `sizeof`, `_Alignof`, `offsetof`, and for each bit-field the bits that are set in
//! an object of which it alone is all ones. No code runs, so that one machine has every platform.

use ffi::{Aapcs64, Convention, Win64};
use ffi_cdecl::{Header, Options, Record};
use ffi_tests::compile::{compilers, object_by, object_file};
use ffi_tests::layouts::{BEFORE, Kinds, definitions};
use object::read::{Object, ObjectSection, ObjectSymbol};
use std::collections::HashMap;
use std::fmt::Write;

/// How many structs, unless `FFI_TEST_COUNT` says otherwise.
const COUNT: usize = 10_000;
/// So many in one file.
const BATCH: usize = 1_000;

/// A bit-field that stands alone in a constant.
struct Alone {
    symbol: String,
    path: String,
    start: u64,
    width: u32,
}

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// What is followed (docs/differences.md). To Microsoft's compiler `aligned` has its way inside
/// packed aggregates too, and in what those are in; MinGW's two compilers differ in odd bit-fields.
fn kinds(convention: Convention) -> Kinds {
    use Convention::{Aapcs64 as Arm, Win64 as X64};
    let windows = matches!(convention, X64(_) | Arm(Aapcs64::Windows));
    Kinds { aligned: !windows, odd_bits: convention != X64(Win64::Gnu) }
}

/// Compares with the compiler that `object` runs.
fn compare(convention: Convention, name: &str, object: impl Fn(&str) -> Vec<u8>) {
    let seed = number("FFI_TEST_SEED", 1) as u64;
    let all: Vec<String> =
        definitions(seed, kinds(convention)).take(number("FFI_TEST_COUNT", COUNT)).collect();
    let mut fields = 0;
    for (start, end) in (0..all.len()).step_by(BATCH).map(|n| (n, (n + BATCH).min(all.len()))) {
        // A definition may have those before it as members.
        let text = format!("{BEFORE}{}", all[..end].concat());
        let header = Options::for_convention(convention).parse(&text);
        let header = header.unwrap_or_else(|errors| panic!("{name}: {errors}"));
        let mut source = format!("#define offsetof __builtin_offsetof\n{text}");
        let mut alone = Vec::new();
        for (number, definition) in all.iter().enumerate().take(end).skip(start) {
            let record = header.records().find(|record| {
                record.tag().name.as_deref().and_then(|tag| tag.strip_prefix('s'))
                    == Some(&number.to_string())
            });
            let record = record.expect("every definition is in the header");
            check(&header, record, definition, &mut source, &mut alone);
        }
        compare_bits(&object(&source), &alone, &all, name);
        fields += alone.len();
    }
    println!("{name}: {} structs, {fields} bit-fields", all.len());
    assert!(fields > all.len() / 2, "{fields}");
}

/// Adds what has to hold of a record, and constants for its bit-fields.
fn check(
    header: &Header,
    record: &Record,
    definition: &str,
    source: &mut String,
    alone: &mut Vec<Alone>,
) {
    let tag = record.tag();
    let name = tag.name.as_deref().expect("a tag");
    let ty = format!("{} {name}", tag.kind);
    let said: String = definition.lines().filter(|line| !line.starts_with('#')).collect();
    let mut assert = |what: String, value: u64| {
        let _ = writeln!(source, "_Static_assert({what} == {value}, \"{value}: {said}\");");
    };
    assert(format!("sizeof({ty})"), record.size());
    assert(format!("_Alignof({ty})"), record.align());
    let mut work = vec![(record, 0)];
    let mut bits = Vec::new();
    while let Some((record, base)) = work.pop() {
        for member in record.members() {
            match (member.name(), member.width()) {
                (Some(name), None) => {
                    assert(format!("offsetof({ty}, {name})"), base + member.offset());
                }
                (Some(name), Some(width)) => {
                    bits.push((name.to_string(), 8 * base + member.bit_offset(), width));
                }
                (None, Some(_)) => {}
                (None, None) => {
                    let inner = header.record(member.ty()).expect("an anonymous record");
                    work.push((inner, base + member.offset()));
                }
            }
        }
    }
    for (member, start, width) in bits {
        let symbol = format!("{name}_{member}");
        let _ = writeln!(source, "{ty} {symbol} = {{ .{member} = -1 }};");
        alone.push(Alone { symbol, path: format!("{ty}.{member}"), start, width });
    }
}

/// Compares the bits that the compiler has set.
fn compare_bits(object: &[u8], alone: &[Alone], all: &[String], name: &str) {
    let file = object::File::parse(object).expect("an object file");
    let mut symbols = HashMap::new();
    for symbol in file.symbols().filter(|symbol| symbol.is_global()) {
        let text = symbol.name().expect("a name in UTF-8");
        symbols.insert(text.strip_prefix('_').unwrap_or(text).to_string(), symbol);
    }
    for Alone { symbol, path, start, width } in alone {
        let found = symbols.get(symbol).unwrap_or_else(|| panic!("{name}: no {symbol}"));
        let section = found.section_index().expect("it is defined");
        let section = file.section_by_index(section).expect("the section is there");
        let bytes = section.data().expect("bytes");
        let at = (found.address() - section.address()) as usize;
        let bit = |n: u64| bytes[at + (n / 8) as usize] >> (n % 8) & 1 == 1;
        let (end, size) = (start + u64::from(*width), (bytes.len() - at) as u64 * 8);
        let same = (*start..end).all(bit)
            && (start.saturating_sub(64)..*start).chain(end..size.min(end + 64)).all(|n| {
                // What follows may be the next object, but not within the last byte.
                n >= end.next_multiple_of(8) || !bit(n)
            });
        let number: usize = path
            .split_once(" s")
            .and_then(|(_, rest)| rest.split('.').next())
            .and_then(|digits| digits.parse().ok())
            .expect("a number");
        assert!(
            same,
            "{name}: {path} is not at bits {start}..{end}: {:02x?}\n{}",
            &bytes[at..(at + 32).min(bytes.len())],
            all[number]
        );
    }
}

#[test]
fn as_this_platforms_compilers_have_them() {
    let convention = Convention::native().expect("a supported platform");
    for compiler in compilers() {
        compare(convention, compiler.command, |source| object_by(compiler, source));
    }
}

/// The same as the other platforms have it, by the compiler that knows them all.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[test]
fn as_other_platforms_have_them() {
    for (convention, target) in [
        (Convention::SysV, "--target=x86_64-apple-macos11"),
        (Convention::Aapcs64(Aapcs64::Standard), "--target=aarch64-linux-gnu"),
        (Convention::Aapcs64(Aapcs64::Apple), "--target=arm64-apple-macos11"),
        (Convention::Win64(Win64::Msvc), "--target=x86_64-pc-windows-msvc"),
        (Convention::Aapcs64(Aapcs64::Windows), "--target=aarch64-pc-windows-msvc"),
    ] {
        // Without it vectors of more than 16 bytes are aligned to less.
        let wide = if target.contains("x86_64") { "-mavx512f" } else { "-O0" };
        let arguments = [target, "-ffreestanding", wide];
        compare(convention, target, |source| object_file(&arguments, source));
    }
}
