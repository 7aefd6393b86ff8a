//! Which crate may depend on which, and on what terms.

use serde_json::Value;

/// Each member with all the members that it depends on: the arrows of the design.
const ARROWS: &[(&str, &[&str])] = &[
    ("ffi-types", &[]),
    ("ffi-abi-sysv", &["ffi-types"]),
    ("ffi-callback", &["ffi-types"]),
    ("ffi-dl", &[]),
    ("ffi", &["ffi-abi-sysv", "ffi-callback", "ffi-dl", "ffi-types"]),
    ("xtask", &[]),
    ("ffi-tests", &["ffi"]),
    ("ffi-benches", &["ffi"]),
];

/// What a crate's tests may use besides.
const TEST_ARROWS: &[(&str, &[&str])] = &[("ffi-callback", &["ffi-abi-sysv"])];

/// Licences that a dependency may be under.
const LICENCES: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "Unlicense",
    "Zlib",
    "BSD-3-Clause",
    "BSD-2-Clause",
    "Unicode-3.0",
    "0BSD",
    "ISC",
];

/// Everything that is wrong with the output of `cargo metadata`.
pub(crate) fn check(metadata: &Value) -> Vec<String> {
    let packages = list(&metadata["packages"]);
    let members: Vec<&Value> = packages.iter().filter(|p| p["source"].is_null()).collect();
    let mut problems = Vec::new();
    for package in &members {
        let name = text(&package["name"]);
        let Some((_, allowed)) = ARROWS.iter().find(|(member, _)| *member == name) else {
            problems.push(format!("{name}: add it to ARROWS in xtask/src/graph.rs"));
            continue;
        };
        let mut found = siblings(package, &members, |kind| kind != "dev");
        found.dedup();
        if found != *allowed {
            problems.push(format!("{name}: depends on {found:?}, the design has {allowed:?}"));
        }
        let allowed =
            TEST_ARROWS.iter().find(|(member, _)| *member == name).map_or(&[][..], |a| a.1);
        for extra in siblings(package, &members, |kind| kind == "dev") {
            if !allowed.contains(&extra) {
                problems.push(format!("{name}: its tests depend on {extra}, which is not allowed"));
            }
        }
    }
    let msrv = members.iter().map(|p| text(&p["rust_version"])).max().unwrap_or_default();
    for package in packages.iter().filter(|p| !p["source"].is_null()) {
        let (name, version) = (text(&package["name"]), text(&package["version"]));
        let needs = text(&package["rust_version"]);
        if number(needs) > number(msrv) {
            problems.push(format!("{name} {version}: needs Rust {needs}, ours is {msrv}"));
        }
        let licence = text(&package["license"]);
        if !LICENCES.iter().any(|known| licence.contains(known)) {
            problems.push(format!("{name} {version}: licence {licence:?} is not on the list"));
        }
    }
    problems
}

/// The members that a member depends on, sorted, by the kind of dependency.
fn siblings<'a>(
    package: &'a Value,
    members: &[&Value],
    wanted: impl Fn(&str) -> bool,
) -> Vec<&'a str> {
    let is_member = |name: &str| members.iter().any(|member| text(&member["name"]) == name);
    let mut found: Vec<&str> = list(&package["dependencies"])
        .iter()
        .filter(|dependency| wanted(text(&dependency["kind"])))
        .map(|dependency| text(&dependency["name"]))
        .filter(|name| is_member(name))
        .collect();
    found.sort_unstable();
    found
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
mod tests {
    use super::*;
    use serde_json::json;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Value {
        let dependencies: Vec<Value> =
            dependencies.iter().map(|(name, kind)| json!({"name": name, "kind": kind})).collect();
        json!({"name": name, "source": null, "rust_version": "1.88", "dependencies": dependencies})
    }

    fn foreign(name: &str, rust: &str, licence: &str) -> Value {
        json!({"name": name, "version": "1.0.0", "source": "registry", "rust_version": rust,
               "license": licence, "dependencies": []})
    }

    fn problems(packages: &[Value]) -> Vec<String> {
        check(&json!({ "packages": packages }))
    }

    #[test]
    fn the_arrows_of_the_design_pass() {
        let types = package("ffi-types", &[("thiserror", None)]);
        let sysv = package("ffi-abi-sysv", &[("ffi-types", None), ("cc", Some("build"))]);
        let callback =
            package("ffi-callback", &[("ffi-types", None), ("ffi-abi-sysv", Some("dev"))]);
        assert_eq!(problems(&[types, sysv, callback]), [] as [String; 0]);
    }

    #[test]
    fn an_arrow_between_siblings_fails() {
        let sysv = package("ffi-abi-sysv", &[("ffi-types", None), ("ffi-dl", None)]);
        let all = [package("ffi-types", &[]), package("ffi-dl", &[]), sysv];
        assert_eq!(problems(&all).len(), 1);
        let tests = package("ffi-dl", &[("ffi-types", Some("dev"))]);
        assert_eq!(problems(&[package("ffi-types", &[]), tests]).len(), 1);
        assert_eq!(problems(&[package("ffi-new", &[])]).len(), 1);
    }

    #[test]
    fn a_dependency_that_is_too_new_or_not_free_fails() {
        let member = package("xtask", &[]);
        let good = foreign("good", "1.9", "MIT OR Apache-2.0");
        assert_eq!(problems(&[member.clone(), good]), [] as [String; 0]);
        assert_eq!(problems(&[member.clone(), foreign("new", "1.89", "MIT")]).len(), 1);
        assert_eq!(problems(&[member, foreign("closed", "1.0", "Proprietary")]).len(), 1);
    }
}
