//! What belongs to the caller stays as it was: the assembly itself is called, without the Rust
//! around it, which would save registers that it clobbers.

use crate::registers::{Registers, Returned, Room, WideRoom};
use crate::trampoline::{call_general, call_stack, call_vector, call_wide};
use crate::{Arm64Abi, plan};
use core::ffi::c_void;
use ffi_types::{
    Aapcs64, CallbackHeader, CallingConvention, Convention, Plan, Signature, Slot, Type,
};

#[cfg(target_vendor = "apple")]
macro_rules! symbol {
    ($name:literal) => {
        concat!("_", $name)
    };
}
#[cfg(not(target_vendor = "apple"))]
macro_rules! symbol {
    ($name:literal) => {
        $name
    };
}

// probe(x0: function, x1: six arguments) -> w0: a bit for each register that the function did not
// keep: x19 to x29, and from bit 16 on d8 to d15. Bit 30 is sp.
core::arch::global_asm!(
    concat!(symbol!("ffi_test_arm64_probe"), ":"),
    "    stp x29, x30, [sp, #-176]!",
    "    stp x19, x20, [sp, #16]",
    "    stp x21, x22, [sp, #32]",
    "    stp x23, x24, [sp, #48]",
    "    stp x25, x26, [sp, #64]",
    "    stp x27, x28, [sp, #80]",
    "    stp d8, d9, [sp, #96]",
    "    stp d10, d11, [sp, #112]",
    "    stp d12, d13, [sp, #128]",
    "    stp d14, d15, [sp, #144]",
    "    mov x9, sp",
    "    str x9, [sp, #160]",
    ".irp n, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29",
    "    mov x\\n, #0x100 + \\n",
    ".endr",
    ".irp n, 8, 9, 10, 11, 12, 13, 14, 15",
    "    mov x9, #0x200 + \\n",
    "    fmov d\\n, x9",
    ".endr",
    "    mov x16, x0",
    "    mov x9, x1",
    "    ldp x0, x1, [x9]",
    "    ldp x2, x3, [x9, #16]",
    "    ldp x4, x5, [x9, #32]",
    "    blr x16",
    "    mov w0, #0",
    ".irp n, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29",
    "    cmp x\\n, #0x100 + \\n",
    "    b.eq 1f",
    "    orr w0, w0, #1 << (\\n - 19)",
    "1:",
    ".endr",
    ".irp n, 8, 9, 10, 11, 12, 13, 14, 15",
    "    fmov x9, d\\n",
    "    cmp x9, #0x200 + \\n",
    "    b.eq 1f",
    "    orr w0, w0, #1 << (\\n + 8)",
    "1:",
    ".endr",
    "    mov x9, sp",
    "    ldr x10, [sp, #160]",
    "    cmp x9, x10",
    "    b.eq 1f",
    "    orr w0, w0, #1 << 30",
    "1:",
    "    ldp x19, x20, [sp, #16]",
    "    ldp x21, x22, [sp, #32]",
    "    ldp x23, x24, [sp, #48]",
    "    ldp x25, x26, [sp, #64]",
    "    ldp x27, x28, [sp, #80]",
    "    ldp d8, d9, [sp, #96]",
    "    ldp d10, d11, [sp, #112]",
    "    ldp d12, d13, [sp, #128]",
    "    ldp d14, d15, [sp, #144]",
    "    ldp x29, x30, [sp], #176",
    "    ret",
    // Changes all that a function may change, but for x18, which is the platform's.
    concat!(symbol!("ffi_test_arm64_clobber"), ":"),
    ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17",
    "    mov x\\n, #-1",
    ".endr",
    ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31",
    "    movi v\\n\\().16b, #255",
    ".endr",
    "    ret",
);

// SAFETY: they are defined above.
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
    assert_eq!(changed, 0, "{changed:#034b}: bit 0 is x19, bit 16 is d8, bit 30 is sp");
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
