//! Shapes that other implementations get wrong, or once did, each under its own name.

use ffi::{CallInterface, Callback, Library, Scalar, Type, arg};
#[cfg(target_arch = "x86_64")]
use ffi::{Convention, Signature, Win64};
use ffi_tests::compile::shared_library;
use ffi_tests::shapes::{array, finish, packed, structure, union, vector};
use ffi_tests::{Case, compilers, ways};
use std::ffi::c_void;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use Type as T;

/// Goes through both directions of each case, in every convention and with every compiler.
fn check(name: &str, cases: &[Case]) {
    ways::compare(&ways::all(), name, cases);
}

/// Compiles C with each compiler and hands the library to the test.
fn with_c(name: &str, source: &str, test: impl Fn(&Library)) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for compiler in compilers() {
        let path = shared_library(compiler, directory.path(), name, source);
        // SAFETY: the library is the one just compiled; it has no constructors.
        let library = unsafe { Library::open(path) }.expect("it opens");
        test(&library);
    }
}

fn repeated(ty: Type, count: usize) -> Vec<Type> {
    vec![ty; count]
}

fn int_pair() -> Type {
    structure([T::I64, T::I64])
}

fn floats(count: usize) -> Type {
    structure(repeated(T::F32, count))
}

#[test]
fn two_floats_returned() {
    check("two_floats", &[Case::new(floats(2), [])]);
}

#[test]
fn one_double_in_a_struct_returned() {
    check("one_double", &[Case::new(structure([T::F64]), [])]);
}

#[test]
fn nested_double_beside_a_double() {
    let ty = structure([structure([T::F64]), T::F64]);
    check(
        "nested_double",
        &[
            Case::new(T::VOID, [ty.clone()]),
            Case::new(ty.clone(), []),
            Case::new(ty.clone(), [T::I32, ty]),
        ],
    );
}

#[test]
fn a_pair_that_does_not_fit_leaves_the_last_register_to_the_next_integer() {
    let arguments = [repeated(T::I64, 5), vec![int_pair(), T::I64]].concat();
    check("int_spill", &[Case::new(T::I64, arguments)]);
}

#[test]
fn three_floats_that_do_not_fit_leave_the_last_register_to_the_next_double() {
    let arguments = [repeated(T::F64, 7), vec![floats(3), T::F64]].concat();
    check("float_spill", &[Case::new(T::F64, arguments)]);
}

#[test]
fn floats_through_a_callback() {
    check("callback_f32", &[Case::new(T::F32, [T::F32, T::F32]), Case::new(T::F32, [])]);
}

#[test]
fn variadic_doubles() {
    let cases: Vec<Case> = (0..=10)
        .map(|n| Case::variadic(T::F64, [vec![T::I32], repeated(T::F64, n)].concat(), 1))
        .collect();
    check("variadic_doubles", &cases);
}

#[test]
fn two_structs_of_48_bytes_by_value() {
    let big = structure([array(T::I64, 6)]);
    check(
        "two_big",
        &[Case::new(T::VOID, [big.clone(), big.clone()]), Case::new(big.clone(), [big])],
    );
}

#[test]
fn sixteen_and_more_doubles() {
    let cases: Vec<Case> = (16..=20).map(|n| Case::new(T::F64, repeated(T::F64, n))).collect();
    check("many_doubles", &cases);
}

#[test]
fn hidden_result_pointer_with_six_integers() {
    let big = structure([array(T::I64, 3)]);
    check("sret_six", &[Case::new(big, repeated(T::I64, 6))]);
}

/// Ours, once: xmm0 follows r9 in the register image, so these looked like seven integers.
#[test]
fn six_integers_and_then_a_double() {
    let cases = [1, 2].map(|doubles| {
        Case::new(T::F64, [repeated(T::I64, 6), repeated(T::F64, doubles)].concat())
    });
    check("six_and_double", &cases);
}

#[test]
fn five_chars_a_float_and_a_mixed_struct() {
    let mixed = structure([T::I8, T::F64]);
    let arguments = [repeated(T::I8, 5), vec![T::F32, mixed]].concat();
    check("chars_and_struct", &[Case::new(T::I8, arguments)]);
}

#[test]
fn packed_structs_go_to_memory() {
    let cases = [packed([T::I8, T::F64]), packed([T::I8, T::I32])]
        .map(|ty| Case::new(ty.clone(), [T::I32, ty.clone(), T::F64, ty]));
    check("packed", &cases);
}

#[test]
fn odd_sizes_returned_leave_what_lies_behind_them() {
    let cases = [3, 5, 6, 7].map(|size| Case::new(structure([array(T::U8, size)]), []));
    check("odd_sizes", &cases);
}

/// A struct that a member aligns to 16 bytes.
fn aligned_pair() -> Type {
    let start = Type::anonymous_structure().aligned_field("f0", T::I64, 16);
    finish(start.field("f1", T::I64))
}

#[test]
fn a_16_aligned_struct_between_longs_starts_at_an_even_register() {
    check("aligned_between", &[Case::new(T::I64, [T::I64, aligned_pair(), T::I64])]);
}

#[test]
fn a_16_aligned_struct_on_the_stack_behind_a_long() {
    let wide = finish(Type::anonymous_structure().aligned_field("f0", T::I64, 16));
    let arguments = [repeated(T::I64, 8), vec![T::I64, wide, T::I64]].concat();
    check("aligned_stack", &[Case::new(T::VOID, arguments)]);
}

#[test]
fn four_floats_that_do_not_fit_close_the_vector_registers() {
    let arguments = [repeated(T::F32, 6), vec![floats(4), T::F32]].concat();
    check("hfa_spill", &[Case::new(T::F32, arguments)]);
}

#[test]
fn a_pair_that_does_not_fit_closes_the_general_registers() {
    let arguments = [repeated(T::I64, 7), vec![int_pair(), T::I64]].concat();
    check("pair_spill", &[Case::new(T::I64, arguments)]);
}

#[test]
fn what_only_looks_homogeneous() {
    let types = [
        structure([T::F32, T::F64]),
        structure([T::F64, T::F32]),
        structure([T::F64, T::I64]),
        structure([T::F32, T::F32, T::I32]),
        structure([T::I32, T::I32, T::I32, T::I32]),
        floats(5),
    ];
    let case = |ty: Type| Case::new(ty.clone(), [T::F32, ty, T::F32]);
    check("not_homogeneous", &types.map(case));
}

#[test]
fn homogeneous_aggregates_returned() {
    let types = (1..=4).flat_map(|n| [floats(n), structure(repeated(T::F64, n))]);
    let cases: Vec<Case> = types.map(|ty| Case::new(ty, [T::F64, T::I32])).collect();
    check("hfa_returned", &cases);
}

#[test]
fn results_of_odd_sizes() {
    let types = [3, 5, 7, 12, 16, 20].map(|size| structure([array(T::U8, size)]));
    let cases: Vec<Case> = types
        .into_iter()
        .flat_map(|ty| [Case::new(ty.clone(), []), Case::new(ty, [T::I32, T::F64])])
        .collect();
    check("odd_results", &cases);
}

#[test]
fn one_float_in_a_struct_through_a_callback() {
    let cases = [T::F32, T::F64].map(|member| {
        let ty = structure([member]);
        let arguments = [repeated(ty.clone(), 5), vec![T::F32]].concat();
        Case::new(ty, arguments)
    });
    check("one_float", &cases);
}

#[test]
fn many_large_structs_in_one_call() {
    let large = |size| structure([array(T::U8, size)]);
    let arguments = (1..=18).map(|n| large(16 + 7 * n));
    check("many_large", &[Case::new(large(100), arguments)]);
}

/// Apple packs these: bytes 0, 2 to 3, 4 to 7 and 8.
#[test]
fn small_integers_behind_the_eighth_argument() {
    let small = [T::I8, T::I16, T::I32, T::I8, T::BOOL, T::F32, T::I8, T::I64];
    let arguments = [repeated(T::I32, 8), repeated(T::F32, 8), small.to_vec()].concat();
    check("small_stack", &[Case::new(T::I8, arguments)]);
}

#[test]
fn floats_in_structs_on_the_stack_behind_a_char() {
    let arguments =
        [repeated(T::F32, 8), vec![floats(2), T::F32, floats(3), T::F64, floats(1)]].concat();
    let behind = [repeated(T::I64, 8), repeated(T::F32, 8), vec![T::I8, floats(3), T::I8]].concat();
    check("hfa_stack", &[Case::new(T::VOID, arguments), Case::new(T::VOID, behind)]);
}

#[test]
fn variadic_behind_small_fixed_integers() {
    let fixed = vec![T::I8, T::U16, T::BOOL];
    let plenty = repeated(T::I32, 9);
    let rest = vec![T::I32, T::F64, T::I64, int_pair(), floats(2), T::POINTER];
    let cases = [
        Case::variadic(T::I32, [fixed.clone(), rest.clone()].concat(), 3),
        Case::variadic(T::I32, [fixed, plenty.clone(), rest.clone()].concat(), 12),
        Case::variadic(T::F64, [plenty, rest].concat(), 9),
    ];
    check("variadic_small", &cases);
}

/// The callee of the oracle overwrites each of its copies; the caller's values are compared after.
#[test]
fn copies_passed_by_reference_are_the_callees_own() {
    let twelve = structure([T::I32, T::I32, T::I32]);
    let large = structure([array(T::I64, 5)]);
    let arguments = vec![twelve.clone(), large.clone(), twelve.clone(), twelve, large];
    check("own_copies", &[Case::new(T::VOID, arguments)]);
}

#[test]
fn sixteen_bytes_returned_beside_one_argument() {
    check("pair_and_one", &[Case::new(int_pair(), [T::I32]), Case::new(int_pair(), [T::F64])]);
}

/// Compilers' callers seldom look at it, but both x86-64 conventions hand the address of a result
/// in memory back in rax.
#[test]
#[cfg(target_arch = "x86_64")]
fn the_address_of_a_result_in_memory_comes_back() {
    let large = || structure([array(T::I64, 3)]);
    let callback = |convention| {
        let signature = Signature::new(convention, large(), [T::I64]).expect("a C signature");
        Callback::with_signature(signature, |arguments, result| {
            let n: i64 = arguments.get(0).expect("an int64_t");
            result.set_bytes(&[n as u8; 24]).expect("24 bytes");
        })
        .expect("a callback")
    };
    let mut room = [0_u8; 24];
    let to = &raw mut room;
    let sysv = callback(Convention::SysV);
    // SAFETY: the hidden address is the first argument and the result of such a function.
    let back = unsafe {
        let function: extern "sysv64" fn(*mut [u8; 24], i64) -> *mut [u8; 24] =
            std::mem::transmute(sysv.as_ptr());
        function(to, 7)
    };
    assert_eq!((back, room), (to, [7; 24]));
    let win64 = callback(Convention::Win64(Win64::Msvc));
    // SAFETY: as above.
    let back = unsafe {
        let function: extern "win64" fn(*mut [u8; 24], i64) -> *mut [u8; 24] =
            std::mem::transmute(win64.as_ptr());
        function(to, 8)
    };
    assert_eq!((back, room), (to, [8; 24]));
}

/// The callee returns all 64 bits dirty; only those of the declared type may be believed.
#[test]
fn dirty_upper_bits_of_small_results() {
    let source = "
        /* The caller declares these as returning bool, char and short. */
        unsigned long yes(void) { return 0xdeadbeefcafeba01ul; }
        unsigned long no(void) { return 0xdeadbeefcafeba00ul; }
        unsigned long minus_five(void) { return 0x00000000ffff00fbul; }
        unsigned long short_minus_five(void) { return 0x000000000000fffbul; }
        unsigned long int_minus_five(void) { return 0x00000000fffffffbul; }";
    fn result<R: ffi::CType>(library: &Library, name: &str) -> R {
        let interface = CallInterface::new(R::c_type(), []).expect("a C signature");
        let function = library.symbol(name).expect("it is there");
        // SAFETY: the low bits of the result are those of the declared type.
        unsafe { interface.call(function.as_ptr(), &[]) }.expect("the call fits")
    }
    with_c("dirty_results", source, |library| {
        assert!(result::<bool>(library, "yes"));
        assert!(!result::<bool>(library, "no"));
        assert_eq!(result::<i8>(library, "minus_five"), -5);
        assert_eq!(result::<u8>(library, "minus_five"), 0xfb);
        assert_eq!(result::<i16>(library, "short_minus_five"), -5);
        assert_eq!(result::<i32>(library, "int_minus_five"), -5);
    });
}

/// clang's callees widen a sub-word argument from the whole register: the caller extends.
#[test]
fn minus_five_widened_by_the_callee() {
    let source = "
        #include <stdint.h>
        int64_t wide8(int8_t a, int8_t b, int8_t c, int8_t d, int8_t e, int8_t f, int8_t g) {
            return (int64_t)a + b + c + d + e + f + g;
        }
        int64_t wide16(int16_t a, int16_t b, int16_t c, int16_t d, int16_t e, int16_t f,
                       int16_t g) {
            return (int64_t)a + b + c + d + e + f + g;
        }";
    with_c("widened", source, |library| {
        let call = |name: &str, ty: Type, five: ffi::Arg<'_>| {
            let interface = CallInterface::new(T::I64, repeated(ty, 7)).expect("a C signature");
            let function = library.symbol(name).expect("it is there");
            // SAFETY: seven arguments of the type, and an int64_t back.
            unsafe { interface.call::<i64>(function.as_ptr(), &[five; 7]) }.expect("it fits")
        };
        assert_eq!(call("wide8", T::I8, arg(&-5_i8)), -35);
        assert_eq!(call("wide16", T::I16, arg(&-5_i16)), -35);
    });
}

/// C calls a callback that takes a `bool`, `int8_t` and `int16_t`, through a pointer that says it
/// takes `unsigned long`s, so that the upper bits are anything.
#[test]
fn dirty_upper_bits_in_a_callbacks_arguments() {
    let source = "
        void dirty(void (*f)(unsigned long, unsigned long, unsigned long, unsigned long)) {
            f(0xdeadbeefcafeba00ul, 0xdeadbeefcafeba01ul, 0xdeadbeefcafebafbul,
              0xdeadbeefcafefffbul);
        }";
    with_c("dirty_arguments", source, |library| {
        let seen = Arc::new(Mutex::new(None));
        let sink = Arc::clone(&seen);
        let callback = Callback::new(move |no: bool, yes: bool, byte: i8, short: i16| {
            *sink.lock().expect("no panic") = Some((no, yes, byte, short));
        })
        .expect("a callback");
        // SAFETY: `dirty` has this type, and the callback looks at the low bits alone.
        unsafe {
            library.get::<extern "C" fn(*const c_void)>("dirty").expect("it is there")(
                callback.as_ptr(),
            );
        }
        assert_eq!(*seen.lock().expect("no panic"), Some((false, true, -5, -5)));
    });
}

/// The callee writes to its by-value copy and to what lies around it on its own stack.
#[test]
fn a_callee_that_changes_its_copy() {
    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Big([i64; 5]);
    // SAFETY: an array of five `int64_t`.
    unsafe impl ffi::CType for Big {
        fn c_type() -> Type {
            structure([array(T::I64, 5)])
        }
    }
    let source = "
        #include <stdint.h>
        typedef struct { int64_t x[5]; } big;
        int64_t change(big b) {
            volatile int64_t *x = b.x;
            int64_t sum = 0;
            for (int i = 0; i < 5; i++) { sum += x[i]; x[i] = -1; }
            return sum;
        }";
    with_c("changes_copy", source, |library| {
        let interface =
            CallInterface::new(T::I64, [<Big as ffi::CType>::c_type()]).expect("a C signature");
        let change = library.symbol("change").expect("it is there");
        let big = Big([1, 2, 3, 4, 5]);
        for _ in 0..2 {
            // SAFETY: `int64_t change(big)`.
            let sum: i64 =
                unsafe { interface.call(change.as_ptr(), &[arg(&big)]) }.expect("it fits");
            assert_eq!(sum, 15);
        }
        assert_eq!(big, Big([1, 2, 3, 4, 5]));
    });
}

/// A struct larger than any guard region: the stack is probed page by page on the way down.
#[test]
fn a_megabyte_by_value() {
    let source = "
        #include <stdint.h>
        typedef struct { int64_t x[131072]; } huge;
        int64_t sum(huge h) {
            int64_t sum = 0;
            for (int i = 0; i < 131072; i++) sum += h.x[i];
            return sum;
        }";
    with_c("megabyte", source, |library| {
        let huge = structure([array(T::I64, 131_072)]);
        let interface = CallInterface::new(T::I64, [huge]).expect("a C signature");
        let function = library.symbol("sum").expect("it is there").as_ptr() as usize;
        let bytes: Vec<u8> = (0..131_072_i64).flat_map(i64::to_le_bytes).collect();
        let thread = std::thread::Builder::new().stack_size(8 << 20).spawn(move || {
            // SAFETY: `int64_t sum(huge)`, and the stack has room for it.
            unsafe { interface.call::<i64>(function as *const c_void, &[ffi::Arg::bytes(&bytes)]) }
        });
        let sum = thread.expect("a thread").join().expect("no panic").expect("it fits");
        assert_eq!(sum, 131_071 * 131_072 / 2);
    });
}

/// A callback that calls C, which calls a callback, and so on down.
#[test]
fn callbacks_within_callbacks() {
    let source = "
        long down(long (*f)(long), long n) { return n == 0 ? 0 : n + f(n - 1); }";
    with_c("nested", source, |library| {
        static DEPTH: AtomicI64 = AtomicI64::new(0);
        static CALLBACK: Mutex<usize> = Mutex::new(0);
        // SAFETY: the type of `down`.
        let down =
            *unsafe { library.get::<extern "C" fn(usize, i64) -> i64>("down") }.expect("there");
        let callback = Callback::new(move |n: i64| -> i64 {
            DEPTH.fetch_max(n, Ordering::Relaxed);
            let address = *CALLBACK.lock().expect("no panic");
            down(address, n)
        })
        .expect("a callback");
        *CALLBACK.lock().expect("no panic") = callback.as_ptr() as usize;
        assert_eq!(down(callback.as_ptr() as usize, 100), 5050);
        assert_eq!(DEPTH.load(Ordering::Relaxed), 99);
    });
}

#[test]
fn long_double_alone_in_a_struct_returned() {
    let ty = structure([T::C_LONG_DOUBLE]);
    check("struct_long_double", &[Case::new(ty.clone(), []), Case::new(ty.clone(), [ty])]);
}

#[test]
fn a_struct_of_a_vector_passed_and_returned() {
    let ty = structure([vector(Scalar::F32, 16)]);
    check("struct_vector", &[Case::new(ty.clone(), [T::I32, ty.clone()]), Case::new(ty, [])]);
}

#[test]
fn packed_structs_of_5_and_9_bytes_passed() {
    let (nine, five) = (packed([T::I8, T::F64]), packed([T::I8, T::I32]));
    assert_eq!((nine.size(), five.size()), (9, 5));
    let both = Case::new(T::VOID, [nine.clone(), five.clone(), nine.clone()]);
    check("packed", &[both, Case::new(nine, []), Case::new(five, [])]);
}

#[test]
fn a_union_of_an_int_and_a_float() {
    let ty = union([T::I32, T::F32]);
    check("int_or_float", &[Case::new(ty.clone(), [ty.clone(), T::F32, ty])]);
}

#[test]
fn a_callback_that_takes_a_long_and_an_int128() {
    let cases = [
        Case::new(T::VOID, [T::I64, T::I128]),
        Case::new(T::I64, [vec![T::I64; 5], vec![T::I128, T::I64, T::U128]].concat()),
    ];
    check("long_int128", &cases);
}

#[test]
fn a_callback_that_returns_an_int128() {
    check("int128_returned", &[Case::new(T::I128, []), Case::new(T::U128, [T::I32, T::U128])]);
}

#[test]
fn a_struct_of_an_int128_between_longs() {
    let ty = structure([T::I128]);
    check("between_longs", &[Case::new(ty.clone(), [T::I64, ty, T::I64])]);
}

#[test]
fn a_member_aligned_to_16_between_longs() {
    let ty = finish(T::anonymous_structure().aligned_field("a", T::I64, 16).field("b", T::I64));
    check("aligned_member", &[Case::new(T::VOID, [T::I64, ty, T::I64])]);
}

#[test]
fn a_large_struct_behind_all_registers() {
    let ty = structure([T::C_LONG_DOUBLE, T::I64]);
    let arguments = [vec![T::I64; 9], vec![ty.clone()]].concat();
    check("behind_registers", &[Case::new(T::VOID, arguments.clone()), Case::new(ty, arguments)]);
}

/// The number of an argument is large here, and that of its register small.
#[test]
fn scalars_behind_three_hundred_empty_structs() {
    const EMPTY: usize = 300;
    let parameters: String = (0..EMPTY).map(|index| format!("empty e{index}, ")).collect();
    let source = format!(
        "typedef struct {{}} empty;
         long long sum({parameters}long long a, double b) {{ return a + (long long)b; }}"
    );
    with_c("many_empty", &source, |library| {
        let empty = finish(T::structure("empty").stated(0, 1));
        let types = [repeated(empty, EMPTY), vec![T::I64, T::F64]].concat();
        let sum = CallInterface::new(T::I64, types).expect("a signature");
        let sum = ffi::Function::load(library, "sum", &sum).expect("it is there");
        let mut values = vec![ffi::Arg::bytes(&[]); EMPTY];
        values.extend([arg(&40_i64), arg(&2.5_f64)]);
        // SAFETY: the function has that signature.
        assert_eq!(unsafe { sum.call::<i64>(&values) }, Ok(42));
    });
}

/// clang's `va_arg` for Windows does not round up to an alignment of 16, and clang has no half floats
/// there (`docs/differences.md`), so the callee says what is where. Microsoft: "an imaginary stack,
/// where the first 64 bytes of the stack are loaded into x0-x7".
#[test]
#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
fn what_clang_gets_wrong_through_the_dots_of_windows() {
    let source = "
        typedef unsigned long u64;
        void words(u64 *to, u64 x1, u64 x2, u64 x3, u64 x4, u64 x5, u64 x6, u64 x7,
                   u64 s0, u64 s1, u64 s2, u64 s3, u64 s4, u64 s5) {
            u64 all[] = {x2, x3, x4, x6, x7, s0, s1, s2, s4, s5};
            for (int i = 0; i < 10; i++) to[i] = all[i];
        }
        void copies(u64 *to, u64 x1, const int *x2, unsigned short x3, unsigned short x4) {
            to[0] = x1; to[1] = *x2; to[2] = (u64)x2 % 32; to[3] = x3; to[4] = x4;
        }";
    let variadic = |types: Vec<Type>| {
        let convention = ffi::Convention::Aapcs64(ffi::Aapcs64::Windows);
        let signature = ffi::Signature::variadic(convention, T::VOID, types, 1).expect("C");
        CallInterface::with_signature(signature).expect("it can be called")
    };
    let wide = |low: u64| (u128::from(low + 1) << 64) | u128::from(low);
    with_c("windows_dots", source, |library| {
        let mut words = [0_u64; 10];
        let to = words.as_mut_ptr();
        let types =
            vec![T::POINTER, T::U128, T::U64, vector(Scalar::U64, 16), T::U128, T::U64, T::U128];
        let (a, b, c, d) = (wide(1), wide(4), wide(6), wide(9));
        let vector = b.to_le_bytes();
        let values = [
            arg(&to),
            arg(&a),
            arg(&3_u64),
            ffi::Arg::bytes(&vector),
            arg(&c),
            arg(&8_u64),
            arg(&d),
        ];
        let address = library.symbol("words").expect("it is there").as_ptr();
        // SAFETY: it writes to the ten words, and takes as many registers and slots as are passed.
        unsafe { variadic(types).call::<()>(address, &values) }.expect("the call fits");
        assert_eq!(words, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        // More than 16 bytes: the address of a copy, in a slot like any other.
        let ty = finish(T::anonymous_structure().field("a", T::I32).align(32));
        let mut bytes = [0_u8; 32];
        bytes[0] = 40;
        let types = vec![T::POINTER, T::U64, ty, T::F16, T::BF16];
        let halves = [[1, 2], [3, 4]].each_ref().map(|half| ffi::Arg::bytes(half));
        let values = [arg(&to), arg(&7_u64), ffi::Arg::bytes(&bytes), halves[0], halves[1]];
        let address = library.symbol("copies").expect("it is there").as_ptr();
        // SAFETY: it writes to five words, and reads the copy.
        unsafe { variadic(types).call::<()>(address, &values) }.expect("the call fits");
        assert_eq!(words[..5], [7, 40, 0, 0x201, 0x403]);
    });
}

#[test]
fn an_empty_struct_of_gnu_c() {
    let empty = finish(T::structure("empty").stated(0, 1));
    with_c(
        "empty",
        "typedef struct {} empty;
         int sum(int a, empty e, int b, empty f, int c) { return a + 10 * b + 100 * c; }
         int after(int n, ...) {
             __builtin_va_list list; __builtin_va_start(list, n);
             __builtin_va_arg(list, empty);
             int a = __builtin_va_arg(list, int);
             __builtin_va_end(list); return a - n; }
         empty nothing(int *to, int value) { empty e; *to = value; return e; }",
        |library| {
            let types = [T::I32, empty.clone(), T::I32, empty.clone(), T::I32];
            let sum = CallInterface::new(T::I32, types).expect("a signature");
            let sum = ffi::Function::load(library, "sum", &sum).expect("it is there");
            let none = || ffi::Arg::bytes(&[]);
            let values = [arg(&1_i32), none(), arg(&2_i32), none(), arg(&3_i32)];
            // SAFETY: the function has that signature.
            assert_eq!(unsafe { sum.call::<i32>(&values) }, Ok(321));
            let types = [T::I32, empty.clone(), T::I32];
            let after = CallInterface::variadic(T::I32, types, 1).expect("a signature");
            let after = ffi::Function::load(library, "after", &after).expect("it is there");
            let values = [arg(&1_i32), none(), arg(&5_i32)];
            // SAFETY: the function has that signature.
            assert_eq!(unsafe { after.call::<i32>(&values) }, Ok(4));
            // clang for Windows expects the address of room for the result, gcc does not.
            if cfg!(windows) {
                return;
            }
            let nothing = CallInterface::new(empty.clone(), [T::POINTER, T::I32]);
            let nothing = ffi::Function::load(library, "nothing", &nothing.expect("a signature"));
            let mut value = 0_i32;
            let to = &raw mut value;
            // SAFETY: the function has that signature, and writes to the integer.
            let result =
                unsafe { nothing.expect("it is there").call_value(&[arg(&to), arg(&7_i32)]) };
            assert_eq!(result.expect("the call fits").as_bytes(), []);
            assert_eq!(value, 7);
        },
    );
}
