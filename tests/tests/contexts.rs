//! Deadlines and cancellation: checked before the call, and told apart.

use ffi::{CallError, CallInterface, Callback, CancelFlag, Context, Type, arg};
use ffi_tests::system::function;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

#[test]
fn a_call_starts_only_while_its_context_allows_it() {
    let interface = CallInterface::new(Type::C_INT, []).expect("a signature");
    let count = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&count);
    let callback = Callback::new(move || -> i32 { counts.fetch_add(1, Ordering::SeqCst) as i32 })
        .expect("a callback");
    let function = callback.as_ptr();
    // SAFETY: the callback is an `int (void)`.
    let call = |context: &Context| unsafe { interface.call_in::<i32>(context, function, &[]) };
    let calls = || count.load(Ordering::SeqCst);

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

#[test]
fn a_librarys_function_is_not_called_either() {
    let types = [Type::POINTER, Type::POINTER, Type::SIZE_T, Type::SIZE_T, Type::POINTER];
    let bsearch = function("bsearch", Type::POINTER, types);
    let count = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&count);
    let equal = Callback::new(move |_: *const u8, _: *const u8| -> i32 {
        counts.fetch_add(1, Ordering::SeqCst);
        0
    })
    .expect("a callback");
    let (element, one) = (&raw const *b"x", 1_usize);
    let arguments = [arg(&element), arg(&element), arg(&one), arg(&one), equal.arg()];
    let call = |context: &Context| {
        // SAFETY: an array of one byte, and a callback that compares bytes.
        let plain = unsafe { bsearch.call_in::<*const [u8; 1]>(context, &arguments) };
        // SAFETY: as above.
        let errno = unsafe { bsearch.call_errno::<*const [u8; 1]>(context, &arguments) };
        (plain, errno.map(|found| found.value), count.load(Ordering::SeqCst))
    };

    assert_eq!(call(&Context::new()), (Ok(element), Ok(element), 2));
    let flag = CancelFlag::new();
    flag.cancel();
    let cancelled = Context::new().cancelled_by(&flag);
    let refused = CallError::Cancelled;
    assert_eq!(call(&cancelled), (Err(refused.clone()), Err(refused), 2));
    let expired = Context::new().deadline(Instant::now() - Duration::from_millis(1));
    let (plain, errno, calls) = call(&expired);
    assert!(matches!(plain, Err(CallError::DeadlineExceeded { .. })), "{plain:?}");
    assert!(matches!(errno, Err(CallError::DeadlineExceeded { .. })), "{errno:?}");
    assert_eq!(calls, 2);
}
