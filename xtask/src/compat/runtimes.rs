//! The table of what uses libffi: how each is asked for its version, what it runs, and how its
//! output is read.
//!
//! Each loads `libffi.so.8` by the dynamic linker. Runtimes that carry a libffi of their own, as
//! pyenv's Pythons and Ruby's gems from elsewhere may, would prove nothing.

use crate::compat::build::System;
use crate::compat::make;
use crate::compat::outcome::Reads;
use crate::rows::{MINGW, Need, WINE};
use std::path::PathBuf;

/// A user of libffi.
///
/// In its words, `{scripts}` stands for `tests/compat`, `{made}` for the directory of this run,
/// `{target}` for Cargo's, `{link}` for what tells Rust's compiler of the library.
#[derive(Debug)]
pub(crate) struct Runtime {
    pub(crate) name: &'static str,
    /// A command whose first line of output is the version.
    pub(crate) version: &'static [&'static str],
    /// Which of our libraries it takes.
    pub(crate) system: System,
    pub(crate) needs: &'static [Need],
    /// Makes what the commands run, in the directory of the run.
    pub(crate) make: Option<Make>,
    /// What runs, each with how its output is read.
    pub(crate) commands: &'static [Reading],
    /// What runs in their place with Debian's library, where that is not for the same system.
    pub(crate) instead: Option<&'static [Reading]>,
    pub(crate) environment: &'static [(&'static str, &'static str)],
    /// Whether the dynamic linker finds the library, and can be asked which.
    pub(crate) loaded: bool,
    /// The most that each command may take.
    pub(crate) seconds: u32,
}

pub(crate) type Make = fn(&Place) -> Result<(), String>;

pub(crate) type Reading = (Reads, &'static [&'static str]);

/// Where a run has its files, and with which library.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) made: PathBuf,
    /// The directory of our library; without one the run is Debian's library's.
    pub(crate) ours: Option<PathBuf>,
}

const fn need(probe: &'static str, packages: &'static [&'static str]) -> Need {
    Need { probe, packages }
}

const TRIPLE: &str = "x86_64-linux-gnu";
const FFI: Need = need("/usr/lib/x86_64-linux-gnu/libffi.so.8", &["libffi8"]);
const FFI_DEV: Need = need("/usr/lib/x86_64-linux-gnu/libffi.a", &["libffi-dev"]);
const CC: Need = need("/usr/include/stdio.h", &["libc6-dev"]);
const SQLITE: Need = need("/usr/lib/x86_64-linux-gnu/libsqlite3.so.0", &["libsqlite3-0"]);
const ZLIB: Need = need("/usr/lib/x86_64-linux-gnu/libz.so.1", &["zlib1g"]);
const TESTSUITE: Need =
    need("/usr/lib/python3.11/ctypes/test/__init__.py", &["libpython3.11-testsuite"]);

/// What the tests have in common.
const COMMON: Runtime = Runtime {
    name: "",
    version: &[],
    system: System::Host,
    needs: &[],
    make: Some(make::shapes),
    commands: &[],
    instead: None,
    environment: &[],
    loaded: true,
    seconds: 120,
};

pub(crate) const RUNTIMES: &[Runtime] = &[
    Runtime {
        name: "CPython's ctypes",
        version: &["/usr/bin/python3", "-V"],
        needs: &[FFI, need("/usr/bin/python3", &["python3"]), TESTSUITE],
        make: None,
        commands: &[(Reads::Unittest, &["/usr/bin/python3", "-m", "test", "-v", "test_ctypes"])],
        seconds: 600,
        ..COMMON
    },
    Runtime {
        name: "Ruby's fiddle",
        version: &["/usr/bin/ruby", "-rfiddle", "-e", "puts RUBY_VERSION"],
        needs: &[FFI, CC, SQLITE, ZLIB, need("/usr/bin/ruby", &["ruby"])],
        commands: &[(
            Reads::Lines,
            &["/usr/bin/ruby", "{scripts}/fiddle.rb", "{made}/libshapes.so"],
        )],
        ..COMMON
    },
    Runtime {
        name: "Ruby's ffi gem",
        version: &["/usr/bin/ruby", "-rffi", "-e", "puts FFI::VERSION"],
        needs: &[
            FFI,
            CC,
            SQLITE,
            need("/usr/bin/ruby", &["ruby"]),
            need("/usr/share/doc/ruby-ffi", &["ruby-ffi"]),
        ],
        commands: &[(Reads::Lines, &["/usr/bin/ruby", "{scripts}/gem.rb", "{made}/libshapes.so"])],
        ..COMMON
    },
    Runtime {
        name: "PHP's FFI",
        version: &["/usr/bin/php", "-r", "echo PHP_VERSION;"],
        needs: &[FFI, CC, SQLITE, need("/usr/bin/php", &["php-cli"])],
        commands: &[(
            Reads::Lines,
            &["/usr/bin/php", "-d", "ffi.enable=1", "{scripts}/php.php", "{made}/libshapes.so"],
        )],
        ..COMMON
    },
    Runtime {
        name: "Guile",
        version: &["/usr/bin/guile-3.0", "-c", "(display (version))"],
        needs: &[FFI, CC, SQLITE, ZLIB, need("/usr/bin/guile-3.0", &["guile-3.0"])],
        commands: &[(
            Reads::Lines,
            &["/usr/bin/guile-3.0", "{scripts}/guile.scm", "{made}/libshapes.so"],
        )],
        // It would write beside the user's files.
        environment: &[("GUILE_AUTO_COMPILE", "0")],
        ..COMMON
    },
    Runtime {
        name: "GObject introspection",
        version: &["/usr/bin/python3", "-c", "import gi; print(gi.__version__)"],
        needs: &[
            FFI,
            need("/usr/lib/python3/dist-packages/gi/__init__.py", &["python3-gi"]),
            need(
                "/usr/lib/x86_64-linux-gnu/girepository-1.0/Gio-2.0.typelib",
                &["gir1.2-glib-2.0"],
            ),
        ],
        make: None,
        commands: &[(Reads::Lines, &["/usr/bin/python3", "{scripts}/gobject.py"])],
        ..COMMON
    },
    Runtime {
        name: "Python's cffi",
        version: &["/usr/bin/python3", "-c", "import cffi; print(cffi.__version__)"],
        needs: &[
            FFI,
            CC,
            SQLITE,
            ZLIB,
            need("/usr/lib/python3/dist-packages/cffi/__init__.py", &["python3-cffi"]),
        ],
        commands: &[(
            Reads::Lines,
            &["/usr/bin/python3", "{scripts}/cffi_abi.py", "{made}/libshapes.so"],
        )],
        ..COMMON
    },
    Runtime {
        name: "Perl's FFI::Platypus",
        version: &["/usr/bin/perl", "-MFFI::Platypus", "-e", "print $FFI::Platypus::VERSION"],
        needs: &[
            FFI,
            CC,
            SQLITE,
            ZLIB,
            need("/usr/share/doc/libffi-platypus-perl", &["libffi-platypus-perl"]),
        ],
        commands: &[(
            Reads::Lines,
            &["/usr/bin/perl", "{scripts}/platypus.pl", "{made}/libshapes.so"],
        )],
        ..COMMON
    },
    Runtime {
        name: "C, built for Debian's",
        version: &["cc", "-dumpfullversion"],
        needs: &[FFI_DEV, CC],
        make: Some(make::program_for_debian),
        commands: &[(Reads::Lines, &["{made}/program"])],
        ..COMMON
    },
    Runtime {
        name: "C, built for ours",
        version: &["cc", "-dumpfullversion"],
        needs: &[FFI_DEV, CC],
        make: Some(make::program),
        commands: &[(Reads::Lines, &["{made}/program"])],
        ..COMMON
    },
    Runtime {
        name: "C, linked statically",
        version: &["cc", "-dumpfullversion"],
        needs: &[FFI_DEV, CC],
        make: Some(make::static_program),
        commands: &[(Reads::Lines, &["{made}/program"])],
        loaded: false,
        ..COMMON
    },
    Runtime {
        name: "the libffi crate",
        version: &["sed", "-n", "/^version = /{s///;s/\"//gp;q}", "{made}/crate/Cargo.toml"],
        needs: &[FFI_DEV, CC],
        make: Some(make::libffi_crate),
        commands: &[
            (
                Reads::Libtest,
                &[
                    "cargo",
                    "test",
                    "--no-fail-fast",
                    "--features",
                    make::CRATE_FEATURES,
                    "--manifest-path",
                    "{made}/crate/Cargo.toml",
                ],
            ),
            (Reads::Whole, &["{made}/target/debug/examples/sort"]),
            (Reads::Whole, &["{made}/target/debug/examples/types"]),
            // Not `libloading`: it expects of `isdigit` what glibc's does not return.
        ],
        environment: make::CRATE_ENVIRONMENT,
        seconds: 900,
        ..COMMON
    },
    Runtime {
        name: "ctypes on AArch64 (qemu)",
        version: &["qemu-aarch64", "{made}/python3", "-V"],
        system: System::Aarch64,
        needs: &[
            need("qemu-aarch64", &["qemu-user"]),
            need("aarch64-linux-gnu-gcc", &["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"]),
            need("/usr/lib/aarch64-linux-gnu/libpython3.11.so.1.0", &["libpython3.11:arm64"]),
            need("/usr/lib/aarch64-linux-gnu/libffi.so.8", &["libffi8:arm64"]),
            TESTSUITE,
        ],
        make: Some(make::aarch64_python),
        commands: &[(
            Reads::Unittest,
            &["qemu-aarch64", "{made}/python3", "-m", "test", "-v", "test_ctypes"],
        )],
        environment: &[("PYTHONHOME", "/usr")],
        seconds: 900,
        ..COMMON
    },
    Runtime {
        name: "C on Windows (Wine)",
        version: &[WINE, "--version"],
        system: System::Windows,
        needs: &[FFI_DEV, CC, need(WINE, &["wine64"]), need(MINGW, &["gcc-mingw-w64-x86-64"])],
        make: Some(make::windows_program),
        commands: &[(Reads::Lines, &[WINE, "{made}/program.exe"])],
        // There is no libffi of Debian's for Windows: what it says on Linux is expected.
        instead: Some(&[(Reads::Lines, &["{made}/program"])]),
        environment: &[("WINEPREFIX", "{target}/matrix/wine"), ("WINEDEBUG", "-all")],
        loaded: false,
        ..COMMON
    },
];

impl Runtime {
    /// Where Debian has its library of this system.
    pub(crate) fn debians(&self) -> String {
        let triple = if self.system == System::Aarch64 { "aarch64-linux-gnu" } else { TRIPLE };
        format!("/usr/lib/{triple}/libffi.so.8")
    }
}

/// The packages of all runtimes, for `setup`: each with what it is for.
pub(crate) fn packages() -> impl Iterator<Item = (&'static str, &'static str)> {
    RUNTIMES.iter().flat_map(|runtime| {
        let packages = runtime.needs.iter().flat_map(|need| need.packages);
        packages.map(|package| (*package, runtime.name))
    })
}
