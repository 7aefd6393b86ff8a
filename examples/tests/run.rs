//! Every example runs, and prints what it should. What it calls besides is checked in it.

use std::ffi::OsString;
use std::process::Command;

/// What an example prints, when it ends well and has no complaint.
fn output(program: &str) -> String {
    let mut words = emulator();
    words.push(program.into());
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    // The target's own, where it is not the machine's.
    if cfg!(target_arch = "aarch64") && words.len() > 1 {
        command.env("CC", "aarch64-linux-gnu-gcc");
    }
    let ran = command.output().expect("it runs");
    let error = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && error.is_empty(), "{program}: {}\n{error}", ran.status);
    String::from_utf8(ran.stdout).expect("text").replace("\r\n", "\n")
}

/// What runs this program, where Cargo was told of an emulator: only Wine starts the programs that
/// its own programs ask for by itself.
fn emulator() -> Vec<OsString> {
    let start = format!("CARGO_TARGET_{}_", std::env::consts::ARCH.to_uppercase());
    let runner = std::env::vars()
        .find(|(name, _)| cfg!(unix) && name.starts_with(&start) && name.ends_with("_RUNNER"));
    runner.iter().flat_map(|(_, words)| words.split_whitespace()).map(OsString::from).collect()
}

#[test]
#[cfg(any(windows, target_vendor = "apple", target_env = "gnu"))]
fn call() {
    assert_eq!(
        output(env!("CARGO_BIN_EXE_call")),
        "abs(-5) = 5\n\
         abs(-5.0): argument 0: expected 4 bytes for `int32_t`, found 8\n\
         div(17, 5) = 3 remainder 2\n\
         sprintf(...) = 32: \"99 bottles, 74.5 litres of water\"\n\
         remove(...) = -1, errno 2\n"
    );
}

#[test]
fn interpreter() {
    assert_eq!(
        output(env!("CARGO_BIN_EXE_interpreter")),
        "9,999 times hypot(3, 4) * ldexp(1, -2): 12498.75\n\
         strlen: 21\n\
         nine arguments of every kind: 66126.75\n"
    );
}

#[test]
fn sort() {
    assert_eq!(
        output(env!("CARGO_BIN_EXE_sort")),
        "by length, then by name: fig kiwi pear apple banana\n"
    );
}

#[test]
#[cfg(target_arch = "x86_64")]
fn win64() {
    assert_eq!(
        output(env!("CARGO_BIN_EXE_win64")),
        "guest is a double (void *, double, int32_t, int32_t, int32_t)\n\
         its arguments go to rcx, xmm1, r8, r9, [stack+32]\n\
         the guest says \"hello from the guest\"\n\
         it returned 584\n"
    );
}

/// Those that open Debian's libraries.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod libraries {
    use super::output;

    #[test]
    fn lua() {
        let printed = output(env!("CARGO_BIN_EXE_lua"));
        let lines: Vec<&str> = printed.lines().collect();
        assert_eq!(
            lines[..3],
            ["hello from Lua 5.4", "the sum of averages is 60.0", "fibonacci(20) = 6765"]
        );
        // The words are Lua's, and its affair.
        assert!(lines[3].contains("nil value (global 'nothing')"), "{printed}");
        assert!(lines[4].contains("unfinished string"), "{printed}");
        assert_eq!(lines.len(), 5, "{printed}");
    }

    #[test]
    fn picture() {
        let printed = output(env!("CARGO_BIN_EXE_picture"));
        let (first, rest) = printed.split_once('\n').expect("lines");
        assert_eq!(first, "240 x 160 pixels; 0 is [0, 0, 0], -2 + i is [0, 0, 96]");
        let rows: Vec<&str> = rest.lines().take(9).collect();
        assert_eq!(rows[4], "###############################.........");
        // The set is as its mirror image.
        assert!((0..9).all(|row| rows[row] == rows[8 - row]), "{printed}");
        assert!(rest.lines().nth(9).is_some_and(|line| line.starts_with("half of the file: ")));
    }

    #[test]
    fn plugins() {
        assert_eq!(
            output(env!("CARGO_BIN_EXE_plugins")),
            "  [first: started]\n\
             after three steps: Sample { value: 7.5, seen: 3 }\n\
             not started: ./plugin-2.so does not have function `plugin_start` (line 3), function \
             `plugin_step` (line 4)\n  \
             [second: started]\n  \
             [first: stopped]\n\
             the first is in memory: false\n\
             after two more: Sample { value: 9.5, seen: 5 }\n\
             the second is in memory: true\n  \
             [second: stopped]\n\
             the second is in memory: false\n"
        );
    }

    #[test]
    fn sqlite() {
        assert_eq!(
            output(env!("CARGO_BIN_EXE_sqlite")),
            "fig 1.59\nkiwi 2.45\npear 6.28\nbanana 4.23\nno such table: vegetables\n"
        );
    }

    #[test]
    fn zlib() {
        let printed = output(env!("CARGO_BIN_EXE_zlib"));
        let expected = "1288890 bytes of text, less than half of that deflated, and inflated the \
                        same\nerror: ";
        assert!(printed.starts_with(expected), "{printed}");
    }
}

/// They are to be read.
#[test]
#[cfg(unix)] // where the sources are to be found by their path
fn examples_are_short() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in std::fs::read_dir(directory).expect("the examples").flatten() {
        if file.path().extension().is_some_and(|extension| extension == "rs") {
            let lines = std::fs::read_to_string(file.path()).expect("text").lines().count();
            let most = if file.file_name() == "interpreter.rs" { 220 } else { 149 };
            assert!(lines <= most, "{}: {lines} lines", file.path().display());
        }
    }
}
