//! Calling conventions by name, and what each plans.

use clap::ValueEnum;
use ffi::{Aapcs64, Convention, Plan, PrepareError, Signature, Win64};
use ffi_cdecl::Options;
use ffi_types::Rule;

/// A calling convention, as `--abi` takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Abi {
    /// System V on x86-64: Linux, macOS, the BSDs
    Sysv,
    /// Microsoft's on x86-64
    Win64,
    /// Microsoft's on x86-64, as gcc has it
    Win64Gnu,
    /// Arm's on AArch64: Linux
    Aapcs64,
    /// Apple's on AArch64
    AppleArm64,
    /// Microsoft's on AArch64
    WindowsArm64,
}

impl Abi {
    /// This machine's own.
    pub(crate) fn native() -> Self {
        let native = Convention::native().unwrap_or(Convention::SysV);
        let of = |abi: &&Self| abi.convention() == native;
        Self::value_variants().iter().find(of).copied().unwrap_or(Self::Sysv)
    }

    pub(crate) fn convention(self) -> Convention {
        match self {
            Self::Sysv => Convention::SysV,
            Self::Win64 => Convention::Win64(Win64::Msvc),
            Self::Win64Gnu => Convention::Win64(Win64::Gnu),
            Self::Aapcs64 => Convention::Aapcs64(Aapcs64::Standard),
            Self::AppleArm64 => Convention::Aapcs64(Aapcs64::Apple),
            Self::WindowsArm64 => Convention::Aapcs64(Aapcs64::Windows),
        }
    }

    /// How its platform reads a header.
    pub(crate) fn options(self) -> Options {
        Options::for_convention(self.convention())
    }
}

/// The plan that a call by the convention carries out.
pub(crate) fn plan(convention: Convention, signature: &Signature) -> Result<Plan, PrepareError> {
    Ok(match convention {
        Convention::Win64(variant) => ffi_abi_win64::plan(variant, signature)?,
        Convention::Aapcs64(variant) => ffi_abi_arm64::plan(variant, signature)?,
        _ => ffi_abi_sysv::plan(signature)?,
    })
}

/// Why the argument is where the plan has it.
pub(crate) fn argument_rule(signature: &Signature, plan: &Plan, index: usize) -> Rule {
    match plan.convention() {
        Convention::Win64(_) => ffi_abi_win64::argument_rule(signature, plan, index),
        Convention::Aapcs64(_) => ffi_abi_arm64::argument_rule(signature, plan, index),
        _ => ffi_abi_sysv::argument_rule(signature, plan, index),
    }
}

/// Why the result is where the plan has it.
pub(crate) fn result_rule(signature: &Signature, plan: &Plan) -> Rule {
    match plan.convention() {
        Convention::Win64(_) => ffi_abi_win64::result_rule(signature, plan),
        Convention::Aapcs64(_) => ffi_abi_arm64::result_rule(signature, plan),
        _ => ffi_abi_sysv::result_rule(signature, plan),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_conventions_print() {
        for abi in Abi::value_variants() {
            let name = abi.to_possible_value().expect("none is hidden").get_name().to_string();
            assert_eq!(name, abi.convention().to_string());
        }
    }

    /// `explain` shows the plan that a call goes by: of each convention that can be called here.
    #[test]
    fn plans_are_those_of_calls() {
        const TEXT: &str = "
            struct p { double d; int i; }; struct v { float x, y, z; }; struct l { long l[3]; };
            struct v one(struct p, struct v, struct l, float, _Bool, short, char *, int, long);
            struct l two(double, float, struct p *, unsigned char, struct p, long long, struct p);
            double three(void); int four(const char *, ...); float five(struct v, double *);
            void six(int a, int b, int c, int d, int e, int f, int g, int h, signed char i);
        ";
        let mut compared = 0;
        for abi in Abi::value_variants() {
            let header = abi.options().parse(TEXT).expect("it is C");
            for function in header.functions() {
                let double = function.is_variadic().then_some(ffi::Type::F64);
                let signature = function.signature_with(double).expect("it can be passed");
                let shown = plan(abi.convention(), &signature).expect("there is a plan");
                match ffi::CallInterface::with_signature(signature) {
                    Ok(called) => {
                        assert_eq!(format!("{shown:?}"), format!("{:?}", called.plan()), "{abi:?}");
                        compared += 1;
                    }
                    // Another processor's.
                    Err(error) => assert_ne!(*abi, Abi::native(), "{error}"),
                }
            }
        }
        assert_eq!(compared, 18, "six functions, three conventions");
    }
}
