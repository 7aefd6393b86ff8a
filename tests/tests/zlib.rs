//! zlib: a megabyte through its stream struct, deflated and inflated, with Rust's allocator.
#![cfg(unix)] // where every system has the library, under one name

use ffi::{CallInterface, Callback, Function, Library, Type, arg};
use std::alloc::{Layout, alloc, dealloc};
use std::ffi::{CStr, c_char, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const P: Type = Type::POINTER;
const INT: Type = Type::C_INT;
const FINISH: i32 = 4;
const OK: i32 = 0;
const STREAM_END: i32 = 1;
const DATA_ERROR: i32 = -3;
const BUF_ERROR: i32 = -5;
/// What zlib is to hand to its allocator with each call.
const OPAQUE: usize = 0xfee1_600d;

/// `z_stream` of zlib.h, as C describes it; its bytes are kept and read by field.
fn stream_type() -> Type {
    Type::structure("z_stream_s")
        .field("next_in", P)
        .field("avail_in", Type::C_UINT)
        .field("total_in", Type::C_ULONG)
        .field("next_out", P)
        .field("avail_out", Type::C_UINT)
        .field("total_out", Type::C_ULONG)
        .field("msg", P)
        .field("state", P)
        .field("zalloc", P)
        .field("zfree", P)
        .field("opaque", P)
        .field("data_type", INT)
        .field("adler", Type::C_ULONG)
        .field("reserved", Type::C_ULONG)
        .build()
        .expect("a C type")
}

/// A struct of zlib's, held as its bytes.
struct Stream {
    ty: Type,
    bytes: Vec<u64>,
}

impl Stream {
    fn new() -> Self {
        let ty = stream_type();
        let bytes = vec![0; ty.size() / 8];
        Self { ty, bytes }
    }

    fn at<T>(&mut self, field: &str) -> *mut T {
        let field = self.ty.field(field).expect("a field of the stream");
        assert_eq!(field.ty().size(), size_of::<T>(), "{}", field.name());
        self.bytes.as_mut_ptr().cast::<u8>().wrapping_add(field.offset()).cast()
    }

    fn set<T>(&mut self, field: &str, value: T) {
        // SAFETY: the field lies inside the bytes, and has that size.
        unsafe { self.at::<T>(field).write(value) };
    }

    fn get<T: Copy>(&mut self, field: &str) -> T {
        // SAFETY: as in `set`; the tests read plain integers and pointers.
        unsafe { self.at::<T>(field).read() }
    }

    fn set_buffers(&mut self, input: &[u8], output: &mut [u8]) {
        self.set("next_in", input.as_ptr());
        self.set("avail_in", input.len() as u32);
        self.set("next_out", output.as_mut_ptr());
        self.set("avail_out", output.len() as u32);
    }
}

/// A Rust allocator for zlib that counts.
struct Allocator {
    zalloc: Callback,
    zfree: Callback,
    live: Arc<AtomicUsize>,
    made: Arc<AtomicUsize>,
    strangers: Arc<AtomicUsize>,
}

impl Allocator {
    fn new() -> Self {
        let [live, made, strangers] = [(); 3].map(|()| Arc::new(AtomicUsize::new(0)));
        let layout = |size: usize| Layout::from_size_align(size + 16, 16).expect("a small size");
        let (count, all, odd) = (Arc::clone(&live), Arc::clone(&made), Arc::clone(&strangers));
        let zalloc = move |opaque: *mut c_void, items: u32, size: u32| -> *mut c_void {
            let size = items as usize * size as usize;
            count.fetch_add(1, Ordering::Relaxed);
            all.fetch_add(1, Ordering::Relaxed);
            odd.fetch_add(usize::from(opaque.addr() != OPAQUE), Ordering::Relaxed);
            // SAFETY: the size is not zero; it is kept in front, for `zfree`.
            unsafe {
                let block = alloc(layout(size));
                block.cast::<usize>().write(size);
                block.add(16).cast()
            }
        };
        let (count, odd) = (Arc::clone(&live), Arc::clone(&strangers));
        let zfree = move |opaque: *mut c_void, address: *mut c_void| {
            count.fetch_sub(1, Ordering::Relaxed);
            odd.fetch_add(usize::from(opaque.addr() != OPAQUE), Ordering::Relaxed);
            // SAFETY: zlib frees what `zalloc` gave it, whose size stands in front.
            unsafe {
                let block = address.cast::<u8>().sub(16);
                dealloc(block, layout(block.cast::<usize>().read()));
            }
        };
        let zalloc = Callback::new(zalloc).expect("a callback");
        let zfree = Callback::new(zfree).expect("a callback");
        Self { zalloc, zfree, live, made, strangers }
    }

    fn give_to(&self, stream: &mut Stream) {
        stream.set("zalloc", self.zalloc.as_ptr());
        stream.set("zfree", self.zfree.as_ptr());
        stream.set("opaque", OPAQUE);
    }
}

struct Zlib(Library);

impl Zlib {
    fn open() -> Self {
        // SAFETY: zlib has no constructors.
        Self(unsafe { Library::open("libz.so.1") }.expect("libz.so.1, of the package zlib1g"))
    }

    fn function<const N: usize>(&self, name: &str, result: Type, types: [Type; N]) -> Function {
        let interface = CallInterface::new(result, types).expect("a C signature");
        Function::load(&self.0, name, &interface).expect("it is in zlib")
    }

    fn version(&self) -> *const c_char {
        // SAFETY: `const char *zlibVersion(void)`.
        unsafe { self.function("zlibVersion", P, []).call(&[]) }.expect("it fits")
    }

    fn init_deflate(&self, stream: &mut Stream, level: i32) {
        let init = self.function("deflateInit_", INT, [P, INT, P, INT]);
        let (size, at) = (stream.ty.size() as i32, stream.bytes.as_mut_ptr());
        let version = self.version();
        let arguments = [arg(&at), arg(&level), arg(&version), arg(&size)];
        // SAFETY: a stream of that size with its allocator, if any, and zlib's own version.
        assert_eq!(unsafe { init.call(&arguments) }, Ok(OK));
    }

    fn init_inflate(&self, stream: &mut Stream) {
        let init = self.function("inflateInit_", INT, [P, P, INT]);
        let (size, at, version) =
            (stream.ty.size() as i32, stream.bytes.as_mut_ptr(), self.version());
        // SAFETY: as above.
        assert_eq!(unsafe { init.call(&[arg(&at), arg(&version), arg(&size)]) }, Ok(OK));
    }

    /// One step of `deflate` or `inflate`, or the end of either.
    fn step(&self, name: &str, stream: &mut Stream, flush: Option<i32>) -> i32 {
        let at = stream.bytes.as_mut_ptr();
        let status = match flush {
            // SAFETY: an initialised stream, with valid buffers.
            Some(flush) => unsafe {
                self.function(name, INT, [P, INT]).call(&[arg(&at), arg(&flush)])
            },
            // SAFETY: an initialised stream.
            None => unsafe { self.function(name, INT, [P]).call(&[arg(&at)]) },
        };
        status.expect("the call fits")
    }

    /// Runs `deflate` or `inflate` over the input in small pieces.
    fn pump(&self, name: &str, stream: &mut Stream, input: &[u8], room: usize) -> Vec<u8> {
        let step = self.function(name, INT, [P, INT]);
        let mut output = Vec::new();
        let mut piece = vec![0_u8; 7919];
        let mut rest = input;
        let mut end = false;
        while !end {
            if stream.get::<u32>("avail_in") == 0 && !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(10_007));
                stream.set("next_in", now.as_ptr());
                stream.set("avail_in", now.len() as u32);
                rest = later;
            }
            stream.set("next_out", piece.as_mut_ptr());
            stream.set("avail_out", piece.len() as u32);
            let at = stream.at::<u32>("avail_in").cast_const();
            // SAFETY: the input is part of the slice, which outlives the stream's use of it.
            let flush = if rest.is_empty() && unsafe { *at } < 10_007 { FINISH } else { 0 };
            let stream_at = stream.bytes.as_mut_ptr();
            // SAFETY: an initialised stream, with valid buffers.
            let status: i32 = unsafe { step.call(&[arg(&stream_at), arg(&flush)]) }.expect("fits");
            assert!(status >= OK || status == BUF_ERROR, "{name}: {status}");
            let written = piece.len() - stream.get::<u32>("avail_out") as usize;
            output.extend_from_slice(&piece[..written]);
            end = status == STREAM_END;
            assert!(output.len() <= room, "{name} does not come to its end");
        }
        output
    }
}

/// A megabyte that is neither constant nor random.
fn megabyte() -> Vec<u8> {
    let mut rng = fastrand::Rng::with_seed(7);
    let words: Vec<Vec<u8>> =
        (0..500).map(|_| (0..rng.usize(2..12)).map(|_| rng.u8(b'a'..=b'z')).collect()).collect();
    let mut text = Vec::with_capacity(1 << 20);
    while text.len() < 1 << 20 {
        text.extend_from_slice(&words[rng.usize(0..words.len())]);
        text.push(if rng.u8(0..10) == 0 { rng.u8(..) } else { b' ' });
    }
    text.truncate(1 << 20);
    text
}

#[test]
fn a_megabyte_survives_deflate_and_inflate() {
    let zlib = Zlib::open();
    // SAFETY: it returns a string.
    assert!(unsafe { CStr::from_ptr(zlib.version()) }.to_bytes().starts_with(b"1."));
    let allocator = Allocator::new();
    let live = || allocator.live.load(Ordering::Relaxed);

    let input = megabyte();
    let checksum = adler32(&input);
    let mut stream = Stream::new();
    assert_eq!(stream.ty.size(), 112);
    allocator.give_to(&mut stream);
    zlib.init_deflate(&mut stream, 6);
    assert!(live() > 0);
    let packed = zlib.pump("deflate", &mut stream, &input, 2 << 20);
    assert_eq!(stream.get::<u64>("total_in"), 1 << 20);
    assert_eq!(stream.get::<u64>("total_out"), packed.len() as u64);
    assert_eq!(stream.get::<u64>("adler"), checksum);
    assert_eq!(packed.last_chunk(), Some(&(checksum as u32).to_be_bytes()));
    assert_eq!(zlib.step("deflateEnd", &mut stream, None), OK);
    assert_eq!(live(), 0, "zlib frees what it allocates");
    assert!(packed.len() < input.len() * 3 / 4, "{} bytes", packed.len());

    let mut stream = Stream::new();
    allocator.give_to(&mut stream);
    zlib.init_inflate(&mut stream);
    let unpacked = zlib.pump("inflate", &mut stream, &packed, 2 << 20);
    assert_eq!(stream.get::<u64>("total_in"), packed.len() as u64);
    assert_eq!(stream.get::<u64>("total_out"), 1 << 20);
    assert_eq!(stream.get::<u64>("adler"), checksum);
    assert_eq!(zlib.step("inflateEnd", &mut stream, None), OK);
    assert!(unpacked == input, "the megabyte came back different");
    assert_eq!(live(), 0, "zlib frees what it allocates");
    assert!(allocator.made.load(Ordering::Relaxed) >= 4);
    assert_eq!(allocator.strangers.load(Ordering::Relaxed), 0, "`opaque` came back each time");
}

#[test]
fn a_megabyte_in_one_step_each_way() {
    let zlib = Zlib::open();
    let input = megabyte();
    let mut sizes = Vec::new();
    for level in [1, 9] {
        let mut stream = Stream::new();
        zlib.init_deflate(&mut stream, level);
        let bound = zlib.function("deflateBound", Type::C_ULONG, [P, Type::C_ULONG]);
        let (at, length) = (stream.bytes.as_mut_ptr(), input.len() as u64);
        // SAFETY: an initialised stream.
        let bound: u64 = unsafe { bound.call(&[arg(&at), arg(&length)]) }.expect("it fits");
        assert!(bound > length);
        let mut packed = vec![0; bound as usize];
        stream.set_buffers(&input, &mut packed);
        assert_eq!(zlib.step("deflate", &mut stream, Some(FINISH)), STREAM_END);
        packed.truncate(stream.get::<u64>("total_out") as usize);
        assert_eq!(stream.get::<*const u8>("next_in"), input.as_ptr_range().end);
        assert_eq!(zlib.step("deflateEnd", &mut stream, None), OK);
        sizes.push(packed.len());

        let mut unpacked = vec![0; input.len()];
        let mut stream = Stream::new();
        zlib.init_inflate(&mut stream);
        stream.set_buffers(&packed, &mut unpacked);
        assert_eq!(zlib.step("inflate", &mut stream, Some(FINISH)), STREAM_END);
        assert_eq!((stream.get("avail_in"), stream.get("avail_out")), (0_u32, 0_u32));
        assert_eq!(zlib.step("inflateEnd", &mut stream, None), OK);
        assert!(unpacked == input, "level {level}: the megabyte came back different");
    }
    assert!(sizes[1] < sizes[0], "level 9 packs tighter than level 1: {sizes:?}");
}

#[test]
fn a_damaged_stream_is_reported_in_zlibs_words() {
    let zlib = Zlib::open();
    let input = b"the quick brown fox";
    let mut packed = [0; 64];
    let mut stream = Stream::new();
    zlib.init_deflate(&mut stream, 9);
    stream.set_buffers(input, &mut packed);
    assert_eq!(zlib.step("deflate", &mut stream, Some(FINISH)), STREAM_END);
    let length = stream.get::<u64>("total_out") as usize;
    assert_eq!(zlib.step("deflateEnd", &mut stream, None), OK);
    // The last byte is one of the checksum's.
    packed[length - 1] ^= 1;

    let mut output = [0; 64];
    let mut stream = Stream::new();
    zlib.init_inflate(&mut stream);
    stream.set_buffers(&packed[..length], &mut output);
    assert_eq!(zlib.step("inflate", &mut stream, Some(FINISH)), DATA_ERROR);
    // SAFETY: zlib leaves a string there when it fails.
    let message = unsafe { CStr::from_ptr(stream.get::<*const c_char>("msg")) };
    assert_eq!(message, c"incorrect data check");
    assert_eq!(&output[..input.len()], input);
    assert_eq!(zlib.step("inflateEnd", &mut stream, None), OK);
}

/// RFC 1950, 8.2.
fn adler32(data: &[u8]) -> u64 {
    let (a, b) = data.iter().fold((1_u64, 0), |(a, b), &byte| {
        let a = (a + u64::from(byte)) % 65521;
        (a, (a + b) % 65521)
    });
    b << 16 | a
}

/// RFC 1952, 8, a bit at a time.
fn crc32(data: &[u8]) -> u64 {
    let mut crc = u32::MAX;
    for &byte in data {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
        }
    }
    u64::from(!crc)
}

#[test]
fn checksums_agree_with_their_definitions() {
    let zlib = Zlib::open();
    let call = |name: &str, start: u64, data: &[u8]| -> u64 {
        let function = zlib.function(name, Type::C_ULONG, [Type::C_ULONG, P, Type::C_UINT]);
        let (at, len) = (data.as_ptr(), data.len() as u32);
        // SAFETY: a start value, bytes, and their number.
        unsafe { function.call(&[arg(&start), arg(&at), arg(&len)]) }.expect("the call fits")
    };
    assert_eq!(call("crc32", 0, b"123456789"), 0xcbf4_3926);
    assert_eq!(call("adler32", 1, b"Wikipedia"), 0x11e6_0398);
    let data = megabyte();
    let (first, rest) = data.split_at(333_333);
    assert_eq!(call("crc32", call("crc32", 0, first), rest), crc32(&data));
    assert_eq!(call("adler32", call("adler32", 1, first), rest), adler32(&data));
}
