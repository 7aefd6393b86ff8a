# Ruby's ffi gem: a libffi user apart from fiddle, with structs by value and closures of its own
# keeping.
require "ffi"

$stdout.sync = true
def say(name, value) = puts("#{name}: #{value.inspect}")

class Small < FFI::Struct
  layout :a, :int8, :b, :float
end
class Point < FFI::Struct
  layout :x, :double, :y, :double
end
class Triple < FFI::Struct
  layout :x, :float, :y, :float, :z, :float
end
class Mixed < FFI::Struct
  layout :id, :int64, :weight, :double
end
class Large < FFI::Struct
  layout :v, [:int64, 5]
end
class Nested < FFI::Struct
  layout :first, Small, :second, Triple, :tail, :uint16
end
class Div < FFI::Struct
  layout :quot, :long, :rem, :long
end
WIDTHS = %i[int8 uint8 int16 uint16 int32 uint32 int64 uint64]

module Shapes
  extend FFI::Library
  ffi_lib ARGV[0]
  %w[i u].product([8, 16, 32, 64]).each do |sign, bits|
    type = :"#{"u" if sign == "u"}int#{bits}"
    attach_function :"next_#{sign}#{bits}", [type], type
  end
  attach_function :half_float, [:float], :float
  attach_function :half_double, [:double], :double
  attach_function :describe, [:pointer] + WIDTHS + %i[float double string float double], :int
  attach_function :weigh, [:double] * 10, :double
  attach_function :sum_variadic, %i[int varargs], :double
  attach_function :turn_small, [Small.by_value], Small.by_value
  attach_function :turn_point, [Point.by_value, :double], Point.by_value
  attach_function :turn_triple, [Triple.by_value], Triple.by_value
  attach_function :turn_mixed, [:int32, Mixed.by_value], Mixed.by_value
  attach_function :turn_large, [Large.by_value, :int64], Large.by_value
  attach_function :turn_nested, [Nested.by_value], Nested.by_value
  attach_function :spill, [:int64] * 5 + [Mixed, Mixed, Point, Large].map(&:by_value), :double
  callback :i8, [:int8], :int8
  callback :u16, [:uint16], :uint16
  callback :float2, %i[float double], :float
  callback :many, WIDTHS + %i[float double], :int64
  callback :real, [:double], :double
  callback :point, [Point.by_value], Point.by_value
  attach_function :via_i8, %i[i8 int8], :int8
  attach_function :via_u16, %i[u16 uint16], :uint16
  attach_function :via_float, %i[float2 float double], :float
  attach_function :via_many, [:many], :int64
  attach_function :integrate, %i[real double double int], :double
  attach_function :via_point, [:point, Point.by_value], Point.by_value
end

module C
  extend FFI::Library
  ffi_lib "libc.so.6"
  callback :compare, %i[pointer pointer], :int
  attach_function :qsort, %i[pointer size_t size_t compare], :void
  attach_function :snprintf, %i[pointer size_t string varargs], :int
  attach_function :open, %i[string int], :int
  attach_function :ldiv, %i[long long], Div.by_value
end

module Sqlite
  extend FFI::Library
  ffi_lib "libsqlite3.so.0"
  callback :row, %i[pointer int pointer pointer], :int
  callback :collate, %i[pointer int pointer int pointer], :int
  attach_function :sqlite3_open, %i[string pointer], :int
  attach_function :sqlite3_exec, %i[pointer string row pointer pointer], :int
  attach_function :sqlite3_create_collation, %i[pointer string int pointer collate], :int
  attach_function :sqlite3_errmsg, [:pointer], :string
end

def make(kind, **fields) = kind.new.tap { |it| fields.each { |name, value| it[name] = value } }
def plain(it) = it.members.map { |name| it[name].is_a?(FFI::Struct) ? plain(it[name]) : it[name].then { |v| v.respond_to?(:to_a) ? v.to_a : v } }

[8, 16, 32, 64].each do |bits|
  [0, -1, -(1 << bits - 1), (1 << bits - 1) - 1].each { |v| say("next_i#{bits} #{v}", Shapes.send("next_i#{bits}", v)) }
  [0, 1, (1 << bits) - 1].each { |v| say("next_u#{bits} #{v}", Shapes.send("next_u#{bits}", v)) }
end
say("float", Shapes.half_float(2.5))
say("double", Shapes.half_double(1e300))
out = FFI::MemoryPointer.new(:char, 300)
say("describe", Shapes.describe(out, -1, 255, -2, 65535, -3, 4294967295, -4, 2**64 - 1, 0.5, 0.25, "text", -0.5, 1e9))
say("described", out.read_string)
say("weigh", Shapes.weigh(*1..10))
[0, 1, 8, 20].each { |n| say("variadic #{n}", Shapes.sum_variadic(n, *(1..n).flat_map { |i| [:double, i * 0.5] })) }
small, point = make(Small, a: -7, b: 1.25), make(Point, x: 3.5, y: -4.5)
triple, mixed, large, nested = make(Triple, x: 1, y: 2, z: 3), make(Mixed, id: 1 << 40, weight: 12.5), Large.new, Nested.new
5.times { |i| large[:v][i] = i + 1 }
nested[:first][:a], nested[:second][:y], nested[:tail] = -9, 4.5, 1
say("small", plain(Shapes.turn_small(small)))
say("point", plain(Shapes.turn_point(point, 2)))
say("triple", plain(Shapes.turn_triple(triple)))
say("mixed", plain(Shapes.turn_mixed(-5, mixed)))
say("large", plain(Shapes.turn_large(large, -3)))
say("nested", plain(Shapes.turn_nested(nested)))
say("spill", Shapes.spill(1, 2, 3, 4, 5, mixed, mixed, point, large))
say("ldiv", plain(C.ldiv(-2**50, 1000)))
say("snprintf", C.snprintf(out, 300, "%d %s %.3f %lld", :int, -5, :string, "five", :double, 5.125, :long_long, -2**50))
say("printed", out.read_string)
say("open", [C.open("/no/such/file", 0), FFI.errno])
say("via_i8", Shapes.via_i8(proc { |v| v * 2 }, -33))
say("via_u16", Shapes.via_u16(proc { |v| v - 1 }, 65535))
say("via_float", Shapes.via_float(proc { |v, w| v * w }, 1.5, 4.0))
seen = nil
say("via_many", Shapes.via_many(proc { |*all| seen = all; -2**40 }))
say("via_many saw", seen)
say("integrate", Shapes.integrate(proc { |x| x * x }, 0.0, 3.0, 1000))
say("via_point", plain(Shapes.via_point(proc { |p| make(Point, x: p[:y], y: p[:x]) }, point)))
say("many closures", (0...500).sum { |i| FFI::Function.new(:int, [:int]) { |v| v + i }.call(1) })
array = FFI::MemoryPointer.new(:int32, 200).write_array_of_int32((0...200).map { |i| i * 7919 % 1009 - 500 })
C.qsort(array, 200, 4, proc { |a, b| a.read_int32 <=> b.read_int32 })
say("qsort", array.read_array_of_int32(200))
handle = FFI::MemoryPointer.new(:pointer)
say("open", Sqlite.sqlite3_open(":memory:", handle))
base = handle.read_pointer
collate = proc { |_, n, a, m, b| a.read_bytes(n).reverse <=> b.read_bytes(m).reverse }
say("collation", Sqlite.sqlite3_create_collation(base, "backward", 1, nil, collate))
rows = []
row = proc do |_, n, values, names|
  rows << [names, values].map { |p| p.read_array_of_pointer(n).map(&:read_string) }
  rows.size < 6 ? 0 : 1
end
["create table t(w, n); insert into t values('abc',1),('cba',2),('bac',3),('zzb',4)",
 "select w, n * n as square from t order by w collate backward",
 "select 1 as a union select 2 union select 3", "select absent"].each do |sql|
  say(sql, Sqlite.sqlite3_exec(base, sql, row, nil, nil))
end
say("rows", rows)
say("message", Sqlite.sqlite3_errmsg(base))
