//! The book of `docs/`, built and looked through.

use crate::links::{links, resolve};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version that is installed, and the beginning of those that will do.
const VERSION: &str = "0.5.4";
const SERIES: &str = "mdbook v0.5.";
/// What the book is below the target directory; other files that it links to are beside it.
const BOOK: &str = "book/docs";

/// Builds the book, with an mdBook that is installed if there is none.
pub(crate) fn run() -> Result<(), String> {
    let program = match found() {
        Some(program) => program,
        None => install()?,
    };
    build(&program)
}

/// Builds it if there is an mdBook; says whether there is.
pub(crate) fn run_if_found() -> Option<Result<(), String>> {
    found().map(|program| build(&program))
}

fn tools() -> PathBuf {
    crate::target_directory().join("tools")
}

/// The one that was installed here, or one that the system has.
fn found() -> Option<PathBuf> {
    let programs = [tools().join("bin/mdbook"), "mdbook".into()];
    programs.into_iter().find(|program| {
        let version = Command::new(program).arg("--version").output();
        version.is_ok_and(|said| String::from_utf8_lossy(&said.stdout).starts_with(SERIES))
    })
}

fn install() -> Result<PathBuf, String> {
    println!("installing mdbook {VERSION} to {}", tools().display());
    let mut cargo = crate::cargo();
    cargo.args(["install", "mdbook", "--locked", "--version", VERSION]);
    // Neither a server nor a watcher; and a debug build, which takes a third of the time.
    cargo.args(["--no-default-features", "--features", "search", "--debug", "--root"]);
    succeeds(cargo.arg(tools()))?;
    Ok(tools().join("bin/mdbook"))
}

fn build(program: &Path) -> Result<(), String> {
    let (root, book) = (crate::root(), crate::target_directory().join(BOOK));
    // What was a page once is no page for ever.
    if let Err(error) = fs::remove_dir_all(&book)
        && book.exists()
    {
        return Err(format!("{}: {error}", book.display()));
    }
    succeeds(Command::new(program).arg("build").arg(root.join("docs")).arg("-d").arg(&book))?;
    let beside = book.parent().unwrap_or(&book);
    for file in linked_outside(&root)? {
        let to = beside.join(&file);
        fs::create_dir_all(to.parent().unwrap_or(beside))
            .and_then(|()| fs::copy(root.join(&file), &to))
            .map_err(|error| format!("{file}: {error}"))?;
    }
    let problems = check(beside, &read_pages(beside)?);
    if problems.is_empty() {
        println!("{}", book.join("index.html").display());
        return Ok(());
    }
    Err(format!("{} found:\n{}", problems.len(), problems.join("\n")))
}

fn succeeds(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| format!("{command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}")) }
}

/// All files below a directory.
fn walk(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let (mut files, mut directories) = (Vec::new(), vec![directory.to_path_buf()]);
    while let Some(directory) = directories.pop() {
        let failed = |error: std::io::Error| format!("{}: {error}", directory.display());
        for entry in fs::read_dir(&directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_dir() { directories.push(path) } else { files.push(path) }
        }
    }
    Ok(files)
}

/// Files outside of `docs` that a chapter links to.
fn linked_outside(root: &Path) -> Result<BTreeSet<String>, String> {
    let mut outside = BTreeSet::new();
    for path in walk(&root.join("docs"))? {
        let Some(name) = path.strip_prefix(root).ok().and_then(Path::to_str) else { continue };
        if !name.ends_with(".md") {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
        let targets = links(&text).into_iter().filter(|(_, target)| !target.contains("://"));
        let paths = targets.filter_map(|(_, t)| resolve(name, t.split('#').next()?));
        outside.extend(paths.filter(|path| !path.starts_with("docs/")));
    }
    Ok(outside)
}

/// A page: what it links to and shows, and what can be linked to in it.
#[derive(Debug, Default)]
struct Page {
    targets: Vec<String>,
    ids: BTreeSet<String>,
}

/// The pages below a directory, by their paths from it.
fn read_pages(directory: &Path) -> Result<BTreeMap<String, Page>, String> {
    let mut pages = BTreeMap::new();
    for path in walk(directory)? {
        let Some(name) = path.strip_prefix(directory).ok().and_then(Path::to_str) else { continue };
        // The page for what is not found is shown at any address, so its links have no base.
        if !name.ends_with(".html") || name.ends_with("404.html") {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
        pages.insert(name.to_string(), page(&text));
    }
    Ok(pages)
}

fn page(text: &str) -> Page {
    let values = |name: &str| -> Vec<String> {
        let name = format!(" {name}=\"");
        let after = text.split(&name).skip(1);
        after.filter_map(|rest| Some(rest.split_once('"')?.0.to_string())).collect()
    };
    let targets = [values("href"), values("src")].concat();
    Page { targets, ids: values("id").into_iter().collect() }
}

/// What is wrong with the links of the pages.
fn check(directory: &Path, pages: &BTreeMap<String, Page>) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, page) in pages {
        for target in &page.targets {
            if target.contains("://")
                || target.starts_with("data:")
                || target.starts_with("mailto:")
            {
                continue;
            }
            let (path, id) =
                target.split_once('#').map_or((&**target, None), |(p, i)| (p, Some(i)));
            let there = resolve(name, path).filter(|path| directory.join(path).exists());
            let problem = match (there, id) {
                (None, _) => "is not there",
                (Some(path), Some(id)) if !id.is_empty() => match pages.get(&path) {
                    Some(page) if !page.ids.contains(id) => "has no such heading",
                    _ => continue,
                },
                _ => continue,
            };
            problems.push(format!("{name}: {target:?} {problem}"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_pages_are_followed() {
        let one = page(
            "<h1 id=\"top\"><a href=\"#top\">x</a></h1> <a href=\"two.html#here\">y</a>\
             <img src=\"none.svg\"> <a href=\"https://example.org\">z</a> <a href=\"#down\">w</a>",
        );
        let two = page("<h2 id=\"there\"></h2>");
        assert_eq!((one.targets.len(), one.ids.len()), (5, 1));
        let directory = std::env::temp_dir().join(format!("xtask-book-{}", std::process::id()));
        fs::create_dir_all(&directory).expect("a directory");
        for name in ["one.html", "two.html"] {
            fs::write(directory.join(name), "").expect("a file");
        }
        let pages = [("one.html", one), ("two.html", two)].map(|(name, p)| (name.to_string(), p));
        let found = check(&directory, &pages.into_iter().collect());
        fs::remove_dir_all(directory).expect("it was made above");
        assert_eq!(
            found,
            [
                "one.html: \"two.html#here\" has no such heading",
                "one.html: \"#down\" has no such heading",
                "one.html: \"none.svg\" is not there",
            ]
        );
    }
}
