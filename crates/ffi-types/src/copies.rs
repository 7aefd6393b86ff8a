//! Copies of arguments that are passed by reference, for calls by steps: these know how to load an
//! argument, and so are given one that is the address of its copy.

use crate::Plan;
use core::ffi::c_void;
use core::mem::MaybeUninit;

/// The most arguments of such a call.
const MAX_COUNT: usize = 16;
/// The most bytes that its copies take.
const MAX_SIZE: usize = 128;

#[repr(align(16))]
struct Room([MaybeUninit<u8>; MAX_SIZE]);

/// Whether [`with_copies`] has room for all that calls by this plan pass by reference.
#[inline]
pub fn has_few_copies(plan: &Plan) -> bool {
    plan.argument_count() <= MAX_COUNT
        && plan.frame_size() - plan.stack_size() <= MAX_SIZE
        && plan.stack_align() <= align_of::<Room>()
}

/// Copies what is passed by reference, and calls with argument pointers of which those lead to the
/// copies' addresses.
///
/// # Safety
/// The plan [has few copies](has_few_copies), and the arguments are as
/// [`Plan::store_arguments`] asks for them.
#[inline(always)]
pub unsafe fn with_copies<R>(
    plan: &Plan,
    arguments: *const *const c_void,
    call: impl FnOnce(*const *const c_void) -> R,
) -> R {
    let mut room = Room([const { MaybeUninit::uninit() }; MAX_SIZE]);
    let mut addresses = [const { MaybeUninit::<*mut u8>::uninit() }; MAX_COUNT];
    let mut pointers = [const { MaybeUninit::<*const c_void>::uninit() }; MAX_COUNT];
    // In the image, the copies lie behind the stack area.
    let start = plan.registers.size + plan.stack_size;
    let mut references = plan.by_reference().iter().peekable();
    // SAFETY: there are no more arguments than the arrays are long, and each argument has the bytes
    // of its copy; the copies' places are in the part of the image that is as large as the room.
    unsafe {
        for index in 0..plan.argument_count() {
            let argument = *arguments.add(index);
            let pointer = pointers.get_unchecked_mut(index);
            let Some(r) = references.next_if(|r| usize::from(r.argument) == index) else {
                pointer.write(argument);
                continue;
            };
            let copy = room.0.as_mut_ptr().add((r.copy_to - start) as usize).cast::<u8>();
            core::ptr::copy_nonoverlapping(argument.cast::<u8>(), copy, r.len as usize);
            pointer
                .write(core::ptr::from_ref(addresses.get_unchecked_mut(index).write(copy)).cast());
        }
    }
    call(pointers.as_ptr().cast())
}
