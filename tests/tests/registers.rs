//! What belongs to the caller comes back from calls and callbacks: registers, flags, control words
//! and the stack, filled by a caller in assembly and changed by a callee in assembly.
//!
//! The callbacks' trampolines are called as they are. Between the caller and a call is Rust, which
//! might save what the trampoline spoils: `saved_registers.rs` in each ABI crate calls those of
//! calls alone.

use ffi::{CallInterface, Callback, Convention, Scalar, Signature, Type};
use std::ffi::c_void;

/// Signatures of one argument and a result of the same type, each for a trampoline of its own, and
/// how many registers of x87 the result is in.
fn callbacks(sysv: bool) -> Vec<(Type, Type, u32)> {
    let vector = |lanes| Type::vector(Scalar::F64, lanes).expect("a vector");
    let mut all = Vec::new();
    let types = [Type::I64, Type::F64, vector(2), vector(4), vector(8)];
    for ty in types.into_iter().filter(is_known) {
        all.push((ty.clone(), ty.clone(), 0));
        if sysv {
            let pair = Type::complex(Scalar::F80).expect("a complex type");
            all.extend([(Type::F80, ty.clone(), 1), (pair, ty, 2)]);
        }
    }
    all
}

/// A result and arguments for each kind of call: scalars that are all alike and others, in
/// registers and on as much of the stack as steps fill; what only an image can pass, and much of
/// the stack; whole vector registers.
fn calls() -> Vec<(Type, Vec<Type>)> {
    let byte = Type::array(Type::I8, 3).expect("an array");
    let three = Type::structure("three").field("bytes", byte).build().expect("a structure");
    let many = Type::array(Type::I64, 9).expect("an array");
    let many = Type::structure("many").field("numbers", many).build().expect("a structure");
    let vector = |lanes| Type::vector(Scalar::F64, lanes).expect("a vector");
    let mut all = vec![
        (Type::I64, vec![Type::I64]),
        (Type::F64, vec![Type::F64, Type::F64]),
        (Type::I64, vec![Type::I64, Type::F64]),
        (Type::F64, vec![Type::I64; 11]),
        (Type::VOID, vec![three.clone()]),
        (Type::F64, vec![three, Type::F64]),
        (Type::I64, vec![Type::I64; 41]),
        (many.clone(), vec![many, Type::F32]),
    ];
    let vectors = [vector(2), vector(4), vector(8)].into_iter();
    all.extend(vectors.filter(is_known).map(|ty| (ty.clone(), vec![ty.clone(), Type::I64])));
    all
}

/// Whether there are vectors of the size, and registers for them.
fn is_known(ty: &Type) -> bool {
    match ty.size() {
        #[cfg(target_arch = "x86_64")]
        32 => std::arch::is_x86_feature_detected!("avx"),
        #[cfg(target_arch = "x86_64")]
        64 => std::arch::is_x86_feature_detected!("avx512f"),
        #[cfg(not(target_arch = "x86_64"))]
        32 | 64 => false,
        _ => true,
    }
}

macro_rules! conventions {
    ($($name:ident: $abi:literal, $text:literal, $probe:literal, $clobber:literal,
       $conventions:expr, if $condition:meta;)*) => {
        $(#[cfg($condition)]
        mod $name {
            use super::*;

            std::arch::global_asm!(include_str!($text));

            // SAFETY: they are defined there.
            unsafe extern $abi {
                #[link_name = $probe]
                fn probe(function: *const c_void, arguments: &[u64; 6]) -> u32;
                #[link_name = $clobber]
                fn clobber();
            }

            /// What the probe calls to have an interface used.
            extern $abi fn invoke(interface: &CallInterface, values: *const *const c_void) {
                let count = interface.signature().arguments().len();
                let mut result = [0_u128; 8];
                // SAFETY: there are so many values, each as large as any type here is, the function
                // looks at none of them, and no result is larger.
                unsafe {
                    let values = std::slice::from_raw_parts(values, count);
                    let result = (&raw mut result).cast();
                    interface.invoke(clobber as *const c_void, values, result).expect("it fits");
                }
            }

            #[test]
            fn every_kind_of_call_keeps_what_belongs_to_its_caller() {
                for convention in $conventions {
                    for (result, types) in calls() {
                        let signature = Signature::new(convention, result, types);
                        let signature = signature.expect("a C signature");
                        let interface = CallInterface::with_signature(signature);
                        let interface = interface.expect("it can be called here");
                        let value = [0_u128; 8];
                        let values = [(&raw const value).cast::<c_void>(); 41];
                        let values = values.as_ptr() as u64;
                        let arguments = [&raw const interface as u64, values, 0, 0, 0, 0];
                        // SAFETY: the function takes these two.
                        let changed = unsafe { probe(invoke as *const c_void, &arguments) };
                        let signature = interface.signature();
                        assert_eq!(changed, 0, "{signature}: {changed:#034b}, see {}", $text);
                    }
                }
            }

            #[test]
            fn every_kind_of_callback_keeps_what_belongs_to_its_caller() {
                for convention in $conventions {
                    for (result, ty, in_x87) in callbacks(convention == Convention::SysV) {
                        let signature = Signature::new(convention, result, [ty]);
                        let signature = signature.expect("a C signature");
                        let text = signature.to_string();
                        let callback = Callback::with_signature(signature, |_, _| {
                            // SAFETY: it follows the convention.
                            unsafe { clobber() };
                        });
                        let callback = callback.expect("a callback");
                        // SAFETY: the argument is not looked at.
                        let changed = unsafe { probe(callback.as_ptr(), &[0; 6]) };
                        let expected = in_x87 << 24;
                        assert_eq!(changed, expected, "{text}: {changed:#034b}, see {}", $text);
                    }
                }
            }
        })*
    };
}

conventions! {
    sysv: "sysv64", "../../crates/ffi-abi-sysv/src/probe.s",
        "ffi_test_sysv_probe", "ffi_test_sysv_clobber",
        [Convention::SysV], if target_arch = "x86_64";
    win64: "win64", "../../crates/ffi-abi-win64/src/probe.s",
        "ffi_test_win64_probe", "ffi_test_win64_clobber",
        [Convention::Win64(ffi::Win64::Msvc)], if target_arch = "x86_64";
    aapcs64: "C", "../../crates/ffi-abi-arm64/src/probe.s",
        "ffi_test_arm64_probe", "ffi_test_arm64_clobber",
        [ffi::Aapcs64::Standard, ffi::Aapcs64::Apple, ffi::Aapcs64::Windows]
            .map(Convention::Aapcs64),
        if target_arch = "aarch64";
}
