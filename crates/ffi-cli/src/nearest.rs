//! The known name that somebody may have meant.

/// How alike two names must be, from 0 to 1. clap suggests its own names from 0.7 on.
const ALIKE: f64 = 0.7;

/// The name most like the one that was asked for, compared by what `key` makes of each; the first
/// of several. `None` where nothing is much like it.
pub(crate) fn nearest<'a>(
    asked: &str,
    known: impl IntoIterator<Item = &'a str>,
    key: impl Fn(&str) -> &str,
) -> Option<&'a str> {
    let mut best = (ALIKE, None);
    for name in known {
        let likeness = strsim::normalized_damerau_levenshtein(key(asked), key(name));
        if likeness > best.0 {
            best = (likeness, Some(name));
        }
    }
    best.1
}

/// The question that ends an error.
pub(crate) fn question(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_is_near_and_another_word_is_not() {
        let known = ["cbrt", "cbrtf", "sqrt"];
        assert_eq!(nearest("cbtr", known, |name| name), Some("cbrt"));
        assert_eq!(nearest("malloc", known, |name| name), None);
        assert_eq!(question(None), "");
    }
}
