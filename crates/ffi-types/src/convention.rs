//! Which conventions there are, what C's types measure in each, and the trait that makes one work.

use crate::callback::ThunkTable;
use crate::error::{CallingConventionError, InvalidCallInterfaceError, UnsupportedPlatformError};
use crate::{Plan, Scalar, Signature, Type};
use core::ffi::c_void;

/// A calling convention, as data. Any of them can be planned for on every host; which can be
/// called depends on the processor that is running.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Convention {
    /// System V AMD64: x86-64 Linux, macOS and the BSDs.
    SysV,
    /// Microsoft x64.
    Win64(Win64),
    /// The procedure call standard of AArch64.
    Aapcs64(Aapcs64),
}

/// The variants of the Microsoft x64 convention.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Win64 {
    /// As Microsoft's compiler has it: `long double` is `double`.
    Msvc,
    /// As MinGW has it: `long double` is the 80-bit type, passed by reference.
    Gnu,
}

/// The variants of AAPCS64.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Aapcs64 {
    /// Arm's own text, as Linux follows it.
    Standard,
    /// Apple's: packed stack arguments, variadic arguments on the stack.
    Apple,
    /// Microsoft's: variadic arguments never in SIMD registers.
    Windows,
}

const ARCHITECTURE: &str = if cfg!(target_arch = "x86_64") {
    "x86_64"
} else if cfg!(target_arch = "aarch64") {
    "aarch64"
} else if cfg!(target_arch = "riscv64") {
    "riscv64"
} else {
    "this architecture"
};

const OS: &str = if cfg!(target_os = "linux") {
    "linux"
} else if cfg!(target_os = "macos") {
    "macos"
} else if cfg!(target_os = "windows") {
    "windows"
} else {
    "this operating system"
};

macro_rules! platform {
    ($($arch:literal: $($os:literal)*;)*) => {
        $($(if cfg!(all(target_arch = $arch, target_os = $os)) { concat!($arch, "-", $os) } else)*)*
        { "this platform" }
    };
}

pub(crate) const PLATFORM: &str = platform! {
    "x86_64": "linux" "macos" "windows";
    "aarch64": "linux" "macos" "windows";
    "riscv64": "linux";
};

impl Convention {
    /// The convention that C compilers use on the platform this is compiled for.
    ///
    /// # Errors
    /// [`UnsupportedPlatformError`] where this workspace implements none.
    ///
    /// # Examples
    /// ```
    /// use ffi_types::Convention;
    /// if cfg!(all(target_arch = "x86_64", target_os = "linux")) {
    ///     assert_eq!(Convention::native(), Ok(Convention::SysV));
    /// }
    /// ```
    pub const fn native() -> Result<Self, UnsupportedPlatformError> {
        if cfg!(target_arch = "x86_64") {
            if cfg!(not(target_os = "windows")) {
                return Ok(Self::SysV);
            }
            return Ok(Self::Win64(if cfg!(target_env = "gnu") {
                Win64::Gnu
            } else {
                Win64::Msvc
            }));
        }
        if cfg!(target_arch = "aarch64") {
            return Ok(Self::Aapcs64(if cfg!(target_vendor = "apple") {
                Aapcs64::Apple
            } else if cfg!(target_os = "windows") {
                Aapcs64::Windows
            } else {
                Aapcs64::Standard
            }));
        }
        Err(UnsupportedPlatformError { os: OS, architecture: ARCHITECTURE })
    }

    /// The sizes of C's types where this convention is the platform's own.
    ///
    /// # Examples
    /// ```
    /// use ffi_types::{Convention, Type, Win64};
    /// assert_eq!(Convention::SysV.data_model().wchar_t(), Type::I32);
    /// assert_eq!(Convention::Win64(Win64::Msvc).data_model().wchar_t(), Type::U16);
    /// ```
    pub const fn data_model(self) -> DataModel {
        match self {
            Self::SysV | Self::Aapcs64(Aapcs64::Apple) => DataModel {
                long_bytes: 8,
                char_signed: true,
                wchar: Scalar::I32,
                long_double: match self {
                    Self::SysV => Scalar::F80,
                    _ => Scalar::F64,
                },
            },
            Self::Win64(_) | Self::Aapcs64(Aapcs64::Windows) => DataModel {
                long_bytes: 4,
                char_signed: true,
                wchar: Scalar::U16,
                long_double: match self {
                    Self::Win64(Win64::Gnu) => Scalar::F80,
                    _ => Scalar::F64,
                },
            },
            Self::Aapcs64(Aapcs64::Standard) => DataModel {
                long_bytes: 8,
                char_signed: false,
                wchar: Scalar::U32,
                long_double: Scalar::F128,
            },
        }
    }
}

impl core::fmt::Display for Convention {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::SysV => "sysv",
            Self::Win64(Win64::Msvc) => "win64",
            Self::Win64(Win64::Gnu) => "win64-gnu",
            Self::Aapcs64(Aapcs64::Standard) => "aapcs64",
            Self::Aapcs64(Aapcs64::Apple) => "apple-arm64",
            Self::Aapcs64(Aapcs64::Windows) => "windows-arm64",
        })
    }
}

/// What C's own type names mean on a platform. `int` is 4 bytes, `short` 2, `long long` and
/// pointers 8, everywhere; the rest is said here.
///
/// ```
/// use ffi_types::{Convention, Type, Win64};
/// let windows = Convention::Win64(Win64::Msvc).data_model();
/// assert_eq!(windows.c_long(), Type::I32);
/// assert_eq!(Convention::SysV.data_model().c_long(), Type::I64);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataModel {
    long_bytes: usize,
    char_signed: bool,
    wchar: Scalar,
    long_double: Scalar,
}

impl DataModel {
    /// The data model of the platform this is compiled for; that of Linux where this workspace
    /// does not know the platform.
    pub const NATIVE: DataModel = match Convention::native() {
        Ok(convention) => convention.data_model(),
        Err(_) => Convention::SysV.data_model(),
    };

    /// `char`.
    pub const fn c_char(&self) -> Type {
        if self.char_signed { Type::I8 } else { Type::U8 }
    }

    /// `long`.
    pub const fn c_long(&self) -> Type {
        if self.long_bytes == 8 { Type::I64 } else { Type::I32 }
    }

    /// `unsigned long`.
    pub const fn c_ulong(&self) -> Type {
        if self.long_bytes == 8 { Type::U64 } else { Type::U32 }
    }

    /// `long double`.
    pub const fn c_long_double(&self) -> Type {
        Type::scalar(self.long_double)
    }

    pub(crate) const fn long_double(&self) -> Scalar {
        self.long_double
    }

    /// `wchar_t`.
    pub const fn wchar_t(&self) -> Type {
        Type::scalar(self.wchar)
    }
}

/// The machine code that carries out a call: the plan, the function's address, one pointer per
/// argument, and where the return value goes.
///
/// # Safety
/// See [`CallingConvention::entry`].
pub type Entry = unsafe fn(
    plan: &Plan,
    function: *const c_void,
    arguments: *const *const c_void,
    result: *mut c_void,
);

/// As [`Entry`], for callers that fill the image themselves: the plan, the function's address, the
/// image, and where the return value goes. Registers and stack area of the image are not changed and
/// may be used again; copies of arguments passed by reference are the callee's to change.
///
/// # Safety
/// See [`CallingConvention::image_entry`].
pub type ImageEntry =
    unsafe fn(plan: &Plan, function: *const c_void, image: *const u8, result: *mut c_void);

/// A calling convention that can plan and, on the right processor, call and be called.
///
/// # Safety
/// What is returned is executed. An implementation promises that:
/// - [`plan_into`](Self::plan_into) places every byte where callees of the convention look for it, and keeps
///   every image offset inside the register file and stack area that the entries provide;
/// - [`entry`](Self::entry) is sound to call with a plan that this convention made for it, a
///   function of that signature, and pointers as [`Plan::store_arguments`] asks for them;
/// - [`thunks`](Self::thunks) and [`callback_handler`](Self::callback_handler) are as
///   [`ThunkTable`] describes them.
pub unsafe trait CallingConvention: Send + Sync {
    /// Which one it is.
    fn convention(&self) -> Convention;

    /// Decides where each byte of a call with this signature goes, and writes it to `plan`, over
    /// what was there. Pure: it runs on every host.
    ///
    /// # Errors
    /// An [`InvalidCallInterfaceError`] that names the argument which this convention has no
    /// place for. What `plan` then holds is of no use.
    fn plan_into(
        &self,
        signature: &Signature,
        plan: &mut Plan,
    ) -> Result<(), InvalidCallInterfaceError>;

    /// As [`plan_into`](Self::plan_into), as a value.
    ///
    /// # Errors
    /// As for `plan_into`.
    #[inline]
    fn plan(&self, signature: &Signature) -> Result<Plan, InvalidCallInterfaceError> {
        let mut plan = Plan::empty();
        self.plan_into(signature, &mut plan)?;
        Ok(plan)
    }

    /// The fastest code that carries out calls by this plan.
    ///
    /// # Errors
    /// A [`CallingConventionError`] where the running processor cannot make such calls, or where
    /// the plan is of another convention.
    fn entry(&self, plan: &Plan) -> Result<Entry, CallingConventionError>;

    /// The fastest code for callers who carry out the plan's moves themselves: an interpreter, say,
    /// that keeps an image for each function and writes its values straight to where
    /// [`Plan::moves`] has them.
    ///
    /// It is sound to call with a plan that this convention made for it; a function of that
    /// signature; an image of [`Plan::image_size`] bytes in which everything is where
    /// [`Plan::store_arguments`] would have put it (of what no move covers nothing is asked: it may
    /// be uninitialised); and a result as for [`entry`](Self::entry). The image is aligned to 8, and
    /// where copies are passed by reference, its stack area (`registers().size` bytes from its
    /// start) to [`Plan::stack_align`].
    ///
    /// # Errors
    /// As for [`entry`](Self::entry).
    fn image_entry(&self, plan: &Plan) -> Result<ImageEntry, CallingConventionError>;

    /// The trampolines that are assembled into the program for callbacks of this convention.
    ///
    /// # Errors
    /// A [`CallingConventionError`] where the running processor cannot run them.
    fn thunks(&self) -> Result<&'static ThunkTable, CallingConventionError>;

    /// The code that a thunk jumps to for callbacks by this plan: what [`crate::Slot`] needs.
    ///
    /// # Errors
    /// A [`CallingConventionError`] as for [`entry`](Self::entry).
    fn callback_handler(&self, plan: &Plan) -> Result<*const c_void, CallingConventionError>;
}
