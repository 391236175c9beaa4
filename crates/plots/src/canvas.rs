//! The backend for plotters' charts: its bitmap or SVG backend, with ten units for each pixel.
//!
//! plotters rounds places to whole units; with several of them for each pixel, curves stay smooth. A PNG is drawn at
//! up to three times its size and averaged down.

use crate::picture::sealed::Draw;
use crate::{Error, Size, text};
use plotters::backend::{BitMapBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::style::text_anchor::{Pos, VPos};
use plotters::style::{RGBColor, ShapeStyle, TextStyle, WHITE};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontStyle,
    FontTransform,
};
use std::io;

/// A rectangular part of the picture.
pub(crate) type Area<'a> = DrawingArea<Canvas<'a>, Shift>;

/// Units per pixel.
pub(crate) const UNITS: u32 = 10;

/// Converts pixels to units.
pub(crate) fn units(pixels: f64) -> i32 {
    (pixels * f64::from(UNITS)).round() as i32
}

/// Converts units to pixels.
pub(crate) fn pixels(units: i32) -> f64 {
    f64::from(units) / f64::from(UNITS)
}

/// Width and height in pixels.
pub(crate) fn size(area: &Area<'_>) -> (f64, f64) {
    let (width, height) = area.dim_in_pixel();
    (pixels(width as i32), pixels(height as i32))
}

/// The most pixels used to draw a PNG at a larger size before it is averaged down.
const MOST_SAMPLES: u64 = 36_000_000;

/// The height of capitals and digits, and the ascent and descent of the tallest and deepest letters, in ems.
const CAPITAL: f64 = 0.73;
const ASCENT: f64 = 0.76;
const DESCENT: f64 = 0.24;

/// The picture as the bytes of a PNG file.
pub(crate) fn png(picture: &(impl Draw + ?Sized), size: Size) -> Result<Vec<u8>, Error> {
    let Size { width, height } = size;
    let samples = |&scale: &u32| size.pixels() * u64::from(scale * scale) <= MOST_SAMPLES;
    let scale = [3, 2].into_iter().find(samples).unwrap_or(1);
    let large = (width * scale, height * scale);
    let mut buffer = vec![0; large.0 as usize * large.1 as usize * 3];
    draw(picture, size, Target::Bitmap(BitMapBackend::with_buffer(&mut buffer, large), scale))?;

    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Balanced);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&averaged(&buffer, large.0 as usize, scale as usize))?;
    writer.finish()?;
    Ok(bytes)
}

/// The picture as the text of an SVG file.
pub(crate) fn svg(picture: &(impl Draw + ?Sized), size: Size) -> Result<String, Error> {
    let (width, height) = (size.width * UNITS, size.height * UNITS);
    let mut document = String::new();
    draw(picture, size, Target::Svg(SVGBackend::with_string(&mut document, (width, height))))?;
    // The inner coordinates are units; the outer size is the requested one.
    let inner = format!("width=\"{width}\" height=\"{height}\"");
    let outer = format!("width=\"{}\" height=\"{}\" stroke-linejoin=\"round\"", size.width, size.height);
    Ok(document.replacen(&inner, &outer, 1))
}

fn draw(picture: &(impl Draw + ?Sized), size: Size, target: Target<'_>) -> Result<(), Error> {
    text::register()?;
    let area = Canvas { target, size: (size.width * UNITS, size.height * UNITS) }.into_drawing_area();
    area.fill(&WHITE)?;
    picture.draw(&area)?;
    Ok(area.present()?)
}

/// The mean of each square of `scale` by `scale` pixels.
fn averaged(pixels: &[u8], width: usize, scale: usize) -> Vec<u8> {
    let count = (scale * scale) as u32;
    let mut means = Vec::with_capacity(pixels.len() / (scale * scale));
    let mut sums = vec![0u32; width / scale * 3];
    for rows in pixels.chunks_exact(width * 3 * scale) {
        sums.fill(0);
        for row in rows.chunks_exact(width * 3) {
            for (sum, square) in sums.chunks_exact_mut(3).zip(row.chunks_exact(3 * scale)) {
                for pixel in square.chunks_exact(3) {
                    sum.iter_mut().zip(pixel).for_each(|(sum, &channel)| *sum += u32::from(channel));
                }
            }
        }
        means.extend(sums.iter().map(|sum| ((sum + count / 2) / count) as u8));
    }
    means
}

/// One of plotters' backends; the bitmap with the number of its pixels for each pixel of the picture.
enum Target<'a> {
    Bitmap(BitMapBackend<'a>, u32),
    Svg(SVGBackend<'a>),
}

/// A backend for pictures of this size in units.
pub struct Canvas<'a> {
    target: Target<'a>,
    size: (u32, u32),
}

/// Calls the same method of either backend.
macro_rules! forward {
    ($canvas:ident, $backend:ident => $call:expr) => {
        match &mut $canvas.target {
            Target::Bitmap($backend, _) => $call.map_err(failed),
            Target::Svg($backend) => $call.map_err(failed),
        }
    };
}

type Drawn = Result<(), DrawingErrorKind<io::Error>>;

fn failed(error: impl std::fmt::Display) -> DrawingErrorKind<io::Error> {
    DrawingErrorKind::DrawingError(io::Error::other(error.to_string()))
}

impl Canvas<'_> {
    /// A length in the units of the backend.
    fn length(&self, units: f64) -> f64 {
        match self.target {
            Target::Bitmap(_, scale) => units * f64::from(scale) / f64::from(UNITS),
            Target::Svg(_) => units,
        }
    }

    fn place(&self, (x, y): BackendCoord) -> BackendCoord {
        (self.length(x.into()).round() as i32, self.length(y.into()).round() as i32)
    }
}

impl DrawingBackend for Canvas<'_> {
    type ErrorType = io::Error;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        forward!(self, backend => backend.ensure_prepared())
    }

    fn present(&mut self) -> Drawn {
        forward!(self, backend => backend.present())
    }

    fn draw_pixel(&mut self, place: BackendCoord, color: BackendColor) -> Drawn {
        self.draw_rect(place, place, &color, true)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        if !fill {
            return self.draw_path([from, (to.0, from.1), to, (from.0, to.1), from], style);
        }
        let (from, to) = (self.place(from), self.place(to));
        forward!(self, backend => backend.draw_rect(from, to, style, true))
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        let width = self.length(style.stroke_width().into()).round().max(1.0);
        let (red, green, blue) = style.color().rgb;
        let stroke = ShapeStyle::from(RGBColor(red, green, blue)).stroke_width(width as u32);
        let mut places: Vec<_> = path.into_iter().map(|place| self.place(place)).collect();
        places.dedup();
        match &mut self.target {
            _ if places.len() < 2 => Ok(()),
            Target::Svg(backend) => backend.draw_path(places, &stroke).map_err(failed),
            // Drawn as one outline, plotters leaves holes where wide lines cross themselves.
            Target::Bitmap(backend, _) => {
                for pair in places.windows(2) {
                    backend.draw_line(pair[0], pair[1], &stroke).map_err(failed)?;
                }
                for &corner in places[1..places.len() - 1].iter().filter(|_| width > 2.0) {
                    backend.draw_circle(corner, (width / 2.0) as u32, &stroke, true).map_err(failed)?;
                }
                Ok(())
            }
        }
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let (center, radius) = (self.place(center), self.length(radius.into()).round() as u32);
        forward!(self, backend => backend.draw_circle(center, radius, style, fill))
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn {
        let corners: Vec<_> = corners.into_iter().map(|corner| self.place(corner)).collect();
        forward!(self, backend => backend.fill_polygon(corners, style))
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Drawn {
        if text.is_empty() {
            return Ok(());
        }
        let em = style.size() / text::SIZE_OF_EM;
        // plotters' bitmaps have the base line half a font size below the top; its SVGs have it 0.76 em below, and
        // sizes divided by 1.24.
        let (size_of_em, top_to_base) = match self.target {
            Target::Bitmap(..) => (text::SIZE_OF_EM, text::SIZE_OF_EM / 2.0),
            Target::Svg(_) => (1.24, 0.76),
        };
        // Texts at the right edge read upward, like all turned texts.
        let to_base = match (style.transform(), style.anchor().v_pos) {
            (FontTransform::Rotate90, _) | (_, VPos::Bottom) => -DESCENT,
            (_, VPos::Top) => ASCENT,
            (_, VPos::Center) => CAPITAL / 2.0,
        };
        let (down, up) = ((to_base * em).round() as i32, self.length(top_to_base * em).round() as i32);
        let (place, turn) = if matches!(style.transform(), FontTransform::None) {
            let (x, base) = self.place((x, y + down));
            ((x, base - up), FontTransform::None)
        } else {
            let (base, y) = self.place((x + down, y));
            ((base - up, y), FontTransform::Rotate270)
        };
        let bold = matches!(style.style(), FontStyle::Bold);
        let face = text::face(size_of_em * self.length(em), bold).transform(turn);
        let pos = Pos::new(style.anchor().h_pos, VPos::Top);
        let style = TextStyle { font: face, color: style.color(), pos };
        forward!(self, backend => backend.draw_text(text, &style, place))
    }
}
