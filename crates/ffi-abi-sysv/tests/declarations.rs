//! SysV psABI 3.2.3 as a table: a declaration, and the eightbytes of each argument and of the
//! result, worked out by hand from the text.
//!
//! A declaration is `result (arguments)` in the notation of [`Parser`]. An argument's eightbytes
//! are joined by `+`, arguments are separated by spaces. Pure: it runs on every host.

use ffi_abi_sysv::{Class, Classes, classify, plan};
use ffi_types::{
    AggregateBuilder, Convention, Extension, InterfaceField, InterfaceReason,
    InvalidCallInterfaceError, Location, Plan, ReturnPlan, Signature, Type,
};

/// `i8` to `u64`, `bool`, `f32`, `f64`, `ptr`, `void`; `{i8, f64}` is a struct and `<i8, f64>` a
/// union; after a type, `[3]` makes an array of it, `@16` aligns an aggregate and `!` packs it.
/// In the list of arguments `f64*3` stands for three of them, and `...` for where the variadic
/// ones begin.
struct Parser<'a>(&'a str);

impl Parser<'_> {
    fn take(&mut self, token: &str) -> bool {
        self.0 = self.0.trim_start();
        let rest = self.0.strip_prefix(token);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn word(&mut self) -> &str {
        self.0 = self.0.trim_start();
        let end = self.0.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        word
    }

    fn number(&mut self) -> usize {
        self.word().parse().expect("a number")
    }

    fn ty(&mut self) -> Type {
        let mut ty = if self.take("{") {
            self.aggregate(Type::anonymous_structure(), "}")
        } else if self.take("<") {
            self.aggregate(Type::anonymous_union(), ">")
        } else {
            match self.word() {
                "void" => Type::VOID,
                "bool" => Type::BOOL,
                "i8" => Type::I8,
                "u8" => Type::U8,
                "i16" => Type::I16,
                "u16" => Type::U16,
                "i32" => Type::I32,
                "u32" => Type::U32,
                "i64" => Type::I64,
                "u64" => Type::U64,
                "f32" => Type::F32,
                "f64" => Type::F64,
                "ptr" => Type::POINTER,
                other => panic!("{other:?} is no type"),
            }
        };
        while self.take("[") {
            ty = Type::array(ty, self.number()).expect("a C array");
            assert!(self.take("]"));
        }
        ty
    }

    fn aggregate(&mut self, mut builder: AggregateBuilder, close: &str) -> Type {
        for index in 0.. {
            builder = builder.field(&format!("m{index}"), self.ty());
            if self.take(close) {
                break;
            }
            assert!(self.take(","), "a comma before {:?}", self.0);
        }
        if self.take("!") {
            builder = builder.packed();
        }
        if self.take("@") {
            builder = builder.align(self.number());
        }
        builder.build().expect("a C type")
    }

    fn signature(text: &str) -> Signature {
        let mut parser = Parser(text);
        let (result, mut arguments, mut first_variadic) = (parser.ty(), Vec::new(), None);
        assert!(parser.take("("));
        while !parser.take(")") {
            if parser.take("...") {
                first_variadic = Some(arguments.len());
            }
            if parser.take(")") {
                break;
            }
            let ty = parser.ty();
            let count = if parser.take("*") { parser.number() } else { 1 };
            arguments.extend(vec![ty; count]);
            parser.take(",");
        }
        let signature = match first_variadic {
            Some(first) => Signature::variadic(Convention::SysV, result, arguments, first),
            None => Signature::new(Convention::SysV, result, arguments),
        };
        signature.expect("a C signature")
    }
}

fn planned(declaration: &str) -> Plan {
    plan(&Parser::signature(declaration)).expect("it can be planned")
}

/// Each eightbyte's place, by the byte of the value that goes there first.
fn eightbytes(moves: &[ffi_types::Move], at: impl Fn(u32) -> Location) -> String {
    let mut places = Vec::new();
    for m in moves {
        for done in (0..m.len).step_by(8) {
            assert_eq!((m.offset + done) % 8, 0, "moves start at eightbytes: {m:?}");
            places.push(at(m.to + done).to_string());
        }
    }
    places.join("+")
}

fn arguments(plan: &Plan) -> String {
    let place = |index| eightbytes(plan.moves_of(index), |to| plan.registers().location(to));
    (0..plan.argument_count()).map(place).collect::<Vec<_>>().join(" ")
}

fn result(plan: &Plan) -> String {
    let returned = |to| plan.return_registers().location(to);
    match plan.return_plan() {
        ReturnPlan::Void => "void".into(),
        ReturnPlan::Registers(moves) => eightbytes(moves, returned),
        ReturnPlan::Memory { pointer_to, pointer_back } => {
            let to = plan.registers().location(pointer_to);
            format!(
                "{to} -> {}",
                pointer_back.map_or("nothing".into(), |b| returned(b).to_string())
            )
        }
        other => panic!("{other:?}"),
    }
}

/// Asserts for each row the arguments and the result, the vector count and the stack's size.
#[track_caller]
fn check(rows: &[(&str, &str, &str, u8, usize)]) {
    for &(declaration, places, returned, vectors, stack) in rows {
        let plan = planned(declaration);
        assert_eq!(arguments(&plan), places, "{declaration}");
        assert_eq!(result(&plan), returned, "the result of {declaration}");
        assert_eq!(plan.vector_count(), vectors, "the vector registers of {declaration}");
        assert_eq!(plan.stack_size(), stack, "the stack of {declaration}");
    }
}

#[test]
fn scalars_take_the_registers_of_their_class_in_order() {
    check(&[
        ("void ()", "", "void", 0, 0),
        ("i32 (i32)", "rdi", "rax", 0, 0),
        ("f32 (f32)", "xmm0", "xmm0", 1, 0),
        ("ptr (ptr, f64, bool, f32, u8)", "rdi xmm0 rsi xmm1 rdx", "rax", 2, 0),
        ("f64 (i8, i16, i32, i64, u16, u32)", "rdi rsi rdx rcx r8 r9", "xmm0", 0, 0),
        ("void (i32*7)", "rdi rsi rdx rcx r8 r9 [stack+0]", "void", 0, 16),
        ("void (f32*9)", "xmm0 xmm1 xmm2 xmm3 xmm4 xmm5 xmm6 xmm7 [stack+0]", "void", 8, 16),
    ]);
}

/// Whatever its size, each argument on the stack takes a whole number of eightbytes.
#[test]
fn twenty_of_both_kinds() {
    check(&[
        (
            "i64 (i8*20)",
            "rdi rsi rdx rcx r8 r9 [stack+0] [stack+8] [stack+16] [stack+24] [stack+32] [stack+40] \
             [stack+48] [stack+56] [stack+64] [stack+72] [stack+80] [stack+88] [stack+96] \
             [stack+104]",
            "rax",
            0,
            112,
        ),
        (
            "f64 (f32*20)",
            "xmm0 xmm1 xmm2 xmm3 xmm4 xmm5 xmm6 xmm7 [stack+0] [stack+8] [stack+16] [stack+24] \
             [stack+32] [stack+40] [stack+48] [stack+56] [stack+64] [stack+72] [stack+80] \
             [stack+88]",
            "xmm0",
            8,
            96,
        ),
        (
            "void (i32, f64, i32, f64, i32, f64, i32, f64, i32, f64, i32, f64, i32, f64, i32, \
             f64, i32, f64, i32, f64)",
            "rdi xmm0 rsi xmm1 rdx xmm2 rcx xmm3 r8 xmm4 r9 xmm5 [stack+0] xmm6 [stack+8] xmm7 \
             [stack+16] [stack+24] [stack+32] [stack+40]",
            "void",
            8,
            48,
        ),
    ]);
}

#[test]
fn structs_of_up_to_two_eightbytes_by_the_class_of_each() {
    check(&[
        ("{i64, i64} ({i64, i64})", "rdi+rsi", "rax+rdx", 0, 0),
        ("{f64, f64} ({f64, f64})", "xmm0+xmm1", "xmm0+xmm1", 2, 0),
        ("{i64, f64} ({i64, f64})", "rdi+xmm0", "rax+xmm0", 1, 0),
        ("{f64, i64} ({f64, i64})", "xmm0+rdi", "xmm0+rax", 1, 0),
        // Two floats to an eightbyte.
        ("{f32, f32} ({f32, f32})", "xmm0", "xmm0", 1, 0),
        ("{f32[3]} ({f32[3]})", "xmm0+xmm1", "xmm0+xmm1", 2, 0),
        ("{f32[4]} ({f32[4]})", "xmm0+xmm1", "xmm0+xmm1", 2, 0),
        // An integer beside a float makes INTEGER of the eightbyte, on whichever side it is.
        ("{i32, f32} ({i32, f32})", "rdi", "rax", 0, 0),
        ("{f32, i32} ({f32, i32})", "rdi", "rax", 0, 0),
        ("{f32, f32, i8} ({f32, f32, i8})", "xmm0+rdi", "xmm0+rax", 1, 0),
        ("{i8, f32, f32} ({i8, f32, f32})", "rdi+xmm0", "rax+xmm0", 1, 0),
        ("{f32, i8, f64} ({f32, i8, f64})", "rdi+xmm0", "rax+xmm0", 1, 0),
        ("{f64, f32, bool} ({f64, f32, bool})", "xmm0+rdi", "xmm0+rax", 1, 0),
        // Small ones, and odd sizes.
        ("{i8} ({i8}, i8)", "rdi rsi", "rax", 0, 0),
        ("{u8[3]} ({u8[3]})", "rdi", "rax", 0, 0),
        ("{u8[9]} ({u8[9]})", "rdi+rsi", "rax+rdx", 0, 0),
        ("{u8[16]} ({u8[16]})", "rdi+rsi", "rax+rdx", 0, 0),
    ]);
}

#[test]
fn nesting_and_arrays_make_no_difference() {
    check(&[
        ("{f32} ({f32}, {f64}, {ptr})", "xmm0 xmm1 rdi", "xmm0", 2, 0),
        ("{{{f64}}, {{i64}}} ({{{f64}}, {{i64}}})", "xmm0+rdi", "xmm0+rax", 1, 0),
        ("{{f32[2]}, {i32[2]}} ({{f32[2]}, {i32[2]}})", "xmm0+rdi", "xmm0+rax", 1, 0),
        ("{{f32, i8}[2]} ({{f32, i8}[2]})", "rdi+rsi", "rax+rdx", 0, 0),
        ("{{f32}[2], {{f32}, {f32}}} ({f32[2][2]})", "xmm0+xmm1", "xmm0+xmm1", 2, 0),
        // The struct inside ends in padding, so the last member is in the second eightbyte.
        ("{{f64, i8}} ({{i32, i8}, f32})", "rdi+xmm0", "xmm0+rax", 1, 0),
    ]);
}

#[test]
fn unions_merge_what_overlaps() {
    check(&[
        ("<f64, f32> (<f64, f32>)", "xmm0", "xmm0", 1, 0),
        ("<f64, i8> (<f64, i8>)", "rdi", "rax", 0, 0),
        ("<i8, f64> (<i8, f64>)", "rdi", "rax", 0, 0),
        ("<f64, i32[3]> (<f64, i32[3]>)", "rdi+rsi", "rax+rdx", 0, 0),
        ("<i64, {f32, f32, f32}> (<i64, {f32, f32, f32}>)", "rdi+xmm0", "rax+xmm0", 1, 0),
        ("<{f64, i64}, {f64, f64}> (<{f64, i64}, {f64, f64}>)", "xmm0+rdi", "xmm0+rax", 1, 0),
        ("{<f32, i32>, f32, f64} ({f64, <f64, ptr>})", "xmm0+rdi", "rax+xmm0", 1, 0),
        ("void (<u8[17]>)", "[stack+0]+[stack+8]+[stack+16]", "void", 0, 32),
    ]);
}

/// "If there are no registers available for any eightbyte of an argument, the whole argument is
/// passed on the stack. If registers have already been assigned for some eightbytes of such an
/// argument, the assignments get reverted."
#[test]
fn what_does_not_fit_goes_whole_to_the_stack_and_leaves_its_registers() {
    check(&[
        (
            "void (i64*5, {i64, i64}, i64)",
            "rdi rsi rdx rcx r8 [stack+0]+[stack+8] r9",
            "void",
            0,
            16,
        ),
        (
            "void (f64*7, {f32[3]}, f64)",
            "xmm0 xmm1 xmm2 xmm3 xmm4 xmm5 xmm6 [stack+0]+[stack+8] xmm7",
            "void",
            8,
            16,
        ),
        // Of a mixed one, a register for one half is not enough.
        (
            "void (i64*6, {f64, i64}, f64)",
            "rdi rsi rdx rcx r8 r9 [stack+0]+[stack+8] xmm0",
            "void",
            1,
            16,
        ),
        (
            "void (f64*8, {f64, i64}, i64, f64)",
            "xmm0 xmm1 xmm2 xmm3 xmm4 xmm5 xmm6 xmm7 [stack+0]+[stack+8] rdi [stack+16]",
            "void",
            8,
            32,
        ),
        // The last of each kind is enough for one half each.
        (
            "void (i64*5, f64*7, {i64, f64}, i8, f32)",
            "rdi rsi rdx rcx r8 xmm0 xmm1 xmm2 xmm3 xmm4 xmm5 xmm6 r9+xmm7 [stack+0] [stack+8]",
            "void",
            8,
            16,
        ),
        (
            "void (i64*4, {i64, i64}, {i64, i64}, {f64, f64})",
            "rdi rsi rdx rcx r8+r9 [stack+0]+[stack+8] xmm0+xmm1",
            "void",
            2,
            16,
        ),
        // Two that do not fit, and what is left over goes to the third.
        (
            "void (i64*5, {i64, i64}, {i64, i64}, {i32}, i64)",
            "rdi rsi rdx rcx r8 [stack+0]+[stack+8] [stack+16]+[stack+24] r9 [stack+32]",
            "void",
            0,
            48,
        ),
    ]);
}

#[test]
fn more_than_two_eightbytes_are_memory() {
    check(&[
        ("{i64[3]} ({i64[3]}, i64)", "[stack+0]+[stack+8]+[stack+16] rsi", "rdi -> rax", 0, 32),
        (
            "{f64[3]} (f64, {f64[3]}, f64)",
            "xmm0 [stack+0]+[stack+8]+[stack+16] xmm1",
            "rdi -> rax",
            2,
            32,
        ),
        ("{f32[5]} ({f32[5]})", "[stack+0]+[stack+8]+[stack+16]", "rdi -> rax", 0, 32),
        (
            "{u8[17]} (u8, {u8[17]}, {u8[17]}, u8)",
            "rsi [stack+0]+[stack+8]+[stack+16] [stack+24]+[stack+32]+[stack+40] rdx",
            "rdi -> rax",
            0,
            48,
        ),
    ]);
    // Behind an odd size the next eightbyte is begun, by a scalar and by a struct.
    check(&[(
        "void (i64*6, {u8[17]}, i8, {u8[3]}, i8)",
        "rdi rsi rdx rcx r8 r9 [stack+0]+[stack+8]+[stack+16] [stack+24] [stack+32] [stack+40]",
        "void",
        0,
        48,
    )]);
    // Longer than what is copied by eightbytes.
    let plan = planned("void ({u8[100]}, i32, {u8[100]})");
    let starts: Vec<_> = (0..3).map(|index| plan.placement(index).to_string()).collect();
    assert_eq!(starts, ["[stack+0]", "rdi", "[stack+104]"]);
    assert_eq!(plan.stack_size(), 208);
}

/// "An aggregate … contains unaligned fields, it has class MEMORY"; packed, but aligned by
/// chance, it is like any other.
#[test]
fn unaligned_fields_are_memory() {
    check(&[
        ("{i8, f64}! ({i8, f64}!, i8)", "[stack+0]+[stack+8] rsi", "rdi -> rax", 0, 16),
        ("{i8, i16}! ({i8, i16}!)", "[stack+0]", "rdi -> rax", 0, 16),
        ("{f32, f64}! (f32, {f32, f64}!)", "xmm0 [stack+0]+[stack+8]", "rdi -> rax", 1, 16),
        ("{{i8, i32}!, i8} ({{i8, i32}!, i8})", "[stack+0]", "rdi -> rax", 0, 16),
        // The second element is the unaligned one.
        ("{{f32, i8}![2]} ({{f32, i8}![2]})", "[stack+0]+[stack+8]", "rdi -> rax", 0, 16),
        ("{f64, i8}! ({f64, i8}!)", "xmm0+rdi", "xmm0+rax", 1, 0),
        ("{i32, i16, i8}! ({i32, i16, i8}!)", "rdi", "rax", 0, 0),
        ("{i8[3]}! ({i8[3]}!)", "rdi", "rax", 0, 0),
        ("<i8, f64>! (<i8, f64>!)", "rdi", "rax", 0, 0),
        // Aligned as a whole, but not inside.
        ("{i8, i32}!@8 ({i8, i32}!@8)", "[stack+0]", "rdi -> rax", 0, 16),
    ]);
}

/// "The caller provides space for the return value and passes the address … in %rdi as if it
/// were the first argument"; it comes back in %rax.
#[test]
fn a_result_in_memory_takes_the_first_integer_register() {
    check(&[
        ("{i64[3]} ()", "", "rdi -> rax", 0, 0),
        ("{i64[3]} (i64*6)", "rsi rdx rcx r8 r9 [stack+0]", "rdi -> rax", 0, 16),
        (
            "{i64[3]} (i64*4, {i64, i64}, i64)",
            "rsi rdx rcx r8 [stack+0]+[stack+8] r9",
            "rdi -> rax",
            0,
            16,
        ),
        (
            "{f64[3]} (f64*8, i64)",
            "xmm0 xmm1 xmm2 xmm3 xmm4 xmm5 xmm6 xmm7 rsi",
            "rdi -> rax",
            8,
            0,
        ),
    ]);
}

/// An over-aligned argument on the stack starts at its own alignment; in registers it makes no
/// difference on x86-64.
#[test]
fn over_aligned_arguments() {
    check(&[
        (
            "void (i64*7, {i64[3]}@16, i64)",
            "rdi rsi rdx rcx r8 r9 [stack+0] [stack+16]+[stack+24]+[stack+32]+[stack+40] [stack+48]",
            "void",
            0,
            64,
        ),
        (
            "void (i64*7, {i64}@32, i64)",
            "rdi rsi rdx rcx r8 r9 [stack+0] [stack+32]+[stack+40]+[stack+48]+[stack+56] [stack+64]",
            "void",
            0,
            80,
        ),
        // Two eightbytes that find no registers.
        (
            "void (i64*6, i8, {i64, i64}@16)",
            "rdi rsi rdx rcx r8 r9 [stack+0] [stack+16]+[stack+24]",
            "void",
            0,
            32,
        ),
        ("{i64, i64}@16 (i8, {i64, i64}@16)", "rdi rsi+rdx", "rax+rdx", 0, 0),
        ("{i64}@32 ()", "", "rdi -> rax", 0, 0),
    ]);
    let align = |declaration| planned(declaration).stack_align();
    assert_eq!(align("void ({i64[3]}@16)"), 16);
    assert_eq!(align("void (i32, {i64}@32)"), 32);
    assert_eq!(align("void ({i64}@64, {i64}@32)"), 64);
    // In registers, and returned, it asks for nothing.
    assert_eq!(align("{i64}@64 ({i64, i64}@16)"), 16);
}

/// NO_CLASS: an eightbyte of padding alone takes no register.
#[test]
fn an_eightbyte_of_padding_takes_no_register() {
    check(&[
        ("{i8}@16 ({i8}@16, i8)", "rdi rsi", "rax", 0, 0),
        ("{f32}@16 ({f32}@16, f32)", "xmm0 xmm1", "xmm0", 2, 0),
        ("void (i64*5, {i8}@16, i8)", "rdi rsi rdx rcx r8 r9 [stack+0]", "void", 0, 16),
        // Without a register it takes both of its eightbytes on the stack.
        (
            "void (i64*6, {i8}@16, i8)",
            "rdi rsi rdx rcx r8 r9 [stack+0]+[stack+8] [stack+16]",
            "void",
            0,
            32,
        ),
    ]);
    // Padding first, as after an empty base in C++.
    let late = |ty| {
        let late = Type::structure("late").field_at("x", ty, 8).stated(16, 8);
        late.build().expect("a type")
    };
    let classes = |ty| classify(&late(ty));
    assert_eq!(classes(Type::F64), Classes::of(&[Class::NoClass, Class::Sse]));
    for (ty, place, back) in [(Type::F64, "xmm0", "xmm0"), (Type::I32, "rdi", "rax")] {
        let signature = Signature::new(Convention::SysV, late(ty.clone()), [late(ty)]);
        let plan = plan(&signature.expect("a C signature")).expect("it can be planned");
        assert_eq!((arguments(&plan).as_str(), result(&plan).as_str()), (place, back));
        let ReturnPlan::Registers([m]) = plan.return_plan() else { panic!("one register") };
        assert_eq!((plan.moves()[0].offset, m.offset, m.len), (8, 8, 8));
    }
}

/// "%al is used to indicate the number of vector arguments"; variadic ones go where others do.
#[test]
fn variadic_arguments_and_the_vector_count() {
    check(&[
        ("i32 (ptr ...)", "rdi", "rax", 0, 0),
        ("i32 (... i32)", "rdi", "rax", 0, 0),
        ("i32 (ptr, ... i32, f64, f64)", "rdi rsi xmm0 xmm1", "rax", 2, 0),
        ("i32 (f32, ... f64)", "xmm0 xmm1", "rax", 2, 0),
        (
            "i32 (ptr, ... f64*9)",
            "rdi xmm0 xmm1 xmm2 xmm3 xmm4 xmm5 xmm6 xmm7 [stack+0]",
            "rax",
            8,
            16,
        ),
        (
            "i32 (ptr, ... {f64, i32}, {i64[3]})",
            "rdi xmm0+rsi [stack+0]+[stack+8]+[stack+16]",
            "rax",
            1,
            32,
        ),
    ]);
    assert!(planned("void (...)").is_variadic());
    assert!(!planned("void (f64)").is_variadic());
}

/// What fills the rest of a scalar's eightbyte; in an aggregate nothing is a number, and the
/// rest is padding.
#[test]
fn small_scalars_are_extended_by_their_sign() {
    for (ty, extension, len) in [
        ("bool", Extension::Bool, 1),
        ("i8", Extension::Sign, 1),
        ("u8", Extension::Zero, 1),
        ("i16", Extension::Sign, 2),
        ("u16", Extension::Zero, 2),
        ("i32", Extension::Sign, 4),
        ("u32", Extension::Zero, 4),
        ("f32", Extension::Zero, 4),
        ("{i8}", Extension::Zero, 1),
        ("{i16[3]}", Extension::Zero, 6),
        ("{bool}", Extension::Zero, 1),
    ] {
        let plan = planned(&format!("{ty} ({ty})"));
        let [m] = plan.moves() else { panic!("one register for {ty}") };
        assert_eq!((m.extension, m.len), (extension, len), "{ty}");
        let ReturnPlan::Registers([m]) = plan.return_plan() else { panic!("one register") };
        assert_eq!((m.extension, m.len), (extension, len), "{ty} returned");
        // On the stack a scalar fills its eightbyte too.
        let plan = planned(&format!("void (i64*6, f64*8, {ty})"));
        let m = plan.moves_of(14)[0];
        let expected = if ty.starts_with('{') { Extension::None } else { extension };
        assert_eq!((m.extension, m.len, m.to), (expected, len, plan.registers().size), "{ty}");
    }
}

/// Exactly the bytes of the value are moved, each once, whatever its size.
#[test]
fn every_byte_of_a_struct_is_moved_once() {
    for size in 1..=80_u32 {
        let plan = planned(&format!("void ({{u8[{size}]}}, {{u8[{size}]}})"));
        for argument in 0..2 {
            let mut next = 0;
            for m in plan.moves_of(argument) {
                assert_eq!(m.offset, next, "{size} bytes");
                next += m.len;
            }
            assert_eq!(next, size);
        }
    }
}

#[test]
fn what_no_stack_can_hold_is_refused_by_name() {
    let huge = Parser("{u8[2147483648]}").ty();
    let max = 1 << 31;
    let refused = |result, arguments: Vec<Type>| {
        let signature = Signature::new(Convention::SysV, result, arguments);
        plan(&signature.expect("a C signature")).expect_err("too large")
    };
    let reason = InterfaceReason::TooLarge { size: max, max };
    assert_eq!(
        refused(Type::VOID, vec![Type::I8, huge.clone()]),
        InvalidCallInterfaceError::argument(1, reason)
    );
    let larger = Parser("{u8[1099511627776]}").ty();
    let reason = InterfaceReason::TooLarge { size: 1 << 40, max };
    assert_eq!(
        refused(larger, vec![]),
        InvalidCallInterfaceError::of(InterfaceField::Return, reason)
    );
    // Together they are too large, and the second is the one that does not fit.
    let half = Parser("{u8[1073741824]}").ty();
    let reason = InterfaceReason::TooLarge { size: 1 << 30, max };
    assert_eq!(
        refused(Type::VOID, vec![half.clone(), half.clone()]),
        InvalidCallInterfaceError::argument(1, reason)
    );
    let one = Signature::new(Convention::SysV, huge, [half]).expect("a C signature");
    let one = plan(&one).expect("it fits");
    assert_eq!((result(&one).as_str(), one.stack_size()), ("rdi -> rax", 1 << 30));
}
