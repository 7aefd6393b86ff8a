/* Calls whose result is in whole vector registers: what call_stack of `call.S` does, for the results
   that Rust has no type for. Callbacks need none of this: they load whole registers. */

/* call_wide(x0: plan, x1: arguments, x2: result, x3: function, x4: room, x5: fill)

   Makes room for the image, has it filled by fill(x0: plan, x1: arguments, x2: result, x3: image),
   loads the registers from its lower part, calls with its upper part as the stack area, and puts
   the return registers into room->returned.

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
FUNCTION $call_wide
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

    ldr x9, [x20, #ROOM_RETURNED]
    stp x0, x1, [x9, #RETURN_GENERAL]
    stp q0, q1, [x9, #RETURN_VECTOR + 0]
    stp q2, q3, [x9, #RETURN_VECTOR + 32]

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
END $call_wide
