/* Calls and callbacks whose result is a whole vector register: what `call.S` and `callback.S` do,
   for plans that need it. Arguments never are: they are passed by reference. As wide as
   `vector_size` says and no wider: a processor without AVX never gets to see the instructions of
   32 and 64 bytes. */

/* call_wide(rcx: plan, rdx: arguments, r8: result, r9: function, [rsp + 40]: room,
             [rsp + 48]: fill)

   As call_stack, and then puts rax and the vector register into room->returned.

       at the entry      after making room                    at the call
       rsp + 48  fill    rbp + 56  fill
       rsp + 40  room    rbp + 48  room
       rsp + 8   shadow  rbp + 16  shadow space
       rsp  return       rbp + 8   return address
            address      rbp       caller's rbp
                         rbp - 8   caller's rbx
                         rbp - 16  (padding)                  the same
                                   (up to align - 16 bytes)
                                   copies of arguments, and under them
                                   the stack area: room->size  rsp: its lowest byte
                         rsp + 32  register file              (dead)
                         rsp       shadow space for fill      (dead)

   rbx holds the function across the call of fill, and then the room. */
FUNCTION $call_wide
    push rbp
    CFI def_cfa_offset 16
    CFI offset rbp, -16
    SEH pushreg rbp
    push rbx
    CFI def_cfa_offset 24
    CFI offset rbx, -24
    SEH pushreg rbx
    sub rsp, 8
    CFI def_cfa_offset 32
    SEH stackalloc 8
    lea rbp, [rsp + 16]
    CFI def_cfa rbp, 16
    SEH setframe rbp, 16
    SEH endprologue
    mov rbx, r9

    mov r11, [rbp + 48]
    mov rax, rsp
    sub rax, [r11 + ROOM_SIZE]
    mov r10, [r11 + ROOM_ALIGN]
    neg r10
    and rax, r10
    sub rax, REGISTERS_SIZE + SHADOW_SPACE
    LOWER_STACK

    lea r9, [rsp + SHADOW_SPACE]
    call [rbp + 56]
    mov r11, rbx
    lea r10, [rsp + SHADOW_SPACE]
    LOAD_VECTOR
    LOAD_GENERAL
    add rsp, REGISTERS_SIZE + SHADOW_SPACE
    mov rbx, [rbp + 48]
    call r11

    mov r10, [rbx + ROOM_RETURNED]
    mov [r10 + RETURN_GENERAL], rax
    cmp dword ptr [rbx + ROOM_VECTOR_SIZE], 32
    ja 3f
    je 2f
    movups [r10 + WIDE_RETURN_VECTOR], xmm0
    jmp 5f
2:  vmovups [r10 + WIDE_RETURN_VECTOR], ymm0
    jmp 4f
3:  vmovups [r10 + WIDE_RETURN_VECTOR], zmm0
4:  vzeroupper              /* SSE code is slow while upper halves are in use. */
5:
    lea rsp, [rbp - 8]
    CFI def_cfa rsp, 24
    pop rbx
    CFI def_cfa_offset 16
    pop rbp
    CFI def_cfa_offset 8
    ret
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
