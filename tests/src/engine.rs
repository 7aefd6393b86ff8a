//! What is under test: the facade, or libffi's interface.

use ffi::{
    Arguments, CallInterface, Callback, Error, ReturnSlot, Signature, VariadicArguments,
    implementation,
};
use std::any::Any;
use std::ffi::c_void;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

/// The bytes of each argument that a callback received.
pub type Received = Arc<Mutex<Vec<Vec<u8>>>>;

/// Something that calls, and makes callbacks.
pub trait Engine: Debug + Sync {
    /// Whether it can say such a signature.
    fn takes(&self, signature: &Signature) -> bool;

    /// Calls a function, and writes the bytes of its result to `result`, as many as its type has.
    ///
    /// # Safety
    /// The function has that signature, and there is a pointer to each argument.
    ///
    /// # Panics
    /// If the call cannot be made.
    unsafe fn call(
        &self,
        signature: &Signature,
        function: *const c_void,
        arguments: &[*const c_void],
        result: *mut u8,
    );

    /// A callback that leaves its arguments in `received` and returns `result`: what C calls, and
    /// what keeps it alive.
    ///
    /// # Panics
    /// If it cannot be made.
    fn callback(
        &self,
        signature: &Signature,
        received: Received,
        result: Vec<u8>,
    ) -> (*const c_void, Box<dyn Any>);
}

/// The facade.
#[derive(Debug)]
pub struct Facade;

impl Engine for Facade {
    fn takes(&self, _: &Signature) -> bool {
        true
    }

    unsafe fn call(
        &self,
        signature: &Signature,
        function: *const c_void,
        arguments: &[*const c_void],
        result: *mut u8,
    ) {
        let interface = CallInterface::with_signature(signature.clone());
        let interface = interface.expect("the case can be prepared");
        // SAFETY: the caller's.
        unsafe { interface.invoke(function, arguments, result.cast()) }.expect("the call fits");
    }

    fn callback(
        &self,
        signature: &Signature,
        received: Received,
        result: Vec<u8>,
    ) -> (*const c_void, Box<dyn Any>) {
        let callback = match signature.first_variadic() {
            Some(first) => variadic_callback(signature, first, received, result),
            None => Callback::with_signature(signature.clone(), move |arguments, slot| {
                *received.lock().expect("no panic") = all(arguments);
                slot.set_bytes(&result).expect("the size is right");
            }),
        };
        let callback = callback.expect("the callback can be made");
        (callback.as_ptr(), Box::new(callback))
    }
}

/// The bytes of all arguments that have a name.
fn all(arguments: &Arguments<'_>) -> Vec<Vec<u8>> {
    let read = |index| {
        let mut bytes = vec![0xcc; arguments.ty(index).expect("in range").size()];
        arguments.read(index, &mut bytes).expect("the size is right");
        bytes
    };
    (0..arguments.len()).map(read).collect()
}

/// One that takes what is variadic out of `...` itself.
fn variadic_callback(
    signature: &Signature,
    first: usize,
    received: Received,
    result: Vec<u8>,
) -> Result<Callback, Error> {
    let (named, rest) = signature.arguments().split_at(first);
    let (convention, returned) = (signature.convention(), signature.return_type().clone());
    let named = Signature::variadic(convention, returned, named.to_vec(), first)?;
    let rest = rest.to_vec();
    let closure = move |arguments: &Arguments<'_>,
                        variadic: &mut VariadicArguments<'_>,
                        slot: &mut ReturnSlot<'_>| {
        let mut all = all(arguments);
        for ty in &rest {
            let mut bytes = vec![0xcc; ty.size()];
            variadic.read(ty, &mut bytes).expect("the case can be prepared");
            all.push(bytes);
        }
        *received.lock().expect("no panic") = all;
        slot.set_bytes(&result).expect("the size is right");
    };
    // SAFETY: the callers that C has of it pass arguments of just these types.
    unsafe { Callback::options().create_variadic(named, closure) }
}

/// Images that are filled first, as an interpreter does, and callbacks of the facade.
#[derive(Debug)]
pub struct Images;

impl Engine for Images {
    fn takes(&self, _: &Signature) -> bool {
        true
    }

    unsafe fn call(
        &self,
        signature: &Signature,
        function: *const c_void,
        arguments: &[*const c_void],
        result: *mut u8,
    ) {
        let implementation = implementation(signature.convention()).expect("it can be called here");
        let plan = implementation.plan(signature).expect("the case can be prepared");
        let entry = implementation.image_entry(&plan).expect("it can be called here");
        // What is aligned is the stack area, behind the registers.
        let (align, registers) = (plan.stack_align(), plan.registers().size as usize);
        let mut room = vec![0x55_u8; plan.image_size() + registers + align];
        let start = room[registers..].as_ptr().align_offset(align);
        // SAFETY: the image is as large as the plan says; the rest is the caller's.
        unsafe {
            let image = room.as_mut_ptr().add(start);
            plan.store_arguments(arguments.as_ptr().cast(), result, image);
            entry(&plan, function, image, result.cast());
        }
    }

    fn callback(
        &self,
        signature: &Signature,
        received: Received,
        result: Vec<u8>,
    ) -> (*const c_void, Box<dyn Any>) {
        Facade.callback(signature, received, result)
    }
}
