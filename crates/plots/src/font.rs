//! The embedded font, and how wide a text is in it.

use crate::Error;
use crate::sheet::units;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontDesc, FontFamily, FontStyle, RGBColor, TextStyle, register_font};
use std::sync::OnceLock;

/// The name under which plotters knows the font, and what an SVG asks its reader for: texts stay texts
/// there. DejaVu Sans is wider than its stand-ins, so what fits here fits there.
pub(crate) const FAMILY: &str = "DejaVu Sans, Verdana, Arial, sans-serif";

/// What a font's size means to ab_glyph, by way of plotters: ascent plus descent of DejaVu Sans, in ems.
pub(crate) const SIZE_OF_EM: f64 = 1.164;

/// Makes the font known to plotters, once.
pub(crate) fn register() -> Result<(), Error> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let register = || {
        let faces = [(FontStyle::Normal, dejavu::sans::regular()), (FontStyle::Bold, dejavu::sans::bold())];
        faces.into_iter().all(|(style, bytes)| register_font(FAMILY, style, bytes).is_ok())
    };
    if *REGISTERED.get_or_init(register) { Ok(()) } else { Err(Error::Font) }
}

/// The font, `size` being what the backend makes of an em.
pub(crate) fn face(size: f64, bold: bool) -> FontDesc<'static> {
    let style = if bold { FontStyle::Bold } else { FontStyle::Normal };
    FontDesc::new(FontFamily::Name(FAMILY), size, style)
}

/// How wide a text is, in ems.
pub(crate) fn width(text: &str, bold: bool) -> f64 {
    // plotters rounds to whole pixels: at a thousand of them to an em, that does not matter.
    let (fine, rough) = (1000.0, 0.6);
    match face(fine * SIZE_OF_EM, bold).layout_box(text) {
        Ok(((left, _), (right, _))) => f64::from(right - left) / fine,
        // The font is registered before anything is measured; a guess harms nobody.
        Err(_) => rough * text.chars().count() as f64,
    }
}

/// A style of text on a sheet: pixels to an em, and where its place is, from top to bottom in the middle.
pub(crate) fn style(pixels: f64, bold: bool, color: RGBColor, anchor: HPos) -> TextStyle<'static> {
    let font = face(f64::from(units(pixels)) * SIZE_OF_EM, bold);
    TextStyle { font, color: color.to_backend_color(), pos: Pos::new(anchor, VPos::Center) }
}
