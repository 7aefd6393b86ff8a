//! `ffi check`: a header against its library.

use crate::abi::Abi;
use crate::exports::{self, Kind};
use crate::failure::Failure;
use crate::library;
use crate::output::{Output, warn};
use crate::table::Table;
use ffi_cdecl::{Header, Options};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use wildmatch::WildMatch;

/// Check that a library has what a header declares, and that all of it can be called.
///
/// The library is read, not opened, so it may be another system's. A header that includes others
/// has to go through the preprocessor first: `-E` does that, and then looks at what the header
/// itself declares, and not at what it includes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ffi check -E /usr/include/zlib.h z
  ffi check -E -I include -D FOO_API= include/foo.h ./libfoo.so --all
  ffi check --abi win64 --windows foo.h foo.dll")]
pub(crate) struct Args {
    /// Run the header through the C preprocessor first: $CC -E, or cc -E.
    #[arg(short = 'E', long)]
    preprocess: bool,
    /// For the preprocessor: another directory of headers.
    #[arg(short = 'I', value_name = "DIRECTORY", requires = "preprocess")]
    include: Vec<String>,
    /// For the preprocessor: a macro.
    #[arg(short = 'D', value_name = "NAME[=VALUE]", requires = "preprocess")]
    define: Vec<String>,
    /// Look only at names that match: `*` stands for any characters, `?` for one.
    #[arg(long, value_name = "PATTERN")]
    only: Option<String>,
    /// Read the header as this convention's platform does. This machine's own if none is named.
    #[arg(long, value_name = "CONVENTION")]
    abi: Option<Abi>,
    /// Know the names of <windows.h>: DWORD, HANDLE, LPCSTR.
    #[arg(long)]
    windows: bool,
    /// List what is there and can be called, too.
    #[arg(long)]
    all: bool,
    /// As JSON: a list of declarations.
    #[arg(long)]
    json: bool,
    /// The header.
    header: String,
    /// A library: its path, its file's name, or the name that a linker knows it by.
    library: String,
}

/// What is to be said of a declaration.
#[derive(Debug, Serialize)]
struct Found {
    name: String,
    line: usize,
    declaration: String,
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    /// Defined in the header itself, and not exported.
    Inline,
    Missing,
    Uncallable,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let options = args.abi.map_or_else(Options::default, Abi::options).windows_names(args.windows);
    let text = if args.preprocess { preprocessed(args)? } else { read(&args.header)? };
    let header = options.parse(&text).map_err(|errors| {
        let includes = !args.preprocess && text.windows(8).any(|word| word == b"#include");
        let hint =
            if includes { "\nit includes other headers: `-E` has them read too" } else { "" };
        Failure::Header { path: args.header.clone(), errors, hint }
    })?;
    warn(&header);
    let exports = exports::of_file(&library::find_file(&args.library)?)?;
    let symbols = exports.iter().flat_map(|library| &library.symbols);
    let exported: BTreeMap<&str, Kind> = symbols.map(|s| (s.name.as_str(), s.kind)).collect();
    let found = look(args, &header, &exported);
    if found.is_empty() {
        return Err(Failure::NothingDeclared { path: args.header.clone() });
    }
    if args.json {
        serde_json::to_writer_pretty(&mut *output, &found).map_err(io::Error::from)?;
        writeln!(output)?;
    } else {
        print(args, &found, output)?;
    }
    let count = |verdict| found.iter().filter(|found| found.verdict == verdict).count();
    let (missing, uncallable) = (count(Verdict::Missing), count(Verdict::Uncallable));
    if missing + uncallable > 0 {
        return Err(Failure::Unfit { of: found.len(), missing, uncallable });
    }
    Ok(())
}

fn read(path: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::Read { path: path.into(), error })
}

/// The output of the preprocessor.
fn preprocessed(args: &Args) -> Result<Vec<u8>, Failure> {
    // Its own message would be that of a compiler.
    read(&args.header)?;
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let mut words = compiler.split_whitespace();
    let program = words.next().unwrap_or("cc");
    let mut command = Command::new(program);
    command.args(words).args(["-E", "-x", "c"]);
    command.args(args.include.iter().map(|directory| format!("-I{directory}")));
    command.args(args.define.iter().map(|name| format!("-D{name}")));
    let ran = command.arg(&args.header).output();
    let ran = ran.map_err(|error| Failure::Read { path: program.into(), error })?;
    if !ran.status.success() {
        let said = String::from_utf8_lossy(&ran.stderr).trim_end().to_string();
        return Err(Failure::Preprocessor { compiler, said });
    }
    Ok(ran.stdout)
}

fn look(args: &Args, header: &Header, exported: &BTreeMap<&str, Kind>) -> Vec<Found> {
    let only = args.only.as_deref().map(WildMatch::new);
    let wanted = |name: &str, file: Option<&str>| {
        let here =
            !args.preprocess || file.is_none_or(|file| Path::new(file) == Path::new(&args.header));
        here && only.as_ref().is_none_or(|only| only.matches(name))
    };
    let missing = |symbol: &str| {
        let nearest = ffi_cdecl::nearest(symbol, exported.keys().copied());
        let question = crate::nearest::question(nearest);
        Some(format!("the library does not export `{symbol}`{question}"))
    };
    let mut all = Vec::new();
    for function in header.functions().iter().filter(|f| wanted(f.name(), f.file())) {
        let (verdict, reason) = match (exported.get(function.symbol()), function.signature()) {
            (None, _) if function.is_inline() => (Verdict::Inline, None),
            (None, _) => (Verdict::Missing, missing(function.symbol())),
            (Some(Kind::Variable | Kind::Tls), _) => {
                (Verdict::Uncallable, Some("the library has a variable of that name".into()))
            }
            (Some(_), Err(error)) => (Verdict::Uncallable, Some(error.to_string())),
            (Some(_), Ok(_)) => (Verdict::Ok, None),
        };
        let (name, line) = (function.name().into(), function.line());
        all.push(Found { name, line, declaration: function.to_string(), verdict, reason });
    }
    let variables = header.variables().iter().filter(|variable| !variable.is_internal());
    for variable in variables.filter(|v| wanted(v.name(), v.file())) {
        let (verdict, reason) = match exported.get(variable.symbol()) {
            None => (Verdict::Missing, missing(variable.symbol())),
            Some(Kind::Function) => {
                (Verdict::Uncallable, Some("the library has a function of that name".into()))
            }
            Some(_) => (Verdict::Ok, None),
        };
        let (name, line) = (variable.name().into(), variable.line());
        let declaration = variable.ty().declare(variable.name());
        all.push(Found { name, line, declaration, verdict, reason });
    }
    all
}

fn print(args: &Args, found: &[Found], output: &mut Output) -> io::Result<()> {
    let mut table = Table::default();
    table.line(["line", "verdict", "declaration"]);
    let mut shown = 0;
    for one in found {
        let verdict = match one.verdict {
            Verdict::Ok | Verdict::Inline if !args.all => continue,
            Verdict::Ok => "ok",
            Verdict::Inline => "inline",
            Verdict::Missing => "missing",
            Verdict::Uncallable => "uncallable",
        };
        shown += 1;
        table.line([&one.line.to_string(), verdict, &one.declaration]);
        if let Some(reason) = &one.reason {
            table.line(["", "", &format!("  {reason}")]);
        }
    }
    if shown > 0 {
        table.print(output)?;
    }
    let count = |verdict| found.iter().filter(|found| found.verdict == verdict).count();
    writeln!(
        output,
        "{} declarations: {} ok, {} inline, {} missing, {} that cannot be called",
        found.len(),
        count(Verdict::Ok),
        count(Verdict::Inline),
        count(Verdict::Missing),
        count(Verdict::Uncallable)
    )
}
