//! Texts that fit: without characters that a picture cannot contain, and cut if there is not enough room.

use crate::font;

/// Font sizes, in pixels per em.
pub(crate) const TITLE: f64 = 15.0;
pub(crate) const LABEL: f64 = 13.0;
pub(crate) const TICK: f64 = 12.0;
pub(crate) const NOTE: f64 = 11.0;

/// The most characters of a text that are considered; no picture shows more, and very long titles stay cheap.
const MOST: usize = 400;

/// The text on one line, without characters that are not allowed in an SVG.
pub(crate) fn clean(text: &str) -> String {
    let allowed = |c: char| {
        if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { ' ' } else { c }
    };
    text.chars().take(MOST).map(allowed).collect::<String>().trim().to_owned()
}

/// The width of a text in pixels.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    size * font::width(text, false)
}

/// The text, or as much of its beginning as fits, with an ellipsis.
pub(crate) fn fit(text: &str, size: f64, bold: bool, room: f64) -> String {
    let text = clean(text);
    if size * font::width(&text, bold) <= room {
        return text;
    }
    let cut = |length: usize| {
        let kept: String = text.chars().take(length).collect();
        format!("{}…", kept.trim_end())
    };
    // Bisection finds the longest beginning that fits, since the width grows with the text.
    let fits = |&length: &usize| size * font::width(&cut(length), bold) <= room;
    let lengths: Vec<usize> = (1..text.chars().count()).collect();
    match lengths.partition_point(fits) {
        0 => String::new(),
        longest => cut(longest),
    }
}

/// A whole number in superscript, for powers of ten.
pub(crate) fn superscript(number: i32) -> String {
    let digit = |c| match c {
        '-' => '⁻',
        '0' => '⁰',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4' => '⁴',
        '5' => '⁵',
        '6' => '⁶',
        '7' => '⁷',
        '8' => '⁸',
        _ => '⁹',
    };
    number.to_string().chars().map(digit).collect()
}

/// A number with three digits, for legends and notes.
pub(crate) fn short(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{number:.2e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-3..6).contains(&exponent) {
        let decimals = usize::try_from(2 - exponent).unwrap_or(0);
        return trim(&format!("{number:.decimals$}")).replace('-', "−");
    }
    format!("{}×10{}", trim(digits), superscript(exponent)).replace('-', "−")
}

/// A decimal fraction without trailing zeros.
pub(crate) fn trim(digits: &str) -> &str {
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
        font::register().unwrap();
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
