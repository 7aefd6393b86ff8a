//! The type names that a text may use without declaring them.

use crate::ctype::{Basic, DeclaredKind, DeclaredType, Qualifiers};
use crate::options::Options;
use alloc::sync::Arc;
use ffi_types::{Aapcs64, Convention, Scalar, Type};

/// Names of `<stdint.h>`, `<stddef.h>` and `<time.h>` that are the same words on every platform.
const STANDARD: &[(&str, Basic)] = &[
    ("bool", Basic::Bool),
    ("int8_t", Basic::SignedChar),
    ("uint8_t", Basic::UnsignedChar),
    ("int16_t", Basic::Short),
    ("uint16_t", Basic::UnsignedShort),
    ("int32_t", Basic::Int),
    ("uint32_t", Basic::UnsignedInt),
    ("int_least8_t", Basic::SignedChar),
    ("uint_least8_t", Basic::UnsignedChar),
    ("int_least16_t", Basic::Short),
    ("uint_least16_t", Basic::UnsignedShort),
    ("int_least32_t", Basic::Int),
    ("uint_least32_t", Basic::UnsignedInt),
    ("int_fast8_t", Basic::SignedChar),
    ("uint_fast8_t", Basic::UnsignedChar),
    ("char16_t", Basic::UnsignedShort),
    ("char32_t", Basic::UnsignedInt),
    ("clock_t", Basic::Long),
    ("off_t", Basic::Long),
];

/// Names of POSIX that mean the same on all of its systems.
const POSIX: &[(&str, Basic)] = &[
    ("pid_t", Basic::Int),
    ("uid_t", Basic::UnsignedInt),
    ("gid_t", Basic::UnsignedInt),
    ("id_t", Basic::UnsignedInt),
    ("key_t", Basic::Int),
    ("clockid_t", Basic::Int),
    ("useconds_t", Basic::UnsignedInt),
    ("socklen_t", Basic::UnsignedInt),
    ("in_addr_t", Basic::UnsignedInt),
    ("in_port_t", Basic::UnsignedShort),
    ("ino_t", Basic::UnsignedLong),
    ("blkcnt_t", Basic::Long),
    ("wint_t", Basic::UnsignedInt),
];

/// Those that each system has in its own way.
const OF_LINUX: &[(&str, Basic)] =
    &[("mode_t", Basic::UnsignedInt), ("dev_t", Basic::UnsignedLong), ("suseconds_t", Basic::Long)];
const OF_APPLE: &[(&str, Basic)] =
    &[("mode_t", Basic::UnsignedShort), ("dev_t", Basic::Int), ("suseconds_t", Basic::Int)];
/// As mingw-w64 has them.
const OF_WINDOWS: &[(&str, Basic)] = &[
    ("pid_t", Basic::LongLong),
    ("clockid_t", Basic::Int),
    ("useconds_t", Basic::UnsignedInt),
    ("mode_t", Basic::UnsignedShort),
    ("dev_t", Basic::UnsignedInt),
    ("ino_t", Basic::UnsignedShort),
    ("socklen_t", Basic::Int),
    ("wint_t", Basic::UnsignedShort),
];

/// Those of 64 bits, signed and unsigned: `long` where it has them, `long long` otherwise.
const WORDS: &[(&str, bool)] = &[
    ("int64_t", true),
    ("uint64_t", false),
    ("int_least64_t", true),
    ("uint_least64_t", false),
    ("int_fast64_t", true),
    ("uint_fast64_t", false),
    ("intmax_t", true),
    ("uintmax_t", false),
    ("intptr_t", true),
    ("uintptr_t", false),
    ("ptrdiff_t", true),
    ("size_t", false),
    ("ssize_t", true),
    ("off64_t", true),
    ("time_t", true),
];

/// Names of `<immintrin.h>`, with their size in bytes.
const X86_VECTORS: &[(&str, Basic, u64)] = &[
    ("__m64", Basic::LongLong, 8),
    ("__m128", Basic::Float, 16),
    ("__m128d", Basic::Double, 16),
    ("__m128i", Basic::LongLong, 16),
    ("__m256", Basic::Float, 32),
    ("__m256d", Basic::Double, 32),
    ("__m256i", Basic::LongLong, 32),
    ("__m512", Basic::Float, 64),
    ("__m512d", Basic::Double, 64),
    ("__m512i", Basic::LongLong, 64),
];

/// Names of `<arm_neon.h>`, with their size in bytes.
const ARM_VECTORS: &[(&str, Basic, u64)] = &[
    ("int8x8_t", Basic::SignedChar, 8),
    ("int8x16_t", Basic::SignedChar, 16),
    ("int16x4_t", Basic::Short, 8),
    ("int16x8_t", Basic::Short, 16),
    ("int32x2_t", Basic::Int, 8),
    ("int32x4_t", Basic::Int, 16),
    ("int64x1_t", Basic::LongLong, 8),
    ("int64x2_t", Basic::LongLong, 16),
    ("uint8x8_t", Basic::UnsignedChar, 8),
    ("uint8x16_t", Basic::UnsignedChar, 16),
    ("uint16x4_t", Basic::UnsignedShort, 8),
    ("uint16x8_t", Basic::UnsignedShort, 16),
    ("uint32x2_t", Basic::UnsignedInt, 8),
    ("uint32x4_t", Basic::UnsignedInt, 16),
    ("uint64x1_t", Basic::UnsignedLongLong, 8),
    ("uint64x2_t", Basic::UnsignedLongLong, 16),
    ("poly8x8_t", Basic::UnsignedChar, 8),
    ("poly8x16_t", Basic::UnsignedChar, 16),
    ("poly16x4_t", Basic::UnsignedShort, 8),
    ("poly16x8_t", Basic::UnsignedShort, 16),
    ("poly64x1_t", Basic::UnsignedLongLong, 8),
    ("poly64x2_t", Basic::UnsignedLongLong, 16),
    ("float16x4_t", Basic::Float16, 8),
    ("float16x8_t", Basic::Float16, 16),
    ("bfloat16x4_t", Basic::BFloat16, 8),
    ("bfloat16x8_t", Basic::BFloat16, 16),
    ("float32x2_t", Basic::Float, 8),
    ("float32x4_t", Basic::Float, 16),
    ("float64x1_t", Basic::Double, 8),
    ("float64x2_t", Basic::Double, 16),
];

/// Names of `<windows.h>`. `LONG` and its kin have 4 bytes wherever the text is read.
const WINDOWS: &[(&str, Basic)] = &[
    ("BOOL", Basic::Int),
    ("BOOLEAN", Basic::UnsignedChar),
    ("BYTE", Basic::UnsignedChar),
    ("CHAR", Basic::Char),
    ("UCHAR", Basic::UnsignedChar),
    ("SHORT", Basic::Short),
    ("USHORT", Basic::UnsignedShort),
    ("WORD", Basic::UnsignedShort),
    ("ATOM", Basic::UnsignedShort),
    ("LANGID", Basic::UnsignedShort),
    ("CCHAR", Basic::Char),
    ("INT8", Basic::SignedChar),
    ("UINT8", Basic::UnsignedChar),
    ("INT16", Basic::Short),
    ("UINT16", Basic::UnsignedShort),
    ("INT32", Basic::Int),
    ("UINT32", Basic::UnsignedInt),
    ("HFILE", Basic::Int),
    ("LSTATUS", Basic::Int),
    ("REGSAM", Basic::UnsignedInt),
    ("LCTYPE", Basic::UnsignedInt),
    ("SOCKET", Basic::UnsignedLongLong),
    ("INT", Basic::Int),
    ("UINT", Basic::UnsignedInt),
    ("LONG", Basic::Int),
    ("ULONG", Basic::UnsignedInt),
    ("DWORD", Basic::UnsignedInt),
    ("LONG32", Basic::Int),
    ("ULONG32", Basic::UnsignedInt),
    ("DWORD32", Basic::UnsignedInt),
    ("LCID", Basic::UnsignedInt),
    ("COLORREF", Basic::UnsignedInt),
    ("ACCESS_MASK", Basic::UnsignedInt),
    ("HRESULT", Basic::Int),
    ("NTSTATUS", Basic::Int),
    ("FLOAT", Basic::Float),
    ("LONGLONG", Basic::LongLong),
    ("ULONGLONG", Basic::UnsignedLongLong),
    ("LONG64", Basic::LongLong),
    ("ULONG64", Basic::UnsignedLongLong),
    ("DWORD64", Basic::UnsignedLongLong),
    ("DWORDLONG", Basic::UnsignedLongLong),
    ("INT64", Basic::LongLong),
    ("UINT64", Basic::UnsignedLongLong),
    ("INT_PTR", Basic::LongLong),
    ("UINT_PTR", Basic::UnsignedLongLong),
    ("LONG_PTR", Basic::LongLong),
    ("ULONG_PTR", Basic::UnsignedLongLong),
    ("DWORD_PTR", Basic::UnsignedLongLong),
    ("SIZE_T", Basic::UnsignedLongLong),
    ("SSIZE_T", Basic::LongLong),
    ("WPARAM", Basic::UnsignedLongLong),
    ("LPARAM", Basic::LongLong),
    ("LRESULT", Basic::LongLong),
    ("WCHAR", Basic::UnsignedShort),
];

/// Pointers to one of the above, or to `void`.
const WINDOWS_POINTERS: &[(&str, &str, bool)] = &[
    ("PVOID", "void", false),
    ("LPVOID", "void", false),
    ("LPCVOID", "void", true),
    ("PSTR", "CHAR", false),
    ("LPSTR", "CHAR", false),
    ("PCSTR", "CHAR", true),
    ("LPCSTR", "CHAR", true),
    ("PWSTR", "WCHAR", false),
    ("LPWSTR", "WCHAR", false),
    ("PCWSTR", "WCHAR", true),
    ("LPCWSTR", "WCHAR", true),
    ("PBOOL", "BOOL", false),
    ("LPBOOL", "BOOL", false),
    ("PBYTE", "BYTE", false),
    ("LPBYTE", "BYTE", false),
    ("PWORD", "WORD", false),
    ("LPWORD", "WORD", false),
    ("PDWORD", "DWORD", false),
    ("LPDWORD", "DWORD", false),
    ("PLONG", "LONG", false),
    ("LPLONG", "LONG", false),
    ("PULONG", "ULONG", false),
    ("PINT", "INT", false),
    ("LPINT", "INT", false),
    ("PUINT", "UINT", false),
    ("PSIZE_T", "SIZE_T", false),
    ("PULONG_PTR", "ULONG_PTR", false),
    ("PLONG_PTR", "LONG_PTR", false),
    ("PDWORD_PTR", "DWORD_PTR", false),
    ("PCHAR", "CHAR", false),
    ("PUCHAR", "UCHAR", false),
    ("PWCHAR", "WCHAR", false),
    ("PSHORT", "SHORT", false),
    ("PUSHORT", "USHORT", false),
    ("PBOOLEAN", "BOOLEAN", false),
    ("PLONGLONG", "LONGLONG", false),
    ("PULONGLONG", "ULONGLONG", false),
    ("PDWORD64", "DWORD64", false),
];

/// Handles, all of them pointers to something private; and pointers to structs and functions, of
/// which a prototype alone says no more.
const WINDOWS_HANDLES: &[&str] = &[
    "HANDLE",
    "HMODULE",
    "HINSTANCE",
    "HWND",
    "HDC",
    "HMENU",
    "HICON",
    "HCURSOR",
    "HBRUSH",
    "HBITMAP",
    "HFONT",
    "HPEN",
    "HRGN",
    "HKEY",
    "HGLOBAL",
    "HLOCAL",
    "HRSRC",
    "HHOOK",
    "HMONITOR",
    "HGDIOBJ",
    "HPALETTE",
    "HENHMETAFILE",
    "HACCEL",
    "HDESK",
    "HWINSTA",
    "SC_HANDLE",
    "HINTERNET",
    "PSID",
    "FARPROC",
    "WNDPROC",
    "WNDENUMPROC",
    "DLGPROC",
    "HOOKPROC",
    "TIMERPROC",
    "LPTHREAD_START_ROUTINE",
    "LPSECURITY_ATTRIBUTES",
    "LPOVERLAPPED",
];

/// Hands every name to `add`.
pub(crate) fn known(
    convention: Convention,
    windows: bool,
    mut add: impl FnMut(&'static str, DeclaredType),
) {
    let model = convention.data_model();
    let (posix, others) = match convention {
        _ if Options::for_convention(convention).is_microsoft() => (&[][..], OF_WINDOWS),
        Convention::Aapcs64(Aapcs64::Apple) => (POSIX, OF_APPLE),
        _ => (POSIX, OF_LINUX),
    };
    for &(name, basic) in STANDARD.iter().chain(posix).chain(others) {
        add(name, DeclaredType::basic(basic));
    }
    let long_has_64_bits = model.c_long() == Type::I64;
    for &(name, signed) in WORDS {
        add(
            name,
            DeclaredType::basic(match (long_has_64_bits, signed) {
                (true, true) => Basic::Long,
                (true, false) => Basic::UnsignedLong,
                (false, true) => Basic::LongLong,
                (false, false) => Basic::UnsignedLongLong,
            }),
        );
    }
    add(
        "wchar_t",
        DeclaredType::basic(match model.wchar_t().as_scalar() {
            Some(Scalar::U16) => Basic::UnsignedShort,
            Some(Scalar::U32) => Basic::UnsignedInt,
            _ => Basic::Int,
        }),
    );
    for name in ["va_list", "__builtin_va_list", "__gnuc_va_list"] {
        add(name, DeclaredType::new(DeclaredKind::VaList));
    }
    let vectors = match convention {
        Convention::Aapcs64(_) => ARM_VECTORS,
        _ => X86_VECTORS,
    };
    for &(name, element, size) in vectors {
        add(name, DeclaredType::new(DeclaredKind::Vector { element, size }));
    }
    if !windows {
        return;
    }
    for &(name, basic) in WINDOWS {
        add(name, DeclaredType::basic(basic));
    }
    for &(name, target, constant) in WINDOWS_POINTERS {
        let target = match WINDOWS.iter().find(|(name, _)| *name == target) {
            Some(&(name, basic)) => DeclaredType::basic(basic).named(Arc::from(name)),
            None => DeclaredType::new(DeclaredKind::Void),
        };
        let constant = if constant { Qualifiers::CONST } else { Qualifiers::empty() };
        add(name, target.qualified(constant).pointer_to());
    }
    for &name in WINDOWS_HANDLES {
        add(name, DeclaredType::new(DeclaredKind::Void).pointer_to());
    }
    let handle = DeclaredType::new(DeclaredKind::Void).pointer_to().named(Arc::from("HANDLE"));
    add("PHANDLE", handle.clone().pointer_to());
    add("LPHANDLE", handle.pointer_to());
    add("VOID", DeclaredType::new(DeclaredKind::Void));
}
