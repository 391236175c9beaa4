//! Programs: a function recorded once, optimised, and evaluated many times.
//!
//! A tape records a function each time it is differentiated. Where the same function is differentiated at
//! many points, it can be recorded once: [`Program::record`] runs it on [`Traced`] numbers and keeps what was
//! done with them; the [`Program`] then gives values and derivatives at any point, or at many at once.
//!
//! ```
//! use dualtape::{Differentiable, Float, Program, program::Rows};
//!
//! // How far a line misses a point. The line is the same for all points: its numbers are parameters. A
//! // point's numbers are data.
//! fn miss<D: Differentiable<Scalar = f64>>(line: &[D], point: &[D]) -> D {
//!     (line[0] * point[0] + line[1] - point[1]).powi(2)
//! }
//!
//! let program = Program::record_with_data(miss, &[0.0; 2], &[0.0; 2])?;
//! let (mut batch, mut slope) = (program.batch(), [0.0; 2]);
//! let points = [1.0, 3.0, 2.0, 5.0, 3.0, 7.0]; // three points on y = 2x + 1
//! let mut line = [0.0; 2];
//! for _ in 0..2000 {
//!     program.mean_gradient(&mut batch, &line, &Rows::new(&points, 2), &mut slope)?;
//!     line = [line[0] - 0.1 * slope[0], line[1] - 0.1 * slope[1]];
//! }
//! assert!((line[0] - 2.0).abs() < 1e-6 && (line[1] - 1.0).abs() < 1e-6);
//! # Ok::<(), dualtape::Error>(())
//! ```
//!
//! # From function to result
//!
//! | step | file | what it leaves |
//! |---|---|---|
//! | *recording* | `trace.rs`, `recorder.rs` | a [`Graph`]: every operation once, equal ones shared |
//! | *speculating* | `speculate.rs` | of a recorded derivative, plain products, and what to watch |
//! | *optimising* | `optimize.rs` | a smaller graph with the same bits |
//! | *scheduling* | `schedule.rs` | slots for values; runs of like operations |
//! | *one point* | `point.rs`, `single.rs` | values and adjoints over any number type |
//! | *many points* | `batch.rs`, `stream.rs`, `task.rs`, `jacobians.rs`, `lanes.rs` | sums, rows of slopes, Jacobians |
//! | *instructions* | `kernels.rs`, `affine.rs`, `transpose.rs`, `fast.rs`, `elementary.rs`, `exact.rs` | loops over lanes, for each processor |
//!
//! **Recording** happens on the current thread. A traced number is a value and a place, `Copy` and `'static`,
//! so any generic code can be recorded. [`affine`](crate::Differentiable::affine),
//! [`dot`](crate::Differentiable::dot) and sums stay whole.
//!
//! **Uniform and varying.** What depends on parameters only is *uniform*: computed once for a batch, and held
//! as plain numbers; its adjoints are added up over all points, and carried back once. What depends on data
//! is *varying*.
//!
//! **Lanes.** Points go through in blocks of sixteen: a varying value is a row of sixteen lanes, and each
//! operation a loop over them (and over a few blocks, if they stay in cache together, so that a matrix is read
//! once for all), in the widest instructions the processor has (found at run time; nothing has
//! to be set when compiling; for tests, the environment variable `DUALTAPE_INSTRUCTIONS` narrows them to `avx2` or `scalar`). Tasks of many rows are spread over rayon's current pool. The cut into tasks
//! depends on the number of points only, and results are put together in order: any number of threads gives
//! the same bits. Points come from slices, a choice of others' points ([`Selected`]), one's own [`Points`], or
//! one after another from an iterator ([`Program::sum_gradient_from`]).
//!
//! **Guards.** A comparison while recording is a guard: predicate and outcome are kept, and a replay where the
//! outcome is another returns [`Error::BranchChanged`]. [`Compiled`] keeps a program for each path. What guards depend
//! on has the bits of the function in batches, too. [`select`](crate::Differentiable::select), `abs`, `max`,
//! `min`, `relu` and `clamp` are instructions and guard nothing. A function that leaves the traced numbers,
//! by [`value`](crate::Differentiable::value), a conversion to an integer or printing, is held to the value it read.
//!
//! **Recorded derivatives.** A function may take derivatives of its own over traced numbers. Its rules guard nothing:
//! the policy on zeros and NaN is recorded with them, and `speculate.rs` says why it costs nearly nothing.
//!
//! # What holds
//!
//! At one point, a program computes the bits of the function itself. In batches, products and sums may be
//! contracted into one rounding, and elementary functions are within 2 units in the last place, except on the way to
//! guards.
//! Derivatives follow the policy of [`rules`](crate::rules) everywhere: where a batch meets a singular
//! point, its task goes through the points one by one.
//!
//! # Changing an optimiser pass
//!
//! A pass is a function over the graph in `optimize.rs`: nodes in order, operands before their uses. It may
//! rewrite a node, or send its uses to another; it must not change a bit, nor a slope at NaN.
//! `tests/program.rs` holds every pass to that, on a function made of what passes rewrite, and on random
//! programs.

mod affine;
mod aligned;
mod batch;
mod compiled;
mod elementary;
mod exact;
mod fast;
mod graph;
mod guard;
mod instructions;
mod jacobians;
mod kernels;
mod lanes;
mod matrices;
mod optimize;
mod outputs;
mod point;
mod points;
pub(crate) mod recorder;
mod recording;
mod schedule;
mod single;
mod singly;
mod speculate;
mod stream;
mod sums;
mod task;
mod trace;
mod transpose;
mod vector;
mod workspace;

pub use batch::Batch;
pub use compiled::Compiled;
pub(crate) use elementary::Elementary;
pub use graph::Graph;
pub(crate) use lanes::ByLanes;
pub use outputs::Outputs;
pub use point::Wrt;
pub use points::{Points, Rows, Selected};
pub use recording::Recording;
pub use sums::{Results, Sum, Sums, clip_factor};
pub use trace::Traced;
pub use workspace::Workspace;

use crate::{Error, Scalar};
pub(crate) use graph::{Node, Reduction};
use guard::Guard;
use schedule::{Run, Schedule, Step};
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

/// A recorded function, ready to be evaluated and differentiated at any point.
///
/// It is immutable, `Send` and `Sync`; what an evaluation writes lives in a [`Workspace`] of the caller's.
///
/// ```
/// use dualtape::{Float, Program};
///
/// let program = Program::record(|x| (x[0] * x[1]).sin() + x[0], &[1.0_f64, 2.0])?;
/// let (mut workspace, mut slope) = (program.workspace(), [0.0; 2]);
/// let value = program.gradient(&mut workspace, &[0.0, 3.0], &mut slope)?;
/// assert_eq!((value, slope), (0.0, [4.0, 0.0]));
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Program<F> {
    schedule: Schedule,
    constants: Vec<F>,
    guards: Vec<Guard<F>>,
    /// The slots of the outputs.
    outputs: Vec<u32>,
    parameters: usize,
    data: usize,
    /// The uniform slots that gain from varying values, other than as weights and biases.
    wide_slots: Vec<u32>,
    /// The place of each uniform slot among them; beyond the last for those that are not.
    wide_of: Vec<u32>,
    /// The uniform slots of all but the weights and biases that one affine map reads, and nothing else.
    loose: Vec<Range<usize>>,
    /// Whether there are no other parameters, and no results are uniform.
    affine_alone: bool,
    /// How many operations a point takes, those of reductions and matrices counted singly.
    cost: usize,
    /// How many blocks of points go through together.
    blocks: usize,
    /// The slots of values that must not be NaN for this program to answer, if it is speculative.
    watched: Vec<u32>,
    /// What a speculative program speculates on.
    careful: Option<Box<Self>>,
}

impl<F: Scalar> Program<F> {
    /// Records a function of `x` and optimises the recording. The function gives one output or several, as
    /// an array or a vector.
    ///
    /// It runs once, at `x`. Where it branches on a comparison, the program holds the side taken at `x`, and
    /// refuses to answer where the other would be.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] beyond 2²⁶ nodes and operands, and [`Error::EqualityHeld`] where two numbers that move were
    /// equal; see [`Recording`] for both.
    ///
    /// # Panics
    ///
    /// If the function panics, or mixes numbers of two recordings.
    ///
    /// ```
    /// use dualtape::{Error, Float, Program};
    /// let program = Program::record(|x| [x[0].hypot(x[1]), x[0] * x[1]], &[1.0_f64, 1.0])?;
    /// let mut outputs = [0.0; 2];
    /// program.evaluate(&mut program.workspace(), &[3.0, 4.0], &mut outputs)?;
    /// assert_eq!(outputs, [5.0, 12.0]);
    ///
    /// let program = Program::record(|x| if x[0] < x[1] { x[0] } else { x[1] * x[1] }, &[1.0, 2.0])?;
    /// let elsewhere = program.value(&mut program.workspace(), &[3.0, 2.0]);
    /// assert!(matches!(elsewhere, Err(Error::BranchChanged { .. })));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn record<O: Outputs<F>>(f: impl FnOnce(&[Traced<F>]) -> O, x: &[F]) -> Result<Self, Error> {
        Graph::record(f, x).map(Self::from)
    }

    /// Records a function of parameters, which are the same at every point of a batch, and of data, which
    /// differ from point to point.
    ///
    /// What depends on parameters only is then computed once for a batch. At a single point, the inputs are
    /// the parameters followed by the data.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] beyond 2²⁶ nodes and operands, and [`Error::EqualityHeld`] where two numbers were equal of
    /// which one moves with the parameters.
    ///
    /// # Panics
    ///
    /// If the function panics, or mixes numbers of two recordings.
    ///
    /// ```
    /// use dualtape::Program;
    /// let program = Program::record_with_data(|line, x| line[0] * x[0] + line[1], &[1.0; 2], &[1.0_f64])?;
    /// let mut slope = [0.0; 3];
    /// let value = program.gradient(&mut program.workspace(), &[2.0, 1.0, 10.0], &mut slope)?;
    /// assert_eq!((value, slope), (21.0, [10.0, 1.0, 2.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn record_with_data<O: Outputs<F>>(
        f: impl FnOnce(&[Traced<F>], &[Traced<F>]) -> O,
        parameters: &[F],
        data: &[F],
    ) -> Result<Self, Error> {
        Graph::record_with_data(f, parameters, data).map(Self::from)
    }

    /// The number of inputs: parameters and data.
    ///
    /// ```
    /// # use dualtape::Program;
    /// let program = Program::record_with_data(|line, x| line[0] * x[0] + line[1], &[1.0; 2], &[1.0_f64])?;
    /// assert_eq!(program.inputs(), 3);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn inputs(&self) -> usize {
        self.parameters + self.data
    }

    /// The number of parameters.
    ///
    /// ```
    /// # use dualtape::Program;
    /// let program = Program::record_with_data(|line, x| line[0] * x[0] + line[1], &[1.0; 2], &[1.0_f64])?;
    /// assert_eq!(program.parameters(), 2);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn parameters(&self) -> usize {
        self.parameters
    }

    /// The number of data at each point.
    ///
    /// ```
    /// # use dualtape::Program;
    /// let program = Program::record_with_data(|line, x| line[0] * x[0] + line[1], &[1.0; 2], &[1.0_f64])?;
    /// assert_eq!(program.data(), 1);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn data(&self) -> usize {
        self.data
    }

    /// The number of outputs.
    ///
    /// ```
    /// # use dualtape::Program;
    /// let program = Program::record(|x| [x[0] * x[1], x[0] + x[1]], &[1.0_f64, 2.0])?;
    /// assert_eq!(program.outputs(), 2);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// The number of operations that are evaluated at each point.
    ///
    /// ```
    /// use dualtape::{Float, Program};
    /// // A square, its sine, and a sum: equal subexpressions are computed once.
    /// let program = Program::record(|x| (x[0] * x[0]).sin() + x[0] * x[0], &[1.0_f64])?;
    /// assert_eq!(program.operations(), 3);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn operations(&self) -> usize {
        self.schedule.runs.iter().map(|run| run.count as usize).sum()
    }

    /// The number of guards: answers on which the program's right to answer hangs. See
    /// [`Error::BranchChanged`].
    ///
    /// ```
    /// use dualtape::{Float, Program};
    /// let larger = Program::record(|x| if x[0] > x[1] { x[0] } else { x[1] }, &[1.0_f64, 2.0])?;
    /// assert_eq!(larger.guards(), 1);
    /// // `max` is an operation, and right everywhere.
    /// assert_eq!(Program::record(|x| x[0].max(x[1]), &[1.0_f64, 2.0])?.guards(), 0);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn guards(&self) -> usize {
        self.guards.len()
    }

    /// An empty workspace, which grows as it is used.
    ///
    /// ```
    /// use dualtape::Program;
    /// let square = Program::record(|x| x[0] * x[0], &[1.0_f64])?;
    /// let mut workspace = square.workspace();
    /// for x in [1.0, 2.0, 3.0] {
    ///     assert_eq!(square.value(&mut workspace, &[x])?, x * x);
    /// }
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn workspace(&self) -> Workspace<F> {
        Workspace::default()
    }
}

impl<F: Scalar> From<Graph<F>> for Program<F> {
    /// Optimises a graph and plans its evaluation.
    fn from(graph: Graph<F>) -> Self {
        match speculate::speculate(&graph) {
            None => Self::plan(graph, &[]),
            Some(speculation) => {
                let careful = Some(Box::new(Self::plan(graph, &[])));
                Self { careful, ..Self::plan(speculation.graph, &speculation.watched) }
            }
        }
    }
}

impl<F: Scalar> Program<F> {
    fn plan(mut graph: Graph<F>, watched: &[u32]) -> Self {
        let watched = optimize::optimize(&mut graph, watched);
        let mut schedule = schedule::schedule(&graph, &watched);
        let slot = |node: u32| schedule.slot_of[node as usize];
        let mut constants = vec![F::zero(); schedule.constants];
        for (node, &slot) in graph.nodes.iter().zip(&schedule.slot_of) {
            if let Node::Constant(value) = *node
                && let Some(place) = constants.get_mut(slot as usize)
            {
                *place = value;
            }
        }
        let mut known = HashSet::new();
        let guards = graph.guards.iter().map(|guard| guard.renumbered(slot));
        let guards: Vec<_> = guards.filter(|guard| known.insert(guard.key())).collect();
        let outputs: Vec<u32> = graph.outputs.iter().map(|&node| slot(node)).collect();
        let watched: Vec<u32> = watched.into_iter().map(slot).collect();
        let others = outputs.iter().chain(&watched).copied();
        let read: Vec<u32> = guards.iter().flat_map(Guard::operands).chain(others).collect();
        let (wide_slots, wide_of) = schedule.wide_slots();
        let loose = schedule.mark_alone(read.into_iter());
        let (affine_alone, cost) = (schedule.is_affine_alone(), schedule.cost());
        let blocks = lanes::blocks::<F>(&schedule);
        Self {
            constants,
            guards,
            outputs,
            parameters: graph.parameters,
            data: graph.data,
            wide_slots,
            wide_of,
            loose,
            affine_alone,
            cost,
            blocks,
            watched,
            careful: None,
            schedule,
        }
    }
}

impl<F: Scalar> fmt::Display for Program<F> {
    /// Writes the counts, then a line for each run.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Schedule { constants, first_varying, slots, .. } = self.schedule;
        writeln!(
            f,
            "{} parameters, {} data, {} outputs, {} operations in {} runs, {} guards",
            self.parameters,
            self.data,
            self.outputs.len(),
            self.operations(),
            self.schedule.runs.len(),
            self.guards.len(),
        )?;
        writeln!(
            f,
            "slots: {constants} constants, {} uniform, {} varying",
            first_varying - constants,
            slots - first_varying
        )?;
        for (index, run) in self.schedule.runs.iter().enumerate() {
            let rate = if index < self.schedule.first_varying_run { "uniform" } else { "varying" };
            writeln!(f, "{rate} {}", self.words(run))?;
        }
        write!(f, "outputs: {:?}", self.outputs)
    }
}

impl<F: Scalar> Program<F> {
    /// A run, for people.
    fn words(&self, run: &Run) -> String {
        let results = match run.count {
            1 => format!("v{}", run.first),
            count => format!("v{}..{}", run.first, run.first + count),
        };
        match run.step {
            Step::Apply(op, operands) => {
                let operands = operands[..op.arity()].iter().map(|operand| match operand.access {
                    schedule::Access::Range(slot) if run.count > 1 => format!("v{slot}.."),
                    schedule::Access::List => "gathered".to_owned(),
                    schedule::Access::Range(slot) | schedule::Access::One(slot) => format!("v{slot}"),
                    schedule::Access::None => String::new(),
                });
                format!("{results} = {} {}", op.name(), operands.collect::<Vec<_>>().join(", "))
            }
            Step::Reduce(reduction, first, _) => {
                let terms = &self.schedule.terms[first as usize..][..run.count as usize];
                let sizes = terms.iter().map(|terms| terms.list.len);
                let (least, most) = (sizes.clone().min().unwrap_or(0), sizes.max().unwrap_or(0));
                let size = if least == most { format!("{most}") } else { format!("{least} to {most}") };
                format!("{results} = {} of {size} operands", reduction.name())
            }
            Step::Affine(affine, _) => {
                format!(
                    "{results} = affine v{}.. {}×{}, v{}..",
                    affine.weights, affine.rows, affine.x.len, affine.bias
                )
            }
        }
    }
}
