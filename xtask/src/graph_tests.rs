//! The rules about the dependency graph, each with what passes and what does not.

use super::*;
use serde_json::json;

const NONE: [&str; 0] = [];

fn member(name: &str, dependencies: &[(&str, Option<&str>)]) -> Value {
    let dependencies: Vec<Value> =
        dependencies.iter().map(|(name, kind)| json!({"name": name, "kind": kind})).collect();
    json!({"name": name, "id": name, "rust_version": "1.88", "dependencies": dependencies,
           "manifest_path": format!("/x/crates/{name}/Cargo.toml")})
}

fn foreign(name: &str, rust: &str, licence: &str) -> Value {
    json!({"name": name, "id": name, "version": "1.0.0", "source": "registry",
           "rust_version": rust, "license": licence})
}

fn found(packages: &[Value], nodes: &[Value]) -> Vec<String> {
    let metadata =
        json!({"packages": packages, "workspace_root": "/x", "resolve": {"nodes": nodes}});
    check(&metadata, &|_| String::new())
}

fn edge(from: &str, to: &str, kind: Option<&str>) -> Value {
    json!({"id": from, "deps": [{"pkg": to, "dep_kinds": [{"kind": kind}]}]})
}

#[test]
fn the_arrows_of_the_design_pass() {
    let types = member("ffi-types", &[("thiserror", None)]);
    let asm = member("ffi-asm", &[("cc", None)]);
    let sysv = member("ffi-abi-sysv", &[("ffi-types", None), ("ffi-asm", Some("build"))]);
    let callback = member("ffi-callback", &[("ffi-types", None), ("ffi-abi-sysv", Some("dev"))]);
    let tests = member("ffi-tests", &[("ffi-types", None), ("ffi-callback", Some("dev"))]);
    assert_eq!(found(&[types, asm, sysv, callback, tests], &[]), NONE);
}

#[test]
fn an_arrow_that_the_design_has_not_fails() {
    let (types, dl) = (member("ffi-types", &[]), member("ffi-dl", &[]));
    let callback = member("ffi-callback", &[("ffi-types", None), ("ffi-dl", Some("build"))]);
    assert_eq!(found(&[types.clone(), dl, callback], &[]).len(), 1);
    let tested = member("ffi-dl", &[("ffi-types", Some("dev"))]);
    assert_eq!(found(&[types.clone(), tested], &[]).len(), 1);
    let outside = member("ffi-benches", &[("xtask", Some("dev"))]);
    assert_eq!(found(&[member("xtask", &[]), outside], &[]).len(), 1);
    let inward = member("ffi-dl", &[("ffi-tests", None)]);
    assert_eq!(found(&[member("ffi-tests", &[]), inward], &[]).len(), 1);
}

#[test]
fn an_arrow_that_the_design_has_is_needed() {
    assert_eq!(
        found(&[member("ffi-types", &[]), member("ffi-callback", &[])], &[]),
        ["crates/ffi-callback/Cargo.toml:1: ffi-callback: expected a dependency on ffi-types"]
    );
}

#[test]
fn a_new_member_has_to_be_added() {
    assert_eq!(found(&[member("ffi-dl", &[])], &[]), NONE);
    assert!(found(&[member("ffi-new", &[])], &[])[0].contains("ARROWS"));
}

#[test]
fn a_registry_crate_of_a_members_name_is_no_member() {
    let mut dl = member("ffi-dl", &[("ffi-types", None)]);
    assert_eq!(found(&[member("ffi-types", &[]), dl.clone()], &[]).len(), 1);
    dl["dependencies"][0]["source"] = json!("registry");
    assert_eq!(found(&[member("ffi-types", &[]), dl], &[]), NONE);
}

#[test]
fn what_is_shipped_must_do_with_our_rust() {
    let (dl, new) = (member("ffi-dl", &[]), foreign("new", "1.89", "MIT"));
    let old = foreign("old", "1.9", "MIT");
    assert_eq!(found(&[dl.clone(), old], &[edge("ffi-dl", "old", None)]), NONE);
    let packages = [dl, new];
    assert_eq!(
        found(&packages, &[edge("ffi-dl", "new", None)]),
        ["Cargo.lock:1: new 1.0.0 needs Rust 1.89; expected at most 1.88"]
    );
    assert_eq!(found(&packages, &[edge("ffi-dl", "new", Some("build"))]).len(), 1);
    let through = [edge("ffi-dl", "between", None), edge("between", "new", None)];
    assert_eq!(found(&packages, &through).len(), 1);
    // What only tests, or members that are not published, use may be newer.
    assert_eq!(found(&packages, &[edge("ffi-dl", "new", Some("dev"))]), NONE);
    let mut private = packages.clone();
    private[0]["publish"] = json!([]);
    assert_eq!(found(&private, &[edge("ffi-dl", "new", None)]), NONE);
}

#[test]
fn a_dependency_has_to_be_free() {
    let dl = member("ffi-dl", &[]);
    assert_eq!(found(&[dl.clone(), foreign("good", "1.0", "MIT")], &[]), NONE);
    assert_eq!(found(&[dl, foreign("closed", "1.0", "Proprietary")], &[]).len(), 1);
}

#[test]
fn licence_expressions_are_read_as_spdx() {
    for good in [
        "MIT/Apache-2.0",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "MIT OR Apache-2.0 OR LGPL-2.1-or-later",
        "Apache-2.0 WITH LLVM-exception OR MIT",
        "GPL-3.0 AND LGPL-3.0 OR ISC",
    ] {
        assert!(is_free(good), "{good}");
    }
    for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT", "MIT MIT", "(MIT OR Zlib) AND GPL-2.0"] {
        assert!(!is_free(bad), "{bad}");
    }
}

#[test]
fn lines_are_found() {
    let manifest = "[package]\nname = \"a\"\n[dependencies]\nb-c.workspace = true\n\n\
                    [dev-dependencies]\nb = \"1\"\n[target.\"cfg(unix)\".dependencies]\nb = \"2\"\n";
    assert_eq!(line_of_key(manifest, "package", "name"), 2);
    assert_eq!(line_of_key(manifest, "dependencies", "b-c"), 4);
    assert_eq!(line_of_key(manifest, "dependencies", "b"), 9);
    assert_eq!(line_of_key(manifest, "dev-dependencies", "b"), 7);
    assert_eq!(line_of_key(manifest, "dependencies", "no"), 3);
    let lock = "[[package]]\nname = \"a\"\nversion = \"1\"\n\n[[package]]\nname = \"a\"\n\
                version = \"2\"\n";
    assert_eq!(line_of_package(lock, "a", "2"), 6);
    assert_eq!(line_of_package(lock, "b", "2"), 1);
}

#[test]
fn a_crate_that_users_get_in_two_versions_fails() {
    let mut newer = foreign("a", "1.60", "MIT");
    (newer["id"], newer["version"]) = (json!("a 2"), json!("2.0.0"));
    let packages = [member("ffi-types", &[]), foreign("a", "1.60", "MIT"), newer];
    let both = json!({"id": "ffi-types", "deps": [
        {"pkg": "a", "dep_kinds": [{"kind": null}]}, {"pkg": "a 2", "dep_kinds": [{"kind": null}]},
    ]});
    assert_eq!(
        found(&packages, &[both]),
        ["Cargo.lock:1: a 2.0.0 is there as 1.0.0 too; expected one of them"]
    );
    // Tests may have what they like.
    let edges = [edge("ffi-types", "a", None), edge("ffi-types", "a 2", Some("dev"))];
    assert_eq!(found(&packages, &edges), NONE);
}
