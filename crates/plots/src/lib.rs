//! Draws pictures of training runs and of measurements as PNG and SVG, with plotters and an embedded font: no
//! fontconfig, no font files, nothing to install.
//!
//! Each kind of picture is a type that takes numbers, not networks. All are built the same way, and all implement
//! [`Picture`]: draw one in any size, or put several into a [`Figure`].
//!
//! | picture | type |
//! |---|---|
//! | losses with the best epoch, other metrics, gradient norms with their threshold, learning rates; several runs | [`Curves`] |
//! | per-sample gradient norms | [`NormHistogram`] |
//! | confusion matrix with recall and precision | [`ConfusionMatrix`] |
//! | decision boundary of two classes or more | [`DecisionBoundary`], from a [`ProbabilityGrid`] |
//! | predictions against targets, and residuals | [`Predictions`] |
//! | benchmarks, bars with whiskers | [`Benchmarks`] |
//! | importance of features | [`Importance`] |
//! | several of these in one | [`Figure`] |
//!
//! ```
//! use dualtape_plots::{Curves, Figure, Picture, Size};
//!
//! let loss = Curves::new("loss", "epoch", "cross-entropy")
//!     .curve("training", [(1.0, 0.9), (2.0, 0.5), (3.0, 0.4)])
//!     .curve("validation", [(1.0, 1.0), (2.0, 0.6), (3.0, 0.7)])
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
//! For all of them:
//!
//! - **Odd data.** Points that are not finite, or beyond ±1e300, are left out, and so are those not above 0 on a
//!   logarithmic axis, where numbers below 1e-300 count as 0; the picture and [`Picture::dropped`] say how
//!   many. Series that are empty, constant, huge or a single point still give a picture; a million points are thinned to the visible
//!   ones, or counted in hexagons. Very small and very large ranges are labelled with offsets and powers of ten.
//! - **Looks.** Colours are those of Okabe and Ito, which most colour-blind readers can distinguish; dashes and
//!   markers repeat the distinction. The n-th curve, mode or class looks the same in all panels, and no look
//!   occurs twice in one panel.
//! - **Legends** are above the axes, where they cover nothing.
//! - **The same picture gives the same bytes.**
//!
//! The charts are plotters': its chart builder, coordinates and key points, mesh and elements. This crate adds what
//! plotters lacks: legends above the axes, shortening of texts, as many ticks as have room, ticks within a decade,
//! offsets and powers, turned names, markers, colour bars, contours and shaded planes, hexagons, thinning, and smooth
//! edges in a PNG.
//!
//! The font is DejaVu Sans, embedded by the `dejavu` crate; its licence is in `FONT-LICENSE.txt`. In an SVG,
//! texts stay texts, shown in DejaVu Sans or another sans-serif font of the reader.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod axis;
mod bars;
mod boundary;
mod canvas;
mod chart;
mod confusion;
mod contour;
mod curves;
mod error;
mod figure;
mod grid;
mod histogram;
mod legend;
mod look;
mod picture;
mod predictions;
mod series;
mod text;

pub use bars::{Bar, Benchmarks, Importance};
pub use boundary::DecisionBoundary;
pub use confusion::ConfusionMatrix;
pub use curves::Curves;
pub use error::Error;
pub use figure::Figure;
pub use grid::{ProbabilityGrid, Window};
pub use histogram::NormHistogram;
pub use picture::{Dropped, Picture, Size};
pub use predictions::Predictions;
pub use series::centered_mean;

/// Compiles and runs the code in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
