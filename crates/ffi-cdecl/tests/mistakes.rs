//! Mistakes: where they are, what is said of them, and that none of them is too much.

use ffi_cdecl::{Header, Options};
use ffi_types::Convention;
use std::time::{Duration, Instant};

fn errors(text: &str) -> Vec<String> {
    let linux = Options::for_convention(Convention::SysV);
    let errors = linux.parse(text).expect_err(text);
    errors
        .all()
        .iter()
        .map(|e| format!("{}:{}: {}", e.place.line, e.place.column, e.problem))
        .collect()
}

#[test]
fn each_mistake_says_what_was_found_and_what_was_expected() {
    for (text, expected) in [
        ("int f(int", "1:10: found the end of the text, expected `,` or `)`"),
        ("int f(int x y);", "1:13: found `y`, expected `,` or `)`"),
        ("int f(int) int g(void);", "1:12: found `int`, expected `;`, `,` or `(`"),
        ("int 5;", "1:5: found `5`, expected a name"),
        ("sizt f(void);", "1:1: unknown type name `sizt`; did you mean `size_t`?"),
        ("size f(void);", "1:1: unknown type name `size`; did you mean `size_t`?"),
        ("unit32_t f(void);", "1:1: unknown type name `unit32_t`; did you mean `uint32_t`?"),
        ("double pow(duoble x);", "1:12: unknown type name `duoble`; did you mean `double`?"),
        ("unsinged f(void);", "1:1: unknown type name `unsinged`; did you mean `unsigned`?"),
        ("int f(itn x);", "1:7: unknown type name `itn`; did you mean `int`?"),
        ("uint32 f(void);", "1:1: unknown type name `uint32`; did you mean `uint32_t`?"),
        ("f64 sqrt(double);", "1:1: unknown type name `f64`; did you mean `double`?"),
        ("int f(isize n);", "1:7: unknown type name `isize`; did you mean `ptrdiff_t`?"),
        ("FOO f(void);", "1:1: unknown type name `FOO`"),
        ("unsigned float f(void);", "1:1: `unsigned float` is not a type"),
        ("int f(void) { return", "1:21: the text ends in a function's body"),
        ("/* never ends", "1:1: the text ends in a comment"),
        (
            "struct s { struct s inner; };",
            "1:21: `struct s` is incomplete here, so its size is not known: a struct cannot contain itself, only a pointer to itself",
        ),
        (
            "struct s { struct s inner[2]; };",
            "1:26: `struct s` is incomplete here, so its size is not known: a struct cannot contain itself, only a pointer to itself",
        ),
        (
            "struct s; struct t { struct s inner; };",
            "1:31: `struct s` is incomplete here, so its size is not known",
        ),
        (
            "struct s { int a; };\nstruct s { int a; };",
            "2:8: `struct s` was declared differently in line 1",
        ),
        (
            "struct s { int a; };\nunion s *f(void);",
            "2:7: `struct s` was declared differently in line 1",
        ),
        ("int f(int);\n\nlong f(int);", "3:6: `f` was declared differently in line 1"),
        ("typedef int t;\ntypedef long t;", "2:14: type `t` was declared differently in line 1"),
        ("struct s { int a, b; char a; };", "1:27: member `a` was declared differently in line 1"),
        ("int a[-1];", "1:7: the length of an array is -1, expected 0 or more"),
        (
            "int a[0x7fffffffffffffff];",
            "1:6: the length of an array is 9223372036854775807, expected at most 2305843009213693951",
        ),
        ("int a[1 / 0];", "1:9: a division by zero in a constant expression"),
        ("int a[N];", "1:7: `N` is not a constant that is known here"),
        ("struct s { int a : 33; };", "1:20: a bit-field's width is 33, expected 1 to 32"),
        ("struct s { __int128 a : 129; };", "1:25: a bit-field's width is 129, expected 1 to 128"),
        ("struct s { _Bool a : 2; };", "1:22: a bit-field's width is 2, expected 1 to 1"),
        ("int _Complex f(void);", "1:1: `int _Complex` is not a type"),
        ("_Bool _Complex f(void);", "1:1: `_Bool _Complex` is not a type"),
        (
            "int v __attribute__((vector_size(12)));",
            "1:5: a vector's size is 12, expected 4 times a power of two",
        ),
        ("__fp16 f(void);", "1:1: unknown type name `__fp16`"),
        ("struct s { float a : 3; };", "1:22: `float` cannot be a bit-field"),
        ("int f(void)[3];", "1:6: `int[3]` cannot be returned by a function; a pointer to it can"),
        (
            "typedef int array[3]; array f(void);",
            "1:30: `array` cannot be returned by a function; a pointer to it can",
        ),
        ("void v;", "1:6: `void v` cannot be a variable"),
        ("int f(void, int);", "1:7: `void` cannot be a parameter"),
        (
            "int f(int) __attribute__((vectorcall));",
            "1:27: attribute `vectorcall`: this convention is not implemented",
        ),
        (
            "int x __attribute__((aligned(3)));",
            "1:22: an alignment is 3, expected a power of two up to 268435456",
        ),
        ("int f(caf\u{e9} x);", "1:7: unknown type name `caf`"),
        ("\u{e9}", "1:1: a byte 0xc3 outside of comments and literals; names are ASCII here"),
        ("#if 1\nint f(void);", "1:1: the text ends in this `#if`"),
        ("#endif", "1:1: `#endif` without an `#if`"),
        ("#error no\n", "1:1: the text itself says `#error` here"),
        ("__typeof__(int) f(void);", "1:1: `typeof` cannot be worked out here; write the type"),
    ] {
        let found = errors(text);
        assert_eq!(found.first().map(String::as_str), Some(expected), "{text}: {found:#?}");
    }
}

#[test]
fn every_mistake_of_a_text_is_reported() {
    let found = errors(
        "int ok(void);\n\
         int a(foo x);\n\
         struct s { int fine; bar wrong; int also_fine; baz wrong_too; };\n\
         double b(double x,);\n\
         int ok_too(struct s *);\n\
         long c(int x]);\n",
    );
    let places: Vec<&str> = found.iter().map(|e| e.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(places, ["2:7:", "3:22:", "3:48:", "4:19:", "6:13:"], "{found:#?}");
}

#[test]
fn the_caret_is_under_the_place() {
    let text = "int f(int a);\n\tint g(unit8_t b, \\\n  int c);\n";
    let message = Header::parse(text).expect_err("a mistake").to_string();
    assert_eq!(
        message,
        "2:8: unknown type name `unit8_t`; did you mean `uint8_t`?\n \
         2 | \tint g(unit8_t b, \\\n   | \t      ^"
    );
}

/// The last declaration needs no semicolon, and those before it do.
#[test]
fn one_declaration_needs_no_semicolon() {
    for text in ["int f(void)", "struct s { int x; }", "union u", "enum e { A }", "typedef int t"] {
        assert!(Header::parse(text).is_ok(), "{text}");
        let error = Header::parse(format!("extern \"C\" {{ {text} }}")).expect_err(text);
        assert!(error.to_string().contains("found `}`, expected "), "{text}: {error}");
    }
    assert!(Header::parse("extern \"C\" { struct s { int x; }").is_err());
    assert_eq!(errors("int"), ["1:4: found the end of the text, expected a name"]);
}

#[test]
fn unknown_attributes_are_ignored_with_a_warning() {
    let header = Header::parse("int f(int) __attribute__((frobnicate(1, (2))));").expect("fine");
    let warnings: Vec<String> = header.warnings().iter().map(|w| w.message.clone()).collect();
    assert_eq!(warnings, ["attribute `frobnicate` is not known here, and ignored"]);
}

/// What nests is counted, and what repeats takes linear time: each of these is over soon, without
/// a stack overflow, in a thread with the stack of a test.
#[test]
fn nothing_is_too_much() {
    // Emulators take ten times as long.
    let emulated = cfg!(any(windows, target_arch = "aarch64"));
    let million = if emulated { 20_000 } else { 200_000 };
    let nested = |open: &str, close: &str| open.repeat(million) + &close.repeat(million);
    let doubling: String =
        (1..60).map(|n| format!("#define A{n} A{} A{}\n", n - 1, n - 1)).collect();
    let chained: String =
        (1..20_000).map(|n| format!("typedef struct {{ t{} *a, *b; }} t{n};\n", n - 1)).collect();
    let pointers: String = (1..2000).map(|n| format!("typedef p{} *p{n};\n", n - 1)).collect();
    let functions: String =
        (1..150).map(|n| format!("typedef void (*f{n})(f{}, f{});\n", n - 1, n - 1)).collect();
    for (what, text) in [
        ("parentheses", "(".repeat(1_000_000)),
        ("parenthesised names", nested("int (", "x)")),
        ("parameters", nested("int f(int (", "))")),
        ("structs", nested("struct {", "} x;")),
        ("anonymous structs", nested("struct {", "};")),
        ("pointers", format!("int {} x;", "*".repeat(million))),
        ("arrays", format!("int x{};", "[1]".repeat(million))),
        ("functions", format!("int x{};", "(void)".repeat(million))),
        ("sums", format!("int x[{} 1];", "1 + ".repeat(million / 10))),
        ("signs", format!("int x[{} 1];", "- ".repeat(million))),
        ("conditions", format!("int x[{} 1];", "1 ? 2 : ".repeat(million))),
        ("sizeofs", format!("int x[{}", "sizeof(int[".repeat(million))),
        ("braces", "{".repeat(million)),
        ("closing braces", "}".repeat(million)),
        ("words", format!("{} x;", "unsigned ".repeat(million))),
        ("one name", "x".repeat(million)),
        ("names", "x ".repeat(million)),
        ("strings", "\"".repeat(million)),
        ("attributes", format!("int x {};", "__attribute__((a))".repeat(million / 10))),
        ("attribute parentheses", format!("int x __attribute__((a{}", "(".repeat(million))),
        ("macros", format!("{doubling} int A59;")),
        ("macros of themselves", "#define A A\n#define B C\n#define C B\nint A, B, C;".into()),
        ("#ifs", "#if 1\n".repeat(million / 10)),
        ("packs", "#pragma pack(push, 1)\n".repeat(million / 10)),
        ("chained structs", format!("typedef int t0;\n{chained}")),
        ("chained pointers", format!("typedef int p0;\n{pointers}")),
        (
            "chained functions",
            format!("typedef int f0;\n{functions}{}", functions.replace('f', "g")),
        ),
        ("zeros", "\0".repeat(million)),
        ("one long line of mistakes", "int x y; ".repeat(million / 10)),
        (
            "enumerators",
            format!(
                "enum e {{ {} }};",
                (0..million / 10).map(|n| format!("E{n},")).collect::<String>()
            ),
        ),
        ("declarations", (0..million / 10).map(|n| format!("int f{n}(struct s{n} *);")).collect()),
    ] {
        let start = Instant::now();
        if let Err(errors) = Header::parse(&text) {
            assert!(!errors.to_string().is_empty());
        }
        let taken = start.elapsed();
        // What is not linear takes hours; an emulator on a busy machine, a minute.
        assert!(taken < Duration::from_secs(120), "{what} took {taken:?}");
        println!("{what}: {taken:?}");
    }
}

#[test]
fn every_beginning_of_a_text_is_read_to_its_end() {
    let text = "#pragma pack(push, 1)\nstruct s { int a : 3, *b[2 + sizeof(long)]; struct { int c; }; };\n\
        enum e { A = 'x', B };\n#define N (A + 1)\ntypedef int (*handler)(const char *, ...);\n\
        static inline int f(handler h, struct s x[N]) __attribute__((ms_abi)) { return \"}\"[0]; }\n";
    for end in 0..=text.len() {
        let _ = Header::parse(&text[..end]);
        let _ = Header::parse(&text[end..]);
    }
    for middle in 0..text.len() {
        for byte in [0, b'(', b'}', b'*', 0xff] {
            let mut changed = text.as_bytes().to_vec();
            changed[middle] = byte;
            let _ = Header::parse(changed);
        }
    }
}
