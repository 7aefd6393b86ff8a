//! Every kind of bad input, with the error that names the offender.

use ffi::*;
use std::error::Error as _;
use std::ffi::c_void;

extern "C" fn add(a: i32, b: i32) -> i32 {
    a + b
}

const ADD: *const c_void = add as *const c_void;

fn adder() -> CallInterface {
    CallInterface::new(Type::C_INT, [Type::C_INT, Type::C_INT]).expect("a C signature")
}

/// The text of the call's error.
fn refused<R: CType + std::fmt::Debug>(arguments: &[Arg<'_>]) -> String {
    // SAFETY: what is passed does not fit, so nothing is called.
    unsafe { adder().call::<R>(ADD, arguments) }.expect_err("it does not fit").to_string()
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
    assert_eq!(
        error.to_string(),
        "cannot load library \"libnope.so.9\": libnope.so.9: cannot open shared object file: \
         No such file or directory"
    );
    assert!(error.source().is_some());
}

#[test]
fn a_symbol_that_is_not_there() {
    // SAFETY: part of the system.
    let libm = unsafe { Library::open("libm.so.6") }.expect("it is there");
    let text = libm.symbol("nope").expect_err("not there").to_string();
    assert!(text.starts_with("cannot find symbol \"nope\" in \"libm.so.6\": "), "{text}");
    assert!(text.ends_with("undefined symbol: nope"), "{text}");
    let interface = CallInterface::new(Type::VOID, []).expect("a C signature");
    assert!(Function::load(&libm, "nope", &interface).is_err());
}

#[test]
fn a_nul_in_a_name() {
    // SAFETY: nothing is opened.
    let error = unsafe { Library::open("lib\0m.so") }.expect_err("no such name");
    assert_eq!(
        error.to_string(),
        "cannot load library \"lib\\0m.so\": the name has a NUL byte at index 3"
    );
    let program = Library::this().expect("this program");
    let error = program.symbol("ab\0s").expect_err("no such name");
    assert_eq!(
        error.to_string(),
        "cannot find symbol \"ab\\0s\" in the program itself: \
         the name has a NUL byte at index 2"
    );
    assert!(program.symbol_optional("ab\0s").is_err());
}

#[test]
fn too_few_and_too_many_arguments() {
    assert_eq!(refused::<i32>(&[arg(&1_i32)]), "argument list: expected 2 arguments, found 1");
    assert_eq!(refused::<i32>(&[arg(&1_i32); 3]), "argument list: expected 2 arguments, found 3");
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
    assert_eq!(
        refused::<i32>(&[arg(&1_i32), arg(&2_i64)]),
        "argument 1: expected 4 bytes for `int32_t`, found 8"
    );
    assert_eq!(
        refused::<i32>(&[arg(&1_f32), arg(&2_i32)]),
        "argument 0: expected `int32_t`, found `float`"
    );
    assert_eq!(
        refused::<i32>(&[Arg::bytes(&[1, 2, 3]), arg(&2_i32)]),
        "argument 0: expected 4 bytes for `int32_t`, found 3"
    );
}

#[test]
fn a_wrong_size_or_kind_of_result() {
    let two = [arg(&1_i32), arg(&2_i32)];
    assert_eq!(refused::<i64>(&two), "return value: expected 4 bytes for `int32_t`, found 8");
    assert_eq!(refused::<f32>(&two), "return value: expected `int32_t`, found `float`");
    assert_eq!(refused::<()>(&two), "return value: expected 4 bytes for `int32_t`, found 0");
    let mut small = [std::mem::MaybeUninit::uninit(); 3];
    // SAFETY: the buffer is too small, so nothing is called.
    assert!(unsafe { adder().call_into(ADD, &two, &mut small) }.is_err());
}

#[test]
fn void_as_an_argument() {
    let error = prepare_error(CallInterface::new(Type::VOID, [Type::C_INT, Type::VOID]));
    assert_eq!((error.field, error.index), (InterfaceField::Argument, Some(1)));
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
    assert_eq!(prepare_error(CallInterface::new(row(), [])).field, InterfaceField::Return);
}

#[test]
fn an_empty_struct_and_void_members() {
    let error = type_error(Type::structure("nothing"));
    assert_eq!(error.reason, TypeProblem::Empty);
    assert_eq!(error.to_string(), "struct nothing: has no members; at least one is needed");
    assert_eq!(
        type_error(Type::union("u").field("x", Type::C_INT).field("y", Type::VOID)).to_string(),
        "union u, member 1 `y`: `void` has no size, so it cannot be contained in another type"
    );
    assert!(Type::array(Type::VOID, 3).is_err());
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
    assert!(
        type_error(Type::structure("s").field("a", half).align(8)).reason
            == TypeProblem::SizeOverflow
    );
}

#[test]
fn arguments_too_large_for_any_stack() {
    let huge = Type::array(Type::U8, 1 << 40).expect("a C array");
    let huge = Type::structure("huge").field("x", huge).build().expect("a C struct");
    assert_eq!(
        prepare_error(CallInterface::new(Type::VOID, [Type::I8, huge.clone()])).to_string(),
        "argument 1: 1099511627776 bytes are more than a call can carry, 2147483648"
    );
    assert_eq!(prepare_error(CallInterface::new(huge, [])).field, InterfaceField::Return);
    let gigabyte = Type::array(Type::U8, 1 << 30).expect("a C array");
    let gigabyte = Type::structure("g").field("x", gigabyte).build().expect("a C struct");
    let error = prepare_error(CallInterface::new(Type::VOID, vec![gigabyte; 3]));
    assert_eq!(error.index, Some(1));
}

#[test]
fn more_arguments_than_there_can_be() {
    assert!(CallInterface::new(Type::VOID, vec![Type::I8; MAX_ARGUMENTS]).is_ok());
    assert_eq!(
        prepare_error(CallInterface::new(Type::VOID, vec![Type::I8; MAX_ARGUMENTS + 1]))
            .to_string(),
        "argument list: 1025 arguments are more than the greatest number, 1024"
    );
}

#[test]
fn a_convention_that_this_platform_cannot_call() {
    let convention = Convention::Aapcs64(Aapcs64::Apple);
    let signature = Signature::new(convention, Type::VOID, []).expect("it can be described");
    let error = CallInterface::with_signature(signature.clone()).expect_err("not on x86-64");
    let PrepareError::Convention(error) = error else { panic!("{error}") };
    assert_eq!(error.convention, convention);
    assert_eq!(
        error.to_string(),
        "calling convention apple-arm64 on x86_64-linux: this build has no code for it; \
         x86-64 programs can call sysv"
    );
    assert!(Callback::with_signature(signature, |_, _| {}).is_err());
}

#[test]
fn a_variadic_index_past_the_end() {
    let error = prepare_error(CallInterface::variadic(Type::VOID, [Type::POINTER], 2));
    assert_eq!(error.field, InterfaceField::FirstVariadic);
    assert_eq!(
        error.to_string(),
        "index of the first variadic argument: 2 is past the end of the 1 arguments"
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
        assert_eq!(error.index, Some(2));
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
    // SAFETY: nothing is called.
    let error = unsafe { adder().call::<i32>(std::ptr::null(), &[arg(&1_i32), arg(&2_i32)]) };
    assert_eq!(error.expect_err("null").to_string(), "function: the address is null");
    // SAFETY: nothing is called.
    let error = unsafe { adder().invoke(std::ptr::null(), &[], std::ptr::null_mut()) };
    assert!(error.is_err());
}

#[test]
fn a_variadic_callback() {
    let convention = Convention::native().expect("a supported platform");
    let signature = Signature::variadic(convention, Type::VOID, [Type::POINTER], 1);
    let error = Callback::with_signature(signature.expect("a C signature"), |_, _| {});
    assert_eq!(
        error.expect_err("not yet").to_string(),
        "a callback cannot be variadic; argument 1 is passed through `...`"
    );
}

#[test]
fn every_error_is_one_error() {
    fn all() -> Result<(), Error> {
        let ty = Type::structure("s").field("x", Type::C_INT).build()?;
        let signature = Signature::new(Convention::native()?, ty, [])?;
        implementation(signature.convention())?;
        let _ = CallInterface::with_signature(signature)?;
        let _ = Library::this()?.symbol("abs")?;
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
