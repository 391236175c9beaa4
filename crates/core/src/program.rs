//! Programs: a function recorded once, optimised, and evaluated many times.
//!
//! A tape records a function each time it is differentiated. If the same function is differentiated at many points,
//! it can be recorded once: [`Program::record`] runs it on [`Traced`] numbers and keeps the operations. The
//! [`Program`] then gives values and derivatives at any point, or at many points at once.
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
//! let (mut workspace, mut gradient) = (program.batch_workspace(), [0.0; 2]);
//! let points = [1.0, 3.0, 2.0, 5.0, 3.0, 7.0]; // three points on y = 2x + 1
//! let mut line = [0.0; 2];
//! for _ in 0..2000 {
//!     program.mean_gradient(&mut workspace, &line, &Rows::new(&points, 2), &mut gradient)?;
//!     line = [line[0] - 0.1 * gradient[0], line[1] - 0.1 * gradient[1]];
//! }
//! assert!((line[0] - 2.0).abs() < 1e-6 && (line[1] - 1.0).abs() < 1e-6);
//! # Ok::<(), dualtape::Error>(())
//! ```
//!
//! # The layers
//!
//! Each layer imports only from layers above it in this table. The page of each layer says what it takes, what it
//! gives, and what it must not know. There are three exceptions, each of them one name. The trait [`ProgramScalar`]
//! says what a number needs for all layers together, so it names lanes and the recorder. `ir` and `record` ask a rule
//! whether it is a loop, which is a type of [`loops`](crate::loops). And `one` passes statements of `routine` to a
//! [`Compiler`](crate::codegen::Compiler), if the program has one.
//!
//! | layer | what it holds |
//! |---|---|
//! | `simd` | registers, elementary functions, aligned memory; it does not know programs |
//! | `ir` | the graph as data; the walk over it, forward and in reverse, in any numbers; text and drawings |
//! | `record` | [`Traced`] numbers and the recorder: from a function to a graph |
//! | `transform` | from graph to graph: the optimiser, derivatives, compositions |
//! | `plan` | for batches: order, slots, what is uniform and what varies |
//! | `one` | one point: the walk, and after some evaluations, instructions |
//! | `lanes` | a plan over lanes of points: kernels, affine maps, the sweeps forward and back |
//! | `batch` | points divided into tasks, sums and clipping, Jacobians, streams, evaluation point by point |
//! | `sparse` | patterns of Jacobians and Hessians, and plans that compute their entries |
//! | `routine` | a function or a derivative as statements with loops, for [`codegen`](crate::codegen) and compilers |
//!
//! **Recording** happens on the current thread. A traced number is a value and a place, `Copy` and `'static`, so any
//! generic code can be recorded. [`affine`](crate::Differentiable::affine), [`dot`](crate::Differentiable::dot) and
//! sums are kept whole. Nothing else is done at first: what an evaluation at one point or a batch needs is made when
//! it is worth its cost.
//!
//! # One point
//!
//! A program with a [`Compiler`](crate::codegen::Compiler) asks for its machine code first (`one/machine.rs`). Otherwise:
//!
//! 1. [`gradient`](Program::gradient) walks over the graph (`ir/walk.rs`): it computes a value for each node, then
//!    adjoints from the last node to the first. That costs about as much as a tape.
//! 2. After sixteen evaluations, or at once with [`optimized`](Program::optimized), the gradient becomes its own
//!    graph (`transform/derivative.rs`: the same walk, over traced numbers). Its results (`one/items.rs`) are put in
//!    order (`one/order.rs`) and become instructions `±(a · b) + c` over one memory (`one/lower.rs`). Instructions of
//!    one shape with regular operands run as slices.
//! 3. If a number is not finite, the walk computes the result, with all care for exact zeros and NaN.
//!
//! Both ways compute the same bits of values and gradients, except for gradients of loops.
//!
//! # A batch
//!
//! Varying values are stored as `[block][slot][lane]`, with sixteen points in a block:
//!
//! ```text
//!               slot 0 (a datum)       slot 1               …
//! block 0   [ p0 p1 … p15 ]        [ p0 p1 … p15 ]
//! block 1   [ p16 …   p31 ]        [ p16 …   p31 ]
//!
//! uniform slots, once for all points:   constants | parameters | results of parameters only
//! ```
//!
//! 1. [`sum`](Program::sum) makes the plan when it is first called (`plan/schedule.rs`): operations of one kind whose
//!    operands are all computed form a run, with results in consecutive slots.
//! 2. Values that depend on parameters only are *uniform*: they are computed once, in plain numbers
//!    (`lanes/uniform.rs`).
//! 3. The points are cut into tasks (`batch/evaluate.rs`), and each task takes a few blocks at a time
//!    (`batch/task.rs`): data are transposed into lanes, runs go forward, guards are checked, adjoints are seeded,
//!    and runs go back (`lanes/sweep.rs`). A run is one call of a kernel (`lanes/kernels.rs`, `lanes/affine.rs`) with
//!    the widest instructions of the processor, which are detected at run time. For tests, the environment variable
//!    `DUALTAPE_INSTRUCTIONS` restricts them to `avx2` or `scalar`.
//! 4. Adjoints of uniform values are added over the lanes and blocks of a task, then over tasks as a tree
//!    (`batch/tree.rs`), and propagated to the parameters once.
//! 5. If a task meets a singular point, or a number that is not finite, it is repeated point by point.
//!
//! The division into tasks depends on the number of points only. So any number of threads gives the same bits, and so
//! does any number of processes that share a batch by [`sum_part`](Program::sum_part) and [`SumTree`]. Points come
//! from slices, from a selection of other points ([`Selected`]), from your own [`Points`], or one after another from
//! an iterator ([`Program::sum_gradient_from`]).
//!
//! # Guards
//!
//! A comparison during recording becomes a guard: the predicate and its outcome are kept, and a replay with another
//! outcome returns [`Error::BranchChanged`]. [`Compiled`] keeps a program for each path. The values on which guards
//! depend have the bits of the function in batches too. [`select`](crate::Differentiable::select), `abs`, `max`,
//! `min`, `relu` and `clamp` are instructions and need no guards. If a function reads a plain value, by
//! [`value`](crate::Differentiable::value), a conversion to an integer or printing, a replay must have the same value
//! there.
//!
//! # Programs from programs
//!
//! [`gradient_program`](Program::gradient_program),
//! [`value_and_gradient_program`](Program::value_and_gradient_program), [`jvp_program`](Program::jvp_program),
//! [`vjp_program`](Program::vjp_program) and [`hessian_program`](Program::hessian_program) give derivatives as
//! programs, [`then`](Program::then) composes two programs, and [`call`](Program::call) runs a program on any
//! numbers. A function may also compute derivatives itself, over traced numbers. The rules of derivatives add no
//! guards: the policy on zeros and NaN is recorded with them, and `transform/speculate.rs` explains why it costs
//! almost nothing.
//!
//! # Sparse derivatives
//!
//! The graph shows which outputs depend on which inputs (`sparse/dependence.rs`). Inputs of one colour are seeded
//! together. Their tangents, except those that are structurally zero, are packed into dual numbers and written as one
//! program (`transform/products.rs`), which is evaluated at one point or in a batch like any other. Only if that
//! program would be too large, the colours are evaluated in lanes by the jvp's program, with the point as parameters.
//! [`SparseJacobian`](crate::sparse::SparseJacobian) decides.
//!
//! # Custom rules
//!
//! If a recorded function calls a [`CustomRule`](crate::CustomRule), the call is kept: each replay computes its value
//! again, and its derivatives are graphs, recorded when they are first needed (`record/rule.rs`). Calls have no
//! instructions and no lanes, so a program that calls a rule is evaluated by the walk, and its batches point by
//! point.
//!
//! # Loops and calls
//!
//! [Loops](crate::loops), and large programs called from others, are also rules, but the graph of their step is known
//! (`one/step.rs`, which runs it repeatedly). If they are short, they are written out before instructions or a plan
//! are made (`transform/unroll.rs`); the adjoints are then added in another order than turn by turn. Long ones are
//! walked, and each turn runs by instructions.
//!
//! # What holds
//!
//! At one point, a program computes the bits of the function itself. In batches, a product and a sum may be rounded
//! once instead of twice, and elementary functions are within 2 units in the last place, except in values on which
//! guards depend. Derivatives follow the policy of [`rules`](crate::rules) everywhere: if a batch meets a singular
//! point, its task evaluates the points one by one.
//!
//! # Where things go
//!
//! The chapter "Extending" of the guide (`docs/guide/src/extending.md`) says which files a new operation, pass,
//! reduction or backend touches.

mod batch;
mod ir;
mod lanes;
pub(crate) mod one;
mod plan;
mod record;
pub(crate) mod routine;
mod simd;
pub(crate) mod sparse;
mod transform;

pub use batch::{BatchWorkspace, Compiled, Part, Points, Results, Rows, Selected, Sum, SumTree, Sums};
pub use ir::graph::Graph;
pub use ir::view::{GuardView, Kind, NodeView};
// The nn crate clips on tapes with the same factor as lanes do.
#[doc(hidden)]
pub use lanes::clip::clip_factor;
use lanes::sweep::ByLanes;
pub use one::Workspace;
pub(crate) use one::{StepMemory, StepProgram};
pub use plan::Wrt;
use record::recorder;
pub use record::{Outputs, Recording, Traced};
use simd::elementary::Elementary;

use crate::{Error, Scalar};
use one::{Deferred, Machines};
use plan::Plan;
use std::fmt;
use std::sync::{Arc, OnceLock};
use transform::speculate::{Speculation, speculate};
use transform::unroll::{MOST, unroll};

/// A plain number in which programs are recorded and evaluated: `f32` or `f64`.
///
/// It is sealed, as [`Scalar`] is.
///
/// ```
/// use dualtape::{Error, Program, ProgramScalar};
/// fn square<F: ProgramScalar>() -> Result<Program<F>, Error> {
///     Program::record(|x| x[0] * x[0], &[F::one()])
/// }
/// let square = square::<f32>()?;
/// assert_eq!(square.value(&mut square.workspace(), &[3.0])?, 9.0);
/// # Ok::<(), Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "programs do not compute with `{Self}`",
    label = "programs compute with `f32` and `f64`"
)]
pub trait ProgramScalar: Scalar + Elementary + ByLanes {
    /// Where this thread keeps its current recording.
    #[doc(hidden)]
    fn recorder() -> &'static recorder::Place<Self>;
}

/// A recorded function, ready to be evaluated and differentiated at any point.
///
/// It is immutable, `Send` and `Sync`; an evaluation writes to a [`Workspace`] of the caller.
///
/// ```
/// use dualtape::{Float, Program};
///
/// let program = Program::record(|x| (x[0] * x[1]).sin() + x[0], &[1.0_f64, 2.0])?;
/// let (mut workspace, mut gradient) = (program.workspace(), [0.0; 2]);
/// let value = program.gradient(&mut workspace, &[0.0, 3.0], &mut gradient)?;
/// assert_eq!((value, gradient), (0.0, [4.0, 0.0]));
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Program<F> {
    graph: Graph<F>,
    /// The nodes that must not be NaN if this program is to be used, if it is speculative.
    watched: Vec<u32>,
    /// The recorded program, if this is its speculative form.
    recorded: Option<Box<Self>>,
    /// How the outputs and the gradient are evaluated at one point.
    values_at_one: Deferred<F>,
    gradient_at_one: Deferred<F>,
    /// The outputs, and products with their Jacobian.
    jvp_at_one: Deferred<F>,
    vjp_at_one: Deferred<F>,
    /// The gradient, and the Hessian times a direction.
    hvp_at_one: Deferred<F>,
    /// Machine code, if a compiler was given.
    machines: Option<Arc<Machines<F>>>,
    /// The program with its calls written out, if it has calls and they can be.
    unrolled: OnceLock<Option<Box<Self>>>,
    /// The program as one step, to be called from other programs.
    as_step: OnceLock<Arc<StepProgram<F>>>,
    /// How batches are evaluated; planned at the first batch.
    plan: OnceLock<Plan<F>>,
}

impl<F: ProgramScalar> Program<F> {
    /// Records a function of `x`. The function returns one output or several, as an array or a vector.
    ///
    /// All numbers of `x` are data of the program. At one point this makes no difference; a batch takes a row of data
    /// for each point. If some numbers are the same for all points, use [`record_with_data`](Self::record_with_data).
    ///
    /// The function runs once, at `x`. If it branches on a comparison, the program holds the side taken at `x`, and
    /// is an error at points where the function would take the other side.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] above 2²⁶ nodes and operands, and [`Error::EqualityHeld`] if two numbers with derivatives
    /// were equal; see [`Recording`] for both.
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
    /// Values that depend on parameters only are then computed once for a batch. At a single point, the inputs are
    /// the parameters followed by the data.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] above 2²⁶ nodes and operands, and [`Error::EqualityHeld`] if two numbers were equal and
    /// one of them depends on the parameters.
    ///
    /// # Panics
    ///
    /// If the function panics, or mixes numbers of two recordings.
    ///
    /// ```
    /// use dualtape::Program;
    /// let program = Program::record_with_data(|line, x| line[0] * x[0] + line[1], &[1.0; 2], &[1.0_f64])?;
    /// let mut gradient = [0.0; 3];
    /// let value = program.gradient(&mut program.workspace(), &[2.0, 1.0, 10.0], &mut gradient)?;
    /// assert_eq!((value, gradient), (21.0, [10.0, 1.0, 2.0]));
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
        self.graph.inputs()
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
        self.graph.parameters
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
        self.graph.data
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
        self.graph.outputs.len()
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
        let plan = self.plan();
        if plan.by_points {
            return self.graph.nodes.iter().filter(|node| node.is_operation()).count();
        }
        plan.schedule.runs.iter().map(|run| run.count as usize).sum()
    }

    /// The number of guards: recorded outcomes of comparisons. The program is valid only where all of them hold; see
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
        self.graph.guards.len()
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

impl<F: ProgramScalar> From<Graph<F>> for Program<F> {
    fn from(graph: Graph<F>) -> Self {
        match speculate(&graph, &mut []) {
            None => Self::new(graph, Vec::new(), None),
            Some(Speculation { graph: speculative, watched }) => {
                let recorded = Self::new(graph, Vec::new(), None);
                Self::new(speculative, watched, Some(Box::new(recorded)))
            }
        }
    }
}

impl<F: ProgramScalar> Program<F> {
    fn new(graph: Graph<F>, watched: Vec<u32>, recorded: Option<Box<Self>>) -> Self {
        Self {
            graph,
            watched,
            recorded,
            values_at_one: Deferred::default(),
            gradient_at_one: Deferred::default(),
            jvp_at_one: Deferred::default(),
            vjp_at_one: Deferred::default(),
            hvp_at_one: Deferred::default(),
            unrolled: OnceLock::new(),
            machines: None,
            as_step: OnceLock::new(),
            plan: OnceLock::new(),
        }
    }

    /// How batches are evaluated.
    fn plan(&self) -> &Plan<F> {
        self.plan.get_or_init(|| {
            let program = self.planned();
            Plan::new(program.graph.clone(), &program.not_nan().collect::<Vec<_>>())
        })
    }

    /// The nodes that must not be NaN, so that the results of the graph are those of the recording.
    fn not_nan(&self) -> impl Iterator<Item = u32> {
        let outputs = self.recorded.iter().flat_map(|_| &self.graph.outputs);
        self.watched.iter().chain(outputs).copied()
    }

    /// The program to which the plan belongs.
    fn planned(&self) -> &Self {
        self.without_calls().unwrap_or(self)
    }

    /// This program with its calls written out; `None` if there are calls that cannot be written out, or that have
    /// too many operations.
    fn without_calls(&self) -> Option<&Self> {
        if self.graph.calls.is_empty() {
            return Some(self);
        }
        let unroll = || unroll(self.recorded_graph(), MOST).map(|graph| Box::new(Self::from(graph)));
        self.unrolled.get_or_init(unroll).as_deref()
    }
}

impl Recording {
    /// Records a function of parameters and data; see [`Program::record_with_data`].
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] above the limit, and [`Error::EqualityHeld`] unless equalities are allowed.
    ///
    /// # Panics
    ///
    /// If the function panics, or mixes numbers of two recordings.
    ///
    /// ```
    /// use dualtape::program::Recording;
    /// let program = Recording::new().program(|p, x| p[0] * x[0], &[1.0], &[1.0_f64])?;
    /// assert_eq!((program.parameters(), program.data()), (1, 1));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn program<F: ProgramScalar, O: Outputs<F>>(
        self,
        f: impl FnOnce(&[Traced<F>], &[Traced<F>]) -> O,
        parameters: &[F],
        data: &[F],
    ) -> Result<Program<F>, Error> {
        self.graph(f, parameters, data).map(Program::from)
    }
}

impl<F: ProgramScalar> fmt::Display for Program<F> {
    /// Writes the counts, then a line for each run.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} parameters, {} data, {} outputs, {} operations, {} guards",
            self.parameters(),
            self.data(),
            self.outputs(),
            self.operations(),
            self.guards(),
        )?;
        self.plan().fmt(f)
    }
}
