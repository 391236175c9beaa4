//! What all pictures share: title, legend, axes, grid, notes, and where the data go.

use crate::axis::{Axis, Scale};
use crate::color::{FADED, GRID, INK, SOLID};
use crate::legend::{self, Entry};
use crate::scene::{Anchor, Place, Rect, Scene, Text};
use crate::text::{self, LABEL, NOTE, TICK, TITLE};
use crate::ticks::Ticks;

const MARGIN: f64 = 12.0;
/// From an axis to its readings.
const TO_TICKS: f64 = 7.0;

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
    /// Whether the grid is drawn.
    pub(crate) grid: bool,
}

/// Where the data go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plot {
    pub(crate) area: Rect,
    pub(crate) x: Scale,
    pub(crate) y: Scale,
}

impl Plot {
    fn new(frame: &Frame, area: Rect) -> Self {
        let names = frame.y.all_names().is_some();
        let upward = if names { (area.top, area.bottom) } else { (area.bottom, area.top) };
        Self { area, x: Scale::new(&frame.x, (area.left, area.right)), y: Scale::new(&frame.y, upward) }
    }

    /// Where a point is.
    pub(crate) fn at(&self, (x, y): (f64, f64)) -> Place {
        (self.x.of(x), self.y.of(y))
    }
}

impl Frame {
    pub(crate) fn new(title: &str, x: Axis, y: Axis) -> Self {
        let title = title.to_owned();
        Self { title, legend: Vec::new(), x, y, notes: Vec::new(), square: false, side: 0.0, grid: true }
    }

    /// Draws all but the data.
    pub(crate) fn draw(&self, scene: &mut Scene, place: Rect) -> Plot {
        let mut inner = place.inset(MARGIN);
        self.draw_head(scene, &mut inner);
        self.draw_notes(scene, &mut inner);
        let layout = self.layout(inner);
        let plot = Plot::new(self, layout.area);
        self.draw_grid(scene, &plot, &layout);
        self.draw_labels(scene, &plot, &layout);
        plot
    }

    /// Title and legend; takes their place from the top.
    fn draw_head(&self, scene: &mut Scene, inner: &mut Rect) {
        let title = text::fit(&self.title, TITLE, true, inner.width());
        if !title.is_empty() {
            let place = (inner.left, inner.top + 0.85 * TITLE);
            let (size, anchor) = (TITLE, Anchor::Left);
            scene.text(Text { text: title, place, size, bold: true, upward: false, anchor, color: INK });
            inner.top += 1.6 * TITLE;
        }
        let rows = ((inner.height() / 90.0) as usize).max(1);
        inner.top += legend::draw(scene, &self.legend, *inner, rows);
        inner.top += 6.0;
    }

    /// Notes; takes their place from the bottom.
    fn draw_notes(&self, scene: &mut Scene, inner: &mut Rect) {
        // Where there is little room, several notes share a line.
        let lines = if inner.height() < 220.0 { 1 } else { 3 };
        let alone = self.notes.len().min(if self.notes.len() > lines { lines - 1 } else { lines });
        let (alone, together) = self.notes.split_at(alone);
        for note in alone.iter().cloned().chain([together.join("; ")]).rev().filter(|note| !note.is_empty()) {
            let note = text::fit(&note, NOTE, false, inner.width());
            scene.label(&note, (inner.right, inner.bottom - 0.4 * NOTE), Anchor::Right, NOTE, FADED);
            inner.bottom -= 1.4 * NOTE;
        }
    }

    /// Where the axes are, so that their readings find room.
    fn layout(&self, inner: Rect) -> Layout {
        let mut area = inner;
        area.right -= self.side;
        let named = |axis: &Axis, ticks: &Ticks| !axis.label.is_empty() || !ticks.remark.is_empty();
        let x_ticks = self.x.level(0.8 * area.width());
        let x_label = if named(&self.x, &x_ticks) { 1.5 * LABEL } else { 0.0 };
        area.bottom -= x_label + TO_TICKS + TICK;
        let y_ticks = self.y.upright(area.height());
        if named(&self.y, &y_ticks) {
            area.left += 1.6 * LABEL;
        }
        area.left += widest(&y_ticks).min(0.35 * inner.width()) + TO_TICKS;
        let width = if self.square { area.width().min(area.height()) } else { area.width() };
        let turned = self.x.turned(width);
        if let Some(ticks) = &turned {
            area.bottom -= widest(ticks).min(0.3 * inner.height()) - TICK;
        }
        if self.square {
            area = squared(area);
        }
        let names = || self.x.all_names().unwrap_or_else(|| self.x.level(area.width()));
        let x_ticks = turned.clone().unwrap_or_else(names);
        let y_ticks = self.y.upright(area.height());
        // The last reading must not leave the picture.
        let scale = Scale::new(&self.x, (area.left, area.right));
        let end = |tick: &crate::ticks::Tick| scale.of_axis(tick.at) + text::width(&tick.label, TICK) / 2.0;
        let end = x_ticks.ticks.iter().map(end).fold(0.0, f64::max);
        if turned.is_none() && !self.square && end > inner.right {
            area.right -= (end - inner.right).min(0.3 * area.width());
        }
        Layout { inner, area, x_ticks, y_ticks, turned: turned.is_some() }
    }

    fn draw_grid(&self, scene: &mut Scene, plot: &Plot, layout: &Layout) {
        let area = plot.area;
        let numbers = |axis: &Axis| self.grid && axis.all_names().is_none();
        let major = |ticks: &Ticks| ticks.ticks.iter().map(|tick| (tick.at, GRID)).collect::<Vec<_>>();
        let minor = |ticks: &Ticks| {
            ticks.minor.iter().map(|&at| (at, GRID.mix(crate::color::WHITE, 0.55))).collect::<Vec<_>>()
        };
        if numbers(&self.x) {
            for (at, color) in minor(&layout.x_ticks).into_iter().chain(major(&layout.x_ticks)) {
                let x = plot.x.of_axis(at);
                scene.line(vec![(x, area.top), (x, area.bottom)], color, 1.0, SOLID);
            }
        }
        if numbers(&self.y) {
            for (at, color) in minor(&layout.y_ticks).into_iter().chain(major(&layout.y_ticks)) {
                let y = plot.y.of_axis(at);
                scene.line(vec![(area.left, y), (area.right, y)], color, 1.0, SOLID);
            }
        }
        let corner = vec![(area.left, area.top), (area.left, area.bottom), (area.right, area.bottom)];
        scene.line(corner, INK, 1.0, SOLID);
    }

    fn draw_labels(&self, scene: &mut Scene, plot: &Plot, layout: &Layout) {
        let Rect { left, top, right, bottom } = plot.area;
        let mut foot = bottom + TO_TICKS;
        for tick in &layout.x_ticks.ticks {
            let x = plot.x.of_axis(tick.at);
            if layout.turned {
                let text = text::fit(&tick.label, TICK, false, 0.3 * layout.inner.height());
                foot = foot.max(bottom + TO_TICKS + text::width(&text, TICK));
                let place = (x + text::CAPITAL * TICK / 2.0, bottom + TO_TICKS);
                let anchor = Anchor::Right;
                scene.text(Text { text, place, size: TICK, bold: false, upward: true, anchor, color: INK });
            } else {
                scene.label(&tick.label, (x, bottom + TO_TICKS + TICK / 2.0), Anchor::Middle, TICK, INK);
                foot = foot.max(bottom + TO_TICKS + TICK);
            }
        }
        for tick in &layout.y_ticks.ticks {
            let label = text::fit(&tick.label, TICK, false, 0.35 * layout.inner.width());
            scene.label(&label, (left - TO_TICKS, plot.y.of_axis(tick.at)), Anchor::Right, TICK, INK);
        }
        let name = |axis: &Axis, ticks: &Ticks| format!("{} {}", text::clean(&axis.label), ticks.remark);
        let room = layout.inner.right - layout.inner.left;
        let x_name = text::fit(&name(&self.x, &layout.x_ticks), LABEL, false, room);
        let half = text::width(&x_name, LABEL) / 2.0;
        let at = f64::midpoint(left, right)
            .clamp(layout.inner.left + half, (layout.inner.right - half).max(layout.inner.left + half));
        scene.label(&x_name, (at, foot + 0.85 * LABEL), Anchor::Middle, LABEL, INK);
        // A long name reaches down to where the other axis' name begins.
        let lowest = bottom + TO_TICKS + TICK;
        let text = text::fit(&name(&self.y, &layout.y_ticks), LABEL, false, lowest - top);
        let half = text::width(&text, LABEL) / 2.0;
        let at = f64::midpoint(top, bottom).max(top + half);
        let beside = left - TO_TICKS - widest(&layout.y_ticks).min(0.35 * layout.inner.width());
        let place = (beside - 0.65 * LABEL, at);
        let anchor = Anchor::Middle;
        scene.text(Text { text, place, size: LABEL, bold: false, upward: true, anchor, color: INK });
    }
}

struct Layout {
    inner: Rect,
    area: Rect,
    x_ticks: Ticks,
    y_ticks: Ticks,
    turned: bool,
}

/// The width of the widest reading.
fn widest(ticks: &Ticks) -> f64 {
    ticks.ticks.iter().map(|tick| text::width(&tick.label, TICK)).fold(0.0, f64::max)
}

/// The largest square within, in the middle from left to right.
fn squared(area: Rect) -> Rect {
    let side = area.width().min(area.height());
    let left = area.left + (area.width() - side) / 2.0;
    Rect { left, right: left + side, bottom: area.top + side, ..area }
}

/// Says in the middle that there is nothing to show.
pub(crate) fn nothing(scene: &mut Scene, area: Rect) {
    scene.label("no data", area.center(), Anchor::Middle, LABEL, FADED);
}
