//! L-BFGS over all samples at once, by argmin's solver.
//!
//! For small networks and data that fit in memory, it often needs far fewer passes over the data than training by batches.

use crate::{Error, Recorded};
use argmin::core::{CostFunction, Executor, Gradient, IterState, State, TerminationReason};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use dualtape::program::Points;
use std::cell::RefCell;

/// The settings of [`lbfgs`]. Liu and Nocedal, "On the limited memory BFGS method", 1989.
///
/// ```
/// use dualtape_nn::minimize::Lbfgs;
/// let patient = Lbfgs { iterations: 1000, ..Lbfgs::default() };
/// assert_eq!((patient.memory, patient.tolerance), (10, 1e-8));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lbfgs {
    /// How many earlier steps are stored; at least 1.
    pub memory: usize,
    /// The largest number of iterations; at least 1.
    pub iterations: u64,
    /// The norm of the gradient at which to stop; 0 or more.
    pub tolerance: f64,
}

impl Default for Lbfgs {
    fn default() -> Self {
        Self { memory: 10, iterations: 100, tolerance: 1e-8 }
    }
}

/// The result of a minimisation.
///
/// ```
/// use dualtape::{Float, program::Rows};
/// use dualtape_nn::{Recorded, minimize::{Lbfgs, lbfgs}};
///
/// // The number nearest to 1 and 3 misses both by 1.
/// let mut recorded = Recorded::new(1, 1, |p, x| (p[0] - x[0]).powi(2))?;
/// let found = lbfgs(&mut recorded, &mut [0.0], &Rows::new(&[1.0, 3.0], 1), Lbfgs::default())?;
/// assert!(found.converged && (found.loss - 1.0).abs() < 1e-12);
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Minimum {
    /// The mean loss at the parameters found.
    pub loss: f64,
    /// How many iterations were made.
    pub iterations: u64,
    /// Whether the gradient became as small as requested, or the loss stopped changing.
    pub converged: bool,
}

/// Minimises the mean loss of the samples. It starts from the given parameters, and writes the result to them.
///
/// # Errors
///
/// [`Error::Setting`] if a setting is out of range; [`Error::Minimize`] if the search fails (for instance, because the loss
/// is not finite), or a slice does not fit the recording. The parameters then stay unchanged.
///
/// ```
/// use dualtape::{Float, program::Rows};
/// use dualtape_nn::{Recorded, minimize::{Lbfgs, lbfgs}};
///
/// // A line through (0, 1), (1, 3), (2, 5).
/// let mut recorded = Recorded::new(2, 2, |p, s| (p[0] * s[0] + p[1] - s[1]).powi(2))?;
/// let points = [0.0, 1.0, 1.0, 3.0, 2.0, 5.0];
/// let mut line = [0.0; 2];
/// let found = lbfgs(&mut recorded, &mut line, &Rows::new(&points, 2), Lbfgs::default())?;
/// assert!(found.converged && (line[0] - 2.0).abs() < 1e-6 && (line[1] - 1.0).abs() < 1e-6, "{line:?}");
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
pub fn lbfgs<P: Points<f64> + ?Sized>(
    recorded: &mut Recorded<f64>,
    parameters: &mut [f64],
    samples: &P,
    settings: Lbfgs,
) -> Result<Minimum, Error> {
    for (what, count) in
        [("memory of L-BFGS", settings.memory as u64), ("number of iterations", settings.iterations)]
    {
        if count == 0 {
            return Err(Error::Setting { what, given: "0".to_owned(), expected: "at least 1" });
        }
    }
    let failed = |error: argmin::core::Error| match error.downcast::<Error>() {
        Ok(own) => own,
        Err(other) => Error::Minimize { problem: other.to_string() },
    };
    let solver = LBFGS::new(MoreThuenteLineSearch::new(), settings.memory);
    let solver = solver.with_tolerance_grad(settings.tolerance).map_err(failed)?;
    let problem = Problem { recorded: RefCell::new(recorded), samples };
    let configure = |state: IterState<Vec<f64>, _, _, _, _, f64>| {
        state.param(parameters.to_vec()).max_iters(settings.iterations)
    };
    let done = Executor::new(problem, solver).configure(configure).run().map_err(failed)?;
    let state = done.state();
    let Some(best) = state.get_best_param() else {
        return Err(Error::Minimize { problem: "no point was tried".to_owned() });
    };
    parameters.copy_from_slice(best);
    let reason = state.get_termination_reason();
    Ok(Minimum {
        loss: state.get_best_cost(),
        iterations: state.get_iter(),
        converged: matches!(reason, Some(TerminationReason::SolverConverged)),
    })
}

/// The mean loss and its gradient, in the form that argmin requires.
struct Problem<'a, P: ?Sized> {
    recorded: RefCell<&'a mut Recorded<f64>>,
    samples: &'a P,
}

impl<P: Points<f64> + ?Sized> Problem<'_, P> {
    fn evaluate(&self, parameters: &[f64]) -> Result<(f64, Vec<f64>), argmin::core::Error> {
        let mut gradient = vec![0.0; parameters.len()];
        let batch = self.recorded.borrow_mut().mean(parameters, self.samples, None, &mut gradient)?;
        // Otherwise, the line search would search for ever for a point where NaN is small.
        if !(batch.loss.is_finite() && gradient.iter().all(|g| g.is_finite())) {
            let problem =
                format!("the loss or its gradient is not finite where the search looked: {}", batch.loss);
            return Err(Error::Minimize { problem }.into());
        }
        Ok((batch.loss, gradient))
    }
}

impl<P: Points<f64> + ?Sized> CostFunction for Problem<'_, P> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, parameters: &Vec<f64>) -> Result<f64, argmin::core::Error> {
        Ok(self.evaluate(parameters)?.0)
    }
}

impl<P: Points<f64> + ?Sized> Gradient for Problem<'_, P> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, parameters: &Vec<f64>) -> Result<Vec<f64>, argmin::core::Error> {
        Ok(self.evaluate(parameters)?.1)
    }
}
