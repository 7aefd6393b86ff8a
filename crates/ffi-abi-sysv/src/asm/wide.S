/* Calls and callbacks with whole vector registers, and with results in x87's: what `call.S` and
   `callback.S` do, for plans that need it. As wide as `vector_size` says and no wider: a processor
   without AVX never gets to see the instructions of 32 and 64 bytes. */

/* One instruction for each vector argument register: `move` of the registers that start with
   `register`, from or to the 64 bytes each has in the image at `base`. */
.macro LOAD_WIDE move, register, base
    \move \register\()0, [\base + WIDE_VECTOR + 0]
    \move \register\()1, [\base + WIDE_VECTOR + 64]
    \move \register\()2, [\base + WIDE_VECTOR + 128]
    \move \register\()3, [\base + WIDE_VECTOR + 192]
    \move \register\()4, [\base + WIDE_VECTOR + 256]
    \move \register\()5, [\base + WIDE_VECTOR + 320]
    \move \register\()6, [\base + WIDE_VECTOR + 384]
    \move \register\()7, [\base + WIDE_VECTOR + 448]
.endm
.macro SAVE_WIDE move, register, base
    \move [\base + WIDE_VECTOR + 0], \register\()0
    \move [\base + WIDE_VECTOR + 64], \register\()1
    \move [\base + WIDE_VECTOR + 128], \register\()2
    \move [\base + WIDE_VECTOR + 192], \register\()3
    \move [\base + WIDE_VECTOR + 256], \register\()4
    \move [\base + WIDE_VECTOR + 320], \register\()5
    \move [\base + WIDE_VECTOR + 384], \register\()6
    \move [\base + WIDE_VECTOR + 448], \register\()7
.endm

/* call_wide(rdi: plan, rsi: arguments, rdx: result, rcx: function, r8: wide room, r9: fill)

   As call_stack, and then puts the return registers into room->returned. The frame is
   MAKE_ROOM's. */
FUNCTION $call_wide
    MAKE_ROOM WIDE_REGISTERS_SIZE
    mov rcx, [rbp - 16]
    cmp dword ptr [rcx + ROOM_VECTOR_SIZE], 32
    ja 3f
    je 2f
    LOAD_WIDE movups, xmm, r10
    jmp 4f
2:  LOAD_WIDE vmovups, ymm, r10
    jmp 4f
3:  LOAD_WIDE vmovups, zmm, r10
4:  LOAD_GENERAL
    add rsp, WIDE_REGISTERS_SIZE
    call r11

    mov r11, [rbp - 16]
    mov r10, [r11 + ROOM_RETURNED]
    mov [r10 + RETURN_GENERAL + 0], rax
    mov [r10 + RETURN_GENERAL + 8], rdx
    cmp dword ptr [r11 + ROOM_X87], 1
    jb 2f
    fstp tbyte ptr [r10 + WIDE_RETURN_X87 + 0]
    je 2f
    fstp tbyte ptr [r10 + WIDE_RETURN_X87 + 16]
2:  cmp dword ptr [r11 + ROOM_VECTOR_SIZE], 32
    ja 4f
    je 3f
    movups [r10 + WIDE_RETURN_VECTOR + 0], xmm0
    movups [r10 + WIDE_RETURN_VECTOR + 64], xmm1
    jmp 6f
3:  vmovups [r10 + WIDE_RETURN_VECTOR + 0], ymm0
    vmovups [r10 + WIDE_RETURN_VECTOR + 64], ymm1
    jmp 5f
4:  vmovups [r10 + WIDE_RETURN_VECTOR + 0], zmm0
    vmovups [r10 + WIDE_RETURN_VECTOR + 64], zmm1
5:  vzeroupper              /* SSE code is slow while upper halves are in use. */
6:
    LEAVE_ROOM
END $call_wide

/* handler: as those of `callback.S`, in a larger frame.

                  struct WideReturned, zeroed                    at rsp + WIDE_RETURNED
                  struct WideRegisters                           at rsp + SHADOW
       rsp        (COFF: as there)

   `move` takes vector registers of 16, 32 or 64 bytes, whose names start with `register`. The
   result is in so many registers of x87: those that are not used have to stay empty. */
.set WIDE_RETURNED, SHADOW + WIDE_REGISTERS_SIZE
.set WIDE_FRAME, WIDE_RETURNED + WIDE_RETURNED_SIZE

.macro WIDE_HANDLER move, register, x87
    ENTER_HANDLER WIDE_FRAME
    SAVE_WIDE \move, \register, rsp + SHADOW
.ifnc \register, xmm
    vzeroupper
.endif
    xorps xmm0, xmm0
.set at, 0
.rept WIDE_RETURNED_SIZE / 16
    movups [rsp + WIDE_RETURNED + at], xmm0
.set at, at + 16
.endr
    DISPATCH WIDE_RETURNED
.if \x87 == 2
    fld tbyte ptr [rsp + WIDE_RETURNED + WIDE_RETURN_X87 + 16]
.endif
.if \x87
    fld tbyte ptr [rsp + WIDE_RETURNED + WIDE_RETURN_X87 + 0]
.endif
    \move \register\()0, [rsp + WIDE_RETURNED + WIDE_RETURN_VECTOR + 0]
    \move \register\()1, [rsp + WIDE_RETURNED + WIDE_RETURN_VECTOR + 64]
    LEAVE_HANDLER
.endm

FUNCTION $callback_xmm
    WIDE_HANDLER movups, xmm, 0
END $callback_xmm

FUNCTION $callback_xmm_st0
    WIDE_HANDLER movups, xmm, 1
END $callback_xmm_st0

FUNCTION $callback_xmm_st1
    WIDE_HANDLER movups, xmm, 2
END $callback_xmm_st1

FUNCTION $callback_ymm
    WIDE_HANDLER vmovups, ymm, 0
END $callback_ymm

FUNCTION $callback_ymm_st0
    WIDE_HANDLER vmovups, ymm, 1
END $callback_ymm_st0

FUNCTION $callback_ymm_st1
    WIDE_HANDLER vmovups, ymm, 2
END $callback_ymm_st1

FUNCTION $callback_zmm
    WIDE_HANDLER vmovups, zmm, 0
END $callback_zmm

FUNCTION $callback_zmm_st0
    WIDE_HANDLER vmovups, zmm, 1
END $callback_zmm_st0

FUNCTION $callback_zmm_st1
    WIDE_HANDLER vmovups, zmm, 2
END $callback_zmm_st1
