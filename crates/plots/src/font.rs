//! The embedded font, and how wide a text is in it.

use crate::Error;
use crate::color::{Color, INK};
use crate::scene::UNITS;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontDesc, FontFamily, FontStyle, TextStyle, register_font};
use std::sync::OnceLock;

/// The name under which plotters knows the font, and what an SVG asks its reader for: texts stay texts
/// there. DejaVu Sans is wider than its stand-ins, so what fits here fits there.
pub(crate) const FAMILY: &str = "DejaVu Sans, Verdana, Arial, sans-serif";

/// What a font's size means to ab_glyph, by way of plotters: ascent plus descent of DejaVu Sans, in ems.
pub(crate) const SIZE_OF_EM: f64 = 1.164;

/// The heights of the tallest letters and of capitals and digits, and the depth of the deepest, in ems.
pub(crate) const ASCENT: f64 = 0.76;
pub(crate) const CAPITAL: f64 = 0.73;
pub(crate) const DESCENT: f64 = 0.24;

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

/// A text of so many pixels to an em, in ink; its place is that of its upper left corner.
pub(crate) fn style(size: f64) -> TextStyle<'static> {
    text(size, false, INK, Pos::new(HPos::Left, VPos::Top))
}

/// A bold text of so many pixels to an em.
pub(crate) fn bold(size: f64) -> TextStyle<'static> {
    text(size, true, INK, Pos::new(HPos::Left, VPos::Top))
}

/// A text beside, about or before its place, its digits centred on it from top to bottom.
pub(crate) fn about(size: f64, anchor: HPos, color: Color) -> TextStyle<'static> {
    text(size, false, color, Pos::new(anchor, VPos::Center))
}

fn text(size: f64, bold: bool, color: Color, pos: Pos) -> TextStyle<'static> {
    let color = color.plotters().to_backend_color();
    TextStyle { font: face(size * UNITS * SIZE_OF_EM, bold), color, pos }
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
