/* Callbacks: the argument registers are saved to an image, and Rust is called with it.

   Read from the outside in: C calls a thunk, the thunk jumps to its slot's handler with x17 at
   the slot, and the handler calls slot->context->dispatch. */

/* handler: x17 is the slot, everything else is as C left it at the call.

       x29 + 16   the caller's stack area
       x29 + 8    return address, signed
       x29        caller's x29
                  struct Returned, zeroed    at sp + REGISTERS_SIZE
       sp         struct Registers

   Calls dispatch(x0: context, x1: registers, x2: stack area, x3: returned, x4: slot), then loads
   every return register. dispatch keeps x19 to x28 and the low halves of v8 to v15, which are the
   caller's. Without `vector` the vector registers are not saved: no argument is in them. */
.set FRAME, REGISTERS_SIZE + RETURNED_SIZE
.set RETURNED, REGISTERS_SIZE

.macro HANDLER vector
    SIGN_LR
    stp x29, x30, [sp, #-16]!
    CFI def_cfa_offset 16
    CFI offset x29, -16
    CFI offset x30, -8
    SEH save_fplr_x 16
    mov x29, sp
    CFI def_cfa_register x29
    SEH set_fp
    sub sp, sp, #FRAME
    SEH stackalloc FRAME
    SEH endprologue

    stp x0, x1, [sp, #GENERAL + 0]
    stp x2, x3, [sp, #GENERAL + 16]
    stp x4, x5, [sp, #GENERAL + 32]
    stp x6, x7, [sp, #GENERAL + 48]
    str x8, [sp, #GENERAL + 64]
.if \vector
    stp q0, q1, [sp, #VECTOR + 0]
    stp q2, q3, [sp, #VECTOR + 32]
    stp q4, q5, [sp, #VECTOR + 64]
    stp q6, q7, [sp, #VECTOR + 96]
.endif
    stp xzr, xzr, [sp, #RETURNED + 0]
    stp xzr, xzr, [sp, #RETURNED + 16]
    stp xzr, xzr, [sp, #RETURNED + 32]
    stp xzr, xzr, [sp, #RETURNED + 48]
    stp xzr, xzr, [sp, #RETURNED + 64]

    ldr x0, [x17, #SLOT_CONTEXT]
    mov x1, sp
    add x2, x29, #16
    add x3, sp, #RETURNED
    mov x4, x17
    ldr x9, [x0, #CONTEXT_DISPATCH]
    blr x9

    ldp x0, x1, [sp, #RETURNED + RETURN_GENERAL]
    ldp q0, q1, [sp, #RETURNED + RETURN_VECTOR + 0]
    ldp q2, q3, [sp, #RETURNED + RETURN_VECTOR + 32]
    SEH startepilogue
    mov sp, x29
    CFI def_cfa_register sp
    SEH set_fp
    ldp x29, x30, [sp], #16
    CFI def_cfa_offset 0
    CFI restore x29
    CFI restore x30
    SEH save_fplr_x 16
    AUTHENTICATE_LR
    SEH endepilogue
    ret
.endm

FUNCTION $callback_general
    HANDLER 0
END $callback_general

FUNCTION $callback_vector
    HANDLER 1
END $callback_vector

THUNKS
