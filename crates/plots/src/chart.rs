//! The chart used by all pictures: title, legend, axes and notes, laid out so that all texts fit.

use crate::axis::{Axis, Coordinate};
use crate::legend::{self, Entry};
use crate::look::{FADED, GRID, INK, Look, stroke, tint};
use crate::sheet::{Area, Sheet, units};
use crate::text::{self, LABEL, NOTE, TICK, TITLE};
use crate::{Error, font};
use plotters::chart::{ChartBuilder, ChartContext, LabelAreaPosition};
use plotters::coord::cartesian::Cartesian2d;
use plotters::element::{DynElement, Rectangle};
use plotters::style::text_anchor::HPos;
use plotters::style::{Color as _, FontTransform, RGBColor};

/// plotters puts tick labels two tick marks away from their axis.
const TICK_MARK: f64 = 3.5;
const TO_TICKS: f64 = 2.0 * TICK_MARK;
const MARGIN: f64 = 12.0;
/// The font size of an axis' name, and its distance to the tick labels.
const NAME: f64 = 1.6 * LABEL;

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
    pub(crate) grid: bool,
    /// Pixels to the right of the axes, for labels of bars.
    pub(crate) side: f64,
    pub(crate) bar: Option<ColorBar>,
}

/// A chart to draw data on.
pub(crate) struct Plot {
    pub(crate) chart: ChartContext<'static, Sheet, Cartesian2d<Coordinate, Coordinate>>,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
}

/// Room around the axes in pixels, and the ticks that fit.
struct Layout {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    /// The chart within the area; centred if both axes have the same length.
    margin: (f64, f64),
    x_ticks: Vec<(f64, String)>,
    y_ticks: Vec<(f64, String)>,
    turned: bool,
}

impl Frame {
    pub(crate) fn new(title: &str, x: Axis, y: Axis) -> Self {
        let (legend, notes) = (Vec::new(), Vec::new());
        Self { title: title.to_owned(), legend, x, y, notes, square: false, grid: true, side: 0.0, bar: None }
    }

    /// Draws everything except the data.
    pub(crate) fn draw(self, area: &Area) -> Result<Plot, Error> {
        let margin = units(MARGIN);
        let area = titled(&area.margin(margin, margin, margin, margin), &self.title, TITLE)?;
        let area = self.draw_notes(&area)?;
        let area = legend::draw(area, &self.legend)?;
        let layout = self.layout(&area);
        let mut builder = ChartBuilder::on(&area);
        builder
            .margin_top(units(layout.top))
            .margin_left(units(layout.margin.0))
            .margin_right(units(layout.right + layout.margin.0))
            .margin_bottom(units(layout.margin.1))
            .x_label_area_size(units(layout.bottom))
            .y_label_area_size(units(layout.left));
        let coordinates = (self.x.coordinate(&layout.x_ticks), self.y.coordinate(&layout.y_ticks));
        let mut chart = builder.build_cartesian_2d(coordinates.0, coordinates.1)?;
        self.draw_mesh(&mut chart, &layout)?;
        if layout.turned {
            draw_turned(&area, &chart, &layout)?;
        }
        if let Some(bar) = &self.bar
            && layout.right > BAR_GAP + BAR
        {
            draw_bar(&area, &chart, bar, layout.right)?;
        }
        Ok(Plot { chart, x: self.x, y: self.y })
    }

    /// Draws the notes, and returns the area above them.
    fn draw_notes(&self, area: &Area) -> Result<Area, Error> {
        let (width, height) = area.dim_in_pixel();
        // If there is little room, several notes share a line.
        let lines = if height < 2200 { 1 } else { 3 };
        let alone = self.notes.len().min(if self.notes.len() > lines { lines - 1 } else { lines });
        let (alone, together) = self.notes.split_at(alone);
        let notes = alone.iter().cloned().chain([together.join("; ")]).filter(|note| !note.is_empty());
        let notes: Vec<String> = notes.collect();
        let foot = units(1.4 * NOTE * notes.len() as f64);
        let (rest, place) = area.split_vertically(height as i32 - foot);
        for (line, note) in notes.iter().enumerate() {
            let note = text::fit(note, NOTE, false, f64::from(width) / 10.0);
            let at = (width as i32, units((line as f64 + 0.8) * 1.4 * NOTE));
            place.draw_text(&note, &font::style(NOTE, false, FADED, HPos::Right), at)?;
        }
        Ok(rest)
    }

    /// How much room tick labels and names take, and which ticks fit.
    fn layout(&self, area: &Area) -> Layout {
        let (width, height) = area.dim_in_pixel();
        let (width, height) = (f64::from(width) / 10.0, f64::from(height) / 10.0);
        let named = |axis: &Axis| if axis.name().is_empty() { 0.0 } else { NAME };
        let top = 8.0;
        let mut bottom = TO_TICKS + 1.1 * TICK + named(&self.x);
        let y_ticks = fitted(upright(&self.y, height - top - bottom), 0.35 * width);
        let left = named(&self.y) + widest(&y_ticks) + TO_TICKS;
        let bar = self.bar.as_ref().filter(|_| width >= 280.0 && height >= 170.0);
        let mut right = self.side + bar.map_or(0.0, |bar| bar_room(&bar.axis, height - top - bottom));
        let mut across = width - left - right;
        if self.square {
            across = across.min(height - top - bottom);
        }
        let turned = turned(&self.x, across);
        let x_ticks = match &turned {
            Some(ticks) => fitted(ticks.clone(), 0.3 * height),
            None => level(&self.x, across),
        };
        if turned.is_some() {
            bottom += widest(&x_ticks) - TICK;
        } else if let Some((_, last)) = x_ticks.last() {
            // The last tick label must stay inside the picture.
            right = right.max(text::width(last, TICK) / 2.0 - MARGIN + 4.0);
        }
        let mut margin = (0.0, 0.0);
        if self.square {
            let (across, along) = (width - left - right, height - top - bottom);
            margin = (((across - along) / 2.0).max(0.0), (along - across).max(0.0));
        }
        let y_ticks = fitted(upright(&self.y, height - top - bottom - margin.1), 0.35 * width);
        Layout { left, right, top, bottom, margin, x_ticks, y_ticks, turned: turned.is_some() }
    }

    fn draw_mesh(
        &self,
        chart: &mut ChartContext<'_, Sheet, Cartesian2d<Coordinate, Coordinate>>,
        layout: &Layout,
    ) -> Result<(), Error> {
        let (width, height) = chart.plotting_area().dim_in_pixel();
        let x_read = |at: &f64| if layout.turned { String::new() } else { reading(&layout.x_ticks, *at) };
        let y_read = |at: &f64| reading(&layout.y_ticks, *at);
        let name = |axis: &Axis, room: u32| text::fit(&axis.name(), LABEL, false, f64::from(room) / 10.0);
        let mut mesh = chart.configure_mesh();
        mesh.axis_style(stroke(INK, 1.0))
            .bold_line_style(stroke(GRID, 1.0))
            .light_line_style(stroke(tint(GRID, 0.5), 1.0))
            .label_style(font::style(TICK, false, INK, HPos::Center))
            .axis_desc_style(font::style(LABEL, false, INK, HPos::Center))
            .set_all_tick_mark_size(units(TICK_MARK))
            .x_label_formatter(&x_read)
            .y_label_formatter(&y_read)
            .x_desc(name(&self.x, width))
            .y_desc(name(&self.y, height));
        if !self.grid || self.x.has_names() {
            mesh.disable_x_mesh();
        }
        if !self.grid || self.y.has_names() {
            mesh.disable_y_mesh();
        }
        Ok(mesh.draw()?)
    }
}

/// Draws the title at the top, cut to the width.
pub(crate) fn titled(area: &Area, title: &str, size: f64) -> Result<Area, Error> {
    let title = text::fit(title, size, true, f64::from(area.dim_in_pixel().0) / 10.0 - 2.0);
    if title.is_empty() {
        return Ok(area.clone());
    }
    let area = area.titled(&title, font::style(size, true, INK, HPos::Center))?;
    Ok(area.margin(units(0.3 * size), 0, 0, 0))
}

fn reading(ticks: &[(f64, String)], at: f64) -> String {
    ticks.iter().find(|tick| tick.0 == at).map_or(String::new(), |tick| tick.1.clone())
}

fn widest(ticks: &[(f64, String)]) -> f64 {
    ticks.iter().map(|tick| text::width(&tick.1, TICK)).fold(0.0, f64::max)
}

fn fitted(ticks: Vec<(f64, String)>, room: f64) -> Vec<(f64, String)> {
    ticks.into_iter().map(|(at, text)| (at, text::fit(&text, TICK, false, room))).collect()
}

/// Ticks for a vertical axis of this length in pixels.
fn upright(axis: &Axis, pixels: f64) -> Vec<(f64, String)> {
    let (spacing, most) = if axis.has_names() { (1.25 * TICK, usize::MAX) } else { (2.6 * TICK, 8) };
    let (low, high) =
        (axis.at(axis.ends.0).min(axis.at(axis.ends.1)), axis.at(axis.ends.0).max(axis.at(axis.ends.1)));
    let apart = |pair: &[(f64, String)]| {
        let share = match axis.is_logarithmic() {
            true => (pair[1].0 / pair[0].0).log10() / (high / low).log10(),
            false => (pair[1].0 - pair[0].0).abs() / (high - low),
        };
        share * pixels >= 1.1 * TICK
    };
    let most = ((pixels / spacing) as usize).clamp(1, most);
    let fits = |ticks: &Vec<(f64, String)>| ticks.windows(2).all(apart);
    (1..=most.min(200)).rev().map(|count| axis.ticks(count)).find(fits).unwrap_or_default()
}

/// As many ticks as fit on a horizontal axis of this length in pixels.
fn level(axis: &Axis, pixels: f64) -> Vec<(f64, String)> {
    let coordinate = axis.coordinate(&[]);
    let place = |at: f64| {
        f64::from(plotters::coord::ranged1d::Ranged::map(&coordinate, &at, (0, units(pixels)))) / 10.0
    };
    let beside = |pair: &[(f64, String)]| {
        let half = |tick: &(f64, String)| text::width(&tick.1, TICK) / 2.0;
        (place(pair[1].0) - place(pair[0].0)).abs() >= half(&pair[0]) + half(&pair[1]) + 8.0
    };
    let fits = |ticks: &Vec<(f64, String)>| ticks.windows(2).all(beside);
    let most = if axis.has_names() { usize::MAX } else { 10 };
    let counts = std::iter::once(most).chain((1..most.min(10)).rev());
    counts.map(|count| axis.ticks(count)).find(fits).unwrap_or_default()
}

/// The names on an axis, if they must be turned to fit.
fn turned(axis: &Axis, pixels: f64) -> Option<Vec<(f64, String)>> {
    if !axis.has_names() {
        return None;
    }
    let all = axis.ticks(usize::MAX);
    let slot = pixels / (axis.ends.1 - axis.ends.0).abs().max(1.0);
    let too_wide = all.iter().any(|tick| text::width(&tick.1, TICK) > slot - 6.0);
    too_wide.then(|| axis.ticks((all.len() as f64 * slot / (1.25 * TICK)).min(1e6) as usize))
}

/// Draws turned names; plotters would centre them on the axis.
fn draw_turned(
    area: &Area,
    chart: &ChartContext<'_, Sheet, Cartesian2d<Coordinate, Coordinate>>,
    layout: &Layout,
) -> Result<(), Error> {
    let style = font::style(TICK, false, INK, HPos::Right);
    let style = style.transform(FontTransform::Rotate270);
    let (x, y) = area.get_base_pixel();
    let bottom = chart.plotting_area().get_pixel_range().1.end;
    for (at, name) in &layout.x_ticks {
        let across = chart.plotting_area().map_coordinate(&(*at, chart.y_range().start)).0;
        area.draw_text(name, &style, (across - x, bottom - y + units(TO_TICKS)))?;
    }
    Ok(())
}

const BAR_GAP: f64 = 14.0;
const BAR: f64 = 14.0;

fn bar_room(axis: &Axis, height: f64) -> f64 {
    BAR_GAP + BAR + TO_TICKS + widest(&upright(axis, height)) + 4.0 + 1.3 * LABEL
}

/// The colour bar: a separate chart, with its axis at the right.
fn draw_bar(
    area: &Area,
    beside: &ChartContext<'_, Sheet, Cartesian2d<Coordinate, Coordinate>>,
    bar: &ColorBar,
    room: f64,
) -> Result<(), Error> {
    let (across, along) = beside.plotting_area().get_pixel_range();
    let (x, y) = area.get_base_pixel();
    let place = (across.end - x + units(BAR_GAP), along.start - y);
    let height = along.end - along.start;
    let side = area.clone().shrink(place, (units(room - BAR_GAP), height));
    let ticks = upright(&bar.axis, f64::from(height) / 10.0);
    let mut builder = ChartBuilder::on(&side);
    builder.set_label_area_size(LabelAreaPosition::Right, units(room - BAR_GAP - BAR));
    let width = Axis::names("", Vec::new(), (0.0, 1.0)).coordinate(&[]);
    let mut chart = builder.build_cartesian_2d(width, bar.axis.coordinate(&ticks))?;
    let (low, high) = (bar.axis.at(bar.axis.ends.0), bar.axis.at(bar.axis.ends.1));
    let step = (high - low) / bar.colors.len() as f64;
    // Each step extends to the top and the next one covers the excess, so that no gap is left.
    let steps = bar
        .colors
        .iter()
        .enumerate()
        .map(|(n, color)| Rectangle::new([(0.0, low + step * n as f64), (1.0, high)], color.filled()));
    chart.draw_series(steps)?;
    chart.draw_series([Rectangle::new([(0.0, low), (1.0, high)], stroke(INK, 1.0))])?;
    let read = |at: &f64| reading(&ticks, *at);
    let name = text::fit(&bar.axis.name(), LABEL, false, f64::from(height) / 10.0);
    let mut mesh = chart.configure_mesh();
    mesh.disable_mesh()
        .axis_style(stroke(INK, 1.0))
        .label_style(font::style(TICK, false, INK, HPos::Center))
        .axis_desc_style(font::style(LABEL, false, INK, HPos::Center))
        .set_all_tick_mark_size(units(TICK_MARK))
        .y_label_formatter(&read)
        .y_desc(name);
    Ok(mesh.draw()?)
}

impl Plot {
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

    /// The plotting area, in units from its left and its top edge.
    pub(crate) fn area(&self) -> Area {
        self.chart.plotting_area().strip_coord_spec()
    }

    /// Width and height of the plotting area, in units.
    pub(crate) fn size(&self) -> (i32, i32) {
        let (width, height) = self.chart.plotting_area().dim_in_pixel();
        (width as i32, height as i32)
    }

    pub(crate) fn draw(
        &self,
        elements: impl IntoIterator<Item = DynElement<'static, Sheet, (f64, f64)>>,
    ) -> Result<(), Error> {
        let area = self.chart.plotting_area();
        Ok(elements.into_iter().try_for_each(|element| area.draw(&element))?)
    }

    /// A straight line between two points.
    pub(crate) fn rule(&self, ends: [(f64, f64); 2], look: Look, width: f64) -> Result<(), Error> {
        let ends = ends.map(|end| self.at(end));
        self.draw([legend::line(ends.to_vec(), look, width)])
    }

    /// A text beside a place in the plotting area, in units.
    pub(crate) fn write(
        &self,
        text: &str,
        place: (i32, i32),
        look: (f64, RGBColor, HPos),
    ) -> Result<(), Error> {
        Ok(self.area().draw_text(text, &font::style(look.0, false, look.1, look.2), place)?)
    }

    /// The edge of the plotting area.
    pub(crate) fn outline(&self) -> Result<(), Error> {
        let (width, height) = self.size();
        Ok(self.area().draw(&Rectangle::new([(0, 0), (width, height)], stroke(INK, 1.0)))?)
    }

    /// Writes in the middle that there are no data.
    pub(crate) fn nothing(&self) -> Result<(), Error> {
        let (width, height) = self.size();
        self.write("no data", (width / 2, height / 2), (LABEL, FADED, HPos::Center))
    }
}
