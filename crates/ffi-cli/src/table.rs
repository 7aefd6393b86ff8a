//! Columns.

use std::io::{self, Write};

/// Lines of cells, each column as wide as its widest cell.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<Vec<String>>);

impl Table {
    pub(crate) fn line<const N: usize>(&mut self, cells: [&str; N]) {
        self.0.push(cells.map(String::from).to_vec());
    }

    pub(crate) fn push(&mut self, cells: Vec<String>) {
        self.0.push(cells);
    }

    /// Prints it, the first line as a heading.
    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let columns = self.0.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.0.iter().filter_map(|line| line.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let dim = anstyle::Style::new().dimmed();
        for (number, line) in self.0.iter().enumerate() {
            let mut text = String::new();
            for (cell, width) in line.iter().zip(&widths) {
                text += &format!("  {cell:<width$}");
            }
            match number {
                0 => writeln!(out, "{dim}{}{dim:#}", text.trim_end())?,
                _ => writeln!(out, "{}", text.trim_end())?,
            }
        }
        Ok(())
    }
}
