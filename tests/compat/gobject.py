"""GObject introspection from Python: GLib and Gio called through libffi, and its closures as
callbacks of sorts, main loops, signals, virtual functions and asynchronous operations."""

import tempfile

import gi

gi.require_version("Gio", "2.0")
gi.require_version("GLib", "2.0")
gi.require_version("GObject", "2.0")
from gi.repository import Gio, GLib, GObject  # noqa: E402


def say(name, value):
    print(f"{name}: {value!r}", flush=True)


# Numbers and text of every kind.
GLib.random_set_seed(42)
say("random", [GLib.random_int_range(-100, 100) for _ in range(5)])
say("random doubles", [round(GLib.random_double_range(-1.5, 1.5), 12) for _ in range(3)])
say("ascii_strtod", GLib.ascii_strtod("3.25e2 rest"))
say("ascii_strtoll", GLib.ascii_strtoll("-9223372036854775808", 10))
say("ascii_strtoull", GLib.ascii_strtoull("ffffffffffffffff", 16))
say("bit_nth_lsf", GLib.bit_nth_lsf(0x50, 4))
say("unichar", [GLib.unichar_toupper("é"), GLib.unichar_isalpha("7")])
say("uri", GLib.uri_escape_string("a b/ü", None, False))
say("base64", GLib.base64_encode(b"through libffi"))
say("checksum", GLib.compute_checksum_for_data(GLib.ChecksumType.SHA256, b"abc"))
say("shell", GLib.shell_parse_argv("one 'two three' four"))
say("format", GLib.format_size_full(123456789, GLib.FormatSizeFlags.IEC_UNITS))
say("date", GLib.DateTime.new_utc(2024, 2, 29, 12, 30, 15.5).add_full(1, 1, 1, 1, 1, 1.25).format_iso8601())
say("markup", GLib.markup_escape_text("<a & b>", -1))
say("pattern", GLib.pattern_match_simple("*.c", "call.c"))

# Variants hold all widths.
variant = GLib.Variant("(ybnqiuxtdsv)", (255, True, -300, 65535, -70000, 4000000000, -(2**40), 2**63,
                                         2.5, "text", GLib.Variant("d", -0.125)))
say("variant", variant.print_(True))
say("unpacked", variant.unpack())
say("byteswap", variant.byteswap().get_child_value(4).get_int32())
say("parsed", GLib.Variant.parse(None, "{'a': <1>, 'b': <[2.5]>}", None, None).unpack())
try:
    GLib.Variant.parse(GLib.VariantType.new("i"), "'text'", None, None)
except GLib.Error as error:
    say("error", [error.domain, error.code, error.message])

# A main loop with a timeout, an idle callback and a source's removal.
loop, ticks, idle = GLib.MainLoop(), [], []


def tick(step):
    ticks.append(step)
    # Where the machine is slow, an idle source waits for long.
    if len(ticks) >= 5 and idle:
        loop.quit()
        return False
    return True


GLib.timeout_add(1, tick, "tick")
GLib.idle_add(lambda: idle.append("idle"))
loop.run()
say("main loop", ticks[:5] + idle)
say("removed", GLib.source_remove(GLib.timeout_add_seconds(1000, tick, 0)))

# Sorting with callbacks, in C's hands.
store = Gio.ListStore.new(Gio.SimpleAction)
for name in ("pear", "fig", "apple", "banana", "kiwi"):
    store.insert_sorted(Gio.SimpleAction.new(name, None), lambda a, b, *_: (a.get_name() > b.get_name()) - (a.get_name() < b.get_name()))
say("insert_sorted", [action.get_name() for action in store])
store.sort(lambda a, b, *_: len(a.get_name()) - len(b.get_name()))
say("sorted by length", [action.get_name() for action in store])


# Properties, signals with arguments and results, a virtual function.
class Meter(GObject.Object, Gio.ListModel):
    level = GObject.Property(type=float, default=0.5)
    count = GObject.Property(type=GObject.TYPE_INT64, default=0)

    @GObject.Signal(arg_types=(int, float, str, GObject.TYPE_UCHAR), return_type=bool,
                    flags=GObject.SignalFlags.RUN_LAST,
                    accumulator=GObject.signal_accumulator_true_handled)
    def crossed(self, number, ratio, text, byte):
        heard.append(("class", number, ratio, text, byte))
        return False

    def do_get_n_items(self):
        return 3

    def do_get_item_type(self):
        return Gio.SimpleAction.__gtype__

    def do_get_item(self, position):
        return Gio.SimpleAction.new(f"item-{position}", None)


heard = []
meter = Meter()
meter.connect("notify::level", lambda it, spec: heard.append((spec.name, it.level)))
meter.connect("crossed", lambda _, *all: heard.append(all) or all[0] > 5)
meter.set_property("level", 2.5)
meter.count = -(2**50)
say("emit", [meter.emit("crossed", number, 0.25, "text", 200) for number in (1, 9)])
say("heard", heard)
say("properties", [meter.get_property("count"), meter.get_property("level")])
say("virtual functions", [Gio.ListModel.get_n_items(meter), Gio.ListModel.get_item(meter, 2).get_name()])
meter.bind_property("level", other := Meter(), "level", GObject.BindingFlags.DEFAULT,
                    lambda _, value: value * 2, None)
meter.level = 4.5
say("bound", other.level)

# Gio: files, streams, asynchronous reading.
with tempfile.NamedTemporaryFile() as scratch:
    file = Gio.File.new_for_path(scratch.name)
    file.replace_contents(b"line one\nline two\n", None, False, Gio.FileCreateFlags.NONE, None)
    say("contents", file.load_contents(None)[1])
    progress = []
    copy = Gio.File.new_for_path(scratch.name + ".copy")
    say("copy", file.copy(copy, Gio.FileCopyFlags.NONE, None, lambda now, all: progress.append((now, all))))
    say("progress", progress[-1])

    def loaded(source, result):
        say("asynchronous", source.load_contents_finish(result)[1])
        loop.quit()

    copy.load_contents_async(None, loaded)
    loop.run()
    copy.delete(None)
compressor = Gio.ConverterOutputStream.new(Gio.MemoryOutputStream.new_resizable(),
                                           Gio.ZlibCompressor.new(Gio.ZlibCompressorFormat.RAW, 9))
compressor.write_all(b"again and " * 100, None)
compressor.close(None)
say("zlib", compressor.get_base_stream().steal_as_bytes().get_size())
try:
    Gio.File.new_for_path("/no/such/file").load_contents(None)
except GLib.Error as error:
    say("not found", [error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND), error.message])
