//! Custom rules as a graph holds them: their value as code, their derivatives as graphs.

use super::graph::Graph;
use super::walk;
use crate::loops::Run;
use crate::rules::Saved;
use crate::{CustomRule, Differentiable, Error, ProgramScalar, Scalar};
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

/// What a graph requires of a rule.
pub(in crate::program) trait RecordedRule<F>: Send + Sync {
    fn name(&self) -> &'static str;

    fn inputs(&self) -> usize;

    fn outputs(&self) -> usize;

    fn stays_whole(&self) -> bool;

    fn branches(&self) -> bool;

    fn value(&self, x: &[F], z: &mut [F]) -> Result<(), Error>;

    fn value_saving(&self, x: &[F], z: &mut [F], saved: &mut Saved<F>) -> Result<(), Error>;

    fn vjp_of_saved(&self, x: &[F], z: &[F], cotangent: &[F], saved: &Saved<F>) -> Result<Vec<F>, Error>;

    /// The rule as a graph with at most `limit` operations, and no calls, if possible.
    fn as_graph(&self, limit: usize) -> Option<Graph<F>>
    where
        F: ProgramScalar;

    /// The loop that it is, or whose vjp it is.
    fn as_loop(&self) -> Option<Run<F>>
    where
        F: ProgramScalar;

    /// The vjp as a graph, whose inputs are those of the rule, its outputs and the cotangent.
    fn vjp(&self) -> Result<&Graph<F>, Error>;

    /// The same for the jvp, with the tangent, if the rule has one.
    fn jvp(&self) -> Option<Result<&Graph<F>, Error>>;
}

/// A rule in a graph.
#[derive(Clone)]
pub(in crate::program) struct Recorded<F>(Arc<dyn RecordedRule<F>>);

// A panic in a rule leaves a graph intact, so programs can still be read after it.
impl<F> UnwindSafe for Recorded<F> {}
impl<F> RefUnwindSafe for Recorded<F> {}

impl<F> Recorded<F> {
    pub(in crate::program) fn new(rule: impl RecordedRule<F> + 'static) -> Self {
        Self(Arc::new(rule))
    }
}

impl<F> fmt::Debug for Recorded<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recorded").field(&self.0.name()).finish()
    }
}

impl<F: Scalar> CustomRule for Recorded<F> {
    type Scalar = F;

    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn inputs(&self) -> usize {
        self.0.inputs()
    }

    fn outputs(&self) -> usize {
        self.0.outputs()
    }

    fn value(&self, x: &[F], z: &mut [F]) -> Result<(), Error> {
        self.0.value(x, z)
    }

    fn stays_whole(&self) -> bool {
        self.0.stays_whole()
    }

    fn branches(&self) -> bool {
        self.0.branches()
    }

    fn as_graph(&self, limit: usize) -> Option<Graph<F>>
    where
        F: ProgramScalar,
    {
        self.0.as_graph(limit)
    }

    fn as_loop(&self) -> Option<Run<F>>
    where
        F: ProgramScalar,
    {
        self.0.as_loop()
    }

    fn value_saving(&self, x: &[F], z: &mut [F], saved: &mut Saved<F>) -> Result<(), Error> {
        self.0.value_saving(x, z, saved)
    }

    fn vjp_of_saved(&self, x: &[F], z: &[F], cotangent: &[F], saved: &Saved<F>) -> Result<Vec<F>, Error> {
        self.0.vjp_of_saved(x, z, cotangent, saved)
    }

    fn vjp<D: Differentiable<Scalar = F>>(&self, x: &[D], z: &[D], cotangent: &[D]) -> Result<Vec<D>, Error> {
        outputs(self.0.vjp()?, [x, z, cotangent])
    }

    fn jvp<D: Differentiable<Scalar = F>>(
        &self,
        x: &[D],
        z: &[D],
        tangent: &[D],
    ) -> Option<Result<Vec<D>, Error>> {
        let graph = self.0.jvp()?;
        Some(graph.and_then(|graph| outputs(graph, [x, z, tangent])))
    }
}

/// The outputs of a graph, for any number type.
fn outputs<D: Differentiable>(graph: &Graph<D::Scalar>, inputs: [&[D]; 3]) -> Result<Vec<D>, Error> {
    let (inputs, mut buffers) = (inputs.concat(), walk::Buffers::default());
    walk::forward(graph, &mut buffers, |input| inputs[input])?;
    Ok(graph.outputs.iter().map(|&output| buffers.values[output as usize]).collect())
}
