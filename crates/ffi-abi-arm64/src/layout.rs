pub(crate) const DEFINES: &[(&str, u32)] = &[];
