//! Pictures of training and of measurements, as PNG and as SVG, drawn by plotters with an embedded font: no
//! fontconfig, no fonts, nothing to install.
//!
//! Each kind of picture is a type that knows numbers, not networks. All are built the same way, and all are a
//! [`Picture`]: drawn in a size asked for, or put beside others into a [`Figure`].
//!
//! | picture | type |
//! |---|---|
//! | losses of training and validation, best epoch | [`LossCurves`] |
//! | gradient norms before and after clipping | [`GradientNorms`] |
//! | learning rate | [`LearningRate`] |
//! | other metrics; several runs over each other | [`Curves`] |
//! | per-sample gradient norms, in logarithmic bins | [`NormHistogram`] |
//! | confusion matrix, recall, precision | [`ConfusionMatrix`] |
//! | decision boundary between two classes or more | [`DecisionBoundary`], from a [`ProbabilityGrid`] |
//! | predictions against targets, residuals | [`Predictions`] |
//! | permutation importance of columns | [`Importance`] |
//! | benchmarks, bars with whiskers | [`Benchmarks`] |
//! | several of these in one | [`Figure`] |
//!
//! ```
//! use dualtape_plots::{Curves, Figure, LossCurves, Picture, Size};
//!
//! let loss = LossCurves::new("loss")
//!     .training([(1.0, 0.9), (2.0, 0.5), (3.0, 0.4)])
//!     .validation([(1.0, 1.0), (2.0, 0.6), (3.0, 0.7)])
//!     .mark_best(true);
//! let accuracy = Curves::new("accuracy", "epoch", "right answers")
//!     .curve("validation", [(1.0, 0.6), (2.0, 0.8), (3.0, 0.85)])
//!     .percent(true);
//! let figure = Figure::new("a short run").with(loss).with(accuracy);
//! let png: Vec<u8> = figure.png(figure.natural_size())?;
//! let svg: String = figure.svg(Size::new(1000, 400))?;
//! # assert!(&png[1..4] == b"PNG" && svg.contains("right answers"));
//! # Ok::<(), dualtape_plots::Error>(())
//! ```
//!
//! What holds for all of them:
//!
//! - **Odd data.** Points that are not finite, or beyond ±1e300, are left out, and so are those not above 0 on
//!   a logarithmic axis; the picture and [`Picture::dropped`] say how many. Empty, single, flat and
//!   enormous series give a picture; a million points are thinned to those that show.
//! - **Colours** are those of Okabe and Ito, which most colour-blind readers can tell apart; dashes and
//!   markers tell the same things again.
//! - **No two curves look alike** in a picture, and each looks the same in all panels.
//! - **Legends** stand above the axes, where they cover nothing.
//! - **The same picture gives the same bytes.**
//!
//! The charts are those of plotters. Own are what it lacks: readings that leave an offset or a power to the axis' name, and
//! logarithmic ones of any range; legends above the axes; colour bars; contours; markers; names that stand upright; the
//! thinning of points; and pixels finer than whole ones, for which a backend records shapes.
//!
//! The font is DejaVu Sans, embedded by the `dejavu` crate; its licence is in `FONT-LICENSE.txt`. In an SVG,
//! texts stay texts, in DejaVu Sans or whatever sans-serif its reader has.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod axis;
mod benchmarks;
mod boundary;
mod chart;
mod color;
mod confusion;
mod contour;
mod curves;
mod error;
mod figure;
mod font;
mod grid;
mod histogram;
mod importance;
mod legend;
mod lines;
mod loss;
mod norms;
mod picture;
mod predictions;
mod range;
mod rate;
mod render;
mod scene;
mod series;
mod text;

pub use benchmarks::{Bar, Benchmarks};
pub use boundary::DecisionBoundary;
pub use confusion::ConfusionMatrix;
pub use curves::Curves;
pub use error::Error;
pub use figure::Figure;
pub use grid::{ProbabilityGrid, Window};
pub use histogram::NormHistogram;
pub use importance::Importance;
pub use loss::LossCurves;
pub use norms::GradientNorms;
pub use picture::{Dropped, Picture, Size};
pub use predictions::Predictions;
pub use rate::LearningRate;
pub use series::centred_mean;
