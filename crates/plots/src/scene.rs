//! A picture as a list of shapes in pixels: what PNG and SVG are both drawn from.

use crate::color::{Color, Dash};
use crate::text;

/// A place in the picture: pixels from its left and its top edge.
pub(crate) type Place = (f64, f64);

/// A part of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
}

impl Rect {
    pub(crate) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(crate) fn height(&self) -> f64 {
        self.bottom - self.top
    }

    pub(crate) fn center(&self) -> Place {
        ((self.left + self.right) / 2.0, (self.top + self.bottom) / 2.0)
    }

    /// Smaller by so much on every side.
    pub(crate) fn inset(self, by: f64) -> Self {
        Self { left: self.left + by, top: self.top + by, right: self.right - by, bottom: self.bottom - by }
    }
}

/// Where a text lies about its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Left,
    Middle,
    Right,
}

/// A line of text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    pub(crate) text: String,
    /// On the base line, at the anchor.
    pub(crate) place: Place,
    /// Pixels to an em.
    pub(crate) size: f64,
    pub(crate) bold: bool,
    /// Reads from bottom to top.
    pub(crate) upward: bool,
    pub(crate) anchor: Anchor,
    pub(crate) color: Color,
}

/// What a point looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    Disc,
    Square,
    Triangle,
    Diamond,
    Wedge,
}

impl Marker {
    /// The marker of the n-th of several things.
    pub(crate) fn nth(n: usize) -> Self {
        [Self::Disc, Self::Square, Self::Triangle, Self::Diamond, Self::Wedge][n % 5]
    }

    /// The corners, about the same area for each marker; none for a disc.
    fn corners(self, (x, y): Place, radius: f64) -> Vec<Place> {
        let corners: &[Place] = match self {
            Self::Disc => &[],
            Self::Square => &[(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)],
            Self::Triangle => &[(0.0, -1.3), (1.15, 0.75), (-1.15, 0.75)],
            Self::Diamond => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
            Self::Wedge => &[(0.0, 1.3), (1.15, -0.75), (-1.15, -0.75)],
        };
        corners.iter().map(|(dx, dy)| (x + radius * dx, y + radius * dy)).collect()
    }
}

/// A shape; later ones cover earlier ones.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    /// A line through places, so many pixels wide.
    Line { places: Vec<Place>, color: Color, width: f64 },
    /// A filled rectangle.
    Rect { rect: Rect, color: Color },
    /// A filled convex polygon.
    Polygon { places: Vec<Place>, color: Color },
    /// A filled disc.
    Disc { center: Place, radius: f64, color: Color },
    /// A line of text.
    Text(Text),
}

/// The shapes of a picture, in the order of drawing.
#[derive(Debug, Default)]
pub struct Scene {
    pub(crate) shapes: Vec<Shape>,
}

impl Scene {
    /// A line, solid or dashed.
    pub(crate) fn line(&mut self, places: Vec<Place>, color: Color, width: f64, dash: Dash) {
        if places.len() < 2 {
            return;
        }
        if dash.is_empty() {
            self.shapes.push(Shape::Line { places, color, width });
        } else {
            let strokes = strokes(&places, dash).into_iter();
            self.shapes.extend(strokes.map(|places| Shape::Line { places, color, width }));
        }
    }

    pub(crate) fn rect(&mut self, rect: Rect, color: Color) {
        if rect.width() > 0.0 && rect.height() > 0.0 {
            self.shapes.push(Shape::Rect { rect, color });
        }
    }

    /// The edge of a rectangle.
    pub(crate) fn outline(&mut self, rect: Rect, color: Color, width: f64) {
        let Rect { left, top, right, bottom } = rect;
        let places = vec![(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
        self.line(places, color, width, &[]);
    }

    pub(crate) fn marker(&mut self, marker: Marker, center: Place, radius: f64, color: Color) {
        self.shapes.push(match marker {
            Marker::Disc => Shape::Disc { center, radius, color },
            other => Shape::Polygon { places: other.corners(center, radius), color },
        });
    }

    /// A marker with a rim of another colour.
    pub(crate) fn rimmed(&mut self, marker: Marker, center: Place, radius: f64, colors: (Color, Color)) {
        let (color, rim) = colors;
        self.marker(marker, center, radius + 1.0, rim);
        self.marker(marker, center, radius, color);
    }

    /// A text with its base line at the place; nothing if it is empty.
    pub(crate) fn text(&mut self, text: Text) {
        if !text.text.is_empty() {
            self.shapes.push(Shape::Text(text));
        }
    }

    /// A plain text about a place, its digits centred on it from top to bottom.
    pub(crate) fn label(&mut self, label: &str, (x, y): Place, anchor: Anchor, size: f64, color: Color) {
        let place = (x, y + text::CAPITAL * size / 2.0);
        let text = label.to_owned();
        self.text(Text { text, place, size, bold: false, upward: false, anchor, color });
    }
}

#[cfg(test)]
impl Text {
    /// What the text covers, from the tallest to the deepest letters.
    pub(crate) fn extent(&self) -> Rect {
        let length = self.size * crate::font::width(&self.text, self.bold);
        let before = match self.anchor {
            Anchor::Left => 0.0,
            Anchor::Middle => length / 2.0,
            Anchor::Right => length,
        };
        let (ascent, descent) = (0.76 * self.size, 0.24 * self.size);
        let (x, y) = self.place;
        if self.upward {
            Rect { left: x - ascent, right: x + descent, top: y + before - length, bottom: y + before }
        } else {
            Rect { left: x - before, right: x - before + length, top: y - ascent, bottom: y + descent }
        }
    }
}

/// More strokes than this, and the line is drawn solid: it goes to and fro, and dashes would not show.
const MOST_STROKES: usize = 20_000;

/// The strokes of a dashed line.
fn strokes(places: &[Place], dash: Dash) -> Vec<Vec<Place>> {
    let mut strokes = Vec::new();
    let (mut part, mut left) = (0, dash[0]);
    let mut stroke = vec![places[0]];
    for pair in places.windows(2) {
        let ((mut x, mut y), (to_x, to_y)) = (pair[0], pair[1]);
        let mut length = (to_x - x).hypot(to_y - y);
        while length > left {
            (x, y) = (x + (to_x - x) * left / length, y + (to_y - y) * left / length);
            length -= left;
            if part % 2 == 0 {
                stroke.push((x, y));
                strokes.push(std::mem::take(&mut stroke));
            } else {
                stroke = vec![(x, y)];
            }
            part += 1;
            left = dash[part % dash.len()];
            if strokes.len() > MOST_STROKES {
                return vec![places.to_vec()];
            }
        }
        left -= length;
        if part % 2 == 0 {
            stroke.push((to_x, to_y));
        }
    }
    if stroke.len() > 1 {
        strokes.push(stroke);
    }
    strokes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strokes_and_gaps_have_their_lengths_round_corners_too() {
        let strokes = strokes(&[(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)], &[8.0, 4.0]);
        let first = vec![(0.0, 0.0), (8.0, 0.0)];
        assert_eq!(strokes, [first, vec![(10.0, 2.0), (10.0, 10.0)]]);
    }
}
