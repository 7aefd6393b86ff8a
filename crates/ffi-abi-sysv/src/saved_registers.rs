//! What belongs to the caller stays as it was: the assembly itself is called, without the Rust
//! around it, which would save registers that it clobbers.

use crate::registers::{Registers, Room, WideReturned, WideRoom};
use crate::trampoline::{call_general, call_stack, call_steps, call_vector, call_wide};
use crate::{SysV, plan};
use core::ffi::c_void;
use core::mem::MaybeUninit;
use ffi_types::{
    CallbackHeader, CallingConvention, Convention, Plan, Scalar, Signature, Slot, Target, Type,
    check_vector_size,
};

// A caller and a callee that use all that a function may use.
core::arch::global_asm!(include_str!("probe.s"));

// SAFETY: they are defined there.
unsafe extern "sysv64" {
    #[link_name = "ffi_test_sysv_probe"]
    fn probe(function: *const c_void, arguments: &[u64; 6]) -> u32;
    #[link_name = "ffi_test_sysv_clobber"]
    fn clobber();
    #[link_name = "ffi_test_sysv_clobber_st0"]
    fn clobber_st0();
    #[link_name = "ffi_test_sysv_clobber_st1"]
    fn clobber_st1();
}

/// The platform's own convention has the function keep these or more.
unsafe extern "C-unwind" fn clobbers(
    _: *const CallbackHeader,
    _: *mut u8,
    _: *const u8,
    _: *mut u8,
    _: *const Slot,
) {
    // SAFETY: Rust saves what the other convention does not.
    unsafe { clobber() };
}

unsafe extern "sysv64" fn fill(
    _: &Plan,
    _: *const *const c_void,
    _: *mut c_void,
    _: *mut Registers,
) -> u32 {
    8
}

fn kept(function: *const c_void, arguments: [u64; 6]) {
    // SAFETY: the caller's function takes these.
    let changed = unsafe { probe(function, &arguments) };
    assert_eq!(changed, 0, "{changed:#034b}: bit 0 is rbx, bit 16 the direction flag");
}

#[test]
fn calls_keep_what_the_function_keeps() {
    let registers = Registers::default();
    let (image, function) = (&raw const registers as u64, clobber as *const () as u64);
    kept(call_general as *const c_void, [image, function, 0, 0, 0, 0]);
    kept(call_vector as *const c_void, [image, function, 8, 0, 0, 0]);
    for (size, align) in [(16, 16), (48, 16), (64, 64), (100_000, 32)] {
        let mut returned = MaybeUninit::<WideReturned>::uninit();
        let returned = returned.as_mut_ptr();
        for vector_size in [16, 32, 64].into_iter().filter(|&size| check_vector_size(size).is_ok())
        {
            let vector_size = vector_size.into();
            let room = Room { size, align };
            let fill = fill as *const () as u64;
            // The room of `call_wide` starts with that of `call_stack`.
            let wide = WideRoom { room, returned, vector_size, x87: 0 };
            let arguments = [0, 0, 0, function, &raw const wide as u64, fill];
            kept(call_stack as *const c_void, arguments);
            kept(call_wide as *const c_void, arguments);
            for (x87, function) in [(1, clobber_st0 as *const ()), (2, clobber_st1 as *const ())] {
                let wide = WideRoom { room: Room { size, align }, x87, ..wide };
                let arguments = [0, 0, 0, function as u64, &raw const wide as u64, fill];
                kept(call_wide as *const c_void, arguments);
            }
        }
    }
}

#[test]
fn calls_by_steps_keep_it_too() {
    let mut called = 0;
    let value = 1_u64;
    let arguments = [&raw const value; 14];
    // In registers alone, on as much of the stack as steps may fill, and with a result in memory.
    let large = Type::structure("large").field("a", Type::I64).field("b", Type::I64);
    let large = large.field("c", Type::I64).build().expect("a structure");
    for (result, count) in [(Type::I64, 2), (Type::I64, 14), (Type::F64, 14), (large, 3)] {
        for ty in [Type::I64, Type::I8, Type::F64, Type::F32] {
            let types = core::iter::repeat_n(ty, count);
            let signature = Signature::new(Convention::SysV, result.clone(), types);
            let plan = plan(&signature.expect("a C signature")).expect("a plan");
            let Some(program) = plan.program() else { continue };
            let mut result = [0_u64; 3];
            let target =
                Target { function: clobber as *const c_void, result: (&raw mut result).cast() };
            let arguments = arguments.as_ptr() as u64;
            let (program, target) = (program as *const _ as u64, &raw const target as u64);
            kept(call_steps as *const c_void, [program, target, arguments, 0, 0, 0]);
            called += 1;
        }
    }
    assert_eq!(called, 16, "each has a program");
}

#[test]
fn callbacks_keep_what_belongs_to_their_caller() {
    let header = CallbackHeader { dispatch: clobbers };
    let table = SysV.thunks().expect("x86-64");
    let vector = |lanes| Type::vector(Scalar::F64, lanes).expect("a vector");
    let types = [Type::I64, Type::F64, vector(2), vector(4), vector(8)];
    // Each handler has two more, for results in one and two registers of x87.
    let pair = Type::complex(Scalar::F80).expect("a complex type");
    let cases = types.into_iter().flat_map(|ty| {
        [(ty.clone(), ty.clone(), 0), (Type::F80, ty.clone(), 1), (pair.clone(), ty, 2)]
    });
    for (index, (result, ty, in_x87)) in [0, table.count() - 1].into_iter().cycle().zip(cases) {
        if check_vector_size(ty.size() as u8).is_err() {
            continue;
        }
        let signature = Signature::new(Convention::SysV, result, [ty]);
        let plan = plan(&signature.expect("a C signature")).expect("a plan");
        let handler = SysV.callback_handler(&plan).expect("x86-64");
        let slot = table.slot(index).expect("it is in the table");
        // SAFETY: the handler fits the plan, and the header outlives the call below; no other
        // test in this program uses the thunks.
        unsafe {
            slot.set_handler(handler);
            slot.set_context(&header);
        }
        let thunk = table.thunk(index).expect("it is in the table");
        // SAFETY: no argument is looked at.
        let changed = unsafe { probe(thunk, &[0; 6]) };
        assert_eq!(changed, in_x87 << 24, "{changed:#034b}: bit 0 is rbx, bit 24 counts x87's");
    }
}
