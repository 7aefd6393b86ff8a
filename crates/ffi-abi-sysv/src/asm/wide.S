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

/* call_wide(rdi: plan, rsi: arguments, rdx: result, rcx: function, r8: room, r9: fill)

   Makes room for the image, has it filled by
   fill(rdi: plan, rsi: arguments, rdx: result, rcx: image) -> eax: number of vector registers,
   loads the registers from its lower part, calls with its upper part as the stack area, and puts
   the return registers into room->returned.

       at the entry      after making room                    at the call
       rsp  return       rbp + 8   return address
            address      rbp       caller's rbp
                         rbp - 8   caller's rbx
                         rbp - 16  caller's r12               the same
                                   (up to align - 16 bytes)
                                   the stack area: room->size  rsp: its lowest byte
                         rsp       wide register file         (dead)

   rbx holds the function across the call of fill, and r12 the room across both. The stack area is
   aligned to room->align. */
FUNCTION $call_wide
    push rbp
    CFI def_cfa_offset 16
    CFI offset rbp, -16
    SEH pushreg rbp
    push rbx
    CFI def_cfa_offset 24
    CFI offset rbx, -24
    SEH pushreg rbx
    push r12
    CFI def_cfa_offset 32
    CFI offset r12, -32
    SEH pushreg r12
    lea rbp, [rsp + 16]
    CFI def_cfa rbp, 16
    SEH setframe rbp, 16
    SEH endprologue
    mov rbx, rcx
    mov r12, r8

    mov rax, rsp
    sub rax, [r8 + ROOM_SIZE]
    mov r10, [r8 + ROOM_ALIGN]
    neg r10
    and rax, r10
    sub rax, WIDE_REGISTERS_SIZE
    LOWER_STACK

    mov rcx, rsp
    call r9
    mov r10, rsp
    cmp dword ptr [r12 + ROOM_VECTOR_SIZE], 32
    ja 3f
    je 2f
    LOAD_WIDE movups, xmm, r10
    jmp 4f
2:  LOAD_WIDE vmovups, ymm, r10
    jmp 4f
3:  LOAD_WIDE vmovups, zmm, r10
4:  LOAD_GENERAL
    add rsp, WIDE_REGISTERS_SIZE
    call rbx

    mov r10, [r12 + ROOM_RETURNED]
    mov [r10 + RETURN_GENERAL + 0], rax
    mov [r10 + RETURN_GENERAL + 8], rdx
    cmp dword ptr [r12 + ROOM_X87], 1
    jb 2f
    fstp tbyte ptr [r10 + WIDE_RETURN_X87 + 0]
    je 2f
    fstp tbyte ptr [r10 + WIDE_RETURN_X87 + 16]
2:  cmp dword ptr [r12 + ROOM_VECTOR_SIZE], 32
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
    lea rsp, [rbp - 16]
    CFI def_cfa rsp, 32
    pop r12
    CFI def_cfa_offset 24
    pop rbx
    CFI def_cfa_offset 16
    pop rbp
    CFI def_cfa_offset 8
    ret
END $call_wide

/* handler: r10 is the slot, everything else is as C left it at the call.

       rbp + 16   the caller's stack area
       rbp + 8    return address
       rbp        caller's rbp
                  struct WideReturned, zeroed where it is read   at rsp + WIDE_RETURNED
                  struct WideRegisters                           at rsp + SHADOW
       rsp        (COFF: shadow space for dispatch)

   As the handlers of `callback.S`, with vector registers of 16, 32 or 64 bytes (`move` and
   `register`), and with a result in so many registers of x87: those that are not used have to stay
   empty. */
.set WIDE_RETURNED, SHADOW + WIDE_REGISTERS_SIZE
.set WIDE_FRAME, WIDE_RETURNED + WIDE_RETURNED_SIZE

.macro WIDE_HANDLER move, register, x87
    push rbp
    CFI def_cfa_offset 16
    CFI offset rbp, -16
    SEH pushreg rbp
    mov rbp, rsp
    CFI def_cfa_register rbp
    SEH setframe rbp, 0
    sub rsp, WIDE_FRAME
    SEH stackalloc WIDE_FRAME
    SEH endprologue

    mov [rsp + SHADOW + GENERAL + 0], rdi
    mov [rsp + SHADOW + GENERAL + 8], rsi
    mov [rsp + SHADOW + GENERAL + 16], rdx
    mov [rsp + SHADOW + GENERAL + 24], rcx
    mov [rsp + SHADOW + GENERAL + 32], r8
    mov [rsp + SHADOW + GENERAL + 40], r9
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

.if IS_COFF
    mov rcx, [r10 + SLOT_CONTEXT]
    lea rdx, [rsp + SHADOW]
    lea r8, [rbp + 16]
    lea r9, [rsp + WIDE_RETURNED]
    call [rcx + CONTEXT_DISPATCH]
.else
    mov rdi, [r10 + SLOT_CONTEXT]
    mov rsi, rsp
    lea rdx, [rbp + 16]
    lea rcx, [rsp + WIDE_RETURNED]
    call [rdi + CONTEXT_DISPATCH]
.endif

    mov rax, [rsp + WIDE_RETURNED + RETURN_GENERAL + 0]
    mov rdx, [rsp + WIDE_RETURNED + RETURN_GENERAL + 8]
.if \x87 == 2
    fld tbyte ptr [rsp + WIDE_RETURNED + WIDE_RETURN_X87 + 16]
.endif
.if \x87
    fld tbyte ptr [rsp + WIDE_RETURNED + WIDE_RETURN_X87 + 0]
.endif
    \move \register\()0, [rsp + WIDE_RETURNED + WIDE_RETURN_VECTOR + 0]
    \move \register\()1, [rsp + WIDE_RETURNED + WIDE_RETURN_VECTOR + 64]
    lea rsp, [rbp]
    pop rbp
    CFI def_cfa rsp, 8
    ret
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
