//! zlib by its stream struct: megabytes go through buffers of a few kilobytes, there and back.

use ffi::{Arg, Bindings, Declared, Header, Library, Value, arg};
use std::ffi::{CStr, c_char};

/// From zlib.h.
const DECLARATIONS: &str = "
    typedef struct z_stream_s {
        const unsigned char *next_in;
        unsigned avail_in;
        unsigned long total_in;
        unsigned char *next_out;
        unsigned avail_out;
        unsigned long total_out;
        const char *msg;
        void *state, *zalloc, *zfree, *opaque;
        int data_type;
        unsigned long adler, reserved;
    } z_stream;
    const char *zlibVersion(void);
    int deflateInit_(z_stream *, int level, const char *version, int stream_size);
    int deflate(z_stream *, int flush);
    int deflateEnd(z_stream *);
    int inflateInit_(z_stream *, const char *version, int stream_size);
    int inflate(z_stream *, int flush);
    int inflateEnd(z_stream *);
";
const NO_FLUSH: i32 = 0;
const FINISH: i32 = 4;
const STREAM_END: i32 = 1;
/// All that came in has gone out already.
const BUF_ERROR: i32 = -5;

type Failure = Box<dyn std::error::Error>;

/// A `z_stream` between its `Init` and its `End`.
struct Stream<'z> {
    zlib: &'z Bindings,
    /// `deflate` or `inflate`.
    name: &'static str,
    fields: Value,
}

impl<'z> Stream<'z> {
    fn new(zlib: &'z Bindings, name: &'static str) -> Result<Self, Failure> {
        let ty = zlib.header().ty("z_stream")?;
        let mut stream = Self { zlib, name, fields: Value::new(&ty)? };
        // SAFETY: `const char *zlibVersion(void)`.
        let version: *const c_char = unsafe { zlib.function("zlibVersion")?.call(&[]) }?;
        let (version, size) = (arg(&version), ty.size() as i32);
        let status = match name {
            "deflate" => stream.call("Init_", &[arg(&9_i32), version, arg(&size)]),
            _ => stream.call("Init_", &[version, arg(&size)]),
        }?;
        if status == 0 { Ok(stream) } else { Err(format!("{name}Init: {status}").into()) }
    }

    fn call(&mut self, end_of_name: &str, arguments: &[Arg<'_>]) -> Result<i32, Failure> {
        let at = self.fields.as_mut_ptr();
        let arguments: Vec<Arg<'_>> = [arg(&at)].iter().chain(arguments).copied().collect();
        let function = self.zlib.function(&format!("{}{end_of_name}", self.name))?;
        // SAFETY: the declarations are zlib's, and the stream's pointers are to buffers that live.
        Ok(unsafe { function.call(&arguments) }?)
    }

    /// Takes all of a piece in, and hands on what comes out. Says whether the stream has ended.
    fn write(
        &mut self,
        piece: &[u8],
        flush: i32,
        mut sink: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<bool, Failure> {
        let mut buffer = [0_u8; 4096];
        self.fields.set("next_in", piece.as_ptr())?;
        self.fields.set("avail_in", piece.len() as u32)?;
        loop {
            self.fields.set("next_out", buffer.as_mut_ptr())?;
            self.fields.set("avail_out", buffer.len() as u32)?;
            let status = self.call("", &[arg(&flush)])?;
            let left: u32 = self.fields.get("avail_out")?;
            sink(&buffer[..buffer.len() - left as usize])?;
            match status {
                STREAM_END => return Ok(true),
                // There is room left: zlib has no more to say.
                0 | BUF_ERROR if left > 0 => return Ok(false),
                0 => {}
                _ => return Err(self.message(status).into()),
            }
        }
    }

    fn message(&self, status: i32) -> String {
        match self.fields.get::<*const c_char>("msg") {
            // SAFETY: zlib sets it to a string of its own.
            Ok(text) if !text.is_null() => unsafe { CStr::from_ptr(text) }.to_string_lossy().into(),
            _ => format!("status {status}"),
        }
    }
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        let _ = self.call("End", &[]);
    }
}

/// The numbers from 0 on, a line each.
fn lines() -> impl Iterator<Item = String> {
    (0..40).map(|part| (0..5000).map(|n| format!("{}\n", part * 5000 + n)).collect())
}

fn main() -> Result<(), Failure> {
    // SAFETY: zlib has no constructors.
    let library = unsafe { Library::open("libz.so.1") }?;
    let zlib = library.bind(&Header::parse(DECLARATIONS)?)?;

    let (mut written, mut packed, mut unpacked) = (String::new(), 0, Vec::new());
    let (mut deflate, mut inflate) =
        (Stream::new(&zlib, "deflate")?, Stream::new(&zlib, "inflate")?);
    // What comes out of the one goes into the other at once: nothing is ever there as a whole.
    let mut pass_on = |piece: &[u8]| {
        packed += piece.len();
        inflate.write(piece, NO_FLUSH, |piece| {
            unpacked.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(())
    };
    for part in lines() {
        deflate.write(part.as_bytes(), NO_FLUSH, &mut pass_on)?;
        written += &part;
    }
    assert!(deflate.write(&[], FINISH, &mut pass_on)?, "deflate ends its stream");

    assert_eq!(unpacked, written.as_bytes());
    assert_eq!(deflate.fields.get::<std::ffi::c_ulong>("total_in")?, written.len() as _);
    assert!(packed * 2 < written.len(), "{packed} bytes");
    println!(
        "{} bytes of text, less than half of that deflated, and inflated the same",
        written.len()
    );

    let damaged = Stream::new(&zlib, "inflate")?.write(b"no stream at all", NO_FLUSH, |_| Ok(()));
    println!("error: {}", damaged.err().ok_or("expected an error")?);
    Ok(())
}
