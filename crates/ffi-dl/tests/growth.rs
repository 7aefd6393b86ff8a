//! Opening, failing to open and closing for long: nothing stays behind. Alone in its program, as
//! what others open counts too.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use ffi_dl::{Library, Reason};
use std::path::Path;

mod support;

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("Linux has it").count()
}

fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps").expect("Linux has it").lines().count()
}

/// The memory of the process in KiB.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line of it");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

#[test]
fn ten_thousand_times() {
    let good = support::small_library("growth_good");
    let cut = Path::new(env!("CARGO_TARGET_TMPDIR")).join("libgrowth_cut.so");
    let bytes = std::fs::read(&good).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let none = Path::new(env!("CARGO_TARGET_TMPDIR")).join("libgrowth_none.so");
    std::fs::write(&none, "no library at all".repeat(100)).unwrap();
    let round = || {
        // SAFETY: the library is the test's own, and does nothing by itself.
        let open = |path: &Path| unsafe { Library::open(path) };
        let library = open(&good).unwrap();
        // SAFETY: `int answer(void)`.
        let answer = unsafe { library.get::<extern "C" fn() -> i32>("answer") }.unwrap();
        assert_eq!(answer(), 42);
        assert_eq!(library.symbol("absent").unwrap_err().reason, Reason::NotFound);
        library.close().unwrap();
        assert!(matches!(open(&cut).unwrap_err().reason, Reason::Truncated { .. }));
        for path in [&none, Path::new("/nonexistent.so"), Path::new("nonexistent.so")] {
            assert_eq!(open(path).unwrap_err().reason, Reason::Os);
        }
    };
    (0..500).for_each(|_| round());
    let before = (descriptors(), mappings(), resident());
    (0..10_000).for_each(|_| round());
    let after = (descriptors(), mappings(), resident());
    assert_eq!(after.0, before.0, "descriptors");
    // The allocator may have taken a region more.
    assert!(after.1 <= before.1 + 4, "mappings: {before:?}, {after:?}");
    // An emulator has memory of its own, for what it translates.
    let emulated = std::env::vars().any(|(name, _)| name.ends_with("_RUNNER"));
    assert!(emulated || after.2 <= before.2 + 1024, "memory: {before:?}, {after:?}");
}
