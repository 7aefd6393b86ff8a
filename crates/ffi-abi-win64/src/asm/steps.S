/* Calls by steps: each argument goes straight from where it is to its register or stack slot.

   A step loads the registers of two positions, or fills one slot of the stack, and knows how: there
   is one for each pair of ways to do it. Which steps a call takes, and of which arguments, is the
   plan's program. While the steps run, and until the last one loads rcx and rdx,

       rcx   the program
       rdx   struct Target: the function, and where a result in memory goes
       r10   the first step
       r11   the argument pointers
       rax   scratch

   The stack's steps come first, then positions 2 and 3, then 0 and 1. */

/* call_steps(rcx: program, rdx: target, r8: argument pointers)

   There is no frame, as in call_general: the function is jumped to, and returns to our caller. Stack
   arguments go to our own, which are the function's then.

       rsp + 40  the stack area behind the shadow space, if there is one
       rsp + 8   shadow space, 32 bytes
       rsp       return address */
FUNCTION $call_steps
    SEH endprologue
    movzx eax, word ptr [rcx + PROGRAM_START]
    mov r11, r8
    lea r10, [rip + $steps]
    add rax, r10
    jmp rax
END $call_steps

/* Loads the register of a position, or both: as LOAD_BY, and the ways of `steps.rs`. */
.macro LOAD_POSITION way, r64, r32, vector, operand
.if \way == DOUBLE
    movzx eax, byte ptr [rcx + \operand]
    mov rax, [r11 + rax * 8]
    movsd \vector, qword ptr [rax]
.elseif \way == FLOAT
    movzx eax, byte ptr [rcx + \operand]
    mov rax, [r11 + rax * 8]
    movss \vector, dword ptr [rax]
.elseif \way == BOTH
    movzx \r32, byte ptr [rcx + \operand]
    LOAD_BY 1, \r64, \r32
    movq \vector, \r64
.elseif \way
    movzx \r32, byte ptr [rcx + \operand]
    LOAD_BY \way, \r64, \r32
.endif
.endm

/* Positions 2 and 3. */
.macro SECOND_STEP first, second
    STEP
    LOAD_POSITION \first, r8, r8d, xmm2, PROGRAM_GENERAL+2
    LOAD_POSITION \second, r9, r9d, xmm3, PROGRAM_GENERAL+3
    movzx eax, word ptr [rcx + PROGRAM_GENERAL_CODE]
    JUMP_TO_STEP
.endm

/* Positions 0 and 1, and off to the function. The target is in rdx until that is loaded. */
.macro LAST_STEP first, second
    STEP
    mov r10, [rdx + TARGET_FUNCTION]
.if \first == HIDDEN
.if (\second == DOUBLE) || (\second == FLOAT)
    LOAD_POSITION \second, rdx, edx, xmm1, PROGRAM_GENERAL+1
    mov rcx, [rdx + TARGET_RESULT]
.else
    mov rax, [rdx + TARGET_RESULT]
    LOAD_POSITION \second, rdx, edx, xmm1, PROGRAM_GENERAL+1
    mov rcx, rax
.endif
.else
    LOAD_POSITION \second, rdx, edx, xmm1, PROGRAM_GENERAL+1
    LOAD_POSITION \first, rcx, ecx, xmm0, PROGRAM_GENERAL
.endif
    jmp r10
    END_STEP
.endm

/* Fills a slot of the stack. */
.macro STACK_STEP way, slot, next
    STEP
    movzx eax, byte ptr [rcx + PROGRAM_STACK + \slot]
    LOAD_BY \way, rax, eax
    mov [rsp + 8 + SHADOW_SPACE + 8 * \slot], rax
    movzx eax, word ptr [rcx + \next]
    JUMP_TO_STEP
.endm

/* All steps, in the order of `steps.rs`. They are one function to whoever unwinds the stack. */
FUNCTION $steps
    SEH endprologue
    /* The step of a call without arguments. */
    jmp [rdx + TARGET_FUNCTION]
    .skip STEP_SIZE - (. - $steps), 0xcc

.irp first, 1, 2, 3, 4, 5, 6, 7, DOUBLE, FLOAT, BOTH, HIDDEN
.irp second, 0, 1, 2, 3, 4, 5, 6, 7, DOUBLE, FLOAT, BOTH
    LAST_STEP \first, \second
.endr
.endr
.irp first, 1, 2, 3, 4, 5, 6, 7, DOUBLE, FLOAT, BOTH
.irp second, 0, 1, 2, 3, 4, 5, 6, 7, DOUBLE, FLOAT, BOTH
    SECOND_STEP \first, \second
.endr
.endr
.irp way, 1, 2, 3, 4, 5, 6, 7
    STACK_STEP \way, 0, PROGRAM_GENERAL_START
.endr
.irp slot, 1, 2, 3, 4, 5, 6, 7
.irp way, 1, 2, 3, 4, 5, 6, 7
    STACK_STEP \way, \slot, PROGRAM_STACK_CODE+2*\slot-2
.endr
.endr
END $steps
