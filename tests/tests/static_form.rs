//! A call through a typed symbol is the call through a C function pointer: the same instructions, by
//! `objdump`. Debug builds have other things in between, so this is for optimised ones.
#![cfg(all(not(debug_assertions), target_arch = "x86_64", target_os = "linux"))]

use ffi::{Library, OwnedSymbol, Symbol};
use ffi_tests::pointers::{
    Double, Longs, Nothing, Pair, Struct, pointer_to_double, pointer_to_longs, pointer_to_nothing,
    pointer_to_struct,
};
use std::hint::black_box;
use std::process::Command;

macro_rules! calls {
    ($($name:ident: $ty:ty, ($($argument:ident: $of:ty),*) -> $result:ty;)*) => {$(
        #[unsafe(no_mangle)]
        #[inline(never)]
        unsafe fn $name(symbol: &$ty, $($argument: $of),*) -> $result {
            // SAFETY: the caller's.
            unsafe { symbol($($argument),*) }
        }
    )*};
}

calls! {
    symbol_of_nothing: Symbol<'_, Nothing>, () -> ();
    symbol_of_double: Symbol<'_, Double>, (x: f64) -> f64;
    symbol_of_longs: OwnedSymbol<Longs>,
        (a: i64, b: i64, c: i64, d: i64, e: i64, f: i64) -> i64;
    symbol_of_struct: OwnedSymbol<Struct>, (pair: Pair, n: i32) -> Pair;
}

/// The instructions of a function of this program. Where in its struct the pointer is, and how far
/// away anything is, is left out.
fn instructions(of: &str) -> Vec<String> {
    let program = std::env::current_exe().expect("it has a path");
    let output = Command::new("objdump")
        .args(["-d", "--no-show-raw-insn", "--no-addresses"])
        .arg(format!("--disassemble={of}"))
        .arg(program)
        .output()
        .expect("objdump is there, as gcc is");
    let text = String::from_utf8(output.stdout).expect("ASCII");
    let lines = text.lines().skip_while(|line| *line != format!("<{of}>:")).skip(1);
    let code = lines.map(str::trim).take_while(|line| !line.is_empty());
    code.map(|line| match line.find('(') {
        Some(at) if !line[at..].starts_with("(%rsp") => {
            let displacement = |c: char| c.is_ascii_hexdigit() || matches!(c, 'x' | '-');
            line[..at].trim_end_matches(displacement).to_owned() + &line[at..]
        }
        _ => line.to_owned(),
    })
    .collect()
}

#[test]
fn a_symbol_is_called_as_a_pointer_is() {
    // They have to be in this program.
    let none = black_box(false);
    if none {
        // SAFETY: it is not done.
        unsafe {
            let library = Library::open("libm.so.6").expect("not opened");
            let symbol = library.get("").expect("not found");
            symbol_of_nothing(&symbol);
            symbol_of_double(&library.get("").expect("not found"), 0.0);
            symbol_of_longs(
                &library.get::<Longs>("").expect("not found").into_owned(),
                1,
                2,
                3,
                4,
                5,
                6,
            );
            symbol_of_struct(
                &library.get::<Struct>("").expect("not found").into_owned(),
                Pair(0.0, 0.0),
                0,
            );
            pointer_to_nothing(&symbol);
            pointer_to_double(&library.get("").expect("not found"), 0.0);
            pointer_to_longs(&library.get("").expect("not found"), 1, 2, 3, 4, 5, 6);
            pointer_to_struct(&library.get("").expect("not found"), Pair(0.0, 0.0), 0);
        }
    }
    for what in ["nothing", "double", "longs", "struct"] {
        let pointer = instructions(&format!("pointer_to_{what}"));
        let symbol = instructions(&format!("symbol_of_{what}"));
        assert!(!pointer.is_empty(), "{what} is not in this program");
        assert_eq!(symbol, pointer, "{what}");
        let indirect = symbol.iter().filter(|line| line.contains('*')).count();
        assert_eq!(indirect, 1, "one indirect call and nothing else: {symbol:?}");
    }
}
