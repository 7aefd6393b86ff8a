//! `ffi explain` and `ffi layout` as processes; what they print is in `snapshots/`.
//!
//! `INSTA_UPDATE=always cargo test -p ffi-cli --test explain` writes the snapshots anew.
#![cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]

mod support;

use support::{failure, ffi, output};

const ABIS: [&str; 6] = ["sysv", "win64", "win64-gnu", "aapcs64", "apple-arm64", "windows-arm64"];

/// Signatures that tell the conventions apart.
const TELLING: [(&str, &[&str]); 5] = [
    (
        "struct m { double d; int i; }; struct b { char c[3]; }; struct v { float x, y, z; }; \
         struct l { long long l[3]; }; \
         struct v f(struct m m, struct b b, struct v v, struct l l, float f, _Bool t)",
        &[],
    ),
    (
        "struct l { int l[5]; }; struct l f(long a, unsigned long b, char c, wchar_t d, size_t e)",
        &[],
    ),
    ("int f(int a, int b, int c, int d, int e, int f, int g, int h, char i, short j, int k)", &[]),
    ("int printf(const char *format, ...)", &["--with", "int,double,long long"]),
    (
        "struct h { double d[2]; }; struct a { int x __attribute__((aligned(16))); }; \
         double f(double a, double b, double c, double d, double e, double f, double g, \
                  struct h h, float i, int j, struct a k)",
        &[],
    ),
];

#[test]
fn each_convention_is_explained() {
    for abi in ABIS {
        let explained = TELLING.map(|(declaration, more)| {
            output(&[&["explain", declaration, "--abi", abi], more].concat())
        });
        insta::assert_snapshot!(format!("explain-{abi}"), explained.join("\n"));
    }
}

/// The types that not every C has, each with the error of the conventions that do not have it.
#[test]
fn every_type_is_explained_or_refused_by_each_convention() {
    let mut all = String::new();
    for declaration in [
        "long double f(int n, long double x, struct { long double x; } s)",
        "double _Complex f(float _Complex a, double _Complex b, long double _Complex c)",
        "__int128 f(long a, __int128 b, struct { unsigned __int128 n; } c, __int128 d)",
        "typedef float v4 __attribute__((vector_size(16))); v4 f(v4 a, struct { v4 x[2]; } b)",
        "typedef short v4 __attribute__((vector_size(8))); v4 f(v4 a, struct { v4 x[2]; } b)",
        "typedef int v8 __attribute__((vector_size(32))); v8 f(v8 a, struct { v8 x; } b)",
        "typedef int v16 __attribute__((vector_size(64))); v16 f(v16 a, v16 b)",
        "_Float16 f(_Float16 a, __bf16 b, struct { _Float16 x, y; } c)",
        "__float128 f(__float128 a)",
        "struct { int a : 3; float f; } f(struct { unsigned b : 9; } b, struct {} c)",
    ] {
        for abi in ABIS {
            let ran = ffi(&["explain", declaration, "--abi", abi], &[]);
            all += &(ran.out + &ran.err + "\n");
        }
    }
    insta::assert_snapshot!("explain-every-type", all);
}

/// What one convention refuses is no reason to keep quiet about the others.
#[test]
fn the_others_are_explained_if_one_refuses() {
    let ran = ffi(&["explain", "__int128 f(void)", "--abi", "sysv,win64,aapcs64"], &[]);
    assert_eq!(ran.status, Some(1));
    assert!(ran.out.contains("rax") && ran.out.contains("x0") && !ran.out.contains("win64"));
    assert!(ran.err.starts_with("error: win64: return value: `__int128` has no place in win64"));
    let with = "int __attribute__((vector_size(32)))";
    let ran = ffi(&["explain", "int f(int, ...)", "--with", with, "--abi", "sysv,aapcs64"], &[]);
    assert!(ran.out.starts_with("sysv: ") && ran.err.starts_with("error: aapcs64: "), "{ran:?}");
}

/// A struct of what a platform's C does not have is told of, and the others are drawn.
#[test]
fn layouts_of_every_type_are_drawn_or_refused_by_each_convention() {
    let structs = "
        struct n { char c; __int128 n; unsigned __int128 a : 100; _Bool b : 1; };
        struct l { char c; long double l; long double _Complex z; };
        struct x { char c; __float80 x; }; struct q { char c; __float128 q; };
        struct h { char c; _Float16 h; __bf16 b; };
        struct v { char c; float v __attribute__((vector_size(32))); }; struct e {};
    ";
    let mut all = String::new();
    for abi in ABIS {
        let ran = ffi(&["layout", structs, "--abi", abi], &[]);
        all += &format!("{abi}\n{}{}\n", ran.out, ran.err);
    }
    insta::assert_snapshot!("layout-every-type", all);
}

#[test]
fn several_are_shown_side_by_side() {
    insta::assert_snapshot!(
        "explain-side-by-side",
        output(&["explain", TELLING[0].0, "--abi", "sysv,win64,aapcs64,apple-arm64,windows-arm64"])
    );
}

#[test]
fn programs_get_json() {
    let out = output(&["explain", TELLING[0].0, "--abi", "sysv,win64", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let place = |abi: usize, argument: usize, index: usize| {
        json[abi]["arguments"][argument]["places"][index]["place"].as_str().unwrap_or("none")
    };
    assert_eq!((json[0]["abi"].as_str(), json[1]["abi"].as_str()), (Some("sysv"), Some("win64")));
    assert_eq!([place(0, 0, 0), place(0, 0, 1), place(0, 1, 0)], ["xmm0", "rdi", "rsi"]);
    assert_eq!(json[0]["arguments"][0]["places"][1]["from"], 8);
    assert_eq!(json[1]["arguments"][0]["by_reference"], true);
    assert_eq!([place(1, 0, 0), place(1, 1, 0)], ["rdx", "r8"]);
    assert_eq!(
        (json[0]["arguments"][3]["index"].as_u64(), &json[0]["arguments"][3]["name"]),
        (Some(3), &"l".into())
    );
    assert_eq!(json[0]["result"]["index"], serde_json::Value::Null);
    assert_eq!(json[0]["arguments"][3]["places"][0]["place"], "[stack+0]");
    assert_eq!(json[0]["result"]["clause"], "psABI 3.2.3, Returning of Values");
}

/// A picture has a piece for every place that the table has, of as many bytes, in one colour for each
/// argument, and none is outside of it.
#[test]
fn pictures_draw_every_place() {
    for (declaration, with) in TELLING {
        for abi in ABIS {
            let by = [&["explain", declaration, "--abi", abi][..], with].concat();
            let picture = output(&[&by[..], &["--svg"]].concat());
            let json = output(&[&by[..], &["--json"]].concat());
            let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
            let arguments = json[0]["arguments"].as_array().expect("a list");
            for (index, argument) in arguments.iter().enumerate() {
                let name = argument["name"].as_str().map_or(format!("#{index}"), String::from);
                for place in argument["places"].as_array().expect("a list") {
                    let (from, to) = (&place["from"], &place["to"]);
                    let on_stack = place["place"].as_str().is_some_and(|at| at.starts_with("[st"));
                    let size = argument["size"].as_u64().expect("a size");
                    let text = if argument["by_reference"] == true {
                        format!(">&amp;{name}<")
                    } else if to.as_u64() == Some(size - 1) && *from == 0 {
                        // On the stack one of more than eight bytes is in several cells.
                        format!(">{name}{}", if on_stack && size > 8 { ":0-7<" } else { "<" })
                    } else if on_stack {
                        format!(">{name}:{from}-")
                    } else {
                        format!(
                            ">{name}:{from}{}<",
                            if from == to { String::new() } else { format!("-{to}") }
                        )
                    };
                    assert!(picture.contains(&text), "{declaration} by {abi}: {text}\n{picture}");
                }
            }
            let numbers = |name: &str| -> Vec<f64> {
                let after = picture.split(&format!(" {name}=\"")).skip(1).collect::<Vec<_>>();
                let number = |rest: &&str| rest.split('"').next().and_then(|n| n.parse().ok());
                after.iter().filter_map(number).collect()
            };
            assert!(numbers("x").iter().all(|&x| (0.0..480.0).contains(&x)), "{picture}");
            let height = numbers("height")[0];
            assert!(numbers("y").iter().all(|&y| y < height), "{picture}");
        }
    }
    assert_eq!(
        failure(&["explain", "int f(int)", "--abi", "sysv,win64", "--svg"]),
        "error: a picture is of one convention; expected one behind --abi\n"
    );
}

#[test]
fn a_type_behind_the_dots_may_have_commas() {
    let out = output(&["explain", "int f(int, ...)", "--with", "void (*)(int, int),double"]);
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[3].starts_with("  void (*)(int, int)  0..7   rsi "), "{out}");
    assert!(lines[4].starts_with("  double              0..7   xmm0 "), "{out}");
}

const STRUCTS: &str = "
    struct s {
        unsigned a : 3, b : 30; char c;
        union { int x; double y; } u;
        struct { char d; short e[3]; };
        long n;
    };
    typedef struct __attribute__((packed)) { char c; double d; void (*f)(int); } t;
";

#[test]
fn layouts_are_drawn() {
    let drawn = ["sysv", "win64"].map(|abi| output(&["layout", STRUCTS, "--abi", abi]));
    insta::assert_snapshot!("layout", drawn.join("\n"));
}

#[test]
fn structs_without_a_tag_are_drawn_where_they_are_used() {
    let out =
        output(&["layout", "struct s { struct { char c; int i; } a[2][3]; }; union { int x; } v;"]);
    let expected = "\
struct s: 48 bytes, aligned to 4
  offset  size  member
  0       48    struct (without a tag) a[2][3]
  0       1       char c
  1       3       (padding)
  4       4       int i

v: 4 bytes, aligned to 4
  offset  size  member
  0       4     int x
";
    assert_eq!(out, expected);
}

#[test]
fn what_would_fill_the_memory_is_left_out() {
    let mut text = String::from("struct s0 { char c[2]; };");
    for index in 1..40 {
        text += &format!("struct s{index} {{ struct s{} x, y; }};", index - 1);
    }
    let out = output(&["layout", &text]);
    assert!(out.lines().count() < 100_500, "{} lines", out.lines().count());
    assert!(out.contains("struct s39: 1099511627776 bytes, aligned to 1\n"), "s39 is not there");
    let (_, last) = out.trim_end().rsplit_once('\n').expect("several lines");
    assert!(last.ends_with("  struct s38 y (its members are left out)"), "{last}");
}

#[test]
fn layouts_are_json_too() {
    let json: serde_json::Value =
        serde_json::from_str(&output(&["layout", STRUCTS, "--json"])).expect("JSON");
    assert_eq!((json[0]["name"].as_str(), json[0]["size"].as_u64()), (Some("struct s"), Some(40)));
    assert_eq!(json[0]["members"][0]["bits"], serde_json::json!([0, 3]));
    assert_eq!(json[1]["members"][1]["offset"], 1);
}

#[test]
fn what_cannot_be_explained_is_an_error() {
    for (arguments, expected) in [
        (&["explain", "struct s f(int)"][..], "sysv: result `struct s`: it is declared, but not"),
        (&["explain", "int f(int, struct s x)"], "sysv: parameter 1 `struct s`: it is declared"),
        (
            &["explain", "int f(itn)"],
            "1:7: unknown type name `itn`; did you mean `int`?\n 1 | int f(itn)\n   |       ^",
        ),
        (&["explain", "int x"], "\"int x\" declares no function"),
        (&["explain", "sqrt"], "expected a prototype, such as double sqrt(double)"),
        (&["explain", "int f(int, ...)", "--with", "float"], "C promotes `float` to `double`"),
        (&["explain", "int f(int)", "--with", "int"], "the function takes no `...`"),
        (&["layout", "int x;"], "\"int x;\" defines no struct or union"),
        (&["layout", "struct s { struct s s; };"], "a struct cannot contain itself"),
    ] {
        let error = failure(arguments);
        assert!(error.starts_with("error: ") && error.contains(expected), "{arguments:?}: {error}");
    }
    let usage = ffi(&["explain", "int f(int)", "--abi", "vax"], &[]);
    assert_eq!(usage.status, Some(2));
    assert!(usage.err.contains("possible values: sysv, win64"), "{}", usage.err);
}
