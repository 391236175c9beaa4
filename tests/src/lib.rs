//! What the tests share: scenarios with their exact derivatives, every mode, and what "close" means.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod close;
pub mod generated;
pub mod modes;
pub mod points;
pub mod scenarios;
pub mod sparse;

/// The README's code, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The code of the page on sparse matrices.
#[cfg(doctest)]
#[doc = include_str!("../../docs/sparse.md")]
struct SparsePage;

/// The code of the page on Taylor series.
#[cfg(doctest)]
#[doc = include_str!("../../docs/taylor.md")]
struct TaylorPage;

/// The code of the page on Laplacians.
#[cfg(doctest)]
#[doc = include_str!("../../docs/laplacian.md")]
struct LaplacianPage;

/// The code of the page on generated and compiled code.
#[cfg(doctest)]
#[doc = include_str!("../../docs/as-fast-as-by-hand.md")]
struct CodePage;
