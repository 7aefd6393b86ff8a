//! The table of `docs/types.md`: every type in every position of every convention, with the test
//! that tries it against compilers, or the reason why C has no such thing there. The reasons are
//! those of the errors. Each platform sees to it that the tests try what the table says of its own
//! conventions.
//!
//! `FFI_UPDATE_DOCS=1 cargo test -p ffi-tests --test types_table` writes it anew.

use ffi::{
    Aapcs64, CallInterface, Convention, InterfaceReason, InvalidCallInterfaceError, Scalar,
    Signature, Type, TypeKind, Win64,
};
use ffi_tests::shapes::{self, array, complex, finish, packed, structure, union, vector};
use ffi_tests::ways::{self, Way};
use ffi_tests::{Case, random};
use std::collections::HashMap;

const CONVENTIONS: [(Convention, &str); 6] = [
    (Convention::SysV, "System V AMD64 (`sysv`)"),
    (Convention::Win64(Win64::Gnu), "Microsoft x64 as MinGW has it (`win64-gnu`)"),
    (Convention::Win64(Win64::Msvc), "Microsoft x64 (`win64`)"),
    (Convention::Aapcs64(Aapcs64::Standard), "AAPCS64 (`aapcs64`)"),
    (Convention::Aapcs64(Aapcs64::Apple), "AAPCS64 on Apple's systems (`apple-arm64`)"),
    (Convention::Aapcs64(Aapcs64::Windows), "AAPCS64 on Windows (`windows-arm64`)"),
];

/// A type by its name in C, and the tests that try it: by itself, through `...` and as a member.
struct Row {
    name: &'static str,
    ty: Type,
    tests: [&'static str; 3],
}

fn rows(convention: Convention) -> Vec<Row> {
    const USUAL: [&str; 3] = ["scalar_positions", "variadics", "eightbyte_mixtures"];
    const UNUSUAL: [&str; 3] = ["unusual_types", "unusual_variadics", "unusual_types"];
    const STRUCTS: [&str; 3] = ["eightbyte_mixtures", "variadics", "odd_aggregates"];
    const ODD: [&str; 3] = ["odd_aggregates", "variadics", "odd_aggregates"];
    const ALIGNED: [&str; 3] = ["odd_aggregates", "random_signatures", "random_signatures"];
    const BITS: [&str; 3] = ["bit_fields", "random_signatures", "random_signatures"];
    const EMPTY: [&str; 3] = ["empty_structs"; 3];
    const ARRAYS: [&str; 3] = ["struct_sizes"; 3];
    let long_double = convention.data_model().c_long_double();
    let start = || Type::anonymous_structure();
    let part = long_double.as_scalar().expect("a scalar");
    let complex_long = complex(part);
    let row = |name, ty: Type, tests: [_; 3]| {
        // No compiler is right there.
        let alone = convention == Convention::Aapcs64(Aapcs64::Windows)
            && (ty.align() > 8 || ty == Type::F16 || ty == Type::BF16);
        let through_dots =
            if alone { "what_clang_gets_wrong_through_the_dots_of_windows" } else { tests[1] };
        Row { name, ty, tests: [tests[0], through_dots, tests[2]] }
    };
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
        row("structs", structure([Type::I32, Type::F64]), STRUCTS),
        row("unions", union([Type::I32, Type::F64]), ODD),
        row("packed structs", packed([Type::I8, Type::F64]), ODD),
        row("over-aligned structs", finish(start().field("a", Type::I32).align(32)), ALIGNED),
        row("structs with bit-fields", finish(start().bit_field("a", Type::I32, 3)), BITS),
        row("GNU C's empty struct", finish(start().stated(0, 1)), EMPTY),
        row("arrays", array(Type::I32, 3), ARRAYS),
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

const POSITIONS: [&str; 5] = ["fixed argument", "through `...`", "returned", "member", "callback"];

/// For each position the test, or why there is no such thing.
fn cells(convention: Convention, row: &Row) -> [Result<&'static str, String>; 5] {
    let Row { ty, tests, .. } = row;
    let member = match ty.size() {
        0 => Err("no: a member has a size".into()),
        _ => possible(convention, &Type::VOID, &structure([ty.clone()]), 2).map(|()| tests[2]),
    };
    let fixed = possible(convention, &Type::VOID, ty, 2).map(|()| tests[0]);
    let variadic = possible(convention, &Type::VOID, ty, 1).map(|()| tests[1]);
    let returned = possible(convention, ty, &Type::I32, 2).map(|()| tests[0]);
    [fixed.clone(), variadic, returned, member, fixed]
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn table() -> String {
    use std::fmt::Write;

    let mut text = String::from(
        "# Types\n\n\
         Every type in every position of every convention: the test of `tests/tests/oracle.rs` (or\n\
         `regressions.rs`) that tries it against gcc or clang, or the reason why there is no such\n\
         thing, as the error says it. Each of these tests goes both ways: a function compiled by C\n\
         is called, and C calls a callback. `random_signatures` has all of them in all positions.\n\
         Written and checked by `tests/tests/types_table.rs`; what compilers do otherwise is in\n\
         [differences.md](differences.md).\n",
    );
    for (convention, title) in CONVENTIONS {
        let _ = writeln!(
            text,
            "\n## {title}\n\n| type | {} |\n| --- | --- | --- | --- | --- | --- |",
            POSITIONS.join(" | ")
        );
        for row in rows(convention) {
            let text_of = |cell: Result<&str, String>| {
                cell.map_or_else(|reason| reason, |test| format!("`{test}`"))
            };
            let cells = cells(convention, &row).map(text_of).join(" | ");
            let _ = writeln!(text, "| {} | {cells} |", row.name);
        }
    }
    text
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
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

/// The cases of a test of `oracle.rs`, right or wrong; `random` of them, if they are that. `None` for a
/// test of `regressions.rs`.
fn cases(test: &str, platform: Convention, seed: u64, random: usize) -> Option<Vec<Case>> {
    Some(match test {
        "scalar_positions" => shapes::scalar_positions(),
        "struct_sizes" => shapes::struct_sizes(),
        "eightbyte_mixtures" => shapes::eightbyte_mixtures(),
        "odd_aggregates" => shapes::odd_aggregates(),
        "empty_structs" => shapes::empty_structs(),
        "variadics" => shapes::variadics(),
        "unusual_types" => shapes::unusual_types(platform),
        "unusual_variadics" => shapes::unusual_variadics(platform),
        "bit_fields" => shapes::bit_fields(platform),
        "random_signatures" => random::cases(seed, platform).take(random).collect(),
        _ => return None,
    })
}

/// Whether a type is of the kind that a row is about.
fn is_like(ty: &Type, row: &Type) -> bool {
    let has_bits = |ty: &Type| ty.fields().iter().any(|field| field.bit_width().is_some());
    let attributes = |ty: &Type| {
        let text = ty.to_string();
        (text.contains("packed"), text.contains("aligned("))
    };
    match (ty.kind(), row.kind()) {
        (TypeKind::Vector { .. }, TypeKind::Vector { .. }) => ty.size() == row.size(),
        (TypeKind::Union, TypeKind::Union) | (TypeKind::Array, TypeKind::Array) => true,
        (TypeKind::Struct, TypeKind::Struct) => match attributes(row) {
            (false, false) if has_bits(row) => has_bits(ty),
            (false, false) => !has_bits(ty) && attributes(ty) == (false, false),
            (packed, _) if packed => attributes(ty).0,
            // More than any scalar's.
            _ => ty.align() > 16,
        },
        _ => ty == row,
    }
}

fn is_inside(ty: &Type, row: &Type) -> bool {
    let is = |inner: &Type| is_like(inner, row) || is_inside(inner, row);
    ty.array_parts().is_some_and(|(element, _)| is(element))
        || ty.fields().iter().any(|field| is(field.ty()))
}

/// Where a case has a type: as a fixed argument, through `...`, returned, as a member, and in a
/// callback.
fn positions(case: &Case, row: &Type) -> [bool; 5] {
    let (types, result) = (case.signature.arguments(), case.signature.return_type());
    let (fixed, rest) = types.split_at(case.signature.first_variadic().unwrap_or(types.len()));
    let is_fixed = fixed.iter().any(|ty| is_like(ty, row));
    [
        is_fixed,
        rest.iter().any(|ty| is_like(ty, row)),
        is_like(result, row),
        types.iter().chain([result]).any(|ty| is_inside(ty, row)),
        is_fixed && case.signature.first_variadic().is_none(),
    ]
}

/// The conventions that this platform has the best witnesses of, and the ways of `oracle.rs`.
fn witnesses() -> Vec<(Convention, Vec<Way>)> {
    let own = (Convention::native().expect("a supported platform"), ways::own());
    vec![
        own,
        #[cfg(all(target_arch = "x86_64", not(windows)))]
        (Convention::Win64(Win64::Msvc), ways::microsoft()),
        #[cfg(all(target_arch = "aarch64", target_os = "linux"))]
        (Convention::Aapcs64(Aapcs64::Apple), ways::apple()),
        #[cfg(all(target_arch = "aarch64", target_os = "linux"))]
        (Convention::Aapcs64(Aapcs64::Windows), [ways::windows(), ways::spelled()].concat()),
    ]
}

/// A case that no compiler gets right is left out of a test: some others have to be left.
#[test]
fn the_tests_that_it_names_try_the_types() {
    let mut untried = Vec::new();
    for (convention, ways) in witnesses() {
        let mut known = HashMap::new();
        let random = random::of_each(ways.len());
        for row in rows(convention) {
            for (position, cell) in cells(convention, &row).into_iter().enumerate() {
                // Without the registers for it nothing can be tried here.
                let signature = Signature::new(convention, Type::VOID, inside(position, &row.ty));
                let here = signature.is_ok_and(|it| CallInterface::with_signature(it).is_ok());
                let Some(test) = cell.ok().filter(|_| here) else { continue };
                let tried = ways.iter().zip(1..).any(|(way, seed)| {
                    let all = known
                        .entry((test, seed))
                        .or_insert_with(|| cases(test, way.platform(), seed, random));
                    let Some(all) = all else { return true };
                    let mut like = all.iter().filter(|case| positions(case, &row.ty)[position]);
                    like.any(|case| way.tries(&case.under(convention)))
                });
                if !tried {
                    let (name, position) = (row.name, POSITIONS[position]);
                    untried.push(format!("{convention}: {name}, {position}: {test}"));
                }
            }
        }
    }
    assert!(untried.is_empty(), "\n{}", untried.join("\n"));
}

/// What has to be possible for the type to be tried: arrays are members alone.
fn inside(position: usize, ty: &Type) -> [Type; 1] {
    [if position == 3 { structure([ty.clone()]) } else { ty.clone() }]
}
