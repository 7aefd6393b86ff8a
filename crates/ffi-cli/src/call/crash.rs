//! What is said when the called function ends the process, by a signal or by `exit`.
//!
//! The text is made before the call; the handler, which may run on a broken heap and a full stack,
//! does nothing but write it and end the process.

#[cfg(unix)]
pub(crate) use unix::{guard, returned};

#[cfg(windows)]
pub(crate) use windows::{guard, returned};

#[cfg(windows)]
mod windows {
    use std::sync::OnceLock;
    use windows_sys::Win32::Foundation::EXCEPTION_ACCESS_VIOLATION;
    use windows_sys::Win32::System::Diagnostics::Debug::{
        EXCEPTION_POINTERS, SetUnhandledExceptionFilter,
    };
    use windows_sys::Win32::System::Threading::ExitProcess;

    /// The call, as text: `strlen(NULL)`.
    static CALL: OnceLock<String> = OnceLock::new();

    /// Has an exception from now on told with that call.
    pub(crate) fn guard(call: &str) {
        CALL.get_or_init(|| call.into());
        // SAFETY: the filter is a function that is always there.
        unsafe { SetUnhandledExceptionFilter(Some(told)) };
    }

    /// The function came back.
    pub(crate) fn returned() {}

    /// Windows calls it on the thread that failed, whose heap is most likely in order.
    unsafe extern "system" fn told(exception: *const EXCEPTION_POINTERS) -> i32 {
        // SAFETY: Windows hands over a valid record.
        let code = unsafe { (*(*exception).ExceptionRecord).ExceptionCode };
        let name = match code {
            EXCEPTION_ACCESS_VIOLATION => " (invalid memory access)",
            _ => "",
        };
        let call = CALL.get().map_or("", String::as_str);
        eprintln!("error: exception {code:#010x}{name} in the call of {call}");
        // SAFETY: it ends the process without running anything more of it.
        unsafe { ExitProcess(1) }
    }
}

#[cfg(unix)]
mod unix {
    use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering::Relaxed};

    /// The signals that a call leads to, by mistake or as what it asks for. Those that others send
    /// to end a program, as a terminal does, end it in silence.
    const SIGNALS: [(i32, &str); 14] = [
        (libc::SIGSEGV, "SIGSEGV (invalid memory access)"),
        (libc::SIGBUS, "SIGBUS (invalid memory access)"),
        (libc::SIGFPE, "SIGFPE (invalid arithmetic, such as a division by zero)"),
        (libc::SIGILL, "SIGILL (invalid instruction)"),
        (libc::SIGABRT, "SIGABRT (the function gave up)"),
        (libc::SIGTRAP, "SIGTRAP (a trap)"),
        (libc::SIGSYS, "SIGSYS (invalid system call)"),
        (libc::SIGXCPU, "SIGXCPU (out of processor time)"),
        (libc::SIGXFSZ, "SIGXFSZ (a file too large)"),
        (libc::SIGALRM, "SIGALRM (a timer)"),
        (libc::SIGVTALRM, "SIGVTALRM (a timer)"),
        (libc::SIGPROF, "SIGPROF (a timer)"),
        (libc::SIGUSR1, "SIGUSR1"),
        (libc::SIGUSR2, "SIGUSR2"),
    ];
    /// Enough for a handler that calls nothing but `write`.
    const STACK: usize = 64 * 1024;

    /// The call, as text: `strlen(NULL)`.
    static CALL: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());
    static LEN: AtomicUsize = AtomicUsize::new(0);
    /// This process.
    static PROCESS: AtomicU32 = AtomicU32::new(0);
    /// Whether the function is running.
    static RUNS: AtomicBool = AtomicBool::new(false);

    /// Has a signal from now on told with that call, and an `exit` until it has returned.
    pub(crate) fn guard(call: &str) {
        // Both are kept for good: a signal can come at any time.
        let text: &'static mut str = Box::leak(call.into());
        LEN.store(text.len(), Relaxed);
        CALL.store(text.as_mut_ptr(), Relaxed);
        let stack: &'static mut [u8] = Box::leak(vec![0; STACK].into_boxed_slice());
        let stack =
            libc::stack_t { ss_sp: stack.as_mut_ptr().cast(), ss_flags: 0, ss_size: stack.len() };
        PROCESS.store(std::process::id(), Relaxed);
        RUNS.store(true, Relaxed);
        // SAFETY: the stack is for this alone and never freed; the action is zeroed and then
        // filled, and its handler only does what a handler may; `left` stays where it is.
        unsafe {
            libc::atexit(left);
            libc::sigaltstack(&stack, std::ptr::null_mut());
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = told as extern "C" fn(i32) as usize;
            // On its own stack: the other may be what ran out.
            action.sa_flags = libc::SA_ONSTACK | libc::SA_RESETHAND;
            for (signal, _) in SIGNALS {
                libc::sigaction(signal, &action, std::ptr::null_mut());
            }
        }
    }

    /// The function came back: to leave the process from now on is the command's own doing.
    pub(crate) fn returned() {
        RUNS.store(false, Relaxed);
    }

    extern "C" fn told(signal: i32) {
        let name = SIGNALS.iter().find(|(number, _)| *number == signal);
        say(name.map_or("a signal", |(_, name)| name));
    }

    /// What `exit` calls. Of a process that the function made by `fork` it is the end as well, and
    /// no failure of the call.
    extern "C" fn left() {
        if !RUNS.load(Relaxed) || std::process::id() != PROCESS.load(Relaxed) {
            return;
        }
        // SAFETY: null stands for all streams. What the function printed comes before the message.
        unsafe { libc::fflush(std::ptr::null_mut()) };
        say("`exit` was called");
    }

    /// Writes what happened, and ends the process.
    fn say(what: &str) {
        let (call, len) = (CALL.load(Relaxed), LEN.load(Relaxed));
        // SAFETY: `guard` left a string of that length there for good.
        let call = unsafe { std::slice::from_raw_parts(call, len) };
        for text in [b"error: ".as_slice(), what.as_bytes(), b" in the call of ", call, b"\n"] {
            // SAFETY: the text is readable; an error leaves nothing else to do.
            unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
        }
        // SAFETY: it ends the process without running anything more of it.
        unsafe { libc::_exit(1) };
    }
}
