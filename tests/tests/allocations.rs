//! No call allocates on the heap, whatever it passes and returns; and preparing allocates little.

use ffi::{Arg, CType, CallInterface, Callback, CancelFlag, Context, Error, Type, arg};
use ffi_tests::shapes::{array, structure};
use ffi_tests::system;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ffi::c_void;
use std::fmt::Debug;
use std::mem::MaybeUninit;
use std::sync::LazyLock;
use std::time::Duration;

/// Counts the allocations of each thread by itself, and their bytes.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is the system's allocator's; the count is this thread's own, and needs no
// memory to be set up.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        BYTES.with(|bytes| bytes.set(bytes.get() + layout.size()));
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
#[derive(Debug, Clone, Copy, PartialEq)]
struct Page([i64; 512]);

// SAFETY: `repr(C)`, with that one member.
unsafe impl CType for Page {
    fn c_type() -> Type {
        static TYPE: LazyLock<Type> = LazyLock::new(|| structure([array(Type::I64, 512)]));
        TYPE.clone()
    }
}

#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
struct Mixed {
    n: i64,
    x: f64,
}

// SAFETY: `repr(C)`, with those two members.
unsafe impl CType for Mixed {
    fn c_type() -> Type {
        static TYPE: LazyLock<Type> = LazyLock::new(|| structure([Type::I64, Type::F64]));
        TYPE.clone()
    }
}

#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
struct Quotient([i32; 2]);

// SAFETY: `repr(C)`; the two ints are `quot` and `rem`.
unsafe impl CType for Quotient {
    fn c_type() -> Type {
        static TYPE: LazyLock<Type> = LazyLock::new(|| structure([Type::C_INT, Type::C_INT]));
        TYPE.clone()
    }
}

extern "C" fn page(mut page: Page) -> Page {
    page.0.reverse();
    page
}

extern "C" fn swapped(mixed: Mixed) -> Mixed {
    Mixed { n: mixed.x as i64, x: mixed.n as f64 }
}

extern "C" fn calls_back(callback: extern "C" fn(i64, f64, Mixed) -> f64) -> f64 {
    callback(1, 2.0, Mixed { n: 30, x: 0.5 })
}

/// A value to be passed in either form.
type Both<'a> = (Arg<'a>, *const c_void);

fn both<T: CType>(value: &T) -> Both<'_> {
    (arg(value), (&raw const *value).cast())
}

/// Calls in every way that there is; each has to give the result, and none to allocate.
fn every_way<R>(interface: &CallInterface, function: *const c_void, values: &[Both<'_>], result: R)
where
    R: CType + PartialEq + Debug,
{
    let context = Context::new().timeout(Duration::from_secs(60)).cancelled_by(&CancelFlag::new());
    let (arguments, pointers): (Vec<Arg<'_>>, Vec<*const c_void>) = values.iter().copied().unzip();
    // The first callback that runs on a thread makes the thread's record, once.
    // SAFETY: as below.
    assert_eq!(unsafe { interface.call::<R>(function, &arguments) }, Ok(result));
    let count = allocations(|| {
        // SAFETY: the tests pass functions of the interface's signature, and what they return is
        // an `R`.
        unsafe {
            assert_eq!(interface.call::<R>(function, &arguments), Ok(result));
            assert_eq!(interface.call_in::<R>(&context, function, &arguments), Ok(result));
            let captured = interface.call_errno::<R>(&context, function, &arguments);
            assert_eq!(captured.map(|captured| captured.value), Ok(result));

            let mut room = MaybeUninit::<R>::uninit();
            let bytes = std::slice::from_raw_parts_mut(room.as_mut_ptr().cast(), size_of::<R>());
            assert_eq!(interface.call_into(function, &arguments, bytes), Ok(()));
            assert_eq!(room.assume_init(), result);

            let mut room = MaybeUninit::<R>::uninit();
            let called = interface.invoke(function, &pointers, room.as_mut_ptr().cast());
            assert_eq!(called, Ok(()));
            assert_eq!(room.assume_init(), result);

            let mut room = MaybeUninit::<R>::uninit();
            interface.invoke_unchecked(function, pointers.as_ptr(), room.as_mut_ptr().cast());
            assert_eq!(room.assume_init(), result);
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
    // Memory that grows counts too.
    let mut list: Vec<u64> = Vec::with_capacity(1);
    list.push(1);
    let grow = || list.reserve_exact(std::hint::black_box(list.capacity()));
    assert_eq!(allocations(grow), 2);
}

#[test]
fn preparing_up_to_eight_scalars_is_one_small_allocation() {
    let all =
        [Type::I8, Type::U16, Type::I32, Type::F64, Type::F32, Type::POINTER, Type::I64, Type::F64];
    for count in 0..=all.len() {
        let before = (COUNT.get(), BYTES.get());
        let interface = CallInterface::new(Type::F64, all[..count].iter().cloned());
        assert_eq!(COUNT.get() - before.0, 1, "{count} scalars");
        let bytes = BYTES.get() - before.1;
        // glibc's allocator adds eight bytes, and goes by sixteens.
        let ten_thousand = 10_000 * (bytes + 8).next_multiple_of(16);
        assert!(ten_thousand <= 4 << 20, "{count} scalars: {bytes} bytes");
        drop(interface);
    }
}

#[test]
fn nothing_passed_and_nothing_returned() {
    let interface = CallInterface::new(Type::VOID, []).expect("a signature");
    every_way(&interface, nothing as *const c_void, &[], ());
}

#[test]
fn from_twelve_to_a_hundred_arguments() {
    // The function looks at the first twelve, and does not mind the others behind them.
    for more in [2, 10, 54, 55, 90] {
        let interface = CallInterface::new(Type::I64, ten_and(more)).expect("a signature");
        // AArch64 has eight registers of each kind, which is enough for the seven and the five.
        let in_registers = cfg!(target_arch = "aarch64") && more == 2;
        assert_eq!(interface.plan().stack_size() == 0, in_registers);
        let mut values = [both(&1_i64), both(&1.0_f64)].repeat(5);
        values.extend([both(&20_i64), both(&22_i64)]);
        values.resize(10 + more, both(&-1_i64));
        every_way(&interface, many as *const c_void, &values, 42_i64);
    }
}

#[test]
fn a_page_by_value_and_back() {
    let interface = CallInterface::new(Page::c_type(), [Page::c_type()]).expect("a signature");
    let sent = Page(std::array::from_fn(|index| index as i64));
    let mut expected = sent;
    expected.0.reverse();
    every_way(&interface, page as *const c_void, &[both(&sent)], expected);
}

#[test]
fn structs_in_registers() {
    let interface = CallInterface::new(Mixed::c_type(), [Mixed::c_type()]).expect("a signature");
    let (sent, expected) = (Mixed { n: 3, x: 4.0 }, Mixed { n: 4, x: 3.0 });
    every_way(&interface, swapped as *const c_void, &[both(&sent)], expected);

    let interface = CallInterface::new(Quotient::c_type(), [Type::C_INT, Type::C_INT]);
    let interface = interface.expect("a signature");
    let values = [both(&17_i32), both(&5_i32)];
    every_way(&interface, system::load("div", &interface).as_ptr(), &values, Quotient([3, 2]));
}

#[test]
fn a_variadic_call() {
    let types = [Type::POINTER, Type::USIZE, Type::POINTER, Type::F64, Type::C_INT];
    let interface = CallInterface::variadic(Type::C_INT, types, 3).expect("a signature");
    let mut buffer = [0_u8; 32];
    let (at, format) = (buffer.as_mut_ptr(), c"%.0f and %d".as_ptr());
    let values = [both(&at), both(&32_usize), both(&format), both(&42.0_f64), both(&-7_i32)];
    every_way(&interface, system::load(system::SNPRINTF, &interface).as_ptr(), &values, 9_i32);
    assert_eq!(&buffer[..10], b"42 and -7\0");
}

/// C calls it with an integer, a double and a struct of both; they add up to 33.5.
fn adds_up(callback: Result<Callback, Error>) {
    let interface = CallInterface::new(Type::F64, [Type::POINTER]).expect("a signature");
    let callback = callback.expect("room");
    let pointer = callback.as_ptr();
    every_way(&interface, calls_back as *const c_void, &[both(&pointer)], 33.5_f64);
}

#[test]
fn a_callback_with_an_inferred_signature() {
    adds_up(Callback::new(|n: i64, x: f64, m: Mixed| -> f64 { n as f64 + x + m.n as f64 + m.x }));
}

#[test]
fn a_dynamic_callback_that_reads_scalars_and_bytes() {
    let types = [Type::I64, Type::F64, Mixed::c_type()];
    adds_up(Callback::dynamic(Type::F64, types, |arguments, result| {
        let n: i64 = arguments.get(0).expect("it fits");
        let x: f64 = arguments.get(1).expect("it fits");
        let mut bytes = [0; 16];
        arguments.read(2, &mut bytes).expect("it fits");
        let [m_n, m_x] = [0, 8].map(|at| std::array::from_fn(|index| bytes[at + index]));
        let m = Mixed { n: i64::from_ne_bytes(m_n), x: f64::from_ne_bytes(m_x) };
        result.set(n as f64 + x + m.n as f64 + m.x).expect("it fits");
    }));
}

#[test]
fn a_dynamic_callback_that_reads_a_struct() {
    let types = [Type::I64, Type::F64, Mixed::c_type()];
    adds_up(Callback::dynamic(Type::F64, types, |arguments, result| {
        let n: i64 = arguments.get(0).expect("it fits");
        let x: f64 = arguments.get(1).expect("it fits");
        let m: Mixed = arguments.get(2).expect("it fits");
        result.set(n as f64 + x + m.n as f64 + m.x).expect("it fits");
    }));
}

#[test]
fn callbacks_from_the_c_librarys_search() {
    let compare = Callback::new(|a: *const i32, b: *const i32| -> i32 {
        // SAFETY: bsearch compares the key with elements of the array.
        unsafe { (*a).cmp(&*b) as i32 }
    })
    .expect("room");
    let types = [Type::POINTER, Type::POINTER, Type::USIZE, Type::USIZE, Type::POINTER];
    let interface = CallInterface::new(Type::POINTER, types).expect("a signature");
    let array: [i32; 100] = std::array::from_fn(|index| index as i32 * 3);
    let (key, start, pointer) = (&raw const array[77], array.as_ptr(), compare.as_ptr());
    let values = [both(&key), both(&start), both(&100_usize), both(&4_usize), both(&pointer)];
    every_way(&interface, system::load("bsearch", &interface).as_ptr(), &values, key);
}
