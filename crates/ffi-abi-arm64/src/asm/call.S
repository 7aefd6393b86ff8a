/* Calls: the argument registers are loaded from an image, and the function is called.

   None of these knows a signature. The return registers pass through untouched, so that Rust
   declares each entry once per kind of result and receives x0, x1 and v0 to v3 as the convention
   returns them. x16 and x17 are scratch between a call and its function (AAPCS64 6.1.1), x18 is
   the platform's and is not touched. */

/* Loads the general argument registers, and x8, from the image at x17. */
.macro LOAD_GENERAL
    ldp x0, x1, [x17, #GENERAL + 0]
    ldp x2, x3, [x17, #GENERAL + 16]
    ldp x4, x5, [x17, #GENERAL + 32]
    ldp x6, x7, [x17, #GENERAL + 48]
    ldr x8, [x17, #GENERAL + 64]
.endm

/* Loads the vector argument registers from the image at x17. */
.macro LOAD_VECTOR
    ldp q0, q1, [x17, #VECTOR + 0]
    ldp q2, q3, [x17, #VECTOR + 32]
    ldp q4, q5, [x17, #VECTOR + 64]
    ldp q6, q7, [x17, #VECTOR + 96]
.endm

/* call_general(x0: image, x1: function)

   For calls without vector registers and stack arguments. There is nothing to put on the stack
   and nothing to do afterwards, so the function is jumped to and returns to our caller: no
   frame. A jump through x16 may land where a call may (BTI c). */
FUNCTION $call_general
    SEH endprologue
    mov x17, x0
    mov x16, x1
    LOAD_GENERAL
    br x16
END $call_general

/* call_vector(x0: image, x1: function)

   The same with vector registers. */
FUNCTION $call_vector
    SEH endprologue
    mov x17, x0
    mov x16, x1
    LOAD_VECTOR
    LOAD_GENERAL
    br x16
END $call_vector

/* What call_stack and call_wide share, whose parameters are
   (x0: plan, x1: arguments, x2: result, x3: function, x4: room, x5: fill): makes room for the
   image, has it filled by fill(x0: plan, x1: arguments, x2: result, x3: image), loads the registers
   from its lower part and calls with its upper part as the stack area.

       at the entry      after making room                    at the call
                         x29 + 24  caller's x20
                         x29 + 16  caller's x19
                         x29 + 8   return address, signed
       sp                x29       caller's x29               the same
                                   (up to align - 16 bytes)
                                   copies of arguments, and under them
                                   the stack area: room->size  sp: its lowest byte
                         sp        register file              (dead)

   x19 holds the function across the call of fill, and x20 the room across both. The stack area is
   aligned to room->align. */
.macro CALL_WITH_ROOM
    SIGN_LR
    stp x29, x30, [sp, #-32]!
    CFI def_cfa_offset 32
    CFI offset x29, -32
    CFI offset x30, -24
    SEH save_fplr_x 32
    stp x19, x20, [sp, #16]
    CFI offset x19, -16
    CFI offset x20, -8
    SEH save_regp x19, 16
    mov x29, sp
    CFI def_cfa_register x29
    SEH set_fp
    SEH endprologue
    mov x19, x3
    mov x20, x4

    ldr x9, [x4, #ROOM_SIZE]
    ldr x10, [x4, #ROOM_ALIGN]
    sub x9, x29, x9
    neg x10, x10
    and x9, x9, x10
    sub x9, x9, #REGISTERS_SIZE
    LOWER_STACK

    mov x3, sp
    blr x5
    mov x17, sp
    LOAD_VECTOR
    LOAD_GENERAL
    add sp, sp, #REGISTERS_SIZE
    blr x19
.endm

/* Returns from what CALL_WITH_ROOM began. */
.macro LEAVE_ROOM
    SEH startepilogue
    mov sp, x29
    CFI def_cfa_register sp
    SEH set_fp
    ldp x19, x20, [sp, #16]
    CFI restore x19
    CFI restore x20
    SEH save_regp x19, 16
    ldp x29, x30, [sp], #32
    CFI def_cfa_offset 0
    CFI restore x29
    CFI restore x30
    SEH save_fplr_x 32
    AUTHENTICATE_LR
    SEH endepilogue
    ret
.endm

/* call_stack(x0: plan, x1: arguments, x2: result, x3: function, x4: room, x5: fill)

   For calls with stack arguments and copies, of any size. The frame is CALL_WITH_ROOM's. */
FUNCTION $call_stack
    CALL_WITH_ROOM
    LEAVE_ROOM
END $call_stack
