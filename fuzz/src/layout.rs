//! Any bytes as a function's type, by any convention: the layout of each of its types and the place
//! of each byte of its arguments and result are those of the ABI's text.
#![no_main]

mod oracle;

use libfuzzer_sys::fuzz_target;
use oracle::input::Bytes;

fuzz_target!(|data: &[u8]| oracle::check::function(&Bytes(data).function()));
