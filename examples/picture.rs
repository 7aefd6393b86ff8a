//! Draws the Mandelbrot set, has libpng write it, and checks what libpng reads back.
//!
//! `cargo run -p ffi-examples --bin picture -- set.png` keeps the picture.

use ffi::{Arg, Bindings, Declared, Header, Library, Value, arg};
use std::ffi::c_void;
use std::ptr::null;

/// From png.h.
const DECLARATIONS: &str = "
    typedef struct {
        void *opaque;
        uint32_t version, width, height, format, flags, colormap_entries, warning_or_error;
        char message[64];
    } png_image;
    int png_image_write_to_memory(png_image *, void *memory, size_t *memory_bytes,
        int convert_to_8_bit, const void *buffer, int32_t row_stride, const void *colormap);
    int png_image_begin_read_from_memory(png_image *, const void *memory, size_t size);
    int png_image_finish_read(png_image *, const void *background, void *buffer,
        int32_t row_stride, void *colormap);
    void png_image_free(png_image *);
";
const WIDTH: usize = 240;
const HEIGHT: usize = 160;
const FORMAT_RGB: u32 = 2;
const NULL: *const c_void = null();

type Failure = Box<dyn std::error::Error>;

/// How long a point takes to leave the circle of radius 2, up to 255.
fn steps(x: f64, y: f64) -> u8 {
    let (mut a, mut b) = (0.0, 0.0);
    for step in 0..255 {
        (a, b) = (a * a - b * b + x, 2.0 * a * b + y);
        if a * a + b * b > 4.0 {
            return step;
        }
    }
    255
}

/// Three bytes for each pixel, row by row.
fn draw() -> Vec<u8> {
    let pixel =
        |(x, y): (usize, usize)| match steps(x as f64 / 80.0 - 2.0, (y as f64 - 80.0) / 80.0) {
            255 => [0, 0, 0],
            steps => [steps.saturating_mul(20), steps.saturating_mul(8), 96],
        };
    (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y))).flat_map(pixel).collect()
}

/// libpng's simplified interface.
struct Png(Bindings);

impl Png {
    fn open() -> Result<Self, Failure> {
        // SAFETY: libpng has no constructors.
        let library = unsafe { Library::open("libpng16.so.16") }?;
        Ok(Self(library.bind(&Header::parse(DECLARATIONS)?)?))
    }

    /// A `png_image` without a picture.
    fn image(&self) -> Result<Value, Failure> {
        let mut image = Value::new(&self.0.header().ty("png_image")?)?;
        image.set("version", 1_u32)?;
        Ok(image)
    }

    /// Calls a function that returns 0, and leaves a message in the image, if it fails.
    fn call(&self, name: &str, image: &mut Value, rest: &[Arg<'_>]) -> Result<(), Failure> {
        let at = image.as_mut_ptr();
        let arguments: Vec<Arg<'_>> = [arg(&at)].iter().chain(rest).copied().collect();
        // SAFETY: the declarations are libpng's, and the pointers are to as much as it is told.
        if unsafe { self.0.function(name)?.call::<i32>(&arguments) }? != 0 {
            return Ok(());
        }
        let (_, text) = image.field("message")?;
        let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
        Err(String::from_utf8_lossy(text).into())
    }

    fn write(&self, pixels: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut image = self.image()?;
        image.set("width", WIDTH as u32)?;
        image.set("height", HEIGHT as u32)?;
        image.set("format", FORMAT_RGB)?;
        let (mut file, from) = (vec![0_u8; pixels.len() + 4096], pixels.as_ptr());
        let mut size = file.len();
        let (to, size_at) = (file.as_mut_ptr(), &raw mut size);
        let how = [arg(&to), arg(&size_at), arg(&0_i32), arg(&from), arg(&0_i32), arg(&NULL)];
        self.call("png_image_write_to_memory", &mut image, &how)?;
        file.truncate(size);
        Ok(file)
    }

    fn read(&self, file: &[u8]) -> Result<(u32, u32, Vec<u8>), Failure> {
        let mut image = self.image()?;
        let (from, size) = (file.as_ptr(), file.len());
        let begin = "png_image_begin_read_from_memory";
        self.call(begin, &mut image, &[arg(&from), arg(&size)])?;
        let (width, height) = (image.get::<u32>("width")?, image.get::<u32>("height")?);
        image.set("format", FORMAT_RGB)?;
        let mut pixels = vec![0_u8; width as usize * height as usize * 3];
        let to = pixels.as_mut_ptr();
        let how = [arg(&NULL), arg(&to), arg(&0_i32), arg(&NULL)];
        self.call("png_image_finish_read", &mut image, &how)?;
        Ok((width, height, pixels))
    }
}

fn main() -> Result<(), Failure> {
    let png = Png::open()?;
    let drawn = draw();
    let file = png.write(&drawn)?;
    let (width, height, read) = png.read(&file)?;
    assert_eq!(read, drawn, "libpng loses nothing");
    let at = |x: usize, y: usize| &read[3 * (WIDTH * y + x)..][..3];
    println!("{width} x {height} pixels; 0 is {:?}, -2 + i is {:?}", at(160, 80), at(0, 0));
    for y in (4..HEIGHT).step_by(19) {
        let letter = |x| if at(x, y)[2] == 0 { '#' } else { '.' };
        println!("{}", (0..WIDTH).step_by(6).map(letter).collect::<String>());
    }
    if let Err(message) = png.read(&file[..file.len() / 2]) {
        println!("half of the file: {message}");
    }
    if let Some(path) = std::env::args_os().nth(1) {
        std::fs::write(path, file)?;
    }
    Ok(())
}
