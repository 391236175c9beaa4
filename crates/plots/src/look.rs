//! Looks that all readers can distinguish, including colour-blind ones: colours, dashes, markers.

use crate::sheet::{Sheet, units};
use plotters::element::{Circle, DynElement, EmptyElement, IntoDynElement, Polygon};
use plotters::style::{Color as _, RGBColor, ShapeStyle};

pub(crate) const WHITE: RGBColor = RGBColor(255, 255, 255);
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

/// The shape of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    Disc,
    Square,
    Triangle,
    Diamond,
    Wedge,
    Cross,
    Plus,
    Star,
}

const MARKERS: [Marker; 8] = [
    Marker::Disc,
    Marker::Square,
    Marker::Triangle,
    Marker::Diamond,
    Marker::Wedge,
    Marker::Cross,
    Marker::Plus,
    Marker::Star,
];

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
    pub(crate) const COUNT: usize = PALETTE.len() * MARKERS.len();

    /// The look of the n-th of several things: eight colours, then another marker for each further eight.
    pub(crate) fn nth(n: usize) -> Self {
        let (color, turn) = (n % PALETTE.len(), n / PALETTE.len() % MARKERS.len());
        let dash = DASHES[(color + turn) % DASHES.len()];
        Self {
            color: PALETTE[color],
            dash,
            marker: MARKERS[(color + turn) % MARKERS.len()],
            marked: turn > 0,
        }
    }

    pub(crate) fn solid(color: RGBColor) -> Self {
        Self { color, dash: None, marker: Marker::Disc, marked: false }
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
    pub(crate) fn nth(n: usize) -> Self {
        MARKERS[n % MARKERS.len()]
    }

    /// The corners of a marker, with about the same area for each; empty for a disc.
    fn corners(self, radius: f64) -> Vec<(i32, i32)> {
        const PLUS: [(f64, f64); 12] = [
            (-0.42, -1.3),
            (0.42, -1.3),
            (0.42, -0.42),
            (1.3, -0.42),
            (1.3, 0.42),
            (0.42, 0.42),
            (0.42, 1.3),
            (-0.42, 1.3),
            (-0.42, 0.42),
            (-1.3, 0.42),
            (-1.3, -0.42),
            (-0.42, -0.42),
        ];
        let turned = PLUS.map(|(x, y)| (0.707 * (x - y), 0.707 * (x + y)));
        let star: Vec<(f64, f64)> = (0..10)
            .map(|corner| {
                let (sin, cos) = (f64::from(corner) * std::f64::consts::PI / 5.0).sin_cos();
                let reach = if corner % 2 == 0 { 1.5 } else { 0.65 };
                (reach * sin, -reach * cos)
            })
            .collect();
        let corners: &[(f64, f64)] = match self {
            Self::Disc => &[],
            Self::Square => &[(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)],
            Self::Triangle => &[(0.0, -1.3), (1.15, 0.75), (-1.15, 0.75)],
            Self::Diamond => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
            Self::Wedge => &[(0.0, 1.3), (1.15, -0.75), (-1.15, -0.75)],
            Self::Plus => &PLUS,
            Self::Cross => &turned,
            Self::Star => &star,
        };
        corners.iter().map(|(x, y)| (units(radius * x), units(radius * y))).collect()
    }

    /// The marker at a place, its radius in pixels.
    pub(crate) fn at<P: Clone + 'static>(
        self,
        place: P,
        radius: f64,
        color: RGBColor,
    ) -> DynElement<'static, Sheet, P> {
        match self {
            Self::Disc => {
                (EmptyElement::at(place) + Circle::new((0, 0), units(radius), color.filled())).into_dyn()
            }
            _ => (EmptyElement::at(place) + Polygon::new(self.corners(radius), color.filled())).into_dyn(),
        }
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
