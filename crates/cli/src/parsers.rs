//! Parsers from the text of an option to its value.

use dualtape_nn::Error;
use std::str::FromStr;

/// Parses a value. Its error names the setting and what was expected; only the latter is kept, since clap names the option.
pub(crate) fn expected<T: FromStr<Err = Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| match error {
        Error::Setting { expected, .. } => format!("expected {expected}"),
        other => other.to_string(),
    })
}

/// A whole number that also fits into an options file, where whole numbers are signed.
pub(crate) fn whole(text: &str) -> Result<usize, String> {
    seed(text).and_then(|number| usize::try_from(number).map_err(|error| error.to_string()))
}

/// Like [`whole`], for seeds.
pub(crate) fn seed(text: &str) -> Result<u64, String> {
    let fits = |&number: &u64| i64::try_from(number).is_ok();
    text.parse().ok().filter(fits).ok_or_else(|| format!("expected a whole number from 0 to {}", i64::MAX))
}

/// Like [`whole`], but without 0.
pub(crate) fn at_least_one(text: &str) -> Result<usize, String> {
    whole(text)
        .ok()
        .filter(|&number| number > 0)
        .ok_or_else(|| "expected a whole number of at least 1".to_owned())
}

pub(crate) fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" | "true" => Ok(true),
        "no" | "false" => Ok(false),
        _ => Err("expected yes or no".to_owned()),
    }
}

pub(crate) fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "expected a number".to_owned())
}
