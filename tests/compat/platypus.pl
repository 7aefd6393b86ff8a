# Perl's FFI::Platypus: calls, records by value, closures and variadic functions through libffi.
use strict;
use warnings;
use FFI::Platypus 2.00;

package Point {
    use FFI::Platypus::Record;
    record_layout_1(qw( double x double y ));
}
package Mixed {
    use FFI::Platypus::Record;
    record_layout_1(qw( sint64 id double weight ));
}
package Triple {
    use FFI::Platypus::Record;
    record_layout_1(qw( float x float y float z ));
}
package main;

$| = 1;
sub say_it { my ($name, @values) = @_; print "$name: ", join(" ", map { $_ // "undef" } @values), "\n" }

my $ffi = FFI::Platypus->new(api => 2, lib => [ $ARGV[0], "libc.so.6", "libm.so.6", "libz.so.1", "libsqlite3.so.0" ]);
$ffi->type("record(Point)" => "point");
$ffi->type("record(Mixed)" => "mixed");
$ffi->type("record(Triple)" => "triple");

for my $bits (8, 16, 32, 64) {
    my $next = $ffi->function("next_i$bits", ["sint$bits"] => "sint$bits");
    my $most = $bits == 64 ? 9223372036854775807 : 2**($bits - 1) - 1;
    say_it("next_i$bits $_", $next->call($_)) for 0, -1, -$most, $most;
    $next = $ffi->function("next_u$bits", ["uint$bits"] => "uint$bits");
    say_it("next_u$bits $_", $next->call($_)) for 0, 1, $bits == 64 ? ~0 : 2**$bits - 1;
}
say_it("float", $ffi->function(half_float => ["float"] => "float")->call(2.5));
say_it("double", $ffi->function(half_double => ["double"] => "double")->call(1e300));
my $out = "\0" x 300;
my ($address) = unpack "Q", pack "P", $out;
say_it("describe", $ffi->function(describe => [qw( opaque sint8 uint8 sint16 uint16 sint32 uint32 sint64 uint64
    float double string float double )] => "int")->call($address, -1, 255, -2, 65535, -3, 4294967295, -4, ~0,
    0.5, 0.25, "text", -0.5, 1e9));
say_it("described", unpack "Z*", $out);
say_it("weigh", $ffi->function(weigh => [("double") x 10] => "double")->call(1 .. 10));
for my $n (0, 1, 8, 20) {
    my $sum = $ffi->function(sum_variadic => ["int"], [("double") x $n] => "double");
    say_it("variadic $n", $sum->call($n, map { $_ * 0.5 } 1 .. $n));
}

# Records by value; complex numbers; the system's libraries.
my $point = $ffi->function(turn_point => ["point", "double"] => "point")->call(Point->new(x => 3.5, y => -4.5), 2);
say_it("point", $point->x, $point->y);
my $mixed = $ffi->function(turn_mixed => ["sint32", "mixed"] => "mixed")->call(-5, Mixed->new(id => 2**40, weight => 12.5));
say_it("mixed", $mixed->id, $mixed->weight);
my $triple = $ffi->function(turn_triple => ["triple"] => "triple")->call(Triple->new(x => 1, y => 2, z => 3));
say_it("triple", $triple->x, $triple->y, $triple->z);
say_it("pow", $ffi->function(pow => ["double", "double"] => "double")->call(2, 0.5));
say_it("hypotf", $ffi->function(hypotf => ["float", "float"] => "float")->call(3, 4));
say_it("cabs", $ffi->function(cabs => ["complex_double"] => "double")->call([3, 4]));
say_it("cabsf", $ffi->function(cabsf => ["complex_float"] => "float")->call([6, 8]));
say_it("strlen", $ffi->function(strlen => ["string"] => "size_t")->call("twelve bytes"));
say_it("crc32", $ffi->function(crc32 => ["ulong", "string", "uint"] => "ulong")->call(0, "123456789", 9));
my $print = $ffi->function(snprintf => ["opaque", "size_t", "string"], [qw( int string double sint64 )] => "int");
say_it("snprintf", $print->call($address, 300, "%d %s %.3f %lld", -5, "five", 5.125, -2**50));
say_it("printed", unpack "Z*", $out);

# Closures.
sub via { my ($name, $type, $arguments, $result, $code, @more) = @_;
    $ffi->function($name => [$type, @$arguments] => $result)->call($ffi->closure($code), @more) }
say_it("via_i8", via("via_i8", "(sint8)->sint8", ["sint8"], "sint8", sub { $_[0] * 2 }, -33));
say_it("via_u16", via("via_u16", "(uint16)->uint16", ["uint16"], "uint16", sub { $_[0] - 1 }, 65535));
say_it("via_float", via("via_float", "(float,double)->float", ["float", "double"], "float", sub { $_[0] * $_[1] }, 1.5, 4));
my @seen;
say_it("via_many", via("via_many", "(sint8,uint8,sint16,uint16,sint32,uint32,sint64,uint64,float,double)->sint64", [],
    "sint64", sub { @seen = @_; -2**40 }));
say_it("via_many saw", @seen);
my $integrate = $ffi->function(integrate => ["(double)->double", "double", "double", "int"] => "double");
my $square = $ffi->closure(sub { $_[0] * $_[0] });
say_it("integrate", $integrate->call($square, 0, 3, 1000));
say_it("within a callback", $integrate->call($ffi->closure(sub { $integrate->call($square, 0, $_[0], 10) }), 0, 1, 20));
my $total = 0;
for my $i (0 .. 499) { $total += $integrate->call($ffi->closure(sub { $i }), 0, 1, 1) }
say_it("many closures", $total);
my $array = pack "l*", map { $_ * 7919 % 1009 - 500 } 0 .. 199;
my $load = sub { unpack "l", unpack "P4", pack "Q", $_[0] };
$ffi->function(qsort => ["opaque", "size_t", "size_t", "(opaque,opaque)->int"] => "void")
    ->call(unpack("Q", pack "P", $array), 200, 4, $ffi->closure(sub { $load->($_[0]) <=> $load->($_[1]) }));
say_it("qsort", unpack "l*", $array);

# SQLite, whose rows and whose order come through closures.
my $handle = "\0" x 8;
say_it("open", $ffi->function(sqlite3_open => ["string", "opaque"] => "int")->call(":memory:", unpack "Q", pack "P", $handle));
my $base = unpack "Q", $handle;
my $collate = $ffi->closure(sub { my (undef, $n, $a, $m, $b) = @_;
    reverse(unpack "P$n", pack "Q", $a) cmp reverse(unpack "P$m", pack "Q", $b) });
say_it("collation", $ffi->function(sqlite3_create_collation => ["opaque", "string", "int", "opaque",
    "(opaque,int,opaque,int,opaque)->int"] => "int")->call($base, "backward", 1, undef, $collate));
my @rows;
my $row = $ffi->closure(sub { my (undef, $n, $values, $names) = @_;
    my @texts = map { [ unpack "(p)$n", unpack "P" . 8 * $n, pack "Q", $_ ] } $names, $values;
    push @rows, join ",", map { "$texts[0][$_]=$texts[1][$_]" } 0 .. $n - 1;
    @rows < 6 ? 0 : 1 });
my $exec = $ffi->function(sqlite3_exec => ["opaque", "string", "(opaque,int,opaque,opaque)->int", "opaque", "opaque"] => "int");
say_it($_, $exec->call($base, $_, $row, undef, undef))
    for "create table t(w, n)", "insert into t values('abc',1),('cba',2),('bac',3),('zzb',4)",
    "select w, n * n as square from t order by w collate backward",
    "select 1 as a union select 2 union select 3", "select absent";
say_it("rows", @rows);
say_it("message", $ffi->function(sqlite3_errmsg => ["opaque"] => "string")->call($base));
