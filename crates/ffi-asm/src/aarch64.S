/* What the assembly of AArch64 crates shares: symbols, unwind data, hardening, thunks. */

.text
