//! What every picture can do: become a PNG or an SVG, and report what it leaves out.

use crate::{Error, canvas};
use std::fmt;

/// A size in pixels.
///
/// ```
/// use dualtape_plots::{Curves, Picture, Size};
/// let curves = Curves::new("a run", "epoch", "loss");
/// assert!(curves.svg(Size { height: 300, ..curves.natural_size() })?.contains("height=\"300\""));
/// # Ok::<(), dualtape_plots::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

impl Size {
    /// The least width and height: axes and their labels do not fit into less.
    ///
    /// ```
    /// use dualtape_plots::{Curves, Error, Picture, Size};
    /// let curves = Curves::new("", "epoch", "loss");
    /// assert!(curves.svg(Size::new(Size::LEAST, Size::LEAST)).is_ok());
    /// assert!(matches!(curves.svg(Size::new(Size::LEAST - 1, 400)), Err(Error::Size { .. })));
    /// ```
    pub const LEAST: u32 = 200;
    /// The greatest width and height.
    ///
    /// ```
    /// use dualtape_plots::{Curves, Error, Picture, Size};
    /// let curves = Curves::new("", "epoch", "loss");
    /// assert!(curves.svg(Size::new(Size::MOST, 400)).is_ok());
    /// assert!(matches!(curves.svg(Size::new(Size::MOST + 1, 400)), Err(Error::Size { .. })));
    /// ```
    pub const MOST: u32 = 10_000;
    /// The greatest total number of pixels.
    ///
    /// ```
    /// use dualtape_plots::{Curves, Error, Picture, Size};
    /// let curves = Curves::new("", "epoch", "loss");
    /// // Neither side is too long, but the area is too large.
    /// let poster = Size::new(Size::MOST, 5000);
    /// assert!(u64::from(poster.width) * u64::from(poster.height) > Size::MOST_PIXELS);
    /// assert!(matches!(curves.svg(poster), Err(Error::Size { .. })));
    /// ```
    pub const MOST_PIXELS: u64 = 40_000_000;

    /// A size of this width and height in pixels.
    ///
    /// ```
    /// use dualtape_plots::Size;
    /// assert_eq!(Size::new(640, 480), Size { width: 640, height: 480 });
    /// ```
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    pub(crate) fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    fn check(self) -> Result<Self, Error> {
        let Self { width, height } = self;
        let sides = Self::LEAST..=Self::MOST;
        if sides.contains(&width) && sides.contains(&height) && self.pixels() <= Self::MOST_PIXELS {
            Ok(self)
        } else {
            Err(Error::Size { width, height })
        }
    }
}

/// How many points a picture leaves out, and why. Its text is the note shown in the picture.
///
/// ```
/// use dualtape_plots::{Curves, Picture};
///
/// let points = [(1.0, 0.5), (2.0, f64::NAN), (3.0, 0.0)];
/// let curves = Curves::new("a run", "epoch", "loss").curve("loss", points).log_axis(true);
/// assert_eq!(curves.dropped().total(), 2);
/// assert_eq!(curves.dropped().to_string(), "left out: 1 not finite, 1 not above 0 (logarithmic axis)");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Points with a coordinate that is infinite, not a number, or beyond ±1e300.
    pub not_finite: usize,
    /// Points that are not above 0, on a logarithmic axis.
    pub not_positive: usize,
}

impl Dropped {
    /// The total number.
    ///
    /// ```
    /// use dualtape_plots::Dropped;
    /// assert_eq!(Dropped { not_finite: 2, not_positive: 1 }.total(), 3);
    /// ```
    pub fn total(&self) -> usize {
        self.not_finite + self.not_positive
    }

    /// The note in the picture, if it leaves out anything.
    pub(crate) fn note(self) -> Option<String> {
        (self.total() > 0).then(|| self.to_string())
    }
}

impl std::ops::AddAssign for Dropped {
    fn add_assign(&mut self, other: Self) {
        self.not_finite += other.not_finite;
        self.not_positive += other.not_positive;
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons =
            [(self.not_finite, "not finite"), (self.not_positive, "not above 0 (logarithmic axis)")];
        let reasons = reasons.iter().filter(|(count, _)| *count > 0);
        let reasons: Vec<String> = reasons.map(|(count, reason)| format!("{count} {reason}")).collect();
        match &reasons[..] {
            [] => f.write_str("nothing left out"),
            _ => write!(f, "left out: {}", reasons.join(", ")),
        }
    }
}

/// A picture, which can be drawn as PNG or SVG, or put into a [`Figure`](crate::Figure) with others.
///
/// The same picture in the same size always gives the same bytes. Texts are drawn in an embedded font; in an
/// SVG they stay texts, shown in DejaVu Sans or another sans-serif font of the reader.
///
/// ```
/// use dualtape_plots::{Curves, NormHistogram, Picture};
/// let pictures: [Box<dyn Picture>; 2] =
///     [Box::new(Curves::new("a run", "epoch", "rate")), Box::new(NormHistogram::new("norms", [0.5]))];
/// for picture in pictures {
///     assert!(picture.svg(picture.natural_size())?.starts_with("<svg"));
/// }
/// # Ok::<(), dualtape_plots::Error>(())
/// ```
pub trait Picture: sealed::Draw {
    /// The size that suits the picture.
    ///
    /// ```
    /// use dualtape_plots::{Curves, Picture, Size};
    /// assert_eq!(Curves::new("a run", "epoch", "loss").natural_size(), Size::new(900, 560));
    /// ```
    fn natural_size(&self) -> Size {
        Size::new(900, 560)
    }

    /// The points that are not shown.
    ///
    /// ```
    /// use dualtape_plots::{Curves, Picture};
    /// let curves = Curves::new("a run", "epoch", "loss").curve("sgd", [(1.0, 0.5), (2.0, f64::NAN)]);
    /// assert_eq!(curves.dropped().not_finite, 1);
    /// ```
    fn dropped(&self) -> Dropped;

    /// The picture as the bytes of a PNG file: 8 bits each for red, green and blue.
    ///
    /// ```
    /// use dualtape_plots::{Curves, Picture, Size};
    ///
    /// let curves = Curves::new("a run", "epoch", "accuracy").curve("validation", [(1.0, 0.5), (2.0, 0.8)]);
    /// assert_eq!(&curves.png(Size::new(600, 400))?[1..4], b"PNG");
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Size`] unless both sides have [`Size::LEAST`] to [`Size::MOST`] pixels and the picture at most
    /// [`Size::MOST_PIXELS`]; the errors that the builders of the picture defer to drawing; errors of the drawing library.
    fn png(&self, size: Size) -> Result<Vec<u8>, Error> {
        canvas::png(self, size.check()?)
    }

    /// The picture as the text of an SVG file.
    ///
    /// ```
    /// use dualtape_plots::{Curves, Picture};
    ///
    /// let curves = Curves::new("a run", "epoch", "accuracy").curve("validation", [(1.0, 0.5), (2.0, 0.8)]);
    /// assert!(curves.svg(curves.natural_size())?.starts_with("<svg width=\"900\""));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Picture::png`].
    fn svg(&self, size: Size) -> Result<String, Error> {
        canvas::svg(self, size.check()?)
    }
}

pub(crate) mod sealed {
    use crate::Error;
    use crate::canvas::Area;

    /// Draws into a part of a picture. Only this crate's pictures implement it.
    pub trait Draw: std::fmt::Debug {
        fn draw(&self, area: &Area<'_>) -> Result<(), Error>;
    }
}
