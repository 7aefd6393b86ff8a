/* Callbacks: the argument registers are saved to an image, and Rust is called with it.

   Read from the outside in: C calls a thunk, the thunk jumps to its slot's handler with r10 at
   the slot (r10 and r11 are scratch at a function's entry, psABI 3.2.1), and the handler calls
   slot->context->dispatch. */

#include "macros.h"

/* handler: r10 is the slot, everything else is as C left it at the call.

       rbp + 16   the caller's stack area
       rbp + 8    return address
       rbp        caller's rbp
                  struct Returned, zeroed    at rsp + REGISTERS_SIZE
       rsp        struct Registers

   Calls dispatch(rdi: context, rsi: registers, rdx: stack area, rcx: returned), then loads every
   return register. Without `vector` the vector registers are not saved: no argument is in them. */
#define FRAME (REGISTERS_SIZE + RETURNED_SIZE)

.macro HANDLER vector
    push rbp
    .cfi_def_cfa_offset 16
    .cfi_offset rbp, -16
    mov rbp, rsp
    .cfi_def_cfa_register rbp
    sub rsp, FRAME

    mov [rsp + GENERAL + 0], rdi
    mov [rsp + GENERAL + 8], rsi
    mov [rsp + GENERAL + 16], rdx
    mov [rsp + GENERAL + 24], rcx
    mov [rsp + GENERAL + 32], r8
    mov [rsp + GENERAL + 40], r9
.if \vector
    movsd qword ptr [rsp + VECTOR + 0], xmm0
    movsd qword ptr [rsp + VECTOR + 8], xmm1
    movsd qword ptr [rsp + VECTOR + 16], xmm2
    movsd qword ptr [rsp + VECTOR + 24], xmm3
    movsd qword ptr [rsp + VECTOR + 32], xmm4
    movsd qword ptr [rsp + VECTOR + 40], xmm5
    movsd qword ptr [rsp + VECTOR + 48], xmm6
    movsd qword ptr [rsp + VECTOR + 56], xmm7
.endif
    xor eax, eax
    mov [rsp + REGISTERS_SIZE + 0], rax
    mov [rsp + REGISTERS_SIZE + 8], rax
    mov [rsp + REGISTERS_SIZE + 16], rax
    mov [rsp + REGISTERS_SIZE + 24], rax

    mov rdi, [r10 + SLOT_CONTEXT]
    mov rsi, rsp
    lea rdx, [rbp + 16]
    lea rcx, [rsp + REGISTERS_SIZE]
    call [rdi + CONTEXT_DISPATCH]

    mov rax, [rsp + REGISTERS_SIZE + RETURN_GENERAL + 0]
    mov rdx, [rsp + REGISTERS_SIZE + RETURN_GENERAL + 8]
    movsd xmm0, qword ptr [rsp + REGISTERS_SIZE + RETURN_VECTOR + 0]
    movsd xmm1, qword ptr [rsp + REGISTERS_SIZE + RETURN_VECTOR + 8]
    leave
    .cfi_def_cfa rsp, 8
    ret
.endm

FUNCTION(callback_general)
    HANDLER 0
END(callback_general)

FUNCTION(callback_vector)
    HANDLER 1
END(callback_vector)

/* The thunks, THUNK_SIZE bytes each. Each finds its slot at a distance that is the same for all,
   and the code stands on pages of its own, so that the same pages can be mapped again elsewhere
   beside other slots. The handler is reached through the slot for the same reason. */
#if SLOT_SIZE != THUNK_SIZE
#error "the distance from a thunk to its slot must be the same for all"
#endif
.balign 4096
.globl SYMBOL(thunk_code)
HIDDEN(thunk_code)
TYPE_FUNCTION(thunk_code)
SYMBOL(thunk_code):
    .cfi_startproc
.set slot_at, 0
.rept THUNK_COUNT
    endbr64
    lea r10, [rip + SYMBOL(slots) + slot_at]
    jmp [r10 + SLOT_HANDLER]
    .balign THUNK_SIZE, 0xcc
.set slot_at, slot_at + SLOT_SIZE
.endr
    .cfi_endproc
    SIZE(thunk_code)
.balign 4096, 0xcc

BSS_SECTION
.balign 4096
.globl SYMBOL(slots)
HIDDEN(slots)
SYMBOL(slots):
    .zero SLOT_SIZE * THUNK_COUNT
