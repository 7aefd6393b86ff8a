//! Assembly that must not pass: a function that is right, and one mistake at a time.

use crate::binary::Binary;
use crate::module::{Abi, Assembler, CLANG, Module, assemblers};
use crate::{marks, walk};
use ffi_asm::Format;
use std::sync::LazyLock;

const X86_64: &str = "
FUNCTION $good
    push rbp
    CFI def_cfa_offset 16
    CFI offset rbp, -16
    SEH pushreg rbp
    push rbx
    CFI def_cfa_offset 24
    CFI offset rbx, -24
    SEH pushreg rbx
    push rax
    CFI def_cfa_offset 32
    SEH stackalloc 8
    lea rbp, [rsp + 16]
    CFI def_cfa rbp, 16
    SEH setframe rbp, 16
    SEH endprologue
    mov rbx, rdi
    sub rsp, 32
    call rsi
    mov rax, rbx
    lea rsp, [rbp - 8]
    CFI def_cfa rsp, 24
    pop rbx
    CFI def_cfa_offset 16
    pop rbp
    CFI def_cfa_offset 8
    ret
END $good
";

const AARCH64: &str = "
FUNCTION $good
    SIGN_LR
    stp x29, x30, [sp, #-32]!
    CFI def_cfa_offset 32
    CFI offset x29, -32
    CFI offset x30, -24
    SEH save_fplr_x 32
    stp x19, x20, [sp, #16]
    CFI offset x19, -16
    CFI offset x20, -8
    SEH save_regp x19, 16
    mov x29, sp
    CFI def_cfa_register x29
    SEH set_fp
    SEH endprologue
    mov x19, x0
    sub sp, sp, #64
    blr x1
    mov x0, x19
    SEH startepilogue
    mov sp, x29
    CFI def_cfa_register sp
    SEH set_fp
    ldp x19, x20, [sp, #16]
    CFI restore x19
    CFI restore x20
    SEH save_regp x19, 16
    ldp x29, x30, [sp], #32
    CFI def_cfa_offset 0
    CFI restore x29
    CFI restore x30
    SEH save_fplr_x 32
    AUTHENTICATE_LR
    SEH endepilogue
    ret
END $good
";

fn assembler(abi: Abi, format: Format) -> Assembler {
    static ALL: LazyLock<Vec<Assembler>> = LazyLock::new(|| assemblers(CLANG));
    let fits = |each: &&Assembler| each.processor == abi.processor() && each.format == format;
    *ALL.iter().find(fits).expect("clang knows all of them")
}

fn complaints(abi: Abi, format: Format, source: &str) -> Vec<String> {
    crate::check(&Module::with_source(abi, source), &assembler(abi, format))
}

fn source(abi: Abi) -> &'static str {
    if abi == Abi::Arm64 { AARCH64 } else { X86_64 }
}

/// That the function with some text replaced brings exactly such complaints as these.
#[track_caller]
fn complains(abi: Abi, format: Format, from: &str, to: &str, wanted: &[&str]) {
    let good = source(abi);
    assert!(good.contains(from), "no {from:?}");
    let found = complaints(abi, format, &good.replace(from, to));
    assert!(!found.is_empty(), "nothing was found");
    for complaint in &found {
        assert!(wanted.iter().any(|text| complaint.contains(text)), "{complaint}");
    }
    for text in wanted {
        assert!(found.iter().any(|complaint| complaint.contains(text)), "no {text:?}: {found:?}");
    }
}

use Abi::{Arm64, SysV};
use Format::{Coff, Elf, MachO};

#[test]
fn the_function_itself_is_right() {
    for abi in [SysV, Arm64] {
        for format in [Elf, MachO, Coff] {
            assert_eq!(complaints(abi, format, source(abi)), [""; 0], "{abi:?} {format:?}");
        }
    }
}

#[test]
fn missing_unwind_data_is_noticed() {
    for (abi, entry) in [(SysV, "endbr64"), (Arm64, "hint #34")] {
        let lines = source(abi).lines().filter(|line| !line.contains("CFI"));
        let lines: Vec<&str> = lines.filter(|line| !line.starts_with("END")).collect();
        let start = format!("GLOBAL $good\n$good:\n    {entry}");
        let text = (lines.join("\n") + "\n").replace("FUNCTION $good", &start);
        let text = text.replace("SIGN_LR", "hint #25").replace("AUTHENTICATE_LR", "hint #29");
        for format in [Elf, MachO] {
            let found = complaints(abi, format, &text);
            let none = |complaint: &String| complaint.ends_with("information: there is none");
            assert!(found.iter().all(none), "{found:?}");
            assert!(found.len() > 10, "{found:?}");
        }
    }
}

#[test]
fn call_frame_information_that_is_wrong_is_noticed() {
    let frame = "the caller's stack pointer is";
    for format in [Elf, MachO] {
        let wrong = |from, to, wanted: &[&str]| complains(SysV, format, from, to, wanted);
        wrong("    CFI offset rbx, -24\n", "", &["the caller's rbx is"]);
        wrong("CFI offset rbp, -16", "CFI offset rbp, -24", &["the caller's rbp is"]);
        wrong(
            "CFI def_cfa rbp, 16",
            "CFI def_cfa rbp, 24",
            &[frame, "rbp is", "rbx is", "address"],
        );
        wrong("    CFI def_cfa_offset 8\n", "", &[frame, "rbp is", "rbx is", "address"]);
    }
    let wrong = |from, to, wanted: &[&str]| complains(Arm64, Elf, from, to, wanted);
    wrong("    CFI offset x19, -16\n", "", &["the caller's x19 is"]);
    wrong("    CFI restore x30\n", "", &["the return address is"]);
    wrong("SIGN_LR\n    stp", "hint #25\n    stp", &["the return address is"]);
    wrong(
        "CFI def_cfa_offset 32",
        "CFI def_cfa_offset 48",
        &[frame, "x29", "x19", "x20", "address"],
    );
}

#[test]
fn unwind_codes_that_are_wrong_are_noticed() {
    let frame = "unwind codes: the caller's stack pointer is";
    let wrong = |from, to, wanted: &[&str]| complains(SysV, Coff, from, to, wanted);
    wrong("    SEH pushreg rbx\n", "", &[frame, "rbx is", "rbp is", "the return address is"]);
    wrong("SEH stackalloc 8", "SEH stackalloc 16", &[frame, "rbx is", "rbp is", "address is"]);
    wrong(
        "SEH setframe rbp, 16",
        "SEH setframe rbp, 0",
        &[frame, "rbx is", "rbp is", "address is"],
    );
    // Not an epilogue to Windows, which would undo the prologue once more.
    wrong("pop rbp", "mov rbp, [rsp]\n    lea rsp, [rsp + 8]", &[frame, "rbx", "rbp", "address"]);
    let wrong = |from, to, wanted: &[&str]| complains(Arm64, Coff, from, to, wanted);
    wrong("SEH save_regp x19, 16", "SEH save_regp x21, 16", &["x19", "x20", "x21", "x22"]);
    wrong(
        "    SEH set_fp\n    SEH endp",
        "    SEH nop\n    SEH endp",
        &[frame, "address", "x19", "x20", "x29"],
    );
}

#[test]
fn each_line_of_unwind_data_in_a_crate_is_needed() {
    for abi in Abi::ALL {
        // `call.S`, which needs no other file.
        let source = &Module::of(abi).sources[0];
        for (format, start) in [(Elf, "    CFI "), (Coff, "    SEH ")] {
            assert_eq!(complaints(abi, format, source), [""; 0], "{abi:?} {format:?}");
            let lines: Vec<&str> = source.lines().collect();
            // Without a frame it does not matter where the prologue ends.
            let says = |line: &str| line.starts_with(start) && !line.ends_with("endprologue");
            let said: Vec<usize> = (0..lines.len()).filter(|at| says(lines[*at])).collect();
            assert!(said.len() >= 4, "{said:?}");
            for at in said {
                let rest = [&lines[..at], &lines[at + 1..]].concat().join("\n") + "\n";
                let found = complaints(abi, format, &rest);
                assert!(!found.is_empty(), "{abi:?} {format:?}, line {}: {}", at + 1, lines[at]);
            }
        }
    }
}

#[test]
fn compact_unwind_data_that_is_wrong_is_noticed() {
    // Frames whose first saved register is another than was saved, and one too low.
    for (abi, words) in [(SysV, [0x0101_0002, 0x0102_0001]), (Arm64, [0x0400_0001, 0x0400_0002])] {
        let module = Module::with_source(abi, source(abi));
        let bytes = module.assemble(&assembler(abi, MachO)).expect("it is right");
        for word in words {
            let mut binary = Binary::read(&bytes);
            let Some(place) = &mut binary.compact_unwind else {
                assert!(std::env::var_os("CI").is_none(), "clang-22 writes it");
                return eprintln!("this clang writes no compact unwind data");
            };
            place.bytes[12..16].copy_from_slice(&u32::to_le_bytes(word));
            let found = walk::check(&binary, &module);
            let is_compact =
                |complaint: &String| complaint.contains("compact unwind: the caller's");
            assert!(found.iter().any(is_compact), "{word:#x}: {found:?}");
        }
    }
}

#[test]
fn entries_without_a_landing_pad_are_noticed() {
    for (abi, format) in [(SysV, Elf), (SysV, Coff), (Arm64, MachO)] {
        let start = "GLOBAL $good\n$good:\n    CFI startproc\n    SEH proc $good\n    nop\n";
        complains(abi, format, "FUNCTION $good\n", start, &["good+0x0: no landing pad"]);
    }
}

#[test]
fn registers_that_are_not_restored_are_noticed() {
    for format in [Elf, MachO, Coff] {
        let found = complaints(SysV, format, &X86_64.replace("    pop rbx\n", "    pop rcx\n"));
        assert!(
            found.iter().any(|complaint| complaint.contains("rbx is not restored")),
            "{found:?}"
        );
        complains(
            SysV,
            format,
            "mov rax, rbx",
            "mov r12, rbx",
            &["r12 is not restored", "caller's r12"],
        );
        complains(
            Arm64,
            format,
            "mov x0, x19",
            "ldr d8, [x0]",
            &["d8 is not restored", "caller's d8"],
        );
    }
    let found = complaints(Arm64, Elf, &AARCH64.replace("ldp x19, x20, [sp", "ldp x19, x21, [sp"));
    assert!(found.iter().any(|complaint| complaint.contains("x21 is not restored")), "{found:?}");
    let found = complaints(SysV, Elf, &X86_64.replace("    ret\n", "    push rax\n    ret\n"));
    assert!(found.iter().any(|complaint| complaint.contains("the stack pointer is")), "{found:?}");
    // What is the caller's by one convention is not by the other.
    let changes = X86_64.replace("mov rax, rbx", "movaps xmm6, xmm0");
    assert_eq!(complaints(SysV, Elf, &changes), [""; 0]);
    let found = complaints(Abi::Win64, Elf, &changes);
    assert!(found.iter().any(|complaint| complaint.contains("xmm6 is not restored")), "{found:?}");
}

#[test]
fn stores_outside_of_the_frame_are_noticed() {
    for format in [Elf, MachO, Coff] {
        let wrong = |to: &str| {
            complains(SysV, format, "    mov rax, rbx\n", to, &["writes below the stack pointer"]);
        };
        wrong("    mov [rsp - 8], rax\n");
        wrong("    mov [rbp - 56], rax\n");
        wrong("    mov rax, rsp\n    and rax, rcx\n    mov [rax], rbx\n");
        for to in ["    mov [rbp + 16], rax\n", "    mov [rbp + 4], eax\n    mov [rbp + 6], rcx\n"]
        {
            let good = X86_64.replace("    mov rax, rbx\n", to);
            let found = complaints(SysV, format, &good);
            let expected = |complaint: &String| complaint.contains("writes to the caller's frame");
            assert!(found.iter().any(expected), "{found:?}");
        }
        let wrong = |to: &str, wanted| complains(Arm64, format, "mov x0, x19", to, &[wanted]);
        wrong("stur x0, [sp, #-8]", "writes below the stack pointer");
        wrong("str x0, [x29, #32]", "writes to the caller's frame");
    }
}

#[test]
fn what_no_trampoline_may_touch_is_noticed() {
    let wrong = |to, wanted| complains(SysV, Elf, "mov rax, rbx", to, &[wanted]);
    wrong("std", "changes the direction flag");
    wrong("ldmxcsr [rsp]", "changes a mode");
    wrong("fldcw [rsp]", "changes a mode");
    for to in ["mov x18, x0", "ldr w18, [x0]", "ldr x0, [x18]", "add x0, x0, x18, lsl #3"] {
        for format in [Elf, MachO, Coff] {
            complains(Arm64, format, "mov x0, x19", to, &["x18 is the platform's"]);
        }
    }
    complains(SysV, Elf, "sub rsp, 32", "sub rsp, 24", &["the stack pointer is not aligned"]);
    complains(SysV, Elf, "    ret\n", "    ret\n    mov eax, 1\n    ret\n", &["are never reached"]);
    complains(
        Arm64,
        Elf,
        "    ret\n",
        "    ret\n    mov x0, #1\n    ret\n",
        &["are never reached"],
    );
    complains(Arm64, Elf, "mov x0, x19", "msr fpcr, x0", &["is not known here", "never reached"]);
}

#[test]
fn text_relocations_are_noticed() {
    for format in [Elf, MachO, Coff] {
        let address = "movabs rax, offset $good";
        complains(SysV, format, "mov rax, rbx", address, &["a text relocation at"]);
        let address = "b 1f\n    .quad $good\n1:";
        complains(Arm64, format, "mov x0, x19", address, &["a text relocation at"]);
    }
}

#[test]
fn missing_and_partial_notes_are_noticed() {
    const STACK: &str = ".section .note.GNU-stack, \"\", @progbits\n";
    let property = |bits: u32| {
        format!(
            ".section .note.gnu.property, \"a\", @note\n.balign 8\n.long 4, 16, 5\n\
             .asciz \"GNU\"\n.long 0xc0000002, 4, {bits}, 0\n"
        )
    };
    let executable = STACK.replace("\"\"", "\"x\"");
    let cases = [
        (STACK.to_owned() + &property(3), vec![]),
        (property(3), vec!["flags of .note.GNU-stack: None"]),
        (executable + &property(3), vec!["flags of .note", ".note.GNU-stack is executable"]),
        (STACK.to_owned(), vec!["expected IBT and SHSTK, found None"]),
        (STACK.to_owned() + &property(1), vec!["expected IBT and SHSTK, found Some(Ok("]),
    ];
    for (text, wanted) in cases {
        let text = format!(".text\n.globl f\nf:\n ret\n{text}");
        let elf = assembler(SysV, Elf);
        let bytes = elf.run(elf.command, &text).expect("it is assembly");
        let found = marks::check(&Binary::read(&bytes));
        assert_eq!(found.len(), wanted.len(), "{found:?}");
        for (found, wanted) in found.iter().zip(wanted) {
            assert!(found.contains(wanted), "{found:?}");
        }
    }
}
