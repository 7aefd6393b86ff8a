//! Objects that clang compiled for macOS and Windows on AArch64, loaded and run under Linux.
//!
//! Only integers and pointers go between Rust and C here, few enough that the calling conventions
//! agree on them; what they disagree on stays between two functions of the same object.

#![cfg(all(target_arch = "aarch64", target_os = "linux"))]

use ffi_tests::foreign::Mapped;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::io::Write;
use std::process::{Command, Stdio};

const FORMATS: [&str; 2] = ["arm64-apple-macos11", "aarch64-pc-windows-msvc"];
const FLAGS: [&[&str]; 5] = [&["-O0"], &["-O1"], &["-O2"], &["-O2", "-fcommon"], &["-O1", "-g"]];

/// `extern int twice(int)` and what string.h declares are imported.
const SOURCE: &str = r#"
typedef long long i64;
typedef __attribute__((vector_size(16))) int Quad;
void *memcpy(void *, const void *, __SIZE_TYPE__);
void *memset(void *, int, __SIZE_TYPE__);
int twice(int);

unsigned char *record_to;
const unsigned char *result_from;

/* One access of each size, and a sum that shows from where each came. The padding moves them to
   offsets that are not multiples of larger units. */
char padding = 1;
signed char byte = 2;
short half = 30;
int word = 400;
i64 quarter_page[512] = {5000};
i64 last = 60000;
Quad quad = {100000, 200000, 300000, 400000};
i64 sizes(void) {
    Quad q = quad;
    return padding + byte + half + word + quarter_page[0] + last + q[0] + q[1] + q[2] + q[3];
}
void set_sizes(int to) {
    byte = to, half = to, word = to, last = to;
    quad = (Quad){to, to, to, to};
}
float single = 0.5f;
double twofold = 1.5;
int floats(void) { return (int)(single * 4 + twofold * 20); }

int zeroed;
static int zeros[5000];
static int count_up(int i) { return ++zeros[i] + ++zeroed; }
int count(int i) { return count_up(i) * 100 + count_up(i + 1); }
static int sum_of_zeros(void) {
    int sum = 0;
    for (int i = 0; i < 5000; i++) sum += zeros[i];
    return sum;
}
int zeros_are_zero(void) { return sum_of_zeros() == 0 && zeroed == 0; }
int *inside(void) { return &zeros[4000]; }
int *(*get_inside)(void) = inside;
int *pointer_inside = &zeros[4000];
int inside_agrees(void) { return get_inside() == pointer_inside && pointer_inside - zeros == 4000; }

struct Four { double a, b, c, d; };
struct Vectors { Quad a, b; };
__attribute__((noinline)) static struct Four four(void) {
    return (struct Four){1.5, -2.25, 1e300, 0.3125};
}
__attribute__((noinline)) static struct Vectors vectors(void) {
    return (struct Vectors){{1, 2, 3, 4}, {-5, 60, -700, 8000}};
}
void constants(void) {
    struct Four f = four();
    struct Vectors v = vectors();
    memcpy(record_to, &f, sizeof f);
    memcpy(record_to + sizeof f, &v, sizeof v);
}

const char *name(int i) {
    static const char *const names[] = {"zero", "one", "two", "a longer name than the others"};
    return names[i];
}
const char *greeting(void) { return "hello, world"; }
static const unsigned short table[] = {11, 222, 3333, 44444};
int table_at(int i) { return table[i]; }
i64 switched(int i, i64 *p) {
    switch (i) {
    case 0: return p[3];
    case 1: return *p = 4;
    case 2: return zeros[*p]++;
    case 3: return twice(5);
    case 4: return *p * p[2];
    case 5: return (i64)four().a;
    case 6: return 77 + *p;
    case 7: p[1] = 9; return p[0];
    default: return -1;
    }
}

struct Large { unsigned char bytes[3000]; };
__attribute__((noinline)) static struct Large copied(struct Large large) {
    memcpy(record_to, &large, sizeof large);
    large.bytes[0]++;
    return large;
}
void copy(void) {
    struct Large large = *(const struct Large *)result_from;
    large = copied(large);
    memcpy(record_to + sizeof large, &large, sizeof large);
}
void clear(void) { memset(record_to, 0, 3000); }

struct Pair { double x, y; };
/* No pair is split between x7 and the stack: clang's callers and callees disagree on that. */
__attribute__((noinline)) static int mixed(int n, ...) {
    __builtin_va_list list;
    __builtin_va_start(list, n);
    int sum = 0;
    while (n--) {
        sum += __builtin_va_arg(list, int);
        struct Pair pair = __builtin_va_arg(list, struct Pair);
        sum += (int)(pair.x * pair.y);
        sum += (int)__builtin_va_arg(list, double);
    }
    __builtin_va_end(list);
    return sum;
}
int variadic(void) {
    struct Pair a = {2, 300}, b = {4, 5000};
    return mixed(2, 1, a, 10.0, 2, b, 30.0);
}

i64 call(i64 (*callback)(i64, int), i64 value) { return callback(value, 7) + 1; }
int call_import(int value) { return twice(value) * 10; }
int (*imported)(int) = twice;
int call_imports_address(int value) { return imported(value) * 10; }
typedef int (*Imported)(int);
Imported address_of_import(void) { return twice; }
"#;

/// The object file that clang makes of the source.
fn compile(target: &str, flags: &[&str], source: &str) -> Vec<u8> {
    let mut clang = Command::new("clang-22")
        .arg(format!("--target={target}"))
        .args(["-ffreestanding", "-fno-stack-protector"])
        .arg("-mno-stack-arg-probe")
        .args(flags)
        .args(["-c", "-x", "c", "-o", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("clang-22 is installed");
    let mut input = clang.stdin.take().expect("it is piped");
    input.write_all(source.as_bytes()).expect("clang reads all of it");
    drop(input);
    let output = clang.wait_with_output().expect("clang ends");
    assert!(output.status.success(), "clang rejects the source");
    output.stdout
}

extern "C" fn twice(value: c_int) -> c_int {
    value * 2
}

extern "C" fn minus(value: i64, other: c_int) -> i64 {
    value - i64::from(other)
}

/// A function of the object, or its variable's address.
///
/// # Safety
/// `T` is a pointer that the symbol's address may be used as.
unsafe fn get<T: Copy>(mapped: &Mapped, name: &str) -> T {
    let address = mapped.symbol(name).unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(size_of::<T>(), size_of_val(&address));
    // SAFETY: the caller's.
    unsafe { std::mem::transmute_copy(&address) }
}

type Unit = unsafe extern "C" fn();
type Get = unsafe extern "C" fn() -> c_int;
type Map = unsafe extern "C" fn(c_int) -> c_int;

fn load(target: &str, flags: &[&str]) -> Mapped {
    let imports = [
        ("memcpy", libc::memcpy as *const c_void),
        ("memset", libc::memset as *const c_void),
        ("bzero", bzero as *const c_void),
        ("twice", twice as *const c_void),
    ];
    Mapped::load(&compile(target, flags, SOURCE), &imports)
}

/// LLVM has `memset` to zero call it on macOS.
unsafe extern "C" fn bzero(to: *mut c_void, size: usize) {
    // SAFETY: the caller's memory is this large.
    unsafe { libc::memset(to, 0, size) };
}

fn for_each(test: impl Fn(&Mapped)) {
    for target in FORMATS {
        for flags in FLAGS {
            eprintln!("{target} {flags:?}");
            test(&load(target, flags));
        }
    }
}

#[test]
fn data_is_reached_in_units_of_every_size() {
    for_each(|mapped| {
        // SAFETY: the functions have these types.
        unsafe {
            assert_eq!(get::<unsafe extern "C" fn() -> i64>(mapped, "sizes")(), 1_065_433);
            get::<unsafe extern "C" fn(c_int)>(mapped, "set_sizes")(-3);
            assert_eq!(get::<unsafe extern "C" fn() -> i64>(mapped, "sizes")(), 5001 - 8 * 3);
            assert_eq!(*get::<*const c_int>(mapped, "word"), -3);
            assert_eq!(get::<Get>(mapped, "floats")(), 32);
        }
    });
}

#[test]
fn zeroed_data_is_zero_and_can_be_written() {
    for_each(|mapped| {
        // SAFETY: the functions have these types.
        unsafe {
            assert_eq!(get::<Get>(mapped, "zeros_are_zero")(), 1);
            let count = get::<Map>(mapped, "count");
            assert_eq!(count(4000), 203);
            assert_eq!(*get::<*const c_int>(mapped, "zeroed"), 2);
            assert_eq!(count(4000), 506);
            assert_eq!(*get::<unsafe extern "C" fn() -> *const c_int>(mapped, "inside")(), 2);
            assert_eq!(get::<Get>(mapped, "inside_agrees")(), 1);
        }
    });
}

#[test]
fn constants_are_where_the_code_reads_them() {
    for_each(|mapped| {
        let mut record = [0_u8; 64];
        let mut numbers = [10_i64, 20, 30, 40];
        // SAFETY: the functions have these types, and `constants` writes 64 bytes.
        unsafe {
            *get::<*mut *mut u8>(mapped, "record_to") = record.as_mut_ptr();
            get::<Unit>(mapped, "constants")();
            let text = |pointer: *const c_char| CStr::from_ptr(pointer).to_str();
            let name = get::<unsafe extern "C" fn(c_int) -> *const c_char>(mapped, "name");
            let names = ["zero", "one", "two", "a longer name than the others"];
            assert_eq!([0, 1, 2, 3].map(|i| text(name(i))), names.map(Ok));
            let greeting = get::<unsafe extern "C" fn() -> *const c_char>(mapped, "greeting");
            assert_eq!(text(greeting()), Ok("hello, world"));
            let table_at = get::<Map>(mapped, "table_at");
            assert_eq!([0, 1, 2, 3].map(|i| table_at(i)), [11, 222, 3333, 44444]);
            let switched = get::<unsafe extern "C" fn(c_int, *mut i64) -> i64>(mapped, "switched");
            let results = [0, 2, 3, 4, 5, 6, 7, 8, 1].map(|i| switched(i, numbers.as_mut_ptr()));
            assert_eq!(results, [40, 0, 10, 300, 1, 87, 10, -1, 4]);
        }
        assert_eq!(numbers, [4, 9, 30, 40]);
        let mut expected = Vec::new();
        for number in [1.5, -2.25, 1e300, 0.3125_f64] {
            expected.extend(number.to_le_bytes());
        }
        for number in [1, 2, 3, 4, -5, 60, -700, 8000_i32] {
            expected.extend(number.to_le_bytes());
        }
        assert_eq!(record[..], expected[..]);
    });
}

#[test]
fn large_structs_are_copied_by_the_imports() {
    for_each(|mapped| {
        let from: Vec<u8> = (0..3000_u32).map(|i| (i % 251) as u8).collect();
        let mut record = vec![0xff_u8; 6000];
        // SAFETY: the functions have these types and copy 3000 bytes, one of them twice.
        unsafe {
            *get::<*mut *mut u8>(mapped, "record_to") = record.as_mut_ptr();
            *get::<*mut *const u8>(mapped, "result_from") = from.as_ptr();
            get::<Unit>(mapped, "copy")();
            assert_eq!(record[..3000], from);
            assert_eq!(record[3000], from[0] + 1);
            assert_eq!(record[3001..], from[1..]);
            get::<Unit>(mapped, "clear")();
        }
        assert!(record[..3000].iter().all(|byte| *byte == 0));
        assert_eq!(record[3001..], from[1..]);
    });
}

#[test]
fn calls_within_out_of_and_back_into_the_object() {
    for_each(|mapped| {
        // SAFETY: the functions have these types.
        unsafe {
            assert_eq!(get::<Get>(mapped, "variadic")(), 20_643);
            type Back = unsafe extern "C" fn(extern "C" fn(i64, c_int) -> i64, i64) -> i64;
            assert_eq!(get::<Back>(mapped, "call")(minus, 1 << 40), (1 << 40) - 6);
            assert_eq!(get::<Map>(mapped, "call_import")(21), 420);
            assert_eq!(get::<Map>(mapped, "call_imports_address")(21), 420);
            assert_eq!(get::<unsafe extern "C" fn() -> Map>(mapped, "address_of_import")()(8), 16);
        }
    });
}

#[test]
fn only_what_is_defined_has_an_address() {
    for_each(|mapped| {
        for name in ["twice", "memcpy", "_call", "four", ""] {
            assert_eq!(mapped.symbol(name), None, "{name}");
        }
    });
}

/// clang has no use for this relocation in C; assembly does.
#[test]
fn distances_between_sections_are_those_of_the_mapping() {
    let source = r#"
        int target = 5;
        extern const int distance;
        __asm__(".section .rdata,\"dr\"\n.globl distance\ndistance: .long target + 8 - .");
        const char *field(void) { return (const char *)&distance + distance; }
    "#;
    let mapped = Mapped::load(&compile(FORMATS[1], &["-O1"], source), &[]);
    // SAFETY: the source defines them with these types.
    unsafe {
        let field = get::<unsafe extern "C" fn() -> *const u8>(&mapped, "field");
        assert_eq!(field(), get::<*const u8>(&mapped, "target").wrapping_add(8));
    }
}

#[test]
#[should_panic(expected = "missing is neither defined nor imported")]
fn an_unknown_import_is_named() {
    let source = "void missing(void); void f(void) { missing(); }";
    Mapped::load(&compile(FORMATS[0], &["-O1"], source), &[]);
}

#[test]
#[should_panic(expected = "unknown relocation")]
fn an_unknown_relocation_is_refused() {
    let source = "_Thread_local int i; int f(void) { return i; }";
    Mapped::load(&compile(FORMATS[0], &["-O1"], source), &[]);
}
