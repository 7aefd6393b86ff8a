//! Both directions of every case, compared byte by byte.

use crate::case::{Case, origin, significant};
use crate::compile::{Compiler, shared_library};
use crate::emit::{Spelling, c_source, is_integer, record_offsets, widened};
use crate::engine::{Engine, Received};
#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
use crate::foreign::Mapped;
use crate::guard::Guarded;
use ffi::{CallInterface, Library, Type};
use std::ffi::c_void;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

/// What fills memory that must stay as it is.
const UNTOUCHED: u8 = 0xcc;
/// How much of it lies on either side of a result.
const MARGIN: usize = 32;
/// Failures after which a run stops: the first few tell it all.
const ENOUGH: usize = 5;

/// Compiled C.
pub trait Code {
    /// The address of a function or variable.
    ///
    /// # Panics
    /// If there is none of that name: the test is wrong.
    fn address(&self, name: &str) -> *const c_void;
}

impl Code for Library {
    fn address(&self, name: &str) -> *const c_void {
        self.symbol(name).expect("the library has it").as_ptr()
    }
}

#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
impl Code for Mapped {
    fn address(&self, name: &str) -> *const c_void {
        self.symbol(name).expect("the object has it")
    }
}

/// What runs the cases, and in which directions.
#[derive(Debug, Clone, Copy)]
pub struct Under {
    /// What is under test.
    pub engine: &'static dyn Engine,
    /// Whether it calls C, and is called back where nothing is variadic; or else is called back only.
    /// What compilers get wrong of `...` is another thing in callers than in callees.
    pub calls: bool,
}

/// Compiles the cases to a shared library and runs them all. Returns how many function calls and
/// callback calls were compared.
///
/// # Panics
/// As [`compare`].
pub fn run_library(
    test: Under,
    spelling: Spelling,
    cases: &[Case],
    compiler: Compiler,
    directory: &Path,
    name: &str,
) -> (usize, usize) {
    let source = c_source(cases, spelling, test.calls);
    let path = shared_library(compiler, directory, name, &source);
    // SAFETY: the library is the one just compiled; it has no constructors.
    let library = unsafe { Library::open(&path) }.expect("the compiled library opens");
    compare(test, cases, &library, &format!("{name}, {} -O{}", compiler.command, compiler.level))
}

/// As [`run_library`], of code for another system on the same processor.
///
/// # Panics
/// As [`compare`].
#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
pub fn run_object(test: Under, cases: &[Case], origin: &str, arguments: &[&str]) -> (usize, usize) {
    let source = c_source(cases, Spelling::Own, test.calls);
    let object = crate::compile::object_file(arguments, &source);
    let imports =
        [("memcpy", libc::memcpy as *const c_void), ("memset", libc::memset as *const c_void)];
    compare(test, cases, &Mapped::load(&object, &imports), origin)
}

/// Runs all cases, compiled to `code`; `origin` says of which list and by which compiler. Returns
/// how many function calls and callback calls were compared.
///
/// # Panics
/// If anything differs from what C does; the message has the declaration, the plan and the bytes.
pub fn compare(test: Under, cases: &[Case], code: &dyn Code, origin: &str) -> (usize, usize) {
    let engine = test.engine;
    let mut failures = Vec::new();
    let (mut calls, mut callbacks) = (0, 0);
    for (number, case) in cases.iter().enumerate() {
        if std::env::var_os("FFI_TEST_TRACE").is_some() {
            eprintln!("case {number} of {origin}: {}", case.signature);
        }
        let mut found = Vec::new();
        if test.calls {
            found.extend(call(engine, code, number, case));
            calls += 1;
        }
        if !test.calls || case.signature.first_variadic().is_none() {
            found.extend(call_back(engine, code, number, case));
            callbacks += 1;
        }
        if !found.is_empty() {
            failures.push(describe(number, case, origin, &found));
        }
        if failures.len() == ENOUGH {
            break;
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    (calls, callbacks)
}

fn describe(number: usize, case: &Case, origin: &str, problems: &[String]) -> String {
    let convention = case.signature.convention();
    let mut text = format!("case {number} of {origin}, {convention}: {}\n", case.signature);
    if let Ok(interface) = CallInterface::with_signature(case.signature.clone()) {
        let plan = interface.plan();
        for m in plan.moves() {
            let (argument, offset, len) = (m.argument, m.offset, m.len);
            let to = plan.registers().location(m.to);
            let _ = writeln!(text, "  argument {argument}, {len} bytes at {offset} -> {to}");
        }
        for r in plan.by_reference() {
            let to = plan.registers().location(r.pointer_to);
            let _ = writeln!(text, "  argument {}, address of a copy -> {to}", r.argument);
        }
        let _ = writeln!(text, "  result: {:?}", plan.return_plan());
    }
    for problem in problems {
        let _ = writeln!(text, "  {problem}");
    }
    text
}

/// Calls `callee_N` through the library under test; every argument ends at a guard page.
fn call(engine: &dyn Engine, code: &dyn Code, number: usize, case: &Case) -> Vec<String> {
    let types = case.signature.arguments();
    let (offsets, size) = record_offsets(types);
    let mut record = vec![UNTOUCHED; size + 1];
    let result = case.result();
    point(code, "record_to", record.as_mut_ptr());
    point(code, "result_from", result.as_ptr().cast_mut());

    let mut pages: Vec<Guarded> = types.iter().map(|ty| Guarded::new(ty.size())).collect();
    let pointers: Vec<*const c_void> = pages
        .iter_mut()
        .enumerate()
        .map(|(index, page)| page.at_end(&case.argument(index)).cast())
        .collect();

    // Over-aligned results in memory must be aligned, as C would have it.
    let align = case.signature.return_type().align();
    let mut room = vec![UNTOUCHED; MARGIN + align + result.len() + MARGIN];
    let start = MARGIN + room[MARGIN..].as_ptr().align_offset(align);
    let function = code.address(&format!("callee_{number}"));
    // SAFETY: the callee has this very signature; there is room for the result.
    unsafe {
        let target = room.as_mut_ptr().add(start);
        engine.call(&case.signature, function, &pointers, target);
    }

    let mut problems = Vec::new();
    for (index, (ty, offset)) in types.iter().zip(offsets).enumerate() {
        let sent = case.argument(index);
        compare_record(&mut problems, &format!("argument {index}"), ty, &sent, &record[offset..]);
        // SAFETY: the pointer is to the argument's bytes in its guarded page.
        let kept = unsafe { std::slice::from_raw_parts(pointers[index].cast::<u8>(), sent.len()) };
        if kept != sent {
            problems.push(format!("argument {index} was changed through the callee's copy"));
        }
    }
    let end = start + result.len();
    compare_bytes(
        &mut problems,
        "result",
        case.signature.return_type(),
        &result,
        &room[start..end],
    );
    if room[..start].iter().chain(&room[end..]).any(|&byte| byte != UNTOUCHED) {
        problems.push(format!("bytes beside the result were written: {room:02x?}"));
    }
    problems
}

/// Has `caller_N` call a callback of the case's signature.
fn call_back(engine: &dyn Engine, code: &dyn Code, number: usize, case: &Case) -> Vec<String> {
    let types = case.signature.arguments();
    let (offsets, size) = record_offsets(types);
    let mut from = vec![0; size + 1];
    for (index, &offset) in offsets.iter().enumerate() {
        let bytes = case.argument(index);
        from[offset..offset + bytes.len()].copy_from_slice(&bytes);
    }
    let (received, result) = (Received::default(), case.result());
    let (callback, _alive) =
        engine.callback(&case.signature, Arc::clone(&received), result.clone());

    let mut to = vec![UNTOUCHED; result.len().next_multiple_of(16) + 2 * MARGIN];
    type Caller = unsafe extern "C" fn(*const c_void, *const u8, *mut u8);
    // SAFETY: `caller_N` has this type, and calls the callback by the signature it was made for.
    unsafe {
        let caller: Caller = std::mem::transmute(code.address(&format!("caller_{number}")));
        caller(callback, from.as_ptr(), to.as_mut_ptr());
    }

    let mut problems = Vec::new();
    let received = received.lock().expect("no panic");
    for (index, ty) in types.iter().enumerate() {
        let name = format!("argument {index} of the callback");
        match received.get(index) {
            Some(bytes) => compare_bytes(&mut problems, &name, ty, &case.argument(index), bytes),
            None => problems.push(format!("{name} did not arrive")),
        }
    }
    let ty = case.signature.return_type();
    compare_record(&mut problems, "result of the callback", ty, &result, &to);
    problems
}

/// Compares a record: the bytes, and the widened value behind them.
fn compare_record(problems: &mut Vec<String>, name: &str, ty: &Type, sent: &[u8], record: &[u8]) {
    compare_bytes(problems, name, ty, sent, &record[..sent.len()]);
    if is_integer(ty) {
        let at = sent.len().next_multiple_of(16);
        let wide = i64::from_le_bytes(record[at..at + 8].try_into().expect("eight bytes"));
        let expected = widened(ty, sent);
        if wide != expected {
            problems.push(format!("{name}: widened to {wide:#x}, expected {expected:#x}"));
        }
    }
}

fn compare_bytes(problems: &mut Vec<String>, name: &str, ty: &Type, sent: &[u8], received: &[u8]) {
    let significant = significant(ty);
    let differs = |&i: &usize| (sent[i] ^ received[i]) & significant[i] != 0;
    if let Some(first) = (0..sent.len()).find(differs) {
        problems.push(format!(
            "{name}, byte {first}: found {}, expected {}\n    sent     {sent:02x?}\n    \
             received {received:02x?}",
            origin(received[first]),
            origin(sent[first]),
        ));
    }
}

fn point(code: &dyn Code, name: &str, to: *mut u8) {
    let variable = code.address(name).cast_mut().cast::<*mut u8>();
    // SAFETY: the variable is a pointer to bytes, and nothing else uses it meanwhile: each test
    // compiles code of its own.
    unsafe { variable.write(to) };
}
