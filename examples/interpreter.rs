//! A bytecode interpreter that calls C through an ABI crate alone.
//!
//! When a function is bound, its signature is planned, and the plan says where in a register image
//! each argument goes. From then on a call is a few stores to known places, and a jump: nothing
//! looks at types, and nothing is allocated.
//!
//! `docs/embedding.md` goes through it step by step.

#[cfg(target_arch = "aarch64")]
use ffi_abi_arm64 as abi;
#[cfg(all(target_arch = "x86_64", not(windows)))]
use ffi_abi_sysv as abi;
#[cfg(all(target_arch = "x86_64", windows))]
use ffi_abi_win64 as abi;

use abi::ffi_types::{
    CallingConvention, Convention, Extension, ImageEntry, Plan, Scalar, Signature, Type,
};
use std::ffi::{CStr, c_char, c_void};

/// A value of the language: 64 bits that are an integer, a float or an address, as the instruction
/// that takes them says.
#[derive(Clone, Copy, PartialEq)]
struct Word(u64);

impl From<i64> for Word {
    fn from(value: i64) -> Self {
        Self(value as u64)
    }
}

impl From<f64> for Word {
    fn from(value: f64) -> Self {
        Self(value.to_bits())
    }
}

impl From<&'static CStr> for Word {
    fn from(text: &'static CStr) -> Self {
        Self(text.as_ptr().expose_provenance() as u64)
    }
}

impl Word {
    fn int(self) -> i64 {
        self.0 as i64
    }

    fn float(self) -> f64 {
        f64::from_bits(self.0)
    }
}

/// The instructions work on a stack of words.
#[derive(Clone, Copy)]
enum Op {
    Push(Word),
    Load(usize),
    Store(usize),
    Add,
    AddFloat,
    MultiplyFloat,
    Less,
    JumpIf(usize),
    /// Takes as many words as the function has arguments, the last one first.
    Call(usize),
    Return,
}

/// How a word is stored where an argument goes.
#[derive(Clone, Copy)]
enum Store {
    Whole,
    /// `double` to `float`.
    Float,
    /// The low bytes, and above them the sign or zeros.
    Signed(u32),
    Unsigned(u32),
    /// The low bytes alone: neighbours on the stack follow at once (Apple).
    Bytes(usize),
}

/// A C function that is ready to be called.
struct Native {
    function: *const c_void,
    entry: ImageEntry,
    plan: Plan,
    /// For each argument: where in the image, and how.
    places: Vec<(usize, Store)>,
    /// The register file and the stack area.
    image: Vec<u128>,
    result: Scalar,
}

impl Native {
    /// Plans the signature, and keeps what a call needs.
    fn bind(function: *const c_void, result: Scalar, arguments: &[Scalar]) -> Self {
        let convention = Convention::native().expect("a supported platform");
        #[cfg(all(target_arch = "x86_64", not(windows)))]
        let implementation = abi::SysV;
        #[cfg(all(target_arch = "x86_64", windows))]
        let implementation = abi::Win64Abi(match convention {
            Convention::Win64(variant) => variant,
            other => panic!("expected Win64, found {other}"),
        });
        #[cfg(target_arch = "aarch64")]
        let implementation = abi::Arm64Abi(match convention {
            Convention::Aapcs64(variant) => variant,
            other => panic!("expected AAPCS64, found {other}"),
        });

        let types = arguments.iter().map(|&scalar| Type::scalar(scalar));
        let signature = Signature::new(convention, Type::scalar(result), types);
        let plan = implementation.plan(&signature.expect("scalars")).expect("scalars have places");
        let places = arguments.iter().enumerate().map(|(index, &scalar)| {
            // A scalar is one move.
            let m = plan.moves_of(index)[0];
            let unused = 64 - 8 * m.len;
            let store = match (scalar, m.extension) {
                (Scalar::F32, _) => Store::Float,
                _ if m.len == 8 => Store::Whole,
                (_, Extension::Sign) => Store::Signed(unused),
                (_, Extension::Zero | Extension::Bool) => Store::Unsigned(unused),
                _ => Store::Bytes(m.len as usize),
            };
            (m.to as usize, store)
        });
        let places = places.collect();
        let image = vec![0; plan.image_size().div_ceil(16)];
        let entry = implementation.image_entry(&plan).expect("the processor's own convention");
        Self { function, entry, plan, places, image, result }
    }

    /// Takes the arguments from the stack, and leaves the result there.
    ///
    /// # Safety
    /// The function has the signature that it was bound with, and the words are such values.
    unsafe fn call(&mut self, stack: &mut Vec<Word>) {
        let first = stack.len() - self.places.len();
        let image = self.image.as_mut_ptr().cast::<u8>();
        for (&(to, store), word) in self.places.iter().zip(&stack[first..]) {
            // SAFETY: the plan keeps its moves inside an image of its size; where it extends, the
            // place has eight bytes.
            unsafe {
                let place = image.add(to);
                match store {
                    Store::Whole => place.cast::<u64>().write(word.0),
                    Store::Float => place.cast::<f32>().write(word.float() as f32),
                    Store::Signed(unused) => {
                        place.cast::<i64>().write(word.int() << unused >> unused);
                    }
                    Store::Unsigned(unused) => {
                        place.cast::<u64>().write(word.0 << unused >> unused);
                    }
                    Store::Bytes(len) => {
                        let bytes = word.0.to_le_bytes();
                        std::ptr::copy_nonoverlapping(bytes.as_ptr(), place, len);
                    }
                }
            }
        }
        stack.truncate(first);
        let mut result = [0_u8; 8];
        // SAFETY: everything is where the plan has it, and the result is a scalar of at most eight
        // bytes; the function is the caller's.
        unsafe { (self.entry)(&self.plan, self.function, image, result.as_mut_ptr().cast()) };
        let word = u64::from_le_bytes(result);
        stack.push(match self.result {
            Scalar::F32 => Word::from(f64::from(f32::from_bits(word as u32))),
            Scalar::I32 => Word::from(i64::from(word as i32)),
            _ => Word(word),
        });
    }
}

/// Runs a program to its `Return`.
///
/// # Safety
/// What the program passes to a function is what that function takes.
unsafe fn run(program: &[Op], natives: &mut [Native]) -> Word {
    let (mut stack, mut locals, mut at) = (Vec::with_capacity(16), [Word(0); 8], 0);
    loop {
        let mut pop = || stack.pop().expect("the program keeps its stack in order");
        at += 1;
        match program[at - 1] {
            Op::Push(word) => stack.push(word),
            Op::Load(local) => stack.push(locals[local]),
            Op::Store(local) => locals[local] = pop(),
            Op::Add => {
                let sum = pop().int().wrapping_add(pop().int());
                stack.push(sum.into());
            }
            Op::AddFloat => {
                let sum = pop().float() + pop().float();
                stack.push(sum.into());
            }
            Op::MultiplyFloat => {
                let product = pop().float() * pop().float();
                stack.push(product.into());
            }
            Op::Less => {
                let (b, a) = (pop(), pop());
                stack.push(i64::from(a.int() < b.int()).into());
            }
            Op::JumpIf(target) => at = if pop().int() != 0 { target } else { at },
            // SAFETY: the caller's.
            Op::Call(native) => unsafe { natives[native].call(&mut stack) },
            Op::Return => return pop(),
        }
    }
}

unsafe extern "C" {
    fn hypot(x: f64, y: f64) -> f64;
    fn ldexp(x: f64, exponent: i32) -> f64;
    fn strlen(text: *const c_char) -> usize;
}

/// More arguments than any convention has registers for, of every kind.
extern "C" fn weigh(a: i8, b: f64, c: i64, d: f32, e: u16, f: i64, g: i64, h: i64, i: f64) -> f64 {
    f64::from(a) + b + (c + f + g + h) as f64 + f64::from(d) + f64::from(e) + i
}

fn main() {
    use Op::*;
    use Scalar::{F32, F64, I8, I32, I64, Pointer, U16, U64};
    let mut natives = [
        Native::bind(hypot as *const c_void, F64, &[F64, F64]),
        Native::bind(ldexp as *const c_void, F64, &[F64, I32]),
        Native::bind(strlen as *const c_void, U64, &[Pointer]),
        Native::bind(weigh as *const c_void, F64, &[I8, F64, I64, F32, U16, I64, I64, I64, F64]),
    ];

    // sum = 0.0; n = 0; do { sum += hypot(3.0, 4.0) * ldexp(1.0, -2); n += 1 } while n < 100,000
    let (sum, n) = (0, 1);
    let sums = [
        Push(0.0.into()),
        Store(sum),
        Push(3.0.into()),
        Push(4.0.into()),
        Call(0),
        Push(1.0.into()),
        Push((-2).into()),
        Call(1),
        MultiplyFloat,
        Load(sum),
        AddFloat,
        Store(sum),
        Load(n),
        Push(1.into()),
        Add,
        Store(n),
        Load(n),
        Push(100_000.into()),
        Less,
        JumpIf(2),
        Load(sum),
        Return,
    ];
    // SAFETY: each function is given what it takes.
    let total = unsafe { run(&sums, &mut natives) }.float();
    println!("100,000 times hypot(3, 4) * ldexp(1, -2): {total}");
    assert_eq!(total, 125_000.0);

    let length = [Push(c"called through a plan".into()), Call(2), Return];
    // SAFETY: as above.
    let length = unsafe { run(&length, &mut natives) }.int();
    println!("strlen: {length}");
    assert_eq!(length, 21);

    // The first byte is -1 to an `int8_t`, and the fifth argument 65535 to a `uint16_t`.
    let words: [Word; 9] = [
        255.into(),
        0.5.into(),
        (-10).into(),
        0.25.into(),
        (-1).into(),
        100.into(),
        200.into(),
        300.into(),
        0.125.into(),
    ];
    let program: Vec<Op> = words.into_iter().map(Push).chain([Call(3), Return]).collect();
    // SAFETY: as above.
    let weight = unsafe { run(&program, &mut natives) }.float();
    println!("nine arguments of every kind: {weight}");
    assert_eq!(weight, 66_124.875);
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_runs() {
        super::main();
    }
}
