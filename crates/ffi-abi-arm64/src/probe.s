/* A caller and a callee of the AArch64 conventions that use all that a function may use. Each has
   two names, as some object formats have underscores.

   ffi_test_arm64_probe(x0: function, x1: six arguments) -> w0: a bit for each thing that the
   function did not keep: from bit 0 on x19 to x29, from bit 16 on d8 to d15; from bit 28 on the
   stack above 64 bytes of arguments, FPCR, and sp. */
.globl ffi_test_arm64_probe, _ffi_test_arm64_probe
ffi_test_arm64_probe:
_ffi_test_arm64_probe:
    sub sp, sp, #368
    stp x29, x30, [sp, #192]
    stp x19, x20, [sp, #208]
    stp x21, x22, [sp, #224]
    stp x23, x24, [sp, #240]
    stp x25, x26, [sp, #256]
    stp x27, x28, [sp, #272]
    stp d8, d9, [sp, #288]
    stp d10, d11, [sp, #304]
    stp d12, d13, [sp, #320]
    stp d14, d15, [sp, #336]
    mov x9, sp
    mrs x10, fpcr
    stp x9, x10, [sp, #352]
    /* Round up, and one NaN for all. */
    mov x10, #0x2400000
    msr fpcr, x10
    movz x9, #0xba11
    movk x9, #0xe0dd, lsl #16
    movk x9, #0x1ab1, lsl #32
    movk x9, #0x5ca, lsl #48
.irp at, 64, 80, 96, 112, 128, 144, 160, 176
    stp x9, x9, [sp, #\at]
.endr
.irp n, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
    mov x\n, #0x100 + \n
.endr
.irp n, 8, 9, 10, 11, 12, 13, 14, 15
    mov x9, #0x200 + \n
    fmov d\n, x9
.endr
    mov x16, x0
    mov x9, x1
    ldp x0, x1, [x9]
    ldp x2, x3, [x9, #16]
    ldp x4, x5, [x9, #32]
    blr x16
    mov w0, #0
.irp n, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
    cmp x\n, #0x100 + \n
    b.eq 1f
    orr w0, w0, #1 << (\n - 19)
1:
.endr
.irp n, 8, 9, 10, 11, 12, 13, 14, 15
    fmov x9, d\n
    cmp x9, #0x200 + \n
    b.eq 1f
    orr w0, w0, #1 << (\n + 8)
1:
.endr
    mov x9, sp
    ldp x10, x12, [sp, #352]
    cmp x9, x10
    b.eq 1f
    orr w0, w0, #1 << 30
1:  mrs x9, fpcr
    mov x10, #0x2400000
    cmp x9, x10
    b.eq 1f
    orr w0, w0, #1 << 29
1:  msr fpcr, x12
    movz x9, #0xba11
    movk x9, #0xe0dd, lsl #16
    movk x9, #0x1ab1, lsl #32
    movk x9, #0x5ca, lsl #48
.irp at, 64, 80, 96, 112, 128, 144, 160, 176
    ldp x10, x11, [sp, #\at]
    cmp x10, x9
    ccmp x11, x9, #0, eq
    b.eq 1f
    orr w0, w0, #1 << 28
1:
.endr
    ldp x29, x30, [sp, #192]
    ldp x19, x20, [sp, #208]
    ldp x21, x22, [sp, #224]
    ldp x23, x24, [sp, #240]
    ldp x25, x26, [sp, #256]
    ldp x27, x28, [sp, #272]
    ldp d8, d9, [sp, #288]
    ldp d10, d11, [sp, #304]
    ldp d12, d13, [sp, #320]
    ldp d14, d15, [sp, #336]
    add sp, sp, #368
    ret

/* Changes all that a function may change, but for x18, which is the platform's; and what it may not
   change too, for a while. */
.globl ffi_test_arm64_clobber, _ffi_test_arm64_clobber
ffi_test_arm64_clobber:
_ffi_test_arm64_clobber:
    sub sp, sp, #160
    stp x29, x30, [sp, #0]
    stp x19, x20, [sp, #16]
    stp x21, x22, [sp, #32]
    stp x23, x24, [sp, #48]
    stp x25, x26, [sp, #64]
    stp x27, x28, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
    mov x\n, #-1
.endr
.irp n, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
    mov x\n, #-1
.endr
.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movi v\n\().16b, #255
.endr
.irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    movi v\n\().16b, #255
.endr
    ldp x29, x30, [sp, #0]
    ldp x19, x20, [sp, #16]
    ldp x21, x22, [sp, #32]
    ldp x23, x24, [sp, #48]
    ldp x25, x26, [sp, #64]
    ldp x27, x28, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    add sp, sp, #160
    ret
