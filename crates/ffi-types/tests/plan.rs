//! The executor, on a register file of its own: every width and extension, both ways, and not a
//! byte more than was asked for. Runs under Miri too.

use ffi_types::{Bank, Convention, Extension, Move, Plan, PlanBuilder, RegisterFile, ReturnPlan};

static REGISTERS: RegisterFile = RegisterFile {
    general: Bank { offset: 0, stride: 8, names: &["g0", "g1"] },
    vector: Bank { offset: 16, stride: 8, names: &["v0", "v1"] },
    x87: Bank::NONE,
    size: 32,
};

fn plan(fill: impl FnOnce(&mut PlanBuilder<'_>), stack: u32) -> Plan {
    let mut plan = Plan::empty();
    let mut builder = PlanBuilder::new(&mut plan, Convention::SysV, &REGISTERS, &REGISTERS);
    fill(&mut builder);
    builder.finish(stack);
    plan
}

fn one(extension: Extension, len: u32, to: u32) -> Move {
    Move { argument: 0, extension, offset: 0, len, to }
}

/// An image that is full of this byte before anything is stored.
const OLD: u8 = 0xa5;

/// Stores one argument, from an address that is not aligned, and returns the image.
fn stored(plan: &Plan, value: &[u8]) -> Vec<u8> {
    let shifted: Vec<u8> = std::iter::once(0).chain(value.iter().copied()).collect();
    let arguments = [shifted[1..].as_ptr()];
    let mut image = vec![u64::from_ne_bytes([OLD; 8]); plan.image_size() / 8];
    // SAFETY: one argument of as many bytes as the moves read, and an image of the plan's size.
    unsafe {
        plan.store_arguments(arguments.as_ptr(), std::ptr::null_mut(), image.as_mut_ptr().cast());
    }
    image.into_iter().flat_map(u64::to_ne_bytes).collect()
}

fn extended(value: &[u8], extension: Extension) -> [u8; 8] {
    let negative = extension == Extension::Sign && value[value.len() - 1] >= 0x80;
    let mut all = [if negative { 0xff } else { 0 }; 8];
    all[..value.len()].copy_from_slice(value);
    all
}

#[test]
fn every_extension_of_every_width_fills_its_eightbyte_and_no_other() {
    for extension in [Extension::Zero, Extension::Sign, Extension::Bool] {
        for len in 1..=8_u32 {
            if extension == Extension::Sign && !len.is_power_of_two() {
                continue;
            }
            for top in [0x01, 0x81] {
                let mut value: Vec<u8> = (1..=len as u8).collect();
                value[len as usize - 1] = top;
                let image = stored(&plan(|b| b.argument(one(extension, len, 8)), 0), &value);
                assert_eq!(image[8..16], extended(&value, extension), "{extension:?} {len}");
                assert!(image[..8].iter().chain(&image[16..]).all(|&byte| byte == OLD));
            }
        }
    }
}

#[test]
fn a_copy_writes_exactly_its_length() {
    for len in (1..=80).chain([1000]) {
        for to in [32, 40, 33] {
            let value: Vec<u8> = (0..len).map(|i| i as u8 ^ 0x5a).collect();
            let plan = plan(|b| b.argument(one(Extension::None, len, to)), 1024);
            let image = stored(&plan, &value);
            let (start, end) = (to as usize, (to + len) as usize);
            assert_eq!(image[start..end], value);
            assert!(image[..start].iter().chain(&image[end..]).all(|&byte| byte == OLD));

            let mut back = vec![0; len as usize];
            // SAFETY: the image holds what was stored, and `back` has the argument's size.
            unsafe {
                plan.load_argument(0, image.as_ptr(), image[32..].as_ptr(), back.as_mut_ptr())
            };
            assert_eq!(back, value);
        }
    }
}

#[test]
fn an_argument_in_two_registers_goes_there_and_back() {
    let value: Vec<u8> = (10..22).collect();
    let plan = plan(
        |b| {
            b.argument(one(Extension::Zero, 8, 16));
            b.argument(Move { offset: 8, len: 4, to: 0, ..one(Extension::Zero, 8, 0) });
        },
        0,
    );
    assert_eq!(plan.placement(0).to_string(), "v0, g0");
    assert!(plan.uses_vector_registers());
    let image = stored(&plan, &value);
    assert_eq!(image[16..24], value[..8]);
    assert_eq!(image[..8], extended(&value[8..], Extension::Zero));
    let mut back = [OLD; 13];
    // SAFETY: the image holds what was stored; twelve bytes are written.
    unsafe { plan.load_argument(0, image.as_ptr(), std::ptr::null(), back.as_mut_ptr()) };
    assert_eq!(back[..12], value);
    assert_eq!(back[12], OLD);
}

#[test]
fn an_argument_by_reference_is_a_copy_and_its_address() {
    let values: [Vec<u8>; 3] = [(1..=20).collect(), vec![7; 8], (40..=42).collect()];
    let plan = plan(
        |b| {
            b.by_reference(0, 20, 16, 0);
            b.argument(Move { argument: 1, ..one(Extension::Zero, 8, 16) });
            b.by_reference(2, 3, 64, 40);
        },
        24,
    );
    // The stack area of 32 bytes starts at 32; the copies start at the next multiple of 64 bytes
    // of it, where their alignment is.
    let places: Vec<(u32, u32)> =
        plan.by_reference().iter().map(|r| (r.copy_to, r.pointer_to)).collect();
    assert_eq!(places, [(32 + 64, 0), (32 + 128, 40)]);
    assert_eq!((plan.stack_size(), plan.stack_align(), plan.frame_size()), (32, 64, 144));
    assert_eq!(plan.placement(0).to_string(), "&g0");
    assert_eq!(plan.placement(2).to_string(), "&[stack+8]");
    assert_eq!((plan.moves_of(0), plan.moves_of(2)), (&[][..], &[][..]));
    assert_eq!(plan.moves_of(1).len(), 1);
    assert!(plan.place(0, 1).is_none());
    assert!(plan.size_bytes() > size_of::<Plan>());

    let pointers = values.each_ref().map(|value| value.as_ptr());
    let mut image = vec![u64::from_ne_bytes([OLD; 8]); plan.image_size() / 8];
    let start = image.as_mut_ptr().cast::<u8>();
    // SAFETY: the values have the sizes that the plan copies, and the image has its own.
    unsafe { plan.store_arguments(pointers.as_ptr(), std::ptr::null_mut(), start) };
    let bytes: Vec<u8> = image.iter().flat_map(|word| word.to_ne_bytes()).collect();
    assert_eq!((&bytes[96..116], &bytes[160..163]), (&values[0][..], &values[2][..]));
    assert!(bytes[116..160].iter().chain(&bytes[163..]).all(|&byte| byte == OLD));
    assert_eq!(image[0], start.wrapping_add(96) as u64);
    assert_eq!(image[5], start.wrapping_add(160) as u64);

    // A callee may change its copy; a callback reads it through the address.
    for (argument, value) in values.iter().enumerate() {
        let mut back = vec![OLD; value.len() + 1];
        // SAFETY: the image is what a callback would find, with its stack area behind 32 bytes.
        unsafe { plan.load_argument(argument, start, start.add(32), back.as_mut_ptr()) };
        assert_eq!((&back[..value.len()], back[value.len()]), (&value[..], OLD));
    }
}

/// Argument 0 has no move and argument 1 has two: as many as there are arguments.
#[test]
fn moves_are_not_mistaken_for_those_of_an_argument_by_reference() {
    let plan = plan(
        |b| {
            b.by_reference(0, 20, 16, 0);
            b.argument(Move { argument: 1, ..one(Extension::Zero, 8, 16) });
            b.argument(Move { argument: 1, offset: 8, ..one(Extension::Zero, 8, 24) });
        },
        0,
    );
    assert_eq!(plan.moves_of(0).len(), 0);
    assert_eq!(plan.moves_of(1).len(), 2);
}

#[test]
fn a_bool_among_packed_neighbours_is_one_byte_and_0_or_1() {
    let plan = plan(|b| b.argument(one(Extension::BoolByte, 1, 35)), 16);
    let image = stored(&plan, &[1]);
    assert_eq!(image[34..37], [OLD, 1, OLD]);
    let (mut back, stack) = ([OLD; 2], [OLD; 16]);
    // SAFETY: the argument is one byte of the stack area.
    unsafe { plan.load_argument(0, std::ptr::null(), stack.as_ptr(), back.as_mut_ptr()) };
    assert_eq!(back, [1, OLD]);
}

#[test]
#[should_panic(expected = "fit an image")]
fn copies_that_no_image_holds_are_refused() {
    plan(
        |b| {
            b.by_reference(0, u32::MAX - 8, 16, 0);
            b.by_reference(1, 16, 16, 8);
        },
        0,
    );
}

#[test]
fn a_result_is_written_to_its_size_and_a_bool_is_0_or_1() {
    let words: [u64; 4] = [0xdead_beef_cafe_ba02, 0, 0, 0];
    for (extension, len, expected) in [
        (Extension::Zero, 1, vec![0x02]),
        (Extension::Bool, 1, vec![0x01]),
        (Extension::Zero, 3, vec![0x02, 0xba, 0xfe]),
        (Extension::Sign, 4, vec![0x02, 0xba, 0xfe, 0xca]),
    ] {
        let plan = plan(|b| b.returned(one(extension, len, 0)), 0);
        let mut room = [OLD; 9];
        // SAFETY: the words are a register file, and the result has room.
        unsafe { plan.load_return(words.as_ptr().cast(), room.as_mut_ptr()) };
        assert_eq!(room[..len as usize], expected);
        assert!(room[len as usize..].iter().all(|&byte| byte == OLD));
    }
}

#[test]
fn a_callbacks_result_is_extended() {
    let plan = plan(|b| b.returned(one(Extension::Sign, 2, 8)), 0);
    let (value, mut returned) = ((-5_i16).to_le_bytes(), [0_u64; 4]);
    // SAFETY: the value has two bytes, and the words are a register file.
    unsafe { plan.store_return(value.as_ptr(), returned.as_mut_ptr().cast()) };
    assert_eq!(returned, [0, -5_i64 as u64, 0, 0]);
}

#[test]
fn a_result_in_memory_is_told_by_its_address() {
    let plan = plan(|b| b.returned_in_memory(8, Some(0)), 0);
    assert_eq!(plan.return_plan(), ReturnPlan::Memory { pointer_to: 8, pointer_back: Some(0) });
    let (mut room, mut image) = (0_u8, [std::ptr::null_mut::<u8>(); 4]);
    // SAFETY: there are no arguments, and the image has the register file's size.
    unsafe {
        plan.store_arguments(std::ptr::null(), &raw mut room, image.as_mut_ptr().cast());
        assert_eq!(image[1], &raw mut room);
        assert_eq!(plan.result_pointer(image.as_ptr().cast()), Some(&raw mut room));
        let mut returned = [std::ptr::null::<u8>(); 4];
        plan.store_return(&raw const room, returned.as_mut_ptr().cast());
        assert_eq!(returned[0], &raw const room);
    }
}

#[test]
#[should_panic(expected = "outside the image")]
fn a_convention_cannot_place_what_has_no_room() {
    plan(|b| b.argument(one(Extension::None, 24, 32)), 16);
}

#[test]
#[should_panic(expected = "out of order")]
fn a_convention_cannot_skip_an_argument() {
    plan(|b| b.argument(Move { argument: 1, ..one(Extension::Zero, 8, 0) }), 0);
}
