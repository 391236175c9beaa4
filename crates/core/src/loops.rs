//! Loops: a step that is repeated, and differentiated while storing only a few states.
//!
//! A plain loop in Rust works with every number of this crate, but a tape or a recording of it grows with each turn.
//! [`scan`] and [`repeat_while`] take the body of the loop as a [`Step`], and keep the loop as one operation: a
//! recording holds the step once, and the reverse sweep stores some states ([`Checkpoints`]) and recomputes the
//! others. They work in every mode and at every order, and can be nested. A *turn* is one execution of the step;
//! besides the state, it may take inputs and give outputs.
//!
//! ```
//! use dualtape::loops::{Step, scan};
//! use dualtape::{Differentiable, Error, Float, Program, gradient};
//!
//! /// A pendulum, by symplectic steps of Euler. State: angle and speed. Parameters: length, and width of a step.
//! #[derive(Clone)]
//! struct Pendulum;
//!
//! impl Step for Pendulum {
//!     type Scalar = f64;
//!     fn step<D: Differentiable<Scalar = f64>>(
//!         &self,
//!         state: &mut [D],
//!         _input: &[D],
//!         parameters: &[D],
//!         _output: &mut [D],
//!     ) -> Result<(), Error> {
//!         state[1] -= state[0].sin() * 9.81 / parameters[0] * parameters[1];
//!         state[0] += state[1] * parameters[1];
//!         Ok(())
//!     }
//! }
//!
//! /// The angle after a second, for a length.
//! fn angle<D: Differentiable<Scalar = f64>>(length: D) -> D {
//!     let (start, parameters) = ([D::constant(0.5), D::zero()], [length, D::constant(1e-5)]);
//!     scan(&Pendulum, 100_000, &start, &[], &parameters).expect("nothing is refused").state[0]
//! }
//!
//! let (value, gradient) = gradient(|x| angle(x[0]), &[1.0]); // one statement on the tape
//! let program = Program::record(|x| angle(x[0]), &[1.0])?; // the step, once
//! assert!(program.graph().len() < 10);
//! let mut again = [0.0];
//! assert_eq!(program.gradient(&mut program.workspace(), &[1.0], &mut again)?, value);
//! assert!((again[0] - gradient[0]).abs() < 1e-9);
//! # use num_traits::Zero;
//! # Ok::<(), Error>(())
//! ```

mod checkpoints;
mod record;
mod recorded;
mod sweep;
mod turns;
mod written;

pub use checkpoints::Checkpoints;
pub(crate) use record::Record;
pub(crate) use recorded::RecordedLoop;
#[doc(hidden)]
pub use recorded::Run;

use crate::{Differentiable, Error, ProgramScalar};
use std::fmt;
use std::sync::Arc;
use turns::Turns;
use written::{Recorded, WrittenLoop};

/// One step of a loop, for any number type.
///
/// Values that the step captures are the same in each turn and have no derivative; pass values that have one as
/// parameters. The step is cloned for each call that a tape or a recording keeps, so a step that holds much data
/// should hold it in an `Arc`.
///
/// # Branches
///
/// Write choices with [`select`](Differentiable::select): such a step is recorded once, and is correct everywhere. A
/// step that branches by an `if` (with `<` or another comparison, or with [`value`](Differentiable::value)) is
/// slower. It is correct wherever the step itself runs: on plain numbers, on duals, on tapes, and for values and
/// gradients of programs. Whatever a program derives from a recording knows one side only, the side of the first turn
/// where it was recorded, and is [`Error::BranchChanged`] elsewhere: `hvp`, `jvp`, Hessians and derivatives as
/// programs.
///
/// Use `==` only for numbers without derivatives: if it finds two numbers of a step equal in value, a reverse sweep
/// is [`Error::EqualityHeld`]. Compare plain values (`x.value() == y.value()`).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the step of a loop",
    label = "a `Step` is needed here",
    note = "a closure works with numbers of one kind only: implement `dualtape::loops::Step` for a struct"
)]
pub trait Step: Clone + Send + Sync + 'static {
    /// The plain number.
    type Scalar: ProgramScalar;

    /// How many inputs each turn takes, besides the state and the parameters.
    fn inputs(&self) -> usize {
        0
    }

    /// How many outputs each turn gives, besides the next state, for a state of the given length.
    fn outputs(&self, states: usize) -> usize {
        let _ = states;
        0
    }

    /// Replaces the state by the next one, and writes the outputs of the turn into a slice whose length is
    /// [`outputs`](Self::outputs).
    ///
    /// # Errors
    ///
    /// The errors of the loops and rules that it calls.
    fn step<D: Differentiable<Scalar = Self::Scalar>>(
        &self,
        state: &mut [D],
        input: &[D],
        parameters: &[D],
        output: &mut [D],
    ) -> Result<(), Error>;
}

/// The result of a [`scan`].
#[derive(Clone, Debug, PartialEq)]
pub struct Scanned<D> {
    /// The state after the last turn.
    pub state: Vec<D>,
    /// The outputs of the turns, one after the other.
    pub outputs: Vec<D>,
}

/// Repeats a step a given number of times, from a first state. `inputs` holds the inputs of the turns, one after the
/// other.
///
/// [`Scan`] does the same with other [`Checkpoints`], and keeps what it has prepared for the next call. If the number
/// of turns should differ from replay to replay, count the turns in the state, and use [`repeat_while`].
///
/// # Errors
///
/// [`Error::Length`] if the number of inputs is not that of all turns, the errors of the step, and those of
/// [branches](Step#branches).
///
/// # Panics
///
/// The sweep of a tape panics if the derivatives of the step fail, because it cannot return an error.
///
/// ```
/// use dualtape::loops::{Step, scan};
/// use dualtape::{Differentiable, Error, gradient};
///
/// /// A polynomial by Horner's scheme. State: the value so far. Input: a coefficient. Parameter: x.
/// #[derive(Clone)]
/// struct Horner;
///
/// impl Step for Horner {
///     type Scalar = f64;
///     fn inputs(&self) -> usize { 1 }
///     fn outputs(&self, _: usize) -> usize { 1 }
///     fn step<D: Differentiable<Scalar = f64>>(
///         &self,
///         state: &mut [D],
///         input: &[D],
///         parameters: &[D],
///         output: &mut [D],
///     ) -> Result<(), Error> {
///         state[0] = state[0] * parameters[0] + input[0];
///         output[0] = state[0];
///         Ok(())
///     }
/// }
///
/// let scanned = scan(&Horner, 3, &[0.0], &[1.0, 2.0, 3.0], &[10.0])?; // x² + 2x + 3
/// assert_eq!((scanned.state, scanned.outputs), (vec![123.0], vec![1.0, 12.0, 123.0]));
/// let gradient = gradient(
///     |x| scan(&Horner, 3, &[0.0.into()], &x[..3], &x[3..]).expect("the lengths fit").state[0],
///     &[1.0, 2.0, 3.0, 10.0],
/// );
/// assert_eq!(gradient.1, [100.0, 10.0, 1.0, 22.0]);
/// # Ok::<(), Error>(())
/// ```
pub fn scan<S: Step, D: Differentiable<Scalar = S::Scalar>>(
    step: &S,
    turns: usize,
    start: &[D],
    inputs: &[D],
    parameters: &[D],
) -> Result<Scanned<D>, Error> {
    Scan::new(step.clone(), turns).run(start, inputs, parameters)
}

/// Repeats a step from a first state, as long as the condition holds for the state and the parameters; returns the
/// last state.
///
/// The condition sees plain values. The number of turns may differ from replay to replay, but this change has no
/// derivative: the derivative is that of the turns taken. The step has neither inputs nor outputs.
///
/// # Errors
///
/// [`Error::Rule`] if the condition still holds after `at_most` turns; otherwise the errors of [`scan`].
///
/// ```
/// use dualtape::loops::{Step, repeat_while};
/// use dualtape::{Differentiable, Error, Float, Program};
///
/// /// A step of Newton's method for the square root of the parameter.
/// #[derive(Clone)]
/// struct Newton;
///
/// impl Step for Newton {
///     type Scalar = f64;
///     fn step<D: Differentiable<Scalar = f64>>(
///         &self,
///         state: &mut [D],
///         _input: &[D],
///         parameters: &[D],
///         _output: &mut [D],
///     ) -> Result<(), Error> {
///         state[0] = (state[0] + parameters[0] / state[0]) * 0.5;
///         Ok(())
///     }
/// }
///
/// fn root<D: Differentiable<Scalar = f64>>(x: D) -> D {
///     let is_off = |z: &[f64], p: &[f64]| (z[0] * z[0] - p[0]).abs() > 1e-12 * p[0];
///     repeat_while(is_off, &Newton, &[D::constant(1.0)], &[x], 100).expect("it converges from 1")[0]
/// }
/// let (program, mut gradient) = (Program::record(|x| root(x[0]), &[2.0])?, [0.0]);
/// // Farther from the start, it takes more turns than where it was recorded.
/// let value = program.gradient(&mut program.workspace(), &[1e6], &mut gradient)?;
/// assert!((value - 1e3).abs() < 1e-9 && (gradient[0] - 0.5e-3).abs() < 1e-12);
/// # Ok::<(), Error>(())
/// ```
pub fn repeat_while<S: Step, D: Differentiable<Scalar = S::Scalar>>(
    condition: impl Fn(&[S::Scalar], &[S::Scalar]) -> bool + Send + Sync + 'static,
    step: &S,
    start: &[D],
    parameters: &[D],
    at_most: usize,
) -> Result<Vec<D>, Error> {
    RepeatWhile::new(condition, step.clone(), at_most).run(start, parameters)
}

/// A loop with a given number of turns, which can be run many times: the step is recorded once for all runs with as
/// many states and parameters as the first. See [`scan`], which records it for each call.
///
/// ```
/// use dualtape::loops::{Checkpoints, Scan, Step};
/// use dualtape::{Differentiable, Error, Float, gradient};
///
/// #[derive(Clone)]
/// struct Logistic;
///
/// impl Step for Logistic {
///     type Scalar = f64;
///     fn step<D: Differentiable<Scalar = f64>>(
///         &self,
///         state: &mut [D],
///         _input: &[D],
///         parameters: &[D],
///         _output: &mut [D],
///     ) -> Result<(), Error> {
///         state[0] = parameters[0] * state[0] * (-state[0] + 1.0);
///         Ok(())
///     }
/// }
///
/// // A hundred turns, of which at most eight states are stored at once.
/// let map = Scan::new(Logistic, 100).checkpoints(Checkpoints::Snapshots(8));
/// for rate in [2.0, 2.5] {
///     let (value, gradient) =
///         gradient(|x| map.run(&[0.3.into()], &[], x).expect("nothing is refused").state[0], &[rate]);
///     // It comes to rest at 1 − 1/r.
///     assert!((value - (1.0 - 1.0 / rate)).abs() < 1e-12 && (gradient[0] - 1.0 / rate.powi(2)).abs() < 1e-12);
/// }
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct Scan<S: Step> {
    step: S,
    turns: usize,
    checkpoints: Checkpoints,
    recorded: Arc<Recorded<S::Scalar>>,
}

impl<S: Step> fmt::Debug for Scan<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut scan = f.debug_struct("Scan");
        scan.field("turns", &self.turns).field("checkpoints", &self.checkpoints).finish_non_exhaustive()
    }
}

impl<S: Step> Scan<S> {
    /// A loop with a given number of turns; each call stores states in at most 32 MiB.
    pub fn new(step: S, turns: usize) -> Self {
        Self { step, turns, checkpoints: Checkpoints::default(), recorded: Arc::default() }
    }

    /// The same loop with other checkpoints.
    #[must_use]
    pub fn checkpoints(self, checkpoints: Checkpoints) -> Self {
        Self { checkpoints, ..self }
    }

    /// Runs the loop; see [`scan`].
    ///
    /// # Errors
    ///
    /// The errors of [`scan`].
    pub fn run<D: Differentiable<Scalar = S::Scalar>>(
        &self,
        start: &[D],
        inputs: &[D],
        parameters: &[D],
    ) -> Result<Scanned<D>, Error> {
        let taken_in = self.turns.saturating_mul(self.step.inputs());
        Error::check_length("list of inputs of a loop", "turn and input", taken_in, inputs.len())?;
        let turns = Turns::Exactly(self.turns);
        let mut state =
            run(&self.step, turns, self.checkpoints, &self.recorded, [start, inputs, parameters])?;
        let outputs = state.split_off(start.len());
        Ok(Scanned { state, outputs })
    }
}

/// A loop that continues while a condition holds, and can be run many times: the step is recorded once for all runs.
/// See [`repeat_while`].
#[derive(Clone)]
pub struct RepeatWhile<S: Step> {
    step: S,
    condition: turns::Condition<S::Scalar>,
    at_most: usize,
    checkpoints: Checkpoints,
    recorded: Arc<Recorded<S::Scalar>>,
}

impl<S: Step> fmt::Debug for RepeatWhile<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut repeat = f.debug_struct("RepeatWhile");
        repeat.field("at_most", &self.at_most).field("checkpoints", &self.checkpoints).finish_non_exhaustive()
    }
}

impl<S: Step> RepeatWhile<S> {
    /// A loop of at most the given number of turns, which stores states in at most 32 MiB.
    pub fn new(
        condition: impl Fn(&[S::Scalar], &[S::Scalar]) -> bool + Send + Sync + 'static,
        step: S,
        at_most: usize,
    ) -> Self {
        let checkpoints = Checkpoints::default();
        Self { step, condition: Arc::new(condition), at_most, checkpoints, recorded: Arc::default() }
    }

    /// The same loop with other checkpoints.
    #[must_use]
    pub fn checkpoints(self, checkpoints: Checkpoints) -> Self {
        Self { checkpoints, ..self }
    }

    /// Runs the loop; see [`repeat_while`].
    ///
    /// # Errors
    ///
    /// The errors of [`repeat_while`].
    pub fn run<D: Differentiable<Scalar = S::Scalar>>(
        &self,
        start: &[D],
        parameters: &[D],
    ) -> Result<Vec<D>, Error> {
        for (what, given) in [
            ("list of inputs of a turn of `repeat_while`", self.step.inputs()),
            ("list of outputs of a turn of `repeat_while`", self.step.outputs(start.len())),
        ] {
            Error::check_length(what, "turn, as the number of turns is not known", 0, given)?;
        }
        let shown = [start.len(), parameters.len()];
        let turns = Turns::While { condition: Arc::clone(&self.condition), shown, at_most: self.at_most };
        run(&self.step, turns, self.checkpoints, &self.recorded, [start, &[], parameters])
    }
}

/// Runs a loop: turn after turn if nothing is recorded, and otherwise as one call.
fn run<S: Step, D: Differentiable<Scalar = S::Scalar>>(
    step: &S,
    turns: Turns<S::Scalar>,
    checkpoints: Checkpoints,
    recorded: &Arc<Recorded<S::Scalar>>,
    [start, inputs, parameters]: [&[D]; 3],
) -> Result<Vec<D>, Error> {
    let this = WrittenLoop {
        step: step.clone(),
        turns,
        checkpoints,
        states: start.len(),
        parameters: parameters.len(),
        recorded: recorded.of([start.len(), parameters.len()], D::RECORDS),
    };
    checkpoints.schedule(1, None)?;
    let given = this.turns.listed().checked_mul(step.outputs(start.len()));
    if given.and_then(|given| given.checked_add(start.len())).is_none() {
        let reason = format!("{} turns would give out more numbers than can be counted", this.turns.listed());
        return Err(Error::Rule { rule: "loop", reason });
    }
    let x = [start, inputs, parameters].concat();
    if D::RETAINS { D::call(&this, &x) } else { this.run(&x) }
}
