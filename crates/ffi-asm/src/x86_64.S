/* What the assembly of every x86-64 crate shares: symbols, unwind data, hardening, thunks.

   Calls are unwound by DWARF on ELF and Mach-O and by Windows' own tables on COFF. A function
   says its prologue once for each: CFI and SEH take a directive without its prefix, and are empty
   where the other one is used.

   Intel syntax, without prefixes. */

.macro CFI directive:vararg
.if IS_COFF == 0
    .cfi_\directive
.endif
.endm

.macro SEH directive:vararg
.if IS_COFF
    .seh_\directive
.endif
.endm

/* A symbol that the linker sees, and nobody outside of the program or library. */
.macro GLOBAL name
    .globl \name
.if IS_ELF
    .hidden \name
.elseif IS_MACHO
    .private_extern \name
.endif
.endm

/* A function that Rust calls or that C reaches through a pointer; a landing pad for indirect
   branches (Intel CET). Its prologue ends with SEH endprologue. */
.macro FUNCTION name
    .balign 16
    GLOBAL \name
.if IS_ELF
    .type \name, @function
.elseif IS_COFF
    .def \name
    .scl 2
    .type 32
    .endef
.endif
\name:
    CFI startproc
    SEH proc \name
    endbr64
.endm

.macro END name
    SEH endproc
    CFI endproc
.if IS_ELF
    .size \name, . - \name
.endif
.endm

/* Moves rsp down to the address in rax, and touches each page on the way and the last: a stack
   that is too small ends in its guard page and not in somebody else's memory. Windows dispatches
   the fault on the same stack, which must still have room, so rsp stays until all was touched;
   Linux before 5.0 wants no touch far under rsp. Changes r10. */
.macro LOWER_STACK
    mov r10, rsp
1:  sub r10, 4096
    cmp r10, rax
    jbe 2f
.if IS_COFF == 0
    mov rsp, r10
.endif
    or qword ptr [r10], 0
    jmp 1b
2:  or qword ptr [rax], 0
    mov rsp, rax
.endm

/* Steps: the pieces of calls by programs (`steps.S`). r10 is the first step, r11 the argument
   pointers, and rax scratch. A step is STEP_SIZE bytes long. */
.macro STEP
8:  endbr64
.endm

.macro END_STEP
    .skip STEP_SIZE - (. - 8b), 0xcc
.endm

/* Goes on with the step that is rax bytes behind the first. */
.macro JUMP_TO_STEP
    add rax, r10
    jmp rax
    END_STEP
.endm

/* Loads a general register from the argument whose number is in its low part. The ways are those
   of `ffi_types::general_way`. */
.macro LOAD_BY way, r64, r32
    mov \r64, [r11 + \r64 * 8]
.if \way == 1
    mov \r64, [\r64]
.elseif \way == 2
    movsxd \r64, dword ptr [\r64]
.elseif \way == 3
    mov \r32, [\r64]
.elseif \way == 4
    movsx \r64, word ptr [\r64]
.elseif \way == 5
    movzx \r32, word ptr [\r64]
.elseif \way == 6
    movsx \r64, byte ptr [\r64]
.elseif \way == 7
    movzx \r32, byte ptr [\r64]
.elseif \way == 8
    mov \r64, [\r64 + 8]
.elseif \way == 9
    mov \r32, [\r64 + 8]
.endif
.endm

/* The thunks, THUNK_SIZE bytes each. Each finds its slot at a distance that is the same for all,
   and the code stands on pages of its own, so that the same pages can be mapped again elsewhere
   beside other slots. The handler is reached through the slot for the same reason. */
.macro THUNKS
.if SLOT_SIZE <> THUNK_SIZE
    .error "the distance from a thunk to its slot must be the same for all"
.endif
.balign 4096
GLOBAL $thunk_code
$thunk_code:
    CFI startproc
.set slot_at, 0
.rept THUNK_COUNT
    endbr64
    lea r10, [rip + $slots + slot_at]
    jmp [r10 + SLOT_HANDLER]
    .balign THUNK_SIZE, 0xcc
.set slot_at, slot_at + SLOT_SIZE
.endr
    CFI endproc
.balign 4096, 0xcc
.if IS_MACHO
    .section __DATA,__bss
.else
    .bss
.endif
.balign 4096
GLOBAL $slots
$slots:
    .zero SLOT_SIZE * THUNK_COUNT
.text
.endm

.if IS_ELF
/* The stack need not be executable. */
.section .note.GNU-stack, "", @progbits
/* This object keeps to CET: IBT (bit 0) and SHSTK (bit 1). Without the note one object turns both
   off for the whole program. */
.section .note.gnu.property, "a", @note
    .balign 8
    .long 4                 /* size of the name */
    .long 16                /* size of the description */
    .long 5                 /* NT_GNU_PROPERTY_TYPE_0 */
    .asciz "GNU"
    .long 0xc0000002        /* GNU_PROPERTY_X86_FEATURE_1_AND */
    .long 4                 /* size of its data */
    .long 3                 /* IBT | SHSTK */
    .long 0                 /* padding */
.endif

.text
