//! Tests of reading exports: of files that are none, and of files that are cut off or changed.

use super::*;

fn refusal(data: &[u8]) -> String {
    match parse(data, "a.so".into()) {
        Ok(exports) => panic!("{exports:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_no_library_is_named() {
    for (data, found) in [
        (&b""[..], "an empty file"),
        (b"#!/bin/sh\n", "a text"),
        ("\u{fc}ber".as_bytes(), "a text"),
        (b"--- !tapi-tbd\n", "a text (.tbd) that tells a linker of a library elsewhere"),
        (b"!<arch>\n", "a static archive"),
        (b"!<thin>\n", "a static archive"),
        (
            b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
            "of no known format, beginning with the bytes 1f 8b 08 00 00 00 00 00",
        ),
    ] {
        assert_eq!(refusal(data), format!("a.so is {found}; expected a shared library"));
    }
    assert!(refusal(b"\x7fELF").contains("beginning with the bytes 7f 45 4c 46;"));
}

#[test]
fn a_library_that_is_a_cut_off_header_is_damaged() {
    let error = parse(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\0\0", "a.so".into());
    assert!(matches!(error, Err(ExportsError::Damaged { .. })), "{error:?}");
    let universal = b"\xca\xfe\xba\xbe\0\0\0\0\0\0\0\0\0\0\0\0";
    assert_eq!(
        refusal(universal),
        "a.so is a universal file with nothing in it; expected a shared library"
    );
}

#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
mod compiled {
    use super::*;
    use std::process::Command;

    const SOURCE: &str = "int answer(void) { return 42; }\n\
        int counter = 7;\n\
        __attribute__((visibility(\"hidden\"))) int hidden(void) { return 1; }\n\
        int uses(void) { return hidden(); }\n";

    /// Compiles, and links with each command in turn; `{}` in it stands for the directory, in
    /// which `a.c` is the source and `a` the result.
    fn build(commands: &[&str]) -> Option<Vec<u8>> {
        let at = tempfile::tempdir().expect("a directory");
        std::fs::write(at.path().join("a.c"), SOURCE).expect("a file");
        for command in commands {
            let mut words = command.split(' ');
            let mut program = words.next().expect("a program").to_owned();
            if program == "rust-lld" {
                program = lld();
            }
            let ran = Command::new(&program).args(words).current_dir(at.path()).output();
            match ran {
                Ok(ran) if ran.status.success() => {}
                other => {
                    eprintln!("left out, as {program} does not work: {other:?}");
                    assert!(std::env::var_os("CI").is_none(), "{command} failed");
                    return None;
                }
            }
        }
        Some(std::fs::read(at.path().join("a")).expect("what the linker wrote"))
    }

    /// The linker that comes with the compiler.
    fn lld() -> String {
        let ran = Command::new("rustc").args(["--print", "target-libdir"]).output();
        let lib = ran.map(|ran| String::from_utf8_lossy(&ran.stdout).trim().to_owned());
        format!("{}/../bin/rust-lld", lib.unwrap_or_default())
    }

    fn names(data: &[u8]) -> Vec<(String, Kind)> {
        let exports = parse(data, "a.so".into()).expect("a library");
        exports.symbols.into_iter().map(|symbol| (symbol.name, symbol.kind)).collect()
    }

    fn expected() -> Vec<(String, Kind)> {
        let answers =
            [("answer", Kind::Function), ("counter", Kind::Variable), ("uses", Kind::Function)];
        answers.map(|(name, kind)| (name.to_owned(), kind)).into()
    }

    /// Reads a file cut off at every length, and with every byte changed in two ways: that must
    /// end, without a panic. How many of the cut off files were still read.
    fn abuse(data: &[u8]) -> usize {
        let cut = (0..data.len()).filter(|length| symbols(&data[..*length]).is_ok()).count();
        let mut changed = data.to_vec();
        for index in 0..data.len() {
            for value in [0xff, data[index] ^ 1] {
                changed[index] = value;
                let _ = symbols(&changed);
            }
            changed[index] = data[index];
        }
        cut
    }

    #[test]
    fn elf() {
        let linked = "cc -shared -fPIC -nostdlib -Wl,-z,noseparate-code,-s -o a a.c";
        let data = build(&[linked]).expect("a C compiler");
        assert_eq!(names(&data), expected());
        // The section headers are at the end.
        assert_eq!(abuse(&data), 0);
        let mut stripped = data.clone();
        // `e_shoff`, `e_shnum` and `e_shstrndx`.
        stripped[0x28..0x30].fill(0);
        stripped[0x3c..0x40].fill(0);
        assert!(refusal(&stripped).contains("section headers were stripped"));
    }

    #[test]
    fn elf_of_other_processors_and_programs() {
        let big =
            ["clang --target=powerpc64-linux-gnu -c a.c", "rust-lld -flavor gnu -shared a.o -o a"];
        if let Some(data) = build(&big) {
            assert_eq!(parse(&data, "a.so".into()).expect("a library").architecture, "powerpc64");
            assert_eq!(names(&data), expected());
        }
        let data = build(&["cc -c -o a a.c"]).expect("a C compiler");
        assert!(refusal(&data).contains("an object file, which is not linked yet (Elf, x86_64)"));
        for program in ["cc -pie -fPIE", "cc -no-pie"] {
            let command = format!("{program} -nostdlib -Wl,-e,answer -o a a.c");
            let data = build(&[&command]).expect("a C compiler");
            assert!(refusal(&data).contains("a program (Elf, x86_64)"), "{program}");
        }
    }

    #[test]
    fn pe() {
        let Some(data) = build(&[
            "clang --target=x86_64-pc-windows-msvc -c a.c",
            "rust-lld -flavor link /dll /noentry /export:answer /export:counter,data /export:uses \
             /export:alloc=KERNEL32.HeapAlloc /export:hidden,@7,NONAME a.o /out:a"
                .trim(),
        ]) else {
            return;
        };
        let mut wanted = expected();
        wanted.insert(0, ("#7".into(), Kind::Function));
        wanted.insert(1, ("alloc".into(), Kind::Forward));
        assert_eq!(names(&data), wanted);
        let (format, architecture, found) = symbols(&data).expect("a library");
        assert_eq!((format, architecture), ("pe", Architecture::X86_64));
        let forward = found.iter().find_map(|symbol| symbol.forward.as_deref());
        assert_eq!(forward, Some("KERNEL32.HeapAlloc"));
        abuse(&data);
    }

    #[test]
    fn mach_o_and_the_universal_file_around_it() {
        let link = "rust-lld -flavor darwin -dylib -arch arm64 -platform_version macos 11 11 \
                    -undefined dynamic_lookup -o a a.o";
        let Some(data) = build(&["clang --target=arm64-apple-macos11 -c a.c", link]) else {
            return;
        };
        assert_eq!(names(&data), expected());
        abuse(&data);

        let mut universal = vec![0; 64];
        let words = [0xcafe_babe, 1, 0x0100_000c, 0, 64, data.len() as u32, 3];
        for (word, at) in words.into_iter().zip((0..).step_by(4)) {
            universal[at..at + 4].copy_from_slice(&u32::to_be_bytes(word));
        }
        universal.extend(&data);
        assert_eq!(names(&universal), expected());
        assert!((0..64 + 4096).all(|length| symbols(&universal[..length]).is_err()));

        let object = build(&["clang --target=arm64-apple-macos11 -c -o a a.c"]).expect("as above");
        assert!(refusal(&object).contains("(MachO, aarch64)"), "{}", refusal(&object));
    }
}
