"""Python's cffi in ABI mode: calls, structs by value and callbacks, all through libffi."""

import sys

from cffi import FFI

ffi = FFI()
ffi.cdef("""
    typedef struct { int8_t a; float b; } small;
    typedef struct { double x, y; } point;
    typedef struct { float x, y, z; } triple;
    typedef struct { int64_t id; double weight; } mixed;
    typedef struct { int64_t v[5]; } large;
    typedef struct { small first; triple second; uint16_t tail; } nested;
    int8_t next_i8(int8_t); uint8_t next_u8(uint8_t); int16_t next_i16(int16_t);
    uint16_t next_u16(uint16_t); int32_t next_i32(int32_t); uint32_t next_u32(uint32_t);
    int64_t next_i64(int64_t); uint64_t next_u64(uint64_t);
    float half_float(float); double half_double(double);
    int describe(char *, int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t, uint64_t,
                 float, double, const char *, float, double);
    double weigh(double, double, double, double, double, double, double, double, double, double);
    double sum_variadic(int, ...);
    small turn_small(small); point turn_point(point, double); triple turn_triple(triple);
    mixed turn_mixed(int32_t, mixed); large turn_large(large, int64_t); nested turn_nested(nested);
    double spill(int64_t, int64_t, int64_t, int64_t, int64_t, mixed, mixed, point, large);
    int8_t via_i8(int8_t (*)(int8_t), int8_t); uint16_t via_u16(uint16_t (*)(uint16_t), uint16_t);
    float via_float(float (*)(float, double), float, double);
    const char *via_text(const char *(*)(const char *), const char *);
    int64_t via_many(int64_t (*)(int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t,
                                 uint64_t, float, double));
    double integrate(double (*)(double), double, double, int);
    point via_point(point (*)(point), point); small via_small(small (*)(small), small);
    mixed via_mixed(mixed (*)(mixed), mixed); large via_large(large (*)(large, int), large);

    typedef struct { int quot, rem; } div_t; typedef struct { long quot, rem; } ldiv_t;
    div_t div(int, int); ldiv_t ldiv(long, long); size_t strlen(const char *);
    void qsort(void *, size_t, size_t, int (*)(const void *, const void *));
    int snprintf(char *, size_t, const char *, ...); int open(const char *, int, ...);
    double pow(double, double); long double ldexpl(long double, int);
    unsigned long crc32(unsigned long, const char *, unsigned int);
    typedef struct sqlite3 sqlite3; int sqlite3_open(const char *, sqlite3 **);
    int sqlite3_exec(sqlite3 *, const char *, int (*)(void *, int, char **, char **), void *, char **);
    int sqlite3_create_collation(sqlite3 *, const char *, int, void *,
                                 int (*)(void *, int, const char *, int, const char *));
    const char *sqlite3_errmsg(sqlite3 *);
""")
shapes, libc, libm = ffi.dlopen(sys.argv[1]), ffi.dlopen("libc.so.6"), ffi.dlopen("libm.so.6")
sqlite, libz = ffi.dlopen("libsqlite3.so.0"), ffi.dlopen("libz.so.1")


def say(name, value):
    print(f"{name}: {value!r}", flush=True)


def plain(value):
    """A struct as nested tuples."""
    if ffi.typeof(value).kind == "struct":
        fields = (getattr(value, name) for name, _ in ffi.typeof(value).fields)
        return tuple(plain(f) if isinstance(f, ffi.CData) else f for f in fields)
    return list(value)


for bits in (8, 16, 32, 64):
    for value in (0, -1, -(1 << bits - 1), (1 << bits - 1) - 1):
        say(f"next_i{bits} {value}", getattr(shapes, f"next_i{bits}")(value))
    for value in (0, 1, (1 << bits) - 1):
        say(f"next_u{bits} {value}", getattr(shapes, f"next_u{bits}")(value))
say("float", shapes.half_float(2.5))
say("double", shapes.half_double(1e300))
out = ffi.new("char[300]")
say("describe", shapes.describe(out, -1, 255, -2, 65535, -3, 4294967295, -4, 2**64 - 1, 0.5, 0.25,
                                ffi.new("char[]", b"text"), -0.5, 1e9))
say("described", ffi.string(out))
say("weigh", shapes.weigh(*range(1, 11)))
for count in (0, 1, 8, 20):
    terms = [ffi.cast("double", i * 0.5) for i in range(1, count + 1)]
    say(f"variadic {count}", shapes.sum_variadic(count, *terms))

# Structs by value.
small, point, triple = ([-7, 1.25], [3.5, -4.5], [1, 2, 3])
mixed, large = ([1 << 40, 12.5], [[1, 2, 3, 4, 5]])
by_value = {name: ffi.new(f"{name} *", value)[0] for name, value in [
    ("small", small), ("point", point), ("triple", triple), ("mixed", mixed), ("large", large),
    ("nested", [small, triple, 1])]}
for name, more in [("small", []), ("point", [2]), ("triple", []), ("large", [-3]), ("nested", [])]:
    say(name, plain(getattr(shapes, f"turn_{name}")(by_value[name], *more)))
say("mixed", plain(shapes.turn_mixed(-5, by_value["mixed"])))
say("spill", shapes.spill(1, 2, 3, 4, 5, *(by_value[n] for n in ("mixed", "mixed", "point", "large"))))
say("div", plain(libc.div(-17, 5)))
say("ldiv", plain(libc.ldiv(-(2**50), 1000)))

# The system's libraries.
say("strlen", libc.strlen(b"twelve bytes"))
say("pow", libm.pow(2, 0.5))
say("long double", float(libm.ldexpl(1.25, 100)))
say("crc32", libz.crc32(0, b"123456789", 9))
say("snprintf", libc.snprintf(out, 300, b"%d %s %.3f %lld", ffi.cast("int", -5), ffi.new("char[]", b"five"),
                              ffi.cast("double", 5.125), ffi.cast("long long", -(2**50))))
say("printed", ffi.string(out))
say("open", (libc.open(b"/no/such/file", 0), ffi.errno))

# Callbacks.
say("via_i8", shapes.via_i8(ffi.callback("int8_t(int8_t)", lambda v: v * 2), -33))
say("via_u16", shapes.via_u16(ffi.callback("uint16_t(uint16_t)", lambda v: v - 1), 65535))
say("via_float", shapes.via_float(ffi.callback("float(float, double)", lambda v, w: v * w), 1.5, 4))
say("via_text", ffi.string(shapes.via_text(ffi.callback("const char *(const char *)", lambda v: v + 2), b"text")))
seen = []
say("via_many", shapes.via_many(ffi.callback(
    "int64_t(int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t, uint64_t, float, double)",
    lambda *all: seen.extend(all) or -(2**40))))
say("via_many saw", seen)
square = ffi.callback("double(double)", lambda x: x * x)
say("integrate", shapes.integrate(square, 0, 3, 1000))
inner = ffi.callback("double(double)", lambda x: shapes.integrate(square, 0, x, 10))
say("within a callback", shapes.integrate(inner, 0, 1, 20))
for name in ("small", "point", "mixed"):
    turn = ffi.callback(f"{name}({name})", lambda v, name=name: [f * 2 for f in plain(v)])
    say(f"via_{name}", plain(getattr(shapes, f"via_{name}")(turn, by_value[name])))
turn = ffi.callback("large(large, int)", lambda v, k: [[i * k for i in v.v]])
say("via_large", list(shapes.via_large(turn, by_value["large"]).v))
fails = ffi.callback("double(double)", lambda x: 1 / 0, error=-7.5, onerror=lambda *e: say("raised", e[1]))
say("result after an error", shapes.integrate(fails, 0, 1, 1))
say("many closures", sum(ffi.callback("int(int)", lambda v, i=i: v + i)(1) for i in range(500)))
array = ffi.new("int[]", [i * 7919 % 1009 - 500 for i in range(200)])
libc.qsort(array, 200, 4, ffi.callback("int(const void *, const void *)", lambda a, b: ffi.cast("int *", a)[0] - ffi.cast("int *", b)[0]))
say("qsort", list(array))

# SQLite, whose rows and whose order come through callbacks.
handle = ffi.new("sqlite3 **")
say("open", sqlite.sqlite3_open(b":memory:", handle))
collate = ffi.callback("int(void *, int, const char *, int, const char *)", lambda _, n, a, m, b: (
    (x := ffi.buffer(a, n)[:][::-1]) > (y := ffi.buffer(b, m)[:][::-1])) - (x < y))
say("collation", sqlite.sqlite3_create_collation(handle[0], b"backward", 1, ffi.NULL, collate))
rows = []
row = ffi.callback("int(void *, int, char **, char **)", lambda _, n, values, names: (
    rows.append([(ffi.string(names[i]), ffi.string(values[i])) for i in range(n)]) or len(rows) > 5))
for name, sql, call in [
    ("fill", b"create table t(w, n); insert into t values('abc',1),('cba',2),('bac',3),('zzb',4)", ffi.NULL),
    ("select", b"select w, n * n as square from t order by w collate backward", row),
    ("stopped by the callback", b"select 1 as a union select 2 union select 3", row),
    ("error", b"select absent", ffi.NULL),
]:
    say(name, sqlite.sqlite3_exec(handle[0], sql, call, ffi.NULL, ffi.NULL))
say("rows", rows)
say("message", ffi.string(sqlite.sqlite3_errmsg(handle[0])))
