//! `ffi layout`: the bytes of structs.

use crate::abi::{Abi, plan};
use crate::failure::Failure;
use crate::output::{Output, warn};
use crate::table::Table;
use ffi::{InterfaceReason, PrepareError, Signature, Type};
use ffi_cdecl::{DeclaredKind, DeclaredType, Header, Member, Options, Record, TagKind};
use serde::Serialize;
use std::io::{self, Write};

/// Structs inside each other that are drawn.
const MAX_DEPTH: usize = 50;
/// Lines of structs inside others. A struct of two structs of two structs has more members than
/// memory holds after a few dozen.
const MAX_NESTED: usize = 100_000;

/// Draw the bytes of structs and unions: offsets, sizes, padding, alignment.
///
/// Every struct and union that the text defines is drawn, as the platform of the convention lays
/// it out. Of an array of structs the first is drawn. Where structs are inside each other so often
/// that there would be more than 100000 lines of them, the rest of those are left out and it says so.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ffi layout 'struct point { char tag; double x, y; }'
  ffi layout 'struct flags { unsigned a : 3, b : 30; char c; }' --abi win64
  ffi layout 'struct __attribute__((packed)) p { char c; long l; }' --abi aapcs64 --json")]
pub(crate) struct Args {
    /// Definitions of structs and unions.
    declarations: String,
    /// As which platform's compilers lay them out. This machine's own if none is named.
    #[arg(long, value_name = "CONVENTION")]
    abi: Option<Abi>,
    /// Know the names of <windows.h>: DWORD, HANDLE, LPCSTR.
    #[arg(long)]
    windows: bool,
    /// As JSON: a list of structs.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Drawn {
    name: String,
    size: u64,
    align: u64,
    members: Vec<Part>,
}

/// A member, or padding.
#[derive(Debug, Default, Serialize)]
struct Part {
    /// The member as C declares it; nothing for padding.
    #[serde(skip_serializing_if = "Option::is_none")]
    declaration: Option<String>,
    offset: u64,
    /// In bytes; 0 for a bit-field.
    size: u64,
    /// Of a bit-field: the first bit in the byte, and how many there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    bits: Option<(u64, u64)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    members: Vec<Part>,
    /// Whether it has members that are not drawn.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    left_out: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let options = args.abi.map_or_else(Options::default, Abi::options).windows_names(args.windows);
    let header = options.parse(&args.declarations)?;
    warn(&header);
    let mut drawing = Drawing { header: &header, left: MAX_NESTED };
    let (mut drawn, mut refused) = (Vec::new(), Vec::new());
    for (name, record) in outermost(&header) {
        match unknown(&header, record) {
            None => drawn.push(drawing.draw(name, record)),
            // The others are drawn all the same.
            Some(error) => refused.push(error),
        }
    }
    if drawn.is_empty() && refused.is_empty() {
        return Err(Failure::NoStruct { text: args.declarations.clone() });
    }
    print(args, &drawn, output)?;
    if refused.is_empty() { Ok(()) } else { Err(Failure::Several(refused)) }
}

fn print(args: &Args, drawn: &[Drawn], output: &mut Output) -> io::Result<()> {
    if args.json {
        serde_json::to_writer_pretty(&mut *output, drawn).map_err(io::Error::from)?;
        return writeln!(output);
    }
    for (index, one) in drawn.iter().enumerate() {
        if index > 0 {
            writeln!(output)?;
        }
        writeln!(output, "{}: {} bytes, aligned to {}", one.name, one.size, one.align)?;
        let mut table = Table::default();
        table.line(["offset", "size", "member"]);
        lines(&one.members, 0, &mut table);
        table.print(output)?;
    }
    Ok(())
}

/// Why the platform's C has no such struct, if a member is of a type that it does not have.
fn unknown(header: &Header, record: &Record) -> Option<Failure> {
    let convention = header.options().convention();
    let ty = record.ty().ok()?.clone();
    let signature = Signature::new(convention, Type::VOID, [ty]).ok()?;
    let PrepareError::Interface(error) = plan(convention, &signature).err()? else { return None };
    let reason = error.reason;
    matches!(reason, InterfaceReason::NotInConvention { .. })
        .then(|| Failure::by(convention, Failure::NotInConvention(reason)))
}

/// The structs with a name: a tag, or else that of a `typedef` or a variable.
fn outermost(header: &Header) -> impl Iterator<Item = (String, &Record)> {
    let tagged = header.records().filter(|record| record.tag().name.is_some());
    let variables = header.variables().iter().map(|variable| (variable.name(), variable.ty()));
    let named = header.typedefs().chain(variables).filter_map(|(name, ty)| {
        let record = header.record(element(ty)).filter(|record| record.tag().name.is_none())?;
        Some((name.to_string(), record))
    });
    tagged.map(|record| (record.tag().to_string(), record)).chain(named)
}

/// What an array is made of, and anything else itself.
fn element(mut ty: &DeclaredType) -> &DeclaredType {
    while let DeclaredKind::Array(element, _) = ty.kind() {
        ty = element;
    }
    ty
}

struct Drawing<'a> {
    header: &'a Header,
    /// How many more lines structs inside others may take.
    left: usize,
}

impl Drawing<'_> {
    fn draw(&mut self, name: String, record: &Record) -> Drawn {
        let members = self.parts(record, 0, 0);
        Drawn { name, size: record.size(), align: record.align(), members }
    }

    /// The members of a struct that starts at a bit of the whole, with the padding between them.
    fn parts(&mut self, record: &Record, base: u64, depth: usize) -> Vec<Part> {
        let is_union = record.tag().kind == TagKind::Union;
        let mut parts = Vec::new();
        let mut end = 0;
        for member in record.members() {
            let start = member.bit_offset();
            if !is_union {
                padding(&mut parts, base, end, start);
            }
            parts.push(self.part(member, base + start, depth));
            end = end.max(start + member.width().map_or(member.size() * 8, u64::from));
        }
        padding(&mut parts, base, end, record.size() * 8);
        parts
    }

    fn part(&mut self, member: &Member, start: u64, depth: usize) -> Part {
        let width = member.width().map(u64::from);
        let mut declaration = member.ty().declare(member.name().unwrap_or_default());
        if let Some(width) = width {
            declaration += &format!(" : {width}");
        }
        let mut part = Part {
            declaration: Some(declaration),
            offset: start / 8,
            size: if width.is_some() { 0 } else { member.size() },
            bits: width.map(|width| (start % 8, width)),
            ..Part::default()
        };
        let Some(inner) = self.header.record(element(member.ty())) else { return part };
        // Each member and the padding before it, and that at the end.
        let count = 2 * inner.members().len() + 1;
        match self.left.checked_sub(count).filter(|_| depth < MAX_DEPTH) {
            Some(left) => {
                self.left = left;
                part.members = self.parts(inner, start, depth + 1);
            }
            None => part.left_out = true,
        }
        part
    }
}

fn padding(parts: &mut Vec<Part>, base: u64, end: u64, start: u64) {
    let (mut at, until) = (base + end, base + start);
    // The rest of a byte that a bit-field begins, and then whole bytes.
    let whole = at.next_multiple_of(8).min(until);
    if at < whole {
        let bits = Some((at % 8, whole - at));
        parts.push(Part { offset: at / 8, bits, ..Part::default() });
        at = whole;
    }
    if at < until {
        let (offset, size) = (at / 8, (until - at) / 8);
        parts.push(Part { offset, size, ..Part::default() });
    }
}

fn lines(parts: &[Part], depth: usize, table: &mut Table) {
    for part in parts {
        let (offset, size) = match part.bits {
            Some((bit, width)) => (format!("{}:{bit}", part.offset), format!("{width} bits")),
            None => (part.offset.to_string(), part.size.to_string()),
        };
        let what = part.declaration.as_deref().unwrap_or("(padding)");
        let left_out = if part.left_out { " (its members are left out)" } else { "" };
        table.line([&offset, &size, &format!("{}{what}{left_out}", "  ".repeat(depth))]);
        lines(&part.members, depth + 1, table);
    }
}
