/* Calls: the argument registers are loaded from an image, and the function is called.

   None of these knows a signature. The return registers pass through untouched, so that Rust
   declares each entry once per kind of result and receives rax, rdx, xmm0 and xmm1 as the
   convention returns them. */

/* Loads the general argument registers from the image at r10. */
.macro LOAD_GENERAL
    mov rdi, [r10 + GENERAL + 0]
    mov rsi, [r10 + GENERAL + 8]
    mov rdx, [r10 + GENERAL + 16]
    mov rcx, [r10 + GENERAL + 24]
    mov r8,  [r10 + GENERAL + 32]
    mov r9,  [r10 + GENERAL + 40]
.endm

/* Loads the vector argument registers from the image at r10. */
.macro LOAD_VECTOR
    movsd xmm0, qword ptr [r10 + VECTOR + 0]
    movsd xmm1, qword ptr [r10 + VECTOR + 8]
    movsd xmm2, qword ptr [r10 + VECTOR + 16]
    movsd xmm3, qword ptr [r10 + VECTOR + 24]
    movsd xmm4, qword ptr [r10 + VECTOR + 32]
    movsd xmm5, qword ptr [r10 + VECTOR + 40]
    movsd xmm6, qword ptr [r10 + VECTOR + 48]
    movsd xmm7, qword ptr [r10 + VECTOR + 56]
.endm

/* call_general(rdi: image, rsi: function)

   For calls without vector registers and stack arguments. There is nothing to put on the stack
   and nothing to do afterwards, so the function is jumped to and returns to our caller: no frame.
   al = 0, as a variadic callee is told that no vector register is used. */
FUNCTION $call_general
    SEH endprologue
    mov r10, rdi
    mov r11, rsi
    LOAD_GENERAL
    xor eax, eax
    jmp r11
END $call_general

/* call_vector(rdi: image, rsi: function, edx: number of vector registers, for al)

   The same with vector registers. */
FUNCTION $call_vector
    SEH endprologue
    mov r10, rdi
    mov r11, rsi
    mov eax, edx
    LOAD_VECTOR
    LOAD_GENERAL
    jmp r11
END $call_vector

/* What call_stack(rdi: plan, rsi: arguments, rdx: result, rcx: function, r8: room, r9: fill) and
   call_wide share: room for an image that starts with `size` bytes of registers, filled by
   fill(rdi: plan, rsi: arguments, rdx: result, rcx: image) -> eax: number of vector registers.
   Behind it, r10 is the image and r11 the function. Once the registers are loaded and their image
   is dropped, rsp is at the stack area.

       at the entry      after making room                    at the call
       rsp  return       rbp + 8   return address
            address      rbp       caller's rbp
                         rbp - 8   caller's rbx
                         rbp - 16  room                       the same
                                   (up to align - 16 bytes)
                                   copies of arguments, and under them
                                   the stack area: room->size  rsp: its lowest byte
                         rsp       register file              (dead)

   rbx holds the function across the call of fill. The stack area is aligned to room->align. */
.macro MAKE_ROOM size
    push rbp
    CFI def_cfa_offset 16
    CFI offset rbp, -16
    SEH pushreg rbp
    push rbx
    CFI def_cfa_offset 24
    CFI offset rbx, -24
    SEH pushreg rbx
    push r8
    CFI def_cfa_offset 32
    SEH stackalloc 8
    lea rbp, [rsp + 16]
    CFI def_cfa rbp, 16
    SEH setframe rbp, 16
    SEH endprologue
    mov rbx, rcx

    mov rax, rsp
    sub rax, [r8 + ROOM_SIZE]
    mov r10, [r8 + ROOM_ALIGN]
    neg r10
    and rax, r10
    sub rax, \size
    LOWER_STACK

    mov rcx, rsp
    call r9
    mov r11, rbx
    mov r10, rsp
.endm

/* Returns from what MAKE_ROOM began. */
.macro LEAVE_ROOM
    lea rsp, [rbp - 8]
    CFI def_cfa rsp, 24
    pop rbx
    CFI def_cfa_offset 16
    pop rbp
    CFI def_cfa_offset 8
    ret
.endm

/* call_stack(rdi: plan, rsi: arguments, rdx: result, rcx: function, r8: room, r9: fill)

   For calls with stack arguments, of any size. The frame is MAKE_ROOM's. */
FUNCTION $call_stack
    MAKE_ROOM REGISTERS_SIZE
    test eax, eax
    jz 3f
    LOAD_VECTOR
3:  LOAD_GENERAL
    add rsp, REGISTERS_SIZE
    call r11
    LEAVE_ROOM
END $call_stack
