//! Each check: what it runs, in its short and its long form.

use super::build::{Build, tests};
use super::{Check, Form, Found};
use crate::rows::{Need, Toolchain};
use crate::steps::{Verdict, stream};
use std::process::{Command, Stdio};

/// All of them, the quickest first.
pub(crate) const ALL: &[Check] = &[
    ("undefined behaviour in pure code (Miri)", miri),
    ("orders of notes and gates (loom)", orders),
    ("any test, where no memory becomes executable (seccomp)", write_execute),
    ("calls and drops without membarrier (seccomp)", membarrier),
    ("growth without files (seccomp)", growth),
    ("memory errors and leaks (valgrind memcheck)", valgrind),
    ("memory errors and leaks (AddressSanitizer, LeakSanitizer)", addresses),
    ("data races (ThreadSanitizer)", races),
    ("any test, layouts randomised, panic=abort", abort),
    ("any test, optimised, panic=unwind", release),
    ("anything that grows with time (soak)", soak),
    ("inputs that nobody thought of (fuzzing)", fuzz),
];

const EVERYTHING: &str = "--lib --bins --tests";
/// Those about callbacks and threads.
const CALLBACKS: &str =
    "--test callbacks --test growth --test lifetimes --test threads --test contexts";
/// Those, and calls of every shape.
const CALLS: &str = "--test callbacks --test growth --test lifetimes --test threads --test contexts \
    --test libc --test through_c --test unwinding --test values";
/// What goes through many shapes takes long: two compilers compile each.
fn shapes(form: Form) -> &'static str {
    if form == Form::Short { "" } else { "--test oracle --test regressions" }
}

/// Of random signatures, how many; each is compiled by two compilers.
const FEW: &[(&str, &str)] = &[("FFI_TEST_COUNT", "20")];

fn impossible(reason: String) -> Found {
    Found { tried: "-".into(), verdict: Verdict::impossible(reason, crate::in_ci()) }
}

/// What a check needs and this machine has not.
fn lacking<'a>(needs: impl IntoIterator<Item = &'a Need>) -> Option<Found> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        return Some(impossible("it is for x86-64 Linux hosts".into()));
    }
    let missing: Vec<&Need> =
        needs.into_iter().filter(|need| !crate::matrix::is_there(need.probe)).collect();
    (!missing.is_empty()).then(|| impossible(crate::matrix::lacks(&missing)))
}

/// Rust has it for nightly toolchains alone, and no Debian package has it. So where it is missing
/// that is no failure, in CI neither, but it is said.
fn miri(_: Form) -> Found {
    let mut probe = Command::new("cargo");
    probe.args(["+nightly", "miri", "--version"]).env("RUSTUP_AUTO_INSTALL", "0");
    probe.env_remove("RUSTC").env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
    if !probe.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success()) {
        let reason = "not on this machine: no nightly toolchain with the component `miri`";
        return Found { tried: "-".into(), verdict: Verdict::Skipped(reason.into()) };
    }
    let mut command = Command::new("cargo");
    command.args(["+nightly", "miri", "test", "-p", "ffi-types", "--lib", "--tests"]);
    for planner in ["ffi-abi-sysv", "ffi-abi-win64", "ffi-abi-arm64"] {
        command.args(["-p", planner]);
    }
    command.current_dir(crate::root()).env("MIRIFLAGS", "-Zmiri-strict-provenance");
    command.env("CARGO_TARGET_DIR", crate::target_directory().join("reliability/miri"));
    // A test of what the assembly does cannot be interpreted.
    command.args(["--", "--skip", "trampoline"]);
    let (count, verdict) = stream(command, std::io::stdout());
    Found { tried: format!("{} tests", count.passed), verdict }
}

fn orders(_: Form) -> Found {
    let build =
        Build { packages: "-p ffi-callback", release: true, ..Build::own("loom", "--cfg loom") };
    let words = "--lib model -- --nocapture --test-threads=1";
    let mut output = Vec::new();
    let (count, verdict) = stream(build.cargo("test", words), &mut output);
    let text = String::from_utf8_lossy(&output);
    print!("{text}");
    build.clean();
    let tried = text.lines().filter_map(|line| line.split_once("orders tried: "));
    let orders: usize = tried.filter_map(|(_, number)| number.trim().parse::<usize>().ok()).sum();
    let verdict = match verdict {
        Verdict::Passed if orders == 0 => Verdict::Failed("no order was tried".into()),
        verdict => verdict,
    };
    Found { tried: format!("{orders} orders of {} tests", count.passed), verdict }
}

/// The tests under a filter, by the launcher that sets it.
fn confined(runner: &'static str, environment: Environment, words: &[&str]) -> Found {
    if let Some(found) = lacking(None) {
        return found;
    }
    let build = Build { environment, ..Build::SHARED };
    match build.program("confined") {
        Ok(_) => tests(Build { runner, ..build }, &[], words),
        Err(reason) => Found::failed(reason),
    }
}

type Environment = &'static [(&'static str, &'static str)];

fn write_execute(form: Form) -> Found {
    let environment = if form == Form::Short { FEW } else { &[] };
    // That test makes memory executable itself, as programs may that use libffi's interface.
    let words = format!("{EVERYTHING} -- --skip a_closure_in_memory_of_the_programs_own");
    confined("{target}/debug/confined write-execute --", environment, &[&words])
}

fn membarrier(_: Form) -> Found {
    confined("{target}/debug/confined membarrier --", &[], &[CALLBACKS])
}

/// Each of these tests has a filter of its own.
fn growth(_: Form) -> Found {
    if let Some(found) = lacking(None) {
        return found;
    }
    tests(Build::SHARED, &[], &["--test confined -- where_"])
}

fn valgrind(form: Form) -> Found {
    if let Some(found) = lacking(super::NEEDS.iter().filter(|need| need.probe == "valgrind")) {
        return found;
    }
    // What is possibly lost, by a pointer to its middle alone, is not shown: threads have such.
    let runner = "valgrind -q --error-exitcode=9 --fair-sched=yes --leak-check=full \
        --show-leak-kinds=definite --errors-for-leak-kinds=definite";
    let build = Build { runner, environment: FEWER, ..Build::SHARED };
    let words = match form {
        // It runs one thread at a time; those tests take minutes.
        Form::Short => "--test callbacks --test lifetimes --test through_c -- --skip threads_",
        Form::Long => {
            "--test callbacks --test lifetimes --test through_c --test libc --test values"
        }
    };
    tests(build, &[("use-after-free", "Invalid read"), ("leak", "definitely lost")], &[words])
}

const FEWER: &[(&str, &str)] = &[("FFI_TEST_COUNT", "5")];

fn addresses(form: Form) -> Found {
    if let Some(found) = lacking(None) {
        return found;
    }
    let build = Build {
        environment: ADDRESSES,
        ..Build::own("addresses", "-Zsanitizer=address -Zrandomize-layout")
    };
    let faults = [("use-after-free", "heap-use-after-free"), ("leak", "detected memory leaks")];
    // What `scandir` takes from the sanitizer's allocator, a test of `libc` gives to the C library's
    // own `free`.
    let words = format!("{} {}", shapes(form), CALLS.replace("--test libc", ""));
    tests(build, &faults, &[&words])
}

/// What is too large for any memory is an error by other means than the sanitizer's.
const ADDRESSES: &[(&str, &str)] =
    &[("FFI_TEST_COUNT", "20"), ("ASAN_OPTIONS", "allocator_may_return_null=1")];

fn races(form: Form) -> Found {
    let needs = super::NEEDS.iter().chain(Toolchain::DebianSource("").needs());
    if let Some(found) = lacking(needs) {
        return found;
    }
    let flags = "-Zsanitizer=thread -Zexternal-clangrt -Clinker=clang-22 \
        -Clink-arg=-fsanitize=thread";
    let build =
        Build { with_standard_library: true, environment: RACES, ..Build::own("races", flags) };
    let more = "--test oracle --test through_c --test unwinding";
    let words: &[&str] = if form == Form::Long { &[CALLBACKS, more] } else { &[CALLBACKS] };
    tests(build, &[("race", "data race")], words)
}

/// A race whose first half is no longer in the history is dropped without a word.
const RACES: &[(&str, &str)] = &[("FFI_TEST_COUNT", "20"), ("TSAN_OPTIONS", "history_size=7")];

/// Tests that catch panics, or let them pass through C, cannot be in a program that aborts.
fn abort(form: Form) -> Found {
    let build = Build {
        environment: if form == Form::Short { FEW } else { &[] },
        ..Build::own("abort", "-Zpanic-abort-tests -Cpanic=abort -Zrandomize-layout")
    };
    let words = CALLS.replace("--test unwinding", "");
    tests(build, &[], &[&format!("{} {words} {UNWIND}", shapes(form))])
}

/// Those of the native suite, besides all of `unwinding`.
const UNWIND: &str = "-- --skip a_closure_that_changes_what_it_owns_is_not_entered_twice \
    --skip a_closure_that_is_used_up --skip a_panic_below_c_frames_aborts_with_a_message \
    --skip a_scope_waits_for_those_inside_and_ends_by_a_panic_too \
    --skip a_scope_waits_for_the_others_when_a_closure_panics_as_it_is_dropped";

fn release(form: Form) -> Found {
    let build = Build { release: true, environment: FEW, ..Build::SHARED };
    tests(build, &[], &[if form == Form::Short { CALLBACKS } else { EVERYTHING }])
}

/// 10^9 calls and 10^8 callbacks.
pub(crate) const LONG_SOAK: [&str; 4] = ["--calls", "1000000000", "--callbacks", "100000000"];

fn soak(form: Form) -> Found {
    match form {
        Form::Short if crate::in_ci() => soak_for(&["--seconds", "30"]),
        Form::Short => soak_for(&["--seconds", "60"]),
        Form::Long => soak_for(&LONG_SOAK),
    }
}

pub(crate) fn soak_for(words: &[&str]) -> Found {
    let mut command = match (Build { release: true, ..Build::SHARED }).program("soak") {
        Ok(command) => command,
        Err(reason) => return Found::failed(reason),
    };
    command.args(words);
    let mut output = Vec::new();
    let (_, verdict) = stream(command, &mut output);
    let text = String::from_utf8_lossy(&output);
    print!("{text}");
    let tried = text.lines().find(|line| line.contains(" calls, ")).unwrap_or("-").into();
    Found { tried, verdict }
}

fn fuzz(form: Form) -> Found {
    if let Some(found) = lacking(None) {
        return found;
    }
    let seconds = if form == Form::Short { "10" } else { "600" };
    let verdict = crate::fuzz::run(&["all".into(), seconds.into()]).into();
    Found { tried: format!("each target for {seconds} s"), verdict }
}
