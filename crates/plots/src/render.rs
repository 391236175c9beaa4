//! Turns recorded shapes into the bytes of a PNG or the text of an SVG, with plotters' backends.

use crate::sheet::{ASCENT, Shape, Sheet, Text, UNITS};
use crate::{Error, Size, font};
use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{Pos, VPos};
use plotters::style::{FontTransform, RGBColor, ShapeStyle, TextStyle, WHITE};
use plotters_backend::{BackendColor, BackendCoord};

/// The most pixels used to draw a PNG at a larger size before it is averaged down.
const MOST_SAMPLES: u64 = 36_000_000;

/// The sheet as the bytes of a PNG file.
pub(crate) fn png(sheet: &Sheet, size: Size) -> Result<Vec<u8>, Error> {
    let Size { width, height } = size;
    let samples = |&scale: &u32| size.pixels() * u64::from(scale * scale) <= MOST_SAMPLES;
    let scale = [3, 2].into_iter().find(samples).unwrap_or(1);
    let large = (width * scale, height * scale);
    let mut pixels = vec![0; large.0 as usize * large.1 as usize * 3];
    let backend = BitMapBackend::with_buffer(&mut pixels, large);
    Painter { backend, scale: f64::from(scale) / f64::from(UNITS), rules: BITMAP }.paint(sheet)?;
    let pixels = averaged(&pixels, large.0 as usize, scale as usize);

    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Balanced);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(bytes)
}

/// The sheet as the text of an SVG file.
pub(crate) fn svg(sheet: &Sheet, size: Size) -> Result<String, Error> {
    let mut document = String::new();
    let backend = SVGBackend::with_string(&mut document, sheet.size);
    Painter { backend, scale: 1.0, rules: SVG }.paint(sheet)?;
    // The inner coordinates keep the fine units; the outer size is the requested one.
    let inner = format!("width=\"{}\" height=\"{}\"", sheet.size.0, sheet.size.1);
    let outer = format!("width=\"{}\" height=\"{}\" stroke-linejoin=\"round\"", size.width, size.height);
    Ok(document.replacen(&inner, &outer, 1))
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
                    for channel in 0..3 {
                        sum[channel] += u32::from(pixel[channel]);
                    }
                }
            }
        }
        means.extend(sums.iter().map(|sum| ((sum + count / 2) / count) as u8));
    }
    means
}

/// How a backend treats texts and lines.
#[derive(Clone, Copy)]
struct Rules {
    /// The font size to request for an em of one unit.
    size_of_em: f64,
    /// The distance from the position of a text anchored at its top down to the base line, in ems.
    base_line: f64,
    /// Whether wide lines must be drawn stroke by stroke, with joins: drawn as one outline, plotters leaves holes
    /// where they cross themselves.
    joins: bool,
}

/// plotters puts the base line half a font size below the top.
const BITMAP: Rules = Rules { size_of_em: font::SIZE_OF_EM, base_line: font::SIZE_OF_EM / 2.0, joins: true };
/// plotters divides sizes by 1.24 and writes `dy="0.76em"`.
const SVG: Rules = Rules { size_of_em: 1.24, base_line: ASCENT, joins: false };

struct Painter<B> {
    backend: B,
    /// Backend units per unit of the sheet.
    scale: f64,
    rules: Rules,
}

impl<B: DrawingBackend> Painter<B> {
    fn paint(mut self, sheet: &Sheet) -> Result<(), Error> {
        let (width, height) = (sheet.size.0 as i32, sheet.size.1 as i32);
        let all = self.place((width, height));
        self.backend.draw_rect((0, 0), all, &WHITE, true).map_err(failed)?;
        for shape in &sheet.shapes {
            self.shape(shape)?;
        }
        self.backend.present().map_err(failed)
    }

    fn shape(&mut self, shape: &Shape) -> Result<(), Error> {
        match shape {
            Shape::Line { places, color, width } => return self.line(places, *color, *width),
            Shape::Rect { from, to, color } => {
                let (from, to) = (self.place(*from), self.place(*to));
                self.backend.draw_rect(from, to, color, true)
            }
            Shape::Polygon { places, color } => {
                let places: Vec<_> = places.iter().map(|&place| self.place(place)).collect();
                self.backend.fill_polygon(places, color)
            }
            Shape::Disc { center, radius, color } => {
                let radius = (f64::from(*radius) * self.scale).round() as u32;
                let center = self.place(*center);
                self.backend.draw_circle(center, radius, color, true)
            }
            Shape::Text(text) => return self.write(text),
        }
        .map_err(failed)
    }

    fn line(&mut self, places: &[BackendCoord], color: BackendColor, width: u32) -> Result<(), Error> {
        let width = (f64::from(width) * self.scale).round().max(1.0);
        let style = ShapeStyle { color: rgb(color).into(), filled: true, stroke_width: width as u32 };
        let mut places: Vec<_> = places.iter().map(|&place| self.place(place)).collect();
        places.dedup();
        if !self.rules.joins {
            return self.backend.draw_path(places, &style).map_err(failed);
        }
        for pair in places.windows(2) {
            self.backend.draw_line(pair[0], pair[1], &style).map_err(failed)?;
        }
        let corners = places.get(1..places.len().saturating_sub(1)).unwrap_or_default();
        for &corner in corners.iter().filter(|_| width > 2.0) {
            self.backend.draw_circle(corner, (width / 2.0) as u32, &style, true).map_err(failed)?;
        }
        Ok(())
    }

    fn write(&mut self, text: &Text) -> Result<(), Error> {
        let down = (self.rules.base_line * text.size * self.scale).round() as i32;
        let (x, y) = self.place(text.place);
        let (place, transform) = if text.upward {
            ((x - down, y), FontTransform::Rotate270)
        } else {
            ((x, y - down), FontTransform::None)
        };
        let face = font::face(self.rules.size_of_em * text.size * self.scale, text.bold).transform(transform);
        let style = TextStyle { font: face, color: text.color, pos: Pos::new(text.anchor, VPos::Top) };
        self.backend.draw_text(&text.text, &style, place).map_err(failed)
    }

    fn place(&self, (x, y): BackendCoord) -> BackendCoord {
        let scaled = |units: i32| (f64::from(units) * self.scale).round() as i32;
        (scaled(x), scaled(y))
    }
}

fn rgb(color: BackendColor) -> RGBColor {
    RGBColor(color.rgb.0, color.rgb.1, color.rgb.2)
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Draw(error.to_string())
}
