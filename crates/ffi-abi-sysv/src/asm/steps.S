/* Calls by steps: each argument goes straight from where it is to its register or stack slot.

   A step loads two registers, or one eightbyte of the stack, and knows how: there is one for each
   pair of registers and each pair of ways to load them, so that no branch depends on data but the
   jump from one step to the next. Which steps a call takes, and of which arguments, is the plan's
   program (`steps.rs`). Steps are STEP_SIZE bytes apart, so that their numbers are places.

   While the steps run, and until the last one loads rdi and rsi,

       rdi   the program
       rsi   struct Target: the function, and where a result in memory goes
       r10   the first step
       r11   the argument pointers
       rax   scratch

   The stack's steps come first, then those of the vector registers, then those of the general
   ones, from the last pair of each to the first: rdi and rsi are loaded at the end. */

/* call_steps(rdi: program, rsi: target, rdx: argument pointers)

   There is no frame, as in call_general: the function is jumped to, and returns to our caller. Stack
   arguments go to our own, which are the function's then.

       rsp + 8   the stack area, if there is one
       rsp       return address */
FUNCTION $call_steps
    SEH endprologue
    movzx eax, word ptr [rdi + PROGRAM_START]
    mov r11, rdx
    lea r10, [rip + $steps]
    add rax, r10
    jmp rax
END $call_steps

/* Ends a step that another follows: the one that the program has at `next`. */
.macro NEXT next
    movzx eax, word ptr [rdi + \next]
    JUMP_TO_STEP
.endm

/* Two general registers, other than rdi and rsi. */
.macro GENERAL_STEP first, second, a64, a32, b64, b32, operands, next
    STEP
    movzx \a32, byte ptr [rdi + \operands]
    LOAD_BY \first, \a64, \a32
.if \second
    movzx \b32, byte ptr [rdi + \operands + 1]
    LOAD_BY \second, \b64, \b32
.endif
    NEXT \next
.endm

/* rdi and rsi, and off to the function. */
.macro LAST_STEP first, second
    STEP
    mov r10, [rsi + TARGET_FUNCTION]
.if \first == HIDDEN
    mov rax, [rsi + TARGET_RESULT]
.endif
.if \second
    movzx esi, byte ptr [rdi + PROGRAM_GENERAL + 1]
    LOAD_BY \second, rsi, esi
.endif
.if \first == HIDDEN
    movzx r11d, byte ptr [rdi + PROGRAM_VECTOR_COUNT]
    mov rdi, rax
    mov eax, r11d
.else
    movzx eax, byte ptr [rdi + PROGRAM_VECTOR_COUNT]
    movzx edi, byte ptr [rdi + PROGRAM_GENERAL]
    LOAD_BY \first, rdi, edi
.endif
    jmp r10
    END_STEP
.endm

/* Loads a vector register. The ways are those of `vector_way` in `steps.rs`. */
.macro LOAD_VECTOR_BY way, register, operand
    movzx eax, byte ptr [rdi + \operand]
    mov rax, [r11 + rax * 8]
.if \way == 1
    movsd \register, qword ptr [rax]
.elseif \way == 2
    movss \register, dword ptr [rax]
.elseif \way == 3
    movsd \register, qword ptr [rax + 8]
.elseif \way == 4
    movss \register, dword ptr [rax + 8]
.endif
.endm

.macro VECTOR_STEP first, second, a, b, operands, next
    STEP
    LOAD_VECTOR_BY \first, \a, \operands
.if \second
    LOAD_VECTOR_BY \second, \b, \operands+1
.endif
    NEXT \next
.endm

/* Fills a slot of the stack, or leaves it: as LOAD_BY, but ways 8 and 9 at any offset. */
.macro STACK_STEP way, slot, next
    STEP
.if \way
    movzx eax, byte ptr [rdi + PROGRAM_STACK + \slot]
.if \way >= 8
    movzx ecx, byte ptr [rdi + PROGRAM_STACK_OFFSETS + \slot]
    mov rax, [r11 + rax * 8]
.if \way == 8
    mov rax, [rax + rcx]
.else
    mov eax, [rax + rcx]
.endif
.else
    LOAD_BY \way, rax, eax
.endif
    mov [rsp + 8 + 8 * \slot], rax
.endif
    NEXT \next
.endm

/* All steps, in the order of `steps.rs`. They are one function to whoever unwinds the stack. */
FUNCTION $steps
    SEH endprologue
    /* The step of a call without general registers. */
    mov r10, [rsi + TARGET_FUNCTION]
    movzx eax, byte ptr [rdi + PROGRAM_VECTOR_COUNT]
    jmp r10
    .skip STEP_SIZE - (. - $steps), 0xcc

.irp first, 1, 2, 3, 4, 5, 6, 7, 8, 9, HIDDEN
.irp second, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
    LAST_STEP \first, \second
.endr
.endr
.irp first, 1, 2, 3, 4, 5, 6, 7, 8, 9
.irp second, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
    GENERAL_STEP \first, \second, rdx, edx, rcx, ecx, PROGRAM_GENERAL+2, PROGRAM_GENERAL_CODE
.endr
.endr
.irp first, 1, 2, 3, 4, 5, 6, 7, 8, 9
.irp second, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
    GENERAL_STEP \first, \second, r8, r8d, r9, r9d, PROGRAM_GENERAL+4, PROGRAM_GENERAL_CODE+2
.endr
.endr
.irp pair, 0, 1, 2, 3
.irp first, 1, 2, 3, 4
.irp second, 0, 1, 2, 3, 4
.if \pair == 0
    VECTOR_STEP \first, \second, xmm0, xmm1, PROGRAM_VECTOR+0, PROGRAM_GENERAL_START
.elseif \pair == 1
    VECTOR_STEP \first, \second, xmm2, xmm3, PROGRAM_VECTOR+2, PROGRAM_VECTOR_CODE+0
.elseif \pair == 2
    VECTOR_STEP \first, \second, xmm4, xmm5, PROGRAM_VECTOR+4, PROGRAM_VECTOR_CODE+2
.else
    VECTOR_STEP \first, \second, xmm6, xmm7, PROGRAM_VECTOR+6, PROGRAM_VECTOR_CODE+4
.endif
.endr
.endr
.endr
.irp way, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
    STACK_STEP \way, 0, PROGRAM_VECTOR_START
.endr
.irp slot, 1, 2, 3, 4, 5, 6, 7
.irp way, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
    STACK_STEP \way, \slot, PROGRAM_STACK_CODE+2*\slot-2
.endr
.endr
END $steps
