//! How it is drawn: plotters onto a buffer of pixels.

use crate::range::around;
use crate::{Chart, Error, Panel, Scale, Series, font};
use plotters::coord::Shift;
use plotters::prelude::*;

/// Okabe and Ito's colours, which most colour-blind readers can tell apart.
const COLORS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
];
const INK: RGBColor = RGBColor(40, 40, 40);
const GRID: RGBColor = RGBColor(228, 228, 228);

/// Up to so many points, each gets a mark of its own.
const MARKED: usize = 30;

/// Draws a chart; three bytes a pixel, row after row.
pub(crate) fn pixels(chart: &Chart) -> Result<Vec<u8>, Error> {
    let (width, height) = (chart.width, chart.height);
    let sane = Error::MIN_PIXELS..=Error::MAX_PIXELS;
    if !(sane.contains(&width) && sane.contains(&height)) {
        return Err(Error::Size { width, height });
    }
    if chart.panels.is_empty() {
        return Err(Error::NoPanels { title: chart.title.clone() });
    }
    font::register()?;
    let mut pixels = vec![0; width as usize * height as usize * 3];
    draw_chart(chart, &mut pixels).map_err(|error| Error::Draw(error.to_string()))?;
    Ok(pixels)
}

type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;
type Failure<'a> = DrawingAreaErrorKind<<BitMapBackend<'a> as DrawingBackend>::ErrorType>;

fn draw_chart<'a>(chart: &Chart, pixels: &'a mut [u8]) -> Result<(), Failure<'a>> {
    let root = BitMapBackend::with_buffer(pixels, (chart.width, chart.height)).into_drawing_area();
    root.fill(&WHITE)?;
    let body = root
        .margin(10, 0, 0, 0)
        .titled(&chart.title, (font::FAMILY, 24, FontStyle::Bold, &INK).into_text_style(&root))?;
    for (panel, area) in chart.panels.iter().zip(body.split_evenly((1, chart.panels.len()))) {
        draw_panel(panel, &area)?;
    }
    root.present()
}

fn draw_panel<'a>(panel: &Panel, area: &Area<'a>) -> Result<(), Failure<'a>> {
    let points = || panel.series.iter().flat_map(|series| &series.points);
    let x_range = around(points().map(|p| p.0), false);
    let y_range = match panel.scale {
        Scale::Plain => around(points().map(|p| p.1), true),
        // The top of a perfect score stays within sight, and a little above it.
        Scale::Percent => around(points().map(|p| p.1).chain([1.0]), false),
    };
    let text = |size| (font::FAMILY, size, &INK).into_text_style(area);
    let mut axes = ChartBuilder::on(area)
        .caption(&panel.title, text(18))
        .margin(12)
        .margin_right(24)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(x_range, y_range)?;
    axes.configure_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(INK)
        .label_style(text(14))
        .axis_desc_style(text(15))
        .x_desc(&panel.x_label)
        .y_desc(&panel.y_label)
        .x_labels(10)
        .y_labels(8)
        .x_label_formatter(&|x| whole(*x))
        .y_label_formatter(&|y| reading(*y, panel.scale))
        .draw()?;
    for (series, color) in panel.series.iter().zip(COLORS.iter().cycle()) {
        axes.draw_series(LineSeries::new(series.points.iter().copied(), color.stroke_width(2)))?
            .label(legend(series))
            .legend(move |(x, y)| Rectangle::new([(x, y - 1), (x + 20, y + 1)], color.filled()));
        if series.points.len() <= MARKED {
            axes.draw_series(series.points.iter().map(|&point| Circle::new(point, 3, color.filled())))?;
        }
    }
    if !panel.series.is_empty() {
        let position = match panel.scale {
            Scale::Plain => SeriesLabelPosition::UpperRight,
            Scale::Percent => SeriesLabelPosition::LowerRight,
        };
        axes.configure_series_labels()
            .position(position)
            .margin(12)
            .background_style(WHITE.mix(0.85))
            .border_style(GRID)
            .label_font(text(14))
            .draw()?;
    }
    Ok(())
}

/// A series' name, and whether something of it is not shown.
fn legend(series: &Series) -> String {
    match series.dropped() {
        0 => series.name.clone(),
        dropped => format!("{} ({dropped} points left out)", series.name),
    }
}

/// The reading of a tick that counts: nothing between whole numbers.
fn whole(x: f64) -> String {
    if (x - x.round()).abs() < 1e-9 { format!("{x:.0}") } else { String::new() }
}

/// The reading of a tick on the vertical axis.
fn reading(y: f64, scale: Scale) -> String {
    match scale {
        // Ticks come a little off the round numbers they stand for.
        Scale::Percent => format!("{} %", (y * 1000.0).round() / 10.0),
        Scale::Plain if y == 0.0 || (1e-3..1e5).contains(&y.abs()) => {
            let digits = format!("{y:.4}");
            digits.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        Scale::Plain => format!("{y:.1e}"),
    }
}
