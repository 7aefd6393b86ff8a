/* Calls whose result is in whole vector registers, for which Rust has no type. Callbacks need none
   of this: they load whole registers. */

/* call_wide(x0: plan, x1: arguments, x2: result, x3: function, x4: wide room, x5: fill)

   As call_stack of `call.S`, and then puts the return registers into room->returned. The frame is
   CALL_WITH_ROOM's. */
FUNCTION $call_wide
    CALL_WITH_ROOM
    ldr x9, [x20, #ROOM_RETURNED]
    stp x0, x1, [x9, #RETURN_GENERAL]
    stp q0, q1, [x9, #RETURN_VECTOR + 0]
    stp q2, q3, [x9, #RETURN_VECTOR + 32]
    LEAVE_ROOM
END $call_wide
