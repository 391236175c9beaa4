//! How a custom rule becomes part of a graph: its derivatives are recorded when they are first needed.

use crate::loops::Run;
use crate::program::ir::graph::Graph;
use crate::program::ir::rule::{Recorded, RecordedRule};
use crate::program::record::Traced;
use crate::program::record::recorder::Session;
use crate::rules::{Saved, pulled_back, pushed_forward};
use crate::{CustomRule, Error, ProgramScalar};
use std::any::Any;
use std::sync::OnceLock;

/// A rule with its derivatives as graphs, once they are needed.
struct Deriving<R: CustomRule> {
    rule: R,
    vjp: OnceLock<Result<Graph<R::Scalar>, Error>>,
    jvp: OnceLock<Option<Result<Graph<R::Scalar>, Error>>>,
}

/// The rule in the form in which graphs hold it.
pub(super) fn recorded<F: ProgramScalar, R: CustomRule<Scalar = F>>(rule: &R) -> Recorded<F> {
    // A rule that comes from a graph has this form already.
    if let Some(recorded) = (rule as &dyn Any).downcast_ref::<Recorded<F>>() {
        return recorded.clone();
    }
    Recorded::new(Deriving { rule: rule.clone(), vjp: OnceLock::new(), jvp: OnceLock::new() })
}

impl<F: ProgramScalar, R: CustomRule<Scalar = F>> RecordedRule<F> for Deriving<R> {
    fn name(&self) -> &'static str {
        self.rule.name()
    }

    fn inputs(&self) -> usize {
        self.rule.inputs()
    }

    fn outputs(&self) -> usize {
        self.rule.outputs()
    }

    fn value(&self, x: &[F], z: &mut [F]) -> Result<(), Error> {
        self.rule.value(x, z)
    }

    fn stays_whole(&self) -> bool {
        self.rule.stays_whole()
    }

    fn value_saving(&self, x: &[F], z: &mut [F], saved: &mut Saved<F>) -> Result<(), Error> {
        self.rule.value_saving(x, z, saved)
    }

    fn vjp_of_saved(&self, x: &[F], z: &[F], cotangent: &[F], saved: &Saved<F>) -> Result<Vec<F>, Error> {
        self.rule.vjp_of_saved(x, z, cotangent, saved)
    }

    fn branches(&self) -> bool {
        self.rule.branches()
    }

    fn as_graph(&self, limit: usize) -> Option<Graph<F>> {
        self.rule.as_graph(limit)
    }

    fn as_loop(&self) -> Option<Run<F>> {
        self.rule.as_loop()
    }

    fn vjp(&self) -> Result<&Graph<F>, Error> {
        let record = || {
            let counts = [self.inputs(), self.outputs(), self.outputs()];
            record(counts, |[x, z, cotangent]| Some(pulled_back(&self.rule, x, z, cotangent)))
        };
        self.vjp.get_or_init(|| record().expect("a rule has a vjp")).as_ref().map_err(Clone::clone)
    }

    fn jvp(&self) -> Option<Result<&Graph<F>, Error>> {
        let record = || {
            let counts = [self.inputs(), self.outputs(), self.inputs()];
            record(counts, |[x, z, tangent]| pushed_forward(&self.rule, x, z, tangent))
        };
        self.jvp.get_or_init(record).as_ref().map(|graph| graph.as_ref().map_err(Clone::clone))
    }
}

/// Records a function of three lists of the given lengths, whose values are not known; `None` if there is no
/// function.
fn record<F: ProgramScalar>(
    counts: [usize; 3],
    f: impl FnOnce([&[Traced<F>]; 3]) -> Option<Result<Vec<Traced<F>>, Error>>,
) -> Option<Result<Graph<F>, Error>> {
    let count = counts.iter().sum();
    let session = Session::symbolic(0, count);
    let inputs: Vec<_> = (0..count).map(|index| session.unknown(index)).collect();
    let (x, rest) = inputs.split_at(counts[0]);
    let (z, last) = rest.split_at(counts[1]);
    Some(f([x, z, last])?.and_then(|outputs| session.finish(&outputs)))
}
