/* What the runtimes call besides the system's libraries: every shape of argument, result and
   callback that libffi's interface can describe and their languages can say. */
#include <complex.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT
#endif

struct small { int8_t a; float b; };
struct point { double x, y; };
struct triple { float x, y, z; };
struct mixed { int64_t id; double weight; };
struct large { int64_t v[5]; };
enum kind { FIRST, SECOND = 7 };
struct chosen { enum kind kind; int32_t number; };
struct nested { struct small first; struct triple second; uint16_t tail; };

/* Narrow integers: the caller's extension shows in the wide copy, the callee's in the result. */
EXPORT int8_t next_i8(int8_t v) { return (int8_t)(v + 1); }
EXPORT uint8_t next_u8(uint8_t v) { return (uint8_t)(v + 1); }
EXPORT int16_t next_i16(int16_t v) { return (int16_t)(v + 1); }
EXPORT uint16_t next_u16(uint16_t v) { return (uint16_t)(v + 1); }
EXPORT int32_t next_i32(int32_t v) { return (int32_t)((uint32_t)v + 1); }
EXPORT uint32_t next_u32(uint32_t v) { return v + 1; }
EXPORT int64_t next_i64(int64_t v) { return (int64_t)((uint64_t)v + 1); }
EXPORT uint64_t next_u64(uint64_t v) { return v + 1; }
EXPORT float half_float(float v) { return v / 2; }
EXPORT double half_double(double v) { return v / 2; }

/* More arguments than there are registers, of every width. */
EXPORT int describe(char *out, int8_t a, uint8_t b, int16_t c, uint16_t d, int32_t e, uint32_t f,
                    int64_t g, uint64_t h, float i, double j, const char *k, float l, double m) {
    return sprintf(out, "%d %u %d %u %d %u %lld %llu %g %g %s %g %g", a, b, c, d, (int)e,
                   (unsigned)f, (long long)g, (unsigned long long)h, (double)i, j, k, (double)l, m);
}
EXPORT double weigh(double a, double b, double c, double d, double e, double f, double g, double h,
                    double i, double j) {
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j;
}
EXPORT double sum_variadic(int count, ...) {
    va_list list;
    double sum = 0;
    va_start(list, count);
    for (int i = 0; i < count; i++) sum += va_arg(list, double);
    va_end(list);
    return sum;
}

/* Structs by value. */
EXPORT struct small turn_small(struct small v) {
    return (struct small){(int8_t)-v.a, v.b * 2};
}
EXPORT struct point turn_point(struct point v, double k) {
    return (struct point){-v.y * k, v.x * k};
}
EXPORT struct triple turn_triple(struct triple v) { return (struct triple){v.z, v.x, v.y}; }
EXPORT struct mixed turn_mixed(int32_t by, struct mixed v) {
    return (struct mixed){v.id + by, v.weight / by};
}
EXPORT struct large turn_large(struct large v, int64_t by) {
    for (int i = 0; i < 5; i++) v.v[i] *= by;
    return v;
}
EXPORT struct nested turn_nested(struct nested v) {
    v.first = turn_small(v.first);
    v.second = turn_triple(v.second);
    v.tail = (uint16_t)~v.tail;
    return v;
}
EXPORT struct chosen turn_chosen(struct chosen v) {
    return (struct chosen){SECOND, v.number + (int32_t)v.kind};
}
/* The registers run out in the midst of it. */
EXPORT double spill(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, struct mixed f,
                    struct mixed g, struct point h, struct large i) {
    return (double)(a + b + c + d + e + f.id * 10 + g.id * 100 + i.v[4] * 1000) + f.weight +
           g.weight * 3 + h.x * 5 + h.y * 7;
}

/* Callbacks. */
EXPORT int8_t via_i8(int8_t (*f)(int8_t), int8_t v) { return f(v); }
EXPORT uint16_t via_u16(uint16_t (*f)(uint16_t), uint16_t v) { return f(v); }
EXPORT float via_float(float (*f)(float, double), float v, double w) { return f(v, w); }
EXPORT const char *via_text(const char *(*f)(const char *), const char *v) { return f(v); }
EXPORT int64_t via_many(int64_t (*f)(int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t,
                                     uint64_t, float, double)) {
    return f(-1, 255, -300, 65535, -70000, 4000000000u, -5000000000, 6000000000u, 1.5f, 2.25);
}
EXPORT double integrate(double (*f)(double), double from, double to, int steps) {
    double sum = 0, width = (to - from) / steps;
    for (int i = 0; i < steps; i++) sum += f(from + width * (i + 0.5)) * width;
    return sum;
}
EXPORT struct point via_point(struct point (*f)(struct point), struct point v) { return f(v); }
EXPORT struct small via_small(struct small (*f)(struct small), struct small v) { return f(v); }
EXPORT struct mixed via_mixed(struct mixed (*f)(struct mixed), struct mixed v) { return f(v); }
EXPORT struct large via_large(struct large (*f)(struct large, int), struct large v) {
    return f(v, 7);
}
