//! Bit-fields by name, against what gcc and clang make of them.

use ffi::{CallInterface, Convention, FieldProblem, Function, Library, Type, Value, Win64, arg};
use ffi_tests::compile::{compilers, shared_library};
use ffi_tests::shapes::{array, finish as built};

fn value(ty: &Type) -> Value {
    Value::new(ty).expect("there is memory")
}

/// C sets each bit-field and Rust reads it, and the other way round, in three layouts.
#[test]
fn bit_fields_are_those_of_compilers() {
    const MEMBERS: [(&str, Type, u32); 7] = [
        ("a", Type::I32, 3),
        ("b", Type::U32, 30),
        ("c", Type::BOOL, 1),
        ("d", Type::I8, 5),
        ("", Type::U16, 9),
        ("e", Type::I64, 40),
        ("f", Type::U64, 64),
    ];
    let windows = Convention::Win64(Win64::Gnu);
    let start = || Type::structure("bits");
    let layouts = [
        ("", start()),
        ("packed", start().packed()),
        ("ms_struct", start().bit_fields_of(windows)),
    ];
    // MinGW's compilers have rules of their own for packed ones (docs/differences.md), and gcc knows
    // `ms_struct` on x86-64 alone.
    let count = match (cfg!(windows), cfg!(target_arch = "aarch64")) {
        (true, _) => 1,
        (_, true) => 2,
        _ => 3,
    };
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (attribute, builder) in layouts.into_iter().take(count) {
        let builder = MEMBERS
            .into_iter()
            .fold(builder, |builder, (name, ty, width)| builder.bit_field(name, ty, width));
        let ty = builder.build().expect("a C type");
        let source = format!(
            "typedef _Bool bool; typedef struct __attribute__(({attribute})) bits {{ int a : 3; \
             unsigned b : 30; bool c : 1; signed char d : 5; unsigned short : 9; \
             long long e : 40; unsigned long long f : 64; }} bits;
             _Static_assert(sizeof(bits) == {}, \"size\");
             bits set(int a, unsigned b, int c, int d, long long e, unsigned long long f) {{
                 bits it = {{a, b, c, d, e, f}}; return it; }}
             int get(bits it, int a, unsigned b, int c, int d, long long e, unsigned long long f) {{
                 return it.a == a && it.b == b && it.c == c && it.d == d && it.e == e && it.f == f;
             }}",
            ty.size()
        );
        // The C text says the same type.
        let definition = source.lines().next().expect("the types");
        let header = ffi_cdecl::Header::parse(definition).expect("it is C");
        assert_eq!(header.ty("struct bits").as_ref(), Ok(&ty));
        for compiler in compilers() {
            let name = format!("bits{attribute}");
            let path = shared_library(compiler, directory.path(), &name, &source);
            // SAFETY: the library is the one just compiled; it has no constructors.
            let library = unsafe { Library::open(&path) }.expect("the compiled library opens");
            check_bits(&library, &ty);
        }
    }
}

fn check_bits(library: &Library, ty: &Type) {
    let values = [Type::I32, Type::U32, Type::I32, Type::I32, Type::I64, Type::U64];
    let set = CallInterface::new(ty.clone(), values.clone()).expect("a C signature");
    let set = Function::load(library, "set", &set).expect("the library has it");
    let get = CallInterface::new(Type::I32, [vec![ty.clone()], values.to_vec()].concat());
    let get = Function::load(library, "get", &get.expect("a C signature")).expect("it is there");
    for (a, b, c, d, e, f) in [
        (-4_i32, 0x3fff_ffff_u32, 1_i32, -16_i32, -(1_i64 << 39), u64::MAX),
        (3, 5, 0, 15, (1 << 39) - 1, 1),
        (0, 0, 0, 0, 0, 0),
    ] {
        let values = [arg(&a), arg(&b), arg(&c), arg(&d), arg(&e), arg(&f)];
        // SAFETY: the function has that signature.
        let it = unsafe { set.call_value(&values) }.expect("the call fits");
        assert_eq!(it.get::<i32>("a"), Ok(a), "{it:?}");
        assert_eq!(it.get::<u32>("b"), Ok(b), "{it:?}");
        assert_eq!(it.get::<bool>("c"), Ok(c == 1), "{it:?}");
        assert_eq!(it.get::<i8>("d"), Ok(d as i8), "{it:?}");
        assert_eq!(it.get::<i64>("e"), Ok(e), "{it:?}");
        assert_eq!(it.get::<u64>("f"), Ok(f), "{it:?}");

        let mut it = Value::new(ty).expect("memory");
        it.as_bytes_mut().fill(0x5a);
        it.set("a", a).and_then(|()| it.set("b", b)).expect("it fits");
        it.set("c", c == 1).and_then(|()| it.set("d", d as i8)).expect("it fits");
        it.set("e", e).and_then(|()| it.set("f", f)).expect("it fits");
        let all = [&[it.as_arg()][..], &values].concat();
        // SAFETY: the function has that signature.
        let same: i32 = unsafe { get.call(&all) }.expect("the call fits");
        assert_eq!(same, 1, "{it:?}");
    }
}

/// `__int128` has wider ones, which cross units and bytes as they like when packed. Microsoft's C
/// has no such type.
#[cfg(not(windows))]
#[test]
fn wide_bit_fields_are_those_of_compilers() {
    let start = || Type::structure("wide");
    let layouts = [
        ("", start()),
        ("packed", start().packed()),
        ("ms_struct", start().bit_fields_of(Convention::Win64(Win64::Gnu))),
    ];
    // It is an attribute for x86-64.
    let count = if cfg!(target_arch = "aarch64") { 2 } else { 3 };
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (attribute, builder) in layouts.into_iter().take(count) {
        let builder = builder
            .bit_field("a", Type::I8, 3)
            .bit_field("g", Type::I128, 75)
            .bit_field("c", Type::BOOL, 1)
            .bit_field("h", Type::U128, 128)
            .bit_field("e", Type::I64, 60);
        let ty = built(builder);
        let definition = format!(
            "struct __attribute__(({attribute})) wide {{ signed char a : 3; __int128 g : 75; \
             _Bool c : 1; unsigned __int128 h : 128; long long e : 60; }};"
        );
        let header = ffi_cdecl::Header::parse(&definition).expect("it is C");
        assert_eq!(header.ty("struct wide").as_ref(), Ok(&ty));
        let source = format!(
            "{definition}
             _Static_assert(sizeof(struct wide) == {}, \"size\");
             void set(struct wide *it, const __int128 *g, const unsigned __int128 *h) {{
                 it->a = -3; it->g = *g; it->c = 1; it->h = *h; it->e = -5; }}
             int get(const struct wide *it, const __int128 *g, const unsigned __int128 *h) {{
                 return it->a == -3 && it->g == *g && it->c && it->h == *h && it->e == -5; }}",
            ty.size()
        );
        for compiler in compilers() {
            let name = format!("wide{attribute}");
            let path = shared_library(compiler, directory.path(), &name, &source);
            // SAFETY: the library is the one just compiled; it has no constructors.
            let library = unsafe { Library::open(&path) }.expect("the compiled library opens");
            check_wide(&library, &ty);
        }
    }
}

#[cfg(not(windows))]
fn check_wide(library: &Library, ty: &Type) {
    let function = |name, result| {
        let interface = CallInterface::new(result, vec![Type::POINTER; 3]).expect("a C signature");
        Function::load(library, name, &interface).expect("the library has it")
    };
    let (set, get) = (function("set", Type::VOID), function("get", Type::I32));
    for (g, h) in [(-(1_i128 << 74), u128::MAX), ((1 << 74) - 1, 1 << 127), (0, 0)] {
        let mut it = value(ty);
        let (start, g_at, h_at) = (it.as_mut_ptr(), &raw const g, &raw const h);
        // SAFETY: the function has that signature, and writes to the value alone.
        unsafe { set.call::<()>(&[arg(&start), arg(&g_at), arg(&h_at)]) }.expect("the call fits");
        assert_eq!((it.get("g"), it.get("h")), (Ok(g), Ok(h)), "{it:?}");
        assert_eq!((it.get("a"), it.get("e")), (Ok(-3_i8), Ok(-5_i64)), "{it:?}");
        assert_eq!(it.get("c"), Ok(true));

        let mut it = value(ty);
        it.as_bytes_mut().fill(0x5a);
        it.set("h", h).and_then(|()| it.set("a", -3_i8)).expect("it fits");
        it.set("e", -5_i64).and_then(|()| it.set("g", g)).expect("it fits");
        it.set("c", true).expect("it fits");
        let start = it.as_ptr();
        // SAFETY: the function has that signature, and only reads.
        let same: i32 =
            unsafe { get.call(&[arg(&start), arg(&g_at), arg(&h_at)]) }.expect("the call fits");
        assert_eq!(same, 1, "{it:?}");
        let beyond = 1_i128 << 74;
        let error = it.set("g", beyond).expect_err("it has 74 and a sign").to_string();
        assert_eq!(error, format!("`g`: {beyond} needs more than the 75 bits of the bit-field"));
        assert_eq!(it.get("g"), Ok(g));
    }
}

#[test]
fn what_no_bit_field_holds_is_refused_and_changes_nothing() {
    let ty = Type::structure("s").bit_field("a", Type::I32, 3).bit_field("b", Type::U8, 4);
    let mut it = Value::new(&ty.build().expect("a C type")).expect("memory");
    it.set("a", -1_i32).expect("it fits");
    for (error, text) in [
        (it.set("a", 4_i32), "`a`: 4 needs more than the 3 bits of the bit-field"),
        (it.set("a", -5_i32), "`a`: -5 needs more than the 3 bits of the bit-field"),
        (it.set("b", 16_u8), "`b`: 16 needs more than the 4 bits of the bit-field"),
        (it.set("b", 1_u32), "`b`: expected 1 byte for `uint8_t`, found 4"),
        (
            it.field("a").map(|_| ()),
            "`a`: it is a bit-field, which has no bytes of its own: use `get` and `set`",
        ),
    ] {
        assert_eq!(error.expect_err("it does not fit").to_string(), text);
    }
    assert_eq!(format!("{it:?}"), "struct s { a: -1, b: 0 }");
}

/// Wherever the aggregate is that they are in; its neighbours keep their bits.
#[test]
fn bit_fields_are_found_inside_others() {
    let start = || Type::anonymous_structure().bit_fields_of(Convention::SysV);
    let bits = start().bit_field("low", Type::U8, 3).bit_field("high", Type::I8, 5);
    let choice = Type::anonymous_union().field("byte", Type::U8).bit_field("half", Type::U8, 4);
    let ty = Type::structure("outer")
        .field("rows", array(built(bits.clone()), 3))
        .field("", built(start().bit_field("hidden", Type::U16, 11)))
        .field("choice", built(choice));
    let mut it = value(&built(ty));
    it.set("rows[1].high", -16_i8).and_then(|()| it.set("rows[2].low", 5_u8)).expect("it fits");
    it.set("hidden", 0x7ff_u16).and_then(|()| it.set("choice.byte", 0xa5_u8)).expect("it fits");
    it.set("choice.half", 3_u8).expect("it fits");
    assert_eq!(it.as_bytes(), [0, 0x80, 5, 0, 0xff, 7, 0xa3, 0]);
    assert_eq!((it.get("rows[1].high"), it.get("rows[1].low")), (Ok(-16_i8), Ok(0_u8)));
    assert_eq!((it.get("hidden"), it.get("choice.half")), (Ok(0x7ff_u16), Ok(3_u8)));
    assert_eq!(
        format!("{it:?}"),
        "struct outer { rows: [struct { low: 0, high: 0 }, struct { low: 0, high: -16 }, \
         struct { low: 5, high: 0 }], struct { hidden: 2047 }, \
         choice: union { byte: 163, half: 3 } }"
    );
    let error = it.get::<u8>("rows[1].high.x").expect_err("a number has no members");
    assert!(matches!(*error.reason, FieldProblem::NotAnAggregate { .. }), "{error}");
    assert!(matches!(
        *it.field_mut("hidden").map(|_| ()).expect_err("it has no bytes").reason,
        FieldProblem::BitField
    ));
}
