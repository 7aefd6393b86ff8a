//! `soak [--calls N] [--callbacks N] [--seconds N] [--threads N]`: many threads call, are called back,
//! and make and drop callbacks, of several shapes and conventions, until the numbers are reached or
//! the time is over. Every result is compared. Fails if memory, mappings or open files grow.

mod work;

use std::fs::read_to_string;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// By how much resident memory may be more at the end than after the first rounds of all threads.
const MORE_MEMORY: u64 = 2 << 20;
/// By how many pieces the address space may be more than then: stacks and arenas.
const MORE_MAPPINGS: usize = 64;
/// After how many rounds a thread has all that it will have.
const WARM: u64 = 50;

/// What has been done so far, by all threads.
#[derive(Default)]
pub(crate) struct Progress {
    pub(crate) calls: AtomicU64,
    pub(crate) callbacks: AtomicU64,
    pub(crate) created: AtomicU64,
    /// Threads that have done their first rounds.
    warm: AtomicUsize,
    enough: AtomicBool,
}

struct Goal {
    calls: u64,
    callbacks: u64,
    time: Duration,
    threads: usize,
}

impl Goal {
    fn of(words: &[String]) -> Result<Self, String> {
        let mut goal = Self { calls: 0, callbacks: 0, time: Duration::MAX, threads: 16 };
        for pair in words.chunks(2) {
            let [name, number] = pair else { return Err(format!("{:?} has no number", pair[0])) };
            let number: u64 = number.parse().map_err(|_| format!("{number:?} is no number"))?;
            match &**name {
                "--calls" => goal.calls = number,
                "--callbacks" => goal.callbacks = number,
                "--seconds" => goal.time = Duration::from_secs(number),
                "--threads" => goal.threads = number.clamp(1, 1024) as usize,
                _ => return Err(format!("{name:?} is no argument")),
            }
        }
        if goal.calls == 0 && goal.callbacks == 0 && goal.time == Duration::MAX {
            return Err("expected --calls, --callbacks or --seconds".into());
        }
        Ok(goal)
    }

    fn is_reached(&self, progress: &Progress, start: Instant) -> bool {
        let counted = self.calls > 0 || self.callbacks > 0;
        let calls = progress.calls.load(Relaxed) >= self.calls;
        let callbacks = progress.callbacks.load(Relaxed) >= self.callbacks;
        counted && calls && callbacks || start.elapsed() >= self.time
    }
}

/// What must not grow.
#[derive(Debug, Clone, Copy, Default)]
struct Use {
    /// Bytes; 0 where the system does not say.
    memory: u64,
    mappings: usize,
    files: usize,
}

impl Use {
    fn now() -> Self {
        let pages = read_to_string("/proc/self/statm").unwrap_or_default();
        let pages: u64 = pages.split(' ').nth(1).and_then(|n| n.parse().ok()).unwrap_or_default();
        let mappings = read_to_string("/proc/self/maps").unwrap_or_default().lines().count();
        let files = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        Self { memory: pages * 4096, mappings, files }
    }
}

fn run(goal: &Goal) -> Result<(), String> {
    let (progress, start) = (Progress::default(), Instant::now());
    let shared = work::Shared::default();
    let mut uses: Vec<(Duration, Use)> = Vec::new();
    std::thread::scope(|scope| {
        for thread in 0..goal.threads {
            let (progress, shared) = (&progress, &shared);
            scope.spawn(move || {
                let mut work = work::Work::new(thread as u64, shared);
                let mut rounds = 0;
                while !progress.enough.load(Relaxed) {
                    work.round(progress);
                    rounds += 1;
                    if rounds == WARM {
                        progress.warm.fetch_add(1, Relaxed);
                    }
                }
            });
        }
        // A thread that panicked is never warm, and the scope ends with its panic.
        while !goal.is_reached(&progress, start) && !shared.has_failed() {
            std::thread::sleep(Duration::from_millis(250));
            if progress.warm.load(Relaxed) == goal.threads {
                uses.push((start.elapsed(), Use::now()));
            }
        }
        progress.enough.store(true, Relaxed);
    });
    let [calls, callbacks, created] = [&progress.calls, &progress.callbacks, &progress.created]
        .map(|number| number.load(Relaxed));
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{calls} calls, {callbacks} callbacks, {created} created and dropped, by {} threads in \
         {seconds:.1} s",
        goal.threads
    );
    let (Some(first), Some(last)) = (uses.first(), uses.last()) else {
        return Err("it was over before all threads had begun".into());
    };
    for (name, (at, used)) in [("start", first), ("middle", &uses[uses.len() / 2]), ("end", last)] {
        println!(
            "{name:6} after {:7.1} s: {:7} KiB resident, {} mappings, {} files",
            at.as_secs_f64(),
            used.memory >> 10,
            used.mappings,
            used.files
        );
    }
    let (first, last) = (first.1, last.1);
    if last.memory > first.memory + MORE_MEMORY {
        return Err(format!("memory grew by more than {} KiB", MORE_MEMORY >> 10));
    }
    if last.mappings > first.mappings + MORE_MAPPINGS {
        return Err(format!("there are more than {MORE_MAPPINGS} new mappings"));
    }
    if last.files > first.files {
        return Err("files stay open".into());
    }
    Ok(())
}

/// With heaps for groups of threads, which free what others have taken, pieces of free memory become
/// more for long, and would hide a leak.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn share_one_heap() {
    // SAFETY: no other thread runs yet.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn share_one_heap() {}

fn main() -> ExitCode {
    share_one_heap();
    let words: Vec<String> = std::env::args().skip(1).collect();
    match Goal::of(&words).and_then(|goal| run(&goal)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("soak: {message}");
            ExitCode::FAILURE
        }
    }
}
