/* libffi's interface measured in two libraries in turn: `bench OTHER OURS`.

   Each round runs every row in both, so that a busy machine is busy for both; the best round of
   each counts. Prints the nanoseconds of one, separated by tabs. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <ffi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 60, CALLS = 20000, LIBRARIES = 2 };

struct library {
    __typeof__(&ffi_prep_cif) prep_cif;
    __typeof__(&ffi_call) call;
    __typeof__(&ffi_closure_alloc) closure_alloc;
    __typeof__(&ffi_closure_free) closure_free;
    __typeof__(&ffi_prep_closure_loc) prep_closure_loc;
    ffi_type *sint, *slong, *flt, *dbl, *pointer, *none;
};

struct point { double x, y; };
struct three { int a, b, c; };
struct large { double x, y, z; };
struct pair { double d; long l; };

static void nothing(void) {}
static double half(double x) { return x / 2; }
static int add(int a, int b) { return a + b; }
static void *pick(void *a, void *b, void *c) { return a ? b : c; }
static long six(long a, long b, long c, long d, long e, long f) { return a + b + c + d + e + f; }
static long ten(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j) {
    return a + b + c + d + e + f + g + h + i + j;
}
static double mixed(int a, double b, long c, float d, void *e, double f) {
    return a + b + c + d + f + (e != 0);
}
static double norm(struct point p) { return p.x * p.y; }
static double sum(struct large v) { return v.x + v.y + v.z; }
static struct point point(double x, double y) { return (struct point){x, y}; }
static struct three turn(struct three v) { return (struct three){v.c, v.a, v.b}; }
static struct pair both(struct pair v) { return (struct pair){v.d * 2, v.l + 1}; }

static void on_nothing(ffi_cif *cif, void *result, void **values, void *data) {
    (void)cif, (void)result, (void)values, (void)data;
}
static void on_ints(ffi_cif *cif, void *result, void **values, void *data) {
    (void)cif, (void)data;
    *(ffi_arg *)result = (ffi_arg)(*(int *)values[0] + *(int *)values[1] + *(int *)values[2]);
}
static void on_double(ffi_cif *cif, void *result, void **values, void *data) {
    (void)cif, (void)data;
    *(double *)result = *(double *)values[0];
}
static void on_point(ffi_cif *cif, void *result, void **values, void *data) {
    (void)cif, (void)data;
    *(struct point *)result = *(struct point *)values[0];
}

enum kind { CALL, CLOSURE, PREPARE, MAKE };

struct row {
    const char *name;
    enum kind kind;
    void (*function)(void);
    /* The types of the result and the arguments: see `type`. */
    const char *types;
    void (*on_call)(ffi_cif *, void *, void **, void *);
};

#define FN(f) ((void (*)(void))(f))
static const struct row ROWS[] = {
    {"void()", CALL, FN(nothing), "v", 0},
    {"double(double)", CALL, FN(half), "dd", 0},
    {"int(int,int)", CALL, FN(add), "iii", 0},
    {"void*(void*x3)", CALL, FN(pick), "pppp", 0},
    {"long(long x6)", CALL, FN(six), "lllllll", 0},
    {"long(long x10)", CALL, FN(ten), "lllllllllll", 0},
    {"six mixed", CALL, FN(mixed), "didlfpd", 0},
    {"{double,double} by value", CALL, FN(norm), "dP", 0},
    {"24-byte struct by value", CALL, FN(sum), "dL", 0},
    {"{double,double} returned", CALL, FN(point), "Pdd", 0},
    {"{int,int,int} both ways", CALL, FN(turn), "TT", 0},
    {"{double,long} both ways", CALL, FN(both), "BB", 0},
    {"closure void()", CLOSURE, 0, "v", on_nothing},
    {"closure int(int x3)", CLOSURE, 0, "iiii", on_ints},
    {"closure double(double)", CLOSURE, 0, "dd", on_double},
    {"closure {double,double} both ways", CLOSURE, 0, "PP", on_point},
    {"prepare int(int,int)", PREPARE, 0, "iii", 0},
    {"prepare six mixed", PREPARE, 0, "didlfpd", 0},
    {"prepare {double,double} both ways", PREPARE, 0, "PP", 0},
    {"closure alloc, prepare and free", MAKE, 0, "iii", on_ints},
};
enum { COUNT = sizeof ROWS / sizeof *ROWS };

/* The type of a letter; a struct is described anew each time, and complete after its first use. */
static ffi_type *type(const struct library *l, char letter) {
    const char *inside = "";
    switch (letter) {
    case 'v': return l->none;
    case 'i': return l->sint;
    case 'l': return l->slong;
    case 'f': return l->flt;
    case 'd': return l->dbl;
    case 'p': return l->pointer;
    case 'P': inside = "dd"; break;
    case 'T': inside = "iii"; break;
    case 'L': inside = "ddd"; break;
    case 'B': inside = "dl"; break;
    }
    size_t count = strlen(inside);
    ffi_type *it = calloc(1, sizeof *it);
    it->type = FFI_TYPE_STRUCT;
    it->elements = calloc(count + 1, sizeof *it->elements);
    for (size_t n = 0; n < count; n++) it->elements[n] = type(l, inside[n]);
    return it;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

/* What C does with a closure of each row's types. */
static void call_closure(const char *types, void *code) {
    static volatile int ints;
    static volatile double doubles;
    if (!strcmp(types, "v"))
        for (int n = 0; n < CALLS; n++) ((void (*)(void))code)();
    else if (!strcmp(types, "iiii"))
        for (int n = 0; n < CALLS; n++) ints = ((int (*)(int, int, int))code)(n, 2, 3);
    else if (!strcmp(types, "dd"))
        for (int n = 0; n < CALLS; n++) doubles = ((double (*)(double))code)(n);
    else
        for (int n = 0; n < CALLS; n++) {
            struct point p = ((struct point(*)(struct point))code)((struct point){n, 2});
            doubles = p.x;
        }
    (void)ints, (void)doubles;
}

/* Prepared once, then run as often as asked: nanoseconds for one. */
struct bench {
    const struct library *library;
    const struct row *row;
    ffi_cif cif;
    ffi_type *types[16];
    void *values[16], *code;
    ffi_closure *closure;
    unsigned count;
};

static void check(int good, const char *what) {
    if (!good) {
        fprintf(stderr, "compat: %s\n", what);
        exit(1);
    }
}

static void start(struct bench *b, const struct library *l, const struct row *row) {
    /* Any bits are a small number of each type, and a struct of such. */
    static double room[16][4];
    b->library = l;
    b->row = row;
    b->count = (unsigned)strlen(row->types) - 1;
    for (unsigned n = 0; n <= b->count; n++) {
        b->types[n] = type(l, row->types[n]);
        b->values[n] = room[n];
    }
    check(l->prep_cif(&b->cif, FFI_DEFAULT_ABI, b->count, b->types[0], b->types + 1) == FFI_OK,
          row->name);
    if (row->kind != CLOSURE) return;
    b->closure = l->closure_alloc(sizeof *b->closure, &b->code);
    check(b->closure != 0, "no closure");
    check(l->prep_closure_loc(b->closure, &b->cif, row->on_call, 0, b->code) == FFI_OK, row->name);
}

static double run(struct bench *b) {
    const struct library *l = b->library;
    double room[8], begin = now();
    switch (b->row->kind) {
    case CALL:
        for (int n = 0; n < CALLS; n++) l->call(&b->cif, b->row->function, room, b->values);
        break;
    case CLOSURE:
        call_closure(b->row->types, b->code);
        break;
    case PREPARE:
        for (int n = 0; n < CALLS; n++) {
            ffi_cif cif;
            l->prep_cif(&cif, FFI_DEFAULT_ABI, b->count, b->types[0], b->types + 1);
        }
        break;
    case MAKE:
        for (int n = 0; n < CALLS; n++) {
            void *code;
            ffi_closure *closure = l->closure_alloc(sizeof *closure, &code);
            l->prep_closure_loc(closure, &b->cif, b->row->on_call, 0, code);
            l->closure_free(closure);
        }
        break;
    }
    return (now() - begin) / CALLS;
}

static void open_library(struct library *l, const char *path) {
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) fprintf(stderr, "compat: %s\n", dlerror());
    check(handle != 0, path);
#define SYMBOL(field, name) *(void **)&l->field = dlsym(handle, name), check(l->field != 0, name)
    SYMBOL(prep_cif, "ffi_prep_cif");
    SYMBOL(call, "ffi_call");
    SYMBOL(closure_alloc, "ffi_closure_alloc");
    SYMBOL(closure_free, "ffi_closure_free");
    SYMBOL(prep_closure_loc, "ffi_prep_closure_loc");
    SYMBOL(sint, "ffi_type_sint32");
    SYMBOL(slong, "ffi_type_sint64");
    SYMBOL(flt, "ffi_type_float");
    SYMBOL(dbl, "ffi_type_double");
    SYMBOL(pointer, "ffi_type_pointer");
    SYMBOL(none, "ffi_type_void");
}

int main(int argc, char **argv) {
    static struct bench benches[COUNT][LIBRARIES];
    static double best[COUNT][LIBRARIES];
    struct library libraries[LIBRARIES];
    check(argc > LIBRARIES, "expected the paths of two libraries");
    for (int n = 0; n < LIBRARIES; n++) open_library(&libraries[n], argv[n + 1]);
    for (int row = 0; row < COUNT; row++)
        for (int n = 0; n < LIBRARIES; n++) start(&benches[row][n], &libraries[n], &ROWS[row]);
    for (int round = 0; round < ROUNDS; round++)
        for (int row = 0; row < COUNT; row++)
            for (int n = 0; n < LIBRARIES; n++) {
                double ns = run(&benches[row][n]);
                if (best[row][n] == 0 || ns < best[row][n]) best[row][n] = ns;
            }
    for (int row = 0; row < COUNT; row++)
        printf("%s\t%.1f\t%.1f\n", ROWS[row].name, best[row][0], best[row][1]);
    return 0;
}
