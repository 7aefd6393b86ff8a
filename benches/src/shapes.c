/* The functions that the benchmark calls. */
#include <stdarg.h>
#include <stddef.h>

typedef struct { double x, y; } pair;
typedef struct { long a, b, c; } large;
typedef struct { int a, b, c; } triple;
typedef struct { double x; long n; } both;

void nothing(void) {}
double half(double x) { return x * 0.5; }
int add(int a, int b) { return a + b; }
void *pick(void *a, void *b, void *c) { return a ? b : c; }
long six(long a, long b, long c, long d, long e, long f) { return a + b + c + d + e + f; }
long ten(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j) {
    return a + b + c + d + e + f + g + h + i + j;
}
double mixed(int a, double b, long c, float d, void *e, signed char f) {
    return a + b + c + d + (e != 0) + f;
}
double pair_in(pair p) { return p.x + p.y; }
long large_in(large l) { return l.a + l.b + l.c; }
pair pair_out(double x, double y) { return (pair){y, x}; }
triple triple_both(triple t) { return (triple){t.c, t.b, t.a}; }
both both_both(both b) { return (both){b.x + 1, b.n + 1}; }
/* As snprintf, without the work: it reads what is passed through `...` and formats nothing. */
int print(char *buffer, size_t size, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int sum = va_arg(list, int);
    sum += (int)va_arg(list, double);
    va_end(list);
    return sum + (buffer != 0) + (int)size + format[0];
}
