//! Every kind of bad input, with the error that names the offender.

use ffi::*;
use std::collections::hash_map::DefaultHasher;
use std::error::Error as _;
use std::ffi::c_void;
use std::hash::{Hash, Hasher};
use std::mem::MaybeUninit;
use std::sync::{Arc, Mutex};

extern "C" fn add(a: i32, b: i32) -> i32 {
    a + b
}

const ADD: *const c_void = add as *const c_void;

fn adder() -> CallInterface {
    CallInterface::new(Type::C_INT, [Type::C_INT, Type::C_INT]).expect("a C signature")
}

/// The call's error, and its text.
fn refused<R: CType + std::fmt::Debug>(
    arguments: &[Arg<'_>],
) -> (InvalidCallInterfaceError, String) {
    // SAFETY: what is passed does not fit, so nothing is called.
    let error = unsafe { adder().call::<R>(ADD, arguments) }.expect_err("it does not fit");
    let text = error.to_string();
    let CallError::Interface(error) = error else { panic!("{error}") };
    (error, text)
}

fn about(field: InterfaceField, reason: InterfaceReason) -> InvalidCallInterfaceError {
    InvalidCallInterfaceError::of(field, reason)
}

fn about_argument(index: usize, reason: InterfaceReason) -> InvalidCallInterfaceError {
    InvalidCallInterfaceError::argument(index, reason)
}

fn type_error(builder: AggregateBuilder) -> TypeValidationError {
    builder.build().expect_err("no such type")
}

fn prepare_error(result: Result<CallInterface, PrepareError>) -> InvalidCallInterfaceError {
    match result.expect_err("no such signature") {
        PrepareError::Interface(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
fn a_library_that_is_not_there() {
    // SAFETY: nothing is opened.
    let error = unsafe { Library::open("libnope.so.9") }.expect_err("not there");
    let system = if cfg!(windows) {
        // ERROR_MOD_NOT_FOUND
        std::io::Error::from_raw_os_error(126).to_string()
    } else {
        "libnope.so.9: cannot open shared object file: No such file or directory".into()
    };
    assert_eq!(error.to_string(), format!("cannot load library \"libnope.so.9\": {system}"));
    assert_eq!(error.raw_os_error(), if cfg!(windows) { Some(126) } else { None });
    assert!(error.source().is_some());
    assert_eq!((error.operation, error.reason), (Operation::Load, Reason::Os));
    assert_eq!((error.name.as_str(), error.library.as_deref()), ("libnope.so.9", None));
}

#[test]
fn a_symbol_that_is_not_there() {
    let libm = ffi_tests::system::mathematics();
    let library = libm.name();
    let interface = CallInterface::new(Type::VOID, []).expect("a C signature");
    for error in [
        libm.symbol("nope").expect_err("not there"),
        Function::load(&libm, "nope", &interface).expect_err("not there"),
    ] {
        assert_eq!((error.operation, error.reason), (Operation::Symbol, Reason::NotFound));
        assert_eq!((error.name.as_str(), error.library.as_deref()), ("nope", Some(library)));
        let text = error.to_string();
        // glibc goes on with where it found the library.
        assert!(
            text.starts_with(&format!("cannot find symbol \"nope\" in {library:?}: ")),
            "{text}"
        );
        if cfg!(windows) {
            // ERROR_PROC_NOT_FOUND
            assert!(text.ends_with(" (os error 127)"), "{text}");
        } else {
            assert!(text.ends_with("/libm.so.6: undefined symbol: nope"), "{text}");
        }
    }
    assert!(libm.symbol_optional("nope").expect("no other error").is_none());
}

#[test]
fn a_nul_in_a_name() {
    // SAFETY: nothing is opened.
    let error = unsafe { Library::open("lib\0m.so") }.expect_err("no such name");
    assert_eq!(
        error.to_string(),
        "cannot load library \"lib\\0m.so\": the name has a NUL byte at index 3"
    );
    assert_eq!(
        (error.operation, error.reason, error.name.as_str()),
        (Operation::Load, Reason::InteriorNul { position: 3 }, "lib\0m.so")
    );
    let program = Library::this().expect("this program");
    let error = program.symbol("ab\0s").expect_err("no such name");
    assert_eq!(
        (error.operation, error.reason, error.name.as_str()),
        (Operation::Symbol, Reason::InteriorNul { position: 2 }, "ab\0s")
    );
    assert_eq!(
        error.to_string(),
        "cannot find symbol \"ab\\0s\" in the program itself: \
         the name has a NUL byte at index 2"
    );
    assert!(program.symbol_optional("ab\0s").is_err());
    // At the end it is one too many as well.
    assert!(program.symbol("abs\0").is_err());
    // SAFETY: nothing is opened.
    assert!(unsafe { Library::open("libm.so.6\0") }.is_err());
}

#[test]
fn odd_names_of_libraries_and_symbols() {
    let long = "x".repeat(1 << 20);
    let program = Library::this().expect("this program");
    for name in ["", " ", "a b", "\n", "\"quoted\"", "ä💥", "%s%n", "../..", long.as_str()] {
        let error = program.symbol(name).expect_err("no such symbol");
        assert_eq!((error.reason, error.name.as_str()), (Reason::NotFound, name));
        let start = format!("cannot find symbol {name:?} in the program itself: ");
        assert!(error.to_string().starts_with(&start));
        if !name.is_empty() && name != "../.." {
            // SAFETY: nothing is opened.
            let error = unsafe { Library::open(name) }.expect_err("no such library");
            assert_eq!((error.reason, error.name.as_str()), (Reason::Os, name));
            assert!(error.to_string().starts_with(&format!("cannot load library {name:?}: ")));
        }
    }
}

#[cfg(unix)]
#[test]
fn odd_names_of_files() {
    use std::os::unix::ffi::OsStrExt;
    let name = std::ffi::OsStr::from_bytes(b"lib\xff.so");
    // SAFETY: nothing is opened.
    let error = unsafe { Library::open(name) }.expect_err("not there");
    assert_eq!(error.name, "lib\u{fffd}.so");
    // SAFETY: nothing is opened: a directory is no library.
    let error = unsafe { Library::open("/") }.expect_err("a directory");
    assert_eq!(error.to_string(), "cannot load library \"/\": it is a directory");
}

#[cfg(windows)]
#[test]
fn odd_names_of_files() {
    use std::os::windows::ffi::OsStringExt;
    let name = std::ffi::OsString::from_wide(&[0xdead, u16::from(b'x')]);
    // SAFETY: nothing is opened.
    let error = unsafe { Library::open(name) }.expect_err("not there");
    assert_eq!((error.reason, error.name.as_str()), (Reason::Os, "\u{fffd}x"));
    // SAFETY: nothing is opened: a directory is no library.
    let error = unsafe { Library::open("C:\\windows") }.expect_err("a directory");
    assert_eq!((error.reason, error.name.as_str()), (Reason::Os, "C:\\windows"));
    assert!(error.raw_os_error().is_some_and(|code| code != 0), "{error}");
}

#[test]
fn too_few_and_too_many_arguments() {
    for (found, text) in [
        (0, "argument list: expected 2 arguments, found 0"),
        (1, "argument list: expected 2 arguments, found 1"),
        (3, "argument list: expected 2 arguments, found 3"),
        (100_000, "argument list: expected 2 arguments, found 100000"),
    ] {
        let reason = InterfaceReason::Count { expected: 2, found };
        let expected = (about(InterfaceField::Arguments, reason), text.into());
        assert_eq!(refused::<i32>(&vec![arg(&1_i32); found]), expected);
    }
    let mut result = 0_i32;
    // SAFETY: the count is wrong, so nothing is called.
    let error = unsafe { adder().invoke(ADD, &[], (&raw mut result).cast()) };
    assert!(matches!(
        error,
        Err(CallError::Interface(InvalidCallInterfaceError {
            field: InterfaceField::Arguments,
            reason: InterfaceReason::Count { expected: 2, found: 0 },
            index: None,
            ..
        }))
    ));
}

#[test]
fn a_wrong_size_or_kind_of_argument() {
    let size = |expected, found, ty: &str| InterfaceReason::Size { expected, found, ty: ty.into() };
    let kind = |expected: &str, found: &str| InterfaceReason::Kind {
        expected: expected.into(),
        found: found.into(),
    };
    let int = "int32_t";
    assert_eq!(
        refused::<i32>(&[arg(&1_i32), arg(&2_i64)]),
        (
            about_argument(1, size(4, 8, int)),
            "argument 1: expected 4 bytes for `int32_t`, found 8".into()
        )
    );
    assert_eq!(
        refused::<i32>(&[arg(&1_f32), arg(&2_i32)]),
        (
            about_argument(0, kind(int, "float")),
            "argument 0: expected `int32_t`, found `float`".into()
        )
    );
    assert_eq!(
        refused::<i32>(&[Arg::bytes(&[1, 2, 3]), arg(&2_i32)]),
        (
            about_argument(0, size(4, 3, int)),
            "argument 0: expected 4 bytes for `int32_t`, found 3".into()
        )
    );
    for (bytes, found) in [(&[][..], 0), (&[0; 5], 5)] {
        let (error, _) = refused::<i32>(&[arg(&1_i32), Arg::bytes(bytes)]);
        assert_eq!(error, about_argument(1, size(4, found, int)));
    }
    assert_eq!(refused::<i32>(&[arg(&()), arg(&2_i32)]).0, about_argument(0, size(4, 0, int)));
    // A struct does not stand for a pointer of its size, nor the other way round.
    let point = || Type::structure("p").field("x", Type::F32).field("y", Type::F32).build();
    let interface = CallInterface::new(Type::VOID, [point().expect("a C struct")]);
    // SAFETY: what is passed does not fit, so nothing is called.
    let error = unsafe { interface.expect("a C signature").call::<()>(ADD, &[arg(&ADD)]) };
    let error = error.expect_err("a pointer is no struct");
    assert_eq!(error, about_argument(0, kind("struct p { float x; float y; }", "void *")).into());
    assert_eq!(
        error.to_string(),
        "argument 0: expected `struct p { float x; float y; }`, found `void *`"
    );
}

#[test]
fn a_wrong_size_or_kind_of_result() {
    let two = [arg(&1_i32), arg(&2_i32)];
    let size = |found| {
        about(
            InterfaceField::Return,
            InterfaceReason::Size { expected: 4, found, ty: "int32_t".into() },
        )
    };
    assert_eq!(
        refused::<i64>(&two),
        (size(8), "return value: expected 4 bytes for `int32_t`, found 8".into())
    );
    assert_eq!(
        refused::<()>(&two),
        (size(0), "return value: expected 4 bytes for `int32_t`, found 0".into())
    );
    let kind = InterfaceReason::Kind { expected: "int32_t".into(), found: "float".into() };
    assert_eq!(
        refused::<f32>(&two),
        (
            about(InterfaceField::Return, kind),
            "return value: expected `int32_t`, found `float`".into()
        )
    );
    for found in [0, 3, 5] {
        let mut room = vec![MaybeUninit::uninit(); found];
        // SAFETY: the room has not the size of the result, so nothing is called.
        let error = unsafe { adder().call_into(ADD, &two, &mut room) };
        assert_eq!(error, Err(size(found).into()));
    }
    let nothing = CallInterface::new(Type::VOID, []).expect("a C signature");
    // SAFETY: the result does not fit, so nothing is called.
    let error = unsafe { nothing.call::<i32>(ADD, &[]) }.expect_err("there is no result");
    assert_eq!(error.to_string(), "return value: expected 0 bytes for `void`, found 4");
}

#[test]
fn void_as_an_argument() {
    let error = prepare_error(CallInterface::new(Type::VOID, [Type::C_INT, Type::VOID]));
    assert_eq!(error, about_argument(1, InterfaceReason::Void));
    assert_eq!(
        error.to_string(),
        "argument 1: `void` cannot be passed; for no arguments give an empty list"
    );
}

#[test]
fn an_array_as_an_argument_or_result() {
    let row = || Type::array(Type::F32, 3).expect("a C array");
    assert_eq!(
        prepare_error(CallInterface::new(Type::VOID, [row()])).to_string(),
        "argument 0: `float [3]` is an array, which C neither passes nor returns; use a pointer"
    );
    let reason = InterfaceReason::Array { found: "float [3]".into() };
    let error = prepare_error(CallInterface::new(row(), []));
    assert_eq!(error, about(InterfaceField::Return, reason));
    assert_eq!(
        error.to_string(),
        "return value: `float [3]` is an array, which C neither passes nor returns; use a pointer"
    );
}

#[test]
fn an_empty_struct_and_void_members() {
    let error = type_error(Type::structure("nothing"));
    assert_eq!(error.reason, TypeProblem::Empty);
    assert_eq!(
        error.to_string(),
        "struct nothing: has no members; at least one is needed, unless it is stated to be empty: \
         of size 0 (GNU C) or 1 (C++), aligned to 1"
    );
    assert_eq!(
        type_error(Type::union("u").field("x", Type::C_INT).field("y", Type::VOID)).to_string(),
        "union u, member 1 `y`: `void` has no size, so it cannot be contained in another type"
    );
    let error = Type::array(Type::VOID, 3).expect_err("no such array");
    assert_eq!((error.kind, &error.reason), (TypeKind::Array, &TypeProblem::VoidMember));
    assert_eq!(
        error.to_string(),
        "array of void: `void` has no size, so it cannot be contained in another type"
    );
    let error = type_error(Type::anonymous_union().packed().align(8).stated(8, 8));
    assert_eq!(
        (error.type_name.as_str(), error.kind, &error.reason, error.index, &error.member),
        ("(anonymous)", TypeKind::Union, &TypeProblem::Empty, None, &None)
    );
    assert!(error.to_string().starts_with("union (anonymous): has no members; at least one"));
    assert_eq!(
        Type::array(Type::C_INT, 0).expect_err("no such array").to_string(),
        "array of int32_t: has length 0; at least one element is needed"
    );
    assert_eq!(
        type_error(Type::anonymous_structure().field("x", Type::I8).field("x", Type::I8))
            .to_string(),
        "struct (anonymous), member 1 `x`: the name is already taken by member 0"
    );
}

#[test]
fn a_stated_layout_that_contradicts_itself() {
    let pair = |first, second| {
        Type::structure("s").field_at("a", Type::I32, first).field_at("b", Type::I64, second)
    };
    let texts = [
        type_error(pair(0, 2).stated(16, 8)),
        type_error(pair(0, 12).stated(16, 8)),
        type_error(pair(0, 8).stated(20, 8)),
        type_error(pair(0, 8).field("c", Type::I8).stated(24, 8)),
        type_error(pair(0, 8)),
        type_error(Type::union("u").field_at("a", Type::I8, 4).stated(8, 8)),
        type_error(pair(0, usize::MAX - 3).stated(16, 8)),
        type_error(pair(0, 8).stated(16, 6)),
    ]
    .map(|error| error.to_string());
    assert_eq!(
        texts,
        [
            "struct s, member 1 `b`: starts at byte 2, but the member before it ends at byte 4",
            "struct s, member 1 `b`: ends at byte 20, past the stated size 16",
            "struct s: stated size 20 is not a multiple of the stated alignment 8",
            "struct s, member 2 `c`: no offset is stated; state the size, the alignment and every \
             offset, or none",
            "struct s, member 0 `a`: offsets are stated, but size and alignment are not; state \
             all of them or none",
            "union u, member 0 `a`: is stated to start at byte 4; the members of a union start \
             at 0",
            "struct s, member 1 `b`: the size overflows: no object can be larger than \
             9223372036854775807 bytes",
            "struct s: alignment 6 is not a power of two",
        ]
    );
    assert!(pair(0, 8).stated(16, 8).build().is_ok());
    // The same as data.
    let one = || Type::structure("s").field_at("a", Type::I32, 0);
    for (builder, reason, index) in [
        (one().stated(2, 2), TypeProblem::MemberPastEnd { end: 4, size: 2 }, Some(0)),
        (one().stated(0, 1), TypeProblem::MemberPastEnd { end: 4, size: 0 }, Some(0)),
        (one().stated(6, 4), TypeProblem::SizeNotMultipleOfAlignment { size: 6, align: 4 }, None),
        (one().stated(4, 0), TypeProblem::AlignmentNotPowerOfTwo { found: 0 }, None),
        (one().stated(usize::MAX, 1), TypeProblem::SizeOverflow, None),
        (one(), TypeProblem::SizeMissing, Some(0)),
        (
            Type::structure("s").field("a", Type::I8).stated(1, 1),
            TypeProblem::OffsetMissing,
            Some(0),
        ),
        (
            Type::structure("s").aligned_field("a", Type::I8, 4).stated(4, 4),
            TypeProblem::OffsetMissing,
            Some(0),
        ),
        (
            one().field_at("b", Type::I8, 3).stated(8, 4),
            TypeProblem::MemberOverlaps { offset: 3, previous_end: 4 },
            Some(1),
        ),
        // Members are in the order of their offsets.
        (
            Type::structure("s").field_at("a", Type::I8, 4).field_at("b", Type::I8, 0).stated(8, 4),
            TypeProblem::MemberOverlaps { offset: 0, previous_end: 5 },
            Some(1),
        ),
        (
            Type::union("s").field_at("a", Type::I8, 0).field_at("b", Type::I8, 1).stated(2, 1),
            TypeProblem::UnionMemberOffset { offset: 1 },
            Some(1),
        ),
    ] {
        let error = type_error(builder);
        assert_eq!((&error.reason, error.index), (&reason, index), "{error}");
        assert_eq!(error.type_name, "s");
        assert_eq!(error.member.is_some(), index.is_some());
    }
}

/// `aligned(32)` can only raise an alignment; stated to be 8, the type would print with both.
#[test]
fn a_stated_alignment_below_the_attribute() {
    let builder = Type::structure("s").field_at("a", Type::I64, 0).align(32).stated(8, 8);
    assert!(builder.build().is_err());
}

#[test]
fn an_alignment_that_is_no_power_of_two() {
    let one = || Type::structure("s").field("x", Type::I32);
    for align in [0, 3, 12, usize::MAX] {
        let reason = TypeProblem::AlignmentNotPowerOfTwo { found: align };
        assert_eq!(type_error(one().align(align)).reason, reason);
        assert_eq!(type_error(one().pack(align)).reason, reason);
        assert_eq!(type_error(one().stated(16, align)).reason, reason);
        let error = type_error(one().aligned_field("y", Type::I8, align));
        assert_eq!((error.reason, error.index), (reason, Some(1)));
    }
    assert_eq!(
        type_error(one().aligned_field("y", Type::I8, 3)).to_string(),
        "struct s, member 1 `y`: alignment 3 is not a power of two"
    );
    for align in [1 << 29, 1 << 30, 1 << 63] {
        let reason = TypeProblem::AlignmentTooLarge { found: align, max: 1 << 28 };
        for builder in [
            one().align(align),
            one().pack(align),
            one().stated(align, align),
            one().aligned_field("y", Type::I8, align),
        ] {
            assert_eq!(type_error(builder).reason, reason);
        }
    }
    let error = type_error(one().align(1 << 40));
    assert_eq!(
        error.to_string(),
        "struct s: alignment 1099511627776 is above the greatest one, 268435456"
    );
}

#[test]
fn a_size_that_overflows() {
    let half = Type::array(Type::U8, usize::MAX / 2).expect("the largest array");
    let text = "the size overflows: no object can be larger than 9223372036854775807 bytes";
    assert_eq!(
        type_error(Type::structure("s").field("a", half.clone()).field("b", Type::I8)).to_string(),
        format!("struct s, member 1 `b`: {text}")
    );
    assert_eq!(
        Type::array(Type::I16, usize::MAX).expect_err("too large").to_string(),
        format!("array of int16_t: {text}")
    );
    let error = type_error(Type::structure("s").field("a", half.clone()).align(8));
    assert_eq!((&error.reason, error.index), (&TypeProblem::SizeOverflow, None));
    assert_eq!(error.to_string(), format!("struct s: {text}"));
    for (element, count) in [
        (Type::U8, usize::MAX),
        (Type::U8, usize::MAX / 2 + 1),
        (Type::U64, usize::MAX / 8),
        (half.clone(), 2),
        (half.clone(), usize::MAX),
    ] {
        let error = Type::array(element, count).expect_err("too large");
        assert_eq!((error.kind, error.reason), (TypeKind::Array, TypeProblem::SizeOverflow));
    }
    // The one before it fits; it is rounding up to the next member that does not.
    let error = type_error(Type::structure("s").field("a", half.clone()).field("b", Type::I64));
    assert_eq!((error.reason, error.member.as_deref()), (TypeProblem::SizeOverflow, Some("b")));
    let union = Type::union("u").field("a", half.clone()).field("b", half).build();
    assert_eq!(union.expect("they overlap").size(), usize::MAX / 2);
}

#[test]
fn arguments_too_large_for_any_stack() {
    let huge = Type::array(Type::U8, 1 << 40).expect("a C array");
    let huge = Type::structure("huge").field("x", huge).build().expect("a C struct");
    let max = 1 << 31;
    let reason = |size| InterfaceReason::TooLarge { size, max };
    let error = prepare_error(CallInterface::new(Type::VOID, [Type::I8, huge.clone()]));
    assert_eq!(error, about_argument(1, reason(1 << 40)));
    assert_eq!(
        error.to_string(),
        "argument 1: 1099511627776 bytes are more than a call can carry, 2147483648"
    );
    let error = prepare_error(CallInterface::new(huge.clone(), []));
    assert_eq!(error, about(InterfaceField::Return, reason(1 << 40)));
    assert_eq!(
        error.to_string(),
        "return value: 1099511627776 bytes are more than a call can carry, 2147483648"
    );
    let many = prepare_error(CallInterface::new(Type::VOID, vec![huge.clone(); MAX_ARGUMENTS]));
    assert_eq!(many, about_argument(0, reason(1 << 40)));
    let most = Type::array(Type::U8, isize::MAX as usize).expect("a C array");
    let most = Type::structure("most").field("x", most).build().expect("a C struct");
    assert!(CallInterface::new(Type::VOID, [most]).is_err());
    let error = Callback::dynamic(Type::VOID, [huge], |_, _| {}).expect_err("too large");
    let Error::Callback(CallbackError::Signature(error)) = error else { panic!("{error}") };
    assert_eq!(error, about_argument(0, reason(1 << 40)));
    // Over-aligned by as much as can be, a small one still has its place.
    let aligned = Type::structure("a").field("x", Type::I8).align(1 << 28).build();
    let aligned = aligned.expect("a C struct");
    let interface = CallInterface::new(Type::VOID, [aligned.clone()]).expect("it fits");
    assert_eq!(interface.plan().stack_align(), 1 << 28);
    let error = prepare_error(CallInterface::new(Type::VOID, vec![aligned; 8]));
    // Win64 and AArch64 pass copies, and count what it may take to align one along with it.
    let copies = cfg!(any(windows, target_arch = "aarch64"));
    let first_too_many = if copies { 4 } else { 7 };
    assert_eq!(error, about_argument(first_too_many, reason(1 << 28)));
    let gigabyte = Type::array(Type::U8, 1 << 30).expect("a C array");
    let gigabyte = Type::structure("g").field("x", gigabyte).build().expect("a C struct");
    let error = prepare_error(CallInterface::new(Type::VOID, vec![gigabyte; 3]));
    assert_eq!(error.index, Some(1));
}

#[test]
fn more_arguments_than_there_can_be() {
    for ty in [Type::I8, Type::F64, nested(3)] {
        let most = CallInterface::new(Type::VOID, vec![ty.clone(); MAX_ARGUMENTS]);
        assert_eq!(most.expect("it is allowed").plan().argument_count(), MAX_ARGUMENTS);
        let error = prepare_error(CallInterface::new(Type::VOID, vec![ty; MAX_ARGUMENTS + 1]));
        let reason = InterfaceReason::TooManyArguments { found: 1025, max: 1024 };
        assert_eq!(error, about(InterfaceField::Arguments, reason));
        assert_eq!(
            error.to_string(),
            "argument list: 1025 arguments are more than the greatest number, 1024"
        );
    }
    let variadic = |count| CallInterface::variadic(Type::VOID, vec![Type::I32; count], 1);
    assert!(variadic(MAX_ARGUMENTS).is_ok() && variadic(MAX_ARGUMENTS + 1).is_err());
    let callback = |count| Callback::dynamic(Type::VOID, vec![Type::I32; count], |_, _| {});
    assert!(callback(MAX_ARGUMENTS).is_ok() && callback(MAX_ARGUMENTS + 1).is_err());
}

#[test]
fn a_convention_that_this_platform_cannot_call() {
    let (others, known) = if cfg!(target_arch = "aarch64") {
        (
            [Convention::SysV, Convention::Win64(Win64::Msvc), Convention::Win64(Win64::Gnu)],
            "AArch64 programs can call aapcs64, apple-arm64 and windows-arm64",
        )
    } else {
        (
            [
                Convention::Aapcs64(Aapcs64::Standard),
                Convention::Aapcs64(Aapcs64::Apple),
                Convention::Aapcs64(Aapcs64::Windows),
            ],
            "x86-64 programs can call sysv, win64 and win64-gnu",
        )
    };
    let platform = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    for convention in others {
        let error = implementation(convention).err().expect("of another processor");
        assert_eq!((error.convention, error.platform), (convention, platform.as_str()));
        assert_eq!(
            error.to_string(),
            format!("calling convention {convention} on {platform}: {known}")
        );
        let signature = || Signature::new(convention, Type::VOID, []).expect("it is described");
        assert_eq!(
            CallInterface::with_signature(signature()).expect_err("of another processor"),
            PrepareError::Convention(error.clone())
        );
        let made = Callback::with_signature(signature(), |_, _| {});
        let made = made.expect_err("of another processor");
        let Error::Prepare(made) = made else { panic!("{made}") };
        assert_eq!(made, PrepareError::Convention(error));
    }
}

#[test]
fn a_variadic_index_past_the_end() {
    let error = prepare_error(CallInterface::variadic(Type::VOID, [Type::POINTER], 2));
    let reason = InterfaceReason::VariadicPastEnd { found: 2, count: 1 };
    assert_eq!(error, about(InterfaceField::FirstVariadic, reason));
    assert_eq!(
        error.to_string(),
        "index of the first variadic argument: 2 is past the end of the 1 argument"
    );
    assert!(CallInterface::variadic(Type::VOID, [Type::POINTER], 1).is_ok());
    assert!(CallInterface::variadic(Type::VOID, [Type::POINTER], usize::MAX).is_err());
}

#[test]
fn what_c_promotes_in_variadic_position() {
    for (ty, promoted) in [
        (Type::BOOL, "int32_t"),
        (Type::I8, "int32_t"),
        (Type::U8, "int32_t"),
        (Type::I16, "int32_t"),
        (Type::U16, "int32_t"),
        (Type::F32, "double"),
    ] {
        let name = ty.to_string();
        let error = CallInterface::variadic(Type::VOID, [ty.clone(), Type::F64, ty], 1);
        let error = prepare_error(error);
        let InterfaceReason::Promoted { found, expected } = error.reason else { panic!("{error}") };
        assert_eq!((found, expected, error.index), (name.as_str(), promoted, Some(2)));
        assert_eq!(
            error.to_string(),
            format!(
                "argument 2: C promotes `{name}` to `{promoted}` in variadic position; pass it as that"
            )
        );
    }
}

#[test]
fn a_null_function_pointer() {
    let null = std::ptr::null();
    let (two, context) = ([arg(&1_i32), arg(&2_i32)], Context::new());
    let mut room = [MaybeUninit::uninit(); 4];
    let adder = adder();
    // SAFETY: nothing is called.
    let errors = unsafe {
        [
            adder.call::<i32>(null, &two).expect_err("null"),
            adder.call_in::<i32>(&context, null, &two).expect_err("null"),
            adder.call_errno::<i32>(&context, null, &two).expect_err("null"),
            adder.call_into(null, &two, &mut room).expect_err("null"),
            adder.invoke(null, &[null; 2], room.as_mut_ptr().cast()).expect_err("null"),
            // Whatever else is wrong.
            adder.call::<i64>(null, &[]).expect_err("null"),
            adder.invoke(null, &[], std::ptr::null_mut()).expect_err("null"),
        ]
    };
    for error in errors {
        let expected = about(InterfaceField::Function, InterfaceReason::NullFunction);
        assert_eq!(error, CallError::Interface(expected));
        assert_eq!(error.to_string(), "function: the address is null");
    }
}

#[test]
fn a_variadic_callback() {
    let convention = Convention::native().expect("a supported platform");
    let signature = Signature::variadic(convention, Type::VOID, [Type::POINTER], 1);
    let error = Callback::with_signature(signature.expect("a C signature"), |_, _| {});
    let error = error.expect_err("it has no reader");
    assert!(matches!(error, Error::Callback(CallbackError::Variadic { first_variadic: 1 })));
    assert_eq!(
        error.to_string(),
        "argument 1 is passed through `...`, which this kind of callback does not take; \
         `create_variadic` makes one that does"
    );
}

#[test]
fn a_variadic_callback_of_another_signature() {
    let convention = Convention::native().expect("a supported platform");
    let error = |signature: Result<Signature, InvalidCallInterfaceError>| {
        let signature = signature.expect("a C signature");
        // SAFETY: nothing is made.
        let made = unsafe { Callback::options().create_variadic(signature, |_, _, _| {}) };
        let Err(Error::Callback(error)) = made else { panic!("{made:?}") };
        error
    };
    let types = [Type::POINTER, Type::I32];
    let fixed = error(Signature::new(convention, Type::VOID, types.clone()));
    assert_eq!(fixed, CallbackError::NotVariadic { found: None, fixed: 2 });
    assert_eq!(
        fixed.to_string(),
        "a variadic callback's signature ends before `...`: expected 2 as the index of the first \
         variadic argument, found none"
    );
    let passed = error(Signature::variadic(convention, Type::VOID, types, 1));
    assert_eq!(passed, CallbackError::NotVariadic { found: Some(1), fixed: 2 });
}

#[test]
fn a_policy_that_does_not_fit_the_callback() {
    let error = |policy| {
        let made = Callback::options().on_panic(policy).create(|| -> i32 { 0 });
        let Err(Error::Callback(error)) = made else { panic!("{made:?}") };
        error.to_string()
    };
    assert_eq!(
        error(OnPanic::returning(0_i64)),
        "the value to return after a panic: return value: expected 4 bytes for `int32_t`, found 8"
    );
    assert_eq!(
        error(OnPanic::returning(0_f32)),
        "the value to return after a panic: return value: expected `int32_t`, found `float`"
    );
    #[cfg(target_arch = "x86_64")]
    {
        let other = if cfg!(windows) { Convention::SysV } else { Convention::Win64(Win64::Gnu) };
        let signature = Signature::new(other, Type::VOID, []).expect("a C signature");
        let options = Callback::options().on_panic(OnPanic::Unwind);
        let made = options.create_dynamic(signature, |_, _| {});
        let Err(Error::Callback(error)) = made else { panic!("{made:?}") };
        assert_eq!(error, CallbackError::Unwind { found: other });
        let expected = format!(
            "panics and exceptions can leave callbacks of the platform's own convention alone, \
             and this one is of {other}"
        );
        assert_eq!(error.to_string(), expected);
    }
}

/// What a closure asks of its arguments and its result is checked, each time.
#[test]
fn what_a_callback_does_not_have() {
    let found: Arc<Mutex<Vec<InvalidCallInterfaceError>>> = Arc::default();
    let errors = Arc::clone(&found);
    let callback =
        Callback::dynamic(Type::F64, [Type::I32, Type::F64], move |arguments, result| {
            let mut errors = errors.lock().expect("no panic");
            errors.push(arguments.get::<i32>(2).expect_err("there are two"));
            errors.push(arguments.get::<i32>(usize::MAX).expect_err("there are two"));
            errors.push(arguments.get::<i64>(0).expect_err("an int32_t"));
            errors.push(arguments.get::<f32>(0).expect_err("an int32_t"));
            errors.push(arguments.get::<bool>(0).expect_err("an int32_t"));
            errors.push(arguments.read(1, &mut [0; 7]).expect_err("a double"));
            errors.push(arguments.read(9, &mut []).expect_err("there are two"));
            errors.push(result.set(1_i64).expect_err("a double"));
            errors.push(result.set(()).expect_err("a double"));
            errors.push(result.set_bytes(&[0; 9]).expect_err("a double"));
            assert!(arguments.ty(2).is_none());
        });
    let callback = callback.expect("there is room");
    // SAFETY: the callback has this type, and is alive.
    let call = unsafe { callback.as_fn::<extern "C" fn(i32, f64) -> f64>() };
    // A result that was never set is zero.
    assert_eq!(call(1, 2.0), 0.0);
    let found = found.lock().expect("no panic");
    assert_eq!(found[0], about_argument(2, InterfaceReason::NoSuchArgument { count: 2 }));
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "argument 2: there are only 2 arguments",
            "argument 18446744073709551615: there are only 2 arguments",
            "argument 0: expected 4 bytes for `int32_t`, found 8",
            "argument 0: expected `int32_t`, found `float`",
            "argument 0: expected 4 bytes for `int32_t`, found 1",
            "argument 1: expected 8 bytes for `double`, found 7",
            "argument 9: there are only 2 arguments",
            "return value: expected `double`, found `int64_t`",
            "return value: expected 8 bytes for `double`, found 0",
            "return value: expected 8 bytes for `double`, found 9",
        ]
    );
}

/// The offender is named by the error itself, and not only by what it chains to.
#[test]
fn a_callbacks_signature_that_cannot_be() {
    let error = Callback::new(|_: ()| {}).expect_err("`()` is `void`");
    assert!(error.to_string().contains("argument 0: `void` cannot be passed"), "{error}");
}

fn hash<T: Hash>(value: &T) -> u64 {
    let mut state = DefaultHasher::new();
    value.hash(&mut state);
    state.finish()
}

/// Where the platform's convention passes the first two integers.
const INTEGERS: [&str; 2] = if cfg!(target_arch = "aarch64") {
    ["x0", "x1"]
} else if cfg!(windows) {
    ["rcx", "rdx"]
} else {
    ["rdi", "rsi"]
};

/// Structs in structs, a member each.
fn nested(depth: usize) -> Type {
    (0..depth).fold(Type::I8, |inner, _| {
        Type::anonymous_structure().field("x", inner).build().expect("a C struct")
    })
}

/// A million, or where the tests run in an emulator or under Wine, whose heap is slow, a tenth of
/// it: enough to overflow a small stack there too.
const DEPTH: usize = if cfg!(any(windows, target_arch = "aarch64")) { 100_000 } else { 1_000_000 };

/// Runs `test` where recursion over a million of anything would not return.
fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    let builder = std::thread::Builder::new().stack_size(256 << 10);
    builder.spawn(test).expect("a thread").join().expect("no panic");
}

/// A struct can only be made of finished types, so none contains itself (`ffi_types::Type` has
/// the proof by the compiler); what is left is to nest them very deep.
#[test]
fn a_million_structs_in_each_other() {
    on_a_small_stack(|| {
        let (one, other) = (nested(DEPTH), nested(DEPTH));
        assert_eq!(one, other);
        assert_ne!(one, other.fields()[0].ty().clone());
        assert_eq!(hash(&one), hash(&other));
        let copy = one.clone();
        drop(one);
        let text = copy.to_string();
        assert_eq!((text.matches('{').count(), text.matches("x; }").count()), (DEPTH, DEPTH));
        assert_eq!((copy.size(), copy.align(), copy.leaves().len()), (1, 1, 1));
        // It is as good an argument and result as any.
        let interface = CallInterface::new(copy.clone(), [copy, other]).expect("a C signature");
        assert_eq!(interface.plan().placement(1).to_string(), INTEGERS[1]);
        let again = interface.clone();
        assert_eq!(interface.signature(), again.signature());
    });
}

#[test]
fn a_million_arrays_of_each_other() {
    on_a_small_stack(|| {
        let nested =
            || (0..DEPTH).fold(Type::I8, |inner, _| Type::array(inner, 1).expect("a C array"));
        let (one, other) = (nested(), nested());
        assert_eq!((one == other, hash(&one) == hash(&other)), (true, true));
        assert_eq!(one.to_string(), format!("int8_t {}", "[1]".repeat(DEPTH)));
        let error = prepare_error(CallInterface::new(Type::VOID, [one.clone()]));
        assert_eq!(error.index, Some(0));
        let whole = Type::structure("s").field("x", one).build().expect("a C struct");
        assert_eq!(whole.to_string(), format!("struct s {{ int8_t x{}; }}", "[1]".repeat(DEPTH)));
    });
}

/// As [`nested`], but each level is made and dropped while an inner one is still held.
#[test]
fn a_deep_type_that_is_shared_is_dropped_only_to_where_it_is_shared() {
    on_a_small_stack(|| {
        let inner = nested(200_000);
        let outer = (0..200_000).fold(inner.clone(), |inner, _| {
            Type::anonymous_union().field("x", inner).build().expect("a C union")
        });
        drop(outer);
        assert_eq!(inner, nested(200_000));
    });
}

/// Each union has the one before it twice: as a tree it would have 2^60 members.
fn doubled(depth: usize, tag: impl Fn(usize) -> Option<String>) -> Type {
    (0..depth).fold(Type::I32, |inner, level| {
        let start = match tag(level) {
            Some(tag) => Type::union(&tag),
            None => Type::anonymous_union(),
        };
        start.field("a", inner.clone()).field("b", inner).build().expect("a C union")
    })
}

#[test]
fn sixty_unions_of_two_of_each_other() {
    let tags: [fn(usize) -> Option<String>; 3] =
        [|level| Some(format!("u{level}")), |_| Some("u".into()), |_| None];
    for tag in tags {
        let (one, other) = (doubled(60, tag), doubled(60, tag));
        assert_eq!((one == other, hash(&one) == hash(&other)), (true, true));
        assert_ne!(one, doubled(59, tag));
        assert_eq!((one.size(), one.leaves().len()), (4, 1));
        // By value too: there is one place for it.
        let interface = CallInterface::new(one.clone(), [other]).expect("a C signature");
        assert_eq!(interface.plan().placement(0).to_string(), INTEGERS[0]);
        assert!(Type::array(one, 3).is_ok());
    }
    let named = doubled(60, |level| Some(format!("u{level}")));
    assert_eq!(named.to_string().matches('{').count(), 60);
}

/// Depth 16 stands for 60, at which this would take all memory there is; every error that has
/// the type's text in it is the same.
#[test]
fn unions_of_two_of_each_other_print_in_reasonable_length() {
    let tags: [fn(usize) -> Option<String>; 2] = [|_| Some("u".into()), |_| None];
    for tag in tags {
        let ty = doubled(16, tag);
        assert!(ty.to_string().len() < 100_000, "{} bytes", ty.to_string().len());
        let error = ty.check_size(5).expect_err("it has four bytes");
        assert!(error.to_string().len() < 100_000);
    }
}

#[test]
fn wide_types_and_duplicate_names() {
    let wide = |names: &dyn Fn(usize) -> String| {
        (0..100_000).fold(Type::structure("s"), |s, i| s.field(&names(i), Type::I8)).build()
    };
    let ty = wide(&|i| format!("m{i}")).expect("a C struct");
    assert_eq!((ty.size(), ty.fields()[99_999].offset()), (100_000, 99_999));
    let error = wide(&|i| format!("m{}", i % 70_000)).expect_err("names are there twice");
    assert_eq!(
        (&error.reason, error.index, error.member.as_deref()),
        (&TypeProblem::DuplicateName { first: 0 }, Some(70_000), Some("m0"))
    );
    assert_eq!(
        error.to_string(),
        "struct s, member 70000 `m0`: the name is already taken by member 0"
    );
}

/// A name is text and nothing else: whatever is in it, nothing panics, and errors quote it.
#[test]
fn odd_names_of_types_and_members() {
    for name in ["", " ", "a b", "ä💥", "\n", "\0", "`", "{}", "int", "*/", &"x".repeat(1 << 16)]
    {
        let ty = Type::structure(name).field(name, Type::I8).build().expect("a type");
        assert_eq!((ty.name(), ty.fields()[0].name()), (Some(name), name));
        assert_eq!(ty.to_string(), format!("struct {name} {{ int8_t {name}; }}"));
        assert!(ty.field(name).is_some());
        let error = type_error(Type::structure(name).field(name, Type::VOID));
        assert_eq!((error.type_name.as_str(), error.member.as_deref()), (name, Some(name)));
        assert!(error.to_string().starts_with(&format!("struct {name}, member 0 `{name}`: ")));
    }
}

/// C++ puts an empty base in front: the first eightbyte is padding, and the result is in the
/// second half of what is returned. System V's rule alone.
#[cfg(target_arch = "x86_64")]
#[test]
fn a_result_whose_first_eightbyte_is_padding() {
    extern "sysv64" fn half() -> f64 {
        0.5
    }
    let late = Type::structure("late").field_at("x", Type::F64, 8).stated(16, 8).build();
    let signature = Signature::new(Convention::SysV, late.expect("a type"), []);
    let signature = signature.expect("a C signature");
    let interface = CallInterface::with_signature(signature).expect("it can be called");
    let mut room = [MaybeUninit::new(0xee_u8); 16];
    // SAFETY: such a struct comes back as its only eightbyte would, in xmm0.
    unsafe { interface.call_into(half as *const c_void, &[], &mut room) }.expect("it fits");
    // SAFETY: every byte was set above.
    let bytes = room.map(|byte| unsafe { byte.assume_init() });
    assert_eq!(bytes[8..], 0.5_f64.to_ne_bytes());
    assert_eq!(bytes[..8], [0xee; 8]);
}

#[test]
fn every_error_is_one_error() {
    fn all() -> Result<(), Error> {
        let ty = Type::structure("s").field("x", Type::C_INT).build()?;
        let signature = Signature::new(Convention::native()?, ty, [])?;
        implementation(signature.convention())?;
        let _ = CallInterface::with_signature(signature)?;
        let _ = Library::this()?.symbol_optional("abs")?;
        Ok(())
    }
    all().expect("nothing is wrong");
    fn check<T: Send + Sync + 'static + std::error::Error>() {}
    check::<Error>();
    check::<LibraryError>();
    check::<InvalidCallInterfaceError>();
    check::<TypeValidationError>();
    check::<CallingConventionError>();
    check::<UnsupportedPlatformError>();
}

/// The declaration is named, as there may be many of them.
#[test]
fn more_arguments_than_a_declaration_has() {
    let library = Library::this().expect("the program");
    let passed = library.variadic_function("double half(double)", [Type::F64]);
    assert_eq!(
        passed.expect_err("it takes no `...`").to_string(),
        "`double half(double)`: expected 1 argument, found 2: the function takes no `...`"
    );
}
