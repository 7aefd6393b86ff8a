//! C source for cases.

use crate::case::Case;
use ffi::{Type, TypeKind};
use std::collections::HashMap;
use std::fmt::Write;

/// A value of at most this many bytes has its place in the record; so have integers, widened.
const ALIGN: usize = 16;

/// Where the parts of a case's record are: argument by argument its bytes, and for an integer
/// scalar behind them the value as the callee sees it when it widens it to 64 bits.
pub fn record_offsets(types: &[Type]) -> (Vec<usize>, usize) {
    let mut offsets = Vec::new();
    let mut end = 0;
    for ty in types {
        offsets.push(end);
        end += ty.size().next_multiple_of(ALIGN) + ALIGN;
    }
    (offsets, end)
}

/// How C is told which convention the functions of a case follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// Not at all: it is the compiler's own.
    Own,
    /// By `ms_abi`, where the compiler's own is another one.
    MsAbi,
    /// By `sysv_abi`, where the compiler's own is another one.
    SysvAbi,
}

impl Spelling {
    fn attribute(self) -> &'static str {
        match self {
            Self::Own => "",
            Self::MsAbi => "__attribute__((ms_abi)) ",
            Self::SysvAbi => "__attribute__((sysv_abi)) ",
        }
    }

    /// What the names of `<stdarg.h>` start with.
    fn builtin(self) -> &'static str {
        match self {
            Self::Own | Self::SysvAbi => "__builtin_",
            Self::MsAbi => "__builtin_ms_",
        }
    }
}

/// The C names of the aggregate types seen so far, with their definitions.
#[derive(Default)]
struct Names {
    known: HashMap<Type, String>,
    definitions: String,
}

impl Names {
    fn of(&mut self, ty: &Type) -> String {
        if ty.is_void() || ty.as_scalar().is_some() || matches!(ty.kind(), TypeKind::Complex(_)) {
            return ty.to_string();
        }
        if let Some(name) = self.known.get(ty) {
            return name.clone();
        }
        let name = format!("t{}", self.known.len());
        let text = &mut self.definitions;
        let _ = writeln!(text, "typedef {ty} {name};");
        let _ = writeln!(
            text,
            "_Static_assert(sizeof({name}) == {0} && _Alignof({name}) == {1}, \"{0}, {1}: {ty}\");",
            ty.size(),
            ty.align()
        );
        for field in ty.fields().iter().filter(|field| field.bit_width().is_none()) {
            let (field, offset) = (field.name(), field.offset());
            let _ = writeln!(
                text,
                "_Static_assert(offsetof({name}, {field}) == {offset}, \"{field} at {offset}: {ty}\");"
            );
        }
        self.known.insert(ty.clone(), name.clone());
        name
    }
}

/// C with `callee_N` and, unless the signature is variadic, `caller_N` for each case; without callees,
/// with every caller. It needs no header but those that every compiler brings along.
pub fn c_source(cases: &[Case], spelling: Spelling, callees: bool) -> String {
    let mut names = Names::default();
    let mut functions = String::new();
    for (number, case) in cases.iter().enumerate() {
        if callees {
            functions.push_str(&callee(number, case, spelling, &mut names));
        }
        if !callees || case.signature.first_variadic().is_none() {
            functions.push_str(&caller(number, case, spelling, &mut names));
        }
    }
    let half = format!("{}{functions}", names.definitions).contains("__bf16");
    let bfloat = if half { BFLOAT } else { "" };
    format!(
        "#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n\
         #define memcpy __builtin_memcpy\n#define memset __builtin_memset\n\
         unsigned char *record_to;\nconst unsigned char *result_from;\n\
         {bfloat}{}\n{functions}",
        names.definitions
    )
}

/// clang moves `__bf16` by way of `float` where the processor has no instructions for it, with a
/// function that gcc's older libraries do not have. The way back is exact.
const BFLOAT: &str = "\
#if defined __clang__ && defined __x86_64__
__attribute__((weak, visibility(\"hidden\"))) __bf16 __truncsfbf2(float from) {
    unsigned bits;
    unsigned short upper;
    __bf16 to;
    memcpy(&bits, &from, 4);
    upper = bits >> 16;
    memcpy(&to, &upper, 2);
    return to;
}
#endif
";

/// The declaration of a case's function, for messages too.
fn declaration(case: &Case, name: &str, names: &mut Names) -> String {
    let signature = &case.signature;
    let fixed = signature.first_variadic().unwrap_or(signature.arguments().len());
    let mut parameters: Vec<String> = signature.arguments()[..fixed]
        .iter()
        .enumerate()
        .map(|(index, ty)| format!("{} a{index}", names.of(ty)))
        .collect();
    if signature.first_variadic().is_some() {
        parameters.push("...".into());
    }
    if parameters.is_empty() {
        parameters.push("void".into());
    }
    format!("{} {name}({})", names.of(signature.return_type()), parameters.join(", "))
}

fn callee(number: usize, case: &Case, spelling: Spelling, names: &mut Names) -> String {
    let types = case.signature.arguments();
    let (offsets, _) = record_offsets(types);
    let mut body = String::new();
    if let Some(first) = case.signature.first_variadic() {
        let va = spelling.builtin();
        let _ = writeln!(body, "    {va}va_list list;\n    {va}va_start(list, a{});", first - 1);
        for (index, ty) in types.iter().enumerate().skip(first) {
            let ty = names.of(ty);
            let _ = writeln!(body, "    {ty} a{index} = __builtin_va_arg(list, {ty});");
        }
        let _ = writeln!(body, "    {va}va_end(list);");
    }
    for (index, (ty, offset)) in types.iter().zip(&offsets).enumerate() {
        record(&mut body, &format!("a{index}"), ty, &format!("record_to + {offset}"));
        // The copy is the callee's own; what it does to it must not reach the caller.
        let _ = writeln!(
            body,
            "    memset((void *)(volatile void *)&a{index}, 0xee, sizeof a{index});"
        );
        let _ = writeln!(body, "    __asm__ volatile (\"\" : : \"r\"(&a{index}) : \"memory\");");
    }
    let result = case.signature.return_type();
    if !result.is_void() {
        let ty = names.of(result);
        let _ =
            writeln!(body, "    {ty} result;\n    memcpy(&result, result_from, sizeof result);");
        let _ = writeln!(body, "    return result;");
    }
    let name = format!("{}callee_{number}", spelling.attribute());
    format!("{} {{\n{body}}}\n", declaration(case, &name, names))
}

fn caller(number: usize, case: &Case, spelling: Spelling, names: &mut Names) -> String {
    let types = case.signature.arguments();
    let (offsets, _) = record_offsets(types);
    let mut body = String::new();
    for (index, (ty, offset)) in types.iter().zip(&offsets).enumerate() {
        let ty = names.of(ty);
        let _ = writeln!(
            body,
            "    {ty} a{index};\n    memcpy(&a{index}, from + {offset}, sizeof a{index});"
        );
    }
    let arguments: Vec<String> = (0..types.len()).map(|index| format!("a{index}")).collect();
    let call = format!("callback({})", arguments.join(", "));
    let result = case.signature.return_type();
    if result.is_void() {
        let _ = writeln!(body, "    {call};");
    } else {
        let _ = writeln!(body, "    {} result = {call};", names.of(result));
        record(&mut body, "result", result, "to");
    }
    let pointer = declaration(case, &format!("({}*callback)", spelling.attribute()), names);
    format!(
        "void caller_{number}({pointer}, const unsigned char *from, unsigned char *to) {{\n{body}}}\n"
    )
}

/// Records the bytes of a variable and, for an integer, what it is worth in 64 bits: whoever
/// relies on the other side to extend it reads the upper bits of its register here.
fn record(body: &mut String, variable: &str, ty: &Type, to: &str) {
    let _ = writeln!(body, "    memcpy({to}, &{variable}, sizeof {variable});");
    if is_integer(ty) {
        let at = ty.size().next_multiple_of(ALIGN);
        let _ = writeln!(
            body,
            "    {{ int64_t wide = (int64_t){variable}; memcpy({to} + {at}, &wide, 8); }}"
        );
    }
}

/// Whether the record has the widened value of this type too.
pub fn is_integer(ty: &Type) -> bool {
    ty.as_scalar().is_some_and(|scalar| scalar.is_integer() && scalar.size() <= 8)
}

/// The widened value that C should see for these bytes of an integer type.
pub fn widened(ty: &Type, bytes: &[u8]) -> i64 {
    let mut eight = [0; 8];
    eight[..bytes.len()].copy_from_slice(bytes);
    let value = i64::from_le_bytes(eight);
    let unused = 64 - 8 * bytes.len() as u32;
    match ty.as_scalar() {
        Some(scalar) if scalar.is_signed() => value << unused >> unused,
        _ => value,
    }
}
