//! The legend: rows above the axes, where it covers nothing.

use crate::color::{Color, Dash, INK, WHITE};
use crate::scene::{Anchor, Marker, Place, Rect, Scene};
use crate::text::{self, TICK};

/// What stands before an entry's text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Swatch {
    None,
    Line { color: Color, width: f64, dash: Dash, marker: Option<Marker> },
    Marker { marker: Marker, color: Color },
    Ring(Color),
    Box(Color),
}

/// One line of a legend.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) swatch: Swatch,
    pub(crate) text: String,
}

impl Entry {
    pub(crate) fn new(swatch: Swatch, text: impl Into<String>) -> Self {
        Self { swatch, text: text.into() }
    }
}

const ROW: f64 = 1.55 * TICK;
const GAP: f64 = 18.0;

impl Swatch {
    /// With its distance to the text.
    fn width(self) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Line { .. } => 34.0,
            Self::Marker { .. } | Self::Ring(_) | Self::Box(_) => 17.0,
        }
    }

    /// Draws it to the right of a place.
    fn draw(self, scene: &mut Scene, (x, y): Place) {
        match self {
            Self::None => {}
            Self::Line { color, width, dash, marker } => {
                scene.line(vec![(x, y), (x + 28.0, y)], color, width, dash);
                if let Some(marker) = marker {
                    scene.marker(marker, (x + 14.0, y), 3.0, color);
                }
            }
            Self::Marker { marker, color } => scene.marker(marker, (x + 5.5, y), 4.0, color),
            Self::Ring(color) => ring(scene, (x + 5.5, y), color),
            Self::Box(color) => {
                scene.rect(Rect { left: x, right: x + 11.0, top: y - 5.5, bottom: y + 5.5 }, color);
            }
        }
    }
}

/// A mark around a point that leaves the point visible.
pub(crate) fn ring(scene: &mut Scene, center: Place, color: Color) {
    scene.marker(Marker::Disc, center, 5.5, color);
    scene.marker(Marker::Disc, center, 3.5, WHITE);
    scene.marker(Marker::Disc, center, 1.5, color);
}

/// Draws the legend into the upper part of the place, in at most so many rows; the height it took.
pub(crate) fn draw(scene: &mut Scene, entries: &[Entry], place: Rect, most_rows: usize) -> f64 {
    let room = place.width();
    let most_text = (room * 0.6).max(300.0).min(room);
    let (mut x, mut row) = (0.0, 0);
    for (index, entry) in entries.iter().enumerate() {
        let rest = entries.len() - index;
        // In the last row, room is kept for saying what the legend leaves out.
        let kept = if row + 1 == most_rows && rest > 1 { GAP + 75.0 } else { 0.0 };
        let most = most_text.min(room - kept) - entry.swatch.width();
        let text = text::fit(&entry.text, TICK, false, most.max(0.0));
        let width = entry.swatch.width() + text::width(&text, TICK);
        let needed = width + kept;
        if x > 0.0 && x + needed > room {
            if row + 1 == most_rows {
                let more = format!("and {rest} more");
                scene.label(&more, (place.left + x, middle(place, row)), Anchor::Left, TICK, INK);
                break;
            }
            (x, row) = (0.0, row + 1);
        }
        let at = (place.left + x, middle(place, row));
        entry.swatch.draw(scene, at);
        scene.label(&text, (at.0 + entry.swatch.width(), at.1), Anchor::Left, TICK, INK);
        x += width + GAP;
    }
    if entries.is_empty() { 0.0 } else { (row + 1) as f64 * ROW }
}

fn middle(place: Rect, row: usize) -> f64 {
    place.top + (row as f64 + 0.5) * ROW
}
