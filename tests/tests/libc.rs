//! The C library, called and calling back. Windows' has tests of its own, in `windows.rs`.
#![cfg(unix)]

use ffi::{CType, CallInterface, Callback, Context, Function, Library, Type, arg};
use ffi_tests::shapes::array;
use std::ffi::{CStr, CString, c_char, c_void};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

const P: Type = Type::POINTER;
const INT: Type = Type::C_INT;
const SIZE: Type = Type::SIZE_T;

fn libc() -> Library {
    // SAFETY: it is already part of this program.
    unsafe { Library::open("libc.so.6") }.expect("libc.so.6, of the package libc6")
}

fn function<const N: usize>(name: &str, result: Type, arguments: [Type; N]) -> Function {
    let interface = CallInterface::new(result, arguments).expect("a C signature");
    Function::load(&libc(), name, &interface).expect("it is in the C library")
}

/// From ftw.h: do not follow symbolic links.
const FTW_PHYS: i32 = 1;

/// A struct that is sorted and searched.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
struct Record {
    key: i32,
    weight: f64,
}

fn records() -> Vec<Record> {
    (0..1000).map(|i| Record { key: (i * 7919) % 1000, weight: f64::from(i) / 4.0 }).collect()
}

fn by_key() -> Callback {
    Callback::new(|a: *const Record, b: *const Record| -> i32 {
        // SAFETY: the C library hands over pointers to two records of the array.
        unsafe { (*a).key.cmp(&(*b).key) as i32 }
    })
    .expect("a callback")
}

#[test]
fn qsort_and_bsearch_compare_structs_through_a_callback() {
    let mut sorted = records();
    let (compare, count, size) = (by_key(), sorted.len(), size_of::<Record>());
    let qsort = function("qsort", Type::VOID, [P, SIZE, SIZE, P]);
    let start = sorted.as_mut_ptr();
    // SAFETY: the array has that many records, and the callback compares records.
    unsafe { qsort.call::<()>(&[arg(&start), arg(&count), arg(&size), compare.arg()]) }
        .expect("the call fits");
    let mut expected = records();
    expected.sort_by_key(|record| record.key);
    assert_eq!(sorted, expected);

    let bsearch = function("bsearch", P, [P, P, SIZE, SIZE, P]);
    let start = sorted.as_ptr();
    for wanted in [0, 1, 499, 999] {
        let key = Record { key: wanted, weight: 0.0 };
        let key = &raw const key;
        let arguments = [arg(&key), arg(&start), arg(&count), arg(&size), compare.arg()];
        // SAFETY: as above.
        let found: *const Record = unsafe { bsearch.call(&arguments) }.expect("the call fits");
        // SAFETY: the keys are 0 to 999, so it is found.
        assert_eq!(unsafe { *found }, expected[wanted as usize]);
    }
    let none = Record { key: 1000, weight: 0.0 };
    let key = &raw const none;
    let arguments = [arg(&key), arg(&start), arg(&count), arg(&size), compare.arg()];
    // SAFETY: as above.
    let found: *const Record = unsafe { bsearch.call(&arguments) }.expect("the call fits");
    assert!(found.is_null());
}

#[test]
fn snprintf_takes_integers_doubles_and_strings_through_the_dots() {
    let types = [P, SIZE, P, INT, Type::F64, P, Type::I64, Type::F64, Type::U64, P, INT];
    let interface = CallInterface::variadic(INT, types, 3).expect("a C signature");
    let snprintf = Function::load(&libc(), "snprintf", &interface).expect("it is there");
    let mut buffer = [0_u8; 128];
    let (start, size) = (buffer.as_mut_ptr(), buffer.len());
    let format = c"%d|%.3f|%s|%lld|%e|%llx|%s|%c".as_ptr();
    let (text, other, mark) = (c"text".as_ptr(), c"other".as_ptr(), i32::from(b'!'));
    let arguments = [
        arg(&start),
        arg(&size),
        arg(&format),
        arg(&-42_i32),
        arg(&2.5_f64),
        arg(&text),
        arg(&i64::MIN),
        arg(&-0.125_f64),
        arg(&u64::MAX),
        arg(&other),
        arg(&mark),
    ];
    // SAFETY: the format asks for what is passed, and the buffer has that size.
    let length: i32 = unsafe { snprintf.call(&arguments) }.expect("the call fits");
    let expected = "-42|2.500|text|-9223372036854775808|-1.250000e-01|ffffffffffffffff|other|!";
    let written = CStr::from_bytes_until_nul(&buffer).expect("it ends in NUL");
    assert_eq!(written.to_str(), Ok(expected));
    assert_eq!(length as usize, expected.len());
}

#[test]
fn snprintf_finds_doubles_beyond_the_vector_registers_between_integers() {
    const PAIRS: usize = 10;
    let mut types = vec![P, SIZE, P];
    types.extend([INT, Type::F64].into_iter().cycle().take(2 * PAIRS));
    let interface = CallInterface::variadic(INT, types, 3).expect("a C signature");
    let snprintf = Function::load(&libc(), "snprintf", &interface).expect("it is there");
    let format = CString::new("%d:%.2f ".repeat(PAIRS)).expect("no NUL");
    let pairs: Vec<(i32, f64)> = (0..PAIRS as i32).map(|n| (-n, f64::from(n) * 1.25)).collect();
    let expected: String = pairs.iter().map(|(n, x)| format!("{n}:{x:.2} ")).collect();
    let mut buffer = [0_u8; 256];
    // The last one is too small: what is returned is the length that it would have taken.
    let (start, format) = (buffer.as_mut_ptr(), format.as_ptr());
    for size in [256, expected.len() + 1, 10] {
        let mut arguments = vec![arg(&start), arg(&size), arg(&format)];
        arguments.extend(pairs.iter().flat_map(|(n, x)| [arg(n), arg(x)]));
        // SAFETY: the format asks for what is passed, and the buffer has at least that size.
        let length: i32 = unsafe { snprintf.call(&arguments) }.expect("the call fits");
        let written = CStr::from_bytes_until_nul(&buffer).expect("it ends in NUL");
        assert_eq!(written.to_bytes(), &expected.as_bytes()[..expected.len().min(size - 1)]);
        assert_eq!(length as usize, expected.len());
    }
}

#[test]
fn strtod_returns_a_double_and_an_end_pointer() {
    let strtod = function("strtod", Type::F64, [P, P]);
    let text = c"-1.5e3 rest";
    let mut end: *mut c_char = std::ptr::null_mut();
    let (start, end_at) = (text.as_ptr(), &raw mut end);
    // SAFETY: a string, and a pointer to where the end goes.
    let value: f64 = unsafe { strtod.call(&[arg(&start), arg(&end_at)]) }.expect("it fits");
    assert_eq!(value, -1500.0);
    // SAFETY: the end is inside the string.
    assert_eq!(unsafe { CStr::from_ptr(end) }, c" rest");

    let huge = c"-1e999".as_ptr();
    // SAFETY: as above.
    let result = unsafe { strtod.call_errno::<f64>(&Context::new(), &[arg(&huge), arg(&end_at)]) };
    let result = result.expect("the call fits");
    assert_eq!((result.value, result.errno.0), (f64::NEG_INFINITY, libc::ERANGE));
}

#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
struct Quotient<T> {
    quot: T,
    rem: T,
}

macro_rules! quotient {
    ($int:ty, $name:literal) => {
        // SAFETY: `div_t` and `ldiv_t` have these two members, in this order in glibc.
        unsafe impl CType for Quotient<$int> {
            fn c_type() -> Type {
                static TYPE: LazyLock<Type> = LazyLock::new(|| {
                    let ty = <$int>::c_type();
                    let built = Type::structure($name).field("quot", ty.clone()).field("rem", ty);
                    built.build().expect("two integers")
                });
                TYPE.clone()
            }
        }
    };
}

quotient!(i32, "div_t");
quotient!(i64, "ldiv_t");

#[test]
fn div_and_ldiv_return_structs() {
    let div = function("div", Quotient::<i32>::c_type(), [INT, INT]);
    // SAFETY: `div_t div(int, int)`, and the divisor is not zero.
    let small: Quotient<i32> = unsafe { div.call(&[arg(&-17_i32), arg(&5_i32)]) }.expect("fits");
    assert_eq!(small, Quotient { quot: -3, rem: -2 });
    let ldiv = function("ldiv", Quotient::<i64>::c_type(), [Type::C_LONG, Type::C_LONG]);
    let big = 10_i64.pow(18) + 7;
    // SAFETY: `ldiv_t ldiv(long, long)`.
    let large: Quotient<i64> = unsafe { ldiv.call(&[arg(&big), arg(&10_i64)]) }.expect("fits");
    assert_eq!(large, Quotient { quot: 10_i64.pow(17), rem: 7 });
}

#[test]
fn nftw_calls_back_for_every_file_with_its_stat() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    std::fs::create_dir(directory.path().join("inner")).expect("it can be made");
    for (name, size) in [("a", 10_usize), ("inner/b", 300)] {
        std::fs::write(directory.path().join(name), vec![b'x'; size]).expect("it can be written");
    }
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    // int fn(const char *path, const struct stat *, int type, struct FTW { int base, level; } *)
    let visit = Callback::new(
        move |path: *const c_char,
              stat: *const libc::stat,
              kind: i32,
              ftw: *const [i32; 2]|
              -> i32 {
            // SAFETY: nftw hands over a string, a stat and its own struct of two ints.
            let (path, size, level) = unsafe { (CStr::from_ptr(path), (*stat).st_size, (*ftw)[1]) };
            let name = path.to_string_lossy().rsplit('/').next().map(String::from);
            if kind == 0 {
                sink.lock().expect("no panic").push((name.expect("a name"), size, level));
            }
            0
        },
    )
    .expect("a callback");
    let nftw = function("nftw", INT, [P, P, INT, INT]);
    let root = CString::new(directory.path().as_os_str().as_encoded_bytes()).expect("no NUL");
    let root_at = root.as_ptr();
    let arguments = [arg(&root_at), visit.arg(), arg(&16_i32), arg(&FTW_PHYS)];
    // SAFETY: the callback has the type that nftw calls it by.
    assert_eq!(unsafe { nftw.call::<i32>(&arguments) }, Ok(0));
    let mut seen = seen.lock().expect("no panic").clone();
    seen.sort();
    assert_eq!(seen, [("a".into(), 10, 1), ("b".into(), 300, 2)]);
}

#[test]
fn nftw_stops_at_what_its_callback_returns() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for name in ["a", "b", "c"] {
        std::fs::write(directory.path().join(name), b"").expect("it can be written");
    }
    let calls = Arc::new(AtomicI64::new(0));
    let count = Arc::clone(&calls);
    let second = Callback::dynamic(INT, [P, P, INT, P], move |_, result| {
        let before = count.fetch_add(1, Ordering::SeqCst);
        result.set(if before == 1 { -7 } else { 0 }).expect("it fits");
    })
    .expect("a callback");
    let nftw = function("nftw", INT, [P, P, INT, INT]);
    let root = CString::new(directory.path().as_os_str().as_encoded_bytes()).expect("no NUL");
    let root_at = root.as_ptr();
    let arguments = [arg(&root_at), second.arg(), arg(&16_i32), arg(&FTW_PHYS)];
    // SAFETY: the callback has the type that nftw calls it by.
    assert_eq!(unsafe { nftw.call::<i32>(&arguments) }, Ok(-7));
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[test]
fn scandir_filters_and_sorts_through_callbacks() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for name in ["c.txt", "a.txt", "b.txt", "skip"] {
        std::fs::write(directory.path().join(name), b"").expect("it can be written");
    }
    let keep = Callback::new(|entry: *const libc::dirent| -> i32 {
        // SAFETY: scandir hands over a directory entry, whose name is a string.
        let name = unsafe { CStr::from_ptr((*entry).d_name.as_ptr()) };
        i32::from(name.to_bytes().ends_with(b".txt"))
    })
    .expect("a callback");
    let backwards =
        Callback::new(|a: *const *const libc::dirent, b: *const *const libc::dirent| -> i32 {
            // SAFETY: scandir hands over pointers to pointers to entries, whose names are strings.
            let name =
                |at: *const *const libc::dirent| unsafe { CStr::from_ptr((**at).d_name.as_ptr()) };
            name(b).cmp(name(a)) as i32
        })
        .expect("a callback");
    let scandir = function("scandir", INT, [P, P, P, P]);
    let mut list: *mut *mut libc::dirent = std::ptr::null_mut();
    let root = CString::new(directory.path().as_os_str().as_encoded_bytes()).expect("no NUL");
    let root_at = root.as_ptr();
    let list_at = &raw mut list;
    let arguments = [arg(&root_at), arg(&list_at), keep.arg(), backwards.arg()];
    // SAFETY: the callbacks have the types that scandir calls them by.
    let count: i32 = unsafe { scandir.call(&arguments) }.expect("the call fits");
    let free = function("free", Type::VOID, [P]);
    let mut names = Vec::new();
    for index in 0..count as usize {
        // SAFETY: scandir made a list of `count` entries, each to be freed with it.
        unsafe {
            let entry = *list.add(index);
            names.push(CStr::from_ptr((*entry).d_name.as_ptr()).to_owned());
            free.call::<()>(&[arg(&entry)]).expect("the call fits");
        }
    }
    // SAFETY: as above.
    unsafe { free.call::<()>(&[arg(&list)]) }.expect("the call fits");
    assert_eq!(names, [c"c.txt", c"b.txt", c"a.txt"].map(CStr::to_owned));
}

#[test]
fn pthread_create_runs_a_callback_on_a_thread_that_rust_did_not_start() {
    let sum = Arc::new(AtomicI64::new(0));
    let other = Arc::new(Mutex::new(None));
    let (adds, id) = (Arc::clone(&sum), Arc::clone(&other));
    let body = Callback::new(move |argument: *mut i64| -> *mut i64 {
        // SAFETY: the argument is this test's own variable, which outlives the thread.
        adds.fetch_add(unsafe { *argument }, Ordering::SeqCst);
        *id.lock().expect("no panic") = Some(std::thread::current().id());
        argument.wrapping_add(1)
    })
    .expect("a callback");
    let create = function("pthread_create", INT, [P, P, P, P]);
    let join = function("pthread_join", INT, [Type::C_ULONG, P]);
    let mut value = 41_i64;
    let value_at = &raw mut value;
    for _ in 0..8 {
        let (mut thread, mut returned) = (0_u64, std::ptr::null_mut::<i64>());
        let (thread_at, returned_at) = (&raw mut thread, &raw mut returned);
        let none = std::ptr::null::<c_void>();
        let arguments = [arg(&thread_at), arg(&none), body.arg(), arg(&value_at)];
        // SAFETY: the callback is a thread's body, and lives until the thread is joined.
        unsafe {
            assert_eq!(create.call::<i32>(&arguments), Ok(0));
            assert_eq!(join.call::<i32>(&[arg(&thread), arg(&returned_at)]), Ok(0));
        }
        assert_eq!(returned, value_at.wrapping_add(1));
    }
    assert_eq!(sum.load(Ordering::SeqCst), 8 * 41);
    let other = *other.lock().expect("no panic");
    assert!(other.is_some_and(|id| id != std::thread::current().id()));
}

#[test]
fn environ_is_a_variable() {
    let library = libc();
    // SAFETY: `extern char **environ`.
    let environ = unsafe { library.variable::<*const *const c_char>("environ") };
    let environ = environ.expect("it is there");
    let mut found = Vec::new();
    // SAFETY: an array of strings that ends in null; no test of this program changes it.
    unsafe {
        let mut entry = **environ;
        while !(*entry).is_null() {
            found.push(CStr::from_ptr(*entry).to_bytes().to_vec());
            entry = entry.add(1);
        }
    }
    let expected: Vec<Vec<u8>> = std::env::vars_os()
        .map(|(name, value)| [name.as_encoded_bytes(), b"=", value.as_encoded_bytes()].concat())
        .collect();
    // Cargo sets some, so this is no comparison of nothing with nothing.
    assert!(!found.is_empty());
    assert_eq!(found, expected);
}

#[test]
fn errno_is_captured_and_reset() {
    let interface = CallInterface::variadic(INT, [P, INT], 2).expect("a C signature");
    let open = Function::load(&libc(), "open", &interface).expect("it is there");
    let name = c"/no/such/file".as_ptr();
    // SAFETY: a path and flags.
    let failed =
        unsafe { open.call_errno::<i32>(&Context::new(), &[arg(&name), arg(&libc::O_RDONLY)]) };
    let failed = failed.expect("the call fits");
    assert_eq!((failed.value, failed.errno.0), (-1, libc::ENOENT));
    let abs = function("abs", INT, [INT]);
    // SAFETY: `int abs(int)`.
    let fine = unsafe { abs.call_errno::<i32>(&Context::new(), &[arg(&-3_i32)]) };
    let fine = fine.expect("the call fits");
    assert_eq!((fine.value, fine.errno.0), (3, 0));
}

#[test]
fn the_mode_of_a_new_file_goes_through_the_dots() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("new");
    let interface = CallInterface::variadic(INT, [P, INT, Type::C_UINT], 2);
    let interface = interface.expect("a C signature");
    let open = Function::load(&libc(), "open", &interface).expect("it is there");
    let close = function("close", INT, [INT]);
    let name = CString::new(path.as_os_str().as_encoded_bytes()).expect("no NUL");
    let (name, flags) = (name.as_ptr(), libc::O_CREAT | libc::O_EXCL | libc::O_WRONLY);
    let arguments = [arg(&name), arg(&flags), arg(&0o400_u32)];
    let context = Context::new();
    // SAFETY: a path, flags, and the mode that `O_CREAT` asks for.
    let made = unsafe { open.call_errno::<i32>(&context, &arguments) }.expect("the call fits");
    assert!(made.value >= 0, "{}", made.errno);
    // SAFETY: the descriptor is this test's.
    assert_eq!(unsafe { close.call::<i32>(&[arg(&made.value)]) }, Ok(0));
    let mode = std::fs::metadata(&path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o7777, 0o400);
    // SAFETY: as above.
    let again = unsafe { open.call_errno::<i32>(&context, &arguments) }.expect("the call fits");
    assert_eq!((again.value, again.errno.0), (-1, libc::EEXIST));
}

#[test]
fn a_struct_of_unknown_type_is_received_as_bytes() {
    let ty = Type::structure("pair").field("v", array(INT, 2)).build().expect("a C type");
    let div = function("div", ty, [INT, INT]);
    let mut bytes = [std::mem::MaybeUninit::uninit(); 8];
    // SAFETY: `div_t div(int, int)`.
    unsafe { div.call_into(&[arg(&17_i32), arg(&5_i32)], &mut bytes) }.expect("the call fits");
    // SAFETY: the call wrote all eight bytes.
    let bytes = bytes.map(|byte| unsafe { byte.assume_init() });
    assert_eq!(bytes, [3, 0, 0, 0, 2, 0, 0, 0]);
}
