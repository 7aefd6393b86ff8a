//! Layout, classification and assignment against the ABIs' texts: the oracle of the fuzz targets,
//! on random types that are the same in every run. `cargo xtask fuzz layout` looks further.

#[path = "../../fuzz/src/oracle/mod.rs"]
mod oracle;

use ffi_abi_sysv::ffi_types::{Convention, Scalar};
use oracle::input::{Bytes, CONVENTIONS};
use oracle::{Member, Record, Ty};

/// For each convention.
const COUNT: usize = 2000;

#[test]
fn every_byte_is_where_the_text_has_it() {
    let mut rng = fastrand::Rng::with_seed(1);
    for index in 0..COUNT * CONVENTIONS.len() {
        let mut data = vec![0; rng.usize(8..300)];
        rng.fill(&mut data);
        data[0] = (index % CONVENTIONS.len()) as u8;
        oracle::check::function(&Bytes(&data).function());
    }
}

/// The generator reaches what the rules tell apart.
#[test]
fn the_random_types_are_of_every_kind() {
    let mut rng = fastrand::Rng::with_seed(1);
    let (mut refused, mut planned, mut unaligned, mut bits) = (0, 0, 0, 0);
    for _ in 0..COUNT {
        let mut data = vec![0; 200];
        rng.fill(&mut data);
        let function = Bytes(&data).function();
        match oracle::call(&function) {
            Some(_) => planned += 1,
            None => refused += 1,
        }
        for ty in &function.arguments {
            unaligned += usize::from(oracle::layout::has_unaligned(ty, function.convention, 0));
            let of_bits = |ty: &Ty| matches!(ty, Ty::Record(record) if record.members.iter().any(|m| m.width.is_some()));
            bits += usize::from(ty.any(&of_bits));
        }
    }
    assert!(refused > 100 && planned > 100 && unaligned > 100 && bits > 100);
}

/// Known answers: an oracle that agrees with everything is none.
#[test]
fn the_oracle_knows_what_compilers_do() {
    use oracle::sysv::{Class, classify};
    let member = |scalar| Member { ty: Ty::Scalar(scalar), align: None, width: None, named: true };
    let record = |members, packed| {
        Ty::Record(Record {
            union: false,
            members,
            packed,
            pragma: None,
            align: None,
            stated: None,
        })
    };
    let mixed = vec![member(Scalar::F32), member(Scalar::I32), member(Scalar::F64)];
    assert_eq!(classify(&record(mixed, false)), [Class::Integer, Class::Sse]);
    let apart = vec![member(Scalar::I8), member(Scalar::F64)];
    assert_eq!(classify(&record(apart.clone(), true)), [Class::Memory]);
    let layout = |packed| oracle::layout::of(&record(apart.clone(), packed), Convention::SysV);
    assert_eq!((layout(true).size, layout(true).align), (9, 1));
    assert_eq!((layout(false).size, layout(false).align), (16, 8));
}
