//! Training curves as PNG, drawn by plotters with an embedded font: no fontconfig, no fonts, nothing to
//! install.
//!
//! A [`Chart`] knows numbers, not networks: panels side by side, each with named series of points.
//!
//! ```
//! use dualtape_plots::{Chart, Panel, Series};
//!
//! let training = Series::new("training", [(1.0, 0.9), (2.0, 0.5), (3.0, 0.4)]);
//! let validation = Series::new("validation", [(1.0, 1.0), (2.0, 0.7), (3.0, 0.6)]);
//! let loss = Panel::new("loss", "epoch", "cross-entropy").with(training).with(validation);
//! let png = Chart::new("a short run").with(loss).png()?;
//! assert_eq!(&png[1..4], b"PNG");
//! # Ok::<(), dualtape_plots::Error>(())
//! ```
//!
//! The font is DejaVu Sans, embedded by the `dejavu` crate; its licence is in `FONT-LICENSE.txt`.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod chart;
mod draw;
mod error;
mod font;
mod range;

pub use chart::{Chart, Panel, Scale, Series};
pub use error::Error;
