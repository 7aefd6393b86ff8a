/* Calls by steps: each argument goes straight from where it is to its register or stack slot.

   A step loads two registers, or fills one slot of the stack, and knows how: there is one for each
   pair of registers and each pair of ways to load them. Which steps a call takes, and of which
   arguments, is the plan's program. While the steps run,

       x9    the program
       x10   struct Target: the function, and where a result in memory goes
       x11   the argument pointers
       x12   the first step
       x13, x14, x16   scratch

   The stack's steps come first, then those of the vector registers, then those of the general
   ones, from the last pair of each to the first. Each is jumped to through x16, as a function may be
   (BTI c). */

/* call_steps(x0: program, x1: target, x2: argument pointers)

   There is no frame, as in call_general: the function is jumped to, and returns to our caller. Stack
   arguments go to our own, which start at sp and are the function's then. */
FUNCTION $call_steps
    SEH endprologue
    mov x9, x0
    mov x10, x1
    mov x11, x2
.if IS_MACHO
    adrp x12, $steps@PAGE
    add x12, x12, $steps@PAGEOFF
.else
    adrp x12, $steps
    add x12, x12, :lo12:$steps
.endif
    ldrh w16, [x9, #PROGRAM_START]
    add x16, x12, x16
    br x16
END $call_steps

/* What a step starts and ends with. */
.macro STEP
8:  hint #34                /* bti c */
.endm

.macro END_STEP
    .skip STEP_SIZE - (. - 8b)
.endm

/* Ends a step that another follows: the one that the program has at `next`. */
.macro NEXT next
    ldrh w16, [x9, #\next]
    add x16, x12, x16
    br x16
    END_STEP
.endm

/* The end of the last step. x8 is the address of a result in memory, and nobody's otherwise. */
.macro CALL_TARGET
    ldr x16, [x10, #TARGET_FUNCTION]
    ldr x8, [x10, #TARGET_RESULT]
    br x16
    END_STEP
.endm

/* x13 = the argument whose number the program has at `operand`. */
.macro ARGUMENT operand
    ldrb w13, [x9, #\operand]
    ldr x13, [x11, x13, lsl #3]
.endm

/* Loads general register number `n` from x13. The ways are those of `ffi_types::general_way`. */
.macro LOAD_BY way, n
.if \way == 1
    ldr x\n, [x13]
.elseif \way == 2
    ldrsw x\n, [x13]
.elseif \way == 3
    ldr w\n, [x13]
.elseif \way == 4
    ldrsh x\n, [x13]
.elseif \way == 5
    ldrh w\n, [x13]
.elseif \way == 6
    ldrsb x\n, [x13]
.elseif \way == 7
    ldrb w\n, [x13]
.elseif \way == 8
    ldr x\n, [x13, #8]
.elseif \way == 9
    ldr w\n, [x13, #8]
.endif
.endm

.macro GENERAL_STEP first, second, pair, a, b
    STEP
    ARGUMENT PROGRAM_GENERAL+2*\pair
    LOAD_BY \first, \a
.if \second
    ARGUMENT PROGRAM_GENERAL+2*\pair+1
    LOAD_BY \second, \b
.endif
.if \pair == 0
    CALL_TARGET
.else
    NEXT PROGRAM_GENERAL_CODE+2*\pair-2
.endif
.endm

/* Loads vector register number `n`. The ways are those of `vector_way` in `steps.rs`. */
.macro LOAD_VECTOR_BY way, n
    ARGUMENT PROGRAM_VECTOR+\n
.if \way > 4
    ldrb w14, [x9, #PROGRAM_VECTOR_OFFSETS+\n]
.endif
.if \way == 1
    ldr d\n, [x13]
.elseif \way == 2
    ldr s\n, [x13]
.elseif \way == 3
    ldr q\n, [x13]
.elseif \way == 4
    ldr h\n, [x13]
.elseif \way == 5
    ldr d\n, [x13, x14]
.elseif \way == 6
    ldr s\n, [x13, x14]
.elseif \way == 7
    ldr q\n, [x13, x14]
.elseif \way == 8
    ldr h\n, [x13, x14]
.endif
.endm

.macro VECTOR_STEP first, second, a, b, next
    STEP
    LOAD_VECTOR_BY \first, \a
.if \second
    LOAD_VECTOR_BY \second, \b
.endif
    NEXT \next
.endm

/* Fills a slot of the stack, or leaves it: as LOAD_BY, but ways 8 and 9 at any offset. */
.macro STACK_STEP way, slot, next
    STEP
.if \way
    ARGUMENT PROGRAM_STACK+\slot
.if \way >= 8
    ldrb w14, [x9, #PROGRAM_STACK_OFFSETS+\slot]
.endif
.if \way == 8
    ldr x14, [x13, x14]
.elseif \way == 9
    ldr w14, [x13, x14]
.else
    LOAD_BY \way, 14
.endif
    str x14, [sp, #8*\slot]
.endif
    NEXT \next
.endm

/* All steps, in the order of `steps.rs`. They are one function to whoever unwinds the stack, and a
   leaf to Windows, whose unwind data needs a length that no assembler knows of padded code. */
CODE $steps
    hint #34                /* bti c */
    /* The step of a call without general registers. */
    ldr x16, [x10, #TARGET_FUNCTION]
    ldr x8, [x10, #TARGET_RESULT]
    br x16
    .skip STEP_SIZE - (. - $steps)

.macro GENERAL_STEPS pair, a, b
.irp first, 1, 2, 3, 4, 5, 6, 7, 8, 9
.irp second, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
    GENERAL_STEP \first, \second, \pair, \a, \b
.endr
.endr
.endm
    GENERAL_STEPS 0, 0, 1
    GENERAL_STEPS 1, 2, 3
    GENERAL_STEPS 2, 4, 5
    GENERAL_STEPS 3, 6, 7

.macro VECTOR_STEPS a, b, next
.irp first, 1, 2, 3, 4, 5, 6, 7, 8
.irp second, 0, 1, 2, 3, 4, 5, 6, 7, 8
    VECTOR_STEP \first, \second, \a, \b, \next
.endr
.endr
.endm
    VECTOR_STEPS 0, 1, PROGRAM_GENERAL_START
    VECTOR_STEPS 2, 3, PROGRAM_VECTOR_CODE
    VECTOR_STEPS 4, 5, PROGRAM_VECTOR_CODE+2
    VECTOR_STEPS 6, 7, PROGRAM_VECTOR_CODE+4

.irp way, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
    STACK_STEP \way, 0, PROGRAM_VECTOR_START
.endr
.irp slot, 1, 2, 3, 4, 5, 6, 7
.irp way, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
    STACK_STEP \way, \slot, PROGRAM_STACK_CODE+2*\slot-2
.endr
.endr
END_CODE $steps
