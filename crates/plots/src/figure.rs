//! Several pictures in one.

use crate::canvas::{Area, size, units};
use crate::picture::sealed::Draw;
use crate::{Dropped, Error, Picture, Size, chart};

/// Several pictures in one, row by row, under one title.
///
/// ```
/// use dualtape_plots::{Curves, Figure, Picture};
///
/// let loss = Curves::new("loss", "epoch", "loss").curve("validation", [(1.0, 1.0), (2.0, 0.7)]);
/// let accuracy = Curves::new("accuracy", "epoch", "right answers")
///     .curve("validation", [(1.0, 0.6), (2.0, 0.8)])
///     .percent(true);
/// let figure = Figure::new("a short run").with(loss).with(accuracy);
/// let png = figure.png(figure.natural_size())?;
/// # assert_eq!(&png[1..4], b"PNG");
/// # Ok::<(), dualtape_plots::Error>(())
/// ```
#[derive(Debug)]
pub struct Figure {
    title: String,
    panels: Vec<Box<dyn Picture>>,
    columns: Option<usize>,
}

impl Figure {
    /// The least width and height of a panel, in pixels.
    ///
    /// ```
    /// use dualtape_plots::{Curves, Error, Figure, Picture, Size};
    /// let panel = || Curves::new("", "epoch", "loss");
    /// let width = 2 * Figure::LEAST_PANEL - 1;
    /// let narrow = Figure::new("").with(panel()).with(panel()).svg(Size::new(width, 400));
    /// assert!(matches!(narrow, Err(Error::Crowded { panels: 2, columns: 2, .. })));
    /// ```
    pub const LEAST_PANEL: u32 = 180;

    /// A figure without panels.
    ///
    /// ```
    /// use dualtape_plots::{Error, Figure, Picture};
    /// let empty = Figure::new("a short run");
    /// assert!(matches!(empty.png(empty.natural_size()), Err(Error::NoPanels { .. })));
    /// ```
    pub fn new(title: &str) -> Self {
        Self { title: title.to_owned(), panels: Vec::new(), columns: None }
    }

    /// The same figure with one more panel.
    ///
    /// ```
    /// use dualtape_plots::{Curves, Figure, NormHistogram, Picture};
    /// let figure = Figure::new("a short run")
    ///     .with(Curves::new("loss", "epoch", "loss").curve("training", [(1.0, 0.9), (2.0, 0.5)]))
    ///     .with(NormHistogram::new("norms", [0.1, 0.05]));
    /// assert!(figure.svg(figure.natural_size())?.contains("gradient norm"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn with(mut self, panel: impl Picture + 'static) -> Self {
        self.panels.push(Box::new(panel));
        self
    }

    /// Sets the number of panels side by side, at least one. The default is two, or three for five panels or more.
    ///
    /// ```
    /// use dualtape_plots::{Curves, Figure, Picture};
    /// let panel = || Curves::new("", "epoch", "loss");
    /// let (side_by_side, stacked) =
    ///     [2, 1].map(|n| Figure::new("").with(panel()).with(panel()).columns(n).natural_size()).into();
    /// assert!(stacked.width < side_by_side.width && stacked.height > side_by_side.height);
    /// ```
    #[must_use]
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = Some(columns.max(1));
        self
    }

    fn grid(&self) -> (usize, usize) {
        let count = self.panels.len();
        let natural = if count < 5 { 2 } else { 3 };
        let columns = self.columns.unwrap_or(natural).min(count).max(1);
        (columns, count.div_ceil(columns).max(1))
    }
}

impl Draw for Figure {
    fn draw(&self, area: &Area<'_>) -> Result<(), Error> {
        if self.panels.is_empty() {
            return Err(Error::NoPanels { title: self.title.clone() });
        }
        let top = if self.title.is_empty() { 0 } else { units(8.0) };
        let area = chart::titled(&area.margin(top, 0, 0, 0), &self.title, 18.0)?;
        let (columns, rows) = self.grid();
        let (width, height) = size(&area);
        let (width, height) = (width / columns as f64, height / rows as f64);
        if width.min(height) < f64::from(Self::LEAST_PANEL) {
            return Err(Error::Crowded { panels: self.panels.len(), columns, width, height });
        }
        for (panel, place) in self.panels.iter().zip(area.split_evenly((rows, columns))) {
            panel.draw(&place)?;
        }
        Ok(())
    }
}

impl Picture for Figure {
    /// 600 by 420 pixels for each panel.
    fn natural_size(&self) -> Size {
        let (columns, rows) = self.grid();
        let pixels = |count: usize, each: u32| each.saturating_mul(count as u32);
        Size::new(pixels(columns, 600), pixels(rows, 420).saturating_add(34))
    }

    fn dropped(&self) -> Dropped {
        let mut dropped = Dropped::default();
        for panel in &self.panels {
            dropped += panel.dropped();
        }
        dropped
    }
}
