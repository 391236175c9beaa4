//! Small neural networks on [`dualtape`]: layers, losses, per-sample gradients, clipping and training.
//!
//! A model is a shape: it knows how to read a flat slice of parameters, and computes on any
//! [`Differentiable`](dualtape::Differentiable) number. Parameters are yours, in one `Vec`.
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
//! assert!(history.last().unwrap().validation.accuracy > 0.9);
//! # Ok::<(), dualtape_nn::Error>(())
//! ```

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod activation;
mod batch;
mod checkpoint;
pub mod clip;
pub mod data;
mod error;
pub mod files;
pub mod initialize;
mod layer;
pub mod loss;
mod mlp;
mod neuron;
mod recorded;
mod sgd;
mod train;

pub use activation::Activation;
pub use batch::{Batch, BatchGradient};
pub use checkpoint::{load, save};
pub use clip::Clip;
pub use error::Error;
pub use initialize::Initializer;
pub use layer::{Layer, LayerParameters};
pub use mlp::Mlp;
pub use neuron::Neuron;
pub use recorded::Recorded;
pub use sgd::Sgd;
pub use train::{Event, Metrics, Progress, Record, Settings, evaluate, train};
