//! Looks that all readers can distinguish, including colour-blind ones: colours, dashes, markers.

use crate::canvas::units;
use plotters::element::{Drawable, PointCollection};
pub(crate) use plotters::style::WHITE;
use plotters::style::{Color as _, RGBColor, ShapeStyle};
use plotters_backend::{BackendCoord, DrawingBackend, DrawingErrorKind};
use std::f64::consts::TAU;
use std::iter::{Once, once};

/// The colour of axes and texts.
pub(crate) const INK: RGBColor = RGBColor(40, 40, 40);
/// The colour of notes.
pub(crate) const FADED: RGBColor = RGBColor(105, 105, 105);
pub(crate) const GRID: RGBColor = RGBColor(228, 228, 228);
/// The colour where there is no number.
pub(crate) const UNKNOWN: RGBColor = RGBColor(190, 190, 190);
pub(crate) const BLUE: RGBColor = RGBColor(0, 114, 178);
pub(crate) const VERMILION: RGBColor = RGBColor(213, 94, 0);

/// The colours of Okabe and Ito, with brown instead of yellow, which is too light for lines on white.
const PALETTE: [RGBColor; 8] = [
    BLUE,
    VERMILION,
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(70, 70, 70),
    RGBColor(128, 70, 27),
];

/// Strokes and gaps in pixels; empty for a solid line.
const DASHES: [Option<(f64, f64)>; 4] = [None, Some((9.0, 4.0)), Some((4.0, 3.0)), Some((1.6, 3.0))];

/// The width of a line across the picture, in pixels.
pub(crate) const RULE: f64 = 1.4;

/// The shape of a point: corners that are repeated around it, by angle, as a share of a circle from the top, and by
/// distance; a disc has none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Marker {
    repeats: u32,
    corners: &'static [(f64, f64)],
}

/// The look of a run, a mode or a class, in all panels of a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Look {
    pub(crate) color: RGBColor,
    pub(crate) dash: Option<(f64, f64)>,
    pub(crate) marker: Marker,
    /// Whether the marker is needed to distinguish this look from another with the same colour.
    pub(crate) marked: bool,
}

impl Look {
    /// The number of looks.
    pub(crate) const COUNT: usize = PALETTE.len() * Marker::ALL.len();

    /// The look of the n-th of several things: eight colours, then another marker for each further eight.
    pub(crate) fn nth(n: usize) -> Self {
        let (color, turn) = (n % PALETTE.len(), n / PALETTE.len() % Marker::ALL.len());
        let dash = DASHES[(color + turn) % DASHES.len()];
        Self { color: PALETTE[color], dash, marker: Marker::nth(color + turn), marked: turn > 0 }
    }

    pub(crate) fn solid(color: RGBColor) -> Self {
        Self { color, dash: None, marker: Marker::DISC, marked: false }
    }

    /// The look of a line across the picture.
    pub(crate) fn rule() -> Self {
        Self { dash: DASHES[1], ..Self::solid(INK) }
    }
}

/// The style of a line of this width in pixels.
pub(crate) fn stroke(color: RGBColor, pixels: f64) -> ShapeStyle {
    color.stroke_width(units(pixels) as u32)
}

/// The colour blended with white: 0 gives white, 1 the colour itself.
pub(crate) fn tint(color: RGBColor, share: f64) -> RGBColor {
    let share = share.clamp(0.0, 1.0);
    let mix = |channel: u8| (255.0 + share * (f64::from(channel) - 255.0)).round() as u8;
    RGBColor(mix(color.0), mix(color.1), mix(color.2))
}

/// The colour for texts on top of this colour.
pub(crate) fn ink_on(color: RGBColor) -> RGBColor {
    let light = 0.299 * f64::from(color.0) + 0.587 * f64::from(color.1) + 0.114 * f64::from(color.2);
    if light > 140.0 { INK } else { WHITE }
}

impl Marker {
    pub(crate) const DISC: Self = Self::of(0, &[]);

    /// Disc, square, triangle, diamond, wedge, cross, plus and star, all of about the same area.
    const ALL: [Self; 8] = [
        Self::DISC,
        Self::of(4, &[(0.125, 1.24)]),
        Self::of(3, &[(0.0, 1.3)]),
        Self::of(4, &[(0.0, 1.3)]),
        Self::of(3, &[(0.5, 1.3)]),
        Self::of(4, &[(0.075, 1.37), (0.175, 1.37), (0.25, 0.59)]),
        Self::of(4, &[(-0.05, 1.37), (0.05, 1.37), (0.125, 0.59)]),
        Self::of(5, &[(0.0, 1.5), (0.1, 0.65)]),
    ];

    const fn of(repeats: u32, corners: &'static [(f64, f64)]) -> Self {
        Self { repeats, corners }
    }

    pub(crate) fn nth(n: usize) -> Self {
        Self::ALL[n % Self::ALL.len()]
    }

    /// The marker at a place, its radius in pixels.
    pub(crate) fn at<P>(self, place: P, radius: f64, color: RGBColor) -> Mark<P> {
        Mark { place, marker: self, radius, color }
    }
}

/// A marker at a place, as an element for plotters; of plotters' own, only three have different shapes.
pub(crate) struct Mark<P> {
    place: P,
    marker: Marker,
    radius: f64,
    color: RGBColor,
}

impl<'a, P> PointCollection<'a, P> for &'a Mark<P> {
    type Point = &'a P;
    type IntoIter = Once<&'a P>;

    fn point_iter(self) -> Once<&'a P> {
        once(&self.place)
    }
}

impl<P, B: DrawingBackend> Drawable<B> for Mark<P> {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        mut places: I,
        backend: &mut B,
        _: (u32, u32),
    ) -> Result<(), DrawingErrorKind<B::ErrorType>> {
        let Self { marker, radius, color, .. } = self;
        let Some((x, y)) = places.next() else { return Ok(()) };
        if marker.corners.is_empty() {
            return backend.draw_circle((x, y), units(*radius) as u32, color, true);
        }
        let turned = |turn: f64, (angle, reach): (f64, f64)| {
            let (sin, cos) = (TAU * (turn + angle)).sin_cos();
            (x + units(radius * reach * sin), y - units(radius * reach * cos))
        };
        let turns = (0..marker.repeats).map(|n| f64::from(n) / f64::from(marker.repeats));
        backend.fill_polygon(
            turns.flat_map(|turn| marker.corners.iter().map(move |&at| turned(turn, at))),
            color,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_look_comes_twice() {
        let looks: Vec<Look> = (0..Look::COUNT).map(Look::nth).collect();
        for (n, look) in looks.iter().enumerate() {
            for other in &looks[..n] {
                let told =
                    look.color != other.color || (look.marked || other.marked) && look.marker != other.marker;
                assert!(told, "{n}: {look:?} and {other:?}");
            }
        }
    }
}
