//! `Compiled`: a function with a program for each path that it has taken.

use crate::program::batch::points::{Points, Selected};
use crate::program::{BatchWorkspace, Program, Results, Sums, Traced, Workspace};
use crate::{Error, ProgramScalar};

/// How many paths are kept by default.
const KEPT: usize = 16;

/// A function of parameters and data with one output. It is recorded again whenever it takes a new path, so it is
/// correct at every point, however it branches.
///
/// The paths used last are kept, sixteen by default; when there are more, the path not used for longest is dropped.
/// If a function takes another path at nearly every point (for example because it reads plain values), a tape is a
/// better choice.
///
/// ```
/// use dualtape::{Differentiable, program::Compiled};
///
/// fn bent<D: Differentiable<Scalar = f64>>(_: &[D], x: &[D]) -> D {
///     if x[0] > D::literal(0.0) { x[0] * x[0] } else { x[0] * -3.0 }
/// }
///
/// let mut branching = Compiled::new(bent);
/// let mut gradient = [0.0];
/// assert_eq!(branching.gradient(&[], &[5.0], &mut gradient)?, 25.0);
/// assert_eq!(gradient, [10.0]);
/// assert_eq!(branching.gradient(&[], &[-2.0], &mut gradient)?, 6.0);
/// assert_eq!(gradient, [-3.0]);
/// assert_eq!(branching.paths(), 2);
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Debug)]
pub struct Compiled<F: ProgramScalar, Func> {
    function: Func,
    /// The last used comes first.
    programs: Vec<Program<F>>,
    kept: usize,
    workspace: Workspace<F>,
    batch: BatchWorkspace<F>,
    /// The points without a result so far, and those that a program could not evaluate.
    waiting: Vec<usize>,
    taken: Vec<usize>,
    inputs: Vec<F>,
    part: Vec<F>,
}

impl<F, Func> Compiled<F, Func>
where
    F: ProgramScalar,
    Func: Fn(&[Traced<F>], &[Traced<F>]) -> Traced<F>,
{
    /// A function of parameters and data, not recorded yet.
    ///
    /// ```
    /// use dualtape::program::Compiled;
    /// let mut product = Compiled::new(|p, x| p[0] * x[0]);
    /// assert_eq!(product.paths(), 0); // recorded when it is first needed
    /// let mut gradient = [0.0; 2];
    /// assert_eq!(product.gradient(&[3.0], &[4.0_f64], &mut gradient)?, 12.0);
    /// assert_eq!(gradient, [4.0, 3.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn new(function: Func) -> Self {
        Self::keeping(KEPT, function)
    }

    /// The same, keeping at most the given number of paths, and at least one.
    ///
    /// ```
    /// use dualtape::{Differentiable, Float, program::Compiled};
    /// let mut bent = Compiled::keeping(1, |_, x| if x[0] > 0.0.into() { x[0] * x[0] } else { -x[0] });
    /// let mut gradient = [0.0];
    /// for (x, expected) in [(3.0, 6.0), (-3.0, -1.0), (5.0, 10.0)] {
    ///     bent.gradient(&[], &[x], &mut gradient)?;
    ///     assert_eq!((gradient, bent.paths()), ([expected], 1));
    /// }
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn keeping(paths: usize, function: Func) -> Self {
        Self {
            function,
            programs: Vec::new(),
            kept: paths.max(1),
            workspace: Workspace::default(),
            batch: BatchWorkspace::default(),
            waiting: Vec::new(),
            taken: Vec::new(),
            inputs: Vec::new(),
            part: Vec::new(),
        }
    }

    /// How many paths are kept at present.
    ///
    /// ```
    /// use dualtape::program::Compiled;
    /// let mut smaller = Compiled::new(|_, x| if x[0] < x[1] { x[0] } else { x[1] });
    /// let mut gradient = [0.0; 2];
    /// for point in [[1.0, 2.0], [2.0, 1.0], [3.0, 4.0]] {
    ///     smaller.gradient(&[], &point, &mut gradient)?;
    /// }
    /// assert_eq!(smaller.paths(), 2);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn paths(&self) -> usize {
        self.programs.len()
    }

    /// The value at one point, and its gradient: parameters, then data.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `gradient` does not have the length of both, [`Error::TooLarge`] if a path takes more than
    /// 2²⁶ nodes and operands, [`Error::EqualityHeld`] if two numbers are found equal, and the errors of the rules that
    /// the function calls.
    ///
    /// # Panics
    ///
    /// If the function panics, or mixes numbers of two recordings.
    ///
    /// ```
    /// use dualtape::{num_traits::ToPrimitive, program::Compiled};
    /// // A power by repeated multiplication: each exponent is a path of its own.
    /// let mut power = Compiled::new(|x, n| (0..n[0].to_usize().unwrap()).map(|_| x[0]).product());
    /// let mut gradient = [0.0; 2];
    /// assert_eq!(power.gradient(&[2.0], &[3.0], &mut gradient)?, 8.0);
    /// assert_eq!(gradient, [12.0, 0.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn gradient(&mut self, parameters: &[F], data: &[F], gradient: &mut [F]) -> Result<F, Error> {
        let count = parameters.len() + data.len();
        Error::check_length("gradient", "input", count, gradient.len())?;
        self.choose(parameters, data)?;
        self.programs[0].gradient(&mut self.workspace, &self.inputs, gradient)
    }

    /// The sum of the values over all points, and its gradient with respect to the parameters.
    ///
    /// Points that take the same path are computed together. Which paths are known, and so the order of summation,
    /// depends on earlier calls; the result is the same up to rounding.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `gradient` does not have the length of `parameters`, or points differ in length, and the
    /// other errors of [`gradient`](Self::gradient).
    ///
    /// # Panics
    ///
    /// If the function panics, or mixes numbers of two recordings.
    ///
    /// ```
    /// use dualtape::{Float, program::{Compiled, Rows}};
    /// // The absolute error, by a branch.
    /// let mut miss = Compiled::new(|p, x| if p[0] > x[0] { p[0] - x[0] } else { x[0] - p[0] });
    /// let mut gradient = [0.0];
    /// let sum = miss.sum_gradient(&[3.0], &Rows::new(&[1.0, 2.0, 7.0], 1), &mut gradient)?;
    /// assert_eq!((sum, gradient), (7.0, [1.0])); // 2 + 1 + 4, and 1 + 1 − 1
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn sum_gradient<P: Points<F> + ?Sized>(
        &mut self,
        parameters: &[F],
        points: &P,
        gradient: &mut [F],
    ) -> Result<F, Error> {
        Error::check_length("gradient", "parameter", parameters.len(), gradient.len())?;
        gradient.fill(F::zero());
        self.waiting.clear();
        self.waiting.extend(0..points.count());
        let mut sum = F::zero();
        while let Some(&next) = self.waiting.first() {
            self.choose(parameters, points.point(next))?;
            self.take_fitting(parameters, points)?;
            if self.taken.is_empty() {
                // Lanes refuse a point that the program accepts when it is alone: the sum then returns their error.
                self.waiting.remove(0);
                self.taken.push(next);
            }
            sum += self.sum_taken(parameters, points, gradient)?;
        }
        Ok(sum)
    }

    /// The sum over the points in `taken`, by the front program.
    fn sum_taken<P: Points<F> + ?Sized>(
        &mut self,
        parameters: &[F],
        points: &P,
        gradient: &mut [F],
    ) -> Result<F, Error> {
        self.part.resize(parameters.len(), F::zero());
        let chosen = Selected { points, indices: &self.taken };
        let results = Results { gradient: Some(&mut self.part), ..Results::none() };
        let part = self.programs[0]
            .sum(&mut self.batch, parameters, &chosen, &Sums::none(), results)
            .map_err(|error| error.with_point(|point| self.taken[point]))?;
        add(gradient, &self.part);
        Ok(part.value)
    }

    /// Moves the program for a point's path to the front, recording it if necessary, and leaves the point in
    /// `inputs`.
    fn choose(&mut self, parameters: &[F], data: &[F]) -> Result<(), Error> {
        self.inputs.clear();
        self.inputs.extend_from_slice(parameters);
        self.inputs.extend_from_slice(data);
        for place in 0..self.programs.len() {
            let program = &self.programs[place];
            if (program.parameters(), program.data()) != (parameters.len(), data.len()) {
                continue;
            }
            match program.value(&mut self.workspace, &self.inputs) {
                Ok(_) => {
                    self.programs[..=place].rotate_right(1);
                    return Ok(());
                }
                Err(Error::BranchChanged { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        let program = Program::record_with_data(&self.function, parameters, data)?;
        self.programs.truncate(self.kept - 1);
        self.programs.insert(0, program);
        Ok(())
    }

    /// Moves the waiting points that the front program can evaluate to `taken`.
    fn take_fitting<P: Points<F> + ?Sized>(&mut self, parameters: &[F], points: &P) -> Result<(), Error> {
        let Self { programs, batch, waiting, taken, .. } = self;
        taken.clear();
        let fits = programs[0].fits(batch, parameters, &Selected { points, indices: waiting })?;
        let mut flags = fits.iter();
        waiting.retain(|&point| {
            let fits = *flags.next().expect("there is a flag for each point");
            if fits {
                taken.push(point);
            }
            !fits
        });
        Ok(())
    }
}

/// Adds one gradient to another.
fn add<F: ProgramScalar>(gradient: &mut [F], part: &[F]) {
    for (derivative, &part) in gradient.iter_mut().zip(part) {
        *derivative += part;
    }
}
