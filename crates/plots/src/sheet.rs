//! The backend that plotters' charts draw on: it records shapes in tenths of pixels, from which PNG and SVG are made.

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontStyle,
    FontTransform,
};
use std::convert::Infallible;

use crate::font::SIZE_OF_EM;

/// A rectangular part of the picture.
pub(crate) type Area = DrawingArea<Sheet, Shift>;

/// Units per pixel. plotters uses whole units; with this many per pixel, curves stay smooth.
pub(crate) const UNITS: u32 = 10;

/// Converts pixels to units.
pub(crate) fn units(pixels: f64) -> i32 {
    (pixels * f64::from(UNITS)).round() as i32
}

/// The height of capitals and digits, and the ascent and descent of the tallest and deepest letters, in ems.
const CAPITAL: f64 = 0.73;
pub(crate) const ASCENT: f64 = 0.76;
pub(crate) const DESCENT: f64 = 0.24;

/// A line of text.
#[derive(Clone)]
pub(crate) struct Text {
    pub(crate) text: String,
    /// The position of the anchor, on the base line.
    pub(crate) place: BackendCoord,
    /// Units per em.
    pub(crate) size: f64,
    pub(crate) bold: bool,
    /// Whether the text reads from bottom to top.
    pub(crate) upward: bool,
    pub(crate) anchor: HPos,
    pub(crate) color: BackendColor,
}

/// A shape; later ones cover earlier ones.
#[derive(Clone)]
pub(crate) enum Shape {
    Line { places: Vec<BackendCoord>, color: BackendColor, width: u32 },
    Rect { from: BackendCoord, to: BackendCoord, color: BackendColor },
    Polygon { places: Vec<BackendCoord>, color: BackendColor },
    Disc { center: BackendCoord, radius: u32, color: BackendColor },
    Text(Text),
}

/// The shapes of a picture, in the order of drawing.
pub struct Sheet {
    /// The size in units.
    pub(crate) size: (u32, u32),
    pub(crate) shapes: Vec<Shape>,
}

type Noted = Result<(), DrawingErrorKind<Infallible>>;

impl DrawingBackend for Sheet {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Noted {
        Ok(())
    }

    fn present(&mut self) -> Noted {
        Ok(())
    }

    fn draw_pixel(&mut self, place: BackendCoord, color: BackendColor) -> Noted {
        self.draw_rect(place, place, &color, true)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Noted {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Noted {
        if fill {
            self.shapes.push(Shape::Rect { from, to, color: style.color() });
            return Ok(());
        }
        self.draw_path([from, (to.0, from.1), to, (from.0, to.1), from], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Noted {
        let mut places: Vec<_> = path.into_iter().collect();
        places.dedup();
        if places.len() > 1 {
            self.shapes.push(Shape::Line { places, color: style.color(), width: style.stroke_width() });
        }
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        _fill: bool,
    ) -> Noted {
        self.shapes.push(Shape::Disc { center, radius, color: style.color() });
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Noted {
        self.shapes.push(Shape::Polygon { places: corners.into_iter().collect(), color: style.color() });
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Noted {
        if text.is_empty() {
            return Ok(());
        }
        let size = style.size() / SIZE_OF_EM;
        let down = match style.anchor().v_pos {
            VPos::Top => ASCENT * size,
            VPos::Center => CAPITAL / 2.0 * size,
            VPos::Bottom => -DESCENT * size,
        };
        // Texts at the right edge read upward, like all turned texts.
        let turned = style.transform();
        let down =
            if matches!(turned, FontTransform::Rotate90) { -DESCENT * size } else { down }.round() as i32;
        let upward = !matches!(turned, FontTransform::None);
        let place = if upward { (x + down, y) } else { (x, y + down) };
        let bold = matches!(style.style(), FontStyle::Bold);
        let (text, anchor, color) = (text.to_owned(), style.anchor().h_pos, style.color());
        self.shapes.push(Shape::Text(Text { text, place, size, bold, upward, anchor, color }));
        Ok(())
    }
}
