//! Differential equations, solved by fixed steps. Derivatives are those of the steps taken (the *discrete adjoint*).
//!
//! A solution is a [loop](crate::loops): it is recorded once whatever the number of steps, and its derivative stores
//! only a few states. `examples/continuous_adjoint.rs` solves the adjoint equation instead.

use crate::loops::{Checkpoints, Scan, Step};
use crate::{Differentiable, Error, Float, ProgramScalar, Scalar};

/// The right-hand side of y′ = f(t, y, p).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the right-hand side of a differential equation",
    label = "a `Flow` is needed here",
    note = "a closure works with numbers of one kind only: implement `dualtape::ode::Flow` for a struct"
)]
pub trait Flow: Clone + Send + Sync + 'static {
    /// The plain number.
    type Scalar: ProgramScalar;

    /// Writes f(t, y, p), one number for each number of the state y. The rules for a [`Step`] apply here too.
    ///
    /// # Errors
    ///
    /// The errors of the loops and rules that it calls.
    fn derivative<D: Differentiable<Scalar = Self::Scalar>>(
        &self,
        time: D,
        state: &[D],
        parameters: &[D],
        derivative: &mut [D],
    ) -> Result<(), Error>;
}

/// An explicit Runge–Kutta method.
///
/// Source: Hairer, Nørsett, Wanner, Solving Ordinary Differential Equations I, 2nd edition, sections II.1 and II.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// One derivative in each step, of order 1.
    Euler,
    /// Two derivatives, of order 2.
    Midpoint,
    /// Four derivatives, of order 4: the classical method.
    RungeKutta4,
    /// Six derivatives, of order 5: the method of Dormand and Prince, without step size control.
    DormandPrince5,
}

/// The stages of a method: each has its time as a fraction of the step, and the weights of the stages before it. Then
/// come the weights of all stages.
struct Tableau {
    stages: &'static [(f64, &'static [f64])],
    weights: &'static [f64],
}

const EULER: Tableau = Tableau { stages: &[(0.0, &[])], weights: &[1.0] };

const MIDPOINT: Tableau = Tableau { stages: &[(0.0, &[]), (0.5, &[0.5])], weights: &[0.0, 1.0] };

const RUNGE_KUTTA_4: Tableau = Tableau {
    stages: &[(0.0, &[]), (0.5, &[0.5]), (0.5, &[0.0, 0.5]), (1.0, &[0.0, 0.0, 1.0])],
    weights: &[1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0],
};

const DORMAND_PRINCE_5: Tableau = Tableau {
    stages: &[
        (0.0, &[]),
        (0.2, &[0.2]),
        (0.3, &[3.0 / 40.0, 9.0 / 40.0]),
        (0.8, &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0]),
        (8.0 / 9.0, &[19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0]),
        (1.0, &[9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0]),
    ],
    weights: &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0],
};

impl Method {
    fn tableau(self) -> &'static Tableau {
        match self {
            Self::Euler => &EULER,
            Self::Midpoint => &MIDPOINT,
            Self::RungeKutta4 => &RUNGE_KUTTA_4,
            Self::DormandPrince5 => &DORMAND_PRINCE_5,
        }
    }
}

/// A differential equation with the way to solve it: the method, the number of steps, and which states are stored for
/// sweeps.
///
/// ```
/// use dualtape::ode::{Flow, Method, Solver};
/// use dualtape::{Differentiable, Error, gradient};
///
/// /// y′ = −p y, whose solution is y₀ exp(−p t).
/// #[derive(Clone)]
/// struct Decay;
///
/// impl Flow for Decay {
///     type Scalar = f64;
///     fn derivative<D: Differentiable<Scalar = f64>>(
///         &self,
///         _time: D,
///         state: &[D],
///         parameters: &[D],
///         derivative: &mut [D],
///     ) -> Result<(), Error> {
///         derivative[0] = -(state[0] * parameters[0]);
///         Ok(())
///     }
/// }
///
/// let solver = Solver::new(Decay, Method::DormandPrince5, 100);
/// // With respect to the end, the start value, and the rate.
/// let (y, gradient) = gradient(
///     |x| solver.end([0.0.into(), x[0]], &x[1..2], &x[2..]).expect("nothing is refused")[0],
///     &[2.0, 3.0, 0.5],
/// );
/// let exact = 3.0 * (-1.0_f64).exp();
/// assert!((y - exact).abs() < 1e-10);
/// for (gradient, exact) in gradient.iter().zip([-0.5 * exact, exact / 3.0, -2.0 * exact]) {
///     assert!((gradient - exact).abs() < 1e-9);
/// }
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Solver<F: Flow> {
    scan: Scan<OneStep<F>>,
    path: Scan<OneStep<F>>,
    steps: usize,
}

impl<F: Flow> Solver<F> {
    /// Solves with the given number of steps of equal width.
    pub fn new(flow: F, method: Method, steps: usize) -> Self {
        let giving_path = OneStep { flow: flow.clone(), method, gives_path: true };
        let step = OneStep { flow, method, gives_path: false };
        Self { scan: Scan::new(step, steps), path: Scan::new(giving_path, steps), steps }
    }

    /// The same solver, with other states stored for sweeps.
    #[must_use]
    pub fn checkpoints(self, checkpoints: Checkpoints) -> Self {
        let Self { scan, path, steps } = self;
        Self { scan: scan.checkpoints(checkpoints), path: path.checkpoints(checkpoints), steps }
    }

    /// The state at the end of an interval of time, `[from, to]`, given the state at `from`.
    ///
    /// # Errors
    ///
    /// The errors of the flow, and of [`scan`](crate::loops::scan); [`Error::Rule`] for more steps than the numbers can
    /// count, which is 2²⁴ for `f32`.
    pub fn end<D: Differentiable<Scalar = F::Scalar>>(
        &self,
        time: [D; 2],
        start: &[D],
        parameters: &[D],
    ) -> Result<Vec<D>, Error> {
        let (start, parameters) = self.arguments(time, start, parameters)?;
        let mut end = self.scan.run(&start, &[], &parameters)?.state;
        end.remove(0);
        Ok(end)
    }

    /// The states after each step, without the start: all numbers of the first state, then all of the second, and so
    /// on.
    ///
    /// # Errors
    ///
    /// The errors of [`end`](Self::end).
    ///
    /// ```
    /// # use dualtape::ode::{Flow, Method, Solver};
    /// # use dualtape::{Differentiable, Error};
    /// /// y′ = t.
    /// #[derive(Clone)]
    /// struct Ramp;
    ///
    /// impl Flow for Ramp {
    ///     type Scalar = f64;
    ///     fn derivative<D: Differentiable<Scalar = f64>>(
    ///         &self,
    ///         time: D,
    ///         _: &[D],
    ///         _: &[D],
    ///         derivative: &mut [D],
    ///     ) -> Result<(), Error> {
    ///         derivative[0] = time;
    ///         Ok(())
    ///     }
    /// }
    /// let path = Solver::new(Ramp, Method::Midpoint, 3).path([0.0, 6.0], &[1.0], &[])?;
    /// assert_eq!(path, [3.0, 9.0, 19.0]); // 1 + t²/2
    /// # Ok::<(), Error>(())
    /// ```
    pub fn path<D: Differentiable<Scalar = F::Scalar>>(
        &self,
        time: [D; 2],
        start: &[D],
        parameters: &[D],
    ) -> Result<Vec<D>, Error> {
        let (start, parameters) = self.arguments(time, start, parameters)?;
        Ok(self.path.run(&start, &[], &parameters)?.outputs)
    }

    /// The first state of the loop is the number of steps taken, then the flow's state. Its parameters are the start
    /// and the width of a step, then the flow's parameters.
    fn arguments<D: Differentiable>(
        &self,
        [from, to]: [D; 2],
        start: &[D],
        parameters: &[D],
    ) -> Result<(Vec<D>, Vec<D>), Error> {
        // Steps are counted in the flow's numbers: in f32, 2²⁴ + 1 is no number.
        let most = 2.0 / <D::Scalar as Float>::epsilon().wide();
        if self.steps as f64 > most {
            let reason = format!("{} steps are more than its numbers can count, {most}", self.steps);
            return Err(Error::Rule { rule: "ode", reason });
        }
        let width = (to - from) / D::literal(self.steps as f64);
        Ok(([&[D::zero()], start].concat(), [&[from, width], parameters].concat()))
    }
}

/// One step of a method. Its state is the number of steps taken, then the flow's state. Its parameters are the time
/// at the start and the width of a step, then the flow's parameters.
#[derive(Clone, Debug)]
struct OneStep<F> {
    flow: F,
    method: Method,
    /// Whether each step outputs its state.
    gives_path: bool,
}

impl<F: Flow> Step for OneStep<F> {
    type Scalar = F::Scalar;

    fn outputs(&self, states: usize) -> usize {
        if self.gives_path { states - 1 } else { 0 }
    }

    fn step<D: Differentiable<Scalar = F::Scalar>>(
        &self,
        state: &mut [D],
        _: &[D],
        parameters: &[D],
        output: &mut [D],
    ) -> Result<(), Error> {
        let (taken, state) = state.split_first_mut().expect("the number of steps is a part of the state");
        let (&[from, width], parameters) =
            parameters.split_first_chunk().expect("there are two more parameters");
        // Computed from the number of steps and not by adding up, so that rounding errors do not accumulate.
        let time = from + width * *taken;
        let Tableau { stages, weights } = self.method.tableau();
        let mut derivatives: Vec<Vec<D>> = Vec::with_capacity(stages.len());
        for &(part, before) in *stages {
            let at = moved(state, &derivatives, before, width);
            let mut derivative = vec![D::zero(); state.len()];
            self.flow.derivative(time + width * D::literal(part), &at, parameters, &mut derivative)?;
            derivatives.push(derivative);
        }
        let next = moved(state, &derivatives, weights, width);
        state.copy_from_slice(&next);
        output.copy_from_slice(&next[..output.len()]);
        *taken += D::one();
        Ok(())
    }
}

/// The state plus the width times the weighted sum of the derivatives.
fn moved<D: Differentiable>(state: &[D], derivatives: &[Vec<D>], weights: &[f64], width: D) -> Vec<D> {
    let along = |(index, &y): (usize, &D)| {
        let weighted = derivatives.iter().zip(weights).filter(|&(_, &weight)| weight != 0.0);
        let sum =
            weighted.map(|(derivative, &weight)| derivative[index] * D::literal(weight)).reduce(|a, b| a + b);
        sum.map_or(y, |sum| y + sum * width)
    };
    state.iter().enumerate().map(along).collect()
}
