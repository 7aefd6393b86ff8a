//! A library's name as a person types it: `m`, `libm`, `libm.so.6`, or a path.
//!
//! Whatever has a separator in it is a path, and means that file. Anything else is a name, for
//! which [`candidates`] are tried in turn: to open it the system's loader is asked, to read it the
//! directories where that loader looks are searched.

mod directories;

use crate::nearest::{nearest, question};
use ffi::Library;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fmt;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};

/// No library of that name, with everything that was tried.
#[derive(Debug)]
pub(crate) struct Miss {
    name: String,
    tried: Vec<Tried>,
    /// The directories that were searched, if any were.
    directories: Vec<PathBuf>,
    /// A library that is there, and is called almost so.
    nearest: Option<String>,
}

/// A name, and what came of it.
#[derive(Debug)]
struct Tried {
    name: String,
    why: String,
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, tried, directories, nearest } = self;
        write!(f, "no library {name:?} can be found{}", question(nearest.as_deref()))?;
        for Tried { name, why } in tried {
            // The loader's own text begins with the name.
            let why = why.strip_prefix(&format!("{name}: ")).unwrap_or(why);
            write!(f, "\n  tried {name}: {why}")?;
        }
        for (index, directory) in directories.iter().enumerate() {
            let before = if index == 0 { "\n  looked in " } else { ", " };
            write!(f, "{before}{}", directory.display())?;
        }
        Ok(())
    }
}

impl std::error::Error for Miss {}

/// Opens a library, whose constructors run. Its `name()` is the one that worked.
pub(crate) fn open(name: &str) -> Result<Library, Miss> {
    let mut tried = Vec::new();
    let directories = directories::of_loader();
    let mut names = candidates(name);
    names.extend(directories::newest(&names, &directories));
    for candidate in names {
        // SAFETY: running the code of the library is what the user of the command asked for; the
        // system's own protection is all there is against what it does.
        match unsafe { Library::open(&candidate) } {
            Ok(library) => return Ok(library),
            Err(error) => tried.push(Tried { name: candidate, why: error.message }),
        }
    }
    Err(miss(name, tried, directories))
}

/// The file of a library, without opening it: the first for this processor that the loader would
/// come to; a linker script only where there is no library. A path is not looked into.
pub(crate) fn find_file(name: &str) -> Result<PathBuf, Miss> {
    if is_path(name) {
        return match std::fs::metadata(name) {
            Ok(_) => Ok(name.into()),
            Err(error) => {
                let tried = Tried { name: name.into(), why: error.to_string() };
                Err(miss(name, vec![tried], Vec::new()))
            }
        };
    }
    let directories = directories::of_loader();
    let mut names = candidates(name);
    names.extend(directories::newest(&names, &directories));
    let (mut script, mut tried) = (None, Vec::new());
    for candidate in names {
        let mut why = String::from("not there");
        for path in directories.iter().map(|directory| directory.join(&candidate)) {
            match directories::look(&path) {
                directories::Look::Library => return Ok(path),
                directories::Look::Nothing => {}
                directories::Look::Foreign => {
                    why = format!("{} is for another processor", path.display());
                }
                directories::Look::Other => {
                    script.get_or_insert(path);
                }
            }
        }
        tried.push(Tried { name: candidate, why });
    }
    script.ok_or_else(|| miss(name, tried, directories))
}

fn is_path(name: &str) -> bool {
    name.contains(['/', MAIN_SEPARATOR])
}

/// The names that one name may stand for on this system, the likeliest first: `m` for `libm.so`,
/// then `m.so`.
fn candidates(name: &str) -> Vec<String> {
    if is_path(name) || is_file_name(name) {
        return vec![name.into()];
    }
    let mut names = vec![format!("{name}{DLL_SUFFIX}")];
    if !name.starts_with("lib") {
        names.insert(0, format!("lib{name}{DLL_SUFFIX}"));
    }
    // Where there is no prefix, a name with one is the exception.
    if DLL_PREFIX.is_empty() {
        names.reverse();
    }
    names
}

/// Whether a name ends as a library's file does: `libm.so.6`.
fn is_file_name(name: &str) -> bool {
    // Windows' own names are often in capitals.
    let lower = name.to_ascii_lowercase();
    let name = if cfg!(windows) { &lower } else { name };
    name.ends_with(DLL_SUFFIX) || (DLL_SUFFIX == ".so" && directories::version(name).is_some())
}

/// A name without what all libraries' names have: `sqlite3` of `libsqlite3.so.0`.
fn bare(name: &str) -> &str {
    let file = name.rsplit(['/', MAIN_SEPARATOR]).next().unwrap_or(name);
    let bare = file.strip_prefix("lib").unwrap_or(file);
    bare.split_once(DLL_SUFFIX).map_or(bare, |(bare, _)| bare)
}

fn miss(name: &str, tried: Vec<Tried>, directories: Vec<PathBuf>) -> Miss {
    let parent = Path::new(name).parent().filter(|_| is_path(name));
    let known = directories::libraries(&parent.map_or(directories.clone(), |at| vec![at.into()]));
    let known = known.iter().map(String::as_str);
    let known = known.filter(|known| tried.iter().all(|tried| tried.name != **known));
    let mut nearest = nearest(name, known, bare).map(String::from);
    if let Some(parent) = parent {
        nearest = nearest.map(|file| parent.join(file).display().to_string());
    } else if Path::new(name).is_file() {
        nearest = Some(format!(".{MAIN_SEPARATOR}{name}"));
    }
    Miss { name: name.into(), tried, directories, nearest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_stands_for_files_with_prefix_and_suffix() {
        assert_eq!(candidates("m"), ["libm.so", "m.so"]);
        assert_eq!(candidates("libm"), ["libm.so"]);
        assert_eq!(candidates("libm.so"), ["libm.so"]);
        assert_eq!(candidates("libm.so.6"), ["libm.so.6"]);
        assert_eq!(candidates("python3.11"), ["libpython3.11.so", "python3.11.so"]);
        assert_eq!(candidates("./m"), ["./m"]);
        assert_eq!(bare("./libsqlite3.so.0"), "sqlite3");
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[test]
    fn all_spellings_open_the_mathematics() {
        for name in ["m", "libm", "libm.so", "libm.so.6"] {
            let library = open(name).expect(name);
            assert!(library.symbol("cbrt").is_ok(), "{name}: {}", library.name());
            let file = find_file(name).expect(name);
            assert_eq!(file.file_name().and_then(|file| file.to_str()), Some("libm.so.6"));
        }
    }

    #[cfg(windows)]
    #[test]
    fn names_of_system_libraries_open() {
        assert_eq!(candidates("kernel32"), ["kernel32.dll", "libkernel32.dll"]);
        assert_eq!(candidates("KERNEL32.DLL"), ["KERNEL32.DLL"]);
        for name in ["kernel32", "KERNEL32.DLL"] {
            assert!(open(name).expect(name).symbol("GetLastError").is_ok());
            assert!(find_file(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_miss_names_what_was_tried() {
        for found in [open("nope-nope").map(drop), find_file("nope-nope").map(drop)] {
            let text = found.expect_err("not there").to_string();
            assert!(text.starts_with("no library \"nope-nope\" can be found\n  tried "), "{text}");
            assert!(text.contains(&format!("libnope-nope{DLL_SUFFIX}: ")), "{text}");
        }
        let text = find_file("./nope.so").expect_err("not there").to_string();
        assert!(text.starts_with("no library \"./nope.so\" can be found\n  tried ./nope.so: "));
        assert!(open("nul\0").is_err() && find_file("nul\0").is_err());
        assert!(open("").is_err() && find_file("").is_err());
    }
}
