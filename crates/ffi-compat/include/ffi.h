/* libffi's interface, on top of the `ffi` workspace. The crate's documentation says what each
   function does, what it returns on bad input, and where it differs from libffi. */

#ifndef LIBFFI_H
#define LIBFFI_H

#include <stddef.h>

#define FFI_VERSION_STRING "3.8.0"
#define FFI_VERSION_NUMBER 30800

/* FFI_TYPE_LONGDOUBLE is a code of its own everywhere; where `long double` is `double`, its size
   says so. */
#define FFI_TYPE_VOID 0
#define FFI_TYPE_INT 1
#define FFI_TYPE_FLOAT 2
#define FFI_TYPE_DOUBLE 3
#define FFI_TYPE_LONGDOUBLE 4
#define FFI_TYPE_UINT8 5
#define FFI_TYPE_SINT8 6
#define FFI_TYPE_UINT16 7
#define FFI_TYPE_SINT16 8
#define FFI_TYPE_UINT32 9
#define FFI_TYPE_SINT32 10
#define FFI_TYPE_UINT64 11
#define FFI_TYPE_SINT64 12
#define FFI_TYPE_STRUCT 13
#define FFI_TYPE_POINTER 14
#define FFI_TYPE_COMPLEX 15
#define FFI_TYPE_UINT128 16
#define FFI_TYPE_SINT128 17
#define FFI_TYPE_VECTOR 18
#define FFI_TYPE_LAST FFI_TYPE_VECTOR

#include "ffitarget.h"

#ifndef FFI_API
#if defined(_MSC_VER) && !defined(FFI_STATIC_BUILD)
#define FFI_API __declspec(dllimport)
#else
#define FFI_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* 24 bytes. A struct has a size of 0 until it is computed, or the size that it is to have. */
typedef struct _ffi_type {
  size_t size;
  unsigned short alignment;
  unsigned short type;
  struct _ffi_type **elements; /* null at the end */
} ffi_type;

FFI_API extern ffi_type ffi_type_void;
FFI_API extern ffi_type ffi_type_uint8;
FFI_API extern ffi_type ffi_type_sint8;
FFI_API extern ffi_type ffi_type_uint16;
FFI_API extern ffi_type ffi_type_sint16;
FFI_API extern ffi_type ffi_type_uint32;
FFI_API extern ffi_type ffi_type_sint32;
FFI_API extern ffi_type ffi_type_uint64;
FFI_API extern ffi_type ffi_type_sint64;
FFI_API extern ffi_type ffi_type_uint128;
FFI_API extern ffi_type ffi_type_sint128;
FFI_API extern ffi_type ffi_type_float;
FFI_API extern ffi_type ffi_type_double;
FFI_API extern ffi_type ffi_type_longdouble;
FFI_API extern ffi_type ffi_type_pointer;
FFI_API extern ffi_type ffi_type_complex_float;
FFI_API extern ffi_type ffi_type_complex_double;
FFI_API extern ffi_type ffi_type_complex_longdouble;

#define ffi_type_uchar ffi_type_uint8
#define ffi_type_schar ffi_type_sint8
#define ffi_type_ushort ffi_type_uint16
#define ffi_type_sshort ffi_type_sint16
#define ffi_type_uint ffi_type_uint32
#define ffi_type_sint ffi_type_sint32
#ifdef _WIN64
#define ffi_type_ulong ffi_type_uint32
#define ffi_type_slong ffi_type_sint32
#else
#define ffi_type_ulong ffi_type_uint64
#define ffi_type_slong ffi_type_sint64
#endif

typedef enum ffi_status {
  FFI_OK = 0,
  FFI_BAD_TYPEDEF = 1,
  FFI_BAD_ABI = 2,
  FFI_BAD_ARGTYPE = 3
} ffi_status;

/* It may be copied, and need not be freed. `bytes` and `flags` are the library's. */
typedef struct ffi_cif {
  ffi_abi abi;
  unsigned nargs;
  ffi_type **arg_types;
  ffi_type *rtype;
  unsigned bytes;
  unsigned flags;
#ifdef FFI_EXTRA_CIF_FIELDS
  FFI_EXTRA_CIF_FIELDS;
#endif
} ffi_cif;

FFI_API const char *ffi_get_version(void);
FFI_API unsigned long ffi_get_version_number(void);
FFI_API unsigned int ffi_get_default_abi(void);
FFI_API size_t ffi_get_closure_size(void);

FFI_API ffi_status ffi_prep_cif(ffi_cif *cif, ffi_abi abi, unsigned int nargs, ffi_type *rtype,
                                ffi_type **atypes);
FFI_API ffi_status ffi_prep_cif_var(ffi_cif *cif, ffi_abi abi, unsigned int nfixedargs,
                                    unsigned int ntotalargs, ffi_type *rtype, ffi_type **atypes);
FFI_API void ffi_call(ffi_cif *cif, void (*fn)(void), void *rvalue, void **avalue);
FFI_API ffi_status ffi_get_struct_offsets(ffi_abi abi, ffi_type *struct_type, size_t *offsets);

#define FFI_FN(f) ((void (*)(void))(f))

typedef struct ffi_call_plan ffi_call_plan;

FFI_API ffi_call_plan *ffi_call_plan_alloc(ffi_cif *cif);
FFI_API void ffi_call_plan_invoke(ffi_call_plan *plan, void (*fn)(void), void *rvalue,
                                  void **avalue);
FFI_API void ffi_call_plan_free(ffi_call_plan *plan);
FFI_API size_t ffi_call_plan_size(ffi_call_plan *plan);

typedef struct ffi_closure {
  char tramp[FFI_TRAMPOLINE_SIZE];
  ffi_cif *cif;
  void (*fun)(ffi_cif *, void *, void **, void *);
  void *user_data;
} ffi_closure;

FFI_API void *ffi_closure_alloc(size_t size, void **code);
FFI_API void ffi_closure_free(void *closure);
FFI_API ffi_status ffi_prep_closure_loc(ffi_closure *closure, ffi_cif *cif,
                                        void (*fun)(ffi_cif *, void *, void **, void *),
                                        void *user_data, void *codeloc);
/* For a closure in memory that the caller makes executable. */
FFI_API ffi_status ffi_prep_closure(ffi_closure *closure, ffi_cif *cif,
                                    void (*fun)(ffi_cif *, void *, void **, void *),
                                    void *user_data);

/* Arguments one behind the other in words; a struct by its address. */
typedef union {
  ffi_sarg sint;
  ffi_arg uint;
  float flt;
  char data[FFI_SIZEOF_ARG];
  void *ptr;
} ffi_raw;
typedef ffi_raw ffi_java_raw;

typedef struct ffi_raw_closure {
  char tramp[FFI_TRAMPOLINE_SIZE];
  ffi_cif *cif;
  void (*translate_args)(ffi_cif *, void *, void **, void *);
  void *this_closure;
  void (*fun)(ffi_cif *, void *, ffi_raw *, void *);
  void *user_data;
} ffi_raw_closure;
typedef ffi_raw_closure ffi_java_raw_closure;

FFI_API size_t ffi_raw_size(ffi_cif *cif);
FFI_API void ffi_raw_to_ptrarray(ffi_cif *cif, ffi_raw *raw, void **args);
FFI_API void ffi_ptrarray_to_raw(ffi_cif *cif, void **args, ffi_raw *raw);
FFI_API void ffi_raw_call(ffi_cif *cif, void (*fn)(void), void *rvalue, ffi_raw *avalue);
FFI_API ffi_status ffi_prep_raw_closure(ffi_raw_closure *closure, ffi_cif *cif,
                                        void (*fun)(ffi_cif *, void *, ffi_raw *, void *),
                                        void *user_data);
FFI_API ffi_status ffi_prep_raw_closure_loc(ffi_raw_closure *closure, ffi_cif *cif,
                                            void (*fun)(ffi_cif *, void *, ffi_raw *, void *),
                                            void *user_data, void *codeloc);

FFI_API size_t ffi_java_raw_size(ffi_cif *cif);
FFI_API void ffi_java_raw_to_ptrarray(ffi_cif *cif, ffi_java_raw *raw, void **args);
FFI_API void ffi_java_ptrarray_to_raw(ffi_cif *cif, void **args, ffi_java_raw *raw);
FFI_API void ffi_java_raw_call(ffi_cif *cif, void (*fn)(void), void *rvalue, ffi_java_raw *avalue);
FFI_API ffi_status ffi_prep_java_raw_closure(ffi_java_raw_closure *closure, ffi_cif *cif,
                                             void (*fun)(ffi_cif *, void *, ffi_java_raw *, void *),
                                             void *user_data);
FFI_API ffi_status ffi_prep_java_raw_closure_loc(ffi_java_raw_closure *closure, ffi_cif *cif,
                                                 void (*fun)(ffi_cif *, void *, ffi_java_raw *,
                                                             void *),
                                                 void *user_data, void *codeloc);

#ifdef __cplusplus
}
#endif

#endif
