/* Callbacks: the argument registers are saved to an image, and Rust is called with it.

   Read from the outside in: C calls a thunk, the thunk jumps to its slot's handler with r10 at
   the slot (r10 and r11 are scratch at a function's entry, psABI 3.2.1), and the handler calls
   slot->context->dispatch. */

/* handler: r10 is the slot, everything else is as C left it at the call.

       rbp + 16   the caller's stack area
       rbp + 8    return address
       rbp        caller's rbp
                  struct Returned, zeroed    at rsp + RETURNED
                  struct Registers           at rsp + SHADOW
       rsp        (COFF: shadow space for dispatch, and its fifth argument)

   Calls dispatch(context, registers, stack area, returned, slot), which follows the platform's
   own convention, and then loads every return register. Without `vector` the vector registers are
   not saved: no argument is in them. */
.set SHADOW, 48 * IS_COFF
.set RETURNED, SHADOW + REGISTERS_SIZE
.set FRAME, RETURNED + RETURNED_SIZE

/* From C's call to the saved general registers. */
.macro ENTER_HANDLER frame
    push rbp
    CFI def_cfa_offset 16
    CFI offset rbp, -16
    SEH pushreg rbp
    mov rbp, rsp
    CFI def_cfa_register rbp
    SEH setframe rbp, 0
    sub rsp, \frame
    SEH stackalloc \frame
    SEH endprologue

    mov [rsp + SHADOW + GENERAL + 0], rdi
    mov [rsp + SHADOW + GENERAL + 8], rsi
    mov [rsp + SHADOW + GENERAL + 16], rdx
    mov [rsp + SHADOW + GENERAL + 24], rcx
    mov [rsp + SHADOW + GENERAL + 32], r8
    mov [rsp + SHADOW + GENERAL + 40], r9
.endm

/* Calls dispatch, and loads the general return registers of what it left at rsp + `returned`. */
.macro DISPATCH returned
.if IS_COFF
    mov rcx, [r10 + SLOT_CONTEXT]
    lea rdx, [rsp + SHADOW]
    lea r8, [rbp + 16]
    lea r9, [rsp + \returned]
    mov [rsp + 32], r10
    call [rcx + CONTEXT_DISPATCH]
.else
    mov rdi, [r10 + SLOT_CONTEXT]
    mov rsi, rsp
    lea rdx, [rbp + 16]
    lea rcx, [rsp + \returned]
    mov r8, r10
    call [rdi + CONTEXT_DISPATCH]
.endif
    mov rax, [rsp + \returned + RETURN_GENERAL + 0]
    mov rdx, [rsp + \returned + RETURN_GENERAL + 8]
.endm

.macro LEAVE_HANDLER
    lea rsp, [rbp]
    pop rbp
    CFI def_cfa rsp, 8
    ret
.endm

.macro HANDLER vector
    ENTER_HANDLER FRAME
.if \vector
    /* Two at a time: a struct of two doubles is then read as it was stored, in one piece. Nobody
       needs the registers afterwards. */
    unpcklpd xmm0, xmm1
    movupd [rsp + SHADOW + VECTOR + 0], xmm0
    unpcklpd xmm2, xmm3
    movupd [rsp + SHADOW + VECTOR + 16], xmm2
    unpcklpd xmm4, xmm5
    movupd [rsp + SHADOW + VECTOR + 32], xmm4
    unpcklpd xmm6, xmm7
    movupd [rsp + SHADOW + VECTOR + 48], xmm6
.endif
    xorps xmm15, xmm15
    movups [rsp + RETURNED + 0], xmm15
    movups [rsp + RETURNED + 16], xmm15
    DISPATCH RETURNED
    movsd xmm0, qword ptr [rsp + RETURNED + RETURN_VECTOR + 0]
    movsd xmm1, qword ptr [rsp + RETURNED + RETURN_VECTOR + 8]
    LEAVE_HANDLER
.endm

FUNCTION $callback_general
    HANDLER 0
END $callback_general

FUNCTION $callback_vector
    HANDLER 1
END $callback_vector

THUNKS
