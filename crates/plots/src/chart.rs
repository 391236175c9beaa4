//! The chart used by all pictures: title, legend, axes and notes, laid out so that all texts fit.

use crate::Error;
use crate::axis::{Axis, Coordinate, Tick};
use crate::canvas::{Area, Canvas, UNITS, size, units};
use crate::legend::{self, Entry};
use crate::look::{FADED, GRID, INK, Look, RULE, stroke, tint};
use crate::text::{self, LABEL, NOTE, TICK, TITLE};
use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::cartesian::Cartesian2d;
use plotters::element::{Drawable, PointCollection, Rectangle};
use plotters::style::text_anchor::HPos;
use plotters::style::{Color as _, FontTransform, RGBColor};

/// plotters puts tick labels two tick marks away from their axis.
const TICK_MARK: f64 = 3.5;
const TO_TICKS: f64 = 2.0 * TICK_MARK;
const MARGIN: f64 = 12.0;
/// The space above the axes.
const TOP: f64 = 8.0;
/// The height of an axis' name, with its distance to the tick labels.
const NAME: f64 = 1.6 * LABEL;
/// The width of a colour bar, and its distance to the axes.
const BAR: f64 = 14.0;

/// A bar beside the axes that explains the colours.
#[derive(Debug)]
pub(crate) struct ColorBar {
    pub(crate) axis: Axis,
    /// The colours of equal steps of the axis, from its lower end.
    pub(crate) colors: Vec<RGBColor>,
}

/// Everything around the data.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) legend: Vec<Entry>,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    /// Small lines at the bottom: what is not shown, and what was counted.
    pub(crate) notes: Vec<String>,
    /// Whether both axes have the same length.
    pub(crate) square: bool,
    /// Pixels to the right of the axes, for labels of bars.
    pub(crate) side: f64,
    pub(crate) bar: Option<ColorBar>,
}

type Chart<'a> = ChartContext<'static, Canvas<'a>, Cartesian2d<Coordinate, Coordinate>>;

/// A chart to draw data on.
pub(crate) struct Plot<'a> {
    chart: Chart<'a>,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
}

impl Frame {
    pub(crate) fn new(title: &str, x: Axis, y: Axis) -> Self {
        let (legend, notes) = (Vec::new(), Vec::new());
        Self { title: title.to_owned(), legend, x, y, notes, square: false, side: 0.0, bar: None }
    }

    /// Draws everything except the data.
    pub(crate) fn draw<'a>(self, area: &Area<'a>) -> Result<Plot<'a>, Error> {
        let margin = units(MARGIN);
        let area = titled(&area.margin(margin, margin, margin, margin), &self.title, TITLE)?;
        let area = self.draw_notes(&area)?;
        let area = legend::draw(area, &self.legend)?.margin(units(TOP), 0, 0, 0);
        self.draw_axes(&area)
    }

    /// Draws the axes with as many ticks as fit, after measuring how much room their labels and names take.
    fn draw_axes<'a>(mut self, area: &Area<'a>) -> Result<Plot<'a>, Error> {
        let (width, height) = size(area);
        let named = |axis: &Axis| if axis.name().is_empty() { 0.0 } else { NAME };
        let mut bottom = TO_TICKS + 1.1 * TICK + named(&self.x);
        self.y.shorten(0.35 * width);
        let left = named(&self.y) + widest(&upright(&self.y, height - bottom)) + TO_TICKS;
        let bar = self.bar.filter(|_| width >= 280.0 && height >= 170.0);
        let mut right = self.side + bar.as_ref().map_or(0.0, |bar| bar.room(height - bottom));
        let across = width - left - right;
        let across = if self.square { across.min(height - bottom) } else { across };
        let (mut x_ticks, mut turned) = (level(&self.x, across), Vec::new());
        if x_ticks.is_empty() && self.x.has_names() {
            self.x.shorten(0.3 * height);
            turned = upright(&self.x, across);
            bottom += widest(&turned) - TICK;
            x_ticks = turned.iter().map(|(at, _)| (*at, String::new())).collect();
        } else if let Some((_, last)) = x_ticks.last() {
            // The last label must stay inside the picture.
            right = right.max(text::width(last, TICK) / 2.0 - MARGIN + 4.0);
        }
        // If both axes have the same length, there may be more room at both sides or below.
        let more = if self.square { (width - left - right) - (height - bottom) } else { 0.0 };
        let (sides, below) = ((more / 2.0).max(0.0), (-more).max(0.0));
        let y_ticks = upright(&self.y, height - bottom - below);
        let mut chart = ChartBuilder::on(area)
            .margin_left(units(sides))
            .margin_right(units(right + sides))
            .margin_bottom(units(below))
            .x_label_area_size(units(bottom))
            .y_label_area_size(units(left))
            .build_cartesian_2d(self.x.coordinate(&x_ticks), self.y.coordinate(&y_ticks))?;
        draw_mesh(&mut chart, &self.x, &self.y)?;
        if let Some(bar) = bar {
            let before = width - right - sides + BAR;
            bar.draw(&area.margin(0, units(bottom + below), units(before), units(sides)))?;
        }
        let plot = Plot { chart, x: self.x, y: self.y };
        plot.draw_turned(&turned)?;
        Ok(plot)
    }

    /// Draws the notes, and returns the area above them.
    fn draw_notes<'a>(&self, area: &Area<'a>) -> Result<Area<'a>, Error> {
        let (width, height) = size(area);
        // If there is little room, several notes share a line.
        let lines = if height < 220.0 { 1 } else { 3 };
        let alone = self.notes.len().min(if self.notes.len() > lines { lines - 1 } else { lines });
        let (alone, together) = self.notes.split_at(alone);
        let notes = alone.iter().cloned().chain([together.join("; ")]).filter(|note| !note.is_empty());
        let notes: Vec<String> = notes.collect();
        let (rest, place) = area.split_vertically(units(height - 1.4 * NOTE * notes.len() as f64));
        for (line, note) in notes.iter().enumerate() {
            let note = text::fit(note, NOTE, false, width);
            let at = (units(width), units((line as f64 + 0.8) * 1.4 * NOTE));
            place.draw_text(&note, &text::style(NOTE, false, FADED, HPos::Right), at)?;
        }
        Ok(rest)
    }
}

/// Draws axes, their names and the grid.
fn draw_mesh(chart: &mut Chart<'_>, x: &Axis, y: &Axis) -> Result<(), Error> {
    let (width, height) = size(&chart.plotting_area().strip_coord_spec());
    let mut mesh = chart.configure_mesh();
    mesh.axis_style(stroke(INK, 1.0))
        .bold_line_style(stroke(GRID, 1.0))
        .light_line_style(stroke(tint(GRID, 0.5), 1.0))
        .label_style(text::style(TICK, false, INK, HPos::Center))
        .axis_desc_style(text::style(LABEL, false, INK, HPos::Center))
        .set_all_tick_mark_size(units(TICK_MARK))
        .x_desc(text::fit(&x.name(), LABEL, false, width))
        .y_desc(text::fit(&y.name(), LABEL, false, height));
    if x.has_names() {
        mesh.disable_x_mesh();
    }
    if y.has_names() {
        mesh.disable_y_mesh();
    }
    Ok(mesh.draw()?)
}

/// Draws the title at the top, cut to the width.
pub(crate) fn titled<'a>(area: &Area<'a>, title: &str, em: f64) -> Result<Area<'a>, Error> {
    let title = text::fit(title, em, true, size(area).0 - 2.0);
    if title.is_empty() {
        return Ok(area.clone());
    }
    let area = area.titled(&title, text::style(em, true, INK, HPos::Center))?;
    Ok(area.margin(units(0.3 * em), 0, 0, 0))
}

fn widest(ticks: &[Tick]) -> f64 {
    ticks.iter().map(|tick| text::width(&tick.1, TICK)).fold(0.0, f64::max)
}

/// Ticks one above the other, for a vertical axis of this length in pixels or for turned names.
fn upright(axis: &Axis, length: f64) -> Vec<Tick> {
    let (spacing, most) = if axis.has_names() { (1.25 * TICK, 200) } else { (2.6 * TICK, 8) };
    axis.fitting(length, ((length / spacing) as usize).min(most), |_| 1.1 * TICK)
}

/// Ticks for a horizontal axis of this length in pixels; none if there are names that do not all fit.
fn level(axis: &Axis, length: f64) -> Vec<Tick> {
    if !axis.has_names() {
        return axis.fitting(length, 10, |label| text::width(label, TICK) + 8.0);
    }
    let names = axis.ticks(usize::MAX);
    let slot = length / (axis.ends.1 - axis.ends.0).abs().max(1.0);
    if widest(&names) <= slot - 6.0 { names } else { Vec::new() }
}

impl ColorBar {
    /// The room for the bar in pixels.
    fn room(&self, height: f64) -> f64 {
        2.0 * BAR + TO_TICKS + widest(&upright(&self.axis, height)) + 4.0 + 1.3 * LABEL
    }

    /// Draws the bar as a chart with its axis at the right.
    fn draw(&self, area: &Area<'_>) -> Result<(), Error> {
        let (width, height) = size(area);
        let nothing = Axis::names("", Vec::new(), (0.0, 1.0));
        let mut chart =
            ChartBuilder::on(area).right_y_label_area_size(units(width - BAR)).build_cartesian_2d(
                nothing.coordinate(&[]),
                self.axis.coordinate(&upright(&self.axis, height)),
            )?;
        draw_mesh(&mut chart, &nothing, &self.axis)?;
        let (low, high) = self.axis.range();
        let step = (high - low) / self.colors.len() as f64;
        // Each step extends to the top and the next one covers the excess, so that no gap is left.
        let color = |(n, color): (usize, &RGBColor)| {
            Rectangle::new([(0.0, low + step * n as f64), (1.0, high)], color.filled())
        };
        chart.draw_series(self.colors.iter().enumerate().map(color))?;
        chart.draw_series([Rectangle::new([(0.0, low), (1.0, high)], stroke(INK, 1.0))])?;
        Ok(())
    }
}

impl<'a> Plot<'a> {
    /// A point in the coordinates of the chart.
    pub(crate) fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.x.at(x), self.y.at(y))
    }

    /// The position of a point in the plotting area, in units.
    pub(crate) fn place(&self, point: (f64, f64)) -> (i32, i32) {
        let (x, y) = self.chart.plotting_area().map_coordinate(&self.at(point));
        let (left, top) = self.chart.plotting_area().get_base_pixel();
        (x - left, y - top)
    }

    /// The square of two by two pixels around a point; a reader cannot distinguish several points in it.
    pub(crate) fn square(&self, point: (f64, f64)) -> (i32, i32) {
        let (x, y) = self.place(point);
        (x.div_euclid(2 * UNITS as i32), y.div_euclid(2 * UNITS as i32))
    }

    /// The plotting area, in units from its left and its top edge.
    pub(crate) fn area(&self) -> Area<'a> {
        self.chart.plotting_area().strip_coord_spec()
    }

    /// Width and height of the plotting area, in pixels.
    pub(crate) fn size(&self) -> (f64, f64) {
        size(&self.area())
    }

    /// Draws a series of elements in the coordinates of the chart.
    pub(crate) fn draw<E: Drawable<Canvas<'a>>>(
        &self,
        series: impl IntoIterator<Item = E>,
    ) -> Result<(), Error>
    where
        for<'b> &'b E: PointCollection<'b, (f64, f64)>,
    {
        let area = self.chart.plotting_area();
        Ok(series.into_iter().try_for_each(|element| area.draw(&element))?)
    }

    /// A straight line between two points.
    pub(crate) fn rule(&self, ends: [(f64, f64); 2], look: Look) -> Result<(), Error> {
        self.draw([legend::line(ends.map(|end| self.at(end)).to_vec(), look, RULE)])
    }

    /// A text of this size at a place in the plotting area, in units.
    pub(crate) fn write(
        &self,
        line: &str,
        place: (i32, i32),
        (size, color, anchor): (f64, RGBColor, HPos),
    ) -> Result<(), Error> {
        Ok(self.area().draw_text(line, &text::style(size, false, color, anchor), place)?)
    }

    /// Draws turned names below the axis; plotters would centre them on it.
    fn draw_turned(&self, names: &[Tick]) -> Result<(), Error> {
        let style = text::style(TICK, false, INK, HPos::Right).transform(FontTransform::Rotate270);
        let (_, height) = self.size();
        for (at, name) in names {
            let (across, _) = self.place((*at, self.y.ends.0));
            self.area().draw_text(name, &style, (across, units(height + TO_TICKS)))?;
        }
        Ok(())
    }

    /// Writes in the middle that there are no data.
    pub(crate) fn nothing(&self) -> Result<(), Error> {
        let (width, height) = self.size();
        self.write("no data", (units(width / 2.0), units(height / 2.0)), (LABEL, FADED, HPos::Center))
    }
}
