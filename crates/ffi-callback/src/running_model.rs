//! The protocol of `running.rs` in every order that the memory model allows, by loom:
//! `RUSTFLAGS="--cfg loom" cargo test -p ffi-callback --lib --release model`.
//!
//! Gates, records and barriers are the real ones. What the pool does under its lock is repeated here
//! in little, around loom's lock.

use super::{Gate, Inside, Record, is_inside};
use crate::barrier;
use crate::callback::Head;
use ffi_types::{CallbackHeader, Slot};
use loom::cell::UnsafeCell;
use loom::sync::{Arc, Mutex};
use loom::thread;

/// Stands for a closure: loom notices where it is used and freed with nothing in between.
struct Closure(UnsafeCell<usize>);

/// What callbacks share.
struct World {
    gates: [Gate; 2],
    /// `State`'s.
    state: Mutex<State>,
    /// What is freed is only marked, so that a use after that is seen.
    closures: [Closure; 2],
}

#[derive(Default)]
struct State {
    records: Vec<Arc<Record>>,
    /// A gate and a closure each.
    retired: Vec<(usize, usize)>,
    /// How often each closure was.
    freed: [usize; 2],
}

unsafe extern "C-unwind" fn dispatch(
    _: *const CallbackHeader,
    _: *mut u8,
    _: *const u8,
    _: *mut u8,
    _: *const Slot,
) {
}

impl World {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            gates: std::array::from_fn(|_| Gate::new(CallbackHeader { dispatch })),
            state: Mutex::default(),
            closures: std::array::from_fn(|_| Closure(UnsafeCell::new(0))),
        })
    }

    /// `Gated::new`.
    fn open(&self, gate: usize, closure: usize) {
        let head = (&raw const self.closures[closure]).cast::<Head>().cast_mut();
        // SAFETY: the model hands a gate out once at a time, and nobody reads its header.
        unsafe { self.gates[gate].open(dispatch, head) };
    }

    /// `threads::make_own`.
    fn record(&self) -> Arc<Record> {
        let record = Arc::new(Record::new());
        self.state.lock().expect("no panic").records.push(Arc::clone(&record));
        record
    }

    /// `callback::enter`: whether it found a closure; within that, something else is done.
    fn call(&self, gate: usize, record: Option<&Record>, within: impl FnOnce()) -> bool {
        let (gate, first) =
            (&self.gates[gate], record.and_then(|r| r.note_first(&self.gates[gate])));
        let inside = first.map_or_else(|| Inside::enter(gate, record), Inside::Noted);
        let head = gate.head().cast::<Closure>();
        // SAFETY: the world's closures are there as long as it is.
        let closure = unsafe { head.as_ref() };
        if let Some(closure) = closure {
            closure.0.with(|freed| {
                // SAFETY: nobody writes meanwhile, or loom ends the test.
                assert_eq!(unsafe { *freed }, 0, "freed, and then used");
            });
            within();
            closure.0.with(|_| ());
        }
        if inside.leave(gate) {
            // `pool::reclaim`.
            let mut state = self.state.lock().expect("no panic");
            if !state.retired.is_empty() {
                self.free_left(&mut state);
            }
        }
        closure.is_some()
    }

    /// `Gated::retire`; says whether the closure was freed at once.
    fn retire(&self, gate: usize, closure: usize) -> bool {
        let mut state = self.state.lock().expect("no panic");
        self.gates[gate].close();
        barrier::heavy();
        if self.is_inside(&state, gate) {
            state.retired.push((gate, closure));
            return false;
        }
        self.free(&mut state, closure);
        true
    }

    /// `State::take_left`.
    fn free_left(&self, state: &mut State) {
        barrier::heavy();
        for (gate, closure) in std::mem::take(&mut state.retired) {
            if self.is_inside(state, gate) {
                state.retired.push((gate, closure));
            } else {
                self.free(state, closure);
            }
        }
    }

    fn is_inside(&self, state: &State, gate: usize) -> bool {
        is_inside(&self.gates[gate], state.records.iter().map(|record| &**record))
    }

    fn free(&self, state: &mut State, closure: usize) {
        state.freed[closure] += 1;
        self.closures[closure].0.with_mut(|freed| {
            // SAFETY: nobody else reads or writes, or loom ends the test.
            unsafe { *freed += 1 };
        });
    }

    fn assert_freed(&self, expected: [usize; 2]) {
        let state = self.state.lock().expect("no panic");
        assert_eq!(state.freed, expected);
        assert!(state.retired.is_empty());
    }
}

/// Tries every order, and says how many there were.
fn model(body: impl Fn() + Send + Sync + 'static) {
    let tried = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&tried);
    let mut builder = loom::model::Builder::new();
    // More orders than anybody has time for come after that; mistakes known so far need two.
    builder.preemption_bound = Some(4);
    builder.check(move || {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        body();
    });
    println!("orders tried: {}", tried.load(std::sync::atomic::Ordering::Relaxed));
}

#[test]
fn two_callers_and_one_that_drops() {
    model(|| {
        let world = World::new();
        world.open(0, 0);
        let callers = [(); 2].map(|()| {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                let record = world.record();
                world.call(0, Some(&record), || {});
            })
        });
        world.retire(0, 0);
        callers.into_iter().for_each(|caller| caller.join().expect("no panic"));
        world.assert_freed([1, 0]);
    });
}

#[test]
fn a_caller_finds_it_closed_for_ever() {
    model(|| {
        let world = World::new();
        world.open(0, 0);
        let caller = {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                let record = world.record();
                let first = world.call(0, Some(&record), || {});
                let second = world.call(0, Some(&record), || {});
                assert!(first || !second);
            })
        };
        world.retire(0, 0);
        caller.join().expect("no panic");
        world.assert_freed([1, 0]);
    });
}

/// Those that a record has no place for, and those of threads that have none.
#[test]
fn calls_that_are_counted_at_the_gate() {
    model(|| {
        let world = World::new();
        world.open(0, 0);
        let callers = [(); 2].map(|()| {
            let world = Arc::clone(&world);
            thread::spawn(move || _ = world.call(0, None, || {}))
        });
        world.retire(0, 0);
        callers.into_iter().for_each(|caller| caller.join().expect("no panic"));
        world.assert_freed([1, 0]);
    });
}

/// Three deep, where two have place: the third is counted.
#[test]
fn within_each_other_and_both_dropped() {
    model(|| {
        let world = World::new();
        world.open(0, 0);
        world.open(1, 1);
        let caller = {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                let record = world.record();
                let again = || _ = world.call(0, Some(&record), || {});
                world.call(0, Some(&record), || _ = world.call(1, Some(&record), again));
            })
        };
        world.retire(1, 1);
        world.retire(0, 0);
        caller.join().expect("no panic");
        world.assert_freed([1, 1]);
    });
}

#[test]
fn dropped_from_inside_itself_while_another_is_inside() {
    model(|| {
        let world = World::new();
        world.open(0, 0);
        let other = {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                let record = world.record();
                world.call(0, Some(&record), || {});
            })
        };
        let record = world.record();
        world.call(0, Some(&record), || assert!(!world.retire(0, 0), "freed under its own feet"));
        other.join().expect("no panic");
        world.assert_freed([1, 0]);
    });
}

/// A gate that is free goes to the next callback: a stale call finds the first closure, none, or
/// the second, and keeps what it finds.
#[test]
fn a_gate_that_is_used_again() {
    model(|| {
        let world = World::new();
        world.open(0, 0);
        let caller = {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                let record = world.record();
                world.call(0, Some(&record), || {});
                world.call(0, Some(&record), || {});
            })
        };
        let mut expected = [1, 0];
        if world.retire(0, 0) {
            world.open(0, 1);
            world.retire(0, 1);
            expected = [1, 1];
        }
        caller.join().expect("no panic");
        world.assert_freed(expected);
    });
}

/// Two threads drop two callbacks, and each may find what the other has retired.
#[test]
fn two_that_drop_and_one_inside_of_both() {
    model(|| {
        let world = World::new();
        world.open(0, 0);
        world.open(1, 1);
        let caller = {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                let record = world.record();
                let within = || _ = world.call(1, Some(&record), || {});
                world.call(0, Some(&record), within);
            })
        };
        let other = {
            let world = Arc::clone(&world);
            thread::spawn(move || _ = world.retire(1, 1))
        };
        world.retire(0, 0);
        other.join().expect("no panic");
        caller.join().expect("no panic");
        world.assert_freed([1, 1]);
    });
}
