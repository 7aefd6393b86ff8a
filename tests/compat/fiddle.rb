# Ruby's fiddle: it calls through libffi, and its closures are libffi's.
require "fiddle"
require "fiddle/import"
require "fiddle/struct"

$stdout.sync = true
include Fiddle

SHAPES = Fiddle.dlopen(ARGV[0])
C = Fiddle.dlopen("libc.so.6")
M = Fiddle.dlopen("libm.so.6")
Z = Fiddle.dlopen("libz.so.1")
SQL = Fiddle.dlopen("libsqlite3.so.0")

def say(name, value) = puts("#{name}: #{value.inspect}")
def function(library, name, arguments, result, **more) =
  Function.new(library[name], arguments, result, **more)

widths = { "i8" => TYPE_CHAR, "u8" => -TYPE_CHAR, "i16" => TYPE_SHORT, "u16" => -TYPE_SHORT,
           "i32" => TYPE_INT, "u32" => -TYPE_INT, "i64" => TYPE_LONG_LONG, "u64" => -TYPE_LONG_LONG }
widths.each do |name, type|
  bits = name[1..].to_i
  values = name[0] == "i" ? [0, -1, -(1 << (bits - 1)), (1 << (bits - 1)) - 1] : [0, 1, (1 << bits) - 1]
  step = function(SHAPES, "next_#{name}", [type], type)
  values.each { |value| say("next_#{name} #{value}", step.call(value)) }
end
say("float", function(SHAPES, "half_float", [TYPE_FLOAT], TYPE_FLOAT).call(2.5))
say("double", function(SHAPES, "half_double", [TYPE_DOUBLE], TYPE_DOUBLE).call(1e300))
out = Pointer.malloc(300, RUBY_FREE)
describe = function(SHAPES, "describe", [TYPE_VOIDP] + widths.values +
  [TYPE_FLOAT, TYPE_DOUBLE, TYPE_VOIDP, TYPE_FLOAT, TYPE_DOUBLE], TYPE_INT)
say("describe", describe.call(out, -1, 255, -2, 65535, -3, 4294967295, -4, 2**64 - 1, 0.5, 0.25, "text", -0.5, 1e9))
say("described", out.to_s)
say("weigh", function(SHAPES, "weigh", [TYPE_DOUBLE] * 10, TYPE_DOUBLE).call(*(1..10).map(&:to_f)))

# libc and libm.
say("strlen", function(C, "strlen", [TYPE_VOIDP], TYPE_SIZE_T).call("twelve bytes"))
say("labs", function(C, "labs", [TYPE_LONG], TYPE_LONG).call(-2**40))
say("strtoll", function(C, "strtoll", [TYPE_VOIDP, TYPE_VOIDP, TYPE_INT], TYPE_LONG_LONG).call("-ff", nil, 16))
say("pow", function(M, "pow", [TYPE_DOUBLE, TYPE_DOUBLE], TYPE_DOUBLE).call(2.0, 0.5))
say("hypotf", function(M, "hypotf", [TYPE_FLOAT, TYPE_FLOAT], TYPE_FLOAT).call(3.0, 4.0))
say("errno", function(C, "open", [TYPE_VOIDP, TYPE_INT], TYPE_INT).call("/no/such/file", 0))
say("last error", Fiddle.last_error)
print = function(C, "snprintf", [TYPE_VOIDP, TYPE_SIZE_T, TYPE_CONST_STRING, TYPE_VARIADIC], TYPE_INT)
say("snprintf", print.call(out, 300, "%d %s %.3f %lld %c",
  :int, -5, :const_string, "five", :double, 5.125, :long_long, -2**50, :int, 65))
say("printed", out.to_s)
sum = function(SHAPES, "sum_variadic", [TYPE_INT, TYPE_VARIADIC], TYPE_DOUBLE)
[0, 1, 8, 20].each { |n| say("variadic #{n}", sum.call(n, *(1..n).flat_map { |i| [:double, i * 0.5] })) }

# Callbacks.
class Compare < Closure
  def call(a, b) = Pointer.new(a)[0, 4].unpack1("l") <=> Pointer.new(b)[0, 4].unpack1("l")
end
numbers = (0...200).map { |i| (i * 7919) % 1009 - 500 }
array = Pointer[numbers.pack("l*")]
sort = function(C, "qsort", [TYPE_VOIDP, TYPE_SIZE_T, TYPE_SIZE_T, TYPE_VOIDP], TYPE_VOID)
sort.call(array, numbers.size, 4, Compare.new(TYPE_INT, [TYPE_VOIDP, TYPE_VOIDP]))
say("qsort", array[0, 800].unpack("l*"))
say("qsort is right", array[0, 800].unpack("l*") == numbers.sort)
def closure(result, arguments, &block) = Closure::BlockCaller.new(result, arguments, &block)
say("via_i8", function(SHAPES, "via_i8", [TYPE_VOIDP, TYPE_CHAR], TYPE_CHAR)
  .call(closure(TYPE_CHAR, [TYPE_CHAR]) { |v| v * 2 }, -33))
say("via_u16", function(SHAPES, "via_u16", [TYPE_VOIDP, -TYPE_SHORT], -TYPE_SHORT)
  .call(closure(-TYPE_SHORT, [-TYPE_SHORT]) { |v| v - 1 }, 65535))
say("via_float", function(SHAPES, "via_float", [TYPE_VOIDP, TYPE_FLOAT, TYPE_DOUBLE], TYPE_FLOAT)
  .call(closure(TYPE_FLOAT, [TYPE_FLOAT, TYPE_DOUBLE]) { |v, w| v * w }, 1.5, 4.0))
seen = nil
many = closure(TYPE_LONG_LONG, widths.values + [TYPE_FLOAT, TYPE_DOUBLE]) { |*all| seen = all; -2**40 }
say("via_many", function(SHAPES, "via_many", [TYPE_VOIDP], TYPE_LONG_LONG).call(many))
say("via_many saw", seen)
square = closure(TYPE_DOUBLE, [TYPE_DOUBLE]) { |x| x * x }
integrate = function(SHAPES, "integrate", [TYPE_VOIDP, TYPE_DOUBLE, TYPE_DOUBLE, TYPE_INT], TYPE_DOUBLE)
say("integrate", integrate.call(square, 0.0, 3.0, 1000))
inner = closure(TYPE_DOUBLE, [TYPE_DOUBLE]) { |x| integrate.call(square, 0.0, x, 10) }
say("integrate within a callback", integrate.call(inner, 0.0, 1.0, 20))
say("many closures", (0...500).sum { |i| Function.new(closure(TYPE_INT, [TYPE_INT]) { |v| v + i }, [TYPE_INT], TYPE_INT).call(1) })
begin
  integrate.call(closure(TYPE_DOUBLE, [TYPE_DOUBLE]) { raise ArgumentError, "from the callback" }, 0.0, 1.0, 3)
rescue ArgumentError => error
  say("raised", error.message)
end

# SQLite, whose rows and whose order come through callbacks; and zlib.
handle = Pointer.malloc(8, RUBY_FREE)
say("open", function(SQL, "sqlite3_open", [TYPE_VOIDP, TYPE_VOIDP], TYPE_INT).call(":memory:", handle))
base = handle.ptr
collate = closure(TYPE_INT, [TYPE_VOIDP, TYPE_INT, TYPE_VOIDP, TYPE_INT, TYPE_VOIDP]) do |_, n, a, m, b|
  Pointer.new(a)[0, n].reverse <=> Pointer.new(b)[0, m].reverse
end
say("collation", function(SQL, "sqlite3_create_collation", [TYPE_VOIDP, TYPE_VOIDP, TYPE_INT, TYPE_VOIDP, TYPE_VOIDP], TYPE_INT)
  .call(base, "backward", 1, nil, collate))
rows = []
row = closure(TYPE_INT, [TYPE_VOIDP, TYPE_INT, TYPE_VOIDP, TYPE_VOIDP]) do |_, count, values, names|
  rows << (0...count).map { |i| [names, values].map { |p| (Pointer.new(p) + 8 * i).ptr.to_s } }
  rows.size < 5 ? 0 : 1
end
exec = function(SQL, "sqlite3_exec", [TYPE_VOIDP, TYPE_VOIDP, TYPE_VOIDP, TYPE_VOIDP, TYPE_VOIDP], TYPE_INT)
say("fill", exec.call(base, "create table t(w text, n int); insert into t values('abc',1),('cba',2),('bac',3),('zzb',4)", nil, nil, nil))
say("select", exec.call(base, "select w, n * n as square from t order by w collate backward", row, nil, nil))
say("rows", rows)
say("stopped by the callback", exec.call(base, "select 1 union select 2 union select 3", row, nil, nil))
say("error", exec.call(base, "select absent", row, nil, nil))
say("message", function(SQL, "sqlite3_errmsg", [TYPE_VOIDP], TYPE_CONST_STRING).call(base))
say("crc32", function(Z, "crc32", [TYPE_LONG, TYPE_VOIDP, -TYPE_INT], TYPE_LONG).call(0, "123456789", 9))
