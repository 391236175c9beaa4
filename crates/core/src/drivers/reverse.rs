//! `Reverse`: reverse mode for loops, which allocates nothing once its buffers are large enough.

use crate::reverse::{Adjoint, Block, Mark, Spare, WIDTH, recycle};
use crate::rules::seed;
use crate::{Differentiable, Error, Tape, Var};
use std::panic::Location;

/// A tape and its buffers, in memory that is reused by each gradient.
///
/// ```
/// use dualtape::Reverse;
///
/// let mut reverse = Reverse::new();
/// let (mut x, mut gradient) = ([1.0, 2.0_f64], [0.0; 2]);
/// for _ in 0..100 {
///     reverse.gradient(|x| x[0] * x[0] + x[1] * x[1] * 3.0, &x, &mut gradient)?;
///     for (x, gradient) in x.iter_mut().zip(gradient) {
///         *x -= 0.1 * gradient;
///     }
/// }
/// assert!(x.iter().all(|x| x.abs() < 1e-6));
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Debug)]
pub struct Reverse<T: Differentiable> {
    tape: Tape<T>,
    /// The memory of the inputs; empty between calls.
    inputs: Vec<Spare<T>>,
    /// The memory of the outputs; empty between calls.
    outputs: Vec<Spare<T>>,
    /// The places of the outputs on the tape; `None` for constants.
    places: Vec<Option<usize>>,
    /// All zero between calls, unless a call was interrupted.
    adjoints: Vec<T>,
    /// As `adjoints`, for several outputs at once.
    blocks: Vec<Block<T>>,
    /// Whether a function panicked and left adjoints behind.
    cut_short: bool,
}

impl<T: Differentiable> Default for Reverse<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Differentiable> Reverse<T> {
    /// An empty tape and empty buffers.
    ///
    /// ```
    /// let mut reverse = dualtape::Reverse::new();
    /// let mut gradient = [0.0];
    /// for x in [1.0, 2.0, 3.0] {
    ///     reverse.gradient(|x| x[0] * x[0], &[x], &mut gradient)?;
    ///     assert_eq!(gradient, [2.0 * x]);
    /// }
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn new() -> Self {
        Self {
            tape: Tape::for_inputs(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            places: Vec::new(),
            adjoints: Vec::new(),
            blocks: Vec::new(),
            cut_short: false,
        }
    }

    /// Writes the gradient of `f` at `x` into `gradient`, and returns the value.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `gradient` does not have the length of `x`.
    ///
    /// ```
    /// use dualtape::{Differentiable, Reverse};
    /// let mut gradient = [0.0; 3];
    /// let value = Reverse::new().gradient(|x| Differentiable::norm(x), &[2.0, 3.0, 6.0], &mut gradient)?;
    /// assert_eq!((value, gradient), (7.0, [2.0 / 7.0, 3.0 / 7.0, 6.0 / 7.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn gradient<Func>(&mut self, f: Func, x: &[T], gradient: &mut [T]) -> Result<T, Error>
    where
        Func: for<'t> FnOnce(&[Var<'t, T>]) -> Var<'t, T>,
    {
        Error::check_length("gradient", "input", x.len(), gradient.len())?;
        let mut f = Some(f);
        let mut value = T::zero();
        self.sweep_points(x, [()], |x, ()| (f.take().expect("there is one point"))(x), |y, _| value = y);
        self.take_gradient(gradient);
        Ok(value)
    }

    /// Visits the value and the gradient of `f(parameters, point)` with respect to the parameters, point
    /// after point.
    ///
    /// The parameters are recorded once. Each point is recorded, swept and dropped, so the tape never holds more than
    /// one point.
    ///
    /// ```
    /// use dualtape::Float;
    ///
    /// let mut norms: Vec<f64> = Vec::new();
    /// dualtape::Reverse::new().for_each_gradient(
    ///     &[2.0, 1.0],
    ///     &[(1.0, 3.0), (2.0, 6.0)],
    ///     |line, &(x, y)| (line[0] * x + line[1] - y).powi(2),
    ///     |_, gradient| norms.push(gradient[0].hypot(gradient[1])),
    /// );
    /// assert_eq!(norms, [0.0, 4.0_f64.hypot(2.0)]);
    /// ```
    pub fn for_each_gradient<P, Func>(
        &mut self,
        parameters: &[T],
        points: impl IntoIterator<Item = P>,
        f: Func,
        mut visit: impl FnMut(T, &[T]),
    ) where
        Func: for<'t> FnMut(&[Var<'t, T>], P) -> Var<'t, T>,
    {
        self.sweep_points(parameters, points, f, |value, gradient| {
            visit(value, gradient);
            gradient.fill(T::zero());
        });
    }

    /// Writes the gradient of the sum of `f(parameters, point)` over all points into `gradient`, and
    /// returns the sum. Both are added up in the order of the points.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `gradient` does not have the length of `parameters`.
    ///
    /// ```
    /// use dualtape::Float;
    ///
    /// let points = [(1.0, 3.0), (2.0, 6.0)];
    /// let mut gradient = [0.0; 2];
    /// let loss = dualtape::Reverse::new().sum_gradient(
    ///     &[2.0, 1.0],
    ///     &points,
    ///     |line, &(x, y)| (line[0] * x + line[1] - y).powi(2),
    ///     &mut gradient,
    /// )?;
    /// assert_eq!((loss, gradient), (1.0, [-4.0, -2.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn sum_gradient<P, Func>(
        &mut self,
        parameters: &[T],
        points: impl IntoIterator<Item = P>,
        f: Func,
        gradient: &mut [T],
    ) -> Result<T, Error>
    where
        Func: for<'t> FnMut(&[Var<'t, T>], P) -> Var<'t, T>,
    {
        Error::check_length("gradient", "parameter", parameters.len(), gradient.len())?;
        let mut sum = T::zero();
        self.sweep_points(parameters, points, f, |value, _| sum += value);
        self.take_gradient(gradient);
        Ok(sum)
    }

    /// Writes the values of `f` at `x` into `values`, and its Jacobian into `jacobian`: a row for each
    /// output, with a number for each input. One sweep serves eight outputs.
    ///
    /// `f` writes its outputs into the slice that it is given, which has the length of `values`.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `jacobian` does not hold `values.len() · x.len()` numbers.
    ///
    /// ```
    /// let (mut values, mut jacobian) = ([0.0; 2], [0.0; 4]);
    /// dualtape::Reverse::new().jacobian(
    ///     |x, y| {
    ///         y[0] = x[0] * x[1];
    ///         y[1] = x[0] + x[1];
    ///     },
    ///     &[3.0, 4.0],
    ///     &mut values,
    ///     &mut jacobian,
    /// )?;
    /// assert_eq!((values, jacobian), ([12.0, 7.0], [4.0, 3.0, 1.0, 1.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn jacobian<Func>(
        &mut self,
        f: Func,
        x: &[T],
        values: &mut [T],
        jacobian: &mut [T],
    ) -> Result<(), Error>
    where
        Func: for<'t> FnOnce(&[Var<'t, T>], &mut [Var<'t, T>]),
    {
        let columns = x.len();
        Error::check_length("Jacobian", "output and input", values.len() * columns, jacobian.len())?;
        let mark = self.record(f, x, values);
        if columns == 0 {
            self.cut_short = false;
            return Ok(());
        }
        let outputs = self.places.chunks(WIDTH).zip(values.chunks(WIDTH));
        for ((places, values), rows) in outputs.zip(jacobian.chunks_mut(WIDTH * columns)) {
            let nodes = self.tape.extent(places.iter().copied(), mark.nodes());
            self.blocks.resize(self.blocks.len().max(nodes), Block::zero());
            for (lane, (place, value)) in places.iter().zip(values).enumerate() {
                if let Some(place) = *place {
                    self.blocks[place].0[lane] = seed(value, T::one());
                }
            }
            self.tape.sweep_down_to(mark, &mut self.blocks[..nodes]);
            for (column, block) in self.blocks[..columns].iter_mut().enumerate() {
                for (lane, row) in rows.chunks_mut(columns).enumerate() {
                    row[column] = block.0[lane];
                }
                *block = Block::zero();
            }
        }
        self.cut_short = false;
        Ok(())
    }

    /// Writes the values of `f` at `x` into `values`, and `cotangent` times its Jacobian into `product`,
    /// which has a number for each input.
    ///
    /// `f` writes its outputs into the slice that it is given, which has the length of `values`.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `cotangent` does not have the length of `values`, or `product` does not have that of `x`.
    ///
    /// ```
    /// let (mut values, mut product) = ([0.0; 2], [0.0; 2]);
    /// dualtape::Reverse::new().vjp(
    ///     |x, y| {
    ///         y[0] = x[0] * x[1];
    ///         y[1] = x[0] + x[1];
    ///     },
    ///     &[3.0, 4.0],
    ///     &[1.0, 10.0],
    ///     &mut values,
    ///     &mut product,
    /// )?;
    /// assert_eq!((values, product), ([12.0, 7.0], [14.0, 13.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn vjp<Func>(
        &mut self,
        f: Func,
        x: &[T],
        cotangent: &[T],
        values: &mut [T],
        product: &mut [T],
    ) -> Result<(), Error>
    where
        Func: for<'t> FnOnce(&[Var<'t, T>], &mut [Var<'t, T>]),
    {
        Error::check_length("cotangent", "output", values.len(), cotangent.len())?;
        Error::check_length("product", "input", x.len(), product.len())?;
        let mark = self.record(f, x, values);
        let nodes = self.tape.extent(self.places.iter().copied(), mark.nodes());
        self.adjoints.resize(self.adjoints.len().max(nodes), T::zero());
        for (place, (value, &weight)) in self.places.iter().zip(values.iter().zip(cotangent)) {
            if let Some(place) = *place {
                self.adjoints[place] += seed(value, weight);
            }
        }
        self.tape.sweep_down_to(mark, &mut self.adjoints[..nodes]);
        self.take_gradient(product);
        self.cut_short = false;
        Ok(())
    }

    /// Starts a recording on a clean tape with clean adjoints.
    fn begin(&mut self) {
        self.tape.rewind(Mark::default());
        if self.cut_short {
            self.adjoints.fill(T::zero());
            self.blocks.fill(Block::zero());
        }
        self.cut_short = true;
    }

    /// Where, since the last call of this function, numbers of equal values were found unequal because their
    /// derivatives may differ.
    pub(crate) fn take_equality(&self) -> Option<&'static Location<'static>> {
        self.tape.take_equality()
    }

    /// Records a function of several outputs, and notes their places; returns where the inputs end.
    fn record<Func>(&mut self, f: Func, x: &[T], values: &mut [T]) -> Mark
    where
        Func: for<'t> FnOnce(&[Var<'t, T>], &mut [Var<'t, T>]),
    {
        self.begin();
        let Self { tape, inputs, outputs, places, .. } = self;
        let mut inputs_here: Vec<Var<'_, T>> = recycle(std::mem::take(inputs));
        let mut outputs_here: Vec<Var<'_, T>> = recycle(std::mem::take(outputs));
        tape.vars_into(x, &mut inputs_here);
        outputs_here.resize(values.len(), Var::lift(T::zero()));
        let mark = tape.mark();
        f(&inputs_here, &mut outputs_here);
        places.clear();
        for (y, value) in outputs_here.iter().zip(values) {
            *value = y.primal();
            places.push(tape.index_of(y));
        }
        *inputs = recycle(inputs_here);
        *outputs = recycle(outputs_here);
        mark
    }

    /// Records the parameters. Then, for each point: records it, sweeps it onto the adjoints of the parameters,
    /// rewinds, and passes these adjoints to `after`.
    fn sweep_points<P, Func>(
        &mut self,
        parameters: &[T],
        points: impl IntoIterator<Item = P>,
        mut f: Func,
        mut after: impl FnMut(T, &mut [T]),
    ) where
        Func: for<'t> FnMut(&[Var<'t, T>], P) -> Var<'t, T>,
    {
        self.begin();
        let Self { tape, inputs, adjoints, cut_short, .. } = self;
        let mut inputs_here: Vec<Var<'_, T>> = recycle(std::mem::take(inputs));
        tape.vars_into(parameters, &mut inputs_here);
        let mark = tape.mark();
        adjoints.resize(mark.nodes().max(adjoints.len()), T::zero());
        for point in points {
            let y = f(&inputs_here, point);
            if let Some(output) = tape.index_of(&y) {
                let nodes = tape.extent([Some(output)].into_iter(), 0);
                adjoints.resize(adjoints.len().max(nodes), T::zero());
                adjoints[output] += seed(&y.primal(), T::one());
                tape.sweep_down_to(mark, &mut adjoints[..nodes]);
            }
            tape.rewind(mark);
            after(y.primal(), &mut adjoints[..parameters.len()]);
        }
        *inputs = recycle(inputs_here);
        *cut_short = false;
    }

    /// Moves the adjoints of the inputs out, leaving zeros.
    fn take_gradient(&mut self, gradient: &mut [T]) {
        let adjoints = &mut self.adjoints[..gradient.len()];
        gradient.copy_from_slice(adjoints);
        adjoints.fill(T::zero());
    }
}
