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

use abi::ffi_types::{CallingConvention, Convention, ImageEntry, Signature, Type};
use abi::ffi_types::{Extension, Plan, Scalar};
use std::ffi::{c_char, c_void};

/// A value of the language: 64 bits that are an integer, the bits of a float, or an address, as the
/// instruction that takes them says.
type Word = u64;

/// The instructions work on a stack of words.
#[derive(Clone, Copy)]
enum Op {
    Int(i64),
    Real(f64),
    Load(usize),
    Store(usize),
    Add,
    AddReal,
    TimesReal,
    Less,
    JumpIf(usize),
    /// Takes as many words as the function has arguments, the last one first.
    Call(usize),
    Return,
}

/// How a word is stored where an argument goes.
#[derive(Clone, Copy)]
enum How {
    /// `double` to `float`.
    Float,
    Whole,
    /// All but so many bits, and above them the sign or zeros.
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
    places: Vec<(usize, How)>,
    /// The register file and the stack area.
    image: Vec<u128>,
    result: Scalar,
}

impl Native {
    /// Plans the signature, and keeps what a call needs.
    fn bind(function: *const c_void, result: Scalar, arguments: &[Scalar]) -> Self {
        let convention = Convention::native().expect("a supported platform");
        let implementation = match convention {
            #[cfg(all(target_arch = "x86_64", not(windows)))]
            Convention::SysV => abi::SysV,
            #[cfg(all(target_arch = "x86_64", windows))]
            Convention::Win64(variant) => abi::Win64Abi(variant),
            #[cfg(target_arch = "aarch64")]
            Convention::Aapcs64(variant) => abi::Arm64Abi(variant),
            other => panic!("{other} is not of this platform"),
        };
        let types = arguments.iter().map(|&scalar| Type::scalar(scalar));
        let signature = Signature::new(convention, Type::scalar(result), types).expect("scalars");
        let plan = implementation.plan(&signature).expect("scalars have places");
        let place = |(index, &scalar)| {
            // A scalar is one move.
            let m = plan.moves_of(index)[0];
            let unused = 64 - 8 * m.len;
            let how = match (scalar, m.extension) {
                (Scalar::F32, _) => How::Float,
                _ if m.len == 8 => How::Whole,
                (_, Extension::Sign) => How::Signed(unused),
                (_, Extension::Zero | Extension::Bool) => How::Unsigned(unused),
                _ => How::Bytes(m.len as usize),
            };
            (m.to as usize, how)
        };
        let places = arguments.iter().enumerate().map(place).collect();
        let image = vec![0; plan.image_size().div_ceil(16)];
        let entry = implementation.image_entry(&plan).expect("the processor's own convention");
        Self { function, entry, plan, places, image, result }
    }

    /// Takes the arguments from the stack, and returns the result.
    ///
    /// # Safety
    /// The function has the signature that it was bound with, and the words are such values.
    unsafe fn call(&mut self, stack: &mut Vec<Word>) -> Word {
        let first = stack.len() - self.places.len();
        let image = self.image.as_mut_ptr().cast::<u8>();
        for (&(to, how), &word) in self.places.iter().zip(&stack[first..]) {
            // SAFETY: the plan keeps its moves inside an image of its size; where it extends, the
            // place has eight bytes.
            unsafe {
                let place = image.add(to);
                match how {
                    How::Float => place.cast::<f32>().write(f64::from_bits(word) as f32),
                    How::Whole => place.cast::<u64>().write(word),
                    How::Signed(unused) => {
                        place.cast::<i64>().write((word as i64) << unused >> unused)
                    }
                    How::Unsigned(unused) => place.cast::<u64>().write(word << unused >> unused),
                    How::Bytes(len) => place.copy_from(word.to_le_bytes().as_ptr(), len),
                }
            }
        }
        stack.truncate(first);
        let mut result = 0_u64;
        // SAFETY: everything is where the plan has it, and the result is a scalar of at most eight
        // bytes; the function is the caller's.
        unsafe { (self.entry)(&self.plan, self.function, image, (&raw mut result).cast()) };
        match self.result {
            Scalar::F32 => f64::from(f32::from_bits(result as u32)).to_bits(),
            Scalar::I32 => i64::from(result as i32) as u64,
            _ => result,
        }
    }
}

/// Runs a program to its `Return`.
///
/// # Safety
/// What the program passes to a function is what that function takes.
unsafe fn run(program: &[Op], natives: &mut [Native]) -> Word {
    let (mut stack, mut locals, mut at) = (Vec::<Word>::new(), [0; 8], 0);
    loop {
        let mut pop = || stack.pop().expect("the program keeps its stack in order");
        at += 1;
        let word = match program[at - 1] {
            Op::Int(value) => value as u64,
            Op::Real(value) => value.to_bits(),
            Op::Load(local) => locals[local],
            Op::Add => pop().wrapping_add(pop()),
            Op::AddReal => (f64::from_bits(pop()) + f64::from_bits(pop())).to_bits(),
            Op::TimesReal => (f64::from_bits(pop()) * f64::from_bits(pop())).to_bits(),
            // The second operand is on top.
            Op::Less => u64::from(pop() as i64 > pop() as i64),
            Op::Store(local) => {
                locals[local] = pop();
                continue;
            }
            Op::JumpIf(target) => {
                at = if pop() == 0 { at } else { target };
                continue;
            }
            // SAFETY: the caller's.
            Op::Call(native) => unsafe { natives[native].call(&mut stack) },
            Op::Return => return pop(),
        };
        stack.push(word);
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

    // sum = 0.0; n = 0; do { sum += hypot(3.0, 4.0) * ldexp(1.0, -2); n += 1 } while n < 9999
    #[rustfmt::skip]
    let sums = [
        Real(0.0), Store(0), // sum
        Real(3.0), Real(4.0), Call(0), Real(1.0), Int(-2), Call(1), TimesReal,
        Load(0), AddReal, Store(0), Load(1), Int(1), Add, Store(1), // n
        Load(1), Int(9999), Less, JumpIf(2), Load(0), Return,
    ];
    // SAFETY: each function is given what it takes.
    let total = f64::from_bits(unsafe { run(&sums, &mut natives) });
    println!("9,999 times hypot(3, 4) * ldexp(1, -2): {total}");

    let text = c"called through a plan".as_ptr().expose_provenance();
    // SAFETY: as above.
    let length = unsafe { run(&[Int(text as i64), Call(2), Return], &mut natives) };
    println!("strlen: {length}");

    // The first byte is -1 to an `int8_t`, and the fifth argument 65535 to a `uint16_t`.
    let (a, b, c, d, e) = (Int(255), Real(0.5), Int(-10), Real(0.25), Int(-1));
    let weights = [a, b, c, d, e, Int(100), Int(200), Int(300), Real(2.0), Call(3), Return];
    // SAFETY: as above.
    let weight = f64::from_bits(unsafe { run(&weights, &mut natives) });
    println!("nine arguments of every kind: {weight}");
}
