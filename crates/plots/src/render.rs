//! From shapes to the bytes of a PNG and the text of an SVG, by plotters.

use crate::color::{Color, WHITE};
use crate::scene::{Place, Shape, Text, UNITS};
use crate::{Error, Size, font};
use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{Pos, VPos};
use plotters::style::{Color as _, FontTransform, ShapeStyle, TextStyle};

/// How many pixels a PNG may take while it is drawn, larger than it is, to be averaged.
const MOST_SAMPLES: u64 = 36_000_000;

/// Shapes as the bytes of a PNG file.
pub(crate) fn png(scene: &[Shape], size: Size) -> Result<Vec<u8>, Error> {
    let Size { width, height } = size;
    let samples = |&scale: &u32| size.pixels() * u64::from(scale * scale) <= MOST_SAMPLES;
    let scale = [3, 2].into_iter().find(samples).unwrap_or(1);
    let large = (width * scale, height * scale);
    let mut pixels = vec![0; large.0 as usize * large.1 as usize * 3];
    let backend = BitMapBackend::with_buffer(&mut pixels, large);
    Painter { backend, scale: f64::from(scale), rules: BITMAP }.paint(scene, size)?;
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

/// Shapes as the text of an SVG file.
pub(crate) fn svg(scene: &[Shape], size: Size) -> Result<String, Error> {
    let fine = (size.width * UNITS as u32, size.height * UNITS as u32);
    let mut document = String::new();
    let backend = SVGBackend::with_string(&mut document, fine);
    Painter { backend, scale: UNITS, rules: SVG }.paint(scene, size)?;
    // The units stay fine inside; outside, the picture has the size asked for.
    let inner = format!("width=\"{}\" height=\"{}\"", fine.0, fine.1);
    let outer = format!("width=\"{}\" height=\"{}\" stroke-linejoin=\"round\"", size.width, size.height);
    Ok(document.replacen(&inner, &outer, 1))
}

/// The mean of each square of `scale` by `scale` pixels.
fn averaged(pixels: &[u8], width: usize, scale: usize) -> Vec<u8> {
    if scale == 1 {
        return pixels.to_vec();
    }
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

/// What a backend makes of texts and lines.
#[derive(Clone, Copy)]
struct Rules {
    /// The size of font to ask for, to get an em of one pixel.
    size_of_em: f64,
    /// How far the base line lies under the place of a text anchored at its top, in ems.
    base_line: f64,
    /// Wide lines have to be drawn stroke by stroke, with joins: as one outline, plotters leaves holes
    /// where they cross themselves.
    joins: bool,
}

/// plotters puts the base line half a size under the top.
const BITMAP: Rules = Rules { size_of_em: font::SIZE_OF_EM, base_line: font::SIZE_OF_EM / 2.0, joins: true };
/// plotters divides sizes by 1.24 and writes `dy="0.76em"`.
const SVG: Rules = Rules { size_of_em: 1.24, base_line: 0.76, joins: false };

/// A backend that takes shapes.
struct Painter<B> {
    backend: B,
    /// Units of the backend to a pixel of the picture.
    scale: f64,
    rules: Rules,
}

impl<B: DrawingBackend> Painter<B> {
    fn paint(mut self, scene: &[Shape], size: Size) -> Result<(), Error> {
        let all = ((0, 0), self.place((f64::from(size.width), f64::from(size.height))));
        self.backend.draw_rect(all.0, all.1, &filled(WHITE), true).map_err(failed)?;
        for shape in scene {
            self.shape(shape).map_err(failed)?;
        }
        self.backend.present().map_err(failed)
    }

    fn shape(&mut self, shape: &Shape) -> Result<(), Error> {
        match shape {
            Shape::Line { places, color, width } => self.line(places, *color, *width),
            Shape::Rect { corners, color } => {
                let (from, to) = (self.place(corners.0), self.place(corners.1));
                self.backend.draw_rect(from, to, &filled(*color), true).map_err(failed)
            }
            Shape::Polygon { places, color } => {
                let places: Vec<_> = places.iter().map(|&place| self.place(place)).collect();
                self.backend.fill_polygon(places, &filled(*color)).map_err(failed)
            }
            Shape::Disc { center, radius, color } => {
                let radius = (radius * self.scale).round() as u32;
                let center = self.place(*center);
                self.backend.draw_circle(center, radius, &filled(*color), true).map_err(failed)
            }
            Shape::Text(text) => self.write(text),
        }
    }

    fn line(&mut self, places: &[Place], color: Color, width: f64) -> Result<(), Error> {
        let width = (width * self.scale).round().max(1.0);
        let style = ShapeStyle { stroke_width: width as u32, ..filled(color) };
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
        let down = self.rules.base_line * text.size;
        let (x, y) = text.place;
        let place = match text.turn {
            FontTransform::Rotate270 => (x - down, y),
            FontTransform::Rotate90 => (x + down, y),
            _ => (x, y - down),
        };
        let face = font::face(self.rules.size_of_em * text.size * self.scale, text.bold)
            .transform(text.turn.clone());
        let color = filled(text.color).color.to_backend_color();
        let style = TextStyle { font: face, color, pos: Pos::new(text.anchor, VPos::Top) };
        let place = self.place(place);
        self.backend.draw_text(&text.text, &style, place).map_err(failed)
    }

    fn place(&self, (x, y): Place) -> (i32, i32) {
        ((x * self.scale).round() as i32, (y * self.scale).round() as i32)
    }
}

fn filled(color: Color) -> ShapeStyle {
    color.plotters().filled()
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Draw(error.to_string())
}
