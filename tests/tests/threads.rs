//! One interface and one function of the C library used by many threads at once, Rust's and C's.

use ffi::{CallInterface, Callback, Context, Function, Type, arg};
use ffi_tests::system::{SNPRINTF, function, load};
use std::ffi::{CStr, c_void};
use std::sync::{Arc, Barrier, Mutex};

const P: Type = Type::POINTER;
const INT: Type = Type::C_INT;
const THREADS: usize = 8;

/// `snprintf` with integers and doubles through the dots, some of them on the stack.
fn snprintf() -> Function {
    let mut types = vec![P, Type::SIZE_T, P];
    types.extend([Type::I64, Type::F64].into_iter().cycle().take(8));
    load(SNPRINTF, &CallInterface::variadic(INT, types, 3).expect("a C signature"))
}

/// Writes numbers that only this thread has in this turn, and compares.
fn check(snprintf: &Function, thread: i64, turn: i64) {
    let n = [thread, turn, thread * turn, thread - turn];
    let x = n.map(|n| n as f64 / 8.0);
    let mut buffer = [0_u8; 128];
    let (start, size) = (buffer.as_mut_ptr(), buffer.len());
    let format = c"%lld %.3f %lld %.3f %lld %.3f %lld %.3f".as_ptr();
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
    // To go to what is not there leaves ENOENT, a number too great for a double ERANGE.
    let chdir = function(if cfg!(windows) { "_chdir" } else { "chdir" }, INT, [P]);
    let strtod = function("strtod", Type::F64, [P, P]);
    let start = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (chdir, strtod, start) = (&chdir, &strtod, &start);
            scope.spawn(move || {
                let (context, none) = (Context::new(), std::ptr::null::<c_void>());
                let (name, huge) = (c"/no/such/place".as_ptr(), c"-1e999".as_ptr());
                let to_nowhere = [arg(&name)];
                let too_great = [arg(&huge), arg(&none)];
                start.wait();
                for _ in 0..2000 {
                    if thread % 2 == 0 {
                        // SAFETY: the name is a string.
                        let failed = unsafe { chdir.call_errno::<i32>(&context, &to_nowhere) };
                        let failed = failed.expect("the call fits");
                        assert_eq!((failed.value, failed.errno.0), (-1, libc::ENOENT));
                    } else {
                        // SAFETY: a string, and nowhere for its end.
                        let failed = unsafe { strtod.call_errno::<f64>(&context, &too_great) };
                        let failed = failed.expect("the call fits");
                        let expected = (f64::NEG_INFINITY, libc::ERANGE);
                        assert_eq!((failed.value, failed.errno.0), expected);
                    }
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
    let returned = run(&body);
    assert_eq!(returned, std::array::from_fn(|number| number * 3));
    let ids = ids.lock().expect("no panic");
    assert_eq!(ids.len(), THREADS);
    assert!(!ids.contains(&std::thread::current().id()));
    let mut different: Vec<String> = ids.iter().map(|id| format!("{id:?}")).collect();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), THREADS);
}

/// Starts threads with numbers from 0 on, and waits for what they return. By the functions that the
/// program is linked with: a checker of races has its own, and has to see threads begin.
#[cfg(unix)]
fn run(body: &Callback) -> [usize; THREADS] {
    let create = CallInterface::new(INT, [P, P, P, P]).expect("a C signature");
    let join = CallInterface::new(INT, [Type::C_ULONG, P]).expect("a C signature");
    let (pthread_create, pthread_join) =
        (libc::pthread_create as *const c_void, libc::pthread_join as *const c_void);
    let threads: [u64; THREADS] = std::array::from_fn(|number| {
        let (mut thread, none) = (0_u64, std::ptr::null::<c_void>());
        let thread_at = &raw mut thread;
        let arguments = [arg(&thread_at), arg(&none), body.arg(), arg(&number)];
        // SAFETY: the callback is a thread's body, and lives until all are joined.
        assert_eq!(unsafe { create.call(pthread_create, &arguments) }, Ok(0_i32));
        thread
    });
    threads.map(|thread| {
        let mut returned = 0_usize;
        let returned_at = &raw mut returned;
        let arguments = [arg(&thread), arg(&returned_at)];
        // SAFETY: the thread was made above, and nobody else joins it.
        assert_eq!(unsafe { join.call(pthread_join, &arguments) }, Ok(0_i32));
        returned
    })
}

/// Starts threads with numbers from 0 on, and waits for what they return. A thread's body returns
/// a `DWORD` there; the callback's pointer has it in its lower half.
#[cfg(windows)]
fn run(body: &Callback) -> [usize; THREADS] {
    // SAFETY: it is already part of this program.
    let kernel32 = unsafe { ffi::Library::open("kernel32.dll") }.expect("Windows has it");
    let function = |name, result, types: Vec<Type>| {
        let interface = CallInterface::new(result, types).expect("a C signature");
        Function::load(&kernel32, name, &interface).expect("it is there")
    };
    let create = function("CreateThread", P, vec![P, Type::SIZE_T, P, P, Type::U32, P]);
    let wait = function("WaitForSingleObject", Type::U32, vec![P, Type::U32]);
    let exit_code = function("GetExitCodeThread", INT, vec![P, P]);
    let close = function("CloseHandle", INT, vec![P]);
    let none = std::ptr::null::<c_void>();
    let threads: [*const c_void; THREADS] = std::array::from_fn(|number| {
        let (size, flags) = (0_usize, 0_u32);
        let arguments = [arg(&none), arg(&size), body.arg(), arg(&number), arg(&flags), arg(&none)];
        // SAFETY: the callback is a thread's body, and lives until all have ended.
        let thread = unsafe { create.call::<*const c_void>(&arguments) }.expect("the call fits");
        assert!(!thread.is_null());
        thread
    });
    threads.map(|thread| {
        let mut returned = 0_u32;
        let returned_at = &raw mut returned;
        // SAFETY: the thread was made above, and nobody else has its handle.
        unsafe {
            assert_eq!(wait.call(&[arg(&thread), arg(&u32::MAX)]), Ok(0_u32));
            assert_eq!(exit_code.call(&[arg(&thread), arg(&returned_at)]), Ok(1_i32));
            assert_eq!(close.call(&[arg(&thread)]), Ok(1_i32));
        }
        returned as usize
    })
}
