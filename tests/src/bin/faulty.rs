//! `faulty FAULT`: does what memory checkers are there to find, so that `cargo xtask reliability`
//! knows of each that it does find it, as it was built and started there.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

fn use_after_free() {
    let pointer = Box::into_raw(Box::new(black_box(1_u32)));
    // SAFETY: the first is right, and the second is not, which is what this is for.
    let stale = unsafe {
        drop(Box::from_raw(pointer));
        black_box(pointer).read_volatile()
    };
    // Valgrind speaks up where something depends on it.
    println!("{}", if black_box(stale) == 1 { "one" } else { "another" });
}

#[inline(never)]
fn leak() {
    // Several: a register or a stack slot may still have the last one.
    for size in 1..64_usize {
        black_box(Box::leak(vec![0_u8; black_box(size)].into_boxed_slice()));
    }
}

struct Shared(std::cell::UnsafeCell<u64>);

// SAFETY: it is not, which is what this is for.
unsafe impl Sync for Shared {}

fn race() {
    static SHARED: Shared = Shared(std::cell::UnsafeCell::new(0));
    static STARTED: AtomicUsize = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                // Both at once, and with nothing that would put one before the other.
                STARTED.fetch_add(1, Relaxed);
                while STARTED.load(Relaxed) < 2 {
                    std::thread::yield_now();
                }
                for _ in 0..1000 {
                    // SAFETY: another thread writes at the same time, which is what this is for.
                    unsafe { *black_box(SHARED.0.get()) += 1 };
                }
            });
        }
    });
}

const FAULTS: [(&str, fn()); 4] =
    [("none", || {}), ("use-after-free", use_after_free), ("leak", leak), ("race", race)];

fn main() -> ExitCode {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let Some((_, fault)) = FAULTS.iter().find(|(name, _)| *name == wanted) else {
        eprintln!("faulty: expected one of {:?}, found {wanted:?}", FAULTS.map(|(name, _)| name));
        return ExitCode::from(2);
    };
    fault();
    ExitCode::SUCCESS
}
