//! Colours that colour-blind readers can tell apart, and what goes with them: dashes and markers.

use crate::chart::Element;
use crate::scene::units;
use plotters::element::{Circle, EmptyElement, IntoDynElement, Polygon};
use plotters::style::{Color as _, RGBColor, ShapeStyle};

/// Red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Color(pub(crate) u8, pub(crate) u8, pub(crate) u8);

pub(crate) const WHITE: Color = Color(255, 255, 255);
pub(crate) const INK: Color = Color(40, 40, 40);
/// Texts of less weight: notes.
pub(crate) const FADED: Color = Color(105, 105, 105);
pub(crate) const GRID: Color = Color(228, 228, 228);
/// What is not known: cells of a map without a number.
pub(crate) const UNKNOWN: Color = Color(190, 190, 190);

pub(crate) const BLUE: Color = Color(0, 114, 178);
pub(crate) const VERMILION: Color = Color(213, 94, 0);
const GREEN: Color = Color(0, 158, 115);
const PURPLE: Color = Color(204, 121, 167);
const SKY: Color = Color(86, 180, 233);
const ORANGE: Color = Color(230, 159, 0);
const GREY: Color = Color(90, 90, 90);
const BROWN: Color = Color(122, 70, 20);

/// The palette of Okabe and Ito, "Color Universal Design", 2008; its yellow is too faint for lines on white, so
/// brown takes its place.
const PALETTE: [Color; 8] = [BLUE, VERMILION, GREEN, PURPLE, SKY, ORANGE, GREY, BROWN];

/// The colour of the n-th of several things: a palette of eight, then the same darker, then lighter. After 24, they
/// come round again.
pub(crate) fn nth(n: usize) -> Color {
    let color = PALETTE[n % PALETTE.len()];
    match n / PALETTE.len() % 3 {
        0 => color,
        1 => color.mix(Color(0, 0, 0), 0.45),
        _ => color.tint(0.5),
    }
}

/// Lengths of a stroke and of the gap after it, in pixels; none is a solid line.
pub(crate) type Dash = Option<(f64, f64)>;

pub(crate) const SOLID: Dash = None;
pub(crate) const DASHED: Dash = Some((8.0, 4.0));
pub(crate) const DOTTED: Dash = Some((2.0, 3.0));
const DASHES: [Dash; 4] = [SOLID, DASHED, Some((3.0, 2.5)), Some((16.0, 5.0))];

/// What a point looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Marker {
    Disc,
    Square,
    Triangle,
    Diamond,
    Wedge,
    Cross,
}

/// How to draw a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Look {
    pub(crate) color: Color,
    pub(crate) dash: Dash,
    pub(crate) marker: Marker,
    /// Whether markers are needed to tell it from others, however many points it has.
    pub(crate) marked: bool,
}

impl Look {
    /// How many looks there are, each different from all others.
    pub(crate) const MOST: usize = 96;

    /// The look of the n-th of several curves: another colour up to the eighth, other markers from there on.
    pub(crate) fn nth(n: usize) -> Self {
        let round = n / PALETTE.len();
        let marker = Marker::ALL[if round == 0 { n } else { round - 1 } % Marker::ALL.len()];
        Self { color: nth(n), dash: DASHES[(n + round) % DASHES.len()], marker, marked: round > 0 }
    }
}

impl Marker {
    const ALL: [Self; 6] =
        [Self::Disc, Self::Square, Self::Triangle, Self::Diamond, Self::Wedge, Self::Cross];

    /// The marker of the n-th of several classes; with [`nth`], 144 classes differ.
    pub(crate) fn nth(n: usize) -> Self {
        Self::ALL[(n + n / 24) % Self::ALL.len()]
    }

    /// The corners, about the same area for each marker; none for a disc.
    fn corners(self, radius: f64) -> Vec<(i32, i32)> {
        let corners: &[(f64, f64)] = match self {
            Self::Disc => &[],
            Self::Square => &[(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)],
            Self::Triangle => &[(0.0, -1.3), (1.15, 0.75), (-1.15, 0.75)],
            Self::Diamond => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
            Self::Wedge => &[(0.0, 1.3), (1.15, -0.75), (-1.15, -0.75)],
            Self::Cross => &[
                (-0.45, -1.2),
                (0.45, -1.2),
                (0.45, -0.45),
                (1.2, -0.45),
                (1.2, 0.45),
                (0.45, 0.45),
                (0.45, 1.2),
                (-0.45, 1.2),
                (-0.45, 0.45),
                (-1.2, 0.45),
                (-1.2, -0.45),
                (-0.45, -0.45),
            ],
        };
        corners.iter().map(|(x, y)| (units(radius * x), units(radius * y))).collect()
    }

    /// The marker at a place, as an element of plotters.
    pub(crate) fn at<P: Clone + 'static>(self, at: P, radius: f64, color: Color) -> Element<P> {
        let (here, style) = (EmptyElement::at(at), color.fill());
        match self {
            Self::Disc => (here + Circle::new((0, 0), units(radius), style)).into_dyn(),
            _ => (here + Polygon::new(self.corners(radius), style)).into_dyn(),
        }
    }
}

impl Color {
    /// This colour with so much of another in it, 0 to 1.
    pub(crate) fn mix(self, other: Self, share: f64) -> Self {
        let share = share.clamp(0.0, 1.0);
        let mix = |a: u8, b: u8| (f64::from(a) + share * (f64::from(b) - f64::from(a))).round() as u8;
        Self(mix(self.0, other.0), mix(self.1, other.1), mix(self.2, other.2))
    }

    /// A lighter one: so much of it on white.
    pub(crate) fn tint(self, share: f64) -> Self {
        WHITE.mix(self, share)
    }

    /// Ink or white, whichever reads better on it.
    pub(crate) fn text(self) -> Self {
        let light = 0.299 * f64::from(self.0) + 0.587 * f64::from(self.1) + 0.114 * f64::from(self.2);
        if light > 140.0 { INK } else { WHITE }
    }

    pub(crate) fn plotters(self) -> RGBColor {
        RGBColor(self.0, self.1, self.2)
    }

    /// The style of a filled shape.
    pub(crate) fn fill(self) -> ShapeStyle {
        self.plotters().filled()
    }

    /// The style of a line so many pixels wide.
    pub(crate) fn stroke(self, width: f64) -> ShapeStyle {
        self.plotters().stroke_width(units(width).unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_curves_and_no_two_classes_look_alike() {
        for (i, one) in (0..Look::MOST).map(Look::nth).enumerate() {
            assert!((0..i).all(|other| Look::nth(other) != one), "{i}: {one:?}");
        }
        let looks =
            |most: usize| (0..most).map(|n| Look::nth(n).color).collect::<std::collections::BTreeSet<_>>();
        assert_eq!((looks(8).len(), looks(24).len()), (8, 24));
        let classes: std::collections::BTreeSet<_> = (0..144).map(|n| (nth(n), Marker::nth(n))).collect();
        assert_eq!(classes.len(), 144);
    }
}
