//! Functions of the Microsoft x64 convention, called on any x86-64 system and calling back: the
//! middle of a program that runs Windows' code without Windows.
//!
//! The guest knows nothing but a table of addresses, as a Windows program has one of what it
//! imports. The host makes the table of closures, by prototypes that it reads as Windows does: a
//! `long` has four bytes.

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use ffi::{
        Arguments, CallInterface, Callback, Convention, Header, Options, Signature, Win64, arg,
    };
    use std::error::Error;
    use std::ffi::{CStr, c_char, c_void};

    const DECLARATIONS: &str = "
        int MulDiv(int number, int numerator, int denominator);
        int lstrlenA(LPCSTR text);
        BOOL EnumDisplays(BOOL (*each)(long left, long top, double scale, LPVOID user), LPVOID user);
        void OutputDebugStringA(LPCSTR text);

        BOOL each(long left, long top, double scale, LPVOID user);
        double guest(LPVOID imports, double scale, int a, int b, int c);
    ";

    /// What the guest imports, in the order of the table.
    #[repr(C)]
    struct Imports {
        mul_div: extern "win64" fn(i32, i32, i32) -> i32,
        length: extern "win64" fn(*const c_char) -> i32,
        enumerate: extern "win64" fn(Each, *mut c_void) -> i32,
        output: extern "win64" fn(*const c_char),
    }

    type Each = extern "win64" fn(i32, i32, f64, *mut c_void) -> i32;

    /// The guest: machine code of the other convention, that has never heard of `ffi`.
    extern "win64" fn guest(imports: &Imports, scale: f64, a: i32, b: i32, c: i32) -> f64 {
        extern "win64" fn each(left: i32, top: i32, scale: f64, user: *mut c_void) -> i32 {
            // SAFETY: it is what `guest` passes below.
            unsafe { *user.cast::<f64>() += f64::from(left + top) * scale };
            i32::from(left >= 0)
        }
        let text = c"hello from the guest".as_ptr();
        (imports.output)(text);
        let mut sum = f64::from((imports.mul_div)(a, b, c) + (imports.length)(text));
        (imports.enumerate)(each, (&raw mut sum).cast());
        sum * scale
    }

    /// The first argument, a string.
    fn text<'a>(arguments: &'a Arguments<'_>) -> &'a CStr {
        let text: *const c_char = arguments.get(0).expect("a pointer, as declared");
        // SAFETY: the guest passes strings.
        unsafe { CStr::from_ptr(text) }
    }

    fn signature(header: &Header, name: &str) -> Result<Signature, Box<dyn Error>> {
        Ok(header.function(name).ok_or("it is not declared")?.signature()?.clone())
    }

    /// The table that the guest gets, and what keeps it alive.
    fn imports(header: &Header) -> Result<[Callback; 4], Box<dyn Error>> {
        let mul_div =
            Callback::with_signature(signature(header, "MulDiv")?, |arguments, result| {
                let [a, b, c] = [0, 1, 2].map(|index| arguments.get::<i32>(index).expect("an int"));
                // Windows has -1 for what it cannot divide.
                let value = (i64::from(a) * i64::from(b)).checked_div(c.into()).unwrap_or(-1);
                result.set(value as i32).expect("an int");
            })?;
        let length =
            Callback::with_signature(signature(header, "lstrlenA")?, |arguments, result| {
                result.set(text(arguments).count_bytes() as i32).expect("an int");
            })?;
        // What the guest hands over is a function of its own convention.
        let each = CallInterface::with_signature(signature(header, "each")?)?;
        let enumerate = signature(header, "EnumDisplays")?;
        let enumerate = Callback::with_signature(enumerate, move |arguments, result| {
            let [function, user] = [0, 1].map(|index| arguments.get(index).expect("a pointer"));
            let _: *const c_void = function;
            for (left, top, scale) in [(0_i32, 0_i32, 1.0), (1920, 0, 1.5), (-1280, 200, 2.0)] {
                let values = [arg(&left), arg(&top), arg(&scale), arg(&user)];
                // SAFETY: the guest passes a function of that type, and what it takes.
                if unsafe { each.call::<i32>(function, &values) } != Ok(1) {
                    break;
                }
            }
            result.set(1_i32).expect("a BOOL");
        })?;
        let output = signature(header, "OutputDebugStringA")?;
        let output = Callback::with_signature(output, |arguments, _| {
            println!("the guest says {:?}", text(arguments));
        })?;
        Ok([mul_div, length, enumerate, output])
    }

    pub(crate) fn main() -> Result<(), Box<dyn Error>> {
        let windows = Options::for_convention(Convention::Win64(Win64::Msvc)).windows_names(true);
        let header = windows.parse(DECLARATIONS)?;
        let callbacks = imports(&header)?;
        let table = callbacks.each_ref().map(Callback::as_ptr);

        let entry = CallInterface::with_signature(signature(&header, "guest")?)?;
        println!("guest is a {}", entry.signature());
        let places = (0..5).map(|index| entry.plan().placement(index).to_string());
        println!("its arguments go to {}", places.collect::<Vec<_>>().join(", "));

        let imports = table.as_ptr();
        let arguments = [arg(&imports), arg(&0.5), arg(&1000_i32), arg(&3_i32), arg(&7_i32)];
        // SAFETY: the guest has this signature, the table is what it expects, and the callbacks live.
        let result: f64 = unsafe { entry.call(guest as *const c_void, &arguments) }?;
        println!("it returned {result}");
        // (1000 * 3 / 7 + 20 letters + 1920 * 1.5 + (-1280 + 200) * 2) / 2
        assert_eq!(result, (428.0 + 20.0 + 2880.0 - 2160.0) / 2.0);
        Ok(())
    }
}

#[cfg(target_arch = "x86_64")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    x86_64::main()
}

#[cfg(not(target_arch = "x86_64"))]
fn main() {
    println!("this processor cannot run x86-64 code, of whatever convention");
}
