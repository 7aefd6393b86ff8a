//! What each thread does, round after round.

use super::Progress;
#[cfg(target_arch = "aarch64")]
use ffi::Aapcs64;
#[cfg(target_arch = "x86_64")]
use ffi::Win64;
use ffi::{CType, CallInterface, Convention, Function, Signature, Type, arg};
use ffi_callback::Callback;
use ffi_tests::system::{SNPRINTF, function, load};
use std::ffi::c_void;
use std::mem::transmute;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// Callbacks that each thread keeps, to call and drop them later.
const KEPT: usize = 32;
/// Callbacks that threads hand each other.
const HANDED: usize = 64;
/// Calls of each shape in a round.
const CALLS: u64 = 160;
/// Calls of each callback in a round.
const CALLBACKS: u64 = 8;

#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, CType)]
struct Pair {
    x: f64,
    n: i64,
}

#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, CType)]
struct Large {
    a: [i64; 5],
}

/// What threads share: callbacks that one makes, another calls, and a third drops.
pub(crate) struct Shared {
    handed: [Mutex<Option<Arc<Number>>>; HANDED],
    failed: AtomicBool,
}

impl Default for Shared {
    fn default() -> Self {
        Self { handed: std::array::from_fn(|_| Mutex::default()), failed: AtomicBool::default() }
    }
}

impl Shared {
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Relaxed)
    }
}

/// A callback that adds its number.
struct Number {
    callback: ffi::Callback,
    number: u64,
}

impl Number {
    fn new(number: u64) -> Self {
        let callback = ffi::Callback::new(move |n: u64| -> u64 { n.wrapping_add(number) });
        Self { callback: callback.expect("there is room"), number }
    }

    fn check(&self, n: u64) {
        // SAFETY: it has this type, and is alive.
        let add = unsafe { self.callback.as_fn::<extern "C" fn(u64) -> u64>() };
        assert_eq!(add(n), n.wrapping_add(self.number), "a stranger's callback ran");
    }
}

/// How often what was done: calls, callbacks, and callbacks made.
type Done = [u64; 3];

/// One shape in one convention.
type Shape = Box<dyn FnMut(u64) -> Done>;

pub(crate) struct Work<'a> {
    shared: &'a Shared,
    random: fastrand::Rng,
    shapes: Vec<Shape>,
    kept: Vec<Number>,
}

impl<'a> Work<'a> {
    pub(crate) fn new(thread: u64, shared: &'a Shared) -> Self {
        let mut shapes = native();
        #[cfg(target_arch = "x86_64")]
        {
            shapes.extend(sysv());
            shapes.extend(win64());
        }
        #[cfg(target_arch = "aarch64")]
        shapes.extend(aapcs64());
        let kept = (0..KEPT as u64).map(|number| Number::new(thread << 32 | number)).collect();
        Self { shared, random: fastrand::Rng::with_seed(thread), shapes, kept }
    }

    /// Once of everything.
    pub(crate) fn round(&mut self, progress: &Progress) {
        let mut done: Done = [0; 3];
        let mut add = |more: Done| (0..3).for_each(|at| done[at] += more[at]);
        let seed = self.random.u64(..1 << 32);
        self.shapes.iter_mut().for_each(|shape| add(shape(seed)));
        // One that is dropped when it is old, and one that somebody may be inside of when it is.
        self.kept[self.random.usize(..KEPT)] = Number::new(seed);
        self.kept.iter().for_each(|number| number.check(seed));
        add([0, KEPT as u64, 1]);
        let place = &self.shared.handed[self.random.usize(..HANDED)];
        let mine = Arc::new(Number::new(!seed));
        let theirs = place.lock().unwrap_or_else(PoisonError::into_inner).replace(mine);
        let place = &self.shared.handed[self.random.usize(..HANDED)];
        let other = place.lock().unwrap_or_else(PoisonError::into_inner).clone();
        theirs.iter().chain(&other).for_each(|number| number.check(seed));
        add([0, u64::from(theirs.is_some()) + u64::from(other.is_some()), 1]);
        add(drops_itself());
        let counters = [&progress.calls, &progress.callbacks, &progress.created];
        counters.iter().zip(done).for_each(|(counter, more)| _ = counter.fetch_add(more, Relaxed));
    }
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.shared.failed.store(true, Relaxed);
        }
    }
}

/// A callback that drops itself while it runs.
fn drops_itself() -> Done {
    static RAN: AtomicU64 = AtomicU64::new(0);
    let own: Arc<Mutex<Option<ffi::Callback>>> = Arc::default();
    let place = Arc::clone(&own);
    let callback = ffi::Callback::new(move || {
        drop(place.lock().unwrap_or_else(PoisonError::into_inner).take());
        RAN.fetch_add(1, Relaxed);
    });
    let callback = callback.expect("there is room");
    // SAFETY: it has this type, and a call that is under way is left in peace.
    let call = unsafe { callback.as_fn::<extern "C" fn()>() };
    *own.lock().unwrap_or_else(PoisonError::into_inner) = Some(callback);
    call();
    [0, 1, 1]
}

/// Functions of the C library: one that calls back, a variadic one, one that returns a struct.
fn native() -> Vec<Shape> {
    const P: Type = Type::POINTER;
    let qsort = function("qsort", Type::VOID, [P, Type::SIZE_T, Type::SIZE_T, P]);
    let types = [P, Type::SIZE_T, P, Type::C_INT, Type::F64];
    let snprintf = CallInterface::variadic(Type::C_INT, types, 3).expect("a C signature");
    let snprintf = load(SNPRINTF, &snprintf);
    vec![Box::new(move |seed| sort(&qsort, seed)), Box::new(move |seed| print(&snprintf, seed))]
}

fn sort(qsort: &Function, seed: u64) -> Done {
    let compared = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&compared);
    let order = ffi::Callback::new(move |a: *const u64, b: *const u64| -> i32 {
        count.fetch_add(1, Relaxed);
        // SAFETY: qsort hands over pointers to two elements of the array below.
        unsafe { (*a).cmp(&*b) as i32 }
    });
    let order = order.expect("there is room");
    let mut numbers: [u64; 12] =
        std::array::from_fn(|at| seed.rotate_left(at as u32 * 5).wrapping_mul(0x9e37_79b9));
    let (first, count, size) = (numbers.as_mut_ptr(), numbers.len(), size_of::<u64>());
    // SAFETY: the array has as many elements of that size, and the callback compares those.
    unsafe { qsort.call::<()>(&[arg(&first), arg(&count), arg(&size), order.arg()]) }
        .expect("the call fits");
    assert!(numbers.is_sorted());
    [1, compared.load(Relaxed), 1]
}

fn print(snprintf: &Function, seed: u64) -> Done {
    let mut buffer = [0_u8; 64];
    let (start, size, format) = (buffer.as_mut_ptr(), buffer.len(), c"%d %.2f".as_ptr());
    let (n, x) = (seed as i32 >> 1, (seed % 1000) as f64 / 4.0);
    let arguments = [arg(&start), arg(&size), arg(&format), arg(&n), arg(&x)];
    // SAFETY: the format asks for what is passed, and the buffer has that size.
    let length: i32 = unsafe { snprintf.call(&arguments) }.expect("the call fits");
    assert_eq!(&buffer[..length as usize], format!("{n} {x:.2}").as_bytes());
    [1, 0, 0]
}

fn interface<const N: usize>(convention: Convention, r: Type, types: [Type; N]) -> CallInterface {
    let signature = Signature::new(convention, r, types).expect("a C signature");
    CallInterface::with_signature(signature).expect("it can be called here")
}

macro_rules! shapes {
    ($name:ident, $abi:literal, $convention:expr) => {
        fn $name() -> Vec<Shape> {
            // Registers of both kinds, and the stack.
            extern $abi fn many(
                a: i64, b: f64, c: u8, d: f32, e: i32, f: i64, g: i16, h: f64, i: u64, j: i64,
            ) -> f64 {
                let integers = a + i64::from(c) + i64::from(e) + f + i64::from(g) + i as i64 + j;
                integers as f64 + b + f64::from(d) + h
            }
            extern $abi fn pair(p: Pair, n: i64) -> Pair {
                Pair { x: p.x * 2.0, n: p.n - n }
            }
            extern $abi fn large(p: Large, n: i64) -> Large {
                Large { a: p.a.map(|a| a ^ n) }
            }
            type Called = extern $abi fn(Pair, i64) -> Pair;
            /// The way of C that calls a pointer.
            #[inline(never)]
            extern $abi fn apply(f: Called, p: Pair, n: i64) -> Pair {
                f(p, n)
            }
            let convention = $convention;
            let types = [
                Type::I64, Type::F64, Type::U8, Type::F32, Type::I32, Type::I64, Type::I16,
                Type::F64, Type::U64, Type::I64,
            ];
            let by_many = interface(convention, Type::F64, types);
            let by_pair = interface(convention, Pair::c_type(), [Pair::c_type(), Type::I64]);
            let by_large = interface(convention, Large::c_type(), [Large::c_type(), Type::I64]);
            let types = [Type::POINTER, Pair::c_type(), Type::I64];
            let by_apply = interface(convention, Pair::c_type(), types);
            let by_called = by_pair.clone();
            vec![
                Box::new(move |seed| {
                    for turn in 0..CALLS {
                        let (n, x) = ((seed + turn) as i64, turn as f64);
                        let (c, e, g, i) = (turn as u8, turn as i32 * -3, -(turn as i16), seed);
                        let d = turn as f32 / 2.0;
                        let arguments = [
                            arg(&n), arg(&x), arg(&c), arg(&d), arg(&e), arg(&n), arg(&g), arg(&x),
                            arg(&i), arg(&n),
                        ];
                        let pointer = many as *const c_void;
                        // SAFETY: these are the function's types.
                        let found = unsafe { by_many.call::<f64>(pointer, &arguments) }.expect("fits");
                        assert_eq!(found, many(n, x, c, d, e, n, g, x, i, n));
                    }
                    [CALLS, 0, 0]
                }),
                Box::new(move |seed| {
                    for turn in 0..CALLS {
                        let (n, x) = ((seed ^ turn) as i64, turn as f64);
                        let p = Pair { x, n };
                        // SAFETY: these are the function's types.
                        let found: Pair = unsafe {
                            by_pair.call(pair as *const c_void, &[arg(&p), arg(&n)])
                        }
                        .expect("fits");
                        assert_eq!(found, Pair { x: x * 2.0, n: 0 });
                    }
                    [CALLS, 0, 0]
                }),
                Box::new(move |seed| {
                    for turn in 0..CALLS {
                        let n = turn as i64;
                        let p = Large { a: std::array::from_fn(|at| (seed as i64) << at) };
                        // SAFETY: these are the function's types.
                        let found: Large = unsafe {
                            by_large.call(large as *const c_void, &[arg(&p), arg(&n)])
                        }
                        .expect("fits");
                        assert_eq!(found, large(p, n));
                    }
                    [CALLS, 0, 0]
                }),
                Box::new(move |seed| {
                    let implementation = ffi::implementation(convention).expect("it can be called");
                    let own = seed as i64;
                    let callback = Callback::new(implementation, move |p: Pair, n: i64| -> Pair {
                        Pair { x: p.x - 1.0, n: p.n + n + own }
                    });
                    let callback = callback.expect("there is room");
                    let pointer = callback.as_ptr();
                    // SAFETY: the callback has this type, and is alive.
                    let direct = unsafe { transmute::<*const c_void, Called>(pointer) };
                    for turn in 0..CALLBACKS {
                        let n = turn as i64;
                        let p = Pair { x: n as f64, n };
                        let expected = Pair { x: n as f64 - 1.0, n: n + n + own };
                        // SAFETY: these are the functions' types.
                        let (one, other): (Pair, Pair) = unsafe {
                            let arguments = [arg(&pointer), arg(&p), arg(&n)];
                            (
                                by_apply.call(apply as *const c_void, &arguments).expect("fits"),
                                by_called.call(pointer, &[arg(&p), arg(&n)]).expect("fits"),
                            )
                        };
                        assert_eq!((direct(p, n), one, other), (expected, expected, expected));
                    }
                    [2 * CALLBACKS, 3 * CALLBACKS, 1]
                }),
            ]
        }
    };
}

#[cfg(target_arch = "x86_64")]
shapes!(sysv, "sysv64", Convention::SysV);
#[cfg(target_arch = "x86_64")]
shapes!(
    win64,
    "win64",
    Convention::Win64(if cfg!(target_env = "msvc") { Win64::Msvc } else { Win64::Gnu })
);
#[cfg(target_arch = "aarch64")]
shapes!(aapcs64, "C", Convention::Aapcs64(Aapcs64::Standard));
