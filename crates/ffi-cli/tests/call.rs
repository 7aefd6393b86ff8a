//! `ffi call` as a process, on real libraries.
#![cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]

mod support;

use support::{failure, ffi, output};

/// What `ffi call` prints for each line of arguments.
#[test]
fn values_of_every_kind_go_in_and_out() {
    const POINT: &str = "typedef struct { int q, r; } div_t; div_t div(int, int)";
    const TM: &str = "struct tm { int sec, min, hour, mday, mon, year, wday, yday, isdst; \
                      long off; const char *zone; }; char *asctime(const struct tm *)";
    const COMPRESS: &str =
        "int compress(unsigned char *to, unsigned long *n, const char *from, unsigned long len)";
    let cases: &[(&[&str], &str)] = &[
        (&["libm.so.6", "double cbrt(double)", "27"], "3\n"),
        (&["m", "double cbrt(double x);", "-1e3"], "-10\n"),
        (&["libm", "float sqrtf(float)", "0x10"], "4\n"),
        (&["m", "double sqrt(double)", "inf"], "inf\n"),
        (&["c", "int abs(int)", "-5"], "5\n"),
        (&["c", "int abs(int)", "-0x1f"], "31\n"),
        (&["c", "int abs(int)", "--", "-0b11"], "3\n"),
        (&["m", "double fabs(double)", "-.5", "--exact"], "0.5\n"),
        (&["m", "double fabs(double)", "-Inf"], "inf\n"),
        (&["m", "double complex conj(double complex)", "-1-2i"], "-1+2i\n"),
        (&["c", "int atoi(const char *)", "-42nd"], "-42\n"),
        (&["c", "int abs(int)", "0b101"], "5\n"),
        (&["c", "int abs(int)", "052"], "42\n"),
        (&["c", "int toupper(int)", "'a'"], "65\n"),
        (&["c", "enum e { A = 7, B }; enum e abs(enum e)", "B"], "B (8)\n"),
        (&["c", "unsigned char abs(unsigned char)", "255"], "255\n"),
        (&["c", "_Bool abs(_Bool)", "true"], "true\n"),
        (&["c", "char toupper(char)", "'a'"], "65 'A'\n"),
        (&["c", "long atol(const char *)", "123456789012"], "123456789012\n"),
        (&["c", "size_t strlen(const char *)", "hello"], "5\n"),
        (&["c", "size_t strlen(const char *)", r#""a\tb\x41""#], "4\n"),
        (&["c", "char *strchr(const char *, int)", "hello", "'l'"], "\"llo\"\n"),
        (&["c", "char *strchr(const char *, int)", "hello", "'x'"], "NULL\n"),
        (&["c", "size_t wcslen(const wchar_t *)", "\"h\u{e9}llo\""], "5\n"),
        (&["m", "double frexp(double, int *)", "10", "&int"], "0.625\n&int = 4\n"),
        (&["m", "double frexp(double, int *e)", "10", "&"], "0.625\n&int = 4\n"),
        (&["m", "double modf(double, double *)", "-2.5", "&0"], "-0.5\n&double = -2\n"),
        (&["c", POINT, "17", "5"], "{.q = 3, .r = 2}\n"),
        (&["c", TM, "{1, 2, 3, 4, 5, 99, 0, 0, 0, 0, NULL}"], "\"Sun Jun  4 03:02:01 1999\\n\"\n"),
        (
            &["c", "char *strcpy(char *, const char *)", "&char[8]", "text"],
            "\"text\"\n&char[8] = \"text\"\n",
        ),
        (
            &["z", COMPRESS, "&unsigned char[13]", "&13", "hello", "5"],
            "0\n&unsigned char[13] = [120, 156, 203, 72, 205, 201, 201, 7, 0, 6, 44, 2, 21]\n\
             &unsigned long = 13\n",
        ),
        (
            &[
                "c",
                "void qsort(void *, size_t, size_t, int (*)(const void *, const void *))",
                "&int[3]=[3, 1, 2]",
                "3",
                "4",
                "@strcmp",
            ],
            "&int[3] = [1, 2, 3]\n",
        ),
        (
            &[
                "c",
                "int printf(const char *, ...)",
                "\"%s %d %ld %g %p|\\n\"",
                "answer",
                "42",
                "(long)-5",
                "2.5",
                "NULL",
            ],
            "answer 42 -5 2.5 (nil)|\n24\n",
        ),
        (
            &["c", "int snprintf(char *, size_t, const char *, ...)", "&char[6]", "6", "%x", "255"],
            "2\n&char[6] = \"ff\"\n",
        ),
        (
            &["c", "unsigned long strtoul(const char *, char **, int)", "12x", "&", "10"],
            "12\n&char * = \"x\"\n",
        ),
        (&["--exact", "m", "double sqrt(double)", "2"], "1.4142135623730951\n"),
        (&["c", "int fputs(const char *s, FILE *f)", "hi", "*stdout"], "hi1\n"),
        (&["m", "double sqrt(double)", "2"], "1.4142135623731\n"),
        (&["m", "double sqrt(double)", "--exact", "2"], "1.4142135623730951\n"),
        (
            &["--errno", "c", "int access(const char *, int)", "/nonexistent", "0"],
            "-1\nerrno = 2 (No such file or directory)\n",
        ),
        (&["--errno", "c", "int abs(int)", "1"], "1\nerrno = 0\n"),
        (&["--windows", "c", "INT abs(INT)", "-1"], "1\n"),
    ];
    for (arguments, expected) in cases {
        let arguments = [&["call"], *arguments].concat();
        assert_eq!(output(&arguments), *expected, "{arguments:?}");
    }
}

/// What not every C has, through a library made for it.
#[test]
fn every_type_goes_in_and_comes_out() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (source, library) = (directory.path().join("t.c"), directory.path().join("libt.so"));
    const C: &str = "
        typedef float four __attribute__((vector_size(16)));
        struct bits { int a : 3; unsigned b : 9; _Bool c : 1; };
        struct all { long double l; __int128 n; four v; double _Complex z; };
        enum e { ONE = 1, TWO };
        struct wide { __int128 a : 100; unsigned __int128 b : 128; enum e c : 2; };
        struct wide add_bits(struct wide w) { w.a--; w.b--; w.c++; return w; }
        __int128 negative(__int128 n) { return -n; }
        double sum(int n, ...) {
            __builtin_va_list l;
            __builtin_va_start(l, n);
            double _Complex z = __builtin_va_arg(l, double _Complex);
            four v = __builtin_va_arg(l, four);
            return __real__ z + __imag__ z + v[3] + __builtin_va_arg(l, long double);
        }
        void next(four *v, int n) { while (n--) v[n] += 1; }
        void twice(double _Complex *z, int n) { while (n--) z[n] *= 2; }
        void thirds(long double *x, int n) { while (n--) x[n] /= 3; }
        __float128 third(__float128 x) { return x / 3; }
        unsigned __int128 same(unsigned __int128 n) { return n; }
        long double half(long double x) { return x / 2; }
        _Float16 small(_Float16 x) { return x; }
        four add(four a, four b) { return a + b; }
        struct bits flip(struct bits b) { b.a = -b.a; b.b ^= 511; b.c = !b.c; return b; }
        struct all more(struct all s) { s.l += 1; s.n += 1; s.v += 1; s.z += 1; return s; }
        void put(double _Complex *to) { *to = 4; }
    ";
    std::fs::write(&source, C).expect("the directory is writable");
    let compiler = std::process::Command::new("gcc")
        .args(["-w", "-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status();
    assert!(compiler.expect("gcc runs").success());
    let library = library.to_str().expect("a path of text");
    const FOUR: &str = "typedef float four __attribute__((vector_size(16))); four add(four, four)";
    const BITS: &str = "struct bits { int a : 3; unsigned b : 9; _Bool c : 1; }; \
                        struct bits flip(struct bits)";
    const WIDE: &str = "enum e { ONE = 1, TWO }; struct wide { __int128 a : 100; \
                        unsigned __int128 b : 128; enum e c : 2; }; \
                        struct wide add_bits(struct wide)";
    const LONG: &str = "int snprintf(char *, size_t, const char *, ...)";
    const SAME: &str = "unsigned __int128 same(unsigned __int128)";
    const ALL: &str = "struct all { long double l; __int128 n; \
                       float v __attribute__((vector_size(16))); double _Complex z; }; \
                       struct all more(struct all)";
    let cases: &[(&[&str], &str)] = &[
        (
            &["__int128 negative(__int128)", "0x7fffffffffffffffffffffffffffffff"],
            "-170141183460469231731687303715884105727\n",
        ),
        (
            &[SAME, "340282366920938463463374607431768211455"],
            "340282366920938463463374607431768211455\n",
        ),
        (
            &[SAME, "+0xffffffffffffffffffffffffffffffff"],
            "340282366920938463463374607431768211455\n",
        ),
        (
            &["__int128 negative(__int128)", "-01777777777777777777777777777777777777777777"],
            "170141183460469231731687303715884105727\n",
        ),
        (
            &[WIDE, "{-5, 340282366920938463463374607431768211455, 1}"],
            "{.a = -6, .b = 340282366920938463463374607431768211454, .c = TWO (2)}\n",
        ),
        (
            &["void thirds(long double *, int)", "&long double[2]=[1, 0x1p16000L]", "2"],
            "&long double[2] = [0.333333333333333333, 1.00648977907974253e4816]\n",
        ),
        (&["__float128 third(__float128)", "1"], "0.333333333333333333333333333333333\n"),
        (&["long double half(long double)", "5"], "2.5\n"),
        (&["_Float16 small(_Float16)", "0.333"], "0.333\n"),
        (&[FOUR, "<1, 2, 3, 4>", "[10, 20, 30, 40]"], "<11, 22, 33, 44>\n"),
        (&[BITS, "{-3, 1, true}"], "{.a = 3, .b = 510, .c = false}\n"),
        (
            &[ALL, "{1.5, -1, <1, 2, 3, 4>, 1-2i}"],
            "{.l = 2.5, .n = 0, .v = <2, 3, 4, 5>, .z = 2-2i}\n",
        ),
        (&["struct b { __int128 x : 128; }; __int128 negative(struct b)", "{-5}"], "5\n"),
        (&["void put(double _Complex *)", "&"], "&double _Complex = 4+0i\n"),
        (&["void next(__m128 *, int)", "&<1, 2, 3, 4>", "1"], "&__m128 = <2, 3, 4, 5>\n"),
        (
            &["void next(__m128 *, int)", "&__m128[2]=[<1,2,3,4>, [5, 6, 7, 8]]", "2"],
            "&__m128[2] = [<2, 3, 4, 5>, <6, 7, 8, 9>]\n",
        ),
        (
            &[
                "void twice(double _Complex *, int)",
                "&double _Complex[3]=[1 + 2i, {3, -4}, -i]",
                "3",
            ],
            "&double _Complex[3] = [2+4i, 6-8i, 0-2i]\n",
        ),
        (
            &[
                "double sum(int, ...)",
                "3",
                "(double _Complex)1+2i",
                "(__m128)<1, 2, 3, 4>",
                "(long double)0.5",
            ],
            "7.5\n",
        ),
    ];
    for (arguments, expected) in cases {
        let arguments = [&["call", library], *arguments].concat();
        assert_eq!(output(&arguments), *expected, "{arguments:?}");
    }
    // What C's own reading and printing make of the digits.
    for (arguments, expected) in [
        (&["long double sqrtl(long double)", "2"][..], "1.41421356237309505\n"),
        (&["long double sqrtl(long double)", "--exact", "2"], "1.4142135623730950488\n"),
        (&["long double sqrtl(long double)", "1e4932"], "1e2466\n"),
        (
            &["long double complex csqrtl(long double complex)", "--", "-2+0.5i"],
            "0.175432056376293832+1.42505312406394701i\n",
        ),
    ] {
        assert_eq!(output(&[&["call", "m"], arguments].concat()), expected, "{arguments:?}");
    }
    for number in ["0.1", "1e-4940", "1.18973149535723176502e4932", "123456789.123456789"] {
        let argument = format!("(long double){number}");
        let arguments = ["call", "c", LONG, "&char[64]", "64", "%.21Lg", &argument];
        let printed = output(&arguments);
        let (_, printed) = printed.split_once('"').expect("a string");
        let strtold = "long double strtold(const char *, char **)";
        let ours = output(&[
            "call",
            "--exact",
            "c",
            strtold,
            printed.trim_end().trim_matches('"'),
            "NULL",
        ]);
        let theirs = output(&["call", "--exact", "c", strtold, number, "NULL"]);
        assert_eq!(ours, theirs, "{number}");
    }
    for (argument, expected) in [("-4", "0+2i"), ("2i", "1+1i"), ("{0, 2}", "1+1i"), ("4", "2+0i")]
    {
        let prototype = "double complex csqrt(double complex)";
        assert_eq!(output(&["call", "m", prototype, "--", argument]), format!("{expected}\n"));
    }
}

#[test]
fn what_is_no_value_of_its_type_is_an_error() {
    const ABS: &str = "int abs(int)";
    let cases: &[(&[&str], &str)] = &[
        (
            &["c", ABS, "5000000000"],
            "argument 1: 5000000000 is out of range for `int`, which takes -2147483648 to 2147483647",
        ),
        (&["c", "void f(unsigned char c)", "-1"], "cannot find symbol \"f\""),
        (
            &["c", "unsigned char abs(unsigned char c)", "256"],
            "argument 1 `c`: 256 is out of range for `unsigned char`, which takes 0 to 255",
        ),
        (&["c", "unsigned abs(unsigned)", "-1"], "-1 is out of range"),
        (&["c", "_Bool abs(_Bool)", "2"], "2 is out of range for `_Bool`, which takes 0 to 1"),
        (&["c", ABS, "2.5"], "found \"2.5\", expected an integer for `int`"),
        (&["c", ABS, "five"], "found \"five\", expected an integer for `int`"),
        (&["m", "float sqrtf(float)", "1e39"], "1e39 is too large for a `float`"),
        (&["m", "double sqrt(double)", "1e999"], "1e999 is too large for a `double`"),
        (&["m", "double sqrt(double)", "two"], "found \"two\", expected a number for `double`"),
        (&["c", ABS], "int abs(int): expected 1 argument, found 0"),
        (&["c", ABS, "1", "2"], "int abs(int): expected 1 argument, found 2"),
        (&["c", "int printf(const char *, ...)"], "expected 1 or more arguments, found 0"),
        (
            &["c", "struct p { int x, y; }; int abs(struct p)", "{1}"],
            "argument 1: `struct p` takes 2 values, found 1",
        ),
        (
            &["c", "struct p { int x, y; }; int abs(struct p)", "{1, 2, 3}"],
            "`struct p` takes 2 values, found 3",
        ),
        (
            &["c", "struct p { int x, y; }; int abs(struct p)", "{.x = 1, .z = 2}"],
            "`struct p` has no member `z`",
        ),
        (
            &["c", "struct p { int x, y; }; int abs(struct p)", "{1, 2"],
            "found \"the end\", expected `,` or `}`",
        ),
        (
            &["c", "struct p { int x : 3; }; int abs(struct p)", "{4}"],
            "4 is out of range for `int x : 3`, which takes -4 to 3",
        ),
        (
            &["c", "struct p { unsigned x : 3; }; int abs(struct p)", "{4294967295}"],
            "4294967295 is out of range for `unsigned int x : 3`, which takes 0 to 7",
        ),
        (
            &["c", "unsigned __int128 abs(unsigned __int128)", "-1"],
            "-1 is out of range for `unsigned __int128`, which takes 0 to 340282366920938463463374607431768211455",
        ),
        (
            &["c", "long double abs(long double)", "1.2e4932"],
            "1.2e4932 is too large for a `long double`",
        ),
        (&["c", "int abs(void *)", "text"], "found \"text\", expected NULL, an address"),
        (&["c", "int abs(int *)", "&long"], "found \"long\", expected a `int` to point to"),
        (&["c", "int abs(int *)", "@nothing"], "cannot find symbol \"nothing\""),
        (&["m", "float fabsf(float)", "1e39"], "1e39 is too large for a `float`"),
        (&["m", "double complex csqrt(double complex)", "1+xi"], "expected a number"),
        (
            &["m", "double complex csqrt(double complex)", "{1}"],
            "expected `,` between the two parts",
        ),
        (&["c", "__m128 abs(__m128)", "<1, 2, 3>"], "argument 1: `__m128` takes 4 values, found 3"),
        (&["c", "__m128 abs(__m128)", "<1, 2, 3, 4"], "expected `,` or `>`"),
        (
            &["c", "__int128 abs(__int128)", "0x1ffffffffffffffffffffffffffffffff"],
            "is out of range for `__int128`, which takes -170141183460469231731687303715884105728 to",
        ),
        (
            &["c", "int abs(itn)", "1"],
            "1:9: unknown type name `itn`; did you mean `int`?\n 1 | int abs(itn)\n   |         ^",
        ),
        (&["m", "float fabsf(float)", "1e-50"], "1e-50 is too small for a `float`: it is 0"),
        (&["m", "double fabs(double)", "-0x1p-1080"], "-0x1p-1080 is too small for a `double`"),
        (
            &["c", "int puts(char *)", "&char[1000000000000]"],
            "argument 1: `char[1000000000000]` has 1000000000000 bytes, expected at most 1073741824",
        ),
        (
            &["c", "struct s { char c[1 << 30]; int i; }; int abs(struct s)", "{[1], 2}"],
            "argument 1: `struct s` has 1073741828 bytes, expected at most 1073741824",
        ),
        (
            &["c", "struct s { int n, v[]; }; int abs(struct s)", "{1}"],
            "parameter 0 `struct s`: member `v` is a flexible array, so a copy would not be the whole",
        ),
        (&["c", "int x;", "1"], "\"int x;\" declares no function"),
        (
            &["m", "sqrt", "1"],
            "\"sqrt\" declares no function; expected a prototype, such as double sqrt(double)",
        ),
        (&["c", "int abss(int)", "1"], "undefined symbol: abss; did you mean abs?"),
        (&["no_such_library", ABS, "1"], "tried libno_such_library.so: "),
        (&["--abi", "aapcs64", "c", ABS, "1"], "x86-64 programs can call sysv"),
    ];
    for (arguments, expected) in cases {
        let arguments = [&["call"], *arguments].concat();
        let error = failure(&arguments);
        assert!(error.starts_with("error: ") && error.contains(expected), "{arguments:?}: {error}");
    }
}

/// However much there is of a mistake, what is said of it can be read.
#[test]
fn what_is_endless_is_told_in_short() {
    for (prototype, open) in [
        ("struct p { int x, y; }; int abs(struct p)", "{"),
        ("int abs(int **)", "["),
        ("int abs(int ***)", "&"),
        ("int abs(double)", "1"),
        ("int abs(int)", "1"),
        ("int abs(_Bool)", "x"),
    ] {
        let error = failure(&["call", "c", prototype, &open.repeat(100_000)]);
        assert!(error.starts_with("error: argument 1: ") && error.len() < 400, "{error:.500}");
    }
}

#[test]
fn what_ends_the_process_is_told_with_the_call() {
    for (arguments, expected) in [
        (
            &["c", "size_t strlen(const char *)", "NULL"][..],
            "error: SIGSEGV (invalid memory access) in the call of strlen(NULL)\n",
        ),
        (
            &["c", "void abort(void)"],
            "error: SIGABRT (the function gave up) in the call of abort()\n",
        ),
        (
            &["c", "int raise(int)", "8"],
            "error: SIGFPE (invalid arithmetic, such as a division by zero) in the call of raise(8)\n",
        ),
        (&["c", "int raise(int)", "10"], "error: SIGUSR1 in the call of raise(10)\n"),
        // As the exit status, 3 would be neither the command's success nor its failure.
        (&["c", "void exit(int)", "3"], "error: `exit` was called in the call of exit(3)\n"),
        (
            &["--time", "2", "c", "void exit(int)", "0"],
            "error: `exit` was called in the call of exit(0)\n",
        ),
        // It returns nowhere near a string.
        (
            &["c", "char *labs(long)", "1"],
            "error: SIGSEGV (invalid memory access) in the call of labs(1)\n",
        ),
    ] {
        assert_eq!(failure(&[&["call"], arguments].concat()), expected);
    }
}

#[test]
fn a_call_can_be_timed() {
    let out = output(&["call", "--time", "1000", "m", "double sqrt(double)", "2"]);
    assert!(out.starts_with("1000 calls in ") && out.ends_with(" ns each\n"), "{out}");
    assert_eq!(ffi(&["call", "--time", "0", "m", "double sqrt(double)", "2"], &[]).status, Some(2));
}

#[test]
fn a_command_line_that_makes_no_sense_ends_with_2() {
    for arguments in [&["call"][..], &["call", "m"], &["call", "--abi", "vax", "m", "f"], &["cal"]]
    {
        let ran = ffi(arguments, &[]);
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ran.err.starts_with("error: "), "{}", ran.err);
    }
}

/// A function of another convention, in a library compiled here.
#[test]
fn the_convention_is_the_one_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let (source, library) = (directory.path().join("a.c"), directory.path().join("a.so"));
    std::fs::write(
        &source,
        "__attribute__((ms_abi)) int sub(long long a, int b) { return a - b; }",
    )
    .expect("a file");
    let status = std::process::Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status()
        .expect("cc runs");
    assert!(status.success());
    let library = library.display().to_string();
    let by = |arguments: &[&str]| output(&[&["call"], arguments, &["44", "2"]].concat());
    assert_eq!(by(&["--abi", "win64", &library, "int sub(long long, int)"]), "42\n");
    assert_eq!(by(&[&library, "int __attribute__((ms_abi)) sub(long long, int)"]), "42\n");
    assert_ne!(by(&[&library, "int sub(long long, int)"]), "42\n");
}
