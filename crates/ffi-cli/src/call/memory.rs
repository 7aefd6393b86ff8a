//! What arguments point to.

use ffi::{Type, Value};

/// Memory that lives until the call is over and its results are printed.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    blocks: Vec<Value>,
    /// The blocks that are printed after the call.
    pub(crate) outs: Vec<Out>,
}

/// An out-parameter.
#[derive(Debug)]
pub(crate) struct Out {
    pub(crate) block: usize,
    pub(crate) ty: ffi_cdecl::DeclaredType,
}

impl Memory {
    /// A block for a value of that type, all zero.
    pub(crate) fn add(&mut self, ty: &Type) -> Result<usize, ffi::AllocationError> {
        self.blocks.push(Value::new(ty)?);
        Ok(self.blocks.len() - 1)
    }

    /// A block with these bytes.
    pub(crate) fn add_bytes(&mut self, bytes: &[u8], align: usize) -> Result<usize, ffi::Error> {
        let mut ty = Type::anonymous_structure().field("b", Type::array(Type::U8, bytes.len())?);
        if align > 1 {
            ty = ty.align(align);
        }
        let block = self.add(&ty.build()?).map_err(ffi::CallError::from)?;
        self.bytes_mut(block)[..bytes.len()].copy_from_slice(bytes);
        Ok(block)
    }

    pub(crate) fn bytes(&self, block: usize) -> &[u8] {
        self.blocks[block].as_bytes()
    }

    pub(crate) fn bytes_mut(&mut self, block: usize) -> &mut [u8] {
        self.blocks[block].as_bytes_mut()
    }

    /// The address that is passed. A block is never moved or freed before all of them are.
    pub(crate) fn address(&mut self, block: usize) -> u64 {
        self.blocks[block].as_mut_ptr().expose_provenance() as u64
    }
}
