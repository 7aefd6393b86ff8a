//! `ffi explain --svg`: the registers and the stack of a call, drawn from its plan.
//!
//! Every register, and every eight bytes of the stack, is a cell with a place for each byte, the
//! first one left. What is coloured is what a move of the plan writes.

use ffi::{Convention, Extension, Move, Plan, ReturnPlan, Signature};
use ffi_types::{Bank, RegisterFile};
use std::fmt::Write;

const WIDTH: usize = 480;
const MARGIN: usize = 10;
const COLUMN: usize = 146;
const GAP: usize = 11;
/// Of a cell's name, left of its bytes.
const NAME: usize = 38;
const LINE: usize = 24;
/// Of a character of the text in cells, in pixels, and of the declaration.
const CHARACTER: f64 = 6.7;
const DECLARATION: f64 = 7.3;
/// A picture of more would be of no use; what is left out is said.
const MOST_SLOTS: usize = 40;
/// One for each argument, again from the first; the result has its own.
const COLOURS: &[&str] =
    &["#b9d7ff", "#ffd899", "#c4ecb4", "#f8c0cd", "#d9c7f6", "#b5e8e3", "#eee39a", "#e0cbb6"];
const RESULT: &str = "#d4d4d4";

/// What is drawn.
pub(super) struct Picture<'a> {
    pub(super) declaration: &'a str,
    pub(super) abi: &'a str,
    /// Of the arguments, in order.
    pub(super) names: Vec<String>,
    pub(super) signature: &'a Signature,
    pub(super) plan: &'a Plan,
}

/// A register, or eight bytes of the stack.
struct Cell {
    name: String,
    /// What it is for where nothing is written to it.
    note: String,
    pieces: Vec<Piece>,
}

/// Some bytes of a cell that something is written to.
struct Piece {
    from: usize,
    len: usize,
    text: String,
    colour: &'static str,
    /// What fills the rest of the eightbyte.
    rest: Option<&'static str>,
}

/// Where an offset into an image is: among the general registers, the vector registers, those of
/// x87, or on the stack; which cell there, and which byte of it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct At {
    column: usize,
    cell: usize,
    byte: usize,
}

const STACK: usize = 3;

fn at(registers: &RegisterFile, offset: u32) -> Option<At> {
    if let Some(offset) = offset.checked_sub(registers.size) {
        let offset = offset as usize;
        return Some(At { column: STACK, cell: offset / 8, byte: offset % 8 });
    }
    [registers.general, registers.vector, registers.x87].iter().enumerate().find_map(
        |(column, bank)| {
            let from = offset.checked_sub(bank.offset)?;
            let (cell, byte) = ((from / bank.stride) as usize, (from % bank.stride) as usize);
            (cell < bank.names.len()).then_some(At { column, cell, byte })
        },
    )
}

/// The cells of a call's registers and stack, or of a result's registers.
struct Cells<'a> {
    registers: &'a RegisterFile,
    columns: [Vec<Cell>; 4],
}

impl<'a> Cells<'a> {
    fn new(registers: &'a RegisterFile, stack: usize) -> Self {
        let cell = |name: String| Cell { name, note: String::new(), pieces: Vec::new() };
        let bank = |bank: &Bank| bank.names.iter().map(|name| cell((*name).into())).collect();
        let slots = (0..stack.div_ceil(8)).map(|slot| cell(format!("+{}", slot * 8)));
        let columns = [
            bank(&registers.general),
            bank(&registers.vector),
            bank(&registers.x87),
            slots.collect(),
        ];
        Self { registers, columns }
    }

    /// Some bytes, cell by cell; `text` is given the first and the last byte of those of a cell.
    fn put(
        &mut self,
        to: u32,
        len: u32,
        (colour, rest): (&'static str, Option<&'static str>),
        text: impl Fn(u32, u32) -> String,
    ) {
        let mut done = 0;
        while done < len {
            let Some(At { column, cell, byte }) = at(self.registers, to + done) else { return };
            let room = if column == STACK { 8 - byte as u32 } else { len };
            let part = room.min(len - done);
            if let Some(cell) = self.columns[column].get_mut(cell) {
                let text = text(done, done + part - 1);
                cell.pieces.push(Piece { from: byte, len: part as usize, text, colour, rest });
            }
            done += part;
        }
    }

    /// The moves of one value; those that go on in the same cell are one piece.
    fn put_moves(&mut self, name: &str, size: usize, moves: &[Move], colour: &'static str) {
        let mut joined: Vec<Move> = Vec::new();
        for m in moves {
            match joined.last_mut() {
                Some(last)
                    if (last.offset + last.len, last.to + last.len) == (m.offset, m.to)
                        && self.same_cell(last.to, m.to) =>
                {
                    last.len += m.len;
                }
                _ => joined.push(*m),
            }
        }
        for m in joined {
            let rest = match m.extension {
                // What a callee leaves there is not to be relied on.
                _ if colour == RESULT => None,
                Extension::Zero | Extension::Bool => Some("zeros"),
                Extension::Sign => Some("sign"),
                _ => None,
            };
            self.put(m.to, m.len, (colour, rest), |first, last| {
                bytes_of(name, size, m.offset + first, m.offset + last)
            });
        }
    }

    fn same_cell(&self, one: u32, other: u32) -> bool {
        let cell = |offset| at(self.registers, offset).map(|at| (at.column, at.cell));
        cell(one) == cell(other)
    }
}

/// The name, with the bytes unless they are all.
fn bytes_of(name: &str, size: usize, first: u32, last: u32) -> String {
    match (first, last as usize + 1 == size) {
        (0, true) => name.into(),
        _ if name.is_empty() => format!("{first}-{last}"),
        _ if first == last => format!("{name}:{first}"),
        _ => format!("{name}:{first}-{last}"),
    }
}

impl Picture<'_> {
    pub(super) fn draw(&self) -> String {
        let Self { plan, signature, .. } = self;
        let call = self.call();
        let mut out = String::new();
        let mut y = MARGIN + 12;
        for line in wrapped(self.declaration, ((WIDTH - 2 * MARGIN) as f64 / DECLARATION) as usize)
        {
            text(&mut out, MARGIN, y, "d", &line);
            y += 16;
        }
        text(&mut out, MARGIN, y + 4, "t", self.abi);
        y += 28;
        let mut bottom = y;
        let headings = ["general registers", "vector registers", "stack at the call"];
        for (index, column) in [0, 1, STACK].into_iter().enumerate() {
            let x = MARGIN + index * (COLUMN + GAP);
            text(&mut out, x, y, "t", headings[index]);
            let mut at = y + 8;
            let cells = &call.columns[column];
            // Of the wide registers, as much as anything is written to.
            let ends =
                cells.iter().flat_map(|cell| &cell.pieces).map(|piece| piece.from + piece.len);
            let bytes = ends.max().unwrap_or(8).next_power_of_two().max(8);
            for cell in cells.iter().take(MOST_SLOTS) {
                draw_cell(&mut out, x, at, bytes, cell);
                at += LINE;
            }
            let note = match column {
                0 if self.says_vector_count() => format!("al = {}", plan.vector_count()),
                STACK if cells.is_empty() => "nothing".into(),
                STACK if cells.len() > MOST_SLOTS => {
                    format!("and {} bytes more", (cells.len() - MOST_SLOTS) * 8)
                }
                _ => String::new(),
            };
            if !note.is_empty() {
                text(&mut out, x, at + 16, "c", &note);
                at += LINE;
            }
            bottom = bottom.max(at);
        }
        y = bottom + 24;
        let ty = signature.return_type();
        match plan.return_plan() {
            ReturnPlan::Registers(moves) => {
                text(&mut out, MARGIN, y, "t", "result");
                let mut returned = Cells::new(plan.return_registers(), 0);
                returned.put_moves("", ty.size(), moves, RESULT);
                let used = |cell: &&Cell| !cell.pieces.is_empty();
                let cells: Vec<&Cell> = returned.columns.iter().flatten().filter(used).collect();
                for (index, cell) in cells.iter().enumerate() {
                    let x = MARGIN + index % 3 * (COLUMN + GAP);
                    let end = cell.pieces.iter().map(|piece| piece.from + piece.len).max();
                    let bytes = end.unwrap_or(8).next_power_of_two().max(8);
                    draw_cell(&mut out, x, y + 8 + index / 3 * LINE, bytes, cell);
                }
                y += 8 + cells.len().div_ceil(3) * LINE;
            }
            ReturnPlan::Memory { pointer_back, .. } => {
                let back = pointer_back.map(|back| plan.return_registers().location(back));
                let back = back
                    .map_or(String::new(), |back| format!("; the address comes back in {back}"));
                text(&mut out, MARGIN, y, "t", &format!("result: in memory, at &result{back}"));
                y += 4;
            }
            _ => text(&mut out, MARGIN, y, "t", "result: none"),
        }
        let height = y + MARGIN;
        let title = escaped(&format!("{} by {}", self.declaration, self.abi));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n<title>{title}</title>\n<style>\n\
             text {{ font: 11px monospace; fill: #222 }}\n\
             .d {{ font-size: 12px }} .t {{ font: bold 12px sans-serif }} .n {{ fill: #555 }}\n\
             .r {{ fill: #666; font-size: 10px }} rect {{ stroke: #888; stroke-width: 1 }}\n\
             .o {{ fill: #fff }} .x {{ fill-opacity: 0.35; stroke: none }}\n</style>\n\
             <rect x=\"0\" y=\"0\" width=\"{WIDTH}\" height=\"{height}\" rx=\"6\" \
             style=\"fill: #fff; stroke: none\"/>\n{out}</svg>\n"
        )
    }

    fn says_vector_count(&self) -> bool {
        self.plan.is_variadic() && self.plan.convention() == Convention::SysV
    }

    fn call(&self) -> Cells<'static> {
        let plan = self.plan;
        let mut cells = Cells::new(plan.registers(), plan.frame_size());
        if let Convention::Win64(_) = plan.convention() {
            let homes = plan.registers().general.names;
            for (cell, register) in cells.columns[STACK].iter_mut().zip(homes) {
                cell.note = format!("home of {register}");
            }
        }
        if let ReturnPlan::Memory { pointer_to, .. } = plan.return_plan() {
            cells.put(pointer_to, 8, (RESULT, None), |_, _| "&result".into());
        }
        let types = self.signature.arguments();
        for (index, (name, ty)) in self.names.iter().zip(types).enumerate() {
            let colour = COLOURS[index % COLOURS.len()];
            match plan.reference_of(index) {
                Some(reference) => {
                    cells.put(reference.pointer_to, 8, (colour, None), |_, _| format!("&{name}"));
                    let size = ty.size();
                    cells.put(reference.copy_to, reference.len, (colour, None), |first, last| {
                        bytes_of(name, size, first, last)
                    });
                }
                None => cells.put_moves(name, ty.size(), plan.moves_of(index), colour),
            }
        }
        cells
    }
}

fn draw_cell(out: &mut String, x: usize, y: usize, bytes: usize, cell: &Cell) {
    let (left, width) = (x + NAME, COLUMN - NAME);
    let byte = |n: usize| left as f64 + width as f64 * n as f64 / bytes as f64;
    text(out, x, y + 16, "n", &cell.name);
    rect(out, (left as f64, width as f64), y, "class=\"o\"");
    if !cell.note.is_empty() {
        text(out, left + 4, y + 16, "r", &cell.note);
    }
    for piece in &cell.pieces {
        let (from, to) = (byte(piece.from), byte(piece.from + piece.len));
        let end = byte((piece.from + piece.len).next_multiple_of(8));
        let room = (piece.text.chars().count() as f64).mul_add(CHARACTER, 6.0);
        if let Some(rest) = piece.rest.filter(|_| to < end) {
            rect(out, (to, end - to), y, &format!("class=\"x\" style=\"fill: {}\"", piece.colour));
            // Only where the name leaves room for it.
            if from + room <= to && to + 34.0 <= end {
                text(out, to as usize + 4, y + 16, "r", rest);
            }
        }
        rect(out, (from, to - from), y, &format!("style=\"fill: {}\"", piece.colour));
        text(out, from as usize + 3, y + 16, "c", &piece.text);
    }
}

fn rect(out: &mut String, (x, width): (f64, f64), y: usize, style: &str) {
    let height = LINE - 2;
    writeln!(
        out,
        "<rect x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"{height}\" {style}/>"
    )
    .unwrap_or_default();
}

fn text(out: &mut String, x: usize, y: usize, class: &str, text: &str) {
    let text = escaped(text);
    writeln!(out, "<text x=\"{x}\" y=\"{y}\" class=\"{class}\">{text}</text>").unwrap_or_default();
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The words in lines of at most so many characters, if no word is longer.
fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut();
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.into()),
        }
    }
    lines
}
