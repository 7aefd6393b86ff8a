//! Loads the C library and its mathematics, calls four functions whose types are described here
//! at run time, and prints what was called and what came back.

use ffi::{CallInterface, Callback, Error, Function, Library, Type, arg};
use std::ffi::CStr;

fn main() -> Result<(), Error> {
    let (libc, libm) = if cfg!(windows) {
        ("msvcrt.dll", "msvcrt.dll")
    } else if cfg!(target_vendor = "apple") {
        ("libSystem.B.dylib", "libSystem.B.dylib")
    } else {
        ("libc.so.6", "libm.so.6")
    };
    // SAFETY: both are part of the system, and open without side effects.
    let (libc, libm) = unsafe { (Library::open(libc)?, Library::open(libm)?) };

    // A double in, a double out.
    let sqrt = describe(&libm, "sqrt", CallInterface::new(Type::F64, [Type::F64])?)?;
    // SAFETY: here and below, the types are those of the C declarations, and the pointers are to
    // values of this function that outlive the call.
    let root: f64 = unsafe { sqrt.call(&[arg(&2.0)]) }?;
    println!("  sqrt(2) = {root}\n");

    // A struct returned by value.
    let div_t = Type::structure("div_t").field("quot", Type::C_INT).field("rem", Type::C_INT);
    let div = CallInterface::new(div_t.build()?, [Type::C_INT, Type::C_INT])?;
    let div = describe(&libc, "div", div)?;
    let mut result = [0_i32; 2];
    let arguments = [17_i32, 5].each_ref().map(|n| (n as *const i32).cast());
    // SAFETY: as above; the result is two ints.
    unsafe { div.interface().invoke(div.as_ptr(), &arguments, result.as_mut_ptr().cast()) }?;
    println!("  div(17, 5) = {{ quot: {}, rem: {} }}\n", result[0], result[1]);

    // Variadic arguments: an int, a double and a string through `...`.
    let types = [Type::POINTER, Type::SIZE_T, Type::POINTER, Type::C_INT, Type::F64, Type::POINTER];
    let name = if cfg!(windows) { "_snprintf" } else { "snprintf" };
    let snprintf = describe(&libc, name, CallInterface::variadic(Type::C_INT, types, 3)?)?;
    let mut buffer = [0_u8; 64];
    let (start, size) = (buffer.as_mut_ptr(), buffer.len());
    let (format, word) = (c"%d bottles, %.1f litres of %s".as_ptr(), c"water".as_ptr());
    let values = [arg(&start), arg(&size), arg(&format), arg(&99_i32), arg(&74.25), arg(&word)];
    // SAFETY: as above; the format asks for what is passed.
    let length: i32 = unsafe { snprintf.call(&values) }?;
    let text = CStr::from_bytes_until_nul(&buffer).unwrap_or_default();
    println!("  {name}(...) = {length}: {text:?}\n");

    // And back: C sorts by a Rust closure.
    let types = [Type::POINTER, Type::SIZE_T, Type::SIZE_T, Type::POINTER];
    let qsort = describe(&libc, "qsort", CallInterface::new(Type::VOID, types)?)?;
    let descending = Callback::new(|a: *const i32, b: *const i32| -> i32 {
        // SAFETY: qsort compares two elements of the array.
        unsafe { (*b).cmp(&*a) as i32 }
    })?;
    let mut numbers = [3, 1, 4, 1, 5, 9, 2, 6];
    let (start, count, size) = (numbers.as_mut_ptr(), numbers.len(), size_of::<i32>());
    // SAFETY: as above; the array has that many elements of that size.
    unsafe { qsort.call::<()>(&[arg(&start), arg(&count), arg(&size), descending.arg()]) }?;
    println!("  qsort([3, 1, 4, 1, 5, 9, 2, 6], descending closure) = {numbers:?}");
    Ok(())
}

/// Looks the function up, and says what is about to be called and where its arguments go.
fn describe(library: &Library, name: &str, interface: CallInterface) -> Result<Function, Error> {
    let function = Function::load(library, name, &interface)?;
    println!("{name} of {}: {}", library.name(), interface.signature());
    let places = (0..interface.signature().arguments().len())
        .map(|index| interface.plan().placement(index).to_string());
    println!("  arguments in {}", places.collect::<Vec<_>>().join(", "));
    Ok(function)
}
