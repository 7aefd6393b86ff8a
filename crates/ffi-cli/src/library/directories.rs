//! Where the system's loader looks for libraries, and what is there.

use object::Endianness;
use object::elf::{EM_AARCH64, EM_X86_64, FileHeader64};
use object::read::elf::FileHeader;
use std::collections::BTreeSet;
use std::env::consts::DLL_SUFFIX;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The directories, in the loader's order, that are there.
///
/// This is what the loader's documentation says of names that a program opens. What a program's own
/// `RUNPATH` adds does not count: this command has none.
pub(super) fn of_loader() -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut variable = |name: &str| {
        let value = std::env::var_os(name).unwrap_or_default();
        // An empty part means the working directory, of which nobody thinks.
        all.extend(std::env::split_paths(&value).filter(|path| !path.as_os_str().is_empty()));
    };
    if cfg!(windows) {
        let root = std::env::var_os("SystemRoot").map(PathBuf::from);
        let own = std::env::current_exe().ok().and_then(|exe| exe.parent().map(PathBuf::from));
        all.extend(own);
        all.extend(root.iter().flat_map(|root| [root.join("System32"), root.clone()]));
        all.extend(std::env::current_dir());
        let path = std::env::var_os("PATH").unwrap_or_default();
        all.extend(std::env::split_paths(&path));
    } else if cfg!(target_vendor = "apple") {
        variable("DYLD_LIBRARY_PATH");
        variable("DYLD_FALLBACK_LIBRARY_PATH");
        all.extend(["/usr/local/lib", "/opt/homebrew/lib", "/usr/lib"].map(PathBuf::from));
    } else {
        variable("LD_LIBRARY_PATH");
        let musl = std::fs::read_to_string(format!("/etc/ld-musl-{}.path", std::env::consts::ARCH));
        match musl.ok().filter(|_| cfg!(target_env = "musl")) {
            Some(list) => all.extend(list.split([':', '\n']).map(PathBuf::from)),
            None => all.extend(configured(Path::new("/etc/ld.so.conf"))),
        }
        let triplet = format!("{}-linux-gnu", std::env::consts::ARCH);
        all.extend(["/lib", "/usr/lib"].map(|base| Path::new(base).join(&triplet)));
        all.extend(
            ["/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"].map(PathBuf::from),
        );
    }
    let mut seen = BTreeSet::new();
    // On many systems `/lib` is a link to `/usr/lib`.
    all.retain(|path| {
        std::fs::canonicalize(path).is_ok_and(|path| path.is_dir() && seen.insert(path))
    });
    all
}

/// What `ldconfig`'s configuration names, the files that it includes among it.
fn configured(file: &Path) -> Vec<PathBuf> {
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    // A stack, on which an included file's lines come before what is left of the one including it.
    let mut left = vec![Line::Include(file.to_path_buf())];
    while let Some(line) = left.pop() {
        let file = match line {
            Line::Directory(path) => {
                found.push(path);
                continue;
            }
            Line::Include(file) => file,
        };
        // A file that includes itself may do so by a path that is longer each time.
        let Ok(file) = std::fs::canonicalize(file) else { continue };
        if !seen.insert(file.clone()) {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let mut lines = Vec::new();
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default().trim();
            match line.strip_prefix("include").filter(|rest| rest.starts_with([' ', '\t'])) {
                Some(pattern) => {
                    let at = file.parent().unwrap_or(Path::new("/")).join(pattern.trim());
                    lines.extend(included(&at).into_iter().map(Line::Include));
                }
                None if line.starts_with('/') => lines.push(Line::Directory(line.into())),
                None => {}
            }
        }
        left.extend(lines.into_iter().rev());
    }
    found
}

enum Line {
    Directory(PathBuf),
    Include(PathBuf),
}

/// The files that a pattern stands for, in its last part alone.
fn included(pattern: &Path) -> Vec<PathBuf> {
    let (Some(directory), Some(name)) = (pattern.parent(), pattern.file_name()) else {
        return Vec::new();
    };
    let name = wildmatch::WildMatch::new(&name.to_string_lossy());
    let files = names(directory).into_iter().filter(|file| name.matches(file));
    files.map(|file| directory.join(file)).collect()
}

/// The names in a directory, sorted; none where it cannot be read.
fn names(directory: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// The names of all libraries there.
pub(super) fn libraries(directories: &[PathBuf]) -> BTreeSet<String> {
    let all = directories.iter().flat_map(|directory| names(directory));
    all.filter(|name| name.ends_with(DLL_SUFFIX) || version(name).is_some()).collect()
}

/// The newest version of each name that may have some: `libm.so.6` for `libm.so`.
pub(super) fn newest(wanted: &[String], directories: &[PathBuf]) -> Vec<String> {
    let files = libraries(directories);
    let newest = |name: &String| {
        let versions = files.iter().filter(|file| {
            file.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('.'))
        });
        versions.filter(|_| name.ends_with(".so")).max_by_key(|file| version(file)).cloned()
    };
    wanted.iter().filter_map(newest).collect()
}

/// The numbers after `.so.`; of two that begin alike the shorter is the greater, since that one is
/// the library's own name, and the other the file it is a link to.
pub(super) fn version(name: &str) -> Option<Vec<u64>> {
    let (_, numbers) = name.split_once(".so.")?;
    let numbers: Option<Vec<u64>> = numbers.split('.').map(|part| part.parse().ok()).collect();
    let mut numbers = numbers?;
    numbers.push(u64::MAX);
    Some(numbers)
}

/// What is at a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Look {
    Nothing,
    /// A file that is a library, as far as its first bytes tell.
    Library,
    /// An ELF file for another processor, which the loader would pass over.
    Foreign,
    /// Something else, such as a linker script.
    Other,
}

pub(super) fn look(path: &Path) -> Look {
    let Ok(file) = File::open(path) else { return Look::Nothing };
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Look::Nothing;
    }
    if !cfg!(target_os = "linux") {
        return Look::Library;
    }
    let mut head = Vec::new();
    if file.take(64).read_to_end(&mut head).is_err() || !head.starts_with(b"\x7fELF") {
        return Look::Other;
    }
    let own = if cfg!(target_arch = "aarch64") { EM_AARCH64 } else { EM_X86_64 };
    let header = FileHeader64::<Endianness>::parse(&head[..]);
    let machine = header.and_then(|header| Ok(header.e_machine(header.endian()?)));
    if machine.is_ok_and(|machine| machine == own) { Look::Library } else { Look::Foreign }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        let version = |name| version(name).expect("a version");
        assert!(version("libz.so.10") > version("libz.so.9"));
        assert!(version("libz.so.1") > version("libz.so.1.2.13"));
        assert!(version("libz.so.2.1") > version("libz.so.1"));
        for name in ["libz.so", "libz.so.1-gdb.py", "libz.so.", "libz.a"] {
            assert_eq!(super::version(name), None, "{name}");
        }
    }

    #[test]
    fn configuration_files_include_others() {
        let at = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| {
            std::fs::write(at.path().join(name), text).expect("a file");
        };
        std::fs::create_dir(at.path().join("d")).expect("a directory");
        write(
            "ld.so.conf",
            "/first # why\ninclude d/*.conf\ninclude ld.so.conf\n\n/last\nrelative\n",
        );
        write("d/b.conf", "/b\ninclude ../ld.so.conf");
        write("d/a.conf", "  /a\n");
        write("d/a.txt", "/no\n");
        let found = configured(&at.path().join("ld.so.conf"));
        assert_eq!(found[..3], ["/first", "/a", "/b"].map(PathBuf::from));
        assert_eq!(found.last(), Some(&PathBuf::from("/last")));
        assert!(
            !found.contains(&PathBuf::from("/no")) && !found.contains(&PathBuf::from("relative"))
        );
    }

    #[test]
    fn the_newest_version_is_found() {
        let at = tempfile::tempdir().expect("a directory");
        for name in ["libz.so.1", "libz.so.1.2", "libzz.so.9", "libz.so.1.txt", "libz.a"] {
            std::fs::write(at.path().join(name), "").expect("a file");
        }
        let directories = [at.path().to_path_buf()];
        assert_eq!(newest(&["libz.so".into(), "z.so".into()], &directories), ["libz.so.1"]);
        assert_eq!(newest(&["libz.so.1".into()], &directories), [""; 0]);
        assert_eq!(
            look(&at.path().join("libz.a")),
            if cfg!(target_os = "linux") { Look::Other } else { Look::Library }
        );
        assert_eq!(look(at.path()), Look::Nothing);
    }
}
