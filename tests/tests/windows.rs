//! Windows' C library and its system functions, called and calling back.
#![cfg(windows)]

use ffi::{
    CType, CallError, CallInterface, Callback, CancelFlag, Context, Function, LastError, Library,
    Type, arg,
};
use ffi_tests::system::{self, SNPRINTF, function, load, mathematics};
use std::ffi::{CStr, CString, c_char, c_void};
use std::io::{ErrorKind, Write};
use std::os::windows::io::AsRawHandle;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Barrier, LazyLock};
use std::time::{Duration, Instant};

const P: Type = Type::POINTER;
const INT: Type = Type::C_INT;
const SIZE: Type = Type::SIZE_T;
const DWORD: Type = Type::U32;
const BOOL: Type = Type::C_INT;
const NULL: *const c_void = std::ptr::null();

const FILE_NOT_FOUND: u32 = 2;
const INVALID_HANDLE: u32 = 6;
const GENERIC_READ: u32 = 0x8000_0000;
const OPEN_EXISTING: u32 = 3;

fn kernel32<const N: usize>(name: &str, result: Type, arguments: [Type; N]) -> Function {
    // SAFETY: it is already part of this program.
    let kernel32 = unsafe { Library::open("kernel32.dll") }.expect("Windows has it");
    let interface = CallInterface::new(result, arguments).expect("a C signature");
    Function::load(&kernel32, name, &interface).expect("it is in kernel32")
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
struct Record {
    key: i32,
    weight: f64,
}

#[test]
fn qsort_and_bsearch_compare_structs_through_a_callback() {
    let record = |i: i32| Record { key: (i * 7919) % 1000, weight: f64::from(i) / 4.0 };
    let mut sorted: Vec<Record> = (0..1000).map(record).collect();
    let mut expected = sorted.clone();
    expected.sort_by_key(|record| record.key);
    let compare = Callback::new(|a: *const Record, b: *const Record| -> i32 {
        // SAFETY: the C library hands over pointers to two records of the array.
        unsafe { (*a).key.cmp(&(*b).key) as i32 }
    })
    .expect("a callback");
    let (count, size, start) = (sorted.len(), size_of::<Record>(), sorted.as_mut_ptr());
    let qsort = function("qsort", Type::VOID, [P, SIZE, SIZE, P]);
    // SAFETY: the array has that many records, and the callback compares records.
    unsafe { qsort.call::<()>(&[arg(&start), arg(&count), arg(&size), compare.arg()]) }
        .expect("the call fits");
    assert_eq!(sorted, expected);

    // Five arguments: the callback is on the stack.
    let bsearch = function("bsearch", P, [P, P, SIZE, SIZE, P]);
    let start = sorted.as_ptr();
    for (wanted, there) in [(0, true), (499, true), (999, true), (1000, false)] {
        let key = Record { key: wanted, weight: 0.0 };
        let key = &raw const key;
        let arguments = [arg(&key), arg(&start), arg(&count), arg(&size), compare.arg()];
        // SAFETY: as above.
        let found: *const Record = unsafe { bsearch.call(&arguments) }.expect("the call fits");
        // SAFETY: it is null, or one of the records.
        let found = unsafe { found.as_ref() };
        assert_eq!(found, there.then(|| &expected[wanted as usize]));
    }
}

#[test]
fn snprintf_takes_integers_doubles_and_strings_through_the_dots() {
    // The fourth is in a register, a double in two of them; the rest is on the stack.
    for first in [Type::F64, INT] {
        let types =
            [P, SIZE, P, first.clone(), INT, P, Type::I64, Type::F64, Type::U64, P, Type::F64, INT];
        let interface = CallInterface::variadic(INT, types, 3).expect("a C signature");
        let snprintf = load(SNPRINTF, &interface);
        let mut buffer = [0_u8; 128];
        let (start, size) = (buffer.as_mut_ptr(), buffer.len());
        let double = first == Type::F64;
        let format =
            format!("{}|%d|%s|%I64d|%.2f|%I64x|%s|%.1f|%c", if double { "%.3f" } else { "%d" });
        let format = CString::new(format).expect("no NUL");
        let (format, text, other) = (format.as_ptr(), c"text".as_ptr(), c"other".as_ptr());
        let (x, n) = (2.5_f64, 25_i32);
        let arguments = [
            arg(&start),
            arg(&size),
            arg(&format),
            if double { arg(&x) } else { arg(&n) },
            arg(&-42_i32),
            arg(&text),
            arg(&i64::MIN),
            arg(&-0.75_f64),
            arg(&u64::MAX),
            arg(&other),
            arg(&1e6_f64),
            arg(&33_i32),
        ];
        // SAFETY: the format asks for what is passed, and the buffer has that size.
        let length: i32 = unsafe { snprintf.call(&arguments) }.expect("the call fits");
        let first = if double { "2.500" } else { "25" };
        let rest = "-42|text|-9223372036854775808|-0.75|ffffffffffffffff|other|1000000.0|!";
        let written = CStr::from_bytes_until_nul(&buffer).expect("it ends in NUL");
        let written = written.to_str().expect("ASCII");
        assert_eq!(written, format!("{first}|{rest}"));
        assert_eq!(length as usize, written.len());
    }
}

#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
struct Quotient<T> {
    quot: T,
    rem: T,
}

macro_rules! quotient {
    ($int:ty) => {
        // SAFETY: `div_t`, `ldiv_t` and `lldiv_t` have these two members, in this order.
        unsafe impl CType for Quotient<$int> {
            fn c_type() -> Type {
                static TYPE: LazyLock<Type> = LazyLock::new(|| {
                    let ty = <$int>::c_type();
                    let built = Type::structure("div").field("quot", ty.clone()).field("rem", ty);
                    built.build().expect("two integers")
                });
                TYPE.clone()
            }
        }
    };
}

quotient!(i32);
quotient!(i64);

#[test]
fn div_and_its_like_return_structs_in_a_register_and_in_memory() {
    let small = Quotient::<i32>::c_type();
    let div = function("div", small.clone(), [INT, INT]);
    // SAFETY: `div_t div(int, int)`, and the divisor is not zero.
    let result: Quotient<i32> = unsafe { div.call(&[arg(&-17_i32), arg(&5_i32)]) }.expect("fits");
    assert_eq!(result, Quotient { quot: -3, rem: -2 });
    // A `long` has four bytes here.
    let ldiv = function("ldiv", small, [Type::C_LONG, Type::C_LONG]);
    // SAFETY: `ldiv_t ldiv(long, long)`.
    let result: Quotient<i32> =
        unsafe { ldiv.call(&[arg(&i32::MIN), arg(&10_i32)]) }.expect("fits");
    assert_eq!(result, Quotient { quot: -214_748_364, rem: -8 });

    let types = [Type::C_LONG_LONG, Type::C_LONG_LONG];
    let interface = CallInterface::new(Quotient::<i64>::c_type(), types).expect("a C signature");
    // The newer of the C libraries has it; the mathematics is in that one.
    let lldiv = Function::load(&mathematics(), "lldiv", &interface).expect("it is there");
    let big = 10_i64.pow(18) + 7;
    // SAFETY: `lldiv_t lldiv(long long, long long)`.
    let result: Quotient<i64> = unsafe { lldiv.call(&[arg(&big), arg(&10_i64)]) }.expect("fits");
    assert_eq!(result, Quotient { quot: 10_i64.pow(17), rem: 7 });
}

#[test]
fn doubles_come_and_go() {
    let pow = function("pow", Type::F64, [Type::F64, Type::F64]);
    // SAFETY: `double pow(double, double)`.
    assert_eq!(unsafe { pow.call::<f64>(&[arg(&2.0_f64), arg(&-3.0_f64)]) }, Ok(0.125));

    let strtod = function("strtod", Type::F64, [P, P]);
    let text = c"-1.5e3 rest";
    let mut end: *mut c_char = std::ptr::null_mut();
    let (start, end_at) = (text.as_ptr(), &raw mut end);
    // SAFETY: a string, and a pointer to where the end goes.
    let value: f64 = unsafe { strtod.call(&[arg(&start), arg(&end_at)]) }.expect("it fits");
    assert_eq!(value, -1500.0);
    // SAFETY: the end is inside the string.
    assert_eq!(unsafe { CStr::from_ptr(end) }, c" rest");
}

#[test]
fn errno_is_the_c_librarys_and_has_its_text() {
    let interface = CallInterface::variadic(INT, [P, INT], 2).expect("a C signature");
    let open = load("_open", &interface);
    let (name, flags, context) = (c"no such file".as_ptr(), 0_i32, Context::new());
    // SAFETY: a path and flags.
    let failed = unsafe { open.call_errno::<i32>(&context, &[arg(&name), arg(&flags)]) };
    let failed = failed.expect("the call fits");
    assert_eq!((failed.value, failed.errno.0), (-1, libc::ENOENT));
    assert_eq!(failed.errno.to_string(), "No such file or directory (errno 2)");
    assert_eq!(std::io::Error::from(failed.errno).kind(), ErrorKind::NotFound);

    // 17 is EEXIST to C, and to Windows ERROR_NOT_SAME_DEVICE.
    let mkdir = function("_mkdir", INT, [P]);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let directory = CString::new(directory.path().to_str().expect("text")).expect("no NUL");
    let name = directory.as_ptr();
    // SAFETY: a path.
    let failed = unsafe { mkdir.call_errno::<i32>(&context, &[arg(&name)]) };
    let failed = failed.expect("the call fits");
    assert_eq!((failed.value, failed.errno.0), (-1, libc::EEXIST));
    assert_eq!(failed.errno.to_string(), "File exists (errno 17)");
    assert_eq!(std::io::Error::from(failed.errno).kind(), ErrorKind::AlreadyExists);

    let abs = function("abs", INT, [INT]);
    // SAFETY: `int abs(int)`.
    let fine = unsafe { abs.call_errno::<i32>(&context, &[arg(&-3_i32)]) }.expect("it fits");
    assert_eq!((fine.value, fine.errno.0, fine.errno.to_string().as_str()), (3, 0, "no error"));
}

#[test]
fn processes_time_and_strings() {
    let process = kernel32("GetCurrentProcessId", DWORD, []);
    // SAFETY: `DWORD GetCurrentProcessId(void)`.
    assert_eq!(unsafe { process.call::<u32>(&[]) }, Ok(std::process::id()));

    let ticks = kernel32("GetTickCount64", Type::U64, []);
    let sleep = kernel32("Sleep", Type::VOID, [DWORD]);
    let start = Instant::now();
    // SAFETY: `ULONGLONG GetTickCount64(void)` and `void Sleep(DWORD)`.
    let [before, after] = unsafe {
        let before = ticks.call::<u64>(&[]).expect("it fits");
        sleep.call::<()>(&[arg(&60_u32)]).expect("it fits");
        [before, ticks.call::<u64>(&[]).expect("it fits")]
    };
    // The clock of ticks goes by steps of up to 16 milliseconds.
    assert!(start.elapsed() >= Duration::from_millis(44));
    assert!((44..60_000).contains(&(after - before)), "{before} to {after}");

    let length = kernel32("lstrlenW", INT, [P]);
    for (text, units) in [("", 0), ("Windows", 7), ("\u{e4}\u{1f4a5}", 3)] {
        let text = wide(text);
        let text = text.as_ptr();
        // SAFETY: `int lstrlenW(LPCWSTR)`, and the string ends in NUL.
        assert_eq!(unsafe { length.call::<i32>(&[arg(&text)]) }, Ok(units));
    }
}

/// `CreateFileW`, whose last three arguments are on the stack.
fn create_file(name: &str, context: &Context) -> Result<(isize, LastError), CallError> {
    let create = kernel32("CreateFileW", P, [P, DWORD, DWORD, P, DWORD, DWORD, P]);
    let (name, zero) = (wide(name), 0_u32);
    let name = name.as_ptr();
    let arguments = [
        arg(&name),
        arg(&GENERIC_READ),
        arg(&zero),
        arg(&NULL),
        arg(&OPEN_EXISTING),
        arg(&zero),
        arg(&NULL),
    ];
    // SAFETY: a path that ends in NUL, and neither security attributes nor a template.
    let result = unsafe { create.call_last_error::<*const c_void>(context, &arguments) }?;
    Ok((result.value.addr().cast_signed(), result.last_error))
}

#[test]
fn the_last_error_is_captured() {
    let (file, error) = create_file(r"C:\no such file", &Context::new()).expect("it fits");
    assert_eq!((file, error), (-1, LastError(FILE_NOT_FOUND)));
    let system = std::io::Error::from(error);
    assert_eq!((system.raw_os_error(), system.kind()), (Some(2), ErrorKind::NotFound));
    assert_eq!(error.to_string(), system.to_string());
    assert!(error.to_string().ends_with(" (os error 2)"), "{error}");

    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("there");
    std::fs::write(&path, b"").expect("it can be written");
    let (file, error) = create_file(path.to_str().expect("text"), &Context::new()).expect("fits");
    assert!(file > 0);
    assert_eq!((error, error.to_string().as_str()), (LastError(0), "no error"));
    let close = kernel32("CloseHandle", BOOL, [P]);
    // SAFETY: the handle is this test's.
    let closed = unsafe { close.call_last_error::<i32>(&Context::new(), &[arg(&file)]) };
    assert!(matches!(closed, Ok(closed) if closed.value != 0 && closed.last_error.0 == 0));
}

#[test]
fn the_last_error_is_of_this_call_alone() {
    let (set, context) = (kernel32("SetLastError", Type::VOID, [DWORD]), Context::new());
    for code in [5_u32, 1234, u32::MAX, 0] {
        // SAFETY: `void SetLastError(DWORD)`.
        let left = unsafe { set.call_last_error::<()>(&context, &[arg(&code)]) };
        assert_eq!(left.expect("it fits").last_error, LastError(code));
        // SAFETY: as above; what this leaves is not of the call below.
        unsafe { set.call::<()>(&[arg(&code)]) }.expect("it fits");
        let process = kernel32("GetCurrentProcessId", DWORD, []);
        // SAFETY: `DWORD GetCurrentProcessId(void)`.
        let process = unsafe { process.call_last_error::<u32>(&context, &[]) }.expect("it fits");
        assert_eq!((process.value, process.last_error), (std::process::id(), LastError(0)));
    }
    // A call that does not start.
    let flag = CancelFlag::new();
    flag.cancel();
    let refused = create_file("x", &Context::new().cancelled_by(&flag));
    assert_eq!(refused, Err(CallError::Cancelled));
    // SAFETY: the number of arguments is wrong, so nothing is called.
    assert!(unsafe { set.call_last_error::<()>(&context, &[]) }.is_err());
}

#[test]
fn the_last_error_is_each_threads_own() {
    let close = kernel32("CloseHandle", BOOL, [P]);
    let start = Barrier::new(4);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (close, start) = (&close, &start);
            scope.spawn(move || {
                start.wait();
                for _ in 0..200 {
                    if thread % 2 == 0 {
                        let found = create_file(r"C:\no such file", &Context::new());
                        assert_eq!(found, Ok((-1, LastError(FILE_NOT_FOUND))));
                        continue;
                    }
                    // SAFETY: no handle is null.
                    let closed =
                        unsafe { close.call_last_error::<i32>(&Context::new(), &[arg(&NULL)]) };
                    let closed = closed.expect("it fits");
                    assert_eq!((closed.value, closed.last_error), (0, LastError(INVALID_HANDLE)));
                }
            });
        }
    });
}

/// `LARGE_INTEGER`, a union that is passed by value in a register.
#[test]
fn a_union_by_value() {
    let halves = Type::anonymous_structure().field("LowPart", DWORD).field("HighPart", Type::I32);
    let large = Type::union("_LARGE_INTEGER")
        .field("u", halves.build().expect("a struct"))
        .field("QuadPart", Type::I64)
        .build()
        .expect("a union");
    let set = kernel32("SetFilePointerEx", BOOL, [P, large, P, DWORD]);
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(b"0123456789").expect("it can be written");
    let (handle, mut at) = (file.as_raw_handle(), 0_i64);
    let at_pointer = &raw mut at;
    for (distance, from, expected) in [(4_i64, 0_u32, 4), (-3, 1, 1), (1 << 40, 2, 10 + (1 << 40))]
    {
        let distance = distance.to_ne_bytes();
        let arguments = [arg(&handle), ffi::Arg::bytes(&distance), arg(&at_pointer), arg(&from)];
        // SAFETY: the handle is of a file, and the pointer to where its position goes.
        let moved = unsafe { set.call::<i32>(&arguments) }.expect("it fits");
        assert_ne!(moved, 0);
        assert_eq!(at, expected);
    }
}

#[test]
fn the_system_calls_back_for_every_locale_until_it_is_told_to_stop() {
    const INSTALLED: u32 = 1;
    let seen = Arc::new(AtomicI32::new(0));
    let enumerate = kernel32("EnumSystemLocalesA", BOOL, [P, DWORD]);
    let run = |most: i32| {
        let count = Arc::clone(&seen);
        count.store(0, Ordering::SeqCst);
        // BOOL CALLBACK (LPSTR): the locale's number, as eight hexadecimal digits.
        let each = Callback::new(move |name: *const c_char| -> i32 {
            // SAFETY: Windows hands over a string.
            let name = unsafe { CStr::from_ptr(name) }.to_bytes();
            assert!(name.len() == 8 && name.iter().all(u8::is_ascii_hexdigit), "{name:?}");
            i32::from(count.fetch_add(1, Ordering::SeqCst) + 1 < most)
        })
        .expect("a callback");
        // SAFETY: the callback has the type that Windows calls it by.
        let done = unsafe { enumerate.call::<i32>(&[each.arg(), arg(&INSTALLED)]) };
        assert_eq!(done, Ok(1));
        seen.load(Ordering::SeqCst)
    };
    assert_eq!(run(2), 2);
    assert!(run(i32::MAX) > 2);
}

#[test]
fn a_function_of_no_library_is_an_error_with_windows_number() {
    let interface = CallInterface::new(Type::VOID, []).expect("a C signature");
    let error = Function::load(&system::c_library(), "nope", &interface).expect_err("not there");
    assert_eq!((error.reason, error.raw_os_error()), (ffi::Reason::NotFound, Some(127)));
}
