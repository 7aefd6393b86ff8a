//! Compilers for tests that run where none can be started: in an emulator, or under Wine.
//!
//! The tests' end is `tests/src/compile.rs`. A request is a list of byte strings: how many there
//! are, and then each behind its length, as 32-bit little-endian numbers. They are the key, the
//! compiler, its arguments, and the C source. The answer is a byte and, up to the end, the output
//! file after 0 or the compiler's complaint after 1.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What may be started.
const COMPILERS: &[&str] = &[
    "gcc",
    "clang",
    "clang-22",
    "aarch64-linux-gnu-gcc",
    "aarch64-linux-gnu-g++",
    "x86_64-w64-mingw32-gcc",
];
/// More strings than this is no request.
const MOST: u32 = 1000;

struct Service {
    /// Other users of the machine can connect as well, and a compiler can be made to do anything.
    key: String,
    directory: PathBuf,
    requests: AtomicUsize,
}

/// Starts the service, which lasts as long as the process, and returns what `FFI_TEST_COMPILER`
/// has to say: `127.0.0.1:PORT/KEY`.
pub(crate) fn start(directory: &Path) -> Result<String, String> {
    let failed = |error: io::Error| format!("the compile service: {error}");
    std::fs::create_dir_all(directory).map_err(failed)?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(failed)?;
    let mut key = [0; 16];
    std::fs::File::open("/dev/urandom").and_then(|mut f| f.read_exact(&mut key)).map_err(failed)?;
    let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let address = listener.local_addr().map_err(failed)?;
    let place = format!("{address}/{key}");
    let service =
        Arc::new(Service { key, directory: directory.into(), requests: AtomicUsize::new(0) });
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let service = Arc::clone(&service);
            // The tests of a binary run side by side, and so do their compilers.
            std::thread::spawn(move || {
                // Whoever hung up no longer waits for an answer.
                let _ = service.serve(stream);
            });
        }
    });
    Ok(place)
}

impl Service {
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let request = read_request(&mut stream)?;
        let (status, bytes) = match self.compile(&request) {
            Ok(bytes) => (0, bytes),
            Err(message) => (1, message.into_bytes()),
        };
        stream.write_all(&[status])?;
        stream.write_all(&bytes)
    }

    fn compile(&self, request: &[Vec<u8>]) -> Result<Vec<u8>, String> {
        let [key, compiler, arguments @ .., source] = request else {
            return Err("expected a key, a compiler, arguments and a source".into());
        };
        if key != self.key.as_bytes() {
            return Err("expected the key of this service".into());
        }
        let compiler = String::from_utf8_lossy(compiler);
        let Some(compiler) = COMPILERS.iter().find(|known| **known == compiler) else {
            return Err(format!("expected one of {COMPILERS:?}, found {compiler:?}"));
        };
        let arguments = arguments.iter().map(|argument| String::from_utf8_lossy(argument));
        let number = self.requests.fetch_add(1, Relaxed);
        // Two runs may share the directory.
        let stem = format!("{}-{number}", std::process::id());
        let input = self.directory.join(format!("{stem}.c"));
        let output = self.directory.join(format!("{stem}.out"));
        std::fs::write(&input, source).map_err(|error| error.to_string())?;
        let result = Command::new(compiler)
            .args(arguments.map(String::from))
            .arg("-o")
            .args([&output, &input])
            .stdin(Stdio::null())
            .output();
        let bytes = match result {
            Err(error) => Err(format!("{compiler}: {error}")),
            Ok(result) if result.status.success() => {
                std::fs::read(&output).map_err(|error| error.to_string())
            }
            Ok(result) => Err(String::from_utf8_lossy(&result.stderr).into_owned()),
        };
        for file in [&input, &output] {
            let _ = std::fs::remove_file(file);
        }
        bytes
    }
}

fn read_request(stream: &mut impl Read) -> io::Result<Vec<Vec<u8>>> {
    let count = read_number(stream)?;
    if count > MOST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut strings = Vec::new();
    for _ in 0..count {
        let length = read_number(stream)?;
        // Grows with what arrives: the length is only what somebody claims.
        let mut string = Vec::new();
        stream.by_ref().take(length.into()).read_to_end(&mut string)?;
        strings.push(string);
    }
    Ok(strings)
}

fn read_number(stream: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    stream.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks as a test would, with or without the key.
    fn ask(place: &str, key: Option<&str>, words: &[&str]) -> (u8, Vec<u8>) {
        let (address, right) = place.split_once('/').expect("a place has both");
        let strings = [&[key.unwrap_or(right)], words].concat();
        let mut request = u32::try_from(strings.len()).expect("few").to_le_bytes().to_vec();
        for string in strings {
            request.extend(u32::try_from(string.len()).expect("short").to_le_bytes());
            request.extend(string.as_bytes());
        }
        let mut stream = TcpStream::connect(address).expect("the service listens");
        stream.write_all(&request).expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it answers");
        (answer[0], answer.split_off(1))
    }

    fn place(name: &str) -> String {
        start(&crate::target_directory().join("matrix/unit-tests").join(name)).expect("a port")
    }

    #[test]
    fn source_becomes_an_object_file() {
        let (status, bytes) = ask(&place("object"), None, &["gcc", "-c", "int x = 1;"]);
        assert_eq!((status, &bytes[..4]), (0, &b"\x7fELF"[..]));
    }

    #[test]
    fn the_compilers_complaint_comes_back() {
        let (status, message) = ask(&place("complaint"), None, &["gcc", "-c", "int x = y;"]);
        let message = String::from_utf8_lossy(&message);
        assert!(status == 1 && message.contains("error"), "{message}");
    }

    #[test]
    fn only_compilers_are_started_and_only_for_who_has_the_key() {
        let place = place("refused");
        let (status, message) = ask(&place, None, &["sh", "-c", "true"]);
        assert!(status == 1 && message.starts_with(b"expected one of"));
        let (status, message) = ask(&place, Some("wrong"), &["gcc", "-c", "int x;"]);
        assert!(status == 1 && message.starts_with(b"expected the key"));
        let (status, _) = ask(&place, None, &[]);
        assert_eq!(status, 1);
    }

    #[test]
    fn a_request_that_is_none_is_refused() {
        assert!(read_request(&mut &[0xff_u8; 8][..]).is_err());
        assert!(read_request(&mut &[1_u8, 0][..]).is_err());
    }
}
