//! Calls four functions of the C library, by their prototypes: numbers, a struct that is returned by
//! value, values through `...`, and `errno`.

use ffi::{Context, Declared, Library, Type, arg};
use std::ffi::CStr;

fn main() -> Result<(), ffi::Error> {
    let name = if cfg!(windows) {
        "msvcrt.dll"
    } else if cfg!(target_vendor = "apple") {
        "libSystem.B.dylib"
    } else {
        "libc.so.6"
    };
    // SAFETY: the C library is part of this program already.
    let libc = unsafe { Library::open(name) }?;

    let abs = libc.function("int abs(int n);")?;
    // SAFETY: here and below, the prototype is that of the C library, and the pointers are to values
    // that outlive the call.
    let n: i32 = unsafe { abs.call(&[arg(&-5_i32)]) }?;
    println!("abs(-5) = {n}");

    // What does not fit the prototype is an error, and is not called.
    // SAFETY: as above.
    let error = unsafe { abs.call::<i32>(&[arg(&-5.0_f64)]) }.unwrap_err();
    println!("abs(-5.0): {error}");

    let div =
        libc.function("typedef struct { int quot, rem; } div_t; div_t div(int n, int by);")?;
    // SAFETY: as above; the divisor is not zero.
    let result = unsafe { div.call_value(&[arg(&17_i32), arg(&5_i32)]) }?;
    println!("div(17, 5) = {} remainder {}", result.get::<i32>("quot")?, result.get::<i32>("rem")?);

    let prototype = "int sprintf(char *to, const char *format, ...);";
    let sprintf = libc.variadic_function(prototype, [Type::C_INT, Type::F64, Type::POINTER])?;
    let mut buffer = [0_u8; 64];
    let (to, format) = (buffer.as_mut_ptr(), c"%d bottles, %.1f litres of %s".as_ptr());
    let what = c"water".as_ptr();
    // SAFETY: as above; the format asks for what is passed, and the text is shorter than the buffer.
    let length: i32 =
        unsafe { sprintf.call(&[arg(&to), arg(&format), arg(&99_i32), arg(&74.5), arg(&what)]) }?;
    let text = CStr::from_bytes_until_nul(&buffer).unwrap_or_default();
    println!("sprintf(...) = {length}: {text:?}");

    let remove = libc.function("int remove(const char *path);")?;
    let path = c"there is no such file".as_ptr();
    // SAFETY: as above.
    let failed = unsafe { remove.call_errno::<i32>(&Context::new(), &[arg(&path)]) }?;
    println!("remove(...) = {}, errno {}", failed.value, failed.errno.0);
    Ok(())
}
