//! Any bytes as a libffi program: types, a cif, and a call of a closure by each of the interfaces.
//! What the closure is given is what was passed, and what it returns is what comes back.
#![no_main]

mod oracle;

use ffi_abi_sysv::ffi_types::{Convention, Scalar, Win64};
use ffi_compat::*;
use libfuzzer_sys::fuzz_target;
use oracle::input::Bytes;
use oracle::layout::{data, of};
use oracle::{Function, Member, Record, Ty};
use std::ffi::c_void;
use std::ptr::null_mut;

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes(data);
    let choices = bytes.byte();
    let mut function = bytes.function();
    let abi = match choices % 8 {
        0 => FFI_WIN64,
        1 => FFI_GNUW64,
        _ => FFI_UNIX64,
    };
    function.convention = match abi {
        FFI_WIN64 => Convention::Win64(Win64::Msvc),
        FFI_GNUW64 => Convention::Win64(Win64::Gnu),
        _ => Convention::SysV,
    };
    for ty in function.arguments.iter_mut().chain(&mut function.result) {
        *ty = simple(ty);
    }
    Program { function, abi, choices }.run(&mut bytes);
});

/// The nearest type that libffi has: without unions, attributes, bit-fields, arrays and empty
/// structs, and with fewer numbers.
fn simple(ty: &Ty) -> Ty {
    match ty {
        Ty::Scalar(it) => Ty::Scalar(number(*it)),
        Ty::Complex(Scalar::F16 | Scalar::F128) => Ty::Complex(Scalar::F32),
        Ty::Vector(part, count) => {
            let part = number(*part);
            let widest = if is_x86_feature_detected!("avx512f") {
                64
            } else if is_x86_feature_detected!("avx2") {
                32
            } else {
                16
            };
            let size = oracle::layout::scalar(part);
            Ty::Vector(part, (*count).clamp(8_usize.div_ceil(size), widest / size))
        }
        Ty::Complex(_) => ty.clone(),
        Ty::Empty(_) => Ty::Scalar(Scalar::I32),
        Ty::Array(element, _) => simple(element),
        Ty::Record(record) => {
            let mut members = Vec::new();
            record.members.iter().for_each(|member| flatten(&member.ty, &mut members));
            let (packed, pragma, align, stated) = (false, None, None, None);
            Ty::Record(Record { union: false, members, packed, pragma, align, stated })
        }
    }
}

fn flatten(ty: &Ty, members: &mut Vec<Member>) {
    if let Ty::Array(element, count) = ty {
        (0..*count).for_each(|_| flatten(element, members));
    } else {
        members.push(Member { ty: simple(ty), align: None, width: None, named: true });
    }
}

fn number(scalar: Scalar) -> Scalar {
    match scalar {
        Scalar::Bool => Scalar::U8,
        Scalar::F16 | Scalar::BF16 => Scalar::F64,
        Scalar::F128 => Scalar::F80,
        it => it,
    }
}

/// What a type is made of, for as long as C may look at it.
#[derive(Default)]
struct Types {
    types: Vec<Box<ffi_type>>,
    lists: Vec<Vec<*mut ffi_type>>,
}

impl Types {
    fn ty(&mut self, ty: &Ty, stated: bool) -> *mut ffi_type {
        let (code, mut elements) = match ty {
            Ty::Scalar(it) => return predefined(*it),
            Ty::Complex(part) => (FFI_TYPE_COMPLEX, vec![predefined(*part)]),
            Ty::Vector(part, count) => (FFI_TYPE_VECTOR, vec![predefined(*part); *count]),
            Ty::Record(record) => {
                let members = record.members.iter();
                (FFI_TYPE_STRUCT, members.map(|member| self.ty(&member.ty, stated)).collect())
            }
            Ty::Array(..) | Ty::Empty(_) => unreachable!("libffi has none"),
        };
        elements.push(null_mut());
        self.lists.push(elements);
        let list = self.lists.last_mut().expect("it was just pushed").as_mut_ptr();
        let layout = of(ty, Convention::SysV);
        let (size, alignment) = if stated { (layout.size, layout.align as u16) } else { (0, 0) };
        self.types.push(Box::new(ffi_type { size, alignment, type_: code, elements: list }));
        &raw mut **self.types.last_mut().expect("it was just pushed")
    }
}

fn predefined(scalar: Scalar) -> *mut ffi_type {
    use Scalar::*;
    match scalar {
        U8 => &raw mut ffi_type_uint8,
        I8 => &raw mut ffi_type_sint8,
        U16 => &raw mut ffi_type_uint16,
        I16 => &raw mut ffi_type_sint16,
        U32 => &raw mut ffi_type_uint32,
        I32 => &raw mut ffi_type_sint32,
        U64 => &raw mut ffi_type_uint64,
        I64 => &raw mut ffi_type_sint64,
        U128 => &raw mut ffi_type_uint128,
        I128 => &raw mut ffi_type_sint128,
        F32 => &raw mut ffi_type_float,
        F64 => &raw mut ffi_type_double,
        F80 => &raw mut ffi_type_longdouble,
        Pointer => &raw mut ffi_type_pointer,
        _ => unreachable!("libffi has none"),
    }
}

/// The values of a call, and what the closure saw of them.
struct Exchange {
    sizes: Vec<usize>,
    seen: Vec<Vec<u8>>,
    /// Widened to a word, if it is a small integer.
    result: Vec<u8>,
}

impl Exchange {
    /// # Safety
    /// The values are of the sizes that are known, and there is room for the result.
    unsafe fn take_place(&mut self, result: *mut c_void, values: *mut *mut c_void) {
        for (index, &size) in self.sizes.iter().enumerate() {
            // SAFETY: the caller's.
            let value = unsafe { std::slice::from_raw_parts((*values.add(index)).cast(), size) };
            self.seen.push(value.to_vec());
        }
        // SAFETY: the caller's.
        unsafe { self.result.as_ptr().copy_to(result.cast(), self.result.len()) };
    }
}

unsafe extern "C-unwind" fn by_pointers(
    _: *mut ffi_cif,
    result: *mut c_void,
    values: *mut *mut c_void,
    exchange: *mut c_void,
) {
    // SAFETY: libffi's promise, and the exchange is what the closure was prepared with.
    unsafe { (*exchange.cast::<Exchange>()).take_place(result, values) };
}

unsafe extern "C-unwind" fn by_words(
    cif: *mut ffi_cif,
    result: *mut c_void,
    words: *mut ffi_raw,
    exchange: *mut c_void,
) {
    // SAFETY: as above; the words are by the cif.
    unsafe {
        let mut values = vec![null_mut(); (*cif).nargs as usize + 1];
        ffi_raw_to_ptrarray(cif, words, values.as_mut_ptr());
        (*exchange.cast::<Exchange>()).take_place(result, values.as_mut_ptr());
    }
}

struct Program {
    function: Function,
    abi: ffi_abi,
    choices: u8,
}

impl Program {
    fn run(&self, bytes: &mut Bytes<'_>) {
        let (function, platform) = (&self.function, self.function.convention);
        let mut types = Types::default();
        let stated = self.choices & 8 != 0;
        let mut arguments: Vec<*mut ffi_type> =
            function.arguments.iter().map(|ty| types.ty(ty, stated)).collect();
        let result = match &function.result {
            Some(ty) => types.ty(ty, stated),
            None => &raw mut ffi_type_void,
        };
        // SAFETY: zeros are null pointers and numbers.
        let mut cif = unsafe { std::mem::zeroed::<ffi_cif>() };
        let (count, list) = (arguments.len() as u32, arguments.as_mut_ptr());
        // SAFETY: the types are complete, and stay until the end.
        let status = unsafe {
            match function.named {
                Some(named) => {
                    ffi_prep_cif_var(&mut cif, self.abi, named as u32, count, result, list)
                }
                None => ffi_prep_cif(&mut cif, self.abi, count, result, list),
            }
        };
        let promoted = |&(index, ty): &(usize, &Ty)| {
            function.is_anonymous(index) && matches!(ty, Ty::Scalar(Scalar::F32))
        };
        assert!(!function.arguments.iter().enumerate().any(|it| promoted(&it)));
        let possible = oracle::call(function).is_some();
        assert_eq!(status == FFI_OK, possible, "status {status} of {function:?}");
        if !possible {
            return;
        }
        for (&ty, declared) in arguments.iter().zip(&function.arguments) {
            self.layout(ty, declared);
        }
        let values: Vec<Vec<u8>> =
            function.arguments.iter().map(|ty| value(of(ty, platform).size, bytes)).collect();
        let size = function.result.as_ref().map_or(0, |ty| of(ty, platform).size);
        let mut expected = value(size, bytes);
        widen(function.result.as_ref(), &mut expected);
        let sizes = values.iter().map(Vec::len).collect();
        let mut exchange = Exchange { sizes, seen: Vec::new(), result: expected.clone() };
        let room = self.call(&mut cif, &values, &mut exchange, bytes.byte());
        for ((index, seen), ty) in exchange.seen.iter().enumerate().zip(&function.arguments) {
            let what = || format!("argument {index} of {function:?}");
            assert!(same(&data(ty, platform), seen, &values[index]), "{}", what());
        }
        assert_eq!(exchange.seen.len(), values.len(), "the closure was called once");
        let Some((ty, room)) = function.result.as_ref().zip(room) else { return };
        let mut mask = data(ty, platform);
        mask.resize(expected.len(), true);
        assert!(same(&mask, &room[..expected.len()], &expected), "the result of {function:?}");
        assert!(room[expected.len()..].iter().all(|&byte| byte == 0xa5), "{function:?}");
    }

    /// A struct's size, alignment and offsets have been filled in.
    fn layout(&self, ty: *mut ffi_type, declared: &Ty) {
        let Ty::Record(record) = declared else { return };
        let expected = of(declared, self.function.convention);
        // SAFETY: it is a type from above.
        let (size, align) = unsafe { ((*ty).size, (*ty).alignment) };
        assert_eq!((size, usize::from(align)), (expected.size, expected.align), "{declared:?}");
        let mut offsets = vec![0; record.members.len()];
        // SAFETY: there are as many members.
        let status = unsafe { ffi_get_struct_offsets(self.abi, ty, offsets.as_mut_ptr()) };
        assert_eq!(status, FFI_OK);
        let expected: Vec<usize> = expected.offsets.iter().map(|bits| bits / 8).collect();
        assert_eq!(offsets, expected, "{declared:?}");
    }

    /// libffi's manual: a word for each argument and for each further eight bytes of it, but one for
    /// a struct's address; Java's `long` and `double` take two.
    fn words(&self, java: bool) -> usize {
        use Scalar::{F64, I64, U64};
        let of_one = |ty: &Ty| match ty {
            Ty::Record(_) => 1,
            Ty::Scalar(I64 | U64 | F64) if java => 2,
            _ => of(ty, self.function.convention).size.div_ceil(8),
        };
        self.function.arguments.iter().map(of_one).sum()
    }

    /// Calls a closure by the cif, in one of the ways that there are; the room for its result.
    fn call(
        &self,
        cif: &mut ffi_cif,
        values: &[Vec<u8>],
        exchange: &mut Exchange,
        way: u8,
    ) -> Option<Vec<u8>> {
        let mut pointers: Vec<*mut c_void> =
            values.iter().map(|value| value.as_ptr().cast_mut().cast()).collect();
        let mut room = Room::new(exchange.result.len() + 64);
        let rvalue = if way & 0x80 != 0 { null_mut() } else { room.start() };
        let user = std::ptr::from_mut(exchange).cast();
        // SAFETY: libffi's interface as its manual has it: the closure is of the cif's signature,
        // the values of its arguments' types, and the room is aligned and large enough.
        unsafe {
            let mut code = null_mut();
            let raw = way & 0x40 != 0;
            let closure = ffi_closure_alloc(size_of::<ffi_raw_closure>(), &mut code);
            assert!(!closure.is_null(), "a closure");
            let status = if raw {
                ffi_prep_raw_closure_loc(closure.cast(), cif, Some(by_words), user, code)
            } else {
                ffi_prep_closure_loc(closure.cast(), cif, Some(by_pointers), user, code)
            };
            assert_eq!(status, FFI_OK);
            let function = std::mem::transmute::<*mut c_void, ffi_function>(code);
            let words = |size: usize| vec![0_u64; size / 8 + 1];
            match way % 4 {
                0 => ffi_call(cif, function, rvalue, pointers.as_mut_ptr()),
                1 => {
                    let plan = ffi_call_plan_alloc(cif);
                    assert!(ffi_call_plan_size(plan) > 0);
                    ffi_call_plan_invoke(plan, function, rvalue, pointers.as_mut_ptr());
                    ffi_call_plan_free(plan);
                }
                2 => {
                    assert_eq!(ffi_raw_size(cif), 8 * self.words(false), "{:?}", self.function);
                    let mut words = words(ffi_raw_size(cif));
                    ffi_ptrarray_to_raw(cif, pointers.as_mut_ptr(), words.as_mut_ptr());
                    ffi_raw_call(cif, function, rvalue, words.as_mut_ptr());
                }
                _ => {
                    assert_eq!(ffi_java_raw_size(cif), 8 * self.words(true), "{:?}", self.function);
                    let mut words = words(ffi_java_raw_size(cif));
                    ffi_java_ptrarray_to_raw(cif, pointers.as_mut_ptr(), words.as_mut_ptr());
                    ffi_java_raw_call(cif, function, rvalue, words.as_mut_ptr());
                }
            }
            ffi_closure_free(closure);
        }
        (!rvalue.is_null()).then(|| room.bytes())
    }
}

fn value(size: usize, bytes: &mut Bytes<'_>) -> Vec<u8> {
    let mut state = u32::from(bytes.byte()) << 8 | 0x5bd1_0001;
    let next = |_| {
        state = state.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
        (state >> 24) as u8
    };
    (0..size).map(next).collect()
}

/// To `ffi_arg`, or to `ffi_sarg`.
fn widen(ty: Option<&Ty>, value: &mut Vec<u8>) {
    use Scalar::*;
    let fill = match ty {
        Some(Ty::Scalar(I8 | I16 | I32)) if value.last().is_some_and(|byte| byte & 0x80 != 0) => {
            255
        }
        Some(Ty::Scalar(I8 | I16 | I32 | U8 | U16 | U32)) => 0,
        _ => return,
    };
    value.resize(8, fill);
}

fn same(mask: &[bool], a: &[u8], b: &[u8]) -> bool {
    mask.iter().zip(a.iter().zip(b)).all(|(&means, (a, b))| !means || a == b)
}

/// Aligned as far as any type wants it.
struct Room {
    units: Vec<Unit>,
    size: usize,
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Unit([u8; 64]);

impl Room {
    fn new(size: usize) -> Self {
        Self { units: vec![Unit([0xa5; 64]); size.div_ceil(64)], size }
    }

    fn start(&mut self) -> *mut c_void {
        self.units.as_mut_ptr().cast()
    }

    fn bytes(&self) -> Vec<u8> {
        self.units.iter().flat_map(|unit| unit.0).take(self.size).collect()
    }
}
