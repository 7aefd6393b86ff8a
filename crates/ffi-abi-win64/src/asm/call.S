/* Calls: the argument registers are loaded from an image, and the function is called.

   None of these knows a signature. The return registers pass through untouched, so that Rust
   declares each entry once per kind of result and receives rax and xmm0 as the convention returns
   them. All of them follow the x64 convention themselves: rbx, rbp, rdi, rsi, r12 to r15 and xmm6
   to xmm15 are the caller's, and the function keeps them. */

/* Loads the general argument registers from the image at r10. */
.macro LOAD_GENERAL
    mov rcx, [r10 + GENERAL + 0]
    mov rdx, [r10 + GENERAL + 8]
    mov r8,  [r10 + GENERAL + 16]
    mov r9,  [r10 + GENERAL + 24]
.endm

/* Loads the vector argument registers from the image at r10. */
.macro LOAD_VECTOR
    movsd xmm0, qword ptr [r10 + VECTOR + 0]
    movsd xmm1, qword ptr [r10 + VECTOR + 8]
    movsd xmm2, qword ptr [r10 + VECTOR + 16]
    movsd xmm3, qword ptr [r10 + VECTOR + 24]
.endm

/* call_general(rcx: image, rdx: function)

   For calls without vector registers and stack arguments. The function is jumped to and returns
   to our caller: no frame. The shadow space that our caller left for us becomes the function's.

       rsp + 8    shadow space, 32 bytes
       rsp        return address */
FUNCTION $call_general
    SEH endprologue
    mov r10, rcx
    mov r11, rdx
    LOAD_GENERAL
    jmp r11
END $call_general

/* call_vector(rcx: image, rdx: function)

   The same with vector registers. */
FUNCTION $call_vector
    SEH endprologue
    mov r10, rcx
    mov r11, rdx
    LOAD_VECTOR
    LOAD_GENERAL
    jmp r11
END $call_vector

/* What call_stack and call_wide share, whose parameters are
   (rcx: plan, rdx: arguments, r8: result, r9: function, [rsp + 40]: room, [rsp + 48]: fill):
   makes room for the image, has it filled by fill(rcx: plan, rdx: arguments, r8: result,
   r9: image), loads the registers from its lower part and calls with its upper part as the stack
   area.

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

   rbx holds the function across the call of fill. The stack area is aligned to room->align, and
   starts with the function's shadow space. */
.macro CALL_WITH_ROOM
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
    call r11
.endm

/* Returns from what CALL_WITH_ROOM began. */
.macro LEAVE_ROOM
    lea rsp, [rbp - 8]
    CFI def_cfa rsp, 24
    pop rbx
    CFI def_cfa_offset 16
    pop rbp
    CFI def_cfa_offset 8
    ret
.endm

/* call_stack(rcx: plan, rdx: arguments, r8: result, r9: function, [rsp + 40]: room,
              [rsp + 48]: fill)

   For calls with stack arguments and copies, of any size. The frame is CALL_WITH_ROOM's. */
FUNCTION $call_stack
    CALL_WITH_ROOM
    LEAVE_ROOM
END $call_stack
