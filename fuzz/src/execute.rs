//! Any bytes as a function's type: its arguments are stored to an image and loaded again, and its
//! result likewise, between pages that nobody may touch. Every byte is where the ABI's text has it,
//! none is written that is not an argument's, and none is read that is not there.
#![no_main]

#[path = "../../tests/src/guard.rs"]
mod guard;
mod oracle;

use ffi_abi_sysv::ffi_types::{Aapcs64, Convention, Place as Whole, Plan, RegisterFile, Scalar};
use guard::Guarded;
use libfuzzer_sys::fuzz_target;
use oracle::input::Bytes;
use oracle::layout::{data, of};
use oracle::{Call, Function, Place, Ty, Way, check};
use std::cell::RefCell;

/// No argument and no image is larger.
const ROOM: usize = 1 << 18;
/// In front of everything that is written to.
const MARGIN: usize = 64;

struct Rooms {
    arguments: Vec<Guarded>,
    image: Guarded,
    value: Guarded,
    returned: Guarded,
}

thread_local! {
    static ROOMS: RefCell<Rooms> = RefCell::new(Rooms {
        arguments: (0..32).map(|_| Guarded::new(ROOM)).collect(),
        image: Guarded::new(ROOM),
        value: Guarded::new(ROOM),
        returned: Guarded::new(ROOM),
    });
}

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes(data);
    let function = bytes.function();
    let Some(expected) = oracle::call(&function) else { return };
    let (_, plan) = check::plan(&function);
    let plan = plan.expect("the oracle has one");
    let largest = function.arguments.iter().chain(&function.result);
    let largest = largest.map(|ty| of(ty, function.convention).size).max();
    if largest.unwrap_or(0).max(plan.image_size()) + MARGIN > ROOM {
        return;
    }
    ROOMS.with_borrow_mut(|rooms| {
        arguments(&function, &expected, &plan, rooms, &mut bytes);
        result(&function, &expected, &plan, rooms, &mut bytes);
    });
});

/// Memory to write to, at the end of its pages: filled with one byte, and so is the margin before.
fn filled(room: &mut Guarded, size: usize, fill: u8) -> *mut u8 {
    let start = room.at_end(&vec![fill; MARGIN + size]);
    start.cast_mut().wrapping_add(MARGIN)
}

fn read(start: *const u8, size: usize) -> Vec<u8> {
    // SAFETY: all callers read what they have filled.
    unsafe { std::slice::from_raw_parts(start, size) }.to_vec()
}

fn margin_is(start: *const u8, fill: u8) -> bool {
    read(start.wrapping_sub(MARGIN), MARGIN).iter().all(|&byte| byte == fill)
}

/// Bytes that a value of the type may have: for a `bool`, 0 or 1.
fn value(ty: &Ty, platform: Convention, bytes: &mut Bytes<'_>) -> Vec<u8> {
    let mut state = u32::from(bytes.byte()) << 8 | 0x5bd1_0001;
    let next = |_| {
        state = state.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
        (state >> 24) as u8
    };
    let mut all: Vec<u8> = (0..of(ty, platform).size).map(next).collect();
    if matches!(ty, Ty::Scalar(Scalar::Bool)) {
        all[0] &= 1;
    }
    all
}

/// Where a place is in an image.
fn offset(file: &RegisterFile, place: Place) -> usize {
    match place {
        Place::Stack(offset) => file.size as usize + offset,
        Place::Register(name, byte) => {
            let banks = [&file.general, &file.vector, &file.x87];
            let found = banks.iter().find_map(|bank| {
                Some(bank.at(bank.names.iter().position(|&it| it == name)?) as usize)
            });
            found.expect("the oracle's names are the plan's") + byte
        }
    }
}

/// What small integers are filled up with to `int`, which clang's callees rely on.
fn extended(ty: &Ty, value: &[u8]) -> Option<[u8; 4]> {
    use Scalar::*;
    let Ty::Scalar(scalar) = ty else { return None };
    let number = match scalar {
        Bool | U8 => value[0].into(),
        I8 => (value[0] as i8) as u32,
        U16 => u16::from_le_bytes([value[0], value[1]]).into(),
        I16 => i16::from_le_bytes([value[0], value[1]]) as u32,
        _ => return None,
    };
    Some(number.to_le_bytes())
}

fn arguments(
    function: &Function,
    expected: &Call,
    plan: &Plan,
    rooms: &mut Rooms,
    bytes: &mut Bytes<'_>,
) {
    let (platform, file) = (function.convention, plan.registers());
    let types = &function.arguments;
    let values: Vec<Vec<u8>> = types.iter().map(|ty| value(ty, platform, bytes)).collect();
    let pointers: Vec<*const u8> =
        rooms.arguments.iter_mut().zip(&values).map(|(room, value)| room.at_end(value)).collect();
    let target = 0x5555_0000_0000_usize as *mut u8;
    let mut image = [Vec::new(), Vec::new()];
    let mut start = std::ptr::null_mut();
    for (image, fill) in image.iter_mut().zip([0xa5, 0x5a]) {
        start = filled(&mut rooms.image, plan.image_size(), fill);
        // SAFETY: one pointer per argument, to as many bytes as its type has; the image is aligned
        // to 8, as it ends with a page and its size is a multiple of that.
        unsafe { plan.store_arguments(pointers.as_ptr(), target, start) };
        assert!(margin_is(start, fill), "written before the image");
        *image = read(start, plan.image_size());
    }
    let mut covered = vec![false; plan.image_size()];
    let mut cover = |at: usize, len| covered[at..at + len].fill(true);
    let word = |at: usize| {
        u64::from_le_bytes(image[0][at..at + 8].try_into().expect("eight bytes")) as usize
    };
    for (index, (way, value)) in expected.arguments.iter().zip(&values).enumerate() {
        // Only there do arguments share an eightbyte of the stack.
        let packed =
            platform == Convention::Aapcs64(Aapcs64::Apple) && !function.is_anonymous(index);
        match way {
            Way::Value(places) => {
                for &(byte, place) in places {
                    let at = offset(file, place);
                    assert_eq!(image[0][at], value[byte], "byte {byte} of argument {index}");
                    match place {
                        Place::Stack(_) if packed => cover(at, 1),
                        _ => cover(at / 8 * 8, 8),
                    }
                }
                let at = places.first().map_or(0, |&(_, place)| offset(file, place));
                if let Some(extended) = extended(&types[index], value)
                    && !(packed && at >= file.size as usize)
                {
                    assert_eq!(image[0][at..at + 4], extended, "argument {index}");
                }
            }
            Way::Address(place, align) => {
                let at = offset(file, *place);
                let copy = word(at).wrapping_sub(start as usize);
                cover(at, 8);
                cover(copy, value.len());
                assert_eq!(&image[0][copy..copy + value.len()], value, "argument {index}");
                assert_eq!((copy - file.size as usize) % align.min(&plan.stack_align()), 0);
            }
        }
    }
    if let Some(Way::Address(place, _)) = expected.result {
        let at = offset(file, place);
        assert_eq!(word(at), target as usize, "the result's address");
        cover(at, 8);
        // SAFETY: the register file is the image's start.
        assert_eq!(unsafe { plan.result_pointer(start) }, Some(target));
    }
    for (at, &covered) in covered.iter().enumerate() {
        let written = image[0][at] == image[1][at];
        assert!(covered || !written, "byte {at} of the image was written");
    }
    for (index, (ty, value)) in types.iter().zip(&values).enumerate() {
        load(plan, index, ty, value, platform, start, &mut rooms.value);
    }
}

/// A callback's way: out of the image again.
fn load(
    plan: &Plan,
    index: usize,
    ty: &Ty,
    value: &[u8],
    platform: Convention,
    image: *mut u8,
    room: &mut Guarded,
) {
    let stack = image.wrapping_add(plan.registers().size as usize);
    let mask = data(ty, platform);
    let mut get = |value: &[u8]| {
        let target = filled(room, value.len(), 0xa5);
        // SAFETY: the registers and the stack are those of the image; the target has the value's
        // size.
        unsafe { plan.load_argument(index, image, stack, target) };
        assert!(margin_is(target, 0xa5), "written before the value");
        let found = read(target, value.len());
        let same = |(at, &means): (usize, &bool)| !means || found[at] == value[at];
        assert!(mask.iter().enumerate().all(same), "argument {index}: {found:?}, {value:?}");
    };
    get(value);
    let whole = match plan.place(index, value.len()) {
        Some(Whole::Registers(at)) => image.wrapping_add(at as usize),
        Some(Whole::Stack(at)) => stack.wrapping_add(at as usize),
        _ => return,
    };
    assert_eq!(read(whole, value.len()), value, "argument {index} in one piece");
    if matches!(ty, Ty::Scalar(Scalar::Bool)) {
        for (byte, truth) in [(0x80, 1), (0, 0), (2, 1)] {
            // SAFETY: it is a byte of the image.
            unsafe { whole.write(byte) };
            get(&[truth]);
        }
    }
}

fn result(
    function: &Function,
    expected: &Call,
    plan: &Plan,
    rooms: &mut Rooms,
    bytes: &mut Bytes<'_>,
) {
    let (platform, file) = (function.convention, plan.return_registers());
    let Some(ty) = &function.result else { return };
    let value = value(ty, platform, bytes);
    let from = rooms.arguments[0].at_end(&value);
    let size = file.size as usize;
    let returned = filled(&mut rooms.returned, size, 0xa5);
    // SAFETY: the value has the result's size, and the registers that of their file, at the end of
    // a page and so aligned.
    unsafe { plan.store_return(from, returned) };
    assert!(margin_is(returned, 0xa5), "written before the registers");
    let registers = read(returned, size);
    let places = match &expected.result {
        Some(Way::Value(places)) => places,
        Some(Way::Address(..)) => {
            if !matches!(platform, Convention::Aapcs64(_)) {
                let at = offset(file, Place::Register("rax", 0));
                assert_eq!(registers[at..at + 8], (from as usize).to_le_bytes());
            }
            return;
        }
        None => return assert!(registers.iter().all(|&byte| byte == 0xa5)),
    };
    let mut covered = vec![false; size];
    for &(byte, place) in places {
        let at = offset(file, place);
        assert_eq!(registers[at], value[byte], "byte {byte} of the result");
        covered[at / 8 * 8..][..8].fill(true);
    }
    let untouched = |(&byte, &covered): (&u8, &bool)| covered || byte == 0xa5;
    assert!(registers.iter().zip(&covered).all(untouched), "{registers:?}");
    if let Some(extended) = extended(ty, &value) {
        assert_eq!(registers[..4], extended, "the result");
    }
    let target = filled(&mut rooms.value, value.len(), 0xa5);
    // SAFETY: as above.
    unsafe { plan.load_return(returned, target) };
    assert!(margin_is(target, 0xa5), "written before the result");
    let (found, mask) = (read(target, value.len()), data(ty, platform));
    let same = |(at, &means): (usize, &bool)| !means || found[at] == value[at];
    assert!(mask.iter().enumerate().all(same), "the result: {found:?}, {value:?}");
}
