//! Plans as data for other programs, by `serde`.

use crate::{Location, Placement, Plan};
use alloc::vec::Vec;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// Its places, each with the first byte that goes there; whether they have the address of a copy
/// instead; and the moves, for those who want to carry them out.
impl Serialize for Placement<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Place {
            offset: u32,
            location: Location,
        }
        let places = self.places().into_iter().map(|(offset, location)| Place { offset, location });
        let mut fields = serializer.serialize_struct("Placement", 3)?;
        fields.serialize_field("places", &places.collect::<Vec<_>>())?;
        fields.serialize_field("by_reference", &self.by_reference())?;
        fields.serialize_field("moves", self.moves())?;
        fields.end()
    }
}

/// The placement of each argument in order, how the result comes back, and the sizes in bytes.
impl Serialize for Plan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let arguments: Vec<_> = (0..self.argument_count()).map(|i| self.placement(i)).collect();
        let mut fields = serializer.serialize_struct("Plan", 7)?;
        fields.serialize_field("convention", &self.convention())?;
        fields.serialize_field("arguments", &arguments)?;
        fields.serialize_field("result", &self.return_plan())?;
        fields.serialize_field("variadic", &self.is_variadic())?;
        fields.serialize_field("stack_size", &self.stack_size())?;
        fields.serialize_field("stack_align", &self.stack_align())?;
        fields.serialize_field("image_size", &self.image_size())?;
        fields.end()
    }
}
