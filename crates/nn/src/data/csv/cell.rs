//! What one cell of a table holds.

/// A parsed cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    Number(f64),
    Missing,
    Word(&'a str),
}

/// The words that mark a missing value in files, in upper or lower case.
const MISSING: [&str; 9] = ["", "na", "n/a", "#n/a", "<na>", "nan", "null", "?", "-nan"];

/// Parses a cell. An infinite number counts as a word, because no sample may contain one.
pub(crate) fn understand(text: &str) -> Cell<'_> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Cell::Number(number),
        _ if is_missing(text) => Cell::Missing,
        _ => Cell::Word(text),
    }
}

pub(crate) fn is_missing(text: &str) -> bool {
    MISSING.iter().any(|missing| text.eq_ignore_ascii_case(missing))
}

/// Removes the zeros at the end of a plain decimal number: it returns 1 for 1.0, and 1.5 for 1.50. Other text stays as it
/// is: 007 may be the name of an agent, and large numbers would lose digits.
pub(crate) fn canonical(text: &str) -> std::borrow::Cow<'_, str> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match unsigned.split_once('.') {
        Some((whole, part)) if digits(whole) && digits(part) && (whole == "0" || !whole.starts_with('0')) => {
            text.trim_end_matches('0').trim_end_matches('.').into()
        }
        _ => text.into(),
    }
}

pub(crate) fn is_number(text: &str) -> bool {
    matches!(understand(text), Cell::Number(_))
}

/// The reason why a word is not a number, if it can be recognised.
pub(crate) fn cause(word: &str) -> &'static str {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = word.trim_start_matches(['-', '+']);
    match unsigned.split_once(',') {
        Some((whole, part)) if digits(whole) && digits(part) => {
            " (a decimal comma; expected a decimal point)"
        }
        _ if unsigned
            .replace([',', '.', ' ', '\'', '\u{a0}'], "")
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            && unsigned.bytes().any(|byte| byte.is_ascii_digit()) =>
        {
            " (digits in groups; expected plain digits and a decimal point)"
        }
        _ if matches!(word.parse::<f64>(), Ok(number) if number.is_infinite()) => {
            " (expected a finite number)"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_missing_values_and_words_are_told_apart() {
        for (text, expected) in [
            ("1", Cell::Number(1.0)),
            ("-2.5e3", Cell::Number(-2500.0)),
            ("", Cell::Missing),
            ("NA", Cell::Missing),
            ("N/A", Cell::Missing),
            ("nan", Cell::Missing),
            ("NULL", Cell::Missing),
            ("?", Cell::Missing),
            ("inf", Cell::Word("inf")),
            ("1e999", Cell::Word("1e999")),
            ("none", Cell::Word("none")),
            ("3,14", Cell::Word("3,14")),
        ] {
            assert_eq!(understand(text), expected, "{text}");
        }
    }

    #[test]
    fn zeros_at_the_end_make_no_other_number_and_zeros_before_do() {
        for (text, expected) in [
            ("1", "1"),
            ("1.0", "1"),
            ("-2.50", "-2.5"),
            ("0.0", "0"),
            ("100", "100"),
            ("007", "007"),
            ("007.0", "007.0"),
            ("1e2", "1e2"),
            ("9007199254740993", "9007199254740993"),
            ("red.0", "red.0"),
            ("1.", "1."),
        ] {
            assert_eq!(canonical(text), expected, "{text}");
        }
    }

    #[test]
    fn a_word_that_looks_like_a_number_has_its_cause_named() {
        for (word, expected) in [
            ("3,14", "decimal comma"),
            ("-3,14", "decimal comma"),
            ("1,234,567", "in groups"),
            ("1'000.5", "in groups"),
            ("inf", "finite"),
        ] {
            assert!(cause(word).contains(expected), "{word}: {}", cause(word));
        }
        for word in ["red", "", "1/2", "a,b", ","] {
            assert_eq!(cause(word), "", "{word}");
        }
    }
}
