//! Values of run-time types: members by name, what is wrong with a name, and calls.

use ffi::{
    CType, CallError, CallInterface, Callback, FieldError, FieldProblem, InterfaceReason, Type,
    Value, arg,
};
use ffi_tests::shapes::array;
use ffi_tests::system::function;

fn built(builder: ffi::AggregateBuilder) -> Type {
    builder.build().expect("a C type")
}

fn value(ty: &Type) -> Value {
    Value::new(ty).expect("there is memory")
}

fn point() -> Type {
    built(Type::structure("point").field("x", Type::F64).field("y", Type::F64))
}

/// What went wrong with reading an `int` there.
fn problem(value: &Value, path: &str) -> FieldProblem {
    let error = value.get::<i32>(path).expect_err(path);
    assert_eq!(error.path, path);
    *error.reason
}

fn text<T: std::fmt::Debug>(result: Result<T, FieldError>) -> String {
    result.expect_err("it is wrong").to_string()
}

#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    x: f64,
    y: f64,
}

// SAFETY: `repr(C)`, with these members; any bits make two numbers.
unsafe impl CType for Point {
    const ANY_BITS: bool = true;

    fn c_type() -> Type {
        point()
    }
}

/// Three bytes of padding, and a member that not any byte is valid for.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
struct Flagged {
    flag: bool,
    number: i32,
}

// SAFETY: `repr(C)`, with these members.
unsafe impl CType for Flagged {
    fn c_type() -> Type {
        built(Type::structure("flagged").field("flag", Type::BOOL).field("number", Type::I32))
    }
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Hook {
    run: extern "C" fn(),
}

// SAFETY: `repr(C)`, with this member; C hands over functions there.
unsafe impl CType for Hook {
    fn c_type() -> Type {
        built(Type::structure("hook").field("run", Type::POINTER))
    }
}

#[test]
fn members_are_read_and_written_by_path() {
    let row = built(Type::structure("row").field("cells", array(point(), 3)).field("n", Type::U8));
    let grid = built(
        Type::structure("grid")
            .field("tag", Type::I8)
            .field("rows", array(array(row, 2), 2))
            .field("name", Type::POINTER),
    );
    let mut grid = value(&grid);
    assert!(grid.as_bytes().iter().all(|&byte| byte == 0));
    grid.set("tag", -7_i8).expect("an int8_t");
    grid.set("rows[1][0].cells[2].y", 2.5).expect("a double");
    grid.set("rows[0][1].n", 200_u8).expect("a uint8_t");
    let name = c"grid".as_ptr();
    grid.set("name", name).expect("a pointer");

    assert_eq!(grid.get::<i8>("tag"), Ok(-7));
    assert_eq!(grid.get::<f64>("rows[1][0].cells[2].y"), Ok(2.5));
    assert_eq!(grid.get::<u8>("rows[0][1].n"), Ok(200));
    assert_eq!(grid.get::<*const std::ffi::c_char>("name"), Ok(name));
    // By hand: a row is 56 bytes, and the rows start at 8.
    let at = 8 + 2 * 56 + 2 * 16 + 8;
    assert_eq!(grid.as_bytes()[at..at + 8], 2.5_f64.to_ne_bytes());
    assert_eq!(grid.as_bytes()[8 + 56 + 48], 200);

    let (ty, bytes) = grid.field("rows[1][0].cells[2]").expect("a point");
    assert_eq!((ty, bytes.len()), (point(), 16));
    assert_eq!(grid.get("rows[1][0].cells[2]"), Ok(Point { x: 0.0, y: 2.5 }));
    grid.set("rows[1][0].cells[2]", Point { x: 1.0, y: -1.0 }).expect("a point");
    assert_eq!(grid.get::<f64>("rows[1][0].cells[2].x"), Ok(1.0));
    grid.field_mut("tag").expect("it is there").1[0] = 9;
    assert_eq!(grid.get::<i8>("tag"), Ok(9));
    let copy = grid.clone();
    grid.set("tag", 1_i8).expect("an int8_t");
    assert_eq!((copy.get::<i8>("tag"), copy.ty()), (Ok(9), grid.ty()));
}

#[test]
fn the_empty_path_is_the_whole() {
    let mut number = value(&Type::F64);
    number.set("", 0.5).expect("a double");
    assert_eq!(number.get::<f64>(""), Ok(0.5));
    let mut numbers = value(&array(Type::I16, 3));
    numbers.set("[2]", 7_i16).expect("an int16_t");
    assert_eq!((numbers.get::<i16>("[2]"), format!("{numbers:?}")), (Ok(7), "[0, 0, 7]".into()));
    let void = value(&Type::VOID);
    assert_eq!((void.get::<()>(""), void.as_bytes().len()), (Ok(()), 0));
    assert_eq!(format!("{:?}", void.clone()), "void");
    assert_eq!(text(void.get::<i32>("")), "``: expected 0 bytes for `void`, found 4");
}

#[test]
fn anonymous_members_are_reached_directly() {
    let number = Type::anonymous_union().field("i", Type::I64).field("d", Type::F64);
    let tagged = Type::anonymous_structure().field("tag", Type::I32).field("", built(number));
    let ty = Type::structure("any").field("id", Type::I32).field("", built(tagged));
    let mut any = value(&built(ty));
    any.set("tag", 3).expect("an int");
    any.set("d", 1.0).expect("a double");
    assert_eq!(any.get::<u64>("i"), Ok(1.0_f64.to_bits()));
    assert_eq!(any.as_bytes()[8], 3);
    assert_eq!(any.as_bytes()[16..24], 1.0_f64.to_ne_bytes());
    assert_eq!(
        format!("{any:?}"),
        "struct any { id: 0, struct { tag: 3, union { i: 4607182418800017408, d: 1.0 } } }"
    );
    assert_eq!(
        text(any.get::<i32>("x")),
        "`x`: `struct any` has no member `x`; it has `id`, `tag`, `i`, `d`"
    );
}

#[test]
fn packed_and_overaligned_values_work() {
    let packed = Type::structure("p").field("c", Type::I8).field("d", Type::F64).packed();
    let mut packed = value(&built(packed));
    packed.set("d", 0.1).expect("a double");
    assert_eq!((packed.get::<f64>("d"), packed.as_bytes()[1..].len()), (Ok(0.1), 8));
    for align in [1, 64, 4096] {
        let mut wide = value(&built(Type::structure("w").field("c", Type::I8).align(align)));
        assert!(wide.as_ptr().addr().is_multiple_of(align));
        assert!(wide.as_mut_ptr().addr().is_multiple_of(align));
    }
}

#[test]
fn a_wrong_type_is_an_error_that_names_it() {
    let pair = Type::structure("pair").field("f", Type::F32).field("p", Type::POINTER);
    let mut pair = value(&built(pair));
    let kind = |expected: &str, found: &str| {
        let (expected, found) = (expected.into(), found.into());
        FieldProblem::Mismatch(InterfaceReason::Kind { expected, found })
    };
    assert_eq!(text(pair.get::<f64>("f")), "`f`: expected 4 bytes for `float`, found 8");
    assert_eq!(text(pair.set("f", 1_i64)), "`f`: expected 4 bytes for `float`, found 8");
    assert_eq!(problem(&pair, "f"), kind("float", "int32_t"));
    assert_eq!(text(pair.set("f", 1_u32)), "`f`: expected `float`, found `uint32_t`");
    assert_eq!(
        *pair.get::<extern "C" fn()>("p").expect_err("null").reason,
        kind("void *", "a function pointer")
    );
    // Any bits make a point, but not a flag: that has to be one.
    assert!(pair.get::<Point>("").is_ok());
    let other = value(&built(Type::structure("i").field("n", Type::I32).field("m", Type::I32)));
    let error = other.get::<Flagged>("").expect_err("no flag in it");
    let (expected, found) = (other.ty().to_string(), Flagged::c_type().to_string());
    assert_eq!(*error.reason, kind(&expected, &found));
}

#[test]
fn what_rust_could_not_hold_is_never_read() {
    let mut flagged = value(&Flagged::c_type());
    flagged.set("", Flagged { flag: true, number: 5 }).expect("it is one");
    assert_eq!(flagged.get("flag"), Ok(true));
    assert_eq!(flagged.get(""), Ok(Flagged { flag: true, number: 5 }));
    // The padding is bytes like any other.
    assert_eq!(flagged.clone().as_bytes(), flagged.as_bytes());
    // C takes any byte but 0 for true.
    flagged.as_bytes_mut()[0] = 2;
    assert_eq!(flagged.get("flag"), Ok(true));
    let error = flagged.get::<Flagged>("").expect_err("no bool");
    assert!(matches!(*error.reason, FieldProblem::NotAnyBits { .. }), "{error}");
    // A byte is no bool.
    assert!(value(&Type::U8).get::<bool>("").is_err());
    let error = value(&Hook::c_type()).get::<Hook>("").expect_err("a null function");
    assert!(matches!(*error.reason, FieldProblem::NotAnyBits { .. }), "{error}");
}

#[test]
fn a_wrong_path_says_what_is_there() {
    let ty = Type::structure("shape").field("width", Type::I32).field("at", point());
    let shape = value(&built(ty.field("cells", array(Type::I32, 2))));
    let FieldProblem::NoSuchMember { name, ty, members, nearest } = problem(&shape, "widht") else {
        panic!("it has no such member")
    };
    assert_eq!((name.as_str(), ty.as_str()), ("widht", "struct shape"));
    assert_eq!((members.len(), nearest.as_deref()), (3, Some("width")));
    assert_eq!(
        text(shape.get::<i32>("widht")),
        "`widht`: `struct shape` has no member `widht`; did you mean `width`? \
         It has `width`, `at`, `cells`"
    );
    assert_eq!(
        text(shape.get::<i32>("at.z")),
        "`at.z`: `struct point` has no member `z`; it has `x`, `y`"
    );
    assert_eq!(problem(&shape, "cells[2]"), FieldProblem::IndexOutOfBounds { index: 2, length: 2 });
    let aggregate = |found: &str, name: &str| FieldProblem::NotAnAggregate {
        found: found.into(),
        name: name.into(),
    };
    assert_eq!(problem(&shape, "at.x.re"), aggregate("double", "re"));
    assert_eq!(problem(&shape, "cells.x"), aggregate("array of 2", "x"));
    let array = |found: &str| FieldProblem::NotAnArray { found: found.into(), index: 0 };
    assert_eq!(problem(&shape, "at[0]"), array("struct point"));
    assert_eq!(problem(&shape, "width[0]"), array("int32_t"));
    assert_eq!(problem(&shape, "[0]"), array("struct shape"));
}

#[test]
fn a_malformed_path_says_where() {
    let shape = value(&built(Type::structure("shape").field("cells", array(point(), 2))));
    let name = "a member's name";
    for (path, at, expected) in [
        (".", 0, name),
        (".cells", 0, name),
        ("cells.", 6, name),
        ("cells[0]..x", 9, name),
        ("cells[0].[1]", 9, name),
        ("cells[", 6, "an index"),
        ("cells[]", 6, "an index"),
        ("cells[-1]", 6, "an index"),
        ("cells[é]", 6, "an index"),
        ("cells[0", 7, "`]`"),
        ("cells[0 ]", 7, "`]`"),
        ("cells[0]x", 8, "`.` or `[`"),
        ("cells[0]]", 8, "`.` or `[`"),
        ("cells[18446744073709551616]", 6, "an index that fits in 64 bits"),
    ] {
        assert_eq!(problem(&shape, path), FieldProblem::Malformed { at, expected }, "{path}");
    }
    assert!(matches!(problem(&shape, "é"), FieldProblem::NoSuchMember { .. }));
    assert_eq!(
        text(shape.get::<i32>("cells[x]")),
        "`cells[x]`: expected an index at byte 6 of the path"
    );
}

#[test]
fn a_size_beyond_memory_is_an_error() {
    for (element, count) in [(Type::U8, isize::MAX as usize), (Type::U64, isize::MAX as usize / 8)]
    {
        let ty = array(element, count);
        let error = Value::new(&ty).expect_err("no memory is that large");
        assert_eq!((error.size, error.align), (ty.size(), ty.align()));
        assert!(error.to_string().starts_with("no memory for 92233720368547758"), "{error}");
    }
}

#[test]
fn depth_and_sharing_cost_neither_stack_nor_time() {
    let depth = if cfg!(debug_assertions) { 30_000 } else { 300_000 };
    let deep =
        (0..depth).fold(Type::I8, |inner, _| built(Type::anonymous_structure().field("x", inner)));
    let mut deep = value(&deep);
    let path = vec!["x"; depth].join(".");
    deep.set(&path, 5_i8).expect("it is that deep");
    assert_eq!(deep.get::<i8>(&path), Ok(5));
    assert!(format!("{deep:?}").len() < 100_000);

    let unnamed = (0..depth).fold(built(Type::structure("s").field("x", Type::I8)), |inner, _| {
        built(Type::anonymous_structure().field("", inner))
    });
    assert_eq!(value(&unnamed).get::<i8>("x"), Ok(0));

    // As a tree it would have 2^60 members.
    let start = built(Type::anonymous_union().field("x", Type::I8));
    let doubled = (0..60).fold(start, |inner, _| {
        built(Type::anonymous_union().field("", inner.clone()).field("", inner))
    });
    let doubled = value(&doubled);
    assert_eq!(doubled.get::<i8>("x"), Ok(0));
    assert_eq!(
        text(doubled.get::<i8>("y")),
        "`y`: `union (anonymous)` has no member `y`; it has `x`"
    );
    assert!(format!("{doubled:?}").len() < 100_000);
    let long = value(&array(Type::I8, 1 << 20));
    assert!(format!("{long:?}").ends_with(", 0, …]"));
}

#[test]
fn text_shows_each_kind_of_scalar() {
    let ty = Type::structure("all").field("b", Type::BOOL).field("c", Type::I8);
    let ty = ty.field("h", Type::U16).field("f", Type::F32).field("p", Type::POINTER);
    let mut all = value(&built(ty.field("u", Type::U64).field("i", array(Type::I64, 2))));
    all.set("b", true).expect("a bool");
    all.set("c", -1_i8).expect("an int8_t");
    all.set("f", f32::NAN).expect("a float");
    all.set("p", 0x1f_usize).expect("a pointer");
    all.set("u", u64::MAX).expect("a uint64_t");
    all.set("i[1]", i64::MIN).expect("an int64_t");
    assert_eq!(
        format!("{all:?}"),
        "struct all { b: true, c: -1, h: 0, f: NaN, p: 0x1f, u: 18446744073709551615, \
         i: [0, -9223372036854775808] }"
    );
}

#[test]
fn div_returns_a_struct_that_is_read_by_name() {
    let div_t = Type::structure("div_t").field("quot", Type::C_INT).field("rem", Type::C_INT);
    let div = function("div", built(div_t), [Type::C_INT, Type::C_INT]);
    let mut numerator = value(&Type::C_INT);
    numerator.set("", -17).expect("an int");
    // SAFETY: `div_t div(int, int)`, and 5 is not 0.
    let result = unsafe { div.call_value(&[numerator.as_arg(), arg(&5)]) }.expect("it fits");
    assert_eq!((result.get::<i32>("quot"), result.get::<i32>("rem")), (Ok(-3), Ok(-2)));
    assert_eq!(format!("{result:?}"), "struct div_t { quot: -3, rem: -2 }");
    let mut double = value(&Type::F64);
    double.set("", 1.0).expect("a double");
    // SAFETY: nothing is called.
    let error = unsafe { div.call_value(&[double.as_arg(), arg(&5)]) }.expect_err("no double");
    assert_eq!(error.to_string(), "argument 0: expected 4 bytes for `int32_t`, found 8");
}

/// The structs go through registers in the first callback, and through memory in the second.
#[test]
fn structs_go_by_value_through_a_callback_and_back() {
    for count in [2, 20] {
        let ty = built(Type::structure("row").field("cells", array(Type::F32, count)));
        let last = format!("cells[{}]", count - 1);
        let path = last.clone();
        let raise =
            Callback::dynamic(ty.clone(), [Type::I32, ty.clone()], move |arguments, result| {
                let mut row = Value::from_argument(arguments, 1).expect("it is a row");
                let number: i32 = arguments.get(0).expect("an int");
                row.set(&path, row.get::<f32>(&path).expect("a float") + number as f32)
                    .expect("one");
                result.set_bytes(row.as_bytes()).expect("it is a row");
                assert!(matches!(Value::from_argument(arguments, 2), Err(CallError::Interface(_))));
            })
            .expect("a callback");
        let interface =
            CallInterface::new(ty.clone(), [Type::I32, ty.clone()]).expect("it can be called");
        let mut row = value(&ty);
        row.set("cells[0]", 0.25_f32).expect("a float");
        row.set(&last, 0.5_f32).expect("a float");
        // SAFETY: the callback has this signature, and is alive.
        let raised = unsafe { interface.call_value(raise.as_ptr(), &[arg(&3), row.as_arg()]) };
        let raised = raised.expect("the call fits");
        assert_eq!((raised.get("cells[0]"), raised.get(&last)), (Ok(0.25_f32), Ok(3.5_f32)));
        assert_eq!(row.get(&last), Ok(0.5_f32));
    }
}

#[test]
fn vectors_and_complex_numbers_have_parts() {
    let ty = Type::structure("s")
        .field("v", Type::vector(ffi::Scalar::I16, 4).expect("a vector"))
        .field("z", Type::COMPLEX_F64)
        .field("l", Type::C_LONG_DOUBLE)
        .field("n", Type::U128);
    let mut it = Value::new(&ty.build().expect("a C type")).expect("memory");
    it.set("v[2]", -7_i16).and_then(|()| it.set("z.im", 2.5)).expect("it fits");
    it.set("l", ffi::LongDouble::from(0.5)).and_then(|()| it.set("n", u128::MAX)).expect("it fits");
    assert_eq!((it.get("z[1]"), it.get::<f64>("z.re")), (Ok(2.5), Ok(0.0)));
    assert_eq!(
        format!("{it:?}"),
        format!("struct s {{ v: <0, 0, -7, 0>, z: 0.0 + 2.5i, l: 0.5, n: {} }}", u128::MAX)
    );
    it.set("z[1]", -0.5).expect("it fits");
    assert!(format!("{it:?}").contains("z: 0.0 - 0.5i"), "{it:?}");
    let error = it.get::<i16>("v[4]").expect_err("there are four");
    assert_eq!(error.to_string(), "`v[4]`: index 4 is out of bounds: the array has 4 elements");
}
