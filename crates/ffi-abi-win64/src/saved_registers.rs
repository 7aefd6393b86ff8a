//! What belongs to the caller stays as it was: the assembly itself is called, without the Rust
//! around it, which would save registers that it clobbers.

use crate::registers::{Registers, Room, WideReturned, WideRoom};
use crate::trampoline::{call_general, call_stack, call_vector, call_wide};
use crate::{Win64Abi, plan};
use core::ffi::c_void;
use core::mem::MaybeUninit;
use ffi_types::{
    CallbackHeader, CallingConvention, Convention, Plan, Scalar, Signature, Slot, Type, Win64,
    check_vector_size,
};

// probe(rcx: function, rdx: six arguments) -> eax: a bit for each register that the function did
// not keep: rbx, rbp, rdi, rsi, r12 to r15, and from bit 16 on xmm6 to xmm15, whole.
core::arch::global_asm!(
    "ffi_test_win64_probe:",
    ".irp reg, rbx, rbp, rdi, rsi, r12, r13, r14, r15",
    "    push \\reg",
    ".endr",
    "    sub rsp, 232",
    ".irp n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15",
    "    movups [rsp + 64 + 16 * (\\n - 6)], xmm\\n",
    "    mov eax, 0x10000 + \\n",
    "    movq xmm\\n, rax",
    "    punpcklqdq xmm\\n, xmm\\n",
    ".endr",
    ".set value, 0x101",
    ".irp reg, rbx, rbp, rdi, rsi, r12, r13, r14, r15",
    "    mov \\reg, value",
    "    .set value, value + 0x101",
    ".endr",
    "    mov r10, rcx",
    "    mov r11, rdx",
    "    mov rax, [r11 + 32]",
    "    mov [rsp + 32], rax",
    "    mov rax, [r11 + 40]",
    "    mov [rsp + 40], rax",
    "    mov rcx, [r11]",
    "    mov rdx, [r11 + 8]",
    "    mov r8, [r11 + 16]",
    "    mov r9, [r11 + 24]",
    "    call r10",
    "    xor eax, eax",
    ".set value, 0x101",
    ".set bit, 1",
    ".irp reg, rbx, rbp, rdi, rsi, r12, r13, r14, r15",
    "    cmp \\reg, value",
    "    je 1f",
    "    or eax, bit",
    "1:",
    "    .set value, value + 0x101",
    "    .set bit, bit * 2",
    ".endr",
    ".set bit, 0x10000",
    ".irp n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15",
    "    movq rcx, xmm\\n",
    "    psrldq xmm\\n, 8",
    "    movq rdx, xmm\\n",
    "    sub rcx, 0x10000 + \\n",
    "    sub rdx, 0x10000 + \\n",
    "    or rcx, rdx",
    "    je 1f",
    "    or eax, bit",
    "1:",
    "    .set bit, bit * 2",
    "    movups xmm\\n, [rsp + 64 + 16 * (\\n - 6)]",
    ".endr",
    "    add rsp, 232",
    ".irp reg, r15, r14, r13, r12, rsi, rdi, rbp, rbx",
    "    pop \\reg",
    ".endr",
    "    ret",
    // Changes all that a function may change.
    "ffi_test_win64_clobber:",
    ".irp reg, rax, rcx, rdx, r8, r9, r10, r11",
    "    mov \\reg, -1",
    ".endr",
    ".irp n, 0, 1, 2, 3, 4, 5",
    "    pcmpeqd xmm\\n, xmm\\n",
    ".endr",
    "    ret",
);

// SAFETY: they are defined above.
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
    assert_eq!(changed, 0, "{changed:#034b}: bit 0 is rbx, bit 16 is xmm6");
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
