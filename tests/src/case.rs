//! A signature to be tried, and the bytes that go through it.

use ffi::{Convention, Scalar, Signature, Type};

/// A signature to be tried.
#[derive(Debug, Clone)]
pub struct Case {
    /// The signature.
    pub signature: Signature,
}

/// The argument number that stands for the result in graffiti.
pub const RESULT: usize = 14;

impl Case {
    /// A function with fixed arguments, by the platform's convention.
    ///
    /// # Panics
    /// If C has no such signature: the test is wrong.
    pub fn new(result: Type, arguments: impl IntoIterator<Item = Type>) -> Self {
        let convention = Convention::native().expect("a supported platform");
        Self { signature: Signature::new(convention, result, arguments).expect("a C signature") }
    }

    /// A variadic function.
    ///
    /// # Panics
    /// If C has no such signature: the test is wrong.
    pub fn variadic(result: Type, arguments: impl IntoIterator<Item = Type>, first: usize) -> Self {
        let convention = Convention::native().expect("a supported platform");
        let signature = Signature::variadic(convention, result, arguments, first);
        Self { signature: signature.expect("a C signature") }
    }

    /// The same function by another convention.
    ///
    /// # Panics
    /// If C has no such signature: the test is wrong.
    pub fn under(&self, convention: Convention) -> Self {
        let (result, arguments) =
            (self.signature.return_type().clone(), self.signature.arguments().to_vec());
        let signature = match self.signature.first_variadic() {
            Some(first) => Signature::variadic(convention, result, arguments, first),
            None => Signature::new(convention, result, arguments),
        };
        Self { signature: signature.expect("a C signature") }
    }

    /// The bytes to pass as argument `index`.
    pub fn argument(&self, index: usize) -> Vec<u8> {
        graffiti(&self.signature.arguments()[index], index)
    }

    /// The bytes to return.
    pub fn result(&self) -> Vec<u8> {
        graffiti(self.signature.return_type(), RESULT)
    }
}

/// Bytes for a value of the type that say which argument they belong to, and at which offset. A
/// `bool` is 0 or 1 instead.
pub fn graffiti(ty: &Type, argument: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> =
        (0..ty.size()).map(|offset| ((((argument + 1) % 16) << 4) | (offset % 16)) as u8).collect();
    each_part(ty, &mut |offset, _, scalar| {
        // A `bool` that is a bit-field is one bit, and is all that it may be as it stands.
        if scalar == Scalar::Bool && offset.is_multiple_of(8) {
            bytes[offset / 8] &= 1;
        }
    });
    bytes
}

/// What a graffiti byte says of itself.
pub fn origin(byte: u8) -> String {
    let argument = (usize::from(byte >> 4) + 15) % 16;
    let name = if argument == RESULT {
        "result or argument 14".into()
    } else {
        format!("argument {argument}")
    };
    format!("{byte:#04x} ({name}, offset {} modulo 16)", byte & 15)
}

/// Which bits of each byte of a type are not padding.
pub fn significant(ty: &Type) -> Vec<u8> {
    let mut mask = vec![0; ty.size()];
    each_part(ty, &mut |offset, width, _| {
        for bit in offset..offset + width {
            mask[bit / 8] |= 1 << (bit % 8);
        }
    });
    mask
}

/// Visits every scalar and bit-field inside a type: where it starts and how wide it is, in bits.
fn each_part(ty: &Type, visit: &mut impl FnMut(usize, usize, Scalar)) {
    part(ty, 0, visit);
}

fn part(ty: &Type, base: usize, visit: &mut impl FnMut(usize, usize, Scalar)) {
    if let Some(scalar) = ty.as_scalar() {
        visit(base, 8 * scalar.value_size(), scalar);
    }
    if let Some((scalar, count)) = ty.elements() {
        for index in 0..count {
            visit(base + 8 * index * scalar.size(), 8 * scalar.value_size(), scalar);
        }
    }
    if let Some((element, count)) = ty.array_parts() {
        for index in 0..count {
            part(element, base + 8 * index * element.size(), visit);
        }
    }
    for field in ty.fields() {
        match field.bit_width() {
            Some(_) if field.name().is_empty() => {}
            Some(width) => {
                let scalar = field.ty().as_scalar().expect("bit-fields are of integers");
                visit(base + field.bit_offset(), width as usize, scalar);
            }
            None => part(field.ty(), base + 8 * field.offset(), visit),
        }
    }
}
