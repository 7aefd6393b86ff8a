//! Libraries, and files that are none, which mean no good: each is an error that says what was
//! found, or does what it should; nothing is lost, and nothing hangs.
#![cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]

use ffi_dl::{FileKind, Flags, Library, LibraryError, Operation, Reason};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI32, Ordering};

mod support;

type Answer = extern "C" fn() -> i32;
type Hook = extern "C" fn(i32);

fn open(name: impl AsRef<OsStr>) -> Result<Library, LibraryError> {
    // SAFETY: the libraries are the tests' own, and sound to run.
    unsafe { Library::open(name) }
}

fn answer(library: &Library) -> i32 {
    // SAFETY: `int answer(void)`.
    unsafe { library.get::<Answer>("answer") }.unwrap()()
}

/// A path of this test's own, with nothing there.
fn path(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(std::fs::remove_file(&path));
    drop(std::fs::remove_dir(&path));
    path
}

/// Opening it fails, for that reason, and the error names it.
fn refused(path: &Path, reason: Reason) -> LibraryError {
    let error = open(path).unwrap_err();
    assert_eq!((error.operation, error.reason), (Operation::Load, reason), "{error}");
    assert_eq!(error.name, path.to_str().unwrap());
    assert!(error.to_string().contains(&error.name), "{error}");
    error
}

fn in_memory(path: &Path) -> bool {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux has it");
    maps.contains(path.to_str().expect("the tests' own names are text"))
}

/// Constructors and destructors call back into the program, which opens, looks up and closes in the
/// middle of both.
#[test]
fn constructors_and_destructors_that_call_back() {
    static CALLS: Mutex<Vec<i32>> = Mutex::new(Vec::new());
    static SMALL: Mutex<Option<PathBuf>> = Mutex::new(None);
    extern "C" fn hook(when: i32) {
        let small = SMALL.lock().unwrap().clone().expect("it is set before");
        let library = open(small).unwrap();
        let answer = answer(&library);
        library.close().unwrap();
        CALLS.lock().unwrap().push(when + answer);
    }
    *SMALL.lock().unwrap() = Some(support::small_library("hostile_small"));
    let holder = support::compile("hostile_hook", "void (*hostile_hook)(int);", &[]);
    // SAFETY: it has a variable, and no code.
    let holder = unsafe { Library::open_with(holder, Flags::NOW | Flags::GLOBAL) }.unwrap();
    let variable = holder.symbol("hostile_hook").unwrap().as_ptr().cast_mut().cast::<Hook>();
    // SAFETY: it is a variable of that type, which nobody else looks at.
    unsafe { variable.write(hook) };
    let source = "extern void (*hostile_hook)(int);
        __attribute__((constructor)) static void first(void) { hostile_hook(100); }
        __attribute__((destructor)) static void last(void) { hostile_hook(200); }";
    let path = support::compile("hostile_calls", source, &[]);
    let library = open(&path).unwrap();
    assert_eq!(*CALLS.lock().unwrap(), [142]);
    library.close().unwrap();
    assert_eq!(*CALLS.lock().unwrap(), [142, 242]);
    assert!(!in_memory(&path));
}

/// glibc runs what a library gave to `atexit` when it is closed, while its code is still there.
#[test]
fn what_was_to_run_at_exit_runs_at_the_close() {
    static RUN: AtomicI32 = AtomicI32::new(0);
    extern "C" fn hook(count: i32) {
        RUN.fetch_add(count, Ordering::SeqCst);
    }
    let source = "int atexit(void (*)(void)); static void (*hook)(int);
        static void last(void) { hook(1); }
        int prepare(void (*it)(int)) { hook = it; return atexit(last); }";
    let path = support::compile("hostile_atexit", source, &[]);
    let library = open(&path).unwrap();
    // SAFETY: `int prepare(void (*)(int))`.
    let prepare = unsafe { library.get::<extern "C" fn(Hook) -> i32>("prepare") }.unwrap();
    assert_eq!(prepare(hook), 0);
    library.close().unwrap();
    assert_eq!(RUN.load(Ordering::SeqCst), 1);
    assert!(!in_memory(&path));
}

/// The destructor of a thread's variable runs when the thread ends, after the close: the loader
/// keeps the library until then.
#[test]
fn a_thread_that_ends_after_the_close() {
    static RUN: AtomicI32 = AtomicI32::new(0);
    extern "C" fn hook(count: i32) {
        RUN.fetch_add(count, Ordering::SeqCst);
    }
    let source = "int __cxa_thread_atexit_impl(void (*)(void *), void *, void *);
        extern void *__dso_handle; static void (*hook)(int);
        static void last(void *unused) { hook(1); }
        int prepare(void (*it)(int)) {
            hook = it;
            return __cxa_thread_atexit_impl(last, 0, &__dso_handle);
        }";
    let path = support::compile("hostile_thread", source, &[]);
    let thread = std::thread::spawn({
        let path = path.clone();
        move || {
            let library = open(&path).unwrap();
            // SAFETY: `int prepare(void (*)(int))`.
            let prepare = unsafe { library.get::<extern "C" fn(Hook) -> i32>("prepare") }.unwrap();
            assert_eq!(prepare(hook), 0);
            library.close().unwrap();
            assert!(in_memory(&path));
            assert_eq!(RUN.load(Ordering::SeqCst), 0);
        }
    });
    thread.join().unwrap();
    assert_eq!(RUN.load(Ordering::SeqCst), 1);
}

/// With `NODELETE` the destructors run when the program ends, long after the close.
#[test]
fn destructors_at_the_end_of_the_program() {
    const CHILD: &str = "FFI_DL_HOSTILE_CHILD";
    const NAME: &str = "destructors_at_the_end_of_the_program";
    if let Some(path) = std::env::var_os(CHILD) {
        // SAFETY: its destructor writes a line.
        let library = unsafe { Library::open_with(path, Flags::NOW | Flags::NODELETE) }.unwrap();
        assert_eq!(answer(&library), 42);
        return library.close().unwrap();
    }
    let source = "long write(int, const void *, unsigned long);
        __attribute__((destructor)) static void last(void) { write(1, \"last words\\n\", 11); }
        int answer(void) { return 42; }";
    let path = support::compile("hostile_last", source, &[]);
    // What runs this program, where Cargo was told of an emulator.
    let start = format!("CARGO_TARGET_{}_", std::env::consts::ARCH.to_uppercase());
    let is_runner = |name: &str| name.starts_with(&start) && name.ends_with("_RUNNER");
    let runner = std::env::vars().find(|(name, _)| is_runner(name)).map(|(_, words)| words);
    let mut words: Vec<OsString> =
        runner.iter().flat_map(|words| words.split_whitespace()).map(OsString::from).collect();
    words.push(std::env::current_exe().unwrap().into());
    let mut child = std::process::Command::new(&words[0]);
    child.args(&words[1..]).args(["--exact", NAME, "--nocapture"]).env(CHILD, path);
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.ends_with("last words\n"), "{output:?}");
}

#[cfg(target_arch = "x86_64")]
#[test]
fn symbols_that_are_null() {
    let source = "static void *choose(void) { return 0; }
        int chosen(void) __attribute__((ifunc(\"choose\")));
        extern int absent(void) __attribute__((weak));
        int answer(void) { return absent ? absent() : 42; }
        __asm__(\".globl nowhere\\n.set nowhere, 0\\n.type nowhere, @function\");";
    let library = open(support::compile("hostile_null", source, &[])).unwrap();
    assert_eq!(answer(&library), 42);
    for (name, reason) in
        [("chosen", Reason::Null), ("nowhere", Reason::Null), ("absent", Reason::NotFound)]
    {
        let error = library.symbol(name).unwrap_err();
        assert_eq!((error.operation, error.reason), (Operation::Symbol, reason), "{error}");
        assert_eq!(error.name, name);
        assert_eq!(error.library.as_deref(), Some(library.name()));
    }
    assert!(library.symbol_optional("absent").unwrap().is_none());
    assert!(library.symbol_optional("chosen").is_err());
}

/// By `rename`, as package managers do: the old file lives on for who has it open.
///
/// There is no test of a file that is written over or cut short in place. The library's pages are
/// the file's, so what is not yet touched changes under the program that runs it, and touching what
/// is behind the new end is SIGBUS: neither this crate nor any other can be asked to survive that.
#[test]
fn a_library_that_is_replaced_while_it_is_open() {
    let source = |number| format!("int answer(void) {{ return {number}; }}");
    let place = path("libhostile_replaced.so");
    std::fs::rename(support::compile("hostile_old", &source(1), &[]), &place).unwrap();
    let old = open(&place).unwrap();
    // Not called yet, so not all of its pages need be in memory.
    std::fs::rename(support::compile("hostile_new", &source(2), &[]), &place).unwrap();
    assert_eq!(answer(&old), 1);
    // By that name glibc has the one that is open; by another one, the file that is there now.
    assert_eq!(answer(&open(&place).unwrap()), 1);
    let link = path("libhostile_replaced_link.so");
    symlink(&place, &link).unwrap();
    let new = open(&link).unwrap();
    assert_eq!((answer(&new), answer(&old)), (2, 1));
    old.close().unwrap();
    assert_eq!(answer(&new), 2);
    std::fs::remove_file(&place).unwrap();
    new.close().unwrap();
    refused(&place, Reason::Os);
}

#[test]
fn a_dependency_that_is_missing() {
    let needed = support::compile("hostile_needed", "int needed(void) { return 1; }", &[]);
    let flags = ["-Wl,--no-as-needed", needed.to_str().unwrap()];
    let path = support::compile("hostile_needs", "int answer(void) { return 42; }", &flags);
    assert_eq!(answer(&open(&path).unwrap()), 42);
    std::fs::remove_file(&needed).unwrap();
    let error = refused(&path, Reason::Os);
    assert!(error.message.contains("libhostile_needed.so"), "{error}");
}

#[test]
fn another_processor() {
    let good = std::fs::read(support::small_library("hostile_native")).unwrap();
    let with = |changes: &[(usize, u8)]| {
        let mut bytes = good.clone();
        changes.iter().for_each(|&(at, byte)| bytes[at] = byte);
        let path = path("libhostile_foreign.so");
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let foreign = if cfg!(target_arch = "x86_64") { 183 } else { 62 };
    let error =
        refused(&with(&[(18, foreign)]), Reason::OtherProcessor { machine: u16::from(foreign) });
    let name = if cfg!(target_arch = "x86_64") { "AArch64" } else { "x86-64" };
    assert_eq!(error.message, format!("it is for another processor: {name}"));
    let error =
        refused(&with(&[(18, 0x34), (19, 0x12)]), Reason::OtherProcessor { machine: 0x1234 });
    assert!(error.message.contains("4660"), "{error}");
    // 32 bits, as x86 and as ARM have them; and the other order of bytes.
    for changes in [[(4, 1), (18, 3)], [(4, 1), (18, 40)]] {
        let error = refused(&with(&changes), Reason::Os);
        assert!(error.message.contains("wrong ELF class: ELFCLASS32"), "{error}");
    }
    let error = refused(&with(&[(5, 2)]), Reason::Os);
    assert!(error.message.contains("ELF file data encoding not little-endian"), "{error}");
    // A program, and an object file.
    for kind in [1, 2] {
        let error = refused(&with(&[(16, kind)]), Reason::Os);
        assert!(error.message.contains("libhostile_foreign.so"), "{error}");
    }
}

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// Where each section and segment starts and ends, and how far what is mapped reaches.
fn boundaries(bytes: &[u8]) -> (Vec<usize>, usize) {
    let half = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let mut all = vec![0, 1, 4, 16, 63, 64];
    let mut mapped = 0;
    let (segments, sections) = (word(bytes, 32) as usize, word(bytes, 40) as usize);
    for at in (0..half(56)).map(|index| segments + 56 * index) {
        let (start, len) = (word(bytes, at + 8) as usize, word(bytes, at + 32) as usize);
        all.extend([at, start, start + len]);
        if bytes[at..at + 4] == [1, 0, 0, 0] {
            mapped = mapped.max(start + len);
        }
    }
    for at in (0..half(60)).map(|index| sections + 64 * index) {
        let (start, len) = (word(bytes, at + 24) as usize, word(bytes, at + 32) as usize);
        // Those without contents may start anywhere.
        all.extend([at, start, start + len].iter().filter(|&&at| at < bytes.len()));
    }
    (all, mapped)
}

/// However much of a library there is, it opens or it is an error: glibc would map what is missing,
/// and the process would end by SIGBUS.
#[test]
fn a_library_that_is_cut_short() {
    let whole = support::small_library("hostile_whole");
    let bytes = std::fs::read(&whole).unwrap();
    let (mut lengths, mapped) = boundaries(&bytes);
    let around = |&at: &usize| [at.saturating_sub(1), at, at + 1];
    lengths = lengths.iter().flat_map(around).filter(|&len| len < bytes.len()).collect();
    let mut state = 1_u64;
    for _ in 0..300 {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        lengths.push((state >> 33) as usize % bytes.len());
    }
    lengths.sort_unstable();
    lengths.dedup();
    let (mut opened, mut truncated) = (0, 0);
    for &len in &lengths {
        let path = path("libhostile_cut.so");
        std::fs::write(&path, &bytes[..len]).unwrap();
        match open(&path) {
            Ok(library) => {
                assert!(len >= mapped, "{len} of {mapped} bytes");
                assert_eq!(answer(&library), 42);
                library.close().unwrap();
                opened += 1;
            }
            Err(error) => {
                assert!(len < mapped, "{len} of {mapped} bytes: {error}");
                assert_eq!(error.name, path.to_str().unwrap());
                match error.reason {
                    Reason::Truncated { missing } => {
                        assert_eq!(missing, (mapped - len) as u64);
                        assert!(error.message.ends_with("too early"), "{error}");
                        truncated += 1;
                    }
                    // Not even the headers are there.
                    reason => assert_eq!(reason, Reason::Os, "{error}"),
                }
            }
        }
    }
    assert!(opened > 10 && truncated > 100, "{opened}, {truncated} of {}", lengths.len());
    let error = refused(&path_of_empty(), Reason::Os);
    assert!(error.message.contains("file too short"), "{error}");
}

fn path_of_empty() -> PathBuf {
    let path = path("libhostile_empty.so");
    std::fs::write(&path, "").unwrap();
    path
}

#[test]
fn a_length_that_no_file_has() {
    let good = support::small_library("hostile_lengths");
    let mut bytes = std::fs::read(&good).unwrap();
    let first = word(&bytes, 32) as usize;
    bytes[first..first + 4].copy_from_slice(&[1, 0, 0, 0]);
    bytes[first + 8..first + 16].fill(0xff);
    let path = path("libhostile_endless.so");
    std::fs::write(&path, &bytes).unwrap();
    let missing = u64::MAX - bytes.len() as u64;
    let error = refused(&path, Reason::Truncated { missing });
    assert_eq!(error.message, format!("the file ends {missing} bytes too early"));
}

#[test]
fn what_is_no_file() {
    let directory = path("libhostile_directory.so");
    std::fs::create_dir(&directory).unwrap();
    let error = refused(&directory, Reason::NotAFile { found: FileKind::Directory });
    assert_eq!(error.message, "it is a directory");

    let socket = path("hostile_socket");
    // Its name is too long to bind to in some places that the tests are run in.
    if std::os::unix::net::UnixListener::bind(&socket).is_ok() {
        refused(&socket, Reason::NotAFile { found: FileKind::Socket });
    }
    for device in ["/dev/null", "/dev/zero"] {
        refused(Path::new(device), Reason::NotAFile { found: FileKind::Device });
    }
}

/// The loader would wait for a writer, for ever; and so it would behind a link.
#[test]
fn a_fifo() {
    let fifo = path("libhostile_fifo.so");
    let name = std::ffi::CString::new(fifo.as_os_str().as_bytes()).unwrap();
    // SAFETY: it is the name of a file that there is none of.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    let link = path("libhostile_fifo_link.so");
    symlink(&fifo, &link).unwrap();
    for path in [fifo, link] {
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn({
            let path = path.clone();
            move || sender.send(open(path).map(drop).map_err(|error| error.reason))
        });
        let outcome = receiver.recv_timeout(std::time::Duration::from_secs(10));
        let expected = Reason::NotAFile { found: FileKind::Fifo };
        assert_eq!(outcome.expect("it does not hang"), Err(expected), "{path:?}");
    }
}

#[test]
fn a_ring_of_links() {
    let (one, other) = (path("libhostile_one.so"), path("libhostile_other.so"));
    symlink(&other, &one).unwrap();
    symlink(&one, &other).unwrap();
    let error = refused(&one, Reason::Os);
    assert!(error.message.contains("Too many levels of symbolic links"), "{error}");
    let nowhere = path("libhostile_dangling.so");
    symlink("/nonexistent/library.so", &nowhere).unwrap();
    refused(&nowhere, Reason::Os);
}

/// The name is kept, the error is one line, and a library of such a name opens like any other.
#[test]
fn names_of_any_bytes() {
    let plain = support::small_library("hostile_plain");
    let directory = plain.parent().unwrap().as_os_str().as_bytes();
    let names: [&[u8]; 5] =
        [b"hostile\nline", b"hostile\xff\xfe", b"hostile\r\x1b[31m\t", b"hostile \x7f%s%n", b"\n"];
    for name in names {
        let path = [directory, b"/", name].concat();
        let path = Path::new(OsStr::from_bytes(&path));
        drop(std::fs::remove_file(path));
        let shown = path.to_string_lossy();
        let error = open(path).unwrap_err();
        assert_eq!((error.reason, error.name.as_str()), (Reason::Os, &*shown));
        assert!(error.message.contains("No such file"), "{error}");
        let text = error.to_string();
        assert!(!text.contains(char::is_control), "{text:?}");
        assert!(text.contains(&format!("{shown:?}")), "{text:?}");
        std::fs::copy(&plain, path).unwrap();
        let library = open(path).unwrap();
        assert_eq!((library.name(), answer(&library)), (&*shown, 42));
        library.close().unwrap();
        std::fs::remove_file(path).unwrap();
    }
}
