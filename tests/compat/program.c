/* A C program against libffi's documented interface alone: calls, structs, closures, raw calls,
   errors. It prints the same wherever it is linked with libffi: on Windows it is held against what
   the same source says on Linux, so nothing here depends on the size of `long`. */
#include <ffi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct small { int8_t a; float b; };
struct point { double x, y; };
struct mixed { int64_t id; double weight; };
struct large { int64_t v[5]; };
struct nested { struct small first; struct point second; uint16_t tail; };

static int describe(char *out, int8_t a, uint8_t b, int16_t c, uint16_t d, int32_t e, uint32_t f,
                    int64_t g, uint64_t h, float i, double j, const char *k) {
    return sprintf(out, "%d %u %d %u %d %u %.0f %.0f %g %g %s", a, b, c, d, (int)e, (unsigned)f,
                   (double)g, (double)h, (double)i, j, k);
}
static int8_t next_i8(int8_t v) { return (int8_t)(v + 1); }
static uint16_t next_u16(uint16_t v) { return (uint16_t)(v + 1); }
static float half(float v) { return v / 2; }
static struct small turn_small(struct small v) { return (struct small){(int8_t)-v.a, v.b * 2}; }
static struct point turn_point(struct point v, double k) { return (struct point){-v.y * k, v.x}; }
static struct mixed turn_mixed(int32_t by, struct mixed v) {
    return (struct mixed){v.id + by, v.weight / by};
}
static struct large turn_large(struct large v, int by) {
    for (int i = 0; i < 5; i++) v.v[i] *= by;
    return v;
}
static struct nested turn_nested(struct nested v) {
    return (struct nested){turn_small(v.first), turn_point(v.second, 1), (uint16_t)~v.tail};
}
static int touched;
static void touch(void) { touched++; }

static ffi_type *of_small[] = {&ffi_type_sint8, &ffi_type_float, NULL};
static ffi_type *of_point[] = {&ffi_type_double, &ffi_type_double, NULL};
static ffi_type *of_mixed[] = {&ffi_type_sint64, &ffi_type_double, NULL};
static ffi_type *of_large[] = {&ffi_type_sint64, &ffi_type_sint64, &ffi_type_sint64,
                               &ffi_type_sint64, &ffi_type_sint64, NULL};
static ffi_type small = {0, 0, FFI_TYPE_STRUCT, of_small};
static ffi_type point = {0, 0, FFI_TYPE_STRUCT, of_point};
static ffi_type mixed = {0, 0, FFI_TYPE_STRUCT, of_mixed};
static ffi_type large = {0, 0, FFI_TYPE_STRUCT, of_large};
static ffi_type *of_nested[] = {&small, &point, &ffi_type_uint16, NULL};
static ffi_type nested = {0, 0, FFI_TYPE_STRUCT, of_nested};

/* Prepares and calls; the cif is gone afterwards, and the next one has its address. */
static void call(void (*function)(void), void *result, ffi_type *type, unsigned count,
                 ffi_type **types, void **values) {
    ffi_cif cif;
    ffi_status status = ffi_prep_cif(&cif, FFI_DEFAULT_ABI, count, type, types);
    if (status != FFI_OK) printf("status: %d\n", (int)status);
    else ffi_call(&cif, function, result, values);
}
#define TYPES(...) (ffi_type *[]){__VA_ARGS__}
#define VALUES(...) (void *[]){__VA_ARGS__}

static void compare(ffi_cif *cif, void *result, void **values, void *calls) {
    int32_t a = **(int32_t **)values[0], b = **(int32_t **)values[1];
    (void)cif;
    ++*(int *)calls;
    *(ffi_sarg *)result = (a > b) - (a < b);
}
static void closure_large(ffi_cif *cif, void *result, void **values, void *data) {
    struct large v = *(struct large *)values[0];
    for (int i = 0; i < 5; i++) v.v[i] += *(int *)values[1] + *(int *)data;
    if (cif->nargs == 2) memcpy(result, &v, sizeof v);
}
static void closure_mixed(ffi_cif *cif, void *result, void **values, void *data) {
    struct mixed v = *(struct mixed *)values[1];
    (void)cif;
    v.id += *(int8_t *)values[0];
    v.weight *= *(float *)values[2] * *(int *)data;
    *(struct mixed *)result = v;
}

int main(void) {
    char out[300], *text = out;
    const char *word = "text";
    int8_t a = -1; uint8_t b = 255; int16_t c = -2; uint16_t d = 65535; int32_t e = -3;
    uint32_t f = 4294967295u; int64_t g = -((int64_t)1 << 50); uint64_t h = (uint64_t)1 << 60;
    float i = 0.5f; double j = 0.25;
    ffi_arg word_result = 0;
    call(FFI_FN(describe), &word_result, &ffi_type_sint32, 12,
         TYPES(&ffi_type_pointer, &ffi_type_sint8, &ffi_type_uint8, &ffi_type_sint16,
               &ffi_type_uint16, &ffi_type_sint32, &ffi_type_uint32, &ffi_type_sint64,
               &ffi_type_uint64, &ffi_type_float, &ffi_type_double, &ffi_type_pointer),
         VALUES(&text, &a, &b, &c, &d, &e, &f, &g, &h, &i, &j, &word));
    printf("describe: %d\ndescribed: %s\n", (int)word_result, out);
    /* Narrow results are widened to a whole ffi_arg. */
    memset(&word_result, 0x55, sizeof word_result);
    call(FFI_FN(next_i8), &word_result, &ffi_type_sint8, 1, TYPES(&ffi_type_sint8), VALUES(&c));
    printf("next_i8: %d\n", (int)(ffi_sarg)word_result);
    memset(&word_result, 0x55, sizeof word_result);
    call(FFI_FN(next_u16), &word_result, &ffi_type_uint16, 1, TYPES(&ffi_type_uint16), VALUES(&e));
    printf("next_u16: %d\n", (int)(word_result == 65534));
    call(FFI_FN(half), &i, &ffi_type_float, 1, TYPES(&ffi_type_float), VALUES(&i));
    printf("half: %g\n", (double)i);
    call(FFI_FN(touch), NULL, &ffi_type_void, 0, NULL, NULL);
    call(FFI_FN(next_i8), NULL, &ffi_type_sint8, 1, TYPES(&ffi_type_sint8), VALUES(&a));
    printf("touch: %d\n", touched);

    struct small s = {-7, 1.25f}; struct point p = {3.5, -4.5}; struct mixed m = {1 << 20, 12.5};
    struct large l = {{1, 2, 3, 4, 5}}; struct nested n = {s, p, 1};
    int by = -5; double k = 2;
    call(FFI_FN(turn_small), &s, &small, 1, TYPES(&small), VALUES(&s));
    printf("small: %d %g\n", s.a, (double)s.b);
    call(FFI_FN(turn_point), &p, &point, 2, TYPES(&point, &ffi_type_double), VALUES(&p, &k));
    printf("point: %g %g\n", p.x, p.y);
    call(FFI_FN(turn_mixed), &m, &mixed, 2, TYPES(&ffi_type_sint32, &mixed), VALUES(&by, &m));
    printf("mixed: %d %g\n", (int)m.id, m.weight);
    call(FFI_FN(turn_large), &l, &large, 2, TYPES(&large, &ffi_type_sint32), VALUES(&l, &by));
    printf("large: %d %d\n", (int)l.v[0], (int)l.v[4]);
    call(FFI_FN(turn_nested), &n, &nested, 1, TYPES(&nested), VALUES(&n));
    printf("nested: %d %g %g %g %d\n", n.first.a, (double)n.first.b, n.second.x, n.second.y, n.tail);
    printf("layout: %d %d %d %d\n", (int)(nested.size == sizeof n), nested.alignment,
           (int)(small.size == sizeof s), small.alignment);
    size_t offsets[3];
    printf("offsets: %d", (int)ffi_get_struct_offsets(FFI_DEFAULT_ABI, &nested, offsets));
    printf(" %d %d %d\n", (int)offsets[0], (int)offsets[1], (int)offsets[2]);

    ffi_cif cif;
    int total = 0;
    ffi_type *variadic[] = {&ffi_type_pointer, &ffi_type_pointer, &ffi_type_double,
                            &ffi_type_sint32, &ffi_type_pointer};
    const char *format = "%.3f %d %s";
    printf("variadic: %d", (int)ffi_prep_cif_var(&cif, FFI_DEFAULT_ABI, 2, 5, &ffi_type_sint32, variadic));
    ffi_call(&cif, FFI_FN(sprintf), &word_result, VALUES(&text, &format, &k, &by, &word));
    printf(" %d %s\n", (int)word_result, out);
    variadic[2] = &ffi_type_float;
    printf("variadic float: %d\n", (int)ffi_prep_cif_var(&cif, FFI_DEFAULT_ABI, 2, 5, &ffi_type_sint32, variadic));
    printf("bad abi: %d\n", (int)ffi_prep_cif(&cif, (ffi_abi)77, 0, &ffi_type_void, NULL));
    ffi_type *no_fields[] = {NULL}, empty = {0, 0, FFI_TYPE_STRUCT, no_fields};
    printf("bad type: %d\n", (int)ffi_prep_cif(&cif, FFI_DEFAULT_ABI, 1, &ffi_type_void, TYPES(&empty)));

    /* Closures: one that qsort calls, one with a struct in memory, one with one in registers. */
    int32_t numbers[200];
    for (int at = 0; at < 200; at++) numbers[at] = at * 7919 % 1009 - 500;
    void *code;
    ffi_closure *closure = ffi_closure_alloc(sizeof *closure, &code);
    ffi_prep_cif(&cif, FFI_DEFAULT_ABI, 2, &ffi_type_sint32, TYPES(&ffi_type_pointer, &ffi_type_pointer));
    printf("closure: %d\n", (int)ffi_prep_closure_loc(closure, &cif, compare, &total, code));
    qsort(numbers, 200, 4, (int (*)(const void *, const void *))code);
    int ordered = 1;
    for (int at = 1; at < 200; at++) ordered &= numbers[at - 1] <= numbers[at];
    printf("qsort: %d %d %d %d\n", ordered, total > 200, (int)numbers[0], (int)numbers[199]);
    ffi_prep_cif(&cif, FFI_DEFAULT_ABI, 2, &large, TYPES(&large, &ffi_type_sint32));
    printf("prepared again: %d\n", (int)ffi_prep_closure_loc(closure, &cif, closure_large, &by, code));
    l = ((struct large (*)(struct large, int))code)(l, 100);
    printf("closure of large: %d %d\n", (int)l.v[0], (int)l.v[4]);
    ffi_cif other;
    ffi_closure *second = ffi_closure_alloc(sizeof *second, &code);
    ffi_prep_cif(&other, FFI_DEFAULT_ABI, 3, &mixed, TYPES(&ffi_type_sint8, &mixed, &ffi_type_float));
    ffi_prep_closure_loc(second, &other, closure_mixed, &by, code);
    m = ((struct mixed (*)(int8_t, struct mixed, float))code)(-9, m, 1.5f);
    printf("closure of mixed: %d %g\n", (int)m.id, m.weight);
    ffi_closure_free(second);
    ffi_closure_free(closure);
    ffi_closure *many[1000];
    total = 0;
    for (int at = 0; at < 1000; at++) {
        many[at] = ffi_closure_alloc(sizeof *closure, &code);
        ffi_prep_closure_loc(many[at], &other, closure_mixed, &by, code);
        m = ((struct mixed (*)(int8_t, struct mixed, float))code)(1, (struct mixed){at, 1}, 1);
        total += (int)m.id;
    }
    printf("many closures: %d\n", total);
    for (int at = 0; at < 1000; at++) ffi_closure_free(many[at]);
    return 0;
}
