//! The embedded font, and the width of texts.

use crate::Error;
use crate::sheet::units;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontDesc, FontFamily, FontStyle, RGBColor, TextStyle, register_font};
use std::sync::OnceLock;

/// The name of the font in plotters, and the font families requested by an SVG, in which texts stay
/// texts. DejaVu Sans is wider than the alternatives, so a text that fits here fits there as well.
pub(crate) const FAMILY: &str = "DejaVu Sans, Verdana, Arial, sans-serif";

/// The meaning of a font size in ab_glyph, which plotters uses: ascent plus descent of DejaVu Sans, in ems.
pub(crate) const SIZE_OF_EM: f64 = 1.164;

/// Registers the font with plotters, once.
pub(crate) fn register() -> Result<(), Error> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let register = || {
        let faces = [(FontStyle::Normal, dejavu::sans::regular()), (FontStyle::Bold, dejavu::sans::bold())];
        faces.into_iter().all(|(style, bytes)| register_font(FAMILY, style, bytes).is_ok())
    };
    if *REGISTERED.get_or_init(register) { Ok(()) } else { Err(Error::Font) }
}

/// The font; `size` is the backend's size for an em.
pub(crate) fn face(size: f64, bold: bool) -> FontDesc<'static> {
    let style = if bold { FontStyle::Bold } else { FontStyle::Normal };
    FontDesc::new(FontFamily::Name(FAMILY), size, style)
}

/// The width of a text in ems.
pub(crate) fn width(text: &str, bold: bool) -> f64 {
    // plotters rounds to whole pixels; with a thousand pixels per em, that does not matter.
    let (fine, rough) = (1000.0, 0.6);
    match face(fine * SIZE_OF_EM, bold).layout_box(text) {
        Ok(((left, _), (right, _))) => f64::from(right - left) / fine,
        // The font is registered before any text is measured, so the guess is never needed.
        Err(_) => rough * text.chars().count() as f64,
    }
}

/// A text style on a sheet: pixels per em, and the horizontal anchor; the vertical anchor is the middle.
pub(crate) fn style(pixels: f64, bold: bool, color: RGBColor, anchor: HPos) -> TextStyle<'static> {
    let font = face(f64::from(units(pixels)) * SIZE_OF_EM, bold);
    TextStyle { font, color: color.to_backend_color(), pos: Pos::new(anchor, VPos::Center) }
}
