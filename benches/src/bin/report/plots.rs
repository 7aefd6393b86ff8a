//! The plots of `docs/plots/`.

use crate::measured::Measured;
use ffi_benches::{ARGUMENTS, CALLBACKS, CALLBACKS_ALIVE, CALLS, SIZES, THREADS};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::path::Path;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The contenders that are drawn, in the order of the legend.
const CONTENDERS: [(&str, &str, RGBColor); 4] = [
    ("direct", "direct", RGBColor(150, 150, 150)),
    ("ffi", "ffi", RGBColor(200, 70, 30)),
    ("newest", "libffi with call plans", RGBColor(70, 130, 180)),
    ("libffi", "libffi of the libffi crate", RGBColor(160, 195, 225)),
];
const FONT: &str = "sans-serif";

/// Bars for each shape.
pub(crate) fn shapes(measured: &Measured, path: &Path) {
    let shapes: Vec<&str> = [CALLS, CALLBACKS].concat();
    let height = 28 * shapes.len() as u32 + 110;
    let area = SVGBackend::new(path, (900, height)).into_drawing_area();
    area.fill(&WHITE).expect("a file");
    let times = |shape: &str| CONTENDERS.map(|(name, ..)| measured.shape(shape, name));
    let most = shapes.iter().flat_map(|shape| times(shape)).flatten().fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(&area)
        .caption("Nanoseconds for each call (lower is better)", (FONT, 18))
        .margin(10)
        .set_label_area_size(LabelAreaPosition::Left, 270)
        .set_label_area_size(LabelAreaPosition::Bottom, 25)
        .build_cartesian_2d(0.0..most * 1.08, 0.0..shapes.len() as f64)
        .expect("a chart");
    chart.configure_mesh().disable_y_mesh().disable_y_axis().draw().expect("a mesh");
    let plotting = chart.plotting_area();
    for (row, shape) in shapes.iter().enumerate() {
        // From the top down.
        let top = (shapes.len() - row) as f64 - 0.1;
        let (x, y) = plotting.map_coordinate(&(0.0, top - 0.4));
        let style = (FONT, 13).into_text_style(&area);
        let style = style.pos(Pos::new(HPos::Right, VPos::Center));
        area.draw(&Text::new(*shape, (x - 8, y), style)).expect("a label");
        for (bar, (time, (.., colour))) in times(shape).into_iter().zip(CONTENDERS).enumerate() {
            let Some(time) = time else { continue };
            let corners = [(0.0, top - 0.2 * bar as f64), (time, top - 0.2 * (bar + 1) as f64)];
            plotting.draw(&Rectangle::new(corners, colour.filled())).expect("a bar");
        }
    }
    legend(&area, (560, height as i32 - 130), &CONTENDERS);
    area.present().expect("docs/plots is writable");
}

fn legend(area: &Area<'_>, (x, y): (i32, i32), contenders: &[(&str, &str, RGBColor)]) {
    for ((_, title, colour), row) in contenders.iter().zip(0..) {
        let y = y + 20 * row;
        area.draw(&Rectangle::new([(x, y), (x + 14, y + 12)], colour.filled())).expect("a key");
        let style = (FONT, 13).into_text_style(area);
        area.draw(&Text::new(*title, (x + 20, y), style)).expect("a title");
    }
}

/// How cost grows: four charts.
pub(crate) fn growth(measured: &Measured, path: &Path) {
    let area = SVGBackend::new(path, (1000, 760)).into_drawing_area();
    area.fill(&WHITE).expect("a file");
    let lines: [(&str, &str, &[usize]); 4] = [
        ("arguments", "a call with so many longs", ARGUMENTS),
        ("sizes", "a call with a struct of so many bytes", SIZES),
        ("threads", "calls by so many threads at once", THREADS),
        ("callbacks alive", "a callback made while so many live", CALLBACKS_ALIVE),
    ];
    for (area, (line, title, points)) in area.split_evenly((2, 2)).iter().zip(lines) {
        chart(measured, area, line, title, points);
    }
    // A direct call is not measured here.
    legend(&area, (690, 560), &CONTENDERS[1..]);
    area.present().expect("docs/plots is writable");
}

/// A logarithm has no zero.
fn abscissa(at: usize) -> f64 {
    (at as f64).max(0.5)
}

fn chart(measured: &Measured, area: &Area<'_>, line: &str, title: &str, points: &[usize]) {
    let series = CONTENDERS.map(|(name, _, colour)| {
        let times =
            points.iter().filter_map(|at| Some((abscissa(*at), measured.point(line, name, *at)?)));
        (times.collect::<Vec<(f64, f64)>>(), colour)
    });
    let all = || series.iter().flat_map(|(times, _)| times);
    let least = all().map(|(_, time)| *time).fold(f64::INFINITY, f64::min);
    let most = all().map(|(_, time)| *time).fold(1.0, f64::max);
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return };
    let (first, last) = (abscissa(*first), abscissa(*last));
    assert!(least.is_finite(), "{line} was not measured");
    let mut chart = ChartBuilder::on(area)
        .caption(title, (FONT, 16))
        .margin(12)
        .set_label_area_size(LabelAreaPosition::Left, 60)
        .set_label_area_size(LabelAreaPosition::Bottom, 30)
        .build_cartesian_2d((first..last).log_scale(), (least * 0.8..most * 1.25).log_scale())
        .expect("a chart");
    let short = |value: &f64| if *value < 0.75 { "0".into() } else { format!("{value:.0}") };
    chart
        .configure_mesh()
        .x_label_formatter(&short)
        .y_label_formatter(&|value| format!("{value:.0} ns"))
        .light_line_style(WHITE)
        .draw()
        .expect("a mesh");
    for (times, colour) in series {
        let style = colour.stroke_width(2);
        chart.draw_series(LineSeries::new(times.clone(), style)).expect("a line");
        let dots = times.into_iter().map(|at| Circle::new(at, 3, colour.filled()));
        chart.draw_series(dots).expect("points");
    }
}
