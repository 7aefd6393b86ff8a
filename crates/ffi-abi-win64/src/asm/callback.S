/* Callbacks: the argument registers are saved to an image, and Rust is called with it.

   Read from the outside in: C calls a thunk, the thunk jumps to its slot's handler with r10 at
   the slot (r10 and r11 are volatile and carry no argument), and the handler calls
   slot->context->dispatch. */

/* handler: r10 is the slot, everything else is as C left it at the call.

       rbp + 16   the caller's stack area; its first 32 bytes are our shadow space
       rbp + 8    return address
       rbp        caller's rbp
       rbp - 8    caller's rdi                (not on COFF)
       rbp - 16   caller's rsi                (not on COFF)
                  caller's xmm6 to xmm15      at rsp + SAVED (not on COFF)
                  struct Returned, zeroed     at rsp + RETURNED
                  struct Registers            at rsp + SHADOW
       rsp        (COFF: shadow space for dispatch, and its fifth argument)

   Calls dispatch(context, registers, stack area, returned, slot), which follows the platform's
   own convention, and then loads every return register. Where that convention is System V, it lets
   the callee change rdi, rsi and xmm6 to xmm15, which belong to our caller. Without `vector` the
   vector argument registers are not saved: no argument is in them. `move` loads `register`, xmm0
   or one that it is a part of, from `result` in struct Returned. */
.set SHADOW, (SHADOW_SPACE + 16) * IS_COFF
.set RETURNED, SHADOW + REGISTERS_SIZE
.set SAVED, RETURNED + RETURNED_SIZE
.set FRAME, SAVED + 160 * (1 - IS_COFF)

.macro HANDLER vector, move, register, result
    push rbp
    CFI def_cfa_offset 16
    CFI offset rbp, -16
    SEH pushreg rbp
    mov rbp, rsp
    CFI def_cfa_register rbp
    SEH setframe rbp, 0
.if IS_COFF == 0
    push rdi
    CFI offset rdi, -24
    push rsi
    CFI offset rsi, -32
.endif
    sub rsp, FRAME
    SEH stackalloc FRAME
    SEH endprologue
.if IS_COFF == 0
    movaps [rsp + SAVED + 0], xmm6
    movaps [rsp + SAVED + 16], xmm7
    movaps [rsp + SAVED + 32], xmm8
    movaps [rsp + SAVED + 48], xmm9
    movaps [rsp + SAVED + 64], xmm10
    movaps [rsp + SAVED + 80], xmm11
    movaps [rsp + SAVED + 96], xmm12
    movaps [rsp + SAVED + 112], xmm13
    movaps [rsp + SAVED + 128], xmm14
    movaps [rsp + SAVED + 144], xmm15
    /* For debuggers: the unwinders here know no vector registers, and no panic gets this far. */
    CFI offset xmm6, -192
    CFI offset xmm7, -176
    CFI offset xmm8, -160
    CFI offset xmm9, -144
    CFI offset xmm10, -128
    CFI offset xmm11, -112
    CFI offset xmm12, -96
    CFI offset xmm13, -80
    CFI offset xmm14, -64
    CFI offset xmm15, -48
.endif

    mov [rsp + SHADOW + GENERAL + 0], rcx
    mov [rsp + SHADOW + GENERAL + 8], rdx
    mov [rsp + SHADOW + GENERAL + 16], r8
    mov [rsp + SHADOW + GENERAL + 24], r9
.if \vector
    movsd qword ptr [rsp + SHADOW + VECTOR + 0], xmm0
    movsd qword ptr [rsp + SHADOW + VECTOR + 8], xmm1
    movsd qword ptr [rsp + SHADOW + VECTOR + 16], xmm2
    movsd qword ptr [rsp + SHADOW + VECTOR + 24], xmm3
.endif
    xor eax, eax
.set at, RETURNED
.rept (SAVED - RETURNED) / 8
    mov [rsp + at], rax
.set at, at + 8
.endr

.if IS_COFF
    mov rcx, [r10 + SLOT_CONTEXT]
    lea rdx, [rsp + SHADOW]
    lea r8, [rbp + 16]
    lea r9, [rsp + RETURNED]
    mov [rsp + 32], r10
    call [rcx + CONTEXT_DISPATCH]
.else
    mov rdi, [r10 + SLOT_CONTEXT]
    lea rsi, [rsp + SHADOW]
    lea rdx, [rbp + 16]
    lea rcx, [rsp + RETURNED]
    mov r8, r10
    call [rdi + CONTEXT_DISPATCH]
.endif

    mov rax, [rsp + RETURNED + RETURN_GENERAL]
    \move \register, [rsp + RETURNED + \result]
.if IS_COFF == 0
    movaps xmm6, [rsp + SAVED + 0]
    CFI restore xmm6
    movaps xmm7, [rsp + SAVED + 16]
    CFI restore xmm7
    movaps xmm8, [rsp + SAVED + 32]
    CFI restore xmm8
    movaps xmm9, [rsp + SAVED + 48]
    CFI restore xmm9
    movaps xmm10, [rsp + SAVED + 64]
    CFI restore xmm10
    movaps xmm11, [rsp + SAVED + 80]
    CFI restore xmm11
    movaps xmm12, [rsp + SAVED + 96]
    CFI restore xmm12
    movaps xmm13, [rsp + SAVED + 112]
    CFI restore xmm13
    movaps xmm14, [rsp + SAVED + 128]
    CFI restore xmm14
    movaps xmm15, [rsp + SAVED + 144]
    CFI restore xmm15
    mov rsi, [rbp - 16]
    mov rdi, [rbp - 8]
.endif
    lea rsp, [rbp]
    pop rbp
    CFI def_cfa rsp, 8
    ret
.endm

FUNCTION $callback_general
    HANDLER 0, movsd, xmm0, RETURN_VECTOR
END $callback_general

FUNCTION $callback_vector
    HANDLER 1, movsd, xmm0, RETURN_VECTOR
END $callback_vector

THUNKS
