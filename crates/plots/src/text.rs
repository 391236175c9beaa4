//! The embedded font, and texts that fit: without characters that a picture cannot contain, and cut if there is not
//! enough room.

use crate::Error;
use crate::canvas::units;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontDesc, FontFamily, FontStyle, RGBColor, TextStyle, register_font};
use std::sync::OnceLock;

/// Font sizes, in pixels per em.
pub(crate) const TITLE: f64 = 15.0;
pub(crate) const LABEL: f64 = 13.0;
pub(crate) const TICK: f64 = 12.0;
pub(crate) const NOTE: f64 = 11.0;

/// The name of the font in plotters, and the font families requested by an SVG, in which texts stay
/// texts. DejaVu Sans is wider than the alternatives, so a text that fits here fits there as well.
const FAMILY: &str = "DejaVu Sans, Verdana, Arial, sans-serif";

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

/// A style for texts on a canvas: pixels per em, and the horizontal anchor; the vertical anchor is the middle.
pub(crate) fn style(pixels: f64, bold: bool, color: RGBColor, anchor: HPos) -> TextStyle<'static> {
    let font = face(f64::from(units(pixels)) * SIZE_OF_EM, bold);
    TextStyle { font, color: color.to_backend_color(), pos: Pos::new(anchor, VPos::Center) }
}

/// The width of a text in pixels.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    size * ems(text, false)
}

/// The width of a text in ems.
fn ems(text: &str, bold: bool) -> f64 {
    // plotters rounds to whole pixels; with a thousand pixels per em, that does not matter.
    let (fine, rough) = (1000.0, 0.6);
    match face(fine * SIZE_OF_EM, bold).layout_box(text) {
        Ok(((left, _), (right, _))) => f64::from(right - left) / fine,
        // The font is registered before any text is measured, so the guess is never needed.
        Err(_) => rough * text.chars().count() as f64,
    }
}

/// The most characters of a text that are considered; no picture shows more, and very long titles stay cheap.
const MOST: usize = 400;

/// The text on one line, without characters that are not allowed in an SVG.
pub(crate) fn clean(text: &str) -> String {
    let allowed = |c: char| {
        if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { ' ' } else { c }
    };
    text.chars().take(MOST).map(allowed).collect::<String>().trim().to_owned()
}

/// The text, or as much of its beginning as fits, with an ellipsis.
pub(crate) fn fit(text: &str, size: f64, bold: bool, room: f64) -> String {
    let text = clean(text);
    if size * ems(&text, bold) <= room {
        return text;
    }
    let cut = |length: usize| {
        let kept: String = text.chars().take(length).collect();
        format!("{}…", kept.trim_end())
    };
    // Bisection finds the longest beginning that fits, since the width grows with the text.
    let fits = |&length: &usize| size * ems(&cut(length), bold) <= room;
    let lengths: Vec<usize> = (1..text.chars().count()).collect();
    match lengths.partition_point(fits) {
        0 => String::new(),
        longest => cut(longest),
    }
}

/// A power of ten, with its exponent in superscript.
pub(crate) fn ten_to(exponent: i32) -> String {
    let digits = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let raised = |c: char| c.to_digit(10).map_or('⁻', |digit| digits[digit as usize]);
    format!("10{}", exponent.to_string().chars().map(raised).collect::<String>())
}

/// A number with three digits, for legends and notes.
pub(crate) fn short(number: f64) -> String {
    let (digits, exponent) = scientific(&format!("{number:.2e}"));
    if (-3..6).contains(&exponent) {
        let decimals = usize::try_from(2 - exponent).unwrap_or(0);
        return trim(&format!("{number:.decimals$}")).replace('-', "−");
    }
    format!("{digits}×{}", ten_to(exponent)).replace('-', "−")
}

/// All digits of a number, in scientific notation if it is very large or small.
pub(crate) fn exactly(number: f64) -> String {
    if (1e-4..1e9).contains(&number) {
        return format!("{number}");
    }
    let (digits, exponent) = scientific(&format!("{number:e}"));
    format!("{digits}×{}", ten_to(exponent))
}

/// The digits, without trailing zeros, and the exponent of a number written by Rust.
fn scientific(number: &str) -> (String, i32) {
    let (digits, exponent) = number.split_once('e').unwrap_or((number, ""));
    (trim(digits).to_owned(), exponent.parse().unwrap_or(0))
}

/// A decimal fraction without trailing zeros.
fn trim(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// A count in about four characters: 950, 12k, 3.4M.
pub(crate) fn short_count(count: u64) -> String {
    let units = [(1e9, "G"), (1e6, "M"), (1e3, "k")];
    for (unit, name) in units {
        let share = count as f64 / unit;
        if share >= 9.95 {
            return format!("{share:.0}{name}");
        }
        if share >= 1.0 {
            return format!("{share:.1}{name}");
        }
    }
    count.to_string()
}

/// All digits of a count, in groups of three.
pub(crate) fn grouped(count: u128) -> String {
    let digits = count.to_string();
    let group = |(place, digit): (usize, char)| {
        let comma = place > 0 && (digits.len() - place).is_multiple_of(3);
        comma.then_some(',').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(group).collect()
}

/// A share of 1 as a percentage; 0 % and 100 % only if exact.
pub(crate) fn percent(share: f64) -> String {
    match (share * 1000.0).round() / 10.0 {
        0.0 if share > 0.0 => "< 0.1 %".to_owned(),
        100.0 if share < 1.0 => "> 99.9 %".to_owned(),
        rounded => format!("{rounded} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_to_its_room_and_no_more() {
        register().unwrap();
        let text = "a title that is longer than its picture";
        assert_eq!(fit(text, 12.0, false, 1000.0), text);
        for room in [20.0, 57.0, 100.0, 200.0] {
            let cut = fit(text, 12.0, false, room);
            assert!(width(&cut, 12.0) <= room && cut.ends_with('…'), "{room}: {cut}");
            assert!(width(&cut, 12.0) > room - 20.0, "{room}: {cut}");
        }
        assert_eq!(fit(text, 12.0, false, 1.0), "");
        assert_eq!(fit("two\nlines\u{0}", 12.0, false, 1000.0), "two lines");
    }

    #[test]
    fn numbers_are_short_and_round_as_expected() {
        let cases = [
            (0.0, "0"),
            (1.0, "1"),
            (0.3416, "0.342"),
            (-2.5, "−2.5"),
            (1234.4, "1234"),
            (0.001, "0.001"),
            (2.5e-7, "2.5×10⁻⁷"),
            (-1e20, "−1×10²⁰"),
            (999_999.9, "1×10⁶"),
        ];
        for (number, text) in cases {
            assert_eq!(short(number), text);
        }
        for (count, text) in [(0, "0"), (999, "999"), (12_345, "12,345"), (1_000_000, "1,000,000")] {
            assert_eq!(grouped(count), text);
        }
        let counts = [(0, "0"), (999, "999"), (1200, "1.2k"), (9_960, "10k"), (3_400_000, "3.4M")];
        for (count, text) in counts {
            assert_eq!(short_count(count), text);
        }
    }
}
