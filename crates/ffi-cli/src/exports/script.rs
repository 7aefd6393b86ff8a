//! Linker scripts that stand where a library is expected: `GROUP ( /lib/libm.so.6 … )`.

use std::path::Path;

/// What a script names in its `INPUT` and `GROUP` commands, without what is `AS_NEEDED` there: the
/// linker takes that where something else asks for it. `None` for what is no linker script.
pub(crate) fn members(data: &[u8]) -> Option<Vec<Member>> {
    let text = without_comments(std::str::from_utf8(data).ok()?);
    let spaced = text.replace(',', " ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().map(|word| word.trim_matches('"')).peekable();
    let (mut found, mut is_script) = (Vec::new(), false);
    while let Some(word) = words.next() {
        if !["INPUT", "GROUP"].contains(&word) || words.next_if_eq(&"(").is_none() {
            continue;
        }
        is_script = true;
        let mut depth = 1_usize;
        for word in words.by_ref() {
            match word {
                "(" => depth += 1,
                ")" => depth -= 1,
                "AS_NEEDED" => {}
                word if depth == 1 => found.push(Member::of(word)),
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    is_script.then_some(found)
}

/// A file that a script names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Member {
    /// `-lm`: a library's name.
    Name(String),
    /// A path, which without a directory is looked for beside the script first.
    Path(String),
}

impl Member {
    fn of(word: &str) -> Self {
        if let Some(name) = word.strip_prefix("-l") {
            return Self::Name(name.trim_start_matches(':').into());
        }
        // Below the system's root, which is this system's.
        let path = word.strip_prefix('=').or(word.strip_prefix("$SYSROOT")).unwrap_or(word);
        Self::Path(path.into())
    }

    /// What to look for, given where the script is: a path where there is such a file, and else a
    /// name.
    pub(crate) fn beside(&self, script: &Path) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Path(path) => {
                let beside = script.with_file_name(path);
                if beside.is_file() { beside.to_string_lossy().into_owned() } else { path.clone() }
            }
        }
    }
}

fn without_comments(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, comment)) = rest.split_once("/*") {
        out.push_str(before);
        out.push(' ');
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_groups_and_inputs_are_found() {
        let path = |path: &str| Member::Path(path.into());
        let libc = b"/* GNU ld script\n GROUP ( no ) */\nOUTPUT_FORMAT(elf64-x86-64)\n\
            GROUP ( /lib/libc.so.6 /lib/libc_nonshared.a  AS_NEEDED ( /lib64/ld.so ) =/lib/b.so )";
        let expected =
            vec![path("/lib/libc.so.6"), path("/lib/libc_nonshared.a"), path("/lib/b.so")];
        assert_eq!(members(libc), Some(expected));
        let ncurses = b"INPUT(libncurses.so.6 -ltinfo, \"a.so\")\nINPUT(-l:c.so)";
        let expected = vec![
            path("libncurses.so.6"),
            Member::Name("tinfo".into()),
            path("a.so"),
            Member::Name("c.so".into()),
        ];
        assert_eq!(members(ncurses), Some(expected));
    }

    #[test]
    fn other_texts_are_no_scripts() {
        for text in
            ["", "GROUP", "INPUT libm.so", "# GROUP of people\n", "/* GROUP ( a )", "\u{e9}"]
        {
            assert_eq!(members(text.as_bytes()), None, "{text}");
        }
        assert_eq!(members(b"GROUP ( \xff )"), None);
        assert_eq!(members(b"GROUP ( ( ) AS_NEEDED ( a"), Some(vec![]));
        assert_eq!(members(b"GROUP ( ) ) ) ("), Some(vec![]));
    }
}
