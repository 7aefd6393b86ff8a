//! Compiling C at test time.
//!
//! In an emulator and under Wine no compiler can be started. `cargo xtask matrix` then runs one
//! outside, and `FFI_TEST_COMPILER` says where it listens (`xtask/src/compile_service.rs`).
//!
//! `FFI_TEST_CACHE` names a directory that keeps what was compiled, for the next optimisation level,
//! libc or sanitizer whose tests want the same: compilers take most of the tests' time. It is for one
//! state of a machine, as the compilers' versions are not looked at.

use ffi::Library;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A C compiler and how it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Compiler {
    /// The command.
    pub command: &'static str,
    /// The optimisation level, `0` to `3`.
    pub level: u32,
    /// What makes it compile for the target of these tests.
    pub arguments: &'static [&'static str],
}

const fn compiler(
    command: &'static str,
    level: u32,
    arguments: &'static [&'static str],
) -> Compiler {
    Compiler { command, level, arguments }
}

/// For each of the two compilers, those that will do, the best first.
const WANTED: [&[Compiler]; 2] = if cfg!(windows) {
    [
        // Its DLL would not be found at run time.
        &[compiler("x86_64-w64-mingw32-gcc", 1, &["-static-libgcc"])],
        // Older ones do not find Debian's libgcc for this target.
        &[compiler("clang-22", 2, &["--target=x86_64-w64-mingw32", "-static-libgcc"])],
    ]
} else if cfg!(target_arch = "aarch64") {
    [
        &[compiler("aarch64-linux-gnu-gcc", 1, &["-fPIC"])],
        &[
            compiler("clang-22", 2, &["--target=aarch64-linux-gnu", "-fPIC"]),
            compiler("clang", 2, &["--target=aarch64-linux-gnu", "-fPIC"]),
        ],
    ]
} else {
    [
        &[compiler("gcc", 1, &["-fPIC"])],
        // Older ones align `__int128` otherwise.
        &[compiler("clang-22", 2, &["-fPIC"]), compiler("clang", 2, &["-fPIC"])],
    ]
};

/// gcc and clang: two readings of the same psABI, and clang's callees are the ones that rely on
/// sub-word arguments being extended. A compiler that is missing fails the test in CI, where
/// setup installs both, and is named and left out elsewhere.
///
/// # Panics
/// If one is missing and `CI` is set, or if both are.
pub fn compilers() -> Vec<Compiler> {
    let works = |compiler: &&Compiler| {
        let arguments = [compiler.arguments, &["-c"]].concat();
        let result = compile(compiler.command, &arguments, "int works;");
        if let Err(message) = &result {
            eprintln!("{} cannot be used: {message}", compiler.command);
        }
        result.is_ok()
    };
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for choice in WANTED {
        match choice.iter().find(works) {
            Some(compiler) => found.push(*compiler),
            None => missing.push(choice[0].command),
        }
    }
    for command in &missing {
        eprintln!("{command} is not installed: its half of the test does not run");
    }
    let in_ci = std::env::var_os("CI").is_some();
    assert!(!found.is_empty() && (missing.is_empty() || !in_ci), "missing: {missing:?}");
    found
}

/// What makes compilers use the widest vectors that the running processor has.
fn vectors() -> &'static [&'static str] {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f") {
        return &["-mavx512f"];
    } else if std::arch::is_x86_feature_detected!("avx") {
        return &["-mavx"];
    }
    &[]
}

/// C through which panics and exceptions may pass.
pub const UNWINDING_C: Compiler = if cfg!(windows) {
    compiler("x86_64-w64-mingw32-gcc", 2, &["-static-libgcc", "-fexceptions"])
} else if cfg!(target_arch = "aarch64") {
    compiler("aarch64-linux-gnu-gcc", 2, &["-fPIC", "-fexceptions"])
} else {
    compiler("gcc", 2, &["-fPIC", "-fexceptions"])
};

/// C++, where its exceptions are those that Rust's unwinding knows to let through.
#[cfg(unix)]
pub const CPP: Compiler = if cfg!(target_arch = "aarch64") {
    compiler("aarch64-linux-gnu-g++", 2, &["-fPIC", "-x", "c++"])
} else {
    compiler("g++", 2, &["-fPIC", "-x", "c++"])
};

/// Compiles source to a shared library, and opens it.
///
/// # Panics
/// If the compiler rejects it, or the library does not open.
pub fn opened(compiler: Compiler, source: &str) -> Library {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = shared_library(compiler, directory.path(), "library", source);
    // SAFETY: it is the library just compiled; the tests' have no constructors.
    unsafe { Library::open(&path) }.expect("it opens")
}

/// Compiles C source to a shared library in `directory` and returns its path.
///
/// # Panics
/// If the compiler rejects it; the message has the compiler's own.
pub fn shared_library(compiler: Compiler, directory: &Path, name: &str, source: &str) -> PathBuf {
    let stem = format!("{name}-{}-O{}", compiler.command, compiler.level);
    let output = directory.join(format!("{stem}{}", std::env::consts::DLL_SUFFIX));
    let level = format!("-O{}", compiler.level);
    let arguments = [compiler.arguments, &["-w", "-shared", &level], vectors()].concat();
    match compile(compiler.command, &arguments, source) {
        Ok(library) => std::fs::write(&output, library).expect("the directory is writable"),
        Err(message) => panic!("{stem}: {message}"),
    }
    output
}

/// Compiles C source to an object file, for whatever target the arguments name, with the newest
/// clang that there is.
///
/// # Panics
/// If the compiler rejects it; the message has the compiler's own.
pub fn object_file(arguments: &[&str], source: &str) -> Vec<u8> {
    let arguments = [arguments, &["-w", "-c"]].concat();
    compile("clang-22", &arguments, source)
        .unwrap_or_else(|message| panic!("clang-22 {arguments:?}: {message}"))
}

/// Where headers are that do not belong to the C library: those of the machine that compiles, as
/// they are the same for every target. Behind the target's own.
const HEADERS: [&str; 4] =
    ["-idirafter", "/usr/include", "-idirafter", "/usr/include/x86_64-linux-gnu"];

/// What the preprocessor makes of the source.
///
/// # Panics
/// If it rejects it; the message has its own.
pub fn preprocessed(compiler: Compiler, source: &str) -> Vec<u8> {
    // clang replaces macros in `#pragma pack`, though not yet in this output, where mingw's headers
    // have one; so it has to say what they stand for. gcc ignores such a pragma.
    let macros = cfg!(windows) && compiler.command.contains("clang");
    let more: &[&str] = if macros { &["-E", "-dD"] } else { &["-E"] };
    let arguments = [compiler.arguments, &HEADERS, more].concat();
    compile(compiler.command, &arguments, source)
        .unwrap_or_else(|message| panic!("{}: {message}", compiler.command))
}

/// Whether the compiler accepts the source.
///
/// # Errors
/// Its complaint.
pub fn accepts(compiler: Compiler, source: &str) -> Result<(), String> {
    let arguments = [compiler.arguments, &HEADERS, &["-c"]].concat();
    compile(compiler.command, &arguments, source).map(drop)
}

/// The object file that the compiler makes of the source, which is not to be run: for x86-64 with
/// AVX-512, without which gcc aligns large vectors to less.
///
/// # Panics
/// If it rejects it; the message has its complaint.
pub fn object_by(compiler: Compiler, source: &str) -> Vec<u8> {
    let vectors: &[&str] = if cfg!(target_arch = "x86_64") { &["-mavx512f"] } else { &[] };
    let arguments = [compiler.arguments, &["-w", "-c"], vectors].concat();
    compile(compiler.command, &arguments, source)
        .unwrap_or_else(|message| panic!("{}: {message}", compiler.command))
}

/// What the compiler makes of the source, or its complaint.
fn compile(command: &str, arguments: &[&str], source: &str) -> Result<Vec<u8>, String> {
    let Some(cache) = std::env::var_os("FFI_TEST_CACHE").map(PathBuf::from) else {
        return compile_now(command, arguments, source);
    };
    let mut hasher = DefaultHasher::new();
    (command, arguments, source).hash(&mut hasher);
    let kept = cache.join(format!("{:016x}", hasher.finish()));
    if let Ok(bytes) = std::fs::read(&kept) {
        return Ok(bytes);
    }
    let bytes = compile_now(command, arguments, source)?;
    // Whole or not at all, as other tests look for it meanwhile. A full disk is no failure.
    let _ = std::fs::create_dir_all(&cache)
        .and_then(|()| tempfile::NamedTempFile::new_in(&cache))
        .and_then(|mut file| file.write_all(&bytes).map(|()| file))
        .and_then(|file| file.persist(&kept).map_err(Into::into));
    Ok(bytes)
}

fn compile_now(command: &str, arguments: &[&str], source: &str) -> Result<Vec<u8>, String> {
    match std::env::var("FFI_TEST_COMPILER") {
        Ok(place) => ask(&place, command, arguments, source)
            .unwrap_or_else(|error| Err(format!("FFI_TEST_COMPILER={place}: {error}"))),
        Err(_) => start(command, arguments, source),
    }
}

fn start(command: &str, arguments: &[&str], source: &str) -> Result<Vec<u8>, String> {
    let directory = tempfile::tempdir().expect("there is room for temporary files");
    let (input, output) = (directory.path().join("source.c"), directory.path().join("output"));
    std::fs::write(&input, source).expect("the directory is writable");
    let result = Command::new(command)
        .args(arguments)
        .arg("-o")
        .args([&output, &input])
        .output()
        .map_err(|error| error.to_string())?;
    if !result.status.success() {
        return Err(String::from_utf8_lossy(&result.stderr).into_owned());
    }
    std::fs::read(&output).map_err(|error| error.to_string())
}

/// Has the service compile. Its end of the exchange says what is sent.
fn ask(
    place: &str,
    command: &str,
    arguments: &[&str],
    source: &str,
) -> std::io::Result<Result<Vec<u8>, String>> {
    let (address, key) = place.split_once('/').ok_or(std::io::ErrorKind::InvalidInput)?;
    let strings = [&[key, command], arguments, &[source]].concat();
    let number = |length: usize| u32::try_from(length).expect("less than 4 GiB").to_le_bytes();
    let mut request = number(strings.len()).to_vec();
    for string in strings {
        request.extend(number(string.len()));
        request.extend(string.as_bytes());
    }
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(&request)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(match answer.split_first() {
        Some((0, file)) => Ok(file.to_vec()),
        Some((_, message)) => Err(String::from_utf8_lossy(message).into_owned()),
        None => Err("the service hung up".into()),
    })
}

/// The object file that a C compiler's assembler makes of assembly.
///
/// # Errors
/// Its complaint.
pub fn assemble(command: &str, arguments: &[&str], source: &str) -> Result<Vec<u8>, String> {
    compile(command, &[arguments, &["-c", "-x", "assembler"]].concat(), source)
}

/// Compiles C++ to a shared library in `directory` and returns its path.
///
/// # Panics
/// If the compiler is there and rejects it; the message has the compiler's own.
///
/// # Errors
/// That it is not there.
pub fn cxx_library(command: &str, directory: &Path, source: &str) -> Result<PathBuf, String> {
    compile(command, &["-shared", "-fPIC", "-x", "c++"], "int works;")?;
    let output = directory.join(format!("{command}{}", std::env::consts::DLL_SUFFIX));
    let library = compile(command, &["-shared", "-fPIC", "-O1", "-w", "-x", "c++"], source);
    let library = library.unwrap_or_else(|message| panic!("{command}: {message}"));
    std::fs::write(&output, library).expect("the directory is writable");
    Ok(output)
}
