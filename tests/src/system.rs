//! The C library of the system that the tests run on, by the names that it goes by there.

use ffi::{CallInterface, Function, Library, Type};

/// The C library whose `errno` is that of the program.
const C_LIBRARY: &str = if cfg!(all(windows, target_env = "msvc")) {
    "ucrtbase.dll"
} else if cfg!(windows) {
    "msvcrt.dll"
} else {
    "libc.so.6"
};

/// The C library's mathematics: on Windows the newer of its two, which has what C99 added.
const MATHEMATICS: &str = if cfg!(windows) { "ucrtbase.dll" } else { "libm.so.6" };

/// The function that writes what a format says into a buffer: `int (char *, size_t, char *, ...)`.
/// Microsoft's does not end the text where the buffer ends.
pub const SNPRINTF: &str = if cfg!(windows) { "_snprintf" } else { "snprintf" };

/// The C library.
///
/// # Panics
/// If the system has none.
pub fn c_library() -> Library {
    // SAFETY: it is already part of this program.
    unsafe { Library::open(C_LIBRARY) }.expect("the system has a C library")
}

/// The library with `sqrt`, `cbrt` and their like.
///
/// # Panics
/// If the system has none.
pub fn mathematics() -> Library {
    // SAFETY: it has no constructors that could do harm.
    unsafe { Library::open(MATHEMATICS) }.expect("the system has a mathematical library")
}

/// The library that has [`SNPRINTF`]: the universal C runtime has it in a header alone.
fn library_of(name: &str) -> Library {
    if cfg!(windows) && name == SNPRINTF {
        // SAFETY: part of the system, whose constructors do no harm.
        return unsafe { Library::open("msvcrt.dll") }.expect("Windows has it");
    }
    c_library()
}

/// A function of the C library, with an interface that is there.
///
/// # Panics
/// If the library has no such function.
pub fn load(name: &str, interface: &CallInterface) -> Function {
    Function::load(&library_of(name), name, interface).expect("it is in the C library")
}

/// A function of the C library.
///
/// # Panics
/// If there is no such signature, or the library has no such function.
pub fn function<const N: usize>(name: &str, result: Type, arguments: [Type; N]) -> Function {
    load(name, &CallInterface::new(result, arguments).expect("a C signature"))
}
