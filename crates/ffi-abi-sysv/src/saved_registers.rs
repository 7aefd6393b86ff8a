//! What belongs to the caller stays as it was: the assembly itself is called, without the Rust
//! around it, which would save registers that it clobbers.

use crate::registers::{Registers, Room, WideReturned, WideRoom};
use crate::trampoline::{call_general, call_stack, call_vector, call_wide};
use crate::{SysV, plan};
use core::ffi::c_void;
use core::mem::MaybeUninit;
use ffi_types::{
    CallbackHeader, CallingConvention, Convention, Plan, Scalar, Signature, Slot, Type,
    check_vector_size,
};

// probe(rdi: function, rsi: six arguments) -> eax: a bit for each register that the function did
// not keep: rbx, rbp, r12 to r15.
core::arch::global_asm!(
    "ffi_test_sysv_probe:",
    ".irp reg, rbx, rbp, r12, r13, r14, r15",
    "    push \\reg",
    ".endr",
    "    sub rsp, 8",
    ".set value, 0x101",
    ".irp reg, rbx, rbp, r12, r13, r14, r15",
    "    mov \\reg, value",
    "    .set value, value + 0x101",
    ".endr",
    "    mov r10, rdi",
    "    mov r11, rsi",
    "    mov rdi, [r11]",
    "    mov rsi, [r11 + 8]",
    "    mov rdx, [r11 + 16]",
    "    mov rcx, [r11 + 24]",
    "    mov r8, [r11 + 32]",
    "    mov r9, [r11 + 40]",
    "    call r10",
    "    xor eax, eax",
    ".set value, 0x101",
    ".set bit, 1",
    ".irp reg, rbx, rbp, r12, r13, r14, r15",
    "    cmp \\reg, value",
    "    je 1f",
    "    or eax, bit",
    "1:",
    "    .set value, value + 0x101",
    "    .set bit, bit * 2",
    ".endr",
    "    add rsp, 8",
    ".irp reg, r15, r14, r13, r12, rbp, rbx",
    "    pop \\reg",
    ".endr",
    "    ret",
    // Changes all that a function may change.
    "ffi_test_sysv_clobber:",
    ".irp reg, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11",
    "    mov \\reg, -1",
    ".endr",
    ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15",
    "    pcmpeqd xmm\\n, xmm\\n",
    ".endr",
    "    ret",
);

// SAFETY: they are defined above.
unsafe extern "sysv64" {
    #[link_name = "ffi_test_sysv_probe"]
    fn probe(function: *const c_void, arguments: &[u64; 6]) -> u32;
    #[link_name = "ffi_test_sysv_clobber"]
    fn clobber();
}

/// The platform's own convention has the function keep these or more.
unsafe extern "C-unwind" fn clobbers(
    _: *const CallbackHeader,
    _: *mut u8,
    _: *const u8,
    _: *mut u8,
    _: *const Slot,
) {
    // SAFETY: Rust saves what the other convention does not.
    unsafe { clobber() };
}

unsafe extern "sysv64" fn fill(
    _: &Plan,
    _: *const *const c_void,
    _: *mut c_void,
    _: *mut Registers,
) -> u32 {
    8
}

fn kept(function: *const c_void, arguments: [u64; 6]) {
    // SAFETY: the caller's function takes these.
    let changed = unsafe { probe(function, &arguments) };
    assert_eq!(changed, 0, "{changed:#08b}: bit 0 is rbx");
}

#[test]
fn calls_keep_what_the_function_keeps() {
    let registers = Registers::default();
    let (image, function) = (&raw const registers as u64, clobber as *const () as u64);
    kept(call_general as *const c_void, [image, function, 0, 0, 0, 0]);
    kept(call_vector as *const c_void, [image, function, 8, 0, 0, 0]);
    for (size, align) in [(16, 16), (48, 16), (64, 64), (100_000, 32)] {
        let mut returned = MaybeUninit::<WideReturned>::uninit();
        let returned = returned.as_mut_ptr();
        for vector_size in [16, 32, 64].into_iter().filter(|&size| check_vector_size(size).is_ok())
        {
            let vector_size = vector_size.into();
            let room = Room { size, align };
            let room = WideRoom { room, returned, vector_size, x87: 0 };
            let (room, fill) = (&raw const room as u64, fill as *const () as u64);
            kept(call_stack as *const c_void, [0, 0, 0, function, room, fill]);
            kept(call_wide as *const c_void, [0, 0, 0, function, room, fill]);
        }
    }
}

#[test]
fn callbacks_keep_what_belongs_to_their_caller() {
    let header = CallbackHeader { dispatch: clobbers };
    let table = SysV.thunks().expect("x86-64");
    let vector = |lanes| Type::vector(Scalar::F64, lanes).expect("a vector");
    let types = [Type::I64, Type::F64, vector(2), vector(4), vector(8)];
    for (index, ty) in [0, table.count() - 1].into_iter().cycle().zip(types) {
        if check_vector_size(ty.size() as u8).is_err() {
            continue;
        }
        let signature = Signature::new(Convention::SysV, ty.clone(), [ty]);
        let plan = plan(&signature.expect("a C signature")).expect("a plan");
        let handler = SysV.callback_handler(&plan).expect("x86-64");
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
