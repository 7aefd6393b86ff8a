//! The one table of targets: what each takes, what has to be installed, and what runs there.
//!
//! `matrix` runs it, `setup` installs for it, and `readme` makes README's table of it. It is for
//! an x86-64 Debian.

use crate::prepare;
use std::path::Path;

/// A line of the matrix.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// What `cargo xtask matrix` calls it.
    pub(crate) name: &'static str,
    /// What it is evidence for, in README's table.
    pub(crate) supports: &'static str,
    /// The conventions that can be called there.
    pub(crate) conventions: &'static str,
    /// What Cargo builds for.
    pub(crate) target: &'static str,
    pub(crate) toolchain: Toolchain,
    pub(crate) linker: Option<&'static str>,
    pub(crate) how: How,
    /// `{matrix}` stands for `target/matrix`.
    pub(crate) environment: &'static [(&'static str, &'static str)],
    /// Besides what the toolchain needs.
    pub(crate) needs: &'static [&'static [Need]],
    /// A step before all others, that makes what no package has; it is given `target/matrix`.
    pub(crate) prepare: Option<Prepare>,
    /// Below `target/matrix`, since each toolchain would rebuild what another left; `None` is the
    /// workspace's own.
    pub(crate) directory: Option<&'static str>,
    /// What runs: a name, and Cargo's arguments.
    pub(crate) steps: &'static [(&'static str, &'static str)],
}

pub(crate) type Prepare = fn(&Path) -> Result<(), String>;

/// Where the standard library comes from if the toolchain that runs the task has none for the
/// target; where it has one, that is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// The row is for the host.
    Own,
    /// Debian packages it.
    Debian,
    /// Debian packages the sources, and Cargo builds these crates of them.
    DebianSource(&'static str),
}

/// How far a row goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Natively,
    /// The tests that need none of the system's libraries, which are another libc's.
    NativelyInPart,
    Qemu,
    /// Machine code for another system, in a process that `qemu-user` emulates.
    PlacementQemu,
    Wine,
    Built,
}

/// Something that has to be there, and the Debian packages that bring it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Need {
    /// A path, or else a command.
    pub(crate) probe: &'static str,
    pub(crate) packages: &'static [&'static str],
}

pub(crate) const WINE: &str = "/usr/lib/wine/wine64";
/// Itself, as `wineserver` beside it adds an option of its own.
pub(crate) const WINE_SERVER: &str = "/usr/lib/wine/wineserver64";
pub(crate) const MINGW: &str = "x86_64-w64-mingw32-gcc";
pub(crate) const MUSL: &str = "musl-gcc";

impl How {
    /// Runs a test binary. An emulator may hang where nothing else would, so there is a time limit.
    ///
    /// Without `-L`: the loader of the cross libc and the multiarch libc that it then finds do not
    /// go together, and `pthread_create` spins for ever.
    pub(crate) fn runner(self) -> Option<&'static str> {
        match self {
            Self::Natively | Self::NativelyInPart | Self::Built => None,
            Self::Qemu | Self::PlacementQemu => Some("timeout -k 10 900 qemu-aarch64"),
            Self::Wine => Some("timeout -k 10 900 /usr/lib/wine/wine64"),
        }
    }

    /// In the matrix's closing table.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Natively | Self::NativelyInPart => "native",
            Self::Qemu | Self::PlacementQemu => "qemu-user",
            Self::Wine => "wine",
            Self::Built => "built",
        }
    }

    /// In README's table.
    pub(crate) fn claim(self) -> &'static str {
        match self {
            Self::Natively => "tests executed natively",
            Self::NativelyInPart => "tests without other C libraries executed natively",
            Self::Qemu => "tests executed under qemu-user",
            Self::PlacementQemu => {
                "leaf functions compiled for it called under qemu-user, in a Linux process"
            }
            Self::Wine => "tests executed under Wine",
            Self::Built => "library crates built",
        }
    }

    pub(crate) fn executes(self) -> bool {
        self != Self::Built
    }
}

impl Toolchain {
    /// What the row needs of Debian if its own toolchain does not have the target.
    pub(crate) fn needs(self) -> &'static [Need] {
        match self {
            Self::Own => &[],
            Self::Debian => DEBIAN_ARM64,
            Self::DebianSource(_) => DEBIAN_SOURCE,
        }
    }
}

const DEBIAN_ARM64: &[Need] = &[
    Need { probe: "/usr/bin/cargo", packages: &["cargo-web"] },
    Need { probe: "/usr/bin/rustc", packages: &["rustc-web"] },
    Need {
        probe: "/usr/lib/rustlib/aarch64-unknown-linux-gnu/lib",
        packages: &["libstd-rust-web-dev:arm64"],
    },
];
const DEBIAN_SOURCE: &[Need] = &[
    Need { probe: "/usr/bin/cargo", packages: &["cargo-web"] },
    Need { probe: "/usr/bin/rustc", packages: &["rustc-web"] },
    Need { probe: "/usr/lib/rustlib/src/rust/library/std/Cargo.toml", packages: &["rust-web-src"] },
];
/// The linker, the emulator, and the C library to run with.
const AARCH64: &[Need] = &[
    Need { probe: "aarch64-linux-gnu-gcc", packages: &["gcc-aarch64-linux-gnu"] },
    Need { probe: "/usr/aarch64-linux-gnu/include/stdio.h", packages: &["libc6-dev-arm64-cross"] },
    Need { probe: "/usr/lib/aarch64-linux-gnu/libc.so.6", packages: &["libc6:arm64"] },
    Need { probe: "qemu-aarch64", packages: &["qemu-user"] },
];
/// What compiles the tests of C++'s exceptions, and runs them.
const AARCH64_CPP: &[Need] = &[
    Need { probe: "aarch64-linux-gnu-g++", packages: &["g++-aarch64-linux-gnu"] },
    Need { probe: "/usr/lib/aarch64-linux-gnu/libstdc++.so.6", packages: &["libstdc++6:arm64"] },
];
const CPP: &[Need] = &[Need { probe: "g++", packages: &["g++"] }];
/// The headers that the tests read, which are the same for every target.
const HEADERS: &[Need] = &[
    Need { probe: "/usr/include/zlib.h", packages: &["zlib1g-dev"] },
    Need { probe: "/usr/include/sqlite3.h", packages: &["libsqlite3-dev"] },
];
/// The libraries that the tests call.
const AARCH64_LIBRARIES: &[Need] = &[
    Need { probe: "/usr/lib/aarch64-linux-gnu/libz.so.1", packages: &["zlib1g:arm64"] },
    Need { probe: "/usr/lib/aarch64-linux-gnu/libsqlite3.so.0", packages: &["libsqlite3-0:arm64"] },
    Need { probe: "/usr/lib/aarch64-linux-gnu/libpng16.so.16", packages: &["libpng16-16:arm64"] },
    Need { probe: "/usr/lib/aarch64-linux-gnu/liblua5.4.so.0", packages: &["liblua5.4-0:arm64"] },
];
/// Older ones do not compile for Apple's and Microsoft's AArch64 well enough.
const CLANG_22: &[Need] = &[Need { probe: "clang-22", packages: &["clang-22"] }];
const CLANG: &[Need] = &[Need { probe: "clang", packages: &["clang"] }];
const WINDOWS: &[Need] = &[
    Need { probe: MINGW, packages: &["gcc-mingw-w64-x86-64"] },
    Need { probe: WINE, packages: &["wine64"] },
];

/// The libraries alone. To build rather than to check has their assembly assembled.
const BUILD: &[(&str, &str)] = &[(
    "libraries",
    "build --lib --workspace --exclude ffi-tests --exclude ffi-benches --exclude xtask",
)];

/// Emulated, code that is not optimised takes more time than optimising it does. Checks of overflow and
/// the like stay.
const QUICK: &[(&str, &str)] = &[("CARGO_PROFILE_DEV_OPT_LEVEL", "1")];

/// The planners of all conventions.
const PLANNERS: (&str, &str) =
    ("planners", "test -p ffi-abi-sysv -p ffi-abi-win64 -p ffi-abi-arm64 --test placements");

/// Every row, the cheapest evidence for the most users first.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "x86-64-linux",
        supports: "x86_64-unknown-linux-gnu",
        conventions: "System V, Win64",
        target: "x86_64-unknown-linux-gnu",
        toolchain: Toolchain::Own,
        linker: None,
        how: How::Natively,
        environment: &[],
        needs: &[CLANG, CPP, HEADERS],
        prepare: None,
        directory: None,
        steps: &[("tests", "test --workspace --exclude ffi-benches --exclude xtask")],
    },
    Row {
        name: "x86-64-linux-musl",
        supports: "x86_64-unknown-linux-musl",
        conventions: "System V, Win64",
        target: "x86_64-unknown-linux-musl",
        toolchain: Toolchain::DebianSource("std,panic_unwind,test"),
        linker: Some(MUSL),
        how: How::NativelyInPart,
        // Dynamic: a static musl program has no `dlopen`. Debian has no unwinder for musl, and its
        // `libgcc_s` neither links nor loads; `prepare::musl` makes do.
        environment: &[(
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_RUSTFLAGS",
            "-Ctarget-feature=-crt-static -Clink-self-contained=no -Lnative={matrix}/musl",
        )],
        needs: &[
            &[Need { probe: MUSL, packages: &["musl-tools"] }],
            &[Need { probe: "/lib/ld-musl-x86_64.so.1", packages: &["musl"] }],
            CLANG,
        ],
        prepare: Some(prepare::musl),
        directory: Some("x86-64-linux-musl"),
        // Left out are doctests and the tests that open glibc's libraries, or those that need it:
        // bad_input, libc, libm, png, sqlite and zlib.
        steps: &[
            (
                "libraries' tests",
                "test --lib --tests --workspace --exclude ffi-tests --exclude ffi-benches \
                 --exclude xtask",
            ),
            (
                "oracle",
                "test -p ffi-tests --lib --test oracle --test regressions --test callbacks \
                 --test through_c --test threads --test unwinding --test registers --test allocations \
                 --test contexts",
            ),
        ],
    },
    Row {
        name: "aarch64-linux",
        supports: "aarch64-unknown-linux-gnu",
        conventions: "AAPCS64, Apple AArch64, Windows AArch64",
        target: "aarch64-unknown-linux-gnu",
        toolchain: Toolchain::Debian,
        linker: Some("aarch64-linux-gnu-gcc"),
        how: How::Qemu,
        environment: QUICK,
        needs: &[AARCH64, AARCH64_CPP, AARCH64_LIBRARIES, HEADERS, CLANG_22],
        prepare: None,
        directory: Some("aarch64-linux"),
        // With doctests: since 1.89 Cargo runs them for other targets too. The placement rows run
        // what is skipped.
        steps: &[(
            "tests",
            "test --workspace --exclude ffi-benches --exclude xtask -- --skip apple:: --skip windows::",
        )],
    },
    Row {
        name: "aarch64-apple-placement",
        supports: "aarch64-apple-darwin",
        conventions: "Apple AArch64",
        target: "aarch64-unknown-linux-gnu",
        toolchain: Toolchain::Debian,
        linker: Some("aarch64-linux-gnu-gcc"),
        how: How::PlacementQemu,
        environment: QUICK,
        needs: &[AARCH64, CLANG_22],
        prepare: None,
        directory: Some("aarch64-linux"),
        steps: &[("placement", "test -p ffi-tests --test oracle -- apple::"), PLANNERS],
    },
    Row {
        name: "aarch64-windows-placement",
        supports: "aarch64-pc-windows-msvc",
        conventions: "Windows AArch64",
        target: "aarch64-unknown-linux-gnu",
        toolchain: Toolchain::Debian,
        linker: Some("aarch64-linux-gnu-gcc"),
        how: How::PlacementQemu,
        environment: QUICK,
        needs: &[AARCH64, CLANG_22],
        prepare: None,
        directory: Some("aarch64-linux"),
        steps: &[("placement", "test -p ffi-tests --test oracle -- windows::"), PLANNERS],
    },
    Row {
        name: "x86-64-windows-gnu",
        supports: "x86_64-pc-windows-gnu",
        conventions: "Win64, System V",
        target: "x86_64-pc-windows-gnu",
        toolchain: Toolchain::DebianSource("std,panic_unwind,test"),
        linker: Some(MINGW),
        how: How::Wine,
        environment: &[("WINEPREFIX", "{matrix}/wine"), ("WINEDEBUG", "-all")],
        needs: &[WINDOWS, HEADERS, CLANG_22],
        prepare: Some(prepare::wine),
        directory: Some("x86-64-windows-gnu"),
        // Without doctests: what they open is Linux's libm.
        steps: &[("tests", "test --lib --tests --workspace --exclude ffi-benches --exclude xtask")],
    },
    Row {
        name: "aarch64-apple",
        supports: "aarch64-apple-darwin",
        conventions: "Apple AArch64",
        target: "aarch64-apple-darwin",
        toolchain: Toolchain::DebianSource("std,panic_unwind"),
        linker: None,
        how: How::Built,
        environment: &[("CC_aarch64_apple_darwin", "clang-22")],
        needs: &[CLANG_22],
        prepare: None,
        directory: Some("aarch64-apple"),
        steps: BUILD,
    },
    Row {
        name: "x86-64-apple",
        supports: "x86_64-apple-darwin",
        conventions: "System V",
        target: "x86_64-apple-darwin",
        toolchain: Toolchain::DebianSource("std,panic_unwind"),
        linker: None,
        how: How::Built,
        environment: &[("CC_x86_64_apple_darwin", "clang-22")],
        needs: &[CLANG_22],
        prepare: None,
        directory: Some("x86-64-apple"),
        steps: BUILD,
    },
    Row {
        name: "aarch64-windows-msvc",
        supports: "aarch64-pc-windows-msvc",
        conventions: "Windows AArch64",
        target: "aarch64-pc-windows-msvc",
        toolchain: Toolchain::DebianSource("std,panic_unwind"),
        linker: None,
        how: How::Built,
        environment: &[],
        needs: &[],
        prepare: None,
        directory: Some("aarch64-windows-msvc"),
        steps: BUILD,
    },
    Row {
        name: "x86-64-windows-msvc",
        supports: "x86_64-pc-windows-msvc",
        conventions: "Win64",
        target: "x86_64-pc-windows-msvc",
        toolchain: Toolchain::DebianSource("std,panic_unwind"),
        linker: None,
        how: How::Built,
        environment: &[],
        needs: &[],
        prepare: None,
        directory: Some("x86-64-windows-msvc"),
        steps: BUILD,
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn rows_are_told_apart() {
        let names: BTreeSet<&str> = ROWS.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), ROWS.len());
    }

    #[test]
    fn rows_that_execute_elsewhere_have_a_time_limit() {
        for how in [How::Qemu, How::PlacementQemu, How::Wine] {
            assert!(how.runner().is_some_and(|runner| runner.starts_with("timeout ")));
        }
    }

    #[test]
    fn rows_share_a_directory_only_with_their_own_toolchain() {
        for a in ROWS {
            for b in ROWS.iter().filter(|b| b.directory == a.directory) {
                assert_eq!((a.target, a.toolchain), (b.target, b.toolchain), "{}", a.name);
            }
        }
    }

    #[test]
    fn rows_of_one_target_agree_on_its_conventions() {
        for a in ROWS {
            for b in ROWS.iter().filter(|b| b.supports == a.supports) {
                assert_eq!(a.conventions, b.conventions, "{} and {}", a.name, b.name);
            }
        }
    }
}
