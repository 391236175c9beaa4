//! `Reverse`: reverse mode for loops, which allocates nothing once warm.

use crate::reverse::{Mark, Spare, recycle};
use crate::{Error, Scalar, Tape, Var};

/// A tape and its buffers, kept from one gradient to the next.
///
/// ```
/// use dualtape::Reverse;
///
/// let mut reverse = Reverse::new();
/// let (mut x, mut slope) = ([1.0, 2.0_f64], [0.0; 2]);
/// for _ in 0..100 {
///     reverse.gradient(|x| x[0] * x[0] + x[1] * x[1] * 3.0, &x, &mut slope)?;
///     for (x, slope) in x.iter_mut().zip(slope) {
///         *x -= 0.1 * slope;
///     }
/// }
/// assert!(x.iter().all(|x| x.abs() < 1e-6));
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Debug)]
pub struct Reverse<F: Scalar> {
    tape: Tape<F>,
    /// The memory of the inputs; empty between calls.
    inputs: Vec<Spare<F>>,
    /// All zero between calls, unless one was cut short.
    adjoints: Vec<F>,
    /// Whether a function panicked, so that adjoints were left behind.
    cut_short: bool,
}

impl<F: Scalar> Default for Reverse<F> {
    fn default() -> Self {
        Self::new()
    }
}

impl<F: Scalar> Reverse<F> {
    /// An empty tape and empty buffers.
    pub fn new() -> Self {
        Self { tape: Tape::for_inputs(), inputs: Vec::new(), adjoints: Vec::new(), cut_short: false }
    }

    /// Writes the gradient of `f` at `x` into `gradient`, and returns the value.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `gradient` has not the length of `x`.
    pub fn gradient<Func>(&mut self, f: Func, x: &[F], gradient: &mut [F]) -> Result<F, Error>
    where
        Func: for<'t> FnOnce(&[Var<'t, F>]) -> Var<'t, F>,
    {
        Error::check_length("gradient", "input", x.len(), gradient.len())?;
        let mut f = Some(f);
        let mut value = F::zero();
        self.sweep_points(x, [()], |x, ()| (f.take().expect("there is one point"))(x), |y, _| value = y);
        self.take_gradient(gradient);
        Ok(value)
    }

    /// Visits the value and the gradient of `f(parameters, point)` with respect to the parameters, point
    /// after point.
    ///
    /// The parameters are recorded once; each point is recorded, swept and forgotten, so the tape stays as
    /// short as one point makes it.
    ///
    /// ```
    /// use dualtape::Float;
    ///
    /// let mut norms: Vec<f64> = Vec::new();
    /// dualtape::Reverse::new().for_each_gradient(
    ///     &[2.0, 1.0],
    ///     &[(1.0, 3.0), (2.0, 6.0)],
    ///     |line, &(x, y)| (line[0] * x + line[1] - y).powi(2),
    ///     |_, slope| norms.push(slope[0].hypot(slope[1])),
    /// );
    /// assert_eq!(norms, [0.0, 4.0_f64.hypot(2.0)]);
    /// ```
    pub fn for_each_gradient<P, Func>(
        &mut self,
        parameters: &[F],
        points: impl IntoIterator<Item = P>,
        f: Func,
        mut visit: impl FnMut(F, &[F]),
    ) where
        Func: for<'t> FnMut(&[Var<'t, F>], P) -> Var<'t, F>,
    {
        self.sweep_points(parameters, points, f, |value, gradient| {
            visit(value, gradient);
            gradient.fill(F::zero());
        });
    }

    /// Writes the gradient of the sum of `f(parameters, point)` over all points into `gradient`, and
    /// returns the sum. Both are added up in the order of the points.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `gradient` has not the length of `parameters`.
    ///
    /// ```
    /// use dualtape::Float;
    ///
    /// let points = [(1.0, 3.0), (2.0, 6.0)];
    /// let mut slope = [0.0; 2];
    /// let loss = dualtape::Reverse::new().sum_gradient(
    ///     &[2.0, 1.0],
    ///     &points,
    ///     |line, &(x, y)| (line[0] * x + line[1] - y).powi(2),
    ///     &mut slope,
    /// )?;
    /// assert_eq!((loss, slope), (1.0, [-4.0, -2.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn sum_gradient<P, Func>(
        &mut self,
        parameters: &[F],
        points: impl IntoIterator<Item = P>,
        f: Func,
        gradient: &mut [F],
    ) -> Result<F, Error>
    where
        Func: for<'t> FnMut(&[Var<'t, F>], P) -> Var<'t, F>,
    {
        Error::check_length("gradient", "parameter", parameters.len(), gradient.len())?;
        let mut sum = F::zero();
        self.sweep_points(parameters, points, f, |value, _| sum += value);
        self.take_gradient(gradient);
        Ok(sum)
    }

    /// Records the parameters, and for each point: records it, sweeps it onto the parameters' adjoints,
    /// rewinds, and hands those to `after`.
    fn sweep_points<P, Func>(
        &mut self,
        parameters: &[F],
        points: impl IntoIterator<Item = P>,
        mut f: Func,
        mut after: impl FnMut(F, &mut [F]),
    ) where
        Func: for<'t> FnMut(&[Var<'t, F>], P) -> Var<'t, F>,
    {
        self.tape.rewind(Mark::default());
        if std::mem::replace(&mut self.cut_short, true) {
            self.adjoints.fill(F::zero());
        }
        let Self { tape, inputs, adjoints, cut_short } = self;
        let mut inputs_here: Vec<Var<'_, F>> = recycle(std::mem::take(inputs));
        inputs_here.extend(parameters.iter().map(|&x| tape.var(x)));
        let mark = tape.mark();
        adjoints.resize(mark.nodes().max(adjoints.len()), F::zero());
        for point in points {
            let y = f(&inputs_here, point);
            if let Some(output) = tape.index_of(&y) {
                adjoints.resize(adjoints.len().max(output + 1), F::zero());
                adjoints[output] += F::one();
                tape.sweep_down_to(mark, &mut adjoints[..=output]);
            }
            tape.rewind(mark);
            after(y.primal(), &mut adjoints[..parameters.len()]);
        }
        *inputs = recycle(inputs_here);
        *cut_short = false;
    }

    /// Moves the adjoints of the inputs out, leaving zeros.
    fn take_gradient(&mut self, gradient: &mut [F]) {
        let adjoints = &mut self.adjoints[..gradient.len()];
        gradient.copy_from_slice(adjoints);
        adjoints.fill(F::zero());
    }
}
