//! `ffi symbols`: what a library exports.

use crate::exports::{self, Exports, Kind, Symbol};
use crate::failure::Failure;
use crate::library;
use crate::nearest::nearest;
use crate::output::{Output, Shown};
use anstyle::AnsiColor;
use std::io::{self, Write};
use wildmatch::WildMatch;

/// List the functions and variables that a library exports, sorted by name.
///
/// A line has the kind, the size in bytes where the file says it (ELF alone), and the name. Of ELF
/// it has the version too: `name@@VERSION` is what a look-up of the name finds, `name@VERSION` is
/// kept for old programs. ELF, PE and Mach-O files are read, whatever processor they are for; of a
/// universal file the part for this processor, or else the first. A linker script is followed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ffi symbols m                          what libm exports
  ffi symbols libm.so.6 cbrt             names with \"cbrt\" in them
  ffi symbols libc.so.6 'mem*@GLIBC*'    that begin with \"mem\", in every version
  ffi symbols ./libfoo.so --variables    variables of a file
  ffi symbols kernel32.dll --json        for programs")]
pub(crate) struct Args {
    /// A library: its path, its file's name, or the name that a linker knows it by.
    ///
    /// Whatever has a slash is a path. Anything else is looked for where the system's loader looks:
    /// `m`, `libm` and `libm.so.6` are the same.
    library: String,
    /// Which names to list: those that have this text in them, upper and lower case as written.
    ///
    /// With a `*` or `?` in it, those that are all of it: `*` stands for any characters, `?` for
    /// one. With an `@` in it, the name is taken with its version.
    pattern: Option<String>,
    /// Functions alone; and what a DLL forwards to another, since only that one knows its kind.
    #[arg(long, conflicts_with = "variables")]
    functions: bool,
    /// Variables alone, a thread's own included.
    #[arg(long)]
    variables: bool,
    /// As JSON: a list of libraries, several for a linker script, each with its `path`, `format`,
    /// `architecture` and `symbols`.
    #[arg(long)]
    json: bool,
}

impl Args {
    fn wants(&self, kind: Kind) -> bool {
        match kind {
            Kind::Function | Kind::Forward => !self.variables,
            Kind::Variable | Kind::Tls => !self.functions,
            Kind::Other => !self.functions && !self.variables,
        }
    }
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let mut libraries = exports::of_file(&library::find_file(&args.library)?)?;
    for library in &mut libraries {
        library.symbols.retain(|symbol| args.wants(symbol.kind));
    }
    if let Some(pattern) = &args.pattern {
        select(&mut libraries, pattern, args)?;
        libraries.retain(|library| !library.symbols.is_empty());
    }
    if args.json {
        serde_json::to_writer_pretty(&mut *output, &libraries).map_err(io::Error::from)?;
        return Ok(writeln!(output)?);
    }
    let is_one = libraries.len() == 1;
    for library in &libraries {
        if !is_one {
            writeln!(output, "{}:", library.path.display())?;
        }
        for symbol in &library.symbols {
            print(symbol, output)?;
        }
    }
    Ok(())
}

/// Leaves what matches; nothing that does is a failure.
fn select(libraries: &mut [Exports], pattern: &str, args: &Args) -> Result<(), Failure> {
    let Some(path) = libraries.first().map(|library| library.path.clone()) else { return Ok(()) };
    let of = libraries.iter().map(|library| library.symbols.len()).sum();
    let names = libraries.iter().flat_map(|library| &library.symbols);
    let nearest = nearest(pattern, names.map(|symbol| symbol.name.as_str()), |name| name);
    let nearest = nearest.map(Into::into);
    for library in &mut *libraries {
        library.symbols.retain(|symbol| matches(symbol, pattern));
    }
    if libraries.iter().any(|library| !library.symbols.is_empty()) {
        return Ok(());
    }
    let kind = match (args.functions, args.variables) {
        (true, _) => "function",
        (_, true) => "variable",
        _ => "symbol",
    };
    Err(Failure::NoMatch { path, kind, pattern: pattern.into(), of, nearest })
}

fn matches(symbol: &Symbol, pattern: &str) -> bool {
    // One `@` asks for a version, default or not.
    let versioned = symbol.version.as_ref().map(|version| format!("{}@{version}", symbol.name));
    let exact = symbol.to_string();
    let names = if pattern.contains('@') {
        [versioned.as_deref().unwrap_or(&symbol.name), &exact]
    } else {
        [symbol.name.as_str(); 2]
    };
    if pattern.contains(['*', '?']) {
        let pattern = WildMatch::new(pattern);
        names.iter().any(|name| pattern.matches(name))
    } else {
        names.iter().any(|name| name.contains(pattern))
    }
}

fn print(symbol: &Symbol, output: &mut Output) -> io::Result<()> {
    let (cyan, dim) = (AnsiColor::Cyan.on_default(), anstyle::Style::new().dimmed());
    let size = symbol.size.map_or_else(|| "-".into(), |size| size.to_string());
    write!(output, "{cyan}{:<8}{cyan:#} {size:>7} {}", symbol.kind, Shown(&symbol.name))?;
    if let Some(version) = &symbol.version {
        let at = if symbol.default { "@@" } else { "@" };
        write!(output, "{dim}{at}{}{dim:#}", Shown(version))?;
    }
    if let Some(forward) = &symbol.forward {
        write!(output, "{dim} -> {}{dim:#}", Shown(forward))?;
    }
    writeln!(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbol(name: &str, version: Option<&str>, default: bool) -> Symbol {
        let (kind, version) = (Kind::Function, version.map(Into::into));
        let name = name.into();
        Symbol { name, version, default, kind, size: None, address: None, forward: None }
    }

    #[test]
    fn a_pattern_is_a_part_of_the_name_or_with_stars_all_of_it() {
        let cbrtf = symbol("cbrtf", None, true);
        for pattern in ["", "cbrt", "brt", "cbrt*", "*f", "?brt?", "*"] {
            assert!(matches(&cbrtf, pattern), "{pattern}");
        }
        for pattern in ["CBRT", "cbrt?f", "brt*", "cbrtf?", "@"] {
            assert!(!matches(&cbrtf, pattern), "{pattern}");
        }
    }

    #[test]
    fn an_at_sign_asks_for_versions() {
        let (old, new) = (symbol("f", Some("V1"), false), symbol("f", Some("V2"), true));
        for (pattern, is_old, is_new) in [
            ("f", true, true),
            ("V1", false, false),
            ("f@V1", true, false),
            ("f@V2", false, true),
            ("f@@V2", false, true),
            ("@@", false, true),
            ("f@*", true, true),
            ("f@V?", true, true),
        ] {
            assert_eq!(
                (matches(&old, pattern), matches(&new, pattern)),
                (is_old, is_new),
                "{pattern}"
            );
        }
    }
}
