//! Values of types that are known only at run time.

use crate::argument::Arg;
use crate::bits;
use crate::call::CallInterface;
use crate::context::Context;
use crate::errno::{WithErrno, captured};
use crate::error::CallError;
use crate::path::{FieldError, FieldProblem, Part, resolve};
use ffi_callback::Arguments;
use ffi_types::{
    CType, Fundamental, InterfaceReason, InvalidCallInterfaceError, Leaf, Scalar, Type,
};
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr::NonNull;
use thiserror::Error;

/// One value of a C type that is known only at run time: usually a struct, a union or an array,
/// whose members are read and written by name.
///
/// It owns `size` bytes of memory, aligned as the type asks, all zero at first. A path names a
/// part of it: `x`, `inner.y`, `cells[2]`, `rows[1][2].x`; the empty path is the whole value. What
/// is inside an anonymous struct or union is reached without a step of its own, as in C. A vector
/// has elements as an array has, a complex number too, which are also `re` and `im`.
///
/// # Examples
/// ```
/// use ffi::{Type, Value};
/// let point = Type::structure("point").field("x", Type::F64).field("y", Type::F64).build()?;
/// let line = Type::structure("line").field("ends", Type::array(point, 2)?).build()?;
///
/// let mut value = Value::new(&line)?;
/// value.set("ends[1].x", 2.5)?;
/// assert_eq!(value.get::<f64>("ends[1].x")?, 2.5);
/// assert_eq!(
///     format!("{value:?}"),
///     "struct line { ends: [struct point { x: 0.0, y: 0.0 }, struct point { x: 2.5, y: 0.0 }] }"
/// );
/// assert_eq!(
///     value.get::<f32>("ends[1].x").unwrap_err().to_string(),
///     "`ends[1].x`: expected 8 bytes for `double`, found 4"
/// );
/// # Ok::<(), ffi::Error>(())
/// ```
/// A struct passed or returned by value:
/// ```
/// # #[cfg(target_os = "linux")] {
/// use ffi::{CallInterface, Function, Library, Type, arg};
/// let div_t = Type::structure("div_t").field("quot", Type::C_INT).field("rem", Type::C_INT);
/// let interface = CallInterface::new(div_t.build()?, [Type::C_INT, Type::C_INT])?;
/// let div = Function::load(&Library::this()?, "div", &interface)?;
/// // SAFETY: `div_t div(int, int)`, and the divisor is not zero.
/// let result = unsafe { div.call_value(&[arg(&17_i32), arg(&5_i32)]) }?;
/// assert_eq!((result.get::<i32>("quot")?, result.get::<i32>("rem")?), (3, 2));
/// # }
/// # Ok::<(), ffi::Error>(())
/// ```
pub struct Value {
    ty: Type,
    /// As many bytes as the type has, all initialised.
    start: NonNull<u8>,
}

// SAFETY: the memory is the value's alone, and holds nothing but bytes.
unsafe impl Send for Value {}
// SAFETY: as above.
unsafe impl Sync for Value {}

/// There is no memory for a value of a type.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
#[error("no memory for {size} bytes, aligned to {align}, of `{ty}`")]
pub struct AllocationError {
    /// The type, as C writes it.
    pub ty: String,
    /// Its size in bytes.
    pub size: usize,
    /// Its alignment in bytes.
    pub align: usize,
}

impl Value {
    /// A value whose bytes are all zero.
    ///
    /// # Errors
    /// [`AllocationError`] when there is no memory of that size.
    ///
    /// # Examples
    /// ```
    /// use ffi::{Type, Value};
    /// let value = Value::new(&Type::array(Type::I16, 3)?)?;
    /// assert_eq!(value.as_bytes(), [0; 6]);
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn new(ty: &Type) -> Result<Self, AllocationError> {
        let (size, align) = (ty.size(), ty.align());
        let start = match Layout::from_size_align(size, align) {
            // `void`, which needs no memory.
            Ok(_) if size == 0 => Some(NonNull::dangling()),
            // SAFETY: the size is not 0.
            Ok(layout) => NonNull::new(unsafe { alloc_zeroed(layout) }),
            Err(_) => None,
        };
        let start = start.ok_or_else(|| AllocationError { ty: ty.to_string(), size, align })?;
        Ok(Self { ty: ty.clone(), start })
    }

    /// An argument of a callback with a run-time signature. Its padding is what C left there.
    ///
    /// # Errors
    /// [`CallError::Interface`] when there is no argument of that index, counted from 0;
    /// [`CallError::Allocation`].
    ///
    /// # Examples
    /// ```
    /// use ffi::{Callback, Type, Value};
    /// let pair = Type::structure("pair").field("a", Type::F32).field("b", Type::F32).build()?;
    /// let sum = Callback::dynamic(Type::F32, [pair], |arguments, result| {
    ///     let pair = Value::from_argument(arguments, 0).unwrap();
    ///     result.set(pair.get::<f32>("a").unwrap() + pair.get::<f32>("b").unwrap()).unwrap();
    /// })?;
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn from_argument(arguments: &Arguments<'_>, index: usize) -> Result<Self, CallError> {
        let ty = arguments.ty(index).ok_or_else(|| {
            let reason = InterfaceReason::NoSuchArgument { count: arguments.len() };
            InvalidCallInterfaceError::argument(index, reason)
        })?;
        let mut value = Self::new(ty)?;
        arguments.read(index, value.as_bytes_mut())?;
        Ok(value)
    }

    /// The type.
    pub fn ty(&self) -> &Type {
        &self.ty
    }

    /// The bytes, in the machine's byte order, padding included.
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: the memory has that size, is initialised, and is borrowed with `self`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.ty.size()) }
    }

    /// The bytes, to be written. Any are allowed: what they mean is looked at when they are read.
    ///
    /// # Examples
    /// ```
    /// use ffi::{Type, Value};
    /// let mut value = Value::new(&Type::U32)?;
    /// value.as_bytes_mut().copy_from_slice(&7_u32.to_ne_bytes());
    /// assert_eq!(value.get::<u32>("")?, 7);
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn as_bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `self` is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.ty.size()) }
    }

    /// The address of the value, aligned as its type asks, for as long as it lives.
    pub fn as_ptr(&self) -> *const c_void {
        self.start.as_ptr().cast()
    }

    /// The address of the value, for C to write to. Rust code that writes through it has to leave
    /// no byte uninitialised, as the padding of a Rust struct is.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(target_os = "linux")] {
    /// use ffi::{Declared, Library, Type, Value, arg};
    /// // double frexp(double, int *): an `int` comes back through the pointer.
    /// // SAFETY: the C library's mathematics has no constructors that could do harm.
    /// let libm = unsafe { Library::open("libm.so.6") }?;
    /// let frexp = libm.function("double frexp(double, int *);")?;
    /// let mut exponent = Value::new(&Type::C_INT)?;
    /// let to = exponent.as_mut_ptr();
    /// // SAFETY: this is its prototype, and there is room for an `int`.
    /// assert_eq!(unsafe { frexp.call::<f64>(&[arg(&10.0), arg(&to)]) }?, 0.625);
    /// assert_eq!(exponent.get::<i32>("")?, 4);
    /// # }
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn as_mut_ptr(&mut self) -> *mut c_void {
        self.start.as_ptr().cast()
    }

    /// The value as an argument of a call.
    ///
    /// # Examples
    /// ```
    /// use ffi::{CallInterface, Type, Value};
    /// use std::ffi::c_void;
    /// #[repr(C)]
    /// struct Point { x: i32, y: f64 }
    /// extern "C" fn sum(point: Point) -> f64 { f64::from(point.x) + point.y }
    ///
    /// let point = Type::structure("point").field("x", Type::I32).field("y", Type::F64).build()?;
    /// let mut value = Value::new(&point)?;
    /// value.set("x", 40)?;
    /// value.set("y", 2.5)?;
    /// let interface = CallInterface::new(Type::F64, [point])?;
    /// // SAFETY: `sum` has this signature.
    /// let n: f64 = unsafe { interface.call(sum as *const c_void, &[value.as_arg()]) }?;
    /// assert_eq!(n, 42.5);
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn as_arg(&self) -> Arg<'_> {
        Arg::typed(&self.ty, self.as_bytes())
    }

    /// The type and the bytes of a member, for types that are known only at run time.
    ///
    /// # Errors
    /// A [`FieldError`] when there is no such member or element, or the path is malformed, and
    /// [`FieldProblem::BitField`] for a bit-field.
    ///
    /// # Examples
    /// ```
    /// use ffi::{Type, Value};
    /// let point = Type::structure("point").field("x", Type::I32).field("y", Type::F64).build()?;
    /// let value = Value::new(&point)?;
    /// let (ty, bytes) = value.field("y")?;
    /// assert_eq!((ty, bytes.len()), (Type::F64, 8));
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn field(&self, path: &str) -> Result<(Type, &[u8]), FieldError> {
        let (ty, range) = self.bytes_of(path)?;
        Ok((ty, &self.as_bytes()[range]))
    }

    /// As [`field`](Self::field), with the bytes to be written.
    ///
    /// # Errors
    /// As for [`field`](Self::field).
    ///
    /// # Examples
    /// ```
    /// use ffi::{Type, Value};
    /// let point = Type::structure("point").field("x", Type::I32).field("y", Type::F64).build()?;
    /// let mut value = Value::new(&point)?;
    /// let (_, bytes) = value.field_mut("x")?;
    /// bytes.copy_from_slice(&7_i32.to_ne_bytes());
    /// assert_eq!(value.get::<i32>("x")?, 7);
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn field_mut(&mut self, path: &str) -> Result<(Type, &mut [u8]), FieldError> {
        let (ty, range) = self.bytes_of(path)?;
        Ok((ty, &mut self.as_bytes_mut()[range]))
    }

    fn bytes_of(&self, path: &str) -> Result<(Type, Range<usize>), FieldError> {
        let Part { ty, offset, bits } = resolve(&self.ty, path)?;
        if bits.is_some() {
            return Err(FieldError::new(path, FieldProblem::BitField));
        }
        let end = offset + ty.size();
        Ok((ty, offset..end))
    }

    /// A member as a Rust value. A `bool` is true unless its byte is 0.
    ///
    /// # Errors
    /// A [`FieldError`]: as for [`field`](Self::field); [`FieldProblem::Mismatch`] when `T` has
    /// another size or kind than the member, and as [`Type::check_readable`] says for `bool` and
    /// structs and, always, for function pointers and enums: read those as raw pointers and numbers;
    /// [`FieldProblem::NotAnyBits`] for a struct that is not declared to take
    /// [any bits](CType::ANY_BITS), if it has a pointer, or a `bool` that is neither 0 nor 1, or
    /// more than [`MAX_LEAVES_SIZE`](crate::MAX_LEAVES_SIZE) bytes. A bit-field is read as a
    /// number of its declared type, which says whether it has a sign.
    ///
    /// # Examples
    /// ```
    /// use ffi::{Type, Value};
    /// let point = Type::structure("point").field("x", Type::I32).field("y", Type::F64).build()?;
    /// let mut value = Value::new(&point)?;
    /// value.set("x", 7)?;
    /// assert_eq!(value.get::<i32>("x")?, 7);
    /// assert!(value.get::<i64>("x").is_err());
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn get<T: CType>(&self, path: &str) -> Result<T, FieldError> {
        let Part { ty, offset, bits } = resolve(&self.ty, path)?;
        let fail = |reason| FieldError::new(path, reason);
        let Some((start, width)) = bits else {
            return read(&ty, &self.as_bytes()[offset..offset + ty.size()]).map_err(fail);
        };
        let signed = ty.as_scalar().is_some_and(Scalar::is_signed);
        let number = bits::get(&self.as_bytes()[offset..], start, width, signed);
        read(&ty, &number.to_le_bytes()[..ty.size()]).map_err(fail)
    }

    /// Sets a member.
    ///
    /// # Errors
    /// A [`FieldError`], and then nothing was written: as for [`field`](Self::field), and
    /// [`FieldProblem::Mismatch`] when `T` has another size or kind than the member,
    /// [`FieldProblem::BitFieldRange`] for a number that is too large for a bit-field.
    ///
    /// # Examples
    /// ```
    /// use ffi::{Type, Value};
    /// let point = Type::structure("point").field("x", Type::I32).field("y", Type::F64).build()?;
    /// let mut value = Value::new(&point)?;
    /// value.set("y", 2.5)?;
    /// assert_eq!(
    ///     value.set("z", 2.5).unwrap_err().to_string().split(';').next(),
    ///     Some("`z`: `struct point` has no member `z`")
    /// );
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub fn set<T: CType>(&mut self, path: &str, value: T) -> Result<(), FieldError> {
        let Part { ty, offset, bits } = resolve(&self.ty, path)?;
        ty.check_value(size_of::<T>(), T::KIND).map_err(|reason| FieldError::new(path, reason))?;
        if let Some((start, width)) = bits {
            let mut number = [0; 16];
            // SAFETY: it is an integer of at most 16 bytes, as the bit-field's type is.
            unsafe { number.as_mut_ptr().cast::<T>().write_unaligned(value) };
            let number = u128::from_le_bytes(number);
            let signed = ty.as_scalar().is_some_and(Scalar::is_signed);
            let text = bits::fits(number, ty.size(), width, signed);
            if let Err(value) = text {
                return Err(FieldError::new(path, FieldProblem::BitFieldRange { value, width }));
            }
            bits::set(&mut self.as_bytes_mut()[offset..], start, width, number);
            return Ok(());
        }
        let target = self.as_bytes_mut()[offset..offset + ty.size()].as_mut_ptr();
        // SAFETY: the member has the size of `T`.
        unsafe { target.cast::<T>().write_unaligned(value) };
        if T::SCALAR.is_none() {
            initialize(target);
        }
        Ok(())
    }

    fn layout(&self) -> Layout {
        // SAFETY: `new` made the same layout, with a check.
        unsafe { Layout::from_size_align_unchecked(self.ty.size(), self.ty.align()) }
    }
}

/// Padding that was copied from a Rust struct is uninitialised as the compiler sees it, although
/// the memory has some bytes there. This makes it take those as they are.
fn initialize(target: *mut u8) {
    // SAFETY: there is no instruction. All that the compiler knows is that the memory may have
    // been written, with the bytes that it has.
    unsafe { std::arch::asm!("/* {0} */", in(reg) target, options(nostack, preserves_flags)) };
}

fn read<T: CType>(ty: &Type, bytes: &[u8]) -> Result<T, FieldProblem> {
    ty.check_readable::<T>()?;
    if T::SCALAR == Some(Scalar::Bool) {
        // Anyone may have written the byte, and only 0 and 1 make a `bool`.
        let truth = u8::from(bytes.iter().any(|&byte| byte != 0));
        // SAFETY: `T` is one byte that C knows as a `bool`, and this is a valid one.
        return Ok(unsafe { std::mem::transmute_copy::<u8, T>(&truth) });
    }
    if !T::ANY_BITS && !is_harmless(ty, bytes) {
        return Err(FieldProblem::NotAnyBits { ty: ty.to_string() });
    }
    // SAFETY: the bytes are as many as `T` has, and make a valid one: either any do, or they make
    // numbers and truths where `T` has the same ones.
    Ok(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}

/// Whether C could hand over these bytes for any type of that layout: not so a null pointer for a
/// function's, or 2 for a `bool`.
fn is_harmless(ty: &Type, bytes: &[u8]) -> bool {
    let leaves = ty.leaves();
    let simple = ty.is_void() || ty.as_scalar().is_some() || ty.elements().is_some();
    let harmless = |leaf: &Leaf| match leaf.what {
        Fundamental::Scalar(Scalar::Pointer) => false,
        Fundamental::Scalar(Scalar::Bool) => bytes[leaf.offset as usize] < 2,
        _ => true,
    };
    simple || !leaves.is_empty() && leaves.iter().all(harmless)
}

impl Clone for Value {
    fn clone(&self) -> Self {
        let Ok(mut copy) = Self::new(&self.ty) else {
            // As for every clone, running out of memory ends the process.
            handle_alloc_error(self.layout())
        };
        copy.as_bytes_mut().copy_from_slice(self.as_bytes());
        copy
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        if self.ty.size() > 0 {
            // SAFETY: it was allocated by that layout, and nothing borrows it any more.
            unsafe { dealloc(self.start.as_ptr(), self.layout()) };
        }
    }
}

impl CallInterface {
    /// As [`call`](Self::call), for a result whose type is known only at run time, such as a
    /// struct by value. Allocates memory for it.
    ///
    /// # Safety
    /// As for [`call`](Self::call).
    ///
    /// # Errors
    /// [`CallError::Interface`] and [`CallError::Allocation`], and then nothing was called.
    ///
    /// # Examples
    /// ```
    /// use ffi::{CallInterface, Type, arg};
    /// use std::ffi::c_void;
    /// extern "C" fn twice(n: i32) -> i32 { 2 * n }
    ///
    /// let interface = CallInterface::new(Type::C_INT, [Type::C_INT])?;
    /// // SAFETY: `twice` has this signature.
    /// let value = unsafe { interface.call_value(twice as *const c_void, &[arg(&21_i32)]) }?;
    /// assert_eq!((value.ty(), value.get::<i32>("")?), (&Type::C_INT, 42));
    /// # Ok::<(), ffi::Error>(())
    /// ```
    pub unsafe fn call_value(
        &self,
        function: *const c_void,
        arguments: &[Arg<'_>],
    ) -> Result<Value, CallError> {
        let mut value = Value::new(self.signature().return_type())?;
        let target = value.as_mut_ptr().cast::<MaybeUninit<u8>>();
        // SAFETY: the memory has that size and is nobody else's, and a call writes only whole bytes.
        let target = unsafe { std::slice::from_raw_parts_mut(target, value.ty.size()) };
        // SAFETY: the caller's.
        unsafe { self.call_into(function, arguments, target) }?;
        Ok(value)
    }

    /// As [`call_value`](Self::call_value), but only if the context still allows it, and captures
    /// the `errno` that the function leaves behind.
    ///
    /// # Safety
    /// As for [`call`](Self::call).
    ///
    /// # Errors
    /// As for [`call_value`](Self::call_value), and [`CallError::Cancelled`] and
    /// [`CallError::DeadlineExceeded`].
    pub unsafe fn call_value_errno(
        &self,
        context: &Context,
        function: *const c_void,
        arguments: &[Arg<'_>],
    ) -> Result<WithErrno<Value>, CallError> {
        context.check()?;
        let mut value = Value::new(self.signature().return_type())?;
        let target = value.as_mut_ptr().cast::<MaybeUninit<u8>>();
        // SAFETY: as in `call_value`.
        let target = unsafe { std::slice::from_raw_parts_mut(target, value.ty.size()) };
        let mut result = Ok(());
        // SAFETY: the caller's.
        let errno = captured(|| result = unsafe { self.call_into(function, arguments, target) });
        result?;
        Ok(WithErrno { value, errno })
    }
}
