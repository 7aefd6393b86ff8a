//! What people paste: each declaration printed back, and the signature made of it.

use ffi_cdecl::{Constant, Header, Options};
use ffi_types::{Aapcs64, Convention, Win64};

const LINUX: Options = Options::for_convention(Convention::SysV);
const WINDOWS: Options = Options::for_convention(Convention::Win64(Win64::Msvc));

/// The prototype as printed, and its signature.
fn of(text: &str) -> (String, String) {
    let header = LINUX.parse(text).unwrap_or_else(|errors| panic!("{text}\n{errors}"));
    let [function] = header.functions() else { panic!("{text}: {header:?}") };
    let signature = match function.signature() {
        Ok(signature) => signature.to_string(),
        Err(error) => error.to_string(),
    };
    (function.to_string(), signature)
}

#[test]
fn prototypes() {
    for (text, printed, signature) in [
        ("double cbrt(double)", "double cbrt(double)", "double (double)"),
        ("double cbrt(double x);", "double cbrt(double x)", "double (double)"),
        ("int rand(void);", "int rand(void)", "int32_t (void)"),
        ("int rand();", "int rand()", "int32_t (void)"),
        ("void abort(void) __attribute__((noreturn));", "void abort(void)", "void (void)"),
        ("_Noreturn void exit(int status);", "void exit(int status)", "void (int32_t)"),
        (
            "int printf(const char *restrict format, ...);",
            "int printf(const char *restrict format, ...)",
            "int32_t (void *, ...)",
        ),
        (
            "extern char *strcpy (char *__restrict __dest, const char *__restrict __src)\n\
             __attribute__ ((__nothrow__ , __leaf__)) __attribute__ ((__nonnull__ (1, 2)));",
            "char *strcpy(char *restrict __dest, const char *restrict __src)",
            "void * (void *, void *)",
        ),
        (
            "void qsort(void *base, size_t n, size_t size, int (*compare)(const void *, const void *));",
            "void qsort(void *base, size_t n, size_t size, int (*compare)(const void *, const void *))",
            "void (void *, uint64_t, uint64_t, void *)",
        ),
        (
            "void (*signal(int sig, void (*func)(int)))(int);",
            "void (*signal(int sig, void (*func)(int)))(int)",
            "void * (int32_t, void *)",
        ),
        (
            "int f(int a[10], int b[][4], int c[static 3]);",
            "int f(int *a, int (*b)[4], int *c)",
            "int32_t (void *, void *, void *)",
        ),
        (
            "ssize_t read(int fd, void buf[.count], size_t count);",
            "ssize_t read(int fd, void *buf, size_t count)",
            "int64_t (int32_t, void *, uint64_t)",
        ),
        (
            "size_t fread(void ptr[restrict .size * .n], size_t size, size_t n, FILE *restrict f);",
            "size_t fread(void *ptr, size_t size, size_t n, FILE *restrict f)",
            "uint64_t (void *, uint64_t, uint64_t, void *)",
        ),
        (
            "void f(int n, int a[n][n + 1][n], int b[][*][2]);",
            "void f(int n, int (*a)[][], int (*b)[][2])",
            "void (int32_t, void *, void *)",
        ),
        (
            "void f(int n, double rows[n][n], int *const *volatile p);",
            "void f(int n, double (*rows)[], int *const *volatile p)",
            "void (int32_t, void *, void *)",
        ),
        (
            "unsigned long long int f(long unsigned, short int, signed char, unsigned);",
            "unsigned long long f(unsigned long, short, signed char, unsigned int)",
            "uint64_t (uint64_t, int16_t, int8_t, uint32_t)",
        ),
        (
            "static inline _Bool f(void) { return (1 + 2) ? '}' : 0; }",
            "_Bool f(void)",
            "bool (void)",
        ),
        ("int f(int g(void));", "int f(int (*g)(void))", "int32_t (void *)"),
        ("int (f)(int (x));", "int f(int x)", "int32_t (int32_t)"),
        ("long double f(long double);", "long double f(long double)", "long double (long double)"),
        (
            "float _Complex f(unsigned __int128, _Float16, __float128, double complex);",
            "float _Complex f(unsigned __int128, _Float16, _Float128, double _Complex)",
            "float _Complex (unsigned __int128, _Float16, __float128, double _Complex)",
        ),
        (
            "typedef float v4 __attribute__((vector_size(16))); v4 f(v4 x);",
            "v4 f(v4 x)",
            "float __attribute__((vector_size(16))) (float __attribute__((vector_size(16))))",
        ),
        (
            "typedef int v3 __attribute__((vector_size(128))); void f(v3 x);",
            "void f(v3 x)",
            "parameter 0 `v3`: a vector has 8, 16, 32 or 64 bytes, not 128",
        ),
        (
            "void f(struct { int a : 3, : 2; unsigned b : 9; } x);",
            "void f(struct (without a tag) x)",
            "void (struct { int32_t a : 3; int32_t : 2; uint32_t b : 9; })",
        ),
        (
            "typedef _Complex float c __attribute__((__mode__(__TC__))); \
             typedef int n __attribute__((mode(TI))); c f(n, float __attribute__((mode(XF))));",
            "c f(n, __float80)",
            "__float128 _Complex (__int128, long double)",
        ),
        (
            "typedef struct {} none; none f(none a, struct { none b; char c; } d);",
            "none f(none a, struct (without a tag) d)",
            "struct { } /* 0 bytes, align 1 */ (struct { } /* 0 bytes, align 1 */, \
             struct { struct { } /* 0 bytes, align 1 */ b; int8_t c; })",
        ),
        (
            "struct s { _Bool a : 1; __int128 b : 100; } f(struct s, __m128d, _Complex);",
            "struct s f(struct s, __m128d, double _Complex)",
            "struct s { bool a : 1; __int128 b : 100; } (struct s, \
             double __attribute__((vector_size(16))), double _Complex)",
        ),
        (
            "void f(struct __attribute__((ms_struct)) { char a : 1; int b : 2; } x);",
            "void f(struct (without a tag) x)",
            "void (struct { int8_t a : 1; int32_t b : 2; } __attribute__((ms_struct)))",
        ),
        (
            "struct s { int : 0; } f(void);",
            "struct s f(void)",
            "result `struct s`: it has members, but no bytes",
        ),
        (
            "struct s { int n; struct { int last[0]; } inner; } f(void);",
            "struct s f(void)",
            "result `struct s`: member `inner`: member `last` is of size 0, so a copy would not be the whole",
        ),
        (
            "char f(uint8_t a, ssize_t b, wchar_t c);",
            "char f(uint8_t a, ssize_t b, wchar_t c)",
            "int8_t (uint8_t, int64_t, int32_t)",
        ),
        (
            "int vprintf(const char *f, va_list list);",
            "int vprintf(const char *f, va_list list)",
            "int32_t (void *, void *)",
        ),
        (
            "struct p { int x; float y; } f(struct p *, struct p);",
            "struct p f(struct p *, struct p)",
            "struct p { int32_t x; float y; } (void *, struct p)",
        ),
        (
            "struct never; struct never *f(const struct never *);",
            "struct never *f(const struct never *)",
            "void * (void *)",
        ),
        (
            "enum color { RED = 3, GREEN } f(enum color);",
            "enum color f(enum color)",
            "uint32_t (uint32_t)",
        ),
        (
            "typedef int (*handler)(int, ...); handler f(handler h);",
            "handler f(handler h)",
            "void * (void *)",
        ),
        ("int __stdcall f(int x) /* comment */; // another", "int f(int x)", "int32_t (int32_t)"),
        ("[[nodiscard]] int f([[maybe_unused]] int x);", "int f(int x)", "int32_t (int32_t)"),
        (
            "int f [[nodiscard]] (int x [[maybe_unused]], int a[[gnu::unused]][3]) [[gnu::pure]];",
            "int f(int x, int *a)",
            "int32_t (int32_t, void *)",
        ),
        ("int f(int \\\n  x\\\n);", "int f(int x)", "int32_t (int32_t)"),
        ("extern \"C\" { int f(void); }", "int f(void)", "int32_t (void)"),
    ] {
        assert_eq!(of(text), (printed.into(), signature.into()), "{text}");
    }
}

#[test]
fn printed_declarations_read_back_as_the_same_type() {
    for text in [
        "int (*(*f(int (*)[3]))(void))[4];",
        "void (*(*const table)[5])(int (*)(void), char *const *);",
        "const volatile int *restrict (*f)(const int);",
    ] {
        let first = LINUX.parse(text).expect(text);
        let print = |header: &Header| match (header.functions(), header.variables()) {
            ([function], []) => function.to_string(),
            ([], [variable]) => variable.ty().declare(variable.name()),
            _ => panic!("{text}"),
        };
        let again = LINUX.parse(print(&first) + ";").expect(text);
        assert_eq!(print(&first), print(&again));
        let ty = |header: &Header| header.variables().first().map(|v| v.ty().clone());
        assert_eq!(ty(&first), ty(&again));
    }
}

#[test]
fn the_convention_named_is_the_one_called_by() {
    let header = LINUX.parse("int __attribute__((ms_abi)) f(long); int g(long);").unwrap();
    let convention = |name| header.function(name).unwrap().convention();
    assert_eq!(convention("f"), Convention::Win64(Win64::Gnu));
    assert_eq!(convention("g"), Convention::SysV);
    let header = WINDOWS.parse("int f(long) __attribute__((sysv_abi));").unwrap();
    assert_eq!(header.function("f").unwrap().convention(), Convention::SysV);
}

#[test]
fn structs_have_the_layout_of_their_platform() {
    let text = "
        struct plain { char a; long b; short c[3]; };
        struct __attribute__((packed)) packed { char a; long b; };
        struct member { char a; long b __attribute__((packed)); int c; };
        #pragma pack(push, 2)
        struct pragma { char a; long b; };
        #pragma pack(pop)
        struct aligned { int a; } __attribute__((aligned(32)));
        struct inner { struct { int x, y; }; union { float f; int i; } u; };
        struct bits { unsigned a : 3, b : 30; char c; _Bool d : 1; };
        typedef int wide __attribute__((aligned(16)));
        struct holder { char a; wide b; };
        struct raised { char a; _Alignas(8) char b; };
        struct flexible { int n; double values[]; };
        struct extended { char a; long double b; };
    ";
    let sizes = |options: Options| {
        let header = options.parse(text).unwrap_or_else(|errors| panic!("{errors}"));
        header
            .records()
            .filter(|r| r.tag().name.is_some())
            .map(|r| (r.size(), r.align()))
            .collect::<Vec<_>>()
    };
    // What gcc says for Linux, and for Windows.
    assert_eq!(
        sizes(LINUX),
        [
            (24, 8),
            (9, 1),
            (16, 4),
            (10, 2),
            (32, 32),
            (12, 4),
            (12, 4),
            (32, 16),
            (16, 8),
            (8, 8),
            (32, 16),
        ]
    );
    assert_eq!(
        sizes(WINDOWS),
        [
            (16, 4),
            (5, 1),
            (12, 4),
            (6, 2),
            (32, 32),
            (12, 4),
            (12, 4),
            (32, 16),
            (16, 8),
            (8, 8),
            (16, 8),
        ]
    );
    let header = LINUX.parse(text).unwrap();
    let offsets = |name: &str| {
        let record = header.records().find(|r| r.tag().name.as_deref() == Some(name)).unwrap();
        record.members().iter().map(|m| m.bit_offset()).collect::<Vec<_>>()
    };
    assert_eq!(offsets("member"), [0, 8, 96]);
    assert_eq!(offsets("bits"), [0, 32, 64, 72]);
    let by_value = |name: &str| header.ty(name).map(|ty| ty.size()).map_err(|e| e.to_string());
    assert_eq!(by_value("struct holder"), Ok(32));
    assert_eq!(
        by_value("struct flexible"),
        Err("`struct flexible`: member `values` is a flexible array, so a copy would not be the whole".into())
    );
}

#[test]
fn constants_come_from_enums_and_macros() {
    let header = LINUX
        .parse(
            "
            enum { A, B = 10, C, D = -1, E = sizeof(struct { int x[3]; }) << 1 };
            #define F (B + 0x10)
            #define G 1.5f
            #define H \"one\" \"\\ttwo\"
            #define I ((unsigned char)-1)
            #define CALL(x) x
            #define NOTHING
            #define UNKNOWN some_variable
            #if defined(F) && G_MISSING == 0
            enum { J = ~0u };
            #elif 1
            enum { J = 1 };
            #else
            it's no C
            #endif
            int values[C - A];
            ",
        )
        .unwrap_or_else(|errors| panic!("{errors}"));
    let integer = |name: &str| match header.constant(name) {
        Some(Constant::Integer(value)) => Some(*value),
        _ => None,
    };
    let names = ["A", "B", "C", "D", "E", "F", "I", "J", "UNKNOWN", "NOTHING", "CALL"];
    let expected = [0, 10, 11, -1, 24, 26, 255, 0xffff_ffff].map(Some).into_iter();
    assert_eq!(names.map(integer).to_vec(), expected.chain([None; 3]).collect::<Vec<_>>());
    assert_eq!(header.constant("G"), Some(&Constant::Float(1.5)));
    assert_eq!(header.constant("H"), Some(&Constant::Text(b"one\ttwo".to_vec())));
    assert_eq!(header.variable("values").unwrap().ty().to_string(), "int[11]");
}

#[test]
fn windows_names_are_known_on_request() {
    let text = "BOOL WINAPI ReadFile(HANDLE file, LPVOID buffer, DWORD n, LPDWORD read, LPVOID o);";
    let header =
        WINDOWS.windows_names(true).parse(text).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(
        header.functions()[0].signature().unwrap().to_string(),
        "int32_t (void *, void *, uint32_t, void *, void *)"
    );
    for (text, printed) in [
        // As a header has it, and as the manual.
        (
            "WINBASEAPI _Success_(return != FALSE) BOOL WINAPI ReadFile(_In_ HANDLE hFile, \
             _Out_writes_bytes_to_opt_(n, *read) LPVOID buffer, _In_ DWORD n, \
             _Out_opt_ LPDWORD read, _Inout_opt_ LPOVERLAPPED o);",
            "BOOL ReadFile(HANDLE hFile, LPVOID buffer, DWORD n, LPDWORD read, LPOVERLAPPED o)",
        ),
        (
            "HANDLE CreateFileA([in] LPCSTR lpFileName, [in] DWORD dwDesiredAccess, \
             [in, optional] LPSECURITY_ATTRIBUTES lpSecurityAttributes, [out] PHANDLE out);",
            "HANDLE CreateFileA(LPCSTR lpFileName, DWORD dwDesiredAccess, \
             LPSECURITY_ATTRIBUTES lpSecurityAttributes, PHANDLE out)",
        ),
        (
            "int f(int in, int a[in], IN int b, int c OPTIONAL);",
            "int f(int in, int *a, int b, int c)",
        ),
    ] {
        let header = WINDOWS.windows_names(true).parse(text);
        let header = header.unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(header.functions()[0].to_string(), printed);
        assert!(WINDOWS.parse(text).is_err());
    }
    let cut = WINDOWS.windows_names(true).parse("int f([in, int x);").unwrap_err().to_string();
    assert!(cut.contains("found the end of the text, expected `]`"), "{cut}");
    assert!(WINDOWS.parse(text).unwrap_err().to_string().contains("unknown type name `BOOL`"));
}

#[test]
fn a_symbol_may_have_another_name() {
    let header = LINUX.parse("int scan(const char *) __asm__(\"\" \"__isoc99_scan\");").unwrap();
    assert_eq!(header.functions()[0].symbol(), "__isoc99_scan");
}

#[test]
fn vectors_of_a_processor_are_known_by_name() {
    let arm = Options::for_convention(Convention::Aapcs64(Aapcs64::Standard));
    let signature = |options: Options, text: &str| {
        let header = options.parse(text).unwrap_or_else(|errors| panic!("{text}\n{errors}"));
        header.functions()[0].signature().expect(text).to_string()
    };
    let v = |element: &str, size: u32| format!("{element} __attribute__((vector_size({size})))");
    let (float, long) = (v("float", 16), v("int64_t", 64));
    let expected = format!("{float} ({long}, {})", v("int64_t", 8));
    for options in [LINUX, WINDOWS] {
        assert_eq!(signature(options, "__m128 f(__m512i, __m64);"), expected);
        let error = options.parse("float32x4_t f(void);").expect_err("they are Arm's").to_string();
        assert!(error.contains("unknown type name `float32x4_t`"), "{error}");
    }
    let expected = format!("{float} ({}, {})", v("uint8_t", 8), v("_Float16", 16));
    let text = "float32x4_t f(uint8x8_t, float16x8_t);";
    assert_eq!(signature(arm, text), expected);
    // Headers define them themselves.
    let text =
        "typedef __attribute__((neon)) int int8x8_t; typedef double __m128; __m128 f(int8x8_t);";
    assert_eq!(signature(arm, text), "double (int32_t)");
}

#[test]
fn char_and_enums_differ_by_platform() {
    let text = "char f(enum e { X } e);";
    let signature = |convention| {
        let header = Options::for_convention(convention).parse(text).unwrap();
        header.functions()[0].signature().unwrap().to_string()
    };
    assert_eq!(signature(Convention::Aapcs64(Aapcs64::Standard)), "uint8_t (uint32_t)");
    assert_eq!(signature(Convention::Aapcs64(Aapcs64::Apple)), "int8_t (uint32_t)");
    assert_eq!(signature(Convention::Win64(Win64::Msvc)), "int8_t (int32_t)");
}

#[test]
fn line_markers_say_where_declarations_are_from() {
    let header = LINUX
        .parse("# 1 \"a.h\"\nint a(void);\n# 7 \"b.h\" 1 3\n\nint b(void);\n#line 20 \"a.h\"\nextern int c;")
        .unwrap();
    let of = |name: &str| header.function(name).map(|f| (f.file(), f.line()));
    assert_eq!(of("a"), Some((Some("a.h"), 1)));
    assert_eq!(of("b"), Some((Some("b.h"), 8)));
    let c = header.variable("c").map(|v| (v.file(), v.line()));
    assert_eq!(c, Some((Some("a.h"), 20)));
    let header = LINUX.parse("\nint a(void);").unwrap();
    assert_eq!(header.function("a").map(|f| (f.file(), f.line())), Some((None, 2)));
}
