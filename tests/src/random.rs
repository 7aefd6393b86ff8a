//! Random signatures from a seed.

use crate::case::Case;
use crate::shapes::{INTEGERS, SCALARS, array, finish, unusual};
use fastrand::Rng;
use ffi::{AggregateBuilder, Convention, Scalar, Type};

/// As many cases as CI runs of each convention, its compilers together.
pub const COUNT: usize = 2500;

/// How many of them are each compiler's. Where there is none, nothing is asked of it.
pub fn of_each(compilers: usize) -> usize {
    COUNT / compilers.max(1)
}

/// Random cases without end, of types as compilers for the platform of that convention have and
/// lay out; the same seed gives the same cases.
pub fn cases(seed: u64, platform: Convention) -> impl Iterator<Item = Case> {
    let mut random = Random { rng: Rng::with_seed(seed), unusual: unusual(platform), platform };
    std::iter::repeat_with(move || random.case())
}

/// As [`cases`], variadic all of them: half have one argument or two before the `...`, the others more.
pub fn variadic_cases(seed: u64, platform: Convention) -> impl Iterator<Item = Case> {
    let mut random = Random { rng: Rng::with_seed(seed), unusual: unusual(platform), platform };
    std::iter::repeat_with(move || random.variadic())
}

/// The seed of a test run, and how many cases: `count`, unless `FFI_TEST_SEED` and `FFI_TEST_COUNT`
/// make it another or a longer one.
///
/// # Panics
/// If either is set to what is no number.
pub fn from_environment(count: usize) -> (u64, usize) {
    let number = |name: &str, default| {
        std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
    };
    (number("FFI_TEST_SEED", 1), number("FFI_TEST_COUNT", count as u64) as usize)
}

/// What C makes of them in variadic position.
fn promote(types: &mut [Type]) {
    for ty in types {
        if let Some(scalar) = ty.as_scalar() {
            *ty = Type::scalar(scalar.promoted());
        }
    }
}

struct Random {
    rng: Rng,
    unusual: Vec<Type>,
    platform: Convention,
}

impl Random {
    fn case(&mut self) -> Case {
        let count = self.rng.usize(0..=20);
        let mut arguments: Vec<Type> = (0..count).map(|_| self.argument()).collect();
        let result = self.result();
        if !arguments.is_empty() && self.rng.u8(0..6) == 0 {
            let first = self.rng.usize(1..=arguments.len());
            promote(&mut arguments[first..]);
            return Case::variadic(result, arguments, first);
        }
        Case::new(result, arguments)
    }

    fn result(&mut self) -> Type {
        if self.rng.u8(0..5) == 0 { Type::VOID } else { self.argument() }
    }

    fn variadic(&mut self) -> Case {
        let first = if self.rng.bool() { self.rng.usize(1..=2) } else { self.rng.usize(3..=10) };
        let count = first + self.rng.usize(0..=20);
        let mut arguments: Vec<Type> = (0..count).map(|_| self.argument()).collect();
        promote(&mut arguments[first..]);
        Case::variadic(self.result(), arguments, first)
    }

    fn argument(&mut self) -> Type {
        if self.rng.u8(0..5) < 3 { self.simple() } else { self.aggregate(3) }
    }

    /// What has no members.
    fn simple(&mut self) -> Type {
        if self.rng.u8(0..4) == 0 {
            return self.unusual[self.rng.usize(0..self.unusual.len())].clone();
        }
        Type::scalar(SCALARS[self.rng.usize(0..SCALARS.len())])
    }

    /// A struct or union of up to four members; half of them small enough for registers.
    fn aggregate(&mut self, depth: u32) -> Type {
        let mut builder = if self.rng.u8(0..5) == 0 {
            Type::anonymous_union()
        } else {
            Type::anonymous_structure()
        };
        builder = builder.bit_fields_of(self.platform);
        let bits = self.rng.u8(0..5) == 0;
        let count = self.rng.usize(1..=4);
        for index in 0..count {
            builder = match self.rng.u8(0..3) {
                0 | 1 if bits => self.bit_field(builder, index, count),
                _ => builder.field(&format!("f{index}"), self.member(depth)),
            };
        }
        match self.rng.u8(0..12) {
            0 => builder = builder.packed(),
            1 if !bits => builder = builder.pack(1 << self.rng.u32(1..=2)),
            2 => builder = builder.align(1 << self.rng.u32(1..=6)),
            _ => {}
        }
        finish(builder)
    }

    fn bit_field(
        &mut self,
        builder: AggregateBuilder,
        index: usize,
        count: usize,
    ) -> AggregateBuilder {
        let scalar = INTEGERS[self.rng.usize(0..INTEGERS.len())];
        let most = if scalar == Scalar::Bool { 1 } else { 8 * scalar.size() as u32 };
        // Something has to have a name.
        let unnamed = index + 1 < count && self.rng.u8(0..5) == 0;
        let (name, least) = if unnamed { ("".into(), 0) } else { (format!("f{index}"), 1) };
        builder.bit_field(&name, Type::scalar(scalar), self.rng.u32(least..=most))
    }

    fn member(&mut self, depth: u32) -> Type {
        let ty = match self.rng.u8(0..8) {
            0 | 1 if depth > 0 => self.aggregate(depth - 1),
            _ => self.simple(),
        };
        // C has no array whose elements are misaligned by their own size; every aggregate's size
        // is a multiple of its alignment, so any type will do.
        if self.rng.u8(0..6) == 0 { array(ty, self.rng.usize(1..=4)) } else { ty }
    }
}
