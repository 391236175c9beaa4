//! What to draw: charts, panels, series.

use crate::{Error, draw};

/// A named line of points.
///
/// Points that are not finite, or beyond ±1e100, are left out; [`Series::dropped`] says how many.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
    dropped: usize,
}

impl Series {
    /// A line through the given points, from the first to the last.
    ///
    /// ```
    /// let series = dualtape_plots::Series::new("loss", [(1.0, 0.5), (2.0, f64::NAN)]);
    /// assert_eq!(series.dropped(), 1);
    /// ```
    pub fn new(name: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let drawable = |&(x, y): &(f64, f64)| crate::range::is_drawable(x) && crate::range::is_drawable(y);
        let (points, dropped): (Vec<_>, Vec<_>) = points.into_iter().partition(drawable);
        Self { name: name.to_owned(), points, dropped: dropped.len() }
    }

    /// How many points were left out.
    pub fn dropped(&self) -> usize {
        self.dropped
    }
}

/// How the numbers of the vertical axis read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// As plain numbers.
    #[default]
    Plain,
    /// As percentages of 1.
    Percent,
}

/// One pair of axes with its series.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    pub(crate) title: String,
    pub(crate) x_label: String,
    pub(crate) y_label: String,
    pub(crate) scale: Scale,
    pub(crate) series: Vec<Series>,
}

impl Panel {
    /// A panel without series.
    pub fn new(title: &str, x_label: &str, y_label: &str) -> Self {
        Self {
            title: title.to_owned(),
            x_label: x_label.to_owned(),
            y_label: y_label.to_owned(),
            scale: Scale::default(),
            series: Vec::new(),
        }
    }

    /// The same panel with one more series.
    #[must_use]
    pub fn with(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// The same panel with another scale.
    #[must_use]
    pub fn scale(mut self, scale: Scale) -> Self {
        self.scale = scale;
        self
    }
}

/// Panels side by side under one title.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    pub(crate) title: String,
    pub(crate) panels: Vec<Panel>,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Chart {
    /// A chart without panels, 1200 by 500 pixels.
    pub fn new(title: &str) -> Self {
        Self { title: title.to_owned(), panels: Vec::new(), width: 1200, height: 500 }
    }

    /// The same chart with one more panel, to the right.
    #[must_use]
    pub fn with(mut self, panel: Panel) -> Self {
        self.panels.push(panel);
        self
    }

    /// The same chart in another size, in pixels.
    #[must_use]
    pub fn size(mut self, width: u32, height: u32) -> Self {
        (self.width, self.height) = (width, height);
        self
    }

    /// The picture, as the bytes of a PNG file.
    ///
    /// # Errors
    ///
    /// [`Error::NoPanels`], [`Error::Size`] if the picture is not 200 to 10 000 pixels each way, or what
    /// the drawing library reports.
    pub fn png(&self) -> Result<Vec<u8>, Error> {
        let pixels = draw::pixels(self)?;
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Balanced);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&pixels)?;
        writer.finish()?;
        Ok(bytes)
    }
}
