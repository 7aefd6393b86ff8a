//! libpng: a picture written through one callback and read back through another.
#![cfg(unix)] // where every system has the library, under one name

use ffi::{CType, CallInterface, Callback, Library, Type, arg};
use std::ffi::{CStr, c_char, c_void};
use std::sync::{Arc, Mutex};

/// Handed to both callbacks of libpng's with each call.
const MARK: usize = 0x0ff1_ce00;

const P: Type = Type::POINTER;
const INT: Type = Type::C_INT;
const UINT: Type = Type::C_UINT;
const NULL: *const c_void = std::ptr::null();
const WIDTH: u32 = 61;
const HEIGHT: u32 = 40;
const RGB: i32 = 2;

struct Png(Library);

impl Png {
    fn open() -> Self {
        // SAFETY: libpng has no constructors.
        let library = unsafe { Library::open("libpng16.so.16") };
        Self(library.expect("libpng16.so.16, of the package libpng16-16"))
    }

    fn call<R: CType>(&self, name: &str, types: &[Type], arguments: &[ffi::Arg<'_>]) -> R {
        let interface = CallInterface::new(R::c_type(), types.to_vec()).expect("a C signature");
        let function = self.0.symbol(name).expect("it is in libpng");
        // SAFETY: the types are those of png.h, and the handles are valid.
        unsafe { interface.call(function.as_ptr(), arguments) }.expect("the call fits")
    }
}

/// libpng's warnings, each with what libpng says that the error pointer is.
type Warnings = Arc<Mutex<Vec<(usize, String)>>>;

fn warnings(png: &Arc<Png>) -> (Callback, Warnings) {
    let kept = Warnings::default();
    let (sink, png) = (Arc::clone(&kept), Arc::clone(png));
    let callback = Callback::new(move |handle: *mut c_void, text: *const c_char| {
        let pointer: *const c_void = png.call("png_get_error_ptr", &[P], &[arg(&handle)]);
        // SAFETY: libpng passes a string.
        let text = unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned();
        sink.lock().expect("no panic").push((pointer.addr(), text));
    });
    (callback.expect("a callback"), kept)
}

/// libpng reports an error through this, and expects it not to return: none is expected.
fn no_errors() -> Callback {
    Callback::new(|_: *mut c_void, text: *const c_char| -> () {
        // SAFETY: libpng passes a string.
        panic!("libpng: {}", unsafe { CStr::from_ptr(text) }.to_string_lossy());
    })
    .expect("a callback")
}

fn pixel(x: u32, y: u32) -> [u8; 3] {
    [(x * 4) as u8, (y * 6) as u8, (x * y) as u8]
}

#[test]
fn a_picture_is_written_and_read_through_callbacks() {
    let png = Arc::new(Png::open());
    let version: *const c_char = png.call("png_get_libpng_ver", &[P], &[arg(&NULL)]);
    let (error, (warning, warned)) = (no_errors(), warnings(&png));
    let create = [arg(&version), arg(&MARK), error.arg(), warning.arg()];

    let file = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&file);
    let of_writer = Arc::clone(&png);
    let write = Callback::new(move |handle: *mut c_void, data: *const u8, length: usize| {
        let pointer: *const c_void = of_writer.call("png_get_io_ptr", &[P], &[arg(&handle)]);
        assert_eq!(pointer.addr(), MARK + 1);
        // SAFETY: libpng passes that many bytes.
        let data = unsafe { std::slice::from_raw_parts(data, length) };
        sink.lock().expect("no panic").extend_from_slice(data);
    })
    .expect("a callback");
    let flush = Callback::new(|_: *mut c_void| {}).expect("a callback");

    let mut writer: *mut c_void = png.call("png_create_write_struct", &[P, P, P, P], &create);
    assert!(!writer.is_null());
    let mut info: *mut c_void = png.call("png_create_info_struct", &[P], &[arg(&writer)]);
    assert!(!info.is_null());
    let set_write = [arg(&writer), arg(&(MARK + 1)), write.arg(), flush.arg()];
    png.call::<()>("png_set_write_fn", &[P, P, P, P], &set_write);
    // Nine arguments: three of them on the stack.
    png.call::<()>(
        "png_set_IHDR",
        &[P, P, UINT, UINT, INT, INT, INT, INT, INT],
        &[
            arg(&writer),
            arg(&info),
            arg(&WIDTH),
            arg(&HEIGHT),
            arg(&8_i32),
            arg(&RGB),
            arg(&0_i32),
            arg(&0_i32),
            arg(&0_i32),
        ],
    );
    // A double between pointers; in the file it is a whole number of hundred-thousandths.
    let gamma = [arg(&writer), arg(&info), arg(&0.45455_f64)];
    png.call::<()>("png_set_gAMA", &[P, P, Type::F64], &gamma);
    png.call::<()>("png_write_info", &[P, P], &[arg(&writer), arg(&info)]);
    for y in 0..HEIGHT {
        let row: Vec<u8> = (0..WIDTH).flat_map(|x| pixel(x, y)).collect();
        png.call::<()>("png_write_row", &[P, P], &[arg(&writer), arg(&row.as_ptr())]);
    }
    png.call::<()>("png_write_end", &[P, P], &[arg(&writer), arg(&NULL)]);
    let (writer_at, info_at) = (&raw mut writer, &raw mut info);
    png.call::<()>("png_destroy_write_struct", &[P, P], &[arg(&writer_at), arg(&info_at)]);
    let bytes = file.lock().expect("no panic").clone();
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");

    let source = Mutex::new((bytes, 0));
    let read = Callback::new(move |_: *mut c_void, to: *mut u8, length: usize| {
        let mut source = source.lock().expect("no panic");
        let at = source.1;
        let piece = &source.0[at..at + length];
        // SAFETY: libpng asks for that many bytes.
        unsafe { to.copy_from_nonoverlapping(piece.as_ptr(), length) };
        source.1 += length;
    })
    .expect("a callback");
    let mut reader: *mut c_void = png.call("png_create_read_struct", &[P, P, P, P], &create);
    assert!(!reader.is_null());
    let mut info: *mut c_void = png.call("png_create_info_struct", &[P], &[arg(&reader)]);
    assert!(!info.is_null());
    let set_read = [arg(&reader), arg(&NULL), read.arg()];
    png.call::<()>("png_set_read_fn", &[P, P, P], &set_read);
    png.call::<()>("png_read_info", &[P, P], &[arg(&reader), arg(&info)]);
    let of_info = [arg(&reader), arg(&info)];
    assert_eq!(png.call::<u32>("png_get_image_width", &[P, P], &of_info), WIDTH);
    assert_eq!(png.call::<u32>("png_get_image_height", &[P, P], &of_info), HEIGHT);
    assert_eq!(png.call::<u8>("png_get_bit_depth", &[P, P], &of_info), 8);
    let mut gamma = 0.0_f64;
    let gamma_at = &raw mut gamma;
    let get_gamma = [arg(&reader), arg(&info), arg(&gamma_at)];
    assert_ne!(png.call::<u32>("png_get_gAMA", &[P, P, P], &get_gamma), 0);
    assert!((gamma - 0.45455).abs() < 1e-9, "{gamma}");
    for y in 0..HEIGHT {
        let mut row = vec![0_u8; 3 * WIDTH as usize];
        let row_at = row.as_mut_ptr();
        png.call::<()>("png_read_row", &[P, P, P], &[arg(&reader), arg(&row_at), arg(&NULL)]);
        let expected: Vec<u8> = (0..WIDTH).flat_map(|x| pixel(x, y)).collect();
        assert_eq!(row, expected, "row {y}");
    }
    png.call::<()>("png_read_end", &[P, P], &[arg(&reader), arg(&NULL)]);

    assert_eq!(*warned.lock().expect("no panic"), [], "the picture is without fault");
    let text = c"no reason".as_ptr();
    png.call::<()>("png_warning", &[P, P], &[arg(&reader), arg(&text)]);
    assert_eq!(*warned.lock().expect("no panic"), [(MARK, "no reason".into())]);
    let (reader_at, info_at) = (&raw mut reader, &raw mut info);
    let destroy = [arg(&reader_at), arg(&info_at), arg(&NULL)];
    png.call::<()>("png_destroy_read_struct", &[P, P, P], &destroy);
}
