//! The data sets that come with the crate; see `data/README.md` for source and licence.

use super::{Dataset, generate, parse_csv};
use crate::Error;

/// 1797 handwritten digits of 8 × 8 pixels, each from 0 to 16. Alpaydin and Kaynak, UCI Machine Learning
/// Repository, CC BY 4.0.
///
/// ```
/// let digits = dualtape_nn::data::digits();
/// assert_eq!((digits.len(), digits.features().len(), digits.classes().len()), (1797, 64, 10));
/// assert!(digits.samples().all(|(pixels, _)| pixels.iter().all(|pixel| (0.0..=16.0).contains(pixel))));
/// ```
pub fn digits() -> Dataset {
    embedded("digits", include_str!("../../data/digits.csv"))
}

/// 150 irises of three species, with four measurements in centimetres. Fisher, 1936; UCI Machine Learning
/// Repository, CC BY 4.0.
///
/// ```
/// let iris = dualtape_nn::data::iris();
/// assert_eq!((iris.len(), iris.features().len(), iris.classes().len()), (150, 4, 3));
/// ```
pub fn iris() -> Dataset {
    embedded("iris", include_str!("../../data/iris.csv"))
}

/// 100 points on two interleaved half circles with noise 0.1, made by scikit-learn. They are fixed, so that results can
/// be compared. [`generate::moons`] makes any number of points.
///
/// ```
/// let moons = dualtape_nn::data::moons();
/// assert_eq!((moons.len(), moons.features().len(), moons.classes().len()), (100, 2, 2));
/// ```
pub fn moons() -> Dataset {
    embedded("moons", include_str!("../../data/moons.csv"))
}

/// The number of points that [`named`] generates, and their noise.
const GENERATED: (usize, f64) = (400, 0.1);

/// The names that [`named`] knows.
///
/// ```
/// assert!(dualtape_nn::data::NAMES.iter().all(|name| dualtape_nn::data::named(name, 1).is_ok()));
/// ```
pub const NAMES: [&str; 5] = ["digits", "iris", "moons", "circles", "spirals"];

/// The data set with the given name: the embedded [`digits`] or [`iris`]; or moons, circles or spirals, for which
/// 400 points are generated from the seed, with noise 0.1 (0.02 for spirals, which lie closer together).
///
/// # Errors
///
/// [`Error::UnknownDataset`] if no data set has that name.
///
/// ```
/// let wrong = dualtape_nn::data::named("didgits", 1).unwrap_err().to_string();
/// assert!(wrong.contains("expected digits, iris, moons, circles, spirals, or the path of a CSV file"));
/// ```
pub fn named(name: &str, seed: u64) -> Result<Dataset, Error> {
    let (points, noise) = GENERATED;
    match name {
        "digits" => Ok(digits()),
        "iris" => Ok(iris()),
        "moons" => generate::moons(points, noise, seed),
        "circles" => generate::circles(points, noise, seed),
        "spirals" => generate::spirals(points, noise / 5.0, seed),
        _ => Err(Error::UnknownDataset { name: name.to_owned() }),
    }
}

fn embedded(name: &str, text: &str) -> Dataset {
    parse_csv(name, text.as_bytes()).expect("the embedded file is well-formed, as a test confirms")
}
