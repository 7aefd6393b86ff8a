//! What somebody meant who wrote a name that is not there.

/// The one of `names` that a person most likely meant by `name`, if any is near: one letter away,
/// or two in a name of six and more; letters that were swapped count once, and case does not. A
/// `_t` at the end may be missing too.
///
/// ```
/// assert_eq!(ffi_types::nearest("sqtr", ["sqrt", "cbrt"].into_iter()), Some("sqrt"));
/// assert_eq!(ffi_types::nearest("tan", ["sqrt", "cbrt"].into_iter()), None);
/// ```
pub fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = match name.len() {
        0..=2 => return None,
        3..=5 => 1,
        _ => 2,
    };
    let near = names.filter_map(|known| {
        if known.eq_ignore_ascii_case(name) {
            return Some((0, false, known));
        }
        let near = |known: &str| {
            let (a, b) = (known.as_bytes(), name.as_bytes());
            let comparable = a.len().abs_diff(b.len()) <= most && b.len() <= 64;
            if comparable { distance(a, b) } else { usize::MAX }
        };
        // A `_t` that was left out is one slip, and the rest of the name may have none or one.
        // Of names as near, the one that lacks nothing but this is meant: `uint32` is `uint32_t`, not
        // `int32_t`.
        let stem = known.strip_suffix("_t").map_or(usize::MAX, near);
        let distance = near(known).min(stem.max(1));
        (distance <= most).then_some((distance, stem != 0, known))
    });
    near.min().map(|(.., known)| known)
}

/// How many letters must be changed, added, left out or swapped with the next.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut rows = [[0_usize; 80]; 3];
    for (j, cell) in rows[1].iter_mut().enumerate().take(b.len() + 1) {
        *cell = j;
    }
    for i in 1..=a.len() {
        let mut row = [i; 80];
        for j in 1..=b.len() {
            let same = a[i - 1] == b[j - 1];
            row[j] = (rows[1][j - 1] + usize::from(!same)).min(rows[1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(rows[0][j - 2] + 1);
            }
        }
        rows = [rows[1], row, rows[2]];
    }
    rows[1][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_is_near() {
        let names = ["size_t", "ssize_t", "int32_t", "uint32_t", "DWORD"];
        let near = |name| nearest(name, names.into_iter());
        assert_eq!(near("unit32_t"), Some("uint32_t"));
        assert_eq!(near("sizet"), Some("size_t"));
        assert_eq!(near("size"), Some("size_t"));
        assert_eq!(near("unit32"), Some("uint32_t"));
        assert_eq!(near("uint32"), Some("uint32_t"));
        assert_eq!(near("dword"), Some("DWORD"));
        assert_eq!(near("window"), None);
        assert_eq!(near(&"x".repeat(1000)), None);
    }
}
