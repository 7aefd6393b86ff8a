//! No call allocates on the heap, whatever it passes and returns.

use ffi::{Arg, CType, CallInterface, Callback, CancelFlag, Context, Type, arg};
use ffi_tests::shapes::{array, structure};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ffi::c_void;
use std::time::Duration;

/// Counts the allocations of each thread by itself.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is the system's allocator's; the count is this thread's own, and needs no
// memory to be set up.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often `f` allocates, the first time and once it has run before.
fn allocations(mut f: impl FnMut()) -> usize {
    let before = COUNT.get();
    f();
    f();
    COUNT.get() - before
}

extern "C" fn nothing() {}

extern "C" fn many(
    _: i64,
    _: f64,
    _: i64,
    _: f64,
    _: i64,
    _: f64,
    _: i64,
    _: f64,
    _: i64,
    _: f64,
    g: i64,
    h: i64,
) -> i64 {
    g + h
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Page([i64; 512]);

extern "C" fn page(page: Page) -> Page {
    page
}

extern "C" fn calls_back(callback: extern "C" fn(i64, f64) -> f64) -> f64 {
    callback(1, 2.0)
}

/// Calls by all three checked ways, and by the unchecked one.
fn every_way<R: CType>(interface: &CallInterface, function: *const c_void, arguments: &[Arg<'_>]) {
    let context = Context::new().timeout(Duration::from_secs(60)).cancelled_by(&CancelFlag::new());
    let count = allocations(|| {
        // SAFETY: the tests pass functions of the interface's signature.
        unsafe {
            interface.call::<R>(function, arguments).expect("it fits");
            interface.call_in::<R>(&context, function, arguments).expect("it fits");
            interface.call_errno::<R>(&context, function, arguments).expect("it fits");
        }
    });
    assert_eq!(count, 0, "{interface:?}");
}

/// Ten arguments of alternating types, and so many integers behind them.
fn ten_and(more: usize) -> Vec<Type> {
    let ten = [Type::I64, Type::F64].into_iter().cycle().take(10);
    ten.chain(std::iter::repeat_n(Type::I64, more)).collect()
}

#[test]
fn the_count_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1)))), 2);
}

#[test]
fn calls_on_registers_and_on_the_stack() {
    let interface = CallInterface::new(Type::VOID, []).expect("a signature");
    every_way::<()>(&interface, nothing as *const c_void, &[]);
    let types = ten_and(2);
    let interface = CallInterface::new(Type::I64, types).expect("a signature");
    let arguments =
        [[arg(&1_i64), arg(&1.0_f64)].repeat(5), vec![arg(&20_i64), arg(&22_i64)]].concat();
    every_way::<i64>(&interface, many as *const c_void, &arguments);
}

#[test]
fn a_page_by_value_and_back() {
    let ty = structure([array(Type::I64, 512)]);
    let interface = CallInterface::new(ty.clone(), [ty]).expect("a signature");
    let (sent, mut received) = (Page([7; 512]), Page([0; 512]));
    let pointers = [(&raw const sent).cast()];
    let count = allocations(|| {
        // SAFETY: `Page page(Page)`.
        unsafe { interface.invoke(page as *const c_void, &pointers, (&raw mut received).cast()) }
            .expect("it fits");
    });
    assert_eq!((count, received.0), (0, sent.0));
}

#[test]
fn a_hundred_arguments() {
    // The function looks at the first twelve, and does not mind the others behind them.
    let types = ten_and(90);
    let interface = CallInterface::new(Type::I64, types).expect("a signature");
    let arguments = [[arg(&1_i64), arg(&1.0_f64)].repeat(5), vec![arg(&21_i64); 90]].concat();
    every_way::<i64>(&interface, many as *const c_void, &arguments);
}

#[test]
fn a_variadic_call() {
    let interface = CallInterface::variadic(
        Type::C_INT,
        [Type::POINTER, Type::USIZE, Type::POINTER, Type::F64],
        3,
    )
    .expect("a signature");
    let library = ffi::Library::this().expect("this program");
    let snprintf = library.symbol("snprintf").expect("it is in the C library").as_ptr();
    let mut buffer = [0_u8; 32];
    let (at, format) = (buffer.as_mut_ptr(), c"%.0f".as_ptr());
    every_way::<i32>(
        &interface,
        snprintf,
        &[arg(&at), arg(&32_usize), arg(&format), arg(&42.0_f64)],
    );
    assert_eq!(&buffer[..3], b"42\0");
}

#[test]
fn callbacks_inferred_and_dynamic() {
    let inferred = Callback::new(|n: i64, x: f64| -> f64 { n as f64 + x }).expect("room");
    let dynamic = Callback::dynamic(Type::F64, [Type::I64, Type::F64], |arguments, result| {
        let n: i64 = arguments.get(0).expect("it fits");
        let x: f64 = arguments.get(1).expect("it fits");
        result.set(n as f64 + x).expect("it fits");
    })
    .expect("room");
    let interface = CallInterface::new(Type::F64, [Type::POINTER]).expect("a signature");
    for callback in [inferred, dynamic] {
        every_way::<f64>(&interface, calls_back as *const c_void, &[callback.arg()]);
    }
}
