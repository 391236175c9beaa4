//! A bar beside the axes that says what its colours stand for.

use crate::axis::{Axis, Scale};
use crate::color::{Color, INK};
use crate::scene::{Anchor, Rect, Scene, Text};
use crate::text::{self, LABEL, TICK};

const GAP: f64 = 14.0;
const WIDTH: f64 = 14.0;
const STEPS: usize = 20;

/// Where there is less room than this, the axes get it all.
const LEAST_PLACE: f64 = 300.0;

/// Whether there is room for a bar beside axes in such a place.
pub(crate) fn fits(place: Rect) -> bool {
    place.width() >= LEAST_PLACE && place.height() >= 0.7 * LEAST_PLACE
}

/// How many pixels the bar needs to the right of the axes, its name included.
pub(crate) fn room(axis: &Axis, height: f64) -> f64 {
    let widest =
        axis.upright(height).ticks.iter().map(|tick| text::width(&tick.label, TICK)).fold(0.0, f64::max);
    GAP + WIDTH + 6.0 + widest + 6.0 + 1.3 * LABEL
}

/// Draws the bar beside the area; `color` takes shares of the axis, 0 to 1.
pub(crate) fn draw(scene: &mut Scene, area: Rect, axis: &Axis, color: impl Fn(f64) -> Color) {
    let bar = Rect { left: area.right + GAP, right: area.right + GAP + WIDTH, ..area };
    for step in 0..STEPS {
        let share = (step as f64 + 0.5) / STEPS as f64;
        let bottom = bar.bottom - bar.height() * step as f64 / STEPS as f64;
        // Each step reaches up to the top; the next covers what is too much, and no seam is left.
        scene.rect(Rect { bottom, ..bar }, color(share));
    }
    scene.outline(bar, INK, 1.0);
    let ticks = axis.upright(bar.height());
    let scale = Scale::new(axis, (bar.bottom, bar.top));
    let mut right = bar.right + 6.0;
    for tick in &ticks.ticks {
        scene.label(&tick.label, (bar.right + 6.0, scale.of_axis(tick.at)), Anchor::Left, TICK, INK);
        right = right.max(bar.right + 6.0 + text::width(&tick.label, TICK));
    }
    let name = text::fit(&format!("{} {}", axis.label, ticks.remark), LABEL, false, bar.height());
    let place = (right + 6.0 + 0.85 * LABEL, bar.center().1);
    let (size, anchor) = (LABEL, Anchor::Middle);
    scene.text(Text { text: name, place, size, bold: false, upward: true, anchor, color: INK });
}
