//! Writes `docs/performance.md`'s table and `docs/plots/` from what the last `cargo bench` measured.

mod measured;
mod plots;
mod table;

use measured::Measured;
use std::path::Path;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let measured = Measured::new(root);
    let tables = table::all(&measured);
    print!("{tables}");
    table::write(root, &tables);
    let directory = root.join("docs/plots");
    std::fs::create_dir_all(&directory).expect("docs/ is writable");
    plots::shapes(&measured, &directory.join("shapes.svg"));
    plots::growth(&measured, &directory.join("growth.svg"));
}
