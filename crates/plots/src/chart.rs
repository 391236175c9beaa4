//! What all pictures share: a chart of plotters with title, legend, axes, grid and notes in the room there is.

use crate::axis::{Axis, Scale};
use crate::color::{Color, DASHED, Dash, FADED, GRID, INK};
use crate::legend::{self, Entry};
use crate::scene::{Area, Recorder, UNITS, extent, part, units};
use crate::text::{self, LABEL, NOTE, TICK, TITLE};
use crate::{Error, font};
use plotters::chart::{ChartBuilder, ChartContext, LabelAreaPosition};
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::Ranged;
use plotters::element::{DynElement, PathElement, Rectangle};
use plotters::series::DashedLineSeries;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontTransform, TextStyle};

/// A chart of plotters, as all pictures have it.
pub(crate) type Chart = ChartContext<'static, Recorder, Cartesian2d<Scale, Scale>>;
/// An element of plotters at places of such a type.
pub(crate) type Element<P> = DynElement<'static, Recorder, P>;

const MARGIN: f64 = 12.0;
/// From an axis to its readings.
const TO_TICKS: f64 = 6.0;

/// Everything around the data.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) legend: Vec<Entry>,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    /// Small lines at the foot: what is not shown, what was counted.
    pub(crate) notes: Vec<String>,
    /// Whether both axes have the same length.
    pub(crate) square: bool,
    /// Pixels kept free to the right of the axes.
    pub(crate) side: f64,
    pub(crate) grid: bool,
}

/// Where the data go.
pub(crate) struct Plot {
    pub(crate) chart: Chart,
    /// The picture's part, and in it the axes' left, top, width and height in pixels.
    outer: Area,
    place: (f64, f64),
    pub(crate) size: (f64, f64),
}

impl Frame {
    pub(crate) fn new(title: &str, x: Axis, y: Axis) -> Self {
        let title = title.to_owned();
        Self { title, legend: Vec::new(), x, y, notes: Vec::new(), square: false, side: 0.0, grid: true }
    }

    /// Draws all but the data.
    pub(crate) fn draw(&self, area: &Area) -> Result<Plot, Error> {
        let edge = units(MARGIN);
        let inner = titled(&area.margin(edge, edge, edge, edge), &self.title, TITLE)?;
        let rows = ((extent(&inner).1 / 90.0) as usize).max(1);
        let inner = self.draw_notes(&legend::draw(&inner, &self.legend, rows)?)?;
        let (width, height) = extent(&inner);
        let need = |name: &str, pixels: f64| if name.is_empty() { 0.0 } else { pixels };
        let (x_name, y_name) = (self.x.name(), self.y.name());

        let foot = TO_TICKS + TICK + need(&x_name, 1.6 * LABEL);
        let y = self.y.upright(height - foot).cut(0.35 * width);
        let left = TO_TICKS + y.widest() + need(&y_name, 1.6 * LABEL);
        let mut right = self.side;
        let room = width - left - right;
        let room = if self.square { room.min(height - foot) } else { room };
        let (x, names) = match self.x.turned(room) {
            Some(scale) => (self.x.level(0.0).without_ticks(), Some(scale.cut(0.3 * height))),
            None => (self.x.level(0.8 * (width - left - right)), None),
        };
        let upright = names.as_ref().is_some_and(|names| names.ticks.len() > 1 && self.is_tight(names, room));
        let foot = match &names {
            Some(names) if upright => foot - TICK + names.widest(),
            _ => foot,
        };
        right = right.max(x.ticks.last().map_or(0.0, |(_, label)| text::width(label, TICK) / 2.0 - MARGIN));
        let (mut bottom, mut before) = (foot, left);
        if self.square {
            let spare = (width - left - right) - (height - foot);
            (before, right, bottom) =
                (left + spare.max(0.0) / 2.0, right + spare.max(0.0) / 2.0, foot + (-spare).max(0.0));
        }
        let size = ((width - before - right).max(1.0), (height - bottom).max(1.0));
        let mut builder = ChartBuilder::on(&inner);
        builder
            .margin_left(units(before - left))
            .margin_right(units(right))
            .margin_bottom(units(bottom - foot))
            .set_label_area_size(LabelAreaPosition::Left, units(left))
            .set_label_area_size(LabelAreaPosition::Bottom, units(foot));
        let chart = builder.build_cartesian_2d(x, y)?;
        let mut plot = Plot { chart, outer: inner, place: (before, 0.0), size };
        self.draw_mesh(&mut plot, &x_name, &y_name)?;
        if let Some(names) = names {
            plot.draw_names(&names, upright)?;
        }
        Ok(plot)
    }

    /// Whether names have less room beside each other than they are wide.
    fn is_tight(&self, names: &Scale, width: f64) -> bool {
        let at = |i: usize| f64::from(names.map(&names.ticks[i].0, (0, units(width)))) / UNITS;
        let reach = |i: usize| text::width(&names.ticks[i].1, TICK) / 2.0 + 3.0;
        (1..names.ticks.len()).any(|i| at(i) - at(i - 1) < reach(i) + reach(i - 1))
    }

    fn draw_mesh(&self, plot: &mut Plot, x_name: &str, y_name: &str) -> Result<(), Error> {
        let mut mesh = plot.chart.configure_mesh();
        if !self.grid || self.x.is_names() {
            mesh.disable_x_mesh();
        }
        if !self.grid || self.y.is_names() {
            mesh.disable_y_mesh();
        }
        mesh.axis_style(INK.stroke(1.0))
            .bold_line_style(GRID.stroke(1.0))
            .light_line_style(GRID.tint(0.5).stroke(1.0))
            .x_label_style(font::style(TICK))
            .y_label_style(font::style(TICK))
            .axis_desc_style(font::style(LABEL))
            .set_all_tick_mark_size(units(TO_TICKS / 2.0))
            .x_desc(text::fit(x_name, LABEL, false, plot.size.0))
            .y_desc(text::fit(y_name, LABEL, false, plot.size.1))
            .draw()?;
        Ok(())
    }

    /// Notes at the foot; returns what is left above them.
    fn draw_notes(&self, area: &Area) -> Result<Area, Error> {
        let (width, height) = extent(area);
        // Where there is little room, several notes share a line.
        let lines = if height < 220.0 { 1 } else { 3 };
        let alone = self.notes.len().min(if self.notes.len() > lines { lines - 1 } else { lines });
        let (alone, together) = self.notes.split_at(alone);
        let mut bottom = height;
        for note in alone.iter().cloned().chain([together.join("; ")]).rev().filter(|note| !note.is_empty()) {
            let note = text::fit(&note, NOTE, false, width);
            let style = font::about(NOTE, HPos::Right, FADED);
            area.draw_text(&note, &style, (units(width), units(bottom - 0.4 * NOTE)))?;
            bottom -= 1.4 * NOTE;
        }
        Ok(part(area, (0.0, 0.0), (width, bottom)))
    }
}

/// A title above an area; returns what is left.
pub(crate) fn titled(area: &Area, title: &str, size: f64) -> Result<Area, Error> {
    let (width, height) = extent(area);
    let title = text::fit(title, size, true, width);
    if title.is_empty() {
        return Ok(area.clone());
    }
    area.titled(&title, font::bold(size))?;
    Ok(part(area, (0.0, 1.6 * size), (width, height - 1.6 * size)))
}

impl Plot {
    /// Names under the axis; plotters would centre those that stand upright on the axis.
    fn draw_names(&self, names: &Scale, upright: bool) -> Result<(), Error> {
        let down = units(self.place.1 + self.size.1 + TO_TICKS);
        for (at, name) in &names.ticks {
            let x = units(self.place.0) + names.map(at, (0, units(self.size.0)));
            let style: TextStyle<'_> = font::style(TICK);
            let style = if upright {
                style.transform(FontTransform::Rotate270).pos(Pos::new(HPos::Right, VPos::Center))
            } else {
                style.pos(Pos::new(HPos::Center, VPos::Top))
            };
            self.outer.draw_text(name, &style, (x, down))?;
        }
        Ok(())
    }

    /// Where a point is, in units.
    pub(crate) fn at(&self, point: (f64, f64)) -> (i32, i32) {
        self.chart.plotting_area().map_coordinate(&point)
    }

    /// The part of the picture within the axes, in units from its upper left corner.
    pub(crate) fn inside(&self) -> Area {
        part(&self.outer, self.place, self.size)
    }

    /// A line through points, solid or dashed.
    pub(crate) fn line(
        &mut self,
        points: Vec<(f64, f64)>,
        color: Color,
        width: f64,
        dash: Dash,
    ) -> Result<(), Error> {
        let at: Vec<_> = points.iter().map(|&point| self.at(point)).collect();
        let far =
            |pair: &[(i32, i32)]| f64::from(pair[1].0 - pair[0].0).hypot(f64::from(pair[1].1 - pair[0].1));
        let length: f64 = at.windows(2).map(far).sum();
        match dash {
            // A line that goes to and fro is drawn solid: dashes would not show.
            Some((stroke, gap)) if length < 50_000.0 * UNITS => {
                let dashes = DashedLineSeries::new(points, units(stroke), units(gap), color.stroke(width));
                self.chart.draw_series(dashes)?;
            }
            _ => {
                self.chart.draw_series([PathElement::new(points, color.stroke(width))])?;
            }
        }
        Ok(())
    }

    /// A dashed line from edge to edge: at a height, or upright at a place.
    pub(crate) fn across(&mut self, at: f64, upright: bool) -> Result<(), Error> {
        let area = self.chart.plotting_area();
        let (x, y) = (area.get_x_range(), area.get_y_range());
        let ends = if upright { [(at, y.start), (at, y.end)] } else { [(x.start, at), (x.end, at)] };
        self.line(ends.to_vec(), INK, 1.4, DASHED)
    }

    /// Says in the middle that there is nothing to show.
    pub(crate) fn nothing(&self) -> Result<(), Error> {
        let middle = (units(self.size.0 / 2.0), units(self.size.1 / 2.0));
        Ok(self.inside().draw_text("no data", &font::about(LABEL, HPos::Center, FADED), middle)?)
    }

    /// The edge of the axes.
    pub(crate) fn outline(&self) -> Result<(), Error> {
        let corner = (units(self.size.0), units(self.size.1));
        Ok(self.inside().draw(&Rectangle::new([(0, 0), corner], INK.stroke(1.0)))?)
    }

    /// A bar in the room kept beside the axes that says what colours stand for; `color` takes numbers of the axis.
    pub(crate) fn color_bar(&self, axis: &Axis, color: impl Fn(f64) -> Color) -> Result<(), Error> {
        const STEPS: usize = 20;
        let (left, width) = (self.place.0 + self.size.0 + BAR_GAP, bar_room(axis, self.size.1) - BAR_GAP);
        let strip = part(&self.outer, (left, self.place.1), (width, self.size.1));
        let scale = axis.upright(self.size.1);
        let (low, high) = (scale.range().start, scale.range().end);
        let mut chart: Chart = ChartBuilder::on(&strip)
            .right_y_label_area_size(units(width - BAR_WIDTH))
            .build_cartesian_2d(Axis::names("", Vec::new(), 1.0).level(1.0), scale)?;
        let at = |step: usize| low + (high - low) * step as f64 / STEPS as f64;
        // Each step reaches up to the top; the next covers what is too much, and no seam is left.
        let middle = |step: usize| f64::midpoint(at(step), at(step + 1));
        let step = |step| Rectangle::new([(0.0, at(step)), (1.0, high)], color(middle(step)).fill());
        chart.draw_series((0..STEPS).map(step))?;
        chart.draw_series([Rectangle::new([(0.0, low), (1.0, high)], INK.stroke(1.0))])?;
        let mut mesh = chart.configure_mesh();
        mesh.disable_mesh().axis_style(INK.stroke(1.0)).set_all_tick_mark_size(units(TO_TICKS / 2.0));
        mesh.y_label_style(font::style(TICK)).axis_desc_style(font::style(LABEL));
        mesh.y_desc(text::fit(&axis.name(), LABEL, false, self.size.1)).draw()?;
        Ok(())
    }
}

const BAR_GAP: f64 = 14.0;
const BAR_WIDTH: f64 = 14.0;

/// How many pixels a colour bar needs to the right of axes so high, its name included; none where there is no room
/// for one.
pub(crate) fn bar_room(axis: &Axis, height: f64) -> f64 {
    BAR_GAP + BAR_WIDTH + TO_TICKS + axis.upright(height).widest() + 6.0 + 1.3 * LABEL
}

/// Whether a colour bar has room in such an area.
pub(crate) fn has_room_for_bar(area: &Area) -> bool {
    let (width, height) = extent(area);
    width >= 300.0 && height >= 210.0
}
