//! The executor on a convention that nobody has: which bytes it reads, which it writes, and with
//! what, compared with a model of the same in a few lines.
//!
//! Values lie at odd addresses in memory of exactly their size, so that under Miri a read or a
//! write past either end is an error.

use ffi_types::{
    Bank, Convention, Extension, Location, Move, Plan, PlanBuilder, RegisterFile, ReturnPlan,
};
use proptest::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Four general registers, three vector registers of 16 bytes, and 16 bytes of nothing.
static REGISTERS: RegisterFile = RegisterFile {
    general: Bank { offset: 0, stride: 8, names: &["g0", "g1", "g2", "g3"] },
    vector: Bank { offset: 32, stride: 16, names: &["v0", "v1", "v2"] },
    x87: Bank::NONE,
    size: 96,
};

static RETURNED: RegisterFile = RegisterFile {
    general: Bank { offset: 0, stride: 8, names: &["a0", "a1"] },
    vector: Bank { offset: 16, stride: 8, names: &["w0", "w1"] },
    x87: Bank::NONE,
    size: 32,
};

const STACK: u32 = 96;
const GRAFFITI: u8 = 0xa5;

fn planned(build: impl FnOnce(&mut PlanBuilder<'_>), stack: u32) -> Plan {
    let mut plan = Plan::empty();
    let mut builder = PlanBuilder::new(&mut plan, Convention::SysV, &REGISTERS, &RETURNED);
    build(&mut builder);
    builder.finish(stack);
    plan
}

fn moved(argument: u16, extension: Extension, offset: u32, len: u32, to: u32) -> Move {
    Move { argument, extension, offset, len, to }
}

/// Bytes at an odd address, with nothing readable behind them.
struct Odd(Box<[u8]>);

impl Odd {
    fn new(bytes: &[u8]) -> Self {
        Self([&[GRAFFITI], bytes].concat().into())
    }

    fn pointer(&self) -> *const u8 {
        self.0[1..].as_ptr()
    }

    fn pointer_mut(&mut self) -> *mut u8 {
        self.0[1..].as_mut_ptr()
    }

    fn bytes(&self) -> &[u8] {
        &self.0[1..]
    }
}

/// Memory for an image, aligned as registers are.
struct Image(Box<[u64]>);

impl Image {
    fn new(bytes: usize) -> Self {
        Self(vec![u64::from_ne_bytes([GRAFFITI; 8]); bytes.div_ceil(8)].into())
    }

    fn of(bytes: &[u8]) -> Self {
        let words = bytes.chunks(8).map(|chunk| {
            let mut word = [GRAFFITI; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_ne_bytes(word)
        });
        Self(words.collect())
    }

    fn pointer(&self) -> *const u8 {
        self.0.as_ptr().cast()
    }

    fn pointer_mut(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }
}

/// What becomes of an eightbyte, by the words of [`Extension`].
fn extended(bytes: &[u8], extension: Extension) -> Vec<u8> {
    let negative = bytes.last().is_some_and(|last| last & 0x80 != 0);
    let fill = match extension {
        Extension::None => return bytes.into(),
        Extension::Sign if negative => 0xff,
        _ => 0,
    };
    let mut word = bytes.to_vec();
    word.resize(8, fill);
    word
}

/// The whole image that storing must give.
fn model(plan: &Plan, arguments: &[Odd]) -> Vec<u8> {
    let mut image = vec![GRAFFITI; plan.image_size()];
    for m in plan.moves() {
        let source = &arguments[usize::from(m.argument)].bytes()[m.offset as usize..];
        let word = extended(&source[..m.len as usize], m.extension);
        image[m.to as usize..][..word.len()].copy_from_slice(&word);
    }
    image
}

fn store(plan: &Plan, arguments: &[Odd]) -> Image {
    let pointers: Vec<*const u8> = arguments.iter().map(Odd::pointer).collect();
    let mut image = Image::new(plan.image_size());
    // SAFETY: one pointer per argument, each to as many bytes as the plan's moves take from it;
    // the image has the plan's size.
    unsafe { plan.store_arguments(pointers.as_ptr(), std::ptr::null_mut(), image.pointer_mut()) };
    image
}

/// Takes an argument of `size` bytes back out of an image, from registers and stack apart.
fn load(plan: &Plan, argument: usize, image: &Image, size: usize) -> Vec<u8> {
    let (registers, stack) = image.0.split_at(STACK as usize / 8);
    let mut value = Odd::new(&vec![GRAFFITI; size]);
    // SAFETY: both are what the plan's registers and stack area are, and the value has as many
    // bytes as the moves put there.
    unsafe {
        plan.load_argument(
            argument,
            registers.as_ptr().cast(),
            stack.as_ptr().cast(),
            value.pointer_mut(),
        );
    }
    value.bytes().into()
}

/// Bytes that tell where they are from; the last has its high bit set.
fn pattern(argument: usize, len: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..len).map(|i| (argument * 16 + i + 1) as u8).collect();
    if let Some(last) = bytes.last_mut() {
        *last |= 0x80;
    }
    bytes
}

const EXTENSIONS: [Extension; 4] =
    [Extension::None, Extension::Zero, Extension::Sign, Extension::Bool];

/// Whether C has an integer of that many bytes, which alone has a sign.
fn has_sign(len: usize) -> bool {
    len.is_power_of_two()
}

#[test]
fn every_extension_of_every_length_is_stored_and_taken_back() {
    // A register of each bank, and the stack.
    for to in [0, 24, 32, 64, STACK, STACK + 8] {
        for extension in EXTENSIONS {
            for len in 1..=8_usize {
                if extension == Extension::Sign && !has_sign(len) {
                    continue;
                }
                for bytes in [pattern(3, len), vec![0x7f; len], vec![0; len]] {
                    let m = moved(0, extension, 0, len as u32, to);
                    let plan = planned(|builder| builder.argument(m), 16);
                    let arguments = [Odd::new(&bytes)];
                    let image = store(&plan, &arguments);
                    assert_eq!(image.bytes(), model(&plan, &arguments), "{m:?}");
                    let expected = match extension {
                        Extension::Bool if len == 1 => vec![u8::from(bytes[0] != 0)],
                        _ => bytes,
                    };
                    assert_eq!(load(&plan, 0, &image, len), expected, "{m:?}");
                }
            }
        }
    }
}

#[test]
fn a_sign_extension_of_an_odd_length_is_refused_or_done() {
    for len in [3, 5, 6, 7] {
        let build = || planned(|b| b.argument(moved(0, Extension::Sign, 0, len, 0)), 0);
        let Ok(plan) = catch_unwind(build) else { continue };
        let arguments = [Odd::new(&pattern(0, len as usize))];
        assert_eq!(store(&plan, &arguments).bytes(), model(&plan, &arguments));
    }
}

#[test]
fn copies_of_any_length_touch_nothing_else() {
    let lengths = if cfg!(miri) { vec![1, 7, 9, 63, 65] } else { (1..200).collect() };
    for len in lengths {
        // At a multiple of eight a copy becomes several moves; elsewhere it stays one.
        for start in [0, 8, 1, 3] {
            let m = moved(0, Extension::None, 0, len, STACK + start);
            let plan = planned(|builder| builder.argument(m), start + len);
            let arguments = [Odd::new(&pattern(1, len as usize))];
            let image = store(&plan, &arguments);
            assert_eq!(image.bytes(), model(&plan, &arguments), "{m:?}");
            assert_eq!(load(&plan, 0, &image, len as usize), arguments[0].bytes(), "{m:?}");
            assert_eq!(plan.moves().iter().map(|m| m.len).sum::<u32>(), len);
            assert_eq!(plan.placement(0).places(), [(0, Location::Stack(start))]);
            assert!(plan.stack_size() >= (start + len) as usize && plan.stack_size() % 16 == 0);
        }
    }
}

#[test]
fn a_value_in_two_banks_and_one_from_its_middle() {
    let plan = planned(
        |builder| {
            builder.argument(moved(0, Extension::Zero, 0, 8, 48));
            builder.argument(moved(0, Extension::Zero, 8, 5, 8));
            builder.argument(moved(1, Extension::Zero, 8, 4, 16));
            builder.argument(moved(2, Extension::Sign, 0, 2, STACK));
        },
        8,
    );
    let arguments = [pattern(0, 13), pattern(1, 12), pattern(2, 2)].map(|b| Odd::new(&b));
    let image = store(&plan, &arguments);
    assert_eq!(image.bytes(), model(&plan, &arguments));
    assert_eq!(load(&plan, 0, &image, 13), arguments[0].bytes());
    // The first eight bytes are padding that no move takes.
    let mut middle = vec![GRAFFITI; 8];
    middle.extend(&arguments[1].bytes()[8..]);
    assert_eq!(load(&plan, 1, &image, 12), middle);
    assert_eq!(load(&plan, 2, &image, 2), arguments[2].bytes());
    // Past the end nothing is written.
    assert_eq!(load(&plan, 3, &image, 4), [GRAFFITI; 4]);
    assert_eq!(plan.placement(0).to_string(), "v1, g1");
    assert_eq!(plan.placement(1).places(), [(8, Location::Register("g2"))]);
    assert_eq!(plan.placement(2).to_string(), "[stack+0]");
    assert_eq!(plan.placement(3).to_string(), "");
    assert!(plan.uses_vector_registers());
}

#[test]
fn words_alone_take_the_short_way_to_the_same_image() {
    let words = |builder: &mut PlanBuilder<'_>| {
        builder.argument(moved(0, Extension::None, 0, 8, 0));
        builder.argument(moved(1, Extension::Zero, 0, 8, 32));
        builder.argument(moved(2, Extension::None, 0, 24, STACK + 8));
    };
    let short = planned(words, 32);
    let general = planned(
        |builder| {
            words(builder);
            builder.argument(moved(3, Extension::Zero, 0, 1, 24));
        },
        32,
    );
    let mut arguments: Vec<Odd> =
        [8, 8, 24, 1].iter().enumerate().map(|(i, &len)| Odd::new(&pattern(i, len))).collect();
    let (long, expected) = (store(&general, &arguments), model(&general, &arguments));
    assert_eq!(long.bytes(), expected);
    arguments.pop();
    let image = store(&short, &arguments);
    assert_eq!(image.bytes(), model(&short, &arguments));
    // They differ in the fourth argument's eightbyte alone.
    let (image, long) = (image.bytes(), long.bytes());
    assert_eq!((&image[..24], &image[32..]), (&long[..24], &long[32..]));
}

#[test]
fn results_are_taken_from_their_registers_and_written_exactly() {
    for len in 1..=8_usize {
        for (to, extension) in [(0, Extension::Zero), (8, Extension::None), (24, Extension::Zero)] {
            let m = moved(0, extension, 0, len as u32, to);
            let plan = planned(|builder| builder.returned(m), 0);
            assert_eq!(plan.return_plan(), ReturnPlan::Registers(&[m]));
            let file = Image::of(&pattern(0, 32));
            let mut result = Odd::new(&vec![GRAFFITI; len]);
            // SAFETY: a file of the size of `RETURNED`, and a result of the size of the move.
            unsafe { plan.load_return(file.pointer(), result.pointer_mut()) };
            assert_eq!(result.bytes(), &file.bytes()[to as usize..][..len]);
        }
    }
    // Two eightbytes, the second with a part only, and a `bool` whose upper bits are dirty.
    let plan = planned(
        |builder| {
            builder.returned(moved(0, Extension::Zero, 0, 8, 16));
            builder.returned(moved(0, Extension::Zero, 8, 3, 0));
        },
        0,
    );
    let file = Image::of(&pattern(0, 32));
    let mut result = Odd::new(&[GRAFFITI; 11]);
    // SAFETY: as above; eleven bytes are moved.
    unsafe { plan.load_return(file.pointer(), result.pointer_mut()) };
    assert_eq!(result.bytes(), [&file.bytes()[16..24], &file.bytes()[..3]].concat());
    for (byte, expected) in [(0, 0), (1, 1), (2, 1), (0x80, 1), (0xff, 1)] {
        let plan = planned(|builder| builder.returned(moved(0, Extension::Bool, 0, 1, 8)), 0);
        let mut bytes = [0xee; 32];
        bytes[8] = byte;
        let (file, mut result) = (Image::of(&bytes), Odd::new(&[GRAFFITI]));
        // SAFETY: as above.
        unsafe { plan.load_return(file.pointer(), result.pointer_mut()) };
        assert_eq!(result.bytes(), [expected]);
    }
}

#[test]
fn results_that_are_nothing_or_in_memory_are_not_touched() {
    let nothing = planned(|_| {}, 0);
    assert_eq!(nothing.return_plan(), ReturnPlan::Void);
    let memory = planned(|builder| builder.returned_in_memory(0, None), 0);
    for plan in [&nothing, &memory] {
        // SAFETY: neither is accessed.
        unsafe {
            plan.load_return(std::ptr::null(), std::ptr::null_mut());
            plan.store_return(std::ptr::null(), std::ptr::null_mut());
        }
    }
}

#[test]
fn results_are_put_into_whole_registers() {
    for extension in EXTENSIONS {
        for len in 1..=8_usize {
            if extension == Extension::Sign && !has_sign(len) {
                continue;
            }
            for to in [0, 8, 16, 24] {
                let m = moved(0, extension, 0, len as u32, to);
                let plan = planned(|builder| builder.returned(m), 0);
                let bytes = if extension == Extension::Bool && len == 1 {
                    vec![1]
                } else {
                    pattern(0, len)
                };
                let value = Odd::new(&bytes);
                let mut file = Image::new(32);
                // SAFETY: a value of the size of the move, and a file of the size of `RETURNED`.
                unsafe { plan.store_return(value.pointer(), file.pointer_mut()) };
                let mut expected = vec![GRAFFITI; 32];
                // A register is always filled: there is no result beside it.
                let whole = match extension {
                    Extension::None => Extension::Zero,
                    other => other,
                };
                expected[to as usize..][..8].copy_from_slice(&extended(&bytes, whole));
                assert_eq!(file.bytes(), expected, "{m:?}");
            }
        }
    }
}

/// SysV psABI 3.2.3: a `_Bool` that is returned or passed is 0 or 1.
#[test]
fn a_bool_that_goes_out_is_0_or_1() {
    let plan = planned(|builder| builder.returned(moved(0, Extension::Bool, 0, 1, 0)), 0);
    let (value, mut file) = (Odd::new(&[2]), Image::new(32));
    // SAFETY: a value of the size of the move, and a file of the size of `RETURNED`.
    unsafe { plan.store_return(value.pointer(), file.pointer_mut()) };
    assert_eq!(file.0[0], 1);
}

#[test]
fn the_hidden_pointer_goes_out_and_comes_back() {
    let plan = planned(
        |builder| {
            builder.returned_in_memory(8, Some(16));
            builder.argument(moved(0, Extension::Zero, 0, 4, 0));
        },
        0,
    );
    assert_eq!(plan.return_plan(), ReturnPlan::Memory { pointer_to: 8, pointer_back: Some(16) });
    let mut room = [0_u8; 40];
    let (argument, mut image) = (Odd::new(&pattern(0, 4)), Image::new(plan.image_size()));
    // SAFETY: one argument of four bytes, an image of the plan's size.
    unsafe {
        let arguments = [argument.pointer()];
        plan.store_arguments(arguments.as_ptr(), room.as_mut_ptr(), image.pointer_mut());
    }
    // SAFETY: the image starts with the registers.
    let found = unsafe { plan.result_pointer(image.pointer()) }.expect("the plan has one");
    assert_eq!(found, room.as_mut_ptr());
    // SAFETY: the pointer is still that to the room, provenance and all.
    unsafe { found.write_bytes(7, 40) };
    assert_eq!(room, [7; 40]);
    let mut file = Image::new(32);
    // SAFETY: a file of the size of `RETURNED`.
    unsafe { plan.store_return(found, file.pointer_mut()) };
    // SAFETY: that is where the address was put.
    let back = unsafe { file.pointer().add(16).cast::<*const u8>().read() };
    assert_eq!(back, room.as_ptr());
    let rest = file.bytes();
    assert!(rest[..16].iter().chain(&rest[24..]).all(|&byte| byte == GRAFFITI));
    let without = planned(|_| {}, 0);
    // SAFETY: as above.
    assert!(unsafe { without.result_pointer(image.pointer()) }.is_none());
}

#[test]
fn scalars_are_found_at_their_places() {
    let plan = planned(
        |builder| {
            builder.argument(moved(0, Extension::Sign, 0, 4, 8));
            builder.argument(moved(1, Extension::Zero, 0, 8, 32));
            builder.argument(moved(2, Extension::Bool, 0, 1, STACK));
            builder.argument(moved(3, Extension::Sign, 0, 2, STACK + 8));
        },
        16,
    );
    let arguments = [
        Odd::new(&(-5_i32).to_ne_bytes()),
        Odd::new(&2.5_f64.to_ne_bytes()),
        Odd::new(&[0x40]),
        Odd::new(&(-300_i16).to_ne_bytes()),
    ];
    let image = store(&plan, &arguments);
    let (registers, stack) = image.0.split_at(STACK as usize / 8);
    let (registers, stack) = (registers.as_ptr().cast::<u8>(), stack.as_ptr().cast::<u8>());
    let place = |index| plan.place(index, [4, 8, 1, 2][index]).expect("there is such an argument");
    // SAFETY: the registers and the stack are those of this plan, and the types are those of the
    // arguments.
    unsafe {
        assert_eq!(place(0).load::<i32>(registers, stack), -5);
        assert_eq!(place(1).load::<f64>(registers, stack), 2.5);
        assert!(place(2).load::<bool>(registers, stack));
        assert_eq!(place(3).load::<i16>(registers, stack), -300);
    }
    assert!(plan.place(4, 1).is_none());
}

#[test]
fn scalar_results_fill_their_register() {
    let mut file = Image::new(32);
    // SAFETY: the offsets are those of registers of a file of that size.
    unsafe {
        ffi_types::store_scalar(-2_i8, 0, file.pointer_mut());
        ffi_types::store_scalar(0xfffe_u16, 8, file.pointer_mut());
        ffi_types::store_scalar(true, 16, file.pointer_mut());
        ffi_types::store_scalar(1.5_f32, 24, file.pointer_mut());
    }
    assert_eq!(*file.0, [-2_i64 as u64, 0xfffe, 1, 1.5_f32.to_bits().into()]);
}

#[test]
fn offsets_name_registers_stack_and_padding() {
    use Location::{Padding, Register, Stack};
    let at = |offset| REGISTERS.location(offset);
    assert_eq!((at(0), at(7), at(24)), (Register("g0"), Register("g0"), Register("g3")));
    assert_eq!((at(32), at(40), at(64)), (Register("v0"), Register("v0"), Register("v2")));
    assert_eq!((at(80), at(95), at(96), at(200)), (Padding, Padding, Stack(0), Stack(104)));
    assert_eq!(format!("{} {} {}", at(8), at(104), at(88)), "g1 [stack+8] padding");
}

#[test]
fn a_plan_says_what_it_needs() {
    let plan = planned(
        |builder| {
            builder.vector_count(3, true);
            builder.stack_align(64);
            builder.stack_align(32);
        },
        17,
    );
    assert_eq!((plan.stack_size(), plan.stack_align(), plan.image_size()), (32, 64, 128));
    assert_eq!((plan.vector_count(), plan.is_variadic(), plan.argument_count()), (3, true, 0));
    assert!(!plan.uses_vector_registers() && plan.moves().is_empty());
    assert_eq!(plan.size_bytes(), size_of::<Plan>());
    let many = planned(|b| (0..20).for_each(|i| b.argument(moved(i, Extension::Zero, 0, 4, 0))), 0);
    assert!(many.size_bytes() >= size_of::<Plan>() + 20 * size_of::<Move>());
    // A plan that is filled again keeps nothing of what was there.
    let mut reused = many;
    PlanBuilder::new(&mut reused, Convention::SysV, &REGISTERS, &RETURNED).finish(0);
    assert_eq!((reused.argument_count(), reused.moves()), (0, &[][..]));
}

fn refused(build: impl FnOnce(&mut PlanBuilder<'_>), stack: u32) -> bool {
    catch_unwind(AssertUnwindSafe(|| planned(build, stack))).is_err()
}

/// The mistakes of a convention that `PlanBuilder` says it panics at.
#[test]
fn builders_refuse_what_would_leave_the_image() {
    let none = Extension::None;
    assert!(refused(|b| b.argument(moved(0, none, 0, 8, STACK)), 0), "past the stack area");
    assert!(refused(|b| b.argument(moved(0, none, 0, 17, STACK)), 16), "past its end");
    assert!(refused(|b| b.argument(moved(0, Extension::Zero, 0, 1, STACK + 12)), 16), "extended");
    assert!(refused(|b| b.argument(moved(0, Extension::Zero, 0, 9, 0)), 0), "nine extended");
    assert!(refused(|b| b.argument(moved(1, none, 0, 8, 0)), 0), "no argument 0");
    assert!(refused(|b| b.returned(moved(0, none, 0, 8, 32)), 0), "past the return registers");
    assert!(refused(|b| b.returned(moved(0, none, 0, 33, 0)), 0), "33 bytes returned");
    assert!(!refused(|b| b.returned(moved(0, none, 0, 32, 0)), 0), "32 bytes returned");
    let late = |b: &mut PlanBuilder<'_>| {
        b.argument(moved(0, none, 0, 8, 0));
        b.returned(moved(0, none, 0, 8, 0));
    };
    assert!(refused(late, 0), "the result after an argument");
    let back = |b: &mut PlanBuilder<'_>| {
        b.argument(moved(0, none, 0, 8, 0));
        b.argument(moved(1, none, 0, 8, 8));
        b.argument(moved(0, none, 8, 8, 16));
    };
    assert!(refused(back, 0), "back to argument 0");
    assert!(!refused(|b| b.argument(moved(0, none, 0, 16, STACK)), 16), "all in order");
}

/// The SAFETY comments of the executor lean on these.
#[test]
fn builders_refuse_every_offset_outside_the_image() {
    let none = Extension::None;
    assert!(refused(|b| b.returned_in_memory(4096, None), 0), "address past the image");
    assert!(refused(|b| b.returned_in_memory(0, Some(4096)), 0), "back past the registers");
    assert!(refused(|b| b.argument(moved(0, none, 0, 8, u32::MAX - 7)), 0), "the sum wraps");
    assert!(refused(|b| b.returned(moved(0, none, 0, 8, u32::MAX - 7)), 0), "the sum wraps");
    assert!(refused(|b| b.argument(moved(0, none, 0, 0, 0)), 0), "an argument of no move");
}

/// One argument of a random call: its bytes, and how each stretch of them is moved.
#[derive(Debug, Clone)]
struct Passed {
    bytes: Vec<u8>,
    parts: Vec<(u32, u32, Extension)>,
}

fn passed() -> impl Strategy<Value = Passed> {
    let scalar = (
        prop::sample::select(vec![1_u32, 2, 4, 8]),
        prop::sample::select(vec![Extension::Zero, Extension::Sign]),
        prop::collection::vec(any::<u8>(), 8),
    )
        .prop_map(|(len, extension, bytes)| Passed {
            bytes: bytes[..len as usize].into(),
            parts: vec![(0, len, extension)],
        });
    let truth = any::<bool>().prop_map(|truth| Passed {
        bytes: vec![truth.into()],
        parts: vec![(0, 1, Extension::Bool)],
    });
    let eightbytes = prop::collection::vec(any::<u8>(), 1..33).prop_map(|bytes| {
        let len = bytes.len() as u32;
        let part = |offset: u32| (offset, (len - offset).min(8), Extension::Zero);
        Passed { parts: (0..len).step_by(8).map(part).collect(), bytes }
    });
    let copied = prop::collection::vec(any::<u8>(), 1..150).prop_map(|bytes| {
        let parts = vec![(0, bytes.len() as u32, Extension::None)];
        Passed { bytes, parts }
    });
    prop_oneof![scalar, truth, eightbytes, copied]
}

fn config() -> ProptestConfig {
    // Miri has no files and is slow.
    ProptestConfig {
        cases: if cfg!(miri) { 8 } else { 512 },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    /// Whatever goes to whichever places that do not overlap comes back as it was.
    #[test]
    fn what_is_stored_is_loaded_again(
        call in prop::collection::vec((passed(), any::<bool>(), 0_u32..3), 0..12),
    ) {
        let (mut registers, mut stack) = (vec![0_u32, 8, 16, 24, 32, 48, 64], 0_u32);
        let mut moves = Vec::new();
        for (index, (passed, in_registers, gap)) in call.iter().enumerate() {
            for &(offset, len, extension) in &passed.parts {
                let to = match registers.len() {
                    1.. if *in_registers && len <= 8 => registers.remove(0),
                    _ => {
                        // A copy may start anywhere, an eightbyte at a multiple of eight.
                        let start = match extension {
                            Extension::None => stack + gap,
                            _ => (stack + 8 * gap).next_multiple_of(8),
                        };
                        stack = start + len.max(8);
                        STACK + start
                    }
                };
                moves.push(moved(index as u16, extension, offset, len, to));
            }
        }
        let plan = planned(|builder| moves.iter().for_each(|&m| builder.argument(m)), stack);
        let arguments: Vec<Odd> = call.iter().map(|(p, ..)| Odd::new(&p.bytes)).collect();
        let image = store(&plan, &arguments);
        prop_assert_eq!(image.bytes(), model(&plan, &arguments));
        prop_assert_eq!(plan.argument_count(), call.len());
        for (index, (passed, ..)) in call.iter().enumerate() {
            prop_assert_eq!(&load(&plan, index, &image, passed.bytes.len()), &passed.bytes);
            let bytes: u32 = plan.moves_of(index).iter().map(|m| m.len).sum();
            prop_assert_eq!(bytes as usize, passed.bytes.len());
        }
        // The moves of each argument, one after the other, are all there are.
        let each: Vec<Move> = (0..call.len()).flat_map(|i| plan.moves_of(i).to_vec()).collect();
        prop_assert_eq!(each, plan.moves());
    }

    /// A result goes into the registers in a callback, and comes out of them in a call.
    #[test]
    fn what_is_returned_is_received(
        bytes in prop::collection::vec(any::<u8>(), 1..33),
        order in Just(vec![0_u32, 8, 16, 24]).prop_shuffle(),
    ) {
        let len = bytes.len() as u32;
        let moves = (0..len).step_by(8).zip(order).map(|(offset, to)| {
            moved(0, Extension::Zero, offset, (len - offset).min(8), to)
        });
        let plan = planned(|builder| moves.for_each(|m| builder.returned(m)), 0);
        let (value, mut file) = (Odd::new(&bytes), Image::new(32));
        let mut result = Odd::new(&vec![GRAFFITI; bytes.len()]);
        // SAFETY: value and result have the sizes of the moves, and the file that of `RETURNED`.
        unsafe {
            plan.store_return(value.pointer(), file.pointer_mut());
            plan.load_return(file.pointer(), result.pointer_mut());
        }
        prop_assert_eq!(result.bytes(), bytes);
    }
}
