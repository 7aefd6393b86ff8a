//! One interface and one function of the C library used by many threads at once, Rust's and C's.

use ffi::{CallInterface, Callback, Context, Function, Library, Type, arg};
use std::ffi::{CStr, c_void};
use std::sync::{Arc, Barrier, Mutex};

const P: Type = Type::POINTER;
const INT: Type = Type::C_INT;
const THREADS: usize = 8;

fn load(name: &str, interface: &CallInterface) -> Function {
    // SAFETY: it is already part of this program.
    let libc = unsafe { Library::open("libc.so.6") }.expect("libc.so.6, of the package libc6");
    Function::load(&libc, name, interface).expect("it is in the C library")
}

fn function<const N: usize>(name: &str, result: Type, arguments: [Type; N]) -> Function {
    load(name, &CallInterface::new(result, arguments).expect("a C signature"))
}

/// `snprintf` with integers and doubles through the dots, some of them on the stack.
fn snprintf() -> Function {
    let mut types = vec![P, Type::SIZE_T, P];
    types.extend([Type::I64, Type::F64].into_iter().cycle().take(8));
    load("snprintf", &CallInterface::variadic(INT, types, 3).expect("a C signature"))
}

/// Writes numbers that only this thread has in this turn, and compares.
fn check(snprintf: &Function, thread: i64, turn: i64) {
    let n = [thread, turn, thread * turn, thread - turn];
    let x = n.map(|n| n as f64 / 8.0);
    let mut buffer = [0_u8; 128];
    let (start, size) = (buffer.as_mut_ptr(), buffer.len());
    let format = c"%ld %.3f %ld %.3f %ld %.3f %ld %.3f".as_ptr();
    let [a, b, c, d] = [0, 1, 2, 3].map(|index| [arg(&n[index]), arg(&x[index])]);
    let fixed = [arg(&start), arg(&size), arg(&format)];
    let arguments = [fixed[0], fixed[1], fixed[2], a[0], a[1], b[0], b[1], c[0], c[1], d[0], d[1]];
    // SAFETY: the format asks for what is passed, and the buffer has that size.
    let length: i32 = unsafe { snprintf.call(&arguments) }.expect("the call fits");
    let written = CStr::from_bytes_until_nul(&buffer).expect("it ends in NUL");
    let expected = format!(
        "{} {:.3} {} {:.3} {} {:.3} {} {:.3}",
        n[0], x[0], n[1], x[1], n[2], x[2], n[3], x[3]
    );
    assert_eq!(written.to_str(), Ok(expected.as_str()));
    assert_eq!(length as usize, expected.len());
}

#[test]
fn eight_threads_call_by_one_interface() {
    let (snprintf, start) = (snprintf(), Barrier::new(THREADS));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (snprintf, start) = (&snprintf, &start);
            scope.spawn(move || {
                start.wait();
                (0..2000).for_each(|turn| check(snprintf, thread as i64, turn));
            });
        }
    });
}

#[test]
fn errno_is_each_threads_own() {
    // close(-1) leaves EBADF, chdir of a name that is not there ENOENT.
    let (close, chdir) = (function("close", INT, [INT]), function("chdir", INT, [P]));
    let start = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (close, chdir, start) = (&close, &chdir, &start);
            scope.spawn(move || {
                let (context, name) = (Context::new(), c"/no/such/place".as_ptr());
                start.wait();
                for _ in 0..2000 {
                    // SAFETY: no file has that number, and the name is a string.
                    let (failed, expected) = unsafe {
                        match thread % 2 {
                            0 => (close.call_errno(&context, &[arg(&-1_i32)]), libc::EBADF),
                            _ => (chdir.call_errno(&context, &[arg(&name)]), libc::ENOENT),
                        }
                    };
                    let failed = failed.expect("the call fits");
                    assert_eq!((failed.value, failed.errno.0), (-1_i32, expected));
                }
            });
        }
    });
}

#[test]
fn threads_of_cs_run_one_callback_at_once_and_call_out_of_it() {
    // All are inside the callback before any goes on, or this does not come to its end.
    let (start, snprintf) = (Barrier::new(THREADS), snprintf());
    let ids = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&ids);
    let body = Callback::new(move |number: *mut c_void| -> *mut c_void {
        start.wait();
        sink.lock().expect("no panic").push(std::thread::current().id());
        (0..500).for_each(|turn| check(&snprintf, number.addr() as i64, turn));
        number.map_addr(|number| number * 3)
    })
    .expect("a callback");
    let create = function("pthread_create", INT, [P, P, P, P]);
    let join = function("pthread_join", INT, [Type::C_ULONG, P]);
    let mut threads = [0_u64; THREADS];
    for (number, thread) in threads.iter_mut().enumerate() {
        let (thread, none) = (&raw mut *thread, std::ptr::null::<c_void>());
        let arguments = [arg(&thread), arg(&none), body.arg(), arg(&number)];
        // SAFETY: the callback is a thread's body, and lives until all are joined.
        assert_eq!(unsafe { create.call(&arguments) }, Ok(0_i32));
    }
    for (number, thread) in threads.iter().enumerate() {
        let mut returned = 0_usize;
        let returned_at = &raw mut returned;
        // SAFETY: the thread was made above, and nobody else joins it.
        assert_eq!(unsafe { join.call(&[arg(thread), arg(&returned_at)]) }, Ok(0_i32));
        assert_eq!(returned, number * 3);
    }
    let ids = ids.lock().expect("no panic");
    assert_eq!(ids.len(), THREADS);
    assert!(!ids.contains(&std::thread::current().id()));
    let mut different: Vec<String> = ids.iter().map(|id| format!("{id:?}")).collect();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), THREADS);
}
