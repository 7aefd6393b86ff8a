//! Dependencies that no source names.

use serde_json::Value;

/// What each member's manifest asks for and its sources do not mention, with the manifest's path.
/// `paths` are all files, from the root on.
pub(crate) fn check(
    metadata: &Value,
    paths: &[String],
    read: &dyn Fn(&str) -> Option<String>,
) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let root = text(&metadata["workspace_root"]);
    let mut problems = Vec::new();
    for member in list(&metadata["packages"]).iter().filter(|package| package["source"].is_null()) {
        let manifest = text(&member["manifest_path"]);
        let manifest = manifest.strip_prefix(&root).unwrap_or(&manifest).trim_start_matches('/');
        let directory = manifest.strip_suffix("Cargo.toml").unwrap_or(manifest);
        let mut sources: Vec<String> = paths
            .iter()
            .filter(|path| path.starts_with(directory) && path.ends_with(".rs"))
            .filter_map(|path| read(path))
            .collect();
        // Documents whose code is compiled with the member's.
        let included = |path: &&String| {
            let end = format!("../{path}\")");
            path.ends_with(".md") && sources.iter().any(|source| source.contains(&end))
        };
        let documents: Vec<&String> = paths.iter().filter(included).collect();
        sources.extend(documents.into_iter().filter_map(|path| read(path)));
        for dependency in list(&member["dependencies"]) {
            let name = match dependency["rename"].as_str() {
                Some(name) => name.to_owned(),
                None => text(&dependency["name"]),
            };
            let word = name.replace('-', "_");
            if !sources.iter().any(|source| mentions(source, &word)) {
                problems.push(format!("{manifest}:1: no source uses {name}"));
            }
        }
    }
    problems
}

/// Whether a text has a word that is no part of a longer one.
fn mentions(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_dependency_is_used_where_a_source_of_its_member_names_it() {
        let metadata = json!({"workspace_root": "/x", "packages": [
            {"manifest_path": "/x/crates/a/Cargo.toml", "dependencies": [
                {"name": "num-complex"}, {"name": "half"}, {"name": "z", "rename": "y"},
                {"name": "shown"}, {"name": "told"},
            ]},
            {"manifest_path": "/y/Cargo.toml", "source": "registry", "dependencies": [
                {"name": "lost"},
            ]},
        ]});
        let files = [
            ("crates/a/src/lib.rs", "num_complex::Complex; halfway(\"../../../docs/b.md\")"),
            ("crates/ab/src/lib.rs", "half::f16"),
            ("docs/b.md", "use shown::It;"),
            ("docs/c.md", "use told::It;"),
        ];
        let paths = files.map(|(path, _)| path.to_owned());
        let read = |path: &str| {
            files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned())
        };
        assert_eq!(
            check(&metadata, &paths, &read),
            ["half", "y", "told"]
                .map(|name| format!("crates/a/Cargo.toml:1: no source uses {name}"))
        );
    }
}
