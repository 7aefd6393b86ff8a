//! Every fast path against the general executor: the same call once by the entry that was chosen for
//! its plan, and once by an image that the executor filled. The function is a callback, so that no
//! compiler is needed, and the signatures can be many. No callback is variadic: how variadic functions
//! are called by either is in `oracle.rs`.
#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]

use ffi::{CallInterface, Convention};
use ffi_tests::case::Case;
use ffi_tests::engine::{Engine, Facade, Images, Received};
use ffi_tests::{random, shapes};
use std::ffi::c_void;

#[cfg(target_arch = "x86_64")]
const CONVENTIONS: [Convention; 3] =
    [Convention::SysV, Convention::Win64(ffi::Win64::Gnu), Convention::Win64(ffi::Win64::Msvc)];
#[cfg(target_arch = "aarch64")]
const CONVENTIONS: [Convention; 3] = [
    Convention::Aapcs64(ffi::Aapcs64::Standard),
    Convention::Aapcs64(ffi::Aapcs64::Apple),
    Convention::Aapcs64(ffi::Aapcs64::Windows),
];

/// What the function received, and the bytes of the result with those around it.
type Outcome = (Vec<Vec<u8>>, Vec<u8>);

fn by(engine: &dyn Engine, case: &Case) -> Outcome {
    let signature = &case.signature;
    let received = Received::default();
    let (function, kept) = engine.callback(signature, received.clone(), case.result());
    let values: Vec<Vec<u8>> =
        (0..signature.arguments().len()).map(|index| case.argument(index)).collect();
    let pointers: Vec<*const c_void> = values.iter().map(|value| value.as_ptr().cast()).collect();
    // Aligned for everything, with something before it and behind it.
    let mut room = vec![0xcc_u8; signature.return_type().size() + 192];
    let start = 64 + room[64..].as_ptr().align_offset(64);
    let result = room[start..].as_mut_ptr();
    // SAFETY: the callback has this signature, there is a pointer to each argument, and the result
    // has room.
    unsafe { engine.call(signature, function, &pointers, result) };
    drop(kept);
    let end = start + signature.return_type().size() + 32;
    let received = std::mem::take(&mut *received.lock().expect("no panic"));
    (received, room[start - 32..end].to_vec())
}

/// How many calls went by each way, as far as their plans tell.
#[derive(Debug, Default)]
struct Ways {
    in_registers: usize,
    on_the_stack: usize,
    copied: usize,
    by_image: usize,
}

fn compare(cases: impl Iterator<Item = Case>, convention: Convention) -> Ways {
    let mut ways = Ways::default();
    let cases = cases.filter(|case| case.signature.first_variadic().is_none());
    for case in cases.map(|case| case.under(convention)) {
        // The convention may not have all of its types.
        let Ok(interface) = CallInterface::with_signature(case.signature.clone()) else { continue };
        let plan = interface.plan();
        let stack = plan.registers().size;
        *match plan.program() {
            None => &mut ways.by_image,
            Some(_) if !plan.by_reference().is_empty() => &mut ways.copied,
            Some(_) if plan.moves().iter().any(|m| m.to >= stack) => &mut ways.on_the_stack,
            Some(_) => &mut ways.in_registers,
        } += 1;
        let (fast, general) = (by(&Facade, &case), by(&Images, &case));
        assert_eq!(fast, general, "{convention}: {}", case.signature);
    }
    ways
}

/// Seven in eight of them with so few arguments, as fast paths are for these.
fn shortened(case: Case, count: usize) -> Case {
    let signature = &case.signature;
    if count == 0 || signature.first_variadic().is_some() {
        return case;
    }
    Case::new(signature.return_type().clone(), signature.arguments().iter().take(count).cloned())
}

#[test]
fn random_signatures() {
    let (seed, count) = random::from_environment(4000);
    let platform = Convention::native().expect("a supported platform");
    for (convention, seed) in CONVENTIONS.into_iter().zip(seed..) {
        let cases = random::cases(seed, platform).take(count).enumerate();
        let ways = compare(cases.map(|(at, case)| shortened(case, at % 8)), convention);
        println!("{convention}: {ways:?}");
    }
}

#[test]
fn shapes_by_hand() {
    let all = [
        shapes::scalar_positions(),
        shapes::struct_sizes(),
        shapes::eightbyte_mixtures(),
        shapes::odd_aggregates(),
        shapes::homogeneous_aggregates(),
    ];
    for convention in CONVENTIONS {
        let ways = compare(all.iter().flatten().cloned(), convention);
        println!("{convention}: {ways:?}");
        let copied = if convention == Convention::SysV { usize::MAX } else { ways.copied };
        let seen = [ways.in_registers, ways.on_the_stack, copied];
        assert!(seen.iter().all(|&calls| calls > 100), "{convention}: {ways:?}");
    }
}
