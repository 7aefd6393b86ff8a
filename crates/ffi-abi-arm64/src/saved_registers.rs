//! What belongs to the caller stays as it was: the assembly itself is called, without the Rust
//! around it, which would save registers that it clobbers.

use crate::registers::{Registers, Returned, Room, WideRoom};
use crate::trampoline::{call_general, call_stack, call_steps, call_vector, call_wide};
use crate::{Arm64Abi, plan};
use core::ffi::c_void;
use ffi_types::{
    Aapcs64, CallbackHeader, CallingConvention, Convention, Plan, Signature, Slot, Target, Type,
};

// A caller and a callee that use all that a function may use.
core::arch::global_asm!(include_str!("probe.s"));

// SAFETY: they are defined there.
unsafe extern "C" {
    #[link_name = "ffi_test_arm64_probe"]
    fn probe(function: *const c_void, arguments: &[u64; 6]) -> u32;
    #[link_name = "ffi_test_arm64_clobber"]
    fn clobber();
}

unsafe extern "C-unwind" fn clobbers(
    _: *const CallbackHeader,
    _: *mut u8,
    _: *const u8,
    _: *mut u8,
    _: *const Slot,
) {
    // SAFETY: it follows the convention.
    unsafe { clobber() };
}

unsafe extern "C" fn fill(_: &Plan, _: *const *const c_void, _: *mut c_void, _: *mut Registers) {}

fn kept(function: *const c_void, arguments: [u64; 6]) {
    // SAFETY: the caller's function takes these.
    let changed = unsafe { probe(function, &arguments) };
    assert_eq!(changed, 0, "{changed:#034b}: bit 0 is x19, bit 16 is d8, bit 30 is sp; `probe.s`");
}

#[test]
fn calls_keep_what_the_function_keeps() {
    let registers = Registers::default();
    let (image, function) = (&raw const registers as u64, clobber as *const () as u64);
    kept(call_general as *const c_void, [image, function, 0, 0, 0, 0]);
    kept(call_vector as *const c_void, [image, function, 0, 0, 0, 0]);
    for (size, align) in [(16, 16), (48, 16), (64, 64), (100_000, 32)] {
        let mut returned = Returned::default();
        let room = Room { size, align };
        let room = WideRoom { room, returned: &raw mut returned };
        let (room, fill) = (&raw const room as u64, fill as *const () as u64);
        kept(call_stack as *const c_void, [0, 0, 0, function, room, fill]);
        kept(call_wide as *const c_void, [0, 0, 0, function, room, fill]);
    }
}

#[test]
fn calls_by_steps_keep_it_too() {
    let mut called = 0;
    let value = 1_u64;
    let arguments = [&raw const value; 16];
    // In registers alone, on as much of the stack as steps may fill, and with a result in memory.
    let large = Type::structure("large").field("a", Type::I64).field("b", Type::I64);
    let large = large.field("c", Type::I64).build().expect("a structure");
    for (result, count) in [(Type::I64, 2), (Type::I64, 16), (Type::F64, 16), (large, 3)] {
        for ty in [Type::I64, Type::I8, Type::F64, Type::F32] {
            let types = core::iter::repeat_n(ty, count);
            let signature =
                Signature::new(Convention::Aapcs64(Aapcs64::Standard), result.clone(), types);
            let plan = plan(Aapcs64::Standard, &signature.expect("a C signature")).expect("a plan");
            let Some(program) = plan.program() else { continue };
            let mut result = [0_u64; 3];
            let target =
                Target { function: clobber as *const c_void, result: (&raw mut result).cast() };
            let arguments = arguments.as_ptr() as u64;
            let (program, target) = (program as *const _ as u64, &raw const target as u64);
            kept(call_steps as *const c_void, [program, target, arguments, 0, 0, 0]);
            called += 1;
        }
    }
    assert_eq!(called, 16, "each has a program");
}

#[test]
fn callbacks_keep_what_belongs_to_their_caller() {
    let abi = Arm64Abi(Aapcs64::Standard);
    let header = CallbackHeader { dispatch: clobbers };
    let table = abi.thunks().expect("AArch64");
    for (index, ty) in [(0, Type::I64), (table.count() - 1, Type::F64)] {
        let convention = Convention::Aapcs64(Aapcs64::Standard);
        let signature = Signature::new(convention, Type::VOID, [ty]);
        let plan = plan(Aapcs64::Standard, &signature.expect("a C signature")).expect("a plan");
        let handler = abi.callback_handler(&plan).expect("AArch64");
        let slot = table.slot(index).expect("it is in the table");
        // SAFETY: the handler fits the plan, and the header outlives the call below; no other
        // test in this program uses the thunks.
        unsafe {
            slot.set_handler(handler);
            slot.set_context(&header);
        }
        kept(table.thunk(index).expect("it is in the table"), [0; 6]);
    }
}

/// The code of the four files, without their comments.
fn code() -> impl Iterator<Item = &'static str> {
    let files = [
        include_str!("asm/call.S"),
        include_str!("asm/callback.S"),
        include_str!("asm/steps.S"),
        include_str!("asm/wide.S"),
    ];
    files.into_iter().flat_map(|file| {
        // What lies before a comment's start, piece by piece.
        file.split("*/").flat_map(|piece| piece.split("/*").take(1)).flat_map(str::lines)
    })
}

#[test]
fn x18_is_named_nowhere() {
    let names = |line: &&str| line.contains("x18") || line.contains("w18");
    assert!(code().any(|line| line.contains("x17")), "there is code");
    assert_eq!(code().find(names), None);
}
