//! The layout of random structs and unions, bit-fields first of all, compared with what compilers
//! make of them: `sizeof`, `_Alignof`, `offsetof`, and for each bit-field the bits that are set in
//! an object of which it alone is all ones. No code runs, so that one machine has every platform.
//!
//! Both the layout of the header and the type that is made of it are compared.

use ffi::{Aapcs64, Convention, Type, Win64};
use ffi_cdecl::{Header, Options, Record};
use ffi_tests::compile::{compilers, object_by};
use ffi_tests::layouts::{BEFORE, Shapes, definitions};
use object::read::{Object, ObjectSection, ObjectSymbol};
use std::collections::HashMap;
use std::fmt::Write;

/// How many structs, unless `FFI_TEST_COUNT` says otherwise.
const COUNT: usize = 10_000;
/// So many in one file. Each file has a seed of its own.
const BATCH: usize = 1_000;

/// What is compared, and what of it has been.
struct Comparison<'a> {
    convention: Convention,
    /// The compiler's.
    name: &'a str,
    fields: usize,
    types: usize,
}

/// A bit-field that stands alone in a constant.
struct Alone<'a> {
    symbol: String,
    definition: &'a str,
    size: u64,
    start: u64,
    width: u32,
}

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Compares with the compiler that `object` runs.
fn compare(convention: Convention, name: &str, is_gcc: bool, object: impl Fn(&str) -> Vec<u8>) {
    let seed = number("FFI_TEST_SEED", 1) as u64;
    let count = number("FFI_TEST_COUNT", COUNT);
    let is_msvc = matches!(
        convention,
        Convention::Win64(Win64::Msvc) | Convention::Aapcs64(Aapcs64::Windows)
    );
    let mut comparison = Comparison { convention, name, fields: 0, types: 0 };
    for (batch, start) in (0..count).step_by(BATCH).enumerate() {
        let shapes = Shapes {
            // To Microsoft's compiler `aligned` has its way inside packed aggregates too, and the
            // aggregates that they are in; that is not followed (docs/differences.md).
            aligned: !is_msvc || batch % 2 == 0,
            packed: !is_msvc || batch % 2 == 1,
            // Where gcc and clang differ, the platform's own is followed (docs/differences.md).
            any_bits: is_gcc,
            packed_bits: is_gcc || convention != Convention::Win64(Win64::Gnu),
            long: 8 * convention.data_model().c_long().size() as u32,
        };
        let all: Vec<String> = definitions(seed.wrapping_add((batch as u64) << 32), shapes)
            .take(BATCH.min(count - start))
            .collect();
        comparison.batch(&all, &object);
    }
    let Comparison { fields, types, .. } = comparison;
    println!("{name}: {count} structs, {types} types, {fields} bit-fields");
    assert!(fields > count / 2 && types > count / 2, "{fields}, {types}");
}

impl Comparison<'_> {
    fn batch(&mut self, all: &[String], object: impl Fn(&str) -> Vec<u8>) {
        let name = self.name;
        let text = format!("{BEFORE}{}", all.concat());
        let header = Options::for_convention(self.convention).parse(&text);
        let header = header.unwrap_or_else(|errors| panic!("{name}: {errors}"));
        let mut records = HashMap::new();
        for record in header.records() {
            records.extend(record.tag().name.as_deref().map(|tag| (tag, record)));
        }
        let mut source = format!("#define offsetof __builtin_offsetof\n{text}");
        let mut alone = Vec::new();
        for (number, definition) in all.iter().enumerate() {
            let record = records[format!("s{number}").as_str()];
            self.type_as_in_header(&header, record, definition);
            expect(&header, record, definition, &mut source, &mut alone);
        }
        compare_bits(&object(&source), &alone, name);
        self.fields += alone.len();
    }

    /// The type has the same layout as the header says.
    fn type_as_in_header(&mut self, header: &Header, record: &Record, definition: &str) {
        let name = self.name;
        let ty: &Type = match record.ty() {
            Ok(ty) => ty,
            // AAPCS64 has none of more than 16 bytes.
            Err(error) => {
                let is_arm = matches!(self.convention, Convention::Aapcs64(_));
                assert!(
                    is_arm && error.reason.contains("vectors"),
                    "{name}: {error}: {definition}"
                );
                return;
            }
        };
        self.types += 1;
        let mut work = vec![(record, ty)];
        while let Some((record, ty)) = work.pop() {
            let sizes = (ty.size() as u64, ty.align() as u64);
            assert_eq!(sizes, (record.size(), record.align()), "{name}: {ty}: {definition}");
            // What takes no bits may be left out.
            let members = record.members().iter().filter(|member| member.width() != Some(0));
            let fields = ty.fields().iter().filter(|field| field.bit_width() != Some(0));
            let (members, fields) = (members.collect::<Vec<_>>(), fields.collect::<Vec<_>>());
            assert_eq!(fields.len(), members.len(), "{name}: {ty}: {definition}");
            for (member, field) in members.into_iter().zip(fields) {
                assert_eq!(
                    (field.name(), field.bit_offset() as u64, field.bit_width()),
                    (member.name().unwrap_or_default(), member.bit_offset(), member.width()),
                    "{name}: {ty}: {definition}"
                );
                assert_eq!(field.ty().size() as u64, member.size(), "{name}: {ty}: {definition}");
                if let Some(inner) = header.record(member.ty()) {
                    work.push((inner, field.ty()));
                }
            }
        }
    }
}

/// Adds what has to hold of a record, and constants for its bit-fields.
fn expect<'a>(
    header: &Header,
    record: &Record,
    definition: &'a str,
    source: &mut String,
    alone: &mut Vec<Alone<'a>>,
) {
    let tag = record.tag();
    let name = tag.name.as_deref().expect("a tag");
    let ty = format!("{} {name}", tag.kind);
    let said: String = definition.lines().filter(|line| !line.starts_with('#')).collect();
    let mut assertions = String::new();
    let mut assert = |what: String, value: u64| {
        let _ = writeln!(assertions, "_Static_assert({what} == {value}, \"{value}: {said}\");");
    };
    assert(format!("sizeof({ty})"), record.size());
    assert(format!("_Alignof({ty})"), record.align());
    let mut work = vec![(record, 0, String::new())];
    while let Some((inside, base, path)) = work.pop() {
        for member in inside.members() {
            let inner = header.record(member.ty()).filter(|inner| inner.tag().name.is_none());
            let Some(short) = member.name() else {
                work.extend(inner.map(|inner| (inner, base + member.offset(), path.clone())));
                continue;
            };
            let path = format!("{path}{short}");
            if let Some(width) = member.width() {
                let symbol = format!("{name}_{}", path.replace('.', "_"));
                let _ = writeln!(source, "{ty} {symbol} = {{ .{path} = -1 }};");
                let (start, size) = (8 * base + member.bit_offset(), record.size());
                alone.push(Alone { symbol, definition, size, start, width });
                continue;
            }
            assert(format!("offsetof({ty}, {path})"), base + member.offset());
            work.extend(inner.map(|inner| (inner, base + member.offset(), format!("{path}."))));
        }
    }
    *source += &assertions;
}

/// Compares the bits that the compiler has set.
fn compare_bits(object: &[u8], alone: &[Alone], name: &str) {
    let file = object::File::parse(object).expect("an object file");
    let mut symbols = HashMap::new();
    for symbol in file.symbols().filter(|symbol| symbol.is_global()) {
        let text = symbol.name().expect("a name in UTF-8");
        symbols.insert(text.strip_prefix('_').unwrap_or(text), symbol);
    }
    for Alone { symbol, definition, size, start, width } in alone {
        let found = symbols.get(symbol.as_str()).unwrap_or_else(|| panic!("{name}: no {symbol}"));
        let section = found.section_index().expect("it is defined");
        let section = file.section_by_index(section).expect("the section is there");
        let at = (found.address() - section.address()) as usize;
        let bytes = &section.data().expect("bytes")[at..at + *size as usize];
        let field = *start..start + u64::from(*width);
        let is_set = |bit: u64| bytes[(bit / 8) as usize] >> (bit % 8) & 1 == 1;
        assert!(
            (0..8 * size).all(|bit| is_set(bit) == field.contains(&bit)),
            "{name}: {symbol} is not bits {field:?} alone: {bytes:02x?}\n{definition}"
        );
    }
}

#[test]
fn as_this_platforms_compilers_have_them() {
    let convention = Convention::native().expect("a supported platform");
    for compiler in compilers() {
        let is_gcc = compiler.command.ends_with("gcc");
        compare(convention, compiler.command, is_gcc, |source| object_by(compiler, source));
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
        compare(convention, target, false, |source| {
            ffi_tests::compile::object_file(&arguments, source)
        });
    }
}
