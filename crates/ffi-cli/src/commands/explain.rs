//! `ffi explain`: where each byte of a call goes.

mod svg;

use crate::abi::{Abi, argument_rule, plan, result_rule};
use crate::failure::Failure;
use crate::output::{Output, warn};
use crate::table::Table;
use ffi::{Convention, Move, Plan, ReturnPlan, Signature, Type};
use ffi_cdecl::{DeclaredType, Function};
use ffi_types::{RegisterFile, Rule};
use serde::Serialize;
use std::io::{self, Write};

/// Show in which registers and stack slots each argument and the result of a function are, and by
/// which rule.
///
/// The declaration is read as the platform of each convention reads it: `long` has 4 bytes on
/// Windows. It may begin with the structs that it needs. What is shown is the plan that a call
/// carries out. `[stack+8]` is 8 bytes above the stack pointer at the call, and `&rdx` a register
/// with the address of a copy.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ffi explain 'double pow(double x, double y)'
  ffi explain 'void f(struct v { float x, y, z; } v, int n)' --abi sysv,win64,aapcs64
  ffi explain 'int printf(const char *, ...)' --with int,double --abi win64,apple-arm64
  ffi explain 'BOOL CloseHandle(HANDLE h)' --windows --abi win64 --json
  ffi explain 'double pow(double x, double y)' --svg > pow.svg")]
pub(crate) struct Args {
    /// A function's prototype, behind the structs that it needs.
    declaration: String,
    /// By which conventions; several are shown side by side. This machine's own if none is named.
    #[arg(long, value_name = "CONVENTION", value_delimiter = ',')]
    abi: Vec<Abi>,
    /// The types of the arguments behind `...`, with commas between them.
    #[arg(long, value_name = "TYPE")]
    with: Vec<String>,
    /// Know the names of <windows.h>: DWORD, HANDLE, LPCSTR.
    #[arg(long)]
    windows: bool,
    /// As JSON: a list with an object for each convention.
    #[arg(long)]
    json: bool,
    /// As a picture of the registers and the stack, by one convention.
    #[arg(long, conflicts_with = "json")]
    svg: bool,
}

/// A call by one convention.
#[derive(Debug, Serialize)]
struct Explained {
    abi: String,
    function: String,
    signature: String,
    arguments: Vec<Row>,
    result: Row,
    /// The bytes of the stack area, copies of arguments not included.
    stack_size: usize,
    stack_align: usize,
    /// How many vector registers are used, where `al` says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    vector_count: Option<u8>,
    #[serde(skip)]
    planned: (Signature, Plan),
}

/// An argument or the result.
#[derive(Debug, Serialize)]
struct Row {
    /// Counted from 0; nothing for the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(rename = "type")]
    ty: String,
    size: usize,
    align: usize,
    /// Where its bytes are, or, of one that is passed by reference, where its address is.
    places: Vec<Place>,
    by_reference: bool,
    /// Where the copy is, of one that is passed by reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    copy: Option<String>,
    rule: String,
    clause: String,
}

#[derive(Debug, Serialize, PartialEq)]
struct Place {
    /// The first byte of the value that is there.
    from: u32,
    /// The last one.
    to: u32,
    place: String,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let abis = match &args.abi[..] {
        [] => &[Abi::native()],
        abis => abis,
    };
    let (mut explained, mut refused) = (Vec::new(), Vec::new());
    for (index, abi) in abis.iter().enumerate() {
        match explain(args, *abi, index == 0) {
            Ok(one) => explained.push(one),
            // What one convention has no place for, another may have.
            Err(error @ Failure::By { .. }) if abis.len() > 1 => refused.push(error),
            Err(error) => return Err(error),
        }
    }
    match &explained[..] {
        [] => {}
        [one] if args.svg => write!(output, "{}", one.picture(&args.declaration))?,
        _ if args.svg => return Err(Failure::OnePicture),
        all if args.json => {
            serde_json::to_writer_pretty(&mut *output, all).map_err(io::Error::from)?;
            writeln!(output)?;
        }
        [one] => print_one(one, output)?,
        several => print_several(several, output)?,
    }
    if refused.is_empty() { Ok(()) } else { Err(Failure::Several(refused)) }
}

/// As one convention has it, with the warnings of the parser if they are new.
fn explain(args: &Args, abi: Abi, warns: bool) -> Result<Explained, Failure> {
    let header = abi.options().windows_names(args.windows).parse(&args.declaration);
    let mut header = header.map_err(|errors| Failure::prototype(&args.declaration, errors))?;
    if warns {
        warn(&header);
    }
    let function = match header.functions() {
        [.., function] => function.clone(),
        [] => return Err(Failure::NoFunction { text: args.declaration.clone() }),
    };
    let with = args.with.iter().flat_map(|types| at_commas(types));
    let variadic: Result<Vec<_>, _> = with.map(|ty| header.parse_type(ty)).collect();
    let variadic = variadic?;
    let types: Result<Vec<_>, _> = variadic.iter().map(|ty| header.lower(ty)).collect();
    let by = |error| Failure::by(abi.convention(), error);
    let types = types.map_err(|error| by(error.into()))?;
    let signature = function.signature_with(types).map_err(|error| by(error.into()))?;
    let convention = function.convention();
    let plan = plan(convention, &signature).map_err(|error| by(error.into()))?;
    Ok(Explained {
        abi: convention.to_string(),
        function: function.to_string(),
        signature: signature.to_string(),
        arguments: arguments(&function, &variadic, &signature, &plan),
        result: result(&function, &signature, &plan),
        stack_size: plan.stack_size(),
        stack_align: plan.stack_align(),
        vector_count: (convention == Convention::SysV).then(|| plan.vector_count()),
        planned: (signature, plan),
    })
}

impl Explained {
    fn picture(&self, declaration: &str) -> String {
        let (signature, plan) = &self.planned;
        // Those behind `...` have no names.
        let name = |(index, row): (usize, &Row)| row.name.clone().unwrap_or(format!("#{index}"));
        let names = self.arguments.iter().enumerate().map(name).collect();
        svg::Picture { declaration, abi: &self.abi, names, signature, plan }.draw()
    }
}

/// The types of a list. A comma in brackets is part of a type: `void (*)(int, int)` is one.
fn at_commas(types: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i64;
    types.split(move |c| {
        depth += match c {
            '(' | '[' | '{' => 1,
            ')' | ']' | '}' => -1,
            _ => 0,
        };
        c == ',' && depth <= 0
    })
}

fn arguments(
    function: &Function,
    variadic: &[DeclaredType],
    signature: &Signature,
    plan: &Plan,
) -> Vec<Row> {
    let fixed = function.parameters().iter().map(|p| (p.name.as_deref().map(String::from), &p.ty));
    let declared = fixed.chain(variadic.iter().map(|ty| (None, ty)));
    let rows = declared.zip(signature.arguments()).enumerate();
    rows.map(|(index, ((name, declared), ty))| {
        let rule = argument_rule(signature, plan, index);
        let registers = plan.registers();
        let (places, copy) = match plan.reference_of(index) {
            Some(reference) => {
                let place = registers.location(reference.pointer_to).to_string();
                let copy = registers.location(reference.copy_to).to_string();
                (vec![Place { from: 0, to: 7, place }], Some(copy))
            }
            None => (places(plan.moves_of(index), registers), None),
        };
        Row { index: Some(index), name, ..Row::new(declared, ty, places, copy, rule) }
    })
    .collect()
}

fn result(function: &Function, signature: &Signature, plan: &Plan) -> Row {
    let ty = signature.return_type();
    let rule = result_rule(signature, plan);
    let (places, copy) = match plan.return_plan() {
        ReturnPlan::Registers(moves) => (places(moves, plan.return_registers()), None),
        ReturnPlan::Memory { pointer_to, .. } => {
            let place = plan.registers().location(pointer_to).to_string();
            (vec![Place { from: 0, to: 7, place }], Some("the caller's memory".into()))
        }
        _ => (Vec::new(), None),
    };
    Row::new(function.result(), ty, places, copy, rule)
}

impl Row {
    fn new(
        declared: &DeclaredType,
        ty: &Type,
        places: Vec<Place>,
        copy: Option<String>,
        rule: Rule,
    ) -> Self {
        Self {
            index: None,
            name: None,
            ty: declared.to_string(),
            size: ty.size(),
            align: ty.align(),
            places,
            by_reference: copy.is_some(),
            copy,
            rule: rule.text.into_owned(),
            clause: rule.clause.into(),
        }
    }

    fn declaration(&self) -> String {
        match &self.name {
            Some(name) => format!("{name}: {}", self.ty),
            None => self.ty.clone(),
        }
    }

    fn place(&self, place: &Place) -> String {
        if self.by_reference { format!("&{}", place.place) } else { place.place.clone() }
    }

    fn places(&self) -> String {
        match &self.places[..] {
            [] => "-".into(),
            places => places.iter().map(|p| self.place(p)).collect::<Vec<_>>().join(", "),
        }
    }
}

/// What the moves say; a stretch of the stack is one place, and so is a register.
fn places(moves: &[Move], registers: &RegisterFile) -> Vec<Place> {
    let mut places: Vec<(Place, u32)> = Vec::new();
    for m in moves {
        let (from, to) = (m.offset, m.offset + m.len - 1);
        let place = registers.location(m.to);
        let on_stack = m.to >= registers.size;
        match places.last_mut() {
            Some((last, end))
                if last.to + 1 == from
                    && *end == m.to
                    && (on_stack && m.to > registers.size || last.place == place.to_string()) =>
            {
                (last.to, *end) = (to, m.to + m.len);
            }
            _ => places.push((Place { from, to, place: place.to_string() }, m.to + m.len)),
        }
    }
    places.into_iter().map(|(place, _)| place.named_by_width()).collect()
}

impl Place {
    /// The name that x86-64 has for so much of a vector register.
    fn named_by_width(mut self) -> Self {
        let prefix = match self.to - self.from {
            0..=15 => "xmm",
            16..=31 => "ymm",
            _ => "zmm",
        };
        if let Some(number) = self.place.strip_prefix("xmm") {
            self.place = format!("{prefix}{number}");
        }
        self
    }
}

fn print_one(one: &Explained, output: &mut Output) -> io::Result<()> {
    writeln!(output, "{}: {}", one.abi, one.function)?;
    let mut table = Table::default();
    table.line(["argument", "bytes", "place", "rule"]);
    for row in &one.arguments {
        print_row(&row.declaration(), row, &mut table);
    }
    print_row(&format!("result: {}", one.result.ty), &one.result, &mut table);
    table.print(output)?;
    print_stack(one, output)
}

fn print_row(what: &str, row: &Row, table: &mut Table) {
    let rule = format!("{} ({})", row.rule, row.clause);
    for (index, place) in row.places.iter().enumerate() {
        let bytes = match (row.by_reference, place.from == place.to) {
            (true, _) if row.size == 0 => "-".into(),
            (true, _) => format!("0..{}", row.size.saturating_sub(1)),
            (_, true) => place.from.to_string(),
            _ => format!("{}..{}", place.from, place.to),
        };
        let where_to = match &row.copy {
            Some(copy) => format!("{} = {copy}", row.place(place)),
            None => row.place(place),
        };
        let (what, rule) = if index == 0 { (what, rule.as_str()) } else { ("", "") };
        table.line([what, &bytes, &where_to, rule]);
    }
    if row.places.is_empty() {
        table.line([what, "-", "-", &rule]);
    }
}

fn print_stack(one: &Explained, output: &mut Output) -> io::Result<()> {
    write!(output, "  stack: {} bytes, aligned to {}", one.stack_size, one.stack_align)?;
    match one.vector_count {
        Some(count) => writeln!(output, "; al: {count}"),
        None => writeln!(output),
    }
}

fn print_several(several: &[Explained], output: &mut Output) -> io::Result<()> {
    let mut table = Table::default();
    let heading = |first: &str| {
        let abis = several.iter().map(|one| one.abi.clone());
        std::iter::once(first.to_string()).chain(abis).collect::<Vec<_>>()
    };
    table.push(heading("argument"));
    let Some(first) = several.first() else { return Ok(()) };
    for (index, row) in first.arguments.iter().enumerate() {
        let cells = several.iter().filter_map(|one| one.arguments.get(index)).map(Row::places);
        table.push(std::iter::once(row.declaration()).chain(cells).collect());
    }
    let cells = several.iter().map(|one| one.result.places());
    table.push(std::iter::once(format!("result: {}", first.result.ty)).chain(cells).collect());
    let cells = several.iter().map(|one| format!("{} bytes", one.stack_size));
    table.push(std::iter::once("stack".to_string()).chain(cells).collect());
    writeln!(output, "{}", first.function)?;
    table.print(output)?;
    for one in several {
        writeln!(output, "\n{}:", one.abi)?;
        let mut table = Table::default();
        table.line(["argument", "rule"]);
        for row in &one.arguments {
            table.line([&row.declaration(), &format!("{} ({})", row.rule, row.clause)]);
        }
        let result = format!("{} ({})", one.result.rule, one.result.clause);
        table.line([&format!("result: {}", one.result.ty), &result]);
        table.print(output)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ffi::Aapcs64;
    use ffi_cdecl::Header;

    /// What is printed is what a call does.
    #[test]
    fn the_plan_is_that_of_a_call() {
        let declaration = "struct m { double d; int i; }; struct b { char c[3]; }; \
            struct v { float x, y, z; }; struct l { long l[3]; }; \
            struct l f(char c, struct m m, struct b b, struct v v, float f, struct l l, \
                       struct m n, struct v w, _Bool t, void *p)";
        let args = Args {
            declaration: declaration.into(),
            abi: Vec::new(),
            with: Vec::new(),
            windows: false,
            json: false,
            svg: false,
        };
        let explained = explain(&args, Abi::native(), false).expect("it can be explained");
        let header = Header::parse(declaration).expect("it is C");
        let signature = header.functions()[0].signature().expect("it can be passed").clone();
        let interface = ffi::CallInterface::with_signature(signature).expect("it can be called");
        assert_eq!(explained.arguments.len(), 10);
        for (index, row) in explained.arguments.iter().enumerate() {
            let called = interface.plan().placement(index).to_string();
            let printed: Vec<String> = row.places.iter().map(|place| row.place(place)).collect();
            let printed = match row.by_reference {
                true => format!("&{}", row.places[0].place),
                false => printed.join(", "),
            };
            assert_eq!(printed, called, "argument {index}");
        }
    }

    #[test]
    fn a_comma_in_brackets_is_part_of_a_type() {
        let split = |types| at_commas(types).collect::<Vec<_>>();
        assert_eq!(split("int,double"), ["int", "double"]);
        assert_eq!(split("void (*)(int, int),char *"), ["void (*)(int, int)", "char *"]);
        assert_eq!(split("struct { int x, y; }"), ["struct { int x, y; }"]);
        assert_eq!(split("int,,)),"), ["int", "", "))", ""]);
    }

    #[test]
    fn conventions_of_every_host_are_planned() {
        let signature =
            |convention| Signature::new(convention, Type::F64, [Type::F64]).expect("a signature");
        for convention in [Convention::SysV, Convention::Aapcs64(Aapcs64::Apple)] {
            let plan = plan(convention, &signature(convention)).expect("a plan");
            assert_eq!(plan.convention(), convention);
        }
    }
}
