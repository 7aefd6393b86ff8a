//! Deadlines and cancellation: checked before the call, and told apart.

use ffi::{CallError, CallInterface, CancelFlag, Context, Type};
use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

static CALLS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count() -> i32 {
    CALLS.fetch_add(1, Ordering::SeqCst) as i32
}

/// One test, as the count is the program's.
#[test]
fn a_call_starts_only_while_its_context_allows_it() {
    let interface = CallInterface::new(Type::C_INT, []).expect("a signature");
    let function = count as *const c_void;
    // SAFETY: `int count(void)`.
    let call = |context: &Context| unsafe { interface.call_in::<i32>(context, function, &[]) };
    let calls = || CALLS.load(Ordering::SeqCst);

    assert_eq!((call(&Context::new()), calls()), (Ok(0), 1));
    let flag = CancelFlag::new();
    let later = Instant::now() + Duration::from_secs(3600);
    let context = Context::new().deadline(later).cancelled_by(&flag);
    assert_eq!((call(&context), calls()), (Ok(1), 2));

    // From another thread, through a clone.
    let copy = flag.clone();
    std::thread::spawn(move || copy.cancel()).join().expect("no panic");
    assert_eq!((call(&context), calls()), (Err(CallError::Cancelled), 2));
    // SAFETY: as above.
    let with_errno = unsafe { interface.call_errno::<i32>(&context, function, &[]) };
    assert_eq!((with_errno, calls()), (Err(CallError::Cancelled), 2));

    let past = Context::new().deadline(Instant::now() - Duration::from_millis(5));
    let Err(CallError::DeadlineExceeded { late }) = call(&past) else { panic!("it was called") };
    assert!(late >= Duration::from_millis(5));
    assert_eq!(calls(), 2);

    let timeout = Context::new().timeout(Duration::from_millis(1));
    std::thread::sleep(Duration::from_millis(3));
    assert!(matches!(call(&timeout), Err(CallError::DeadlineExceeded { .. })));
    let endless = Context::new().timeout(Duration::MAX);
    assert_eq!((call(&endless), calls()), (Ok(2), 3));
}
