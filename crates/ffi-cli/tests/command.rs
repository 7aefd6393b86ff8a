//! The command as a process: output, exit status and standard error.
#![cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use support::{failure, ffi, output, shell_in};
use tempfile::TempDir;

const SOURCE: &str = r#"
int first_table[4] = {1, 2, 3, 4};
_Thread_local long of_thread = 5;
static int internal(void) { return 1; }
int plain(void) { return internal(); }
int plain_too(void) { return 2; }
int old_sum(int a) { return a; }
int new_sum(int a) { return a + 1; }
__asm__(".symver old_sum,sum@SAMPLE_1");
__asm__(".symver new_sum,sum@@SAMPLE_2");
"#;
const VERSIONS: &str = "SAMPLE_1 { global: plain; plain_too; first_table; of_thread; sum; local: *; };\n\
                        SAMPLE_2 { global: sum; } SAMPLE_1;\n";

/// A directory with `libsample.so.1.2` and what may stand beside it.
fn sample() -> TempDir {
    let at = tempfile::tempdir().expect("a directory");
    fs::write(at.path().join("sample.c"), SOURCE).expect("a file");
    fs::write(at.path().join("sample.map"), VERSIONS).expect("a file");
    let arguments = [
        "-shared",
        "-fPIC",
        "-O1",
        "-Wl,--version-script=sample.map",
        "-o",
        "libsample.so.1.2",
        "sample.c",
    ];
    let cc = Command::new("cc").args(arguments).current_dir(at.path()).output().expect("cc runs");
    assert!(cc.status.success(), "{}", String::from_utf8_lossy(&cc.stderr));
    std::os::unix::fs::symlink("libsample.so.1.2", at.path().join("libsample.so.1"))
        .expect("a link");
    at
}

fn path(at: &TempDir, name: &str) -> String {
    at.path().join(name).display().to_string()
}

/// Kind and name of each line, without the size of functions, which is the compiler's to choose.
fn listed(output: &str) -> Vec<(String, String)> {
    let words = |line: &str| -> Vec<String> { line.split_whitespace().map(Into::into).collect() };
    let words = output.lines().map(words);
    words.map(|words| (words[0].clone(), words[2].clone())).collect()
}

#[test]
fn symbols_have_kind_size_and_version_and_are_sorted() {
    let at = sample();
    let out = output(&["symbols", &path(&at, "libsample.so.1")]);
    let expected = [
        ("variable", "first_table@@SAMPLE_1"),
        ("tls", "of_thread@@SAMPLE_1"),
        ("function", "plain@@SAMPLE_1"),
        ("function", "plain_too@@SAMPLE_1"),
        ("function", "sum@SAMPLE_1"),
        ("function", "sum@@SAMPLE_2"),
    ];
    let expected = expected.map(|(kind, name)| (kind.to_owned(), name.to_owned()));
    assert_eq!(listed(&out), expected);
    assert!(
        out.starts_with("variable      16 first_table@@SAMPLE_1\ntls            8 of_thread@@")
    );
}

#[test]
fn symbols_are_chosen_by_pattern_and_kind() {
    let at = sample();
    let library = path(&at, "libsample.so.1");
    let names = |arguments: &[&str]| -> Vec<String> {
        let all = [&["symbols", library.as_str()], arguments].concat();
        listed(&output(&all)).into_iter().map(|(_, name)| name).collect()
    };
    assert_eq!(names(&["plain"]), ["plain@@SAMPLE_1", "plain_too@@SAMPLE_1"]);
    assert_eq!(names(&["pl*n"]), ["plain@@SAMPLE_1"]);
    assert_eq!(names(&["sum@SAMPLE_1"]), ["sum@SAMPLE_1"]);
    assert_eq!(names(&["--variables"]), ["first_table@@SAMPLE_1", "of_thread@@SAMPLE_1"]);
    assert_eq!(names(&["--functions", "?um"]), ["sum@SAMPLE_1", "sum@@SAMPLE_2"]);
    assert_eq!(
        failure(&["symbols", &library, "plan", "--functions"]),
        format!(
            "error: {library} exports no function that matches \"plan\", of 4 in all; \
             did you mean plain?\n"
        )
    );
}

#[test]
fn symbols_as_json() {
    let at = sample();
    let library = path(&at, "libsample.so.1");
    let out = output(&["symbols", &library, "of_thread", "--json", "--color", "always"]);
    let expected = format!(
        r#"[
  {{
    "path": "{library}",
    "format": "elf",
    "architecture": "x86_64",
    "symbols": [
      {{
        "name": "of_thread",
        "version": "SAMPLE_1",
        "default": true,
        "kind": "tls",
        "size": 8
      }}
    ]
  }}
]
"#
    );
    assert_eq!(out, expected);
}

#[test]
fn a_name_is_resolved_as_it_is_typed() {
    let at = sample();
    let directory = at.path().display().to_string();
    let environment = [("LD_LIBRARY_PATH", directory.as_str())];
    for name in ["sample", "libsample", "libsample.so", "libsample.so.1", "libsample.so.1.2"] {
        let ran = ffi(&["symbols", name, "plain", "--json"], &environment);
        assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{name}");
        let file = if name.ends_with(".2") { "libsample.so.1.2" } else { "libsample.so.1" };
        assert!(ran.out.contains(&format!("{directory}/{file}\"")), "{name}: {}", ran.out);
    }
    let ran = ffi(&["symbols", "smaple"], &environment);
    assert_eq!((ran.status, ran.out.as_str()), (Some(1), ""));
    let start = "error: no library \"smaple\" can be found; did you mean libsample.so.1?\n  \
                 tried libsmaple.so: not there\n  tried smaple.so: not there\n  looked in ";
    assert!(ran.err.starts_with(&format!("{start}{directory}, ")), "{}", ran.err);
}

#[test]
fn what_is_no_library_is_an_error_that_says_what_it_is() {
    let at = sample();
    let is = |name: &str| {
        let file = path(&at, name);
        let err = failure(&["symbols", &file]);
        let rest = err.strip_prefix(&format!("error: {file} is ")).map(Into::into);
        rest.unwrap_or(err)
    };
    assert_eq!(is("sample.c"), "a text; expected a shared library\n");
    assert_eq!(is("."), "a directory; expected a shared library\n");
    assert_eq!(
        failure(&["symbols", "/dev/zero"]),
        "error: /dev/zero is no regular file; expected a shared library\n"
    );
    let whole = fs::read(at.path().join("libsample.so.1")).expect("the library");
    fs::write(at.path().join("cut.so"), &whole[..whole.len() / 2]).expect("a file");
    let err = is("cut.so");
    assert!(err.starts_with("damaged, or no library that is known here\n  because: "), "{err}");
    let gone = path(&at, "libsample.so.2");
    let near = path(&at, "libsample.so.1");
    let tried = "No such file or directory (os error 2)";
    assert_eq!(
        failure(&["symbols", &gone]),
        format!(
            "error: no library {gone:?} can be found; did you mean {near}?\n  tried {gone}: {tried}\n"
        )
    );
}

#[test]
fn a_linker_script_is_followed() {
    let at = sample();
    let write = |name: &str, text: &str| {
        fs::write(at.path().join(name), text).expect("a file");
        path(&at, name)
    };
    write("libstatic.a", "!<arch>\n");
    let library = path(&at, "libsample.so.1.2");
    let script = write(
        "libsample.so",
        &format!("/* for ld */ GROUP ( libsample.so {library} libstatic.a AS_NEEDED ( no.so ) )"),
    );
    assert!(output(&["symbols", &script]).contains("plain@@SAMPLE_1"));
    let both = write("both.so", "INPUT(libsample.so.1 -lm)");
    let out = output(&["symbols", &both]);
    let headings: Vec<&str> = out.lines().filter(|line| line.ends_with(':')).collect();
    assert_eq!(headings.len(), 2, "{headings:?}");
    assert_eq!(
        Path::new(headings[1]).file_name().and_then(|name| name.to_str()),
        Some("libm.so.6:")
    );
    assert!(output(&["symbols", &both, "cbrtf"]).starts_with("function "));

    let broken = write("broken.so", "INPUT ( nowhere.so )");
    let err = failure(&["symbols", &broken]);
    let start = format!(
        "error: {broken} is a linker script that names what is not there\n  \
         because: no library \"nowhere.so\" can be found"
    );
    assert!(err.starts_with(&start), "{err}");
    let none = write("none.so", "INPUT ( libstatic.a )");
    let is = "a linker script that names no shared library; expected a shared library";
    assert_eq!(failure(&["symbols", &none]), format!("error: {none} is {is}\n"));
}

#[test]
fn a_reader_that_stops_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ffi"))
        .args(["symbols", "libc.so.6"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    drop(child.stdout.take());
    let ran = child.wait_with_output().expect("it ends");
    assert_eq!((ran.status.code(), ran.stderr), (Some(0), vec![]));
}

#[test]
fn a_full_disk_is_an_error() {
    let full = fs::File::options().write(true).open("/dev/full").expect("the device");
    let ran = Command::new(env!("CARGO_BIN_EXE_ffi"))
        .args(["symbols", "libm.so.6"])
        .stdout(full)
        .output()
        .expect("the command runs");
    let err = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(1), "{err}");
    let expected = "error: cannot write the output\n  because: No space left on device";
    assert!(err.starts_with(expected), "{err}");
}

#[test]
fn colour_is_used_when_asked_for() {
    let cbrt = ["symbols", "libm.so.6", "cbrt"];
    let (with, bare) = ([&cbrt[..], &["--color", "always"]].concat(), output(&cbrt));
    let coloured = output(&with);
    assert!(!bare.contains('\x1b') && coloured.contains("\x1b[36mfunction\x1b[0m"));
    let forced = [("CLICOLOR_FORCE", "1")];
    assert_eq!(ffi(&cbrt, &forced).out, coloured);
    assert_eq!(ffi(&cbrt, &[forced[0], ("NO_COLOR", "1")]).out, bare);
    let never = [&cbrt[..], &["--color", "never"]].concat();
    assert_eq!(ffi(&never, &forced).out, bare);
    let wrong = ffi(&["--color", "always", "symbols", "./nope.so"], &[]);
    assert!(wrong.err.contains("error:\x1b[0m no library"), "{}", wrong.err);
}

#[test]
fn a_command_line_that_makes_no_sense_ends_with_2() {
    for (arguments, part) in [
        (&["symbol"][..], "tip: a similar subcommand exists: 'symbols'"),
        (&["symbols"], "<LIBRARY>"),
        (&["symbols", "m", "--functions", "--variables"], "cannot be used with"),
        (&["symbols", "m", "--color", "blue"], "[possible values: auto, always, never]"),
        (&["completions", "cmd.exe"], "[possible values: bash,"),
        (&[], "Usage: ffi"),
    ] {
        let ran = ffi(arguments, &[]);
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ran.err.contains(part), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn help_and_version_are_output() {
    assert_eq!(output(&["--version"]), format!("ffi {}\n", env!("CARGO_PKG_VERSION")));
    assert!(output(&["--help"]).contains("Exit status: 0"));
    assert!(output(&["help", "symbols"]).contains("Examples:\n  ffi symbols m "));
}

/// Every command that reads C says once what it read over.
#[test]
fn an_attribute_that_is_not_known_is_told_of() {
    let at = tempfile::tempdir().expect("a directory");
    let header = path(&at, "sample.h");
    let (cbrt, point) = ("double cbrt(double) __foo;", "struct __foo p { int x; };");
    fs::write(&header, cbrt.replace("__foo", "__attribute__((foo))")).expect("a file");
    for arguments in [
        &["call", "m", cbrt, "27"][..],
        &["explain", cbrt, "--abi", "sysv,win64,aapcs64"],
        &["layout", point],
        &["check", &header, "m"],
    ] {
        let arguments = arguments.iter().map(|word| word.replace("__foo", "__attribute__((foo))"));
        let arguments: Vec<String> = arguments.collect();
        let ran = ffi(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
        assert_eq!(ran.status, Some(0), "{}", ran.err);
        let warned = ran.err.matches("warning: attribute `foo` is not known here, and ignored\n");
        assert_eq!(warned.count(), 1, "{arguments:?}: {}", ran.err);
    }
}

/// Each example that a help shows works as it stands there.
#[test]
fn the_examples_of_the_help_are_real() {
    let (mut count, directory) = (0, tempfile::tempdir().expect("a directory"));
    for command in ["", "call", "explain", "layout", "symbols", "check"] {
        let help = output(&["help", command][..if command.is_empty() { 1 } else { 2 }]);
        let (_, examples) = help.split_once("Examples:\n").expect("examples");
        for line in examples.lines().take_while(|line| line.starts_with("  ffi ")) {
            // Files that nobody has.
            if line.contains("foo") || line.contains(".dll") {
                continue;
            }
            let line = line.split("    ").next().unwrap_or_default();
            let ran = shell_in(directory.path(), line);
            assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{line}");
            count += 1;
        }
    }
    assert!(count > 20, "{count}");
}

#[test]
fn completions_are_scripts_that_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = output(&["completions", shell]);
        assert!(script.contains("symbols") && script.contains("variables"), "{shell}");
    }
    let script = output(&["completions", "bash"]);
    let checked = Command::new("bash").args(["-n", "-c", &script]).output().expect("bash runs");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}
