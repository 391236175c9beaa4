//! The data sets that come with the crate; see `data/README.md` for source and licence.

use super::{Dataset, parse_csv, read_csv};
use crate::Error;
use std::path::Path;

/// 1797 handwritten digits of 8 × 8 pixels, each from 0 to 16. Alpaydin and Kaynak, UCI Machine Learning
/// Repository, CC BY 4.0.
pub fn digits() -> Dataset {
    embedded("digits", include_str!("../../data/digits.csv"))
}

/// 150 irises of three species, with four measures in centimetres. Fisher, 1936; UCI Machine Learning
/// Repository, CC BY 4.0.
pub fn iris() -> Dataset {
    embedded("iris", include_str!("../../data/iris.csv"))
}

/// The data set of the given name, or the CSV file at the given path.
///
/// # Errors
///
/// [`Error::UnknownDataset`] if it is neither; otherwise those of [`read_csv`].
///
/// ```
/// let wrong = dualtape_nn::data::open("didgits");
/// assert!(wrong.unwrap_err().to_string().contains("expected digits, iris, or the path of a CSV file"));
/// ```
pub fn open(name: &str) -> Result<Dataset, Error> {
    match name {
        "digits" => Ok(digits()),
        "iris" => Ok(iris()),
        _ => {
            let path = Path::new(name);
            let looks_like_a_path =
                path.exists() || path.components().count() > 1 || path.extension().is_some();
            if looks_like_a_path {
                read_csv(path)
            } else {
                Err(Error::UnknownDataset { name: name.to_owned() })
            }
        }
    }
}

fn embedded(name: &str, text: &str) -> Dataset {
    parse_csv(name, text.as_bytes()).expect("the embedded file is well-formed, as a test confirms")
}
