//! The tool for GradBench, the public benchmark suite for automatic differentiation.
//!
//! GradBench's harness sends messages, each a line of JSON, and reads an answer to each: [`serve`] is the
//! loop. Each eval has a file here with its objective, written once for any
//! [`Differentiable`](dualtape::Differentiable) number from the eval's published definition, and with the engine
//! that differentiates it. No derivative is written by hand.
//!
//! The folder `gradbench` of this package contains what the suite requires of a tool: copied to `tools/dualtape` in
//! its repository, it builds an image of this tool.

pub(crate) mod ba;
mod descent;
mod det;
pub(crate) mod gmm;
mod hello;
mod ht;
mod kmeans;
pub(crate) mod llsq;
pub(crate) mod lse;
pub(crate) mod lstm;
mod measure;
pub(crate) mod ode;
mod particle;
mod protocol;
mod saddle;

pub use protocol::serve;

use measure::{Failure, Reply};
use serde_json::Value;

/// The function of an eval: it takes the name of a function and its input.
type Eval = fn(&str, &Value) -> Result<Reply, Failure>;

/// The evals, by the name of their module.
const EVALS: [(&str, Eval); 12] = [
    ("ba", ba::evaluate),
    ("det", det::evaluate),
    ("gmm", gmm::evaluate),
    ("hello", hello::evaluate),
    ("ht", ht::evaluate),
    ("kmeans", kmeans::evaluate),
    ("llsq", llsq::evaluate),
    ("lse", lse::evaluate),
    ("lstm", lstm::evaluate),
    ("ode", ode::evaluate),
    ("particle", particle::evaluate),
    ("saddle", saddle::evaluate),
];

/// The names of the evals that the tool knows, sorted.
pub fn evals() -> impl Iterator<Item = &'static str> {
    EVALS.iter().map(|&(name, _)| name)
}

/// The eval of a module.
fn eval(module: &str) -> Result<Eval, Failure> {
    let found = EVALS.iter().find(|(name, _)| *name == module);
    found.map(|&(_, eval)| eval).ok_or_else(|| {
        let names: Vec<&str> = evals().collect();
        Failure(format!("there is no module '{module}', only {}", names.join(", ")))
    })
}
