//! Callbacks that take `...`, called by C: whatever it passes, read in the way of each convention, and
//! what cannot be read.

use ffi::{
    Arguments, CType, Callback, Convention, Error, InterfaceReason, Library, ReturnSlot, Scalar,
    Signature, Type, VariadicArguments,
};
use ffi_tests::case::Case;
use ffi_tests::compile::{compilers, shared_library};
use ffi_tests::shapes::{array, structure, unusual, vector};
use ffi_tests::ways;
use std::ffi::{CStr, c_char, c_void};
use std::sync::{Arc, Mutex};

/// Signatures for each compiler of each convention.
const RANDOM: usize = 600;

macro_rules! random_signatures {
    ($($(#[$condition:meta])? $ways:ident)*) => {$(
        $(#[$condition])?
        mod $ways {
            use super::*;

            #[test]
            fn random_signatures() {
                let ways: Vec<ways::Way> =
                    ways::$ways().into_iter().map(ways::Way::callers_only).collect();
                ways::compare_random_variadic(&ways, RANDOM);
            }

            #[test]
            fn mixtures() {
                let ways: Vec<ways::Way> =
                    ways::$ways().into_iter().map(ways::Way::callers_only).collect();
                ways::compare_with(&ways, "mixtures", super::mixtures);
            }
        }
    )*};
}

random_signatures! {
    own
    spelled
    #[cfg(all(target_arch = "x86_64", not(windows)))]
    microsoft
    #[cfg(all(target_arch = "aarch64", target_os = "linux"))]
    apple
    #[cfg(all(target_arch = "aarch64", target_os = "linux"))]
    windows
}

/// Up to twenty arguments behind none to nine fixed ones, with a result of every kind: in turn
/// through everything that may be passed, so that each is in registers, on the stack and in between.
fn mixtures(platform: Convention) -> Vec<Case> {
    let long_double = platform.data_model().c_long_double();
    let mut kinds = vec![
        Type::C_INT,
        Type::I64,
        Type::F64,
        Type::POINTER,
        structure([Type::I8, Type::I16]),
        structure([Type::I64, Type::F64]),
        structure([Type::F32, Type::F32, Type::F32]),
        structure([Type::F64, Type::F64, Type::F64, Type::F64]),
        structure([array(Type::I64, 3)]),
        structure([array(Type::I8, 77)]),
        vector(Scalar::F32, 16),
        vector(Scalar::I32, 16),
        structure([vector(Scalar::F32, 16), vector(Scalar::F32, 16)]),
        long_double,
    ];
    kinds.extend(unusual(platform).into_iter().filter(|ty| ty.size() <= 16));
    let promoted = |ty: &Type| ty.as_scalar().is_none_or(|scalar| scalar.promoted() == scalar);
    kinds.retain(promoted);
    let results =
        [Type::VOID, Type::C_INT, Type::F64, kinds[5].clone(), kinds[6].clone(), kinds[8].clone()];
    let fixed = [Type::C_INT, Type::F64, Type::F32, Type::I8, kinds[8].clone(), kinds[5].clone()];
    let mut cases = Vec::new();
    for named in [1, 2, 5, 6, 7, 9] {
        for count in 0..=20 {
            for step in [1, 3, 7] {
                let start = cases.len();
                let first = (0..named).map(|index| fixed[(start + index) % fixed.len()].clone());
                let rest = (0..count).map(|n| kinds[(start + n * step) % kinds.len()].clone());
                let result = results[start % results.len()].clone();
                cases.push(Case::variadic(result, first.chain(rest), named));
            }
        }
        // One kind alone.
        for ty in &kinds {
            let first = (0..named).map(|index| fixed[index % 2].clone());
            let rest = std::iter::repeat_n(ty.clone(), 12);
            cases.push(Case::variadic(Type::C_INT, first.chain(rest), named));
        }
    }
    cases
}

/// A callback `void (int, ...)` by the platform's own convention.
///
/// # Safety
/// As for `create_variadic`.
unsafe fn variadic<F>(closure: F) -> Callback
where
    F: Fn(&Arguments<'_>, &mut VariadicArguments<'_>, &mut ReturnSlot<'_>) + Send + Sync + 'static,
{
    let convention = Convention::native().expect("a supported platform");
    let signature = Signature::variadic(convention, Type::VOID, [Type::C_INT], 1);
    // SAFETY: the caller's.
    let callback =
        unsafe { Callback::options().create_variadic(signature.expect("a C signature"), closure) };
    callback.expect("there is room")
}

/// Has C call it as the expression says, by each compiler.
fn call(callback: &Callback, call: &str) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let source = format!(
        "typedef struct {{ float x, y; }} Point;\n\
         typedef struct {{ _Bool set; }} Flag;\n\
         void caller(void (*callback)(int, ...)) {{ {call}; }}"
    );
    for compiler in compilers() {
        let path = shared_library(compiler, directory.path(), "caller", &source);
        // SAFETY: it is the library just compiled, which has no constructors.
        let library = unsafe { Library::open(&path) }.expect("it opens");
        let caller = library.symbol("caller").expect("it is there").as_ptr();
        // SAFETY: it has this type, and the callback is of the one that it takes.
        unsafe {
            let caller: extern "C" fn(*const c_void) = std::mem::transmute(caller);
            caller(callback.as_ptr());
        }
    }
}

/// What C cannot pass, or safe code cannot take, is an error that takes nothing: what is read next
/// is what would have been.
#[test]
fn what_cannot_be_read_is_an_error_and_takes_nothing() {
    #[repr(C)]
    #[derive(Debug, Clone, Copy, PartialEq, ffi::CType)]
    struct Point {
        x: f32,
        y: f32,
    }
    fn refused<T: CType + std::fmt::Debug>(rest: &mut VariadicArguments<'_>, text: &str) -> bool {
        let taken = rest.taken();
        let error = rest.next::<T>().expect_err("it cannot be read").to_string();
        assert_eq!((error.as_str(), rest.taken()), (text, taken));
        true
    }
    let calls = Arc::new(Mutex::new(0));
    let count = Arc::clone(&calls);
    // SAFETY: the call below passes what is taken out.
    let callback = unsafe {
        variadic(move |fixed, rest, _| {
            assert_eq!(fixed.get::<i32>(0), Ok(7));
            refused::<f32>(
                rest,
                "argument 1: C promotes `float` to `double` in variadic position; pass it as that",
            );
            assert_eq!(rest.next::<f64>(), Ok(0.5));
            refused::<i8>(
                rest,
                "argument 2: C promotes `int8_t` to `int32_t` in variadic position; pass it as that",
            );
            refused::<u16>(
                rest,
                "argument 2: C promotes `uint16_t` to `int32_t` in variadic position; pass it as \
                 that",
            );
            refused::<bool>(
                rest,
                "argument 2: C promotes `bool` to `int32_t` in variadic position; pass it as that",
            );
            assert_eq!(rest.next::<i32>(), Ok(-3));
            assert!(rest.next::<extern "C" fn()>().is_err());
            assert!(rest.next::<Option<extern "C" fn()>>().is_err());
            let text = rest.next::<*const c_char>().expect("a string");
            assert_eq!(string(text), c"text");
            let mut small = [0; 4];
            let error = rest.read(&Type::F64, &mut small).expect_err("it does not fit");
            assert_eq!(error.to_string(), "argument 4: expected 8 bytes for `double`, found 4");
            let error = rest.read(&Type::VOID, &mut []).expect_err("nothing");
            assert!(matches!(error.reason, InterfaceReason::Void), "{error}");
            let error = rest.read(&array(Type::I8, 4), &mut small).expect_err("an array");
            assert!(matches!(error.reason, InterfaceReason::Array { .. }), "{error}");
            assert_eq!(rest.next::<Point>(), Ok(Point { x: 1.5, y: -2.5 }));
            let mut eight = [0; 8];
            assert_eq!(rest.read(&Type::F64, &mut eight), Ok(()));
            assert_eq!(f64::from_ne_bytes(eight), 4.25);
            assert_eq!((rest.next::<u64>(), rest.taken()), (Ok(u64::MAX), 6));
            *count.lock().expect("no panic") += 1;
        })
    };
    let arguments = "0.5, -3, \"text\", (Point) { 1.5f, -2.5f }, 4.25, ~0ull";
    call(&callback, &format!("callback(7, {arguments})"));
    assert_eq!(*calls.lock().expect("no panic"), compilers().len());
}

fn string<'a>(text: *const c_char) -> &'a CStr {
    // SAFETY: the only call passes a string that is there for ever.
    unsafe { CStr::from_ptr(text) }
}

/// Each call starts at its own first argument, however many the last one took.
#[test]
fn calls_share_nothing() {
    let sums = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&sums);
    // SAFETY: the calls below pass as many as they say.
    let callback = unsafe {
        variadic(move |fixed, rest, _| {
            let count: i32 = fixed.get(0).expect("an int");
            let sum: f64 = (0..count).map(|_| rest.next::<f64>().expect("a double")).sum();
            sink.lock().expect("no panic").push(sum);
        })
    };
    let many: Vec<String> = (1..=20).map(|n| format!("{n}.0")).collect();
    let many = many.join(", ");
    call(&callback, &format!("callback(20, {many}); callback(0); callback(1, 0.5)"));
    let sums = sums.lock().expect("no panic");
    assert_eq!(*sums, [210.0, 0.0, 0.5].repeat(compilers().len()));
}

#[test]
fn the_signature_ends_before_the_dots() {
    let convention = Convention::native().expect("a supported platform");
    let signatures = [
        Signature::new(convention, Type::VOID, [Type::C_INT]),
        Signature::variadic(convention, Type::VOID, [Type::C_INT, Type::F64], 1),
    ];
    let texts = signatures.map(|signature| {
        // SAFETY: there is no callback, so nobody calls it.
        let result = unsafe {
            Callback::options().create_variadic(signature.expect("a C signature"), |_, _, _| {})
        };
        let Err(Error::Callback(error)) = result else { panic!("{result:?}") };
        error.to_string()
    });
    let start = "a variadic callback's signature ends before `...`: expected";
    assert_eq!(
        texts,
        [
            format!("{start} 1 as the index of the first variadic argument, found none"),
            format!("{start} 2 as the index of the first variadic argument, found 1"),
        ]
    );
}
