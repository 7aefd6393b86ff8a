//! zlib: a megabyte through its stream struct, deflated and inflated, with Rust's allocator.

use ffi::{CallInterface, Callback, Function, Library, Type, arg};
use std::alloc::{Layout, alloc, dealloc};
use std::ffi::{CStr, c_char, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const P: Type = Type::POINTER;
const INT: Type = Type::C_INT;
const FINISH: i32 = 4;
const STREAM_END: i32 = 1;

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
            assert!(status >= 0 || status == -5, "{name}: {status}");
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
    let live = Arc::new(AtomicUsize::new(0));
    let made = Arc::new(AtomicUsize::new(0));
    let layout = |size: usize| Layout::from_size_align(size + 16, 16).expect("a small size");
    let (count, all) = (Arc::clone(&live), Arc::clone(&made));
    let zalloc = Callback::new(move |_: *mut c_void, items: u32, size: u32| -> *mut c_void {
        let size = items as usize * size as usize;
        count.fetch_add(1, Ordering::Relaxed);
        all.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the size is not zero; it is kept in front, for `zfree`.
        unsafe {
            let block = alloc(layout(size));
            block.cast::<usize>().write(size);
            block.add(16).cast()
        }
    })
    .expect("a callback");
    let count = Arc::clone(&live);
    let zfree = Callback::new(move |_: *mut c_void, address: *mut c_void| {
        count.fetch_sub(1, Ordering::Relaxed);
        // SAFETY: zlib frees what `zalloc` gave it, whose size stands in front.
        unsafe {
            let block = address.cast::<u8>().sub(16);
            dealloc(block, layout(block.cast::<usize>().read()));
        }
    })
    .expect("a callback");

    let version = zlib.function("zlibVersion", P, []);
    // SAFETY: `const char *zlibVersion(void)`.
    let version: *const c_char = unsafe { version.call(&[]) }.expect("it fits");
    // SAFETY: it returns a string.
    assert!(unsafe { CStr::from_ptr(version) }.to_bytes().starts_with(b"1."));

    let input = megabyte();
    let mut stream = Stream::new();
    let size = stream.ty.size() as i32;
    assert_eq!(size, 112);
    stream.set("zalloc", zalloc.as_ptr());
    stream.set("zfree", zfree.as_ptr());
    let init = zlib.function("deflateInit_", INT, [P, INT, P, INT]);
    let at = stream.bytes.as_mut_ptr();
    // SAFETY: a zeroed stream with its allocator, and zlib's own version.
    let status = unsafe { init.call(&[arg(&at), arg(&6_i32), arg(&version), arg(&size)]) };
    assert_eq!(status, Ok(0_i32));
    assert!(live.load(Ordering::Relaxed) > 0);
    let packed = zlib.pump("deflate", &mut stream, &input, 2 << 20);
    assert_eq!(stream.get::<u64>("total_in"), 1 << 20);
    assert_eq!(stream.get::<u64>("total_out"), packed.len() as u64);
    let end = zlib.function("deflateEnd", INT, [P]);
    // SAFETY: the stream was initialised for deflating.
    assert_eq!(unsafe { end.call(&[arg(&stream.bytes.as_mut_ptr())]) }, Ok(0_i32));
    assert!(packed.len() < input.len() * 3 / 4, "{} bytes", packed.len());

    let mut stream = Stream::new();
    stream.set("zalloc", zalloc.as_ptr());
    stream.set("zfree", zfree.as_ptr());
    let init = zlib.function("inflateInit_", INT, [P, P, INT]);
    let at = stream.bytes.as_mut_ptr();
    // SAFETY: as above.
    let status = unsafe { init.call(&[arg(&at), arg(&version), arg(&size)]) };
    assert_eq!(status, Ok(0_i32));
    let unpacked = zlib.pump("inflate", &mut stream, &packed, 2 << 20);
    let end = zlib.function("inflateEnd", INT, [P]);
    // SAFETY: the stream was initialised for inflating.
    assert_eq!(unsafe { end.call(&[arg(&stream.bytes.as_mut_ptr())]) }, Ok(0_i32));
    assert!(unpacked == input, "the megabyte came back different");
    assert_eq!(live.load(Ordering::Relaxed), 0, "zlib frees what it allocates");
    assert!(made.load(Ordering::Relaxed) >= 4);
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
}
