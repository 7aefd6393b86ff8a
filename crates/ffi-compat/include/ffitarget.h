/* What libffi's interface has of the target: conventions, the size of a closure's code, and which
   types there are. Included by ffi.h, and by nothing else. */

#ifndef LIBFFI_TARGET_H
#define LIBFFI_TARGET_H

#ifndef LIBFFI_H
#error "Include ffi.h, not ffitarget.h."
#endif

#define FFI_SIZEOF_ARG 8
#define FFI_SIZEOF_JAVA_RAW 8

#define FFI_TARGET_HAS_COMPLEX_TYPE 1
#define FFI_TARGET_HAS_INT128 1
#define FFI_TARGET_HAS_VECTOR_TYPE 1

#define FFI_CLOSURES 1
/* Go's closures are not offered; ffi_prep_go_closure is there, and fails. */
#define FFI_GO_CLOSURES 0
#define FFI_NATIVE_RAW_API 0

/* An integer as wide as a register: what small integer results are widened to. */
#ifdef _WIN64
typedef unsigned long long ffi_arg;
typedef signed long long ffi_sarg;
#else
typedef unsigned long ffi_arg;
typedef signed long ffi_sarg;
#endif

#if defined(__x86_64__) || defined(_M_X64)

#define FFI_TRAMPOLINE_SIZE 32

typedef enum ffi_abi {
#ifdef _WIN64
  FFI_FIRST_ABI = 0,
  FFI_WIN64 = 1,  /* long double is double: Microsoft's compiler */
  FFI_GNUW64 = 2, /* long double is the 80-bit type: MinGW */
  FFI_LAST_ABI = 3,
#ifdef __GNUC__
  FFI_DEFAULT_ABI = FFI_GNUW64
#else
  FFI_DEFAULT_ABI = FFI_WIN64
#endif
#else
  FFI_FIRST_ABI = 1,
  FFI_UNIX64 = 2, /* System V AMD64 */
  FFI_WIN64 = 3,
  FFI_EFI64 = FFI_WIN64,
  FFI_GNUW64 = 4,
  FFI_LAST_ABI = 5,
  FFI_DEFAULT_ABI = FFI_UNIX64
#endif
} ffi_abi;

#elif defined(__aarch64__) || defined(_M_ARM64)

#ifdef __APPLE__
#define FFI_TRAMPOLINE_SIZE 16
#else
#define FFI_TRAMPOLINE_SIZE 24
#endif

typedef enum ffi_abi {
  FFI_FIRST_ABI = 0,
  FFI_SYSV = 1,  /* AAPCS64; Apple's variant on Apple's systems */
  FFI_WIN64 = 2, /* Microsoft's variant */
  FFI_LAST_ABI = 3,
#ifdef _WIN64
  FFI_DEFAULT_ABI = FFI_WIN64
#else
  FFI_DEFAULT_ABI = FFI_SYSV
#endif
} ffi_abi;

#if defined(__APPLE__) || defined(_WIN64)
#define FFI_EXTRA_CIF_FIELDS unsigned extra
#endif

#else
#error "This library knows x86-64 and AArch64."
#endif

#endif
