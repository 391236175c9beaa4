//! Small neural networks on [`dualtape`]: layers, losses, per-sample gradients, clipping and training.
//!
//! A model stores no parameters. It reads them from a flat slice that you own (usually one `Vec`), and computes on any
//! [`Differentiable`](dualtape::Differentiable) number.
//!
//! ```
//! use dualtape_nn::{Activation, Mlp, Settings, data, train};
//!
//! let (training, validation) = data::iris().split(0.2, 7)?;
//! let scale = data::Standardizer::fit(&training);
//! let (training, validation) = (scale.apply(&training), scale.apply(&validation));
//!
//! let model = Mlp::new(&[4, 8, 3], Activation::Tanh)?;
//! let mut parameters = model.initialize(7);
//! let settings = Settings { epochs: 30, ..Settings::default() };
//! let history = train(&model, &mut parameters, &training, &validation, &settings, |_| {})?;
//! assert!(history.last().unwrap().validation.accuracy > Some(0.9));
//! # Ok::<(), dualtape_nn::Error>(())
//! ```

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod activation;
mod batch;
pub mod clip;
mod container;
pub mod data;
mod embedding;
mod error;
mod evaluate;
pub mod files;
mod history;
mod importance;
pub mod initialize;
mod layer;
mod layer_norm;
pub mod loss;
pub mod metrics;
#[cfg(feature = "argmin")]
pub mod minimize;
mod mlp;
mod model;
mod module;
mod neuron;
mod optimizer;
pub mod parallel;
mod parameters;
mod penalty;
pub mod privacy;
mod recorded;
mod saved;
mod schedule;
mod sequential;
mod settings;
mod text;
mod train;

pub use activation::{Activation, softmax};
pub use batch::{Batch, BatchGradient};
pub use clip::Clip;
pub use embedding::Embedding;
pub use error::Error;
pub use evaluate::{Metrics, confusion, evaluate, predict, sample_norms, samples};
pub use history::{Event, Progress, Record};
pub use importance::permutation_importance;
pub use initialize::Initializer;
pub use layer::{Layer, LayerParameters};
pub use layer_norm::LayerNorm;
pub use loss::{Loss, Reduction};
pub use mlp::Mlp;
pub use model::Model;
pub use module::Module;
pub use neuron::Neuron;
pub use optimizer::{Method, Optimizer, Sgd};
pub use parameters::{load_parameters, save_parameters};
pub use penalty::Penalty;
pub use recorded::Recorded;
pub use saved::SavedModel;
pub use schedule::{Link, Schedule};
pub use sequential::Sequential;
pub use settings::{Settings, Unit};
pub use train::{Spent, Trainer, checkpoint_note, train};

/// The README's code, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
