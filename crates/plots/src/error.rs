//! What can go wrong when drawing.

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A chart without a panel.
    #[error("the chart '{title}' has no panel; expected at least one")]
    NoPanels {
        /// The chart's title.
        title: String,
    },
    /// A picture too small to hold the axes, or too large to be meant.
    #[error("the picture is {width} x {height} pixels; expected {min} to {max} each way", min = Error::MIN_PIXELS, max = Error::MAX_PIXELS)]
    Size {
        /// Pixels from left to right.
        width: u32,
        /// Pixels from top to bottom.
        height: u32,
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

impl Error {
    /// The least size of a picture that holds axes and labels.
    pub(crate) const MIN_PIXELS: u32 = 200;
    /// The largest size; plotters multiplies width and height in 32 bits.
    pub(crate) const MAX_PIXELS: u32 = 10_000;
}
