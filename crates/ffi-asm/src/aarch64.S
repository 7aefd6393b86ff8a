/* What the assembly of AArch64 crates shares: symbols, unwind data, hardening, thunks.

   Calls are unwound by DWARF on ELF and Mach-O and by Windows' own tables on COFF. A function
   says its prologue once for each: CFI and SEH take a directive without its prefix, and are empty
   where the other one is used.

   Instructions of later architectures are written as the hints that they are on earlier ones. */

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

/* A piece of code with a name, and its end. Without SEH's directives it is a leaf to Windows. */
.macro CODE name
    .balign 16
    GLOBAL \name
.if IS_ELF
    .type \name, %function
.elseif IS_COFF
    .def \name
    .scl 2
    .type 32
    .endef
.endif
\name:
    CFI startproc
.endm

.macro END_CODE name
    CFI endproc
.if IS_ELF
    .size \name, . - \name
.endif
.endm

/* A function that Rust calls or that C reaches through a pointer; a landing pad for indirect
   branches. Its prologue ends with SEH endprologue. */
.macro FUNCTION name
    CODE \name
    SEH proc \name
    hint #34                /* bti c */
    SEH nop
.endm

.macro END name
    SEH endproc
    END_CODE \name
.endm

/* Signs the return address before it is stored, and checks it after it was loaded; where
   pointer authentication is off, or not there, these do nothing. ELF alone: Apple's arm64 and
   Windows' unwind codes here are those of unsigned frames. */
.macro SIGN_LR
.if IS_ELF
    hint #25                /* paciasp */
    .cfi_negate_ra_state
.endif
.endm

.macro AUTHENTICATE_LR
.if IS_ELF
    hint #29                /* autiasp */
    .cfi_negate_ra_state
.endif
.endm

/* Moves sp down to the address in x9, and touches each page on the way and the last: a stack that
   is too small ends in its guard page and not in somebody else's memory. Windows dispatches the
   fault on the same stack, which must still have room, so sp stays until all was touched.
   Changes x10. */
.macro LOWER_STACK
    mov x10, sp
1:  sub x10, x10, #4096
    cmp x10, x9
    b.ls 2f
.if IS_COFF == 0
    mov sp, x10
.endif
    str xzr, [x10]
    b 1b
2:  str xzr, [x9]
    mov sp, x9
.endm

/* The thunks, THUNK_SIZE bytes each. Each finds its slot by its page's distance, which stays the
   same where both are mapped again elsewhere: the code stands on pages of its own, and so do the
   slots. The handler is reached through the slot for the same reason. */
/* Apple's pages have 16 KiB; elsewhere those of larger pages do without more thunks. */
.set CODE_PAGE, 4096 << (2 * IS_MACHO)
.macro THUNKS
.balign CODE_PAGE
GLOBAL $thunk_code
$thunk_code:
    CFI startproc
.set slot_at, 0
.rept THUNK_COUNT
    hint #34                /* bti c */
.if IS_MACHO
    adrp x17, $slots@PAGE + slot_at
    add x17, x17, $slots@PAGEOFF + slot_at
.else
    adrp x17, $slots + slot_at
    add x17, x17, :lo12:$slots + slot_at
.endif
    ldr x16, [x17, #SLOT_HANDLER]
    br x16
    .balign THUNK_SIZE, 0   /* udf #0 */
.set slot_at, slot_at + SLOT_SIZE
.endr
    CFI endproc
.balign CODE_PAGE, 0
.if IS_MACHO
    .section __DATA,__bss
.else
    .bss
.endif
.balign CODE_PAGE
GLOBAL $slots
$slots:
    .zero SLOT_SIZE * THUNK_COUNT
.text
.endm

.if IS_ELF
/* The stack need not be executable. */
.section .note.GNU-stack, "", %progbits
/* This object has landing pads (BTI, bit 0) and signs what it returns to (PAC, bit 1). Without
   the note one object turns landing pads off for the whole program. */
.section .note.gnu.property, "a", %note
    .balign 8
    .long 4                 /* size of the name */
    .long 16                /* size of the description */
    .long 5                 /* NT_GNU_PROPERTY_TYPE_0 */
    .asciz "GNU"
    .long 0xc0000000        /* GNU_PROPERTY_AARCH64_FEATURE_1_AND */
    .long 4                 /* size of its data */
    .long 3                 /* BTI | PAC */
    .long 0                 /* padding */
.endif

.text
