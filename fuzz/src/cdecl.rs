//! Any bytes as C declarations, for each platform: no panic, no endless work; and what was read
//! prints as C that reads back as the same.
#![no_main]

use ffi_cdecl::{Header, Options};
use ffi_types::{Aapcs64, Convention, Win64};
use libfuzzer_sys::fuzz_target;

const PLATFORMS: [Convention; 6] = [
    Convention::SysV,
    Convention::Win64(Win64::Msvc),
    Convention::Win64(Win64::Gnu),
    Convention::Aapcs64(Aapcs64::Standard),
    Convention::Aapcs64(Aapcs64::Apple),
    Convention::Aapcs64(Aapcs64::Windows),
];

fuzz_target!(|data: &[u8]| {
    let [which, text @ ..] = data else { return };
    let convention = PLATFORMS[usize::from(*which) % PLATFORMS.len()];
    let options = Options::for_convention(convention).windows_names(*which & 64 != 0);
    match options.parse(text) {
        Err(errors) => {
            assert!(!errors.all().is_empty());
            let _ = errors.to_string();
        }
        Ok(header) => reads_back(header),
    }
});

/// Each function's prototype declares the same function again, in the same header.
fn reads_back(mut header: Header) {
    let printed: Vec<String> = header
        .functions()
        .iter()
        // A convention and what has no tag are not part of the text.
        .filter(|function| function.convention() == header.options().convention())
        .map(ToString::to_string)
        .filter(|text| !text.contains("(without a tag)"))
        .collect();
    for prototype in printed {
        match header.parse_function(&prototype) {
            Ok(again) => assert_eq!(again.to_string(), prototype),
            Err(errors) => panic!("{prototype}\n{errors}"),
        }
    }
}
