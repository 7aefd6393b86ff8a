//! Random signatures from a seed.

use crate::case::Case;
use crate::shapes::{SCALARS, array, fields, finish};
use fastrand::Rng;
use ffi::{Type, TypeKind};

/// As many cases as CI runs with each compiler of each convention.
const COUNT: u64 = 2000;

/// Random cases without end; the same seed gives the same cases.
pub fn cases(seed: u64) -> impl Iterator<Item = Case> {
    let mut rng = Rng::with_seed(seed);
    std::iter::repeat_with(move || case(&mut rng))
}

/// The seed of a test run, and how many cases: `FFI_TEST_SEED` and `FFI_TEST_COUNT` make it another
/// or a longer one.
///
/// # Panics
/// If either is set to what is no number.
pub fn from_environment() -> (u64, usize) {
    let number = |name: &str, default| {
        std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
    };
    (number("FFI_TEST_SEED", 1), number("FFI_TEST_COUNT", COUNT) as usize)
}

fn case(rng: &mut Rng) -> Case {
    let mut arguments: Vec<Type> = (0..rng.usize(0..=20)).map(|_| argument(rng)).collect();
    let result = if rng.u8(0..5) == 0 { Type::VOID } else { argument(rng) };
    if !arguments.is_empty() && rng.u8(0..6) == 0 {
        let first = rng.usize(1..=arguments.len());
        for ty in &mut arguments[first..] {
            if let Some(scalar) = ty.as_scalar() {
                *ty = Type::scalar(scalar.promoted());
            }
        }
        return Case::variadic(result, arguments, first);
    }
    Case::new(result, arguments)
}

fn argument(rng: &mut Rng) -> Type {
    if rng.u8(0..5) < 3 { scalar(rng) } else { aggregate(rng, 3) }
}

fn scalar(rng: &mut Rng) -> Type {
    Type::scalar(SCALARS[rng.usize(0..SCALARS.len())])
}

/// A struct or union of up to four members; half of them small enough for registers.
fn aggregate(rng: &mut Rng, depth: u32) -> Type {
    let members: Vec<Type> = (0..rng.usize(1..=4)).map(|_| member(rng, depth)).collect();
    let builder =
        if rng.u8(0..5) == 0 { Type::anonymous_union() } else { Type::anonymous_structure() };
    let mut builder = fields(builder, members);
    match rng.u8(0..12) {
        0 => builder = builder.packed(),
        1 => builder = builder.pack(1 << rng.u32(1..=2)),
        2 => builder = builder.align(1 << rng.u32(1..=5)),
        _ => {}
    }
    finish(builder)
}

fn member(rng: &mut Rng, depth: u32) -> Type {
    let ty = match rng.u8(0..8) {
        0 | 1 if depth > 0 => aggregate(rng, depth - 1),
        _ => scalar(rng),
    };
    // C has no array whose elements are misaligned by their own size; every aggregate's size is
    // a multiple of its alignment, so any type will do.
    if rng.u8(0..6) == 0 && ty.kind() != TypeKind::Void { array(ty, rng.usize(1..=4)) } else { ty }
}
