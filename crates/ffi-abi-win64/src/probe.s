/* A caller and a callee of the x64 convention that use all that a function may use.

   ffi_test_win64_probe(rcx: function, rdx: six arguments) -> eax: a bit for each thing that the
   function did not keep. From bit 0 on rbx, rbp, rdi, rsi, r12 to r15; from bit 8 on xmm6 to
   xmm15, whole; from bit 18 on the direction flag, the control bits of mxcsr, those of x87, rsp,
   and the stack above 96 bytes of arguments. Bits 24 to 27: how many registers of x87 it left in
   use. */
.globl ffi_test_win64_probe
ffi_test_win64_probe:
.irp reg, rbx, rbp, rdi, rsi, r12, r13, r14, r15
    push \reg
.endr
    sub rsp, 440
    stmxcsr [rsp + 384]
    fnstcw [rsp + 388]
    /* Round up, in both units. */
    mov dword ptr [rsp + 392], 0x5f80
    ldmxcsr [rsp + 392]
    mov word ptr [rsp + 392], 0xb7f
    fldcw [rsp + 392]
    mov [rsp + 400], rsp
    mov rax, 0x5ca1ab1e0ddba11
.set at, 96
.rept 16
    mov [rsp + at], rax
.set at, at + 8
.endr
.irp n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movups [rsp + 224 + 16 * (\n - 6)], xmm\n
    mov eax, 0x10000 + \n
    movq xmm\n, rax
    punpcklqdq xmm\n, xmm\n
.endr
.set value, 0x101
.irp reg, rbx, rbp, rdi, rsi, r12, r13, r14, r15
    mov \reg, value
.set value, value + 0x101
.endr
    mov r10, rcx
    mov r11, rdx
    mov rax, [r11 + 32]
    mov [rsp + 32], rax
    mov rax, [r11 + 40]
    mov [rsp + 40], rax
    mov rcx, [r11]
    mov rdx, [r11 + 8]
    mov r8, [r11 + 16]
    mov r9, [r11 + 24]
    call r10
    xor eax, eax
.set value, 0x101
.set bit, 1
.irp reg, rbx, rbp, rdi, rsi, r12, r13, r14, r15
    cmp \reg, value
    je 1f
    or eax, bit
1:
.set value, value + 0x101
.set bit, bit * 2
.endr
.irp n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movq rcx, xmm\n
    psrldq xmm\n, 8
    movq rdx, xmm\n
    sub rcx, 0x10000 + \n
    sub rdx, 0x10000 + \n
    or rcx, rdx
    je 1f
    or eax, bit
1:
.set bit, bit * 2
    movups xmm\n, [rsp + 224 + 16 * (\n - 6)]
.endr
    pushfq
    pop rcx
    cld
    test ecx, 0x400
    jz 1f
    or eax, 1 << 18
1:  stmxcsr [rsp + 392]
    mov ecx, [rsp + 392]
    and ecx, 0xffc0
    cmp ecx, 0x5f80
    je 1f
    or eax, 1 << 19
1:  fnstcw [rsp + 392]
    cmp word ptr [rsp + 392], 0xb7f
    je 1f
    or eax, 1 << 20
1:  cmp rsp, [rsp + 400]
    je 1f
    or eax, 1 << 21
1:  mov rcx, 0x5ca1ab1e0ddba11
.set at, 96
.rept 16
    cmp [rsp + at], rcx
    je 1f
    or eax, 1 << 22
1:
.set at, at + 8
.endr
    /* Two bits for each register of x87, both set where it is empty. */
    fnstenv [rsp + 408]
    movzx ecx, word ptr [rsp + 408 + 8]
.rept 8
    mov edx, ecx
    and edx, 3
    cmp edx, 3
    je 1f
    add eax, 1 << 24
1:  shr ecx, 2
.endr
    fninit
    fldcw [rsp + 388]
    ldmxcsr [rsp + 384]
    add rsp, 440
.irp reg, r15, r14, r13, r12, rsi, rdi, rbp, rbx
    pop \reg
.endr
    ret

/* Changes all that a function may change, and what it may not too, for a while. */
.globl ffi_test_win64_clobber
ffi_test_win64_clobber:
.irp reg, rbx, rbp, rdi, rsi, r12, r13, r14, r15
    push \reg
.endr
    sub rsp, 160
.irp n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movups [rsp + 16 * (\n - 6)], xmm\n
.endr
.irp reg, rbx, rbp, rdi, rsi, r12, r13, r14, r15, rax, rcx, rdx, r8, r9, r10, r11
    mov \reg, -1
.endr
.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    pcmpeqd xmm\n, xmm\n
.endr
    /* The shadow space is the callee's. */
.irp offset, 0, 8, 16, 24
    mov [rsp + 160 + 64 + 8 + \offset], rax
.endr
.irp n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movups xmm\n, [rsp + 16 * (\n - 6)]
.endr
    add rsp, 160
.irp reg, r15, r14, r13, r12, rsi, rdi, rbp, rbx
    pop \reg
.endr
    ret
