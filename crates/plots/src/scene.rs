//! A picture as a list of shapes in pixels, recorded from what plotters draws: what PNG and SVG are both made of.

use crate::color::Color;
use crate::font;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontStyle,
    FontTransform,
};
use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

/// plotters counts in whole units. There are this many to a pixel, so that curves stay smooth.
pub(crate) const UNITS: f64 = 10.0;

/// A part of a picture, as plotters knows it: its coordinates are units, see [`units`].
pub(crate) type Area = DrawingArea<Recorder, Shift>;

/// So many pixels in units.
pub(crate) fn units(pixels: f64) -> i32 {
    (pixels * UNITS).round() as i32
}

/// Width and height of an area in pixels.
pub(crate) fn extent(area: &Area) -> (f64, f64) {
    let (width, height) = area.dim_in_pixel();
    (f64::from(width) / UNITS, f64::from(height) / UNITS)
}

/// A part of an area, in pixels: left, top, width and height.
pub(crate) fn part(area: &Area, place: (f64, f64), size: (f64, f64)) -> Area {
    area.clone().shrink((units(place.0), units(place.1)), (units(size.0), units(size.1)))
}

/// A place in the picture: pixels from its left and its top edge.
pub(crate) type Place = (f64, f64);

/// A line of text.
pub(crate) struct Text {
    pub(crate) text: String,
    /// On the base line, at the anchor.
    pub(crate) place: Place,
    /// Pixels to an em.
    pub(crate) size: f64,
    pub(crate) bold: bool,
    pub(crate) turn: FontTransform,
    pub(crate) anchor: HPos,
    pub(crate) color: Color,
}

/// A shape; later ones cover earlier ones.
pub(crate) enum Shape {
    Line {
        places: Vec<Place>,
        color: Color,
        width: f64,
    },
    /// A filled rectangle, from its upper left to its lower right corner.
    Rect {
        corners: (Place, Place),
        color: Color,
    },
    /// A filled polygon.
    Polygon {
        places: Vec<Place>,
        color: Color,
    },
    /// A filled disc.
    Disc {
        center: Place,
        radius: f64,
        color: Color,
    },
    Text(Text),
}

/// A backend of plotters that keeps shapes instead of drawing them.
#[derive(Clone)]
pub struct Recorder {
    size: (u32, u32),
    shapes: Rc<RefCell<Vec<Shape>>>,
}

impl Recorder {
    /// A picture so many pixels wide and high.
    pub(crate) fn new(width: u32, height: u32) -> Self {
        let units = |pixels| pixels * UNITS as u32;
        Self { size: (units(width), units(height)), shapes: Rc::default() }
    }

    /// The whole picture.
    pub(crate) fn area(&self) -> Area {
        self.clone().into_drawing_area()
    }

    /// What was drawn.
    pub(crate) fn shapes(&self) -> Vec<Shape> {
        self.shapes.take()
    }

    fn add(&self, shape: Shape) -> Result<(), DrawingErrorKind<Infallible>> {
        self.shapes.borrow_mut().push(shape);
        Ok(())
    }
}

fn color(BackendColor { alpha, rgb: (red, green, blue) }: BackendColor) -> Color {
    // What shows through is white.
    Color(red, green, blue).tint(alpha)
}

fn place((x, y): BackendCoord) -> Place {
    (f64::from(x) / UNITS, f64::from(y) / UNITS)
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl DrawingBackend for Recorder {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, at: BackendCoord, ink: BackendColor) -> Drawn {
        self.draw_rect(at, (at.0 + 1, at.1 + 1), &ink, true)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        if !fill {
            let path = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
            return self.draw_path(path, style);
        }
        let corners = (place((left.min(right), top.min(bottom))), place((left.max(right), top.max(bottom))));
        self.add(Shape::Rect { corners, color: color(style.color()) })
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        let places: Vec<_> = path.into_iter().map(place).collect();
        if places.len() < 2 {
            return Ok(());
        }
        let width = f64::from(style.stroke_width()) / UNITS;
        self.add(Shape::Line { places, color: color(style.color()), width })
    }

    fn draw_circle<S: BackendStyle>(&mut self, at: BackendCoord, radius: u32, style: &S, _: bool) -> Drawn {
        let radius = f64::from(radius) / UNITS;
        self.add(Shape::Disc { center: place(at), radius, color: color(style.color()) })
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        let places = path.into_iter().map(place).collect();
        self.add(Shape::Polygon { places, color: color(style.color()) })
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, at: BackendCoord) -> Drawn {
        if text.is_empty() {
            return Ok(());
        }
        let size = style.size() / UNITS / font::SIZE_OF_EM;
        // How far the base line lies under the place.
        let down = size
            * match style.anchor().v_pos {
                VPos::Top => font::ASCENT,
                VPos::Center => font::CAPITAL / 2.0,
                VPos::Bottom => -font::DESCENT,
            };
        let (x, y) = place(at);
        let place = match style.transform() {
            FontTransform::Rotate270 => (x + down, y),
            FontTransform::Rotate90 => (x - down, y),
            _ => (x, y + down),
        };
        let (bold, anchor) = (matches!(style.style(), FontStyle::Bold), style.anchor().h_pos);
        let (text, turn, color) = (text.to_owned(), style.transform(), color(style.color()));
        self.add(Shape::Text(Text { text, place, size, bold, turn, anchor, color }))
    }
}
