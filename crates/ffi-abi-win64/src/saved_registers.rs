//! What belongs to the caller stays as it was: the assembly itself is called, without the Rust
//! around it, which would save registers that it clobbers.

use crate::registers::{Registers, Room, WideReturned, WideRoom};
use crate::trampoline::{call_general, call_stack, call_steps, call_vector, call_wide};
use crate::{Win64Abi, plan};
use core::ffi::c_void;
use core::mem::MaybeUninit;
use ffi_types::{
    CallbackHeader, CallingConvention, Convention, Plan, Scalar, Signature, Slot, Target, Type,
    Win64, check_vector_size,
};

// A caller and a callee that use all that a function may use.
core::arch::global_asm!(include_str!("probe.s"));

// SAFETY: they are defined there.
unsafe extern "win64" {
    #[link_name = "ffi_test_win64_probe"]
    fn probe(function: *const c_void, arguments: &[u64; 6]) -> u32;
    #[link_name = "ffi_test_win64_clobber"]
    fn clobber();
}

/// Changes what any function of the platform's own convention may change. On Windows that is less.
unsafe extern "C-unwind" fn clobbers(
    _: *const CallbackHeader,
    _: *mut u8,
    _: *const u8,
    _: *mut u8,
    _: *const Slot,
) {
    #[cfg(not(windows))]
    // SAFETY: every register that is changed is said to be.
    unsafe {
        core::arch::asm!(
            ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15",
            "    pcmpeqd xmm\\n, xmm\\n",
            ".endr",
            ".irp reg, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11",
            "    mov \\reg, -1",
            ".endr",
            out("rax") _, out("rcx") _, out("rdx") _, out("rsi") _, out("rdi") _,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
            clobber_abi("sysv64"),
        );
    }
    #[cfg(windows)]
    // SAFETY: it follows the platform's convention.
    unsafe {
        clobber();
    }
}

unsafe extern "win64" fn fill(
    _: &Plan,
    _: *const *const c_void,
    _: *mut c_void,
    _: *mut Registers,
) {
}

fn kept(function: *const c_void, arguments: [u64; 6]) {
    // SAFETY: the caller's function takes these.
    let changed = unsafe { probe(function, &arguments) };
    assert_eq!(changed, 0, "{changed:#034b}: bit 0 is rbx, bit 8 xmm6, bit 18 the direction flag");
}

#[test]
fn calls_keep_what_the_function_keeps() {
    let registers = Registers::default();
    let (image, function) = (&raw const registers as u64, clobber as *const () as u64);
    kept(call_general as *const c_void, [image, function, 0, 0, 0, 0]);
    kept(call_vector as *const c_void, [image, function, 0, 0, 0, 0]);
    for (size, align) in [(32, 16), (48, 16), (64, 64), (100_000, 32)] {
        let mut returned = MaybeUninit::<WideReturned>::uninit();
        let returned = returned.as_mut_ptr();
        for vector_size in [16, 32, 64].into_iter().filter(|&s| check_vector_size(s).is_ok()) {
            let room = Room { size, align };
            let room = WideRoom { room, returned, vector_size: vector_size.into() };
            let arguments = [0, 0, 0, function, &raw const room as u64, fill as *const () as u64];
            kept(call_stack as *const c_void, arguments);
            kept(call_wide as *const c_void, arguments);
        }
    }
}

#[test]
fn calls_by_steps_keep_it_too() {
    let mut called = 0;
    let value = 1_u64;
    let arguments = [&raw const value; 12];
    // In registers alone, on as much of the stack as steps may fill, and with a result in memory.
    let large = Type::structure("large").field("a", Type::I64).field("b", Type::I64);
    let large = large.field("c", Type::I64).build().expect("a structure");
    for (result, count) in [(Type::I64, 2), (Type::I64, 12), (Type::F64, 12), (large, 3)] {
        for ty in [Type::I64, Type::I8, Type::F64, Type::F32] {
            let types = core::iter::repeat_n(ty, count);
            let signature = Signature::new(Convention::Win64(Win64::Msvc), result.clone(), types);
            let plan = plan(Win64::Msvc, &signature.expect("a C signature")).expect("a plan");
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
    let abi = Win64Abi(Win64::Msvc);
    let header = CallbackHeader { dispatch: clobbers };
    let table = abi.thunks().expect("x86-64");
    let vector = |lanes| Type::vector(Scalar::F64, lanes).expect("a vector");
    let types = [Type::I64, Type::F64, vector(2), vector(4), vector(8)];
    for (index, ty) in [0, table.count() - 1].into_iter().cycle().zip(types) {
        if check_vector_size(ty.size() as u8).is_err() {
            continue;
        }
        let signature = Signature::new(Convention::Win64(Win64::Msvc), ty.clone(), [ty]);
        let plan = plan(Win64::Msvc, &signature.expect("a C signature")).expect("a plan");
        let handler = abi.callback_handler(&plan).expect("x86-64");
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
