//! Errors of drawing.

use plotters::drawing::DrawingAreaErrorKind;

/// An error of this crate.
///
/// ```
/// use dualtape_plots::{Curves, Error, Picture, Size};
/// let tiny = Curves::new("", "epoch", "loss").svg(Size::new(100, 400));
/// assert!(matches!(tiny, Err(Error::Size { width: 100, height: 400 })));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A picture too small for its axes, or unreasonably large.
    #[error(
        "the picture is {width} x {height} pixels; expected {min} to {max} each way and at most {area} megapixels",
        min = crate::Size::LEAST,
        max = crate::Size::MOST,
        area = crate::Size::MOST_PIXELS / 1_000_000
    )]
    Size {
        /// Pixels from left to right.
        width: u32,
        /// Pixels from top to bottom.
        height: u32,
    },
    /// A figure whose panels would be too small for their axes.
    #[error(
        "{panels} panels in {columns} columns would be {width:.0} x {height:.0} pixels each; expected at least \
         {min} x {min}: ask for a larger picture, or for fewer panels",
        min = crate::Figure::LEAST_PANEL
    )]
    Crowded {
        /// How many panels the figure has.
        panels: usize,
        /// The number of columns.
        columns: usize,
        /// The width that each would have, in pixels.
        width: f64,
        /// The height that each would have, in pixels.
        height: f64,
    },
    /// A figure without panels.
    #[error("the figure '{title}' has no panel; expected at least one")]
    NoPanels {
        /// The figure's title.
        title: String,
    },
    /// A threshold, or another line across the picture, that is not finite.
    #[error("{what} is {value}; expected a finite number")]
    NotFinite {
        /// Which number.
        what: &'static str,
        /// Its value.
        value: f64,
    },
    /// A range without an extent.
    #[error("{what} goes from {low} to {high}; expected a range with an extent, its lower end first")]
    NoExtent {
        /// Which range.
        what: &'static str,
        /// Where it starts.
        low: f64,
        /// Where it ends.
        high: f64,
    },
    /// Parts of a table whose sizes do not match.
    #[error("{what}: {given} given; expected {expected}")]
    Count {
        /// Which part.
        what: String,
        /// How many there are.
        given: usize,
        /// How many there should be.
        expected: usize,
    },
    /// More than a picture can show, or less than it needs.
    #[error("{what}: {given} given; expected {least} to {most}")]
    Amount {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        given: usize,
        /// The least that makes sense.
        least: usize,
        /// The most that can be shown.
        most: usize,
    },
    /// The embedded font could not be used.
    #[error("the embedded font cannot be used")]
    Font,
    /// The drawing library failed.
    #[error("cannot draw: {0}")]
    Draw(String),
    /// The picture could not be encoded.
    #[error("cannot encode the picture: {0}")]
    Encode(#[from] png::EncodingError),
}

/// An error if an amount is out of bounds.
pub(crate) fn check_amount(what: &'static str, given: usize, least: usize, most: usize) -> Result<(), Error> {
    if (least..=most).contains(&given) { Ok(()) } else { Err(Error::Amount { what, given, least, most }) }
}

/// An error if a number is not finite.
pub(crate) fn check_finite(what: &'static str, value: f64) -> Result<f64, Error> {
    if crate::axis::is_drawable(value) { Ok(value) } else { Err(Error::NotFinite { what, value }) }
}

impl From<DrawingAreaErrorKind<std::io::Error>> for Error {
    fn from(error: DrawingAreaErrorKind<std::io::Error>) -> Self {
        Self::Draw(error.to_string())
    }
}
