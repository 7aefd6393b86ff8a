//! Tests of reading exports.
