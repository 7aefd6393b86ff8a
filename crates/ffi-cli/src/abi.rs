//! Calling conventions by name.

use clap::ValueEnum;
use ffi::{Aapcs64, Convention, Win64};
use ffi_cdecl::Options;

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
}
