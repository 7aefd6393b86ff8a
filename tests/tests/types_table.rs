//! The table of `docs/types.md`: every type in every position of every convention, with the test
//! that tries it against compilers, or the reason why C has no such thing there. The reasons are
//! those of the errors.
//!
//! `FFI_UPDATE_DOCS=1 cargo test -p ffi-tests --test types_table` writes it anew.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use ffi::{
    Aapcs64, Convention, InterfaceReason, InvalidCallInterfaceError, Scalar, Signature, Type, Win64,
};
use ffi_tests::shapes::{array, complex, finish, packed, structure, union, vector};
use std::fmt::Write;

const CONVENTIONS: [(Convention, &str); 6] = [
    (Convention::SysV, "System V AMD64 (`sysv`)"),
    (Convention::Win64(Win64::Gnu), "Microsoft x64 as MinGW has it (`win64-gnu`)"),
    (Convention::Win64(Win64::Msvc), "Microsoft x64 (`win64`)"),
    (Convention::Aapcs64(Aapcs64::Standard), "AAPCS64 (`aapcs64`)"),
    (Convention::Aapcs64(Aapcs64::Apple), "AAPCS64 on Apple's systems (`apple-arm64`)"),
    (Convention::Aapcs64(Aapcs64::Windows), "AAPCS64 on Windows (`windows-arm64`)"),
];

/// A type by its name in C, and the tests that try it: by itself and through `...`.
struct Row {
    name: &'static str,
    ty: Type,
    tests: [&'static str; 2],
}

fn rows(convention: Convention) -> Vec<Row> {
    const USUAL: [&str; 2] = ["scalar_positions", "variadics"];
    const UNUSUAL: [&str; 2] = ["unusual_types", "unusual_variadics"];
    const BITS: [&str; 2] = ["bit_fields", "random_signatures"];
    const STRUCTS: [&str; 2] = ["odd_aggregates", "random_signatures"];
    let long_double = convention.data_model().c_long_double();
    let start = || Type::anonymous_structure();
    let part = long_double.as_scalar().expect("a scalar");
    let complex_long = complex(part);
    let row = |name, ty, tests| Row { name, ty, tests };
    vec![
        row("`_Bool`", Type::BOOL, USUAL),
        row("`char`, `signed char`", Type::I8, USUAL),
        row("`unsigned char`", Type::U8, USUAL),
        row("`short`", Type::I16, USUAL),
        row("`unsigned short`", Type::U16, USUAL),
        row("`int`, enums", Type::I32, USUAL),
        row("`unsigned int`, enums", Type::U32, USUAL),
        row("`long long`, enums", Type::I64, USUAL),
        row("`unsigned long long`, enums", Type::U64, USUAL),
        row("pointers", Type::POINTER, USUAL),
        row("`float`", Type::F32, USUAL),
        row("`double`", Type::F64, USUAL),
        row("`long double`", long_double, if part == Scalar::F64 { USUAL } else { UNUSUAL }),
        row("`__float128`", Type::F128, UNUSUAL),
        row("`_Float16`", Type::F16, UNUSUAL),
        row("`__bf16`", Type::BF16, UNUSUAL),
        row("`__int128`", Type::I128, UNUSUAL),
        row("`unsigned __int128`", Type::U128, UNUSUAL),
        row("`float _Complex`", Type::COMPLEX_F32, UNUSUAL),
        row("`double _Complex`", Type::COMPLEX_F64, UNUSUAL),
        row("`long double _Complex`", complex_long, UNUSUAL),
        row("vectors of 8 bytes", vector(Scalar::F32, 8), UNUSUAL),
        row("vectors of 16 bytes", vector(Scalar::F32, 16), UNUSUAL),
        row("vectors of 32 bytes", vector(Scalar::F32, 32), UNUSUAL),
        row("vectors of 64 bytes", vector(Scalar::F32, 64), UNUSUAL),
        row("structs", structure([Type::I32, Type::F64]), ["eightbyte_mixtures", "variadics"]),
        row("unions", union([Type::I32, Type::F64]), STRUCTS),
        row("packed structs", packed([Type::I8, Type::F64]), STRUCTS),
        row("over-aligned structs", finish(start().field("a", Type::I32).align(32)), STRUCTS),
        row("structs with bit-fields", finish(start().bit_field("a", Type::I32, 3)), BITS),
        row("GNU C's empty struct", finish(start().stated(0, 1)), ["an_empty_struct_of_gnu_c"; 2]),
        row("arrays", array(Type::I32, 3), USUAL),
    ]
}

/// `Ok` if there is such a function, or why there is none.
fn possible(
    convention: Convention,
    result: &Type,
    argument: &Type,
    first: usize,
) -> Result<(), String> {
    let arguments = [Type::I32, argument.clone()];
    let signature = match first {
        1 => Signature::variadic(convention, result.clone(), arguments, 1),
        _ => Signature::new(convention, result.clone(), arguments),
    };
    let plan = signature.and_then(|signature| match convention {
        Convention::Win64(variant) => ffi_abi_win64::plan(variant, &signature).map(drop),
        Convention::Aapcs64(variant) => ffi_abi_arm64::plan(variant, &signature).map(drop),
        _ => ffi_abi_sysv::plan(&signature).map(drop),
    });
    plan.map_err(|error: InvalidCallInterfaceError| match error.reason {
        InterfaceReason::NotInConvention { why, .. } => format!("no: {why}"),
        InterfaceReason::Promoted { expected, .. } => format!("no: it becomes `{expected}`"),
        InterfaceReason::Array { .. } => "no: C passes a pointer".into(),
        other => format!("no: {other}"),
    })
}

fn table() -> String {
    let mut text = String::from(
        "# Types\n\n\
         Every type in every position of every convention: the test of `tests/tests/oracle.rs` (or\n\
         `regressions.rs`) that tries it against gcc and clang, or the reason why there is no such\n\
         thing, as the error says it. Each of these tests goes both ways: a function compiled by C\n\
         is called, and C calls a callback. `random_signatures` has all of them in all positions.\n\
         Written and checked by `tests/tests/types_table.rs`; what compilers do otherwise is in\n\
         [differences.md](differences.md).\n",
    );
    for (convention, title) in CONVENTIONS {
        let _ = writeln!(
            text,
            "\n## {title}\n\n| type | fixed argument | through `...` | returned | member | callback |\n\
             | --- | --- | --- | --- | --- | --- |"
        );
        for Row { name, ty, tests } in rows(convention) {
            let cell = |possible: Result<(), String>, test: &str| {
                possible.map_or_else(|reason| reason, |()| format!("`{test}`"))
            };
            let member = match ty.size() {
                0 => "no: a member has a size".into(),
                _ => {
                    let inside = structure([ty.clone()]);
                    let test = match tests[0] {
                        "scalar_positions" => "eightbyte_mixtures",
                        test => test,
                    };
                    cell(possible(convention, &Type::VOID, &inside, 2), test)
                }
            };
            let fixed = cell(possible(convention, &Type::VOID, &ty, 2), tests[0]);
            let variadic = cell(possible(convention, &Type::VOID, &ty, 1), tests[1]);
            let returned = cell(possible(convention, &ty, &Type::I32, 2), tests[0]);
            let _ = writeln!(
                text,
                "| {name} | {fixed} | {variadic} | {returned} | {member} | {fixed} |"
            );
        }
    }
    text
}

#[test]
fn the_table_is_what_the_planners_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/types.md");
    let table = table();
    if std::env::var_os("FFI_UPDATE_DOCS").is_some() {
        std::fs::write(path, &table).expect("the documentation is writable");
    }
    let written = std::fs::read_to_string(path).expect("docs/types.md is there");
    assert!(written == table, "docs/types.md is not up to date: see the top of this file");
    assert!(!table.contains("|  |"), "a cell is empty");
}

#[test]
fn the_tests_that_it_names_exist() {
    let sources = [include_str!("oracle.rs"), include_str!("regressions.rs")].concat();
    for (convention, _) in CONVENTIONS {
        for test in rows(convention).iter().flat_map(|row| row.tests) {
            assert!(sources.contains(test), "no test is called {test}");
        }
    }
}
