//! Plans and placements as JSON.

use ffi::{CallInterface, Convention, Move, Type, Win64};
use serde_json::json;

#[test]
fn a_placement_says_where_each_byte_goes() {
    let pair = Type::structure("pair").field("d", Type::F64).field("n", Type::I64).build();
    let convention = Convention::native().expect("a supported platform");
    let arguments = [Type::I32, pair.expect("a struct")];
    let interface = CallInterface::new(Type::F64, arguments).expect("a C signature");
    let json = serde_json::to_value(interface.plan()).expect("plain data");
    let places = |argument: usize| json["arguments"][argument]["places"].clone();
    match convention {
        Convention::SysV => {
            assert_eq!(json["convention"], "SysV");
            assert_eq!(places(0), json!([{"offset": 0, "location": {"Register": "rdi"}}]));
            assert_eq!(
                places(1),
                json!([
                    {"offset": 0, "location": {"Register": "xmm0"}},
                    {"offset": 8, "location": {"Register": "rsi"}},
                ])
            );
        }
        Convention::Win64(_) => {
            assert_eq!(places(1), json!([{"offset": 0, "location": {"Register": "rdx"}}]));
            assert_eq!(json["arguments"][1]["by_reference"]["len"], 16);
        }
        _ => assert_eq!(places(0), json!([{"offset": 0, "location": {"Register": "x0"}}])),
    }
    assert_eq!(json["image_size"], interface.plan().image_size());
    assert!(json["result"]["Registers"].is_array(), "{json}");
}

#[test]
fn what_is_read_back_is_what_was_written() {
    let interface = CallInterface::new(Type::VOID, [Type::I16, Type::F32]).expect("a signature");
    for found in interface.plan().moves() {
        let text = serde_json::to_string(found).expect("plain data");
        assert_eq!(serde_json::from_str::<Move>(&text).expect("the same"), *found, "{text}");
    }
    for convention in [Convention::SysV, Convention::Win64(Win64::Gnu)] {
        let text = serde_json::to_string(&convention).expect("plain data");
        assert_eq!(serde_json::from_str::<Convention>(&text).expect("the same"), convention);
    }
    assert!(serde_json::from_str::<Move>("{}").is_err());
}
