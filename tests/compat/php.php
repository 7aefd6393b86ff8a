<?php
// PHP's FFI: it parses declarations itself, calls through libffi, and its callbacks are libffi's.
error_reporting(E_ALL);

function say(string $name, mixed $value): void
{
    echo $name, ": ", json_encode($value, JSON_PRESERVE_ZERO_FRACTION), "\n";
}

$shapes = FFI::cdef(<<<'C'
    typedef struct { int8_t a; float b; } small;
    typedef struct { double x, y; } point;
    typedef struct { float x, y, z; } triple;
    typedef struct { int64_t id; double weight; } mixed;
    typedef struct { int64_t v[5]; } large; enum kind { FIRST, SECOND = 7 };
    typedef struct { enum kind kind; int32_t number; } chosen; chosen turn_chosen(chosen);
    typedef struct { small first; triple second; uint16_t tail; } nested;
    int8_t next_i8(int8_t); uint8_t next_u8(uint8_t); int16_t next_i16(int16_t);
    uint16_t next_u16(uint16_t); int32_t next_i32(int32_t); uint32_t next_u32(uint32_t);
    int64_t next_i64(int64_t);
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
    int64_t via_many(int64_t (*)(int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t,
                                 uint64_t, float, double));
    double integrate(double (*)(double), double, double, int);
    C, $argv[1]);

foreach (['i8' => 8, 'i16' => 16, 'i32' => 32, 'i64' => 64] as $name => $bits) {
    $most = $bits == 64 ? PHP_INT_MAX : (1 << ($bits - 1)) - 1;
    foreach ([0, -1, -$most - 1, $most] as $value) {
        say("next_$name $value", $shapes->{"next_$name"}($value));
    }
}
foreach (['u8' => 8, 'u16' => 16, 'u32' => 32] as $name => $bits) {
    foreach ([0, (1 << ($bits - 1)), (1 << $bits) - 1] as $value) {
        say("next_$name $value", $shapes->{"next_$name"}($value));
    }
}
say("float", $shapes->half_float(2.5));
say("double", $shapes->half_double(1e300));
$out = FFI::new("char[300]");
say("describe", $shapes->describe($out, -1, 255, -2, 65535, -3, 4294967295, -4, -1, 0.5, 0.25, "text", -0.5, 1e9));
say("described", FFI::string($out));
say("weigh", $shapes->weigh(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
foreach ([0, 1, 8, 20] as $n) {
    $terms = array_map(fn($i) => $i * 0.5, $n ? range(1, $n) : []);
    say("variadic $n", $shapes->sum_variadic($n, ...$terms));
}

// Structs by value.
$make = function (string $type, array $fields) use ($shapes) {
    $struct = $shapes->new($type);
    foreach ($fields as $name => $value) $struct->$name = $value;
    return $struct;
};
$small = $make("small", ["a" => -7, "b" => 1.25]);
$point = $make("point", ["x" => 3.5, "y" => -4.5]);
$triple = $make("triple", ["x" => 1, "y" => 2, "z" => 3]);
$mixed = $make("mixed", ["id" => 1 << 40, "weight" => 12.5]);
$large = $shapes->new("large");
foreach ([1, 2, 3, 4, 5] as $i => $v) $large->v[$i] = $v;
$nested = $make("nested", ["first" => $small, "second" => $triple, "tail" => 1]);
$r = $shapes->turn_small($small); say("small", [$r->a, $r->b]);
$r = $shapes->turn_point($point, 2); say("point", [$r->x, $r->y]);
$r = $shapes->turn_triple($triple); say("triple", [$r->x, $r->y, $r->z]);
$r = $shapes->turn_mixed(-5, $mixed); say("mixed", [$r->id, $r->weight]);
$r = $shapes->turn_large($large, -3); say("large", [$r->v[0], $r->v[4]]);
$r = $shapes->turn_nested($nested);
say("nested", [$r->first->a, $r->first->b, $r->second->x, $r->second->z, $r->tail]);
$r = $shapes->turn_chosen($make("chosen", ["kind" => 1, "number" => 5]));
say("chosen", [$r->kind, $r->number]);
say("spill", $shapes->spill(1, 2, 3, 4, 5, $mixed, $mixed, $point, $large));

// Callbacks.
say("via_i8", $shapes->via_i8(fn($v) => $v * 2, -33));
say("via_u16", $shapes->via_u16(fn($v) => $v - 1, 65535));
say("via_float", $shapes->via_float(fn($v, $w) => $v * $w, 1.5, 4.0));
$seen = null;
say("via_many", $shapes->via_many(function (...$all) use (&$seen) { $seen = $all; return -(1 << 40); }));
say("via_many saw", $seen);
say("integrate", $shapes->integrate(fn($x) => $x * $x, 0.0, 3.0, 1000));
say("within a callback", $shapes->integrate(
    fn($x) => $shapes->integrate(fn($y) => $y * $y, 0.0, $x, 10), 0.0, 1.0, 20));
$libc = FFI::cdef(<<<'C'
    typedef struct { int quot, rem; } div_t; typedef struct { long quot, rem; } ldiv_t;
    div_t div(int, int); ldiv_t ldiv(long, long);
    void qsort(void *, size_t, size_t, int (*)(const int *, const int *));
    int snprintf(char *, size_t, const char *, ...); size_t strlen(const char *);
    C, "libc.so.6");
$array = FFI::new("int[200]");
for ($i = 0; $i < 200; $i++) $array[$i] = $i * 7919 % 1009 - 500;
$libc->qsort($array, 200, 4, fn($a, $b) => $a[0] <=> $b[0]);
say("qsort", array_map(fn($i) => $array[$i], range(0, 199)));
$q = $libc->div(-17, 5); say("div", [$q->quot, $q->rem]);
$q = $libc->ldiv(-(1 << 50), 1000); say("ldiv", [$q->quot, $q->rem]);
say("strlen", $libc->strlen("twelve bytes"));
say("snprintf", $libc->snprintf($out, 300, "%d %.3f %ld %c %s", -5, 5.125, -(1 << 50), 65, "five"));
say("printed", FFI::string($out));

// SQLite, whose rows and whose order come through callbacks.
$sql = FFI::cdef(<<<'C'
    typedef struct sqlite3 sqlite3; int sqlite3_open(const char *, sqlite3 **);
    int sqlite3_exec(sqlite3 *, const char *, int (*)(void *, int, char **, char **), void *, char **);
    int sqlite3_create_collation(sqlite3 *, const char *, int, void *,
                                 int (*)(void *, int, const void *, int, const void *));
    const char *sqlite3_errmsg(sqlite3 *);
    C, "libsqlite3.so.0");
$handle = $sql->new("sqlite3 *");
say("open", $sql->sqlite3_open(":memory:", FFI::addr($handle)));
say("collation", $sql->sqlite3_create_collation($handle, "backward", 1, null,
    fn($p, $n, $a, $m, $b) => strcmp(strrev(FFI::string($a, $n)), strrev(FFI::string($b, $m)))));
say("fill", $sql->sqlite3_exec($handle, "create table t(w text, n int);"
    . "insert into t values('abc',1),('cba',2),('bac',3),('zzb',4)", null, null, null));
$rows = [];
$row = function ($p, $count, $values, $names) use (&$rows) {
    for ($i = 0; $i < $count; $i++) $rows[] = FFI::string($names[$i]) . "=" . FFI::string($values[$i]);
    return count($rows) < 10 ? 0 : 1;
};
say("select", $sql->sqlite3_exec($handle, "select w, n * n as square from t order by w collate backward", $row, null, null));
say("rows", $rows);
say("stopped by the callback", $sql->sqlite3_exec($handle, "select 1 as a union select 2 union select 3", $row, null, null));
say("error", $sql->sqlite3_exec($handle, "select absent", null, null, null));
say("message", $sql->sqlite3_errmsg($handle));
foreach (["unknown" => fn() => FFI::cdef("int no_such_function(void);"),
          "too few" => fn() => $libc->strlen(), "mistyped" => fn() => $libc->qsort(1, 2, 3, 4)] as $name => $do) {
    try { $do(); } catch (FFI\Exception $error) { say($name, $error->getMessage()); }
}
