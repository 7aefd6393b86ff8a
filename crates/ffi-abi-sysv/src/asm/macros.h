/* What every assembly file here shares: symbol names, section notes, unwind and hardening. */

#ifndef SYMBOL_PREFIX
#error "assemble through build.rs: it passes SYMBOL_PREFIX and the offsets of src/layout.rs"
#endif

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

#if defined(__APPLE__)
#define SYMBOL(name) PASTE(_, PASTE(SYMBOL_PREFIX, name))
#define HIDDEN(name) .private_extern SYMBOL(name)
#define TYPE_FUNCTION(name)
#define SIZE(name)
#define BSS_SECTION .section __DATA,__bss
#else
#define SYMBOL(name) PASTE(SYMBOL_PREFIX, name)
#define HIDDEN(name) .hidden SYMBOL(name)
#define TYPE_FUNCTION(name) .type SYMBOL(name), @function
#define SIZE(name) .size SYMBOL(name), . - SYMBOL(name)
#define BSS_SECTION .bss
#endif

/* A function that Rust calls or that C reaches through a pointer: visible to the linker alone,
   and a landing pad for indirect branches (Intel CET). */
#define FUNCTION(name)      \
    .balign 16;             \
    .globl SYMBOL(name);    \
    HIDDEN(name);           \
    TYPE_FUNCTION(name);    \
SYMBOL(name):               \
    .cfi_startproc;         \
    endbr64

#define END(name)           \
    .cfi_endproc;           \
    SIZE(name)

.intel_syntax noprefix

#if defined(__ELF__)
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
#endif

.text
