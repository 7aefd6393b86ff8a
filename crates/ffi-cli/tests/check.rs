//! `ffi check` as a process: headers and libraries made here, and real ones.
#![cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]

mod support;

use std::fs;
use std::process::Command;
use support::{failure, ffi, output};
use tempfile::TempDir;

const SOURCE: &str = "
    int twice(int x) { return 2 * x; }
    typedef int large __attribute__((vector_size(128)));
    large wide(large x) { return x; }
    int answer = 42, shared = 1;
    int renamed_really(void) { return 0; }
";

/// A directory with `libsample.so` and the header.
fn sample(header: &str) -> (TempDir, String, String) {
    let at = tempfile::tempdir().expect("a directory");
    let path = |name: &str| at.path().join(name).display().to_string();
    let (source, library, header_path) = (path("s.c"), path("libsample.so"), path("sample.h"));
    fs::write(&source, SOURCE).expect("a file");
    fs::write(&header_path, header).expect("a file");
    let cc = Command::new("cc").args(["-shared", "-fPIC", "-o", &library, &source]).status();
    assert!(cc.expect("cc runs").success());
    (at, header_path, library)
}

#[test]
fn what_is_missing_or_cannot_be_called_is_listed() {
    let (_at, header, library) = sample(
        "int twice(int x);\n\
         int twyce(int x);\n\
         typedef int large __attribute__((vector_size(128))); large wide(large x);\n\
         extern int answer, nowhere;\n\
         int shared(void);\n\
         static inline int helper(void) { return 1; }\n\
         int renamed(void) __asm__(\"renamed_really\");\n",
    );
    let ran = ffi(&["check", &header, &library], &[]);
    assert_eq!(ran.status, Some(1));
    assert_eq!(
        ran.out,
        "  line  verdict     declaration
  2     missing     int twyce(int x)
                      the library does not export `twyce`; did you mean twice?
  3     uncallable  large wide(large x)
                      result `large`: a vector has 8, 16, 32 or 64 bytes, not 128
  5     uncallable  int shared(void)
                      the library has a variable of that name
  4     missing     int nowhere
                      the library does not export `nowhere`
8 declarations: 3 ok, 1 inline, 2 missing, 2 that cannot be called\n"
    );
    assert_eq!(ran.err, "error: of 8 declarations, 2 are missing and 2 cannot be called\n");
    let json = ffi(&["check", &header, &library, "--json"], &[]);
    let json: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!((json[1]["verdict"].as_str(), json[1]["line"].as_u64()), (Some("missing"), Some(2)));
}

#[test]
fn what_fits_is_no_failure() {
    let (_at, header, library) = sample("int twice(int x);\nextern int answer;\nint twyce(int);\n");
    let fits = "2 declarations: 2 ok, 0 inline, 0 missing, 0 that cannot be called\n";
    assert!(failure_of(&["check", &header, &library]).contains("1 are missing"));
    let only = output(&["check", "--only", "t?ice", "--all", &header, &library]);
    assert_eq!(
        only,
        "  line  verdict  declaration\n  1     ok       int twice(int x)\n\
         1 declarations: 1 ok, 0 inline, 0 missing, 0 that cannot be called\n"
    );
    fs::write(&header, "int twice(int x);\nextern int answer;\n").expect("a file");
    assert_eq!(output(&["check", &header, &library]), fits);
}

/// Standard error of a run that fails with output.
fn failure_of(arguments: &[&str]) -> String {
    let ran = ffi(arguments, &[]);
    assert_eq!(ran.status, Some(1), "{arguments:?}");
    ran.err
}

#[test]
fn a_preprocessed_header_is_looked_at_itself() {
    let (at, header, library) = sample(
        "#include <stdio.h>\n#include \"more.h\"\nint twice(number x);\nFILE *API gone(void);\n",
    );
    fs::create_dir(at.path().join("include")).expect("a directory");
    fs::write(at.path().join("include/more.h"), "typedef int number; int elsewhere(void);")
        .expect("a file");
    let include = at.path().join("include").display().to_string();
    let ran = ffi(&["check", "-E", "-I", &include, "-D", "API=", &header, &library], &[]);
    assert_eq!(
        ran.out,
        "  line  verdict  declaration\n  4     missing  FILE *gone(void)\n                   \
         the library does not export `gone`\n\
         2 declarations: 1 ok, 0 inline, 1 missing, 0 that cannot be called\n",
        "{}",
        ran.err
    );
    let without = failure(&["check", &header, &library]);
    assert!(without.contains("3:11: unknown type name `number`"), "{without}");
    assert!(without.contains("it includes other headers: `-E` has them read too"), "{without}");
    let unknown = failure(&["check", "-E", &header, &library]);
    assert!(unknown.contains("cc -E failed: ") && unknown.contains("more.h"), "{unknown}");
}

#[test]
fn real_headers_fit_their_libraries() {
    let zlib = ffi(&["check", "-E", "/usr/include/zlib.h", "libz.so.1"], &[]);
    assert!(zlib.out.ends_with(" 0 missing, 0 that cannot be called\n"), "{}", zlib.out);
    let sqlite = ffi(&["check", "-E", "/usr/include/sqlite3.h", "libsqlite3.so.0"], &[]);
    // What was left out when the library was built is still in its header.
    let (_, last) = sqlite.out.trim_end().rsplit_once('\n').expect("lines");
    let count: usize = last.split(' ').next().and_then(|n| n.parse().ok()).expect("a number");
    assert!(count > 250 && last.ends_with(" 0 that cannot be called"), "{last}");
    assert!(sqlite.out.lines().filter(|l| l.contains(" missing ")).count() < 30, "{}", sqlite.out);
}

#[test]
fn what_cannot_be_checked_is_an_error() {
    let (_at, header, library) = sample("int f(itn);\nint g(;\n");
    let error = failure(&["check", &header, &library]);
    assert!(
        error.contains(
            "1:7: unknown type name `itn`; did you mean `int`?\n 1 | int f(itn);\n   |       ^\n2:7: found `;`"
        ),
        "{error}"
    );
    assert!(failure(&["check", "/no/such.h", &library]).contains("cannot read /no/such.h"));
    fs::write(&header, "int f(int);").expect("a file");
    assert!(failure(&["check", &header, "no_such_library"]).contains("no library"));
    fs::write(&header, "typedef int t;").expect("a file");
    assert!(failure(&["check", &header, &library]).contains("declares no function or variable"));
    assert_eq!(ffi(&["check", "-D", "X", &header, &library], &[]).status, Some(2));
}
