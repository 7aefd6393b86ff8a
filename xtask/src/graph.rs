//! Which crate may depend on which, and on what terms.

use serde_json::Value;
use std::collections::BTreeSet;
use std::{iter::Peekable, slice::Iter};

/// Each member with all the members that it depends on: the arrows of the design.
const ARROWS: &[(&str, &[&str])] = &[
    ("ffi-types", &[]),
    ("ffi-asm", &[]),
    ("ffi-abi-sysv", &["ffi-asm", "ffi-types"]),
    ("ffi-abi-win64", &["ffi-asm", "ffi-types"]),
    ("ffi-abi-arm64", &["ffi-asm", "ffi-types"]),
    ("ffi-callback", &["ffi-types"]),
    ("ffi-cdecl", &["ffi-types"]),
    ("ffi-derive", &[]),
    ("ffi-dl", &[]),
    (
        "ffi",
        &[
            "ffi-abi-arm64",
            "ffi-abi-sysv",
            "ffi-abi-win64",
            "ffi-callback",
            "ffi-cdecl",
            "ffi-derive",
            "ffi-dl",
            "ffi-types",
        ],
    ),
    (
        "ffi-cli",
        &["ffi", "ffi-abi-arm64", "ffi-abi-sysv", "ffi-abi-win64", "ffi-cdecl", "ffi-types"],
    ),
    ("ffi-compat", &["ffi", "ffi-callback", "ffi-types"]),
    ("xtask", &[]),
];

/// What a crate's tests may use besides.
const TEST_ARROWS: &[(&str, &[&str])] =
    &[("ffi-callback", &["ffi-abi-sysv"]), ("ffi-derive", &["ffi-types"])];

/// Members that nothing depends on, and that may use every other but xtask.
const OUTSIDE: &[&str] = &["ffi-tests", "ffi-benches", "ffi-examples"];

/// Licences that a dependency may be under; `libloading` is why ISC is here.
const LICENCES: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "Unlicense",
    "Zlib",
    "0BSD",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Unicode-3.0",
];

/// What users get in two versions, as others cannot agree on one: `half` has derives that are made
/// with an older `syn`. Neither is in a program.
const TWICE: &[&str] = &["syn"];

/// What tests alone run, of which nothing gets into a program.
const TOOLS: &[&str] = &["cbindgen"];

/// Everything that is wrong with the output of `cargo metadata`. Files are read, by their path
/// from the root, only to say in which line.
pub(crate) fn check(metadata: &Value, read: &dyn Fn(&str) -> String) -> Vec<String> {
    let (members, foreign): (Vec<&Value>, Vec<&Value>) =
        list(&metadata["packages"]).iter().partition(|package| package["source"].is_null());
    let root = text(&metadata["workspace_root"]);
    let mut problems = Vec::new();
    for member in &members {
        let path = text(&member["manifest_path"]);
        let path = path.strip_prefix(root).unwrap_or(path).trim_start_matches('/');
        let manifest = read(path);
        for (section, word, message) in arrows(member, &members) {
            let line = line_of_key(&manifest, section, word);
            problems.push(format!("{path}:{line}: {message}"));
        }
    }
    let lock = read("Cargo.lock");
    let shipped = shipped(metadata, &members);
    let msrv = members.iter().filter(|member| publishable(member));
    let msrv = msrv.map(|member| text(&member["rust_version"])).min_by_key(|v| number(v));
    for package in &foreign {
        let (name, version) = (text(&package["name"]), text(&package["version"]));
        let mut problem = |found: String| {
            let line = line_of_package(&lock, name, version);
            problems.push(format!("Cargo.lock:{line}: {name} {version} {found}"));
        };
        let needs = text(&package["rust_version"]);
        if let Some(msrv) = msrv.filter(|msrv| number(needs) > number(msrv))
            && shipped.contains(text(&package["id"]))
        {
            problem(format!("needs Rust {needs}; expected at most {msrv}"));
        }
        let same = foreign.iter().find(|other| other["name"] == package["name"]);
        if let Some(other) = same.filter(|other| other["id"] != package["id"])
            && [*package, *other].iter().all(|one| shipped.contains(text(&one["id"])))
            && !TWICE.contains(&name)
        {
            problem(format!("is there as {} too; expected one of them", text(&other["version"])));
        }
        let licence = text(&package["license"]);
        if !is_free(licence) && !TOOLS.contains(&text(&package["name"])) {
            problem(format!("is under {licence:?}; expected one of {LICENCES:?}"));
        }
    }
    problems
}

/// The arrows of a member that should not be, or are not: the section and the dependency, to find
/// the line by, and what is wrong.
fn arrows<'a>(member: &'a Value, members: &[&'a Value]) -> Vec<(&'static str, &'a str, String)> {
    let name = text(&member["name"]);
    let tests = siblings(member, members, |kind| kind == "dev");
    let uses = siblings(member, members, |kind| kind != "dev");
    let of = |table: &'static [(&str, &'static [&str])]| {
        table.iter().find(|(member, _)| *member == name).map(|(_, allowed)| *allowed)
    };
    let mut problems = Vec::new();
    if OUTSIDE.contains(&name) {
        for to in uses.union(&tests).filter(|to| **to == "xtask" || OUTSIDE.contains(to)) {
            let message = format!("{name} depends on {to}; expected no arrow to it");
            problems.push(("dependencies", *to, message));
        }
        return problems;
    }
    let Some(allowed) = of(ARROWS) else {
        let message = format!("{name} is new; expected it in ARROWS in xtask/src/graph.rs");
        return vec![("package", "name", message)];
    };
    for to in uses.iter().filter(|to| !allowed.contains(to)) {
        let message = format!("{name} depends on {to}; expected no member but {allowed:?}");
        problems.push(("dependencies", *to, message));
    }
    for to in allowed.iter().filter(|to| !uses.contains(**to)) {
        problems.push(("dependencies", "", format!("{name}: expected a dependency on {to}")));
    }
    let allowed = of(TEST_ARROWS).unwrap_or_default();
    for to in tests.iter().filter(|to| !allowed.contains(to)) {
        let message = format!("{name}'s tests depend on {to}; expected no member but {allowed:?}");
        problems.push(("dev-dependencies", *to, message));
    }
    problems
}

/// The members that a member depends on, by the kind of dependency.
fn siblings<'a>(
    member: &'a Value,
    members: &[&Value],
    wanted: fn(&str) -> bool,
) -> BTreeSet<&'a str> {
    let dependencies = list(&member["dependencies"]).iter();
    dependencies
        // The registry may have a crate of the same name.
        .filter(|dependency| dependency["source"].is_null() && wanted(text(&dependency["kind"])))
        .map(|dependency| text(&dependency["name"]))
        .filter(|name| members.iter().any(|member| text(&member["name"]) == *name))
        .collect()
}

fn publishable(member: &Value) -> bool {
    // `publish = false` is an empty list of registries; no list at all is any registry.
    member["publish"].as_array().is_none_or(|registries| !registries.is_empty())
}

/// The ids of all that an application gets that depends on a publishable member.
fn shipped<'a>(metadata: &'a Value, members: &[&'a Value]) -> BTreeSet<&'a str> {
    let nodes = list(&metadata["resolve"]["nodes"]);
    let roots = members.iter().filter(|member| publishable(member));
    let mut left: Vec<&str> = roots.map(|member| text(&member["id"])).collect();
    let mut found = BTreeSet::new();
    while let Some(id) = left.pop() {
        if !found.insert(id) {
            continue;
        }
        let node = nodes.iter().filter(|node| text(&node["id"]) == id);
        let edges = node.flat_map(|node| list(&node["deps"])).filter(|edge| {
            list(&edge["dep_kinds"]).iter().any(|kind| text(&kind["kind"]) != "dev")
        });
        left.extend(edges.map(|edge| text(&edge["pkg"])));
    }
    found
}

/// Whether an SPDX expression can be met with `LICENCES` alone.
fn is_free(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut words = words.iter().peekable();
    any(&mut words) && words.next().is_none()
}

type Words<'a, 'b> = Peekable<Iter<'a, &'b str>>;

fn any(words: &mut Words<'_, '_>) -> bool {
    let mut free = all(words);
    while words.next_if(|word| **word == "OR").is_some() {
        free |= all(words);
    }
    free
}

fn all(words: &mut Words<'_, '_>) -> bool {
    let mut free = one(words);
    while words.next_if(|word| **word == "AND").is_some() {
        free &= one(words);
    }
    free
}

fn one(words: &mut Words<'_, '_>) -> bool {
    match words.next() {
        Some(&"(") => {
            let free = any(words);
            words.next() == Some(&")") && free
        }
        Some(licence) => {
            // An exception only takes conditions away.
            if words.next_if(|word| **word == "WITH").is_some() {
                words.next();
            }
            LICENCES.contains(licence)
        }
        None => false,
    }
}

/// The line of a manifest that sets a key in a section, or else the section's, or the first.
fn line_of_key(manifest: &str, section: &str, key: &str) -> usize {
    let (mut inside, mut best) = (false, 1);
    for (index, line) in manifest.lines().enumerate() {
        if let Some(header) = line.strip_prefix('[') {
            let last = header.trim_end_matches(']').rsplit('.').next().unwrap_or_default();
            inside = last == section || (section == "dependencies" && last == "build-dependencies");
            best = if inside && best == 1 { index + 1 } else { best };
        } else if inside && line.split(['.', ' ', '=']).next() == Some(key) && !key.is_empty() {
            return index + 1;
        }
    }
    best
}

fn line_of_package(lock: &str, name: &str, version: &str) -> usize {
    let wanted = [format!("name = {name:?}"), format!("version = {version:?}")];
    let lines: Vec<&str> = lock.lines().collect();
    lines.windows(2).position(|pair| pair == wanted).map_or(1, |index| index + 1)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// `1.88.0` as numbers, so that 1.9 is less than 1.88.
fn number(version: &str) -> Vec<u32> {
    let mut parts: Vec<u32> = version.split('.').map_while(|part| part.parse().ok()).collect();
    parts.resize(3, 0);
    parts
}

#[cfg(test)]
#[path = "graph_tests.rs"]
mod tests;
