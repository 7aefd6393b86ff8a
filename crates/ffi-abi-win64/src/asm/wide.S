/* Calls and callbacks whose result is a whole vector register: what `call.S` and `callback.S` do,
   for plans that need it. Arguments never are: they are passed by reference. As wide as
   `vector_size` says and no wider: a processor without AVX never gets to see the instructions of
   32 and 64 bytes. */

/* call_wide(rcx: plan, rdx: arguments, r8: result, r9: function, [rsp + 40]: wide room,
             [rsp + 48]: fill)

   As call_stack, and then puts rax and the vector register into room->returned. The frame is
   CALL_WITH_ROOM's. */
FUNCTION $call_wide
    CALL_WITH_ROOM
    mov r11, [rbp + 48]
    mov r10, [r11 + ROOM_RETURNED]
    mov [r10 + RETURN_GENERAL], rax
    cmp dword ptr [r11 + ROOM_VECTOR_SIZE], 32
    ja 3f
    je 2f
    movups [r10 + WIDE_RETURN_VECTOR], xmm0
    jmp 5f
2:  vmovups [r10 + WIDE_RETURN_VECTOR], ymm0
    jmp 4f
3:  vmovups [r10 + WIDE_RETURN_VECTOR], zmm0
4:  vzeroupper              /* SSE code is slow while upper halves are in use. */
5:  LEAVE_ROOM
END $call_wide

/* The handlers of callbacks that return a vector register of 16, 32 or 64 bytes. */
.set RETURNED, SHADOW + REGISTERS_SIZE
.set SAVED, RETURNED + WIDE_RETURNED_SIZE
.set FRAME, SAVED + 160 * (1 - IS_COFF)

FUNCTION $callback_xmm
    HANDLER 1, movups, xmm0, WIDE_RETURN_VECTOR
END $callback_xmm

FUNCTION $callback_ymm
    HANDLER 1, vmovups, ymm0, WIDE_RETURN_VECTOR
END $callback_ymm

FUNCTION $callback_zmm
    HANDLER 1, vmovups, zmm0, WIDE_RETURN_VECTOR
END $callback_zmm
