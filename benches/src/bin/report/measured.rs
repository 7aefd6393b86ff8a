//! What criterion wrote to its own files.

use ffi_benches::file_name;
use std::path::{Path, PathBuf};

pub(crate) struct Measured {
    criterion: PathBuf,
}

impl Measured {
    pub(crate) fn new(root: &Path) -> Measured {
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
        Measured { criterion: target.join("criterion") }
    }

    /// The median of a contender on a shape, in nanoseconds.
    pub(crate) fn shape(&self, shape: &str, contender: &str) -> Option<f64> {
        median(&self.criterion.join(file_name(shape)).join(contender))
    }

    /// The median at one point of a line that shows how cost grows.
    pub(crate) fn point(&self, line: &str, contender: &str, at: usize) -> Option<f64> {
        median(&self.criterion.join(line).join(contender).join(at.to_string()))
    }

    /// How many times as long one contender takes as another.
    pub(crate) fn ratio(&self, shape: &str, over: &str, under: &str) -> Option<f64> {
        Some(self.shape(shape, over)? / self.shape(shape, under)?)
    }
}

fn median(benchmark: &Path) -> Option<f64> {
    let text = std::fs::read_to_string(benchmark.join("new/estimates.json")).ok()?;
    let value: serde_json::Value = serde_json::from_str(&text).ok()?;
    value["median"]["point_estimate"].as_f64()
}
