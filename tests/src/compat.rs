//! libffi's interface as what is under test.

use crate::engine::{Engine, Received};
#[cfg(target_arch = "aarch64")]
use ffi::Aapcs64;
use ffi::{Convention, Fundamental, Scalar, Signature, Type, TypeKind, Win64};
use ffi_compat::*;
use std::any::Any;
use std::ffi::{c_uint, c_void};
use std::ptr::null_mut;

/// libffi's interface, by `ffi_call` or by call plans.
#[derive(Debug)]
pub struct Compat {
    /// Whether calls go by plans.
    pub plans: bool,
}

/// A prepared cif, with all that it points to.
struct Prepared {
    cif: Box<ffi_cif>,
    _arena: Arena,
    result: Type,
}

/// `ffi_type`s and lists of them, which do not move.
#[derive(Default)]
struct Arena {
    types: Vec<*mut ffi_type>,
    lists: Vec<*mut [*mut ffi_type]>,
}

impl Drop for Arena {
    fn drop(&mut self) {
        for &ty in &self.types {
            // SAFETY: it came from a box.
            drop(unsafe { Box::from_raw(ty) });
        }
        for &list in &self.lists {
            // SAFETY: as above.
            drop(unsafe { Box::from_raw(list) });
        }
    }
}

impl Arena {
    fn list(&mut self, mut types: Vec<*mut ffi_type>) -> *mut *mut ffi_type {
        types.push(null_mut());
        let list = Box::into_raw(types.into_boxed_slice());
        self.lists.push(list);
        list.cast()
    }

    /// Describes a type. libffi has no arrays and unions: the former are written out, and the
    /// latter stated.
    fn describe(&mut self, ty: &Type) -> *mut ffi_type {
        let (code, elements) = match ty.kind() {
            TypeKind::Void => return &raw mut ffi_type_void,
            TypeKind::Scalar(scalar) => return self.scalar(scalar),
            TypeKind::Complex(part) => (FFI_TYPE_COMPLEX, vec![self.scalar(part)]),
            TypeKind::Vector { element, lanes } => {
                (FFI_TYPE_VECTOR, vec![self.scalar(element); usize::from(lanes)])
            }
            _ => (FFI_TYPE_STRUCT, self.members(ty)),
        };
        let elements = self.list(elements);
        let alignment = u16::try_from(ty.align()).expect("small");
        let it = ffi_type { size: ty.size(), alignment, type_: code, elements };
        self.types.push(Box::into_raw(Box::new(it)));
        *self.types.last().expect("just pushed")
    }

    fn members(&mut self, ty: &Type) -> Vec<*mut ffi_type> {
        match ty.array_parts() {
            Some((element, count)) => vec![self.describe(element); count],
            None => ty.fields().iter().map(|field| self.describe(field.ty())).collect(),
        }
    }

    fn scalar(&mut self, scalar: Scalar) -> *mut ffi_type {
        match scalar {
            Scalar::Bool | Scalar::U8 => &raw mut ffi_type_uint8,
            Scalar::I8 => &raw mut ffi_type_sint8,
            Scalar::U16 => &raw mut ffi_type_uint16,
            Scalar::I16 => &raw mut ffi_type_sint16,
            Scalar::U32 => &raw mut ffi_type_uint32,
            Scalar::I32 => &raw mut ffi_type_sint32,
            Scalar::U64 => &raw mut ffi_type_uint64,
            Scalar::I64 => &raw mut ffi_type_sint64,
            Scalar::U128 => &raw mut ffi_type_uint128,
            Scalar::I128 => &raw mut ffi_type_sint128,
            Scalar::F32 => &raw mut ffi_type_float,
            Scalar::F64 => &raw mut ffi_type_double,
            Scalar::Pointer => &raw mut ffi_type_pointer,
            // `long double`; others are not taken.
            _ => &raw mut ffi_type_longdouble,
        }
    }
}

fn abi(convention: Convention) -> Option<c_uint> {
    Some(match convention {
        #[cfg(all(target_arch = "x86_64", not(windows)))]
        Convention::SysV => FFI_UNIX64,
        #[cfg(target_arch = "x86_64")]
        Convention::Win64(Win64::Msvc) => FFI_WIN64,
        #[cfg(target_arch = "x86_64")]
        Convention::Win64(Win64::Gnu) => FFI_GNUW64,
        #[cfg(target_arch = "aarch64")]
        Convention::Aapcs64(Aapcs64::Standard) => FFI_SYSV,
        #[cfg(target_arch = "aarch64")]
        Convention::Aapcs64(Aapcs64::Windows) => FFI_WIN64,
        _ => return None,
    })
}

/// Whether libffi's description says all there is to say: no bit-fields, no half floats, and each
/// member where a struct of such members, of that size and alignment, has it.
fn can_say(ty: &Type) -> bool {
    if let Some((element, _)) = ty.array_parts() {
        return can_say(element);
    }
    let elements = ty.elements().map(|(scalar, _)| scalar);
    if let Some(scalar) = ty.as_scalar().or(elements) {
        let long_double = Type::C_LONG_DOUBLE.as_scalar();
        return match scalar {
            Scalar::F16 | Scalar::BF16 => false,
            Scalar::F80 | Scalar::F128 => Some(scalar) == long_double,
            _ => true,
        };
    }
    let fields = ty.fields();
    if ty.is_void() {
        return true;
    }
    if fields.is_empty() || fields.iter().any(|field| field.bit_width().is_some()) {
        return false;
    }
    let (mut end, mut sequence) = (0_usize, Vec::new());
    for field in fields {
        let offset = end.next_multiple_of(field.ty().align().min(ty.align()));
        sequence.push(offset);
        end = offset + field.ty().size();
    }
    let is_struct = end <= ty.size();
    let expected = if is_struct { sequence } else { vec![0; fields.len()] };
    let stated =
        |(field, offset): (&ffi::Field, usize)| field.offset() == offset && can_say(field.ty());
    // What counts besides is the alignment that members give, without attributes.
    let plain = if is_struct { Type::anonymous_structure() } else { Type::anonymous_union() };
    let plain = fields.iter().enumerate().fold(plain, |builder, (index, field)| {
        builder.field_at(&format!("m{index}"), field.ty().clone(), field.offset())
    });
    let plain = plain.stated(ty.size(), ty.align()).build();
    fields.iter().zip(expected).all(stated)
        && plain.is_ok_and(|plain| plain.natural_align() == ty.natural_align())
}

fn prepare(signature: &Signature) -> Prepared {
    let mut arena = Arena::default();
    let types = signature.arguments().iter().map(|ty| arena.describe(ty)).collect();
    let types = arena.list(types);
    let result = arena.describe(signature.return_type());
    let abi = abi(signature.convention()).expect("a convention of libffi's");
    let count = signature.arguments().len() as c_uint;
    // SAFETY: a cif of zeros is one that is not prepared; the types are complete.
    unsafe {
        let mut cif = Box::new(std::mem::zeroed::<ffi_cif>());
        let status = match signature.first_variadic() {
            None => ffi_prep_cif(&mut *cif, abi, count, result, types),
            Some(fixed) => ffi_prep_cif_var(&mut *cif, abi, fixed as c_uint, count, result, types),
        };
        assert_eq!(status, FFI_OK, "{signature}");
        Prepared { cif, _arena: arena, result: signature.return_type().clone() }
    }
}

/// An integer that libffi widens, as it does; none for others.
fn widened(ty: &Type, bytes: &[u8]) -> Option<u64> {
    let scalar = ty.as_scalar().filter(|scalar| scalar.is_integer() && scalar.size() < 8)?;
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    let unused = 64 - 8 * scalar.size();
    let value = u64::from_le_bytes(word) << unused;
    Some(if scalar.is_signed() {
        (value.cast_signed() >> unused).cast_unsigned()
    } else {
        value >> unused
    })
}

#[repr(C, align(64))]
struct Room([u8; 8192]);

impl Engine for Compat {
    fn takes(&self, signature: &Signature) -> bool {
        abi(signature.convention()).is_some()
            && signature.arguments().iter().all(can_say)
            && can_say(signature.return_type())
            && signature.return_type().size() <= size_of::<Room>()
            // libffi's codes have one `long double`, which to FFI_WIN64 is `double`.
            && signature.arguments().iter().chain([signature.return_type()]).all(|ty| {
                let wide = |leaf: &ffi::Leaf| leaf.what == Fundamental::Scalar(Scalar::F80);
                signature.convention() != Convention::Win64(Win64::Msvc)
                    || !ty.leaves().iter().any(wide)
            })
    }

    unsafe fn call(
        &self,
        signature: &Signature,
        function: *const c_void,
        arguments: &[*const c_void],
        result: *mut u8,
    ) {
        let mut prepared = prepare(signature);
        let mut room = Room([0xcc; 8192]);
        let mut values: Vec<*mut c_void> = arguments.iter().map(|it| it.cast_mut()).collect();
        let (cif, value) = (&raw mut *prepared.cif, room.0.as_mut_ptr().cast());
        // SAFETY: it is a function of the cif's signature, and called as such alone.
        let function = unsafe { std::mem::transmute::<*const c_void, ffi_function>(function) };
        // SAFETY: the caller's; there is room for the result.
        unsafe {
            if self.plans {
                let plan = ffi_call_plan_alloc(cif);
                assert!(!plan.is_null(), "{signature}");
                ffi_call_plan_invoke(plan, function, value, values.as_mut_ptr());
                ffi_call_plan_free(plan);
            } else {
                ffi_call(cif, function, value, values.as_mut_ptr());
            }
        }
        let size = signature.return_type().size();
        let mut written = size;
        if let Some(word) = widened(signature.return_type(), &room.0[..size]) {
            assert_eq!(room.0[..8], word.to_le_bytes(), "the result is widened: {signature}");
            written = 8;
        }
        let beyond = &room.0[written..];
        assert!(beyond.iter().all(|&byte| byte == 0xcc), "written past the result: {signature}");
        // SAFETY: the caller's.
        unsafe { std::ptr::copy_nonoverlapping(room.0.as_ptr(), result, size) };
    }

    fn callback(
        &self,
        signature: &Signature,
        received: Received,
        result: Vec<u8>,
    ) -> (*const c_void, Box<dyn Any>) {
        let data = Box::new(Closure {
            prepared: prepare(signature),
            sizes: signature.arguments().iter().map(Type::size).collect(),
            aligns: signature.arguments().iter().map(Type::align).collect(),
            received,
            result,
            closure: null_mut(),
        });
        let data = Box::into_raw(data);
        let mut code = null_mut();
        // SAFETY: the closure is made and prepared as it has to be, and the data stays where it is
        // until the closure is freed.
        unsafe {
            let closure = ffi_closure_alloc(size_of::<ffi_closure>(), &mut code);
            assert!(!closure.is_null(), "a closure");
            (*data).closure = closure;
            let cif = &raw mut *(*data).prepared.cif;
            let status =
                ffi_prep_closure_loc(closure.cast(), cif, Some(receive), data.cast(), code);
            assert_eq!(status, FFI_OK, "{signature}");
            (code.cast_const(), Box::from_raw(data))
        }
    }
}

/// A closure with what it is given.
struct Closure {
    prepared: Prepared,
    sizes: Vec<usize>,
    aligns: Vec<usize>,
    received: Received,
    result: Vec<u8>,
    closure: *mut c_void,
}

impl Drop for Closure {
    fn drop(&mut self) {
        // SAFETY: it came from `ffi_closure_alloc`, and nobody calls it any more.
        unsafe { ffi_closure_free(self.closure) };
    }
}

unsafe extern "C-unwind" fn receive(
    cif: *mut ffi_cif,
    result: *mut c_void,
    values: *mut *mut c_void,
    data: *mut c_void,
) {
    // SAFETY: the data is that of the closure.
    let closure = unsafe { &*data.cast::<Closure>() };
    assert!(
        std::ptr::eq(cif, &*closure.prepared.cif),
        "the cif that the closure was prepared with"
    );
    let mut all = Vec::new();
    for (index, (&size, &align)) in closure.sizes.iter().zip(&closure.aligns).enumerate() {
        // SAFETY: there is a pointer to each argument.
        let value = unsafe { *values.add(index) }.cast::<u8>();
        // Packed structs have members that are not aligned; then the whole is aligned to 1.
        assert!(value.addr().is_multiple_of(align), "argument {index} is not aligned to {align}");
        // SAFETY: as above.
        all.push(unsafe { std::slice::from_raw_parts(value, size) }.to_vec());
    }
    *closure.received.lock().expect("no panic") = all;
    let bytes = match widened(&closure.prepared.result, &closure.result) {
        Some(word) => word.to_le_bytes().to_vec(),
        None => closure.result.clone(),
    };
    // SAFETY: there is room for the result.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), result.cast(), bytes.len()) };
}
