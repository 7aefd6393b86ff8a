//! `ffi call`: calls a function.

use crate::abi::Abi;
use crate::args::unmarked;
use crate::call::memory::Memory;
use crate::call::parse::Maker;
use crate::call::show::{self, Style};
use crate::call::{ArgumentError, crash};
use crate::exports;
use crate::failure::Failure;
use crate::library;
use crate::output::{Output, warn};
use ffi::{Arg, CallInterface, Context, Errno, Value};
use ffi_cdecl::{DeclaredType, Function, Options};
use std::ffi::c_void;
use std::io::Write;
use std::time::Instant;

/// Call a function of a library, and print what it returns.
///
/// The prototype is C, as a header or a manual page has it, with whatever structs it needs before
/// it. It has to be right: the function is called as it says.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Arguments, by the type of their parameter:
  42  -7  0x2a  052  0b101010  'a'  RED      integers, characters, constants of enums
  2.5  1e-3  inf                             floating-point numbers
  text  \"te\\txt\"  NULL                       char *: the text itself, or a C string in quotes
  {1, 2.5}  {.x = 1, .y = 2.5}               structs
  [1, 2, 3]                                  a pointer to these elements
  &  &5  &int  &int=5  &char[64]             a pointer to a new value, printed after the call
  0x7ffe1000  NULL  @strcmp  *stdout         an address; that of a symbol; what a variable holds
  (long)5  (const char *)NULL                behind `...`, where the type is not that of the word

Examples:
  ffi call libm.so.6 'double cbrt(double)' 27
  ffi call c 'size_t strlen(const char *)' hello
  ffi call m 'double frexp(double, int *)' 10 '&int'
  ffi call c 'int printf(const char *, ...)' '\"%s: %d\\n\"' answer 42
  ffi call c 'typedef struct { int q, r; } div_t; div_t div(int, int)' 17 5
  ffi call --errno c 'int access(const char *, int)' /nonexistent 0
  ffi call --time 1000000 m 'double sqrt(double)' 2")]
pub(crate) struct Args {
    /// Print the `errno` that the function leaves behind.
    #[arg(long)]
    errno: bool,
    /// Call it N times, and print how long one call took.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    time: Option<u64>,
    /// Print all the digits that a floating-point number needs to be read back the same.
    #[arg(long)]
    exact: bool,
    /// Call it by this convention, and read the prototype as its platform does.
    #[arg(long, value_name = "CONVENTION")]
    abi: Option<Abi>,
    /// Know the names of <windows.h>: DWORD, HANDLE, LPCSTR.
    #[arg(long)]
    windows: bool,
    /// A library: its path, its file's name, or the name that a linker knows it by.
    library: String,
    /// The function's prototype.
    prototype: String,
    /// The arguments, behind a `--` if one starts with a hyphen and is no number.
    #[arg(value_parser = unmarked)]
    arguments: Vec<String>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let options = args.abi.map_or_else(Options::default, Abi::options).windows_names(args.windows);
    let header = options.parse(&args.prototype);
    let mut header = header.map_err(|errors| Failure::prototype(&args.prototype, errors))?;
    let function = match header.functions() {
        [.., function] => function.clone(),
        [] => return Err(Failure::NoFunction { text: args.prototype.clone() }),
    };
    warn(&header);
    // What cannot be passed at all is a matter of the prototype, not of the values given.
    function.signature()?;
    let library = library::open(&args.library)?;
    let address = match library.symbol(function.symbol()) {
        Ok(symbol) => symbol.as_ptr(),
        Err(error) => return Err(missing(args, function.symbol(), error)),
    };
    let mut memory = Memory::default();
    let mut maker = Maker { header: &mut header, memory: &mut memory, library: &library };
    let values = arguments(&mut maker, &function, &args.arguments)?;
    let variadic = values.iter().skip(function.parameters().len());
    let variadic: Result<Vec<_>, _> = variadic.map(|(ty, _)| header.lower(ty)).collect();
    let interface = CallInterface::with_signature(function.signature_with(variadic?)?)?;
    let call = Call {
        text: format!("{}({})", function.name(), args.arguments.join(", ")),
        interface: &interface,
        address,
        arguments: values.iter().map(|(_, bytes)| Arg::bytes(bytes)).collect(),
    };

    // What was printed so far comes before what the function prints.
    output.finish()?;
    if let Some(count) = args.time {
        return call.time(count, output);
    }
    let (value, errno) = call.once()?;
    let style = Style { exact: args.exact };
    if !function.result().is_void() {
        let text = show::value(&header, function.result(), value.as_bytes(), style);
        writeln!(output, "{text}")?;
    }
    for out in &memory.outs {
        let text = show::value(&header, &out.ty, memory.bytes(out.block), style);
        writeln!(output, "&{} = {text}", out.ty)?;
    }
    if args.errno {
        match errno {
            Errno(0) => writeln!(output, "errno = 0")?,
            errno => {
                let text = errno.to_string();
                // The number is said already.
                let text = text.split(" (os error").next().unwrap_or_default();
                writeln!(output, "errno = {} ({text})", errno.0)?;
            }
        }
    }
    Ok(())
}

/// A name that the library does not have, with the one it has that is most like it.
fn missing(args: &Args, name: &str, error: ffi::LibraryError) -> Failure {
    let exports =
        library::find_file(&args.library).ok().and_then(|file| exports::of_file(&file).ok());
    let exports = exports.unwrap_or_default();
    let known = exports.iter().flat_map(|library| &library.symbols).map(|s| s.name.as_str());
    let nearest = ffi_cdecl::nearest(name, known).map(Into::into);
    Failure::Missing { error: Box::new(error), nearest }
}

/// Each argument's type and bytes: those of the parameters, and then those behind `...`.
fn arguments(
    maker: &mut Maker<'_>,
    function: &Function,
    words: &[String],
) -> Result<Vec<(DeclaredType, Vec<u8>)>, Failure> {
    let parameters = function.parameters();
    let (least, found) = (parameters.len(), words.len());
    if found < least || (found > least && !function.is_variadic()) {
        let (prototype, more) = (function.to_string(), function.is_variadic());
        return Err(Failure::ArgumentCount { prototype, expected: least, more, found });
    }
    let mut values = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let parameter = parameters.get(index);
        let result = match parameter {
            Some(parameter) => {
                let ty = parameter.ty.clone();
                maker.argument(&ty, word).map(|bytes| (ty, bytes))
            }
            None => maker
                .variadic(word)
                .and_then(|(ty, word)| Ok((ty.clone(), maker.argument(&ty, &word)?))),
        };
        let name = parameter.and_then(|parameter| parameter.name.as_deref()).map(Into::into);
        let index = index + 1;
        values.push(result.map_err(|reason| Box::new(ArgumentError { index, name, reason }))?);
    }
    Ok(values)
}

struct Call<'a> {
    text: String,
    interface: &'a CallInterface,
    address: *const c_void,
    arguments: Vec<Arg<'a>>,
}

impl Call<'_> {
    fn once(&self) -> Result<(Value, Errno), Failure> {
        crash::guard(&self.text);
        // SAFETY: that this is the function's signature, and that it may be called so, is what the
        // user of the command says; where it is not, `crash` tells of what came of it.
        let result = unsafe {
            self.interface.call_value_errno(&Context::new(), self.address, &self.arguments)
        };
        crash::returned();
        let result = result?;
        flush();
        Ok((result.value, result.errno))
    }

    fn time(&self, count: u64, output: &mut Output) -> Result<(), Failure> {
        crash::guard(&self.text);
        let mut result =
            Value::new(self.interface.signature().return_type()).map_err(ffi::CallError::from)?;
        let result = result.as_mut_ptr();
        let pointers: Vec<*const c_void> = self.arguments.iter().map(Arg::as_ptr).collect();
        let start = Instant::now();
        for _ in 0..count {
            // SAFETY: as in `once`; the arguments were made for the signature, and the result has
            // its size.
            unsafe { self.interface.invoke_unchecked(self.address, pointers.as_ptr(), result) };
        }
        let taken = start.elapsed();
        crash::returned();
        flush();
        let each = taken.as_nanos() as f64 / count as f64;
        writeln!(output, "{count} calls in {taken:.3?}, {each:.1} ns each")?;
        Ok(())
    }
}

/// Has C write what it buffered: what the function printed comes before what it returned.
fn flush() {
    #[cfg(unix)]
    // SAFETY: null stands for all streams.
    unsafe {
        libc::fflush(std::ptr::null_mut());
    }
}
