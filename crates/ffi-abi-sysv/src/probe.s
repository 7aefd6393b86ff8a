/* A caller and a callee of the System V convention that use all that a function may use.

   ffi_test_sysv_probe(rdi: function, rsi: six arguments) -> eax: a bit for each thing that the
   function did not keep. From bit 0 on rbx, rbp, r12 to r15; from bit 16 on the direction flag,
   the control bits of mxcsr, those of x87, rsp, and the stack above 64 bytes of arguments. Bits 24
   to 27: how many registers of x87 it left in use. */
.globl ffi_test_sysv_probe
ffi_test_sysv_probe:
.irp reg, rbx, rbp, r12, r13, r14, r15
    push \reg
.endr
    sub rsp, 248
    stmxcsr [rsp + 192]
    fnstcw [rsp + 196]
    /* Round up, in both units. */
    mov dword ptr [rsp + 200], 0x5f80
    ldmxcsr [rsp + 200]
    mov word ptr [rsp + 200], 0xb7f
    fldcw [rsp + 200]
    mov [rsp + 208], rsp
    mov rax, 0x5ca1ab1e0ddba11
.set at, 64
.rept 16
    mov [rsp + at], rax
.set at, at + 8
.endr
.set value, 0x101
.irp reg, rbx, rbp, r12, r13, r14, r15
    mov \reg, value
.set value, value + 0x101
.endr
    mov r10, rdi
    mov r11, rsi
    mov rdi, [r11]
    mov rsi, [r11 + 8]
    mov rdx, [r11 + 16]
    mov rcx, [r11 + 24]
    mov r8, [r11 + 32]
    mov r9, [r11 + 40]
    call r10
    xor eax, eax
.set value, 0x101
.set bit, 1
.irp reg, rbx, rbp, r12, r13, r14, r15
    cmp \reg, value
    je 1f
    or eax, bit
1:
.set value, value + 0x101
.set bit, bit * 2
.endr
    pushfq
    pop rcx
    cld
    test ecx, 0x400
    jz 1f
    or eax, 1 << 16
1:  stmxcsr [rsp + 200]
    mov ecx, [rsp + 200]
    and ecx, 0xffc0
    cmp ecx, 0x5f80
    je 1f
    or eax, 1 << 17
1:  fnstcw [rsp + 200]
    cmp word ptr [rsp + 200], 0xb7f
    je 1f
    or eax, 1 << 18
1:  cmp rsp, [rsp + 208]
    je 1f
    or eax, 1 << 19
1:  mov rcx, 0x5ca1ab1e0ddba11
.set at, 64
.rept 16
    cmp [rsp + at], rcx
    je 1f
    or eax, 1 << 20
1:
.set at, at + 8
.endr
    /* Two bits for each register of x87, both set where it is empty. */
    fnstenv [rsp + 216]
    movzx ecx, word ptr [rsp + 216 + 8]
.rept 8
    mov edx, ecx
    and edx, 3
    cmp edx, 3
    je 1f
    add eax, 1 << 24
1:  shr ecx, 2
.endr
    fninit
    fldcw [rsp + 196]
    ldmxcsr [rsp + 192]
    add rsp, 248
.irp reg, r15, r14, r13, r12, rbp, rbx
    pop \reg
.endr
    ret

/* Change all that a function may change, and what it may not too, for a while. The first two leave
   a result in registers of x87. */
.globl ffi_test_sysv_clobber_st1
ffi_test_sysv_clobber_st1:
    fld1
.globl ffi_test_sysv_clobber_st0
ffi_test_sysv_clobber_st0:
    fldz
.globl ffi_test_sysv_clobber
ffi_test_sysv_clobber:
.irp reg, rbx, rbp, r12, r13, r14, r15
    push \reg
.endr
.irp reg, rbx, rbp, r12, r13, r14, r15, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11
    mov \reg, -1
.endr
.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    pcmpeqd xmm\n, xmm\n
.endr
.irp reg, r15, r14, r13, r12, rbp, rbx
    pop \reg
.endr
    ret
